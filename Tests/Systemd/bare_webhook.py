#!/usr/bin/env python3
import json

from scenario import WORKER, Daemon, Receiver, check, contents, run, wait

SECRET = "quite-secret-1f7a"
QUOTED = "401 Client Error"
INCIDENT = {"id", "worker", "generation", "at", "class", "cause", "grade", "evidence", "action", "outcome",
            "recovered_seconds"}


def envelope(body):
    check(body["specversion"] == "1.0" and body["datacontenttype"] == "application/json", f"envelope: {body}")
    check(all(isinstance(body[key], str) and body[key] for key in ("id", "source", "type", "time", "subject")),
          f"envelope: {body}")
    check(not INCIDENT - body["data"].keys(), f"data lacks {INCIDENT - body['data'].keys()}")
    check(body["subject"] == body["data"]["worker"], f"subject: {body}")


def scenario(daemon):
    """Webhooks say what the contract says, come again until they are taken, and no secret is in the log."""
    plain, slack, stuttering, full = Receiver(), Receiver(), Receiver(500, 500), Receiver()
    receivers = (
        ("plain", plain, f"format = json\nsecret = {SECRET}"), ("slack", slack, "format = slack"),
        ("stuttering", stuttering, "format = json\nevents = hung"),
        ("full", full, "format = json\ninclude_log = true"))
    alerts = "".join(f"[alert:{name}]\nurl = {receiver.url('/' + SECRET)}\n{settings}\n"
                     for name, receiver, settings in receivers)
    daemon.configure(f"""[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
progress_pattern = Batch
error_pattern = \\[error
error_burst = 2 in 10s
recover_within = 5s
forensics_budget = 500ms
[program:once]
command = {WORKER} silent --after 0.3 --once {daemon.path("failed")}
[health:once]
heartbeat_timeout = 1s
[program:errors401]
command = {WORKER} errors401 --after 0.3
{alerts}""")
    daemon.start()

    def closed(receiver):
        return [body for body in receiver.accepted() if body["subject"] == "once" and body["data"]["outcome"]]
    wait("the end of once's incident is told", 10, lambda: closed(plain))
    wait("the errors are told", 5, lambda: any(body["subject"] == "errors401" for body in full.accepted()))
    once = [body for body in plain.accepted() if body["subject"] == "once"]
    opened, ended = (next(body for body in once if bool(body["data"]["outcome"]) == is_end) for is_end in (0, 1))
    for body in plain.accepted():
        envelope(body)
    check(all(kind == "application/cloudevents+json" for _, kind, _ in plain.bodies), f"types: {plain.bodies}")
    check(opened["type"] == "warden.incident.opened" and ended["type"] == "warden.incident.closed",
          f"types: {opened['type']}, {ended['type']}")
    check(opened["id"] != ended["id"] and opened["data"]["id"] == ended["data"]["id"], "ids")
    data = opened["data"]
    check((data["class"], data["cause"], data["action"], data["outcome"], data["recovered_seconds"])
          == ("hung", "silent", "restart", None, None), f"opened: {data}")
    check(all(set(one) >= {"rule", "value", "threshold"} for one in data["evidence"]) and data["evidence"], str(data))
    data = ended["data"]
    check(data["outcome"] == "recovered" and isinstance(data["recovered_seconds"], (int, float)), f"closed: {data}")

    # Log text only with include_log.
    check(QUOTED not in json.dumps(plain.accepted()), "log text was sent without include_log")
    check(QUOTED in json.dumps(full.accepted()), "no log text was sent with include_log = true")

    wait("slack has both ends", 5, lambda: len(slack.bodies) >= 3)
    for body in slack.accepted():
        check(isinstance(body["text"], str) and body["text"], f"slack: {body}")
        check(all(block["type"] in ("section", "context") for block in body["blocks"]), f"slack: {body}")
    check(QUOTED not in json.dumps(slack.accepted()), "log text was sent to slack without include_log")

    wait("the third attempt is taken", 10, lambda: stuttering.accepted())
    statuses = [status for status, _, _ in stuttering.bodies[:3]]
    check(statuses == [500, 500, 204], f"answers: {statuses}")
    check(len({body for _, _, body in stuttering.bodies[:3]}) == 1, "the attempts differ")
    check(all(path == "/" + SECRET for path in stuttering.paths), f"paths: {stuttering.paths}")

    log = contents(daemon.log) + contents(daemon.path("stdout"))
    check("answered 500" in log, "the log does not speak of the refused attempts")
    check(SECRET not in log, "a secret is in the log")

    # Last, so that everything above has been seen: nobody is told the same thing twice.
    for name, receiver in (("plain", plain), ("full", full)):
        ids = [body["id"] for body in receiver.accepted()]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        check(not twice, f"{name} took {len(ids)} alerts, of which these came more than once: {twice}")


run(Daemon, scenario)
