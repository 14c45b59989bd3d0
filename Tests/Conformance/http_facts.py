"""What HTTP clients meet: status, headers and connections, byte by byte where that matters.

Recorded are the status line, the headers that clients look at, and whether the connection stays open. Server and Date
are only recorded as being there.
"""
import base64
import re
import xmlrpc.client

from calls import Record, begin

KEPT = ("content-type", "connection", "www-authenticate", "transfer-encoding", "location", "x-accel-buffering",
        "cache-control", "pragma")
CALL = xmlrpc.client.dumps((), "supervisor.getIdentification").encode()


def request(line, body=None, **headers):
    """The bytes of a request; a header given as None is left out."""
    fields = {"Host": "localhost", "Content-Type": "text/xml" if body is not None else None,
              "Content-Length": str(len(body)) if body is not None else None}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    text = line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
    return text.encode() + b"\r\n" + (body or b"")


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


def answer(side, data, over="unix", seconds=2.0):
    """What of the answer is compared."""
    received, closed = side.raw(data, seconds=seconds, over=over)
    if not received:
        return {"nothing": True, "closed": closed}
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    kind = fields.get("content-type", "").split(";")[0]
    return {
        "status": lines[0].split(" ", 1)[1].split()[0], "version": lines[0].split()[0],
        "headers": {name: side.plain_text(fields[name]) for name in KEPT if name in fields},
        "there": sorted(name for name in ("server", "date", "content-length") if name in fields),
        "length is right": "content-length" not in fields or fields["content-length"] == str(len(body)),
        "closed": closed,
        # The pages of errors are each daemon's own words.
        "body": side.plain_text(body.decode("utf-8", "replace")) if kind == "text/xml" else bool(body)}


def play(side):
    begin(side)
    record = Record(side, "http:")

    def case(name, data, **options):
        record.put(name, answer(side, data, **options))

    case("a call", request("POST /RPC2 HTTP/1.1", CALL))
    case("a call in HTTP/1.0", request("POST /RPC2 HTTP/1.0", CALL))
    case("a call in HTTP/1.0 that keeps alive", request("POST /RPC2 HTTP/1.0", CALL, Connection="Keep-Alive"))
    case("a call that closes", request("POST /RPC2 HTTP/1.1", CALL, Connection="close"))
    case("a call without Host", request("POST /RPC2 HTTP/1.1", CALL, Host=None))
    case("a call with a fault", request("POST /RPC2 HTTP/1.1", xmlrpc.client.dumps((), "supervisor.nothing").encode()))
    for path in ("/RPC2/", "/RPC2/more", "/RPC2?query", "/RPC2x", "/rpc2", "/nothing", "//RPC2", "/RPC"):
        case(f"a call to {path}", request(f"POST {path} HTTP/1.1", CALL))
    case("a call to a whole address", request("POST http://localhost/RPC2 HTTP/1.1", CALL))
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        case(f"{method} /RPC2", request(f"{method} /RPC2 HTTP/1.1"))
        case(f"{method} /no-such-page", request(f"{method} /no-such-page HTTP/1.1"))
    for name, body in (
            ("no XML", b"text"), ("an empty body", b""), ("a broken element", b"<methodCall><methodName>x</methodCall>"),
            ("no method", b"<?xml version='1.0'?><methodCall></methodCall>"),
            ("an empty method", b"<methodCall><methodName></methodName><params></params></methodCall>"),
            ("no params", b"<methodCall><methodName>supervisor.getIdentification</methodName></methodCall>"),
            ("spaces around the method",
             b"<methodCall><methodName> supervisor.getIdentification </methodName><params/></methodCall>"),
            ("nil", b"<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value><nil/></value>"
                    b"</param></params></methodCall>"),
            ("an untyped string", b"<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value>"
                                  b"nobody</value></param></params></methodCall>"),
            ("an i4", b"<methodCall><methodName>supervisor.readProcessLog</methodName><params><param><value><string>"
                      b"nobody</string></value></param><param><value><i4>0</i4></value></param><param><value><i4>0</i4>"
                      b"</value></param></params></methodCall>"),
            ("a bad int", b"<methodCall><methodName>supervisor.readLog</methodName><params><param><value><int>x</int>"
                          b"</value></param><param><value><int>0</int></value></param></params></methodCall>"),
            ("a comment", b"<?xml version='1.0'?><!-- x --><methodCall><methodName>supervisor.getIdentification"
                          b"</methodName></methodCall>"),
            ("an entity", b"<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value><string>"
                          b"a&amp;b&lt;</string></value></param></params></methodCall>"),
            ("Latin-1 that says so", "<?xml version='1.0' encoding='iso-8859-1'?><methodCall><methodName>"
                                     "supervisor.getProcessInfo</methodName><params><param><value><string>w\xf6"
                                     "</string></value></param></params></methodCall>".encode("latin-1")),
            ("UTF-8", "<methodCall><methodName>supervisor.getProcessInfo</methodName><params><param><value><string>wö"
                      "</string></value></param></params></methodCall>".encode()),
            ("an answer", b"<methodResponse><params></params></methodResponse>")):
        case(f"a body with {name}", request("POST /RPC2 HTTP/1.1", body))
    case("another content type", request("POST /RPC2 HTTP/1.1", CALL, Content_Type="application/x-www-form-urlencoded"))
    case("no content type", request("POST /RPC2 HTTP/1.1", CALL, Content_Type=None))
    case("no content length", request("POST /RPC2 HTTP/1.1", b"", Content_Length=None))
    case("a bad content length", request("POST /RPC2 HTTP/1.1", CALL, Content_Length="x"))
    case("a malformed request line", b"nonsense\r\n\r\n")
    case("another protocol", request("POST /RPC2 HTTP/3.7", CALL))
    case("two calls at once", request("POST /RPC2 HTTP/1.1", CALL, Connection="close"))
    received, _ = side.raw(request("POST /RPC2 HTTP/1.1", CALL) * 2)
    record.put("two calls in one packet: answers", len(re.findall(rb"HTTP/1\.1 200", received)))
    received, _ = side.raw(None, chunks=[bytes([byte]) for byte in request("POST /RPC2 HTTP/1.1", CALL)])
    record.put("a call byte by byte", received[:15].decode())
    for name, value in (("none", None), ("good", basic("user:secret")), ("a bad password", basic("user:wrong")),
                        ("a bad user", basic("other:secret")), ("no colon", basic("user")), ("no base64", "Basic !!!"),
                        ("an empty value", ""), ("digest", 'Digest username="user"'),
                        ("small letters", basic("user:secret").replace("Basic", "basic")), ("empty", basic(":"))):
        case(f"TCP, authorization: {name}", request("POST /RPC2 HTTP/1.1", CALL, Authorization=value), over="tcp")
    for path in ("/no-such-page", "/logtail/talker", "/mainlogtail"):
        case(f"TCP without authorization: {path}", request(f"GET {path} HTTP/1.1"), over="tcp")
    for path in ("/logtail/talker", "/logtail/talker/stdout", "/logtail/talker/stderr", "/logtail/nobody",
                 "/logtail/talker/other", "/logtail/", "/logtail", "/logtail/silent", "/logtail/many:many_00", "/mainlogtail",
                 "/logtail/many%3Amany_00"):
        case(f"GET {path}", request(f"GET {path} HTTP/1.1"))
    page(case)
    return record.outcomes


def page(case):
    """The page for people: what it is made of is each daemon's own, what scripts meet is not."""
    for line in ("GET /", "GET /index.html", "GET /ok.html", "GET /tail.html", "HEAD /",
                 "HEAD /ok.html", "PUT /", "GET /tail.html?processname=talker&limit=100",
                 "GET /tail.html?processname=nobody", "GET /stylesheets/supervisor.css", "GET /stylesheets/other.css",
                 "GET /?message=hello", "GET /?action=refresh", "GET /?action=nonsense",
                 "GET /?action=start&processname=nobody"):
        case(line, request(f"{line} HTTP/1.1"))
    form = "application/x-www-form-urlencoded"
    for path, body in (("/", "action=start&processname=nobody"), ("/?action=start&processname=nobody", "x=1"),
                       ("/index.html?action=stop", "processname=nobody"), ("/", "action=refresh"), ("/", "action=nonsense"),
                       ("/", "action=start"), ("/", "x=1"), ("/tail.html", "processname=talker"), ("/ok.html", "x=1"),
                       ("/?action=start&processname=nobody", "")):
        case(f"POST {path} with {body}", request(f"POST {path} HTTP/1.1", body.encode(), Content_Type=form))
    for path in ("/", "/tail.html", "/ok.html", "/stylesheets/supervisor.css"):
        case(f"TCP without authorization: {path}", request(f"GET {path} HTTP/1.1"), over="tcp")
