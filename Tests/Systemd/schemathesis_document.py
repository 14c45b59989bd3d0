#!/usr/bin/env python3
import base64
import os
import re
import socket
import subprocess
import threading
import time
import urllib.request

from scenario import LEAKY_WORKER, WORKER, Daemon, Queue, check, free_port, run, serve, wait

DOCUMENT = "/api/v1/openapi.json"
PASSWORD = "secret"
# Names that there are, and some that there are not, so that not every request ends at 404.
NAMES = ["steady", "many:many_00", "many:many_01", "many:*", "stopped", "dark", "fatal", "crash", "nobody", "many:"]
WORKERS = f"""tcp_without_password = read
[program:steady]
command = {WORKER} healthy
startsecs = 0
stopwaitsecs = 2
[program:many]
command = {WORKER} healthy
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
startsecs = 0
stopwaitsecs = 2
[program:stopped]
command = {WORKER} healthy
autostart = false
startsecs = 0
stopwaitsecs = 2
[program:dark]
command = {LEAKY_WORKER} --keep 1
environment = WARDEN_DEMO_PORT="QUEUE"
startsecs = 0
stopwaitsecs = 1
[program:fatal]
command = /nowhere/at/all
[program:crash]
command = {WORKER} crash
startretries = 1
startsecs = 1
stopwaitsecs = 1
[health]
interval = 1s
grace = 1s
[health:dark]
on_dark = alert
"""


class Forwarder:
    """A TCP port that leads to a Unix socket: schemathesis knows none of those."""

    def __init__(self, path):
        self.path, self.listener = path, socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.copy, args=(source, target), daemon=True).start()

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def ask(port, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def play(daemon, title, port, seconds, *arguments):
    """All checks, valid and invalid data, every phase; names from the list in most requests."""
    names = ", ".join(f'"{name}"' for name in NAMES)
    config = daemon.path("schemathesis.toml")
    with open(config, "w") as file:
        file.write(f"""[dictionaries.names]
values = [{names}]
[parameters]
"path.name" = {{ dictionary = "names", probability = 0.7 }}
"query.worker" = {{ dictionary = "names", probability = 0.5 }}
""")
    command = [daemon.options.schemathesis, "--config-file", config, "run", f"http://127.0.0.1:{port}{DOCUMENT}",
               "--checks", "all", "--mode", "all", "--max-examples", "25", "--max-time", str(int(seconds)),
               "--generation-database", "none", "--seed", "1", "--request-timeout", "15", "--no-color",
               # A stream has no end, and schemathesis waits for it; Tests/Control/EventTests has it.
               "--exclude-path", "/api/v1/events",
               "--continue-on-failure", *arguments]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds * 4 + 60,
                          cwd=daemon.directory, stdin=subprocess.DEVNULL)
    said = done.stdout + done.stderr
    summary = [line.strip() for line in said.splitlines() if re.search(r"generated|passed|failed", line)]
    print(f"  {title} ({time.monotonic() - began:.0f} s): {'; '.join(summary[-4:])}")
    if done.returncode != 0:
        print(said[-12000:])
    check(done.returncode == 0, f"{title}: exit code {done.returncode}")


def scenario(daemon):
    """schemathesis finds no answer of the daemon that its own OpenAPI document does not promise."""
    seconds = max(10, daemon.options.seconds)
    guarded, open_port = free_port(), free_port()
    daemon.configure(WORKERS.replace("QUEUE", str(serve(Queue))) + f"""
[inet_http_server]
port = 127.0.0.1:{guarded}
username = me
password = {PASSWORD}
[inet_http_server:open]
port = 127.0.0.1:{open_port}
""")
    daemon.start()
    daemon.running("steady", "many:many_00", "many:many_01", "dark")
    wait("an incident", 40, daemon.incidents)
    pid = daemon.process.pid
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()}
    check(b'"securitySchemes"' in ask(guarded, DOCUMENT, **basic), "the document says nothing of the password")
    forwarder = Forwarder(daemon.socket)
    check(b'"securitySchemes"' not in ask(forwarder.port, DOCUMENT), "the document wants a password")
    before = resident(pid), descriptors(pid), os.path.getsize(daemon.log)

    play(daemon, "TCP without a password, which may only look", open_port, seconds)
    daemon.undisturbed()
    play(daemon, "TCP with a password", guarded, seconds, "--auth", f"me:{PASSWORD}")
    first = resident(pid), descriptors(pid), os.path.getsize(daemon.log)
    play(daemon, "the Unix socket", forwarder.port, seconds)
    after = resident(pid), descriptors(pid), os.path.getsize(daemon.log)
    print(f"  resident KiB, descriptors, bytes of the log: {before}, {first}, {after}")

    check(daemon.process.poll() is None and daemon.process.pid == pid, "the daemon has ended")
    check(after[0] - first[0] < 16 * 1024, f"it grew from {first[0]} to {after[0]} KiB in the second run")
    check(after[1] <= before[1] + 8, f"it has {after[1]} descriptors and had {before[1]}")
    check(not daemon.has_logged("Request failed"), "it logged a failed request")
    daemon.ctl("start", "steady", "many:*", seconds=60)
    daemon.ctl("restart", "steady", seconds=60)
    daemon.running("steady", "many:many_00", "many:many_01", seconds=30)


run(Daemon, scenario)
