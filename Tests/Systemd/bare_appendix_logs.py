#!/usr/bin/env python3
import os
import select
import sys
import time
import xmlrpc.client

from scenario import Daemon, check, contents, run, wait

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Conformance"))

from sides import UnixConnection  # noqa: E402

TEXT = "a".encode() + "ö".encode() * 20 + b"\x1b[31mred\x1b[0m" + b"\xff\xfe" + b"\x00\x07" + "世界".encode() + b"\nend\n"
ANSWER_SECONDS = 0.1  # as a rule
LONGEST_SECONDS = 0.5  # the machine that runs the tests may be busy
SHOUTER = "import sys\nwhile True: sys.stdout.write('x' * 99 + '\\n')\n"


def call(daemon, method, *parameters):
    """The answer to a call, and how long it took."""
    connection = UnixConnection(daemon.socket)
    began = time.monotonic()
    connection.request("POST", "/RPC2", xmlrpc.client.dumps(parameters, method), {"Content-Type": "text/xml"})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    check(answer.status == 200, f"{method}{parameters}: status {answer.status}")
    # xmlrpc.client fails on control characters, as clients do.
    return xmlrpc.client.loads(data)[0][0], time.monotonic() - began


def scenario(daemon):
    """Odd bytes in a log break no client; a log reader that stalls, or a worker that does not read, stalls nobody else."""
    with open(daemon.path("text"), "wb") as file:
        file.write(TEXT)
    with open(daemon.path("shouter.py"), "w") as file:
        file.write(SHOUTER)
    os.mkfifo(daemon.path("fifo"))
    stalled = os.open(daemon.path("fifo"), os.O_RDWR | os.O_NONBLOCK)
    daemon.configure(f"""[program:odd]
command = sh -c 'cat {daemon.path("text")}; exec sleep 1000'
stdout_logfile = {daemon.path("odd.log")}
[program:shouter]
command = {sys.executable} {daemon.path("shouter.py")}
stdout_logfile = {daemon.path("fifo")}
stdout_logfile_maxbytes = 0
[program:deaf]
command = sleep 1000
[program:cat]
command = cat
stdout_logfile = {daemon.path("cat.log")}
""")
    daemon.start()
    daemon.running("odd", "shouter", "deaf", "cat")
    wait("the odd text is in its log", 10, lambda: "end" in contents(daemon.path("odd.log")))

    # Split UTF-8, ESC, 0xFF and NUL: every cut of the log is a text that a client can read.
    for count in range(1, len(TEXT) + 1):
        text, _ = call(daemon, "supervisor.readProcessStdoutLog", "odd", -count, 0)
        check(isinstance(text, str), f"the last {count} bytes: {text!r}")
        (tail, size, _), _ = call(daemon, "supervisor.tailProcessStdoutLog", "odd", 0, count)
        check(size == len(TEXT) and isinstance(tail, str), f"tail of {count} bytes: {tail!r}")
    whole, _ = call(daemon, "supervisor.readProcessStdoutLog", "odd", 0, 0)
    check("ö" * 20 in whole and "世界\nend\n" in whole and "red" in whole, f"the whole log: {whole!r}")
    out, err, code = daemon.ctl("tail", "odd")
    check(code == 0 and "世界" in out, f"wardenctl tail: exit code {code}: {out!r}{err}")

    # Stalled log reader: the fifo is full, and nobody reads it.
    wait("the fifo is full", 10, lambda: full(stalled))
    times = sorted(call(daemon, "supervisor.getAllProcessInfo")[1] for _ in range(20))
    check(times[10] < ANSWER_SECONDS and times[-1] < LONGEST_SECONDS,
          f"with a stalled log reader an answer took {times[10]:.3f} s as a rule, and {times[-1]:.3f} s once")
    out, _, code = daemon.ctl("restart", "cat")
    check(code == 0, f"restart beside a stalled reader: exit code {code}: {out}")

    # Standard input to a sleeper: what its pipe cannot hold is queued, and past the queue the answer is a fault.
    answers = []
    for _ in range(30):
        try:
            answers.append(call(daemon, "supervisor.sendProcessStdin", "deaf", "x" * 100_000)[0])
        except xmlrpc.client.Fault as fault:
            answers.append(fault.faultCode)
    check(answers[:2] == [True, True], f"two texts of 100 kB: {answers}")
    check(answers[-1] == 30 and set(answers) == {True, 30}, f"thirty texts of 100 kB: {answers}")
    call(daemon, "supervisor.sendProcessStdin", "cat", "y" * 200_000 + "\n")
    wait("a process that reads gets all of it", 10,
         lambda: contents(daemon.path("cat.log")).endswith("y" * 200_000 + "\n"))
    os.close(stalled)


def full(descriptor):
    """Whether nothing more can be written to the fifo."""
    try:
        os.write(descriptor, b"")
        return not select.select([], [descriptor], [], 0)[1]
    except OSError:
        return True


run(Daemon, scenario)
