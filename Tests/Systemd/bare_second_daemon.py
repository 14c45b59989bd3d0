#!/usr/bin/env python3
from scenario import Daemon, check, command, run


def scenario(daemon):
    """A second daemon on a socket in use is refused with one message that names it; the first one goes on."""
    daemon.configure("[program:steady]\ncommand = sleep 1000\n")
    daemon.start()
    daemon.running("steady")

    out, err, code = command(daemon.options.warden, "-n", "-c", daemon.configuration)
    named = [line for line in (out + err).splitlines() if daemon.socket in line]
    check(code != 0 and len(named) == 1, f"the second daemon: exit code {code}, said: {out}{err}")
    check(daemon.process.poll() is None, "the first daemon has ended")
    daemon.undisturbed()


run(Daemon, scenario)
