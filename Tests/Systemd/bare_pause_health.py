#!/usr/bin/env python3
import os
import signal
import time

from scenario import WORKER, Daemon, check, run, wait


def scenario(daemon):
    """Paused health and on_hung = alert decide, tell and do nothing; resumed health acts."""
    text = """[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 1s
forensics_budget = 500ms
[health:told]
on_hung = alert
"""
    for name in ("told", "paused"):
        text += f"[program:{name}]\ncommand = {WORKER} silent --after 1\nstartsecs = 0\n"
    daemon.configure(text)
    daemon.start()
    daemon.running("told", "paused")
    out, err, code = daemon.ctl("pause-health", "paused")
    check(code == 0, f"pause-health: exit code {code}: {out}{err}")
    wait("told is hung", 8, lambda: daemon.health("told") == "hung/silent")
    time.sleep(2)
    daemon.undisturbed()
    actions = {incident["worker"]: incident["action"] for incident in daemon.incidents()}
    check(actions.get("told") == "alert" and actions.get("paused") in (None, "alert"), f"incidents: {actions}")

    # Health that is paused changes nothing about supervision.
    os.kill(daemon.watched["paused"], signal.SIGKILL)
    wait("paused comes back after a kill", 5,
         lambda: daemon.worker("paused").get("pid") not in (None, daemon.watched["paused"]))
    before = daemon.worker("paused")["pid"]
    out, err, code = daemon.ctl("resume-health", "paused")
    check(code == 0, f"resume-health: exit code {code}: {out}{err}")
    wait("paused is restarted once its health is resumed", 8,
         lambda: (daemon.worker("paused").get("last_restart") or {}).get("reason") == "hung/silent")
    check(daemon.worker("paused")["pid"] != before, "the same process")
    check(daemon.worker("told")["pid"] == daemon.watched["told"], "told was restarted")


run(Daemon, scenario)
