"""A session that stays away while messages for it pile up: they wait on the disk, not in memory, however many, and come
back in order. QUEUE_MESSAGES=1000000 for the large one.
"""
import os
import re
import sys
import time

from harness import NodeTestCase, WAIT, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "interop"))
import wire  # noqa: E402

MESSAGES = int(os.environ.get("QUEUE_MESSAGES", "70000"))  # more than there are packet ids
PAYLOAD = 700  # bytes: all of them are more than the memory that is allowed
GROWTH_MAX = 32 << 20  # bytes of resident memory, from before the first message to the end
WINDOW = 500  # messages under way from the publisher, MQTT 3.1.1


class LongQueue(NodeTestCase):
    def resident(self):
        with open(f"/proc/{self.node_.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10

    def fill(self, talker, first, count):
        sent, answered, padding = 0, 0, bytes(PAYLOAD - 8)
        while answered < count:
            lot = min(WINDOW - (sent - answered), count - sent)
            talker.send(b"".join(wire.publish("pile/x", b"%08d" % (first + sent + n) + padding, 1, False,
                                              (sent + n) % 65535 + 1) for n in range(lot)))
            sent += lot
            for _ in range(max(1, (sent - answered) // 2)):
                self.assertEqual(wire.packet_id_of(talker.expect(wire.PUBACK)), answered % 65535 + 1)
                answered += 1

    def take(self, client, first, count):
        """Acknowledges all, in order; counts what was repeated after a reconnection."""
        expected, repeated = first, 0
        while expected < first + count:
            number = int(client.next_message().payload[:8])
            if number < expected:
                repeated += 1
                continue
            self.assertEqual(number, expected)
            expected += 1
        return repeated

    def test_a_queue_longer_than_memory_and_than_packet_ids(self):
        # The sanitizer keeps what was freed for a while; that is not the daemon's memory.
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        self.node_ = self.node("state", verbose=False)
        away = wire.WireClient(self.node_.port, "away", 4, clean=False)
        self.assertEqual(away.subscribe([("pile/#", 1)]), [1])
        away.close()
        talker = wire.WireClient(self.node_.port, "talker", 4, timeout=WAIT)
        self.fill(talker, 0, 2_000)
        before, began = self.resident(), time.monotonic()
        self.fill(talker, 2_000, MESSAGES - 2_000)
        filled, took = self.resident(), time.monotonic() - began
        self.assertLess(filled - before, GROWTH_MAX)
        # A third of them, then a kill, then the rest: none is missing, few are repeated.
        away = wire.WireClient(self.node_.port, "away", 4, timeout=WAIT, clean=False)
        self.assertTrue(away.session_present)
        third = MESSAGES // 3
        began = time.monotonic()
        self.take(away, 0, third)
        self.assertLess(self.resident() - before, GROWTH_MAX)
        self.node_.kill()
        self.node_.start()
        loaded = self.resident()
        away = wire.WireClient(self.node_.port, "away", 4, timeout=WAIT, clean=False)
        self.assertTrue(away.session_present)
        repeated = self.take(away, third, MESSAGES - third)
        drained = self.resident()
        self.assertLess(repeated, 2_000)
        self.assertLess(drained - loaded, GROWTH_MAX)
        away.send(wire.PING)
        self.assertEqual(away.next_packet().kind, wire.PINGRESP)
        print(f"{MESSAGES} messages of {PAYLOAD} bytes: resident {before >> 20} MiB before, {filled >> 20} with all of them "
              f"waiting, {loaded >> 20} after a start with two thirds of them, {drained >> 20} when they were gone; "
              f"filled in {took:.1f} s, drained in {time.monotonic() - began:.1f} s; {repeated} repeated")


if __name__ == "__main__":
    run()
