#!/usr/bin/env python3
import os
import resource
import socket
import time

from scenario import Daemon, check, command, run, wait

LIMIT = 96
PROGRAMS = 60
SHARE = 20  # percent of one core that the daemon may use while it has no descriptors left


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pipes(pid):
    """The daemon's open pipes, by their inode."""
    found = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{number}")
        except OSError:
            continue
        if link.startswith("pipe:"):
            found.add(link)
    return found


def is_calm(daemon, seconds=3):
    """The daemon does not spin."""
    pid = daemon.process.pid
    before, began = processor_seconds(pid), time.monotonic()
    time.sleep(seconds)
    share = 100 * (processor_seconds(pid) - before) / (time.monotonic() - began)
    check(share < SHARE, f"the daemon uses {share:.0f} % of a core")


def scenario(daemon):
    """A daemon without descriptors answers or refuses, stays calm, leaks no pipe, and recovers from a flood of clients."""
    daemon.configure(f"""[program:sleep]
command = sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = {PROGRAMS}
startretries = 3
""")
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    # The daemon would raise its own limit as high as it may; that is LIMIT, too, and minfds is below it.
    text = open(daemon.configuration).read()
    with open(daemon.configuration, "w") as file:
        file.write(text.replace("[supervisord]\n", f"[supervisord]\nminfds = {LIMIT}\n", 1))
    daemon.start()

    # Dark daemon: more programs than it has descriptors for.
    def settled():
        out, _, code = daemon.ctl("status")
        lines = out.splitlines()
        return code in (0, 3) and len(lines) == PROGRAMS and "STARTING" not in out and "BACKOFF" in out and lines
    lines = wait("every program runs or waits", 60, settled)
    failed = [line for line in lines if "BACKOFF" in line]
    check(not any("FATAL" in line for line in lines), f"some were given up: {lines}")
    check(any("RUNNING" in line for line in lines), f"none runs: {lines[:3]}")
    check(failed and all("Too many open files" in line for line in failed), f"why they failed is not said: {failed[:3]}")
    is_calm(daemon)

    # Pipe leak: a start that fails takes nothing with it. Each is tried again within five seconds.
    before = len(pipes(daemon.process.pid))
    check(len(failed) >= 5, f"only these have failed: {failed}")
    time.sleep(6)
    check(len(pipes(daemon.process.pid)) <= before, f"{before} pipes before dozens of failed starts, more afterwards")

    # Idle connection flood.
    clients = []
    for _ in range(LIMIT // 3):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(5)
        client.connect(daemon.socket)
        clients.append(client)
    is_calm(daemon)
    answer = command(daemon.options.wardenctl, "-c", daemon.configuration, "version", seconds=15)
    check(answer[2] == 0 or answer[0] or answer[1], f"neither an answer nor a refusal: {answer}")
    for client in clients:
        client.close()
    wait("the daemon answers again", 15, lambda: daemon.ctl("version")[2] == 0)
    # Room: who waited is started by itself.
    name = failed[0].split()[0]
    running = [line.split()[0] for line in lines if "RUNNING" in line]
    daemon.ctl("stop", *running[:3], *[line.split()[0] for line in failed[1:]], seconds=60)
    wait("the one that waited is started", 10, lambda: daemon.worker(name).get("state") == "RUNNING")


run(Daemon, scenario)
