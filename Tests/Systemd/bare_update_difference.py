#!/usr/bin/env python3
from scenario import Daemon, check, is_alive, run, wait

TEXT = """[program:many]
command = sleep 1000
process_name = many_%(process_num)d
numprocs = {count}
[group:pair]
programs = left,right
[program:left]
command = sleep 1000
[program:right]
command = {right}
[health]
interval = 500ms
grace = 1s
confirm = 1 of 1
fd_warning = {warning}
"""


def text(count=1, right="sleep 2000", warning="80%"):
    return TEXT.format(count=count, right=right, warning=warning)


def pids(daemon, *names):
    workers = daemon.running(*names)
    return [workers[name]["pid"] for name in names]


def scenario(daemon):
    """update starts and stops the difference of numprocs, and restarts one changed program of a group; the rest goes on."""
    daemon.configure(text(2, "sleep 1000"))
    daemon.start()
    before = pids(daemon, "many:many_0", "many:many_1", "pair:left", "pair:right")

    daemon.configure(text(3, "sleep 1000"))
    out, err, code = daemon.ctl("update")
    check((out, code) == ("many: updated process group\n", 0), f"two to three: exit code {code}: {out}{err}")
    third, = pids(daemon, "many:many_2")
    check(pids(daemon, "many:many_0", "many:many_1", "pair:left", "pair:right") == before, "somebody was disturbed")

    daemon.configure(text(1, "sleep 1000"))
    out, err, code = daemon.ctl("update")
    check((out, code) == ("many:many_1: stopped\nmany:many_2: stopped\nmany: updated process group\n", 0),
          f"three to one: exit code {code}: {out}{err}")
    check(not is_alive(third) and not is_alive(before[1]), "what is not configured any more still runs")
    check(pids(daemon, "many:many_0", "pair:left", "pair:right") == [before[0], *before[2:]], "somebody was disturbed")
    check(sorted(daemon.workers()) == ["many:many_0", "pair:left", "pair:right"], f"{list(daemon.workers())}")

    daemon.configure(text(1, "sleep 2000"))
    out, err, code = daemon.ctl("update")
    check((out, code) == ("pair:right: stopped\npair: updated process group\n", 0),
          f"one of a group: exit code {code}: {out}{err}")
    check(pids(daemon, "many:many_0", "pair:left") == [before[0], before[2]], "somebody was disturbed")
    check(pids(daemon, "pair:right") != [before[3]], "what changed was not restarted")
    check(daemon.worker("pair:right")["last_restart"]["reason"] == "config", "the reason is not said")
    out, _, code = daemon.ctl("update")
    check((out, code) == ("", 0), f"a second update: exit code {code}: {out}")

    # What health means for a worker needs no new worker.
    before = pids(daemon, "many:many_0", "pair:left", "pair:right")
    check(daemon.health("pair:left") in ("starting", "healthy"), f"left is {daemon.health('pair:left')}")
    daemon.configure(text(warning="1000000 free"))
    out, err, code = daemon.ctl("update")
    check(code == 0 and sorted(out.splitlines()) == ["many: updated process group", "pair: updated process group"],
          f"health alone: exit code {code}: {out}{err}")
    wait("the new thresholds hold", 15, lambda: daemon.health("pair:left") == "leaking/fds")
    check(pids(daemon, "many:many_0", "pair:left", "pair:right") == before, "somebody was restarted for a threshold")


run(Daemon, scenario)
