#!/usr/bin/env python3
import os
import re

from scenario import Service, check, is_alive, run, wait

TWO = """[program:one]
command = sleep 1000
[program:two]
command = sleep 1000
"""


def scenario(service):
    """systemctl start returns when Warden is ready, status shows its line, reload is update, stop ends everything."""
    service.configure(TWO)
    service.install()
    service.systemctl("start", "warden", seconds=30)
    # No waiting here: start has returned, so the socket listens and the autostart workers are spawned.
    workers = service.workers()
    check({"one", "two"} <= set(workers), f"right after systemctl start, status --json says: {workers}")
    check(all(workers[name]["pid"] for name in ("one", "two")), f"not spawned when READY was said: {workers}")
    check(os.path.isdir("/run/warden"), "there is no /run/warden")

    service.running("one", "two")
    wait("the STATUS line counts two workers", 10, lambda: re.match("2 workers", service.show("StatusText")))
    shown = service.systemctl("status", "warden")
    check(re.search(r'Status: "2 workers', shown), f"systemctl status shows no STATUS line:\n{shown}")

    service.configure(TWO + "[program:three]\ncommand = sleep 1000\n")
    service.systemctl("reload", "warden")
    service.undisturbed()
    service.running("one", "two", "three")
    check(service.show("NRestarts") == "0", "systemd has restarted the daemon")

    pids = list(service.watched.values()) + [int(service.show("MainPID"))]
    service.systemctl("stop", "warden", seconds=30)
    check(not any(map(is_alive, pids)), f"still alive after systemctl stop: {list(filter(is_alive, pids))}")
    check(service.show("Result") == "success", f"the unit's result is {service.show('Result')}")


run(Service, scenario)
