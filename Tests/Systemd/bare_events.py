#!/usr/bin/env python3
import os
import sys

from events import Client, LISTENER, events, names, payloads
from scenario import Daemon, check, run, wait

def configuration(daemon):
    def listener(name, subscription, manner="ok", more=""):
        return f"""[eventlistener:{name}]
command = {LISTENER} {daemon.path(name)} {manner}
events = {subscription}
{more}
"""
    return "".join([
        listener("all", "EVENT", more="buffer_size = 500"),
        listener("reject", "TICK_5", "fail"),
        listener("remote", "REMOTE_COMMUNICATION"),
        listener("bytes", "REMOTE_COMMUNICATION", "bytes", "event_length = bytes"),
        listener("die", "REMOTE_COMMUNICATION", "die", "startsecs = 0\nautorestart = true"),
        listener("deaf", "PROCESS_LOG", "deaf", "buffer_size = 3"),
        listener("garbage", "TICK_5", "garbage"),
        f"""[program:say]
command = {daemon.path("say.py")}
stdout_logfile = {daemon.path("say.log")}
stderr_logfile = {daemon.path("say.err")}
stdout_capture_maxbytes = 4KB
stdout_events_enabled = true
stderr_events_enabled = true
autorestart = false
startsecs = 0
[program:flood]
command = {sys.executable} -c "import sys, time; [sys.stdout.write('x' * 1000 + chr(10)) for n in range(20000)]; time.sleep(1000)"
stdout_logfile = {daemon.path("flood.log")}
stdout_events_enabled = true
autostart = false
""",
    ])


def scenario(daemon):
    """Real listeners get supervisord's events, each pool its own, and none of them holds anybody up."""
    with open(daemon.path("say.py"), "w") as file:
        file.write(f"""#!{sys.executable}
import sys, time
out = sys.stdout.buffer
out.write("w\\xf6 <!--XSUPERVISOR:BEG".encode()); out.flush(); time.sleep(0.3)
out.write(b"IN-->inside<!--XSUPERVISOR:END-->post\\n"); out.flush()
sys.stderr.write("to stderr"); sys.stderr.flush()
time.sleep(1)
out.write(b"<!--XSUPERVISOR")
""")
    os.chmod(daemon.path("say.py"), 0o755)
    daemon.configure(configuration(daemon))
    daemon.start()
    daemon.running("all", "reject", "remote", "bytes", "deaf", "garbage")
    client = Client(daemon)

    # The first events, in supervisord's order and with its numbers.
    first = wait("the first events", 10, lambda: len(events(daemon, "all")) > 20 and events(daemon, "all"))
    check([event["serial"] for event in first[:20]] == [str(number) for number in range(20)], "serials have a gap")
    check(all(event["serial"] == event["poolserial"] for event in first), "serial and poolserial of EVENT differ")
    check(all(event["ver"] == "3.0" and event["server"] == "supervisor" for event in first), "ver or server is wrong")
    added = [event["payload"] for event in first if event["eventname"] == "PROCESS_GROUP_ADDED"]
    check(added[:2] == ["groupname:all\n", "groupname:bytes\n"], f"groups are added as {added}")
    check(first[9]["eventname"] == "SUPERVISOR_STATE_CHANGE_RUNNING", f"event 9 is {first[9]}")

    # What was captured stays out of the log; what stands around it, and at the end, does not.
    communication = wait("a communication event", 10,
                         lambda: payloads(daemon, "all", "PROCESS_COMMUNICATION_STDOUT"))
    check(communication[0].endswith("\ninside") and communication[0].startswith("processname:say groupname:say pid:"),
          f"the communication event says {communication}")
    wait("say has exited", 10, lambda: daemon.worker("say").get("state") == "EXITED")
    wait("the end of say's log", 5,
         lambda: open(daemon.path("say.log")).read() == "w\xf6 post\n<!--XSUPERVISOR")
    logged = wait("all of say's output as events", 5, lambda: [
        texts for texts in ["".join(text.partition("\n")[2] for text in payloads(daemon, "all", "PROCESS_LOG_STDOUT"))]
        if texts.endswith("<!--XSUPERVISOR")])
    check(logged == ["w\xf6 insidepost\n<!--XSUPERVISOR"], f"PROCESS_LOG_STDOUT says {logged}")
    errors = payloads(daemon, "all", "PROCESS_LOG_STDERR")
    check(len(errors) == 1 and errors[0].endswith(" channel:stderr\nto stderr"), f"PROCESS_LOG_STDERR says {errors}")

    # A client's own event; the length in characters, or in bytes where that is configured.
    check(client.supervisor.sendRemoteCommEvent("typ", "w\xf6rld") is True, "sendRemoteCommEvent does not say True")
    for name, length in (("remote", "14"), ("bytes", "15")):
        event = wait(f"{name} hears of it", 5, lambda: events(daemon, name))[0]
        check(event["len"] == length and event["payload"] == "type:typ\nw\xf6rld", f"{name} got {event}")

    # A listener that dies with an event gets it again, as the same event.
    again = wait("die got it twice", 10, lambda: len(events(daemon, "die")) > 1 and events(daemon, "die"))
    check(again[0] == again[1], f"the event came back as another: {again[:2]}")

    # A listener that was told a lie stays out; a restart heals it.
    check(daemon.has_logged("garbage: has entered the UNKNOWN state and will no longer receive events"),
          "nothing is said of a listener that broke the protocol")

    # A tick that is always rejected comes back to its own pool, and to no other.
    ticks = wait("a rejected tick comes back", 15,
                 lambda: len(events(daemon, "reject")) > 3 and events(daemon, "reject"))
    check(ticks[0]["serial"] == ticks[1]["serial"] == ticks[2]["serial"], "the rejected tick was not redelivered")
    check(int(ticks[0]["payload"].removeprefix("when:")) % 5 == 0, f"the tick says {ticks[0]['payload']}")
    check(names(daemon, "remote") == {"REMOTE_COMMUNICATION"}, f"remote got {names(daemon, 'remote')}")

    # A listener that never reads stalls nobody: events are dropped, and said; the log has every byte.
    client.supervisor.startProcess("flood")
    wait("flood.log is whole", 15, lambda: os.path.getsize(daemon.path("flood.log")) == 20000 * 1001)
    wait("the overflow is said", 10, lambda: daemon.has_logged("pool deaf event buffer overflowed, discarding event"))
    check(client.supervisor.getState()["statecode"] == 1, "the daemon does not answer")

    # As processes they are like others, and their input can be written to.
    info = client.supervisor.getProcessInfo("all")
    check(info["group"] == "all" and info["statename"] == "RUNNING" and info["stdout_logfile"], f"info is {info}")
    check([row["name"] for row in client.supervisor.getAllProcessInfo()][0] == "all", "listeners do not come first")

    # A pool that is changed is another pool; one that is removed hears nothing more.
    text = configuration(daemon).replace(f"{daemon.path('reject')} fail\nevents = TICK_5\n",
                                         f"{daemon.path('reject')} ok\nevents = PROCESS_GROUP\n")
    daemon.configure(text)
    out, err, code = daemon.ctl("update")
    check(code == 0 and "reject: updated process group" in out, f"update: exit code {code}: {out}{err}")
    daemon.running("reject")
    client.supervisor.stopProcess("flood")
    client.supervisor.removeProcessGroup("flood")
    heard = wait("the changed pool hears", 10, lambda: [event for event in events(daemon, "reject")
                                                        if event["eventname"] == "PROCESS_GROUP_REMOVED"
                                                        and event["pool"] == "reject"])
    check(heard[0]["payload"] == "groupname:flood\n", f"it heard {heard[0]}")

    # They stop last, and hear first who has stopped.
    check(daemon.stop() == 0, "the daemon did not end well")
    last = names(daemon, "all", 12)
    check("SUPERVISOR_STATE_CHANGE_STOPPING" in last, f"the last events are {last}")


run(Daemon, scenario)
