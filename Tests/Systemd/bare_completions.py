#!/usr/bin/env python3
import os
import pty
import re
import select
import shutil
import subprocess

from scenario import ROOT, WORKER, Daemon, Failed, Receiver, check, command, contents, run, wait

COMPLETIONS = os.path.join(ROOT, "packaging", "completions")
SECONDS = 20
NAMES = {"batch:batch_00", "batch:batch_01", "badtoken"}


def separated(line):
    """The words as bash has them for a completion: it cuts at colons and equals signs, which are words, too."""
    return re.findall(r"[:=]+|[^\s:=]+", line) + ([""] if line.endswith(" ") else [])


class Bash:
    """Sources the file, calls the function as readline does, and looks at COMPREPLY."""

    def __init__(self, daemon):
        self.daemon = daemon

    def close(self):
        """Nothing."""

    def ask(self, line):
        program, _, rest = line.partition(" ")
        line = f"{self.daemon.options.__dict__[program]} {rest}"
        words = separated(line)
        # A path of the program has no colons.
        script = """source "$1"; shift
COMP_LINE=$1 COMP_POINT=${#1}; shift
function=$1; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
"$function"
printf '%s\\n' "${COMPREPLY[@]}"
"""
        out, err, code = command(
            "bash", "--norc", "-c", script, "bash", os.path.join(COMPLETIONS, "wardenctl.bash"), line, f"_{program}",
            *words, environment={**os.environ, "WARDENCTL_COMPLETION_SECONDS": str(SECONDS)})
        check(not err, f"bash: {line}: {err}")
        head = re.search(r"\S*$", line)[0]
        # Readline puts what was found in the place of what follows the last colon.
        head = head[:head.rindex(":") + 1] if ":" in head else ""
        return {head + word for word in out.split("\n") if word.strip()}


class Fish:
    """`complete -C` answers what Tab would."""

    def __init__(self, daemon):
        self.daemon = daemon

    def close(self):
        """Nothing."""

    def ask(self, line):
        program, _, rest = line.partition(" ")
        script = f"source {COMPLETIONS}/{program}.fish; complete -C {repr(program + ' ' + rest)}"
        places = os.path.dirname(self.daemon.options.wardenctl)
        environment = {**os.environ, "PATH": f"{places}:{os.environ['PATH']}", "HOME": self.daemon.directory,
                       "WARDENCTL_COMPLETION_SECONDS": str(SECONDS)}
        out, err, code = command("fish", "--no-config", "-c", script, environment=environment)
        check(code == 0 and not err, f"fish: {line}: {code} {err}")
        return {found.split("\t")[0].replace("\\", "") for found in out.splitlines()}


class Zsh:
    """At a terminal: every match that is added is written to a file, too."""

    SETTINGS = """PS1='ready> '
unsetopt auto_list auto_menu
fpath=(%(completions)s $fpath)
autoload -U compinit
compinit -u -D
compadd() {
    local -a hits
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)* ]]; then
        builtin compadd -O hits "$@"
        print -rl -- $hits >> %(found)s
    fi
    builtin compadd "$@"
}
completed() { print -r -- '/done' >> %(found)s; }
zle -N completed
bindkey '^X^E' completed
"""

    def __init__(self, daemon):
        self.found = daemon.path("found")
        home = daemon.path("home")
        os.mkdir(home)
        with open(os.path.join(home, ".zshrc"), "w") as file:
            file.write(self.SETTINGS % {"completions": COMPLETIONS, "found": self.found})
        places = os.path.dirname(daemon.options.wardenctl)
        environment = {**os.environ, "PATH": f"{places}:{os.environ['PATH']}", "HOME": home, "ZDOTDIR": home,
                       "TERM": "dumb", "LC_ALL": "C", "WARDENCTL_COMPLETION_SECONDS": str(SECONDS)}
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(["zsh", "-d", "-i"], stdin=slave, stdout=slave, stderr=slave, env=environment,
                                        start_new_session=True)
        os.close(slave)
        self.seen = ""
        wait("zsh is ready", SECONDS, self.is_ready)

    def is_ready(self):
        self.read()
        return "ready> " in self.seen

    def read(self):
        """What zsh shows is read on, or it would wait for that."""
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536).decode(errors="replace")

    def ask(self, line):
        if os.path.exists(self.found):
            os.remove(self.found)
        # Tab, the mark, and an empty line again.
        os.write(self.master, line.encode() + b"\t\x18\x05\x15")

        def completed():
            self.read()
            words = contents(self.found).split("\n")
            return words if "/done" in words else None
        try:
            return set(wait(f"zsh completes {line!r}", SECONDS + 10, completed)) - {"", "/done"}
        except Failed as error:
            raise Failed(f"{error}: {self.seen[-1000:]}") from None

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def questions(daemon, incident):
    """Lines, what they must offer, and what they must not."""
    commands = set(daemon.ctl("help")[0].partition("====\n")[2].split())
    ctl = f"wardenctl -c {daemon.configuration}"
    return [
        (f"{ctl} ", commands, {"emfile", "batch:batch_00"}),
        (f"{ctl} inc", {"incident", "incidents"}, {"status"}),
        (f"{ctl} help ", commands, set()),
        (f"{ctl} why ", NAMES, {"all", "batch:*", "--json"}),
        (f"{ctl} why ba", NAMES, {"all"}),
        (f"{ctl} why batch:", {"batch:batch_00", "batch:batch_01"}, {"badtoken"}),
        (f"{ctl} restart ", NAMES | {"batch:*", "all"}, {"emfile"}),
        (f"{ctl} restart batch:batch_00 ", NAMES | {"all"}, set()),
        (f"{ctl} restart -", {"--rolling"}, NAMES),
        (f"{ctl} update ", {"batch", "badtoken"}, {"batch:batch_00", "all"}),
        (f"{ctl} drill batch:batch_00 ", {"emfile", "hang", "spin", "silence", "memory", "stop"}, NAMES),
        (f"{ctl} signal ", {"TERM", "USR1"}, NAMES),
        (f"{ctl} signal USR1 ", NAMES, {"TERM"}),
        (f"{ctl} tail badtoken std", {"stdout", "stderr"}, NAMES),
        (f"{ctl} incident ", {incident}, NAMES),
        (f"{ctl} incidents --", {"--limit", "--json"}, {"--act"}),
        (f"{ctl} replay --", {"--config", "--set", "--since", "--json"}, {"--act"}),
        (f"{ctl} alert ", {"test"}, {"operations"}),
        (f"{ctl} alert test ", {"operations"} if "alert" in commands else set(), NAMES),
        ("wardenctl --", {"--serverurl", "--configuration", "--ca-file", "--json"}, {"--shadow"}),
        # No daemon: nothing, and no word about it.
        (f"wardenctl -s unix://{daemon.path('nobody.sock')} why ", set(), NAMES | {"error:"}),
        ("warden --", {"--check", "--shadow", "--configuration", "--logfile_maxbytes"}, {"--serverurl"}),
        ("warden --ch", {"--check", "--childlogdir"}, {"--shadow"}),
        ("warden -e ", {"info", "debug"}, set()),
    ]


def all_options(daemon):
    """Every command and every option is in every file of completions."""
    texts = []
    files = {}
    for name in os.listdir(COMPLETIONS):
        with open(os.path.join(COMPLETIONS, name)) as file:
            files[name] = file.read()
    for program, names in (("wardenctl", ("wardenctl.bash", "_wardenctl", "wardenctl.fish")),
                           ("warden", ("wardenctl.bash", "_wardenctl", "warden.fish"))):
        usage = command(daemon.options.__dict__[program], "--help")[0]
        words = set(re.findall(r"--([a-z][\w-]+)", usage))
        if program == "wardenctl":
            listed = daemon.ctl("help")[0].partition("====\n")[2].split()
            helps = "".join(daemon.ctl("help", word)[0] for word in listed)
            words |= set(listed) | set(re.findall(r"(?<![\w-])--([a-z][\w-]+)", helps.replace("warden --check", "")))
        for name in names:
            texts += [f"{name} lacks {word}" for word in sorted(words)
                      if not re.search(rf"(--|(?<![\w-])){re.escape(word)}(?![\w-])", files[name])]
    return texts


def scenario(daemon):
    """Completions of bash, zsh and fish offer commands, options and live names, and are silent without a daemon."""
    daemon.configure(f"""[program:batch]
command = {WORKER} healthy
process_name = %(program_name)s_%(process_num)02d
numprocs = 2
startsecs = 0
[program:badtoken]
command = {WORKER} errors401
startsecs = 0
[health]
interval = 200ms
grace = 300ms
progress_pattern = Batch
error_pattern = \\[error
[alert:operations]
url = {Receiver().url()}
""")
    daemon.start()
    daemon.running(*NAMES, seconds=30)
    incident = wait("an incident of badtoken", 30, daemon.incidents)[0]["id"]
    texts, asked = all_options(daemon), []
    for name, kind in (("bash", Bash), ("zsh", Zsh), ("fish", Fish)):
        if not shutil.which(name):
            continue
        asked.append(name)
        shell = kind(daemon)
        try:
            for line, wanted, unwanted in questions(daemon, incident):
                found = shell.ask(line)
                if wanted - found or unwanted & found:
                    texts.append(f"{name}: {line!r} lacks {sorted(wanted - found)}, has {sorted(unwanted & found)}; "
                                 f"found {sorted(found)[:12]}")
        finally:
            shell.close()
    print(f"    asked: {', '.join(asked)}")
    check("bash" in asked and not texts, f"{len(texts)} faults:\n    " + "\n    ".join(texts))


run(Daemon, scenario)
