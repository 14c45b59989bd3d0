#!/usr/bin/env python3
import os
import resource
import subprocess

from scenario import Daemon, check, run, wait

USER = 61_234  # nobody's, so that nothing else counts
PROCESSES = 30  # threads count as such: the daemon has about twenty of them
WORKERS = 20


def scenario(daemon):
    """An unprivileged daemon that may have no more processes waits with a start until it may, and says why."""
    if os.getuid() != 0:
        print("    only root can become a user of whom nothing else runs: nothing was tried")
        return
    daemon.configure(f"""[program:w]
command = sleep 1000
process_name = %(program_name)s_%(process_num)d
numprocs = {WORKERS}
startretries = 1
autostart = false
""")
    os.chmod(daemon.directory, 0o777)
    with open(daemon.configuration, "r+") as file:
        text = file.read().replace(f"file = {daemon.socket}\n", f"file = {daemon.socket}\nchmod = 0777\n", 1)
        file.seek(0)
        file.write(text.replace("[supervisord]\n", "[supervisord]\nminprocs = 1\n", 1))

    def become():
        os.setgroups([])
        os.setgid(USER)
        os.setuid(USER)
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    try:
        subprocess.run([daemon.options.warden, "-v"], preexec_fn=become, check=True, capture_output=True)
    except (PermissionError, subprocess.CalledProcessError):
        print("    the binary is where only its owner can get: nothing was tried")
        return
    original = subprocess.Popen
    subprocess.Popen = lambda *words, **named: original(*words, preexec_fn=become, **named)
    try:
        # Only the daemon is started as that user; the client is not.
        run_client, daemon.ctl = daemon.ctl, lambda *words, **named: as_root(original, run_client, words, named)
        daemon.start()
    finally:
        subprocess.Popen = original
        del daemon.ctl
    pid = daemon.process.pid
    check(os.stat(f"/proc/{pid}").st_uid == USER, "the daemon is not that user's")
    daemon.ctl("start", "w:*")
    workers = wait("some run and the others wait", 10, lambda: (
        found := daemon.workers()) and all(worker["state"] in ("RUNNING", "BACKOFF") for worker in found.values())
        and found)
    waiting = [name for name, worker in workers.items() if worker["state"] == "BACKOFF"]
    threads = len(os.listdir(f"/proc/{pid}/task"))
    print(f"    {threads} threads, {WORKERS - len(waiting)} workers run, {len(waiting)} wait")
    check(0 < len(waiting) < WORKERS, f"{len(waiting)} of {WORKERS} wait")
    said = daemon.ctl("status", waiting[0])[0]
    check("Resource temporarily unavailable" in said or "errno 11" in said, f"why it waits is not said: {said}")
    check(daemon.has_logged("spawnerr: .*errno 11"), "the log does not say why")
    # Where two go, two that waited have room.
    daemon.ctl("stop", *[name for name, worker in workers.items() if worker["state"] == "RUNNING"][:2])
    wait("two that waited run", 12, lambda: sum(
        daemon.worker(name).get("state") == "RUNNING" for name in waiting) >= min(2, len(waiting)))
    check(daemon.process.poll() is None, "the daemon has ended")


def as_root(popen, client, words, named):
    changed, subprocess.Popen = subprocess.Popen, popen
    try:
        return client(*words, **named)
    finally:
        subprocess.Popen = changed


run(Daemon, scenario)
