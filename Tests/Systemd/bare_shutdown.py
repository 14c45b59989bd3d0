#!/usr/bin/env python3
import os
import subprocess
import time

from scenario import Daemon, check, is_alive, run


def scenario(daemon):
    """wardenctl shutdown ends the daemon and its workers within a second, and nothing is left."""
    daemon.configure("[program:many]\ncommand = sleep 1000\nprocess_name = many_%(process_num)02d\nnumprocs = 20\n")
    daemon.start()
    names = [f"many:many_{number:02}" for number in range(20)]
    pids = [worker["pid"] for worker in daemon.running(*names).values()]
    check(os.path.exists(daemon.path("warden.pid")), "there is no pid file")
    with open(daemon.path("warden.pid")) as file:
        check(int(file.read()) == daemon.process.pid, "the pid file has another pid")

    began = time.monotonic()
    out, err, code = daemon.ctl("shutdown")
    check(code == 0 and out.strip() == "Shut down", f"shutdown: exit code {code}: {out}{err}")
    try:
        code = daemon.process.wait(10)
    except subprocess.TimeoutExpired:
        check(False, "the daemon still runs 10 s later")
    taken = time.monotonic() - began
    check(code == 0 and taken < 1, f"exit code {code} after {taken:.2f} s")
    check(not any(is_alive(pid) for pid in pids), "a worker still runs")
    for path in (daemon.socket, daemon.path("warden.pid")):
        check(not os.path.lexists(path), f"{path} is still there")
    out, err, code = daemon.ctl("status")
    check(code == 4 and "no such file" in out, f"status without a daemon: exit code {code}: {out}{err}")


run(Daemon, scenario)
