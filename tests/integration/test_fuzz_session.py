"""Broken sessions, thousands of them, against the running daemon: it lives, it serves a canary all the time, and its memory
stays bounded.

FUZZ_SEED (default 1) and FUZZ_SECONDS (default 20) choose the run; a failure prints the line that plays its sessions again.
FUZZ_FIRST and FUZZ_COUNT play exactly these. FUZZ_DOORS=tcp,websocket,tls chooses the doors.
"""
import asyncio
import logging
import os
import socket
import ssl
import struct
import time
import unittest

from harness import WAIT, run
from interop.broker import Broker
from interop.canary import Canary
from interop.mutations import session

SEED = os.environ.get("FUZZ_SEED", "1")
SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))
FIRST = int(os.environ.get("FUZZ_FIRST", "0"))
COUNT = int(os.environ.get("FUZZ_COUNT", "0"))  # 0: as many as there is time for
DOORS = os.environ.get("FUZZ_DOORS", "tcp,websocket,tls").split(",")
AT_ONCE = 40
SESSION_SECONDS = 1.5  # a session that stays is ended then
GROWTH_MAX = 120 << 20  # bytes of resident memory between the first second and the end; queues below are bounded to a fraction

# Small bounds, so that reaching them is part of the run.
LIMITS = "max_queued_messages 200\nmax_queued_bytes 200000\nmax_packet_size 1000000\npersistent_client_expiration 1h\n"
LIMITS_TOML = "[limits]\nmax_queued_messages = 200\nmax_queued_bytes = 200000\nmax_packet_size = 1000000\n"
# Freed memory that a sanitizer keeps to itself is not the daemon's.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=4:" + os.environ.get("ASAN_OPTIONS", "")}

logging.getLogger("asyncio").setLevel(logging.ERROR)  # connections that end while we write are the rule here


class FuzzSession(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(DOORS, LIMITS, LIMITS_TOML, ENVIRONMENT)
        self.addCleanup(self.broker.close)
        self.under_way, self.next_number = set(), FIRST
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    async def play(self, one):
        """Plays a session; whatever the daemon does to it is fine."""
        door = self.broker.doors[one.door]
        raw = socket.socket()
        raw.setblocking(False)
        writer = None
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", door.port))
            reader, writer = await asyncio.open_connection(sock=raw, ssl=self.tls if one.handshake else None,
                                                           server_hostname="localhost" if one.handshake else None)
            listener = asyncio.ensure_future(self.listen(reader)) if one.reads else None
            for piece in one.pieces:
                if writer.is_closing():
                    break
                writer.write(piece)
                if one.reads:
                    await writer.drain()
                if one.pause:
                    await asyncio.sleep(one.pause)
            if one.end == "half" and not one.handshake:
                writer.write_eof()
            if one.end in ("half", "stay"):
                await (listener or asyncio.sleep(SESSION_SECONDS))
            if one.end == "reset":
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if listener:
                listener.cancel()
        except OSError:  # those of TLS among them
            pass
        finally:
            (writer.transport.abort if writer else raw.close)()

    @staticmethod
    async def listen(reader):
        try:
            while await reader.read(65536):
                pass
        except OSError:  # a reset, or an alert of TLS
            pass

    async def worker(self, deadline):
        while self.broker.alive() and not self.canary.trouble:
            if COUNT and self.next_number >= FIRST + COUNT or not COUNT and time.monotonic() > deadline:
                return
            number, self.next_number = self.next_number, self.next_number + 1
            self.under_way.add(number)
            try:
                await asyncio.wait_for(self.play(session(SEED, number, DOORS)), SESSION_SECONDS)
            except asyncio.TimeoutError:
                pass
            if self.broker.alive():
                self.under_way.discard(number)

    async def everyone(self):
        deadline = time.monotonic() + SECONDS
        await asyncio.gather(*(self.worker(deadline) for _ in range(AT_ONCE)))

    def replay(self):
        first = min(self.under_way, default=max(FIRST, self.next_number - AT_ONCE))
        return (f"FUZZ_SEED={SEED} FUZZ_FIRST={first} FUZZ_COUNT={self.next_number - first} FUZZ_DOORS={','.join(DOORS)} "
                f"STARLINGD={os.environ.get('STARLINGD', 'bin/starlingd')} python3 {os.path.abspath(__file__)}")

    def test_broken_sessions_harm_nobody(self):
        self.canary = Canary(self.broker.doors["tcp"].port)
        asyncio.run(asyncio.wait_for(self.warm_up(), WAIT))
        before = self.broker.resident_bytes()
        asyncio.run(self.everyone())
        line = f"\nplay it again: {self.replay()}\n"
        self.assertTrue(self.broker.alive(), self.broker.log.text()[-6000:] + line)
        self.assertIsNone(self.canary.trouble, line)
        self.canary.end()
        self.assertIsNone(self.canary.trouble, line)
        grown = self.broker.resident_bytes() - before
        print(f"{self.next_number - FIRST} sessions, seed {SEED}; canary: {self.canary.songs} songs, the slowest took "
              f"{self.canary.slowest:.2f} s; memory: {before >> 20} MiB + {grown >> 10} KiB", flush=True)
        self.assertGreater(self.canary.songs, 0)
        self.assertLess(grown, GROWTH_MAX, line)
        self.assertEqual(self.broker.stop(), 0, self.broker.log.text()[-6000:] + line)
        self.assertIsNone(self.broker.complaints(), self.broker.log.text()[-6000:] + line)

    async def warm_up(self):
        """Some sessions first, so that pools and tables of the daemon have their size."""
        for number in range(FIRST, FIRST + 20):
            try:
                await asyncio.wait_for(self.play(session(SEED, number, DOORS)), 0.2)
            except asyncio.TimeoutError:
                pass


if __name__ == "__main__":
    run()
