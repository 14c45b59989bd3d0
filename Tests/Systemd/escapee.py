#!/usr/bin/env python3
"""A worker whose processes get away from it in every way. MARK stays in the command line of each that keeps its own.

  escapee.py family MARK FILE [--stubborn]  one of each kind (KINDS), their pids written to FILE; --stubborn ignores SIGTERM
  escapee.py bomb MARK COUNT                forks without end, at most COUNT at a time; root becomes an unprivileged user first
  escapee.py chain MARK SECONDS             forks, and the parent ends, again and again, each in a session of its own

Standard library only.
"""
import ctypes
import os
import resource
import signal
import sys
import time

SLEEP = ["/bin/sleep", "1000"]
# Which of them the kernel alone still knows to belong together: by a control group.
KINDS = ("below", "session", "stripped below", "orphan", "orphan session", "nameless", "stripped orphan", "stripped all")


def renamed():
    """Closes everything, and is called something else."""
    for number in range(256):
        try:
            os.close(number)
        except OSError:
            pass
    libc = ctypes.CDLL(None)
    libc.prctl(15, b"kworker/9:9", 0, 0, 0)


def descend(kind, write):
    """Becomes a process of this kind; never returns."""
    is_orphan = kind not in ("below", "session", "stripped below")
    if is_orphan and os.fork():
        os._exit(0)
    if kind not in ("below", "orphan", "stripped orphan"):
        os.setsid()
    os.write(write, f"{kind}={os.getpid()}\n".encode())
    if kind == "nameless":
        renamed()
        time.sleep(1000)
    os.execve(SLEEP[0], SLEEP, {} if kind.startswith("stripped") else dict(os.environ))


def family(path, is_stubborn):
    if is_stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    file = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    write = os.dup(file)
    for kind in KINDS:
        child = os.fork()
        if child == 0:
            # Only the main process is stubborn.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            descend(kind, write)
        if kind not in ("below", "session", "stripped below"):
            os.waitpid(child, 0)
    deadline = time.monotonic() + 10
    while len(open(path + ".new").read().splitlines()) < len(KINDS) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.rename(path + ".new", path)
    while True:
        time.sleep(1000)


def bomb(count):
    if os.geteuid() == 0:
        # Whom no limit of processes holds. Nobody else is this user, whose processes would count as well.
        user = 61000 + os.getpid() % 1000
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    resource.setrlimit(resource.RLIMIT_NPROC, (count, count))
    # Everybody else is to be able to look on.
    os.nice(10)
    # Zombies count as well.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    number = 0
    while True:
        number += 1
        try:
            if os.fork() == 0 and number % 2:
                os.setsid()
        except OSError:
            # The table is full: some go, and others come in their place.
            time.sleep(0.02)
            if os.getpid() != FIRST and os.urandom(1)[0] < 16:
                os._exit(0)
        time.sleep(0.001)


def chain(seconds):
    deadline = time.monotonic() + seconds
    if os.fork():
        time.sleep(1000)
    while time.monotonic() < deadline:
        if os.fork():
            os._exit(0)
        os.setsid()
    os._exit(0)


FIRST = os.getpid()
if __name__ == "__main__":
    if sys.argv[1] == "family":
        family(sys.argv[3], "--stubborn" in sys.argv)
    elif sys.argv[1] == "bomb":
        bomb(int(sys.argv[3]))
    else:
        chain(float(sys.argv[3]))
