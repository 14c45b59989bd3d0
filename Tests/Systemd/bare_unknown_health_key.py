#!/usr/bin/env python3
from scenario import Daemon, check, command, run

STEADY = """[program:steady]
command = sleep 1000
[health]
interval = 1s
"""


def scenario(daemon):
    """An unknown key in [health] is one error with its line and the nearest name; nothing changes meanwhile."""
    daemon.configure(STEADY)
    daemon.start()
    daemon.running("steady")

    daemon.configure(STEADY + "heartbeat_timeuot = 5m\n[program:new]\ncommand = sleep 1000\n")
    place = daemon.line_of("heartbeat_timeuot")
    lines, code = daemon.check_configuration()
    named = [line for line in lines if "heartbeat_timeuot" in line]
    check(code == 2 and len(named) == 1 and named[0].startswith(place + ": "), f"--check, exit code {code}: {lines}")
    check("heartbeat_timeout" in named[0], f"the nearest name is not given: {named[0]}")

    for verb in ("reread", "update"):
        out, err, code = daemon.ctl(verb)
        check(code == 1 and place in out + err, f"{verb}: exit code {code}: {out}{err}")
    check("new" not in daemon.workers(), "a part of the refused configuration was taken")
    daemon.undisturbed()

    out, err, code = command(daemon.options.warden, "-n", "-c", daemon.configuration)
    check(code == 2 and place in out + err, f"a start with it: exit code {code}: {out}{err}")
    daemon.undisturbed()


run(Daemon, scenario)
