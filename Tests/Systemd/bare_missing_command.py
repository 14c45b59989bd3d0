#!/usr/bin/env python3
from scenario import Daemon, check, run, wait

STEADY = """[program:steady]
command = sleep 1000
"""


def scenario(daemon):
    """A command that does not exist is named in the status and in --check; a running neighbour goes on."""
    daemon.configure(STEADY)
    daemon.start()
    daemon.running("steady")

    daemon.configure(STEADY + "[program:lost]\ncommand = /nonexistent/worker --run\nstartretries = 1\n")
    place = daemon.line_of("command = /nonexistent/worker")
    lines, code = daemon.check_configuration()
    named = [line for line in lines if "/nonexistent/worker" in line]
    check(len(named) == 1 and named[0].startswith(place + ":"), f"--check should say once, at {place}: {lines}")
    check(code in (0, 2), f"--check: exit code {code}")

    out, err, code = daemon.ctl("update")
    check(code == 0 and "lost: added process group" in out, f"update: exit code {code}: {out}{err}")
    wait("lost FATAL", 15, lambda: daemon.workers().get("lost", {}).get("state") == "FATAL")
    out, _, _ = daemon.ctl("status", "lost")
    check("/nonexistent/worker" in out, f"status does not name the command: {out}")
    out, _, code = daemon.ctl("start", "lost")
    check(code == 1 and out.strip() == "lost: ERROR (no such file)", f"start: exit code {code}: {out}")
    daemon.undisturbed()


run(Daemon, scenario)
