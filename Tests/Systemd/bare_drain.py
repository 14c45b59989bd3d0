#!/usr/bin/env python3
import time

from scenario import WORKER, Daemon, check, contents, run, wait


def program(daemon, name, settings="", health=""):
    return f"""[program:{name}]
command = {WORKER} {name} --after 0.5 --once {daemon.path(name)}.failed
startsecs = 0
redirect_stderr = true
stdout_logfile = {daemon.path(name)}.log
{settings}
[health:{name}]
{health}
"""


def scenario(daemon):
    """drain asks a worker that catches the signal to finish; one that does not catch it or finish is restarted."""
    daemon.configure(
        """[health]
interval = 300ms
grace = 300ms
confirm = 2 of 3
progress_pattern = \\] Batch \\d+:
error_pattern = \\[error
error_burst = 2 in 10s
on_dark = drain
drain_signal = USR1
recover_within = 5s
"""
        # Exit code 0 is expected, so that autorestart alone would leave it down.
        + program(daemon, "drainable", "autorestart = unexpected", "drain_timeout = 30s")
        + program(daemon, "errors401", "", "drain_timeout = 30s")
        + program(daemon, "undrained", "", "drain_timeout = 2s"))
    daemon.start()
    began = time.monotonic()
    daemon.running("drainable", "errors401", "undrained")

    def recovered(name):
        last = daemon.worker(name).get("last_restart") or {}
        return last.get("reason") == "dark/errors" and last.get("outcome") == "recovered"
    wait("drainable drained and recovered", 10, lambda: recovered("drainable"))
    check("drained" in contents(daemon.path("drainable.log")), "drainable did not finish by itself")
    wait("undrained restarted after drain_timeout", 10, lambda: recovered("undrained"))
    log = contents(daemon.path("undrained.log"))
    check(log.count("not now") == 1, f"the drain signal came {log.count('not now')} times")
    check(time.monotonic() - began >= 2, "drain_timeout was cut short")
    wait("errors401, which cannot be drained, restarted without waiting for drain_timeout", 6,
         lambda: recovered("errors401"))
    check(not daemon.has_logged("errors401.*SIGUSR1"), "the drain signal went to a worker that does not catch it")
    actions = {incident["worker"]: incident["action"] for incident in daemon.incidents()}
    check(set(actions.values()) == {"drain"} and len(actions) == 3, f"actions: {actions}")


run(Daemon, scenario)
