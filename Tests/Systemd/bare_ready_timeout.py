#!/usr/bin/env python3
from scenario import Daemon, check, run, wait


def scenario(daemon):
    """Who does not become ready within startsecs has failed to start: ended, tried again, FATAL; what waits says so."""
    daemon.configure("""[program:mute]
command = sleep 1000
ready = line:never said
startsecs = 1
startretries = 1
stopwaitsecs = 5
[program:early]
command = sh -c 'exit 0'
ready = notify
startretries = 0
[program:behind]
command = sleep 1000
depends_on = mute
""")
    daemon.start()
    out, _, code = daemon.ctl("start", "behind", seconds=30)
    check(code == 7 and out == "behind: ERROR (abnormal termination)\n", f"start: exit code {code}: {out}")
    wait("mute FATAL", 15, lambda: daemon.worker("mute").get("state") == "FATAL")
    out, _, _ = daemon.ctl("status", "mute", "early", "behind")
    for words in ("Not ready within 1 seconds (ready=line)", "Exited before it was ready", "waiting for mute"):
        check(words in out, f"status does not say {words}: {out}")
    check(len(daemon.has_logged("spawned: 'mute'")) == 2, "mute was not started twice")
    check(not daemon.has_logged("spawned: 'behind'"), "behind was started")


run(Daemon, scenario)
