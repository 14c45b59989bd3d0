#!/usr/bin/env python3
import json
import os
import re
import signal
import subprocess
import sys
import time

from scenario import Daemon, check, contents, is_alive, run, wait

NUMBERS = """import itertools, os, time
for number in itertools.count():
    print(os.getpid(), number, "x" * 80, flush=True)
    time.sleep(0.002)
"""


def prompt(daemon, *words):
    """Seconds that a command of wardenctl takes, with its own start, and what it says."""
    began = time.monotonic()
    out, err, code = daemon.ctl(*words)
    return time.monotonic() - began, out + err, code


def shortages(daemon):
    return prompt(daemon, "status")[1]


def numbers(text, marker=""):
    """The numbers that each process wrote, in the order of the log."""
    found = {}
    for line in text.splitlines():
        match = re.search(marker + r"(\d+) (\d+) x{80}$", line)
        if match:
            found.setdefault(int(match.group(1)), []).append(int(match.group(2)))
    return found


def scenario(daemon):
    """A log's disk that does not answer holds up those who write to it and nobody else; nothing is lost for it."""
    image, disk = daemon.path("image"), daemon.path("disk")
    os.mkdir(disk)
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    commands = (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, disk])
    try:
        is_mounted = all(subprocess.run(words, capture_output=True).returncode == 0 for words in commands)
    except FileNotFoundError:
        is_mounted = False
    if not is_mounted:
        print("    no file system can be mounted and frozen here: nothing was tried")
        return
    try:
        played(daemon, disk)
    finally:
        # First of all: whatever waits for it cannot even be killed.
        subprocess.run(["fsfreeze", "-u", disk], capture_output=True)
        if daemon.process and daemon.process.poll() is None:
            daemon.stop()
        subprocess.run(["umount", "-l", disk], check=True)


def played(daemon, disk):
    with open(daemon.path("numbers.py"), "w") as file:
        file.write(NUMBERS)
    command = f"{sys.executable} {daemon.path('numbers.py')}"
    logs = {name: os.path.join(disk, f"{name}.log") for name in ("raw", "other", "prefixed")}
    logs["elsewhere"] = daemon.path("elsewhere.log")
    extra = {"prefixed": "log_prefix = true\n"}
    daemon.configure("".join(f"""[program:{name}]
command = {command}
redirect_stderr = true
stdout_logfile = {path}
stdout_logfile_maxbytes = 0
{extra.get(name, "")}[health:{name}]
interval = 200ms
""" for name, path in logs.items()))
    daemon.start()
    daemon.running(*logs)
    for name, path in logs.items():
        wait(f"{name} is logged", 5, lambda: os.path.getsize(path) > 10_000)

    subprocess.run(["fsfreeze", "-f", disk], check=True)
    froze = time.monotonic()
    said = wait("it is said that the disk does not answer", 15, lambda: (
        text := shortages(daemon)) if "does not answer" in shortages(daemon) else None)
    print(f"    after {time.monotonic() - froze:.1f} s: {said.splitlines()[-1]}")
    # Several workers have their logs there, and each may cost a moment of its own.
    time.sleep(2)
    size = os.path.getsize(logs["elsewhere"])
    wait("the log elsewhere goes on", 3, lambda: os.path.getsize(logs["elsewhere"]) > size + 5000)
    slowest = max(prompt(daemon, "status")[0] for _ in range(5))
    print(f"    wardenctl status with its own start: at most {1000 * slowest:.0f} ms")
    age = [daemon.worker("elsewhere")["heartbeat_age_seconds"] for _ in range(3)]
    check(max(age) < 2, f"elsewhere's last line is said to be {age} s old")
    for name in ("elsewhere", "raw"):
        before = daemon.worker(name)["pid"]
        os.kill(before, signal.SIGKILL)
        wait(f"{name} is started again", 5, lambda: (daemon.worker(name).get("pid") or before) != before
             and is_alive(daemon.worker(name)["pid"]))
    _, said, code = prompt(daemon, "upgrade")
    check(code != 0 and daemon.process.poll() is None, f"upgrade: exit code {code}: {said}")
    check(daemon.has_logged("upgrade refused: the log pump does not stand still"), f"upgrade was not refused: {said}")
    time.sleep(3)
    check(not daemon.has_logged("doubts its own eyes.*log"), "the stuck disk is a reason to doubt everything")

    subprocess.run(["fsfreeze", "-u", disk], check=True)
    wait("nothing is said to hang any more", 10, lambda: "does not answer" not in shortages(daemon))
    thawed = {name: os.path.getsize(path) for name, path in logs.items()}
    for name, path in logs.items():
        wait(f"{name} is logged again", 10, lambda: os.path.getsize(path) > thawed[name] + 10_000)
    for name in logs:
        daemon.ctl("stop", name)
    time.sleep(0.5)
    counts = {}
    for name, path in logs.items():
        processes = numbers(contents(path), "" if name != "prefixed" else r".*?\b")
        check(len(processes) >= (2 if name in ("raw", "elsewhere") else 1), f"{name}: lines of {list(processes)}")
        for pid, seen in processes.items():
            check(seen == list(range(len(seen))), f"{name}, pid {pid}: {len(seen)} lines, {seen[-1] + 1} were written")
        counts[name] = sum(map(len, processes.values()))
        check("dropped" not in contents(path), f"{name}: bytes were dropped")
    print(f"    lines, none missing or doubled: {json.dumps(counts)}")
    wait("upgrade works again", 10, lambda: daemon.ctl("upgrade")[2] == 0)
    threads = len(os.listdir(f"/proc/{daemon.process.pid}/task"))
    check(threads < 40, f"{threads} threads are left")


run(Daemon, scenario)
