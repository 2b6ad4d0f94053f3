"""Two thousand clients that connect, subscribe, publish and die at random. Afterwards nothing of them is left: no session, filter,
retained message, stored message, connection or descriptor, and the memory is back where it was.

CHAOS_SEED (default 1), CHAOS_SECONDS (default 16) and CHAOS_CLIENTS (default 2000) choose the run. Half of the time warms up:
tables and pools then have their size, and what grows after that is a leak.
"""
import asyncio
import os
import random
import resource
import socket
import struct
import time
import unittest

from harness import WAIT, Timeout, run
from interop import wire
from interop.broker import Broker
from interop.canary import Canary

SEED = os.environ.get("CHAOS_SEED", "1")
SECONDS = float(os.environ.get("CHAOS_SECONDS", "16"))
CLIENTS = int(os.environ.get("CHAOS_CLIENTS", "2000"))
NAMES = [f"chaos/{i % 50}/{i}" for i in range(1500)]
LASTING = 300  # client ids whose sessions outlive their connections; twice as many clients fight for them
DEATHS = ("farewell", "close", "reset", "in mid packet", "deaf")
GROWTH_MAX = 48 << 20  # bytes of resident memory from the middle to the end, allocators being what they are
# Freed memory that a sanitizer keeps to itself is not the daemon's.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=4:" + os.environ.get("ASAN_OPTIONS", "")}
SETTINGS = "sys_interval 1\n"
SETTINGS_TOML = "[node]\nsys_interval = 1\n"
# Numbers of $SYS/broker that must be as before the clients came. Those of MESSAGES may count the topics of $SYS themselves.
MESSAGES = ("retained messages/count", "store/messages/count", "messages/stored")
COUNTS = ("clients/total", "clients/connected", "subscriptions/count", "shared_subscriptions/count") + MESSAGES


class Tally:
    """What all clients have seen together, and the first thing that must not be."""

    def __init__(self):
        self.connected = self.published = self.received = self.refused = 0
        self.wrong = None


class Life(asyncio.Protocol):
    """One connection of a client, from CONNECT to its death."""

    def __init__(self, rng, client_id, lasting, tally):
        self.rng, self.client_id, self.lasting, self.tally = rng, client_id, lasting, tally
        self.version = rng.choice((4, 5))
        self.reader, self.up, self.ended = wire.Reader(), False, asyncio.get_running_loop().create_future()
        self.deaf = False

    def connection_made(self, transport):
        self.transport = transport
        will = None
        if self.rng.random() < 0.3:
            will = (self.rng.choice(NAMES), b"will", self.rng.randrange(3), False)
        transport.write(wire.connect(self.client_id, self.version, not self.lasting, self.rng.choice((1, 5, 60)), will,
                                     expiry=600 if self.lasting and self.version == 5 else None))

    def data_received(self, data):
        if self.deaf or self.ended.done():
            return
        answers = []
        for got in self.reader.feed(data):
            if got.kind == wire.CONNACK:
                if got.body[1] != 0:
                    self.tally.refused += 1
                    self.transport.abort()
                    return
                self.up = True
                self.tally.connected += 1
                self.live()
            elif got.kind == wire.PUBLISH:
                self.take(got, answers)
            elif got.kind == wire.PUBREC:
                answers.append(wire.acknowledge(wire.PUBREL, wire.packet_id_of(got)))
            elif got.kind == wire.PUBREL:
                answers.append(wire.acknowledge(wire.PUBCOMP, wire.packet_id_of(got)))
        if answers:
            self.transport.write(b"".join(answers))

    def take(self, got, answers):
        message = wire.read_message(got, self.version)
        self.tally.received += 1
        if message.payload not in (b"will", b"") and message.payload[:len(message.topic)].decode() != message.topic:
            self.tally.wrong = f"{message.topic} brought {message.payload[:60]!r}"
        if message.qos and self.rng.random() < 0.9:  # the others stay in flight, for the next owner of the session
            answers.append(wire.acknowledge(wire.PUBACK if message.qos == 1 else wire.PUBREC, message.packet_id))

    def live(self):
        rng = self.rng
        filters = [(rng.choice(NAMES), rng.randrange(3)) for _ in range(rng.randrange(1, 4))]
        if rng.random() < 0.02:
            filters.append((f"chaos/{rng.randrange(50)}/#", 1))
        if rng.random() < 0.1:
            filters.append((f"$share/g{rng.randrange(5)}/{rng.choice(NAMES)}", 1))
        out = [wire.subscribe(filters, 1, self.version)]
        for packet_id in range(2, rng.randrange(2, 6)):
            name, qos = rng.choice(NAMES), rng.randrange(3)
            payload = name.encode() + b"x" * rng.choice((0, 20, 20, 2000))
            out.append(wire.publish(name, payload, qos, rng.random() < 0.1, packet_id, self.version))
            self.tally.published += 1
        if rng.random() < 0.2:
            out.append(wire.unsubscribe([filters[0][0]], 9, self.version))
        self.transport.write(b"".join(out))
        asyncio.get_running_loop().call_later(rng.expovariate(1 / 1.0), self.die)

    def die(self):
        how = self.rng.choice(DEATHS)
        if self.ended.done():
            return
        if how == "deaf" and self.rng.random() < 0.5:
            # It reads no more and says no more; its keep alive will end it, or the next life of its id.
            self.deaf = True
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(3, self.transport.abort)
            return
        if how == "farewell":
            self.transport.write(wire.disconnect(self.version))
        if how == "in mid packet":
            self.transport.write(wire.publish("chaos/never", b"x" * 1000)[:500])
        if how == "reset":
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        (self.transport.abort if how == "reset" else self.transport.close)()

    def connection_lost(self, error):
        if not self.ended.done():
            self.ended.set_result(None)


class SystemTopics:
    """The numbers of $SYS as they are published."""

    def __init__(self, port):
        self._client = wire.WireClient(port, "watcher of $SYS", timeout=WAIT)
        self._client.send(wire.subscribe([("$SYS/#", 0)]))
        self.values = {}

    def read(self):
        """One value more; its name."""
        message = self._client.next_message()
        name = message.topic[len("$SYS/broker/"):]
        self.values[name] = message.payload.decode()
        return name

    def read_all(self):
        """Until every value is one of now: from an uptime to the one after the next."""
        for _ in range(3):
            while self.read() != "uptime":
                pass

    def wait_for(self, condition, what, timeout=WAIT):
        deadline = time.monotonic() + timeout
        while not condition(self.counts()):
            if time.monotonic() > deadline:
                raise Timeout(f"{what}: {self.counts()}")
            self.read()

    def counts(self):
        return {name: int(self.values[name]) - (len(self.values) if name in MESSAGES else 0)
                for name in COUNTS if name in self.values}

    def close(self):
        self._client.close()


class Chaos(unittest.TestCase):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.broker = Broker(("tcp",), SETTINGS, SETTINGS_TOML, ENVIRONMENT)
        self.addCleanup(self.broker.close)
        self.tally = Tally()

    async def client(self, number, deadline):
        rng = random.Random(f"{SEED}/{number}")
        loop = asyncio.get_running_loop()
        while time.monotonic() < deadline and self.broker.alive():
            lasting = number < 2 * LASTING
            client_id = f"lasting {number % LASTING}" if lasting else f"client {number}"
            await asyncio.sleep(rng.random())
            try:
                transport, life = await loop.create_connection(lambda: Life(rng, client_id, lasting, self.tally),
                                                               "127.0.0.1", self.broker.port)
                # Whoever gets no answer gives up; near the end everybody does.
                await asyncio.wait([life.ended], timeout=max(0.1, min(8, deadline - time.monotonic())))
                transport.abort()
            except OSError:
                self.tally.refused += 1

    async def crowd(self, seconds):
        deadline = time.monotonic() + seconds
        await asyncio.gather(*(self.client(number, deadline) for number in range(CLIENTS)))

    def tidy(self):
        """Clean starts end the lasting sessions; empty messages end the retained ones."""
        for number in range(LASTING):
            wire.WireClient(self.broker.port, f"lasting {number}", timeout=WAIT).close()
        eraser = wire.WireClient(self.broker.port, "eraser", timeout=WAIT)
        for start in range(0, len(NAMES), 100):
            eraser.send(b"".join(wire.publish(name, b"", 1, True, i + 1) for i, name in enumerate(NAMES[start:start + 100])))
            for _ in NAMES[start:start + 100]:
                eraser.expect(wire.PUBACK)
        eraser.close()

    def play(self, seconds):
        asyncio.run(self.crowd(seconds))
        self.assertTrue(self.broker.alive(), self.broker.log.text()[-6000:])
        self.assertIsNone(self.tally.wrong)
        self.tidy()

    def settled(self, what):
        """Waits until the numbers are those of the beginning; deaf clients have up to their keep alive and a half."""
        self.system.wait_for(lambda counts: all(counts[name] <= count for name, count in self.before.items()),
                             f"{what}; at first it was {self.before}", 2 * WAIT)
        while self.broker.open_descriptors() > self.descriptors:
            self.system.read()  # looks again with each publication of $SYS
        return self.broker.resident_bytes()

    def test_two_thousand_clients_leave_nothing_behind(self):
        canary = Canary(self.broker.port)
        self.system = SystemTopics(self.broker.port)
        self.system.wait_for(lambda counts: counts.get("clients/connected") == 2 and len(counts) >= len(COUNTS) - 1,
                             "no numbers of two clients at the start")
        self.system.read_all()
        self.before, self.descriptors = self.system.counts(), self.broker.open_descriptors()
        self.play(SECONDS / 2)
        middle = self.settled("something is left after the first half")
        self.play(SECONDS / 2)
        end = self.settled("something is left at the end")
        self.assertIsNone(canary.trouble)
        canary.end()
        self.assertIsNone(canary.trouble)
        print(f"{CLIENTS} clients, seed {SEED}: {self.tally.connected} connections, {self.tally.published} messages sent, "
              f"{self.tally.received} received, {self.tally.refused} refused; canary: {canary.songs} songs, the slowest took "
              f"{canary.slowest:.2f} s; memory: {middle >> 20} MiB + {(end - middle) >> 10} KiB", flush=True)
        self.assertGreater(self.tally.connected, CLIENTS)
        self.assertGreater(self.tally.received, 0)
        self.assertLess(end - middle, GROWTH_MAX)
        self.system.close()
        self.assertEqual(self.broker.stop(), 0, self.broker.log.text()[-6000:])
        self.assertIsNone(self.broker.complaints(), self.broker.log.text()[-6000:])


if __name__ == "__main__":
    run()
