#!/usr/bin/env python3
import os
import signal
import time

from escapee import KINDS
from escapes import WITHOUT_GROUPS, end_all, end_marked, family, forget, living, marked, program, settled
from scenario import Service, check, contents, run, wait

BOMB = 100
EACH = "kill_tree = yes\nstartsecs = 0\nautorestart = false\nstopwaitsecs = 3\n"


def group_of(service):
    """The unit's directory in the hierarchy of the box."""
    return "/sys/fs/cgroup" + service.show("ControlGroup")


def kill_daemon(service):
    """kill -9, and the next one has taken over."""
    former = int(service.show("MainPID"))
    os.kill(former, signal.SIGKILL)
    wait("systemd starts the daemon again", 15,
         lambda: int(service.show("MainPID")) not in (0, former) and service.show("ActiveState") == "active")
    wait("it answers", 10, lambda: service.ctl("version")[2] == 0)


def stop(service, name):
    began = time.monotonic()
    out, err, code = service.ctl("stop", name)
    check(code == 0, f"stop {name}: exit code {code}: {out}{err}")
    return time.monotonic() - began


def round_of(service, crashes, kinds, told):
    """Each is started, the daemon perhaps killed, and each is stopped: who is left?"""
    lost = {kind for kind in KINDS if kind not in kinds}
    if os.path.exists(f"{service.directory}/family.pids"):
        forget(service, "family")
    service.ctl("start", "family")
    pids = family(service, "family")
    service.ctl("start", "bomb")
    wait("the bomb goes off", 30, lambda: len(marked(service, "bomb")) > BOMB * 0.6)
    if crashes:
        kill_daemon(service)
        service.undisturbed()
        check(living(pids) == set(KINDS), f"the crash took some of the family: {living(pids)}")
    for name in ("family", "bomb"):
        told.append(stop(service, name))
    check(living(pids) <= lost, f"alive after stop: {living(pids)}")
    left = marked(service, "bomb")
    check(not left, f"{len(left)} of the bomb are alive after stop: {left[:5]}")
    end_all(pids)


def play(service):
    service.install()
    service.systemctl("start", "warden")
    service.running("other")
    check(service.has_logged("workers get cgroups of their own below"), "the log does not tell of the groups")
    place = group_of(service)
    groups = [name for name in os.listdir(place) if os.path.isdir(f"{place}/{name}")]
    check(len(groups) >= 1, f"no group in {place}")
    pid = service.worker("other")["pid"]
    path = contents(f"/proc/{pid}/cgroup").strip().rpartition(":")[2]
    check(path.startswith(service.show("ControlGroup") + "/"), f"'other' is in {path}")
    # The daemon lives in the group that would have to be divided: the ceilings are not held, and people are told.
    trouble = "nothing holds its memory_max and tasks_max: .*(has no controller memory|needs DelegateSubgroup=)"
    check(service.has_logged(f"other: {trouble}"), "the log does not say that ceilings are not held")
    told = service.ctl("why", "other")[0]
    check("memory_max and tasks_max do not hold:" in told, f"why other:\n{told}")
    check(not contents(f"{place}/cgroup.subtree_control").strip(), "a controller is enabled in the unit's own group")
    times = []
    for crashes in (False, True):
        round_of(service, crashes, KINDS, times)
    # Whoever is left without kill_tree stays, also in its group, and the next generation is born into another.
    loose = family(service, "loose")
    stop(service, "loose")
    found = settled(loose, set(KINDS))
    check(found == set(KINDS), f"kill_tree = no: left are {sorted(found)}")
    kill_daemon(service)
    check(living(loose) == set(KINDS), f"a crash took what was left: {living(loose)}")
    forget(service, "loose")
    service.ctl("start", "loose")
    second = family(service, "loose")
    check(living(loose) == set(KINDS), "a start took what was left of the former generation")
    service.systemctl("stop", "warden", seconds=60)
    wait("the stop of the unit leaves nobody", 15, lambda: not living(loose) and not living(second))
    check(service.show("NFileDescriptorStore") == "0", "descriptors are still kept after the stop")
    # The same where groups are not wanted: the environment tells then, after a crash that of all processes.
    service.configure("cgroup = no\n" + service.programs)
    service.systemctl("start", "warden")
    service.running("other")
    for crashes in (False, True):
        round_of(service, crashes, WITHOUT_GROUPS, times)
    print(f"with groups and without, before a kill -9 of the daemon and after: nobody is left; "
          f"stops took {', '.join(f'{seconds * 1000:.0f}' for seconds in times)} ms")


def scenario(service):
    """Under systemd kill_tree leaves nobody, also after a kill -9 of the daemon; the unit's own group gets no controller."""
    service.programs = (
        program(service, "family", "family", EACH + "autostart = false\n")
        + program(service, "bomb", "bomb", EACH + "autostart = false\n", str(BOMB))
        + program(service, "loose", "family", "kill_tree = no\nstartsecs = 0\nautorestart = false\n")
        + "[program:other]\ncommand = sleep 1000\nmemory_max = 1GB\ntasks_max = 100\n")
    service.configure(service.programs)
    try:
        play(service)
    finally:
        end_marked(service, "family", "bomb", "loose")


run(Service, scenario)
