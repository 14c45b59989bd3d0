#!/usr/bin/env python3
import re

from scenario import HEALTH, UPTIME, Daemon, check, command, run, wait

CONFIGURATION = """[program:ami-antenna-worker]
command = sh -c 'echo line of %(process_num)d; exec sleep 1000'
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
redirect_stderr = true
[program:single]
command = sleep 1000
autostart = false
"""
FIRST = "ami-antenna-worker:ami-antenna-worker_00"


def plain(text):
    """Lines without what may differ between two calls: the uptime and the pid."""
    return [UPTIME.sub("uptime X", re.sub(r"pid \d+", "pid N", line)) for line in text.splitlines()]


def scenario(daemon):
    """supervisorctl 4.3.0 from PyPI works on the same socket and prints what wardenctl prints, health aside."""
    daemon.configure(CONFIGURATION)
    daemon.start()
    daemon.running(FIRST, "ami-antenna-worker:ami-antenna-worker_01")

    def theirs(*arguments):
        return command(daemon.options.supervisorctl, "-c", daemon.configuration, *arguments)

    def same(*arguments, expected=None):
        """The command by supervisorctl, then by wardenctl: the same lines and the same exit code."""
        out, err, code = theirs(*arguments)
        ours, our_err, our_code = daemon.ctl(*arguments)
        check(plain(ours) == plain(out), f"{arguments}: supervisorctl:\n{out}{err}wardenctl:\n{ours}{our_err}")
        check(our_code == code, f"{arguments}: exit code {code} of supervisorctl, {our_code} of wardenctl")
        check(expected is None or expected in out, f"{arguments}: no {expected!r} in:\n{out}{err}")

    out, err, code = theirs("status")
    ours, _, our_code = daemon.ctl("status")
    check(code == our_code == 3, f"status with a stopped process: exit codes {code} and {our_code}: {out}{err}")
    check([HEALTH.sub("", line) for line in plain(ours)] == plain(out), f"status:\n{out}{err}wardenctl:\n{ours}")
    healthy = [line for line in ours.splitlines() if HEALTH.search(line)]
    check(len(healthy) == 2, f"wardenctl status should show two workers' health:\n{ours}")
    check(not HEALTH.search(ours.splitlines()[-1]), f"a stopped process has no health:\n{ours}")

    same("restart", "ami-antenna-worker:*", expected=f"{FIRST}: stopped")
    wait("the restarted workers run", 10, lambda: theirs("status", "ami-antenna-worker:*")[2] == 0)
    same("tail", FIRST, expected="line of 0")
    same("pid", "single", expected="0")
    same("tail", "nothing")
    same("start", "nothing:*")
    out, _, code = theirs("start", "single")
    check((out, code) == ("single: started\n", 0), f"start: exit code {code}: {out}")
    same("start", "single", expected="single: ERROR (already started)")
    out, _, code = daemon.ctl("stop", "single")
    check((out, code) == ("single: stopped\n", 0), f"stop: exit code {code}: {out}")
    same("stop", "single", expected="single: ERROR (not running)")
    same("status", "nothing")
    same("reread")
    same("avail")
    same("version", expected="4.3.0")


run(Daemon, scenario)
