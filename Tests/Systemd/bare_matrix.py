#!/usr/bin/env python3
import os
import sys

from matrix import Kind, play
from scenario import ROOT, Daemon, run

HEALTH = """[health]
interval = 500ms
grace = 15s
confirm = 2 of 3
heartbeat_timeout = 4s
progress_pattern = \\] Batch \\d+:
error_pattern = \\[error
error_burst = 3 in 20s
forensics_budget = 500ms
recover_within = 20s
probe_interval = 500ms
"""
# Proof of a deadlock takes ten seconds; silence would come first.
PATIENT = "heartbeat_timeout = 1h"
DEMAND = "demand = exec:echo 3\nprogress_timeout = 3s"


def kinds(daemon):
    def command(mode):
        return f"{sys.executable} -u {os.path.join(ROOT, 'Tests', 'Systemd', 'behaviours.py')} {mode}"

    def ill(name, truth, mode=None, **options):
        return Kind(name, truth, f"{command(mode or name)} --once {daemon.path('{slot}')}", **options)
    return [
        *(Kind(name, "healthy", command(name))
          for name in ("healthy", "idle", "slowstart", "longbatch", "chatty", "bursty")),
        ill("emfile", "dark/emfile", action="restart", before=("leaking/fds",), reason="Too many open files"),
        ill("401", "dark/errors", reason="401 Client Error"),
        ill("503", "dark/errors", reason="503 Server Error"),
        ill("refused", "dark/errors", reason="Connection refused"),
        ill("dns", "dark/errors", reason="Failed to resolve"),
        ill("probe", "dark/probe", action="restart", 
            health=f"probe = exec:sh -c 'test ! -e {daemon.path('$WARDEN_PID.ill')}'"),
        ill("timeouts", "hung/silent", action="restart"),
        ill("abba", "hung/deadlock", action="restart", health=PATIENT),
        ill("spin", "hung/livelock", action="restart", count=2, one_by_one=True,
            but=("hung/silent", "{name} is hung/silent .* though the tree still moves")),
        Kind("demanded", "hung/no-progress", command("chatty"), health=f"{DEMAND}\non_hung = alert"),
        ill("hog", "bloated/rss", action="restart", health="rss_limit = 100MB"),
        ill("leak", "leaking/fds"),
        ill("stopped", "paused/stopped"),
    ]


def scenario(daemon):
    """Three workers of each kind at once: each called what it is, and nobody acted on who only looks ill."""
    all_kinds = kinds(daemon)
    daemon.configure(HEALTH + "".join(kind.sections() for kind in all_kinds))
    daemon.start()
    play(daemon, all_kinds, seconds=30, limit=75)


run(Daemon, scenario)
