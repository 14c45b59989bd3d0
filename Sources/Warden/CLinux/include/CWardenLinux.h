// What Swift cannot do: the child's way from clone3(2) to execve(2), and calls that Swift's Glibc does not import
// (they need _GNU_SOURCE, are variadic, or have no wrapper in the C library of Debian 12).
//
// Every function answers with 0 or a positive value, or with a negative errno; none of them needs `errno`.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/types.h>

// MARK: - Spawning

/// The child's steps, in the order in which it takes them.
enum warden_stage {
    WARDEN_STAGE_CGROUP = 1,
    WARDEN_STAGE_PROCESS_GROUP = 2,
    WARDEN_STAGE_SIGNALS = 3,
    WARDEN_STAGE_DESCRIPTORS = 4,
    WARDEN_STAGE_LIMITS = 5,
    WARDEN_STAGE_GROUPS = 6,
    WARDEN_STAGE_USER = 7,
    WARDEN_STAGE_DIRECTORY = 8,
    WARDEN_STAGE_UMASK = 9,
    WARDEN_STAGE_EXECUTE = 10,
};

/// What the child writes to its report pipe: that it enters a step in which it can be stuck, or that a step failed.
/// Always whole, because it is far smaller than PIPE_BUF.
struct warden_spawn_record {
    /// `enum warden_stage`.
    uint8_t stage;
    /// 0: entered. 1: failed, and nothing follows.
    uint8_t has_failed;
    /// Which limit, descriptor or candidate it was about.
    uint16_t index;
    /// The errno of a failure.
    int32_t error;
};

struct warden_limit {
    /// RLIMIT_*.
    int32_t resource;
    uint64_t soft;
    uint64_t hard;
};

enum {
    /// The child leads a process group of its own.
    WARDEN_SPAWN_NEW_GROUP = 1,
    /// Pretend that clone3(2) does not exist.
    WARDEN_SPAWN_WITHOUT_CLONE3 = 2,
    /// Pretend that close_range(2) does not exist.
    WARDEN_SPAWN_WITHOUT_CLOSE_RANGE = 4,
    /// A cgroup that does not take the child is done without.
    WARDEN_SPAWN_CGROUP_IS_OPTIONAL = 8,
};

/// Everything that the child needs, prepared before it is born: it can neither allocate nor look anything up.
struct warden_spawn_plan {
    char *const *argv;
    char *const *envp;
    /// Paths to try in turn, ended by NULL.
    char *const *candidates;
    /// Where to go before execve(2); NULL stays.
    const char *directory;
    /// The new umask; -1 inherits.
    int32_t umask;
    /// Whether `uid`, `gid` and `groups` are to be taken on.
    bool changes_user;
    uint32_t uid;
    uint32_t gid;
    const uint32_t *groups;
    size_t group_count;
    const struct warden_limit *limits;
    size_t limit_count;
    /// `descriptors[i]` becomes descriptor i of the child; -1 leaves i closed. The child has no others.
    const int32_t *descriptors;
    size_t descriptor_count;
    /// A cgroup's directory to be born into; -1 stays in the daemon's.
    int32_t cgroup;
    uint32_t flags;
    /// The reading end of a CLOEXEC pipe: the child waits for one byte in it as its last step before execve(2), and
    /// ends when there is none. -1 waits for nothing.
    int32_t gate;
    /// The writing end, of which the child closes its copy first: it would wait for itself.
    int32_t gate_writer;
};

/// Starts a child. `report` is the writing end of a CLOEXEC pipe, which the caller closes afterwards.
///
/// - Returns: 0, or a negative errno when there is no child.
int warden_spawn(const struct warden_spawn_plan *plan, int report, int32_t *pid, int32_t *pidfd);
/// The signal by which a child ends whose gate is never opened: SIGSTKFLT, which nothing sends.
enum { WARDEN_GATE_SIGNAL = 16 };
/// Writes the byte that lets a child through its gate. -EPIPE when it is gone.
int warden_open_gate(int gate_writer);

// MARK: - Children

struct warden_exit {
    /// 0 when nothing has ended.
    int32_t pid;
    /// CLD_EXITED, CLD_KILLED or CLD_DUMPED.
    int32_t code;
    /// The exit code or the signal.
    int32_t status;
};

// Marks every descriptor from 3 on close-on-exec: libraries make some that are not.
void warden_keep_standard_streams_alone(void);

int warden_pidfd_open(int32_t pid);
int warden_pidfd_send_signal(int pidfd, int signal);
/// Signals the process group that a process leads, dead or alive, with no pid in between (Linux 6.9); -EINVAL before.
int warden_pidfd_send_signal_to_group(int pidfd, int signal);
/// Signals a process group.
int warden_signal_group(int32_t group, int signal);
/// waitid(2) of one child by its pidfd, without blocking. `keep` leaves it to be reaped later.
int warden_wait_pidfd(int pidfd, bool keep, struct warden_exit *result);
/// waitid(2) of the child `pid`, or with `pid` 0 of any, without blocking.
int warden_wait(int32_t pid, bool keep, struct warden_exit *result);
/// The exit status of a process that is not a child, by PIDFD_GET_INFO (Linux 6.15 and later); -ENODATA before its end.
int warden_pidfd_exit(int pidfd, int32_t *status);
/// 1 when the end of the process shows as a hang-up of its pidfd (Linux 6.9, asked for by PIDFD_GET_INFO of 6.13).
int warden_pidfd_hangs_up(int pidfd);
/// Whether it shows: 1 once the process has been reaped; where it does not hang up, once the process has ended.
int warden_pidfd_is_over(int pidfd, bool hangs_up);
int warden_become_subreaper(void);
/// prlimit(2); `pid` 0 is the caller. Either of `new_limit` and `old_limit` may be NULL; `resource` is the first's.
int warden_prlimit(int32_t pid, int resource, const struct warden_limit *new_limit, struct warden_limit *old_limit);

// MARK: - The daemon's own process

/// Forks, ends the parent with exit code 0, and leads a new session in the child. Before threads only.
int warden_daemonize(void);
/// `environ`.
char *const *warden_environment(void);
/// Lets a write to a closed pipe or socket answer EPIPE. Children get the default back.
int warden_ignore_broken_pipes(void);
int warden_set_thread_name(const char *name);

// MARK: - Descriptors

int warden_pipe2(int32_t ends[2], int flags);
int64_t warden_tee(int from, int to, size_t bytes, unsigned flags);
/// `to_offset` NULL for pipes and for the file's own position.
int64_t warden_splice(int from, int to, int64_t *to_offset, size_t bytes, unsigned flags);
int warden_set_pipe_capacity(int descriptor, int bytes);
int warden_get_pipe_capacity(int descriptor);
/// epoll_pwait2(2), with a time-out in nanoseconds; -1 waits for ever. -ENOSYS before Linux 5.11.
int warden_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int capacity, int64_t timeout);
/// ppoll(2) of one descriptor for input, with a time-out in nanoseconds; -1 waits for ever. 1 when it is readable.
int warden_wait_readable(int descriptor, int64_t timeout);
int warden_accept(int listener);

/// A bell between threads, which costs no descriptor: 0 is silent. It rings until it is silenced.
void warden_bell_ring(uint32_t *bell);
void warden_bell_silence(uint32_t *bell);
/// Waits for the bell, with a time-out in nanoseconds; -1 waits for ever. 1 when it rings; 0 may also be too early.
int warden_bell_wait(uint32_t *bell, int64_t timeout);

enum {
    WARDEN_O_PATH = 010000000,
    WARDEN_SPLICE_MOVE = 1,
    WARDEN_SPLICE_NONBLOCK = 2,
    WARDEN_SPLICE_MORE = 4,
    WARDEN_FALLOC_KEEP_SIZE = 1,
    WARDEN_FALLOC_PUNCH_HOLE = 2,
};

// MARK: - Memory that outlives the daemon

/// A memfd of `size` bytes, none of them reserved yet, sealed against another size.
int warden_memory_create(const char *name, int64_t size);
/// 1 when a file cannot become shorter and can be written to.
int warden_memory_is_sealed(int file);
/// Reserves pages, so that no store into them can end in SIGBUS.
int warden_memory_reserve(int file, int64_t offset, int64_t bytes);
/// Gives pages back; they read as zeros.
int warden_memory_discard(int file, int64_t offset, int64_t bytes);
/// Shared and writable; NULL when that fails, with the reason in `errno`.
void *warden_memory_map(int file, int64_t offset, size_t bytes);
void warden_memory_unmap(void *address, size_t bytes);
/// CRC32C, by the processor's instruction where it has one. `sum` is that of what came before, or 0.
uint32_t warden_crc32c(uint32_t sum, const void *bytes, size_t count);
/// The same without the instruction.
uint32_t warden_crc32c_by_table(uint32_t sum, const void *bytes, size_t count);

/// A place in mapped memory whose address is kept as a number.
__attribute__((returns_nonnull)) static inline void *warden_place(uintptr_t address) { return (void *)address; }
/// Stores a word after everything that was stored before it.
static inline void warden_store_last(void *place, uint64_t value) {
    __atomic_store_n((uint64_t *)place, value, __ATOMIC_RELEASE);
}
/// Nothing that is stored later comes before what was stored so far.
static inline void warden_store_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// MARK: - Sockets

/// A datagram socket, connected to a path or (with a leading `@`) an abstract name, non-blocking, with as much room for
/// what is sent as the kernel grants. -EAFNOSUPPORT for other kinds of addresses.
int warden_connect_notify_socket(const char *address, int send_buffer_bytes);
/// Sends a datagram with a descriptor, or with -1 without one, and never waits.
int warden_send_with_descriptor(int socket, const void *text, size_t count, int descriptor);

struct warden_peer {
    int32_t pid;
    uint32_t uid;
    uint32_t gid;
};

/// SO_PEERCRED.
int warden_peer_credentials(int socket, struct warden_peer *peer);
/// SO_PEERGROUPS: how many groups there are, even when that is more than `capacity` (nothing is stored then).
int warden_peer_groups(int socket, uint32_t *groups, size_t capacity);
/// Receives a datagram with its sender's credentials, without blocking. Descriptors that come with it are closed.
int64_t warden_receive_with_credentials(int socket, void *buffer, size_t capacity, struct warden_peer *sender);
/// Lets `warden_receive_with_credentials` know the sender (SO_PASSCRED).
int warden_pass_credentials(int socket);
/// A sockaddr_un is at most this long, its ending NUL included.
enum { WARDEN_SOCKET_PATH_CAPACITY = 108 };
/// mkdir(2) with the file-system identity of another user, in this thread alone. 0 or a negative errno.
int warden_make_directory_as(const char *path, unsigned mode, unsigned user, unsigned group);
int warden_bind_unix(int socket, const char *path);
int warden_connect_unix(int socket, const char *path);

// MARK: - Control groups

/// 1 when a directory belongs to the unified hierarchy.
int warden_is_cgroup2(int directory);
/// 1 when a file has an extended attribute of this value.
int warden_has_attribute(const char *path, const char *name, const char *value);

// MARK: - Texts

/// The errno in words, in English and never localised; NULL when there is no such errno.
const char *warden_error_text(int error);
