#!/usr/bin/env python3
import os

from matrix import Kind, play
from scenario import Service, run

HEALTH = """[health]
interval = 1s
; Longer than the slow start; the first batch ends it.
grace = 15s
confirm = 2 of 3
; A long batch burns a core for 20 s without a line: shorter than twice this, and longer than this.
heartbeat_timeout = 12s
progress_pattern = \\] Batch \\d+: |\\] Done, detections:
error_pattern = \\[error\\s*\\]
error_burst = 3 in 60s
forensics_budget = 1s
recover_within = 60s
"""
FD = "Too many open files"
DEMAND = "demand = exec:echo 3\nprogress_timeout = 10s\non_hung = alert"


def kinds(service):
    """Those without torch, which run first, and those with it."""
    kit, python, directory = service.options.kit, service.options.kit_python, service.directory

    def once(program, after="healthy_worker.py --idle"):
        """Fails in its first life alone."""
        mark = os.path.join(directory, "{slot}.failed")
        return (f"/bin/sh -c 'cd {kit}; if [ -e {mark} ]; then exec {python} -u {after}; fi; : > {mark}; "
                f"exec {python} -u {program}'")

    def lite(name, truth, mode, **options):
        return Kind(name, truth, f"{python} {kit}/lite_worker.py {mode}", **options)

    def fails(name, truth, mode, **options):
        return Kind(name, truth, once(f"lite_worker.py {mode}", "lite_worker.py idle --fast"), **options)

    def torch(name, truth, program, health="", grace="60s", **options):
        # Torch is imported ten times at once: that takes up to 25 s without a line.
        return Kind(name, truth, f"{python} {kit}/{program}", count=1, health=f"grace = {grace}\n{health}", **options)

    # No batch ends the grace of these.
    idle = "35s"

    small = 'SIM_NOFILE="64"'
    return [
        lite("healthy", "healthy", "healthy"),
        lite("idle", "healthy", "idle"),
        lite("slowstart", "healthy", "slowstart"),
        lite("longbatch", "healthy", "silent", count=2),
        lite("buffered", "healthy", "buffered --fast", count=1),
        lite("chatty", "healthy", "chatty --fast"),
        fails("leak", "dark/emfile", "leak --fast", action="restart", before=("leaking/fds",), reason=FD,
              environment=small),
        fails("half", "dark/emfile", "half --fast", action="restart", before=("leaking/fds",), reason=FD,
              environment=small),
        lite("dark401", "dark/errors", "dark401 --fast", reason="401 Client Error"),
        fails("pollget", "hung/silent", "deadlock --fast", action="restart", count=2),
        fails("stuckread", "hung/deadlock", "stuckread --fast", action="restart", also=("hung/silent",), count=2),
        lite("demanded", "hung/no-progress", "chatty --fast", health=DEMAND),
        fails("hog", "bloated/rss", "hog --fast", action="restart", health="rss_limit = 120MB", count=2),
        lite("stopped", "paused/stopped", "stopped --fast", count=2),
    ], [
        torch("torch-busy", "healthy", "healthy_worker.py"),
        torch("torch-idle", "healthy", "healthy_worker.py --idle", grace=idle),
        torch("torch-zombie", "healthy", "healthy_worker.py", grace=idle, environment='SIM_PREFIX="zombie"'),
        torch("torch-stuck", "hung/silent", "deadlock_worker.py", also=("hung/deadlock",), health="on_hung = alert"),
        torch("torch-poolget", "hung/deadlock", "deadlock_worker.py --mode poolget", also=("hung/silent",),
              health="on_hung = alert"),
        torch("torch-free4", "dark/emfile", "leaky_worker.py --free 4", before=("leaking/fds",), reason=FD,
              health="on_dark = alert",
              environment='SIM_NOFILE="128",SIM_BATCH="0.01",SIM_SLEEP="1",SIM_BACKOFF="0.1"'),
        *(torch(f"torch-{why}", "dark/errors", f"dark_worker.py --why {why}", reason=reason, grace=idle,
                environment='SIM_SLEEP="1",SIM_BACKOFF="0.1"')
          for why, reason in (("503", "503"), ("refused", "refused"), ("dns", "resolve"))),
        torch("torch-hog", "bloated/rss", "hog_worker.py --where child --mb 32", health="rss_limit = 1500MB\n"
              "on_bloated = alert"),
    ]


def scenario(service):
    """The kit's workers, most of them several times: each is called what it is, who only looks ill is left alone."""
    with service.antenna():
        small, torch = kinds(service)
        service.configure(HEALTH + "".join(kind.sections() for kind in small)
                          + "".join(kind.sections(autostart=False) for kind in torch))
        service.install()
        service.systemctl("start", "warden")
        play(service, small, seconds=35, limit=100)
        service.ctl("stop", *(f"{kind.name}:*" for kind in small), seconds=60)
        service.ctl("start", *(f"{kind.name}:*" for kind in torch), seconds=60)
        play(service, torch, seconds=35, limit=120)


run(Service, scenario)
