#!/usr/bin/env python3
"""What "acknowledged is on disk" costs, beside Debian's mosquitto in the same run. A program, not a test: for a quiet machine.

  tests/bench/durability/measure.py [folder on the disk to measure] [seconds a run]

with starlingd and starling of build/release, or those that STARLINGD and STARLING name.

disk      one 4 KiB write and fdatasync after the other, in the same folder
acks      100 publishers at QoS 1, 64 B, windows of 20 and 100, to a persistent session that is away
lone      one publisher that waits for each PUBACK
qos0      ten publishers, each to a subscriber of its own, with persistence and without
restart   with 100 000 retained messages of 32 B and 10 000 sessions of one subscription: until a CONNACK; memory

Prints a table in Markdown. Mosquitto runs with persistence, autosave_interval as it comes, and unlimited queues.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "integration"))
os.environ.setdefault("STARLINGD", "build/release/bin/starlingd")

from harness import STARLINGD  # noqa: E402
from interop import wire  # noqa: E402
from ports import free_port  # noqa: E402

STARLING = os.environ.get("STARLING", "build/release/bin/starling")
FOLDER = sys.argv[1] if len(sys.argv) > 1 else None
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
RETAINED, SESSIONS, RETAINED_SIZE = 100_000, 10_000, 32
PATIENCE = 300  # seconds

KINDS = {
    "starling commit": (STARLINGD, "persistence true\n"),
    "starling memory": (STARLINGD, "persistence false\n"),
    "mosquitto saved": ("/usr/sbin/mosquitto", "persistence true\nuser root\n"),
    "mosquitto memory": ("/usr/sbin/mosquitto", "persistence false\nuser root\n"),
}


class Server:
    def __init__(self, kind):
        self.program, self.conf = KINDS[kind]
        self.folder, self.port, self.process = tempfile.mkdtemp(prefix="bench-", dir=FOLDER), free_port(), None
        with open(os.path.join(self.folder, "m.conf"), "w", encoding="utf-8") as file:
            file.write(f"{self.conf}persistence_location {self.folder}/\nallow_anonymous true\nlog_dest none\n"
                       f"max_queued_messages 0\nmax_inflight_messages 0\nlistener {self.port} 127.0.0.1\n")

    def start(self):
        """Seconds until a client had its CONNACK."""
        command = [self.program, "-c", os.path.join(self.folder, "m.conf")]
        if self.program == STARLINGD:
            command += ["--state-dir", os.path.join(self.folder, "state")]
        began = time.monotonic()
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        while True:
            try:
                wire.WireClient(self.port, "first", timeout=PATIENCE).close()
                return time.monotonic() - began
            except OSError:
                if self.process.poll() is not None or time.monotonic() - began > PATIENCE:
                    with open(os.path.join(self.folder, "log"), encoding="utf-8") as log:
                        sys.exit(f"{' '.join(command)} does not serve:\n{log.read()[-2000:]}")
                time.sleep(0.002)  # there is no event to wait for

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)


def load(server, *words):
    """The report of `starling bench`."""
    command = [STARLING, "bench", *map(str, words), "-h", "127.0.0.1", "-p", server.port, "--seconds", SECONDS, "--json"]
    said = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        sys.exit(f"{said.stderr}\n{said.stdout}")
    return json.loads(said.stdout)


def acknowledged(server, clients, window):
    """Acknowledgements a second, and how long one message was under way, in microseconds."""
    report = load(server, "publish", "--qos", 1, "--topic", "bench", "--clients", clients, "--window", window)
    return report["measured"]["acknowledged_per_s"], report["latency_us"]


def fdatasync_us(count=200):
    """Microseconds of a 4 KiB write behind the end of a file with its fdatasync, sorted."""
    times = []
    with tempfile.NamedTemporaryFile(dir=FOLDER) as file:
        for _ in range(count):
            began = time.perf_counter()
            os.write(file.fileno(), bytes(4096))
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e6)
    return sorted(times)


def with_sleeper(kind):
    """A broker with a persistent session that is away and wants everything."""
    server = Server(kind)
    server.start()
    sleeper = wire.WireClient(server.port, "sleeper", clean=False)
    sleeper.subscribe([("bench/#", 1)])
    sleeper.close()
    return server


def row(what, kind, value):
    print(f"| {what} | {kind} | {value} |", flush=True)


def acks():
    for kind in ("starling commit", "starling memory", "mosquitto saved"):
        for window in (20, 100):
            server = with_sleeper(kind)
            per_s, latency = acknowledged(server, 100, window)
            row(f"acks, window {window}", kind, f"{per_s:,.0f}/s, p50 {latency['p50'] / 1000:.1f} ms, "
                                                f"p99 {latency['p99'] / 1000:.1f} ms")
            server.close()


def lone(disk):
    for kind in ("starling commit", "starling memory", "mosquitto saved"):
        server = with_sleeper(kind)
        _, latency = acknowledged(server, 1, 1)
        middle = disk[len(disk) // 2]
        row("lone", kind, f"p50 {latency['p50']:.0f} us = {latency['p50'] / middle:.2f} fdatasync, p99 {latency['p99']:.0f} us")
        server.close()


def qos0():
    for kind in KINDS:
        server = Server(kind)
        server.start()
        got = load(server, "pairs", "--clients", 10, "--window", 100)
        row("qos0", kind, f"{got['measured']['delivered_per_s']:,.0f}/s there and back")
        server.close()


def fill(server):
    publisher = wire.WireClient(server.port, "filler", timeout=PATIENCE)
    for first in range(0, RETAINED, 1000):
        numbers = range(first, min(first + 1000, RETAINED))
        publisher.send(b"".join(wire.publish(f"retained/{n // 100}/{n}", bytes(RETAINED_SIZE), 1, True, n - first + 1)
                                for n in numbers))
        for _ in numbers:
            publisher.expect(wire.PUBACK)
    publisher.close()
    for number in range(SESSIONS):
        session = wire.WireClient(server.port, f"session-{number}", timeout=PATIENCE, clean=False)
        session.subscribe([(f"other/{number}", 1)])
        session.close()


def restart():
    for kind in ("starling commit", "mosquitto saved"):
        server = Server(kind)
        server.start()
        empty = server.resident()
        fill(server)
        grown = server.resident()
        server.stop()
        took = server.start()
        back = server.resident()
        row("restart", kind, f"{took:.2f} s until CONNACK; {back >> 20} MiB, {(back - empty) / RETAINED:.0f} B for each retained "
                             f"topic (sessions included), {(grown - empty) / RETAINED:.0f} B before the restart")
        server.close()


def main():
    for name in (STARLING, STARLINGD):
        if not os.access(name, os.X_OK):
            sys.exit(f"{name} is not there: cmake --preset release && cmake --build --preset release")
    disk = fdatasync_us()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, "
          f"{subprocess.run([STARLINGD, '--version'], capture_output=True, text=True, check=True).stdout.strip()}\n")
    print("| what | broker | measured |\n|---|---|---|")
    row("disk", "write and fdatasync", f"p50 {disk[len(disk) // 2]:.0f} us, p99 {disk[int(len(disk) * 0.99)]:.0f} us")
    acks()
    lone(disk)
    qos0()
    restart()


if __name__ == "__main__":
    main()
