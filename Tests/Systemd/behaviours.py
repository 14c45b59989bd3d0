#!/usr/bin/env python3
"""A worker that is well, only looks ill, or fails in one chosen way after a first second of good work.

  behaviours.py MODE [--once FILE]

Well, whatever it looks like:
  healthy    a progress line at each poll
  idle       polls, and nothing is queued
  slowstart  six seconds without a line, then healthy
  longbatch  batches of five seconds without a line, with half a core
  chatty     lines, but no progress
  bursty     a traceback of many error lines within a moment, and then progress, again and again

Ill:
  emfile     a full descriptor table: every poll really fails
  leak       takes 56 of 64 descriptors and works on
  401, 503, refused, dns    error lines at each poll, few descriptors
  probe      works on, but makes PID.ill beside FILE, which its probe looks for
  timeouts   waits for ever in waits that end after a second, as a data loader's parent does
  abba       two threads take two locks in opposite order
  spin       burns a core without a line
  hog        grows to 160 MiB
  stopped    stops itself

With --once it fails only while FILE is not there, and makes FILE: after a restart it is healthy. Standard library only.
"""
import argparse
import os
import resource
import select
import signal
import socket
import time

from waiter import abba
from worker import spin

POLL_SECONDS = 0.4
API = "https://antenna.example.org/api/v2"


def say(level, text):
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [{level:9}] {text}", flush=True)


def poll(text, level="info"):
    say(level, text)
    time.sleep(POLL_SECONDS)


def work(seconds=None):
    deadline = None if seconds is None else time.monotonic() + seconds
    number = 0
    while deadline is None or time.monotonic() < deadline:
        number += 1
        poll(f"Batch {number}: done")


def idle():
    while True:
        poll("No jobs found, sleeping")


def slowstart():
    time.sleep(6)
    work()


def longbatch():
    number = 0
    while True:
        number += 1
        say("info", f"Batch {number}: done")
        end = time.monotonic() + 5
        while time.monotonic() < end:
            busy = time.thread_time() + 0.1
            while time.thread_time() < busy:
                pass
            time.sleep(0.1)


def chatty():
    while True:
        poll("Batch contains 2 different image sizes. Falling back to per-image transfer (slower).", "warning")


def bursty():
    number = 0
    while True:
        number += 1
        for depth in range(12):
            say("error", f"Traceback, line {depth}: RuntimeError: could not read image {number}")
        poll(f"Batch {number}: done")


def fail(text):
    while True:
        poll(f"Failed to fetch jobs from {API}: {text()}", "error")


def fill(free):
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    kept = list(os.pipe())
    try:
        while True:
            kept.append(os.dup(kept[0]))
    except OSError:
        for _ in range(free):
            os.close(kept.pop())


def emfile():
    fill(free=1)

    def text():
        try:
            with socket.socket():
                open(__file__).close()
        except OSError as error:
            return f"SSLError(OSError({error.errno}, '{error.strerror}'))"
        return "nothing"
    fail(text)


def leak():
    fill(free=8)
    work()


def refused():
    def text():
        try:
            socket.create_connection(("127.0.0.1", 9), 1).close()
        except OSError as error:
            return f"NewConnectionError('Failed to establish a new connection: {error}')"
        return "nothing"
    fail(text)


def dns():
    # Once, really: where there is no name server at all each look-up takes its time.
    try:
        socket.getaddrinfo("antenna.invalid", 443)
        text = "nothing"
    except socket.gaierror as error:
        text = f"NameResolutionError(\"Failed to resolve 'antenna.invalid' ({error})\")"
    fail(lambda: text)


def timeouts():
    reader, _writer = os.pipe()
    while True:
        select.select([reader], [], [], 1)


def hog():
    kept = []
    while True:
        if len(kept) < 20:
            # Written to, or it would not be resident.
            kept.append(bytearray(b"x" * (8 << 20)))
        poll(f"Batch {len(kept)}: done")


def stopped():
    os.kill(os.getpid(), signal.SIGSTOP)


WELL = {"healthy": work, "idle": idle, "slowstart": slowstart, "longbatch": longbatch, "chatty": chatty,
        "bursty": bursty}
ILL = {"emfile": emfile, "leak": leak, "401": lambda: fail(lambda: "401 Client Error: Unauthorized for url: /jobs"),
       "503": lambda: fail(lambda: "503 Server Error: Service Unavailable for url: /jobs"), "refused": refused,
       "dns": dns, "probe": work, "timeouts": timeouts, "abba": abba, "spin": spin, "hog": hog, "stopped": stopped}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=[*WELL, *ILL])
    parser.add_argument("--once", metavar="FILE")
    options = parser.parse_args()
    if options.mode in WELL:
        WELL[options.mode]()
    if options.once and os.path.exists(options.once):
        work()
    work(1)
    if options.once:
        open(options.once, "w").close()
    if options.mode == "probe":
        open(os.path.join(os.path.dirname(options.once), f"{os.getpid()}.ill"), "w").close()
    ILL[options.mode]()


if __name__ == "__main__":
    main()
