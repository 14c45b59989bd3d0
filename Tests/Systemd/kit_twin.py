#!/usr/bin/env python3
import time

from scenario import Service, check, run, wait

STUCK, IDLE = "stuck", "idle"
HUNG = ("hung/silent", "hung/deadlock")
RULES = {"hung/silent": {"heartbeat_timeout", "tree_stands_still"},
         "hung/deadlock": {"threads_waiting_for_ever", "waits_unmoved"}}


def scenario(service):
    """A real torch DataLoader deadlock is hung, with its evidence, as long as it lasts; its idle twin is healthy."""
    options = service.options
    text = ""
    for name, program in ((STUCK, "deadlock_worker.py"), (IDLE, "healthy_worker.py --idle")):
        text += f"""[program:{name}]
command = {options.kit_python} {options.kit}/{program}
directory = {options.kit}
redirect_stderr = true
stopasgroup = true
killasgroup = true
"""
    with service.antenna():
        # The same settings for both: the twin polls every 5 s, and imports torch without a line.
        service.configure(f"""{text}[health]
interval = 1s
grace = 30s
confirm = 3 of 5
heartbeat_timeout = 15s
progress_pattern = \\] Batch \\d+: |\\] Done, detections:
error_pattern = \\[error\\s*\\]
on_hung = alert
""")
        service.install()
        service.systemctl("start", "warden")
        service.running(STUCK, IDLE)
        wait(f"{STUCK} is hung", 90, lambda: service.health(STUCK) in HUNG)
        wait(f"{IDLE} is healthy", 60, lambda: service.health(IDLE) == "healthy")
        began, looks, called = time.monotonic(), 0, {}
        while time.monotonic() - began < options.seconds:
            workers = service.workers()
            if not workers:
                continue
            looks += 1
            health = workers[STUCK]["health"]
            word = f"{health['class']}/{health['cause']}"
            called[word] = called.get(word, 0) + 1
            check(word in HUNG, f"{STUCK} is {word} after {time.monotonic() - began:.0f} s")
            rules = {piece["rule"] for piece in health["evidence"]}
            check(RULES[word] <= rules, f"{STUCK} is {word} without its evidence: {health['evidence']}")
            twin = workers[IDLE]["health"]
            check(twin["class"] == "healthy", f"{IDLE} is {twin} after {time.monotonic() - began:.0f} s")
            time.sleep(0.5)
        service.undisturbed()
        incidents = service.incidents()
        check([one["worker"] for one in incidents] == [STUCK], f"incidents: {incidents}")
        check(incidents[0]["action"] == "alert" and incidents[0]["outcome"] is None, f"{incidents[0]}")
        print(f"    {looks} looks in {options.seconds:.0f} s: {IDLE} healthy in all, {STUCK} {called}")
        print(f"    {service.ctl('why', STUCK)[0].strip()}".replace("\n", "\n    "))


run(Service, scenario)
