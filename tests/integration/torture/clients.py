"""Clients on bare sockets that know what the standard asks of them over any number of connections: a publisher that
repeats what was not acknowledged, a subscriber with one of several habits, a client whose will is all it has to say.

Their state outlives connections, as that of a program does that was not killed with the broker. They report to the model.
"""
import asyncio
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
import wire  # noqa: E402

from model import Broken, EMPTY, Message, payload_of  # noqa: E402

FAILED = 0x80  # reason codes from here on
NOT_FOUND = 0x92  # Packet Identifier not found
EXPIRY = 7 * 86400  # seconds that sessions of version 5 outlive their connections


class Connection(asyncio.Protocol):
    """One TCP connection of a client. Ends are no errors: brokers are killed here."""

    def __init__(self, client):
        self.client, self.reader = client, wire.Reader()
        self.closed = asyncio.get_running_loop().create_future()
        self.transport, self.up = None, False  # up: CONNACK has come

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.client.connect_packet())

    def data_received(self, data):
        for got in self.reader.feed(data):
            if self.client.connection is not self:
                return  # the client has turned away
            try:
                self.client.handle(got)
            except Exception as error:  # whatever went wrong must end the run, not this connection
                self.client.world.broke(error)
                return

    def connection_lost(self, error):
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)


class Client:
    """`world`: .model, .random, .draining, .connect(client), .broke(error), .progress()."""

    def __init__(self, world, client_id, version):
        self.world, self.client_id, self.version, self.connection = world, client_id, version, None

    @property
    def model(self):
        return self.world.model

    @property
    def up(self):
        return self.connection is not None and self.connection.up and not self.connection.closed.done()

    def connect_packet(self, clean=False):
        return wire.connect(self.client_id, self.version, clean=clean, keep_alive=0,
                            expiry=EXPIRY if self.version == 5 else None)

    def send(self, data):
        self.connection.send(data)

    def handle(self, got):
        if got.kind == wire.CONNACK:
            if got.body[1] != 0:
                raise Broken(f"{self.client_id}: refused with {got.body[1]:#x}")
            self.connection.up = True
            self.on_connected(bool(got.body[0] & 1))
        elif got.kind == wire.DISCONNECT:
            raise Broken(f"{self.client_id}: disconnected by the broker, reason {got.body[:1].hex()}")
        else:
            self.on_packet(got)
        self.world.progress()

    def reason(self, got):
        """Of an acknowledgement."""
        return got.body[2] if self.version == 5 and len(got.body) > 2 else 0

    def turn_away(self):
        """Ends the connection without a word."""
        if self.connection:
            self.connection.transport.abort()
            self.connection = None


class Publisher(Client):
    """Keeps at most `window` messages under way, over reconnections too, and repeats them as 4.4 says."""

    def __init__(self, world, name, version):
        super().__init__(world, name, version)
        self.known, self.last_id, self.pending = False, 0, {}  # pending: packet id -> Message, in the order of sending
        self.window, self.budget = 8, 0

    def plan(self, window, budget):
        self.window, self.budget = window, budget

    def on_connected(self, present):
        if self.known and not present:
            raise Broken(f"{self.client_id}: the publisher's session is gone, {len(self.pending)} messages under way")
        self.known = True
        # What was released goes first only if it was sent first: the order of sending is kept.
        for message in self.pending.values():
            self.transmit(message)
        self.fill()

    def transmit(self, message):
        if message.released:
            self.send(wire.acknowledge(wire.PUBREL, message.packet_id))
            return
        self.send(wire.publish(message.topic, message.payload, message.qos, message.retain, message.packet_id,
                               self.version, duplicate=message.sent))
        if not message.sent:
            message.sent = True
            self.model.on_first_sent(message)

    def fill(self):
        while self.up and len(self.pending) < self.window and self.budget > 0:
            self.budget -= 1
            self.publish_something()

    def publish_something(self):
        random = self.world.random
        retain = random.random() < 0.2
        topic = f"{'r' if retain else 't'}/{self.client_id}/{random.randrange(4)}/q{random.choice((1, 1, 2))}"
        size = random.choice((0, 10, 100, 1000)) if random.random() < 0.97 else random.randrange(5_000, 60_000)
        self.publish(topic, size, retain, erase=retain and random.random() < 0.2)

    def publish(self, topic, size=10, retain=False, erase=False):
        seq = self.model.next_number(topic)
        message = Message(topic, seq, EMPTY if erase else payload_of(seq, size), retain, self.free_id())
        self.pending[message.packet_id] = message
        self.transmit(message)

    def free_id(self):
        while True:
            self.last_id = self.last_id % 65535 + 1
            if self.last_id not in self.pending:
                return self.last_id

    def on_packet(self, got):
        packet_id, reason = wire.packet_id_of(got), self.reason(got)
        message = self.pending.get(packet_id)
        if message is None:
            raise Broken(f"{self.client_id}: packet {got.kind} for id {packet_id}, which is not open")
        if got.kind == wire.PUBCOMP and message.released and reason == NOT_FOUND:
            reason = 0  # the PUBCOMP before the reconnection was lost; the message must have gone on all the same
        if reason >= FAILED:
            raise Broken(f"{self.client_id}: {message.topic} number {message.seq} refused with {reason:#x}")
        expected = wire.PUBACK if message.qos == 1 else wire.PUBCOMP if message.released else wire.PUBREC
        if got.kind == wire.PUBREC and message.released:
            return  # of the PUBLISH before a reconnection; answered by the PUBREL that is under way
        if got.kind != expected:
            raise Broken(f"{self.client_id}: packet {got.kind} where {expected} was due")
        if got.kind == wire.PUBREC:
            message.released = True
            self.transmit(message)
            return
        del self.pending[packet_id]
        self.model.on_acknowledged(message)
        self.fill()

    def to_json(self):
        return {"name": self.client_id, "version": self.version, "known": self.known, "last_id": self.last_id}


class Subscriber(Client):
    """Habits: prompt; slow (acknowledges late, in lots); holding (QoS 2 stays half done, QoS 1 unacknowledged);
    dropping (goes without a word after some messages, comes again at once)."""

    def __init__(self, world, session):
        super().__init__(world, session.client_id, session.version)
        self.session, self.habit = session, "prompt"
        self.late, self.timer, self.drops_after, self.changes = [], None, 0, 0
        self.asked, self.last_id = None, 0  # the SUBSCRIBE or UNSUBSCRIBE under way
        self.flushed = False

    def plan(self, habit, changes, drops=3):
        self.habit, self.changes, self.drops, self.drops_after = habit, changes, drops, 0
        self.flushed = False

    def connect_packet(self, clean=False):
        # Before version 5 a clean session ends with its connection: nothing to see afterwards.
        may_start_anew = self.session.changing and self.version == 5 and not self.world.draining
        if may_start_anew and self.world.random.random() < 0.05:
            self.session.starts_anew = True
        if self.session.starts_anew:
            self.session.forget_everything(self.model.now())
            for subscription in self.session.filters.values():
                subscription.gone_since = None  # until the CONNACK says so
        return super().connect_packet(self.session.starts_anew)

    def on_connected(self, present):
        self.late, self.asked, self.drops_after = [], None, self.world.random.randrange(1, 30)
        self.model.on_session(self.session, present)
        self.next_change()

    # Subscriptions

    def wanted(self):
        """The next change: ("+" or "-", filter, qos), or None."""
        for filter_, subscription in self.session.filters.items():
            fixed = not self.session.changing or filter_ == "b/#"
            uncertain = subscription.held_since is None and subscription.gone_since is None
            if uncertain or (fixed and subscription.held_since is None):
                return "+", filter_, subscription.qos
        if self.changes > 0 and self.session.changing and not self.world.draining:
            self.changes -= 1
            filter_ = self.world.random.choice([name for name in self.session.filters if name != "b/#"])
            subscription = self.session.filters[filter_]
            return ("-" if subscription.held_since is not None else "+"), filter_, subscription.qos
        return None

    def next_change(self):
        self.asked = self.wanted()
        if not self.asked:
            return
        sign, filter_, qos = self.asked
        self.last_id = self.last_id % 65535 + 1
        if sign == "+":
            self.model.on_subscribing(self.session, filter_, qos)
            self.send(wire.subscribe([(filter_, qos)], self.last_id, self.version))
        else:
            self.model.on_unsubscribing(self.session, filter_)
            self.send(wire.unsubscribe([filter_], self.last_id, self.version))

    def on_answer(self, got):
        if self.asked is None or wire.packet_id_of(got) != self.last_id:
            raise Broken(f"{self.client_id}: packet {got.kind} that nobody waits for")
        sign, filter_, qos = self.asked
        if got.kind == wire.SUBACK:
            code = got.body[-1]
            if sign != "+" or code != qos:
                raise Broken(f"{self.client_id}: SUBACK {code:#x} to {self.asked}")
            self.model.on_subscribed(self.session, filter_)
        else:
            if sign != "-":
                raise Broken(f"{self.client_id}: UNSUBACK to {self.asked}")
            self.model.on_unsubscribed(self.session, filter_)
        self.next_change()

    # Messages

    def on_packet(self, got):
        if got.kind in (wire.SUBACK, wire.UNSUBACK):
            self.on_answer(got)
        elif got.kind == wire.PINGRESP:
            self.flushed = True
        elif got.kind == wire.PUBLISH:
            message = wire.read_message(got, self.version)
            self.model.on_message(self.session, message)
            if message.qos:
                self.answer(wire.PUBACK if message.qos == 1 else wire.PUBREC, message.packet_id)
            self.maybe_drop()
        elif got.kind == wire.PUBREL:
            self.answer(wire.PUBCOMP, wire.packet_id_of(got))
        else:
            raise Broken(f"{self.client_id}: packet {got.kind} came")

    def answer(self, kind, packet_id):
        if self.world.draining or self.habit in ("prompt", "dropping"):
            self.acknowledge(kind, packet_id)
        elif self.habit == "holding":
            if kind == wire.PUBREC and self.world.random.random() < 0.7:
                self.acknowledge(kind, packet_id)
        else:
            self.late.append((kind, packet_id))
            if self.timer is None:
                self.timer = asyncio.get_running_loop().call_later(0.01, self.answer_late, self.connection)

    def answer_late(self, connection):
        self.timer = None
        late, self.late = self.late, []
        if self.connection is connection and self.up:
            for kind, packet_id in late:
                self.acknowledge(kind, packet_id)

    def acknowledge(self, kind, packet_id):
        if kind == wire.PUBCOMP:
            self.session.open_ids.pop(packet_id, None)
        self.send(wire.acknowledge(kind, packet_id))

    def maybe_drop(self):
        if self.habit != "dropping" or self.world.draining or self.drops <= 0:
            return
        self.drops_after -= 1
        if self.drops_after <= 0:
            self.drops -= 1
            self.turn_away()
            self.world.connect(self)


class WillClient(Client):
    """Connects with a will and never says goodbye: once its CONNACK has come, the will must come."""

    def __init__(self, world, number, version, qos, delay):
        super().__init__(world, f"w{number}", version)
        self.topic, self.delay, self.connected = f"w/{number}/q{qos}", delay, False
        self.qos, self.sent_at = qos, 0

    def connect_packet(self, clean=False):
        seq = self.model.next_number(self.topic)
        self.model.note_sent(self.topic, seq)
        self.sent_at = self.model.tick
        delay = b"\x18" + struct.pack(">I", self.delay) if self.version == 5 else b""
        return wire.connect(self.client_id, self.version, clean=False, keep_alive=0,
                            will=(self.topic, payload_of(seq, 20), self.qos, False, delay),
                            expiry=60 if self.version == 5 else None)

    def on_connected(self, present):
        self.connected = True
        self.model.owe(self.topic, 1, self.sent_at)

    def on_packet(self, got):
        raise Broken(f"{self.client_id}: packet {got.kind} came")
