#!/usr/bin/env python3
import glob
import os
import signal

from scenario import WORKER, Daemon, check, run, wait


def configuration(daemon, history=""):
    return f"""{history}
[program:once]
command = {WORKER} silent --after 0.3 --once {daemon.path("failed")}
startsecs = 0
redirect_stderr = true
[health:once]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 1s
progress_pattern = Batch
recover_within = 5s
forensics_budget = 500ms
"""


def respawned(daemon, pid):
    """Supervision goes on: a killed worker comes back."""
    os.kill(pid, signal.SIGKILL)
    wait("once comes back after a kill", 5,
         lambda: daemon.worker("once").get("pid") not in (None, pid) and daemon.worker("once")["state"] == "RUNNING")


def scenario(daemon):
    """What was recorded outlives the daemon; a history that is damaged or impossible stops nobody."""
    daemon.configure(configuration(daemon))
    daemon.start()

    def recovered():
        return ((daemon.worker("once").get("last_restart") or {}).get("outcome")) == "recovered"
    wait("once hung, was restarted and recovered", 10, recovered)
    respawned(daemon, daemon.worker("once")["pid"])
    before, told = daemon.worker("once"), daemon.incidents()
    check(before["restarts"] == 2, f"one restart by Warden, one after a kill: {before}")
    check(len(told) == 1 and told[0]["outcome"] == "recovered", f"incidents: {told}")
    fields = {"id", "worker", "generation", "at", "class", "cause", "grade", "evidence", "action", "outcome",
              "recovered_seconds"}
    check(not fields - told[0].keys() and isinstance(told[0]["id"], str), f"an incident's fields: {told[0]}")

    check(daemon.stop() == 0, f"exit code {daemon.process.returncode}")
    daemon.start()
    daemon.running("once")
    check(daemon.incidents() == told, f"after a restart of the daemon: {daemon.incidents()}, before: {told}")
    restarts = daemon.worker("once")["restarts"]
    check(before["restarts"] <= restarts <= before["restarts"] + 1,
          f"restarts are {restarts} after a restart of the daemon, and were {before['restarts']}")

    # Damaged.
    daemon.stop()
    for path in glob.glob(daemon.path("history.sqlite*")):
        os.remove(path)
    with open(daemon.path("history.sqlite"), "wb") as file:
        file.write(b"this was a database once\n" * 400)
    daemon.start()
    daemon.running("once")
    said = daemon.has_logged(r"history: .*history\.sqlite was damaged and is now")
    check(len(said) == 1, f"lines about the damaged history: {said}")
    aside = said[0].split("is now ")[1].split(";")[0]
    check(os.path.getsize(aside) == 10000, f"{aside} is not the damaged file")
    check(daemon.incidents() == [], "the new history is not empty")
    respawned(daemon, daemon.worker("once")["pid"])

    # Impossible.
    daemon.stop()
    daemon.configure(configuration(daemon, "history = /dev/null/history.sqlite"))
    os.remove(daemon.path("failed"))
    daemon.start()
    check(daemon.has_logged("No history.*/dev/null/history.sqlite"), "the log does not speak of the impossible history")
    wait("once is restarted without a history", 10, recovered)
    respawned(daemon, daemon.worker("once")["pid"])


run(Daemon, scenario)
