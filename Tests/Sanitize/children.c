// Goal: the child's way from clone to execve, under the sanitizers. Every flag, every failing stage that an ordinary
// user can reach, and the shims around it. Exits with 1 at the first answer that is not the expected one.
#include "CWardenLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void expect(bool is_true, const char *what, int line)
{
    if (is_true) return;
    fprintf(stderr, "Tests/Sanitize/children.c:%d: not so: %s\n", line, what);
    exit(1);
}
#define EXPECT(condition) expect(condition, #condition, __LINE__)

static char *arguments[] = {"sh", "-c", "exit 7", NULL};
static char *environment[] = {"A=b", NULL};
static char *shell[] = {"/nowhere/sh", "/bin/sh", NULL};

static struct warden_spawn_plan plan_of(char *const *candidates, uint32_t flags)
{
    static const int32_t descriptors[] = {0, 1, 2};
    return (struct warden_spawn_plan){
        .argv = arguments, .envp = environment, .candidates = candidates, .umask = 022,
        .descriptors = descriptors, .descriptor_count = 3, .cgroup = -1, .flags = flags, .gate = -1,
    };
}

/// Starts a child and waits for its end. Answers with the stage that failed, or 0, and with the child's exit.
static int run(const struct warden_spawn_plan *plan, int *error, struct warden_exit *end)
{
    int32_t report[2], pid = -1, pidfd = -1;
    EXPECT(warden_pipe2(report, O_CLOEXEC) == 0);
    int answer = warden_spawn(plan, report[1], &pid, &pidfd);
    EXPECT(answer == 0);
    close(report[1]);
    int stage = 0;
    *error = 0;
    struct warden_spawn_record record;
    while (read(report[0], &record, sizeof record) == (ssize_t)sizeof record) {
        if (record.has_failed) {
            stage = record.stage;
            *error = record.error;
        }
    }
    close(report[0]);
    if (pidfd >= 0) {
        struct pollfd ended = {.fd = pidfd, .events = POLLIN};
        EXPECT(poll(&ended, 1, 10000) == 1);
        EXPECT(warden_wait_pidfd(pidfd, true, end) >= 0 && end->pid == pid);
        EXPECT(warden_wait_pidfd(pidfd, false, end) >= 0 && end->pid == pid);
        close(pidfd);
    } else {
        for (int turns = 0; turns < 1000; turns++) {
            EXPECT(warden_wait(pid, false, end) >= 0);
            if (end->pid == pid) break;
            poll(NULL, 0, 10);
        }
        EXPECT(end->pid == pid);
    }
    return stage;
}

static void spawning(uint32_t flags)
{
    int error;
    struct warden_exit end;
    struct warden_spawn_plan plan = plan_of(shell, flags);
    EXPECT(run(&plan, &error, &end) == 0 && end.status == 7);

    struct warden_limit limits[] = {{.resource = RLIMIT_NOFILE, .soft = 64, .hard = 64}};
    plan.directory = "/tmp";
    plan.limits = limits;
    plan.limit_count = 1;
    EXPECT(run(&plan, &error, &end) == 0 && end.status == 7);

    plan.directory = "/nowhere";
    EXPECT(run(&plan, &error, &end) == WARDEN_STAGE_DIRECTORY && error == ENOENT);

    char *nowhere[] = {"/nowhere/sh", NULL};
    plan = plan_of(nowhere, flags);
    EXPECT(run(&plan, &error, &end) == WARDEN_STAGE_EXECUTE && error == ENOENT);
    char *none[] = {NULL};
    plan = plan_of(none, flags);
    EXPECT(run(&plan, &error, &end) == WARDEN_STAGE_EXECUTE);

    // Descriptors that must be moved around each other, with a closed one between.
    int32_t moved[] = {2, -1, 0, 1};
    plan = plan_of(shell, flags);
    plan.descriptors = moved;
    plan.descriptor_count = 4;
    EXPECT(run(&plan, &error, &end) == 0 && end.status == 7);
    int32_t bad[] = {0, 1, 1 << 20};
    plan.descriptors = bad;
    plan.descriptor_count = 3;
    EXPECT(run(&plan, &error, &end) == WARDEN_STAGE_DESCRIPTORS && error == EBADF);
}

static void talking(void)
{
    int ends[2];
    struct warden_peer peer;
    uint32_t groups[1];
    char buffer[8];
    EXPECT(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    EXPECT(warden_pass_credentials(ends[0]) == 0);
    EXPECT(warden_receive_with_credentials(ends[0], buffer, sizeof buffer, &peer) == -EAGAIN);
    EXPECT(send(ends[1], "ready", 5, 0) == 5);
    EXPECT(warden_receive_with_credentials(ends[0], buffer, sizeof buffer, &peer) == 5 && peer.pid == getpid());
    EXPECT(warden_peer_credentials(ends[0], &peer) == 0 && peer.uid == getuid());
    (void)warden_peer_groups(ends[0], groups, 0);
    EXPECT(warden_wait_readable(ends[0], 0) == 0);
    close(ends[0]);
    close(ends[1]);

    char path[256];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    int socket_of_path = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(warden_bind_unix(socket_of_path, path) < 0);
    EXPECT(warden_connect_unix(socket_of_path, path) < 0);
    EXPECT(warden_connect_unix(socket_of_path, "") < 0);
    close(socket_of_path);

    for (int error = -2; error < 5000; error++) (void)warden_error_text(error);
    EXPECT(strcmp(warden_error_text(ENOENT), "No such file or directory") == 0);
    EXPECT(warden_set_thread_name("a name that is longer than fifteen bytes") <= 0);
    struct warden_limit old;
    EXPECT(warden_prlimit(0, RLIMIT_NOFILE, NULL, &old) == 0 && old.soft <= old.hard);
    EXPECT(warden_prlimit(0, 4711, NULL, &old) == -EINVAL);
}

int main(void)
{
    static const uint32_t ways[] = {0, WARDEN_SPAWN_WITHOUT_CLONE3, WARDEN_SPAWN_WITHOUT_CLOSE_RANGE};
    for (int way = 0; way < 3; way++) {
        spawning(ways[way]);
        spawning(ways[way] | WARDEN_SPAWN_NEW_GROUP);
    }
    talking();
    return 0;
}
