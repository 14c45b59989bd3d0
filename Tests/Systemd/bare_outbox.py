#!/usr/bin/env python3
import collections
import json
import os
import signal
import socket
import threading

from scenario import WORKER, Daemon, check, free_port, run, wait

WORKERS = 6
TROUBLES = ("500", "429", "garbage", "hang up")


class Fickle:
    """A receiver that is not there at first, then answers badly in every way, and takes what comes after that."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.troubles, self.requests = list(TROUBLES), []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, connection.makefile("rb") as reader:
            while self.answer(connection, reader):
                pass

    def answer(self, connection, reader):
        """Whether the connection stays open."""
        if not reader.readline():
            return False
        fields = {}
        while line := reader.readline().strip().decode():
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        body = reader.read(int(fields.get("content-length", 0)))
        trouble = self.troubles.pop(0) if self.troubles else None
        self.requests.append((fields["webhook-id"], json.loads(body), trouble))
        if trouble == "hang up":
            return False
        if trouble == "garbage":
            connection.sendall(b"\x00\xff this is not HTTP \x80\r\n\r\n")
            return False
        retry = "Retry-After: 2\r\n" if trouble == "429" else ""
        connection.sendall(f"HTTP/1.1 {trouble or '204'} Word\r\n{retry}Content-Length: 0\r\n\r\n".encode())
        return True

    def taken(self):
        return [(identity, body) for identity, body, trouble in self.requests if trouble is None]


def scenario(daemon):
    """kill -9 before delivery, a receiver that is down, then 500, 429, garbage: every alert arrives, with one id."""
    port = free_port()
    programs = "".join(f"[program:w{number}]\ncommand = {WORKER} silent --after 0.3\n" for number in range(WORKERS))
    daemon.configure(f"""shared_cause = none
[health]
interval = 200ms
grace = 0s
confirm = 2 of 3
heartbeat_timeout = 1s
on_hung = silent:alert
forensics_budget = 300ms
[alert:fickle]
url = http://127.0.0.1:{port}/hook
events = hung
retry_for = 10m
secret = whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
{programs}""")
    daemon.start()
    # Nobody listens yet, so that nothing can have been delivered when the daemon is killed.
    wait("every worker has an incident", 40, lambda: len(daemon.incidents()) >= WORKERS)
    owed = {incident["id"]: incident["worker"] for incident in daemon.incidents()}
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.process.wait()
    receiver = Fickle(port)
    daemon.start()

    def arrived():
        return {body["data"]["id"] for _, body in receiver.taken() if body["type"] == "warden.incident.opened"}
    wait("every alert has arrived", 90, lambda: set(owed) <= arrived())

    ids = collections.defaultdict(set)
    for identity, body, _ in receiver.requests:
        ids[body["data"]["id"], body["type"]].add(identity)
        check(identity == body["id"], f"webhook-id {identity}, CloudEvents id {body['id']}")
    check(all(len(found) == 1 for found in ids.values()), f"more than one id for an alert: {dict(ids)}")
    check(not receiver.troubles, f"these were not met: {receiver.troubles}")
    times = collections.defaultdict(list)
    for identity, body in receiver.taken():
        times[body["subject"]].append(body["time"])
    check(all(found == sorted(found) for found in times.values()), f"out of order: {dict(times)}")
    twice = [identity for identity, _ in receiver.taken()]
    twice = {identity for identity in twice if twice.count(identity) > 1}
    print(f"    {len(owed)} alerts owed at the kill, {len(set(owed) & arrived())} arrived, {len(twice)} twice, in "
          f"{len(receiver.requests)} attempts, of which {len(TROUBLES)} were answered by {', '.join(TROUBLES)}")


run(Daemon, scenario)
