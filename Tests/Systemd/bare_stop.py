#!/usr/bin/env python3
import os
import re
import signal
import subprocess
import time

from scenario import WORKER, Daemon, check, contents, is_alive, run, wait


def grandchild_of(daemon, name):
    def found():
        return re.search(r"grandchild (\d+)", contents(daemon.path(f"{name}.log")))
    return int(wait(f"{name}'s grandchild", 5, found).group(1))


def program(daemon, name, mode, settings=""):
    return f"""[program:{name}]
command = {WORKER} {mode}
startsecs = 0
redirect_stderr = true
stdout_logfile = {daemon.path(name)}.log
{settings}
"""


def time_of(daemon, name, word):
    return float(re.search(rf"{word} ([\d.]+)", contents(daemon.path(f"{name}.log"))).group(1))


def scenario(daemon):
    """A stop ends what it should, in the right order, in time, and nothing else."""
    daemon.configure(
        program(daemon, "stubborn", "stubborn", "stopwaitsecs = 1")
        + program(daemon, "watched", "orphan", "[health:watched]\ninterval = 1s")
        + program(daemon, "plain", "orphan")
        + program(daemon, "first", "polite", "priority = 30")
        + program(daemon, "second", "polite", "priority = 20")
        + program(daemon, "third", "polite", "priority = 10"))
    daemon.start()
    daemon.running("stubborn", "watched", "plain", "first", "second", "third")

    pid = daemon.worker("stubborn")["pid"]
    wait("stubborn ignores SIGTERM", 5, lambda: "is ignored" in contents(daemon.path("stubborn.log")))
    began = time.monotonic()
    out, err, code = daemon.ctl("stop", "stubborn")
    taken = time.monotonic() - began
    check(code == 0 and out.strip() == "stubborn: stopped", f"stop: exit code {code}: {out}{err}")
    check(0.9 < taken < 3 and not is_alive(pid), f"stubborn, stopwaitsecs = 1: {taken:.1f} s")
    check(daemon.has_logged(rf"WARN killing 'stubborn' \({pid}\) with SIGKILL"), "no line about SIGKILL")
    check(daemon.has_logged(r"stopped: stubborn \(terminated by SIGKILL\)"), "no line about the end")

    # With a [health:NAME] section the whole tree goes; without, as with supervisord, the process alone.
    tree, left = grandchild_of(daemon, "watched"), grandchild_of(daemon, "plain")
    try:
        check(is_alive(tree) and is_alive(left), "a grandchild is not there")
        for name in ("watched", "plain"):
            began = time.monotonic()
            out, err, code = daemon.ctl("stop", name)
            check(code == 0, f"stop {name}: exit code {code}: {out}{err}")
            check(time.monotonic() - began < 5, f"{name}: the open pipe delayed the stop")
        wait("watched's grandchild is gone", 3, lambda: not is_alive(tree))
        check(is_alive(left), "plain's grandchild, which supervisord leaves, is gone")
    finally:
        for pid in (tree, left):
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)

    # The groups end one after the other, the highest priority first.
    wait("polite", 5, lambda: all(contents(daemon.path(f"{name}.log")) for name in ("first", "second", "third")))
    began = time.monotonic()
    out, err, code = daemon.ctl("shutdown")
    check(code == 0 and out.strip() == "Shut down", f"shutdown: exit code {code}: {out}{err}")
    try:
        code = daemon.process.wait(10)
    except subprocess.TimeoutExpired:
        check(False, "the daemon still runs 10 s after shutdown")
    check(code == 0, f"the daemon's exit code is {code}")
    for earlier, later in (("first", "second"), ("second", "third")):
        check(time_of(daemon, earlier, "ended") <= time_of(daemon, later, "asked"),
              f"{later} was asked to end before {earlier} had ended")


run(Daemon, scenario)
