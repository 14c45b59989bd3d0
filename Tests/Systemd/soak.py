#!/usr/bin/env python3
"""Lets the daemon work as hard as a long life would make it, and compares its memory and descriptors.

  Tests/Systemd/soak.py --warden PATH --wardenctl PATH        (or: make soak)

Fifty workers write about 100 MB/s in all into logs that rotate, some raw, some with prefixes, some compressed, some to
listeners' events; some die all the time, some go dark and are restarted for it, with a webhook for each; clients come,
ask, stay idle and go. After the first minute and at the end resident memory, PSS and descriptors are printed; growth
beyond a small bound fails. WARDEN_SOAK_SECONDS is how long it takes (600), WARDEN_SOAK_MEGABYTES how much is written
in a second (100).
"""
import http.client
import os
import re
import resource
import signal
import socket
import sys
import threading
import time

from scenario import Daemon, Receiver, check, contents, run, wait

SECONDS = float(os.environ.get("WARDEN_SOAK_SECONDS", 600))
MEGABYTES = float(os.environ.get("WARDEN_SOAK_MEGABYTES", 100))
FIRST_SECONDS = min(60, SECONDS / 3)
WRITERS, MORTALS, DARK = 30, 15, 5
ROOM_KILOBYTES = 12 << 10
ROOM_DESCRIPTORS = 16

WRITER = """import os, sys, time
line = b'2026-04-29 12:00:00 [info     ] something ordinary happened here'.ljust(99, b'x') + b'\\n'
error = b'2026-04-29 12:00:00 [error    ] something failed here'.ljust(99, b'x') + b'\\n'
rate = float(sys.argv[1])
block = (line * 49 + error) * max(1, int(rate * 0.05 / 5000))
due = time.monotonic()
while True:
    view = memoryview(block)
    while view:
        view = view[os.write(1, view):]
    due = max(due + len(block) / rate, time.monotonic() - 1)
    time.sleep(max(0, due - time.monotonic()))
"""
MORTAL = """import random, sys, time
for number in range(random.randrange(20, 400)):
    print("2026-04-29 12:00:00 [info     ] step", number, "x" * random.randrange(200), flush=True)
    time.sleep(0.01)
sys.exit(random.choice([0, 1, 2]))
"""
DARKENING = """import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
print("Batch done", flush=True)
time.sleep(3)
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
while True:
    print("OSError: [Errno 24] Too many open files", flush=True)
    time.sleep(0.2)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Clients:
    """Clients of all kinds, coming and going until they are told to end."""

    paths = ("/api/v1/workers", "/api/v1/incidents", "/metrics", "/", "/livez", "/api/v1/workers/nobody",
             "/logtail/mortal:mortal_0", "/api/v1/incidents?limit=1000")

    def __init__(self, daemon):
        self.socket, self.ending = daemon.socket, threading.Event()
        self.asked, self.failed, self.idle = 0, 0, []
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(3)]
        self.threads.append(threading.Thread(target=self.loiter, daemon=True))
        for thread in self.threads:
            thread.start()

    def ask(self):
        number = 0
        while not self.ending.wait(0.02):
            number += 1
            connection = UnixConnection(self.socket)
            try:
                for _ in range(number % 3 + 1):
                    connection.request("GET", self.paths[number % len(self.paths)])
                    response = connection.getresponse()
                    if not response.getheader("Transfer-Encoding"):
                        response.read()
                    else:
                        response.read(1000)  # A tail that goes on for ever: gone in the middle of it.
                        break
                    self.asked += 1
            except (OSError, http.client.HTTPException):
                self.failed += 1
            finally:
                connection.close()

    def loiter(self):
        """Connections without a request, half a request, or left in the middle."""
        number = 0
        while not self.ending.wait(0.2):
            number += 1
            client = socket.socket(socket.AF_UNIX)
            try:
                client.settimeout(5)
                client.connect(self.socket)
                if number % 3 == 1:
                    client.sendall(b"POST /RPC2 HTTP/1.1\r\nContent-Le")
            except OSError:
                self.failed += 1
            self.idle.append(client)
            if len(self.idle) > 60:
                for former in self.idle[:40]:
                    former.close()
                del self.idle[:40]

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(30)
        for client in self.idle:
            client.close()
        self.idle.clear()


class Measure:
    """What the daemon holds."""

    def __init__(self, daemon):
        pid = daemon.process.pid
        rollup = contents(f"/proc/{pid}/smaps_rollup")
        self.rss, self.pss, self.anonymous = (
            int(re.search(rf"^{key}:\s+(\d+)", rollup, re.MULTILINE).group(1)) for key in ("Rss", "Pss", "Anonymous"))
        links = []
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                links.append(os.readlink(f"/proc/{pid}/fd/{number}"))
            except OSError:
                pass
        # Clients come and go by the dozen; they are counted, but what must not grow is the rest.
        self.sockets = sum(link.startswith("socket:") for link in links)
        self.descriptors = len(links) - self.sockets
        self.threads = len(os.listdir(f"/proc/{pid}/task"))
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
        self.processor = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __str__(self):
        return (f"RSS {self.rss} KB, PSS {self.pss} KB, anonymous {self.anonymous} KB, {self.descriptors} descriptors, "
                f"{self.sockets} sockets, "
                f"{self.threads} threads")


def lowest(daemon, seconds=5):
    """The least of several moments: workers start and stop, and clients come and go, all the time."""
    found, deadline = [], time.monotonic() + seconds
    while time.monotonic() < deadline:
        found.append(Measure(daemon))
        time.sleep(0.25)
    least = found[-1]
    for name in ("rss", "pss", "anonymous", "descriptors", "sockets", "threads"):
        setattr(least, name, min(getattr(measure, name) for measure in found))
    return least


def written(daemon, workers):
    """Bytes that the writers have written so far; those that were restarted begin anew."""
    total = 0
    for name, worker in workers.items():
        if name.startswith("writer") and worker.get("pid"):
            match = re.search(r"wchar: (\d+)", contents(f"/proc/{worker['pid']}/io"))
            total += int(match.group(1)) if match else 0
    return total


def scenario(daemon):
    """Resident memory and descriptors are at the end of a soak what they were after its first minute."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    receiver = Receiver()
    for name, text in (("writer.py", WRITER), ("mortal.py", MORTAL), ("dark.py", DARKENING)):
        with open(daemon.path(name), "w") as file:
            file.write(text)
    python, each = sys.executable, MEGABYTES * 1e6 / WRITERS
    kinds = [("raw", 18, ""), ("prefixed", 6, "log_prefix = true\n"),
             ("compressed", 4, "log_compress = true\n"), ("events", 2, "stdout_events_enabled = true\n")]
    sections = "".join(f"""[program:writer_{kind}]
command = {python} {daemon.path("writer.py")} {each}
process_name = %(program_name)s_%(process_num)d
numprocs = {count}
redirect_stderr = true
stdout_logfile = {daemon.path("logs")}/%(program_name)s_%(process_num)d.log
stdout_logfile_maxbytes = 8MB
stdout_logfile_backups = 2
{extra}""" for kind, count, extra in kinds)
    names = "".join(f"""[health:writer_{kind}]
interval = 1s
progress_pattern = Batch
error_pattern = nothing that is ever said
on_dark = alert
""" for kind, _, _ in kinds)
    os.mkdir(daemon.path("logs"))
    daemon.configure(f"""record_samples = 1m
[alert:here]
url = {receiver.url()}
{sections}{names}[program:mortal]
command = {python} {daemon.path("mortal.py")}
process_name = %(program_name)s_%(process_num)d
numprocs = {MORTALS}
autorestart = true
startsecs = 0
[health:mortal]
interval = 500ms
[program:dark]
command = {python} {daemon.path("dark.py")}
process_name = %(program_name)s_%(process_num)d
numprocs = {DARK}
[health:dark]
interval = 500ms
grace = 0s
confirm = 2 of 3
progress_pattern = Batch done
recover_within = 5s
restart_backoff = 1s..2s
restart_budget = 100 in 1m
fd_first_aid = no
forensics_budget = 300ms
max_unavailable = 5
""")
    daemon.start()
    wait("all run", 60, lambda: sum(worker["state"] == "RUNNING" for worker in daemon.workers().values()) >= WRITERS)
    clients = Clients(daemon)
    try:
        watch(daemon, clients, receiver)
    finally:
        clients.end()


def watch(daemon, clients, receiver):
    began, kills = time.monotonic(), 0
    time.sleep(FIRST_SECONDS)
    first, workers = lowest(daemon), daemon.workers()
    started, moved = time.monotonic(), written(daemon, workers)
    print(f"    after {started - began:.0f} s: {first}", flush=True)
    highest = first.rss
    while time.monotonic() - began < SECONDS:
        time.sleep(5)
        check(daemon.process.poll() is None, f"the daemon has ended: {daemon.process.poll()}")
        highest = max(highest, Measure(daemon).rss)
        # Restarts of every kind: by a person, and by an accident.
        kills += 1
        daemon.ctl("restart", f"mortal:mortal_{kills % MORTALS}")
        victim = daemon.worker(f"mortal:mortal_{(kills + 7) % MORTALS}").get("pid")
        if victim:
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if kills % 12 == 0:
            daemon.ctl("update")
            print(f"    after {time.monotonic() - began:.0f} s: {lowest(daemon)}", flush=True)
    rate = (written(daemon, daemon.workers()) - moved) / (time.monotonic() - started) / 1e6
    last = lowest(daemon)
    seconds = time.monotonic() - began
    restarts = sum(worker.get("restarts") or 0 for worker in daemon.workers().values())
    incidents = len(daemon.incidents())
    print(f"    after {seconds:.0f} s: {last}; at most RSS {highest} KB on the way")
    print(f"    {rate:.0f} MB/s of logs, {restarts} restarts, {incidents} incidents, {len(receiver.bodies)} webhooks, "
          f"{clients.asked} answers ({clients.failed} clients failed); "
          f"{100 * (last.processor - first.processor) / (seconds - FIRST_SECONDS):.0f} % of a core")
    check(last.rss - first.rss < ROOM_KILOBYTES, f"resident memory grew from {first.rss} to {last.rss} KB")
    check(last.anonymous - first.anonymous < ROOM_KILOBYTES,
          f"anonymous memory grew from {first.anonymous} to {last.anonymous} KB")
    check(last.descriptors - first.descriptors < ROOM_DESCRIPTORS,
          f"descriptors grew from {first.descriptors} to {last.descriptors}")
    check(last.threads - first.threads <= 4, f"threads grew from {first.threads} to {last.threads}")
    check(restarts > 10 and receiver.bodies and incidents, "not everything happened that should have")


run(Daemon, scenario)
