#!/usr/bin/env python3
import os
import time

from scenario import Daemon, check, contents, is_alive, run, wait


def scenario(daemon):
    """What a worker leaves behind ends with it: after a stop, and after its own end; kill_tree = no leaves it."""
    def program(name, more, ending="sleep 1000"):
        # A child in a session of its own: no process group reaches it.
        return (f"[program:{name}]\ncommand = sh -c 'setsid sh -c \"echo \\$\\$ >> {daemon.path(name)}; exec sleep 1000\" & "
                f"sleep 0.2; {ending}'\nstartsecs = 0\nautorestart = false\n{more}\n")
    daemon.configure(program("tree", "kill_tree = yes") + program("crash", "kill_tree = yes", "exit 1")
                     + program("left", "kill_tree = no") + program("watched", "") + "[health:watched]\n")
    daemon.start()
    def pid(name):
        return int(wait(f"the grandchild of {name}", 10, lambda: contents(daemon.path(name))).split()[0])
    pids = {name: pid(name) for name in ("tree", "crash", "left", "watched")}
    wait("crash EXITED", 10, lambda: daemon.worker("crash")["state"] == "EXITED")
    wait("the grandchild of crash ended", 10, lambda: not is_alive(pids["crash"]))
    for name in ("tree", "watched", "left"):
        check(is_alive(pids[name]), f"the grandchild of {name} has ended before its time")
        daemon.ctl("stop", name)
    for name in ("tree", "watched"):
        wait(f"the grandchild of {name} ended", 10, lambda: not is_alive(pids[name]))
    began = time.monotonic()
    wait("a while", 5, lambda: time.monotonic() - began > 1)
    check(is_alive(pids["left"]), "kill_tree = no: the grandchild was ended")
    os.kill(pids["left"], 9)


run(Daemon, scenario)
