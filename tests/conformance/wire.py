"""MQTT 3.1, 3.1.1 and 5.0 on the wire, written for tests and from the standard alone (it shares nothing with src/mqtt).

Builders make packets of a client, right or deliberately wrong; read_packet() decodes packets of a server and is strict:
what a server must not send raises Violation. Versions are the protocol levels: 3, 4, 5.
"""
import struct

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK = range(1, 10)
UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(10, 16)
NAMES = ["reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
         "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH"]

# Properties of MQTT 5 (table 2-4): name -> (identifier, kind, packets of a server that may have it).
PROPERTIES = {
    "payload_format": (0x01, "u8", {PUBLISH}),
    "message_expiry": (0x02, "u32", {PUBLISH}),
    "content_type": (0x03, "text", {PUBLISH}),
    "response_topic": (0x08, "text", {PUBLISH}),
    "correlation_data": (0x09, "binary", {PUBLISH}),
    "subscription_id": (0x0B, "varint", {PUBLISH}),
    "session_expiry": (0x11, "u32", {CONNACK}),
    "assigned_client_id": (0x12, "text", {CONNACK}),
    "server_keep_alive": (0x13, "u16", {CONNACK}),
    "auth_method": (0x15, "text", {CONNACK, AUTH}),
    "auth_data": (0x16, "binary", {CONNACK, AUTH}),
    "request_problem_info": (0x17, "u8", set()),
    "will_delay": (0x18, "u32", set()),
    "request_response_info": (0x19, "u8", set()),
    "response_info": (0x1A, "text", {CONNACK}),
    "server_reference": (0x1C, "text", {CONNACK, DISCONNECT}),
    "reason_string": (0x1F, "text", {CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH}),
    "receive_maximum": (0x21, "u16", {CONNACK}),
    "topic_alias_maximum": (0x22, "u16", {CONNACK}),
    "topic_alias": (0x23, "u16", {PUBLISH}),
    "maximum_qos": (0x24, "u8", {CONNACK}),
    "retain_available": (0x25, "u8", {CONNACK}),
    "user_property": (0x26, "pair", {CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT,
                                     AUTH}),
    "maximum_packet_size": (0x27, "u32", {CONNACK}),
    "wildcard_available": (0x28, "u8", {CONNACK}),
    "subscription_id_available": (0x29, "u8", {CONNACK}),
    "shared_available": (0x2A, "u8", {CONNACK}),
}
BY_ID = {row[0]: (name, row[1], row[2]) for name, row in PROPERTIES.items()}
MAY_REPEAT = {"user_property", "subscription_id"}

# Reason codes that a server may send (2.4 and the tables of each packet).
REASONS = {
    CONNACK: {0, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A,
              0x9B, 0x9C, 0x9D, 0x9F},
    PUBACK: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREC: {0, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99},
    PUBREL: {0, 0x92},
    PUBCOMP: {0, 0x92},
    SUBACK: {0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2},
    UNSUBACK: {0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91},
    DISCONNECT: {0, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97,
                 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2},
    AUTH: {0, 0x18},
}


class Violation(AssertionError):
    """The server sent what no server may send."""


# --- Values

def varint(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | 0x80 if value else low])
        if not value:
            return out


def text(value):
    """A length and the bytes; takes str or, for what is not text, bytes."""
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(value)) + value


def prop(name, value):
    """One property; `value` is an int, str, bytes or, for user properties, a pair."""
    identifier, kind, _ = PROPERTIES[name]
    if kind == "pair":
        return bytes([identifier]) + text(value[0]) + text(value[1])
    if kind in ("text", "binary"):
        return bytes([identifier]) + text(value)
    if kind == "varint":
        return bytes([identifier]) + varint(value)
    return bytes([identifier]) + struct.pack({"u8": "!B", "u16": "!H", "u32": "!I"}[kind], value)


def props(**values):
    """Properties in the order given; a list means several of the same name."""
    return b"".join(prop(name, one) for name, value in values.items()
                    for one in (value if isinstance(value, list) else [value]))


def frame(kind, flags, body):
    return bytes([kind << 4 | flags]) + varint(len(body)) + body


# --- Packets of a client

def connect(version, client_id="", clean=True, keep_alive=60, will=None, user=None, password=None, properties=b"",
            name=None, level=None, flags=None, more=b""):
    """`will`: (topic, payload[, qos[, retain[, properties]]]). `name`, `level`, `flags` and `more` (bytes behind the
    end) are for wrong ones; client_id None leaves it out."""
    body, bits = b"", 2 if clean else 0
    if client_id is not None:
        body += text(client_id)
    if will:
        topic, payload, qos, retain, will_properties = (tuple(will) + (0, False, b""))[:5] if len(will) == 2 else \
            (tuple(will) + (False, b""))[:5] if len(will) == 3 else (tuple(will) + (b"",))[:5]
        bits |= 4 | qos << 3 | (32 if retain else 0)
        body += (varint(len(will_properties)) + will_properties if version == 5 else b"") + text(topic) + text(payload)
    if user is not None:
        bits |= 128
        body += text(user)
    if password is not None:
        bits |= 64
        body += text(password)
    head = text(name if name is not None else "MQIsdp" if version == 3 else "MQTT")
    head += bytes([version if level is None else level, bits if flags is None else flags])
    head += struct.pack("!H", keep_alive)
    if version == 5:
        head += varint(len(properties)) + properties
    return frame(CONNECT, 0, head + body + more)


def publish(version, topic, payload=b"", qos=0, packet_id=1, retain=False, dup=False, properties=b""):
    payload = payload.encode() if isinstance(payload, str) else payload
    body = text(topic) + (struct.pack("!H", packet_id) if qos else b"")
    body += (varint(len(properties)) + properties if version == 5 else b"") + payload
    return frame(PUBLISH, (8 if dup else 0) | qos << 1 | (1 if retain else 0), body)


def ack(kind, packet_id, reason=None, properties=None, flags=None):
    """PUBACK, PUBREC, PUBREL, PUBCOMP. Reason and properties are left out unless given."""
    body = struct.pack("!H", packet_id)
    if reason is not None or properties is not None:
        body += bytes([reason or 0])
    if properties is not None:
        body += varint(len(properties)) + properties
    return frame(kind, (2 if kind == PUBREL else 0) if flags is None else flags, body)


def puback(packet_id, reason=None, properties=None):
    return ack(PUBACK, packet_id, reason, properties)


def pubrec(packet_id, reason=None, properties=None):
    return ack(PUBREC, packet_id, reason, properties)


def pubrel(packet_id, reason=None, properties=None):
    return ack(PUBREL, packet_id, reason, properties)


def pubcomp(packet_id, reason=None, properties=None):
    return ack(PUBCOMP, packet_id, reason, properties)


def subscribe(version, packet_id, *filters, properties=b"", flags=2):
    """`filters`: a filter, or (filter, options byte)."""
    body = struct.pack("!H", packet_id) + (varint(len(properties)) + properties if version == 5 else b"")
    for one in filters:
        name, options = one if isinstance(one, tuple) else (one, 0)
        body += text(name) + bytes([options])
    return frame(SUBSCRIBE, flags, body)


def unsubscribe(version, packet_id, *filters, properties=b"", flags=2):
    body = struct.pack("!H", packet_id) + (varint(len(properties)) + properties if version == 5 else b"")
    return frame(UNSUBSCRIBE, flags, body + b"".join(text(name) for name in filters))


def disconnect(version=4, reason=None, properties=None):
    body = b"" if reason is None and properties is None else bytes([reason or 0])
    if properties is not None:
        body += varint(len(properties)) + properties
    return frame(DISCONNECT, 0, body)


def auth(reason=None, properties=None):
    body = b"" if reason is None and properties is None else bytes([reason or 0])
    if properties is not None:
        body += varint(len(properties)) + properties
    return frame(AUTH, 0, body)


PING = frame(PINGREQ, 0, b"")
PONG = frame(PINGRESP, 0, b"")

# Subscription options (3.8.3.1).
NO_LOCAL, RETAIN_AS_PUBLISHED, RETAIN_IF_NEW, RETAIN_NEVER = 4, 8, 16, 32


# --- Packets of a server

class Packet:
    """A decoded packet: .kind, .flags, .raw and what its kind has (.packet_id, .reason, .reasons, .properties, ...)."""

    def __init__(self, kind, flags, raw):
        self.kind, self.flags, self.raw = kind, flags, raw
        self.properties, self.user = {}, []

    def __repr__(self):
        fields = {key: value for key, value in vars(self).items() if key not in ("kind", "raw", "flags") and value}
        return f"{NAMES[self.kind]}({', '.join(f'{key}={value!r}' for key, value in fields.items())})"


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise Violation(f"cut short: {self.data.hex()}")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), "big")

    def binary(self):
        return self.take(self.number(2))

    def text(self):
        value = self.binary().decode("utf-8", errors="strict")
        if "\0" in value:
            raise Violation("U+0000 in text")
        return value

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                if shift and not byte:
                    raise Violation("a variable byte integer is longer than needed")
                return value
            shift += 7
            if shift > 21:
                raise Violation("a variable byte integer has more than four bytes")

    @property
    def left(self):
        return len(self.data) - self.at


def read_properties(body, packet):
    end = body.varint()
    end += body.at
    if end > len(body.data):
        raise Violation("property length reaches behind the packet")
    while body.at < end:
        identifier = body.varint()
        if identifier not in BY_ID or packet.kind not in BY_ID[identifier][2]:
            raise Violation(f"property {identifier:#x} in {NAMES[packet.kind]}")
        name, kind, _ = BY_ID[identifier]
        if kind == "pair":
            value = (body.text(), body.text())
            packet.user.append(value)
        else:
            value = body.text() if kind == "text" else body.binary() if kind == "binary" else \
                body.varint() if kind == "varint" else body.number({"u8": 1, "u16": 2, "u32": 4}[kind])
        if name in MAY_REPEAT:
            packet.properties.setdefault(name, []).append(value)
        elif name in packet.properties:
            raise Violation(f"{name} twice in {NAMES[packet.kind]}")
        else:
            packet.properties[name] = value
    if body.at != end:
        raise Violation("a property crosses the end of the properties")


def read_packet(version, first, data):
    """`first`: the first byte; `data`: what the remaining length covers."""
    kind, flags = first >> 4, first & 15
    packet, body = Packet(kind, flags, bytes([first]) + varint(len(data)) + data), Body(data)
    if kind not in (CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, PINGRESP, DISCONNECT, AUTH):
        raise Violation(f"a server sent {NAMES[kind]}")
    if kind in (DISCONNECT, AUTH) and version != 5:
        raise Violation(f"a server sent {NAMES[kind]} before MQTT 5")
    if kind != PUBLISH and flags != (2 if kind == PUBREL else 0):
        raise Violation(f"flags {flags} of {NAMES[kind]}")
    if kind == PUBLISH:
        read_publish(version, packet, body)
    elif kind == CONNACK:
        byte = body.number(1)
        packet.session_present, packet.reason = bool(byte & 1), body.number(1)
        if byte & 0xFE or (packet.reason and packet.session_present):
            raise Violation(f"CONNACK flags {byte} with reason {packet.reason}")
        if version == 5:
            read_properties(body, packet)
    elif kind in (PUBACK, PUBREC, PUBREL, PUBCOMP):
        packet.packet_id, packet.reason = body.number(2), 0
        if version == 5 and body.left:
            packet.reason = body.number(1)
            if body.left:
                read_properties(body, packet)
    elif kind in (SUBACK, UNSUBACK):
        packet.packet_id = body.number(2)
        if version == 5:
            read_properties(body, packet)
        packet.reasons = list(body.take(body.left)) if kind == SUBACK or version == 5 else []
    elif kind in (DISCONNECT, AUTH):
        packet.reason = body.number(1) if body.left else 0
        if body.left:
            read_properties(body, packet)
    if body.left:
        raise Violation(f"bytes behind the end of {NAMES[kind]}: {packet.raw.hex()}")
    check_reasons(version, packet)
    return packet


def read_publish(version, packet, body):
    packet.dup, packet.qos, packet.retain = bool(packet.flags & 8), packet.flags >> 1 & 3, bool(packet.flags & 1)
    if packet.qos == 3 or (packet.dup and not packet.qos):
        raise Violation(f"PUBLISH with flags {packet.flags}")
    packet.topic, packet.packet_id = body.text(), body.number(2) if packet.qos else 0
    if packet.qos and not packet.packet_id:
        raise Violation("PUBLISH with packet id 0")
    if version == 5:
        read_properties(body, packet)
    if any(sign in packet.topic for sign in "+#") or (not packet.topic and "topic_alias" not in packet.properties):
        raise Violation(f"PUBLISH to {packet.topic!r}")
    if packet.properties.get("topic_alias") == 0:
        raise Violation("PUBLISH with topic alias 0")
    packet.payload = body.take(body.left)


def check_reasons(version, packet):
    codes = getattr(packet, "reasons", None)
    codes = codes if codes is not None else [packet.reason] if hasattr(packet, "reason") else []
    allowed = REASONS.get(packet.kind, set())
    if version != 5:
        allowed = {CONNACK: set(range(6)), SUBACK: {0, 1, 2, 0x80}}.get(packet.kind, {0})
    for code in codes:
        if code not in allowed:
            raise Violation(f"{NAMES[packet.kind]} with reason {code:#x}")
