#!/usr/bin/env python3
"""A worker that waits for ever, or only for something to do.

  waiter.py MODE [--once FILE]

  abba    two threads take two locks in opposite order, and the main thread waits for both
  pool    an idle pool: three threads wait for work, the main thread waits in epoll
  child   waits for a child that waits for itself
  signal  waits for ever, but has a handler for SIGUSR1

It says one line first. With --once it fails only while FILE is not there, and makes FILE: after a restart it is an idle
pool. Standard library only.
"""
import argparse
import faulthandler
import os
import queue
import select
import signal
import threading


def thread(body, *arguments):
    threading.Thread(target=body, args=arguments, daemon=True).start()


def forever():
    queue.Queue().get()


def abba():
    first, second, meet, done = threading.Lock(), threading.Lock(), threading.Barrier(2), threading.Barrier(3)

    def take(one, other):
        with one:
            meet.wait()
            with other:
                done.wait()
    thread(take, first, second)
    thread(take, second, first)
    done.wait()


def pool():
    for _ in range(3):
        thread(forever)
    select.epoll().poll()


def child():
    if os.fork() == 0:
        forever()
    os.wait()


def caught():
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    forever()


MODES = {"abba": abba, "pool": pool, "child": child, "signal": caught}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--once")
    options = parser.parse_args()
    mode = options.mode
    if options.once:
        if os.path.exists(options.once):
            mode = "pool"
        else:
            open(options.once, "w").close()
    print(f"waiting as {mode}", flush=True)
    MODES[mode]()
