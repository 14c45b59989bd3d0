#!/usr/bin/env python3
import contextlib
import os
import random
import re
import signal
import sqlite3
import sys
import time

from scenario import ROOT, Receiver, Service, check, contents, is_alive, run, wait

SEED = int(os.environ.get("WARDEN_CHAOS_SEED", "20261123"))
KILLS = int(os.environ.get("WARDEN_CHAOS_KILLS", "20"))
UPGRADES = int(os.environ.get("WARDEN_CHAOS_UPGRADES", "20"))
RAW, PREFIXED, MORTAL, DARK = 38, 6, 4, 2
# What the pump takes from a pipe at once.
CHUNK_BYTES = 1 << 20
PYTHON = f"{sys.executable} {os.path.join(ROOT, 'Tests', 'Systemd', 'chaos_worker.py')}"
CONFIGURATION = f"""[program:raw]
command = {PYTHON} writer %(program_name)s_%(process_num)d
process_name = %(program_name)s_%(process_num)d
numprocs = {RAW}
stdout_logfile = DIRECTORY/%(program_name)s_%(process_num)d.log
stdout_logfile_maxbytes = 2MB
stdout_logfile_backups = 5000
redirect_stderr = true
[program:prefixed]
command = {PYTHON} writer %(program_name)s_%(process_num)d
process_name = %(program_name)s_%(process_num)d
numprocs = {PREFIXED}
stdout_logfile = DIRECTORY/%(program_name)s_%(process_num)d.log
stdout_logfile_maxbytes = 0
redirect_stderr = true
log_prefix = [chaos]
[program:mortal]
command = {PYTHON} mortal
process_name = %(program_name)s_%(process_num)d
numprocs = {MORTAL}
stdout_logfile = DIRECTORY/%(program_name)s_%(process_num)d.log
stdout_logfile_maxbytes = 0
redirect_stderr = true
startsecs = 0
autorestart = true
exitcodes = 7
[program:dark]
command = {PYTHON} dark
process_name = %(program_name)s_%(process_num)d
numprocs = {DARK}
stdout_logfile = DIRECTORY/%(program_name)s_%(process_num)d.log
[health]
interval = 250ms
grace = 0s
[health:dark]
on_dark = alert
fd_first_aid = no
[alert:people]
url = URL
events = dark, leaking, recovered, superseded, unhelped
"""


class Tail:
    """What was added to a file since the last look."""

    def __init__(self, path):
        self.path, self.offset, self.lines = path, 0, []

    def look(self):
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            added = file.read()
        end = added.rfind(b"\n") + 1
        self.offset += end
        self.lines += added[:end].decode(errors="replace").splitlines()

    def count(self, text):
        self.look()
        return sum(text in line for line in self.lines)


class Chaos:
    def __init__(self, service, names):
        self.service, self.names = service, names
        self.dice = random.Random(SEED)
        self.log = Tail(service.log)
        self.kills = self.upgrades = self.refusals = self.lost_in_upgrade = 0

    def main(self):
        return int(self.service.show("MainPID") or 0)

    def kill(self, main):
        try:
            os.kill(main, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.kills += 1
        wait("systemd starts the daemon again", 30,
             lambda: self.main() not in (0, main) and self.service.show("ActiveState") == "active")

    def upgrade(self, main):
        before, refused = self.log.count("took over"), self.log.count("upgrade refused")
        os.kill(main, signal.SIGUSR1)
        # Some are killed on their way.
        if self.kills < KILLS and self.dice.random() < 0.2:
            time.sleep(self.dice.uniform(0, 0.12))
            self.lost_in_upgrade += 1
            return self.kill(main)
        wait("the upgrade has happened, or was refused", 30,
             lambda: self.log.count("took over") > before or self.log.count("upgrade refused") > refused)
        if self.log.count("took over") > before:
            self.upgrades += 1
        else:
            self.refusals += 1

    def play(self):
        while self.kills < KILLS or self.upgrades < UPGRADES:
            time.sleep(self.dice.uniform(0.0, 0.4))
            main = self.main()
            if self.upgrades >= UPGRADES or (self.kills < KILLS and self.dice.random() < 0.5):
                self.kill(main)
            else:
                self.upgrade(main)
            if (self.kills + self.upgrades) % 50 == 0:
                self.service.undisturbed()
                print(f"{self.kills} kills, {self.upgrades} upgrades, {self.refusals} refused", flush=True)


def files_of(directory, name):
    """A log and its backups, the oldest first."""
    files = [path for path in os.listdir(directory) if re.fullmatch(rf"{name}\.log(\.\d+)?", path)]
    files.sort(key=lambda path: -int(path.rpartition(".")[2]) if path[-1].isdigit() else 1)
    return [os.path.join(directory, path) for path in files]


def raw_lines(directory, name):
    """How many lines a raw log has; each must be there, once and whole."""
    expected, rest = 1, b""
    for path in files_of(directory, name):
        with open(path, "rb") as file:
            lines = (rest + file.read()).split(b"\n")
        rest = lines.pop()
        for line in lines:
            wanted = f"{name} {expected} {'x' * (expected % 60)}".encode()
            check(line == wanted, f"{path}: line {expected} is {line[:80]!r}")
            expected += 1
    return expected - 1


def rewritten_lines(directory, name):
    """The lines of a log that is rewritten, how many are missing or torn, and how often that happened."""
    seen, missing, gaps, torn, last = 0, 0, 0, 0, 0
    for path in files_of(directory, name):
        with open(path, "rb") as file:
            for line in file.read().split(b"\n")[:-1]:
                match = re.fullmatch(rb"\[chaos\] ?" + name.encode() + rb" (\d+) (x*)", line)
                if not match or len(match[2]) != int(match[1]) % 60:
                    torn += 1
                    continue
                number = int(match[1])
                check(number > last, f"{path}: line {number} after {last}")
                if number != last + 1:
                    gaps += 1
                    missing += number - last - 1
                seen, last = seen + 1, number
    return seen, missing, gaps, torn


def check_logs(directory, chaos):
    raw = sum(raw_lines(directory, f"raw_{number}") for number in range(RAW))
    seen, missing, gaps, torn = map(sum, zip(*(rewritten_lines(directory, f"prefixed_{number}")
                                               for number in range(PREFIXED))))
    check(gaps <= chaos.kills * PREFIXED and missing * 30 <= chaos.kills * PREFIXED * CHUNK_BYTES,
          f"{missing} rewritten lines are missing in {gaps} places, after {chaos.kills} kills")
    generations = mortal = 0
    for number in range(MORTAL):
        lines = {}
        for path in files_of(directory, f"mortal_{number}"):
            for line in contents(path).splitlines():
                generation, _, count = line.partition(" ")
                lines.setdefault(int(generation), []).append(int(count))
        for generation, counts in lines.items():
            check(counts == list(range(1, len(counts) + 1)), f"mortal_{number}: lines of generation {generation}")
        check(sorted(lines) == list(range(1, max(lines) + 1)), f"mortal_{number}: a generation left no line")
        generations += len(lines)
        mortal += sum(map(len, lines.values()))
    return (f"{raw} raw lines and {mortal} of {generations} short-lived workers, 0 missing, 0 doubled; "
            f"{seen} rewritten lines, {missing} missing in {gaps} places, {torn} torn")


def check_alerts(service, receiver, log):
    """Every incident that anybody heard of is in the history, and people were told of it."""
    def told():
        return {(body["data"]["id"], body["data"]["outcome"] is not None) for body in receiver.accepted()}
    log.look()
    known = {match[1] for line in log.lines for match in [re.search(r"incident (\w+):", line)] if match}
    known |= {identifier for identifier, _ in told()}
    # More than `wardenctl incidents` would list at once.
    with contextlib.closing(sqlite3.connect(f"file:{service.path('history.sqlite')}?mode=ro", uri=True)) as history:
        incidents = dict(history.execute("SELECT id, outcome FROM incident"))
    lost = known - set(incidents)
    check(not lost, f"{len(lost)} incidents are lost: {sorted(lost)[:5]}")
    owed = {(key, False) for key in incidents} | {(key, True) for key, outcome in incidents.items() if outcome}
    deadline = time.monotonic() + 60
    while owed - told() and time.monotonic() < deadline:
        time.sleep(0.5)
    check(owed <= told(), f"{len(owed - told())} of {len(owed)} alerts are lost: {sorted(owed - told())[:5]}")
    return f"{len(incidents)} incidents and {len(owed)} alerts, 0 lost"


def scenario(service):
    """kill -9 of the daemon and upgrades at random moments: no worker, line, exit code, incident or alert is lost."""
    receiver = Receiver()
    directory = service.directory
    service.configure(CONFIGURATION.replace("DIRECTORY", directory).replace("URL", receiver.url()))
    service.install()
    service.systemctl("start", "warden")
    names = [f"raw:raw_{number}" for number in range(RAW)] + [f"prefixed:prefixed_{number}" for number in range(PREFIXED)]
    names += [f"dark:dark_{number}" for number in range(DARK)]
    service.running(*names, seconds=60)
    chaos = Chaos(service, names)
    chaos.play()
    service.undisturbed()
    time.sleep(1)
    alerts = check_alerts(service, receiver, chaos.log)
    exits = [line for line in chaos.log.lines if "exited: mortal_" in line]
    wrong = [line for line in exits if "exit status 7; expected" not in line]
    check(exits and not wrong, f"exits that were not told right: {wrong[:3]}")
    service.systemctl("stop", "warden", seconds=60)
    check(service.show("Result") == "success", f"the unit's result is {service.show('Result')}")
    check(service.show("NFileDescriptorStore") == "0",
          f"{service.show('NFileDescriptorStore')} descriptors are still kept after the stop")
    left = [pid for pid in service.watched.values() if is_alive(pid)]
    check(not left, f"workers are alive after the stop: {left}")
    print(f"{chaos.kills} kills ({chaos.lost_in_upgrade} of them amid an upgrade) and {chaos.upgrades} upgrades "
          f"({chaos.refusals} refused): {len(names)} workers undisturbed; {check_logs(directory, chaos)}; "
          f"{len(exits)} exit codes right; {alerts}")


run(Service, scenario)
