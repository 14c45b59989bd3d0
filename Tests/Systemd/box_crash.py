#!/usr/bin/env python3
import os
import random
import re
import signal
import sys
import time

from scenario import Service, check, contents, is_alive, run, wait

SEED = 20261123
ROUNDS = 25
WRITER = """
import sys, time
name, number = sys.argv[1], 0
while True:
    number += 1
    print(f"{name} {number}", flush=number % 7 == 0)
    if number % 20 == 0: time.sleep(0.001)
"""
MORTAL = """
import os, sys, time
number = 0
end = time.monotonic() + 0.4
while time.monotonic() < end:
    number += 1
    print(f"{os.environ['WARDEN_GENERATION']} {number}", flush=True)
    time.sleep(0.002)
sys.exit(7)
"""


def numbered(text, pattern):
    """The numbers of the lines of a log; a line that is none of ours is torn."""
    numbers = []
    for line in text.splitlines():
        match = re.fullmatch(pattern, line)
        check(match, f"a torn line: {line!r}")
        numbers.append(int(match.group(1)))
    return numbers


def scenario(service):
    """kill -9 of the daemon at random moments: no worker notices, no line is missing or doubled, exit codes are known."""
    directory = service.directory
    for name, text in (("writer.py", WRITER), ("mortal.py", MORTAL)):
        with open(os.path.join(directory, name), "w") as file:
            file.write(text)
    names = [f"w{number}" for number in range(8)]
    sections = [f"""[program:{name}]
command = {sys.executable} {directory}/writer.py {name}
stdout_logfile = {directory}/{name}.log
stdout_logfile_maxbytes = 400KB
stdout_logfile_backups = 500
redirect_stderr = true
""" for name in names]
    sections.append(f"""[program:mortal]
command = {sys.executable} -u {directory}/mortal.py
stdout_logfile = {directory}/mortal.log
stdout_logfile_maxbytes = 0
startsecs = 0
autorestart = true
exitcodes = 7
redirect_stderr = true
""")
    service.configure("\n".join(sections))
    service.install()
    service.systemctl("start", "warden")
    service.running(*names)
    dice = random.Random(SEED)
    for _ in range(ROUNDS):
        time.sleep(dice.uniform(0.02, 0.5))
        main = int(service.show("MainPID"))
        os.kill(main, signal.SIGKILL)
        wait("systemd starts the daemon again", 15,
             lambda: int(service.show("MainPID")) not in (0, main) and service.show("ActiveState") == "active")
        service.undisturbed()
    check(int(service.show("NRestarts")) == ROUNDS, f"{service.show('NRestarts')} restarts of {ROUNDS}")
    wait("the log tells of what was taken over", 5, lambda: service.has_logged(r"took over \d+ workers"))
    mortal = service.worker("mortal")
    check(mortal["restarts"] > 5, f"the mortal one was restarted {mortal['restarts']} times")
    exits = service.has_logged(r"exited: mortal .*")
    bad = [line for line in exits if "exit status 7" not in line]
    check(not bad, f"exits that were not told right: {bad[:3]}")
    service.systemctl("stop", "warden", seconds=30)
    check(service.show("Result") == "success", f"the unit's result is {service.show('Result')}")
    check(service.show("NFileDescriptorStore") == "0",
          f"{service.show('NFileDescriptorStore')} descriptors are still kept after the stop")
    left = [pid for pid in service.watched.values() if is_alive(pid)]
    check(not left, f"workers are alive after the stop: {left}")
    total = 0
    for name in names:
        files = [path for path in os.listdir(directory) if re.fullmatch(rf"{name}\.log(\.\d+)?", path)]
        files.sort(key=lambda path: -int(path.rpartition(".")[2]) if path[-1].isdigit() else 1)
        text = "".join(contents(os.path.join(directory, path)) for path in files)
        # What the writer had in its own buffer at its end is nobody's.
        numbers = numbered(text[:text.rfind("\n") + 1], rf"{name} (\d+)")
        check(numbers == list(range(1, len(numbers) + 1)), f"lines of {name} are missing, doubled or out of order")
        total += len(numbers)
    generations = {}
    for line in contents(f"{directory}/mortal.log").splitlines():
        generation, number = line.split()
        generations.setdefault(int(generation), []).append(int(number))
    for generation, numbers in generations.items():
        check(numbers == list(range(1, len(numbers) + 1)), f"lines of generation {generation} are not right")
    print(f"{ROUNDS} kills: {len(names)} workers undisturbed, {total} lines, 0 missing, 0 doubled; "
          f"{len(exits)} exits told right, {len(generations)} generations")


run(Service, scenario)
