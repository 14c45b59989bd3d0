#!/usr/bin/env python3
import base64
import http.client
import json
import socket
import time
import xmlrpc.client

from scenario import Daemon, check, contents, free_port, run, wait

PASSWORD = "quite-secret-9c31"
FLOOD = 400


def ask(port, method, path, body=None, **headers):
    """The status, the headers and the body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    except OSError as error:
        return 0, {}, str(error).encode()
    finally:
        connection.close()


def basic(password):
    return "Basic " + base64.b64encode(f"operator:{password}".encode()).decode()


def scenario(daemon):
    """Who has no password gets nothing, browsers are not used against the daemon, and a flood keeps nobody out."""
    port = free_port()
    daemon.configure(f"""[program:steady]
command = sleep 1000
startsecs = 0
[inet_http_server]
port = 127.0.0.1:{port}
username = operator
password = {PASSWORD}
""")
    daemon.start()
    daemon.running("steady")
    me = {"Authorization": basic(PASSWORD)}

    for headers in ({}, {"Authorization": basic("wrong")}, {"Authorization": "Basic !"}, {"Authorization": "Bearer x"}):
        for method, path in (("GET", "/api/v1/workers"), ("POST", "/api/v1/workers/steady/stop"), ("POST", "/RPC2"),
                             ("GET", "/"), ("GET", "/logtail/steady")):
            status, answered, _ = ask(port, method, path, **headers)
            check(status == 401, f"{method} {path} with {headers}: {status}")
            check(answered.get("WWW-Authenticate", "").startswith("Basic "), f"{path}: no WWW-Authenticate")
    for path in ("/livez", "/readyz"):
        check(ask(port, "GET", path)[0] == 200, f"{path} without a password")

    status, answered, body = ask(port, "GET", "/api/v1/workers", **me)
    check(status == 200 and json.loads(body)[0]["name"] == "steady", f"workers: {status} {body}")
    status, answered, body = ask(port, "GET", "/api/v1/workers/nobody", **me)
    check(status == 404 and answered["Content-Type"].startswith("application/problem+json"), f"{status} {answered}")
    check(json.loads(body)["status"] == 404, f"problem: {body}")
    with xmlrpc.client.ServerProxy(f"http://operator:{PASSWORD}@127.0.0.1:{port}/RPC2") as proxy:
        check(proxy.supervisor.getState() == {"statecode": 1, "statename": "RUNNING"}, "getState")
        check(proxy.supervisor.getProcessInfo("steady")["statename"] == "RUNNING", "getProcessInfo")

    # A change needs POST, and no page of another site.
    status, _, _ = ask(port, "GET", "/api/v1/workers/steady/stop", **me)
    check(status in (404, 405), f"GET of a change: {status}")
    for origin in ("http://evil.example", "null"):
        status, _, _ = ask(port, "POST", "/api/v1/workers/steady/stop", Origin=origin, **me)
        check(status == 403, f"POST with the origin {origin}: {status}")
    status, _, _ = ask(port, "POST", "/RPC2", b"x" * (8 << 20), **me)
    check(status in (0, 400, 413), f"a body of 8 MiB: {status}")
    for junk in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n", b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(junk)

    # Clients that say nothing.
    crowd = []
    try:
        for _ in range(FLOOD):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            crowd.append(client)
        time.sleep(0.5)
        began = time.monotonic()
        wait("status over the Unix socket during the flood", 10,
             lambda: daemon.worker("steady").get("state") == "RUNNING")
        check(time.monotonic() - began < 10, "status took more than ten seconds during the flood")
    finally:
        for client in crowd:
            client.close()
    daemon.undisturbed()
    check(PASSWORD not in contents(daemon.log) + contents(daemon.path("stdout")), "the password is in the log")


run(Daemon, scenario)
