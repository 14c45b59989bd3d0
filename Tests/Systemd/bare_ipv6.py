#!/usr/bin/env python3
import os
import socket

from scenario import Daemon, check, command, contents, run, wait


def scenario(daemon):
    """[inet_http_server] listens on an IPv6 address; wardenctl and a worker's SUPERVISOR_SERVER_URL reach it there."""
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        return
    port, out = 20000 + os.getpid() % 20000, daemon.path("url")
    daemon.configure(f"""[inet_http_server]
port = [::1]:{port}
username = u
password = p
[program:steady]
command = sh -c 'echo $SUPERVISOR_SERVER_URL > {out}; exec sleep 1000'
""")
    daemon.start()
    daemon.running("steady")
    text, err, code = command(daemon.options.wardenctl, "-s", f"http://[::1]:{port}", "-u", "u", "-p", "p", "status")
    check(code == 0 and "RUNNING" in text, f"status: exit code {code}: {text}{err}")
    # The Unix socket comes first there, as with supervisord.
    wait("the url", 5, lambda: contents(out).startswith("unix://"))
    check(daemon.stop() == 0, "exit code")
    with open(daemon.configuration) as file:
        lines = file.read().split("\n")
    without = [line for line in lines if not line.startswith("file =") and "unix_http_server" not in line]
    with open(daemon.configuration, "w") as file:
        file.write("\n".join(without).replace(f"unix://{daemon.socket}", f"http://[::1]:{port}\nusername=u\npassword=p"))
    daemon.start()
    wait("the url", 5, lambda: contents(out) == f"http://[::1]:{port}\n")


run(Daemon, scenario)
