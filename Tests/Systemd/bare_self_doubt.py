#!/usr/bin/env python3
import os
import signal
import time

from scenario import WORKER, Daemon, check, run, wait


def scenario(daemon):
    """A daemon that was stopped itself doubts itself: no worker is restarted for what it could not see, and later it is."""
    daemon.configure(f"""[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 4s
forensics_budget = 500ms
[program:polling]
command = {WORKER} healthy
startsecs = 0
[program:silent]
command = {WORKER} silent --after 0.5 --once {daemon.path("silent")}
startsecs = 0
""")
    daemon.start()
    daemon.running("polling", "silent")
    pid = daemon.watched.pop("silent")
    wait("silent has begun to be silent", 5, lambda: os.path.exists(daemon.path("silent")))
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(7)
    daemon.process.send_signal(signal.SIGCONT)
    wait("it doubts itself", 5, lambda: daemon.has_logged("doubts its own eyes.*own loop was late by"))
    resumed = time.monotonic()
    while time.monotonic() - resumed < 5:
        check(daemon.worker("silent")["pid"] == pid, "silent was restarted for a silence that nobody watched")
        time.sleep(0.2)
    wait("it trusts itself again", 15, lambda: daemon.has_logged("trusts its own eyes again"))
    wait("silent is restarted now", 20, lambda: daemon.worker("silent")["pid"] not in (None, pid))
    daemon.undisturbed()


run(Daemon, scenario)
