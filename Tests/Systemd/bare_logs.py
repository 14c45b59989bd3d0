#!/usr/bin/env python3
import os
import re
import signal
import subprocess
import sys
import time

from scenario import Daemon, check, contents, run, wait

LINES = 20000
PRINTER = f"""import sys, time
for number in range({LINES}):
    sys.stdout.write(f"line {{number}} {{'x' * 60}}\\n")
    if number % 500 == 0: sys.stdout.flush()
sys.stdout.flush()
time.sleep(1000)
"""
TICKER = """import itertools, sys, time
for number in itertools.count():
    print("tick", number, flush=True)
    if number % 5 == 0: print("error stream", number, file=sys.stderr, flush=True)
    time.sleep(0.05)
"""


def rotated(daemon):
    """Every line of the printer, oldest file first."""
    text = "".join(contents(daemon.path(f"printer.log.{number}")) for number in range(60, 0, -1))
    return [int(number) for number in re.findall(r"^line (\d+) x{60}$", text + contents(daemon.path("printer.log")),
                                                 re.MULTILINE)]


def follow(daemon):
    """`tail -f` shows lines that are written after it began."""
    began = int(re.findall(r"tick (\d+)", contents(daemon.path("ticker.log")))[-1])
    tail = subprocess.Popen(
        [daemon.options.wardenctl, "-c", daemon.configuration, "tail", "-f", "ticker"], stdin=subprocess.DEVNULL,
        stdout=open(daemon.path("followed"), "wb"), stderr=subprocess.STDOUT)
    try:
        wait("tail -f shows new lines", 5, lambda: f"tick {began + 20}\n" in contents(daemon.path("followed")))
    finally:
        tail.send_signal(signal.SIGINT)
        try:
            tail.wait(5)
        except subprocess.TimeoutExpired:
            tail.kill()
            tail.wait()
            check(False, "tail -f did not end at SIGINT")


def scenario(daemon):
    """No line is lost: by rotation, a short life, an external move; a full disk stops nobody."""
    for name, script in (("printer", PRINTER), ("ticker", TICKER)):
        with open(daemon.path(f"{name}.py"), "w") as file:
            file.write(script)
    daemon.configure("".join(f"[program:{name}]\ncommand = {command}\n{settings}\n" for name, command, settings in (
        ("printer", f"{sys.executable} {daemon.path('printer.py')}",
         f"stdout_logfile = {daemon.path('printer.log')}\n"
         "stdout_logfile_maxbytes = 100KB\nstdout_logfile_backups = 50"),
        ("ticker", f"{sys.executable} {daemon.path('ticker.py')}",
         f"redirect_stderr = true\nstdout_logfile = {daemon.path('ticker.log')}"),
        ("short", "/bin/echo the only line",
         f"startsecs = 0\nautorestart = false\nstdout_logfile = {daemon.path('short.log')}"),
        ("full", f"{sys.executable} {daemon.path('ticker.py')}",
         "stdout_logfile = /dev/full\nstdout_logfile_maxbytes = 0\nstderr_logfile = NONE"))))
    daemon.start()
    daemon.running("printer", "ticker", "full")

    wait("every line is in a file", 8, lambda: rotated(daemon)[-1:] == [LINES - 1])
    numbers = rotated(daemon)
    check(numbers == list(range(LINES)), f"{LINES} lines were written, {len(numbers)} are there")
    files = [name for name in os.listdir(daemon.directory) if name.startswith("printer.log")]
    check(len(files) > 10, f"stdout_logfile_maxbytes: only {len(files)} files")
    largest = max(os.path.getsize(daemon.path(name)) for name in files)
    # A chunk that was read at once is written to one file.
    check(largest <= 100 * 1024 + 65536, f"a file of {largest} bytes")

    check(contents(daemon.path("short.log")) == "the only line\n", f"short: {contents(daemon.path('short.log'))!r}")
    check("error stream" in contents(daemon.path("ticker.log")), "redirect_stderr: nothing of standard error is there")
    follow(daemon)

    os.rename(daemon.path("ticker.log"), daemon.path("moved"))
    daemon.process.send_signal(signal.SIGUSR2)
    wait("the log is opened again", 5, lambda: "tick" in contents(daemon.path("ticker.log")))
    time.sleep(0.5)
    numbers = [int(number) for number in re.findall(
        r"^tick (\d+)$", contents(daemon.path("moved")) + contents(daemon.path("ticker.log")), re.MULTILINE)]
    check(numbers == list(range(len(numbers))), "lines were lost by the external move")

    began = time.monotonic()
    check(daemon.worker("full").get("state") == "RUNNING", f"full: {daemon.worker('full')}")
    check(time.monotonic() - began < 2, "status took more than two seconds")
    check(daemon.has_logged("(?i)no space left|dropped"), "the log does not speak of the full disk")
    check(len(daemon.has_logged("(?i)no space left|dropped")) < 20, "the log repeats itself about the full disk")
    daemon.undisturbed()


run(Daemon, scenario)
