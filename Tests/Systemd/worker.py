#!/usr/bin/env python3
"""A worker for the scenarios. It polls, and fails in one chosen way.

  worker.py MODE [--once FILE] [--after SECONDS]

  healthy    a progress line at each poll
  idle       polls, and nothing is queued
  silent     blocks for ever on a pipe that nobody writes to
  spin       burns a core without a line
  hog        grows by 8 MiB at each poll, up to 160 MiB
  trickle    leaks a pipe at each poll towards 512 descriptors, and finishes a batch every five seconds
  errors401  an error line at each poll: a wrong token
  stubborn   ignores SIGTERM
  polite     says when SIGTERM came, and ends half a second later
  orphan     starts a process in a session of its own, which keeps standard output open
  crash      exits with code 3
  drainable  as errors401; after SIGUSR1 it finishes its batch and exits with code 0
  undrained  as errors401; notes SIGUSR1 and goes on
  notify     sends WATCHDOG=1 to NOTIFY_SOCKET at each poll, without a line, and later stops sending

It polls for SECONDS (1) before it fails. With --once it fails only while FILE is not there, and makes FILE: after a
restart it is healthy. A worker that leaks descriptors is packaging/demo/leaky_worker.py. Standard library only.
"""
import argparse
import os
import resource
import signal
import socket
import subprocess
import sys
import time

POLL_SECONDS = 0.25
HOG_BYTES = 8 << 20
HOG_LIMIT_BYTES = 160 << 20


def say(level, text):
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [{level:9}] {text}", flush=True)


def poll_for(seconds, text):
    """Says `text` at each poll, until the time is over; for ever when `seconds` is None."""
    deadline = None if seconds is None else time.monotonic() + seconds
    number = 0
    while deadline is None or time.monotonic() < deadline:
        number += 1
        say("info", text.format(number))
        time.sleep(POLL_SECONDS)


def healthy():
    poll_for(None, "Batch {}: done")


def idle():
    poll_for(None, "No jobs found, sleeping")


def silent():
    reader, writer = os.pipe()
    os.read(reader, 1)
    os.close(writer)


def spin():
    try:
        # A neighbour that takes a part of the core makes this a worker that merely uses some CPU.
        os.nice(-15)
    except PermissionError:
        pass
    while True:
        pass


def hog():
    kept = []
    while True:
        if len(kept) * HOG_BYTES < HOG_LIMIT_BYTES:
            # Written to, or it would not be resident.
            kept.append(bytearray(b"x" * HOG_BYTES))
        say("info", f"Batch {len(kept)}: done")
        time.sleep(POLL_SECONDS)


def trickle():
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
    kept = []
    while True:
        kept.append(os.pipe())
        batch, rest = divmod(len(kept), 20)
        say("info", f"Batch {batch}: done" if rest == 0 else "working")
        time.sleep(POLL_SECONDS)


def fail_each_poll(is_over):
    while not is_over():
        say("error", "Failed to fetch jobs: 401 Client Error: Unauthorized")
        time.sleep(POLL_SECONDS)


def errors401():
    fail_each_poll(lambda: False)


def drainable():
    asked = []
    signal.signal(signal.SIGUSR1, lambda *_: asked.append(True))
    fail_each_poll(lambda: bool(asked))
    time.sleep(POLL_SECONDS)
    say("info", "drained")


def undrained():
    signal.signal(signal.SIGUSR1, lambda *_: say("info", "not now"))
    fail_each_poll(lambda: False)


def stubborn():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("info", "SIGTERM is ignored")
    healthy()


def polite():
    def end(*_):
        os.write(1, f"asked {time.monotonic()}\n".encode())
        time.sleep(0.5)
        os.write(1, f"ended {time.monotonic()}\n".encode())
        os._exit(0)
    signal.signal(signal.SIGTERM, end)
    healthy()


def orphan():
    grandchild = subprocess.Popen(["sleep", "300"], start_new_session=True)
    say("info", f"grandchild {grandchild.pid}")
    healthy()


def crash():
    sys.exit(3)


def notify(seconds):
    """Not through the common polls: no line may stand in for a beat."""
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\0" + address[1:]
    deadline = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as beats:
        beats.connect(address)
        while time.monotonic() < deadline:
            beats.send(b"WATCHDOG=1")
            time.sleep(POLL_SECONDS)
    silent()


AT_ONCE = {"healthy": healthy, "idle": idle, "stubborn": stubborn, "polite": polite, "orphan": orphan,
           "trickle": trickle}
LATER = {"silent": silent, "spin": spin, "hog": hog, "errors401": errors401, "crash": crash, "drainable": drainable,
         "undrained": undrained}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=[*AT_ONCE, *LATER, "notify"])
    parser.add_argument("--once", metavar="FILE")
    parser.add_argument("--after", type=float, default=1, metavar="SECONDS")
    options = parser.parse_args()
    if options.once and os.path.exists(options.once):
        healthy()
    if options.once:
        open(options.once, "w").close()
    if options.mode == "notify":
        notify(options.after)
    elif options.mode in AT_ONCE:
        AT_ONCE[options.mode]()
    else:
        poll_for(options.after, "Checking for jobs")
        LATER[options.mode]()


if __name__ == "__main__":
    main()
