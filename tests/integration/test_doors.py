"""The doors of a node, knocked at by hand and by real clients: WebSocket, Unix socket, PROXY header, both protocols on one
port; slow and malicious handshakes; bounds on connections, descriptors, memory and rates; a reload with clients inside.
"""
import base64
import hashlib
import os
import queue
import re
import resource
import select
import signal
import socket
import stat
import struct
import subprocess
import time

import paho.mqtt.client as mqtt

from harness import STARLINGD, WAIT, Lines, Node, NodeTestCase, run
from interop import wire

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of RFC 6455
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


class House(Node):
    """A node with listeners from a TOML file. `doors`: texts of [[listener]] tables, port 0 each; their ports are in .ports,
    a Unix socket's is its path."""

    def __init__(self, state_dir, doors, limits="", before=None):
        super().__init__(state_dir)
        self.before = before
        self.config = state_dir + ".toml"
        self.write(doors, limits)

    def write(self, doors, limits=""):
        tables = "".join(f"[[listener]]\n{'' if 'unix_socket' in door or 'port =' in door else 'port = 0'}\nallow_anonymous = true\n{door}\n"
                         for door in doors)
        with open(self.config, "w") as file:
            file.write(f"{tables}\n[limits]\n{limits}\n")
        self.count = len(doors)

    def start(self):
        self.process = subprocess.Popen([STARLINGD, "--state-dir", self.state_dir, "-c", self.config, "-v"],
                                        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace",
                                        preexec_fn=self.before)
        self.log = Lines(self.process.stderr)
        self.log.wait_for(r"\bready\b")
        pattern = re.compile(r"listening for=mqtt (?:addr=\S*:(\d+)|path=(\S+))")
        found = [m for m in map(pattern.search, self.log.text().split("\n")) if m]
        # A listener at localhost has a line for each family, with one port.
        self.ports = list(dict.fromkeys(int(m.group(1)) if m.group(1) else m.group(2) for m in found))
        assert len(self.ports) == self.count, self.ports
        self.port = self.ports[0]
        return self


def knock(port):
    """A bare socket."""
    if isinstance(port, str):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(WAIT)
        client.connect(port)
        return client
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT)


def read_to_end(client):
    got = b""
    try:
        while data := client.recv(65536):
            got += data
    except ConnectionResetError:
        pass
    return got


def read_some(client, size):
    got = b""
    while len(got) < size:
        data = client.recv(size - len(got))
        if not data:
            raise ConnectionError(f"closed after {got!r}")
        got += data
    return got


def upgrade(path="/mqtt", **fields):
    """`fields` replace those that belong there; None leaves one out. Underscores become hyphens."""
    all_fields = {"Host": "broker.example", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
                  "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "mqtt"}
    all_fields.update({name.replace("_", "-"): value for name, value in fields.items()})
    head = "".join(f"{name}: {value}\r\n" for name, value in all_fields.items() if value is not None)
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode()


def frame(payload, opcode=2, fin=True, mask=b"\x11\x22\x33\x44"):
    head = bytes([opcode | (0x80 if fin else 0)])
    marked = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([marked | len(payload)])
    elif len(payload) < 65536:
        head += bytes([marked | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([marked | 127]) + struct.pack(">Q", len(payload))
    if not mask:
        return head + payload
    key = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return head + mask + (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


class WebSocket:
    """By hand, from RFC 6455 alone."""

    def __init__(self, port, first=b"", **fields):
        self.socket = knock(port)
        self.socket.sendall(upgrade(**fields) + first)
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            self.head += read_some(self.socket, 1)
        self.head = self.head.decode()

    def read_frame(self):
        """(opcode, payload)"""
        first, size = read_some(self.socket, 2)
        assert first & 0x80 and not size & 0x80, "fragmented, or masked"
        if size == 126:
            size = struct.unpack(">H", read_some(self.socket, 2))[0]
        elif size == 127:
            size = struct.unpack(">Q", read_some(self.socket, 8))[0]
        return first & 15, read_some(self.socket, size)

    def send(self, payload, **options):
        self.socket.sendall(frame(payload, **options))

    def close(self):
        self.socket.close()


def status_of(port, request):
    with knock(port) as client:
        client.sendall(request)
        answer = read_to_end(client).decode()
    return int(answer.split()[1]), answer


class DoorTestCase(NodeTestCase):
    def house(self, *doors, **options):
        return self.keep(House(os.path.join(self.folder, f"n{len(self._to_close)}"), doors, **options)).start()

    def websocket(self, port, **options):
        return self.keep(WebSocket(port, **options))

    def mqtt_by_hand(self, client, head=b"", client_id="byhand"):
        """CONNECT over a bare socket; the reason code."""
        client.sendall(head + wire.connect(client_id, 5))
        return read_some(client, 4)[3]


class WebSockets(DoorTestCase):
    def setUp(self):
        super().setUp()
        self.node_ = self.house('protocol = "websockets"')

    def test_the_upgrade_by_hand_and_a_first_frame_that_came_along(self):
        client = self.websocket(self.node_.port, first=frame(wire.connect("c", 4)))
        expected = base64.b64encode(hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        self.assertTrue(client.head.startswith("HTTP/1.1 101 "))
        self.assertIn(f"Sec-WebSocket-Accept: {expected}\r\n", client.head)
        self.assertIn("Sec-WebSocket-Protocol: mqtt\r\n", client.head)
        self.assertEqual(client.read_frame(), (2, b"\x20\x02\0\0"))
        client.send(b"are you there", opcode=9)
        self.assertEqual(client.read_frame(), (10, b"are you there"))
        client.send(struct.pack(">H", 1000) + b"bye", opcode=8)
        self.assertEqual(client.read_frame(), (8, struct.pack(">H", 1000)))
        self.assertEqual(read_to_end(client.socket), b"")

    def test_packets_across_frames_byte_by_byte(self):
        client = self.websocket(self.node_.port)
        everything = wire.connect("c", 4) + wire.subscribe([("t", 0)]) + wire.publish("t", "hello")
        for number in range(len(everything)):
            client.send(everything[number:number + 1], fin=number % 3 == 2 or number == len(everything) - 1,
                        opcode=2 if number % 3 == 0 else 0)
        got = b""
        while len(got) < 4 + 5 + 10:
            opcode, payload = client.read_frame()
            self.assertEqual(opcode, 2)
            got += payload
        self.assertIn(wire.publish("t", "hello"), got)

    def test_refusals_have_their_status(self):
        port = self.node_.port
        self.assertEqual(status_of(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")[0], 426)
        self.assertEqual(status_of(port, upgrade(Sec_WebSocket_Version="8"))[0], 426)
        self.assertEqual(status_of(port, upgrade(Sec_WebSocket_Protocol="soap"))[0], 400)
        self.assertEqual(status_of(port, upgrade(Sec_WebSocket_Key=None))[0], 400)
        self.assertEqual(status_of(port, b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")[0], 405)
        self.assertEqual(status_of(port, upgrade().replace(b"HTTP/1.1", b"HTTP/1.0"))[0], 505)
        self.assertEqual(status_of(port, upgrade(Cookie="c" * 20_000))[0], 431)
        with knock(port) as client:  # MQTT at the wrong door
            client.sendall(wire.connect("c", 4))
            self.assertTrue(read_to_end(client).startswith(b"HTTP/1.1 400 "))
        self.node_.log.wait_for("client handshake failed|client_handshake_failed")

    def test_text_is_answered_with_1003_and_broken_frames_with_1002(self):
        for bad, status in ((frame(wire.connect("c", 4), opcode=1), 1003), (frame(b"x", mask=b""), 1002),
                            (frame(b"x", opcode=0), 1002), (b"\xc2" + frame(b"x")[1:], 1002)):
            client = self.websocket(self.node_.port)
            client.socket.sendall(bad)
            self.assertEqual(client.read_frame(), (8, struct.pack(">H", status)))
            self.assertEqual(read_to_end(client.socket), b"")

    def test_paho_over_websockets_with_payloads_of_all_sizes(self):
        got, connected = queue.Queue(), queue.Queue()
        client = mqtt.Client("paho", transport="websockets", protocol=mqtt.MQTTv5)
        client.on_connect = lambda c, u, flags, code, properties: connected.put(code)
        client.on_subscribe = lambda *rest: connected.put("subscribed")
        client.on_message = lambda c, u, message: got.put(message.payload)
        client.connect("127.0.0.1", self.node_.port)
        client.loop_start()
        try:
            self.assertEqual(connected.get(timeout=WAIT), 0)
            client.subscribe("size/+", 1)
            self.assertEqual(connected.get(timeout=WAIT), "subscribed")
            for size in (0, 1, 125, 126, 65_535, 65_536, 1_000_000):
                client.publish(f"size/{size}", bytes(size), 1)
                self.assertEqual(len(got.get(timeout=WAIT)), size)
        finally:
            client.disconnect()
            client.loop_stop()

    def test_only_listed_origins_come_in(self):
        node = self.house('protocol = "websockets"\nwebsocket_origins = ["https://home.example"]')
        self.assertEqual(status_of(node.port, upgrade(Origin="https://evil.example"))[0], 403)
        self.assertEqual(status_of(node.port, upgrade())[0], 403)
        self.assertIn(" 101 ", self.websocket(node.port, Origin="https://home.example").head)

    def test_one_port_for_both(self):
        node = self.house('protocol = "websockets"\nalso_mqtt = true')
        plain = self.client(node)
        plain.subscribe("t", 1)
        client = self.websocket(node.port, first=frame(wire.connect("c", 4)))
        self.assertEqual(client.read_frame()[1][:1], b"\x20")
        client.send(wire.publish("t", "from a browser"))
        self.assertEqual(plain.take().payload, b"from a browser")


class UnixSockets(DoorTestCase):
    def test_mosquitto_clients_meet_over_a_unix_socket(self):
        path = os.path.join(self.folder, "mqtt.sock")
        node = self.house(f'unix_socket = "{path}"\nmode = "0600"', "")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        over_tcp = self.client(node_at(node, 1))
        over_tcp.subscribe("t", 1)
        subprocess.run(["mosquitto_pub", "--unix", path, "-t", "t", "-m", "through the file", "-q", "1"], check=True,
                       timeout=WAIT)
        self.assertEqual(over_tcp.take().payload, b"through the file")
        status, _ = node.stop()
        self.assertEqual(status, 0)
        self.assertFalse(os.path.exists(path))

    def test_a_socket_left_by_a_killed_node_is_taken_over_and_a_live_one_is_not(self):
        path = os.path.join(self.folder, "mqtt.sock")
        node = self.house(f'unix_socket = "{path}"')
        node.kill()
        self.assertTrue(os.path.exists(path))
        node = self.house(f'unix_socket = "{path}"')
        other = self.keep(House(os.path.join(self.folder, "other"), [f'unix_socket = "{path}"']))
        refused = subprocess.run([STARLINGD, "--state-dir", other.state_dir, "-c", other.config], stderr=subprocess.PIPE,
                                 text=True, timeout=WAIT)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("somebody listens there already", refused.stderr)
        with knock(path) as client:
            self.assertEqual(self.mqtt_by_hand(client), 0)


def node_at(node, number):
    """The same node at another of its ports."""
    class At:
        port = node.ports[number]
    return At


class Proxies(DoorTestCase):
    def setUp(self):
        super().setUp()
        self.node_ = self.house("proxy_protocol = true", 'proxy_protocol = true\nprotocol = "websockets"')

    def test_both_versions_name_the_client(self):
        binary = SIGNATURE + b"\x21\x11\0\x13" + socket.inet_aton("198.51.100.9") + socket.inet_aton("203.0.113.1") \
            + struct.pack(">HH", 4712, 1883) + b"\x04\0\x04noop"
        for head, address in ((b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 1883\r\n", "198.51.100.7:4711"),
                              (b"PROXY TCP6 2001:db8::7 2001:db8::1 4713 1883\r\n", "[2001:db8::7]:4713"),
                              (binary, "198.51.100.9:4712")):
            with knock(self.node_.ports[0]) as client:
                self.assertEqual(self.mqtt_by_hand(client, head), 0)
                self.node_.log.wait_for(r"client connected .*" + re.escape(address))

    def test_a_proxy_that_speaks_for_itself_is_served_as_itself(self):
        for head in (b"PROXY UNKNOWN\r\n", SIGNATURE + b"\x20\x00\0\0"):
            mark = len(self.node_.log)
            with knock(self.node_.ports[0]) as client:
                self.assertEqual(self.mqtt_by_hand(client, head), 0)
                self.node_.log.wait_for(r"client connected .*127\.0\.0\.1", start=mark)

    def test_the_header_comes_before_websocket(self):
        with knock(self.node_.ports[1]) as client:
            client.sendall(b"PROXY TCP4 198.51.100.7 203.0.113.1 4711 9001\r\n" + upgrade())
            self.assertTrue(read_some(client, 12).startswith(b"HTTP/1.1 101"))

    def test_who_does_not_bring_one_is_closed(self):
        for bad in (wire.connect("c", 4), b"PROXY TCP4 198.51.100.7\r\n", SIGNATURE + b"\x31\x11\0\0"):
            with knock(self.node_.ports[0]) as client:
                client.sendall(bad)
                self.assertEqual(read_to_end(client), b"")


class Bounds(DoorTestCase):
    def test_slow_handshakes_are_closed_in_time_at_every_door(self):
        node = self.house("", 'protocol = "websockets"', "proxy_protocol = true", limits="connect_timeout = 1")
        began = time.monotonic()
        slow = []
        for port, start in zip(node.ports, (b"\x10", b"GET / HTTP/1.1\r\n", b"PROXY TCP4 ")):
            client = knock(port)
            client.sendall(start)
            slow.append(client)
        for client in slow:
            self.assertEqual(read_to_end(client), b"")
            client.close()
        self.assertLess(time.monotonic() - began, WAIT / 2)

    def test_connections_are_bounded_by_listener_and_address(self):
        node = self.house("max_connections = 2", "", limits="max_connections_per_address = 3")
        first = [knock(node.ports[0]) for _ in range(2)]
        for client in first:
            self.assertEqual(self.mqtt_by_hand(client, client_id=""), 0)
        with knock(node.ports[0]) as one_too_many:
            self.assertEqual(read_to_end(one_too_many), b"")
        third = knock(node.ports[1])
        self.assertEqual(self.mqtt_by_hand(third, client_id=""), 0)
        with knock(node.ports[1]) as one_too_many:
            self.assertEqual(read_to_end(one_too_many), b"")
        first[0].close()
        node.log.wait_for("client disconnected")
        with knock(node.ports[0]) as again:
            self.assertEqual(self.mqtt_by_hand(again, client_id=""), 0)
        for client in first + [third]:
            client.close()

    def test_out_of_descriptors_old_clients_are_served_and_new_ones_wait(self):
        def few_descriptors():
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        node = self.house("", before=few_descriptors)
        canary = self.client(node)
        canary.subscribe("t", 1)
        # A first one that comes and goes: the sanitizers need descriptors of their own for what they have not seen yet.
        with knock(node.port) as client:
            self.assertEqual(self.mqtt_by_hand(client), 0)
        node.log.wait_for("client disconnected")
        knock(node.port).close()
        node.log.wait_for("connection closed")
        canary.publish("t", "served", 1)
        self.assertEqual(canary.take().payload, b"served")
        crowd = [knock(node.port) for _ in range(80)]
        node.log.wait_for("accept paused|accept_paused")
        canary.publish("t", "still served", 1)
        self.assertEqual(canary.take().payload, b"still served")
        for client in crowd:
            client.close()
        self.client(node).publish("t", "and new ones again", 1)
        self.assertEqual(canary.take().payload, b"and new ones again")
        self.assertEqual(node.log.count("accept paused|accept_paused"), 1)

    def test_a_publisher_beyond_its_rate_is_slowed_and_loses_nothing(self):
        node = self.house("", limits="messages_per_s = 50")
        reader = self.client(node)
        reader.subscribe("t", 1)
        with knock(node.port) as client:
            self.assertEqual(self.mqtt_by_hand(client), 0)
            read_available(client)
            began = time.monotonic()
            client.sendall(b"".join(wire.publish("t", str(number), version=5) for number in range(300)) + wire.PING)
            self.assertEqual(read_some(client, 2), b"\xd0\0")
            self.assertLess(reader.received.qsize(), 300)  # the ping has overtaken them
            self.assertEqual(reader.take_payloads(300), [str(number) for number in range(300)])
            self.assertGreater(time.monotonic() - began, 4)

    def test_a_sender_beyond_its_bandwidth_is_slowed_and_loses_nothing(self):
        node = self.house("", limits='bytes_per_s = "1 MiB/s"')
        reader = self.client(node)
        reader.subscribe("t", 0)
        began = time.monotonic()
        with knock(node.port) as client:
            self.assertEqual(self.mqtt_by_hand(client), 0)
            for _ in range(30):
                client.sendall(wire.publish("t", bytes(100_000), version=5))
            for _ in range(30):
                reader.take()
        self.assertGreater(time.monotonic() - began, 1.5)


def read_available(client):
    """What has come so far."""
    while select.select([client], [], [], 0)[0]:
        if not client.recv(65536):
            return


class Reload(DoorTestCase):
    def test_clients_stay_and_listeners_come_and_go(self):
        node = self.house("", 'protocol = "websockets"')
        stays = self.client(node)
        stays.subscribe("t", 1)
        browser = self.websocket(node.ports[1], first=frame(wire.connect("c", 4)))
        browser.read_frame()
        mark = len(node.log)
        path = os.path.join(self.folder, "new.sock")
        node.write([f"port = {node.ports[0]}", f'unix_socket = "{path}"'])
        # The first listener had "any free port": its place is what the configuration said.
        node.process.send_signal(signal.SIGHUP)
        node.log.wait_for(r"listening for=mqtt path=", start=mark)
        with knock(path) as client:
            self.assertEqual(self.mqtt_by_hand(client), 0)
        browser.send(wire.publish("t", "from the closed door"))
        self.assertEqual(stays.take().payload, b"from the closed door")


if __name__ == "__main__":
    run()
