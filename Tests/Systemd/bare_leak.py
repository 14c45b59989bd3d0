#!/usr/bin/env python3
import json

from scenario import LEAKY_WORKER, Daemon, Queue, check, run, serve, wait


def scenario(daemon):
    """A worker that leaks pipes is leaking, then dark/emfile with proof, and its incident says where they went."""
    port = serve(Queue)
    text = """[health]
interval = 300ms
grace = 1s
confirm = 2 of 3
progress_pattern = \\] Batch \\d+:
error_pattern = \\[error
on_dark = alert
fd_warning = 60%
"""
    for name, keep in (("leaky", 1), ("tight", 0)):
        text += f"""[program:{name}]
command = {LEAKY_WORKER} --keep {keep}
startsecs = 0
redirect_stderr = true
environment = WARDEN_DEMO_PORT="{port}",WARDEN_DEMO_NOFILE="48"
"""
    daemon.configure(text)
    daemon.start()
    daemon.running("leaky", "tight")
    wait("leaky is leaking/fds", 10, lambda: daemon.health("leaky") == "leaking/fds")
    wait("leaky is dark/emfile", 10, lambda: daemon.health("leaky") == "dark/emfile")
    worker = wait("it is proven", 5, lambda: (
        lambda one: one if one["health"]["grade"] == "proven" else None)(daemon.worker("leaky")))
    check(worker["fd_limit"] == 48 and worker["fds"] >= 40 and worker["restarts"] == 0, f"leaky: {worker}")
    census = json.loads(daemon.ctl("fds", "--json", "leaky")[0])
    census = census[0] if isinstance(census, list) else census
    pipes = sum(kind["count"] for kind in census["kinds"] if "pipe" in kind["kind"].lower())
    check(pipes >= 30, f"most of its descriptors are pipes: {census}")
    out, err, code = daemon.ctl("why", "leaky")
    check(code == 0 and "emfile" in out and "48" in out, f"why: exit code {code}: {out}{err}")
    told = [(one["worker"], f"{one['class']}/{one['cause']}", one["action"]) for one in daemon.incidents()]
    check(("leaky", "dark/emfile", "alert") in told, f"incidents: {told}")
    check(daemon.health("tight") == "healthy" and all(worker == "leaky" for worker, _, _ in told), f"tight: {told}")
    daemon.undisturbed()


run(Daemon, scenario)
