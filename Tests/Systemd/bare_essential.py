#!/usr/bin/env python3
import subprocess
import sys

from scenario import Daemon, Failed, check, run, wait


def ends(daemon, program):
    daemon.configure("[program:other]\ncommand = sleep 1000\n" + program)
    open(daemon.log, "w").close()
    daemon.process = subprocess.Popen([daemon.options.warden, "-n", "-c", daemon.configuration],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return daemon.process.wait(20)
    except subprocess.TimeoutExpired:
        raise Failed("the daemon did not end") from None


def scenario(daemon):
    """The daemon ends with exit code 1 when an essential program is down for good, and not before."""
    code = ends(daemon, "[program:main]\ncommand = sh -c 'exit 3'\nessential = true\nstartretries = 1\n")
    check(code == 1, f"FATAL: exit code {code}")
    check(daemon.has_logged("CRIT essential program main has gone FATAL: stopping everything"), "not said")
    check(daemon.has_logged(r"stopped: other \(terminated by SIGTERM\)"), "other was not stopped")

    code = ends(daemon, "[program:main]\ncommand = sh -c 'sleep 1.3; exit 3'\nessential = true\nautorestart = false\n")
    check(code == 1, f"unexpected exit: exit code {code}")
    check(daemon.has_logged("main has exited unexpectedly and is not restarted"), "not said")

    daemon.configure("""[program:main]
command = sh -c 'sleep 1.3; exit 0'
essential = true
autorestart = false
[program:again]
command = sh -c 'sleep 1.3; exit 3'
essential = true
[program:stopped]
command = sleep 1000
essential = true
""")
    daemon.start()
    wait("main EXITED", 10, lambda: daemon.worker("main").get("state") == "EXITED")
    wait("again restarted", 10, lambda: daemon.worker("again").get("restarts", 0) >= 1)
    daemon.ctl("stop", "stopped")
    check(daemon.process.poll() is None, "the daemon has ended")
    code = daemon.stop()
    check(code == 0, f"SIGTERM: exit code {code}")


run(Daemon, scenario)
