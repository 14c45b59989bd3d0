#!/usr/bin/env python3
import contextlib
import time

from scenario import Failed, Service, check, run, wait

LEAKY, STUCK, BUSY, IDLE = (f"ami-antenna-worker:ami-antenna-worker_0{number}" for number in range(4))
WATCH_SECONDS = 75  # the whole run, at least: healthy workers must be left alone for that long
PROGRAMS = {
    # The table is full some 12 s after the imports; 128 leaves torch enough to start a data loader.
    LEAKY: ("leaky_worker.py", 'SIM_NOFILE="128",SIM_BATCH="0.01",SIM_SLEEP="1",SIM_BACKOFF="0.1"'),
    # Hangs within 3 s of its first batch; from then on the tree's I/O stands still to the byte.
    STUCK: ("deadlock_worker.py", ""),
    BUSY: ("healthy_worker.py", 'SIM_BATCH="0.3"'),
    IDLE: ("healthy_worker.py --idle", ""),
}


def configuration(options):
    """Four workers in one group, and health settings for time that is compressed some thirtyfold."""
    text = ""
    for name, (program, environment) in PROGRAMS.items():
        process = name.split(":")[1]
        text += f"""[program:{process}]
command = {options.kit_python} {options.kit}/{program}
directory = {options.kit}
redirect_stderr = true
stopasgroup = true
killasgroup = true
""" + (f"environment = {environment}\n" if environment else "")
    return text + f"""[group:ami-antenna-worker]
programs = {','.join(name.split(':')[1] for name in PROGRAMS)}
[health]
interval = 1s
; Four imports of torch at once take 5 to 15 s without a line on two cores; the first batch ends the grace.
grace = 45s
confirm = 3 of 5
; The idle worker polls every 5 s, the busy one writes three lines a second, and the stuck one none at all.
heartbeat_timeout = 15s
progress_pattern = \\] Batch \\d+: |\\] Done, detections:
error_pattern = \\[error\\s*\\]
on_dark = emfile:restart, errors:alert, probe:restart
on_hung = restart
; Both failures are looked at in one run, so neither may wait for the other's outcome.
max_unavailable = 2
restart_backoff = 1s..5s
restart_budget = 20 in 1h
recover_within = 60s
"""


class Notes:
    """What was seen of each worker and of the STATUS line while the scenario looked."""

    def __init__(self, service):
        self.service = service
        self.statuses = []
        self.pids = {}
        self.health = {name: [] for name in PROGRAMS}
        self.restarts = {}

    def look(self):
        status = self.service.show("StatusText")
        if status and status not in self.statuses:
            self.statuses.append(status)
        for name, worker in self.service.workers().items():
            health = worker.get("health")
            if health:
                word = "/".join(filter(None, (health["class"], health.get("cause"))))
                if word not in self.health[name]:
                    self.health[name].append(word)
            if worker.get("pid"):
                self.pids.setdefault(name, set()).add(worker["pid"])
            last = worker.get("last_restart")
            if last:
                self.restarts.setdefault(name, {}).setdefault(last["at"], {}).update(last)

    def has_restarted(self, name, reason):
        return any(last["reason"].startswith(reason) and last.get("outcome") == "recovered"
                   for last in self.restarts.get(name, {}).values())

    def tell(self):
        for name, words in self.health.items():
            reasons = [f"{last['reason']} {last.get('outcome')}" for last in self.restarts.get(name, {}).values()]
            print(f"    {name}: {' > '.join(words)}; restarts: {', '.join(reasons) or 'none'}")
        for status in self.statuses:
            print(f"    STATUS {status}")


def told(notes, name, words):
    """A STATUS line that names the worker and each of the words."""
    process = name.split(":")[1]
    return any(process in status and all(word in status for word in words) for status in notes.statuses)


@contextlib.contextmanager
def told_when_missed(notes):
    try:
        yield
    except Failed:
        notes.tell()
        raise


def scenario(service):
    """Real torch: the leaky worker goes dark, the stuck one hung; both come back; healthy ones are left alone."""
    notes = Notes(service)
    with told_when_missed(notes), service.antenna():
        service.configure(configuration(service.options))
        service.install()
        began = time.monotonic()
        service.systemctl("start", "warden")

        def both_came_back():
            notes.look()
            return notes.has_restarted(LEAKY, "dark/emfile") and notes.has_restarted(STUCK, "hung/")
        wait("the leaky and the stuck worker restarted for their causes and recovered", 180, both_came_back)
        while time.monotonic() - began < WATCH_SECONDS:
            notes.look()
            time.sleep(0.5)
    notes.tell()
    for name in (BUSY, IDLE):
        check(len(notes.pids[name]) == 1 and not notes.restarts.get(name), f"{name} was not left alone")
        bad = [word for word in notes.health[name] if word not in ("starting", "healthy")]
        check(not bad, f"{name} was judged {bad}")
    check(told(notes, LEAKY, ["dark", "emfile"]), "no STATUS line spoke of the dark worker")
    check(told(notes, STUCK, ["hung"]), "no STATUS line spoke of the hung worker")
    check(any("recovered" in status for status in notes.statuses), "no STATUS line told an outcome")


run(Service, scenario)
