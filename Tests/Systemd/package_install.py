#!/usr/bin/env python3
import glob
import os
import re

from scenario import ROOT, World, check, command, contents, is_alive, run, wait

OURS = ("/usr/bin/warden", "/etc/warden", "/var/lib/warden", "/var/log/warden", "/lib/systemd/system/warden.service")
PROGRAM = "[program:worker]\ncommand = sleep 1000\nnumprocs = 2\nprocess_name = %(program_name)s_%(process_num)d\n"


def must(*arguments, seconds=120):
    out, err, code = command(*arguments, seconds=seconds)
    check(code == 0, f"{' '.join(arguments)}: exit code {code}: {(out + err).strip()}")
    return out + err


class Installation(World):
    """The Debian package on this host, beside the systemd of a box. Only where there is none of it."""

    parent = "/run"

    def __init__(self, options):
        there = [path for path in OURS if os.path.lexists(path)]
        if there:
            raise SystemExit(f"FAIL: Warden is installed here already: {there}")
        packages = sorted(glob.glob(os.path.join(ROOT, ".build-deb", "warden_*.deb")))
        if len(packages) != 1:
            raise SystemExit(f"FAIL: there must be one package in .build-deb, by packaging/deb: {packages}")
        self.package = packages[0]
        super().__init__(options)

    def main(self):
        return int(must("systemctl", "show", "--value", "-p", "MainPID", "warden"))

    def installed(self):
        """`wardenctl status --json` as it is installed, by name."""
        return {line.split()[0]: line.split() for line in command("wardenctl", "status")[0].splitlines()}

    def newer(self):
        """The same package with a higher version, not compressed."""
        tree = self.path("newer")
        must("dpkg-deb", "-R", self.package, tree)
        control = os.path.join(tree, "DEBIAN", "control")
        text = re.sub(r"^Version: (.*)$", r"Version: \1+1", contents(control), flags=re.MULTILINE)
        with open(control, "w") as file:
            file.write(text)
        must("dpkg-deb", "-Znone", "-b", tree, self.path("newer.deb"))
        return self.path("newer.deb")

    def last_lines(self, count=20):
        state = command("journalctl", "--no-pager", "-n", "30", "-u", "warden")[0]
        return (contents("/var/log/warden/warden.log") + state).splitlines()[-count:]

    def close(self):
        command("dpkg", "--purge", "--force-all", "warden", seconds=120)
        super().close()


def scenario(host):
    """The package installs, starts, upgrades without touching a worker, is removed, and purges without a trace."""
    # Images of containers forbid packages to start services; here is a systemd, and nobody else sees this mount.
    if os.path.exists("/usr/sbin/policy-rc.d"):
        must("mount", "--bind", "/bin/true", "/usr/sbin/policy-rc.d")
    said = must("dpkg", "-i", host.package, seconds=300)
    check("not running" not in said, said)
    enabled = "/etc/systemd/system/multi-user.target.wants/warden.service"
    check(os.path.islink(enabled), f"the package has not enabled its service: there is no {enabled}")
    # A box's systemd does not look into /etc, so that what starts an enabled service finds none.
    must("systemctl", "start", "warden")
    wait("the service runs", 30, lambda: command("systemctl", "is-active", "warden")[0].strip() == "active")
    check(command("getent", "group", "warden")[2] == 0, "there is no group warden")
    check(os.stat("/run/warden/warden.sock").st_mode & 0o777 == 0o770, "the socket's mode")
    must("man", "-w", "wardenctl")

    with open("/etc/warden/conf.d/worker.conf", "w") as file:
        file.write(PROGRAM)
    must("wardenctl", "update")
    wait("the workers run", 20, lambda: [words[1] for words in host.installed().values()] == ["RUNNING"] * 2)
    before, main = {name: words[3] for name, words in host.installed().items()}, host.main()

    must("dpkg", "-i", host.newer(), seconds=300)
    wait("the new program has taken over", 30, lambda: "took over" in contents("/var/log/warden/warden.log"))
    after = {name: words[3] for name, words in host.installed().items()}
    check(after == before, f"workers before the upgrade: {before}, after it: {after}")
    check(host.main() == main, "the upgrade was a restart")
    check(os.path.exists("/etc/warden/conf.d/worker.conf"), "the upgrade took a configuration away")
    check("(deleted)" not in os.readlink(f"/proc/{main}/exe"), "the old program runs still")

    pids = [int(pid.rstrip(",")) for pid in after.values()] + [main]
    must("dpkg", "-r", "warden", seconds=120)
    wait("everything has ended", 30, lambda: not any(map(is_alive, pids)))
    check(os.path.exists("/etc/warden/warden.conf"), "the removal took the configuration away")
    os.remove("/etc/warden/conf.d/worker.conf")
    must("dpkg", "-P", "warden")
    left = [path for path in OURS if os.path.lexists(path)]
    check(not left, f"a purge has left {left}")
    size = os.path.getsize(host.package)
    print(f"    {os.path.basename(host.package)}: {size} bytes; {len(before)} workers undisturbed by the upgrade")


run(Installation, scenario)
