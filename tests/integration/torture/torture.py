#!/usr/bin/env python3
"""Kills starlingd again and again while clients are at work, and holds it to what it has acknowledged.

    STARLINGD=build/dev/bin/starlingd tests/integration/torture/torture.py --rounds 60
    ... --rounds 10000 --state /var/tmp/torture.json --seconds 500     (again and again: goes on where it ended)

A round: the daemon starts on the state directory of the round before, clients come back and go on, and then it dies: by
SIGKILL after a random number of packets, at a fault point inside a commit (dev builds), now and then by SIGTERM. Every few
rounds everything is drained and checked (model.py says what is promised). A failure prints the line that replays it, as
far as processes can be replayed: the plan of a round follows from seed and number, the order of packets does not.
"""
import argparse
import asyncio
import collections
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from clients import Connection, Publisher, Subscriber, WillClient, wire  # noqa: E402
from model import Broken, Model, Session, Subscription, qos_of, read_payload  # noqa: E402

STARLINGD = os.environ.get("STARLINGD", os.path.join(os.getcwd(), "bin", "starlingd"))
WAIT = float(os.environ.get("STARLING_TEST_WAIT", "60"))  # seconds for what must happen
FAULT_POINTS = ("before_commit", "after_apply", "after_commit")
TROUBLE = re.compile(r"ERROR: (Address|Leak|Thread)Sanitizer|runtime error:|invariant broken")
HABITS = ("prompt", "slow", "holding", "dropping", "absent")


class Daemon:
    """One life of starlingd."""

    def __init__(self, state_dir, args, fault=None):
        self.words = [STARLINGD, "--state-dir", state_dir, "-p", "0", *args]
        self.environment = {**os.environ, **({"STARLING_FAULT": fault} if fault else {})}
        self.lines, self.port, self.process = collections.deque(maxlen=400), None, None

    async def start(self):
        """False: it died before it was ready (a fault point may lie there)."""
        self.process = await asyncio.create_subprocess_exec(
            *self.words, env=self.environment, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
            limit=1 << 20)
        self.ready = asyncio.get_running_loop().create_future()
        self.reading = asyncio.ensure_future(self.read_log())
        return await asyncio.wait_for(asyncio.shield(self.ready), WAIT)

    async def read_log(self):
        async for raw in self.process.stderr:
            line = raw.decode(errors="replace").rstrip()
            self.lines.append(line)
            found = re.search(r"listening for=mqtt addr=\S*:(\d+)", line)
            if found:
                self.port = int(found.group(1))
            if re.search(r"\bready\b", line) and self.port and not self.ready.done():
                self.ready.set_result(True)
        if not self.ready.done():
            self.ready.set_result(False)

    @property
    def alive(self):
        return self.process is not None and self.process.returncode is None

    async def died(self):
        await self.process.wait()
        await self.reading
        if any(TROUBLE.search(line) for line in self.lines):
            raise Broken("a sanitizer or an invariant spoke:\n" + self.log())

    def log(self):
        return "\n".join(self.lines)


class World:
    """The clients and the model over all rounds."""

    def __init__(self, seed, state_dir, args=(), gentle=False):
        """`gentle`: the daemon is never killed, clients only lose their connections. Any broker must pass that, one
        without a disk too: it tests the model."""
        self.seed, self.state_dir, self.args, self.gentle = seed, state_dir, list(args), gentle
        self.model, self.random, self.draining, self.ending = Model(), random.Random(seed), False, False
        self.rounds = self.faults = self.drains = 0
        self.daemon, self.error, self.moved, self.packets = None, None, asyncio.Event(), 0
        self.tasks, self.connections, self.wills, self.over = [], [], [], False
        self.publishers = [Publisher(self, f"p{i}", (4, 5)[i % 2]) for i in range(4)]
        # Every session has the barrier; the fixed ones want everything, the others change their mind.
        for i in range(6):
            session = Session(f"s{i}", (5, 4)[i % 2], changing=i >= 4)
            session.filters["b/#"] = Subscription(2)
            if session.changing:
                session.filters |= {f"{kind}/p{k}/#": Subscription(k % 3 or 2) for kind in "tr" for k in range(4)}
            else:
                session.filters |= {"t/#": Subscription((2, 2, 1, 2)[i]), "r/#": Subscription(1 + i % 2), "w/#": Subscription(2)}
            self.model.sessions[session.client_id] = session
        self.make_subscribers()

    def make_subscribers(self):
        self.subscribers = [Subscriber(self, session) for session in self.model.sessions.values()]

    # What clients need

    def connect(self, client):
        if self.over:
            return

        async def come():
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: self.new_connection(client), "127.0.0.1", self.daemon.port)
            except OSError:
                return  # the daemon is gone, which ends the round
            self.connections.append(connection)
        self.tasks.append(asyncio.ensure_future(come()))

    def new_connection(self, client):
        client.connection = Connection(client)
        return client.connection

    def broke(self, error):
        if self.ending and isinstance(error, Broken) and "disconnected by the broker" in str(error):
            return
        if self.error is None:
            self.error = error
        self.moved.set()

    def progress(self):
        self.packets += 1
        self.moved.set()

    # Waiting

    async def until(self, condition, what):
        """Until `condition()` holds; looked at whenever a packet has come."""
        deadline = time.monotonic() + WAIT
        while not self.error and not condition():
            self.moved.clear()
            try:
                await asyncio.wait_for(self.moved.wait(), min(1, max(0.01, deadline - time.monotonic())))
            except asyncio.TimeoutError:
                if not self.daemon.alive:
                    raise Broken(f"the daemon died by itself, status {self.daemon.process.returncode}\n"
                                 + self.daemon.log()) from None
                if time.monotonic() > deadline:
                    raise Broken(f"{what()} (waited {WAIT:.0f} s)") from None
        if self.error:
            raise self.error

    async def until_packets(self, count, seconds):
        """Until `count` packets have come, the daemon has died, or the time is over."""
        deadline, dead = time.monotonic() + seconds, asyncio.ensure_future(self.daemon.process.wait())
        try:
            while not self.error and self.packets < count and not dead.done():
                self.moved.clear()
                moved = asyncio.ensure_future(self.moved.wait())
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                await asyncio.wait({moved, dead}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
        finally:
            dead.cancel()

    async def all_closed(self):
        """Reads what the daemon had still sent."""
        self.over = True
        await asyncio.gather(*self.tasks)
        if self.gentle:
            for connection in self.connections:
                connection.transport.abort()
        for client in [*self.publishers, *self.subscribers, *self.wills]:
            if client.connection:
                await asyncio.wait_for(client.connection.closed, WAIT)
                client.connection = None
        for connection in self.connections:
            connection.transport.abort()
        self.tasks, self.connections, self.wills, self.over = [], [], [], False
        if self.error:
            raise self.error

    # A round

    async def round(self, drain):
        self.random = plan = random.Random(self.seed * 1_000_003 + self.rounds)
        self.packets, self.draining = 0, drain
        fault = None
        if not drain and not self.gentle and plan.random() < 0.4:
            fault = f"{plan.choice(FAULT_POINTS)}:{int(10 ** plan.uniform(0, 2))}"
        if not self.gentle or self.daemon is None:
            self.daemon = Daemon(self.state_dir, self.args, fault)
        try:
            if not self.daemon.alive and not await self.daemon.start():
                await self.daemon.died()
                if not fault or self.daemon.process.returncode != -signal.SIGKILL:
                    raise Broken("the daemon did not start:\n" + self.daemon.log())
            elif drain:
                await self.drain(plan)
            else:
                await self.disturb(plan, fault)
        except BaseException:
            await self.kill()
            raise
        if not self.gentle:
            await self.kill()
        await self.all_closed()
        self.ending = False
        self.rounds += 1

    async def kill(self):
        if self.daemon.alive:
            self.daemon.process.kill()
        if self.daemon.process is not None:
            await self.daemon.died()

    async def disturb(self, plan, fault):
        if plan.random() < 0.3:
            await self.check_retained(fault)
        for publisher in self.publishers:
            publisher.plan(window=plan.randrange(1, 17), budget=plan.choice((0, 20, 200, 1000)))
        for subscriber in self.subscribers:
            subscriber.plan(habit=plan.choice(HABITS), changes=plan.choice((0, 2, 10)))
        if plan.random() < 0.3:
            self.wills.append(WillClient(self, self.rounds, plan.choice((4, 5)), plan.choice((1, 2)), plan.choice((0, 1))))
        present = [one for one in self.subscribers if one.habit != "absent"]
        for client in plan.sample([*self.publishers, *present, *self.wills], len(self.publishers) + len(present) + len(self.wills)):
            self.connect(client)
        # A fault point gets its time; otherwise the moment follows from the packets that have come.
        await self.until_packets(10 ** 9 if fault else int(10 ** plan.uniform(0, 3.3)), 2)
        if self.daemon.process.returncode is not None:
            if not fault or self.daemon.process.returncode != -signal.SIGKILL:
                raise Broken(f"the daemon died by itself, status {self.daemon.process.returncode}\n" + self.daemon.log())
            self.faults += 1
        elif self.gentle:
            return
        elif plan.random() < 0.1:
            self.ending = True
            self.daemon.process.terminate()
            await asyncio.wait_for(self.daemon.process.wait(), WAIT)
        await self.kill()

    async def check_retained(self, fault=None):
        """What a new subscriber finds; no publisher is at work."""
        found, done = {}, asyncio.get_running_loop().create_future()

        class Look:
            """Enough of a client for a Connection."""
            client_id, connection, world = "look", None, self

            def connect_packet(self):
                return wire.connect("", 5)

            def handle(self, got):
                if got.kind == wire.CONNACK:
                    self.connection.send(wire.subscribe([("r/#", 0)], 1, 5) + wire.PING)
                elif got.kind == wire.PUBLISH:
                    message = wire.read_message(got, 5)
                    if not message.retain:
                        return  # a will, or the end of a QoS 2 message, on its way just now
                    if message.topic in found:
                        raise Broken(f"retained {message.topic} came twice")
                    found[message.topic] = read_payload(message.payload)
                elif got.kind == wire.PINGRESP and not done.done():
                    done.set_result(True)

        look = Look()
        self.connect(look)
        dead = asyncio.ensure_future(self.daemon.process.wait())
        await asyncio.wait({done, dead}, timeout=WAIT, return_when=asyncio.FIRST_COMPLETED)
        dead.cancel()
        if self.error:
            raise self.error
        if done.done():
            look.connection.transport.abort()
            self.model.check_retained(found)
        elif not fault:
            raise Broken("no answer about retained messages")

    async def drain(self, plan):
        """Everything that was acknowledged must come now."""
        await self.check_retained()
        for subscriber in self.subscribers:
            subscriber.plan("prompt", 0)
        for publisher in self.publishers:
            publisher.plan(16, 0)
        everybody = [*self.publishers, *self.subscribers]
        for client in plan.sample(everybody, len(everybody)):
            self.connect(client)
        await self.until(lambda: all(client.up for client in everybody)
                         and all(one.asked is None for one in self.subscribers)
                         and not any(one.pending for one in self.publishers),
                         lambda: "not acknowledged: " + ", ".join(
                             f"{one.client_id} {len(one.pending)}" for one in self.publishers if one.pending)
                         + " not answered: " + ", ".join(
                             f"{one.client_id} {one.asked}" for one in self.subscribers if one.asked or not one.up))
        # One message of each kind through every subscription, and one through every queue, behind all others.
        for publisher in self.publishers:
            for qos in (1, 2):
                publisher.publish(f"t/{publisher.client_id}/probe/q{qos}")
                publisher.publish(f"b/{publisher.client_id}/q{qos}")
        await self.until(lambda: not any(one.pending for one in self.publishers), lambda: "probes not acknowledged")
        await self.until(lambda: not self.model.missing(), lambda: "; ".join(self.model.missing()[:8]))
        for subscriber in self.subscribers:
            subscriber.flushed = False
            subscriber.send(wire.PING)
        await self.until(lambda: all(one.flushed for one in self.subscribers), lambda: "no PINGRESP")
        await self.check_retained()
        self.model.settle()
        self.drains += 1

    # Between slices

    def to_json(self):
        return {"seed": self.seed, "rounds": self.rounds, "faults": self.faults, "drains": self.drains,
                "model": self.model.to_json(), "publishers": [one.to_json() for one in self.publishers]}

    def restore(self, kept):
        self.seed, self.rounds, self.faults, self.drains = (kept[key] for key in ("seed", "rounds", "faults", "drains"))
        self.model = Model.from_json(kept["model"])
        for publisher, one in zip(self.publishers, kept["publishers"], strict=True):
            publisher.known, publisher.last_id = one["known"], one["last_id"]
        self.make_subscribers()

    def summary(self):
        return (f"{self.rounds} rounds, {self.faults} ended inside a commit, {self.drains} drained: "
                f"{self.model.acknowledged} messages acknowledged, {self.model.delivered} delivered, "
                f"{self.model.repeated} repeated as allowed, nothing lost")


async def run(world, rounds, drain_every=5, seconds=None, after_drain=lambda: None):
    """Plays until `rounds` have been played in all, the last one a drain; with `seconds`, it may end earlier."""
    deadline = time.monotonic() + seconds if seconds else None
    while world.rounds < rounds:
        late = deadline is not None and time.monotonic() > deadline
        drain = (world.rounds + 1) % drain_every == 0 or world.rounds + 1 == rounds or late
        try:
            await world.round(drain)
        except Exception as error:
            log = world.daemon.log() if world.daemon else ""
            raise Broken(f"round {world.rounds} of seed {world.seed}: {str(error) or repr(error)}\nplay again: torture.py --seed {world.seed} "
                         f"--rounds {world.rounds + drain_every}\nthe daemon's last lines:\n{log[-3000:]}") from error
        if drain:
            after_drain()
            if late:
                break


def save(path, world):
    with open(path + ".new", "w") as file:
        json.dump(world.to_json(), file)
    os.replace(path + ".new", path)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=60)
    words.add_argument("--seed", type=int, default=None, help="default: random")
    words.add_argument("--drain-every", type=int, default=5, help="rounds")
    words.add_argument("--state", help="where to go on from and to keep the count; the daemon's directory lies beside it")
    words.add_argument("--seconds", type=float, help="end this run after the next drain then")
    words.add_argument("--keep", action="store_true", help="keep the state directory of a failure")
    words.add_argument("--gentle", action="store_true", help="never kill the daemon: tests the model, also without a disk")
    words.add_argument("--set", action="append", default=[], help="as starlingd's --set")
    asked = words.parse_args()
    state_dir = asked.state + ".d" if asked.state else tempfile.mkdtemp(prefix="starling-torture-")
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000)

    async def play():
        world = World(seed, state_dir, [word for one in asked.set for word in ("--set", one)], asked.gentle)
        if asked.state and os.path.exists(asked.state):
            with open(asked.state) as file:
                world.restore(json.load(file))
        began, first = time.monotonic(), world.rounds

        def after_drain():
            if asked.state:
                save(asked.state, world)

        try:
            await run(world, asked.rounds, asked.drain_every, asked.seconds, after_drain)
        finally:
            await world.kill()
        print(f"seed {world.seed}: {world.summary()}; {world.rounds - first} rounds in {time.monotonic() - began:.0f} s")

    failed = True
    try:
        asyncio.run(play())
        failed = False
    except Broken as error:
        print(f"BROKEN: {error}\nstate directory: {state_dir}", file=sys.stderr)
    finally:
        if not asked.state and not (failed and asked.keep):
            shutil.rmtree(state_dir, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
