#!/usr/bin/env python3
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import warnings
import xmlrpc.client

from scenario import Daemon, check, command, contents, run, wait

PASSWORD = "quite-secret-7fb2"


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, f"openssl {arguments[0]}: {done.stderr}")


class Authority:
    """Somebody who signs certificates, and is trusted by nobody else."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.key, self.certificate = (os.path.join(directory, name) for name in ("ca.key", "ca.pem"))
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=scenario", "-keyout", self.key, "-out", self.certificate)

    def sign(self, name, certificate, key, serial):
        request, extensions = (os.path.join(self.directory, file) for file in ("request.pem", "extensions"))
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", key, "-out", request)
        with open(extensions, "w") as file:
            file.write(f"subjectAltName=DNS:{name},IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-days", "2",
                "-set_serial", str(serial), "-extfile", extensions, "-out", certificate)
        os.chmod(key, 0o600)


def scenario(daemon):
    """TCP under TLS: 1.2 and later, for who knows the authority; a new certificate comes with update, a bad one never."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    authority = Authority(daemon.path("authority"))
    certificate, key = daemon.path("certificate.pem"), daemon.path("key.pem")
    authority.sign("localhost", certificate, key, 1)

    def configure(certificate=certificate, key=key):
        daemon.configure(f"""tls_certificate = {certificate}
tls_key = {key}
[program:steady]
command = sleep 1000
startsecs = 0
[inet_http_server]
port = 127.0.0.1:{port}
username = operator
password = {PASSWORD}
""")

    # What --check says of files that cannot be used.
    other = daemon.path("other.pem")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", other)
    os.chmod(other, 0o600)
    opened, junk = daemon.path("opened.pem"), daemon.path("junk.pem")
    shutil.copy(key, opened)
    os.chmod(opened, 0o644)
    with open(junk, "w") as file:
        file.write("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    for wrong, where, words in (
            ({"key": other}, "tls_key", "does not belong to the certificate"),
            ({"key": opened}, "tls_key", "open to everybody"),
            ({"key": junk}, "tls_key", "open to everybody"),
            ({"key": certificate}, "tls_key", "open to everybody"),
            ({"key": daemon.path("none")}, "tls_key", "does not exist"),
            ({"certificate": junk}, "tls_certificate", "holds no certificate"),
            ({"certificate": daemon.directory}, "tls_certificate", "not a file")):
        configure(**wrong)
        lines, code = daemon.check_configuration()
        place = daemon.line_of(where + " =")
        check(code == 2 and any(line.startswith(place + ": ") and words in line for line in lines),
              f"--check with {wrong}: exit code {code}: {lines}")

    configure()
    lines, code = daemon.check_configuration()
    check(code == 0, f"--check: {lines}")
    daemon.start()
    daemon.running("steady")

    trusting = ssl.create_default_context(cafile=authority.certificate)

    def serial():
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            with trusting.wrap_socket(plain, server_hostname="localhost") as connection:
                return int(connection.getpeercert()["serialNumber"], 16)
    check(serial() == 1, "another certificate is shown")
    with xmlrpc.client.ServerProxy(f"https://operator:{PASSWORD}@localhost:{port}/RPC2", context=trusting) as proxy:
        check(proxy.supervisor.getProcessInfo("steady")["statename"] == "RUNNING", "getProcessInfo over TLS")
    old = ssl.create_default_context(cafile=authority.certificate)
    # Python, too, would rather not.
    warnings.simplefilter("ignore", DeprecationWarning)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            old.wrap_socket(plain, server_hostname="localhost")
        check(False, "TLS 1.1 is spoken")
    except (ssl.SSLError, ConnectionError):
        pass
    try:
        http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/livez")
    except OSError:
        pass

    def ctl(*arguments):
        return command(daemon.options.wardenctl, "-c", daemon.configuration, "-s", f"https://localhost:{port}", "-u", "operator",
                       "-p", PASSWORD, *arguments)
    out, err, code = ctl("--ca-file", authority.certificate, "status")
    check(code == 0 and "RUNNING" in out, f"wardenctl over TLS: {code}: {out}{err}")
    out, err, code = ctl("status")
    check(code != 0 and "--ca-file" in out + err, f"wardenctl without the authority: {code}: {out}{err}")

    # A new certificate is shown after update; one that cannot be used changes nothing.
    authority.sign("localhost", certificate, key, 2)
    check(serial() == 1, "the certificate is read without being told")
    out, err, code = daemon.ctl("update")
    check(code == 0, f"update: {out}{err}")
    wait("the new certificate is shown", 5, lambda: serial() == 2)
    shutil.copy(other, key)
    out, err, code = daemon.ctl("update")
    check("does not belong" in out + err, f"update with a foreign key: {code}: {out}{err}")
    check(serial() == 2, "the certificate is gone")
    daemon.undisturbed()

    check(daemon.has_logged("TLS could not be agreed on"), "the refused handshakes are not in the log")
    said = contents(daemon.log) + contents(daemon.path("stdout"))
    check(PASSWORD not in said and "PRIVATE KEY" not in said, "a secret is in the log")


run(Daemon, scenario)
