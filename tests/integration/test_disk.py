"""A disk that is full, a clock that goes backwards: nothing acknowledged is lost, and the node says what is the matter."""
import contextlib
import os
import socket
import sqlite3
import struct
import subprocess
import sys
import time
import unittest

from harness import NodeTestCase, WAIT, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "interop"))
import wire  # noqa: E402

QUOTA_EXCEEDED = 0x97
KEPT_FREE = 4 << 20  # limits::store_free_bytes_min: with less, the store counts as full
DAY_MS = 86_400_000


class SmallDisk:
    """A file system of its own in memory, with a ballast that fills it."""

    def __init__(self, folder, megabytes):
        self.folder = folder
        os.mkdir(folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "starling-test", folder],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise unittest.SkipTest(f"cannot mount a small disk, so FULL DISKS ARE NOT TESTED: {done.stderr.strip()}")

    def free(self):
        facts = os.statvfs(self.folder)
        return facts.f_bavail * facts.f_frsize

    def fill(self, leave):
        """Until `leave` bytes are free."""
        with open(os.path.join(self.folder, "ballast"), "ab") as ballast:
            while self.free() > leave:
                ballast.write(bytes(min(self.free() - leave, 1 << 20)))
                ballast.flush()

    def relieve(self):
        os.unlink(os.path.join(self.folder, "ballast"))

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False)


class Publisher(wire.WireClient):
    """Numbers its messages itself and remembers which were acknowledged."""

    def __init__(self, node, name, version, **options):
        super().__init__(node.port, name, version, clean=False, expiry=3600 if version == 5 else None, **options)
        self.next_id = 0

    def say(self, topic, payload, qos=1, retain=False, packet_id=None):
        if packet_id is None:
            self.next_id = packet_id = self.next_id + 1
        self.send(wire.publish(topic, payload, qos, retain, packet_id, self.version))
        return packet_id

    def answer(self):
        """(packet kind, packet id, reason) of the next packet."""
        got = self.next_packet()
        assert got.kind in (wire.PUBACK, wire.PUBREC, wire.PUBCOMP), f"no acknowledgement, but {got}"
        return got.kind, wire.packet_id_of(got), got.body[2] if len(got.body) > 2 else 0

    def hears_nothing(self):
        """Nothing has come that was not read yet."""
        self.socket.setblocking(False)
        try:
            return not self._ready and not self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._ready
        finally:
            self.socket.settimeout(WAIT)


class DiskTestCase(NodeTestCase):
    def subscribe_for_good(self, node, name, filter_):
        """A session that will be away; what is published to the filter waits for it."""
        client = wire.WireClient(node.port, name, 5, expiry=3600, clean=False)
        self.assertEqual(client.subscribe([(filter_, 2)]), [2])
        client.close()

    def collect(self, node, name, until):
        """What waited for the session, up to the payload `until`."""
        client = wire.WireClient(node.port, name, 5, timeout=WAIT, expiry=3600, clean=False)
        self.assertTrue(client.session_present)
        found = []
        while not found or found[-1] != until:
            found.append(client.next_message().payload)
        client.close()
        return found


class FullDisk(DiskTestCase):
    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root can mount a small disk, so FULL DISKS ARE NOT TESTED")
        self.disk = self.keep(SmallDisk(os.path.join(self.folder, "disk"), 32))

    def start(self):
        return self.node("disk/state")

    def fill(self, node, probe):
        """The disk is full and the store knows it. The message that shows it to the store stays without an answer: it is
        acknowledged when there is room again."""
        self.disk.fill(leave=1 << 20)
        probe.say("full/probe", b"probe")
        node.log.wait_for(r"store unwell.*state=full")

    def test_publishers_are_told_and_nothing_acknowledged_is_lost(self):
        node = self.start()
        self.subscribe_for_good(node, "away", "full/#")
        new, old = Publisher(node, "new", 5, timeout=WAIT), Publisher(node, "old", 4, timeout=WAIT)
        probe = Publisher(node, "probe", 4, timeout=WAIT)
        new.say("full/new", b"before")
        self.assertEqual(new.answer(), (wire.PUBACK, 1, 0))
        self.fill(node, probe)

        new.say("full/new", b"refused", qos=1)
        self.assertEqual(new.answer(), (wire.PUBACK, 2, QUOTA_EXCEEDED))
        new.say("full/new", b"refused", qos=2)
        self.assertEqual(new.answer(), (wire.PUBREC, 3, QUOTA_EXCEEDED))
        # A 3.1.1 client cannot be told: it gets no PUBACK.
        waits = old.say("full/old", b"waits")
        # What touches no disk goes on.
        listener = wire.WireClient(node.port, "", 5)
        self.assertEqual(listener.subscribe([("light/#", 0)]), [0])
        talker = wire.WireClient(node.port, "", 4)
        for n in range(100):
            talker.send(wire.publish("light/x", str(n)))
        self.assertEqual([listener.next_message().payload for _ in range(100)], [b"%d" % n for n in range(100)])
        self.assertTrue(old.hears_nothing() and probe.hears_nothing())

        # A kill in this state, and a start on the full disk.
        node.kill()
        node.start()
        node.log.wait_for(r"store unwell.*state=full")  # it notes who was cut off
        new, old = Publisher(node, "new", 5, timeout=WAIT), Publisher(node, "old", 4, timeout=WAIT)
        self.assertTrue(new.session_present and old.session_present)
        old.send(wire.publish("full/old", b"waits", 1, packet_id=waits, duplicate=True))
        new.say("full/new", b"refused", packet_id=9)
        self.assertEqual(new.answer(), (wire.PUBACK, 9, QUOTA_EXCEEDED))
        self.assertTrue(old.hears_nothing())
        self.disk.relieve()
        freed = time.monotonic()
        self.assertEqual(old.answer(), (wire.PUBACK, waits, 0))
        node.log.wait_for(r"store good")
        self.assertLess(time.monotonic() - freed, 10)
        new.say("full/new", b"after")
        self.assertEqual(new.answer()[2], 0)
        new.say("full/new", b"end", qos=2)
        kind, packet_id, reason = new.answer()
        self.assertEqual((kind, reason), (wire.PUBREC, 0))
        new.send(wire.acknowledge(wire.PUBREL, packet_id))
        self.assertEqual(new.answer()[0], wire.PUBCOMP)
        found = self.collect(node, "away", b"end")
        self.assertNotIn(b"refused", found)
        kept = [one for one in found if one != b"probe"]  # the probe was never acknowledged: it may be there
        self.assertEqual(kept, [b"before", b"waits", b"after", b"end"])
        probe.drop()

    def test_running_into_the_end_of_the_disk(self):
        """Without a look at what is free beforehand: one group that is larger than what is left."""
        node = self.start()
        self.subscribe_for_good(node, "away", "big/#")
        talker = Publisher(node, "talker", 4, timeout=WAIT)
        self.disk.fill(leave=KEPT_FREE + (4 << 20))
        count, size = 12, 1 << 20
        for n in range(count):
            talker.say("big/x", b"%04d" % n + bytes(size))
        node.log.wait_for(r"store unwell.*state=full")
        self.disk.relieve()
        # In their order, each once.
        self.assertEqual([talker.answer() for _ in range(count)], [(wire.PUBACK, n + 1, 0) for n in range(count)])
        node.kill()
        node.start()
        found = self.collect(node, "away", b"%04d" % (count - 1) + bytes(size))
        self.assertEqual([one[:4] for one in found], [b"%04d" % n for n in range(count)])

    def test_a_full_disk_is_not_filled_further(self):
        """Publishers that go on and on: the free space stays, memory stays bounded, and room ends it at once."""
        node = self.start()
        self.subscribe_for_good(node, "away", "flood/#")
        self.disk.fill(leave=KEPT_FREE + (2 << 20))
        talker = Publisher(node, "talker", 5, timeout=WAIT)
        accepted, refused, payload = 0, 0, bytes(50_000)
        while refused < 200:
            packet_id = talker.say("flood/x", payload)
            kind, answered, reason = talker.answer()
            self.assertEqual((kind, answered), (wire.PUBACK, packet_id))
            self.assertIn(reason, (0, QUOTA_EXCEEDED))
            refused += reason == QUOTA_EXCEEDED
            accepted += reason == 0
        self.assertGreater(accepted, 5)
        self.assertGreater(self.disk.free(), 1 << 20)
        self.disk.relieve()
        node.log.wait_for(r"store good")
        away = wire.WireClient(node.port, "away", 5, timeout=WAIT, expiry=3600, clean=False)
        for _ in range(accepted):
            self.assertEqual(away.next_message().payload, payload)
        away.close()


class BackwardClock(DiskTestCase):
    def test_what_expires_goes_on_from_where_it_was(self):
        """The run before lived a day later than this one: as a Pi that came up without the time."""
        node = self.node("state")
        self.subscribe_for_good(node, "away", "clock/#")
        talker = Publisher(node, "talker", 5)
        expiry = b"\x02" + struct.pack(">I", 600)
        talker.send(wire.publish("clock/x", b"expires in 600 s", 1, False, 1, 5, items=expiry))
        self.assertEqual(talker.answer(), (wire.PUBACK, 1, 0))
        talker.close()
        self.assertEqual(node.stop()[0], 0)
        with contextlib.closing(sqlite3.connect(os.path.join(node.state_dir, "store.sqlite"))) as store, store:
            clock = store.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()[0]
            self.assertLess(abs(clock - time.time() * 1000), 120_000, "meta.clock is not the Unix time in ms")
            store.execute("UPDATE meta SET value = value + ? WHERE key = 'clock'", (DAY_MS,))
            store.execute("UPDATE session SET ends_at = ends_at + ? WHERE ends_at IS NOT NULL", (DAY_MS,))
            changed = 0
            for table in ("queue", "message"):
                changed += store.execute(f"UPDATE {table} SET expires_at = expires_at + ? WHERE expires_at IS NOT NULL",
                                         (DAY_MS,)).rowcount
            self.assertEqual(changed, 2)
        node.start()
        behind = int(node.log.wait_for(r"store clock behind.*behind_s=(\d+)").group(1))
        self.assertAlmostEqual(behind, DAY_MS / 1000, delta=120)
        back = wire.WireClient(node.port, "away", 5, expiry=3600, clean=False)
        self.assertTrue(back.session_present)
        message = back.next_message()
        self.assertEqual(message.payload, b"expires in 600 s")
        self.assertEqual(message.properties[:1], b"\x02")
        left = struct.unpack_from(">I", message.properties, 1)[0]
        self.assertTrue(300 <= left <= 600, left)
        # And on: a second start does not count the day again.
        back.close()
        self.assertEqual(node.stop()[0], 0)
        node.start()
        back = wire.WireClient(node.port, "away", 5, expiry=3600, clean=False)
        self.assertTrue(back.session_present)
        back.close()


if __name__ == "__main__":
    run()
