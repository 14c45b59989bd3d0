// Calls that Swift cannot make by itself. Each is one call of the kernel or of the C library.
#define _GNU_SOURCE
#include "CWardenLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "system_call.h"

static int64_t answer_or_errno(int64_t answer) { return answer < 0 ? -errno : answer; }

static struct timespec as_time(int64_t nanoseconds) {
    return (struct timespec){.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
}

// MARK: - Children

int warden_pidfd_open(int32_t pid) { return (int)SYSTEM_CALL(SYS_pidfd_open, pid, 0); }

int warden_pidfd_send_signal(int pidfd, int signal) {
    return (int)SYSTEM_CALL(SYS_pidfd_send_signal, pidfd, signal, 0, 0);
}

int warden_pidfd_send_signal_to_group(int pidfd, int signal) {
    return (int)SYSTEM_CALL(SYS_pidfd_send_signal, pidfd, signal, 0, 1 << 2 /* PIDFD_SIGNAL_PROCESS_GROUP */);
}

int warden_signal_group(int32_t group, int signal) {
    // -1 would be every process there is, and 0 the daemon's own group.
    if (group <= 1) return -EINVAL;
    return (int)SYSTEM_CALL(SYS_kill, -(long)group, signal);
}

static int wait_for(idtype_t kind, id_t id, bool keep, struct warden_exit *result) {
    siginfo_t info;
    // waitid(2) leaves si_pid alone on some kernels when nothing has ended.
    memset(&info, 0, sizeof info);
    const int options = WEXITED | WNOHANG | (keep ? WNOWAIT : 0);
    int answer;
    do answer = waitid(kind, id, &info, options);
    while (answer < 0 && errno == EINTR);
    if (answer < 0) return -errno;
    *result = (struct warden_exit){.pid = info.si_pid, .code = info.si_code, .status = info.si_status};
    return 0;
}

int warden_wait_pidfd(int pidfd, bool keep, struct warden_exit *result) {
    return wait_for((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, keep, result);
}

int warden_wait(int32_t pid, bool keep, struct warden_exit *result) {
    return wait_for(pid == 0 ? P_ALL : P_PID, (id_t)pid, keep, result);
}

// struct pidfd_info of Linux 6.13, as far as it is needed; Debian 12's headers do not have it.
struct information {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code;
};
enum { EXIT_WANTED = 1 << 3 };

int warden_pidfd_exit(int pidfd, int32_t *status) {
    struct information information = {.mask = EXIT_WANTED};
    if (ioctl(pidfd, _IOWR(0xFF, 11, struct information), &information) < 0) return -errno;
    if (!(information.mask & EXIT_WANTED)) return -ENODATA;
    *status = information.exit_code;
    return 0;
}

void warden_keep_standard_streams_alone(void) {
    // CLOSE_RANGE_CLOEXEC, of Linux 5.11.
    if (syscall(SYS_close_range, 3u, ~0u, 4u) == 0) return;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 1 << 20;
    for (int number = 3; (rlim_t)number < limit.rlim_cur; number++) fcntl(number, F_SETFD, FD_CLOEXEC);
}

int warden_pidfd_hangs_up(int pidfd) {
    struct information information = {.mask = EXIT_WANTED};
    // ESRCH is a process that was reaped, on a kernel that knows the question but keeps no exit status (6.13, 6.14).
    return ioctl(pidfd, _IOWR(0xFF, 11, struct information), &information) == 0 || errno == ESRCH;
}

int warden_pidfd_is_over(int pidfd, bool hangs_up) {
    struct pollfd entry = {.fd = pidfd, .events = hangs_up ? 0 : POLLIN};
    const struct timespec none = {0, 0};
    const int answer = ppoll(&entry, 1, &none, NULL);
    return answer < 0 ? -errno : answer > 0;
}

int warden_become_subreaper(void) { return (int)answer_or_errno(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)); }

int warden_prlimit(int32_t pid, int resource, const struct warden_limit *new_limit, struct warden_limit *old_limit) {
    const uint64_t wanted[2] = {new_limit ? new_limit->soft : 0, new_limit ? new_limit->hard : 0};
    uint64_t former[2] = {0, 0};
    const long answer =
        SYSTEM_CALL(SYS_prlimit64, pid, resource, new_limit ? wanted : NULL, old_limit ? former : NULL);
    if (answer < 0) return (int)answer;
    if (old_limit) *old_limit = (struct warden_limit){.resource = resource, .soft = former[0], .hard = former[1]};
    return 0;
}

// MARK: - The daemon's own process

int warden_daemonize(void) {
    const pid_t child = fork();
    if (child < 0) return -errno;
    // Not exit(3): what the parent has buffered is the child's to write.
    if (child > 0) _exit(0);
    return (int)answer_or_errno(setsid()) < 0 ? -errno : 0;
}

char *const *warden_environment(void) { return environ; }

int warden_ignore_broken_pipes(void) { return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -errno : 0; }

int warden_set_thread_name(const char *name) { return (int)answer_or_errno(prctl(PR_SET_NAME, name, 0, 0, 0)); }

// MARK: - Descriptors

int warden_pipe2(int32_t ends[2], int flags) { return (int)answer_or_errno(pipe2(ends, flags)); }

int64_t warden_tee(int from, int to, size_t bytes, unsigned flags) {
    return answer_or_errno(tee(from, to, bytes, flags));
}

int64_t warden_splice(int from, int to, int64_t *to_offset, size_t bytes, unsigned flags) {
    return answer_or_errno(splice(from, NULL, to, to_offset, bytes, flags));
}

int warden_set_pipe_capacity(int descriptor, int bytes) {
    return (int)answer_or_errno(fcntl(descriptor, F_SETPIPE_SZ, bytes));
}

int warden_get_pipe_capacity(int descriptor) { return (int)answer_or_errno(fcntl(descriptor, F_GETPIPE_SZ)); }

int warden_epoll_wait_nanoseconds(int epoll, struct epoll_event *events, int capacity, int64_t timeout) {
    const struct timespec time = as_time(timeout < 0 ? 0 : timeout);
    return (int)SYSTEM_CALL(SYS_epoll_pwait2, epoll, events, capacity, timeout < 0 ? NULL : &time, NULL, 8);
}

int warden_wait_readable(int descriptor, int64_t timeout) {
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    const struct timespec time = as_time(timeout < 0 ? 0 : timeout);
    return (int)answer_or_errno(ppoll(&entry, 1, timeout < 0 ? NULL : &time, NULL));
}

void warden_bell_ring(uint32_t *bell) {
    __atomic_store_n(bell, 1, __ATOMIC_RELEASE);
    SYSTEM_CALL(SYS_futex, bell, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

void warden_bell_silence(uint32_t *bell) { __atomic_store_n(bell, 0, __ATOMIC_SEQ_CST); }

int warden_bell_wait(uint32_t *bell, int64_t timeout) {
    if (__atomic_load_n(bell, __ATOMIC_ACQUIRE) != 0) return 1;
    const struct timespec time = as_time(timeout < 0 ? 0 : timeout);
    SYSTEM_CALL(SYS_futex, bell, FUTEX_WAIT_PRIVATE, 0, timeout < 0 ? NULL : &time, NULL, 0);
    return __atomic_load_n(bell, __ATOMIC_ACQUIRE) != 0;
}

int warden_accept(int listener) {
    return (int)answer_or_errno(accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

// MARK: - Sockets

int warden_peer_credentials(int socket, struct warden_peer *peer) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -errno;
    *peer = (struct warden_peer){.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
    return 0;
}

int warden_peer_groups(int socket, uint32_t *groups, size_t capacity) {
    socklen_t size = (socklen_t)(capacity * sizeof *groups);
    const int answer = getsockopt(socket, SOL_SOCKET, 59 /* SO_PEERGROUPS */, groups, &size);
    if (answer < 0 && errno != ERANGE) return -errno;
    return (int)(size / sizeof *groups);
}

int64_t warden_receive_with_credentials(int socket, void *buffer, size_t capacity, struct warden_peer *sender) {
    // Room for the credentials and nothing else: the kernel itself closes descriptors that find no room.
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr alignment;
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t size;
    do size = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && errno == EINTR);
    if (size < 0) return -errno;
    *sender = (struct warden_peer){.pid = 0, .uid = UINT32_MAX, .gid = UINT32_MAX};
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
        struct ucred credentials;
        memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
        *sender = (struct warden_peer){.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
    }
    if (message.msg_flags & MSG_TRUNC) return -EMSGSIZE;
    return size;
}

int warden_pass_credentials(int socket) {
    const int yes = 1;
    return (int)answer_or_errno(setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes));
}

static int unix_address(const char *path, struct sockaddr_un *address) {
    const size_t length = strlen(path);
    if (length == 0) return -EINVAL;
    if (length >= sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int warden_bind_unix(int socket, const char *path) {
    struct sockaddr_un address;
    const int status = unix_address(path, &address);
    return status < 0 ? status : (int)answer_or_errno(bind(socket, (struct sockaddr *)&address, sizeof address));
}

int warden_connect_unix(int socket, const char *path) {
    struct sockaddr_un address;
    const int status = unix_address(path, &address);
    return status < 0 ? status : (int)answer_or_errno(connect(socket, (struct sockaddr *)&address, sizeof address));
}

static int unix_name(const char *text, struct sockaddr_un *address, socklen_t *size) {
    const size_t length = strlen(text);
    if (text[0] != '/' && text[0] != '@') return -EAFNOSUPPORT;
    if (length < 2) return -EINVAL;
    // An abstract name needs no NUL at its end, nor has it one.
    const bool is_abstract = text[0] == '@';
    if (length + !is_abstract > sizeof address->sun_path) return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, length);
    if (is_abstract) address->sun_path[0] = 0;
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + !is_abstract);
    return 0;
}

int warden_connect_notify_socket(const char *text, int send_buffer_bytes) {
    struct sockaddr_un address;
    socklen_t size;
    const int status = unix_name(text, &address, &size);
    if (status < 0) return status;
    const int number = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (number < 0) return -errno;
    // The second stops at net.core.wmem_max; the first needs CAP_NET_ADMIN. Neither has to work.
    if (setsockopt(number, SOL_SOCKET, SO_SNDBUFFORCE, &send_buffer_bytes, sizeof send_buffer_bytes) < 0)
        (void)setsockopt(number, SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
    int answer;
    do answer = connect(number, (struct sockaddr *)&address, size);
    while (answer < 0 && errno == EINTR);
    if (answer < 0) {
        const int error = errno;
        close(number);
        return -error;
    }
    return number;
}

int warden_send_with_descriptor(int socket, const void *text, size_t count, int descriptor) {
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr alignment;
    } control;
    struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = count};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    }
    ssize_t sent;
    do sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

// MARK: - Control groups

int warden_is_cgroup2(int directory) {
    struct statfs status;
    if (fstatfs(directory, &status) < 0) return -errno;
    return status.f_type == 0x63677270 /* CGROUP2_SUPER_MAGIC */;
}

int warden_has_attribute(const char *path, const char *name, const char *value) {
    char found[16];
    const ssize_t size = getxattr(path, name, found, sizeof found);
    return size >= 0 && (size_t)size == strlen(value) && memcmp(found, value, (size_t)size) == 0;
}

// MARK: - Texts

const char *warden_error_text(int error) { return strerrordesc_np(error); }

// MARK: - Directories

int warden_make_directory_as(const char *path, unsigned mode, unsigned user, unsigned group) {
    // setfsuid(2) and its sibling answer with the former identity, never with an error.
    int formerGroup = setfsgid(group);
    int formerUser = setfsuid(user);
    int answer = mkdir(path, mode) == 0 ? 0 : -errno;
    setfsuid((uid_t)formerUser);
    setfsgid((gid_t)formerGroup);
    return answer;
}
