#!/usr/bin/env python3
import grp
import json
import os
import pwd

from scenario import Daemon, check, contents, run, wait

REPORT = """import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
seen = {name: status[name].split() for name in status if name[:3] in ("Uid", "Gid", "Gro", "Cap", "Sig", "NoN")}
seen["fds"] = sorted(int(name) for name in os.listdir("/proc/self/fd"))
try:
    os.setuid(0)
    seen["back"] = True
except PermissionError:
    seen["back"] = False
print(json.dumps(seen), flush=True)
import time
time.sleep(1000)
"""


def seen(daemon, name):
    lines = contents(daemon.path(f"{name}.log")).splitlines()
    return json.loads(lines[0]) if lines else None


def scenario(daemon):
    """Workers are wholly their user, with nothing of the daemon's; what they plant where logs are leads nowhere."""
    if os.geteuid() != 0:
        return
    nobody, group = pwd.getpwnam("nobody"), grp.getgrgid(pwd.getpwnam("nobody").pw_gid)
    report, own = daemon.path("report.py"), daemon.path("own")
    with open(report, "w") as file:
        file.write(REPORT)
    os.mkdir(own)
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    # Root's files, and names for them in a directory of the worker's user.
    victim, made = daemon.path("victim"), daemon.path("made-elsewhere")
    with open(victim, "w") as file:
        file.write("root's alone\n")
    os.chmod(victim, 0o600)
    os.symlink(victim, os.path.join(own, "linked.log"))
    os.symlink(made, os.path.join(own, "dangling.log"))
    os.link(victim, os.path.join(own, "second-name.log"))
    os.mkdir(daemon.path("elsewhere"))
    os.symlink(daemon.path("elsewhere"), os.path.join(own, "directory"))
    # Links that only root can have made are followed as ever.
    os.mkdir(daemon.path("disk"))
    os.symlink(daemon.path("disk/far.log"), daemon.path("near.log"))
    os.environ["GIVEN_TO_THE_DAEMON"] = "1"
    sections = "".join(f"""[program:{name}]
command = sh -c 'while :; do echo planted; sleep 0.05; done'
user = nobody
startsecs = 0
stdout_logfile = {own}/{path}
stderr_logfile = NONE
stdout_logfile_maxbytes = 1KB
stdout_logfile_backups = 2
""" for name, path in (("linked", "linked.log"), ("dangling", "dangling.log"), ("second", "second-name.log"),
                       ("through", "directory/victim.log"), ("plain", "plain.log")))
    daemon.configure(f"""[program:reporter]
command = python3 {report}
user = nobody
startsecs = 0
stdout_logfile = {daemon.path("reporter.log")}
[program:root]
command = python3 {report}
startsecs = 0
stdout_logfile = {daemon.path("root.log")}
[program:near]
command = sh -c 'echo by the link; exec sleep 1000'
startsecs = 0
stdout_logfile = {daemon.path("near.log")}
{sections}""")
    daemon.start()
    daemon.running("reporter", "root")

    worker = wait("what the worker sees", 10, lambda: seen(daemon, "reporter"))
    ids = [str(nobody.pw_uid)] * 4, [str(nobody.pw_gid)] * 4
    check((worker["Uid"], worker["Gid"]) == ids, f"users and groups: {worker}")
    check(set(worker["Groups"]) == {str(number) for number in os.getgrouplist("nobody", nobody.pw_gid)},
          f"supplementary groups: {worker['Groups']}")
    for name in ("CapPrm", "CapEff", "CapAmb"):
        check(int(worker[name][0], 16) == 0, f"{name} is {worker[name]}")
    check(worker["NoNewPrivs"] == ["0"], "no_new_privs is set: sudo and ping would not work")
    check(worker["back"] is False, "it could become root again")
    # The listing itself is the fourth.
    check(worker["fds"] == [0, 1, 2, 3], f"descriptors: {worker['fds']}")
    for name in ("SigBlk", "SigIgn"):
        # Python ignores SIGPIPE and SIGXFSZ itself.
        check(int(worker[name][0], 16) & ~(1 << 12 | 1 << 24) == 0, f"{name} is {worker[name]}")
    root = wait("what root's worker sees", 10, lambda: seen(daemon, "root"))
    check(root["Uid"][0] == "0" and root["fds"] == [0, 1, 2, 3], f"root's: {root}")

    wait("a log of the user's own directory is written and rotated", 10,
         lambda: os.path.exists(f"{own}/plain.log.1") and "planted" in contents(f"{own}/plain.log.1"))
    check(contents(victim) == "root's alone\n", f"root's file was written to: {contents(victim)[:100]}")
    check(not os.path.exists(made), "a file was made through a link")
    check(not os.listdir(daemon.path("elsewhere")), "a file was made through a link to a directory")
    check("by the link" in contents(daemon.path("disk/far.log")), "root's own link is not followed")
    # Whoever may look does not get to see root's files that way either.
    for name in ("linked", "second", "through"):
        out, err, _ = daemon.ctl("tail", name)
        check("root's alone" not in out + err, f"tail {name} shows root's file")
    for path in ("linked.log", "second-name.log"):
        check(daemon.has_logged(f"{own}/{path}: .*(Too many levels|Too many links)"), f"{path} is not in the log")

    # A link that is planted while the log is written to: nothing goes there when it is opened anew.
    os.unlink(f"{own}/plain.log")
    os.symlink(victim, f"{own}/plain.log")
    out, err, _ = daemon.ctl("clear", "plain")
    wait("the log is a file again", 5, lambda: not os.path.islink(f"{own}/plain.log"))
    check(contents(victim) == "root's alone\n", "root's file was written to after clear")
    daemon.undisturbed()


run(Daemon, scenario)
