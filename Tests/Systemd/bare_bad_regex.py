#!/usr/bin/env python3
from scenario import Daemon, check, run

STEADY = """[program:steady]
command = sleep 1000
[health:steady]
interval = 1s
"""


def scenario(daemon):
    """A regular expression that does not compile is one error with its line; the running configuration stays."""
    daemon.configure(STEADY)
    daemon.start()
    daemon.running("steady")

    daemon.configure(STEADY + "error_pattern = (unclosed\n")
    place = daemon.line_of("error_pattern")
    lines, code = daemon.check_configuration()
    named = [line for line in lines if "error_pattern" in line]
    check(code == 2 and len(named) == 1 and named[0].startswith(place + ": "), f"--check, exit code {code}: {lines}")

    out, err, code = daemon.ctl("update")
    check(code == 1 and place in out + err, f"update: exit code {code}: {out}{err}")
    daemon.undisturbed()


run(Daemon, scenario)
