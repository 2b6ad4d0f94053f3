"""A broker as a process and clients that are bare sockets: what the conformance tests are written with.

The broker is starlingd ($STARLINGD) unless CONFORMANCE_TARGET=mosquitto; then the same tests judge the real Mosquitto, which
shows whether a test demands more than people are used to. Nothing waits for a fixed time: a client that must not
have received anything proves it with a PINGREQ, whose PINGRESP must come next.
"""
import functools
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import wire

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import reasons  # noqa: E402
from ports import free_port  # noqa: E402

STARLINGD = os.environ.get("STARLINGD", os.path.join(os.getcwd(), "bin", "starlingd"))
MOSQUITTO = "/usr/sbin/mosquitto"
TARGET = os.environ.get("CONFORMANCE_TARGET", "starlingd")
WAIT = float(os.environ.get("STARLING_TEST_WAIT", "30"))  # seconds; sanitizers are slow


def clauses(*names):
    """Labels a test with the statements that it proves."""
    def label(test):
        test.clauses = names
        return test
    return label


def each(*versions):
    """Runs a test once for each version, as a subtest."""
    def wrap(test):
        @functools.wraps(test)
        def run_all(self):
            for version in versions:
                with self.subTest(version=version):
                    test(self, version)
        return run_all
    return wrap


class Broker:
    """`conf`: lines of a mosquitto.conf behind the listener; none: the broker's own defaults. `files`: name -> text,
    written beside it; {folder} in `conf` names their folder."""

    def __init__(self, conf=None, files=None, target=TARGET):
        self.folder, self.port = tempfile.mkdtemp(prefix="conformance-"), free_port()
        words = ["-p", str(self.port)]
        for name, content in (files or {}).items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(content)
        if conf is not None:
            path = os.path.join(self.folder, "broker.conf")
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"listener {self.port} 127.0.0.1\n" + conf.replace("{folder}", self.folder) + "\n")
            words = ["-c", path]
        if target == "mosquitto":
            command = [MOSQUITTO, "-v", *words]
            os.chmod(self.folder, 0o755)
        else:
            command = [STARLINGD, "--state-dir", os.path.join(self.folder, "state"), *words]
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), WAIT).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    said = self.said()
                    self.close()
                    raise AssertionError(f"the broker did not start:\n{said}") from None
                time.sleep(0.02)  # asks again; there is no event to wait for

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    @property
    def alive(self):
        return self.process.poll() is None

    def stop(self):
        """Ends in order; returns the exit status."""
        self.process.terminate()
        return self.process.wait(timeout=WAIT)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Client:
    """One connection. Nothing is answered by itself: tests say every packet."""

    def __init__(self, broker, version, packet=None):
        self.version, self.buffer = version, b""
        self.socket = socket.create_connection(("127.0.0.1", broker.port), WAIT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if packet is not None:
            self.send(packet)

    def send(self, *packets):
        try:
            self.socket.sendall(b"".join(packets))
        except (BrokenPipeError, ConnectionResetError):
            pass  # the other side has closed: what it said is still to be read
        return self

    def _fill(self, count):
        while len(self.buffer) < count:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            except socket.timeout:
                raise AssertionError(f"nothing came (so far {self.buffer.hex()!r})") from None
            if not data:
                return False
            self.buffer += data
        return True

    def receive(self):
        """The next packet, decoded; None if the connection is closed."""
        size, shift, at = 0, 0, 1
        while True:
            if not self._fill(at + 1):
                if self.buffer:
                    raise wire.Violation(f"closed within a packet: {self.buffer.hex()}")
                return None
            byte = self.buffer[at]
            size, shift, at = size | (byte & 0x7F) << shift, shift + 7, at + 1
            if not byte & 0x80:
                break
        if not self._fill(at + size):
            raise wire.Violation(f"closed within a packet: {self.buffer.hex()}")
        first, data, self.buffer = self.buffer[0], self.buffer[at:at + size], self.buffer[at + size:]
        return wire.read_packet(self.version, first, data)

    def expect(self, *packets):
        """Exactly these packets, in this order."""
        for expected in packets:
            got = self.receive()
            assert got is not None and got.raw == expected, \
                f"expected {expected.hex()}, got {got!r} {got.raw.hex() if got else 'a close'}"
        return got

    def expect_kind(self, kind, **fields):
        """The next packet is of this kind and has these fields; returns it."""
        got = self.receive()
        assert got is not None and got.kind == kind, f"expected {wire.NAMES[kind]}, got {got!r}"
        for name, value in fields.items():
            assert getattr(got, name) == value, f"expected {name}={value!r} in {got!r}"
        return got

    def expect_publish(self, topic=None, payload=None, **fields):
        payload = payload.encode() if isinstance(payload, str) else payload
        for name, value in (("topic", topic), ("payload", payload)):
            if value is not None:
                fields[name] = value
        return self.expect_kind(wire.PUBLISH, **fields)

    def expect_any_order(self, *packets):
        """Exactly these packets, in any order."""
        left = list(packets)
        while left:
            got = self.receive()
            assert got is not None and got.raw in left, f"got {got!r}, expected one of {[one.hex() for one in left]}"
            left.remove(got.raw)

    def expect_connack(self, reason=0, session_present=False):
        return self.expect_kind(wire.CONNACK, reason=reason, session_present=session_present)

    def expect_closed(self, *reasons):
        """The connection ends; in MQTT 5 with a DISCONNECT of one of `reasons`, if any are named, before it."""
        got = self.receive()
        if self.version == 5 and reasons:
            assert got is not None and got.kind == wire.DISCONNECT, f"expected DISCONNECT, got {got!r}"
            assert got.reason in reasons, f"expected DISCONNECT {[hex(one) for one in reasons]}, got {got.reason:#x}"
            got = self.receive()
        assert got is None, f"expected the end, got {got!r}"

    def expect_refused(self, *reasons):
        """The connection ends before it was accepted: without a word, or with a CONNACK of one of `reasons`."""
        got = self.receive()
        if got is not None:
            assert got.kind == wire.CONNACK and got.reason in reasons, f"expected a refusal, got {got!r}"
            got = self.receive()
        assert got is None, f"expected the end, got {got!r}"

    def quiet(self):
        """Nothing more has come, and the connection stands."""
        self.send(wire.PING).expect(wire.PONG)
        return self

    def subscribe(self, *filters, packet_id=1, properties=b"", granted=None):
        """Subscribes and takes the SUBACK."""
        self.send(wire.subscribe(self.version, packet_id, *filters, properties=properties))
        got = self.expect_kind(wire.SUBACK, packet_id=packet_id)
        wanted = granted or [(one[1] & 3) if isinstance(one, tuple) else 0 for one in filters]
        assert got.reasons == wanted, f"expected {wanted}, got {got!r}"
        return self

    def publish(self, topic, payload=b"", qos=0, packet_id=1, retain=False, properties=b""):
        """Publishes and completes the handshake; at QoS 0 a ping shows that it has been read."""
        self.send(wire.publish(self.version, topic, payload, qos, packet_id, retain, properties=properties))
        if qos == 0:
            return self.quiet()
        self.expect_kind(wire.PUBACK if qos == 1 else wire.PUBREC, packet_id=packet_id)
        if qos == 2:
            self.send(wire.pubrel(packet_id))
            self.expect_kind(wire.PUBCOMP, packet_id=packet_id)
        return self

    def leave(self, reason=None, properties=None):
        """DISCONNECT, and the server closes."""
        self.send(wire.disconnect(self.version, reason, properties))
        got = self.receive()
        assert got is None, f"expected the end, got {got!r}"
        self.socket.close()

    def drop(self):
        """Closes without DISCONNECT."""
        self.socket.close()


class ConformanceCase(unittest.TestCase):
    """One broker for all tests of a class; each test takes its own client ids and topics."""
    conf, files = None, None
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker(cls.conf, cls.files)

    @classmethod
    def tearDownClass(cls):
        status = cls.broker.stop() if cls.broker.alive else cls.broker.process.returncode
        said = cls.broker.said()
        cls.broker.close()
        assert status == 0, f"the broker ended with status {status}:\n{said[-4000:]}"
        assert "Sanitizer" not in said and "runtime error:" not in said, said[-8000:]

    def setUp(self):
        self.clients = []

    def tearDown(self):
        for client in self.clients:
            client.socket.close()
        self.assertTrue(self.broker.alive, "the broker has died")

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and os.environ.get("CONFORMANCE_LOG"):
            print(f"--- {self.id()}\n" + "\n".join(self.broker.said().splitlines()[-10:]))
        return result

    def name(self, prefix="t"):
        return f"{prefix}{next(self.numbers)}"

    def open(self, version, packet=None):
        """A socket, on which `packet` was sent if given."""
        client = Client(self.broker, version, packet)
        self.clients.append(client)
        return client

    def client(self, version, client_id=None, session_present=False, **options):
        """An accepted connection; .connack holds the answer."""
        client = self.open(version, wire.connect(version, self.name("c") if client_id is None else client_id, **options))
        client.connack = client.expect_connack(0, session_present)
        return client


def run():
    reasons.run(verbosity=1)
