#!/usr/bin/env python3
import http.client
import os
import re
import signal
import subprocess

from scenario import (LEAKY_WORKER, ROOT, Daemon, Queue, check, children_of, command, contents, free_port, run, serve,
                      wait)

CONTAINER = os.path.join(ROOT, "packaging", "container")


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError as error:
        return None, str(error)
    finally:
        connection.close()


def scenario(daemon):
    """The configuration for containers works as the first process: probes, metrics, a dark worker, SIGTERM and 0."""
    if os.geteuid() != 0:
        print("    not run: a PID namespace needs root")
        return
    port = free_port()
    text = contents(os.path.join(CONTAINER, "warden.conf"))
    manifest = contents(os.path.join(CONTAINER, "kubernetes.yaml"))
    grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", manifest).group(1))
    check(int(re.search(r"stopwaitsecs=(\d+)", text).group(1)) < grace, "the worker has longer than the container")
    for path in ("/livez", "/readyz"):
        check(f"path: {path}" in manifest, f"no probe asks {path}")
    check("port=0.0.0.0:9001" in text and "containerPort: 9001" in manifest, "the ports differ")
    # Only the port, the directory and the trust in a busy host are the test's own.
    text = text.replace("[warden]\n", f"[warden]\n{daemon.doubts}\n")
    text = text.replace("0.0.0.0:9001", f"127.0.0.1:{port}").replace("/tmp/", f"{daemon.directory}/")
    with open(daemon.configuration, "w") as file:
        file.write(text + "interval=200ms\ngrace=0s\nrecover_within=5s\n")
    environment = {
        **os.environ, "WORKER_COMMAND": f"{LEAKY_WORKER} --keep 1", "WARDEN_DEMO_PORT": str(serve(Queue))}
    out, err, code = command(daemon.options.warden, "--check", "-c", daemon.configuration, environment=environment)
    check(code == 0 and "warning" not in out + err, f"--check says {out + err}")

    said = daemon.path("said")
    with open(said, "wb") as output:
        process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--mount", "--mount-proc", "--kill-child=SIGKILL", daemon.options.warden, "-n",
             "-c", daemon.configuration], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=environment)
    try:
        wait("it is ready", 20, lambda: ask(port, "/readyz") == (200, "ok\n"))
        check(ask(port, "/livez") == (200, "ok\n"), f"/livez: {ask(port, '/livez')}")
        check('warden_worker_up{worker="worker"' in ask(port, "/metrics")[1], "/metrics does not know the worker")
        wait("the worker is restarted because it was dark", 40,
             lambda: re.search(r'restarts_total\{.*reason="dark/emfile".*\} 1', ask(port, "/metrics")[1]))
        wait("the restart has helped", 20, lambda: '"outcome":"recovered"' in ask(port, "/api/v1/workers/worker")[1])
        first = wait("the first process", 5, lambda: children_of(process.pid))[0]
        os.kill(first, signal.SIGTERM)
        check(process.wait(30) == 0, f"exit code {process.returncode}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    check("is dark/emfile" in contents(said), f"the container's output does not tell of it: {contents(said)[-2000:]}")


run(Daemon, scenario)
