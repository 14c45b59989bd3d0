#!/usr/bin/env python3
import base64
import http.client
import os
import socket
import time
import urllib.parse

from scenario import Daemon, check, command, contents, free_port, run, wait

PASSWORD = "pässwört 9c31"
HOSTILE = '</pre><script>alert("hostile")</script>'
STALLED = 12
LOG_BYTES = 48 << 20


def ask(port, method, path, body=None, **headers):
    """The status, the headers and the text of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def received(connection, text, what, seconds=10):
    """Everything up to `text`."""
    connection.settimeout(0.2)
    seen = b""
    deadline = time.monotonic() + seconds
    while text not in seen:
        check(time.monotonic() < deadline, f"{what}: {text} did not come: {seen[-300:]}")
        try:
            chunk = connection.recv(65536)
        except TimeoutError:
            continue
        check(chunk, f"{what}: the connection ended: {seen[-300:]}")
        seen += chunk
    return seen


def rss_bytes(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hashed(daemon):
    """`wardenctl hash-password`, fed by a pipe."""
    stored, err, code = command("/bin/sh", "-c", 'printf "%s\\n" "$1" | "$2" hash-password', "sh", PASSWORD,
                                daemon.options.wardenctl)
    check(code == 0 and stored.startswith("{PBKDF2-SHA256}"), f"hash-password: exit code {code}: {stored}{err}")
    check(stored.count("\n") == 1 and not err, f"hash-password says more than the password: {stored!r} {err!r}")
    return stored.strip()


def scenario(daemon):
    """The page shows and changes; no GET and no page of another site does; a stalled reader of a log stalls nobody."""
    port, open_port, log = free_port(), free_port(), daemon.path("talker.log")
    stored = hashed(daemon)
    daemon.configure(f"""[program:steady]
command = sleep 1000
startsecs = 0
[program:talker]
command = sh -c 'printf "%%s\\n" "$HOSTILE"; exec sleep 1000'
environment = HOSTILE='{HOSTILE}'
stdout_logfile = {log}
startsecs = 0
[inet_http_server]
port = 127.0.0.1:{port}
username = operator
password = {stored}
[inet_http_server:open]
port = 127.0.0.1:{open_port}
[rpcinterface:twiddler]
supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
""")
    text = contents(daemon.configuration).replace("[warden]\n", "[warden]\ntcp_without_password = read\n")
    with open(daemon.configuration, "w") as file:
        file.write(text)
    lines, code = daemon.check_configuration()
    check(code == 0 and any("Python plug-in" in line and "cannot load" in line for line in lines), f"--check: {lines}")
    daemon.start()
    daemon.running("steady", "talker")
    pid = daemon.process.pid
    me = {"Authorization": "Basic " + base64.b64encode(f"operator:{PASSWORD}".encode()).decode()}

    check(ask(port, "GET", "/")[0] == 401, "the page without a password")
    status, headers, page = ask(port, "GET", "/", **me)
    check(status == 200 and headers["Content-Type"].startswith("text/html"), f"the page: {status}")
    check('<span class="statusrunning">running</span>' in page and "tail.html?processname=steady" in page, page)
    check("default-src 'none'" in headers["Content-Security-Policy"], f"policy: {headers}")
    wait("the worker's line", 10, lambda: HOSTILE in contents(log))
    tail = ask(port, "GET", "/tail.html?processname=talker", **me)[2]
    check("&lt;script&gt;" in tail and "<script>" not in tail, f"tail.html: {tail}")

    # Nothing but a POST of our own changes anything.
    for action in ("stop", "restart", "clearlog", "stopall", "restartall"):
        status, _, page = ask(port, "GET", f"/index.html?action={action}&processname=steady", **me)
        check(status == 405 and "Nothing was changed" in page, f"GET {action}: {status}")
    form = "action=stop&processname=steady"
    status = ask(port, "POST", "/", form, Origin="http://evil.example", **me)[0]
    check(status == 403, f"POST from another site: {status}")
    check(ask(open_port, "POST", "/", form)[0] == 403, "POST by whoever may only look")
    check("<button" not in ask(open_port, "GET", "/")[2], "buttons for whoever may only look")
    daemon.undisturbed()

    def press(form):
        status, headers, _ = ask(port, "POST", "/index.html", form, Origin=f"http://127.0.0.1:{port}", **me)
        check(status == 303, f"POST {form}: {status}")
        return urllib.parse.unquote(headers["Location"].partition("message=")[2])
    check(press("action=stop&processname=steady") == "Process steady stopped", "stop")
    check(daemon.worker("steady")["state"] == "STOPPED", "steady goes on")
    check(press("action=start&processname=steady") == "Process steady started", "start")
    check(press("action=restart&processname=talker") == "Process talker restarted", "restart")
    check(press("action=start&processname=steady") == "ERROR: Process steady: already started", "start again")
    check(press("action=clearlog&processname=talker") == "Log for talker cleared", "clearlog")
    check(press("action=stop&processname=nobody") == "No such process named nobody", "stop of nobody")
    daemon.running("steady", "talker")

    # tail -f, in both versions of HTTP, across rotation and truncation.
    crowd = []
    try:
        for version in ("1.0", "1.1"):
            follower = socket.create_connection(("127.0.0.1", open_port), timeout=5)
            crowd.append(follower)
            follower.sendall(f"GET /logtail/talker HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
            head = received(follower, b"\r\n\r\n", version).lower()
            check(head.startswith(f"http/{version} 200".encode()), f"/logtail: {head}")
            check((b"transfer-encoding: chunked" in head) == (version == "1.1"), f"/logtail: {head}")
            with open(log, "a") as file:
                file.write(f"line for {version}\n")
            received(follower, f"line for {version}\n".encode(), version)
            os.rename(log, log + ".1")
            with open(log, "w") as file:
                file.write(f"after the rotation for {version}\n")
            received(follower, f"after the rotation for {version}\n".encode(), version)
            os.truncate(log, 0)
            received(follower, b"==> File truncated <==\n", version)

        # Clients that do not read a growing log.
        before, began = rss_bytes(pid), processor_seconds(pid)
        for _ in range(STALLED):
            client = socket.create_connection(("127.0.0.1", open_port), timeout=5)
            client.sendall(b"GET /logtail/talker HTTP/1.1\r\nHost: localhost\r\n\r\n")
            crowd.append(client)
        block = b"x" * 1023 + b"\n"
        with open(log, "ab") as file:
            for _ in range(LOG_BYTES // len(block)):
                file.write(block)
        slowest = 0.0
        for _ in range(20):
            asked = time.monotonic()
            check(ask(port, "GET", "/", **me)[0] == 200, "the page beside stalled readers")
            slowest = max(slowest, time.monotonic() - asked)
            time.sleep(0.1)
        grown, spent = rss_bytes(pid) - before, processor_seconds(pid) - began
        print(f"{STALLED} stalled readers of {LOG_BYTES >> 20} MiB: slowest page {slowest * 1000:.0f} ms, "
              f"memory +{grown >> 20} MiB, processor {spent:.2f} s")
        check(slowest < 1, f"a page took {slowest:.2f} s")
        check(grown < 32 << 20, f"the daemon grew by {grown} bytes")
        # The password was hashed for once: a fifth of a second of it each time would show.
        check(spent < 3, f"the daemon spent {spent:.2f} s of the processor")
    finally:
        for client in crowd:
            client.close()
    daemon.undisturbed()
    check(PASSWORD not in contents(daemon.log) and stored[-20:] not in contents(daemon.log), "a password is in the log")


run(Daemon, scenario)
