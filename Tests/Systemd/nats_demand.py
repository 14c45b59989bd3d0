#!/usr/bin/env python3
import importlib.machinery
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from scenario import ROOT, WORKER, Daemon, check, command, free_port, run, wait

sys.dont_write_bytecode = True  # nothing is to be left beside the recipe
RECIPE = os.path.join(ROOT, "packaging", "recipes", "nats-demand")


class Server:
    """A nats-server of our own, with JetStream and its monitoring port."""

    def __init__(self, directory):
        self.port, self.monitor = free_port(), free_port()
        self.process = subprocess.Popen(
            [shutil.which("nats-server") or "/usr/sbin/nats-server", "-a", "127.0.0.1", "-p", str(self.port), "-m",
             str(self.monitor), "-js", "-sd", directory], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.monitor}"

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Client:
    """As much of the plain NATS protocol as JetStream needs: publish, request, and a pull that stays open."""

    def __init__(self, port):
        self.socket = wait("the server takes connections", 10, lambda: self.connect(port))
        self.reader = self.socket.makefile("rb")
        self.inboxes, self.lock, self.number = {}, threading.Lock(), 0
        check(self.reader.readline().startswith(b"INFO"), "no INFO")
        self.send(b'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n')
        threading.Thread(target=self.receive, daemon=True).start()

    @staticmethod
    def connect(port):
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            return None

    def send(self, data):
        with self.lock:
            self.socket.sendall(data)

    def receive(self):
        try:
            while line := self.reader.readline():
                words = line.split()
                if words[:1] == [b"PING"]:
                    self.send(b"PONG\r\n")
                elif words[:1] in ([b"MSG"], [b"HMSG"]):
                    body = self.reader.read(int(words[-1]) + 2)[:-2]
                    # By subscription: a message comes under its own subject, not under the inbox's.
                    number, has_reply = int(words[2]), len(words) == (5 if words[0] == b"MSG" else 6)
                    self.inboxes[number].append((words[3].decode() if has_reply else None, body))
        except (OSError, ValueError):
            pass

    def publish(self, subject, body=b"", reply=""):
        self.send(f"PUB {subject} {reply} {len(body)}\r\n".encode() + body + b"\r\n")

    def ask(self, subject, body=b""):
        """Asks, and answers the list that replies will be in."""
        self.number += 1
        inbox = f"_INBOX.scenario.{self.number}"
        self.inboxes[self.number] = answers = []
        self.send(f"SUB {inbox} {self.number}\r\n".encode())
        self.publish(subject, body, inbox)
        return answers

    def request(self, subject, value):
        answers = self.ask(subject, json.dumps(value).encode())
        wait(f"an answer to {subject}", 5, lambda: answers)
        answer = json.loads(answers[0][1])
        check("error" not in answer, f"{subject}: {answer}")
        return answer

    def make(self, name, **consumer):
        self.request(f"$JS.API.STREAM.CREATE.{name}", {
            "name": name, "subjects": [f"{name}.jobs"], "storage": "memory", "retention": "limits", "max_msgs": -1,
            "max_bytes": -1, "max_consumers": -1, "num_replicas": 1, "discard": "old"})
        self.request(f"$JS.API.CONSUMER.DURABLE.CREATE.{name}.work", {
            "stream_name": name, "config": {
                "durable_name": "work", "ack_policy": "explicit", "deliver_policy": "all", "replay_policy": "instant",
                **consumer}})

    def add(self, name, count):
        for _ in range(count):
            self.request(f"{name}.jobs", {"job": 1})

    def pull(self, name, seconds=30):
        """Asks for one message and waits up to so long for it; the list in which it will be."""
        wish = {"batch": 1, "expires": int(seconds * 1e9)}
        return self.ask(f"$JS.API.CONSUMER.MSG.NEXT.{name}.work", json.dumps(wish).encode())

    def take(self, name):
        taken = self.pull(name)
        wait(f"a message of {name}", 5, lambda: taken)
        return taken[0][0]


class Recipe:
    def __init__(self, server, directory, name, window=2):
        self.arguments = (RECIPE, "--state", os.path.join(directory, f"{name}.json"), "--window", str(window),
                          server.url, name, "work")

    def __call__(self):
        """The number, or None for unknown; and the words."""
        out, err, code = command(*self.arguments)
        check(code in (0, 1) and not err, f"{self.arguments}: exit code {code}: {out}{err}")
        word, _, reason = out.strip().partition(" ")
        return (int(word) if code == 0 else None), reason

    def says(self, number, seconds=1):
        wait(f"{self.arguments[-2]} says {number}, not {self()}", seconds, lambda: self()[0] == number)


def nobody_pulls(client, recipe):
    client.make("IDLE", ack_wait=int(30e9))
    demand = recipe("IDLE")
    demand.says(0)
    client.add("IDLE", 3)
    demand.says(3)
    taken = client.take("IDLE")
    check(demand()[0] == 3, f"one of three taken and not done: {demand()}")
    client.publish(taken, b"+ACK")
    demand.says(2, seconds=5)


def workers_ask(client, recipe):
    client.make("ASKED", ack_wait=int(30e9), max_ack_pending=1)
    demand = recipe("ASKED")
    client.pull("ASKED")
    demand.says(0, seconds=5)
    check("1 asking" in demand()[1], f"{demand()}")
    # One takes, the broker gives out no more until that is done: more is asked for, and nothing moves.
    client.add("ASKED", 3)
    client.pull("ASKED")
    demand()
    demand.says(0, seconds=8)
    check("which is the broker's" in demand()[1], f"{demand()}")


def frozen_floor(client, recipe):
    client.make("FROZEN", ack_wait=int(60e9))
    demand = recipe("FROZEN")
    client.add("FROZEN", 2)
    client.take("FROZEN")
    client.take("FROZEN")
    for _ in range(4):
        check(demand()[0] == 2, f"two taken, none done: {demand()}")
        time.sleep(0.7)


def residue(client, recipe):
    client.make("SPENT", ack_wait=int(0.5e9), max_deliver=2)
    demand = recipe("SPENT")
    client.add("SPENT", 1)
    client.take("SPENT")
    client.take("SPENT")
    # Delivered as often as is allowed, and still counted as taken: nobody can know whether it is being worked at.
    wait("the residue is unknown", 5, lambda: demand()[0] is None and "residue of max_deliver" in demand()[1])
    asked = client.pull("SPENT", seconds=4)
    demand.says(0, seconds=6)
    wait("nobody asks any more", 8, lambda: "0 asking" in demand()[1])
    check(demand()[0] in (0, None), f"the residue counts as work: {demand()}")
    check(asked and asked[0][0] is None, f"it was delivered a third time: {asked}")
    client.add("SPENT", 2)
    demand.says(2)
    client.publish(client.take("SPENT"), b"+ACK")
    demand.says(1, seconds=3)


def kept_residue():
    """A server that never gives the residue up, as some do: by its counters, one reading after the other."""
    recipe = importlib.machinery.SourceFileLoader("nats_demand_recipe", RECIPE).load_module()

    def reading(pending, taken, asking, delivered, floor):
        return {"num_pending": pending, "num_ack_pending": taken, "num_waiting": asking, "num_redelivered": 1,
                "delivered": {"consumer_seq": delivered, "stream_seq": delivered},
                "ack_floor": {"consumer_seq": floor, "stream_seq": floor}, "config": {"ack_wait": 10e9}}
    state = {}
    for now, consumer, expected in (
            (0, reading(0, 1, 0, 5, 3), None),    # the first reading: nothing to compare with
            (5, reading(0, 1, 0, 5, 3), 1),       # within ack_wait: somebody works at it
            (20, reading(0, 1, 0, 5, 3), None),   # longer: perhaps, perhaps not
            (25, reading(0, 1, 1, 5, 3), 0),      # somebody asks and is not given it: residue
            (30, reading(0, 1, 0, 5, 3), 0),      # and it stays that
            (35, reading(4, 1, 0, 5, 3), 4),      # what is new counts
            (40, reading(2, 3, 0, 7, 3), 4),      # also when it has been taken
            (45, reading(2, 1, 2, 9, 3), 2),      # workers ask, and work flows, though ack_floor is frozen
            (90, reading(2, 1, 2, 9, 3), 0),      # workers ask, and nothing moves: the broker's
            (95, reading(0, 0, 0, 11, 11), 0)):
        state, number, reason = recipe.judge(consumer, state, now, 30)
        check(number == expected, f"at {now}: {number}, not {expected}: {reason}")


def scenario(daemon):
    """The NATS recipe on a real server: nobody pulls, workers ask, a frozen floor, the residue, and the server gone."""
    kept_residue()
    server = Server(daemon.path("jetstream"))
    try:
        client = Client(server.port)

        def recipe(name):
            return Recipe(server, daemon.directory, name)
        for part in (nobody_pulls, workers_ask, frozen_floor, residue):
            part(client, recipe)
        check(recipe("NONE")() == (None, "the server has no stream NONE"), f"{recipe('NONE')()}")
        demands = {"waiting": "IDLE", "asked": "ASKED", "gone": "NONE"}
        daemon.configure("""[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
on_hung = alert
heartbeat_timeout = 1s
""" + "".join(f"""[program:{name}]
command = {WORKER} silent --after 0.5
startsecs = 0
[health:{name}]
demand = exec:{' '.join(recipe(stream).arguments)}
""" for name, stream in demands.items()))
        daemon.start()

        def verdict(name):
            health = daemon.worker(name).get("health") or {}
            return health.get("class"), health.get("grade")
        wait("waiting is hung (strong)", 15, lambda: verdict("waiting") == ("hung", "strong"))
        wait("gone is hung (weak)", 15, lambda: verdict("gone") == ("hung", "weak"))
        check(verdict("asked")[0] == "healthy", f"asked is {verdict('asked')}")
        check("unknown: exit status 1: unknown: the server has no stream NONE" in daemon.ctl("why", "gone")[0],
              daemon.ctl("why", "gone")[0])
    finally:
        server.stop()
    number, reason = recipe("IDLE")()
    check(number is None and "cannot read" in reason, f"the server is gone: {number} {reason}")
    wait("waiting is hung (weak) without the server", 25, lambda: verdict("waiting") == ("hung", "weak"))


run(Daemon, scenario)
