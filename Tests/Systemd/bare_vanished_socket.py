#!/usr/bin/env python3
import os

from scenario import Daemon, check, run, wait


def scenario(daemon):
    """A control socket that somebody removed is made anew, with its mode, and served; workers see nothing of it."""
    daemon.configure("[program:steady]\ncommand = sleep 1000\n")
    daemon.start()
    daemon.running("steady")
    before = os.stat(daemon.socket)
    for turn in range(3):
        os.unlink(daemon.socket)
        wait("the socket is back", 10, lambda: os.path.exists(daemon.socket))
        out, err, code = daemon.ctl("status")
        check(code == 0 and "RUNNING" in out, f"status: exit code {code}: {out}{err}")
    after = os.stat(daemon.socket)
    check((before.st_mode, before.st_uid, before.st_gid) == (after.st_mode, after.st_uid, after.st_gid), "another mode")
    check(len(daemon.has_logged(f"WARN The socket {daemon.socket} had vanished; it was made anew")) == 3, "not said")
    # Neither the old socket nor what was served on it is kept.
    inodes = len([1 for number in os.listdir(f"/proc/{daemon.process.pid}/fd")
                  if os.readlink(f"/proc/{daemon.process.pid}/fd/{number}").startswith("socket:")])
    check(inodes < 12, f"{inodes} sockets are open")
    daemon.undisturbed()
    check(daemon.stop() == 0, "exit code")
    check(not os.path.exists(daemon.socket), "the new socket is left behind")


run(Daemon, scenario)
