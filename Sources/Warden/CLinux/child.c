// The child's whole way from clone3(2) to execve(2), and its parent's half.
//
// The daemon has threads. In a child made without CLONE_VM only the calling thread lives on, and any lock that another
// one held (malloc's, stdio's, the loader's) stays locked for ever. So the child makes raw system calls only: no
// function of the C library, not even one that is "safe" by promise, and no `errno`.
#define _GNU_SOURCE
#include "CWardenLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "system_call.h"

/// What the child works with; on its own copy of the parent's stack.
struct child {
    const struct warden_spawn_plan *plan;
    int report;
    int gate;
};

// Writes to the report pipe. A broken pipe is not cared for: then nobody waits for the report.
static void report(const struct child *self, enum warden_stage stage, bool failed, size_t index, long error) {
    struct warden_spawn_record record = {
        .stage = (uint8_t)stage, .has_failed = failed, .index = (uint16_t)index, .error = (int32_t)error};
    SYSTEM_CALL(SYS_write, self->report, &record, sizeof record);
}

_Noreturn static void fail(const struct child *self, enum warden_stage stage, size_t index, long answer) {
    report(self, stage, true, index, -answer);
    for (;;) SYSTEM_CALL(SYS_exit_group, 127);
}

// Every signal, 32 and 33 (which the C library hides) included, goes back to its default: an ignored one would stay
// ignored across execve(2), and a handler would run the daemon's code here once the mask is lifted.
static void reset_signals(void) {
    // The kernel's struct sigaction, whose size is 32 bytes or less on every architecture; all zeros is SIG_DFL.
    // Static, or an unoptimised build would call memset(3) here.
    static const uint64_t by_default[4];
    for (int signal = 1; signal <= 64; signal++) {
        // SIGKILL and SIGSTOP answer EINVAL, and need nothing.
        SYSTEM_CALL(SYS_rt_sigaction, signal, by_default, 0, 8);
    }
    const uint64_t none = 0;
    SYSTEM_CALL(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, 8);
}

/// One entry of getdents64(2).
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t size;
    uint8_t type;
    char name[];
};

static long number_in(const char *name) {
    long number = 0;
    if (*name == 0) return -1;
    for (; *name; name++) {
        if (*name < '0' || *name > '9') return -1;
        number = number * 10 + (*name - '0');
    }
    return number;
}

// Marks every descriptor from `first` on, one by one, to be closed by execve(2).
static void mark_one_by_one(int first) {
    long directory = SYSTEM_CALL(SYS_openat, AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (directory < 0) {
        // No /proc: every number that there can be. The limit may be a million, so this is the last resort.
        uint64_t limit[2] = {1024, 1024};
        SYSTEM_CALL(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, limit);
        const uint64_t end = limit[0] < 1u << 20 ? limit[0] : 1u << 20;
        for (uint64_t number = (uint64_t)first; number < end; number++) {
            SYSTEM_CALL(SYS_fcntl, number, F_SETFD, FD_CLOEXEC);
        }
        return;
    }
    _Alignas(struct entry) char buffer[4096];
    long size;
    while ((size = SYSTEM_CALL(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < size;) {
            const struct entry *entry = (const struct entry *)(buffer + at);
            const long number = number_in(entry->name);
            if (number >= first) SYSTEM_CALL(SYS_fcntl, number, F_SETFD, FD_CLOEXEC);
            at += entry->size;
        }
    }
    SYSTEM_CALL(SYS_close, directory);
}

static void leave_open_below(const struct child *self, int first) {
    if (!(self->plan->flags & WARDEN_SPAWN_WITHOUT_CLOSE_RANGE)) {
        // The report pipe must outlive this, so the descriptors are marked, not closed (Linux 5.11).
        if (SYSTEM_CALL(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
    }
    // Linux 5.10, or a seccomp filter older than the call.
    mark_one_by_one(first);
}

// Puts the descriptors in their places. A source may lie where another is to go (a daemon that was started with
// standard input closed gets pipes numbered 0 to 2), so all such sources first move out of the way.
static void place_descriptors(struct child *self, int32_t *sources, size_t count) {
    if (self->gate >= 0 && self->gate < (int)count) {
        const long moved = SYSTEM_CALL(SYS_fcntl, self->gate, F_DUPFD_CLOEXEC, count);
        if (moved < 0) fail(self, WARDEN_STAGE_DESCRIPTORS, count, moved);
        self->gate = (int)moved;
    }
    if (self->report < (int)count) {
        const long moved = SYSTEM_CALL(SYS_fcntl, self->report, F_DUPFD_CLOEXEC, count);
        if (moved < 0) fail(self, WARDEN_STAGE_DESCRIPTORS, count, moved);
        self->report = (int)moved;
    }
    for (size_t place = 0; place < count; place++) {
        sources[place] = self->plan->descriptors[place];
        if (sources[place] < 0 || sources[place] >= (int)count || sources[place] == (int)place) continue;
        const long moved = SYSTEM_CALL(SYS_fcntl, sources[place], F_DUPFD_CLOEXEC, count);
        if (moved < 0) fail(self, WARDEN_STAGE_DESCRIPTORS, place, moved);
        sources[place] = (int32_t)moved;
    }
    for (size_t place = 0; place < count; place++) {
        long answer;
        if (sources[place] < 0) {
            SYSTEM_CALL(SYS_close, place);
            continue;
        }
        if (sources[place] == (int)place) {
            // dup3(2) refuses this case; without it the descriptor would be closed by execve(2).
            answer = SYSTEM_CALL(SYS_fcntl, place, F_SETFD, 0);
        } else {
            answer = SYSTEM_CALL(SYS_dup3, sources[place], place, 0);
        }
        if (answer < 0) fail(self, WARDEN_STAGE_DESCRIPTORS, place, answer);
    }
    leave_open_below(self, (int)count);
}

static void limit_resources(const struct child *self) {
    for (size_t index = 0; index < self->plan->limit_count; index++) {
        const struct warden_limit *limit = &self->plan->limits[index];
        const uint64_t values[2] = {limit->soft, limit->hard};
        const long answer = SYSTEM_CALL(SYS_prlimit64, 0, limit->resource, values, 0);
        if (answer < 0) fail(self, WARDEN_STAGE_LIMITS, index, answer);
    }
}

static void change_user(const struct child *self) {
    const struct warden_spawn_plan *plan = self->plan;
    long answer = SYSTEM_CALL(SYS_setgroups, plan->group_count, plan->groups);
    if (answer < 0) fail(self, WARDEN_STAGE_GROUPS, 0, answer);
    answer = SYSTEM_CALL(SYS_setresgid, plan->gid, plan->gid, plan->gid);
    if (answer < 0) fail(self, WARDEN_STAGE_GROUPS, 0, answer);
    answer = SYSTEM_CALL(SYS_setresuid, plan->uid, plan->uid, plan->uid);
    if (answer < 0) fail(self, WARDEN_STAGE_USER, 0, answer);
    // Trusted least where it matters most: whoever is another user now must be so in all three, and with no way back.
    uint32_t user[3], group[3];
    answer = SYSTEM_CALL(SYS_getresuid, &user[0], &user[1], &user[2]);
    if (answer < 0) fail(self, WARDEN_STAGE_USER, 0, answer);
    answer = SYSTEM_CALL(SYS_getresgid, &group[0], &group[1], &group[2]);
    if (answer < 0) fail(self, WARDEN_STAGE_GROUPS, 0, answer);
    for (int index = 0; index < 3; index++) {
        if (user[index] != plan->uid) fail(self, WARDEN_STAGE_USER, 0, -EPERM);
        if (group[index] != plan->gid) fail(self, WARDEN_STAGE_GROUPS, 0, -EPERM);
    }
    if (plan->uid != 0 && SYSTEM_CALL(SYS_setresuid, -1, 0, -1) == 0) fail(self, WARDEN_STAGE_USER, 0, -EPERM);
}

// execvp(3)'s rules: a candidate that is not there leads to the next one, and so does one that may not be executed, but
// then the answer is EACCES if none can. Unlike execvp(3), and like supervisord, a file without a known format is not
// handed to /bin/sh.
_Noreturn static void execute(const struct child *self) {
    const struct warden_spawn_plan *plan = self->plan;
    report(self, WARDEN_STAGE_EXECUTE, false, 0, 0);
    long worst = -ENOENT;
    size_t worst_index = 0;
    for (size_t index = 0; plan->candidates[index]; index++) {
        const long answer = SYSTEM_CALL(SYS_execve, plan->candidates[index], plan->argv, plan->envp);
        switch (-answer) {
        case EACCES:
            if (worst != -EACCES) worst_index = index;
            worst = -EACCES;
            break;
        case ENOENT:
        case ENOTDIR:
        case ESTALE:
        case ENODEV:
        case ETIMEDOUT:
            break;
        default:
            fail(self, WARDEN_STAGE_EXECUTE, index, answer);
        }
    }
    fail(self, WARDEN_STAGE_EXECUTE, worst_index, worst);
}

// The daemon opens the gate once it has put the pidfd where its successor finds it. Should it die before, the end of
// the pipe comes instead, and no program ever runs that nobody knows of.
static void wait_at_gate(const struct child *self) {
    if (self->gate < 0) return;
    char byte;
    long answer;
    // Only stopping and continuing can interrupt: every signal has its default by now.
    do answer = SYSTEM_CALL(SYS_read, self->gate, &byte, 1);
    while (answer == -EINTR);
    if (answer == 1) return;
    // Nobody may be left to read the report, and its end should not become SIGPIPE's. It is a signal that nothing else on
    // Linux sends: whoever holds the pidfd knows that no program ever ran, which an exit code could not tell.
    const uint64_t others = ~((uint64_t)1 << (WARDEN_GATE_SIGNAL - 1));
    SYSTEM_CALL(SYS_rt_sigprocmask, SIG_SETMASK, &others, 0, 8);
    report(self, WARDEN_STAGE_EXECUTE, true, 0, answer < 0 ? -answer : ECANCELED);
    SYSTEM_CALL(SYS_kill, SYSTEM_CALL(SYS_getpid), WARDEN_GATE_SIGNAL);
    for (;;) SYSTEM_CALL(SYS_exit_group, 127);
}

// Without CLONE_INTO_CGROUP: the child moves itself, so that nothing of the worker runs outside.
static void join_cgroup(const struct child *self) {
    const bool is_optional = self->plan->flags & WARDEN_SPAWN_CGROUP_IS_OPTIONAL;
    const long file = SYSTEM_CALL(SYS_openat, self->plan->cgroup, "cgroup.procs", O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) {
        if (is_optional) return;
        fail(self, WARDEN_STAGE_CGROUP, 0, file);
    }
    const long answer = SYSTEM_CALL(SYS_write, file, "0", 1);
    if (answer < 0 && !is_optional) fail(self, WARDEN_STAGE_CGROUP, 0, answer);
    SYSTEM_CALL(SYS_close, file);
}

_Noreturn static void run_child(const struct warden_spawn_plan *plan, int report_end, int32_t *sources, bool joins) {
    // Member by member, or an unoptimised build would call memset(3) here.
    struct child self;
    self.plan = plan;
    self.report = report_end;
    self.gate = plan->gate;
    long answer;
    // First of all: while this copy is open, the end of the pipe cannot come.
    if (plan->gate >= 0) SYSTEM_CALL(SYS_close, plan->gate_writer);
    if (joins) join_cgroup(&self);
    if (plan->flags & WARDEN_SPAWN_NEW_GROUP) {
        answer = SYSTEM_CALL(SYS_setpgid, 0, 0);
        if (answer < 0) fail(&self, WARDEN_STAGE_PROCESS_GROUP, 0, answer);
    }
    reset_signals();
    // Descriptors before limits: under a small RLIMIT_NOFILE none could be moved out of the way.
    place_descriptors(&self, sources, plan->descriptor_count);
    limit_resources(&self);
    if (plan->changes_user) change_user(&self);
    if (plan->directory) {
        // Said in advance, like execve(2): a dead network file system holds the child here for as long as it likes.
        report(&self, WARDEN_STAGE_DIRECTORY, false, 0, 0);
        answer = SYSTEM_CALL(SYS_chdir, plan->directory);
        if (answer < 0) fail(&self, WARDEN_STAGE_DIRECTORY, 0, answer);
    }
    if (plan->umask >= 0) SYSTEM_CALL(SYS_umask, plan->umask);
    wait_at_gate(&self);
    execute(&self);
}

/// The child's table of descriptors is worked on in the parent's stack, of which the child has its own copy.
enum { MAXIMUM_DESCRIPTORS = 64 };

int warden_spawn(const struct warden_spawn_plan *plan, int report_end, int32_t *pid, int32_t *pidfd) {
    int32_t sources[MAXIMUM_DESCRIPTORS];
    if (plan->descriptor_count > MAXIMUM_DESCRIPTORS) return -EINVAL;

    // No signal may reach the child before its handlers are gone: it would run the daemon's handler, and a SIGTERM
    // would be lost. Raw, because the C library never blocks its own two signals.
    const uint64_t all = ~(uint64_t)0;
    uint64_t former = 0;
    SYSTEM_CALL(SYS_rt_sigprocmask, SIG_SETMASK, &all, &former, 8);

    int32_t handle = -1;
    long answer = -ENOSYS;
    bool joins = false;
    if (!(plan->flags & WARDEN_SPAWN_WITHOUT_CLONE3)) {
        struct clone_args arguments = {
            .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)&handle, .exit_signal = SIGCHLD};
        if (plan->cgroup >= 0) {
            arguments.flags |= CLONE_INTO_CGROUP;
            arguments.cgroup = (uint64_t)plan->cgroup;
        }
        answer = SYSTEM_CALL(SYS_clone3, &arguments, sizeof arguments);
    }
    // With a cgroup, EPERM may as well mean the cgroup: moving there is refused then, too.
    if (answer == -ENOSYS || answer == -EPERM) {
        // A seccomp filter cannot look into clone3's arguments, so containers often refuse it; clone(2) they let by.
        joins = plan->cgroup >= 0;
        answer = SYSTEM_CALL(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &handle, 0, 0);
    }
    if (answer < 0 && plan->cgroup >= 0 && (plan->flags & WARDEN_SPAWN_CGROUP_IS_OPTIONAL)) {
        // Removed meanwhile (ENODEV), threaded (EOPNOTSUPP), with controllers of its own (EBUSY), past its limit of
        // processes (EAGAIN), not ours (EACCES): a worker outside is better than none. Another failure fails again.
        joins = false;
        answer = SYSTEM_CALL(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &handle, 0, 0);
    }
    if (answer == 0) run_child(plan, report_end, sources, joins);

    SYSTEM_CALL(SYS_rt_sigprocmask, SIG_SETMASK, &former, 0, 8);
    if (answer < 0) return (int)answer;
    *pid = (int32_t)answer;
    *pidfd = handle;
    return 0;
}

int warden_open_gate(int gate_writer) { return (int)SYSTEM_CALL(SYS_write, gate_writer, "g", 1); }
