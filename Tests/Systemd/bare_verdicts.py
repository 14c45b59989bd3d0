#!/usr/bin/env python3
import os
import signal
import time

from scenario import WORKER, Daemon, check, run, wait

HEALTH = """[health]
interval = 500ms
grace = 1s
confirm = 2 of 3
heartbeat_timeout = 3s
progress_pattern = \\] Batch \\d+:
error_pattern = \\[error
error_burst = 3 in 10s
recover_within = 10s
"""
WELL = ("healthy", "idle", "held")
FAILS = {"silent": "hung/silent", "spin": "hung/livelock", "hog": "bloated/rss"}


def scenario(daemon):
    """Each way to fail gets its own verdict, and what is due; who is well, or held still by a person, is left alone."""
    text = HEALTH + "[health:hog]\nrss_limit = 100MB\n"
    for name in (*WELL, *FAILS, "errors401"):
        mode = "healthy" if name == "held" else name
        once = f"--once {daemon.path(name)}.failed" if name in FAILS else ""
        text += f"[program:{name}]\ncommand = {WORKER} {mode} {once}\nredirect_stderr = true\n"
    daemon.configure(text)
    daemon.start()
    daemon.running(*WELL, "errors401")
    wait("held is healthy", 8, lambda: daemon.health("held") == "healthy")
    held = daemon.watched["held"]
    os.kill(held, signal.SIGSTOP)
    stopped = time.monotonic()
    wait("held is paused", 5, lambda: daemon.health("held") == "paused/stopped")

    for name in FAILS:
        wait(f"{name} restarted and recovered", 20,
             lambda: (daemon.worker(name).get("last_restart") or {}).get("outcome") == "recovered")
    fails = dict(FAILS)
    if daemon.has_logged("spin is hung/silent .* though the tree still moves"):
        # By the contract: who gets less than 90 % of a core is silent and uses some CPU.
        print("    the host is so busy that spin did not get a core of its own")
        fails["spin"] = "hung/silent"
    for name, reason in fails.items():
        last = daemon.worker(name)["last_restart"]
        check(last["reason"] == reason, f"{name} was restarted for another reason than {reason}: {last}")
    check(daemon.health("errors401") == "dark/errors", f"errors401 is {daemon.health('errors401')}")
    # Longer than a restart for silence would have taken.
    time.sleep(max(0, 8 - (time.monotonic() - stopped)))
    check(daemon.health("held") == "paused/stopped", f"held is {daemon.health('held')}")
    os.kill(held, signal.SIGCONT)
    wait("held is healthy again", 5, lambda: daemon.health("held") == "healthy")

    daemon.undisturbed()
    for name in ("healthy", "idle"):
        check(daemon.health(name) == "healthy", f"{name} is {daemon.health(name)}")
    by_worker = {}
    for incident in daemon.incidents():
        by_worker.setdefault(incident["worker"], []).append(incident)
    check(not by_worker.keys() & set(WELL), f"incidents of workers that are well: {by_worker.keys()}")
    check([incident["action"] for incident in by_worker["errors401"]] == ["alert"], str(by_worker["errors401"]))
    for name, reason in fails.items():
        told = [(f"{incident['class']}/{incident['cause']}", incident["action"]) for incident in by_worker[name]
                if incident["action"] != "alert"]
        check(told == [(reason, "restart")], f"{name}: {told}")


run(Daemon, scenario)
