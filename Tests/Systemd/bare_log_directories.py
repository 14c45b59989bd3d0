#!/usr/bin/env python3
import os
import pwd

from scenario import Daemon, check, contents, run, wait


def scenario(daemon):
    """Missing log directories are made: as the program's user where that may, else as the daemon; never its refusal."""
    is_root = os.geteuid() == 0
    open_place = daemon.path("open")
    os.mkdir(open_place)
    os.chmod(open_place, 0o777)
    user = "user = nobody\n" if is_root else ""
    daemon.configure(f"""[program:own]
command = sh -c 'echo hello; exec sleep 1000'
stdout_logfile = {open_place}/a/b/own.log
stderr_logfile = {open_place}/a/c/own.err
{user}[program:closed]
command = sh -c 'echo hello; exec sleep 1000'
stdout_logfile = {daemon.path("x/y")}/closed.log
{user}[program:impossible]
command = sleep 1000
stdout_logfile = /proc/there/is/no/such.log
startretries = 0
""")
    with open(daemon.configuration) as file:
        text = file.read()
    daemon.log = daemon.path("own/logs/warden.log")
    with open(daemon.configuration, "w") as file:
        file.write(text.replace(f"logfile = {daemon.path('warden.log')}", f"logfile = {daemon.log}")
                   .replace(f"childlogdir = {daemon.directory}\n", f"childlogdir = {daemon.path('auto')}\n"))
    lines, code = daemon.check_configuration()
    check(code == 0 and len(lines) == 4 and all("does not exist yet" in line for line in lines), f"{code}: {lines}")
    daemon.start()
    daemon.running("own", "closed")
    for path in (f"{open_place}/a/b/own.log", daemon.path("x/y/closed.log")):
        wait(f"{path}", 10, lambda: contents(path) == "hello\n")
    owner = pwd.getpwnam("nobody").pw_uid if is_root else os.geteuid()
    for path in ("a", "a/b", "a/c"):
        status = os.stat(f"{open_place}/{path}")
        check(status.st_uid == owner and status.st_mode & 0o777 == 0o755, f"{path}: {status}")
    check(os.stat(daemon.path("x/y")).st_uid == os.geteuid(), "x/y is not the daemon's")
    check(len(os.listdir(daemon.path("auto"))) >= 1, "no AUTO log in the new childlogdir")
    check(daemon.has_logged(f"made log directory {open_place}/a/b for own"), "not said")
    check(daemon.worker("impossible")["state"] == "FATAL", "impossible is not FATAL")


run(Daemon, scenario)
