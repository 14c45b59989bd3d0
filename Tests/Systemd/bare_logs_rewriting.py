#!/usr/bin/env python3
import os
import re
import socket
import sys

from scenario import Daemon, check, contents, run, wait

WRITER = """import sys, time
out, err = sys.stdout, sys.stderr
out.write("\\x1b[31mred\\x1b[0m\\nhal"); out.flush(); time.sleep(0.2)
out.write("f\\n"); out.flush()
err.write("trouble\\n"); err.flush()
out.write("no end"); out.flush()
time.sleep(1000)
"""
STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
DEV_LOG = "/dev/log"
MADE = []


def listen():
    """A system log of our own; None where there is one, or where we may not."""
    path = os.path.realpath(DEV_LOG)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        if not os.path.isdir(os.path.dirname(path)):
            # A container's /dev/log may be a link into nothing.
            os.mkdir(os.path.dirname(path))
            MADE.append(os.path.dirname(path))
        log.bind(path)
    except OSError as error:
        print(f"the system log is not looked at: cannot bind {path}: {error}")
        log.close()
        return None, None
    log.settimeout(10)
    return log, path


def messages(log, pattern):
    """What comes, until a message matches."""
    seen = []
    while not seen or not re.search(pattern, seen[-1]):
        try:
            seen.append(log.recv(65536).decode(errors="replace"))
        except socket.timeout:
            check(False, f"the system log has no {pattern}: {seen}")
    return seen


def scenario(daemon):
    """Prefixes, stripped colours, the system log, and copies in the daemon's own log."""
    with open(daemon.path("writer.py"), "w") as file:
        file.write(WRITER)
    command = f"{sys.executable} {daemon.path('writer.py')}"
    daemon.configure(f"""[program:both]
command = {command}
log_prefix = true
redirect_stderr = true
stdout_logfile = {daemon.path("both.log")}
[program:fields]
command = {command}
log_prefix = [{{utc}} {{group}}:{{name}} {{pid}} {{stream}}]
stdout_logfile = {daemon.path("fields.log")}
stderr_logfile = {daemon.path("fields.log")}
[program:bare]
command = {command}
stdout_syslog = true
stdout_logfile = {daemon.path("bare.log")}
stderr_logfile = syslog
""")
    with open(daemon.configuration) as file:
        text = file.read()
    with open(daemon.configuration, "w") as file:
        file.write(text.replace("[supervisord]\n", "[supervisord]\nstrip_ansi = true\nloglevel = debug\n"))
    lines, code = daemon.check_configuration()
    check(code == 0 and len(lines) == 1 and "stderr_syslog=true" in lines[0], f"--check: {code}: {lines}")
    log, path = listen()
    try:
        daemon.start()
        workers = daemon.running("both", "fields", "bare")
        expected = rf"{STAMP} both stdout red\n{STAMP} both stdout half\n{STAMP} both stdout trouble\n"
        # The last line has no end: it is let through all the same. One process has one pipe: stderr is stdout.
        wait("every line has its prefix", 10, lambda: re.fullmatch(
            expected + f"{STAMP} both stdout no end", contents(daemon.path("both.log"))))
        pid = workers["fields"]["pid"]
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        for stream, word in (("stdout", "half"), ("stderr", "trouble")):
            wait(f"every field of {stream}", 10, lambda: re.search(
                rf"^\[{stamp} fields:fields {pid} {stream}\] {word}$", contents(daemon.path("fields.log")),
                re.MULTILINE))
        wait("colours are taken out without a prefix", 10,
             lambda: contents(daemon.path("bare.log")) == "red\nhalf\nno end")
        if log:
            seen = messages(log, "trouble")
            texts = sorted(re.sub(r"^<14>\w{3} [ \d]\d \d\d:\d\d:\d\d ", "", message) for message in seen)
            check(texts == [f"supervisord: bare {word}" for word in ("half", "red", "trouble")], f"syslog: {seen}")
        wait("the daemon's log has a copy", 10, lambda: re.search(
            rf"^{STAMP} DEBG 'bare' stdout output:\nred\n", contents(daemon.log), re.MULTILINE))
        out, _, code = daemon.ctl("tail", "bare")
        check(code == 0 and out.rstrip("\n") == "red\nhalf\nno end", f"tail: {out!r}")
        check(daemon.stop() == 0, "exit code")
        check(contents(daemon.path("both.log")).endswith("both stdout no end\n"), "the last line has no end")

        if log:
            # The daemon's own log.
            with open(daemon.configuration, "w") as file:
                file.write(text.replace(f"logfile = {daemon.log}", "logfile = syslog"))
            daemon.start()
            daemon.running("both")
            seen = messages(log, "success: both entered RUNNING state")
            check(any(re.search(rf"supervisord: {STAMP} INFO supervisord started with pid \d+$", line)
                      for line in seen), f"the main log in syslog: {seen}")
            check(not os.path.exists(os.path.join(daemon.directory, "syslog")), "a file called syslog")
    finally:
        if path:
            os.unlink(path)
        for directory in MADE:
            os.rmdir(directory)


run(Daemon, scenario)
