#!/usr/bin/env python3
import signal
import time

from scenario import Daemon, check, is_alive, run, wait

ONE = "[program:one]\ncommand = sleep 1000\n"
TWO = "[program:two]\ncommand = sleep 1000\nprocess_name = two_%(process_num)d\nnumprocs = 2\n"
THREE = "[program:three]\ncommand = sleep 1000\n"


def restarted(daemon, *names):
    """Waits until the named workers run as other processes, with the daemon the same."""
    before = dict(daemon.watched)

    def all_new():
        workers = daemon.workers()
        return all(workers.get(name, {}).get("state") == "RUNNING" and workers[name]["pid"] != before.get(name)
                   for name in names)
    wait(f"{', '.join(names)} run anew", 10, all_new)
    check(not any(is_alive(pid) for pid in before.values()), "a former worker still runs")
    check(daemon.process.poll() is None, "the daemon has ended")
    check(daemon.ctl("pid")[0].strip() == str(daemon.process.pid), "the daemon has another pid")
    daemon.watched = {}
    daemon.running(*names)


def scenario(daemon):
    """A good configuration is taken in place, a bad one changes nothing and is named with its line."""
    daemon.configure(ONE + TWO)
    daemon.start()
    daemon.running("one", "two:two_0", "two:two_1")

    daemon.configure(ONE + TWO + THREE)
    daemon.process.send_signal(signal.SIGHUP)
    restarted(daemon, "one", "two:two_0", "two:two_1", "three")
    out, err, code = daemon.ctl("reload")
    check(code == 0 and "Restarted supervisord" in out, f"reload: exit code {code}: {out}{err}")
    restarted(daemon, "one", "two:two_0", "two:two_1", "three")

    daemon.configure(ONE + TWO + THREE + "startsecs = soon\n")
    place = daemon.line_of("startsecs = soon")
    daemon.process.send_signal(signal.SIGHUP)
    wait(f"the log names {place}", 5, lambda: daemon.has_logged(place))
    out, err, code = daemon.ctl("reload")
    check(code == 1 and place in out + err, f"reload of a bad configuration: exit code {code}: {out}{err}")
    time.sleep(1)
    daemon.undisturbed()

    daemon.configure(ONE + TWO.replace("1000", "2000") + "[program:four]\ncommand = sleep 1000\n")
    out, err, code = daemon.ctl("update")
    check(code == 0, f"update: exit code {code}: {out}{err}")
    for line in ("two: stopped", "two: updated process group", "three: stopped", "three: removed process group",
                 "four: added process group"):
        check(line in out.splitlines(), f"update does not say `{line}`: {out}")
    check("one:" not in out, f"update speaks of what did not change: {out}")
    before = dict(daemon.watched)
    workers = daemon.running("one", "two:two_0", "two:two_1", "four")
    check("three" not in workers, "three is still there")
    check(workers["one"]["pid"] == before["one"], "one was restarted")
    check(workers["two:two_0"]["pid"] != before["two:two_0"], "two was not restarted")
    out, _, code = daemon.ctl("update")
    check(code == 0 and not out.strip(), f"a second update: exit code {code}: {out}")


run(Daemon, scenario)
