#!/usr/bin/env python3
import base64
import errno
import http.client
import os
import pwd
import resource
import select
import socket
import struct
import subprocess
import sys
import threading
import time

from scenario import Daemon, check, contents, free_port, run, wait

PASSWORD = "quite-secret-51f0"
GIB = 1 << 30
CROWD = 10_000
LORISES = 40
# Reading the answer to what is refused has to be possible before the connection is gone.
EARLY_BYTES = 24 << 20
POSTS = ["/RPC2", "/RPC2/x", "/?action=stopall", "/index.html?action=stopall", "/tail.html?processname=steady"] + [
    f"/api/v1/workers/steady/{word}" for word in (
        "start", "stop", "restart", "signal", "pause-health", "resume-health", "drill", "drill/watch", "drill/stop")]
STOP = (b"<?xml version='1.0'?><methodCall><methodName>supervisor.stopAllProcesses</methodName><params/></methodCall>")


def basic(password):
    return "Basic " + base64.b64encode(f"operator:{password}".encode()).decode()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def ask(place, method, path, body=None, source="127.0.0.1", headers=None):
    """The status and the body of one request to a port or to a Unix socket; 0 when the connection was lost."""
    if isinstance(place, str):
        connection = UnixConnection(place)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", place, timeout=10, source_address=(source, 0))
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid):
    """Bytes."""
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Healthy(threading.Thread):
    """A client that asks for status over the Unix socket all the time, each time with a new connection."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.worst, self.count, self.failures, self.over = path, {}, 0, [], False
        self.during = "nothing"

    def run(self):
        while not self.over:
            began, during = time.monotonic(), self.during
            status, body = ask(self.path, "GET", "/api/v1/workers")
            took = time.monotonic() - began
            self.count += 1
            self.worst[during] = max(self.worst.get(during, 0), took)
            if status != 200 or b'"steady"' not in body:
                self.failures.append((during, status, round(took, 3)))
            time.sleep(0.01)


class Attack:
    """What all of it is done to."""

    def __init__(self, daemon, guarded, hashed, open_port):
        self.daemon, self.guarded, self.hashed, self.open = daemon, guarded, hashed, open_port
        self.pid = daemon.process.pid
        self.me = {"Authorization": basic(PASSWORD)}

    def undisturbed(self):
        for name, pid in self.daemon.watched.items():
            check(os.path.exists(f"/proc/{pid}"), f"{name} was disturbed")

    # -- people

    def unprivileged(self):
        """Nobody may not even connect where the mode says so, and may look but not act where `readers` says so."""
        if os.geteuid() != 0:
            return
        nobody = pwd.getpwnam("nobody")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)
                os.write(writing, as_nobody(self.daemon.socket, self.daemon.path("shared.sock")).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as said:
            answer = said.read()
        os.waitpid(child, 0)
        check(answer == "as it should be", f"as nobody: {answer}")

    def guessing(self, port):
        """However many guess at once, only so many passwords of an address are compared."""
        compared, refused, lock = [], [], threading.Lock()

        def guess(number):
            for turn in range(60):
                status, _ = ask(port, "GET", "/api/v1/workers", source="127.0.0.9",
                                headers={"Authorization": basic(f"guess-{number}-{turn}")})
                with lock:
                    (compared if status == 401 else refused).append(status)
        began = time.monotonic()
        guessers = [threading.Thread(target=guess, args=(number,)) for number in range(6)]
        for guesser in guessers:
            guesser.start()
        for guesser in guessers:
            guesser.join()
        took = time.monotonic() - began
        check(len(compared) <= 40 + 2 * took, f"port {port}: {len(compared)} passwords compared in {took:.1f} s")
        check(set(refused) <= {429, 503}, f"port {port}: the others got {set(refused)}")
        # The right one does not help who guesses; it does help everybody else.
        status, _ = ask(port, "GET", "/api/v1/workers", source="127.0.0.9", headers=self.me)
        check(status == 429, f"port {port}: right after {len(compared)} wrong ones: {status}")
        wait(f"port {port} from elsewhere", 5, lambda: ask(
            port, "GET", "/api/v1/workers", source="127.0.0.8", headers=self.me)[0] == 200)

    # -- browsers

    def foreign_pages(self):
        """Whatever changes something is refused to the pages of other sites, also under a name that leads here."""
        own = f"127.0.0.1:{self.open}"
        lies = ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": f"http://{own}.evil.example"},
                {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": f"http://{own}"},
                {"Referer": "http://evil.example/page"},
                {"Host": f"evil.example:{self.open}", "Origin": f"http://evil.example:{self.open}"})
        for place in (self.open, self.guarded, self.daemon.socket):
            for lie in lies:
                # Behind a password, or a Unix socket's mode, a browser has nothing to gain from another name.
                if "Host" in lie and place != self.open:
                    continue
                for path in POSTS:
                    headers = {**self.me, **lie, "Content-Type": "text/plain"}
                    status, _ = ask(place, "POST", path, STOP, headers=headers)
                    is_read_only = path.startswith("/tail.html")
                    check(status == 403 or is_read_only and status == 200, f"POST {path} at {place} with {lie}: {status}")
        for path in POSTS:
            check(ask(self.open, "OPTIONS", path, headers={
                "Origin": "http://evil.example", "Access-Control-Request-Method": "POST"})[0] >= 400, f"OPTIONS {path}")
        self.undisturbed()

    # -- bodies

    def pour(self, port, head, chunks):
        """The bytes that could be sent until the connection was closed, and the first line of the answer."""
        piece = b"x" * 65536
        if chunks:
            piece = b"10000\r\n" + piece + b"\r\n"
        sent, answer, deadline = 0, b"", time.monotonic() + 15
        with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
            connection.sendall(head)
            connection.setblocking(False)
            while sent < GIB:
                readable, writable, _ = select.select([connection], [connection], [], 1)
                check(time.monotonic() < deadline, f"{head[:40]}: neither refused nor taken after {sent} bytes")
                try:
                    if readable:
                        more = connection.recv(65536)
                        answer += more
                        if not more and not writable:
                            break
                    if writable:
                        sent += connection.send(piece)
                except BlockingIOError:
                    pass
                except OSError as error:
                    check(error.errno in (errno.EPIPE, errno.ECONNRESET), f"{head[:40]}: {error}")
                    break
        return sent, answer.split(b"\r\n")[0].decode()

    def great_bodies(self):
        """A gigabyte is refused before it has come, told or not, with and without a password."""
        before, most = resident(self.pid), 0
        authorization = f"Authorization: {basic(PASSWORD)}\r\n"
        for port, auth in ((self.open, ""), (self.guarded, authorization), (self.guarded, "")):
            for path in ("/RPC2", "/api/v1/workers/steady/stop", "/?action=stopall", "/livez", "/none"):
                for length in (f"Content-Length: {GIB}\r\n", "Transfer-Encoding: chunked\r\n"):
                    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{auth}{length}\r\n".encode()
                    sent, line = self.pour(port, head, "chunked" in length)
                    most = max(most, sent)
                    check(sent < EARLY_BYTES, f"{path} with {length.strip()}: {sent} bytes were taken, then: {line}")
                    check(not line or line.split()[1] in ("400", "401", "403", "404", "405", "413"), f"{path}: {line}")
        grown = resident(self.pid) - before
        check(grown < 32 << 20, f"resident memory grew by {grown >> 20} MiB")
        self.undisturbed()
        return f"at most {most >> 10} KiB of 1 GiB taken, {grown >> 20:+d} MiB resident"

    # -- smuggling

    def smuggling(self):
        """What two parsers could read differently is one request at most, or none."""
        stop = (f"POST /api/v1/workers/steady/stop HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {basic(PASSWORD)}\r\n"
                "Content-Length: 0\r\n\r\n").encode()
        start = f"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {basic(PASSWORD)}\r\n".encode()
        inner = b"0\r\n\r\n" + stop
        hidden = {
            "length and chunks": start + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(inner) + inner,
            "chunks and length": start + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + inner,
            "two lengths": start + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(stop) + stop,
            "a list of lengths": start + b"Content-Length: 0, %d\r\n\r\n" % len(stop) + stop,
            "a length with a sign": start + b"Content-Length: +0\r\n\r\n" + stop,
            "a length below nothing": start + b"Content-Length: -1\r\n\r\n" + stop,
            "a length past 64 bits": start + b"Content-Length: 18446744073709551616\r\n\r\n" + stop,
            "a blank before the colon": start + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + stop,
            "chunks that are not last": start + b"Transfer-Encoding: chunked, identity\r\n\r\n" + inner,
            "chunks misspelt": start + b"Transfer-Encoding: xchunked\r\n\r\n" + inner,
            "a folded line": start + b"X: y\r\n Content-Length: 0\r\nTransfer-Encoding:\r\n chunked\r\n\r\n" + inner,
            "a chunk past 64 bits": start + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + stop,
            "a NUL": start + b"X: a\0b\r\nContent-Length: 0\r\n\r\n" + stop,
            "a bare CR": start + b"X: a\rContent-Length: 0\r\n\r\n" + stop,
            "bare LF": start.replace(b"\r\n", b"\n") + b"Content-Length: 0\n\n" + stop.replace(b"\r\n", b"\n"),
            "100,000 fields": start + b"A: b\r\n" * 100_000 + b"\r\n" + stop,
            "a field of 1 MiB": start + b"A: " + b"b" * (1 << 20) + b"\r\n\r\n" + stop,
            "a name of 1 MiB": start + b"b" * (1 << 20) + b": x\r\n\r\n" + stop,
            "a path of 1 MiB": b"GET /" + b"b" * (1 << 20) + b" HTTP/1.1\r\n\r\n" + stop,
            "a path that never ends": b"GET /" + b"b" * (4 << 20),
            "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 64,
            "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
        }
        for name, text in hidden.items():
            answers = self.exchange(text)
            check(answers.count(b"HTTP/1.") <= 1 and b'"done"' not in answers,
                  f"{name}: {answers[:400]}")
            check(not answers.startswith(b"HTTP/1.1 200"), f"{name} was taken: {answers[:200]}")
            self.undisturbed()

    def exchange(self, text):
        with socket.create_connection(("127.0.0.1", self.guarded), timeout=5) as connection:
            answers = b""
            try:
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(65536):
                    answers += more
            except ConnectionError:
                pass
            except TimeoutError:
                check(False, f"{text[:60]}: the connection was left open")
            return answers

    # -- patience

    def lorises(self):
        """Sockets that are fed a byte now and then: in the head, and in the body. Answers them by kind."""
        heads, bodies, silent = [], [], []
        for number in range(LORISES):
            for kind, begin in ((heads, b"GET / HTTP/1.1\r\nX: "),
                                (bodies, b"POST /RPC2 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
                                 b"Authorization: " + basic(PASSWORD).encode() + b"\r\n\r\n")):
                connection = socket.create_connection(("127.0.0.1", self.guarded), timeout=5)
                connection.sendall(begin)
                connection.setblocking(False)
                kind.append(connection)
        # These ask for much, and do not read it.
        for path in ["/logtail/chatty"] * 8 + ["/tail.html?processname=chatty&limit=1048576"] * 30:
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", self.guarded))
            connection.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                f"Authorization: {basic(PASSWORD)}\r\n\r\n").encode())
            silent.append(connection)
        return heads, bodies, silent

    @staticmethod
    def feed(connections):
        """One byte for each; answers how many are still there."""
        left = 0
        for connection in connections:
            try:
                connection.send(b"a")
                connection.recv(65536)
            except BlockingIOError:
                left += 1
            except OSError:
                pass
        return left

    # -- crowds

    def crowd(self):
        """More connections than there are places for, from many addresses; answers what was seen."""
        # Of the daemon's start the limit is over; this is the crowd's.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = min(CROWD, hard - 500)
        clients, most, refused = [], 0, 0
        before = descriptors(self.pid)
        try:
            for number in range(count):
                client = socket.socket()
                client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: a port for each destination
                # A reset when it is closed: else those that wait to be accepted would come long after.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.bind((f"127.0.0.{10 + number % 16}", 0))
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.open))
                clients.append(client)
                if number % 256 == 0:
                    most = max(most, descriptors(self.pid))
            deadline = time.monotonic() + 3
            while time.monotonic() < deadline:
                most = max(most, descriptors(self.pid))
                out, err, code = self.daemon.ctl("status")
                check(code == 0 and "steady" in out, f"status in the crowd: {out}{err}")
                time.sleep(0.1)
            for client in clients:
                try:
                    refused += client.recv(4096) is not None
                except BlockingIOError:
                    pass
                except OSError:
                    refused += 1
        finally:
            for client in clients:
                client.close()
        check(most < before + 300, f"{most} descriptors, {before} before")
        wait("the crowd is gone", 10, lambda: descriptors(self.pid) <= before + 8)
        wait("a new client is served", 5, lambda: ask(self.open, "GET", "/api/v1/workers")[0] == 200)
        return f"{count} connections: {refused} sent away, at most {most} descriptors ({before} before)"


def as_nobody(private, shared):
    """What an unprivileged user sees."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(private)
        return "the private socket takes anybody"
    except PermissionError:
        pass
    if ask(shared, "GET", "/api/v1/workers")[0] != 200:
        return "a reader may not look"
    for path in POSTS:
        status, body = ask(shared, "POST", path, STOP)
        if status == 403 or path.startswith("/RPC2") and b"may look" in body or path.startswith("/tail"):
            continue
        return f"a reader may POST {path}: {status} {body}"
    return "as it should be"


def scenario(daemon):
    """Attacks of all kinds are refused and said once; who asks properly is answered, and no worker notices."""
    guarded, hashed, open_port = free_port(), free_port(), free_port()
    stored = subprocess.run([daemon.options.wardenctl, "hash-password"], input=PASSWORD + "\n", capture_output=True,
                            text=True, timeout=20).stdout.strip().splitlines()[-1]
    chatty_file = daemon.path("chatty.py")
    with open(chatty_file, "w") as file:
        file.write("import time\nwhile True:\n    print('x' * 99999, flush=True)\n    time.sleep(0.02)\n")
    daemon.configure(f"""readers = nobody
[unix_http_server:shared]
file = {daemon.path("shared.sock")}
chmod = 0777
[inet_http_server:guarded]
port = 127.0.0.1:{guarded}
username = operator
password = {PASSWORD}
[inet_http_server:hashed]
port = 127.0.0.1:{hashed}
username = operator
password = {stored}
[inet_http_server:open]
port = 127.0.0.1:{open_port}
[program:steady]
command = sleep 1000
startsecs = 0
[program:chatty]
command = {sys.executable} {chatty_file}
startsecs = 0
stdout_logfile_maxbytes = 8MB
stdout_logfile_backups = 1
""")
    daemon.start()
    daemon.running("steady", "chatty")
    attack = Attack(daemon, guarded, hashed, open_port)
    time.sleep(1)
    begin = {"rss": resident(attack.pid), "fds": descriptors(attack.pid), "lines": len(daemon.has_logged(""))}
    healthy = Healthy(daemon.socket)
    healthy.start()
    notes = []
    for what in (attack.unprivileged, lambda: attack.guessing(guarded), lambda: attack.guessing(hashed),
                 attack.foreign_pages, attack.smuggling, attack.great_bodies, attack.crowd):
        name = getattr(what, "__name__", "guessing").strip("<>").replace("lambda", "guessing").replace("_", " ")
        healthy.during = name
        since = time.monotonic()
        note = what()
        notes.append(f"{name} {time.monotonic() - since:.1f} s" + (f": {note}" if note else ""))
    healthy.during = "slow-loris"
    began = time.monotonic()
    heads, bodies, silent = attack.lorises()
    wait("those with slow heads are sent away", 14, lambda: not attack.feed(heads))
    notes.append(f"slow heads are gone after {time.monotonic() - began:.1f} s")
    check(attack.feed(bodies), "a slow body is not waited for")
    wait("those with slow bodies are sent away", 10, lambda: not attack.feed(bodies))
    notes.append(f"slow bodies are gone after {time.monotonic() - began:.1f} s")
    for connection in heads + bodies + silent:
        connection.close()
    wait("descriptors as before", 10, lambda: descriptors(attack.pid) <= begin["fds"] + 4)
    healthy.over = True
    healthy.join(15)
    daemon.undisturbed()

    lines = daemon.has_logged("")[begin["lines"]:]
    for note in notes:
        print(f"    {note}")
    print("    worst answer to a healthy client: " + ", ".join(
        f"{name} {seconds * 1000:.0f} ms" for name, seconds in healthy.worst.items()) + f" ({healthy.count} asked)")
    print(f"    resident {begin['rss'] >> 20} -> {resident(attack.pid) >> 20} MiB, {len(lines)} lines in the log")
    check(not healthy.failures, f"a healthy client was not served: {healthy.failures[:5]}")
    check(max(healthy.worst.values()) < 2, f"a healthy client waited: {healthy.worst}")
    for pattern in ("a wrong password", "No more passwords", "another site", "not this host's", "may only look", "not HTTP",
                    "too large", "too slow", "Too many connections"):
        found = [line for line in lines if pattern in line]
        check(1 <= len(found) <= 3, f"{len(found)} lines of the log with \"{pattern}\": {found[:4]}")
    check(len(lines) < 60, f"{len(lines)} lines in the log: {lines[:60]}")
    check(PASSWORD not in contents(daemon.log) + contents(daemon.path("stdout")), "the password is in the log")


run(Daemon, scenario)
