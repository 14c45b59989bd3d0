#!/usr/bin/env python3
import time

from scenario import WORKER, Daemon, check, run, wait

HEALTH = """[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
forensics_budget = 500ms
on_hung = alert
"""


def program(daemon, name, mode, health):
    return f"""[program:{name}]
command = {WORKER} {mode} --after 0.5
startsecs = 0
redirect_stderr = true
[health:{name}]
{health}
"""


def scenario(daemon):
    """Work that waits makes a hang sure, no work makes it none, and progress is missed only while work waits."""
    patterns = "progress_pattern = Batch\nprogress_timeout = 2s"
    daemon.configure(
        HEALTH
        + program(daemon, "sure", "silent", "heartbeat_timeout = 1s\ndemand = exec:echo 3")
        + program(daemon, "unsure", "silent", "heartbeat_timeout = 1s\ndemand = exec:false")
        + program(daemon, "empty", "silent", "heartbeat_timeout = 1s\ndemand = exec:echo 0")
        + program(daemon, "waiting", "idle", f"{patterns}\ndemand = exec:echo 3")
        + program(daemon, "done", "idle", f"{patterns}\ndemand = exec:echo 0")
        + program(daemon, "blind", "idle", patterns))
    daemon.start()
    began = time.monotonic()
    daemon.running("sure", "unsure", "empty", "waiting", "done", "blind")

    def grade(name):
        return (daemon.worker(name).get("health") or {}).get("grade")
    wait("sure is hung/silent (strong)", 9, lambda: (daemon.health("sure"), grade("sure")) == ("hung/silent", "strong"))
    wait("unsure is hung/silent (weak)", 5,
         lambda: (daemon.health("unsure"), grade("unsure")) == ("hung/silent", "weak"))
    wait("waiting is hung/no-progress", 9, lambda: daemon.health("waiting") == "hung/no-progress")
    time.sleep(max(0, 6 - (time.monotonic() - began)))
    for name in ("empty", "done", "blind"):
        check(daemon.health(name) == "healthy", f"{name} is {daemon.health(name)}")
    daemon.undisturbed()


run(Daemon, scenario)
