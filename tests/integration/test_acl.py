"""Access rules against Debian's mosquitto: the same files, clients and messages at both brokers, and every answer and every
delivery compared.

Random files (seeded; ACL_SEED and ACL_FILES in the environment choose others) hold what rules mean, a table of odd lines
holds how they are read. Needs /usr/sbin/mosquitto, which is never started as a service.
"""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
import wire  # noqa: E402
from server import MOSQUITTO, Broker, Client, run  # noqa: E402

SEED = int(os.environ.get("ACL_SEED", "1"))
FILES = int(os.environ.get("ACL_FILES", "12"))
TARGETS = ("mosquitto", "starlingd")
CONF = "acl_file {folder}/acl\nallow_anonymous true\n"

USERS = [None, None, "ann", "bob", "a/b", "u+", "c1", "", "%c", "$q", "jo ann", "\u00e4nn"]
IDS = ["c1", "dev-2", "a/b", "x+y", "p#", "$q", "$SYS", "ann", "bob", "%u", "auto id", "\u00fc", "a", "b"]
LEVELS = ["a", "b", "c", "ann", "bob", "c1", "dev-2", "dev-c1", "", "%c", "%u", "x y", "\u00e4nn", "+x"]
FIRST_LEVELS = ["$foo", "$q", "$SYS", "$share"]
PLACES = ["%c", "%u", "dev-%c", "%u%c", "x%ux", "%%c"]
SUBSCRIPTIONS = ["#", "$foo/#", "$q/#", "$SYS/a", "$SYS/broker/connection/#"]
BATCH = 16  # below Mosquitto's receive maximum
FIXED_TOPICS = ["$SYS/a", "$SYS/broker/connection/c1/state", "$foo", "$share/a", "a", "/"]


class Case:
    """One access file, the clients that come, and what they say."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        ids = self.random.sample(IDS, 7)
        self.clients = [(self.random.choice(USERS), client_id, self.random.choice((3, 4, 4, 5, 5))) for client_id in ids]
        self.clients.append(("root", "root", 5))  # may do everything: what it says shows who may read
        self.topics = FIXED_TOPICS + sorted({self.topic() for _ in range(20)} - set(FIXED_TOPICS))
        self.acl = self.make_acl()

    def level(self, special):
        return self.random.choice([level for level in LEVELS if level != "+x"] if not special else special)

    def topic(self):
        levels = [self.level(None) for _ in range(self.random.randint(1, 4))]
        if self.random.random() < 0.12:
            levels[0] = self.random.choice(FIRST_LEVELS)
        who = self.random.choice(self.clients)
        names = [name for name in (who[0], who[1], f"dev-{who[1]}", f"{who[0]}{who[1]}")
                 if name and not set("+#") & set(name)]
        if names and self.random.random() < 0.5:
            levels[self.random.randrange(len(levels))] = self.random.choice(names)
        return "/".join(levels) or "a"

    def filter(self, pattern):
        levels = self.topic().split("/")
        for i in range(len(levels)):
            if self.random.random() < 0.25:
                levels[i] = "+"
            elif pattern and self.random.random() < 0.5:
                levels[i] = self.random.choice(PLACES)
        if self.random.random() < 0.35:
            levels = levels[:self.random.randint(0, len(levels))] + ["#"]
        return "/".join(levels)

    def rule(self, word):
        made = self.filter(word == "pattern").strip()
        access = self.random.choice(["read", "write", "readwrite", "deny", "read", "write", ""])
        if not made or (not access and " " in made):
            return f"{word} read a"
        return f"{word} {access} {made}".replace("  ", " ")

    def make_acl(self):
        lines = [self.rule("topic") for _ in range(self.random.randint(0, 3))]
        names = sorted({user for user, _, _ in self.clients if user} - {"root"})
        for name in self.random.choices(names, k=self.random.randint(0, 2 * len(names))) if names else []:
            lines.append(f"user {name}")
            lines += [self.rule("topic") for _ in range(self.random.randint(0, 4))]
        for _ in range(self.random.choice([0, 0, 1, 3, 6])):
            lines.insert(self.random.randrange(len(lines) + 1), self.rule("pattern"))
        lines += ["# the one who may do everything", "user root", "topic readwrite #"]
        lines += [f"topic readwrite {first}/#" for first in FIRST_LEVELS]
        return "\n".join(lines) + "\n"

    def observe(self, target):
        """What this broker shows: (client, topic) -> reason of the PUBACK, (client, topic, reader) -> it arrived."""
        broker, seen = Broker(CONF, {"acl": self.acl}, target), {}
        try:
            connections = []
            for user, client_id, version in self.clients:
                client = Client(broker, version, wire.connect(version, client_id, user=user))
                seen["CONNACK", client_id] = client.expect_kind(wire.CONNACK).reason
                client.send(wire.subscribe(version, 1, *SUBSCRIPTIONS))
                seen["SUBACK", client_id] = client.expect_kind(wire.SUBACK).reasons
                connections.append(client)
            for index, client in enumerate(connections):
                self.speak(index, client, connections, seen)
            for client in connections:
                client.socket.close()
        finally:
            broker.close()
        return seen

    def speak(self, index, client, connections, seen):
        """One client publishes to all topics; all read until nothing is left."""
        for begin in range(0, len(self.topics), BATCH):
            batch = list(enumerate(self.topics, 1))[begin:begin + BATCH]
            client.send(*(wire.publish(client.version, topic, f"{index} {number}", 1, number) for number, topic in batch))
            self.listen(index, client, index, seen, len(batch))
        for reader, other in enumerate(connections):
            self.listen(index, other, reader, seen, 0)

    def listen(self, author, client, reader, seen, acknowledgements):
        """Reads what came until a ping is answered and so many publications are acknowledged."""
        client.send(wire.PING)
        ponged = False
        while acknowledgements or not ponged:
            packet = client.receive()
            assert packet is not None, f"{self.clients[reader]} was disconnected\n{self.acl}"
            if packet.kind == wire.PINGRESP:
                ponged = True
            elif packet.kind == wire.PUBACK:
                seen["PUBACK", author, packet.packet_id] = packet.reason
                acknowledgements -= 1
            else:
                assert packet.kind == wire.PUBLISH and packet.payload.startswith(b"%d " % author), packet
                key = ("arrived", author, packet.topic, reader)
                seen[key] = seen.get(key, 0) + 1


def in_words(case, key):
    if key[0] == "PUBACK":
        user, client_id, version = case.clients[key[1]]
        return f"PUBACK: level {version}, user {user!r}, id {client_id!r}, topic {case.topics[key[2] - 1]!r}"
    if key[0] == "arrived":
        user, client_id, version = case.clients[key[3]]
        author = case.clients[key[1]]
        return f"delivery of {key[2]!r} by {author} to user {user!r}, id {client_id!r}, level {version}"
    return repr(key)


@unittest.skipUnless(os.path.exists(MOSQUITTO), "Debian's mosquitto is not installed")
class RandomRules(unittest.TestCase):
    def test_both_brokers_decide_alike(self):
        decisions = 0
        for seed in range(SEED, SEED + FILES):
            case = Case(seed)
            theirs, ours = (case.observe(target) for target in TARGETS)
            different = [f"{in_words(case, key)}: mosquitto {theirs.get(key)}, starlingd {ours.get(key)}"
                         for key in sorted(set(theirs) | set(ours), key=repr) if theirs.get(key) != ours.get(key)]
            self.assertEqual(different, [], f"seed {seed}\n{case.acl}\n" + "\n".join(different[:20]))
            decisions += len(case.clients) * len(case.topics) * (1 + len(case.clients))
        print(f"{decisions} decisions over {FILES} files, seeds from {SEED}", file=sys.stderr)


# Lines of a file, and topics that an anonymous client and the users "u" and "a b" publish to with the id "c".
LINES = {
    "nothing": "",
    "comments only": "# x\n\n",
    "a user without rules": "user u\n",
    "no access word": "topic a\n",
    "an access word alone": "topic read\n",
    "an access word and blanks": "topic write   \n",
    "blanks": "  topic   write    a  b  \n",
    "a filter with a space": "topic write a b\n",
    "a filter with a space and no access": "topic a b\n",
    "tabs between words": "topic\twrite\ta\n",
    "a tab in a filter": "topic write\ta\n",
    "a tab at the end": "topic write a\t\n",
    "carriage returns": "user u\r\ntopic write a\r\n",
    "no line end": "topic write a",
    "vertical tab": "topic write a\x0b\n",
    "a late comment": "  # x\ntopic write a\n",
    "a comment behind a rule": "topic write a # x\n",
    "a comment behind a user": "user u # x\ntopic write a\n",
    "an unknown word": "foo bar\ntopic write a\n",
    "a capital": "Topic write a\n",
    "an unknown access": "topic wriet a\n",
    "no topic": "topic\n",
    "no pattern": "pattern\n",
    "no user": "user\ntopic write a\n",
    "a user with spaces": "user  a b  \ntopic write a\n",
    "hash within": "topic write a/#/b\n",
    "plus within": "topic write a+\n",
    "hash in a level": "topic write b#\n",
    "plus before a place": "pattern write +%c\n",
    "plus behind a place": "pattern write %c+/x\n",
    "a place within a level": "pattern write dev-%c/#\n",
    "a doubled percent sign": "pattern write %%c\n",
    "no place": "pattern write a\n",
    "places in a topic": "topic write %c\n",
    "a byte order mark": "\ufefftopic write a\n",
    "deny behind": "topic write a/#\ntopic deny a/b\n",
    "deny alone": "topic deny a\n",
    "deny in a pattern": "topic write a/b\npattern deny a/#\npattern write a/+\n",
    "sections": "user u\ntopic write a\nuser v\ntopic write a/b\nuser u\ntopic write c\n",
    "empty levels": "topic write /\ntopic write a//b\ntopic write +/+\n",
}
ODD_TOPICS = ["a", "a/b", "a/c", "a  b", "a b", "read", "write", "c", "dev-c", "dev-c/x", "%c", "/", "a//b", "b"]


def read_lines(target, acl):
    """Whether the broker starts, and if so, what may be published."""
    try:
        broker = Broker(CONF, {"acl": acl}, target)
    except AssertionError:
        return "does not start"
    try:
        granted = []
        for user in (None, "u", "a b"):
            client = Client(broker, 5, wire.connect(5, "c", user=user))
            client.expect_kind(wire.CONNACK)
            for number, topic in enumerate(ODD_TOPICS, 1):
                client.send(wire.publish(5, topic, b"", 1, number))
                if client.expect_kind(wire.PUBACK, packet_id=number).reason != 0x87:
                    granted.append((user, topic))
            client.socket.close()
        return granted
    finally:
        broker.close()


def answer_to(packet):
    """The kind of packet that ends what `packet` has begun; None: nothing follows."""
    kind, qos = packet[0] >> 4, packet[0] >> 1 & 3
    if kind == wire.PUBLISH:
        return (None, wire.PUBACK, wire.PUBCOMP)[qos]
    return {wire.SUBSCRIBE: wire.SUBACK, wire.UNSUBSCRIBE: wire.UNSUBACK}[kind]


def converse(client, packet):
    """Sends it, completes what it begins, and returns all that came until a ping was answered."""
    said, end = [], answer_to(packet)
    client.send(packet)
    while end is not None:
        said.append(client.receive())
        if said[-1].kind == wire.PUBREC and said[-1].reason < 0x80:
            client.send(wire.pubrel(said[-1].packet_id))
        elif said[-1].kind in (end, wire.PUBREC):
            break
    client.send(wire.PING)
    while (got := client.receive()).kind != wire.PINGRESP:
        said.append(got)
    return said


def answers(target, acl, user, version, *packets):
    """What the broker says to a client that sends these packets; and what another client hears of it that may read
    everything and has not subscribed before."""
    broker = Broker(CONF, {"acl": acl + "user root\ntopic readwrite #\n"}, target)
    try:
        client = Client(broker, version, wire.connect(version, "c", user=user))
        client.expect_kind(wire.CONNACK)
        said = [got.raw.hex() for packet in packets for got in converse(client, packet)]
        root = Client(broker, 4, wire.connect(4, "root", user="root"))
        root.expect_kind(wire.CONNACK)
        said += ["heard " + got.raw.hex() for got in converse(root, wire.subscribe(4, 1, "#"))]
        client.socket.close()
        root.socket.close()
        return sorted(said)
    finally:
        broker.close()


@unittest.skipUnless(os.path.exists(MOSQUITTO), "Debian's mosquitto is not installed")
class Files(unittest.TestCase):
    def test_lines_are_read_alike(self):
        for name, acl in LINES.items():
            with self.subTest(name):
                theirs, ours = (read_lines(target, acl) for target in TARGETS)
                self.assertEqual(ours, theirs, acl)

    def test_packets_are_answered_alike(self):
        acl = "user u\ntopic read r/#\ntopic write w/#\n"
        for version in (4, 5):
            packets = {
                "denied, QoS 0": [wire.publish(version, "r/x", b"1")],
                "denied, QoS 1": [wire.publish(version, "r/x", b"1", 1, 5)],
                "denied, QoS 2": [wire.publish(version, "r/x", b"1", 2, 5)],
                "denied and retained": [wire.publish(version, "r/x", b"1", 1, 5, retain=True)],
                "granted and retained": [wire.publish(version, "w/x", b"1", 1, 5, retain=True)],
                "granted, nobody there": [wire.publish(version, "w/x", b"1", 2, 5)],
                "subscribing to what may be read, what may not, and both":
                    [wire.subscribe(version, 7, ("r/#", 1), ("w/#", 2), ("#", 0))],
                "unsubscribing": [wire.unsubscribe(version, 8, "w/#")],
                "one's own": [wire.subscribe(version, 7, "#"), wire.publish(version, "w/x", b"1")],
            }
            for name, sent in packets.items():
                with self.subTest(name, version=version):
                    theirs, ours = (answers(target, acl, "u", version, *sent) for target in TARGETS)
                    self.assertEqual(ours, theirs)


if __name__ == "__main__":
    run()
