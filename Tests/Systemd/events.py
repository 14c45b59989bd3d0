"""What the scenarios of event listeners share: the listener's command, its notes, and an XML-RPC client."""
import ast
import http.client
import os
import socket
import sys
import xmlrpc.client

from scenario import ROOT, contents

LISTENER = f"{sys.executable} {os.path.join(ROOT, 'Tests', 'Systemd', 'listener.py')}"


def events(daemon, name):
    """What the listener of this name has got, oldest first: its header's keys, and `payload`."""
    found = []
    for line in contents(daemon.path(name)).splitlines():
        header, _, payload = line.partition("\t")
        event = dict(word.split(":", 1) for word in header.split())
        event["payload"] = ast.literal_eval(payload)
        found.append(event)
    return found


def payloads(daemon, name, kind):
    """The payloads of one type of event."""
    return [event["payload"] for event in events(daemon, name) if event["eventname"] == kind]


def names(daemon, name, last=0):
    """The types of the last events that it got; of all, without a number."""
    return {event["eventname"] for event in events(daemon, name)[-last:]}


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return _Connection(self.path)


def Client(daemon):
    """The daemon's XML-RPC interface, over its socket."""
    return xmlrpc.client.ServerProxy("http://localhost", transport=_Transport(daemon.socket))
