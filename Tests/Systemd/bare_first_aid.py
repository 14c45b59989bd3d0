#!/usr/bin/env python3

from scenario import LEAKY_WORKER, Daemon, Queue, Receiver, check, run, serve, wait


def soft_limit(pid):
    with open(f"/proc/{pid}/limits") as limits:
        return int(next(line for line in limits if line.startswith("Max open files")).split()[3])


def scenario(daemon):
    """First aid: a full worker gets descriptors, works on, is drained at its next progress line; said wherever it matters."""
    port = serve(Queue)
    receiver = Receiver()
    daemon.configure(f"""[program:leaky]
command = {LEAKY_WORKER} --keep 1
environment = WARDEN_DEMO_PORT="{port}"
rlimit_nofile = 64:4096
startsecs = 0
redirect_stderr = true
stdout_logfile = {daemon.path("leaky.log")}
[health]
interval = 200ms
grace = 500ms
confirm = 2 of 3
progress_pattern = Batch
error_pattern = \\[error
fd_first_aid = force
on_dark = emfile:drain
drain_timeout = 60s
forensics_budget = 500ms
[alert:team]
url = {receiver.url()}
format = json
""")
    daemon.start()
    first = daemon.running("leaky")["leaky"]["pid"]
    daemon.watched.clear()
    wait("the limit is raised", 60, lambda: daemon.has_logged("first aid: soft limit of pid"))
    opened = wait("people are told", 10, lambda: [
        body["data"] for body in receiver.accepted() if body["data"]["cause"] == "emfile"])[0]
    aid = [piece for piece in opened["evidence"] if piece["rule"] == "first_aid"]
    check(aid and aid[0]["value"] == 4096 and aid[0]["threshold"] == 64, f"told: {opened}")
    # It goes at the next progress line, which may have come by now.
    wait("it is drained and started again", 60, lambda: daemon.worker("leaky")["pid"] not in (None, first))
    incident = next(one for one in daemon.incidents("leaky") if one["cause"] == "emfile")
    check(incident["action"] == "drain" and any(piece["rule"] == "first_aid" for piece in incident["evidence"]),
          f"incident: {incident}")
    check(soft_limit(daemon.worker("leaky")["pid"]) == 64, "the next generation begins with its own limit")


run(Daemon, scenario)
