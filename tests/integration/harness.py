"""What the integration tests share: real starlingd processes on loopback, real clients, waiting for events.

Nothing here sleeps for a fixed time: every wait is for a line of a log, a message, or the end of a process,
and each has a limit. Every process that a test starts is ended by its own id when the test ends.
"""
import os
import queue
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

import reasons

STARLINGD = os.environ.get("STARLINGD", os.path.join(os.getcwd(), "bin", "starlingd"))
WAIT = float(os.environ.get("STARLING_TEST_WAIT", "30"))  # seconds; sanitizers are slow


class Timeout(AssertionError):
    pass


class Lines:
    """The lines that a stream has written so far, with waiting for one that matches."""

    def __init__(self, stream):
        self.lines = []
        self.changed = threading.Condition()
        self.ended = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self.changed:
                    self.lines.append(line.rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, pattern, timeout=WAIT, start=0, count=1):
        """The `count`-th match of `pattern` in the lines from `start` on."""
        expression, deadline = re.compile(pattern), time.monotonic() + timeout
        with self.changed:
            while True:
                found = [m for line in self.lines[start:] if (m := expression.search(line))]
                if len(found) >= count:
                    return found[count - 1]
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise Timeout(f"no line matches {pattern!r} ({count}x) in:\n" + "\n".join(self.lines[-40:]))
                self.changed.wait(left)

    def count(self, pattern):
        expression = re.compile(pattern)
        with self.changed:
            return sum(1 for line in self.lines if expression.search(line))

    def __len__(self):
        with self.changed:
            return len(self.lines)

    def text(self):
        with self.changed:
            return "\n".join(self.lines)


class Node:
    """A starlingd process. `meshes`: [(name, secret file or None, [shares])]."""

    def __init__(self, state_dir, meshes=(), bootstrap=(), mesh_listen=None, args=(), port=0, verbose=True):
        self.state_dir, self.meshes, self.bootstrap = state_dir, list(meshes), list(bootstrap)
        self.mesh_listen = mesh_listen or "127.0.0.1:0"
        self.args, self.port, self.verbose = list(args), port, verbose
        self.process = None

    def command(self):
        words = [STARLINGD, "--state-dir", self.state_dir, "-p", str(self.port)]
        if self.meshes or self.bootstrap:
            words += ["--set", f"dht.listen={self.mesh_listen}"]
        for host in self.bootstrap:
            words += ["--bootstrap", host]
        for name, secret, shares in self.meshes:
            words += ["--mesh", name]
            if secret:
                words += ["--mesh-secret", secret]
            for share in shares:
                words += ["--share", share]
        return words + (["-v"] if self.verbose else []) + self.args

    def start(self):
        self.process = subprocess.Popen(self.command(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        text=True, errors="replace")
        self.log = Lines(self.process.stderr)
        self.port = int(self.log.wait_for(r"listening for=mqtt addr=\S*:(\d+)").group(1))
        if self.meshes or self.bootstrap:
            # A node that returns must be found where it was.
            host, port = self.log.wait_for(r"listening for=mesh addr=(\S*):(\d+)").groups()
            self.mesh_listen, self.mesh_port = f"{host}:{port}", int(port)
        self.log.wait_for(r"\bready\b")
        self.id = self.log.wait_for(r"node=([A-Z2-7]{7}(?:-[A-Z2-7]{7}){7})").group(1)
        return self

    @property
    def short(self):
        return self.id[:7]

    @property
    def mesh_address(self):
        host = self.mesh_listen.rsplit(":", 1)[0]
        return ("[::1]" if host == "[::]" else host) + f":{self.mesh_port}"

    def kill(self):
        """kill -9, as a power cut."""
        self.process.kill()
        self.process.wait()

    def stop(self, how=signal.SIGTERM):
        """Ends in order; returns (exit status, seconds it took)."""
        began = time.monotonic()
        self.process.send_signal(how)
        status = self.process.wait(timeout=WAIT)
        return status, time.monotonic() - began

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def wait_linked(self, others, timeout=WAIT, start=0):
        for other in others:
            self.log.wait_for(rf"mesh peer linked .*peer={other.short}", timeout, start)


class Client:
    """A paho client that keeps what it receives in order."""

    def __init__(self, node, client_id="", version=5, clean=True, expiry=0, will=None, keepalive=60, host="127.0.0.1",
                 manual_ack=False):
        self.received, self.version = queue.Queue(), version
        self.acknowledged = queue.Queue()
        protocol = {3: mqtt.MQTTv31, 4: mqtt.MQTTv311, 5: mqtt.MQTTv5}[version]
        if version == 5:
            self.paho = mqtt.Client(client_id, protocol=protocol)
        else:
            self.paho = mqtt.Client(client_id or f"c{secrets.token_hex(6)}", clean_session=clean, protocol=protocol)
        # paho does not heed the Receive Maximum of a CONNACK; its own default is ours.
        if version < 5:
            self.paho.max_inflight_messages_set(1000)
        self.paho.on_message = lambda c, u, message: self.received.put(message)
        self._connected, self._subscribed, self._gone = queue.Queue(), queue.Queue(), queue.Queue()
        self.paho.on_connect = lambda c, u, flags, code, *rest: self._connected.put((flags, code))
        self.paho.on_subscribe = lambda c, u, mid, codes, *rest: self._subscribed.put((mid, codes))
        self.paho.on_unsubscribe = lambda c, u, mid, *rest: self._subscribed.put((mid, None))
        self.paho.on_publish = lambda c, u, mid: self.acknowledged.put(mid)
        self.paho.on_disconnect = lambda *rest: self._gone.put(rest)
        if will:
            self.paho.will_set(*will)
        options = {}
        if version == 5:
            properties = Properties(PacketTypes.CONNECT)
            if expiry:
                properties.SessionExpiryInterval = expiry
            options = {"clean_start": clean, "properties": properties}
        self.paho.connect(host, node.port, keepalive, **options)
        self.paho.loop_start()
        self.flags, self.code = self._connected.get(timeout=WAIT)

    def subscribe(self, topic, qos=0, **options):
        result, mid = self.paho.subscribe(topic, qos, **options)
        assert result == 0, result
        got, codes = self._subscribed.get(timeout=WAIT)
        assert got == mid
        return codes

    def unsubscribe(self, topic):
        self.paho.unsubscribe(topic)
        self._subscribed.get(timeout=WAIT)

    def publish(self, topic, payload=b"", qos=0, retain=False, properties=None, wait=True):
        info = self.paho.publish(topic, payload, qos, retain, properties=properties)
        if wait and qos > 0:
            info.wait_for_publish(WAIT)
            assert info.is_published(), f"no acknowledgement for {topic}"
        return info

    def take(self, timeout=WAIT):
        try:
            return self.received.get(timeout=timeout)
        except queue.Empty:
            raise Timeout("no message came") from None

    def take_payloads(self, count, timeout=WAIT):
        return [self.take(timeout).payload.decode() for _ in range(count)]

    def drop(self):
        """Closes the socket without a DISCONNECT."""
        self.paho.socket().shutdown(socket.SHUT_RDWR)
        self.paho.loop_stop()

    def close(self):
        self.paho.disconnect()
        self.paho.loop_stop()


class NodeTestCase(unittest.TestCase):
    """Keeps a folder, nodes and clients for one test, and ends all of them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="starling-")
        self._to_close = []

    def tearDown(self):
        result = self._outcome.result
        failed = any(test is self for test, _ in result.failures + result.errors)
        for thing in reversed(self._to_close):
            if failed and isinstance(thing, Node) and hasattr(thing, "log"):
                print(f"--- log of {os.path.basename(thing.state_dir)}\n{thing.log.text()[-6000:]}", flush=True)
            thing.close()
        problems = [node for node in self._to_close if isinstance(node, Node) and hasattr(node, "log")
                    and re.search("ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|invariant broken", node.log.text())]
        shutil.rmtree(self.folder, ignore_errors=True)
        for node in problems:
            self.fail("a sanitizer or an invariant spoke:\n" + node.log.text()[-6000:])

    def keep(self, thing):
        self._to_close.append(thing)
        return thing

    def node(self, name, start=True, **options):
        node = self.keep(Node(os.path.join(self.folder, name), **options))
        return node.start() if start else node

    def client(self, node, *args, **options):
        return self.keep(Client(node, *args, **options))

    def secret(self, name="family"):
        path = os.path.join(self.folder, name + ".secret")
        if not os.path.exists(path):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(secrets.token_hex(32) + "\n")
        return path

    def mesh(self, count, name="family", shares=("#",), secret=True, **options):
        """`count` nodes of one mesh, all linked; the later ones know only the first one's address."""
        meshes = [(name, self.secret(name) if secret else None, list(shares))]
        nodes = [self.node("node0", meshes=meshes, **options)]
        for i in range(1, count):
            nodes.append(self.node(f"node{i}", meshes=meshes, bootstrap=[nodes[0].mesh_address], **options))
        for node in nodes:
            node.wait_linked([other for other in nodes if other is not node])
        return nodes


def run():
    reasons.run(verbosity=2)
