#!/usr/bin/env python3
import http.client
import os
import random
import re
import shutil
import signal
import socket
import sys
import time
import xmlrpc.client

from scenario import Daemon, check, contents, run, wait

UPGRADES = 24
COUNTER = """import sys, time
number = 0
while True:
    sys.stdout.write(f"line {number}\\n")
    sys.stdout.flush()
    number += 1
    if number % 25 == 0:
        time.sleep(0.001)
"""
# Writes its lines in halves, so that many an upgrade finds one that has not ended.
HALVES = """import sys, time
number = 0
while True:
    sys.stdout.write(f"\\x1b[31mline ")
    sys.stdout.flush()
    time.sleep(0.0005)
    sys.stdout.write(f"{number}\\x1b[0m\\n")
    sys.stdout.flush()
    number += 1
"""
ECHO = "import sys\nfor line in sys.stdin: print('heard', line.strip(), flush=True)\n"
LISTENER = """import sys
while True:
    print("READY", flush=True)
    header = dict(word.split(":") for word in sys.stdin.readline().split())
    sys.stdin.read(int(header["len"]))
    sys.stderr.write(f"event {header['eventname']}\\n")
    sys.stderr.flush()
    sys.stdout.write("RESULT 2\\nOK")
    sys.stdout.flush()
"""


class Upgraded(Daemon):
    """A daemon that runs a copy of the binary, which can be replaced."""

    def start(self):
        self.installed = self.options.warden
        self.options.warden = self.path("warden")
        self.install(self.installed)
        super().start()

    def install(self, source):
        """As a package manager does: a new file takes the name."""
        shutil.copy2(source, self.path("warden.new"))
        os.chmod(self.path("warden.new"), 0o755)
        os.rename(self.path("warden.new"), self.path("warden"))

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def tell(daemon, method, *parameters):
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(daemon.socket)
    connection.request("POST", "/RPC2", xmlrpc.client.dumps(parameters, method), {"Content-Type": "text/xml"})
    answer = xmlrpc.client.loads(connection.getresponse().read())[0][0]
    connection.close()
    return answer


def numbered(daemon, log, pattern):
    """How many lines a log has, after all of them were found to be whole and in order."""
    expected = 0
    with open(daemon.path(log)) as file:
        lines = file.read().split("\n")
    # The worker was ended within the last one.
    for line in lines[:-2]:
        match = re.fullmatch(pattern, line)
        check(match and int(match[1]) == expected, f"{log}: {line!r} stands where line {expected} should")
        expected += 1
    return expected


def upgraded(daemon, count):
    wait(f"upgrade {count} has happened", 20, lambda: len(daemon.has_logged("took over")) >= count)


def scenario(daemon):
    """Many upgrades in place: no worker is touched, no line is lost, exit codes are right; a bad binary is refused."""
    for name, text in (("counter", COUNTER), ("halves", HALVES), ("echo", ECHO), ("listener", LISTENER)):
        with open(daemon.path(name + ".py"), "w") as file:
            file.write(text)
    python = f"{sys.executable} -u"
    daemon.configure(f"""
[program:counter]
command = {python} {daemon.path("counter.py")}
process_name = counter_%(process_num)d
numprocs = 2
stdout_logfile = {daemon.path("%(program_name)s_%(process_num)d.log")}
stdout_logfile_maxbytes = 0
[program:halves]
command = {python} {daemon.path("halves.py")}
stdout_logfile = {daemon.path("halves.log")}
stdout_logfile_maxbytes = 0
log_prefix = [{{name}}]
[program:echo]
command = {python} {daemon.path("echo.py")}
stdout_logfile = {daemon.path("echo.log")}
[program:restless]
command = sh -c "sleep 0.4; exit 7"
startsecs = 0
autorestart = true
[eventlistener:listener]
command = {python} {daemon.path("listener.py")}
events = PROCESS_STATE_EXITED
stderr_logfile = {daemon.path("listener.log")}
""")
    daemon.start()
    daemon.running("counter:counter_0", "counter:counter_1", "halves", "echo", "listener")
    descriptors = daemon.open_descriptors()
    restarts = daemon.worker("restless")["restarts"]
    dice = random.Random(7)
    for count in range(1, UPGRADES + 1):
        time.sleep(dice.random() * 0.3)
        if count % 4 == 0:
            out, err, code = daemon.ctl("upgrade")
            check(code == 0 and "upgraded: version" in out, f"upgrade: exit code {code}: {out}{err}")
        else:
            daemon.process.send_signal(signal.SIGUSR1)
        upgraded(daemon, count)
    daemon.undisturbed()
    check(daemon.process.poll() is None, "the daemon has ended")
    check(abs(daemon.open_descriptors() - descriptors) <= 4,
          f"{daemon.open_descriptors()} descriptors are open, {descriptors} were before")

    # What died meanwhile died as it did, was started again, and was told to the listener.
    wait("restless goes on", 10, lambda: daemon.worker("restless").get("restarts", 0) > restarts + 5)
    exits = daemon.has_logged(r"exited: restless \(")
    check(len(exits) > 5, "restless hardly ended")
    wrong = [line for line in exits if "exit status 7" not in line]
    check(not wrong, f"exits of restless with another code: {wrong[:3]}")
    wait("the listener has heard of each exit", 10, lambda: contents(daemon.path("listener.log")).count("EXITED")
         >= len(exits))
    tell(daemon, "supervisor.sendProcessStdin", "echo", "after all\n")
    wait("the input goes on", 5, lambda: "heard after all" in contents(daemon.path("echo.log")))

    # A bad binary, one that is nobody's to execute, and one that hangs: refused, and nothing was given up.
    pids = dict(daemon.watched)
    for text in ("#!/bin/sh\necho 'it is broken'\nexit 1\n", "no binary at all", "#!/bin/sh\nexec sleep 60\n"):
        with open(daemon.path("bad"), "w") as file:
            file.write(text)
        daemon.install(daemon.path("bad"))
        out, err, code = daemon.ctl("upgrade")
        check(code == 1 and "not upgraded" in out, f"a bad binary: exit code {code}: {out}{err}")
    daemon.install(daemon.installed)
    out, err, code = daemon.ctl("upgrade")
    check(code == 0, f"upgrade after refusals: exit code {code}: {out}{err}")
    check(daemon.watched == pids, "somebody has another pid")
    daemon.undisturbed()

    check(daemon.stop() == 0, "the daemon ended with another exit code")
    lines = [numbered(daemon, f"counter_{number}.log", r"line (\d+)") for number in (0, 1)]
    lines.append(numbered(daemon, "halves.log", r"\[halves\] \x1b\[31mline (\d+)\x1b\[0m"))
    check(min(lines) > 500, f"the workers hardly wrote: {lines}")
    print(f"{UPGRADES + 1} upgrades, {sum(lines)} lines, none lost, doubled or torn")


run(Upgraded, scenario)
