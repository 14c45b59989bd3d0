#!/usr/bin/env python3
import os

from scenario import Daemon, check, run, wait

STEADY = """[program:steady]
command = sleep 1000
"""


def scenario(daemon):
    """A working directory that the worker's user may not enter is named with the reason; a neighbour goes on."""
    daemon.configure(STEADY)
    daemon.start()
    daemon.running("steady")

    closed = daemon.path("closed")
    os.mkdir(closed, 0o700 if os.geteuid() == 0 else 0o000)
    user = "user = nobody\n" if os.geteuid() == 0 else ""
    daemon.configure(
        STEADY + f"[program:outside]\ncommand = /bin/sleep 1000\ndirectory = {closed}\nstartretries = 1\n{user}")
    out, err, code = daemon.ctl("update")
    check(code == 0, f"update: exit code {code}: {out}{err}")
    wait("outside FATAL", 15, lambda: daemon.workers().get("outside", {}).get("state") == "FATAL")
    out, _, _ = daemon.ctl("status", "outside")
    check(closed in out and ("Permission denied" in out or "EACCES" in out), f"status does not say why: {out}")
    daemon.undisturbed()


run(Daemon, scenario)
