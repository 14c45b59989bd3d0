#!/usr/bin/env python3
from scenario import Daemon, check, contents, run, wait


def scenario(daemon):
    """env_file is read with the configuration: quotes, precedence, a file that may be missing, errors with their line."""
    env, out = daemon.path("web.env"), daemon.path("out")
    with open(env, "w") as file:
        file.write("# the web's\nexport PLAIN=a b # no part of it\nSINGLE='$X #1'\nDOUBLE=\"two\\nlines\"\nBOTH=file\n"
                   "PORT=4711\n")
    show = "env | grep -aE ^(PLAIN|SINGLE|BOTH)="
    daemon.configure(f"""[program:web]
command = sh -c '(env; echo port %(ENV_PORT)s) > {out}.new; mv {out}.new {out}; exec sleep 1000'
env_file = {env}, -{daemon.path("none.env")}
environment = BOTH="program"
startsecs = 0
[program:other]
command = sleep 1000
startsecs = 0
""")
    lines, code = daemon.check_configuration()
    check(code == 0 and not lines, f"--check: exit code {code}: {lines} {show}")
    daemon.start()
    said = wait("the worker's environment", 10, lambda: contents(out))
    for line in ("PLAIN=a b\n", "SINGLE=$X #1\n", "DOUBLE=two\nlines\n", "BOTH=program\n", "port 4711\n"):
        check(line in said, f"{line!r} is not in {said}")
    workers = daemon.running("web", "other")

    # A change of the file alone restarts what it is about, and nothing else.
    with open(env, "a") as file:
        file.write("MORE=yes\n")
    out_text, _, code = daemon.ctl("update")
    check(code == 0 and out_text == "web: stopped\nweb: updated process group\n", f"update: {out_text}")
    wait("the new environment", 10, lambda: "MORE=yes" in contents(out))
    after = daemon.running("web", "other")
    check(after["other"]["pid"] == workers["other"]["pid"], "other was restarted")

    # An error names the file and the line, and not the secret.
    with open(env, "a") as file:
        file.write("BROKEN='secret\n")
    lines, code = daemon.check_configuration()
    check(code == 2 and any(line.startswith(f"{env}:8: ") for line in lines), f"--check: {code} {lines}")
    check(not any("secret" in line for line in lines), f"a secret is shown: {lines}")
    text, _, code = daemon.ctl("reread")
    check(code == 1 and f"{env}:8: " in text, f"reread: exit code {code}: {text}")


run(Daemon, scenario)
