#!/usr/bin/env python3
import datetime
import json
import os
import sqlite3
import time

from scenario import LEAKY_WORKER, WORKER, Daemon, Queue, check, run, serve, wait

MEGABYTE = 1 << 20


def configuration(daemon, port, history=""):
    return f"""{history}
[program:leaky]
command = {LEAKY_WORKER} --keep 1
environment = WARDEN_DEMO_PORT="{port}"
startsecs = 0
redirect_stderr = true
stdout_logfile = {daemon.path("leaky.log")}
[program:well]
command = {WORKER} healthy
startsecs = 0
[health]
interval = 200ms
grace = 500ms
confirm = 2 of 3
progress_pattern = Batch
error_pattern = \\[error
forensics = false
on_dark = alert
on_leaking = none
"""


def replay(daemon, *arguments):
    out, err, code = daemon.ctl("replay", *arguments, "--json")
    check(code == 0, f"replay {arguments}: exit code {code}: {out}{err}")
    return json.loads(out)


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def acted(document):
    return [action for action in document["actions"] if action["action"] not in ("alert", "gave-up")]


def rows(daemon, *statement):
    """Runs a statement on the history of a daemon that has ended."""
    with sqlite3.connect(daemon.path("history.sqlite")) as database:
        return database.execute(*statement).fetchall()


def asked_of_the_living(daemon):
    """What was recorded gives the verdicts of then, and shows what other settings would have done."""
    same = replay(daemon, "leaky")
    check(same["is_same"] and same["recorded_verdicts"] >= 2 and same["skipped"] == 0, f"the same settings: {same}")
    check(acted(same) == [] and any(action["cause"] == "emfile" for action in same["actions"]),
          f"the same settings alert: {same['actions']}")
    dark = [verdict for verdict in same["verdicts"] if verdict["cause"] == "emfile"][0]

    tried = replay(daemon, "leaky", "--set", "on_dark=restart")
    restarts = acted(tried)
    check(len(restarts) == 1, f"restarts: {restarts}")
    check((restarts[0]["action"], restarts[0]["cause"], restarts[0]["was_done"]) == ("restart", "emfile", False),
          f"the restart: {restarts[0]}")
    check(restarts[0]["at"] == dark["at"], f"it would have been at {restarts[0]['at']}, and was dark at {dark['at']}")
    check(tried["is_same"], f"actions do not change verdicts: {tried}")
    out, err, _ = daemon.ctl("replay", "leaky", "--set", "on_dark=restart")
    check("would have restarted once" in out and "not done then" in out, f"in words: {out}{err}")

    slow = replay(daemon, "leaky", "--set", "confirm=60 of 60", "--set", "error_burst=60 in 1h")
    late = [verdict for verdict in slow["verdicts"] if verdict["cause"] == "emfile"]
    check(not slow["is_same"] and (not late or seconds(late[0]["at"]) > seconds(dark["at"]) + 5),
          f"with a longer confirm it is dark later: {slow}")
    path = daemon.path("other.conf")
    with open(daemon.configuration) as now, open(path, "w") as file:
        file.write(now.read().replace("on_dark = alert", "on_dark = emfile:kill"))
    check([action["action"] for action in acted(replay(daemon, "leaky", "--config", path))] == ["kill"],
          "another configuration kills")

    for words, text in ((("leaky", "--set", "progress_pattern=x"), "cannot be tried"),
                        (("leaky", "--set", "heartbeat_timout=5m"), "no key"), (("nobody",), "no such program")):
        out, err, code = daemon.ctl("replay", *words)
        check(code == 1 and text in out, f"replay {words}: exit code {code}: {out}{err}")
    return tried


def scenario(daemon):
    """A dark worker that was only told of: replay says when it would have been restarted; damaged blocks are skipped."""
    port = serve(Queue)
    daemon.configure(configuration(daemon, port))
    daemon.start()
    daemon.running("leaky", "well")
    wait("leaky is dark", 60, lambda: daemon.health("leaky") == "dark/emfile")
    # Each replay has what is not yet stored stored: here two whole blocks come first.
    wait("samples of a while", 60, lambda: (daemon.worker("leaky").get("uptime_seconds") or 0) >= 28)
    tried = asked_of_the_living(daemon)
    for _ in range(3):
        time.sleep(0.5)
        replay(daemon, "leaky")
    well = replay(daemon, "well")
    check(well["is_same"] and well["actions"] == [], f"the healthy one: {well}")
    perSample = tried["bytes"] / tried["samples"]
    check(perSample < 80, f"{perSample} bytes a sample")
    print(f"bytes a sample: {perSample:.1f} of a worker that is dark, {well['bytes'] / well['samples']:.1f} of one that is well")

    # Across a restart of the daemon, with a block damaged, one that is none, and one of a later version.
    check(daemon.stop() == 0, f"exit code {daemon.process.returncode}")
    blocks = rows(daemon, "SELECT sequence, block FROM record WHERE process_name = 'leaky' ORDER BY sequence")
    check(len(blocks) >= 5, f"{len(blocks)} blocks")
    damaged = bytearray(blocks[1][1])
    damaged[len(damaged) // 2] ^= 0x55
    for (sequence, _), block in zip(blocks[1:], (bytes(damaged), b"no block at all", b"WR\x63" + blocks[3][1][3:])):
        rows(daemon, "UPDATE record SET block = ? WHERE sequence = ?", (block, sequence))
    daemon.start()
    daemon.running("leaky", "well")
    torn = replay(daemon, "leaky")
    check(torn["skipped"] == 3 and torn["samples"] > 20, f"with three blocks lost: {torn}")
    for text in ("it is damaged", "it is no record of samples", "it has format 99"):
        check(sum(text in note for note in torn["notes"]) == 1, f"'{text}' is not said once: {torn['notes']}")
    out, err, code = daemon.ctl("tune", "well", "--least", "3s")
    check(code == 0 and "in the records of" in out, f"tune: {out}{err}")

    # What is older than record_samples goes when the daemon starts; with none nothing is recorded.
    daemon.stop()
    time.sleep(1.5)
    before = rows(daemon, "SELECT COUNT(*) FROM record")[0][0]
    daemon.configure(configuration(daemon, port, "record_samples = 1s"))
    daemon.start()
    daemon.running("leaky", "well")
    daemon.stop()
    after = rows(daemon, "SELECT COUNT(*) FROM record")[0][0]
    check(0 < after < before and after <= 8, f"{before} blocks before, {after} after")
    daemon.configure(configuration(daemon, port, "record_samples = none"))
    daemon.start()
    daemon.running("leaky", "well")
    out, err, code = daemon.ctl("replay", "leaky")
    daemon.stop()
    check(rows(daemon, "SELECT COUNT(*) FROM record") == [(0,)], "with none there are records")
    check(code == 1 and "nothing was recorded" in out, f"without records: {out}{err}")
    size = os.path.getsize(daemon.path("history.sqlite"))
    check(size < MEGABYTE, f"the history has {size} bytes")


run(Daemon, scenario)
