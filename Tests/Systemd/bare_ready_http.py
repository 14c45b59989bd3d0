#!/usr/bin/env python3
import os
import threading

from scenario import Daemon, Queue, check, run, serve, wait


def scenario(daemon):
    """ready = probe over http: RUNNING with the first 2xx, and not with what was answered before."""
    answers = []
    allowed = threading.Event()

    class Answer(Queue):
        def do_GET(self):
            answers.append(self.path)
            self.send_response(204 if allowed.is_set() else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    port = serve(Answer)
    daemon.configure(f"""[program:web]
command = sleep 1000
ready = probe
[program:refused]
command = sleep 1000
ready = probe
startsecs = 2
startretries = 0
[health:web]
probe = http://127.0.0.1:{port}/up
[health:refused]
probe = http://127.0.0.1:1/up
""")
    daemon.start()
    wait("three questions", 15, lambda: len(answers) >= 3)
    check(daemon.worker("web")["state"] == "STARTING", str(daemon.worker("web")))
    allowed.set()
    wait("web RUNNING", 10, lambda: daemon.worker("web")["state"] == "RUNNING")
    check(set(answers) == {"/up"}, f"{answers}")
    asked = len(answers)
    wait("refused FATAL", 20, lambda: daemon.worker("refused")["state"] == "FATAL")
    check(len(answers) == asked, "web was asked on though it is ready")
    check(os.path.exists(f"/proc/{daemon.worker('web')['pid']}"), "web has ended")


run(Daemon, scenario)
