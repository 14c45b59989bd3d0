#!/usr/bin/env python3
import os
import shutil

from scenario import ROOT, Service, check, contents, run, wait


def scenario(service):
    """Under the stricter drop-in Warden starts workers as other users, watches, limits and restarts them as ever."""
    service.configure(f"""[program:mine]
command = sh -c 'echo begun; id -u; exec sleep 1000'
user = nobody
startsecs = 0
rlimit_nofile = 2000
stdout_logfile = {service.path("mine.log")}
[program:roots]
command = sh -c 'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; exec sleep 1000'
startsecs = 0
stdout_logfile = {service.path("roots.log")}
[health:mine]
interval = 200ms
""")
    service.install()
    shutil.copy(os.path.join(ROOT, "packaging", "hardening.conf"), service.dropins)
    service.systemctl("start", "warden")
    service.running("mine", "roots")
    mine = wait("mine is sampled", 10, lambda: service.worker("mine")["fds"] and service.worker("mine"))
    check(mine["fd_limit"] == 2000, f"its limit: {mine}")
    wait("what it says", 10, lambda: contents(service.path("mine.log")).splitlines()[:2] == ["begun", "65534"])
    out, err, code = service.ctl("restart", "mine")
    check(code == 0, f"restart: {out}{err}")
    check(service.worker("mine")["pid"] != mine["pid"], "it was not restarted")
    status = wait("what root's worker says", 10, lambda: len(
        lines := dict(line.split(":\t") for line in contents(service.path("roots.log")).splitlines())) == 4 and lines)
    check(status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", f"the drop-in does not hold: {status}")
    # CAP_SYS_MODULE, CAP_SYS_ADMIN, CAP_SYS_TIME.
    check(int(status["CapBnd"], 16) & (1 << 16 | 1 << 21 | 1 << 25) == 0, f"the bounding set is {status['CapBnd']}")
    service.systemctl("stop", "warden")


run(Service, scenario)
