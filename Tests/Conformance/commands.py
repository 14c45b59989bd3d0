"""Every command of supervisorctl: the unmodified supervisorctl and wardenctl, each against both daemons.

Four worlds play the same commands in the same order, so that their states go the same way. supervisorctl against
supervisord is what the three others are compared with. A client is started anew for each command, as a script does.
"""
import os
import re
import subprocess

import sides
from calls import Record, begin

# How a command is used follows upon most mistakes, in each client's own words.
USAGE = re.compile(r"(Error: [^\n]*\n|ERROR: no process name supplied\n)((?:(?!conformance> )[^\n]*\n)+)")
HEALTH = re.compile(r"(RUNNING   pid N, uptime T|STARTING +)  [a-z]+(/[a-z-]+)?( \((proven|strong|weak)\))?$", re.M)
PID = re.compile(r"^[1-9]\d*$", re.M)
SECONDS = 60


def worlds(options, parent):
    """`{title: (side, what to play)}`."""
    made = {}
    for title, daemon, client in (
            ("supervisord", options.supervisord, options.supervisorctl),
            ("supervisorctl-warden", options.warden, options.supervisorctl),
            ("wardenctl-supervisord", options.supervisord, options.wardenctl),
            ("wardenctl-warden", options.warden, options.wardenctl)):
        directory = os.path.join(parent, title[-9:] + str(len(made)))
        os.mkdir(directory)
        side = sides.Side(os.path.basename(daemon), daemon, directory)
        made[title] = (side, lambda side, client=client: play(side, client))
    return made


class Client:
    """Runs a client against a side and records what it prints and its exit code."""

    def __init__(self, side, program):
        self.side = side
        self.program = program
        self.record = Record(side, "ctl:")

    def run(self, *arguments, note="", typed=None, options=None, seconds=SECONDS):
        """Records `(standard output, standard error, exit code)`."""
        before = ["-c", self.side.configuration] if options is None else options
        environment = dict(os.environ, LANG="C.UTF-8", LC_ALL="C.UTF-8", PYTHONIOENCODING="utf-8", TERM="dumb")
        try:
            done = subprocess.run(
                [self.program, *before, *arguments], input=typed, capture_output=True, text=True, timeout=seconds,
                env=environment, cwd=self.side.directory, stdin=None if typed is not None else subprocess.DEVNULL)
            out = self.plain(done.stdout)
            if "stop" in arguments or "restart" in arguments:
                # supervisord lists each as it is done, which is not the same twice.
                out = "".join(sorted(out.splitlines(keepends=True)))
            outcome = [out, self.plain(done.stderr), done.returncode]
        except subprocess.TimeoutExpired:
            outcome = [f"no end within {seconds} s"]
        shown = " ".join(self.side.plain_text(argument) or "''" for argument in (*(options or ()), *arguments))
        self.record.put(f"{shown}{' < ' + repr(self.side.plain_text(typed)) if typed is not None else ''}{' ' + note if note else ''}", outcome)
        return outcome

    def plain(self, text):
        # Warden's health column, remedies on standard error, and pids on lines of their own are not compared.
        text = PID.sub("N", HEALTH.sub(r"\1", self.side.plain_text(text)))
        return USAGE.sub(r"\1USAGE\n", re.sub(r"^wardenctl: .*\n", "", text, flags=re.M))


def rests(side, *names):
    for name in names:
        side.wait(f"{name} rests", 15, lambda name=name: side.state(name) in ("STOPPED", "EXITED", "FATAL"))


COMMANDS = ("add", "avail", "clear", "exit", "fg", "maintail", "open", "pid", "quit", "reload", "remove", "reread",
            "restart", "shutdown", "signal", "start", "status", "stop", "tail", "update", "version")


def looking(client, side):
    run = client.run
    run("status")
    for names in ("all", "cat", "many:*", "many:many_00", "many", "nobody", "nobody:*", "cat idle", "cat nobody",
                  "idle nobody", "pair:* cat", "cat all", "cat cat"):
        run("status", *names.split())
    run("version")
    run("version", "x")
    for names in ("", "cat", "idle", "nobody", "all", "cat idle nobody", "many:*", "many:many_00"):
        run("pid", *names.split())
    run("avail")
    run("avail", "x")
    for arguments in (["talker"], ["-20", "talker"], ["talker", "stderr"], ["-5", "talker", "stderr"], ["talker", "STDERR"],
                      ["-20 talker"], ["nobody"], ["silent"], ["idle"], [], ["-x", "talker"], ["talker", "other"],
                      ["a", "b", "c", "d"], ["-20"], ["-0", "talker"], ["--5", "talker"], ["many:*"], ["-f"],
                      ["-20", "talker", "stdout"]):
        run("tail", *arguments)
    run("tail -100000 talker", note="in one argument")
    for arguments in (["-x"], ["x"], ["a", "b"]):
        run("maintail", *arguments)
    client.record.put("maintail shows the log's end", "INFO success" in run("maintail", note="not compared")[0])
    client.record.outcomes.pop("ctl: maintail not compared")
    run("nothing")
    run("")
    out, err, code = run("?", note="not compared")
    client.record.outcomes.pop("ctl: ? not compared")
    known = set(out.split())
    client.record.put("? lists supervisorctl's commands", [sorted(known & set(COMMANDS)), err, code])
    run("help", "nothing")
    for command in COMMANDS:
        out, _, code = run("help", command, note="not compared")
        client.record.outcomes.pop(f"ctl: help {command} not compared")
        client.record.put(f"help {command} says something of it", [bool(out.strip()), "No help" in out, code])
    run("exit")
    run("quit")


def starting(client, side):
    run = client.run
    for command in ("start", "stop", "restart", "signal"):
        run(command)
    for name in ("cat", "idle", "idle", "missing", "plain", "directory", "nowhere", "quick", "nobody", "nobody:*", "many_00",
                 "many:*", "pair:*", "once", ""):
        run("start", name)
    rests(side, "once", "quick")
    run("start", "cat", "nobody", "missing")
    run("start cat", note="in one argument")
    run("status")
    for name in ("idle", "idle", "nobody", "nobody:*", "many:*", "many:*", "pair:*"):
        run("stop", name)
    run("stop", "idle", "nobody", "cat")
    run("restart", "cat")
    run("restart", "idle")
    run("restart", "nobody")
    run("restart", "many:*", "nobody:*")
    run("restart", "missing")
    run("stop", "idle")
    for arguments in ("HUP", "CONT cat", "SIGCONT cat", "18 cat", "NOPE cat", "CONT idle", "CONT nobody", "CONT many:*",
                      "CONT nobody:*", "NOPE many:*", "CONT all", "NOPE all", "CONT cat idle nobody"):
        run("signal", *arguments.split())
    run("signal CONT", "cat", note="in two arguments")
    run("start", "slow", note="waits")
    run("status", "slow")
    run("stop", "slow")


def logs(client, side):
    run = client.run
    run("clear")
    for name in ("talker", "nobody", "many:*", "idle", "cat talker", "silent"):
        run("clear", *name.split())
    run("tail", "talker", note="cleared")
    run("clear", "all")


def typed(client, side):
    """The shell, with its input from a pipe."""
    run = client.run
    for lines in ("", "exit\n", "quit\n", "version\n", "status cat\nexit\n", "\n\nversion\n", "nothing\nexit\n",
                  "start\nexit\n", "open nothing\nexit\n", "open ftp://x\nexit\n", "shutdown\nn\nexit\n",
                  "reload\nn\nexit\n", "shutdown\n", "fg\nexit\n", "fg nobody\nexit\n", "fg idle\nexit\n",
                  "fg cat idle\nexit\n", "tail talker\nEOF\n", "  version  \nexit\n", "pid cat;version\nexit\n", "help nothing\n",
                  "add nobody\nremove nobody\n", "status nobody\nversion\n"):
        run(typed=lines)
    run("-i", "version", typed="exit\n", note="interactive with a command")
    run("-i", typed="version\n")
    run(f"open unix://{side.socket}", note="not in the shell")
    run(typed=f"open unix://{side.socket}\nexit\n", note="opens")
    run(typed=f"open unix://{side.directory}/none.sock\nexit\n", note="opens nothing")


def invocations(client, side):
    """Options, addresses and passwords."""
    run = client.run
    unix, tcp = f"unix://{side.socket}", f"http://127.0.0.1:{side.port}"
    nobody = f"http://127.0.0.1:{sides.free_port()}"
    file = ["-c", side.configuration]
    run("version", options=["-s", unix])
    run("version", options=["--serverurl=" + unix])
    run("version", options=[*file, "-s", tcp])
    run("status", "cat", options=[*file, "-s", tcp])
    run("version", options=[*file, "-s", tcp, "-u", "user", "-p", "secret"])
    run("status", "cat", options=[*file, "-s", tcp, "-u", "user", "-p", "secret"])
    run("version", options=[*file, "-s", tcp, "-u", "user", "-p", "wrong"])
    run("tail", "-20", "talker", options=[*file, "-s", tcp, "-u", "user", "-p", "secret"])
    for command in ("status", "version", "pid", "start cat", "stop cat", "restart cat", "signal HUP cat", "tail cat",
                    "maintail", "clear cat", "reread", "update", "add cat", "remove cat", "avail", "shutdown", "reload",
                    "status cat", "fg cat"):
        run(*command.split(), options=[*file, "-s", f"unix://{side.directory}/none.sock"], note="no such socket")
        client.record.outcomes.update({})
    for command in ("status", "version", "pid", "start cat", "reread", "update", "add cat", "shutdown", "reload", "avail"):
        outcome = run(*command.split(), options=[*file, "-s", nobody], note="refused")
        name = next(reversed(client.record.outcomes))
        client.record.outcomes.pop(name)
        client.record.put(f"{command}: refused", [text.replace(nobody, "NOBODY") if isinstance(text, str) else text
                                                   for text in outcome])
    for options in (["-x"], ["--nothing"], ["-s"], ["-c", side.path("none.conf")], ["-s", "ftp://x"], ["-h"], ["--help"],
                    ["-i", "-x"], ["--server", unix]):
        outcome = run("version", options=options, note="bad or special options")
        name = next(reversed(client.record.outcomes))
        # The texts name each program itself.
        client.record.outcomes[name] = [bool(outcome[0]), bool(outcome[1]), outcome[2]] if len(outcome) == 3 else outcome


def configuration(client, side):
    run = client.run
    run("reread")
    run("reread", "x")
    run("update")
    run("add")
    run("add", "cat")
    run("add", "nobody")
    run("remove")
    run("remove", "nobody")
    run("remove", "cat")
    with open(side.configuration) as file:
        text = file.read()
    changed = text.replace("[program:idle]\ncommand = sleep 1000", "[program:idle]\ncommand = sleep 999").replace(
        "[program:silent]", "[program:new]")
    with open(side.configuration, "w") as file:
        file.write(changed + "[program:manual]\ncommand = sleep 5\nautostart = false\n")
    run("reread", note="changed")
    run("avail", note="changed")
    run("add", "manual")
    run("remove", "silent")
    run("update", "nobody")
    run("update", "new")
    run("update")
    run("status", note="updated")
    run("update", note="again")
    run("stop", "manual")
    run("remove", "manual")
    with open(side.configuration, "w") as file:
        file.write(changed.replace("command = cat", "command = %(nope)s"))
    for command in ("reread", "update"):
        out, err, code = run(command, note="with a bad configuration")
        # The text is each daemon's own.
        client.record.outcomes[next(reversed(client.record.outcomes))] = [out[:6], err, code]
    with open(side.configuration, "w") as file:
        file.write(text)
    run("update", note="back")
    run("update", "all", note="nothing to do")


def ending(client, side):
    run = client.run
    # supervisord lists each as it is done, which is not the same twice.
    for command in ("stop", "start"):
        out, err, code = run(command, "all", note="not compared")
        client.record.outcomes.pop(f"ctl: {command} all not compared")
        client.record.put(f"{command} all, sorted", [sorted(out.splitlines()), err, code])
    side.reaches("RUNNING", "cat", "stubborn")
    side.wait("the stubborn process is deaf", 10,
              lambda: "deaf" in side.call("supervisor.readProcessStdoutLog", "stubborn", 0, 0)[1])
    run("reload", "x")
    run("shutdown", "x")
    run("shutdown")
    side.wait("it stops", 5, lambda: side.call("supervisor.getState")[0] == "fault")
    for command in ("status", "version", "pid", "start cat", "stop cat", "signal HUP cat", "tail cat", "maintail",
                    "clear cat", "reread", "update", "add cat", "remove cat", "avail", "shutdown", "reload", "fg cat"):
        run(*command.split(), note="while the daemon stops")
    client.record.put("exit code of the daemon", side.process.wait(40))
    run("status", note="when the daemon has gone")
    run("shutdown", note="when the daemon has gone")


def play(side, program):
    begin(side)
    client = Client(side, program)
    for part in (looking, starting, logs, typed, invocations, configuration, ending):
        broken = None
        try:
            part(client, side)
        except (sides.Trouble, OSError, LookupError, TypeError, ValueError) as error:
            broken = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        client.record.put(f"{part.__name__} was played to the end", broken)
    return client.record.outcomes
