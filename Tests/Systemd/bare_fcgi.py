#!/usr/bin/env python3
import os
import socket
import stat
import sys
import xmlrpc.client

from events import Client
from scenario import Daemon, Failed, check, run, wait

SERVER = """#!{python}
import os, socket
with socket.socket(fileno=os.dup(0)) as server:
    while True:
        connection, _ = server.accept()
        connection.sendall(str(os.getpid()).encode())
        connection.close()
"""


def ask(family, address):
    """The pid of the process that answers."""
    with socket.socket(family, socket.SOCK_STREAM) as client:
        client.settimeout(5)
        client.connect(address)
        return int(client.recv(100))


def inode(pid):
    return os.readlink(f"/proc/{pid}/fd/0")


def scenario(daemon):
    """The processes of an fcgi-program share one listening socket as descriptor 0, in a group as well."""
    server = daemon.path("server.py")
    with open(server, "w") as file:
        file.write(SERVER.format(python=sys.executable))
    os.chmod(server, 0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path, grouped, precious = daemon.path("plain.sock"), daemon.path("grouped.sock"), daemon.path("precious")
    with open(precious, "w") as file:
        file.write("not a socket")
    daemon.configure(f"""
[fcgi-program:plain]
command = {server}
socket = unix://{path}
socket_mode = 0640
socket_backlog = 7
numprocs = 2
process_name = plain_%(process_num)d
[fcgi-program:grouped]
command = {server}
socket = unix://{grouped}
numprocs = 2
process_name = grouped_%(process_num)d
[program:beside]
command = sleep 1000
[group:mixed]
programs = grouped,beside
[fcgi-program:port]
command = {server}
socket = tcp://localhost:{port}
[fcgi-program:refused]
command = {server}
socket = unix://{precious}
startretries = 0
autostart = false
""")
    daemon.start()
    workers = daemon.running("plain:plain_0", "plain:plain_1", "mixed:grouped_0", "mixed:grouped_1", "mixed:beside",
                             "port")
    pids = {name: worker["pid"] for name, worker in workers.items()}
    client = Client(daemon)

    # One socket for both, with its mode; both answer, whoever the kernel asks.
    check(inode(pids["plain:plain_0"]) == inode(pids["plain:plain_1"]), "the two do not share their socket")
    check(inode(pids["plain:plain_0"]).startswith("socket:"), f"descriptor 0 is {inode(pids['plain:plain_0'])}")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o640, f"its mode is {stat.S_IMODE(os.stat(path).st_mode):o}")
    check(ask(socket.AF_UNIX, path) in (pids["plain:plain_0"], pids["plain:plain_1"]), "somebody else answers")
    check(ask(socket.AF_INET, ("127.0.0.1", port)) == pids["port"], "somebody else answers on the port")

    # supervisord forgets the socket of an fcgi-program in a group.
    check(inode(pids["mixed:grouped_0"]) == inode(pids["mixed:grouped_1"]), "in a group they do not share it")
    check(ask(socket.AF_UNIX, grouped) in (pids["mixed:grouped_0"], pids["mixed:grouped_1"]), "in a group nobody answers")
    check(inode(pids["mixed:beside"]).startswith("pipe:"), "the program beside it has a socket")
    try:
        client.supervisor.sendProcessStdin("plain:plain_0", "x")
        raise Failed("sendProcessStdin to a socket was accepted")
    except xmlrpc.client.Fault as fault:
        check(fault.faultCode == 20, f"sendProcessStdin to a socket: {fault}")

    # One of the two ends: the socket lives. Both end: it is closed, and the file stays, as supervisord leaves it.
    client.supervisor.stopProcess("plain:plain_0")
    check(ask(socket.AF_UNIX, path) == pids["plain:plain_1"], "the other one does not answer")
    check(not daemon.has_logged("Closing socket unix://.*plain"), "the socket was closed too early")
    client.supervisor.stopProcess("plain:plain_1")
    wait("the socket is closed", 5, lambda: daemon.has_logged(f"Closing socket unix://{path}"))
    try:
        ask(socket.AF_UNIX, path)
        raise Failed("somebody answers on a closed socket")
    except ConnectionRefusedError:
        pass
    client.supervisor.startProcess("plain:plain_1")
    check(ask(socket.AF_UNIX, path) == daemon.worker("plain:plain_1")["pid"], "the socket was not made anew")

    # A socket that cannot be made says why, and a file that is no socket is left alone.
    try:
        client.supervisor.startProcess("refused")
        raise Failed("a program without its socket was started")
    except xmlrpc.client.Fault as fault:
        check(fault.faultCode == 50, f"start without a socket: {fault}")
    error = client.supervisor.getProcessInfo("refused")["spawnerr"]
    check(f"could not create FastCGI socket unix://{precious}" in error, f"spawnerr is {error}")
    check(open(precious).read() == "not a socket", "the file was removed")
    check(daemon.stop() == 0, "the daemon did not end well")


run(Daemon, scenario)
