#!/usr/bin/env python3
import os
import signal

from scenario import Daemon, check, is_alive, run, wait


def scenario(daemon):
    """Workers of a daemon that was killed and left nothing else are found, reported, and never doubled."""
    daemon.configure("[program:one]\ncommand = sleep 1000\n[program:two]\ncommand = sleep 1000\nkillasgroup = true\n"
                     "[program:three]\ncommand = sleep 1000\n")
    daemon.start()
    daemon.running("one", "two", "three")
    old = dict(daemon.watched)
    daemon.process.kill()
    daemon.process.wait()
    os.kill(old["three"], signal.SIGKILL)
    try:
        daemon.start()
        wait("three is started, because nothing of it is left", 15, lambda: daemon.worker("three")["state"] == "RUNNING")
        for name in ("one", "two"):
            worker = daemon.worker(name)
            check(worker["state"] == "UNKNOWN" and worker["pid"] == old[name],
                  f"{name} is {worker['state']} with pid {worker['pid']}, {old[name]} is left over")
            check(daemon.has_logged(f"pid {old[name]} is left over.* `wardenctl stop {name}` ends it"), "nothing is said")
        out, err, code = daemon.ctl("start", "one")
        check(code != 0, f"a second one was started: {out}{err}")
        check(is_alive(old["one"]), "the left-over was ended by a start")

        # It ends by itself, or by hand: then the slot starts as it would have.
        os.kill(old["one"], signal.SIGTERM)
        wait("one is started when the old one is gone", 15, lambda: daemon.worker("one")["state"] == "RUNNING")
        check(daemon.worker("one")["pid"] != old["one"], "the pid is the old one's")
        out, err, code = daemon.ctl("restart", "two")
        check(code == 0, f"restart of a left-over: exit code {code}: {out}{err}")
        wait("two runs anew", 15, lambda: daemon.worker("two")["state"] == "RUNNING")
        check(not is_alive(old["two"]), "the old two lives beside the new one")
        daemon.ctl("stop", "all")
        check(all(worker["state"] == "STOPPED" for worker in daemon.workers().values()), "a stop stopped not all")
    finally:
        for pid in old.values():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


run(Daemon, scenario)
