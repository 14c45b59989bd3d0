#!/usr/bin/env python3
import os
import socket
import threading

from scenario import WORKER, Daemon, Queue, check, run, serve, wait

HEALTH = """[health]
interval = 200ms
grace = 1s
confirm = 2 of 3
probe_interval = 300ms
probe_timeout = 300ms
probe_failures = 3
forensics_budget = 500ms
recover_within = 20s
"""


def scenario(daemon):
    """Life-long probes: http, tcp and exec that fail restart their worker alone; one that cannot run is shown and harmless."""
    is_up = threading.Event()
    is_up.set()

    class Answer(Queue):
        def do_GET(self):
            self.send_response(204 if is_up.is_set() else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    port = serve(Answer)
    listener = socket.create_server(("127.0.0.1", 0))
    tcp_port = listener.getsockname()[1]
    flag = daemon.path("flag")
    open(flag, "w").close()
    probes = {"web": f"http://127.0.0.1:{port}/up", "port": f"tcp://127.0.0.1:{tcp_port}",
              "command": f"exec:test -e {flag}", "missing": "exec:/no/such/probe", "denied": "exec:/etc/hostname",
              "nameless": "http://no-such-host.invalid/up", "shell": "exec:sh -c no-such-command",
              "slow": "exec:sleep 5"}
    daemon.configure(HEALTH + "".join(f"""[program:{name}]
command = {WORKER} healthy
startsecs = 0
[health:{name}]
probe = {probe}
""" for name, probe in probes.items()) + "on_dark = probe:alert\n")
    daemon.start()
    daemon.running(*probes)
    for name in ("web", "port", "command"):
        wait(f"{name} is healthy", 10, lambda: daemon.health(name) == "healthy")
        check("probe        good" in daemon.ctl("why", name)[0], daemon.ctl("why", name)[0])
    wait("slow is dark/probe", 15, lambda: daemon.health("slow") == "dark/probe")
    check("timed out" in daemon.ctl("why", "slow")[0], daemon.ctl("why", "slow")[0])

    is_up.clear()
    os.remove(flag)
    listener.close()
    ill = ("web", "port", "command")
    before = {name: daemon.watched.pop(name) for name in ill}
    for name in ill:
        wait(f"{name} is restarted", 15, lambda: daemon.worker(name)["pid"] not in (None, before[name]))
        incident = wait(f"{name} has an incident", 5, lambda: daemon.incidents(name))[0]
        check((incident["class"], incident["cause"], incident["grade"], incident["action"])
              == ("dark", "probe", "strong", "restart"), f"{name}: {incident}")
    is_up.set()
    open(flag, "w").close()
    listener = socket.create_server(("127.0.0.1", tcp_port))
    for name in ill:
        wait(f"{name} has recovered", 25, lambda: any(one["outcome"] == "recovered" for one in daemon.incidents(name)))
    for name, words in (("missing", "No such file"), ("denied", "cannot execute"),
                        ("nameless", "cannot be resolved"), ("shell", "exit status 127")):
        text = daemon.ctl("why", name)[0]
        check("cannot be asked, which counts as unknown" in text and words in text, f"why {name}:\n{text}")
        check(daemon.health(name) == "healthy", f"{name} is {daemon.health(name)}")
        check(len(daemon.has_logged(f"the probe of {name} cannot be asked")) == 1, f"{name} is not said once")
    daemon.undisturbed()
    listener.close()


run(Daemon, scenario)
