"""What the scenarios of kill_tree share: programs whose processes get away, and who of them is left."""
import os
import signal
import sys
import time

from escapee import KINDS
from scenario import ROOT, check, contents, is_alive, wait

ESCAPEE = f"{sys.executable} {os.path.join(ROOT, 'Tests', 'Systemd', 'escapee.py')}"
# A process that has left its parents, its group and its environment behind: only a control group knows whose it is.
WITHOUT_GROUPS = tuple(kind for kind in KINDS if kind != "stripped all")


def mark(world, name):
    return f"{world.directory}/{name}"


def program(world, name, mode, options="", more=""):
    """A section; FILE of a family is the mark with .pids behind."""
    rest = f"{mark(world, name)}.pids" if mode == "family" else ""
    return (f"[program:{name}]\ncommand = {ESCAPEE} {mode} {mark(world, name)} {rest} {more}\n"
            f"stdout_logfile = {world.directory}/{name}.log\nredirect_stderr = true\n{options}\n")


def family(world, name, seconds=20):
    """The pids of a family by kind, once all are there."""
    wait(f"the family of {name}", seconds, lambda: os.path.exists(f"{mark(world, name)}.pids"))
    lines = contents(f"{mark(world, name)}.pids").splitlines()
    pids = {line.rpartition("=")[0]: int(line.rpartition("=")[2]) for line in lines}
    check(set(pids) == set(KINDS), f"the family of {name} is not complete: {pids}")
    return pids


def forget(world, name):
    """The next family is waited for anew."""
    os.remove(f"{mark(world, name)}.pids")


def marked(world, name):
    """The living processes that have the mark in their command line."""
    wanted = mark(world, name).encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                if wanted in file.read().split(b"\0") and is_alive(int(entry)):
                    found.append(int(entry))
        except OSError:
            pass
    return found


def living(pids):
    """The kinds of a family that still live."""
    return {kind for kind, pid in pids.items() if is_alive(pid)}


def settled(pids, expected, seconds=5):
    """Those who live, once they are `expected`, or at the latest after `seconds`; then a moment to change their mind."""
    deadline = time.monotonic() + seconds
    while living(pids) != expected and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    return living(pids)


def end_marked(world, *names):
    """Ends what is left of programs, a scenario's failure included: stopped first, so that none is born meanwhile."""
    for number in (signal.SIGSTOP,) * 5 + (signal.SIGKILL,) * 5:
        for name in names:
            for pid in marked(world, name):
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass


def end_all(*families):
    for pids in families:
        for pid in pids.values():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
