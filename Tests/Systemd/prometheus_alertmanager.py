#!/usr/bin/env python3
import http.client
import json
import os
import shutil
import subprocess

from scenario import WORKER, Daemon, Failed, check, contents, free_port, run, wait


class Alertmanager:
    """Debian's Alertmanager on a port of our own. It would take an alert that is not sent again for over after 5 s."""

    def __init__(self, directory):
        self.directory = os.path.join(directory, "alertmanager")
        os.mkdir(self.directory)
        self.port = free_port()
        configuration = os.path.join(self.directory, "alertmanager.yml")
        with open(configuration, "w") as file:
            file.write("global:\n  resolve_timeout: 5s\nroute:\n  receiver: nobody\nreceivers:\n- name: nobody\n")
        program = shutil.which("prometheus-alertmanager") or "/usr/bin/prometheus-alertmanager"
        with open(os.path.join(self.directory, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={configuration}", f"--storage.path={self.directory}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait("Alertmanager is ready", 30, self.is_ready)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self):
        if self.process.poll() is not None:
            raise Failed(f"Alertmanager has ended: {contents(os.path.join(self.directory, 'log'))}")
        try:
            return self.get("/-/ready")[0] == 200
        except OSError:
            return False

    def alerts(self, name):
        """What it holds for a worker, over or not (those that are over it forgets after a while)."""
        status, body = self.get("/api/v2/alerts")
        check(status == 200, f"Alertmanager answers {status}: {body}")
        return [alert for alert in json.loads(body) if alert["labels"]["worker"] == name]

    def close(self):
        self.process.terminate()
        self.process.wait(15)


def scenario(daemon):
    """Alerts arrive in a real Alertmanager, stay while the trouble lasts, and are resolved when it is over."""
    manager = Alertmanager(daemon.directory)
    try:
        watch(daemon, manager)
    finally:
        manager.close()


def watch(daemon, manager):
    daemon.configure(f"""[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
progress_pattern = Batch
recover_within = 5s
forensics_budget = 500ms
[program:once]
command = {WORKER} silent --after 0.3 --once {daemon.path("failed")}
[health:once]
heartbeat_timeout = 1s
on_hung = silent:alert
[alert:manager]
url = http://127.0.0.1:{manager.port}
format = alertmanager
events = hung
""")
    daemon.start()
    wait("the alert arrives", 15, lambda: manager.alerts("once"))
    alert = manager.alerts("once")[0]
    labels = alert["labels"]
    check((labels["alertname"], labels["class"], labels["cause"], labels["severity"])
          == ("WardenWorkerHung", "hung", "silent", "critical"), f"labels: {labels}")
    incident = alert["annotations"]["incident"]
    check(incident == daemon.incidents()[0]["id"], f"annotations: {alert['annotations']}")
    check(alert["annotations"]["summary"].startswith("once is hung/silent"), f"summary: {alert['annotations']}")
    # Longer than resolve_timeout: it does not forget what it was told once.
    wait("it is older than resolve_timeout", 20, lambda: daemon.worker("once")["uptime_seconds"] > 9)
    check([one["fingerprint"] for one in manager.alerts("once")] == [alert["fingerprint"]], "it was forgotten")

    # A person's restart ends it. What is over is not listed any more.
    daemon.ctl("restart", "once")
    wait("the alert is resolved", 15, lambda: not manager.alerts("once"))

    said, complaint, code = daemon.ctl("alert", "test", "manager")
    check(code == 0 and "delivered" in said, f"alert test: {said}{complaint}")
    check(not manager.alerts("test:nothing-is-wrong"), "the test is not resolved")
    log = contents(os.path.join(manager.directory, "log"))
    check("level=error" not in log and "level=warn" not in log, f"Alertmanager complains: {log}")
    manager.close()
    said, _, code = daemon.ctl("alert", "test", "manager")
    check(code == 1 and "connection refused" in said, f"alert test without it: {said}")
    print("    1 alert arrived, stayed past resolve_timeout and was resolved")


run(Daemon, scenario)
