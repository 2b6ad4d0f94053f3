"""Who is refused, how, and what the log says about it. Nobody's nonsense ends or stalls the node."""
import os
import random
import socket
import ssl
import struct
import subprocess

from harness import STARLINGD, WAIT, NodeTestCase, run


class AtTheMeshPort(NodeTestCase):
    def setUp(self):
        super().setUp()
        self.target = self.node("target", meshes=[("family", self.secret(), ["#"])])

    def still_serves(self):
        subscriber = self.client(self.target)
        subscriber.subscribe("canary", 1)
        subscriber.publish("canary", "sings", 1)
        self.assertEqual(subscriber.take().payload, b"sings")

    def test_a_foreign_mesh_secret(self):
        other = self.node("other", meshes=[("family", self.secret("foreign"), ["#"])], bootstrap=[self.target.mesh_address],
                          start=True)
        other.log.wait_for("dht connected")
        # Strangers do not find each other in the DHT; one that dials all the same is turned away with the reason.
        self.assertEqual(self.target.log.count("mesh peer linked"), 0)
        self.still_serves()

    def test_a_member_whose_secret_has_changed(self):
        """It remembers the target, dials it, and is turned away by the proof of membership."""
        other = self.node("other", meshes=[("family", self.secret(), ["#"])], bootstrap=[self.target.mesh_address])
        other.wait_linked([self.target])
        self.target.wait_linked([other])
        other.stop()
        other.meshes = [("family", self.secret("foreign"), ["#"])]
        mark = len(self.target.log)
        other.start()
        for node in (other, self.target):
            node.log.wait_for(r"mesh link refused .*why=", start=0 if node is other else mark)
        self.assertEqual(other.log.count("mesh peer linked"), 0)
        self.still_serves()

    def test_another_key_at_a_known_address(self):
        """Who answers where a peer lived is not that peer, whatever it can prove."""
        meshes = [("family", self.secret(), ["#"])]
        peer = self.node("peer", meshes=meshes, bootstrap=[self.target.mesh_address])
        self.target.wait_linked([peer])
        peer.kill()
        mark = len(self.target.log)
        # The same address, another identity, a secret of its own: it cannot announce itself to this mesh.
        self.node("impostor", meshes=[("family", self.secret("foreign"), ["#"])], mesh_listen=peer.mesh_listen)
        self.target.log.wait_for(rf"mesh link refused .*why=.*{peer.short}.*answered", start=mark)
        self.still_serves()

    def test_tls_1_2(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with socket.create_connection(("127.0.0.1", self.target.mesh_port)) as plain:
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain)
        self.target.log.wait_for(r"mesh link refused .*why=.*(TLS|version)")
        self.still_serves()

    def test_tls_without_a_certificate_or_the_right_protocol(self):
        for protocols in (["starling/1"], ["http/1.1"], []):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if protocols:
                context.set_alpn_protocols(protocols)
            with socket.create_connection(("127.0.0.1", self.target.mesh_port)) as plain:
                plain.settimeout(WAIT)
                try:
                    with context.wrap_socket(plain) as tls:
                        self.assertEqual(tls.recv(100), b"")  # TLS 1.3: the client's side is refused after its finish
                except (ssl.SSLError, ConnectionError):
                    pass
        self.target.log.wait_for(r"mesh link refused .*why=", count=3)
        self.still_serves()

    def test_plain_tcp(self):
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", os.urandom(3000)):
            with socket.create_connection(("127.0.0.1", self.target.mesh_port)) as plain:
                plain.settimeout(WAIT)
                plain.sendall(garbage)
                try:
                    while plain.recv(1000):
                        pass
                except ConnectionError:
                    pass
        self.target.log.wait_for(r"mesh link refused .*why=", count=3)
        self.still_serves()

    def test_garbage_datagrams(self):
        rng = random.Random(2)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for _ in range(2000):
                udp.sendto(rng.randbytes(rng.randrange(0, 1400)), ("127.0.0.1", self.target.mesh_port))
        self.still_serves()


class MalformedMqtt(NodeTestCase):
    CONNECT_4 = b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x"
    CONNECT_5 = b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01y"

    def exchange(self, node, *parts):
        """What the node answers until it closes."""
        with socket.create_connection(("127.0.0.1", node.port)) as plain:
            plain.settimeout(WAIT)
            answer = b""
            try:
                for part in parts:
                    plain.sendall(part)
                while chunk := plain.recv(4096):
                    answer += chunk
            except ConnectionError:
                pass
            return answer

    def test_each_gets_its_answer_and_a_close(self):
        node = self.node("broker")
        connack_5 = self.exchange(node, self.CONNECT_5, b"\xe0\x00")  # then a DISCONNECT
        self.assertEqual(connack_5[:1], b"\x20")
        for nonsense, reason in (
                (b"\x36\x05\x00\x01tab", 0x81),               # PUBLISH with QoS 3
                (b"\x82\x02\x00\x01", 0x82),                  # SUBSCRIBE without a filter
                (b"\x80\x06\x00\x01\x00\x00\x01a\x00", 0x81),  # SUBSCRIBE with wrong flags
                (b"\x30\x03\x00\x01#", 0x90),                 # a wildcard in a topic name: invalid or malformed
                (b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01y", 0x82),  # a second CONNECT
                (b"\x30\xff\xff\xff\xff\x01", 0x81)):         # a length of five bytes
            answer = self.exchange(node, self.CONNECT_5, nonsense)[len(connack_5):]
            self.assertEqual(answer[:1], b"\xe0", nonsense)
            self.assertIn(answer[2], {reason, 0x81, 0x82}, nonsense)
            self.assertEqual(self.exchange(node, self.CONNECT_4, nonsense)[:2], b"\x20\x02", nonsense)
        self.assertEqual(self.exchange(node, b"\x10\x0c\x00\x04MQTX\x04\x02\x00\x3c\x00\x00"), b"")
        # An unknown level is told in the words of the version that the fields are laid out for.
        self.assertEqual(self.exchange(node, b"\x10\x0c\x00\x04MQTT\x02\x02\x00\x3c\x00\x00")[3:4], b"\x01")
        self.assertEqual(self.exchange(node, b"\x10\x0c\x00\x04MQTT\x07\x02\x00\x3c\x00\x00"), b"\x20\x02\x00\x01")
        self.assertEqual(self.exchange(node, b"\x10\x0d\x00\x04MQTT\x07\x02\x00\x3c\x00\x00\x00")[3:4], b"\x84")
        self.assertEqual(self.exchange(node, b"\x00\x00"), b"")

    def test_random_sessions_leave_the_canary_singing(self):
        node = self.node("broker")
        canary = self.client(node)
        canary.subscribe("canary/#", 1)
        rng = random.Random(3)
        for n in range(300):
            parts = [rng.choice((self.CONNECT_4, self.CONNECT_5))]
            for _ in range(rng.randrange(1, 6)):
                body = rng.randbytes(rng.randrange(0, 40))
                parts.append(struct.pack("!BB", rng.randrange(256), len(body)) + body)
            with socket.create_connection(("127.0.0.1", node.port)) as plain:
                try:
                    plain.sendall(b"".join(parts))
                    plain.shutdown(socket.SHUT_WR)
                    plain.settimeout(WAIT)
                    while plain.recv(4096):
                        pass
                except OSError:
                    pass
            if n % 50 == 0:
                canary.publish("canary/x", str(n), 1)
                while canary.take().payload.decode() != str(n):  # the fuzz may have published there too
                    pass


class BadConfiguration(NodeTestCase):
    def run_with(self, *args, config=None):
        words = [STARLINGD, "--state-dir", os.path.join(self.folder, "s"), "-p", "0", *args]
        if config is not None:
            path = os.path.join(self.folder, "x.toml")
            with open(path, "w") as file:
                file.write(config)
            words += ["-c", path]
        done = subprocess.run(words, capture_output=True, text=True, timeout=WAIT)
        return done.returncode, done.stderr.replace(self.folder + "/", "")

    def test_file_line_column_and_suggestion(self):
        status, text = self.run_with(config='[node]\nname = "x"\n\n[[listenr]]\nport = 99999\n[log]\nlevel = "inof"\n')
        self.assertEqual(status, 3)
        self.assertIn('x.toml:4:3: unknown key "listenr"', text)
        self.assertIn('did you mean "listener"?', text)
        self.assertIn('x.toml:7:9: log.level = "inof" is none of', text)

    def test_meshes(self):
        for args, reason in (
                (["--mesh", "family"], "needs a secret file"),
                (["--mesh", "public", "--share", "chat/#"], "direction"),
                (["--mesh", "public", "--share", "both:#"], "wildcard"),
                (["--mesh", "public/a", "--share", "in:+/x"], "wildcard"),
                (["--mesh", "family", "--mesh-secret", self.secret(), "--share", "a/#/b"], "#"),
                (["--mesh", "family", "--mesh-secret", "/nonexistent"], "/nonexistent"),
                (["--share", "x/#"], "must follow"),
                (["--bootstrap", "host:99999"], "host:99999"),
                (["--set", "dht.lisen=1"], 'did you mean "listen"?')):
            status, text = self.run_with(*args)
            self.assertEqual(status, 3, args)
            self.assertIn(reason, text, args)

    def test_a_secret_that_others_can_read(self):
        path = self.secret()
        os.chmod(path, 0o644)
        status, text = self.run_with("--mesh", "family", "--mesh-secret", path)
        self.assertEqual(status, 3)
        self.assertIn("chmod 600", text)

    def test_usage(self):
        status, text = self.run_with("--bootsrap", "x")
        self.assertEqual(status, 2)
        self.assertIn('did you mean "--bootstrap"?', text)

    def test_a_port_in_use_is_named(self):
        taken = self.node("taken")
        status, text = self.run_with("-p", str(taken.port))
        self.assertEqual(status, 1)
        self.assertIn(f"cannot listen on 127.0.0.1:{taken.port}", text)

    def test_a_state_directory_in_use_is_named(self):
        taken = self.node("s")
        status, text = self.run_with()
        self.assertEqual(status, 1)
        self.assertIn(f"pid {taken.process.pid}", text)


if __name__ == "__main__":
    run()
