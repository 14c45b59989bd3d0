#!/usr/bin/env python3
import glob
import gzip
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from scenario import Daemon, check, contents, run, wait

TICKER = """import itertools, sys, time
for number in itertools.count():
    print("tick", sys.argv[1], number, flush=True)
    time.sleep(0.02)
"""
LINES = 5000
PRINTER = f"""import time
for number in range({LINES}): print(f"line {{number}} {{'x' * 90}}")
time.sleep(1000)
"""
SHOUTER = """import sys, time
for number in range(20000): print("shout", number, "y" * 80)
sys.stdout.flush()
time.sleep(1000)
"""


def numbers(text, word):
    return [int(number) for number in re.findall(rf"^{word} (\d+)", text, re.MULTILINE)]


class SocketDaemon(Daemon):
    """A daemon whose standard output is a socket, as systemd's journal makes it."""

    theirs = None

    def start(self):
        ours, self.theirs = socket.socketpair()
        popen = subprocess.Popen

        def start(arguments, **options):
            if arguments[0] == self.options.warden:
                options["stdout"] = ours
            return popen(arguments, **options)
        subprocess.Popen = start
        try:
            super().start()
        finally:
            subprocess.Popen = popen
            ours.close()


def automatic(daemon):
    """AUTO files have supervisord's names; those of an earlier life go at the start, and nothing else."""
    left = ["ticker-stdout---supervisor-abc_defg.log", "gone-stderr---supervisor-abcdefgh.log.3",
            "gone-stdout---supervisor-abcdefgh.log.2.gz"]
    kept = ["ticker-stdout---other-abcdefgh.log", "notes---supervisor.log", "warden-notes.txt"]
    for name in left + kept:
        open(daemon.path(name), "w").close()
    daemon.start()
    daemon.running("ticker", "quiet")
    check(not any(os.path.exists(daemon.path(name)) for name in left), "old AUTO logs are still there")
    check(all(os.path.exists(daemon.path(name)) for name in kept), "files that are no AUTO logs are gone")
    found = [os.path.basename(path) for path in glob.glob(daemon.path("quiet-*"))]
    check(len(found) == 2 and all(
        re.fullmatch(r"quiet-(stdout|stderr)---supervisor-\w{8}\.log", name) for name in found), f"AUTO: {found}")
    check(all(os.stat(daemon.path(name)).st_mode & 0o777 == 0o600 for name in found), "AUTO logs are not private")
    daemon.ctl("restart", "quiet")
    daemon.running("quiet")
    check(sorted(os.path.basename(path) for path in glob.glob(daemon.path("quiet-*"))) == sorted(found),
          "a restart changed the AUTO logs")


def rotation(daemon):
    """backups = 0 truncates in place, maxbytes = 0 never rotates, and compressed backups hold every line."""
    daemon.running("truncating", "endless", "packed")
    wait("all is written", 15, lambda: numbers(contents(daemon.path("endless.log")), "line")[-1:] == [LINES - 1])
    check(numbers(contents(daemon.path("endless.log")), "line") == list(range(LINES)), "maxbytes = 0: not every line")
    check(glob.glob(daemon.path("endless.log.*")) == [], "maxbytes = 0: it was rotated")
    wait("the truncated log has the last line", 10, lambda: f"line {LINES - 1} " in contents(
        daemon.path("truncating.log")))
    check(os.path.getsize(daemon.path("truncating.log")) < 110_000, "backups = 0: it was not truncated")
    check(glob.glob(daemon.path("truncating.log.*")) == [], "backups = 0: there are backups")

    def packed():
        files = glob.glob(daemon.path("packed.log.*"))
        return files if len(files) > 3 and all(name.endswith(".gz") for name in files) else None
    files = wait("every backup is compressed", 20, packed)
    files.sort(key=lambda name: -int(name.split(".")[-2]))
    text = "".join(gzip.open(name, "rt").read() for name in files) + contents(daemon.path("packed.log"))
    check(numbers(text, "line") == list(range(LINES)), "log_compress: not every line is there")
    out, _, code = daemon.ctl("tail", "packed")
    check(code == 0 and f"line {LINES - 1} " in out, f"tail of a compressed log: {out[-200:]!r}")


def outside(daemon):
    """What others do to a log: move it with SIGUSR2 and without, copy and truncate it."""
    def last(path):
        found = numbers(contents(path), "tick moved")
        return found[-1] if found else -1
    path = daemon.path("moved.log")
    wait("ticks", 5, lambda: last(path) > 5)
    os.rename(path, path + "-1")
    before = last(path + "-1")
    wait("without a signal the moved file is written on", 5, lambda: last(path + "-1") > before + 5)
    check(not os.path.exists(path), "a new file without a signal")
    os.rename(daemon.log, daemon.log + "-1")
    daemon.process.send_signal(signal.SIGUSR2)
    wait("after SIGUSR2 there is a new one", 5, lambda: last(path) > 0)
    wait("the daemon's log, too", 20, lambda: "INFO" in contents(daemon.log) or daemon.ctl(
        "restart", "quiet") and os.path.exists(daemon.log) and contents(daemon.log))
    found = numbers(contents(path + "-1") + contents(path), "tick moved")
    check(found == list(range(len(found))), "lines were lost by the move")
    shutil.copy(path, path + "-2")
    os.truncate(path, 0)
    size = os.path.getsize(path + "-2")
    wait("it is written on after copytruncate", 5, lambda: last(path) > 0)
    time.sleep(0.2)
    check(b"\0" not in open(path, "rb").read() and os.path.getsize(path) < size + 4096, "copytruncate made holes")


def stalled(daemon, reader):
    """A reader that stalls holds up its own worker alone, and nothing is lost when it goes on."""
    before = len(numbers(contents(daemon.path("moved.log")), "tick moved"))
    wait("another worker's log goes on", 5,
         lambda: len(numbers(contents(daemon.path("moved.log")), "tick moved")) > before + 20)
    slowest = 0
    for _ in range(10):
        began = time.monotonic()
        check(daemon.worker("shouter").get("state") == "RUNNING", "the shouter does not run")
        slowest = max(slowest, time.monotonic() - began)
    check(slowest < 2, f"status took {slowest:.1f} s beside a stalled reader")
    text = b""
    deadline = time.monotonic() + 20
    while b"shout 19999 " not in text and time.monotonic() < deadline:
        try:
            text += os.read(reader, 65536)
        except BlockingIOError:
            time.sleep(0.01)
    check(numbers(text.decode(), "shout") == list(range(20000)), "lines were lost on the way through the fifo")
    check(not daemon.has_logged("(?i)illegal seek"), "Illegal seek")


def scenario(daemon):
    """Log files of all kinds: AUTO, rotation, compression, moves, a fifo with a stalled reader, /dev/stdout a socket."""
    for name, script in (("ticker", TICKER), ("printer", PRINTER), ("shouter", SHOUTER)):
        with open(daemon.path(f"{name}.py"), "w") as file:
            file.write(script)
    os.mkfifo(daemon.path("fifo"))
    reader = os.open(daemon.path("fifo"), os.O_RDONLY | os.O_NONBLOCK)
    printer = f"command = {sys.executable} {daemon.path('printer.py')}"
    daemon.configure(f"""[program:ticker]
command = {sys.executable} {daemon.path("ticker.py")} out
stdout_logfile = /dev/stdout
[program:quiet]
command = sleep 1000
[program:truncating]
{printer}
stdout_logfile = {daemon.path("truncating.log")}
stdout_logfile_maxbytes = 100KB
stdout_logfile_backups = 0
[program:endless]
{printer}
stdout_logfile = {daemon.path("endless.log")}
stdout_logfile_maxbytes = 0
stdout_logfile_backups = 3
[program:packed]
{printer}
stdout_logfile = {daemon.path("packed.log")}
stdout_logfile_maxbytes = 50KB
stdout_logfile_backups = 100
log_compress = true
[program:moved]
command = {sys.executable} {daemon.path("ticker.py")} moved
stdout_logfile = {daemon.path("moved.log")}
[program:shouter]
command = {sys.executable} {daemon.path("shouter.py")}
stdout_logfile = {daemon.path("fifo")}
""")
    automatic(daemon)
    rotation(daemon)
    daemon.running("moved", "shouter")
    outside(daemon)
    stalled(daemon, reader)
    # Nobody has read the daemon's standard output, which is a socket: it is full of ticks, or will be.
    said = daemon.theirs.recv(65536).decode()
    check(re.search(r"^tick out \d+$", said, re.MULTILINE), f"/dev/stdout: {said[:200]!r}")
    daemon.watched.pop("quiet")  # It was restarted.
    daemon.undisturbed()
    daemon.theirs.close()
    check(daemon.stop() == 0, "exit code")

    # nocleanup keeps what an earlier life has left.
    kept = daemon.path("gone-stdout---supervisor-abcdefgh.log")
    open(kept, "w").close()
    with open(daemon.configuration) as file:
        text = file.read()
    with open(daemon.configuration, "w") as file:
        file.write(text.replace("[supervisord]\n", "[supervisord]\nnocleanup = true\n"))
    daemon.start()
    check(os.path.exists(kept), "nocleanup: it is gone")
    os.close(reader)
    daemon.theirs.close()


run(SocketDaemon, scenario)
