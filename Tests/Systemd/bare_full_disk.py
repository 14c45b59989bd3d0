#!/usr/bin/env python3
import os
import subprocess
import sys
import tempfile
import time

from scenario import Daemon, check, contents, run, wait

CHATTER = """import itertools, time
for number in itertools.count():
    print("tick", number, "x" * 1000, flush=True)
    time.sleep(0.005)
"""


def scenario(daemon):
    """A full log disk stops no worker and no answer; when there is room again, the log says what is missing."""
    with open(daemon.path("chatter.py"), "w") as file:
        file.write(CHATTER)
    disk = tempfile.mkdtemp(dir=daemon.directory)
    is_mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode == 0
    if not is_mounted:
        print("    no tmpfs can be mounted here: nothing was tried")
        return
    try:
        played(daemon, disk)
    finally:
        daemon.stop()
        subprocess.run(["umount", "-l", disk], check=True)


def played(daemon, disk):
    log = os.path.join(disk, "chatter.log")
    daemon.configure(f"""[program:chatter]
command = {sys.executable} {daemon.path("chatter.py")}
stdout_logfile = {log}
stdout_logfile_maxbytes = 0
[program:steady]
command = sleep 1000
""")
    with open(os.path.join(disk, "ballast"), "wb") as ballast:
        ballast.write(bytes(128 * 1024))
    daemon.start()
    daemon.running("chatter", "steady")

    def is_full():
        status = os.statvfs(disk)
        return status.f_bavail == 0
    wait("the disk is full", 8, is_full)
    time.sleep(1.5)
    began = time.monotonic()
    check(daemon.worker("chatter").get("state") == "RUNNING", f"chatter: {daemon.worker('chatter')}")
    check(time.monotonic() - began < 2, "status took more than two seconds")
    said = daemon.has_logged("(?i)no space left on device")
    check(any(log in line for line in said), f"the daemon's log does not name the full disk and the file: {said}")
    check(len(said) < 10, f"the daemon's log repeats itself: {len(said)} lines")

    os.remove(os.path.join(disk, "ballast"))
    wait("`N bytes dropped` in the worker's log", 5, lambda: "bytes dropped" in contents(log))
    tail = contents(log).rpartition("bytes dropped")[2]
    wait("new lines after it", 3, lambda: len(contents(log).rpartition("bytes dropped")[2]) > len(tail))
    daemon.undisturbed()


run(Daemon, scenario)
