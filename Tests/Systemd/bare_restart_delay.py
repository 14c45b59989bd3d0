#!/usr/bin/env python3
import time

from scenario import Daemon, check, contents, run, wait


def times(path):
    return [float(line) for line in contents(path).split()]


def scenario(daemon):
    """restart_delay waits before every restart by itself and doubles up to max_backoff; infinite is never FATAL."""
    def program(name, script, more):
        return (f"[program:{name}]\ncommand = sh -c 'date +%%s.%%N >> {daemon.path(name)}; {script}'\n{more}\n")
    daemon.configure(
        program("doubling", "exit 1", "restart_delay = 200ms\nmax_backoff = 800ms\nstartretries = infinite")
        + program("capped", "exit 1", "max_backoff = 500ms\nstartretries = infinite")
        + program("crash", "sleep 1.2; exit 1", "restart_delay = 700ms\nmax_backoff = 1s\nautorestart = true"))
    daemon.start()
    wait("7 starts", 20, lambda: len(times(daemon.path("doubling"))) >= 7)
    starts = times(daemon.path("doubling"))
    pauses = [later - earlier for earlier, later in zip(starts, starts[1:])]
    for pause, least in zip(pauses, (0.2, 0.4, 0.8, 0.8, 0.8, 0.8)):
        check(least <= pause < least + 0.35, f"pauses {pauses}")
    wait("6 starts", 20, lambda: len(times(daemon.path("capped"))) >= 6)
    starts = times(daemon.path("capped"))
    pauses = [later - earlier for earlier, later in zip(starts, starts[1:])]
    check(all(0.5 <= pause < 0.85 for pause in pauses), f"capped: pauses {pauses}")
    for name in ("doubling", "capped"):
        check(not daemon.has_logged(f"gave up: {name}"), f"{name} has gone FATAL")

    # Between an exit and its restart a person can still say no.
    wait("crash in BACKOFF", 10, lambda: daemon.worker("crash").get("state") == "BACKOFF")
    starts = len(times(daemon.path("crash")))
    out, _, code = daemon.ctl("stop", "crash")
    check(code == 0 and out == "crash: stopped\n", f"stop: exit code {code}: {out}")
    deadline = time.monotonic() + 1.5
    wait("the time of a restart to pass", 5, lambda: time.monotonic() > deadline)
    check(len(times(daemon.path("crash"))) == starts, "crash was started though stopped")
    starts = times(daemon.path("crash"))
    check(all(later - earlier >= 1.8 for earlier, later in zip(starts, starts[1:])), f"crash: {starts}")


run(Daemon, scenario)
