#!/usr/bin/env python3
"""The workers of box_chaos.

  chaos_worker.py writer NAME   writes numbered lines for ever, some of them buffered, as programs do
  chaos_worker.py mortal        writes numbered lines for half a second or so, then exits with 7
  chaos_worker.py dark          cannot open a file for a while, says so, and can again, over and over
"""
import os
import random
import resource
import sys
import time


def write(name):
    number = 0
    while True:
        number += 1
        sys.stdout.write(f"{name} {number} {'x' * (number % 60)}\n")
        if number % 13 == 0:
            sys.stdout.flush()
        if number % 40 == 0:
            time.sleep(0.05)


def die():
    generation, end, number = os.environ["WARDEN_GENERATION"], time.monotonic() + random.uniform(0.3, 0.9), 0
    while time.monotonic() < end:
        number += 1
        print(f"{generation} {number}", flush=True)
        time.sleep(0.005)
    sys.exit(7)


def darken():
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    while True:
        kept = []
        try:
            while True:
                kept.append(open("/dev/null"))
        except OSError as error:
            end = time.monotonic() + 2
            while time.monotonic() < end:
                print(f"cannot fetch: OSError: [Errno {error.errno}] {error.strerror}", flush=True)
                time.sleep(0.1)
        for file in kept:
            file.close()
        for _ in range(20):
            print("job done", flush=True)
            time.sleep(0.1)


if sys.argv[1] == "writer":
    write(sys.argv[2])
elif sys.argv[1] == "mortal":
    die()
else:
    darken()
