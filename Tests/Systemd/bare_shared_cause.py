#!/usr/bin/env python3
import os
import time

from scenario import WORKER, Daemon, Receiver, check, run, wait

NAMES = ("ami:ami_00", "ami:ami_01", "ami:ami_02")


def scenario(daemon):
    """Three of three dark at once through a shared cause: one alert, one canary, no mass restart; when it ends, all go on."""
    receiver = Receiver()
    broker = daemon.path("broker")
    open(broker, "w").close()
    daemon.doubts = "host_pressure = none"
    daemon.configure(f"""[program:ami]
command = {WORKER} healthy
process_name = %(program_name)s_%(process_num)02d
numprocs = 3
startsecs = 0
[health:ami]
interval = 200ms
grace = 500ms
confirm = 2 of 3
probe = exec:test -e {broker}
probe_interval = 300ms
probe_timeout = 300ms
probe_failures = 3
max_unavailable = 3
recover_within = 3s
restart_backoff = 30s..60s
forensics_budget = 500ms
[alert:team]
url = {receiver.url()}
format = json
""")
    daemon.start()
    before = daemon.running(*NAMES)
    daemon.watched.clear()
    for name in NAMES:
        wait(f"{name} is healthy", 10, lambda: daemon.health(name) == "healthy")

    def generations():
        return {name: daemon.worker(name).get("generation") for name in NAMES}

    def opened():
        return [body for body in receiver.accepted() if body["type"] == "warden.incident.opened"]

    def closed():
        return [body for body in receiver.accepted() if body["type"] == "warden.incident.closed"]
    os.remove(broker)
    wait("a canary is restarted", 15, lambda: any(generations()[name] == 2 for name in NAMES))
    canary = next(name for name in NAMES if generations()[name] == 2)
    others = [name for name in NAMES if name != canary]
    wait("the canary has not recovered", 20, lambda: closed())
    check([body["subject"] for body in opened()] == [canary], f"told: {[body['subject'] for body in opened()]}")
    check(closed()[0]["data"]["outcome"] == "unhelped" and closed()[0]["subject"] == canary, f"{closed()}")
    check(any(piece["rule"] == "shared_cause" for piece in closed()[0]["data"]["evidence"]), f"{closed()}")
    # The canary tries again, by its own budget; nobody else is touched.
    time.sleep(4)
    for name in others:
        check(daemon.worker(name)["pid"] == before[name]["pid"], f"{name} was restarted, too")
        check(daemon.health(name) == "dark/probe", f"{name} is {daemon.health(name)}")
        text = daemon.ctl("why", name)[0]
        check("a shared cause is suspected, another goes first" in text, f"why {name}:\n{text}")
    check({body["subject"] for body in receiver.accepted()} == {canary}, "somebody else was told of")
    check(daemon.has_logged("shared cause suspected: .* goes first"), "it is not logged")
    check(daemon.has_logged(f"{canary} has not recovered; left as they are: {others[0]}, {others[1]}"), "nor the rest")
    # The broker is back: whoever is well again by itself is left alone.
    open(broker, "w").close()
    for name in NAMES:
        wait(f"{name} is healthy again", 20, lambda: daemon.health(name) == "healthy")
    for name in others:
        check(daemon.worker(name)["pid"] == before[name]["pid"], f"{name} was restarted though it was well")


run(Daemon, scenario)
