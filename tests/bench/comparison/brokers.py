"""The brokers that are compared: processes with the same configuration, pinned to one core, told apart by nothing but the program.

Both read the same file in Mosquitto's format: unlimited queues, windows larger than the load's, TCP_NODELAY, nothing on disk unless asked.
"""
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "tests", "integration"))
from ports import free_port  # noqa: E402

STARLINGD = os.environ.get("STARLINGD", os.path.join(ROOT, "build", "release", "bin", "starlingd"))
MOSQUITTO = os.environ.get("MOSQUITTO", "/usr/sbin/mosquitto")
BROKER_CORE, LOAD_CORE = "0", "1"
PATIENCE = 60  # seconds for a broker to start, to link or to stop
STARLING_SETTLING = 11  # seconds: in its first ten a node keeps what is published for members that have not found it yet
PLAIN, TLS = "plain", "tls"


class Failure(Exception):
    """One sentence for the operator."""


class Certificates:
    """A certificate authority and a server certificate for 127.0.0.1 (P-256, as today's clients prefer), in a folder of their own."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="starling-compare-pki-")
        self.ca, self.cert, self.key = (os.path.join(self.folder, name) for name in ("ca.pem", "cert.pem", "key.pem"))
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                      "-subj", "/CN=compare CA", "-keyout", "ca.key", "-out", "ca.pem")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.csr")
        with open(os.path.join(self.folder, "names"), "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", "cert.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
                      "-extfile", "names", "-out", "cert.pem")

    def _openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"openssl {words[0]} made no certificate: {done.stderr.strip()}")

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Broker:
    """One process. `persistence`: what is acknowledged goes to disk. `extra`: lines of configuration, `words`: of the command."""

    program = None

    def __init__(self, certificates, persistence=False, extra=(), words=()):
        self.folder = tempfile.mkdtemp(prefix="starling-compare-")
        self.ports = {PLAIN: free_port(), TLS: free_port()}
        self.certificates, self.persistence, self.words, self.process = certificates, persistence, list(words), None
        lines = ["per_listener_settings false", "allow_anonymous true", f"persistence {str(persistence).lower()}",
                 f"persistence_location {self.folder}/", "log_type error", "log_type warning", "max_queued_messages 0",
                 "max_queued_bytes 1000000000",  # without it Starling holds 64 MiB for a session in memory, and drops what is beyond
                 "max_inflight_messages 1000", "set_tcp_nodelay true", *self.own_lines(), *extra,
                 f"listener {self.ports[PLAIN]} 127.0.0.1",
                 f"listener {self.ports[TLS]} 127.0.0.1", f"certfile {certificates.cert}", f"keyfile {certificates.key}"]
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    @property
    def conf(self):
        return os.path.join(self.folder, "broker.conf")

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    def own_lines(self):
        return []

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["taskset", "-c", BROKER_CORE, *self.command()], stdout=log, stderr=log)
        self.wait_until(self.accepts, "accept connections")
        return self

    def accepts(self):
        for port in self.ports.values():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    def wait_until(self, holds, what):
        """There is no event to await from a foreign process: looks a hundred times a second."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            if self.process.poll() is not None:
                raise Failure(f"{self.program} ended before it did {what}; its log:\n{self.log_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.program} did not {what} in {PATIENCE} s; its log:\n{self.log_text()[-2000:]}")
            time.sleep(0.01)

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    @property
    def pids(self):
        return [self.process.pid]

    def address(self, door=PLAIN):
        return f"127.0.0.1:{self.ports[door]}"

    publish_at = subscribe_at = address  # of a pair of brokers they differ

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Mosquitto(Broker):
    name, program = "mosquitto", MOSQUITTO

    def own_lines(self):
        return ["user root"] if os.geteuid() == 0 else []

    def command(self):
        return [self.program, "-c", self.conf, *self.words]


class Starling(Broker):
    name, program = "starling", STARLINGD

    def command(self):
        return [self.program, "-c", self.conf, "--state-dir", os.path.join(self.folder, "state"), *self.words]


class Joined:
    """Two brokers of a kind: messages published at the first reach subscribers of the second over TLS.

    `settling_s`: how long they work differently after their start.
    """

    def __init__(self, first, second, settling_s):
        self.first, self.second, self.settling_s = first, second, settling_s

    def publish_at(self):
        return self.first.address()

    def subscribe_at(self):
        return self.second.address()

    @property
    def pids(self):
        return self.first.pids + self.second.pids

    def close(self):
        self.first.close()
        self.second.close()


def mosquitto_bridge(certificates, persistence=False):
    second = Mosquitto(certificates, persistence).start()
    lines = ["connection compare", f"address 127.0.0.1:{second.ports[TLS]}", "topic # out 2", "bridge_protocol_version mqttv311",
             f"bridge_cafile {certificates.ca}", "cleansession false", "notifications false", "restart_timeout 1"]
    try:
        # `connection` ends the part of the file that may hold listeners' options, so it goes to a file of its own.
        first = Mosquitto(certificates, persistence)
        with open(first.conf, "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        return Joined(first.start(), second, 1)
    except Exception:
        second.close()
        raise


def starling_mesh(certificates, persistence=False):
    folder = tempfile.mkdtemp(prefix="starling-compare-secret-")
    secret = os.path.join(folder, "secret")
    try:
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
        mesh = ["--mesh", "compare", "--mesh-secret", secret, "--share", "#"]
        ports = [free_port(), free_port()]

        def node(number, *words):
            return Starling(certificates, persistence, ["log_type information", "log_type notice"],  # the link is told there
                            [*mesh, "--set", f"dht.listen=127.0.0.1:{ports[number]}", *words])

        first = node(0).start()
        second = node(1, "--bootstrap", f"127.0.0.1:{ports[0]}")
        joined = Joined(first, second, STARLING_SETTLING)
        try:
            second.start()
            for end in (first, second):
                end.wait_until(lambda end=end: "mesh peer linked" in end.log_text(), "link with its peer")
        except Exception:
            joined.close()
            raise
        return joined
    finally:
        shutil.rmtree(folder, ignore_errors=True)
