"""Every method of XML-RPC, with good and bad arguments, in every state that matters.

Each function plays its calls on one side and records an outcome for each; the runner compares what the sides recorded.
"""
import re
import time
import xmlrpc.client

from sides import Trouble

PROCESS_METHODS = ("startProcess", "stopProcess", "getProcessInfo", "clearProcessLogs", "clearProcessLog")
LOG_METHODS = ("readProcessStdoutLog", "readProcessStderrLog", "readProcessLog", "tailProcessStdoutLog",
               "tailProcessStderrLog", "tailProcessLog")
AUTOMATIC = ("cat", "talker", "many:many_00", "many:many_01", "pair:left", "stubborn")
# A call of each method that is known to be good while the daemon runs. `system.listMethods` must hold no other.
GOOD = {
    "supervisor.addProcessGroup": ("cat",),
    "supervisor.clearAllProcessLogs": (),
    "supervisor.clearLog": (),
    "supervisor.clearProcessLog": ("cat",),
    "supervisor.clearProcessLogs": ("cat",),
    "supervisor.getAPIVersion": (),
    "supervisor.getAllConfigInfo": (),
    "supervisor.getAllProcessInfo": (),
    "supervisor.getIdentification": (),
    "supervisor.getPID": (),
    "supervisor.getProcessInfo": ("cat",),
    "supervisor.getState": (),
    "supervisor.getSupervisorVersion": (),
    "supervisor.getVersion": (),
    "supervisor.readLog": (0, 0),
    "supervisor.readMainLog": (0, 0),
    "supervisor.readProcessLog": ("cat", 0, 0),
    "supervisor.readProcessStderrLog": ("cat", 0, 0),
    "supervisor.readProcessStdoutLog": ("cat", 0, 0),
    "supervisor.reloadConfig": (),
    "supervisor.removeProcessGroup": ("cat",),
    "supervisor.restart": (),
    "supervisor.sendProcessStdin": ("cat", "x\n"),
    "supervisor.sendRemoteCommEvent": ("type", "data"),
    "supervisor.shutdown": (),
    "supervisor.signalAllProcesses": ("CONT",),
    "supervisor.signalProcess": ("cat", "CONT"),
    "supervisor.signalProcessGroup": ("many", "CONT"),
    "supervisor.startAllProcesses": (),
    "supervisor.startProcess": ("cat",),
    "supervisor.startProcessGroup": ("many",),
    "supervisor.stopAllProcesses": (),
    "supervisor.stopProcess": ("cat",),
    "supervisor.stopProcessGroup": ("many",),
    "supervisor.tailProcessLog": ("cat", 0, 10),
    "supervisor.tailProcessStderrLog": ("cat", 0, 10),
    "supervisor.tailProcessStdoutLog": ("cat", 0, 10),
    "system.listMethods": (),
    "system.methodHelp": ("supervisor.getPID",),
    "system.methodSignature": ("supervisor.getPID",),
    "system.multicall": ([],),
}


class Record:
    """What one side answered, by the case's name."""

    def __init__(self, side, prefix):
        self.side = side
        self.prefix = prefix
        self.outcomes = {}

    def put(self, name, outcome):
        name = f"{self.prefix} {name}"
        if name in self.outcomes:
            name += f" (number {sum(case.startswith(name) for case in self.outcomes) + 1})"
        self.outcomes[name] = outcome

    def call(self, method, *parameters, note=""):
        """Records what a method answers; `note` tells two equal calls apart."""
        outcome = self.side.plain(self.side.call(method, *parameters))
        if "supervisor.stop" in method and isinstance(outcome[1], list):
            # supervisord lists each as it is done, which is not the same twice.
            outcome[1].sort(key=lambda entry: entry["name"])
        arguments = ", ".join(self.side.plain_text(repr(getattr(parameter, "data", parameter))) for parameter in parameters)
        self.put(f"{method}({arguments}){' ' + note if note else ''}", outcome)
        return outcome

    def supervisor(self, method, *parameters, note=""):
        return self.call("supervisor." + method, *parameters, note=note)

    def info(self, name, note):
        return self.supervisor("getProcessInfo", name, note=note)

def begin(side):
    """Files that the configuration names, and a daemon that has come to rest."""
    with open(side.path("plain-file"), "w") as file:
        file.write("no program\n")
    side.start()
    side.reaches("RUNNING", *AUTOMATIC)
    side.wait("talker has spoken", 10, lambda: "an error" in side.call("supervisor.readProcessStderrLog", "talker", 0, 0)[1])


def looking(side, record):
    """Methods that change nothing."""
    methods = side.call("system.listMethods")[1]
    record.put("system.listMethods() of supervisord's namespaces",
               [name for name in methods if name.split(".")[0] in ("supervisor", "system")])
    for method in sorted(GOOD):
        record.call("system.methodSignature", method)
        # The texts are each daemon's own.
        record.put(f"system.methodHelp({method!r}) is a text", isinstance(side.call("system.methodHelp", method)[1], str))
        # One argument too many is refused before anything is done, for every method.
        record.call(method, *GOOD[method], *["more"] * 3)
    for method in ("getAPIVersion", "getVersion", "getSupervisorVersion", "getIdentification", "getState",
                   "getAllProcessInfo", "getAllConfigInfo"):
        record.supervisor(method)
    record.put("getPID() is the daemon's", side.call("supervisor.getPID")[1] == side.process.pid)
    for name in ("cat", "cat:cat", "many:many_00", "many_00", "many", "many:*", "many:", "pair:left", "left", "pair",
                 "nobody", "", ":", "cat:", ":cat", "cat:cat:cat", "ca t", "nobody:nobody", "idle", "silent"):
        record.supervisor("getProcessInfo", name)
    for bad in (1, True, 1.5, ["cat"], {"name": "cat"}):
        record.supervisor("getProcessInfo", bad)
    for method in ("", "nothing", "supervisor", "supervisor.", "supervisor.nothing", ".getState", "a.b.c",
                   "supervisor._update", "supervisor.__class__", "_private.x", "system.nothing", "other.getState",
                   "supervisor.supervisord.options"):
        record.call(method)
    for topic in ("nothing", "supervisor.nothing", "", "system.methodHelp", 1):
        record.call("system.methodSignature", topic)
    record.call("system.methodHelp", "nothing")
    record.call("system.methodHelp", 1)


def multicalls(side, record):

    def many(*calls, note=""):
        record.call("system.multicall", list(calls), note=note)

    many()
    many({"methodName": "supervisor.getState"})
    many({"methodName": "supervisor.getState", "params": []},
         {"methodName": "supervisor.getProcessInfo", "params": ["cat"]},
         {"methodName": "supervisor.getProcessInfo", "params": ["nobody"]},
         {"methodName": "supervisor.nothing", "params": []},
         {"methodName": "supervisor.getState", "params": ["too many"]})
    many({"methodName": "system.multicall", "params": [[]]})
    many({"params": []})
    many({"methodName": "system.listMethods", "params": ["x"]})
    many({"methodName": "supervisor.stopProcess", "params": ["pair:left"]},
         {"methodName": "supervisor.getProcessInfo", "params": ["pair:left"]},
         {"methodName": "supervisor.startProcess", "params": ["pair:left"]},
         {"methodName": "supervisor.getProcessInfo", "params": ["pair:left"]}, note="waits for each")
    many({"methodName": "supervisor.startProcess", "params": ["quick"]})
    many({"methodName": 1})
    many("text")
    record.call("system.multicall", "text")
    record.call("system.multicall", {"a": 1})


def starting(side, record):
    """Starting and stopping, with and without waiting, in every state."""
    call, info = record.supervisor, record.info
    info("idle", "before its first start")
    call("startProcess", "idle")
    info("idle", "after its first start")
    call("startProcess", "idle", note="which runs")
    call("stopProcess", "idle")
    info("idle", "stopped")
    call("stopProcess", "idle", note="which has stopped")
    call("startProcess", "idle", False, note="without waiting")
    side.reaches("RUNNING", "idle")
    call("stopProcess", "idle", False, note="without waiting")
    side.reaches("STOPPED", "idle")
    for name in ("missing", "plain", "directory", "nowhere", "quick", "bad", "once", "killed", "lost"):
        call("startProcess", name)
        side.wait(f"{name} rests", 10, lambda name=name: side.state(name) in ("STOPPED", "EXITED", "FATAL"))
        info(name, "after a start")
        call("startProcess", name, note="again")
        side.wait(f"{name} rests", 10, lambda name=name: side.state(name) in ("STOPPED", "EXITED", "FATAL"))
        call("startProcess", name, False, note="without waiting")
        side.wait(f"{name} rests", 10, lambda name=name: side.state(name) in ("STOPPED", "EXITED", "FATAL"))
        info(name, "after a third start")
        call("stopProcess", name, note="afterwards")
        call("signalProcess", name, "HUP", note="afterwards")
    call("startProcess", "slow", False)
    info("slow", "while it starts")
    call("startProcess", "slow", note="while it starts")
    call("signalProcess", "slow", "CONT", note="while it starts")
    call("stopProcess", "slow", note="while it starts")
    info("slow", "stopped while it started")
    call("startProcess", "backoff", False)
    side.reaches("BACKOFF", "backoff")
    info("backoff", "in BACKOFF")
    call("startProcess", "backoff", note="in BACKOFF")
    side.reaches("BACKOFF", "backoff")
    call("signalProcess", "backoff", "CONT", note="in BACKOFF")
    call("stopProcess", "backoff", note="in BACKOFF")
    info("backoff", "stopped in BACKOFF")
    for bad in ("nobody", "nobody:*", "many_00", "", "many"):
        call("startProcess", bad)
        call("stopProcess", bad)
        call("signalProcess", bad, "HUP")
        call("startProcessGroup", bad)
        call("stopProcessGroup", bad)
        call("signalProcessGroup", bad, "HUP")
    for wait in (1, 0, "yes", "", None, [], 2.5):
        if wait is not None:
            call("startProcess", "cat", wait)
            call("stopProcess", "quick", wait)
    for bad in (1, ["cat"]):
        call("startProcess", bad)
        call("stopProcess", bad)
        call("startProcessGroup", bad)
    call("startProcess")
    call("stopProcess")
    call("startProcess", "many:*", note="which runs")
    call("stopProcess", "many:*")
    call("stopProcess", "many:*", note="which has stopped")
    info("many:many_01", "after its group was stopped")
    call("startProcess", "many:")
    call("stopProcessGroup", "many")
    call("stopProcessGroup", "many", note="which has stopped")
    call("startProcessGroup", "many")
    call("startProcessGroup", "many", note="which runs")
    call("stopProcessGroup", "many", False, note="without waiting")
    side.reaches("STOPPED", "many:many_00", "many:many_01")
    call("startProcessGroup", "many", False, note="without waiting")
    side.reaches("RUNNING", "many:many_00", "many:many_01")
    call("startProcessGroup", "cat", note="of one")
    call("startProcessGroup", "missing")
    call("startProcessGroup", "pair")
    call("stopProcess", "pair:right")


def stopping_slowly(side, record):
    """A process that does not heed the stop signal."""
    call = record.supervisor
    call("stopProcess", "stubborn", False, note="without waiting")
    record.info("stubborn", "while it stops")
    call("stopProcess", "stubborn", note="while it stops")
    call("signalProcess", "stubborn", "CONT", note="while it stops")
    call("sendProcessStdin", "stubborn", "x", note="while it stops")
    call("removeProcessGroup", "stubborn", note="while it stops")
    call("signalProcess", "stubborn", "KILL", note="while it stops")
    side.reaches("STOPPED", "stubborn")
    record.info("stubborn", "killed while it stopped")
    call("startProcess", "stubborn")
    side.wait("the stubborn process is deaf", 10,
              lambda: "deaf" in side.call("supervisor.readProcessStdoutLog", "stubborn", -5, 0)[1])
    call("stopProcess", "stubborn", False, note="without waiting, again")
    call("startProcess", "stubborn", note="while it stops")
    # Only Warden starts it by that.
    side.wait("the stubborn process has ended", 20, lambda: side.state("stubborn") in ("STOPPED", "RUNNING"))
    if side.state("stubborn") == "STOPPED":
        side.call("supervisor.startProcess", "stubborn")
    side.reaches("RUNNING", "stubborn")


DEADLY = ("RTMIN", "SIGRTMIN+1", True)


def signals(side, record):
    call = record.supervisor
    for signal in ("CONT", "SIGCONT", "cont", "18", 18, "0", 0, "NOPE", "99", 99, "-1", "", "RTMIN", "SIGRTMIN+1", True):
        # A signal that ends it has to have come before the next one goes.
        pid = side.call("supervisor.getProcessInfo", "cat")[1]["pid"]
        lethal = record.supervisor("signalProcess", "cat", signal) == ["value", True] and signal in DEADLY
        if lethal:
            side.wait("cat is another", 10, lambda: side.call("supervisor.getProcessInfo", "cat")[1]["pid"] not in (0, pid))
        side.reaches("RUNNING", "cat")
        record.info("cat", f"after signal {signal!r}")
    call("signalProcess", "idle", "HUP", note="which has stopped")
    call("signalProcess", "idle", "NOPE", note="which has stopped")
    call("signalProcess", "many:*", "CONT")
    call("signalProcess", "many:*", "NOPE")
    call("signalProcess", "cat", ["HUP"])
    call("signalProcess", "cat")
    call("signalProcessGroup", "many", "CONT")
    call("signalProcessGroup", "many", "18")
    call("signalProcessGroup", "many", "NOPE")
    call("signalProcessGroup", "idle", "CONT", note="none runs")
    call("signalProcessGroup", "idle", "NOPE", note="none runs")
    call("signalAllProcesses", "CONT")
    call("signalAllProcesses", "NOPE")
    call("signalProcess", "cat", "KILL")
    side.wait("cat was started again", 10, lambda: side.state("cat") == "RUNNING")


def logs(side, record):
    """Reading, tailing and clearing."""
    call = record.supervisor
    offsets = ((0, 0), (0, 10), (5, 10), (-10, 0), (-1, 5), (0, -1), (-100000, 0), (100000, 0), (100000, 10), (0, 100000),
               (-100000, 5), ("0", "10"), ("x", 0), (0, "x"), (1.5, 0), (True, 10), ([], 0), (2**31 - 1, 2**31 - 1))
    for method in LOG_METHODS:
        for offset, length in offsets:
            call(method, "talker", offset, length)
        for name in ("silent", "idle", "nobody", "many:many_00", "many:*", "many", "", 1):
            call(method, name, 0, 10)
        call(method, "talker")
        call(method, "talker", 0)
        call(method, "talker", 0, 0, 0)
    for method in ("readLog", "readMainLog"):
        for offset, length in ((-1, 5), (0, -1), (10**8, 0), ("x", 0), (0, "x")):
            call(method, offset, length)
        record.put(f"{method}(0, 0) is a text of lines", bool(re.match(
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]{4} ", str(side.call("supervisor." + method, 0, 0)[1]))))
    text = str(side.call("supervisor.readLog", 0, 0)[1])
    for pattern in (r"INFO spawned: 'cat' with pid \d+", r"INFO success: cat entered RUNNING state, process has stayed "
                    r"up for > than 1 seconds \(startsecs\)", r"INFO stopped: idle \(terminated by SIGTERM\)",
                    r"(WARN|INFO) exited: quick \(exit status 3; not expected\)",
                    r"INFO gave up: quick entered FATAL state, too many start retries too quickly",
                    r"INFO spawnerr: can't find command", r"INFO supervisord started with pid \d+",
                    r"INFO RPC interface 'supervisor' initialized", r"INFO exited: once \(exit status 0; expected\)",
                    r"WARN exited: bad \(exit status 4; not expected\)",
                    r"WARN exited: killed \(terminated by SIGKILL; not expected\)"):
        record.put(f"the main log has {pattern}", bool(re.search(pattern, text)))
    call("clearProcessLogs", "talker")
    call("readProcessStdoutLog", "talker", 0, 0, note="cleared")
    call("tailProcessStdoutLog", "talker", 0, 100, note="cleared")
    for name in ("nobody", "many:*", "", "silent", "idle", "many:many_00", 1):
        call("clearProcessLogs", name)
    call("clearProcessLog", "cat")
    record.put("clearAllProcessLogs()", side.plain(side.call("supervisor.clearAllProcessLogs")))
    call("clearLog")
    record.put("the cleared main log is short", len(side.call("supervisor.readLog", 0, 0)[1]) < 500)


def standard_input(side, record):
    call = record.supervisor
    call("clearProcessLogs", "cat")
    call("sendProcessStdin", "cat", "hello\n")
    side.wait("cat has answered", 10, lambda: side.call("supervisor.readProcessStdoutLog", "cat", 0, 0)[1] == "hello\n")
    call("readProcessStdoutLog", "cat", 0, 0, note="has the line")
    call("sendProcessStdin", "cat", "")
    call("sendProcessStdin", "cat", "wö 世\n")
    side.wait("cat has answered", 10, lambda: "世" in side.call("supervisor.readProcessStdoutLog", "cat", 0, 0)[1])
    call("readProcessStdoutLog", "cat", 0, 0, note="is UTF-8")
    for name in ("nobody", "idle", "many:*", "many", ""):
        call("sendProcessStdin", name, "x")
    for text in (1, True, ["x"], {"a": "b"}, xmlrpc.client.Binary(b"x")):
        call("sendProcessStdin", "cat", text, note="" if not isinstance(text, xmlrpc.client.Binary) else "in base64")
    call("sendProcessStdin", 1, "x")
    call("sendProcessStdin", "cat")
    call("sendRemoteCommEvent", "type", "data")
    call("sendRemoteCommEvent", "", "")
    call("sendRemoteCommEvent", 1, 2)
    call("sendRemoteCommEvent", "type")


def configuration(side, record):
    """Groups that come, change and go."""
    call = record.supervisor
    call("reloadConfig", note="nothing changed")
    call("addProcessGroup", "cat", note="which is active")
    call("addProcessGroup", "nobody")
    call("addProcessGroup", "pair:left")
    call("addProcessGroup", 1)
    call("removeProcessGroup", "nobody")
    call("removeProcessGroup", "many", note="which runs")
    call("removeProcessGroup", "many:*")
    call("removeProcessGroup", 1)
    with open(side.configuration) as file:
        text = file.read()
    changed = text.replace("[program:idle]\ncommand = sleep 1000", "[program:idle]\ncommand = sleep 999").replace(
        "numprocs = 2", "numprocs = 3").replace("[program:silent]", "[program:new]")
    changed += "\n[program:manual]\ncommand = sleep 5\nautostart = false\n"
    with open(side.configuration, "w") as file:
        file.write(changed)
    call("reloadConfig", note="changed")
    call("reloadConfig", note="changed, again")
    call("getAllConfigInfo", note="after a change")
    call("getProcessInfo", "new", note="not added yet")
    call("addProcessGroup", "new")
    call("addProcessGroup", "manual")
    call("getProcessInfo", "manual", note="added")
    call("stopProcessGroup", "idle")
    call("removeProcessGroup", "idle")
    call("getProcessInfo", "idle", note="removed")
    call("addProcessGroup", "idle")
    call("removeProcessGroup", "silent")
    call("stopProcessGroup", "many")
    call("removeProcessGroup", "many")
    call("addProcessGroup", "many")
    side.reaches("RUNNING", "many:many_02")
    record.put("the groups afterwards", [
        f"{info['group']}:{info['name']}" for info in side.call("supervisor.getAllProcessInfo")[1]])
    call("reloadConfig", note="all is up to date")
    for number, (what, broken) in enumerate((
            ("an expansion that is not there", changed.replace("command = cat", "command = %(nope)s")),
            ("a boolean that is none", changed.replace("autostart = false", "autostart = perhaps", 1)),
            ("a group with an unknown program", changed.replace("left, right", "left, wrong")),
            ("no section header", "text\n" + changed),
            ("a program without command", changed + "\n[program:empty]\n"))):
        with open(side.configuration, "w") as file:
            file.write(broken)
        outcome = side.call("supervisor.reloadConfig")
        # The text is each daemon's own.
        record.put(f"reloadConfig() with {what}", list(outcome[:2]) + [str(outcome[2:])[2:15]])
        call("getState", note=f"after bad configuration {number}")
    with open(side.configuration, "w") as file:
        file.write(text)
    call("reloadConfig", note="changed back")


def by_name(side, outcome):
    return side.plain(sorted(outcome[1], key=lambda entry: entry["name"]) if outcome[0] == "value" else outcome)


def everything(side, record):
    """The calls for all processes."""
    side.call("supervisor.stopProcess", "stubborn")
    # supervisord lists each as it is done, which is not the same twice.
    record.put("stopAllProcesses() by name", by_name(side, side.call("supervisor.stopAllProcesses")))
    record.supervisor("stopAllProcesses", note="when all have stopped")
    record.put("states when all have stopped", {
        info["name"]: info["statename"] for info in side.call("supervisor.getAllProcessInfo")[1]})
    record.put("startAllProcesses() by name", by_name(side, side.call("supervisor.startAllProcesses")))
    side.reaches("RUNNING", *AUTOMATIC)
    record.put("stopAllProcesses(False) by name", by_name(side, side.call("supervisor.stopAllProcesses", False)))


def ending(side, record):
    """Every method while the daemon stops, as long as the stubborn process lets it."""
    side.wait("the stubborn process has stopped", 20, lambda: side.state("stubborn") == "STOPPED")
    side.call("supervisor.startProcess", "stubborn")
    # Its signal handler is in place only when it has said so.
    side.wait("the stubborn process is deaf", 10,
              lambda: "deaf" in side.call("supervisor.readProcessStdoutLog", "stubborn", 0, 0)[1])
    side.call("supervisor.clearProcessLogs", "stubborn")
    record.supervisor("shutdown")
    side.wait("it stops", 5, lambda: side.call("supervisor.getState")[0] == "fault")
    for method in sorted(GOOD):
        if method.startswith("supervisor."):
            record.call(method, *GOOD[method], note="while the daemon stops")
            record.call(method, *GOOD[method], *["more"] * 3, note="while the daemon stops")
    record.call("supervisor.nothing", note="while the daemon stops")
    record.call("system.multicall", [{"methodName": "supervisor.getState", "params": []}], note="while the daemon stops")
    record.call("system.methodSignature", "supervisor.getPID", note="while the daemon stops")
    began = time.monotonic()
    record.put("exit code of a daemon that was shut down", side.process.wait(30))
    record.put("the socket's file is gone", not side.exists(side.socket))
    record.put("the pid file is gone", not side.exists(side.path("daemon.pid")))
    record.put("the daemon waited for the stubborn process", time.monotonic() - began > 1)


PARTS = {
    "look": looking,
    "multicall": multicalls,
    "start": starting,
    "stubborn": stopping_slowly,
    "signal": signals,
    "log": logs,
    "stdin": standard_input,
    "configuration": configuration,
    "all": everything,
    "shutdown": ending,
}


def play(side):
    """All parts, one after the other: `{case: outcome}`."""
    outcomes = {}
    begin(side)
    for prefix, part in PARTS.items():
        record = Record(side, prefix + ":")
        broken = None
        try:
            part(side, record)
        except (Trouble, OSError, LookupError, TypeError) as error:
            # What a daemon did not do is a difference too; the next part may still be of use.
            broken = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        record.put("played to the end", broken)
        outcomes.update(record.outcomes)
    return outcomes
