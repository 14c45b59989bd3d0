#!/usr/bin/env python3
import json
import os
import sys

from scenario import ROOT, Daemon, check, run, wait

WAITER = f"{sys.executable} -u {os.path.join(ROOT, 'Tests', 'Systemd', 'waiter.py')}"
HEALTH = """[health]
interval = 500ms
grace = 1s
confirm = 2 of 3
recover_within = 10s
restart_backoff = 100ms..1s
[health:signal]
forensics_signal = USR1
heartbeat_timeout = 1h
[health:abba]
forensics_command = /bin/sh -c "echo looked at $WARDEN_PID"
"""
LOCKED = ("abba", "child", "signal")
# Each in a group of its own: they hang at the same time.
WELL = ("pool", "sleeper", "reader")


def incidents_of(daemon, name):
    return [incident for incident in daemon.incidents() if incident["worker"] == name]


def scenario(daemon):
    """Deadlocks are proven and restarted without a heartbeat_timeout; idle workers beside them are healthy."""
    text = HEALTH
    for name in LOCKED:
        command = f"{WAITER} {name} --once {daemon.path(name)}.failed"
        text += f"[program:{name}]\ncommand = {command}\nredirect_stderr = true\nkill_tree = yes\n"
    text += f"[program:pool]\ncommand = {WAITER} pool\n"
    text += "[program:sleeper]\ncommand = sleep 100000\n[program:reader]\ncommand = cat\n"
    daemon.configure(text)
    daemon.start()
    daemon.running(*WELL)
    first = {name: daemon.worker(name)["pid"] for name in LOCKED}

    for name in LOCKED:
        wait(f"{name} restarted and recovered", 40,
             lambda: (daemon.worker(name).get("last_restart") or {}).get("outcome") == "recovered")
        check(daemon.worker(name)["last_restart"]["reason"] == "hung/deadlock", str(daemon.worker(name)))
        check(daemon.worker(name)["pid"] != first[name], f"{name} is still the same process")
    grades = {name: incidents_of(daemon, name)[0]["grade"] for name in LOCKED}
    check(grades["abba"] == "proven" and grades["child"] == "proven", str(grades))
    check(grades["signal"] == "strong", str(grades))

    def shown(name):
        incident = incidents_of(daemon, name)[0]["id"]
        return "\n".join(daemon.ctl("incident", incident)[0].splitlines()), incident

    report, incident = shown("abba")
    check("3 of 3 threads wait for ever (3 on private futexes)" in report, report)
    check(report.count("futex: a lock of its own process, for ever") == 3, report)
    check(f"looked at {first['abba']}" in report, report)
    check("Max open files" in report, report)
    if os.geteuid() == 0:
        check("futex_wait" in report, report)
    report, _ = shown("child")
    check("wait4: the end of a child" in report, report)
    # faulthandler's lines are in the log by then.
    report, _ = shown("signal")
    check("Current thread" in report or "Thread 0x" in report, report)

    # The same again is recognised.
    os.remove(daemon.path("abba") + ".failed")
    daemon.ctl("restart", "abba")
    wait("abba hung again", 40, lambda: len(incidents_of(daemon, "abba")) == 2)
    wait("abba recovered again", 40, lambda: incidents_of(daemon, "abba")[0]["outcome"] == "recovered")
    report, _ = shown("abba")
    check(f"same as incident {incident}, 2nd time" in report, report)

    daemon.undisturbed()
    for name in WELL:
        check(daemon.health(name) == "healthy", f"{name} is {daemon.health(name)}")
        check(not incidents_of(daemon, name), f"{name} has incidents: {json.dumps(incidents_of(daemon, name))}")


run(Daemon, scenario)
