#!/usr/bin/env python3
import os
import re
import signal
import subprocess
import sys
import threading

from scenario import Daemon, Failed, check, children_of, command, run, wait

ORPHANS = 700
# Orphans that all end at the same moment, and who of everybody is a zombie afterwards.
MAKER = f"""
import os, time
def zombies():
    count = 0
    for name in os.listdir('/proc'):
        try:
            if name.isdigit() and open('/proc/' + name + '/stat').read().rpartition(')')[2].split()[0] == 'Z': count += 1
        except OSError: pass
    return count
read, write = os.pipe()
for number in range({ORPHANS}):
    child = os.fork()
    if child == 0:
        if os.fork(): os._exit(0)
        os.close(write); os.read(read, 1); os._exit(3)
    os.waitpid(child, 0)
print('orphans', sum(open('/proc/' + name + '/stat').read().rpartition(')')[2].split()[1] == '1'
                     for name in os.listdir('/proc') if name.isdigit()), flush=True)
os.close(write)
deadline = time.monotonic() + 20
time.sleep(0.3)
while zombies() and time.monotonic() < deadline: time.sleep(0.05)
print('zombies', zombies(), flush=True)
time.sleep(1000)
"""
POLITE = """
import signal, sys
def over(*_):
    print('polite was asked to end', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, over)
print('polite runs as', __import__('os').getpid(), flush=True)
while True: signal.pause()
"""


class Container:
    """The daemon as the first process of a PID namespace, its streams in our hands."""

    def __init__(self, daemon, text, *arguments, prepare="true", flags=()):
        with open(daemon.configuration, "w") as file:
            file.write(text)
        # The root is read-only, as far as a bind mount can be; whoever wants more says so in `prepare`.
        script = f'set -e; mount --make-rprivate /; {prepare}; cd /; exec "$@"'
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child=SIGKILL", *flags, "sh", "-c", script,
             "sh", daemon.options.warden, "-c", daemon.configuration, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())

    def says(self, pattern, seconds=20):
        def seen():
            for line in self.lines:
                match = re.search(pattern, line)
                if match:
                    return match
            check(self.process.poll() is None or any(re.search(pattern, line) for line in self.lines),
                  f"it has ended with {self.process.poll()} before {pattern!r}: {self.lines[-10:]}")
        try:
            return wait(f"the container says {pattern!r}", seconds, seen)
        except Failed as error:
            raise Failed(f"{error}; it said {self.lines[-15:]}") from None

    @property
    def first(self):
        """PID 1, as the host numbers it."""
        return wait("the first process", 5, lambda: children_of(self.process.pid))[0]

    def ends(self, seconds=20):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed(f"the container did not end within {seconds} s: {self.lines[-10:]}") from None


READ_ONLY = "mount -o remount,bind,ro /; for place in /run /tmp /var/tmp /sys/fs/cgroup; do " \
            "mountpoint -q $place && mount -t tmpfs -o ro tmpfs $place || true; done"


def streams(name, code):
    return (f"[program:{name}]\ncommand = {sys.executable} -u -c \"{code}\"\nstdout_logfile = /dev/stdout\n"
            "stdout_logfile_maxbytes = 0\nredirect_stderr = true\nstartsecs = 0\n")


def script(daemon, name, text):
    path = daemon.path(name)
    with open(path, "w") as file:
        file.write(text)
    return f"exec(open('{path}').read())"


BARE = "[supervisord]\nnodaemon = {nodaemon}\nlogfile = /dev/stdout\nlogfile_maxbytes = 0\n"


def read_only(daemon):
    """Nothing can be written anywhere; without -n; orphans, SIGTERM, exit code 0."""
    container = Container(
        daemon, BARE.format(nodaemon="false") + streams("polite", script(daemon, "polite.py", POLITE))
        + streams("maker", script(daemon, "maker.py", MAKER)), prepare=READ_ONLY)
    container.says("polite runs as")
    found = int(container.says(r"orphans (\d+)").group(1))
    check(found >= ORPHANS, f"only {found} orphans came to the first process")
    left = int(container.says(r"zombies (\d+)", 30).group(1))
    check(left == 0, f"{left} zombies are left of {found} orphans")
    os.kill(container.first, signal.SIGTERM)
    code = container.ends()
    check(code == 0, f"SIGTERM: exit code {code}: {container.lines[-8:]}")
    container.says("polite was asked to end")
    container.says(r"received SIGTERM indicating exit request")
    return found


def signals(daemon):
    """SIGINT from outside, SIGTERM from inside; both end it well."""
    text = BARE.format(nodaemon="true") + streams("polite", script(daemon, "polite.py", POLITE))
    container = Container(daemon, text, "-n")
    container.says("polite runs as")
    os.kill(container.first, signal.SIGINT)
    code = container.ends()
    check(code == 0, f"SIGINT: exit code {code}")
    container.says("polite was asked to end")
    inside = "[program:inside]\ncommand = sh -c 'sleep 1; kill -TERM 1; sleep 1000'\nstartsecs = 0\n"
    container = Container(daemon, text + inside)
    container.says("polite was asked to end")
    code = container.ends()
    check(code == 0, f"SIGTERM from inside: exit code {code}")


def essential(daemon):
    """An essential program that is down for good ends the container with 1."""
    text = BARE.format(nodaemon="true") + streams("polite", script(daemon, "polite.py", POLITE))
    container = Container(daemon, text + """[program:main]
command = sh -c 'exit 3'
essential = true
startretries = 1
""")
    code = container.ends()
    check(code == 1, f"essential FATAL: exit code {code}: {container.lines[-8:]}")
    container.says("essential program main has gone FATAL")
    container.says("polite was asked to end")


def groups(daemon):
    """In a cgroup namespace of its own the container's group is divided; read-only it is done without."""
    mount = next((line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line), None)
    if not mount:
        return print("no cgroup v2 hierarchy: groups in a container are not tried")
    place = f"{mount}/warden-container-{os.getpid()}"
    os.mkdir(place)
    try:
        for mode, expected in (("rw", "workers get cgroups of their own below"), ("ro", "get no cgroups of their own")):
            prepare = (f"echo $$ > {place}/cgroup.procs; exec unshare --cgroup --mount sh -c 'set -e; "
                       f"mount -t tmpfs tmpfs /sys/fs/cgroup; mkdir /sys/fs/cgroup/own; "
                       f"mount -t cgroup2 -o {mode} cgroup2 /sys/fs/cgroup/own; exec \"$@\"' sh \"$@\"")
            text = BARE.format(nodaemon="true") + "loglevel = debug\n" + streams(
                "polite", script(daemon, "polite.py", POLITE))
            container = Container(daemon, text, prepare=prepare)
            container.says(expected)
            container.says("polite runs as")
            below = [name for name in os.listdir(place) if os.path.isdir(f"{place}/{name}")]
            check(bool(below) == (mode == "rw"), f"{mode}: groups {below}")
            os.kill(container.first, signal.SIGTERM)
            code = container.ends()
            check(code == 0, f"{mode}: exit code {code}: {container.lines[-8:]}")
    finally:
        command("find", place, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")


def scenario(daemon):
    """As PID 1 of a container: reaps strangers, takes signals, exit codes, a read-only root, groups where they are its own."""
    if os.geteuid() != 0:
        return print("only root can make a PID namespace: nothing was tried")
    found = read_only(daemon)
    signals(daemon)
    essential(daemon)
    groups(daemon)
    print(f"PID 1: {found} orphans at once and no zombie left; SIGTERM, SIGINT 0; essential 1; nothing writable")


run(Daemon, scenario)
