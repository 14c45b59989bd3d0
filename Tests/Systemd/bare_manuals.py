#!/usr/bin/env python3
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import manuals
from scenario import LEAKY_WORKER, ROOT, WORKER, Daemon, Queue, Receiver, check, command, run, serve, wait

GROUP = "ami-antenna-worker"
WORKERS = [f"{GROUP}:{GROUP}_0{number}" for number in range(3)]
FOLLOW_SECONDS = 1.5
# Command lines that are not run here, and why.
NOT_RUN = (
    (r"make ", "builds, or takes minutes; continuous integration runs it"),
    (r"sudo make ", "installs on this host"),
    (r"sudoedit ", "an editor"),
    (r"(sudo )?systemctl ", "needs systemd; the scenarios box_* run it"),
    (r"(sudo )?warden -c ", "a daemon in the background; bare_shutdown and others run one"),
    (r"wardenctl upgrade", "replaces this daemon; bare_upgrade runs it"),
    (r"kill -USR2", "is sent below, and looked at by bare_logs"),
)
# What follows something until it is interrupted.
FOLLOWING = r"wardenctl (events -f|tail -f|maintail -f)|curl -N "
# A worker that was watched for a minute has shown too little to be tuned by.
FAILS = {r"wardenctl tune ": 1}
# What examples use beside wardenctl, and not every host has.
TOOLS = ("curl", "jq", "openssl")
FAMILY = r"^# TYPE (warden_\w+)"


class Unix(http.client.HTTPConnection):
    """HTTP on the control socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def get(daemon, path):
    connection = Unix(daemon.socket)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def differences(said, known, what):
    """Nothing when both sets are the same."""
    texts = [f"{what}: {word} is not in the page" for word in sorted(known - said)]
    return texts + [f"{what}: {word} is in the page and not known" for word in sorted(said - known)]


# ------------------------------------------------------------------------------------------------------- what is listed

def lint(_):
    """What mandoc and man have to say of the pages."""
    texts = []
    for name in sorted(os.listdir(manuals.PAGES)):
        path = os.path.join(manuals.PAGES, name)
        if shutil.which("mandoc"):
            out, err, _ = command("mandoc", "-T", "lint", "-W", "warning", path)
            texts += (out + err).splitlines()
        if shutil.which("man"):
            environment = {**os.environ, "MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
            _, err, code = command("man", "--warnings", "-E", "UTF-8", "-l", path, environment=environment)
            texts += [f"{name}: {line}" for line in err.splitlines()]
            texts += [f"{name}: man ends with {code}"] if code else []
        references = re.findall(r"^\.Xr (warden\S*) (\d)", "\n".join(manuals.page(name)), re.M)
        texts += [f"{name}: there is no {page}({number})" for page, number in references
                  if not os.path.exists(os.path.join(manuals.PAGES, f"{page}.{number}"))]
    return texts


def options(text):
    return set(re.findall(r"(?<![\w-])--([a-z][\w-]+)", text))


def commands(daemon):
    """Commands and their options."""
    listed = daemon.ctl("help")[0].partition("====\n")[2].split()
    check(len(listed) > 30, f"wardenctl help lists {listed}")
    entries = manuals.commands()
    texts = differences(set(entries), set(listed), "command of wardenctl")
    for name in set(entries) & set(listed):
        said = set(re.findall(r"\bFl -([a-z][\w-]+)", entries[name])) | options(entries[name])
        texts += [f"wardenctl {name}: --{option} is not in the page"
                  for option in sorted(options(daemon.ctl("help", name)[0]) - said)]
    usage = command(daemon.options.wardenctl, "--help")[0]
    said = manuals.switches(manuals.section(manuals.page("wardenctl.1"), "OPTIONS"))
    known = {f"-{word}" for word in re.findall(r"--([a-z-]+)", usage)} | set(re.findall(r"^ +-(\w),", usage, re.M))
    return texts + differences(said, known, "option of wardenctl")


def switches(daemon):
    """Switches of the daemon."""
    usage = command(daemon.options.warden, "--help")[0]
    known = set()
    for short, long in re.findall(r"^(?:-(\w)/)?--(\w+)", usage, re.M):
        known |= {f"-{long}"} | ({short} if short else set())
    check(len(known) > 30, f"warden --help lists {known}")
    said = manuals.switches(manuals.section(manuals.page("warden.8"), "OPTIONS"))
    return differences(said, known, "switch of warden")


def keys(daemon):
    """Keys of the configuration: by the sources, and by what warden --check says of the page's."""
    said, known = manuals.documented_keys(), manuals.known_keys()
    check(len(known["program:"]) > 40 and len(known["health"]) > 40, f"the keys are not found in the sources: {known}")
    texts = []
    for name in sorted(set(known) - {"health:", "ctlplugin:", "rpcinterface:"}):
        texts += differences(said.get(name, set()), manuals.own_keys(name, known), f"key of [{name}]")
    with open(daemon.path("keys.conf"), "w") as file:
        for name in sorted(set(said) - {"rpcinterface:"}):
            file.write(f"[{name}x]\n" if name.endswith(":") else f"[{name}]\n")
            file.writelines(f"{key} = \n" for key in sorted(said[name] | {"no_such_key"}))
    out = "".join(command(daemon.options.warden, "--check", "-c", daemon.path("keys.conf"))[:2])
    unknown = re.findall(r"\[(\S+)\] unknown key .(\w+)", out)
    check(len([key for _, key in unknown if key == "no_such_key"]) == len(set(said) - {"rpcinterface:"}),
          f"warden --check does not name every unknown key: {out}")
    return texts + [f"key of [{name}]: {key} is in the page, and warden --check does not know it"
                    for name, key in unknown if key != "no_such_key"]


def defaults(_):
    """Defaults of health, as the commented example has them."""
    entries = manuals.entries(manuals.section(manuals.page("warden.conf.5"), "HEALTH"))
    known = manuals.example_defaults()
    check(len(known) > 20, f"the example has no defaults: {known}")
    texts = []
    for key, value in known.items():
        said = re.sub(r"\n\.?(Cm|Li|Ql|Po)?|  +", " ", entries.get(key, "")).replace(" ,", ",")
        said = re.search(r"default (.*)", said, re.S)
        # The example's words, each of them in the page: `80%`, `3 of 5`, `emfile:restart, errors:alert`.
        if not said or value.rstrip(",") not in said[1]:
            texts.append(f"warden.conf(5): the default of {key} is {value} in the example")
    return texts


def interfaces(daemon):
    """Requests, and the names of metrics."""
    status, body = get(daemon, "/api/v1/openapi.json")
    check(status == 200, f"openapi.json: {status} {body[:300]}")
    known = {(method.upper(), path) for path, item in json.loads(body)["paths"].items() for method in item}
    said = manuals.routes()
    texts = [f"warden-api(7): {method} {path} is not in the page"
             for method, path in sorted(known - said) if path.startswith("/api/")]
    texts += [f"warden-api(7): {method} {path} is in the page and not served" for method, path in sorted(said - known)]
    page = "\n".join(manuals.page("warden-api.7"))
    texts += [f"warden-api(7): {path} is not in the page"
              for _, path in known if not path.startswith("/api/") and f"Pa {path}" not in page]
    status, body = get(daemon, "/metrics")
    texts += [f"/metrics: {status}"] if status != 200 else []
    written = {name for path in manuals.sources("Wire") for name in manuals.quoted_metrics(path)}
    texts += differences(manuals.metrics(), written | set(re.findall(FAMILY, body, re.M)), "metric")
    listed = daemon.ctl_python("print(*server.system.listMethods())").split()
    check(len(listed) > 40, f"listMethods: {listed}")
    methods = {name for name in listed if name.startswith("warden.")}
    return texts + differences(set(re.findall(r"\bwarden\.(?=[a-z]+[A-Z]|upgrade)\w+", page)), methods, "method")


def words(_):
    """Classes, causes and rules of the judgement."""
    page = "\n".join(manuals.page("warden-health.7"))
    texts = []
    for path in manuals.sources("Core"):
        with open(path) as file:
            source = file.read()
        if path.endswith("/Condition.swift"):
            cases = re.findall(r"^        case (.*)$", source, re.M)[:6]
            causes = {re.sub(r'.*"(.*)"', r"\1", cause).strip() for case in cases for cause in case.split(",")}
            check(len(causes) > 12, f"causes of {path}: {causes}")
            texts += [f"warden-health(7): the cause {cause} is not in the page" for cause in sorted(causes)
                      if not re.search(rf"\w/{cause}\b", page)]
        texts += [f"warden-health(7): the rule {rule} is not in the page"
                  for rule in re.findall(r'rule: (?:\w+ \? "\w+" : )?"(\w+)"', source)
                  if not re.search(rf"^\.It Li .*\b{rule}\b", page, re.M)]
    return texts


def installed(daemon):
    """`make install` puts pages and completions where man and the shells look."""
    if not shutil.which("make"):
        return []
    place, binaries = daemon.path("installed"), daemon.path("binaries")
    os.mkdir(binaries)
    for name in ("warden", "wardenctl"):
        # The real ones are large; what is copied here is not run.
        with open(os.path.join(binaries, name), "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(file.name, 0o755)
    out, err, code = command("make", "-C", ROOT, "install", f"BUILD={binaries}", "PREFIX=/usr", f"DESTDIR={place}")
    share = os.path.join(place, "usr", "share")
    wanted = [f"man/man{name[-1]}/{name}" for name in os.listdir(manuals.PAGES)]
    wanted += ["bash-completion/completions/warden", "bash-completion/completions/wardenctl",
               "zsh/vendor-completions/_wardenctl", "fish/vendor_completions.d/warden.fish",
               "fish/vendor_completions.d/wardenctl.fish"]
    texts = [f"make install: {out}{err}"] if code else []
    return texts + [f"make install: there is no {path}" for path in wanted
                    if not os.path.isfile(os.path.join(share, path))]


# ------------------------------------------------------------------------------------------------------ what can be run

class Manuals(Daemon):
    """The world that the examples speak of."""

    def build(self):
        self.port, queue, self.receiver = free_port(), serve(Queue), Receiver()
        self.configure(f"""[inet_http_server]
port = 127.0.0.1:{self.port}
[program:{GROUP}]
command = {LEAKY_WORKER} --keep 0
process_name = %(program_name)s_%(process_num)02d
numprocs = 3
environment = WARDEN_DEMO_PORT="{queue}"
autorestart = true
startsecs = 0
stopasgroup = true
[program:badtoken]
command = {WORKER} errors401
startsecs = 0
[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
progress_pattern = Batch
error_pattern = \\[error
heartbeat_timeout = 10s
forensics_budget = 500ms
recover_within = 20s
[alert:operations]
url = {self.receiver.url()}
""")
        with open(self.path("supervisord.conf"), "w") as file:
            file.write(f"[supervisord]\nlogfile = {self.path('s.log')}\n[program:cat]\ncommand = cat\n")
        # Another daemon beside it, for the lines that start one.
        with open(self.configuration) as file:
            text = file.read()
        text = re.sub(r"\[inet_http_server\]\n.*\n", "", text).replace(self.socket, self.path("other.sock"))
        for name in ("warden.log", "warden.pid", "history.sqlite"):
            text = text.replace(self.path(name), self.path("other." + name))
        # It would remove the first one's AUTO logs.
        os.mkdir(self.path("other.logs"))
        text = re.sub(r"childlogdir = .*", f"childlogdir = {self.path('other.logs')}", text)
        with open(self.path("other.conf"), "w") as file:
            file.write(text)
        self.bin = self.path("bin")
        os.mkdir(self.bin)
        self.wrap("warden", f'exec {self.options.warden} "$@"')
        if shutil.which("curl"):
            self.wrap("curl", f'exec {shutil.which("curl")} --silent --show-error --fail-with-body "$@"')
        self.wrap("wardenctl", f'exec {self.options.wardenctl} -c {self.configuration} "$@"')

    def wrap(self, name, line):
        with open(os.path.join(self.bin, name), "w") as file:
            file.write(f"#!/bin/sh\n{line}\n")
        os.chmod(file.name, 0o755)

    def ctl_python(self, code):
        with_server = f"import xmlrpc.client as x; server = x.ServerProxy('http://127.0.0.1:{self.port}/RPC2'); {code}"
        out, err, status = command("python3", "-c", with_server)
        check(status == 0, f"{code}: {out}{err}")
        return out

    def healthy(self):
        workers = self.workers()
        return all((workers.get(name, {}).get("health") or {}).get("class") == "healthy" for name in WORKERS)

    def here(self, line, incident):
        """The line with this world's places for those of the page."""
        places = (
            ("/etc/warden/warden.conf", self.configuration), ("/run/warden/warden.sock", self.socket),
            ("/run/warden/warden.pid", self.path("warden.pid")), ("tox-k1a2", incident),
            ("/etc/supervisor/supervisord.conf", self.path("supervisord.conf")),
            ("127.0.0.1:9001", f"127.0.0.1:{self.port}"), (" NAME", f" {WORKERS[0]}"),
            ("workers/NAME", f"workers/{WORKERS[0]}"), ("GROUP:", f"{GROUP}:"), (" GROUP", f" {GROUP}"))
        for there, here in places:
            line = line.replace(there, here)
        # The comment behind a prompt is no part of it; the workers run as root or nobody else here.
        return line.removeprefix("sudo ")

    def play(self, place, line, incident):
        """Runs one command line; answers what is wrong with it."""
        text = self.here(line, incident)
        if text.startswith("warden -n"):
            return self.play_daemon(place, text)
        if "drill" in text:
            self.ctl("resume-health", "all")
            wait("the workers are healthy before a drill", 40, self.healthy)
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}"}
        follows = re.match(FOLLOWING, text)
        process = subprocess.Popen(
            ["bash", "-o", "pipefail", "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", env=environment, start_new_session=True)
        ended = True
        try:
            out = process.communicate(timeout=FOLLOW_SECONDS if follows else 60)[0]
        except subprocess.TimeoutExpired:
            ended = False
            os.killpg(process.pid, signal.SIGINT if follows else signal.SIGKILL)
            out = process.communicate()[0]
            if not follows:
                return f"{place}: {line}\n      does not end: {out[-400:]}"
        wanted = next((code for pattern, code in FAILS.items() if re.match(pattern, text)), 0)
        refused = re.search(r"^(Error:|error:|\*\*\*)|ERROR|curl: \(", out, re.M)
        is_right = process.returncode == wanted
        if follows:
            # Ctrl-C is how it is meant to end.
            is_right = not ended and out.strip() and (process.returncode == 0 or text.startswith("curl"))
        if refused or not is_right:
            return f"{place}: {line}\n      exit code {process.returncode}: {out.strip()[-400:]}"
        return None

    def play_daemon(self, place, text):
        """A line that starts a daemon in the foreground: it runs until it is told to end, and ends well."""
        words = text.replace(self.configuration, self.path("other.conf")).split()
        with open(self.path("other.out"), "wb") as output:
            process = subprocess.Popen([self.options.warden, *words[1:]], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=subprocess.STDOUT)
        try:
            wait("the other daemon answers", 30, lambda: process.poll() is not None or command(
                self.options.wardenctl, "-s", f"unix://{self.path('other.sock')}", "version")[2] == 0)
            process.send_signal(signal.SIGTERM)
            code = process.wait(40)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if code:
            with open(self.path("other.out"), errors="replace") as output:
                return f"{place}: {text}\n      exit code {code}: {output.read()[-400:]}"
        return None


def scenario(daemon):
    """The manual pages say what the binaries know, and every command line in them and in the README works."""
    daemon.build()
    daemon.start()
    daemon.running(*WORKERS, seconds=30)
    texts = lint(daemon) + commands(daemon) + switches(daemon) + keys(daemon) + interfaces(daemon) + words(daemon)
    texts += defaults(daemon) + installed(daemon)
    incident = wait("an incident of badtoken", 30, lambda: daemon.incidents("badtoken"))[0]["id"]
    wait("the workers are healthy", 40, daemon.healthy)
    examples = list(dict.fromkeys(manuals.page_examples() + manuals.readme_examples()))
    check(len(examples) > 60, f"only {len(examples)} command lines were found: {examples}")
    texts += [f"no command line begins as {pattern!r}, which is not run" for pattern, _ in NOT_RUN
              if not any(re.match(pattern, line) for _, line in examples)]
    ran, seen = 0, set()
    for place, line in examples:
        reason = next((reason for pattern, reason in NOT_RUN if re.match(pattern, line)), None)
        if reason or line in seen:
            continue
        missing = [tool for tool in TOOLS if re.search(rf"(^|\| *|\n *){tool} ", line) and not shutil.which(tool)]
        if missing:
            print(f"    not run, because {missing[0]} is not installed: {line}")
            continue
        seen.add(line)
        ran += 1
        began = time.monotonic()
        text = daemon.play(place, line, incident)
        if os.environ.get("MANUALS_VERBOSE"):
            print(f"    {time.monotonic() - began:5.1f} s  {'FAIL' if text else '    '}  {line}", flush=True)
        if text:
            texts.append(text)
    os.kill(daemon.process.pid, signal.SIGUSR2)
    wait("the logs are opened anew", 10, lambda: daemon.has_logged("SIGUSR2"))
    print(f"    {ran} command lines ran, {len(examples)} are there")
    check(not texts, f"{len(texts)} faults:\n    " + "\n    ".join(texts))


run(Manuals, scenario)
