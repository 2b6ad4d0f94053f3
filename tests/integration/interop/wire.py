"""MQTT on the wire for tests that need thousands of clients or want to break the rules: packets as bytes,
a reader of packets, a blocking client. Written from the standard alone, so that it shares no mistake with src/mqtt.
"""
import socket
import struct
from collections import namedtuple

(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP,
 DISCONNECT, AUTH) = range(1, 16)
PING = b"\xc0\x00"

Packet = namedtuple("Packet", "kind flags body")
Message = namedtuple("Message", "topic payload qos retain duplicate packet_id properties")


def variable_integer(value):
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | (0x80 if value else 0))
        if not value:
            return bytes(out)


def text(value):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(raw)) + raw


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + variable_integer(len(body)) + body


def properties(items, version):
    """`items`: raw property bytes, identifier included; nothing at all before version 5."""
    return variable_integer(len(items)) + items if version == 5 else b""


def connect(client_id="", version=4, clean=True, keep_alive=60, will=None, user=None, password=None, expiry=None, items=b""):
    """`will`: (topic, payload, qos, retain[, raw property bytes]). `expiry`: seconds a session of version 5 outlives its connection."""
    flags = 2 if clean else 0
    payload = text(client_id)
    if will:
        topic, content, qos, retain, *will_items = will
        flags |= 4 | qos << 3 | (32 if retain else 0)
        payload += properties(b"".join(will_items), version) + text(topic) + text(content)
    if user is not None:
        flags |= 128
        payload += text(user)
    if password is not None:
        flags |= 64
        payload += text(password)
    if expiry is not None:
        items += b"\x11" + struct.pack(">I", expiry)
    name = "MQIsdp" if version == 3 else "MQTT"
    head = text(name) + bytes([version, flags]) + struct.pack(">H", keep_alive)
    return packet(CONNECT, head + properties(items, version) + payload)


def subscribe(filters, packet_id=1, version=4):
    """`filters`: [(filter, options byte)]; the options of versions 3 and 4 are the QoS alone."""
    body = struct.pack(">H", packet_id) + properties(b"", version)
    return packet(SUBSCRIBE, body + b"".join(text(name) + bytes([options]) for name, options in filters), 2)


def unsubscribe(filters, packet_id=1, version=4):
    body = struct.pack(">H", packet_id) + properties(b"", version)
    return packet(UNSUBSCRIBE, body + b"".join(text(name) for name in filters), 2)


def publish(topic, payload=b"", qos=0, retain=False, packet_id=0, version=4, duplicate=False, items=b""):
    body = text(topic) + (struct.pack(">H", packet_id) if qos else b"") + properties(items, version)
    content = payload.encode() if isinstance(payload, str) else payload
    return packet(PUBLISH, body + content, (8 if duplicate else 0) | qos << 1 | (1 if retain else 0))


def acknowledge(kind, packet_id):
    return packet(kind, struct.pack(">H", packet_id), 2 if kind == PUBREL else 0)


def disconnect(version=4, reason=0):
    return packet(DISCONNECT, bytes([reason]) if version == 5 and reason else b"")


def packet_id_of(got):
    return struct.unpack_from(">H", got.body)[0]


def read_variable_integer(data, at):
    """(value, offset behind it)"""
    value = shift = 0
    while True:
        digit = data[at]
        at += 1
        value |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return value, at


def read_message(got, version=4):
    qos = got.flags >> 1 & 3
    size = struct.unpack_from(">H", got.body)[0]
    topic, at = bytes(got.body[2:2 + size]).decode(), 2 + size
    packet_id = 0
    if qos:
        packet_id, at = struct.unpack_from(">H", got.body, at)[0], at + 2
    items = b""
    if version == 5:
        length, at = read_variable_integer(got.body, at)
        items, at = bytes(got.body[at:at + length]), at + length
    return Message(topic, bytes(got.body[at:]), qos, bool(got.flags & 1), bool(got.flags & 8), packet_id, items)


class Reader:
    """Cuts bytes into packets."""

    def __init__(self):
        self._buffer = bytearray()

    def feed(self, data):
        """The packets that `data` completes."""
        self._buffer += data
        found, at = [], 0
        while True:
            one, end = self._cut(at)
            if one is None:
                break
            found.append(one)
            at = end
        del self._buffer[:at]
        return found

    def _cut(self, at):
        length = shift = 0
        position = at + 1
        while True:
            if position >= len(self._buffer):
                return None, at
            digit = self._buffer[position]
            position += 1
            length |= (digit & 0x7F) << shift
            shift += 7
            if not digit & 0x80:
                break
            if shift > 21:
                raise ValueError("a Remaining Length of more than four bytes")
        if len(self._buffer) < position + length:
            return None, at
        first = self._buffer[at]
        return Packet(first >> 4, first & 15, bytes(self._buffer[position:position + length])), position + length


class WireClient:
    """A blocking client that acknowledges nothing unless told to.

    `receive_buffer`: bytes of the socket's receive buffer; a small one makes a slow reader whose slowness is felt.
    """

    def __init__(self, port, client_id="", version=4, timeout=30, receive_buffer=None, host="127.0.0.1", **options):
        self.version = version
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, port))
        self._reader, self._ready = Reader(), []
        self.send(connect(client_id, version, **options))
        self.connack = self.expect(CONNACK)
        self.session_present, self.code = bool(self.connack.body[0] & 1), self.connack.body[1]

    def send(self, data):
        self.socket.sendall(data)

    def next_packet(self, chunk=65536):
        while not self._ready:
            data = self.socket.recv(chunk)
            if not data:
                raise ConnectionError("closed by the broker")
            self._ready = self._reader.feed(data)
        return self._ready.pop(0)

    def expect(self, kind):
        """The next packet of `kind`; messages that come before it are an error of the test, or of the broker."""
        got = self.next_packet()
        assert got.kind == kind, f"expected packet {kind}, got {got}"
        return got

    def subscribe(self, filters, packet_id=1):
        """What the SUBACK says: one code per filter. Nothing retained may be waiting ahead of it."""
        self.send(subscribe(filters, packet_id, self.version))
        got = self.expect(SUBACK)
        return list(got.body[3 if self.version == 5 else 2:])

    def next_message(self, acknowledged=True, chunk=65536):
        """The next message; other packets on the way are passed over."""
        while True:
            got = self.next_packet(chunk)
            if got.kind == PUBREL:
                self.send(acknowledge(PUBCOMP, packet_id_of(got)))
            if got.kind != PUBLISH:
                continue
            message = read_message(got, self.version)
            if acknowledged and message.qos:
                self.send(acknowledge(PUBACK if message.qos == 1 else PUBREC, message.packet_id))
            return message

    def close(self):
        try:
            self.send(disconnect(self.version))
        except OSError:
            pass
        self.socket.close()

    def drop(self):
        """Gone without a DISCONNECT."""
        self.socket.close()
