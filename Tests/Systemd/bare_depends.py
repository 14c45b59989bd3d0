#!/usr/bin/env python3
import os
import re
import time

from scenario import Daemon, check, contents, run, wait

# Says when it starts, when it is ready and when it ends, in one file that all of them share.
STEP = """import os, signal, socket, sys, time
name, marks, how, delay = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
def mark(what):
    with open(marks, "a") as file:
        file.write(f"{name} {what}\\n")
def end(*_):
    time.sleep(0.3)
    mark("stops")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
mark("starts")
time.sleep(delay)
mark("ready")
if how == "notify":
    path = os.environ["NOTIFY_SOCKET"]
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1\\nSTATUS=fine", path)
elif how == "line":
    print("listening on port 4711", flush=True)
elif how == "tcp":
    server = socket.create_server(("127.0.0.1", int(sys.argv[5])))
elif how == "file":
    open(sys.argv[5], "w").close()
while True:
    time.sleep(0.1)
"""


def marks_of(path):
    return contents(path).split("\n")[:-1]


def before(marks, first, second):
    check(first in marks and second in marks, f"{first!r} and {second!r} are not both in {marks}")
    check(marks.index(first) < marks.index(second), f"{second!r} came before {first!r}: {marks}")


def scenario(daemon):
    """A program starts when what it depends on is ready, by every kind of ready, and stops before it."""
    step, marks = daemon.path("step.py"), daemon.path("marks")
    with open(step, "w") as file:
        file.write(STEP)
    port = 20000 + os.getpid() % 20000

    def program(name, how, delay, more, last=""):
        return (f"[program:{name}]\ncommand = python3 {step} {name} {marks} {how} {delay} {last}\n"
                f"stopwaitsecs = 5\n{more}\n")

    daemon.configure(
        # The last in order, and the first to start.
        program("web", "none", 0, "priority = 1\ndepends_on = middle, cache")
        + "[group:middle]\nprograms = app, api\npriority = 2\n"
        + program("app", "line", 0.5, "ready = line:^listening on port \\d+$\ndepends_on = db")
        + program("api", "file", 0.5, "ready = probe\ndepends_on = db", daemon.path("api.up"))
        + program("cache", "tcp", 0.5, "ready = probe\npriority = 3", port)
        + program("db", "notify", 1, "ready = notify\npriority = 999")
        + program("lonely", "none", 0, "depends_on = manual\nautostart = false")
        + program("manual", "none", 0, "autostart = false")
        + f"[health:api]\nprobe = exec:test -e {daemon.path('api.up')}\n"
        + f"[health:cache]\nprobe = tcp://127.0.0.1:{port}\n")
    lines, code = daemon.check_configuration()
    check(code == 0 and not lines, f"--check: exit code {code}: {lines}")
    daemon.start()

    out, _, _ = daemon.ctl("status", "web")
    check(re.search(r"^web +STOPPED +waiting for middle", out), f"status of what waits: {out}")
    daemon.running("web", "middle:app", "middle:api", "cache", "db", "web", seconds=30)
    said = marks_of(marks)
    for first, second in (("db ready", "app starts"), ("db ready", "api starts"), ("app ready", "web starts"),
                          ("api ready", "web starts"), ("cache ready", "web starts")):
        before(said, first, second)
    for name, how in (("db", "notify"), ("app", "line"), ("api", "probe"), ("cache", "probe")):
        check(daemon.has_logged(rf"success: {name} entered RUNNING state, it is ready \({how}\)"), f"{name}: not said")

    # A person's start brings what it needs; a stop of one does not touch those that depend on it.
    check(daemon.worker("manual")["state"] == "STOPPED", "manual was started by itself")
    out, _, code = daemon.ctl("start", "lonely")
    check(code == 0 and out == "lonely: started\n", f"start: exit code {code}: {out}")
    said = marks_of(marks)
    before(said, "manual starts", "lonely starts")
    pid = daemon.worker("web")["pid"]
    daemon.ctl("stop", "cache")
    check(daemon.worker("web")["pid"] == pid, "web was touched by the stop of cache")

    # Without it, what crashes waits; with it again, it goes on by itself.
    os.kill(pid, 9)
    wait("web waits", 10, lambda: "waiting for cache" in daemon.ctl("status", "web")[0])
    daemon.ctl("start", "cache")
    wait("web RUNNING again", 15, lambda: daemon.worker("web")["state"] == "RUNNING")

    # Everything down at once, in the reverse order.
    open(marks, "w").close()
    out, _, code = daemon.ctl("stop", "all")
    check(code == 0 and out.count(": stopped\n") == 7, f"stop all: exit code {code}: {out}")
    said = marks_of(marks)
    for first, second in (("web stops", "app stops"), ("web stops", "cache stops"), ("app stops", "db stops"),
                          ("api stops", "db stops"), ("lonely stops", "manual stops")):
        before(said, first, second)

    # The end of the daemon goes against the priorities where it must.
    daemon.ctl("start", "web")
    open(marks, "w").close()
    check(daemon.stop() == 0, "exit code of the daemon")
    said = marks_of(marks)
    for first, second in (("web stops", "app stops"), ("web stops", "cache stops"), ("app stops", "db stops")):
        before(said, first, second)


run(Daemon, scenario)
