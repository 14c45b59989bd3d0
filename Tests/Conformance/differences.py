"""The list of differences, and the comparison of two sides against it.

An entry of differences.toml is a table:

    [[difference]]
    case = "start: supervisor.startProcess('cat')"    # `*` stands for anything
    where = "calls warden"                            # optional: the part and who is compared with supervisord
    supervisord = "..."                               # what each answers, as JSON; `*` stands for anything
    warden = "..."
    reason = "why it is so"
    race = "why it is not always so"                  # optional: such an entry may be unused
"""
import json
import re
import tomllib


class Entry:
    def __init__(self, table):
        self.case = table["case"]
        self.where = table.get("where", "*")
        self.supervisord = table["supervisord"]
        self.warden = table["warden"]
        self.reason = table["reason"]
        self.race = table.get("race", "")
        self.used = False
        if not self.reason.strip():
            raise ValueError(f"the difference {self.case} has no reason")

    def covers(self, where, case, left, right):
        return (like(self.where, where) and like(self.case, case) and like(self.supervisord, left)
                and like(self.warden, right))


class Failure:
    def __init__(self, where, case, left, right, text=None):
        self.where, self.case, self.left, self.right, self.said = where, case, left, right, text

    def text(self):
        if self.said:
            return f"FAIL {self.said}"
        left, right = shortened(self.left, self.right)
        return f"FAIL {self.where}: {self.case}\n    supervisord: {left}\n    {self.where.split()[-1]}: {right}"

    def entry(self):
        if self.said:
            return f"# {self.said}"
        return (f"[[difference]]\ncase = {quoted(self.case)}\nwhere = {quoted(self.where)}\n"
                f"supervisord = {quoted(self.left)}\nwarden = {quoted(self.right)}\nreason = \"\"\n")


def like(pattern, text):
    """Whether the text is the pattern, in which `*` stands for anything."""
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(".*".join(parts), text, re.S) is not None


def quoted(text):
    return "'''" + text + "'''" if "'''" not in text else json.dumps(text)


def shortened(left, right, limit=600):
    """Two long texts from shortly before where they begin to differ."""
    same = next((at for at, pair in enumerate(zip(left, right)) if pair[0] != pair[1]), min(len(left), len(right)))
    start = max(0, same - 60) if max(len(left), len(right)) > limit else 0
    return tuple(("…" if start else "") + text[start:start + limit] + ("…" if len(text) > start + limit else "")
                 for text in (left, right))


def read(path):
    with open(path, "rb") as file:
        return [Entry(table) for table in tomllib.load(file).get("difference", [])]


def compare(part, title, reference, found, listed):
    """How many cases were compared, and where they differ without being listed."""
    where, failures = f"{part} {title}", []
    for case in reference.keys() | found.keys():
        if case not in reference or case not in found:
            missing = "supervisord" if case not in reference else title
            failures.append(Failure(where, case, "", "", f"{where}: {case} was not played on {missing}"))
    for case, outcome in reference.items():
        left = json.dumps(outcome, ensure_ascii=False)
        right = json.dumps(found.get(case), ensure_ascii=False)
        if case not in found or left == right:
            continue
        entry = next((entry for entry in listed if entry.covers(where, case, left, right)), None)
        if entry:
            entry.used = True
        else:
            failures.append(Failure(where, case, left, right))
    return len(reference), failures


def unused(listed, parts):
    """Entries that no longer happen, of the parts that were played."""
    def is_played(entry):
        return entry.where.startswith("*") or entry.where.split()[0] in parts
    return [Failure(entry.where, entry.case, "", "", f"the listed difference no longer happens: {entry.case}")
            for entry in listed if not entry.used and not entry.race and is_played(entry)]
