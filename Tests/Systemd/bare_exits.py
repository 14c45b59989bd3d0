#!/usr/bin/env python3
from scenario import Daemon, check, run, wait


def program(name, script, settings):
    return f"[program:{name}]\ncommand = sh -c '{script}'\n{settings}\n"


def scenario(daemon):
    """autorestart, exitcodes and startretries mean what they mean to supervisord, in its own words."""
    unexpected = "startsecs = 0\nautorestart = unexpected\nexitcodes = 0,3"
    daemon.configure(
        program("expected", "sleep 0.3; exit 3", unexpected)
        + program("unexpected", "sleep 0.3; exit 4", unexpected)
        + program("once", "sleep 0.3; exit 5", "startsecs = 0\nautorestart = false")
        + program("killed", "kill -KILL $$", "startsecs = 0\nautorestart = false")
        + program("quick", "exit 7", "startsecs = 1\nstartretries = 2")
        + "[program:steady]\ncommand = sleep 1000\n")
    daemon.start()
    wait("quick FATAL", 12, lambda: daemon.worker("quick").get("state") == "FATAL")
    workers = daemon.workers()
    for name, code in (("expected", 3), ("once", 5)):
        worker = workers[name]
        check(worker["state"] == "EXITED" and worker["exit_status"] == code and worker["restarts"] == 0, str(worker))
    check(workers["killed"]["state"] == "EXITED", str(workers["killed"]))
    check(workers["unexpected"]["restarts"] >= 3, str(workers["unexpected"]))

    out, err, code = daemon.ctl("stop", "steady")
    check(code == 0, f"stop: exit code {code}: {out}{err}")

    for line in (r"exited: expected \(exit status 3; expected\)",
                 r"exited: unexpected \(exit status 4; not expected\)",
                 r"exited: once \(exit status 5; not expected\)",
                 r"exited: killed \(terminated by SIGKILL; not expected\)",
                 r"exited: quick \(exit status 7; not expected\)",
                 r"stopped: steady \(terminated by SIGTERM\)",
                 r"gave up: quick entered FATAL state, too many start retries too quickly"):
        check(daemon.has_logged(line), f"the log does not say: {line}")
    starts = len(daemon.has_logged(r"spawned: 'quick'"))
    check(starts == 3, f"startretries = 2: {starts} starts")
    out, _, code = daemon.ctl("status", "quick")
    check(code == 3 and "FATAL" in out and "Exited too quickly (process log may have details)" in out,
          f"status: exit code {code}: {out}")
    out, _, code = daemon.ctl("start", "quick")
    check(code == 7 and out.strip() == "quick: ERROR (spawn error)", f"start: exit code {code}: {out}")

    # supervisord 4.3.0 warns of every end that exitcodes does not name.
    for line in (r"INFO exited: expected", r"WARN exited: unexpected", r"WARN exited: quick", r"WARN stopped: steady",
                 r"INFO gave up: quick"):
        check(daemon.has_logged(line), f"the log does not say: {line}")


run(Daemon, scenario)
