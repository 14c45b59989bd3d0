#!/usr/bin/env python3
from scenario import Daemon, check, contents, run


def scenario(daemon):
    """restart --rolling: at most max_unavailable away, on when those are ready, no further than the first failure."""
    marks, broken = daemon.path("marks"), daemon.path("broken")
    def group(name, limit):
        worker = (f'test -e {broken} && exit 1; trap "echo down >> {marks}; exit 0" TERM; sleep 0.4; '
                  f'echo up >> {marks}; echo ready; while :; do sleep 0.1; done')
        return (f"[program:{name}]\ncommand = sh -c '{worker}'\nprocess_name = %(program_name)s_%(process_num)d\n"
                f"numprocs = 4\nready = line:^ready$\nstartretries = 0\n[health:{name}]\nmax_unavailable = {limit}\n")
    names = [f"{group}:{group}_{number}" for group in ("one", "two") for number in range(4)]
    daemon.configure(group("one", 1) + group("two", 2))
    daemon.start()
    before = daemon.running(*names)
    for name, limit in (("one", 1), ("two", 2)):
        open(marks, "w").close()
        out, err, code = daemon.ctl("restart", "--rolling", f"{name}:*", seconds=40)
        said = out.splitlines()
        check(code == 0 and len(said) == 8 and said.count(f"{name}:{name}_3: started") == 1, f"{code}: {out}{err}")
        away, most = 0, 0
        for mark in contents(marks).split():
            away += 1 if mark == "down" else -1
            most = max(most, away)
        check(most == limit and away == 0, f"{name}: {most} were away at once: {contents(marks).split()}")
    after = daemon.running(*names)
    check(all(before[name]["pid"] != after[name]["pid"] for name in names), "not every one was restarted")

    daemon.ctl("stop", "one:one_0")
    open(broken, "w").close()
    out, _, code = daemon.ctl("restart", "--rolling", "one:*", seconds=40)
    check(code == 7 and out.splitlines() == [
        "one:one_1: stopped", "one:one_1: ERROR (spawn error)",
        "rolling restart stopped; not restarted: one:one_2, one:one_3"], f"{code}: {out}")
    workers = daemon.workers()
    check(workers["one:one_0"]["state"] == "STOPPED", "what was stopped was started")
    check(workers["one:one_2"]["pid"] == after["one:one_2"]["pid"], "it went on after the first that failed")
    for words in (("--rolling",), ("--rolling=0", "one:*"), ("--rolling=x", "one:*")):
        out, _, code = daemon.ctl("restart", *words)
        check(code == 2 and "requires a process name" in out, f"{words}: {code}: {out}")
    out, _, code = daemon.ctl("restart", "--rolling", "none:*")
    check(code == 1 and out == "none:*: ERROR (no such process)\n", f"{code}: {out}")


run(Daemon, scenario)
