"""A confusion matrix: what each worker truly is, and what it was called when it was acted on, or at the end.

A `Kind` is one behaviour in several slots. `play` starts them under one daemon, looks until every one of them has been
called something that counts and the time to watch is over, prints the matrix, and fails on anything off the diagonal
and on any action on a worker that is well.
"""
import collections
import dataclasses
import json
import string
import time

from scenario import Failed, check

LOOK_SECONDS = 0.4
WELL = "healthy"
ACTIONS = ("restart", "drain", "kill")
# What nobody is to be told of: such workers are right where they are without an incident.
UNTOLD = (WELL, "starting", "paused/stopped")


def word_of(verdict):
    """`class/cause`, or the class alone."""
    return "/".join(filter(None, (verdict["class"], verdict.get("cause"))))


@dataclasses.dataclass
class Kind:
    """One behaviour. `truth` is what it must be called; `also` means the same, `before` comes on the way there."""
    name: str
    truth: str
    command: str
    count: int = 3
    also: tuple = ()
    before: tuple = ()
    action: str = ""  # what must have been done; none with ""
    reason: str = ""  # must stand in the evidence
    environment: str = ""
    health: str = ""
    one_by_one: bool = False  # each is started when the one before has recovered
    but: tuple = ()  # a word that is right as well when the log has this line: on a busy host nobody gets a core

    def names(self):
        return [f"{self.name}:{self.name}_{number:02}" for number in range(self.count)]

    def sections(self, autostart=True):
        """Its program, every process of it with `{slot}` in the command replaced by a name of its own."""
        command = self.command.replace("{slot}", "%(program_name)s_%(process_num)02d")
        text = f"""[program:{self.name}]
command = {command}
process_name = %(program_name)s_%(process_num)02d
numprocs = {self.count}
startsecs = 0
autostart = {str(autostart and not self.one_by_one).lower()}
redirect_stderr = true
stopasgroup = true
killasgroup = true
stopwaitsecs = 5
"""
        text += f"environment = {self.environment}\n" if self.environment else ""
        return f"{text}[health:{self.name}]\nmax_unavailable = {self.count}\n{self.health}\n"


class Matrix:
    """What was seen of the workers of some kinds, and what became of them."""

    def __init__(self, world, kinds):
        self.world = world
        self.kinds = {name: kind for kind in kinds for name in kind.names()}
        self.seen = {name: [] for name in self.kinds}
        self.pids = {name: set() for name in self.kinds}
        self.last = {}
        self.incidents = {}

    def look(self):
        for name, worker in self.world.workers().items():
            if name not in self.kinds:
                continue
            health = worker.get("health")
            if health:
                word = word_of(health)
                self.last[name] = word
                if word not in self.seen[name]:
                    self.seen[name].append(word)
            if worker.get("pid"):
                self.pids[name].add(worker["pid"])
        self.incidents = collections.defaultdict(list)
        for incident in sorted(self.world.incidents("--limit", "1000"), key=lambda one: one["at"]):
            self.incidents[incident["worker"]].append(incident)

    def called(self, name):
        """The word of the first incident that was acted on; else of the last that was told; else the last verdict."""
        told = [word_of(one) for one in self.incidents[name]]
        acted = [word_of(one) for one in self.acted(name)]
        arrived = [word for word in told if word not in self.kinds[name].before]
        return (acted[:1] or arrived[-1:] or told[-1:] or [self.last.get(name, "nothing")])[0]

    def cell(self, name):
        """The column it stands in: another word that means the same stands on the diagonal."""
        kind, word = self.kinds[name], self.called(name)
        return kind.truth if word in self.right(name) else word

    def right(self, name):
        """What it may be called."""
        kind = self.kinds[name]
        if kind.but and self.world.has_logged(kind.but[1].format(name=name)):
            return {kind.truth, *kind.also, kind.but[0]}
        return {kind.truth, *kind.also}

    def is_settled(self, name):
        """It has been called what it is, and what was to be done about it has helped."""
        kind = self.kinds[name]
        if self.cell(name) != kind.truth:
            return False
        if kind.truth in UNTOLD:
            return self.last.get(name) == kind.truth
        return not kind.action or any(one["outcome"] == "recovered" for one in self.acted(name))

    def acted(self, name):
        return [one for one in self.incidents[name] if one["action"] in ACTIONS]

    def tell(self):
        """The matrix; a row for each kind, its diagonal in brackets."""
        columns = sorted({kind.truth for kind in self.kinds.values()} | {self.cell(name) for name in self.kinds})
        letters = dict(zip(columns, string.ascii_lowercase))
        for word, letter in letters.items():
            print(f"    {letter} = {word}")
        width = max(len(kind.name) for kind in self.kinds.values())
        print(f"    {'':{width}}  {'':15} " + "".join(f"{letter:^5}" for letter in letters.values()) + " acted on")
        for kind in dict.fromkeys(kind.name for kind in self.kinds.values()):
            names = [name for name in self.kinds if self.kinds[name].name == kind]
            truth = self.kinds[names[0]].truth
            counts = collections.Counter(self.cell(name) for name in names)
            cells = "".join(f"{self.shown(counts[word], word == truth):^5}" for word in columns)
            acted = collections.Counter(f"{one['action']}, {one['outcome']}" for name in names
                                        for one in self.acted(name))
            did = "; ".join(f"{count} {what}" for what, count in acted.items()) or "-"
            print(f"    {kind:{width}}  {truth:15} {cells} {did}")

    @staticmethod
    def shown(count, is_diagonal):
        return f"[{count}]" if is_diagonal else str(count or ".")

    def faults(self):
        """What must not be, in words."""
        for name, kind in self.kinds.items():
            if self.cell(name) != kind.truth:
                yield f"{name} is {kind.truth} and was called {self.called(name)}"
            known = {"starting", WELL, *kind.before} | self.right(name)
            strange = [word for word in self.seen[name] if word not in known]
            strange += [word for word in map(word_of, self.incidents[name]) if word not in known]
            if strange:
                yield f"{name} is {kind.truth} and was judged {', '.join(dict.fromkeys(strange))}"
            actions = [one["action"] for one in self.acted(name)]
            if actions != ([kind.action] if kind.action else []):
                yield f"{name} ({kind.truth}): acted on with {actions or 'nothing'}"
            if not kind.action and len(self.pids[name]) != 1:
                yield f"{name} ({kind.truth}) had {len(self.pids[name])} processes"
            if kind.truth in UNTOLD and self.incidents[name]:
                yield f"{name} ({kind.truth}) has {len(self.incidents[name])} incidents"
            if kind.reason and kind.reason not in json.dumps([one["evidence"] for one in self.incidents[name]]):
                yield f"{name}: no evidence says \"{kind.reason}\""


def play(world, kinds, seconds, limit):
    """Looks at workers that run already, for `seconds` at least and `limit` at most; then judges the judge."""
    matrix = Matrix(world, kinds)
    waiting = [name for kind in kinds if kind.one_by_one for name in kind.names()]
    began = time.monotonic()
    started = None
    while True:
        matrix.look()
        elapsed = time.monotonic() - began
        if waiting and (started is None or matrix.is_settled(started)):
            started = waiting.pop(0)
            world.ctl("start", started)
        is_settled = not waiting and all(map(matrix.is_settled, matrix.kinds))
        if elapsed > limit or is_settled and elapsed > seconds:
            break
        time.sleep(LOOK_SECONDS)
    matrix.tell()
    faults = list(matrix.faults())
    check(not faults, "\n    ".join(faults[:20]))
    if not is_settled:
        raise Failed(f"not settled: {', '.join(name for name in matrix.kinds if not matrix.is_settled(name))}")
    print(f"    {len(matrix.kinds)} workers of {len(kinds)} kinds, looked at for {elapsed:.0f} s: "
          "every one on the diagonal")
