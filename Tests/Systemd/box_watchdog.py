#!/usr/bin/env python3
import os
import signal

from scenario import Service, check, is_alive, run, wait


def scenario(service):
    """A daemon under SIGSTOP is restarted by systemd's watchdog, and its workers run again, each of them once."""
    service.configure("[program:one]\ncommand = sleep 1000\n[program:two]\ncommand = sleep 1000\n")
    # Two seconds before the restart, so that the reason can be read: systemd forgets it when the unit is up again.
    service.install("WatchdogSec=3s\nRestartSec=2s\n")
    service.systemctl("start", "warden")
    service.running("one", "two")
    wait("two watchdog periods pass without a restart", 15,
         lambda: int(service.show("WatchdogTimestampMonotonic") or 0) >
         int(service.show("ActiveEnterTimestampMonotonic")) + 6_000_000)
    check(service.show("NRestarts") == "0", "the watchdog struck a healthy daemon")

    first, old = int(service.show("MainPID")), list(service.watched.values())
    os.kill(first, signal.SIGSTOP)
    wait("systemd sees the watchdog's time-out", 30, lambda: service.show("Result") == "watchdog")
    wait("systemd restarts the daemon", 30,
         lambda: service.show("NRestarts") == "1" and service.show("ActiveState") == "active")
    check(int(service.show("MainPID")) != first, "the main process is the same one")
    service.running("one", "two", seconds=30)
    left = [pid for pid in old if is_alive(pid) and pid not in service.watched.values()]
    check(not left, f"workers of the first daemon are alive beside their successors: {left}")


run(Service, scenario)
