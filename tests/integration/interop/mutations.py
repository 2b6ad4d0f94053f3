"""Sessions of clients, broken on purpose. A session is a function of (seed, number): the same bytes, pieces and end again.

Most sessions begin sound and turn wrong later, so that they come past CONNECT; some are nonsense from the first byte.
"""
import collections
import random
import ssl
import struct

from interop import wire

# `pieces`: bytes to write one after the other. `pause`: seconds between them. `reads`: what comes back is read.
# `end`: close, reset (RST), half (no more is sent, the connection stays), stay (nothing happens any more).
# `door`: "tcp", "websocket" or "tls"; `handshake`: TLS is spoken properly, and the nonsense is inside.
Session = collections.namedtuple("Session", "number door handshake pieces pause reads end")

TOPICS = ["a", "a/b", "a/b/c", "", "/", "$SYS/x", "b/" + "x/" * 30, "ü/ö", "t" * 300, "a/+", "#"]
FILTERS = ["#", "+", "a/#", "a/+/c", "$SYS/#", "$share/g/a/#", "$share//x", "+/+", "a/b", "b/#", "a#", "", "$share/g"]
INTERESTING = [0, 1, 0x7F, 0x80, 0xFE, 0xFF]
PROPERTIES = [b"", b"\x01\x01", b"\x02\0\0\0\x05", b"\x23\0\x01", b"\x11\0\0\0\x02", b"\x21\0\x03", b"\x22\0\x05", b"\x27\0\0\x01\0",
              b"\x26\0\x01k\0\x01v", b"\x08\0\x01r", b"\x09\0\x02xy", b"\x0b\x05", b"\x15\0\x05PLAIN", b"\x16\0\x01z", b"\x24\x01",
              b"\x25\x01", b"\x19\x01", b"\x17\x00", b"\x03\0\x04text", b"\x7f\x00"]


def _items(rng):
    return b"".join(rng.choice(PROPERTIES) for _ in range(rng.choice((0, 0, 0, 1, 2, 4))))


def _connect(rng, version):
    will = (rng.choice(TOPICS), rng.randbytes(rng.choice((0, 5, 200))), rng.randrange(3), rng.random() < 0.2)
    return wire.connect(rng.choice(("", f"f{rng.randrange(40)}")), version, rng.random() < 0.7, rng.choice((0, 1, 2, 60, 65535)),
                        will if rng.random() < 0.4 else None, rng.choice((None, "u")), rng.choice((None, "p")),
                        rng.choice((None, 0, 1, 5)) if version == 5 else None, _items(rng) if version == 5 else b"")


def _packet(rng, version):
    kind = rng.randrange(12)
    packet_id = rng.randrange(1, 30)
    if kind < 4:
        items = _items(rng) if version == 5 else b""
        return wire.publish(rng.choice(TOPICS), rng.randbytes(rng.choice((0, 1, 40, 40, 4000, 70000))), rng.randrange(3),
                            rng.random() < 0.2, packet_id, version, rng.random() < 0.1, items)
    if kind < 6:
        filters = [(rng.choice(FILTERS), rng.choice((0, 1, 2, 2, 0x2E, 0x3F))) for _ in range(rng.choice((0, 1, 1, 3, 50)))]
        return wire.subscribe(filters, packet_id, version)
    if kind == 6:
        return wire.unsubscribe([rng.choice(FILTERS) for _ in range(rng.randrange(3))], packet_id, version)
    if kind == 7:
        return wire.PING
    if kind == 8:
        return wire.disconnect(version, rng.choice((0, 4, 0x8D)))
    if kind == 9 and version == 5:
        return wire.packet(wire.AUTH, b"\x18" + wire.properties(_items(rng), 5))
    return wire.acknowledge(rng.choice((wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBREL, wire.PUBCOMP)), packet_id)


def _mutate(rng, data):
    """One small accident."""
    out = bytearray(data)
    kind, at = rng.randrange(7), rng.randrange(len(out) + 1)
    size = min(rng.choice((1, 1, 2, 4, 16, 200)), len(out) - at)
    if kind == 0 and out:
        out[at % len(out)] ^= 1 << rng.randrange(8)
    elif kind == 1 and out:
        out[at % len(out)] = rng.choice(INTERESTING)
    elif kind == 2:
        del out[at:at + size]
    elif kind == 3:
        out[at:at] = out[at:at + size]
    elif kind == 4:
        out[at:at] = rng.randbytes(rng.choice((1, 2, 8, 300)))
    elif kind == 5 and len(out) > 1:
        # A Remaining Length that promises up to 256 MiB.
        out[1:2] = wire.variable_integer(rng.choice((0, 1, 127, 128, 16384, 2097152, 268435455)))
    elif kind == 6:
        del out[at:]
    return bytes(out)


def _accidents(rng, packets):
    """Mutates, cuts, doubles and reorders packets; the first one is mostly left alone."""
    packets = list(packets)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 8))):
        first = 0 if rng.random() < 0.15 else min(1, len(packets) - 1)
        at = rng.randrange(first, len(packets))
        kind = rng.randrange(5)
        if kind < 3:
            packets[at] = _mutate(rng, packets[at])
        elif kind == 3:
            packets.insert(at, packets[at])
        else:
            other = rng.randrange(first, len(packets))
            packets[at], packets[other] = packets[other], packets[at]
    return packets


def _frame(rng, data):
    """A WebSocket frame as clients send it, masked; seldom a wrong one."""
    opcode = 0x82 if rng.random() < 0.9 else rng.randrange(256)
    mask = rng.randbytes(4)
    if len(data) < 126:
        head = bytes([opcode, 0x80 | len(data)])
    elif len(data) < 65536:
        head = bytes([opcode, 0xFE]) + struct.pack(">H", len(data))
    else:
        head = bytes([opcode, 0xFF]) + struct.pack(">Q", len(data))
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


def _upgrade(rng):
    protocol = rng.choice(("mqtt", "mqtt", "mqtt", "mqttv3.1", "chat"))
    return (f"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n").encode()


def _client_hello():
    """The first flight of a TLS client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def session(seed, number, doors):
    rng = random.Random(f"{seed}/{number}")
    door = rng.choice(doors)
    version = rng.choice((3, 4, 4, 5, 5, 5))
    packets = [_connect(rng, version)] + [_packet(rng, version) for _ in range(rng.choice((0, 1, 3, 10, 40)))]
    packets = _accidents(rng, packets)
    handshake = door == "tls" and rng.random() < 0.6
    if door == "websocket":
        packets = _accidents(rng, [_upgrade(rng)] + [_frame(rng, packet) for packet in packets])
    elif door == "tls" and not handshake:
        packets = _accidents(rng, [_client_hello(), rng.randbytes(100)] if rng.random() < 0.7 else packets)
    pause = 0.0
    if rng.random() < 0.5:
        pieces = [b"".join(packets)]
    elif rng.random() < 0.7:
        pieces = packets
    else:
        # Byte by byte, slowly, as a bad line does.
        data = b"".join(packets)[:200]
        pieces, pause = [data[i:i + 1] for i in range(len(data))], 0.001
    return Session(number, door, handshake, pieces, pause, rng.random() < 0.8,
                   rng.choice(("close", "close", "reset", "half", "stay")))
