#!/usr/bin/env python3
import os
import signal
import time

from scenario import Daemon, check, children_of, is_alive, run, wait

FAMILY = "command = sh -c 'sleep 1000 & sleep 1000; true'\n"


def scenario(daemon):
    """A grandchild goes with its worker where kill_tree says so, and stays as under supervisord where it does not."""
    daemon.configure(f"[program:family]\n{FAMILY}kill_tree = yes\n[program:loose]\n{FAMILY}kill_tree = no\n"
                     "[program:other]\ncommand = sleep 1000\n")
    daemon.start()
    daemon.running("family", "loose", "other")
    trees = {}
    for name in ("family", "loose"):
        pid = daemon.watched.pop(name)
        trees[name] = wait(f"{name} has two children", 5,
                           lambda pid=pid: len(children_of(pid)) == 2 and children_of(pid))
        out, _, code = daemon.ctl("stop", name)
        check(code == 0, f"stop {name}: exit code {code}: {out}")
    wait("no grandchild of family is left", 10, lambda: not any(is_alive(pid) for pid in trees["family"]))
    time.sleep(1)
    check(all(is_alive(pid) for pid in trees["loose"]), "kill_tree = no, and a grandchild was ended")
    daemon.undisturbed()
    for pid in trees["loose"]:
        os.kill(pid, signal.SIGKILL)


run(Daemon, scenario)
