#!/usr/bin/env python3
"""The same raw input to Starling and to the real Mosquitto, and what comes back compared.

Each case is a list of packets (or pieces of them) sent on one fresh connection, followed by a PINGREQ; the answer is every
packet up to the PINGRESP or to the end of the connection. Left out of the comparison: what servers may choose
(CONNACK properties, reason strings, the order of acknowledgements, whether a DISCONNECT comes before the end). What differs must stand in
allowed_differences.tsv (case pattern, Mosquitto's answer, ours, reason), and what stands there must differ.

Usage: differential.py [--list] [--seed N] [--random COUNT]       exit status 1: a difference nobody allowed, 77: no Mosquitto
"""
import argparse
import fnmatch
import os
import pathlib
import random
import sys

os.environ.setdefault("STARLING_TEST_WAIT", "2")
import wire  # noqa: E402
from server import MOSQUITTO, Broker, Client  # noqa: E402
from wire import frame, prop, props, text  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CODES = {name: value for value, name in enumerate(wire.NAMES)}


def told(packet):
    """A packet in a word: its kind, packet id and reasons; topic, payload and flags of a PUBLISH."""
    name = wire.NAMES[packet.kind]
    if packet.kind == wire.PUBLISH:
        known = {key: value for key, value in packet.properties.items() if key != "topic_alias"}
        return f"PUBLISH({packet.topic[:20]!r},{packet.payload[:20]!r},q{packet.qos},r{packet.retain:d},d{packet.dup:d},{known})"
    words = [str(packet.packet_id)] if hasattr(packet, "packet_id") else []
    words += [f"{code:02x}" for code in getattr(packet, "reasons", [])]
    if getattr(packet, "reason", 0):
        words.append(f"{packet.reason:02x}")
    if packet.kind == wire.CONNACK and packet.session_present:
        words.append("present")
    return f"{name}({','.join(words)})" if words else name


THEN = None  # in a case: what follows is sent when everything before has been answered


def hear(client, said):
    """Takes what comes until two PINGs are answered: what the first overtook comes before the second's answer."""
    for _ in range(2):
        client.send(wire.PING)
        while True:
            try:
                packet = client.receive()
            except AssertionError as problem:  # nothing came, or a packet that no server may send
                said.append("silence" if "nothing came" in str(problem) else f"violation: {problem}")
                return False
            if packet is None:
                said.append("closed")
                return False
            if packet.kind == wire.PINGRESP:
                break
            said.append(told(packet))
    return True


def answer(broker, version, packets):
    """What the broker says to `packets`, in words."""
    client, said, rest = Client(broker, version), [], list(packets)
    try:
        while rest:
            end = rest.index(THEN) if THEN in rest else len(rest)
            client.send(*rest[:end])
            rest = rest[end + 1:]
            if not hear(client, said):
                break
    finally:
        client.socket.close()
    return " ".join(said) or "nothing"


# --- The cases

def header(version, client_id):
    return wire.connect(version, client_id)


def connect_cases(version):
    def one(**options):
        return [wire.connect(version, options.pop("client_id", "diff"), **options)]
    yield "connect/plain", one()
    yield "connect/empty client id", one(client_id="")
    yield "connect/empty client id, session kept", one(client_id="", clean=False)
    yield "connect/long client id", one(client_id="x" * 200)
    yield "connect/user", one(user="u", password=b"p")
    yield "connect/user without password", one(user="u")
    yield "connect/empty user", one(user="", password=b"")
    yield "connect/password without user", one(password=b"p")
    yield "connect/will", one(will=("w", b"x", 1, True))
    yield "connect/empty will topic", one(will=("", b"x"))
    yield "connect/empty will payload", one(will=("w", b""))
    yield "connect/will with wildcard", one(will=("w/#", b"x"))
    yield "connect/will to $SYS", one(will=("$SYS/x", b"x"))
    yield "connect/will QoS 3", one(will=("w", b"x", 3))
    yield "connect/will QoS without will", one(flags=2 | 8)
    yield "connect/will retain without will", one(flags=2 | 32)
    yield "connect/reserved flag", one(flags=3)
    yield "connect/more bytes", one(more=b"x")
    yield "connect/no client id", one(client_id=None)
    yield "connect/flags of header", [bytes([0x11]) + wire.connect(version, "diff")[1:]]
    for level in (0, 2, 6, 0x83, 0x84):
        yield f"connect/level {level}", one(level=level)
    for name in ("", "mqtt", "MQTTX", "MQIsdp" if version != 3 else "MQTT"):
        yield f"connect/name {name!r}", one(name=name)
    yield "connect/twice", one() + one()
    yield "connect/not first", [wire.PING]
    if version == 5:
        for name, value in (("receive_maximum", 0), ("maximum_packet_size", 0), ("request_problem_info", 2),
                            ("request_response_info", 2), ("auth_method", "none"), ("auth_data", b"x"), ("will_delay", 1),
                            ("topic_alias", 1), ("session_expiry", 0xFFFFFFFF)):
            yield f"connect/property {name}={value!r}", one(properties=prop(name, value))
        for name, value in (("session_expiry", 1), ("receive_maximum", 9)):
            yield f"connect/property {name} twice", one(properties=prop(name, value) * 2)


def publish_cases(version):
    hello = header(version, "diff")

    def one(*arguments, **options):
        return [hello, wire.publish(version, *arguments, **options)]
    for qos in (0, 1, 2, 3):
        yield f"publish/QoS {qos}", one("t", b"x", qos)
        yield f"publish/QoS {qos} dup", one("t", b"x", qos, dup=True)
        yield f"publish/QoS {qos} packet id 0", one("t", b"x", qos, 0)
    for topic in ("", "#", "a/+", "+", "a#", "$SYS/x", "$x/y", "/", "//", " ", "\ufeff", "ä", "/" * 200, "/" * 201):
        yield f"publish/topic {topic[:8]!r} of {len(topic)}", one(topic, b"x", 1)
    for name, bad in (("null", b"a\0"), ("surrogate", b"\xed\xa0\x80"), ("overlong", b"\xc0\xaf"), ("cut", b"\xe2\x82"),
                      ("control", b"\x01"), ("non-character", b"\xef\xbf\xbf")):
        yield f"publish/topic text {name}", one(bad, b"x", 1)
    good = wire.publish(version, "ab", b"", 1, 7)
    for cut in range(1, len(good) - 1):
        yield f"publish/cut by {cut}", [hello, frame(wire.PUBLISH, 2, good[2:-cut])]
    yield "publish/retained empty", one("t", b"", 1, retain=True)
    if version == 5:
        values = dict(payload_format=1, message_expiry=5, content_type="c", response_topic="r", correlation_data=b"c",
                      user_property=("a", "b"), topic_alias=1)
        for name, value in values.items():
            yield f"publish/property {name}", one("t", b"x", 1, properties=prop(name, value))
            yield f"publish/property {name} twice", one("t", b"x", 1, properties=prop(name, value) * 2)
        for name, value in (("payload_format", 2), ("message_expiry", 0), ("response_topic", "a/#"), ("response_topic", ""),
                            ("topic_alias", 0), ("topic_alias", 65535), ("subscription_id", 1), ("session_expiry", 1),
                            ("will_delay", 1), ("reason_string", "x"), ("content_type", b"\xff")):
            yield f"publish/property {name}={value!r}", one("t", b"x", 1, properties=prop(name, value))
        yield "publish/unknown alias", one("", b"x", 1, properties=prop("topic_alias", 1))
        yield "publish/unknown property", one("t", b"x", 1, properties=b"\x7f\0")
        yield "publish/property length", [hello, frame(wire.PUBLISH, 0, text("t") + b"\x7f")]


def acknowledgement_cases(version):
    hello = header(version, "diff")
    for name in ("PUBACK", "PUBREC", "PUBREL", "PUBCOMP"):
        kind = CODES[name]
        right = 2 if kind == wire.PUBREL else 0
        yield f"ack/{name} of nothing", [hello, wire.ack(kind, 9)]
        yield f"ack/{name} of 0", [hello, wire.ack(kind, 0)]
        yield f"ack/{name} empty", [hello, frame(kind, right, b"")]
        yield f"ack/{name} of one byte", [hello, frame(kind, right, b"\0")]
        for flags in (0, 1, 2, 8):
            if flags != right:
                yield f"ack/{name} flags {flags}", [hello, wire.ack(kind, 9, flags=flags)]
        if version == 5:
            for reason in (0, 1, 0x10, 0x80, 0x92, 0xFF):
                yield f"ack/{name} reason {reason:#x}", [hello, wire.ack(kind, 9, reason)]
            yield f"ack/{name} properties", [hello, wire.ack(kind, 9, 0, props(reason_string="r", user_property=("a", "b")))]
            yield f"ack/{name} foreign property", [hello, wire.ack(kind, 9, 0, prop("session_expiry", 1))]
    for qos in (1, 2):
        own = [hello, wire.subscribe(version, 1, ("own", 2)), wire.publish(version, "own", b"x", qos, 5)]
        yield f"flow/to oneself QoS {qos}", own + [wire.pubrel(5)] * (qos == 2)
        for name in ("puback", "pubrec", "pubcomp"):
            yield f"flow/QoS {qos} answered with {name}", own + [wire.pubrel(5)] * (qos == 2) + [THEN, getattr(wire, name)(1)]
    yield "flow/QoS 2 twice", [hello] + [wire.publish(version, "t", b"x", 2, 5), wire.publish(version, "t", b"x", 2, 5, dup=True)]
    yield "flow/QoS 2 released twice", [hello, wire.publish(version, "t", b"x", 2, 5), wire.pubrel(5), wire.pubrel(5)]
    yield "flow/QoS 1 twice", [hello] + [wire.publish(version, "t", b"x", 1, 5)] * 2


def subscribe_cases(version):
    hello = header(version, "diff")
    for name in ("a", "#", "+", "a/+/b/#", "/", "", "a#", "#/a", "a/#/b", "a+", "+a/b", "$SYS/nothing", "$share/g/a", "$share/g",
                 "$share//a", "$share/g+/a", "$share/", "$SHARE/g/a", "$queue/a", "/" * 200, "/" * 201):
        yield f"subscribe/{name[:14]!r} of {len(name)}", [hello, wire.subscribe(version, 1, (name, 1))]
        yield f"unsubscribe/{name[:14]!r} of {len(name)}", [hello, wire.unsubscribe(version, 1, name)]
    for options in (3, 4, 8, 0x0C, 0x10, 0x20, 0x30, 0x40, 0x80):
        yield f"subscribe/options {options:#x}", [hello, wire.subscribe(version, 1, ("a", options))]
    yield "subscribe/shared no local", [hello, wire.subscribe(version, 1, ("$share/g/a", 4))]
    yield "subscribe/several", [hello, wire.subscribe(version, 1, ("a", 2), ("b", 0), ("c", 1), ("a", 1))]
    yield "subscribe/none", [hello, wire.subscribe(version, 1)]
    yield "subscribe/packet id 0", [hello, wire.subscribe(version, 0, "a")]
    yield "unsubscribe/several", [hello, wire.subscribe(version, 1, "a"), wire.unsubscribe(version, 2, "a", "a", "b")]
    yield "unsubscribe/none", [hello, wire.unsubscribe(version, 1)]
    yield "unsubscribe/packet id 0", [hello, wire.unsubscribe(version, 0, "a")]
    for flags in (0, 1, 3):
        yield f"subscribe/flags {flags}", [hello, wire.subscribe(version, 1, "a", flags=flags)]
        yield f"unsubscribe/flags {flags}", [hello, wire.unsubscribe(version, 1, "a", flags=flags)]
    for name, bad in (("null", b"a\0"), ("surrogate", b"\xed\xa0\x80"), ("cut", b"\xe2\x82")):
        yield f"subscribe/text {name}", [hello, wire.subscribe(version, 1, bad)]
        yield f"unsubscribe/text {name}", [hello, wire.unsubscribe(version, 1, bad)]
    good, other = wire.subscribe(version, 1, ("ab", 1)), wire.unsubscribe(version, 1, "ab")
    for cut in range(1, len(good) - 1):
        yield f"subscribe/cut by {cut}", [hello, frame(wire.SUBSCRIBE, 2, good[2:-cut])]
    for cut in range(1, len(other) - 1):
        yield f"unsubscribe/cut by {cut}", [hello, frame(wire.UNSUBSCRIBE, 2, other[2:-cut])]
    kept = [hello, wire.publish(version, "kept/a", b"1", 0, retain=True)]
    for options in (0, 1, 2):
        yield f"retained/QoS {options}", kept + [wire.subscribe(version, 1, ("kept/+", options))]
    yield "retained/twice", kept + [wire.subscribe(version, 1, "kept/+"), wire.subscribe(version, 2, "kept/+")]
    yield "retained/two filters", kept + [wire.subscribe(version, 1, "kept/+", "kept/a")]
    yield "retained/erased", kept + [wire.publish(version, "kept/a", b"", retain=True), wire.subscribe(version, 1, "kept/#")]
    yield "overlap", [hello, wire.subscribe(version, 1, ("o/#", 2), ("o/+", 1)), wire.publish(version, "o/a", b"x")]
    if version == 5:
        for options in (8, 16, 32, 8 | 16):
            yield f"retained/options {options}", kept + [wire.subscribe(version, 1, ("kept/+", options))] * 2
        for name, value in (("subscription_id", 0), ("subscription_id", 1), ("session_expiry", 1), ("user_property", ("a", "b"))):
            yield f"subscribe/property {name}={value}", [hello, wire.subscribe(5, 1, "a", properties=prop(name, value))]
            yield f"unsubscribe/property {name}={value}", [hello, wire.unsubscribe(5, 1, "a", properties=prop(name, value))]
        yield "subscribe/identifier delivered", [hello, wire.subscribe(5, 1, "i", properties=prop("subscription_id", 300)),
                                                 wire.publish(5, "i", b"x")]


def other_cases(version):
    hello = header(version, "diff")
    for flags in (0, 1, 8):
        yield f"ping/flags {flags}", [hello, frame(wire.PINGREQ, flags, b"")]
        yield f"disconnect/flags {flags}", [hello, frame(wire.DISCONNECT, flags, b"")]
    yield "ping/body", [hello, frame(wire.PINGREQ, 0, b"x")]
    for kind in (0, wire.CONNACK, wire.SUBACK, wire.UNSUBACK, wire.PINGRESP, wire.AUTH):
        yield f"kind/{wire.NAMES[kind]}", [hello, frame(kind, 0, b"\0\1\0" if kind not in (0, wire.PINGRESP) else b"")]
    yield "length/five bytes", [hello, b"\x30\xff\xff\xff\xff\x01"]
    yield "length/not shortest", [hello, b"\xc0\x80\x00"]
    if version == 5:
        for reason in (0, 1, 4, 0x80, 0x8B, 0x8E, 0x98, 0xFF):
            yield f"disconnect/reason {reason:#x}", [hello, wire.disconnect(5, reason)]
        for name, value in (("session_expiry", 5), ("reason_string", "r"), ("server_reference", "s"), ("topic_alias", 1)):
            yield f"disconnect/property {name}", [hello, wire.disconnect(5, 0, prop(name, value))]
        yield "auth/unasked", [hello, wire.auth(0x18, prop("auth_method", "x"))]
        yield "auth/empty", [hello, wire.auth()]
    else:
        yield "disconnect/body", [hello, frame(wire.DISCONNECT, 0, b"\0")]


def random_cases(version, seed, count):
    """Whole small sessions, each with one byte changed, lost or put in."""
    chance, hello = random.Random(seed), header(version, "diff")
    for number in range(count):
        packets = [wire.subscribe(version, 1, ("r/#", chance.randrange(3))),
                   wire.publish(version, "r/a", b"payload", chance.randrange(3), 3),
                   wire.unsubscribe(version, 4, "r/#")]
        data, at = bytearray(packets[chance.randrange(3)]), 0
        at, how = chance.randrange(2, len(data)), chance.randrange(3)
        if how == 0:
            data[at] = chance.randrange(256)
        elif how == 1:
            data[at] ^= 1 << chance.randrange(8)
        else:
            other = chance.randrange(2, len(data))
            data[at], data[other] = data[other], data[at]
        yield f"random/{seed}-{number}", [hello, bytes(data)]


def cases(version, seed, count):
    for group in (connect_cases, publish_cases, acknowledgement_cases, subscribe_cases, other_cases):
        yield from group(version)
    yield from random_cases(version, seed, count)


def agree(theirs, ours):
    """The same words in any order; a DISCONNECT before the end that one of them leaves out does not count."""
    theirs, ours = theirs.split(" "), ours.split(" ")
    if "closed" in theirs and "closed" in ours:
        said = [[word for word in words if word.startswith("DISCONNECT")] for words in (theirs, ours)]
        if not all(said):
            theirs, ours = [[word for word in words if not word.startswith("DISCONNECT")] for words in (theirs, ours)]
    return sorted(theirs) == sorted(ours)


def allowed():
    rows = [line.rstrip("\n").split("\t") for line in (HERE / "allowed_differences.tsv").open(encoding="utf-8")]
    return [row for row in rows[1:] if len(row) == 4]


def main():
    reader = argparse.ArgumentParser()
    reader.add_argument("--list", action="store_true", help="prints every case and both answers")
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--random", type=int, default=100)
    options = reader.parse_args()
    if not os.path.exists(MOSQUITTO):
        print("SKIPPED: there is no Mosquitto to compare with")
        return 77
    rules, used, found, total = allowed(), set(), [], 0
    brokers = [Broker("allow_anonymous true\n" if os.environ.get("DIFFERENTIAL_CONF") else None, target=target)
               for target in ("mosquitto", "starlingd")]
    try:
        for version in (3, 4, 5):
            for name, packets in cases(version, options.seed, options.random):
                total += 1
                theirs, ours = [answer(broker, version, packets) for broker in brokers]
                if options.list:
                    print(f"v{version} {name}\n    {theirs}\n    {ours}")
                if agree(theirs, ours):
                    continue
                for number, (pattern, their_pattern, our_pattern, _) in enumerate(rules):
                    if fnmatch.fnmatchcase(f"v{version} {name}", pattern) and fnmatch.fnmatchcase(theirs, their_pattern) \
                            and fnmatch.fnmatchcase(ours, our_pattern):
                        used.add(number)
                        break
                else:
                    found.append(f"v{version} {name}\n    Mosquitto: {theirs}\n    Starling:  {ours}\n    sent: "
                                 + " ".join(packet.hex() if packet else "..." for packet in packets))
    finally:
        for broker in brokers:
            broker.close()
    print("\n".join(found))
    idle = [rules[i] for i in range(len(rules)) if i not in used and not rules[i][0].endswith("random/*")]
    for row in idle:
        print("allowed, but does not differ: " + "\t".join(row[:3]))
    print(f"{total} cases, {len(found)} differences that are not allowed, {len(idle)} needless permissions")
    return 1 if found or idle else 0


if __name__ == "__main__":
    sys.exit(main())
