#!/usr/bin/env python3
import fcntl
import os
import pty
import select
import subprocess
import termios
import time

from scenario import Daemon, check, contents, run

SECONDS = 10


class Terminal:
    """wardenctl's shell at a terminal: what is typed, and what is seen."""

    def __init__(self, daemon):
        self.master, slave = pty.openpty()
        # A session of its own, so that Ctrl-C reaches wardenctl.
        self.process = subprocess.Popen(
            [daemon.options.wardenctl, "-c", daemon.configuration], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.seen = ""

    def type(self, text):
        self.seen = ""
        os.write(self.master, text.encode())

    def wait(self, text, what=""):
        deadline = time.monotonic() + SECONDS
        while text not in self.seen:
            ready = select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]
            check(ready, f"{what or text!r} is not seen within {SECONDS} s, but {self.seen!r}")
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                check(text in self.seen, f"the shell has ended without {what or text!r}: {self.seen!r}")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


def scenario(daemon):
    """The shell edits and completes lines, keeps a history, and comes back from tail -f and fg at Ctrl-C."""
    daemon.configure(f"""[program:cat]
command = cat
stdout_logfile = {daemon.path("cat.log")}
[program:ticker]
command = sh -c 'while true; do echo tick; sleep 0.1; done'
[supervisorctl]
serverurl = unix://{daemon.socket}
prompt = here
history_file = {daemon.path("history")}
""")
    daemon.start()
    daemon.running("cat", "ticker")
    shell = Terminal(daemon)
    try:
        shell.wait("here> ", "the prompt after the first status")
        check("RUNNING" in shell.seen, f"the shell does not begin with status: {shell.seen!r}")
        shell.type("versoin\x7f\x7f\x7fion\r")
        shell.wait("4.3.0")
        shell.wait("here> ")
        shell.type("sta\t")
        shell.wait("status", "Tab lists start and status")
        shell.type("tus ca\t\r")
        shell.wait("RUNNING", "status of the completed name")
        check("ticker  " not in shell.seen.split("here>")[-1], f"status lists more than cat: {shell.seen!r}")
        shell.type("\x1b[A\x1b[A\r")
        shell.wait("4.3.0", "the last line but one, again")
        shell.wait("here> ")
        shell.type("tail -f ticker\r")
        shell.wait("tick\r\ntick")
        shell.type("\x03")
        shell.wait("here> ", "the prompt after Ctrl-C in tail -f")
        shell.type("fg cat\r")
        shell.wait("==> Press Ctrl-C to exit <==")
        shell.type("typed by hand\n")
        shell.wait("typed by hand\r\ntyped by hand", "what was typed, and what cat said")
        shell.type("\x03")
        shell.wait("Exiting foreground")
        shell.wait("here> ")
        check(contents(daemon.path("cat.log")) == "typed by hand\n", f"cat's log: {contents(daemon.path('cat.log'))!r}")
        shell.type("exit\r")
        check(shell.process.wait(SECONDS) == 0, "the shell's exit code")
    finally:
        shell.close()
    lines = contents(daemon.path("history")).splitlines()
    check(lines[0] == "version" and lines[-2:] == ["fg cat", "exit"], f"the history: {lines}")
    check(os.stat(daemon.path("history")).st_mode & 0o077 == 0, "others can read the history")
    daemon.undisturbed()


run(Daemon, scenario)
