#!/usr/bin/env python3
import re
import time

from scenario import Service, check, run, wait


def scenario(service):
    """Under systemd an upgrade is no restart: same main process, same workers, the watchdog content, STATUS told anew."""
    service.configure("[program:one]\ncommand = sleep 1000\n[program:two]\ncommand = sleep 1000\n")
    service.install("WatchdogSec=3s\n")
    service.systemctl("start", "warden")
    service.running("one", "two")
    main = service.show("MainPID")
    for _ in range(5):
        out, err, code = service.ctl("upgrade")
        check(code == 0, f"upgrade: exit code {code}: {out}{err}")
        time.sleep(1.5)
    service.undisturbed()
    check(service.show("MainPID") == main, "the main process is another one")
    check(service.show("NRestarts") == "0", "systemd has restarted the daemon")
    check(service.show("ActiveState") == "active", f"the unit is {service.show('ActiveState')}")
    wait("the watchdog is fed by the last of them", 10,
         lambda: int(service.show("WatchdogTimestampMonotonic") or 0) > (time.monotonic() - 2) * 1_000_000)
    wait("the STATUS line counts two workers", 10, lambda: re.match("2 workers", service.show("StatusText")))
    service.configure("[program:one]\ncommand = sleep 1000\n")
    service.systemctl("reload", "warden")
    check("two" not in service.workers(), "an update after the upgrade removes nobody")
    service.systemctl("stop", "warden", seconds=30)
    check(service.show("Result") == "success", f"the unit's result is {service.show('Result')}")


run(Service, scenario)
