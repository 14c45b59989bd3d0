#!/usr/bin/env python3
import os
import time

from scenario import Daemon, check, contents, run


def scenario(daemon):
    """stop_command ends the worker it is told of; one that fails or does nothing is followed by the signal."""
    said = daemon.path("said")
    worker = f"""trap "echo TERM >> {said}-%(program_name)s; exit 0" TERM; trap "exit 0" USR1; while :; do sleep 0.1; done"""
    note = f'echo $WARDEN_PID $WARDEN_SLOT $MARK $(id -un) >> {said}-%(program_name)s'
    def program(name, command, wait):
        return (f"[program:{name}]\ncommand = sh -c '{worker}'\nstop_command = {command}\nstopwaitsecs = {wait}\n"
                f"environment = MARK=\"m1\"\nstartsecs = 0\n" + ("user = nobody\n" if os.geteuid() == 0 else ""))
    os.chmod(daemon.directory, 0o777)
    daemon.configure(
        program("good", f"sh -c '{note}; kill -USR1 $WARDEN_PID'", 10)
        + program("failing", "sh -c 'exit 3'", 10)
        + program("missing", "/there/is/no/such", 10)
        + program("idle", "true", 1)
        + program("slow", "sleep 100", 1))
    daemon.start()
    workers = daemon.running("good", "failing", "missing", "idle", "slow")
    for name, longest in (("good", 3), ("failing", 3), ("missing", 3), ("idle", 4), ("slow", 4)):
        began = time.monotonic()
        out, _, code = daemon.ctl("stop", name)
        took = time.monotonic() - began
        check(code == 0 and out == f"{name}: stopped\n" and took < longest, f"{name}: {out} after {took:.1f} s")
    user = "nobody" if os.geteuid() == 0 else os.popen("id -un").read().strip()
    check(contents(f"{said}-good") == f"{workers['good']['pid']} good m1 {user}\n", contents(f"{said}-good"))
    for name in ("failing", "missing", "idle", "slow"):
        check(contents(f"{said}-{name}") == "TERM\n", f"{name}: {contents(f'{said}-{name}')}")
    check(daemon.has_logged(r"stop_command of 'failing' failed \(exit status 3\); sending SIGTERM"), "failing: not said")
    check(daemon.has_logged(r"stop_command of 'slow' (failed \(timed out\)|has not ended it in time)"), "slow: not said")


run(Daemon, scenario)
