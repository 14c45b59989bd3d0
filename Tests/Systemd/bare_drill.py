#!/usr/bin/env python3
import subprocess

from scenario import LEAKY_WORKER, WORKER, Daemon, Queue, check, run, serve, wait


def soft_limit(pid):
    with open(f"/proc/{pid}/limits") as limits:
        return int(next(line for line in limits if line.startswith("Max open files")).split()[3])


def scenario(daemon):
    """A drill is detected, told and not done, and leaves the worker as it was; with --act it is done and helps."""
    port = serve(Queue)
    daemon.configure(f"""[program:poller]
command = {LEAKY_WORKER} --keep 0
environment = WARDEN_DEMO_PORT="{port}"
startsecs = 0
[program:quiet]
command = {WORKER} healthy
startsecs = 0
[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
progress_pattern = Batch
error_pattern = \\[error
heartbeat_timeout = 2s
rss_limit = 1GB
forensics_budget = 500ms
recover_within = 20s
""")
    daemon.start()
    daemon.running("poller", "quiet")
    wait("both are healthy", 15, lambda: {daemon.health("poller"), daemon.health("quiet")} == {"healthy"})
    pid = daemon.watched["poller"]
    limit = soft_limit(pid)

    for name, kind, word in (("poller", "emfile", "dark/emfile"), ("quiet", "silence", "hung/silent"),
                             ("quiet", "memory", "bloated/rss")):
        out, err, code = daemon.ctl("drill", name, kind, "--for", "60s", seconds=90)
        check(code == 0 and word in out and "decision: would restart" in out and "passed" in out,
              f"drill {kind}: exit code {code}: {out}{err}")
        check(soft_limit(pid) == limit, f"the limit stays at {soft_limit(pid)} of {limit}")
        wait(f"{name} is well after {kind}", 10, lambda: daemon.health(name) == "healthy")
    daemon.undisturbed()
    told = [incident for incident in daemon.incidents() if "drill" in (incident["reason"] or "")]
    check(len(told) == 3 and all(incident["action"] == "alert" for incident in told), f"told: {told}")

    # The client goes away: the worker gets its limit back.
    client = subprocess.Popen(
        [daemon.options.wardenctl, "-c", daemon.configuration, "drill", "quiet", "emfile", "--for", "60s"],
        stdout=subprocess.DEVNULL)
    quiet = daemon.watched["quiet"]
    before = soft_limit(quiet)
    wait("the limit is lowered", 5, lambda: soft_limit(quiet) < before)
    client.kill()
    client.wait()
    wait("the limit is restored", 25, lambda: soft_limit(quiet) == before)

    out, err, code = daemon.ctl("drill", "poller", "emfile", "--act", seconds=90)
    check(code == 0 and "outcome: recovered" in out, f"drill --act: exit code {code}: {out}{err}")
    worker = daemon.worker("poller")
    check(worker["pid"] != pid and worker["last_restart"]["reason"] == "dark/emfile", f"after the drill: {worker}")
    check(soft_limit(worker["pid"]) == limit, "the next generation has its own limit")

    out, err, code = daemon.ctl("drill", "nobody", "hang")
    check(code == 1 and "no such process" in out, f"nobody: {out}{err}")


run(Daemon, scenario)
