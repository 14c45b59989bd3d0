#!/usr/bin/env python3
import os
import re
import signal
import time

from escapee import KINDS
from escapes import WITHOUT_GROUPS, end_all, end_marked, family, forget, living, mark, marked, program, settled
from scenario import Daemon, check, command, contents, run, wait

BOMB, CHAIN_SECONDS = 100, 60
EACH = "kill_tree = yes\nstartsecs = 0\nautorestart = false\n"


def hierarchy():
    """A directory of cgroup v2 in which groups can be made; None without one."""
    for line in contents("/proc/self/mountinfo").splitlines():
        words = line.split()
        if " - cgroup2 " in line and os.geteuid() == 0 and os.access(words[4], os.W_OK):
            return words[4]
    return None


def stop(daemon, name):
    began = time.monotonic()
    out, err, code = daemon.ctl("stop", name)
    check(code == 0, f"stop {name}: exit code {code}: {out}{err}")
    return time.monotonic() - began


def nothing_left(daemon, setting, kinds):
    """Every kind but those that are known to get away without groups; all at once when `stop` answers."""
    daemon.configure(f"cgroup = {setting}\n" + program(daemon, "family", "family", EACH)
                     + program(daemon, "again", "family", "kill_tree = yes\nstartsecs = 0\n")
                     + program(daemon, "bomb", "bomb", EACH + "autostart = false\n", str(BOMB))
                     + program(daemon, "chain", "chain", EACH + "autostart = false\n", str(CHAIN_SECONDS))
                     + "[program:other]\ncommand = sleep 1000\n")
    daemon.start()
    daemon.running("other")
    first = family(daemon, "family")
    said = daemon.ctl("why", "family")[0]
    expected = rf"cgroup {setting}/\d+\.1\n  \d+ processes" if setting != "no" else "no cgroup of its own: cgroup = no"
    check(re.search(expected, said), f"why does not tell what holds the tree: {said}")
    told = {}
    told["family"] = stop(daemon, "family")
    lost = {kind for kind in KINDS if kind not in kinds}
    check(living(first) <= lost, f"cgroup = {setting}: alive after stop: {living(first)}")
    end_all(first)
    # A restart, by a person and after the main process was killed: the new one never meets the old.
    old = family(daemon, "again")
    forget(daemon, "again")
    daemon.ctl("restart", "again")
    new = family(daemon, "again")
    check(living(old) <= lost, f"cgroup = {setting}: alive after restart: {living(old)}")
    end_all({kind: old[kind] for kind in lost})
    forget(daemon, "again")
    os.kill(daemon.worker("again")["pid"], signal.SIGKILL)
    newest = family(daemon, "again")
    # Nobody could look at the tree before.
    unseen = lost | {"stripped below"} if lost else lost
    check(living(new) <= unseen, f"cgroup = {setting}: alive after its main process was killed: {living(new)}")
    check(living(newest) == set(KINDS), f"the new generation lost somebody: {living(newest)}")
    end_all({kind: new[kind] for kind in unseen})
    stop(daemon, "again")
    end_all(newest)
    counts = {}
    for name, enough in (("bomb", BOMB * 0.6), ("chain", 2)):
        daemon.ctl("start", name)
        counts[name] = wait(f"the {name} goes off", 20, lambda: (lambda count: count >= enough and count)(
            len(marked(daemon, name))))
        told[name] = stop(daemon, name)
        left = marked(daemon, name)
        check(not left, f"cgroup = {setting}: {len(left)} of {name} are alive after stop: {left[:5]}")
    wait("no zombie is left", 10, lambda: not zombies(daemon.process.pid))
    daemon.undisturbed()
    daemon.watched.clear()
    times = ", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in told.items())
    print(f"cgroup = {setting}: {len(kinds)} of {len(KINDS)} kinds and a bomb of {counts['bomb']} ended; stop took {times}")
    return first


def zombies(pid):
    found = []
    for child in contents(f"/proc/{pid}/task/{pid}/children").split():
        if re.search(r"^State:\s+Z", contents(f"/proc/{child}/status"), re.MULTILINE):
            found.append(child)
    return found


def supervisord_rule(daemon):
    """Who outlives a stop without kill_tree: whoever the signal did not reach."""
    in_group = {"below", "orphan", "stripped orphan"}
    everybody = set(KINDS)
    rule = {
        # name: options, arguments, who is left
        "plain": ("", "", everybody),
        "asgroup": ("stopasgroup = true", "", everybody - in_group),
        # The group is killed only when SIGKILL is needed at all.
        "killgroup": ("killasgroup = true", "", everybody),
        "stubborn": ("stopwaitsecs = 1", "--stubborn", everybody),
        "killed": ("stopwaitsecs = 1\nkillasgroup = true", "--stubborn", everybody - in_group),
    }
    daemon.configure("".join(
        program(daemon, name, "family", f"kill_tree = no\nstartsecs = 0\nautorestart = false\n{options}", arguments)
        for name, (options, arguments, _) in rule.items()))
    daemon.start()
    families = {name: family(daemon, name) for name in rule}
    try:
        for name, (_, _, left) in rule.items():
            stop(daemon, name)
            found = settled(families[name], left)
            check(found == left, f"{name}: left are {sorted(found)}, by supervisord's rule {sorted(left)}")
    finally:
        end_all(*families.values())
    print(f"without kill_tree: {len(rule)} settings leave whom supervisord leaves")


def scenario(daemon):
    """kill_tree leaves nobody, with control groups and without; without kill_tree supervisord's rule holds."""
    try:
        play(daemon)
    finally:
        end_marked(daemon, "family", "again", "bomb", "chain")


def refusals(daemon):
    """Whoever insists on groups is told at once that there are none."""
    for setting, reason in (("yes", "cgroup"), (daemon.directory, "is not a directory of the cgroup v2 hierarchy")):
        daemon.configure(f"cgroup = {setting}\n")
        out, err, code = command(daemon.options.warden, "-n", "-c", daemon.configuration)
        check(code == 2 and "Error: [warden] cgroup: " in err and reason in err, f"cgroup = {setting}: {code}: {out}{err}")


def play(daemon):
    nothing_left(daemon, "no", WITHOUT_GROUPS)
    daemon.stop()
    mount = hierarchy()
    refusals(daemon)
    if mount:
        place = f"{mount}/warden-scenario-{os.getpid()}"
        try:
            nothing_left(daemon, place, KINDS)
            check(daemon.has_logged("workers get cgroups of their own below"), "the log does not tell of the groups")
            daemon.stop()
            left = [name for name in os.listdir(place) if os.path.isdir(f"{place}/{name}")]
            check(not left, f"groups are left: {left}")
        finally:
            command("find", place, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+")
    else:
        print("no writable cgroup v2 hierarchy here: only without groups")
    for name in ("family", "again", *("plain", "asgroup", "killgroup", "stubborn", "killed")):
        if os.path.exists(f"{mark(daemon, name)}.pids"):
            forget(daemon, name)
    supervisord_rule(daemon)


run(Daemon, scenario)
