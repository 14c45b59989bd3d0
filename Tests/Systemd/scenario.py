"""What the scenarios share: a daemon of their own, its configuration, deadlines, and the PASS or FAIL line.

A scenario is one file with one function, given to `run()`. It talks to the binaries as a person would. It may raise
`Failed` with what it missed; then the daemon's last lines are shown. Every wait has a deadline. Standard library only.
"""
import argparse
import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

POLL_SECONDS = 0.1
COMMAND_SECONDS = 20
ROOT = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
WORKER = f"{sys.executable} -u {os.path.join(ROOT, 'Tests', 'Systemd', 'worker.py')}"
LEAKY_WORKER = f"{sys.executable} {os.path.join(ROOT, 'packaging', 'demo', 'leaky_worker.py')}"
UPTIME = re.compile(r"uptime (\d+ days?, )?\d+:\d\d:\d\d")
HEALTH = re.compile(r"  [a-z]+(/[a-z-]+)?( \((proven|strong|weak)\))?$")


class Failed(Exception):
    """What a scenario expected and did not see."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def wait(what, seconds, seen):
    """The first truthy answer of `seen()`."""
    deadline = time.monotonic() + seconds
    while True:
        found = seen()
        if found:
            return found
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {seconds} s")
        time.sleep(POLL_SECONDS)


def command(*arguments, seconds=COMMAND_SECONDS, environment=None):
    """Standard output, standard error and the exit code of a command that must end within `seconds`."""
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, errors="replace", timeout=seconds, env=environment,
            stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(arguments)}: no answer within {seconds} s") from None
    return done.stdout, done.stderr, done.returncode


def free_port():
    """A port of the loopback that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def state_of(pid):
    """The process's state letter and its name; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", errors="replace") as stat:
            before, _, after = stat.read().rpartition(")")
            return after.split()[0], before.partition("(")[2]
    except OSError:
        return None


def children_of(pid):
    """The children of all the process's threads."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                found += [int(word) for word in children.read().split()]
    except OSError:
        pass
    return found


def contents(path):
    """The file's text; empty when it is not there."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class World:
    """A temporary directory with a configuration in it, and the client for it."""

    parent = None  # the usual one
    # Scenarios make workers of many groups ill at once, on hosts that are busy with just that.
    doubts = "host_pressure = none\nshared_cause = none"

    def __init__(self, options):
        self.options = options
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="warden-scenario-", dir=self.parent))
        os.chmod(self.directory, 0o755)
        self.socket = os.path.join(self.directory, "warden.sock")
        self.configuration = os.path.join(self.directory, "warden.conf")
        self.log = os.path.join(self.directory, "warden.log")
        self.watched = {}

    def path(self, name):
        return os.path.join(self.directory, name)

    def configure(self, text):
        """Writes the configuration: the scenario's own sections after those that every scenario needs."""
        with open(self.configuration, "w") as file:
            file.write(f"""[supervisord]
logfile = {self.log}
pidfile = {self.path("warden.pid")}
childlogdir = {self.directory}
[unix_http_server]
file = {self.socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{self.socket}
[warden]
history = {self.path("history.sqlite")}
{self.doubts}
{text}""")

    def line_of(self, text):
        """`FILE:LINE` of the first line of the configuration that contains `text`."""
        with open(self.configuration) as file:
            for number, line in enumerate(file, 1):
                if text in line:
                    return f"{self.configuration}:{number}"
        raise Failed(f"the scenario's configuration has no line with {text}")

    def ctl(self, *arguments, seconds=COMMAND_SECONDS):
        return command(self.options.wardenctl, "-c", self.configuration, *arguments, seconds=seconds)

    def workers(self):
        """`wardenctl status --json` by name; empty while nothing answers."""
        try:
            return {worker["name"]: worker for worker in json.loads(self.ctl("status", "--json")[0])}
        except (ValueError, TypeError, KeyError):
            return {}

    def worker(self, name):
        return self.workers().get(name) or {}

    def health(self, name):
        """`class/cause`, or the class alone; None without health."""
        health = self.worker(name).get("health") or {}
        return "/".join(word for word in (health.get("class"), health.get("cause")) if word) or None

    def incidents(self, *arguments):
        out, err, code = self.ctl("incidents", "--json", *arguments)
        check(code == 0, f"incidents: exit code {code}: {out}{err}")
        return json.loads(out)

    def running(self, *names, seconds=15):
        """Waits until the named workers run, and remembers their pids for `undisturbed`."""
        def all_run():
            workers = self.workers()
            if all(workers.get(name, {}).get("state") == "RUNNING" for name in names):
                return workers
        workers = wait(f"{', '.join(names)} RUNNING", seconds, all_run)
        self.watched.update({name: workers[name]["pid"] for name in names})
        return workers

    def undisturbed(self):
        """Every remembered worker still runs as the process it was."""
        workers = self.workers()
        for name, pid in self.watched.items():
            worker = workers.get(name, {})
            check(worker.get("pid") == pid and worker.get("state") == "RUNNING" and is_alive(pid),
                  f"{name} was disturbed: pid {pid} before, now {worker.get('state')} with pid {worker.get('pid')}")

    def check_configuration(self):
        """`warden --check`: its lines, and its exit code."""
        out, err, code = command(self.options.warden, "--check", "-c", self.configuration)
        return [line for line in (out + err).splitlines() if line.strip()], code

    def has_logged(self, pattern):
        """The lines of the daemon's log that match."""
        try:
            with open(self.log, errors="replace") as log:
                return [line for line in log if re.search(pattern, line)]
        except FileNotFoundError:
            return []

    def last_lines(self, count=20):
        lines = []
        for name in ("stdout", "warden.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as file:
                    lines += [f"{name}: {line.rstrip()[:300]}" for line in file.readlines()[-count:]]
        return lines

    def close(self):
        if not self.options.keep_directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Daemon(World):
    """A daemon in the foreground, started and ended by the scenario itself."""

    process = None

    def start(self):
        """Starts it and waits until it answers."""
        with open(self.path("stdout"), "ab") as output:
            self.process = subprocess.Popen(
                [self.options.warden, "-n", "-c", self.configuration], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT)

        def answers():
            check(self.process.poll() is None, f"warden has ended with exit code {self.process.returncode}")
            return self.ctl("version")[2] == 0
        wait("the daemon answers", 15, answers)

    def stop(self):
        """Ends it as an operator does, and answers its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed("the daemon did not end within 20 s of SIGTERM") from None

    def close(self):
        if self.process and self.process.poll() is None:
            self.stop()
        super().close()


class Service(World):
    """The daemon as packaging/warden.service, under the systemd of a box (see the runner)."""

    # Not /tmp: the first unit that starts in a box pulls in systemd-tmpfiles, which empties it.
    parent = "/run"
    dropins = "/run/box/warden.service.d"
    directories = ("/var/lib/warden", "/var/log/warden")

    def __init__(self, options):
        super().__init__(options)
        self.was_there = {path for path in self.directories if os.path.isdir(path)}

    def install(self, extra=""):
        """The unit as packaged, but with the binaries and the configuration of this scenario."""
        os.makedirs(self.dropins, exist_ok=True)
        with open(os.path.join(self.dropins, "scenario.conf"), "w") as file:
            file.write(f"""[Service]
ExecStart=
ExecStart={self.options.warden} -n -c {self.configuration}
ExecReload=
ExecReload={self.options.wardenctl} -c {self.configuration} update
ExecStopPost=
ExecStopPost={os.path.join(ROOT, 'packaging', 'sweep')}
{extra}""")
        self.systemctl("daemon-reload")

    def systemctl(self, *arguments, seconds=60):
        out, err, code = command("systemctl", "--no-pager", *arguments, seconds=seconds)
        check(code == 0, f"systemctl {' '.join(arguments)}: exit code {code}: {(out + err).strip()}\n{self.journal()}")
        return out

    @contextlib.contextmanager
    def antenna(self):
        """The kit's own server, which its torch workers poll."""
        check(self.options.kit, "--kit is needed")
        with open(os.path.join(self.options.kit, "server.out"), "wb") as output:
            server = subprocess.Popen(
                [self.options.kit_python, "fake_antenna.py"], cwd=self.options.kit, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        try:
            time.sleep(2)
            check(server.poll() is None, "the kit's server has ended")
            yield
        finally:
            server.terminate()
            server.wait()

    def show(self, name):
        return self.systemctl("show", "--value", "-p", name, "warden").strip()

    def journal(self):
        return command("journalctl", "--no-pager", "-n", "30", "-u", "warden")[0]

    def last_lines(self, count=20):
        return super().last_lines(count) + [f"journal: {line}" for line in self.journal().splitlines()[-count:]]

    def close(self):
        command("systemctl", "--no-pager", "stop", "warden", seconds=60)
        # The box shares the file system: what the unit made on it goes again, if it is empty and was not there.
        for path in self.directories:
            if path not in self.was_there and os.path.isdir(path) and not os.listdir(path):
                os.rmdir(path)
        super().close()


def serve(handler):
    """Serves HTTP on a port of loopback until the scenario ends, and answers the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Queue(http.server.BaseHTTPRequestHandler):
    """What the worker polls: there is always a job."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Nothing."""


class Receiver:
    """A webhook's receiver on loopback: what it was sent, and how it answers."""

    def __init__(self, *answers):
        """It answers with these status codes in turn, then with 204."""
        self.bodies, self.paths, self.answers = [], [], list(answers)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status = receiver.answers.pop(0) if receiver.answers else 204
                receiver.paths.append(self.path)
                receiver.bodies.append((status, self.headers.get("Content-Type", ""), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Nothing."""

        self.port = serve(Handler)

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.port}{path}"

    def accepted(self):
        """The bodies that were taken, parsed."""
        return [json.loads(body) for status, _, body in self.bodies if status < 300]


def parse_options(goal):
    parser = argparse.ArgumentParser(description=goal)
    build = os.path.join(ROOT, ".build", "release")
    parser.add_argument("--warden", default=os.path.join(build, "warden"))
    parser.add_argument("--wardenctl", default=os.path.join(build, "wardenctl"))
    parser.add_argument("--supervisorctl", default="supervisorctl", help="of supervisor 4.3.0")
    parser.add_argument("--schemathesis", default="schemathesis", help="of PyPI")
    parser.add_argument("--kit", help="the directory of the torch workers, writable")
    parser.add_argument("--kit-python", default=sys.executable, help="a Python with torch, requests, structlog, rich")
    parser.add_argument("--seconds", type=float, default=20, help="how long to watch, where it matters (20)")
    parser.add_argument("--keep-directory", action="store_true")
    options = parser.parse_args()
    options.warden, options.wardenctl = map(os.path.realpath, (options.warden, options.wardenctl))
    return options


def run(world, scenario):
    """Plays `scenario` in a new `world` and ends the program with its PASS or FAIL line."""
    goal = (scenario.__doc__ or "").strip().splitlines()[0]
    name = os.path.basename(sys.argv[0]).removesuffix(".py")
    options = parse_options(goal)
    # So that the daemon of a scenario that is cut short is ended, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    began, failure, lines = time.monotonic(), None, []
    place = world(options)
    try:
        scenario(place)
    except (Failed, OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        failure = str(error) if isinstance(error, Failed) else repr(error)
        lines = place.last_lines()
    finally:
        try:
            place.close()
        except Failed as error:
            failure = failure or str(error)
    if failure:
        print("\n".join(f"    {line}" for line in lines))
        print(f"FAIL {name}: {failure}")
        sys.exit(1)
    print(f"PASS {name} ({time.monotonic() - began:.1f} s): {goal}")
    sys.exit(0)
