#!/usr/bin/env python3
import re

from scenario import WORKER, Daemon, check, run, wait


def scenario(daemon):
    """Of a group that hangs together, one worker at a time is restarted: the next when the last has its outcome."""
    names = [f"group:group_{number}" for number in range(3)]
    marks = daemon.path("failed")
    daemon.configure(f"""[program:group]
command = {WORKER} silent --after 0.3 --once {marks}-%(process_num)d
process_name = group_%(process_num)d
numprocs = 3
startsecs = 0
redirect_stderr = true
[health:group]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 1s
progress_pattern = Batch
recover_within = 5s
forensics_budget = 500ms
max_unavailable = 1
[program:immortal]
command = sh -c 'test -e {marks}-immortal || trap "" TERM; exec {WORKER} silent --after 0.3 --once {marks}-immortal'
stopwaitsecs = 60
[health:immortal]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 1s
progress_pattern = Batch
on_hung = kill
""")
    daemon.start()

    def recovered(name):
        return (daemon.worker(name).get("last_restart") or {}).get("outcome") == "recovered"
    for name in (*names, "immortal"):
        wait(f"{name} restarted and recovered", 12, lambda: recovered(name))
    steps = [re.search(r"incident (\S+): (restart )?(group:\S+?),? ", line) for line in daemon.has_logged("incident ")]
    steps = [(step.group(1), bool(step.group(2))) for step in steps if step]
    check(len(steps) == 6, f"lines about incidents: {steps}")
    for (begun, is_begin), (ended, is_also_begin) in zip(steps[::2], steps[1::2]):
        check(is_begin and not is_also_begin and begun == ended,
              f"a restart began before the last had its outcome: {steps}")
    check(daemon.has_logged(r"stopped: immortal \(terminated by SIGKILL\)"), "immortal was not killed at once")
    actions = {incident["worker"]: incident["action"] for incident in daemon.incidents()}
    check(actions.pop("immortal") == "kill" and set(actions.values()) == {"restart"}, f"actions: {actions}")


run(Daemon, scenario)
