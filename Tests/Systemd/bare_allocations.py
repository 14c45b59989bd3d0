#!/usr/bin/env python3
import os
import shutil
import signal
import statistics
import struct
import subprocess
import time

from scenario import ROOT, Daemon, check, is_alive, run, wait

RESPAWNS = 40
# Per respawn, half as many again as were counted when this was written: 172 and 345.
SHELL_LIMIT = 260
OTHERS_LIMIT = 520


def counts(daemon):
    """Allocations of the shell's thread and of all others so far."""
    with open(daemon.path("counts"), "rb") as file:
        shell, _, others, _ = struct.unpack("=4Q", file.read(32))
    return shell, others


def respawned(daemon, pid):
    """Kills the worker, and answers the next one's pid, without a word to the daemon: that would be counted, too."""
    os.kill(pid, signal.SIGKILL)
    own = daemon.process.pid

    def successor():
        for task in os.listdir(f"/proc/{own}/task"):
            with open(f"/proc/{own}/task/{task}/children") as children:
                found = [int(word) for word in children.read().split()]
            found = [child for child in found if child != pid and is_alive(child)]
            if found:
                return found[0]
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = successor()
        if found:
            return found
        time.sleep(0.002)
    check(False, f"nobody took the place of pid {pid}")


def scenario(daemon):
    """What a respawn takes from the heap is counted and stays within a limit: it works with little memory."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        print("    no C compiler: nothing was counted")
        return
    library = daemon.path("count_allocations.so")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library,
                    os.path.join(ROOT, "Tests", "Systemd", "count_allocations.c")], check=True)
    with open(daemon.path("counts"), "wb") as file:
        file.write(bytes(32))
    daemon.configure("""[program:w]
command = sleep 1000
startsecs = 0
autorestart = true
redirect_stderr = true
[health:w]
interval = 60s
""")
    os.environ.update(LD_PRELOAD=library, ALLOCATION_COUNTS=daemon.path("counts"))
    try:
        daemon.start()
    finally:
        del os.environ["LD_PRELOAD"], os.environ["ALLOCATION_COUNTS"]
    daemon.running("w")
    pid = daemon.watched.pop("w")
    check(all(counts(daemon)), "nothing was counted: is the binary linked against another heap?")
    for _ in range(3):  # What is made once.
        pid = respawned(daemon, pid)
        time.sleep(0.3)

    # What a second costs in which nothing happens: the daemon looks after its own threads.
    before = counts(daemon)
    time.sleep(3)
    idle = [(after - former) / 3 for former, after in zip(before, counts(daemon))]
    shell, others = [], []
    for _ in range(RESPAWNS):
        began, before = time.monotonic(), counts(daemon)
        pid = respawned(daemon, pid)
        time.sleep(0.15)
        seconds = time.monotonic() - began
        for taken, former, after, rest in zip((shell, others), before, counts(daemon), idle):
            taken.append(after - former - rest * seconds)
    medians = [statistics.median(taken) for taken in (shell, others)]
    print(f"    allocations of one respawn (median of {RESPAWNS}): {medians[0]:.0f} on the shell's thread, "
          f"{medians[1]:.0f} on all others; idle, a second: {idle[0]:.0f} and {idle[1]:.0f}")
    check(medians[0] <= SHELL_LIMIT, f"{medians[0]:.0f} allocations on the shell's thread; at most {SHELL_LIMIT}")
    check(medians[1] <= OTHERS_LIMIT, f"{medians[1]:.0f} allocations on other threads; at most {OTHERS_LIMIT}")
    # A first respawn must not cost what a thousandth does not: nothing is kept for each.
    check(statistics.median(shell[-10:]) <= statistics.median(shell[:10]) * 1.3 + 20,
          f"respawns cost more and more: {statistics.median(shell[:10]):.0f}, {statistics.median(shell[-10:]):.0f}")
    wait("the worker runs", 5, lambda: daemon.worker("w").get("state") == "RUNNING")


run(Daemon, scenario)
