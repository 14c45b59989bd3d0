#!/usr/bin/env python3
import os
import re
import resource
import socket
import time

from scenario import WORKER, Daemon, check, contents, run, wait

SYSTEMD_S = {"WATCHDOG_USEC": "60000000", "LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x",
             "INVOCATION_ID": "0123456789abcdef", "JOURNAL_STREAM": "1:2", "CREDENTIALS_DIRECTORY": "/nonexistent"}


def limits_of(pid):
    soft, hard = re.search(r"^Max open files +(\d+) +(\d+)", contents(f"/proc/{pid}/limits"), re.MULTILINE).groups()
    return int(soft), int(hard)


def environment_of(pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return dict(word.decode().split("=", 1) for word in file.read().split(b"\0") if b"=" in word)


def scenario(daemon):
    """Workers get the limits they were given, none of the daemon's own sockets, and beat on a socket of their own."""
    hard = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 8192)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    beats = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    beats.bind(daemon.path("notify"))
    beats.settimeout(10)
    os.environ.update(SYSTEMD_S, NOTIFY_SOCKET=daemon.path("notify"), WARDEN_SCENARIO="kept")
    daemon.configure(f"""[supervisord]
minfds = 1024
[program:plain]
command = sleep 1000
[program:own]
command = sleep 1000
rlimit_nofile = 300:2000
[program:beating]
command = {WORKER} notify --after 4
startsecs = 0
[health:beating]
interval = 200ms
grace = 300ms
confirm = 2 of 3
heartbeat = notify
heartbeat_timeout = 1500ms
forensics_budget = 500ms
""")
    daemon.start()
    said = b""
    while b"READY=1" not in said:
        try:
            said += beats.recv(4096) + b"\n"
        except TimeoutError:
            check(False, f"no READY=1, but {said}")
    began = time.monotonic()
    daemon.running("plain", "own", "beating")
    plain, own, beating = (daemon.watched[name] for name in ("plain", "own", "beating"))
    check(limits_of(plain) == (1024, hard), f"minfds = 1024: {limits_of(plain)}")
    check(limits_of(own) == (300, 2000), f"rlimit_nofile = 300:2000: {limits_of(own)}")
    check(daemon.worker("own")["fd_limit"] in (None, 300), f"own: {daemon.worker('own')}")

    environment = environment_of(plain)
    inherited = {name for name in environment if name in SYSTEMD_S or name in ("NOTIFY_SOCKET", "WATCHDOG_PID")}
    check(not inherited, f"inherited: {inherited}")
    check(environment.get("WARDEN_SCENARIO") == "kept", "an ordinary variable is not inherited")
    check(environment.get("SUPERVISOR_ENABLED") == "1" and environment.get("SUPERVISOR_PROCESS_NAME") == "plain"
          and environment.get("SUPERVISOR_GROUP_NAME") == "plain" and "SUPERVISOR_SERVER_URL" in environment,
          f"supervisord's own variables: {environment}")
    check(len(os.listdir(f"/proc/{plain}/fd")) == 3, f"descriptors: {os.listdir(f'/proc/{plain}/fd')}")

    address = environment_of(beating).get("NOTIFY_SOCKET")
    check(address and address != daemon.path("notify"), f"beating's NOTIFY_SOCKET is {address}")
    wait("beating is healthy", 3, lambda: daemon.health("beating") == "healthy")
    time.sleep(max(0, 3.2 - (time.monotonic() - began)))
    # Twice heartbeat_timeout without a line: only the beats can have kept it so.
    worker = daemon.worker("beating")
    check(worker["pid"] == beating and worker["health"]["class"] == "healthy", f"while it beats: {worker}")
    wait("its beats end, and it is restarted", 8,
         lambda: (daemon.worker("beating").get("last_restart") or {}).get("reason") == "hung/silent")


run(Daemon, scenario)
