#!/usr/bin/env python3
import base64
import glob
import http.client
import os
import socket
import time

from scenario import Daemon, Receiver, check, command, contents, run, wait

SECRETS = {
    "the password of TCP": "pw-tcp-5d1c8a",
    "the password of the client": "pw-ctl-77e2b0",
    "the webhook's secret": "hook-secret-90ab3f",
    "the webhook's address": "hook-path-2c4dd1",
    "a password in the webhook's address": "hook-user-e1f6a7",
    "a worker's environment": "env-worker-3b9c51",
    "all workers' environment": "env-all-8821fe",
    "the env_file": "env-file-6a0d4c",
    "the daemon's environment": "env-daemon-f0e9b2",
    "a wrong password": "pw-wrong-19d3a8",
}


def ask(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    authorization = base64.b64encode(f"operator:{SECRETS['the password of TCP']}".encode()).decode()
    try:
        connection.request(method, path, headers={"Authorization": f"Basic {authorization}"})
        answer = connection.getresponse()
        return answer.status, str(answer.headers) + answer.read().decode(errors="replace")
    finally:
        connection.close()


def scenario(daemon):
    """No secret of the configuration is in a log, an answer, the page, a listing, a complaint, the history or an alert."""
    hook = Receiver()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    env_file = daemon.path("worker.env")
    with open(env_file, "w") as file:
        file.write(f"FROM_FILE={SECRETS['the env_file']}\n")
    os.environ["DAEMON_SECRET"] = SECRETS["the daemon's environment"]
    text = f"""[supervisord]
environment = ALL="{SECRETS["all workers' environment"]}"
loglevel = debug
[inet_http_server]
port = 127.0.0.1:{port}
username = operator
password = {SECRETS["the password of TCP"]}
[supervisorctl]
username = operator
password = {SECRETS["the password of the client"]}
[program:leaky]
command = sh -c 'i=0; while :; do i=$((i+1)); echo "error: Too many open files"; sleep 0.2; done'
environment = TOKEN="{SECRETS["a worker's environment"]}",SEEN="%(ENV_DAEMON_SECRET)s"
env_file = {env_file}
startsecs = 0
[program:failing]
command = /no/such/command
environment = TOKEN="{SECRETS["a worker's environment"]}"
startretries = 1
[health:leaky]
interval = 200ms
grace = 300ms
error_burst = 3 in 10s
confirm = 2 of 3
on_dark = alert
[alert:hook]
url = http://user:{SECRETS["a password in the webhook's address"]}@127.0.0.1:{hook.port}/{SECRETS["the webhook's address"]}
secret = {SECRETS["the webhook's secret"]}
events = all
[alert:deaf]
url = http://127.0.0.1:1/{SECRETS["the webhook's address"]}
secret = {SECRETS["the webhook's secret"]}
events = all
"""
    # The sections of this scenario and those that every one has are one to the parser.
    daemon.configure(text)
    said = {}
    lines, code = daemon.check_configuration()
    check(code == 0, f"--check: {lines}")
    said["--check"] = "\n".join(lines)
    said["check --from-supervisor"] = "".join(map(str, command(
        daemon.options.wardenctl, "check", "--from-supervisor", daemon.configuration)))
    daemon.start()
    daemon.running("leaky")
    wait("an incident", 20, lambda: daemon.incidents())
    wait("an alert", 20, lambda: hook.bodies)
    wait("what cannot be delivered is complained of", 20, lambda: daemon.has_logged("deaf"))

    for words in (("status",), ("status", "--json"), ("why", "leaky"), ("why", "--json", "leaky"), ("why", "failing"),
                  ("incidents",), ("incidents", "--json"), ("avail",), ("maintail",), ("tail", "leaky"), ("fds", "leaky"),
                  ("reread",), ("update",), ("pid",), ("version",), ("samples", "leaky"), ("doctor",),
                  ("start", "failing")):
        out, err, _ = daemon.ctl(*words)
        said["wardenctl " + " ".join(words)] = out + err
    for path in ("/", "/?message=x", "/tail.html?processname=leaky", "/api/v1/workers", "/api/v1/workers/leaky",
                 "/api/v1/workers/failing", "/api/v1/workers/leaky/why", "/api/v1/workers/leaky/descriptors",
                 "/api/v1/workers/leaky/samples", "/api/v1/incidents", "/api/v1/nothing", "/metrics", "/livez",
                 "/readyz", "/stylesheets/supervisor.css", "/api/v1/openapi.json"):
        said["GET " + path] = ask(port, path)[1]
    for incident in daemon.incidents():
        said["GET incident"] = ask(port, f"/api/v1/incidents/{incident['id']}")[1]
        said["wardenctl incident"] = "".join(map(str, daemon.ctl("incident", incident["id"])[:2]))
    for method in ("supervisor.getAllConfigInfo", "supervisor.getAllProcessInfo", "supervisor.reloadConfig",
                   "supervisor.getIdentification", "supervisor.readLog"):
        body = ("<methodCall><methodName>%s</methodName><params>%s</params></methodCall>" % (
            method, "<param><value><int>0</int></value></param>" * 2 if method.endswith("readLog") else ""))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        authorization = base64.b64encode(f"operator:{SECRETS['the password of TCP']}".encode()).decode()
        connection.request("POST", "/RPC2", body, {"Authorization": f"Basic {authorization}"})
        said[method] = connection.getresponse().read().decode()
        connection.close()
    # A wrong password, and a configuration that is refused line by line.
    command(daemon.options.wardenctl, "-s", f"http://127.0.0.1:{port}", "-u", "operator", "-p",
            SECRETS["a wrong password"], "status")
    daemon.configure(text.replace("startretries = 1", "startretries = many").replace(
        "port = 127.0.0.1", "port = 127.0.0.1:x").replace("timeout", "timeoutt"))
    said["--check of errors"] = "\n".join(daemon.check_configuration()[0])
    out, err, _ = daemon.ctl("update")
    said["update of errors"] = out + err
    for number, (_, kind, body) in enumerate(hook.bodies):
        said[f"alert {number}"] = kind + body.decode(errors="replace")
    time.sleep(0.3)
    said["the log"] = contents(daemon.log)
    said["standard output"] = contents(daemon.path("stdout"))
    # On the host the arguments of a process are for everybody, its environment is not.
    said["the daemon's arguments"] = contents(f"/proc/{daemon.process.pid}/cmdline")
    for path in glob.glob(daemon.path("history.sqlite*")):
        said[path] = contents(path)

    check(len(said["the log"]) > 500 and "leaky" in said["wardenctl status"], f"too little was said: {said}")
    found = [f"{what} in {where}" for where, words in said.items() for what, secret in SECRETS.items() if secret in words]
    check(not found, "; ".join(found))


run(Daemon, scenario)
