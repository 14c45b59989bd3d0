"""The manual pages and the README as the scenarios read them: entries, keys, and command lines."""
import glob
import os
import re

from scenario import ROOT

PAGES = os.path.join(ROOT, "packaging", "man")
CONFIGURATION = os.path.join(ROOT, "Sources", "Warden", "Config")


def page(name):
    with open(os.path.join(PAGES, name)) as file:
        return file.read().splitlines()


def section(lines, title):
    """The lines of one `.Sh`."""
    start = lines.index(f".Sh {title}") + 1
    end = next((number for number in range(start, len(lines)) if lines[number].startswith(".Sh ")), len(lines))
    return lines[start:end]


def switches(lines):
    """What stands behind `Fl` in lines that begin an entry: `c`, `-configuration`."""
    return {word for line in lines if line.startswith(".It ") for word in re.findall(r"\bFl (-?[\w-]+|\\&\?)", line)}


def commands():
    """The entries of wardenctl(1): each command's name and all of its text."""
    entries, name = {}, None
    for line in section(page("wardenctl.1"), "COMMANDS"):
        if line.startswith(".It Ic "):
            name = line.split()[2]
        if line.startswith(".Ss "):
            name = None
        if name:
            entries[name] = entries.get(name, "") + line + "\n"
    return entries


def documented_keys():
    """The keys of warden.conf(5) by section: `{"program:": {"command", ...}}`."""
    keys, name = {}, None
    for line in page("warden.conf.5"):
        if line.startswith(".Ss ["):
            name = re.sub("(?<=:).*", "", line[5:-1])
            keys[name] = set()
        elif line.startswith(".Sh "):
            name = None
        elif name and line.startswith(".It Ic "):
            keys[name] |= set(re.findall(r"\bIc (\w+)", line))
    return keys


def entries(lines):
    """The text of each key's entry."""
    found, names = {}, []
    for line in lines:
        if line.startswith(".It Ic "):
            names = re.findall(r"\bIc (\w+)", line)
        elif line.startswith((".It", ".El", ".Ss", ".Sh")):
            names = []
        for name in names:
            found[name] = found.get(name, "") + line + "\n"
    return found


# In the example they show how they are written, not what holds without them.
SHOWN = {"forensics_command", "forensics_signal", "gpu_wait", "shm_sweep", "quarantine", "act_between"}


def example_defaults():
    """What etc/warden.conf shows, commented out, as the defaults of [health]."""
    with open(os.path.join(ROOT, "etc", "warden.conf")) as file:
        text = file.read().partition("\n[health]\n")[2].partition("\n[")[0]
    found = dict(re.findall(r"^;(\w+)=(.*?)(?: *;.*)?$", text, re.M))
    return {key: value for key, value in found.items() if key not in SHOWN}


def known_keys():
    """The keys that the daemon's own tables have; no keys where every one is taken."""
    with open(os.path.join(CONFIGURATION, "Loading+Names.swift")) as file:
        source = file.read()
    with open(os.path.join(CONFIGURATION, "HealthKeys.swift")) as file:
        health = set(re.findall(r'^        "(\w+)":', file.read(), re.M))
    words = re.compile(r'"(\w+)"')
    program = set(words.findall(re.search(r"program: Set<String> = \[(.*?)\n    \]", source, re.S)[1]))
    keys = {}
    for text in source.split("SectionKind(")[1:]:
        named = re.search(r'name: "([\w:-]+)"', text)
        if not named:
            continue
        text = text.split("private static", 1)[0]
        own = set(words.findall(text.split("keys:", 1)[-1])) if "keys: nil" not in text else set()
        if "HealthKeys" in text:
            own = health
        elif re.search(r"keys: program\b", text):
            own |= program
        keys[named[1]] = own
    return keys


def own_keys(name, known):
    """What a page says of a section whose program's keys are said elsewhere."""
    return known[name] - (known["program:"] if name in ("fcgi-program:", "eventlistener:") else set())


def routes():
    """The requests that warden-api(7) lists: `{("GET", "/api/v1/workers")}`."""
    return {tuple(found) for found in re.findall(r"^\.It Li (GET|POST) (\S+)$", "\n".join(page("warden-api.7")), re.M)}


def metrics():
    """The metrics of warden-api(7)."""
    return set(re.findall(r"\bwarden_\w+", "\n".join(page("warden-api.7"))))


def sources(room):
    """The files of a room."""
    return sorted(glob.glob(os.path.join(ROOT, "Sources", "Warden", room, "*.swift")))


def quoted_metrics(path):
    """The metrics that a file of sources writes."""
    with open(path) as file:
        return re.findall(r'"(warden_\w+)"', file.read())


def _roff(line):
    """A line of a display as it is shown."""
    return line.replace("\\(dq", '"').replace("\\&", "").replace("\\e", "\\")


def _prompted(lines):
    """The command lines of a display: those behind a prompt, with what goes on below."""
    found = []
    for line in lines:
        if re.match(r"[$#] ", line):
            found.append(line[2:])
        elif found and (found[-1].endswith(("\\", "|")) or found[-1].count("'") % 2):
            found[-1] += "\n" + line
    return found


def page_examples():
    """Every command line of every page: its place and the line."""
    found = []
    for path in sorted(glob.glob(os.path.join(PAGES, "*.[1-9]"))):
        name, display = os.path.basename(path), None
        for line in page(name):
            if line.startswith(".Bd -literal"):
                display = []
            elif line == ".Ed" and display is not None:
                found += [(name, command) for command in _prompted(display)]
                display = None
            elif display is not None:
                display.append(_roff(line))
    return found


# Without a prompt: what begins so is typed, and is not what warden says.
TYPED = r"(sudo |make |sudoedit |wardenctl |systemctl |curl |kill |warden -)"


def readme_examples():
    """Every command line of the README's blocks, without its comment."""
    with open(os.path.join(ROOT, "README.md")) as file:
        text = file.read()
    blocks = re.findall(r"(?:^    .*\n)+", text, re.M)
    blocks += re.findall(r"^```(?:sh|console|bash)?\n(.*?)^```", text, re.M | re.S)
    found = []
    for block in blocks:
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        prompted = _prompted(lines)
        if not prompted:
            prompted = [line for line in lines if re.match(TYPED, line)]
        found += [("README.md", re.sub(r" +# .*", "", command)) for command in prompted]
    return found
