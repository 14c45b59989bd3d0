#!/usr/bin/env python3
import socket
import time

from scenario import LEAKY_WORKER, Daemon, Queue, check, run, serve, wait


def scenario(daemon):
    """A webhook that never answers delays no restart and no answer; the log says which one it is."""
    port = serve(Queue)
    # Connections are taken by the kernel up to the backlog, and nobody ever reads from them.
    silent = socket.create_server(("127.0.0.1", 0), backlog=64)
    address = f"127.0.0.1:{silent.getsockname()[1]}"
    daemon.configure(f"""[program:steady]
command = sleep 1000
[program:leaky]
command = {LEAKY_WORKER} --keep 1
environment = WARDEN_DEMO_PORT="{port}",WARDEN_DEMO_NOFILE="48"
redirect_stderr = true
[health:leaky]
interval = 500ms
grace = 5s
progress_pattern = \\] Batch \\d+:
recover_within = 20s
[alert:silent]
url = http://{address}/hook
format = json
timeout = 2s
""")
    daemon.start()
    daemon.running("steady")

    def restarted():
        began = time.monotonic()
        workers = daemon.workers()
        check(time.monotonic() - began < 2, "status took more than two seconds")
        last = workers.get("leaky", {}).get("last_restart") or {}
        return last.get("reason") == "dark/emfile" and last.get("outcome") == "recovered"
    wait("the leaking worker restarted and recovered", 45, restarted)
    pattern = r"silent.*127\.0\.0\.1|127\.0\.0\.1.*silent"
    said = wait("the log names the webhook", 30, lambda: daemon.has_logged(pattern))
    check(len(said) < 20, f"the log repeats itself about the webhook: {len(said)} lines")
    check(not any("/hook" in line for line in said), "the webhook's whole URL, a secret, is in the log")
    daemon.undisturbed()


run(Daemon, scenario)
