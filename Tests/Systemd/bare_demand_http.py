#!/usr/bin/env python3
import json
import threading

from scenario import WORKER, Daemon, Queue, check, run, serve, wait

HEALTH = """[health]
interval = 200ms
grace = 300ms
confirm = 2 of 3
on_hung = alert
heartbeat_timeout = 1s
"""


def scenario(daemon):
    """Demand over http: a number makes a hang sure, none makes it none, and every other answer is unknown and harmless."""
    answers = {"/some": (200, {"jobs": {"waiting": "3"}}), "/none": (200, {"jobs": []}), "/broken": (500, {"n": 0}),
               "/moved": (302, {}), "/null": (200, {"n": None})}
    lock, asked = threading.Lock(), []

    class Answer(Queue):
        def do_GET(self):
            with lock:
                asked.append(self.path)
            status, document = answers[self.path]
            body = json.dumps(document).encode()
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/some")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    port = serve(Answer)
    sources = {"some": f"http://127.0.0.1:{port}/some#/jobs/waiting", "none": f"http://127.0.0.1:{port}/none#/jobs",
               "broken": f"http://127.0.0.1:{port}/broken#/n", "moved": f"http://127.0.0.1:{port}/moved#/n",
               "null": f"http://127.0.0.1:{port}/null#/n", "refused": "http://127.0.0.1:1/#/n"}
    daemon.configure(HEALTH + "".join(f"""[program:{name}]
command = {WORKER} silent --after 0.5
startsecs = 0
[health:{name}]
demand = {url}
""" for name, url in sources.items()))
    daemon.start()
    daemon.running(*sources)

    def verdict(name):
        return daemon.health(name), (daemon.worker(name).get("health") or {}).get("grade")
    wait("some is hung/silent (strong)", 12, lambda: verdict("some") == ("hung/silent", "strong"))
    for name in ("broken", "moved", "null", "refused"):
        wait(f"{name} is hung/silent (weak)", 12, lambda: verdict(name) == ("hung/silent", "weak"))
    check(daemon.health("none") == "healthy", f"none is {daemon.health('none')}")
    for name, words in (("some", "3 waiting"), ("none", "nothing waits"), ("broken", "unknown: status 500"),
                        ("moved", "unknown: status 302; redirects are not followed"),
                        ("null", "unknown: /n: the value is null"), ("refused", "unknown: connection refused")):
        text = daemon.ctl("why", name)[0]
        check(f"demand       {words}" in text, f"why {name} does not say '{words}':\n{text}")
    check("/some" in asked and asked.count("/moved") <= 3, f"asked: {asked}")
    daemon.undisturbed()


run(Daemon, scenario)
