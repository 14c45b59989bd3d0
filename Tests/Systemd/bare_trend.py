#!/usr/bin/env python3
from scenario import Daemon, WORKER, check, run, wait


def scenario(daemon):
    """A leak is told by its trend, long before a line is crossed: when, what grows, and how much of it per batch. Where
    on_leaking says so, the worker is restarted right after a batch."""
    text = """[health]
interval = 100ms
grace = 1s
progress_pattern = Batch \\d+
fd_warning = 95%
fd_dark = 97%
leak_horizon = 1m
[health:planned]
on_leaking = restart
"""
    for name, mode in (("told", "trickle"), ("planned", "trickle"), ("well", "healthy")):
        text += f"""[program:{name}]
command = {WORKER} {mode}
startsecs = 0
"""
    daemon.configure(text)
    daemon.start()
    daemon.running("told", "planned", "well")
    first = daemon.worker("planned")["pid"]
    wait("told is leaking/fds", 75, lambda: daemon.health("told") == "leaking/fds")
    worker = daemon.worker("told")
    evidence = {one["rule"]: one for one in worker["health"]["evidence"]}
    check(worker["fds"] < 512 * 0.95, f"by the trend, and not by a line: {worker}")
    check(30 < evidence["observed_span"]["value"] < 80, f"evidence: {evidence}")
    check(0 < evidence["leak_horizon"]["value"] < 40, f"evidence: {evidence}")
    # Eight descriptors a second: two ends of a pipe at each poll.
    check(15000 < evidence["growth_per_hour"]["value"] < 32000, f"evidence: {evidence}")
    wait("its kind is named", 5, lambda: "pipe" in daemon.ctl("why", "told")[0].split("evidence")[1].split("readings")[0])
    out = daemon.ctl("why", "told")[0]
    check("pipe, +" in out and "per progress line" in out and "full in" in out, f"why: {out}")
    wait("planned was restarted", 20, lambda: daemon.worker("planned")["restarts"] == 1)
    worker = daemon.worker("planned")
    check(worker["pid"] != first and worker["last_restart"]["reason"] == "leaking/fds", f"planned: {worker}")
    told = [(one["worker"], one["action"], one["held_back_by"]) for one in daemon.incidents()]
    check(("planned", "restart", None) in told, f"incidents: {told}")
    check(all(worker != "well" for worker, _, _ in told), f"well: {told}")


run(Daemon, scenario)
