"""What supervisord 4.3.0 is known to fail at, played on both sides: its failure on the left, Warden's answer on the right.

Every row gets daemons of its own, for on the left they often do not survive it. The listeners' rows are in
Tests/Systemd/bare_events*.py.
"""
import os
import resource
import select
import signal
import socket
import subprocess
import time
import xmlrpc.client

import sides

BASE = """[supervisord]
logfile = {here}/main.log
pidfile = {here}/daemon.pid
childlogdir = {here}
identifier = conformance
minfds = 32
[unix_http_server]
file = {here}/daemon.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://{here}/daemon.sock
[warden]
history = {here}/history.sqlite
"""
SLEEPERS = BASE + "[program:sleep]\ncommand = sleep 1000\nprocess_name = %(program_name)s_%(process_num)d\n"
SPIN_PERCENT = 25
ODD = "a".encode() + "ö".encode() * 20 + b"\x1b[31mred" + b"\xff\n"


class LimitedSide(sides.Side):
    """A daemon with few descriptors; it need not answer when it has started."""

    limit = None

    def start(self):
        with open(self.path("stdout"), "ab") as output:
            self.process = subprocess.Popen(
                [self.command, "-n", "-c", self.configuration], stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, cwd=self.directory, preexec_fn=self.limited)
        self.wait("its socket is there", 20, lambda: os.path.exists(self.socket))

    def limited(self):
        if self.limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.limit, self.limit))

    def stop(self):
        """One that spins or hangs is not waited for long; nor are the children it leaves."""
        if self.process and self.process.poll() is None:
            children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True)
            self.process.terminate()
            try:
                self.process.wait(4)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            for pid in children.stdout.split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass


def seconds_used(side):
    with open(f"/proc/{side.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spins(side, seconds=3, looks=3):
    """Whether it uses a core for nothing. On a busy host it may not get one at the first look."""
    for _ in range(looks):
        before, began = seconds_used(side), time.monotonic()
        time.sleep(seconds)
        if 100 * (seconds_used(side) - before) / (time.monotonic() - began) > SPIN_PERCENT:
            return True
    return False


def answer(side, method, *parameters, seconds=3):
    """What kind of answer comes within a time: `value`, `fault`, `status N`, `unreadable` or `none`."""
    connection = sides.UnixConnection(side.socket, timeout=seconds)
    try:
        connection.request("POST", "/RPC2", xmlrpc.client.dumps(parameters, method), {"Content-Type": "text/xml"})
        got = connection.getresponse()
        data = got.read()
    except (OSError, ValueError, sides.http.client.HTTPException):
        return "none"
    finally:
        connection.close()
    if got.status != 200:
        return f"status {got.status}"
    try:
        xmlrpc.client.loads(data)
        return "value"
    except xmlrpc.client.Fault:
        return "fault"
    except Exception:  # expat's error is not a ValueError
        return "unreadable"


def idle_flood(side):
    """Thirty clients that say nothing."""
    side.limit = 40 if side.name == "supervisord" else 72  # Warden's threads need more of their own
    side.configure(SLEEPERS)
    side.start()
    clients = []
    for _ in range(side.limit):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(2)
        try:
            client.connect(side.socket)
        except OSError:
            break
        clients.append(client)
    outcome = {"spins": spins(side)}
    for client in clients:
        client.close()
    return outcome


def dark_daemon(side):
    """More programs than there are descriptors for, and then somebody who asks."""
    side.limit = 36 if side.name == "supervisord" else 72
    side.configure(SLEEPERS + f"numprocs = {6 if side.name == 'supervisord' else 40}\n")
    side.start()
    time.sleep(4)
    outcome = {"answers": answer(side, "supervisor.getAllProcessInfo")}
    outcome["spins"] = spins(side)
    return outcome


def pipes(side):
    """The daemon's ends of pipes, less three for each child that lives."""
    count = 0
    for number in os.listdir(f"/proc/{side.process.pid}/fd"):
        try:
            count += os.readlink(f"/proc/{side.process.pid}/fd/{number}").startswith("pipe:")
        except OSError:
            pass
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(side.process.pid)], capture_output=True, text=True)
    return count - 3 * len(children.stdout.split())


def pipe_leak(side):
    """Starts that fail for want of descriptors."""
    side.limit = 36 if side.name == "supervisord" else 72
    side.configure(SLEEPERS + f"numprocs = {8 if side.name == 'supervisord' else 40}\nautostart = false\n")
    side.start()
    before = pipes(side)
    answer(side, "supervisor.startProcessGroup", "sleep", False)
    time.sleep(4)
    return {"leaks": pipes(side) > before}


def stalled_reader(side):
    """A log that is a fifo which nobody reads."""
    os.mkfifo(side.path("fifo"))
    reader = os.open(side.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
    side.configure(BASE + "[program:shouter]\ncommand = sh -c 'yes | head -c 400000; sleep 1000'\nstdout_logfile = "
                   "{here}/fifo\nstdout_logfile_maxbytes = 0\n")
    side.start()
    side.wait("the fifo is full", 20, lambda: not select.select([], [reader], [], 0)[1])
    time.sleep(1)
    outcome = {"answers": answer(side, "supervisor.getState")}
    os.close(reader)
    return outcome


def sleeper_input(side):
    """Two texts of 100 kB to a process that does not read."""
    side.configure(BASE + "[program:deaf]\ncommand = sleep 1000\n")
    side.start()
    side.reaches("RUNNING", "deaf")
    return [answer(side, "supervisor.sendProcessStdin", "deaf", "x" * 100_000, seconds=5) for _ in range(2)]


def odd_text(side):
    """A log with bytes that are no text."""
    with open(side.path("text"), "wb") as file:
        file.write(ODD)
    side.configure(BASE + "[program:odd]\ncommand = cat {here}/text\nstartsecs = 0\nautorestart = false\n"
                   "stdout_logfile = {here}/odd.log\n")
    side.start()
    side.wait("the log is written", 10, lambda: os.path.exists(side.path("odd.log"))
              and os.path.getsize(side.path("odd.log")) == len(ODD))
    return {what: answer(side, "supervisor.readProcessStdoutLog", "odd", offset, length) for what, offset, length in (
        ("whole", 0, 0), ("with an escape", 41, 6), ("cut inside a letter", 0, 2))}


def bad_reload(side):
    """A reload with a configuration that is wrong."""
    text = BASE + "[program:sleep]\ncommand = sleep 1000\n"
    side.configure(text)
    side.start()
    side.reaches("RUNNING", "sleep")
    pid = side.call("supervisor.getProcessInfo", "sleep")[1]["pid"]
    side.configure(text.replace("sleep 1000", "%(nope)s"))
    outcome = {"says": answer(side, "supervisor.restart")}
    time.sleep(3)
    outcome["daemon"] = side.process.poll()
    outcome["program runs on"] = os.path.exists(f"/proc/{pid}")
    return outcome


def vanished_orphan(side):
    """A shell whose child outlives it; kill_tree is Warden's."""
    side.configure(BASE + "[program:family]\ncommand = sh -c 'sleep 987 & sleep 987; true'\nkill_tree = yes\n")
    side.start()
    side.reaches("RUNNING", "family")
    pid = side.call("supervisor.getProcessInfo", "family")[1]["pid"]
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout.split()
    side.call("supervisor.stopProcess", "family")
    time.sleep(2)
    left = [child for child in found if os.path.exists(f"/proc/{child}")]
    for child in left:
        os.kill(int(child), signal.SIGKILL)
    return {"children": len(found), "left": len(left)}


ROWS = (idle_flood, dark_daemon, pipe_leak, stalled_reader, sleeper_input, odd_text, bad_reload, vanished_orphan)


def worlds(options, parent):
    return {name: (LimitedSide(name, command, parent), lambda side, command=command, parent=parent: play(side, parent))
            for name, command in (("supervisord", options.supervisord), ("warden", options.warden))}


def play(side, parent):
    outcomes = {}
    for row in ROWS:
        place = os.path.join(parent, row.__name__)
        os.makedirs(place, exist_ok=True)
        own = LimitedSide(side.name, side.command, place)
        try:
            outcomes[f"appendix: {row.__name__}"] = row(own)
        except (sides.Trouble, OSError, LookupError) as error:
            outcomes[f"appendix: {row.__name__}"] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        finally:
            if own.process:
                own.stop()
    return outcomes
