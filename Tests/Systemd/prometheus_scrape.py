#!/usr/bin/env python3
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from scenario import ROOT, WORKER, Daemon, Receiver, check, command, contents, run, wait

PACKAGED = os.path.join(ROOT, "packaging", "prometheus")
RULES = os.path.join(PACKAGED, "warden.rules.yml")
DASHBOARD = os.path.join(ROOT, "packaging", "grafana", "warden.json")
# Fills its descriptors after a while, and says so for ever.
DARKENING = """import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (48, 48))
print("Batch done", flush=True)
time.sleep(1)
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
        time.sleep(0.05)
except OSError:
    pass
while True:
    print("OSError: [Errno 24] Too many open files", flush=True)
    time.sleep(0.2)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read().decode()


def promtool(*arguments, text=None):
    """What promtool says, and whether it is content."""
    done = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).strip(), done.returncode


class Prometheus:
    """A prometheus of our own: a scratch directory, and a port of loopback."""

    def __init__(self, daemon, targets, rules):
        self.log, self.port = daemon.path("prometheus.log"), free_port()
        configuration = daemon.path("prometheus.yml")
        shutil.copy(rules, daemon.path("warden.rules.yml"))
        with open(os.path.join(PACKAGED, "prometheus.yml")) as file:
            text = file.read()
        # As packaged, but for the ports and the clock.
        text = re.sub(r"(?m)^( *- targets: ).*9001.*$", rf"\g<1>{json.dumps(targets)}", text)
        text = re.sub(r"(scrape|evaluation)_interval: \w+", r"\1_interval: 1s", text)
        with open(configuration, "w") as file:
            file.write(text)
        said, code = promtool("check", "config", configuration)
        check(code == 0, f"promtool check config: {said}")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={daemon.path('tsdb')}",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=info"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            status, _, body = get(f"http://127.0.0.1:{self.port}/api/v1/{path}?{query}")
        except OSError:
            return None
        answer = json.loads(body)
        check(status == 200 and answer["status"] == "success", f"{path} {parameters}: {body[:400]}")
        # What is not an error but ought not to be is told here.
        check(not answer.get("warnings"), f"{path} {parameters}: {answer.get('warnings')}")
        return answer["data"]

    def value(self, query):
        """The one value; None where there is none."""
        found = self.ask("query", query=query)
        return float(found["result"][0]["value"][1]) if found and found["result"] else None

    def firing(self, name):
        found = self.ask("alerts")
        return [alert for alert in (found or {"alerts": []})["alerts"]
                if alert["labels"]["alertname"] == name and alert["state"] == "firing"]

    def troubles(self):
        return [line for line in contents(self.log).splitlines() if re.search(r"level=(warn|error)", line)]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def names_in(text):
    return set(re.findall(r"\b(?:warden|process)_[a-z_]+\b", text))


def expressions():
    """Every expression of the dashboard, with its variables filled in."""
    with open(DASHBOARD) as file:
        dashboard = json.load(file)
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    check(len(found) > 30, f"the dashboard has only {len(found)} expressions")
    ids = [panel["id"] for panel in dashboard["panels"]]
    check(len(ids) == len(set(ids)), "panels of the dashboard share an id")
    for name in ("job", "instance", "group"):
        found = [text.replace(f"${name}", ".*") for text in found]
    return [text.replace("$__rate_interval", "1m") for text in found]


def families(text):
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}


def check_packaged():
    for arguments in (("check", "rules", RULES), ("check", "config", os.path.join(PACKAGED, "prometheus.yml")),
                      ("test", "rules", *glob.glob(os.path.join(PACKAGED, "*.test.yml")))):
        said, code = promtool(*arguments)
        check(code == 0 and "FAILED" not in said, f"promtool {' '.join(arguments)}: exit code {code}: {said}")


def configure(daemon, port, guarded, receivers):
    with open(daemon.path("dark.py"), "w") as file:
        file.write(DARKENING)
    daemon.configure(f"""tcp_without_password = read
[inet_http_server]
port = 127.0.0.1:{port}
[inet_http_server:guarded]
port = 127.0.0.1:{guarded}
username = me
password = secret
[health]
interval = 300ms
grace = 500ms
confirm = 2 of 3
[alert:team]
url = {receivers[0].url()}
[alert:refused]
url = {receivers[1].url()}
[alert:down]
url = http://127.0.0.1:{free_port()}/
[program:steady]
command = {WORKER} healthy
process_name = %(program_name)s_%(process_num)02d
numprocs = 3
startsecs = 0
[program:dark]
command = {sys.executable} {daemon.path("dark.py")}
startsecs = 0
redirect_stderr = true
[health:dark]
progress_pattern = Batch
on_dark = alert
[health:steady]
demand = exec:/bin/echo 3
[program:leaky]
command = {WORKER} trickle
startsecs = 0
[health:leaky]
interval = 100ms
grace = 1s
progress_pattern = Batch
on_dark = alert
[program:off]
command = {WORKER} healthy
autostart = false
""")


def scenario(daemon):
    """Prometheus scrapes /metrics without a warning, and its rules and the dashboard find what they name."""
    check_packaged()
    port, guarded, receiver = free_port(), free_port(), Receiver()
    configure(daemon, port, guarded, (receiver, Receiver(*[400] * 100)))
    daemon.start()
    daemon.running("steady:steady_00", "steady:steady_01", "steady:steady_02", "dark", "leaky")
    check(get(f"http://127.0.0.1:{guarded}/metrics")[0] == 401, "a port with a password shows /metrics without")

    quick = daemon.path("quick.rules.yml")
    with open(RULES) as source, open(quick, "w") as target:
        target.write(re.sub(r"(?m)^( +for: ).*$", r"\g<1>1s", source.read()))
    prometheus = Prometheus(daemon, [f"127.0.0.1:{port}"], quick)
    try:
        observe(daemon, prometheus, port, receiver)
    finally:
        prometheus.stop()
    switched_off(daemon, port)


def observe(daemon, prometheus, port, receiver):
    wait("Prometheus scrapes", 30, lambda: prometheus.value('up{job="warden"}') == 1)
    wait("dark is dark/emfile", 30, lambda: daemon.health("dark") == "dark/emfile")
    began = time.monotonic()
    alert = wait("WardenWorkerDark fires", 20, lambda: prometheus.firing("WardenWorkerDark"))[0]
    print(f"  WardenWorkerDark fires {time.monotonic() - began:.1f} s after the verdict: {alert['annotations']}")
    check(alert["labels"]["worker"] == "dark" and alert["labels"]["severity"] == "critical", f"{alert}")
    check("cause emfile" in alert["annotations"]["description"], f"{alert}")
    check(not prometheus.firing("WardenDaemonDown"), "WardenDaemonDown fires")

    # A restart that a person asks for, one after an exit, and whatever needs time to be told.
    daemon.ctl("restart", "steady:steady_00")
    os.kill(daemon.worker("steady:steady_01")["pid"], 9)
    wait("the restarts are counted", 20, lambda: prometheus.value(
        'sum(warden_worker_restarts_total{worker=~"steady.*",reason=~"user|exit"})') == 2)
    wait("the alert is delivered", 20, lambda: prometheus.value(
        'warden_alert_attempts_total{destination="team",result="delivered"}') == len(receiver.accepted()) > 0)
    wait("one to nobody is tried again", 20, lambda: (prometheus.value(
        'warden_alert_attempts_total{destination="down",result="retrying"}') or 0) > 0)
    check(prometheus.value('warden_alerts_waiting{destination="down"}') > 0, "what is tried again does not wait")
    check(prometheus.value('warden_alerts_waiting{destination="team"}') == 0, "what was delivered waits")
    refused = wait("WardenAlertsNotDelivered fires", 20, lambda: prometheus.firing("WardenAlertsNotDelivered"))
    check([alert["labels"]["destination"] for alert in refused] == ["refused"], f"{refused}")
    check(prometheus.value('warden_incidents_total{class="dark"}') == 1, "the incident is not counted")
    check(prometheus.value("sum(warden_worker_up)") == 5, "five workers run")
    began = time.monotonic()
    soon = wait("WardenWorkerExhaustionSoon fires", 75, lambda: prometheus.firing("WardenWorkerExhaustionSoon"))
    print(f"  WardenWorkerExhaustionSoon fires after {time.monotonic() - began:.1f} s more: {soon[0]['annotations']}")
    check({alert["labels"]["worker"] for alert in soon} <= {"leaky", "dark"}, f"{soon}")
    for metric, least in (("warden_log_bytes_total", 100), ("warden_samples_total", 20), ("process_open_fds", 10),
                          ("process_resident_memory_bytes", 1e6), ("warden_worker_demand", 3)):
        check((prometheus.value(f"max({metric})") or 0) >= least, f"{metric} is {prometheus.value(metric)}")
    check(prometheus.value('count(warden_worker_open_fds{worker="off"})') is None, "a worker that is off has readings")
    # Now everything has a reading that can have one.
    status, kind, text = get(f"http://127.0.0.1:{port}/metrics")
    check(status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8", f"{status} {kind}")
    said, code = promtool("check", "metrics", text=text)
    check(code == 0 and not said, f"promtool check metrics: exit code {code}: {said}")
    with open(RULES) as file:
        named = names_in(file.read())
    queries = expressions()
    for query in queries:
        named |= names_in(query)
        check(prometheus.ask("query", query=query)["result"], f"the dashboard asks for what there is not: {query}")
    missing = named - families(text)
    check(not missing, f"rules or dashboard name what is not scraped: {sorted(missing)}")
    unused = families(text) - named
    print(f"  {len(families(text))} families, {len(text)} bytes; {len(queries)} expressions of the dashboard; "
          f"in neither rules nor dashboard: {', '.join(sorted(unused))}")
    compare(daemon, prometheus)
    check(prometheus.value('count({__name__=~"warden_.+"})') > 100, "hardly anything was scraped")
    check(not prometheus.troubles(), f"Prometheus warns: {prometheus.troubles()[:5]}")
    check(not daemon.has_logged("Request failed"), "the daemon logged a failed request")

    # Counters go on where the history is.
    check(daemon.stop() == 0, "the daemon did not end in order")
    wait("WardenDaemonDown fires", 20, lambda: prometheus.firing("WardenDaemonDown"))
    daemon.start()
    wait("up again", 20, lambda: prometheus.value('up{job="warden"}') == 1)
    wait("the restarts are still counted", 20, lambda: (prometheus.value(
        'sum(warden_worker_restarts_total{worker=~"steady.*",reason=~"user|exit"})') or 0) >= 2)


def compare(daemon, prometheus):
    """The same as the JSON says, worker by worker."""
    for name, worker in daemon.workers().items():
        for key, metric in (("fd_limit", "warden_worker_max_fds"), ("fds", "warden_worker_open_fds")):
            # Descriptors come and go between two readings, and of one worker they only come.
            room = 80 if name == "leaky" else 8
            found = prometheus.value(f'{metric}{{worker="{name}"}}')
            check((found is None) == (worker[key] is None), f"{name}: {metric} {found}, {key} {worker[key]}")
            check(found is None or abs(found - worker[key]) <= room, f"{name}: {metric} {found}, {key} {worker[key]}")
        if worker["health"]:
            wait(f"{name} has its class in Prometheus", 10, lambda: prometheus.value(
                f'warden_worker_health{{worker="{name}",class="{daemon.worker(name)["health"]["class"]}"}}') == 1)
        found = prometheus.value(f'sum(warden_worker_restarts_total{{worker="{name}"}})')
        check(found == worker["restarts"], f"{name}: {found} restarts scraped, {worker['restarts']} in the JSON")


def switched_off(daemon, port):
    """`metrics = false` leaves nothing."""
    check(daemon.stop() == 0, "the daemon did not end in order")
    with open(daemon.configuration) as file:
        text = file.read()
    with open(daemon.configuration, "w") as file:
        file.write(text.replace("tcp_without_password = read", "tcp_without_password = read\nmetrics = false"))
    daemon.start()
    check(get(f"http://127.0.0.1:{port}/metrics")[0] == 404, "/metrics is there although it is switched off")
    check(get(f"http://127.0.0.1:{port}/livez")[0] == 200, "nothing else is there")


run(Daemon, scenario)
