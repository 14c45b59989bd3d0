#!/usr/bin/env python3
import json
import time

from scenario import WORKER, Daemon, Receiver, check, run, wait

BUDGET = 2


def scenario(daemon):
    """A worker that hangs again and again is restarted as often as its budget allows; then people are told, once."""
    receiver = Receiver()
    daemon.configure(f"""[program:hopeless]
command = {WORKER} silent --after 0.3
[health:hopeless]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat_timeout = 1s
restart_backoff = 100ms..200ms
restart_budget = {BUDGET} in 1h
recover_within = 20s
forensics_budget = 500ms
[alert:people]
url = {receiver.url()}
format = json
events = gave-up
""")
    daemon.start()

    def given_up():
        return [body for body in receiver.accepted() if body["data"]["outcome"] == "gave-up"]
    wait("people are told that Warden gave up", 12, given_up)
    worker = daemon.worker("hopeless")
    check(worker["restarts"] == BUDGET and worker["state"] == "RUNNING", f"when Warden gave up: {worker}")
    time.sleep(2.5)
    kept = daemon.worker("hopeless")
    check(kept["pid"] == worker["pid"] and kept["restarts"] == BUDGET, f"the worker was not kept: {kept}")
    check(len(given_up()) == 1, f"people were told {len(given_up())} times")
    check(daemon.health("hopeless") == "hung/silent", f"a worker given up is {daemon.health('hopeless')}")
    spent = json.loads(daemon.ctl("why", "--json", "hopeless")[0])["budgets"]
    check([use["exhausted"] for use in spent] == [True], f"budgets: {spent}")

    out, err, code = daemon.ctl("restart", "hopeless")
    check(code == 0, f"restart: exit code {code}: {out}{err}")
    worker = daemon.worker("hopeless")
    check(worker["last_restart"]["reason"] == "user" and worker["restarts"] == BUDGET + 1, f"restart: {worker}")
    spent = json.loads(daemon.ctl("why", "--json", "hopeless")[0])["budgets"]
    check(not any(use["exhausted"] for use in spent), f"a person's restart left the breaker open: {spent}")
    wait("Warden acts again", 8, lambda: daemon.worker("hopeless")["last_restart"]["reason"] == "hung/silent")


run(Daemon, scenario)
