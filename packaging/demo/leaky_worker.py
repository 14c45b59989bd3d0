#!/usr/bin/env python3
"""A small worker that fails the way the first users' worker did: it leaks pipes until it is dark.

  leaky_worker.py [--keep N]

It asks 127.0.0.1:WARDEN_DEMO_PORT for jobs. For each job it forks a subprocess that hands the batch over through a
pipe, as a data loader does. With --keep 1 both ends of that pipe stay open for ever; with --keep 0 they are closed.
The soft limit on descriptors is lowered to WARDEN_DEMO_NOFILE (64), so the table is full after some thirty batches
and not after six days. From then on every call that needs a descriptor really fails with EMFILE; the worker logs the
error, reads it as "no jobs", and goes on polling. Nothing is simulated but the size of the table and the pace: the
lines speak of 5 seconds, the demo sleeps for half a second. Standard library only.
"""
import os
import resource
import socket
import sys
import time

PORT = int(os.environ.get("WARDEN_DEMO_PORT", "0"))
SOFT_LIMIT = int(os.environ.get("WARDEN_DEMO_NOFILE", "64"))
PIPELINE = "quebec_vermont_moths_2023"
API = f"http://127.0.0.1:{PORT}/api/v2"
JOBS = f"/api/v2/jobs?pipeline__slug__in={PIPELINE}&ids_only=1"
BATCH_SECONDS = 0.2
IDLE_SECONDS = 0.5
kept = []


def log(level, text):
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} [{level:9}] {text}", flush=True)


def fetch():
    """One poll: a socket, and the certificate bundle that an HTTPS client opens for every connection."""
    with socket.create_connection(("127.0.0.1", PORT), timeout=5) as connection:
        # This file stands in for the bundle: what counts is that opening it takes a descriptor.
        try:
            open(__file__).close()
        except OSError as error:
            raise ConnectionError(f"SSLError(OSError({error.errno}, '{error.strerror}'))") from error
        connection.sendall(f"GET {JOBS} HTTP/1.0\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.split(b" ", 2)[1] == b"200"


def poll():
    """Whether there is a job. An error is logged and read as "no job", as the real client does."""
    log("info", f"[GPU 0] Checking for jobs for pipelines: {PIPELINE}")
    try:
        return fetch()
    except ConnectionError as error:
        cause = str(error)
    except OSError as error:
        cause = f"NewConnectionError('Failed to establish a new connection: [Errno {error.errno}] {error.strerror}')"
    log("error", f"Failed to fetch jobs from {API}: HTTPConnectionPool(host='127.0.0.1', port={PORT}): "
                 f"Max retries exceeded with url: {JOBS} (Caused by {cause})")
    return False


def process(number, keep):
    """One batch through a subprocess and a pipe."""
    log("info", f"[GPU 0] Processing job {number} with pipeline {PIPELINE}")
    try:
        reader, writer = os.pipe()
    except OSError as error:
        log("error", f"[GPU 0] Failed to process job {number} with pipeline {PIPELINE}: {error}")
        return False
    loader = os.fork()
    if loader == 0:
        os.write(writer, b"batch")
        os._exit(0)
    os.read(reader, 5)
    os.waitpid(loader, 0)
    if keep:
        kept.extend((reader, writer))
    else:
        os.close(reader)
        os.close(writer)
    time.sleep(BATCH_SECONDS)
    log("info", f"Batch {number}: {BATCH_SECONDS / 4:.2f}s/image, Classification time: {BATCH_SECONDS * .4:.2f}s, "
                f"Detection time: {BATCH_SECONDS * .6:.2f}s, Load time: 0.00s")
    return True


def leave_one_free():
    """Pipes come in pairs. When the last pair took the last descriptor, a poll does not even get its socket; the field
    had one left (the socket is opened, the certificate bundle is not), so the demo gives one back."""
    try:
        os.close(os.dup(1))
    except OSError:
        os.close(kept.pop())


def main():
    keep = "--keep" in sys.argv and int(sys.argv[sys.argv.index("--keep") + 1]) > 0
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, hard))
    log("info", "Running worker as: Warden's demo")
    number = 0
    while True:
        worked = False
        if poll():
            number += 1
            worked = process(number, keep)
        elif kept:
            leave_one_free()
        if not worked:
            log("info", "[GPU 0] No jobs found, sleeping for 5 seconds")
            time.sleep(IDLE_SECONDS)


if __name__ == "__main__":
    main()
