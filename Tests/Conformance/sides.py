"""The two daemons that are compared: the same configuration, the same calls, and what may differ taken out.

Standard library only. A side is started in a directory of its own; both directories have names of the same length, so
that a path in an answer moves no column.
"""
import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

SECONDS = 30  # for any one answer
START_SECONDS = 20


class Trouble(Exception):
    """The comparison itself cannot go on."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    """HTTP to a Unix socket."""

    def __init__(self, path, timeout=SECONDS):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Side:
    """A daemon: `supervisord`, or `warden`."""

    def __init__(self, name, command, parent):
        self.name = name
        self.command = command
        self.directory = os.path.join(parent, name[:1] * 8)
        self.port = free_port()
        self.process = None
        os.mkdir(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    @property
    def configuration(self):
        return self.path("daemon.conf")

    @property
    def socket(self):
        return self.path("daemon.sock")

    def configure(self, text):
        """Writes the configuration; `{here}` and `{port}` are this side's."""
        with open(self.configuration, "w") as file:
            file.write(text.replace("{here}", self.directory).replace("{port}", str(self.port)))

    def start(self):
        with open(self.path("stdout"), "ab") as output:
            self.process = subprocess.Popen(
                [self.command, "-n", "-c", self.configuration], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd=self.directory)
        self.wait("it answers", START_SECONDS, self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise Trouble(f"{self.name} has ended with exit code {self.process.returncode}:\n{self.last_lines()}")
        try:
            return self.call("supervisor.getState")[0] == "value"
        except OSError:
            return False

    def stop(self):
        if not self.process or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def exists(self, path):
        return os.path.lexists(path)

    def last_lines(self):
        try:
            with open(self.path("stdout"), errors="replace") as file:
                return "".join(file.readlines()[-15:])
        except FileNotFoundError:
            return ""

    def wait(self, what, seconds, seen):
        deadline = time.monotonic() + seconds
        while True:
            found = seen()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Trouble(f"{self.name}: {what}: not within {seconds} s\n{self.last_lines()}")
            time.sleep(0.05)

    def reaches(self, state, *names, seconds=15):
        """Waits until the named processes are in a state."""
        for name in names:
            self.wait(f"{name} {state}", seconds, lambda name=name: self.state(name) == state)

    def state(self, name):
        kind, value = self.call("supervisor.getProcessInfo", name)[:2]
        return value["statename"] if kind == "value" else None

    # Calls

    def call(self, method, *parameters):
        """`("value", X)`, `("fault", CODE, TEXT)` or `("status", HTTP STATUS)`."""
        return self.post(xmlrpc.client.dumps(parameters, method).encode())

    def post(self, body):
        """The same for a body that is given as it is."""
        connection = UnixConnection(self.socket)
        try:
            connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            return ("status", answer.status)
        try:
            return ("value", xmlrpc.client.loads(data)[0][0])
        except xmlrpc.client.Fault as fault:
            return ("fault", fault.faultCode, fault.faultString)
        except Exception as error:  # expat's error is not a ValueError
            return ("unreadable", type(error).__name__)

    def raw(self, data, seconds=2.0, over="unix", chunks=None):
        """Sends bytes over a connection and answers all that comes until it is closed or quiet."""
        if over == "unix":
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(self.socket)
        else:
            connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(seconds)
        received, closed = b"", False
        try:
            for chunk in chunks or [data]:
                connection.sendall(chunk)
            while True:
                more = connection.recv(65536)
                if not more:
                    closed = True
                    break
                received += more
                connection.settimeout(0.4)
        except TimeoutError:
            pass
        except ConnectionError:
            closed = True
        finally:
            connection.close()
        return received, closed

    def plain(self, value):
        """The value without what two runs may differ in: directory, port, pids, times."""
        if isinstance(value, dict):
            return {key: self.plain_member(key, item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(item) for item in value]
        if isinstance(value, bytes):
            return "bytes " + repr(self.plain(value.decode("latin-1")))
        if isinstance(value, str):
            return self.plain_text(value)
        return value

    def plain_member(self, key, value):
        if key in ("pid", "start", "stop", "now") and isinstance(value, int):
            return "N" if value else 0
        return self.plain(value)

    def plain_text(self, text):
        text = text.replace(self.directory, "DIR").replace(str(self.port), "PORT")
        for pattern, replacement in PLAIN:
            text = pattern.sub(replacement, text)
        return text


PLAIN = [(re.compile(pattern, re.M), replacement) for pattern, replacement in (
    (r"pid \d+", "pid N"),
    (r"uptime (\d+ days?, )?\d+:\d\d:\d\d", "uptime T"),
    (r"[A-Z][a-z][a-z] \d\d \d\d:\d\d [AP]M", "DATE"),
    (r"---conformance-\S{8}\.log", "---conformance-RANDOM.log"),
    (r"file: \S+ line: \d+", "file: F line: N"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}", "TIME"),
)]


def make_directory():
    directory = os.path.realpath(tempfile.mkdtemp(prefix="conformance-"))
    os.chmod(directory, 0o755)
    return directory


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
