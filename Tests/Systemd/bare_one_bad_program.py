#!/usr/bin/env python3
from scenario import Daemon, check, run, wait


def scenario(daemon):
    """A program with an error in its own section is left out and named; the others run. A check and a reread fail."""
    good = "[program:good]\ncommand = sleep 1000\n"
    bad = "[program:bad]\ncommand = sleep 1000\nuser = there-is-no-such-user\n"
    # A listener and an fcgi program are programs like any other in this.
    others = ("[eventlistener:mute]\ncommand = cat\nevents = NO_SUCH_EVENT\n"
              "[fcgi-program:homeless]\ncommand = cat\nsocket = nowhere\n")
    daemon.configure(good + bad + others + "[program:behind]\ncommand = sleep 1000\ndepends_on = bad\n")
    place = daemon.line_of("there-is-no-such-user")
    lines, code = daemon.check_configuration()
    check(code == 2 and any(line.startswith(f"{place}: ") for line in lines), f"--check: exit code {code}: {lines}")
    daemon.start()
    good_pid = daemon.running("good")["good"]["pid"]
    check(daemon.workers().keys() == {"good", "behind"}, f"there are {list(daemon.workers())}")
    for text in ("NO_SUCH_EVENT", "nowhere"):
        check(any(line.startswith(daemon.line_of(text)) and text in line for line in lines), f"--check: {lines}")
        check(daemon.has_logged(rf"CRIT {daemon.line_of(text)}: .*{text}"), f"the error of {text} is not in the log")
    check("waiting for bad" in daemon.ctl("status", "behind")[0], "behind does not say what it waits for")
    check(daemon.has_logged(rf"CRIT {place}: .*there-is-no-such-user"), "the error is not in the log")
    check(daemon.has_logged("CRIT not started, because their sections have errors: .*bad.*; the others run"), "not said")
    out, _, code = daemon.ctl("reread")
    check(code == 1 and "CANT_REREAD" in out and place in out, f"reread: exit code {code}: {out}")

    # Mended, it is a new group like any other.
    daemon.configure(good + bad.replace("user =", ";user =")
                     + "[program:behind]\ncommand = sleep 1000\ndepends_on = bad\n")
    out, _, code = daemon.ctl("update")
    check(code == 0 and out == "bad: added process group\n", f"update: exit code {code}: {out}")
    workers = daemon.running("good", "bad", "behind")
    check(workers["good"]["pid"] == good_pid, "good was disturbed")
    daemon.stop()

    # Where nothing is left there is nothing to start.
    daemon.configure(bad)
    import subprocess
    done = subprocess.run([daemon.options.warden, "-n", "-c", daemon.configuration], capture_output=True, timeout=20)
    check(done.returncode == 2 and b"there-is-no-such-user" in done.stderr, f"{done}")
    wait("nothing", 1, lambda: True)


run(Daemon, scenario)
