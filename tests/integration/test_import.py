"""The switch from Mosquitto: what Debian's mosquitto 2.0.11 kept is there when starlingd starts with its configuration.

A real mosquitto is filled by clients that stop in the middle of what they do, and told to end, whereupon it writes
mosquitto.db. Then starlingd is started with the same mosquitto.conf, and the clients come back. IMPORT_TARGET=mosquitto starts
mosquitto again instead: what fails there is wrong in the test.
"""
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from harness import STARLINGD, WAIT, Lines, run
from ports import free_port
from interop.wire import (PING, PINGRESP, PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, SUBACK, WireClient, acknowledge,
                          packet_id_of, publish, read_message, read_variable_integer, text, variable_integer)

MOSQUITTO = "/usr/sbin/mosquitto"
TARGET = os.environ.get("IMPORT_TARGET", "starlingd")
NEVER = 0xFFFFFFFF
WINDOW = 20  # messages under way at a time, of both brokers
TOTAL = 60   # messages for the client that stops in the middle


def properties(items):
    """{identifier: [values]} of the properties that a message may have."""
    found, at = {}, 0
    while at < len(items):
        identifier, at = items[at], at + 1
        if identifier == 0x01:
            value, at = items[at], at + 1
        elif identifier == 0x02:
            value, at = struct.unpack_from(">I", items, at)[0], at + 4
        elif identifier == 0x0B:
            value, at = read_variable_integer(items, at)
        else:
            value = []
            for _ in range(2 if identifier == 0x26 else 1):
                size = struct.unpack_from(">H", items, at)[0]
                value.append(bytes(items[at + 2:at + 2 + size]))
                at += 2 + size
        found.setdefault(identifier, []).append(value)
    return found


class Client(WireClient):
    def subscribe_with(self, filters, identifier):
        """MQTT 5, with a Subscription Identifier."""
        items = b"\x0b" + variable_integer(identifier)
        body = struct.pack(">H", 9) + variable_integer(len(items)) + items
        body += b"".join(text(name) + bytes([options]) for name, options in filters)
        self.send(bytes([0x82]) + variable_integer(len(body)) + body)
        return list(self.expect(SUBACK).body[3:])

    def put(self, topic, payload, qos, retain=False, items=b"", packet_id=1):
        """Published, and acknowledged to the end."""
        self.send(publish(topic, payload, qos, retain, packet_id, self.version, items=items))
        if qos == 1:
            self.expect(PUBACK)
        if qos == 2:
            self.expect(PUBREC)
            self.send(acknowledge(PUBREL, packet_id))
            self.expect(PUBCOMP)

    def take(self, count):
        """The next `count` messages, acknowledged to the end; then there must be no further one."""
        found, open_ids = [], set()
        while len(found) < count or open_ids:
            self.handle(self.next_packet(), found, open_ids)
        for _ in range(2):
            self.send(PING)
            while (got := self.next_packet()).kind != PINGRESP:
                self.handle(got, found, open_ids)
        assert len(found) == count, f"more than {count} messages: {found}"
        return found

    def handle(self, got, found, open_ids):
        if got.kind == PUBREL:
            self.send(acknowledge(PUBCOMP, packet_id_of(got)))
            open_ids.discard(packet_id_of(got))
        elif got.kind == PUBLISH:
            message = read_message(got, self.version)
            found.append(message)
            if message.qos:
                self.send(acknowledge(PUBACK if message.qos == 1 else PUBREC, message.packet_id))
            if message.qos == 2:
                open_ids.add(message.packet_id)
        else:
            raise AssertionError(f"in between came {got}")


class Import(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="starling-import-")
        os.chmod(self.folder, 0o777)  # mosquitto gives up root's rights before it writes
        self.port = free_port()
        self.conf = os.path.join(self.folder, "mosquitto.conf")
        self.database = os.path.join(self.folder, "mosquitto.db")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type all\n"
                       f"persistence true\npersistence_location {self.folder}/\nqueue_qos0_messages true\n")
        self.process, self.log, self.clients = None, None, []

    def tearDown(self):
        for client in self.clients:
            client.drop()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.log:
            said = self.log.text()
            self.assertIsNone(re.search("ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|invariant broken", said), said)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- The two brokers

    def launch(self, target):
        program = MOSQUITTO if target == "mosquitto" else STARLINGD
        self.process = subprocess.Popen([program, "-c", self.conf], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace")
        self.log = Lines(self.process.stderr)

    def start(self, target):
        self.launch(target)
        deadline = time.monotonic() + WAIT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), WAIT).close()
                return
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.fail("it did not start:\n" + self.log.text())
                time.sleep(0.02)  # asks again; there is no event to wait for

    def stop(self):
        """The clients are there to the last, as when a machine is shut down."""
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(timeout=WAIT), 0, self.log.text())
        for client in self.clients:
            client.drop()
        self.clients = []

    def switch(self):
        self.stop()
        self.assertTrue(os.path.exists(self.database))
        self.start(TARGET)

    def client(self, client_id, version=4, **options):
        client = Client(self.port, client_id, version, timeout=WAIT, **options)
        self.assertEqual(client.code, 0)
        self.clients.append(client)
        return client

    def digest(self):
        with open(self.database, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def imported(self):
        """What the line says that counts; {} if there is none."""
        self.log.wait_for(r"version \S+ running")
        line = next((line for line in self.log.text().splitlines() if "mosquitto db imported" in line), "")
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)\b", line)}

    # --- Tests

    def test_messages_under_way_and_those_behind_them_come_once_and_in_order(self):
        self.start("mosquitto")
        phone = self.client("phone", clean=False)
        phone.subscribe([("q/#", 2)])
        phone.close()
        publisher = self.client("publisher")
        for i in range(TOTAL):
            publisher.put(f"q/{i % 3}", str(i), 1 + i % 2, packet_id=i + 1)
        phone = self.client("phone", clean=False)
        self.assertTrue(phone.session_present)
        first = [read_message(phone.expect(PUBLISH)) for _ in range(WINDOW)]
        self.assertEqual([m.payload.decode() for m in first], [str(i) for i in range(WINDOW)])
        done, received = first[0], first[1]
        self.assertEqual((done.qos, received.qos), (1, 2))
        # That makes room for others; PUBREL will have no answer.
        phone.send(acknowledge(PUBACK, done.packet_id) + acknowledge(PUBREC, received.packet_id) + PING)
        came = list(iter(lambda: phone.next_packet().kind, PINGRESP))
        self.assertIn(PUBREL, came)
        self.switch()

        phone = self.client("phone", clean=False)
        self.assertTrue(phone.session_present)
        released = phone.expect(PUBREL)  # the oldest under way
        self.assertEqual(packet_id_of(released), received.packet_id)
        phone.send(acknowledge(PUBCOMP, received.packet_id))
        again = phone.take(TOTAL - 2)
        self.assertEqual([m.payload.decode() for m in again], [str(i) for i in range(2, TOTAL)])
        self.assertTrue(all(m.duplicate for m in again[:WINDOW - 2 + came.count(PUBLISH)]))
        for before, after in zip(first[2:], again):
            self.assertEqual((after.packet_id, after.duplicate, after.qos), (before.packet_id, True, before.qos))

    def test_what_was_sent_in_halves_is_delivered_once_when_the_other_half_comes(self):
        self.start("mosquitto")
        panel = self.client("panel", clean=False)
        panel.subscribe([("in/#", 2)])
        panel.close()
        sensor = self.client("sensor", clean=False)
        for packet_id in (77, 78):
            sensor.send(publish(f"in/{packet_id}", "half", 2, packet_id=packet_id))
            sensor.expect(PUBREC)
        self.switch()

        sensor = self.client("sensor", clean=False)
        self.assertTrue(sensor.session_present)
        sensor.send(publish("in/77", "half", 2, packet_id=77, duplicate=True))
        self.assertEqual(packet_id_of(sensor.expect(PUBREC)), 77)
        for packet_id in (77, 78):
            sensor.send(acknowledge(PUBREL, packet_id))
            self.assertEqual(packet_id_of(sensor.expect(PUBCOMP)), packet_id)
        panel = self.client("panel", clean=False)
        self.assertTrue(panel.session_present)
        self.assertEqual([(m.topic, m.payload) for m in panel.take(2)], [("in/77", b"half"), ("in/78", b"half")])

    def test_sessions_subscriptions_and_queues_are_those_of_before(self):
        self.start("mosquitto")
        old = self.client("old", clean=False)
        old.subscribe([("q/#", 1), ("/lead//gap", 1), ("+/deep/+", 0)])
        new = self.client("new", version=5, clean=False, expiry=NEVER)
        new.subscribe_with([("q/#", 2 | 8)], 300_000)  # retain as published
        new.subscribe_with([("own/#", 1 | 4)], 7)      # no local
        hour = self.client("hour", version=5, clean=False, expiry=3600)
        hour.subscribe([("q/#", 1)])
        brief = self.client("brief", version=5, clean=False)
        brief.subscribe([("q/#", 1)])
        for client in (old, new, hour, brief):
            client.close()
        publisher = self.client("publisher", version=5)
        items = b"\x01\x01\x02" + struct.pack(">I", 5000) + b"\x03" + text("text/x") + b"\x08" + text("re/x")
        items += b"\x09" + text(b"\0\1") + b"\x26" + text("k") + text("v") + b"\x26" + text("k") + text("w")
        publisher.put("q/all", "properties", 1, items=items)
        publisher.put("q/kept", "kept", 2, retain=True)
        publisher.put("q/zero", "zero", 0)
        publisher.put("q/one", "one", 1)
        self.switch()

        old, hour = self.client("old", clean=False), self.client("hour", version=5, clean=False, expiry=3600)
        for client, qos in ((old, [1, 1, 0, 1]), (hour, [1, 1, 0, 1])):
            self.assertTrue(client.session_present)
            found = client.take(4)
            self.assertEqual([m.payload for m in found], [b"properties", b"kept", b"zero", b"one"])
            self.assertEqual([m.qos for m in found], qos)
            self.assertFalse(any(m.retain or m.duplicate for m in found))
        new = self.client("new", version=5, clean=False, expiry=NEVER)
        self.assertTrue(new.session_present)
        found = new.take(4)
        self.assertEqual([(m.payload, m.qos, m.retain) for m in found],
                         [(b"properties", 1, False), (b"kept", 2, True), (b"zero", 0, False), (b"one", 1, False)])
        self.assertTrue(all(properties(m.properties)[0x0B] == [300_000] for m in found))
        first = properties(found[0].properties)
        self.assertTrue(4000 < first.pop(0x02)[0] <= 5000)
        self.assertEqual(first, {0x01: [1], 0x03: [[b"text/x"]], 0x08: [[b"re/x"]], 0x09: [[b"\0\1"]], 0x0B: [300_000],
                                 0x26: [[b"k", b"v"], [b"k", b"w"]]})
        self.assertFalse(self.client("brief", version=5, clean=False).session_present)

        publisher = self.client("publisher")
        for topic in ("/lead//gap", "x/deep/y", "q/later"):
            publisher.put(topic, "now", 1)
        self.assertEqual([(m.topic, m.qos) for m in old.take(3)], [("/lead//gap", 1), ("x/deep/y", 0), ("q/later", 1)])
        self.assertEqual([m.topic for m in new.take(1)], ["q/later"])
        new.put("own/x", "mine", 1)
        publisher.put("own/x", "another's", 1)
        self.assertEqual([(m.payload, properties(m.properties)[0x0B]) for m in new.take(1)], [(b"another's", [7])])

    def test_retained_messages_are_those_of_before(self):
        self.start("mosquitto")
        publisher = self.client("publisher", version=5)
        publisher.put("r/plain", "kept", 1, retain=True)
        publisher.put("/r/lead", "zero", 0, retain=True)
        publisher.put("r/old", "before", 2, retain=True)
        publisher.put("r/old", "after", 2, retain=True)
        publisher.put("r/gone", "x", 1, retain=True)
        publisher.put("r/gone", "", 1, retain=True)
        publisher.put("r/items", b"\0\xff", 1, retain=True,
                      items=b"\x02" + struct.pack(">I", 5000) + b"\x03" + text("text/x") + b"\x26" + text("k") + text("v"))
        for i in range(500):
            publisher.put(f"many/{i}", f"value {i}", 1, retain=True)
        self.switch()

        reader = self.client("reader", version=5)
        found = self.read_retained(reader)
        self.assertEqual({t: m.payload for t, m in found.items() if t[:5] != "many/"},
                         {"r/plain": b"kept", "/r/lead": b"zero", "r/old": b"after", "r/items": b"\0\xff"})
        self.assertEqual({t: m.payload.decode() for t, m in found.items() if t[:5] == "many/"},
                         {f"many/{i}": f"value {i}" for i in range(500)})
        items = properties(found["r/items"].properties)
        self.assertTrue(4000 < items.pop(0x02)[0] <= 5000)
        self.assertEqual(items, {0x03: [[b"text/x"]], 0x26: [[b"k", b"v"]]})
        self.assertEqual([found[t].qos for t in ("r/plain", "/r/lead", "r/old")], [1, 0, 2])

    def read_retained(self, reader, count=504):
        """topic -> message, of everything that "#" matches."""
        body = struct.pack(">H", 1) + (b"\0" if reader.version == 5 else b"") + text("#") + b"\x02"
        reader.send(bytes([0x82]) + variable_integer(len(body)) + body)
        found, open_ids, granted = [], set(), False
        while len(found) < count or not granted:
            got = reader.next_packet()
            if got.kind == SUBACK:
                granted = True
            else:
                reader.handle(got, found, open_ids)
        self.assertTrue(all(m.retain for m in found))
        self.assertEqual(len({m.topic for m in found}), count)
        return {m.topic: m for m in found}

    def fill(self):
        """Something of everything."""
        self.start("mosquitto")
        self.client("one", clean=False).subscribe([("q/#", 1), ("x", 0)])
        self.client("two", clean=False).subscribe([("q/#", 2)])
        self.clients[0].close()
        publisher = self.client("publisher")
        for i in range(5):
            publisher.put(f"q/{i}", str(i), 1 + i % 2)
            publisher.put(f"r/{i}", str(i), 1, retain=True)
        publisher.send(publish("$SYS/mine", "x", 1, True, 3))
        publisher.expect(PUBACK)
        half = self.client("half", clean=False)
        half.send(publish("in", "half", 2, packet_id=5))
        half.expect(PUBREC)
        for _ in range(5):
            self.clients[1].expect(PUBLISH)

    def test_it_happens_once_is_counted_and_leaves_the_file_alone(self):
        self.fill()
        self.stop()
        before = self.digest()
        self.start(TARGET)
        self.assertEqual(self.imported(), {"retained": 5, "sessions": 3, "subscriptions": 3, "queued": 5, "in_flight": 5,
                                           "inbound": 1, "expired": 0, "left_out": 0})
        one = self.client("one", clean=False)
        self.assertEqual([m.payload.decode() for m in one.take(5)], list("01234"))
        self.client("publisher").put("r/4", "", 1, retain=True)
        self.stop()
        self.assertEqual(self.digest(), before)
        self.start(TARGET)
        self.assertEqual(self.imported(), {})
        one, two = self.client("one", clean=False), self.client("two", clean=False)
        self.assertTrue(one.session_present and two.session_present)
        self.assertEqual(one.take(0), [])
        self.assertEqual([m.payload.decode() for m in two.take(5)], list("01234"))
        found = self.read_retained(self.client("reader"), 4)
        self.assertEqual(sorted(found), ["r/0", "r/1", "r/2", "r/3"])
        self.stop()
        self.assertEqual(self.digest(), before)

    def test_a_first_start_that_is_killed_begins_again(self):
        self.fill()
        publisher, many = self.client("publisher"), 20_000
        publisher.send(b"".join(publish(f"many/{i}", "x", 0, True) for i in range(many)))
        publisher.put("many/last", "x", 1, retain=True)
        self.stop()
        before, chance, cut_off = self.digest(), random.Random(4711), 0
        for _ in range(8):
            self.launch("starlingd")
            while not any(name.startswith("store") for name in os.listdir(self.folder)):
                self.assertIsNone(self.process.poll(), self.log.text())
            with self.log.changed:
                self.log.changed.wait_for(lambda: any("imported" in line for line in self.log.lines),
                                          chance.uniform(0, 0.4))  # any moment before will do
            self.process.kill()
            self.process.wait()
            with self.log.changed:
                self.assertTrue(self.log.changed.wait_for(lambda: self.log.ended, WAIT))
            if self.log.count("imported") > 0:
                break
            cut_off += 1
        self.assertGreater(cut_off, 0)
        self.start("starlingd")
        self.log.wait_for(r"version \S+ running")
        self.assertEqual([name for name in os.listdir(self.folder) if ".new" in name], [])
        self.assertEqual(len(self.read_retained(self.client("reader"), many + 6)), many + 6)
        one = self.client("one", clean=False)
        self.assertEqual([m.payload.decode() for m in one.take(5)], list("01234"))
        self.assertEqual(self.digest(), before)

    def test_a_file_that_is_cut_off_gives_what_stands_before(self):
        self.fill()
        self.stop()
        with open(self.database, "r+b") as file:
            content = file.read()
            # Behind the sessions and their messages, within the second subscription.
            at = [found.start() for found in re.finditer(rb"\0\0\0\x05\0\0\0", content)][1]
            file.truncate(at + 14)
        self.start(TARGET)
        self.assertEqual(self.imported(), {"retained": 0, "sessions": 3, "subscriptions": 1, "queued": 5, "in_flight": 5,
                                           "inbound": 1, "expired": 0, "left_out": 0})
        self.log.wait_for(rf"{self.database} is cut off or damaged at byte {at} of {at + 14}")
        one = self.client("one", clean=False)
        self.assertEqual([m.payload.decode() for m in one.take(5)], list("01234"))

    def test_a_file_that_cannot_be_understood_is_named_and_the_node_serves(self):
        for content, said in ((b"", "it is empty"), (b"garbage" * 100, "it does not begin as Mosquitto's databases do"),
                              (b"\0\xb5\0mosquitto db" + b"\0" * 7 + b"\x09" + b"\0" * 50, "its format has version 9")):
            with self.subTest(said=said):
                with open(self.database, "wb") as file:
                    file.write(content)
                self.start("starlingd")
                self.log.wait_for(rf"nothing was taken over from {self.database}: {said}")
                self.client("c").put("t", "x", 1)
                self.stop()
                with open(self.database, "rb") as file:
                    self.assertEqual(file.read(), content)
                for name in os.listdir(self.folder):
                    if name.startswith("store"):
                        os.remove(os.path.join(self.folder, name))


if __name__ == "__main__":
    run()
