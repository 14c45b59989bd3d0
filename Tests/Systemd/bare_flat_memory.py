#!/usr/bin/env python3
import os
import re
import sys
import time

from scenario import Daemon, check, contents, run, wait

MEGABYTE = 1 << 20
ROOM_KILOBYTES = 8 << 10
# A hundred megabytes a second, half of them lines that match no pattern, half of them errors.
FLOOD = """import os, time
line = b'2026-04-29 12:00:00 [info     ] something ordinary happened here'.ljust(99, b'x') + b'\\n'
error = b'2026-04-29 12:00:00 [error    ] something failed here'.ljust(99, b'x') + b'\\n'
block = (line + error) * 5243
due = time.monotonic()
while True:
    view = memoryview(block)
    while view:
        view = view[os.write(1, view):]
    due += 0.01
    time.sleep(max(0, due - time.monotonic()))
"""


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", contents(f"/proc/{pid}/status")).group(1))


def written(daemon):
    """Bytes of the worker so far: Warden reads them in the end."""
    return int(re.search(r"wchar: (\d+)", contents(f"/proc/{daemon.watched['flood']}/io")).group(1))


def scenario(daemon):
    """A worker that writes 100 MB/s for as long as it likes does not make the daemon grow."""
    with open(daemon.path("flood.py"), "w") as file:
        file.write(FLOOD)
    daemon.configure(f"""[program:flood]
command = {sys.executable} {daemon.path('flood.py')}
stdout_logfile = {daemon.path('flood.log')}
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
[health:flood]
interval = 500ms
grace = 1s
progress_pattern = Batch
error_pattern = \\[error
""")
    daemon.start()
    daemon.running("flood")
    wait("200 MB are written", 30, lambda: written(daemon) > 200 * MEGABYTE)
    pid = daemon.process.pid
    before, bytes_before, began = resident(pid), written(daemon), time.monotonic()
    highest = before
    while time.monotonic() - began < 10:
        time.sleep(0.5)
        highest = max(highest, resident(pid))
    megabytes = (written(daemon) - bytes_before) / MEGABYTE
    print(f"    {megabytes:.0f} MB in 10 s; resident {before} KB before, {highest} KB at most")
    check(megabytes > 100, f"the worker wrote only {megabytes:.0f} MB")
    check(highest - before < ROOM_KILOBYTES, f"the daemon grew from {before} to {highest} KB")
    check(os.path.getsize(daemon.path("flood.log")) <= 21 * MEGABYTE, "the log did not rotate")
    daemon.undisturbed()


run(Daemon, scenario)
