#!/usr/bin/env python3
import http.client
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

from scenario import Daemon, check, contents, is_alive, run, wait

LIMIT = 64  # descriptors of the daemon
CLIENTS = 30
ANSWER_SECONDS = 0.1
ASKED = 20

# Milliseconds of the middle answer, each time it was asked for; the first when nothing is short.
usual = []

CHATTER = """import itertools, time
for number in itertools.count():
    print("tick", number, "x" * 500, flush=True)
    time.sleep(0.01)
"""
# Its descriptor table is full, and it says so: what the daemon calls dark.
DARK = """import os, resource, sys, time
if not os.path.exists(sys.argv[1]):
    time.sleep(1000)
os.remove(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
while True:
    print("OSError: [Errno 24] Too many open files", flush=True)
    time.sleep(0.1)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def answer(daemon, path="/api/v1/workers"):
    """Milliseconds from connect(2) to the end of the answer, its status and its body: a client without its own start.

    A connection that is closed without a word counts as a refusal with status 0.
    """
    began, connection = time.monotonic(), UnixConnection(daemon.socket)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        status, body = response.status, response.read()
    except (http.client.HTTPException, ConnectionError):
        status, body = 0, b""
    finally:
        connection.close()
    return 1000 * (time.monotonic() - began), status, body


def is_prompt(daemon, what):
    """A client is answered, or refused clearly, in time, however often it asks."""
    answers = [answer(daemon) for _ in range(ASKED)]
    times = sorted(milliseconds for milliseconds, _, _ in answers)
    served = sum(status == 200 for _, status, _ in answers)
    refused = sum(status == 503 for _, status, _ in answers)
    began = time.monotonic()
    out, err, code = daemon.ctl("status")
    whole = 1000 * (time.monotonic() - began)
    print(f"    {what}: {ASKED} questions, median {times[len(times) // 2]:.1f} ms, slowest {times[-1]:.1f} ms, "
          f"{served} answered, {refused} refused; wardenctl status with its own start {whole:.0f} ms")
    check(served + refused == ASKED, f"{what}: neither an answer nor a refusal: {[status for _, status, _ in answers]}")
    # On a host that builds or tests beside this an answer waits for a processor, whatever else is short.
    usual.append(times[len(times) // 2])
    limit = max(1000 * ANSWER_SECONDS, 4 * usual[0])
    check(times[len(times) // 2] < limit, f"{what}: answers took {times[0]:.0f} to {times[-1]:.0f} ms")
    check(code in (0, 3) or out or err, f"{what}: wardenctl status: exit code {code}, and not a word")
    return out + err


def restarts(daemon, name):
    """A worker that dies is started again."""
    before = daemon.worker(name)["pid"]
    os.kill(before, signal.SIGKILL)

    def again():
        pid = daemon.worker(name).get("pid")
        return pid and pid != before and is_alive(pid)
    wait(f"{name} is started again", 5, again)


def troubles(daemon):
    """What the daemon says it is short of."""
    return " ".join(json.loads(answer(daemon, "/api/v1/daemon")[2]).get("shortages", []))


def says_full(daemon):
    """Descriptors stay short: LIMIT is hardly enough for the daemon and four workers."""
    return any(word in troubles(daemon) for word in ("disk.log", "history", "unread.fifo"))


def scenario(daemon):
    """Without descriptors, without room on the disk, with a fifo that nobody reads: it answers, restarts, recovers."""
    for name, text in (("chatter.py", CHATTER), ("dark.py", DARK)):
        with open(daemon.path(name), "w") as file:
            file.write(text)
    disk = tempfile.mkdtemp(dir=daemon.directory)
    has_disk = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode == 0
    try:
        played(daemon, disk)
    finally:
        if daemon.process and daemon.process.poll() is None:
            daemon.stop()
        if has_disk:
            subprocess.run(["umount", "-l", disk], check=True)
        else:
            print("    no tmpfs can be mounted here: a full disk was not tried")


def played(daemon, disk):
    python, history = sys.executable, os.path.join(disk, "history.sqlite")
    os.mkfifo(daemon.path("unread.fifo"))
    daemon.configure(f"""[supervisord]
minfds = {LIMIT}
[warden]
history = {history}
[program:steady]
command = sleep 1000
redirect_stderr = true
[program:fifo]
command = {python} {daemon.path("chatter.py")}
redirect_stderr = true
stdout_logfile = {daemon.path("unread.fifo")}
[program:disk]
command = {python} {daemon.path("chatter.py")}
redirect_stderr = true
stdout_logfile = {os.path.join(disk, "disk.log")}
stdout_logfile_maxbytes = 0
[program:dark]
command = {python} {daemon.path("dark.py")} {daemon.path("go-dark")}
redirect_stderr = true
[program:more]
command = sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = 4
autostart = false
[health:dark]
interval = 200ms
grace = 0s
confirm = 2 of 3
recover_within = 2s
fd_first_aid = no
forensics_budget = 300ms
""")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # As root the daemon would raise its own limit; that is LIMIT, too, and minfds asks for no more.
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, before[1]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    daemon.start()
    daemon.running("steady", "fifo", "disk", "dark")
    is_prompt(daemon, "nothing is short")

    few_descriptors(daemon)
    if os.path.ismount(disk):
        full_disk(daemon, disk)
    unread_fifo(daemon)
    check(daemon.process.poll() is None, "the daemon has ended")
    wait("nothing is said to be full any more", 5, lambda: not says_full(daemon))


def few_descriptors(daemon):
    """Idle clients hold what there is."""
    clients = []
    for _ in range(CLIENTS):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(daemon.socket)
        clients.append(client)
    time.sleep(1.2)
    is_prompt(daemon, f"{CLIENTS} idle clients, {LIMIT} descriptors")
    restarts(daemon, "steady")
    print(f"    daemon's descriptors: {len(os.listdir(f'/proc/{daemon.process.pid}/fd'))} of {LIMIT}; "
          f"said: {troubles(daemon) or 'nothing'}")
    # More workers than there are descriptors for: they wait, and say why.
    out = daemon.ctl("start", "more:*")[0]
    print("   ", out.replace("\n", "; "))
    is_prompt(daemon, "no descriptors for further workers")
    restarts(daemon, "steady")
    daemon.ctl("stop", "more:*")
    for client in clients:
        client.close()
    wait("clients are served again", 10, lambda: answer(daemon)[1] == 200)


def full_disk(daemon, disk):
    """No room for logs and for the history."""
    ballast = os.open(os.path.join(disk, "ballast"), os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(ballast, bytes(4096))
    except OSError:
        os.close(ballast)
    wait("the disk is full", 10, lambda: os.statvfs(disk).f_bavail == 0)
    open(daemon.path("go-dark"), "w").close()
    old = daemon.worker("dark")["pid"]
    os.kill(old, signal.SIGKILL)
    wait("it is said that the log's disk is full", 5, lambda: "disk.log" in troubles(daemon))
    said = is_prompt(daemon, "a full disk")
    check("disk.log" in said and "No space left" in said, f"wardenctl status does not say what is full: {said}")
    restarts(daemon, "disk")
    # Dark, restarted for it, and nobody has room to write that down.
    dark = wait("dark is restarted for what it is", 15, lambda: (
        daemon.worker("dark").get("last_restart") or {}).get("reason") == "dark/emfile")
    wait("it is said that the history is full", 5, lambda: "history" in troubles(daemon))
    check(dark and len(daemon.incidents("dark")) == 1, f"the incident is not listed: {daemon.incidents('dark')}")
    print(f"    said: {troubles(daemon)}")

    os.remove(os.path.join(disk, "ballast"))
    log = os.path.join(disk, "disk.log")
    wait("`N bytes dropped` in the log", 5, lambda: "bytes dropped" in contents(log))
    wait("nothing is said to be full any more", 10, lambda: not says_full(daemon))
    wait("the incident has its outcome", 10, lambda: (daemon.incidents("dark") or [{}])[0].get("outcome"))
    copy = subprocess.run(
        [sys.executable, "-c", "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("
         "'SELECT count(*), max(outcome) FROM incident').fetchone())", os.path.join(disk, "history.sqlite")],
        capture_output=True, text=True, check=True).stdout
    check(copy.startswith("(1, 'recovered'"), f"in the history's file: {copy}")
    check(not daemon.has_logged("history is stuck"), "an incident was lost")


def unread_fifo(daemon):
    """A fifo that is full makes its worker wait, and nobody else."""
    path = daemon.path("unread.fifo")
    check(stat.S_ISFIFO(os.stat(path).st_mode), "the fifo is gone")
    wait("its worker waits", 10, lambda: "pipe_write" in contents(
        f"/proc/{daemon.worker('fifo')['pid']}/wchan"))
    is_prompt(daemon, "a fifo nobody reads")
    restarts(daemon, "fifo")
    restarts(daemon, "steady")
    # Somebody reads at last: everything that was written comes, in its order.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    got = b""
    deadline = time.monotonic() + 10
    while got.count(b"\n") < 200 and time.monotonic() < deadline:
        try:
            got += os.read(reader, 65536)
        except BlockingIOError:
            time.sleep(0.01)
    os.close(reader)
    check(got.count(b"\n") >= 200, f"only {got.count(bytes([10]))} lines came out of the fifo")


run(Daemon, scenario)
