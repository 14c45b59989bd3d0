#!/usr/bin/env python3
import glob
import os
import shutil
import signal
import subprocess
import sys
import time

from scenario import ROOT, Daemon, Failed, check, command, contents, is_alive, run, state_of, wait

FREEZER = "/sys/fs/cgroup/freezer"
# It leaves files as torch does whose torch_shm_manager was killed with the tree; its child is in a session of its own.
TREE = """
import os, time
def leave():
    open(f"/dev/shm/torch_{os.getpid()}_1191434961_2", "w").write("x" * 4096)
child = os.fork()
if child == 0:
    os.setsid()
    leave()
    time.sleep(1000)
leave()
print(child, flush=True)
time.sleep(1000)
"""


def program(name, keys, more=""):
    return (f"[program:{name}]\ncommand = {sys.executable} {{0}}/tree.py\nautorestart = true\nstartsecs = 0\n"
            f"stdout_logfile = {{0}}/{name}.out\n{more}\n[health:{name}]\ninterval = 1s\n{keys}\n")


def put(path, text):
    """In place, since files of a cgroup are not replaced. Whoever reads meanwhile sees it empty, never half of it."""
    with open(path, "w") as file:
        file.write(text)


def kill(daemon, name):
    """Kills the main process, and answers its pid and that of its child."""
    pid = daemon.worker(name)["pid"]
    child = int(wait(f"the child of {name}", 10, lambda: contents(daemon.path(f"{name}.out"))).split()[-1])
    # Until the sampler has seen the child, nobody knows of it.
    time.sleep(1.5)
    put(daemon.path(f"{name}.out"), "")
    os.kill(pid, signal.SIGKILL)
    return pid, child


def anew(daemon, name, old, seconds=15):
    def runs():
        worker = daemon.worker(name)
        return worker.get("state") == "RUNNING" and worker["pid"] not in (None, old) and worker
    return wait(f"{name} runs anew", seconds, runs)


def status(daemon, name):
    return next((line for line in daemon.ctl("status")[0].splitlines() if line.split()[0] == name), "")


def memory(daemon):
    pid, _ = kill_with_memory(daemon, "memory")
    wait("it waits", 5, lambda: f"waiting for the GPU memory of pid {pid}" in status(daemon, "memory"))
    time.sleep(1)
    check(daemon.worker("memory")["pid"] is None, "it was started before the memory was free")
    put(daemon.path("pids.1"), "")
    began = time.monotonic()
    anew(daemon, "memory", pid, 5)
    check(time.monotonic() - began < 3, "it was started long after the memory was free")


def kill_with_memory(daemon, name):
    put(daemon.path("pids.1"), f"1 {daemon.worker(name)['pid']} 2\n")
    return kill(daemon, name)


def late(daemon):
    pid, _ = kill_with_memory(daemon, "late")
    anew(daemon, "late", pid, 10)
    check(daemon.has_logged(f"GPU memory of pid {pid} is not free after 2s .gpu_wait.; started anyway"), "not said")
    put(daemon.path("pids.1"), "")


def shared_memory(daemon):
    stranger = "/dev/shm/torch_4194304_1191434961_2"
    put(stranger, "x")
    try:
        pid, child = kill(daemon, "shm")
        anew(daemon, "shm", pid)
        check(not glob.glob(f"/dev/shm/torch_{pid}_*"), "the main process's file is there still")
        check(not glob.glob(f"/dev/shm/torch_{child}_*"), "the child's file is there still")
        check(os.path.exists(stranger), "a stranger's file was removed")
        new = daemon.worker("shm")["pid"]
        wait("the new worker's own file", 5, lambda: glob.glob(f"/dev/shm/torch_{new}_*"))
        wait("it is said", 5, lambda: daemon.has_logged(r"removed \d files \(1 MiB\) of its old tree from /dev/shm"))
    finally:
        os.unlink(stranger)


def lost(daemon):
    put(daemon.path("code.0"), "15")
    pid, _ = kill(daemon, "device")
    text = "BACKOFF   Quarantined: GPU 0: GPU is lost"
    wait("quarantine", 10, lambda: text in status(daemon, "device"))
    time.sleep(3)
    check(text in status(daemon, "device"), "it was started on a lost device")
    found = daemon.incidents("device")
    check(len(found) == 1 and found[0]["action"] == "alert" and found[0]["cause"] == "uninterruptible",
          f"incidents: {found}")
    # A person's start always works; its end leads to quarantine again.
    check(daemon.ctl("start", "device")[2] == 0, "a person's start was refused")
    second = anew(daemon, "device", pid)["pid"]
    wait("superseded", 5, lambda: daemon.incidents("device")[-1]["outcome"] == "superseded"
         or daemon.incidents("device")[0]["outcome"] == "superseded")
    kill(daemon, "device")
    wait("quarantine again", 10, lambda: text in status(daemon, "device"))
    os.unlink(daemon.path("code.0"))
    anew(daemon, "device", second, 20)
    outcomes = sorted(incident["outcome"] for incident in daemon.incidents("device"))
    check(outcomes == ["recovered", "superseded"], f"outcomes: {outcomes}")


def undying(daemon):
    """A process in state D that SIGKILL does not end: a frozen one of the old freezer."""
    group = f"{FREEZER}/warden-scenario-{os.getpid()}"
    try:
        os.mkdir(group)
        os.stat(f"{group}/freezer.state")
    except OSError:
        print("no freezer of cgroup v1 that could be used: state D is not tried")
        return
    def freeze(pid):
        put(f"{group}/cgroup.procs", str(pid))
        put(f"{group}/freezer.state", "FROZEN")
        wait("state D", 5, lambda: state_of(pid)[0] == "D")
    def thaw():
        put(f"{group}/freezer.state", "THAWED")
    try:
        # A child that outlives the main process.
        child = int(wait("the child", 10, lambda: contents(daemon.path("stuck.out"))).split()[-1])
        freeze(child)
        pid, _ = kill(daemon, "stuck")
        wait("it waits", 5, lambda: f"waiting for the end of pid {child} (state D)" in status(daemon, "stuck"))
        wait("quarantine", 10,
             lambda: f"Quarantined: SIGKILL does not end pid {child} (state D)" in status(daemon, "stuck"))
        check(is_alive(child), "it was to be frozen")
        thaw()
        second = anew(daemon, "stuck", pid, 20)["pid"]
        check(daemon.incidents("stuck")[0]["outcome"] == "recovered", "no outcome")
        # The main process itself.
        freeze(second)
        # Not waited for: it does not end.
        subprocess.Popen([daemon.options.wardenctl, "-c", daemon.configuration, "stop", "stuck"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        wait("one incident more", 25, lambda: len(daemon.incidents("stuck")) == 2)
        check(daemon.worker("stuck")["state"] == "STOPPING", f"state {daemon.worker('stuck')['state']}")
        thaw()
        wait("it ends", 10, lambda: daemon.worker("stuck")["state"] == "STOPPED")
    finally:
        thaw()
        wait("the group is empty", 10, lambda: not contents(f"{group}/cgroup.procs").strip())
        os.rmdir(group)


def hanging(daemon):
    os.mkfifo(daemon.path("hang"))
    pid, _ = kill(daemon, "late")
    began = time.monotonic()
    while time.monotonic() - began < 2:
        check(daemon.ctl("version")[2] == 0, "the daemon does not answer while NVML hangs")
    other, _ = kill(daemon, "memory2")
    anew(daemon, "late", pid, 15)
    anew(daemon, "memory2", other, 15)
    check(daemon.has_logged("NVML (does not answer|has not answered).*; started anyway"), "not said")
    # For reading, too: then it does not matter whether the call still waits at the other end.
    end = os.open(daemon.path("hang"), os.O_RDWR | os.O_NONBLOCK)
    os.unlink(daemon.path("hang"))
    os.close(end)


def scenario(daemon):
    """Before a respawn: GPU memory by a library of ours, files in /dev/shm, a lost device, a process in state D."""
    compiler = shutil.which("cc") or shutil.which("clang")
    check(compiler, "a C compiler is needed")
    put(daemon.path("tree.py"), TREE)
    daemon.configure("".join(text.format(daemon.directory) for text in [
        program("memory", "gpu_wait = 60s"), program("memory2", "gpu_wait = 2s"), program("late", "gpu_wait = 2s"),
        program("shm", "shm_sweep = true"),
        program("device", "quarantine = 3s", "environment = CUDA_VISIBLE_DEVICES=\"0\""),
        program("stuck", "quarantine = 3s", "stopwaitsecs = 1")]))
    lines, code = daemon.check_configuration()
    check(code == 0, f"--check: exit code {code}: {lines}")
    check(any("gpu_wait" in line and "this host has no NVML" in line for line in lines), f"--check: {lines}")
    out, err, code = command(
        compiler, "-shared", "-fPIC", f"-DDIRECTORY=\"{daemon.directory}\"", "-o", daemon.path("libnvidia-ml.so.1"),
        os.path.join(ROOT, "Tests", "Systemd", "fake_nvml.c"))
    check(code == 0, f"{compiler}: {err}")
    os.environ["LD_LIBRARY_PATH"] = daemon.directory
    lines, code = daemon.check_configuration()
    check(not any("gpu_wait" in line for line in lines), f"--check with a library: {lines}")
    daemon.start()
    try:
        daemon.running("memory", "memory2", "late", "shm", "device", "stuck")
        for part in (shared_memory, memory, late, lost, undying, hanging):
            try:
                part(daemon)
            except Failed as error:
                raise Failed(f"{part.__name__}: {error}") from None
    finally:
        daemon.stop()
        for path in glob.glob("/dev/shm/torch_*_1191434961_2"):
            if not is_alive(int(path.split("_")[1])) and os.path.getsize(path) == 4096:
                os.unlink(path)


run(Daemon, scenario)
