"""Steady churn: the files stay under a bound that follows from what is alive, and what has expired leaves the tables.

Some seconds by default; SOAK_SECONDS=600 for more.
"""
import contextlib
import os
import sqlite3
import struct
import sys
import time

from harness import NodeTestCase, WAIT, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "interop"))
import wire  # noqa: E402

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))
LOOK_S = 30  # limits::store_look_interval: between two looks for what has expired

RETAINED, RETAINED_BYTES = 300, 1_000
LOT, MESSAGE_BYTES = 500, 256  # messages published while the subscriber is away
ROW_OVERHEAD = 200  # bytes of a message beside topic and payload, its row in the queue included
# What is alive at any moment, twice for pages half full and half freed, and the write-ahead log, which begins anew after
# the checkpoint that comes with 4 096 pages (of 4 KiB): 16 MiB, the largest commit, and what comes meanwhile.
ALIVE = RETAINED * (RETAINED_BYTES + ROW_OVERHEAD) + 2 * LOT * (MESSAGE_BYTES + ROW_OVERHEAD)
BOUND = 2 * ALIVE + (16 << 20) + (8 << 20)


class Soak(NodeTestCase):
    def setUp(self):
        super().setUp()
        self.steady = self.node("state", verbose=False)
        self.file = os.path.join(self.steady.state_dir, "store.sqlite")

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=WAIT)) as store:
            return store.execute(sql).fetchone()[0]

    def file_bytes(self):
        return sum(os.path.getsize(self.file + end) for end in ("", "-wal") if os.path.exists(self.file + end))

    def publish_lot(self, talker, topic, count, size, retain=False, items=b""):
        """Acknowledged when this returns. At most 15 under way."""
        under_way = 0
        for n in range(count):
            name = f"{topic}/{n}" if retain else topic
            talker.send(wire.publish(name, os.urandom(size), 1, retain, n + 1, 5, items=items))
            under_way += 1
            if under_way == 15 or n + 1 == count:
                for _ in range(under_way):
                    # Success, or that nobody is subscribed.
                    self.assertIn(talker.expect(wire.PUBACK).body[2:3], (b"", b"\0", b"\x10"))
                under_way = 0

    def test_files_stay_bounded_and_what_expired_is_gone(self):
        port = self.steady.port
        talker = wire.WireClient(port, "talker", 5, timeout=WAIT)
        # For what will expire: a message of one second for a session that stays away, sessions of one second.
        sleeper = wire.WireClient(port, "sleeper", 5, expiry=86400, clean=False)
        sleeper.subscribe([("short/#", 1)])
        sleeper.close()
        for n in range(20):
            brief = wire.WireClient(port, f"brief{n}", 5, expiry=1, clean=False)
            brief.subscribe([("short/#", 1)])
            brief.close()
        self.publish_lot(talker, "short/x", LOT, MESSAGE_BYTES, items=b"\x02" + struct.pack(">I", 1))
        self.assertEqual(self.rows("SELECT count(*) FROM session WHERE client_id = 'sleeper'"), 1)
        expires_by = time.monotonic() + 1 + 2 * LOOK_S + WAIT

        began, turns, largest = time.monotonic(), 0, 0
        first = wire.WireClient(port, "comer", 5, expiry=86400, clean=False)
        first.subscribe([("steady/#", 1)])
        first.close()
        while time.monotonic() - began < SECONDS or turns < 5:
            self.publish_lot(talker, "keep", RETAINED, RETAINED_BYTES, retain=True)
            self.publish_lot(talker, "steady/x", LOT, MESSAGE_BYTES)
            comer = wire.WireClient(port, "comer", 5, timeout=WAIT, expiry=86400, clean=False)
            for _ in range(LOT):
                self.assertEqual(len(comer.next_message().payload), MESSAGE_BYTES)
            comer.close()
            turns += 1
            largest = max(largest, self.file_bytes())
            self.assertLess(largest, BOUND, f"after {turns} turns")
        written = turns * (RETAINED * RETAINED_BYTES + LOT * MESSAGE_BYTES)
        print(f"{turns} turns in {time.monotonic() - began:.0f} s, {written >> 20} MiB of payloads went through; "
              f"the files had at most {largest >> 10} KiB, the bound is {BOUND >> 10} KiB")
        self.assertEqual(self.rows("SELECT count(*) FROM retained"), RETAINED)

        # Expired rows go with a look, which nobody tells us of: ask again until the limit.
        left = None
        while time.monotonic() < expires_by:
            left = (self.rows("SELECT count(*) FROM session WHERE client_id LIKE 'brief%'"),
                    self.rows("SELECT count(*) FROM queue WHERE expires_at IS NOT NULL"),
                    self.rows("SELECT count(*) FROM message WHERE expires_at IS NOT NULL"),
                    self.rows("SELECT count(*) FROM subscription WHERE filter = 'short/#'"),
                    self.rows("SELECT count(*) FROM erased"))
            if left == (0, 0, 0, 1, 0):
                break
            time.sleep(0.25)
        self.assertEqual(left, (0, 0, 0, 1, 0), "sessions, queue, messages, subscriptions, erased that are left")

        # Retained messages that are deleted leave nothing.
        self.publish_lot(talker, "keep", RETAINED, 0, retain=True)
        self.assertEqual(self.rows("SELECT count(*) FROM retained"), 0)
        # The comer's last PUBACKs may still be on their way; a reconnection shows that nothing waits.
        comer = wire.WireClient(port, "comer", 5, timeout=WAIT, expiry=86400, clean=False)
        comer.send(wire.PING)
        self.assertEqual(comer.next_packet().kind, wire.PINGRESP)
        comer.close()
        self.assertEqual(self.steady.stop()[0], 0)
        self.assertEqual(self.rows("SELECT count(*) FROM message"), 0)
        self.assertEqual(self.rows("SELECT count(*) FROM queue"), 0)


if __name__ == "__main__":
    run()
