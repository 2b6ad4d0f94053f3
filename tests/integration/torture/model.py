"""What must hold: every message that was sent, what became of it, and what each session is owed.

Nothing here knows a socket. Clients report what they send and receive, in the order in which it happens; `tick` numbers
these events, so that "was subscribed before it was first sent" is a comparison of two numbers. Whatever breaks a promise
raises Broken.

A topic is one stream of numbers: it has one publisher and one QoS, both in its name (t/p0/1/q2; r/... is retained;
w/... is a will). A payload names its number and is filled with a pattern that follows from it.
"""

EMPTY = b""


class Broken(AssertionError):
    """A promise was broken."""


def payload_of(seq, size):
    """Readable head, then `size` bytes that follow from the number, so that a torn payload shows."""
    return b"%d:%d:" % (seq, size) + bytes([(seq * 31 + size) & 0xFF]) * size


def read_payload(payload):
    try:
        seq, size, _ = payload.split(b":", 2)
        seq, size = int(seq), int(size)
    except ValueError:
        raise Broken(f"a payload that nobody sent: {payload[:60]!r}") from None
    if payload != payload_of(seq, size):
        raise Broken(f"a torn payload of number {seq}: {len(payload)} bytes, {payload[:60]!r}")
    return seq


def qos_of(topic):
    return int(topic[-1])


def matches(filter_, topic):
    """Filters here are "#" or end in "/#"."""
    return filter_ == "#" or topic.startswith(filter_[:-1])


class Message:
    """One PUBLISH that has not been acknowledged to the end."""
    __slots__ = ("topic", "qos", "seq", "payload", "retain", "packet_id", "released", "sent")

    def __init__(self, topic, seq, payload, retain, packet_id):
        self.topic, self.qos, self.seq, self.payload = topic, qos_of(topic), seq, payload
        self.retain, self.packet_id = retain, packet_id
        self.released = False  # PUBREC has come, PUBREL is what is repeated
        self.sent = False      # at least once

    @property
    def erases(self):
        return self.payload == EMPTY


class Subscription:
    """`held_since`: since this tick it is certainly there. `gone_since`: since this tick it certainly is not."""

    def __init__(self, qos, held_since=None, gone_since=0):
        self.qos, self.held_since, self.gone_since = qos, held_since, gone_since


class Session:
    """What a subscriber's session is owed and has seen."""

    def __init__(self, client_id, version, changing):
        self.client_id, self.version, self.changing = client_id, version, changing
        self.known = False        # a CONNACK has promised it
        self.starts_anew = False  # a CONNECT that ends the old session is under way
        self.filters = {}         # filter -> Subscription
        self.due = {}             # topic -> numbers that must still come
        self.open_ids = {}        # inbound QoS 2: packet id -> (topic, number)
        self.floor = {}           # topic -> everything up to it came before the last drain
        self.seen = {}            # topic -> numbers beyond the floor that have come
        self.last = {}            # topic -> the greatest that has come for the first time

    def forget_everything(self, tick):
        """The session began anew."""
        self.due, self.open_ids, self.seen, self.last = {}, {}, {}, {}
        for subscription in self.filters.values():
            subscription.held_since, subscription.gone_since = None, tick

    def excuse(self, filter_):
        """What waited because of this filter need not come any more."""
        for topic in [topic for topic in self.due if matches(filter_, topic)]:
            del self.due[topic]

    def holds_since_before(self, topic, tick):
        """Was it certainly subscribed all the time from `tick` until now?"""
        return any(one.held_since is not None and one.held_since < tick and matches(filter_, topic)
                   for filter_, one in self.filters.items())

    def owed(self):
        return sum(len(numbers) for numbers in self.due.values())


class Model:
    def __init__(self):
        self.tick = 0
        self.sent = {}        # topic -> greatest number sent
        self.first_sent = {}  # topic -> number -> tick, since the last drain
        self.retained = {}    # topic -> number that was acknowledged last, 0: erased or never set
        self.pending = {}     # retained topic -> [numbers sent later, 0: an erasure]
        self.sessions = {}    # client id -> Session
        self.acknowledged = self.delivered = self.repeated = 0

    def now(self):
        self.tick += 1
        return self.tick

    # --- publishers

    def next_number(self, topic):
        self.sent[topic] = self.sent.get(topic, 0) + 1
        return self.sent[topic]

    def on_first_sent(self, message):
        self.note_sent(message.topic, message.seq)
        if message.retain:
            self.pending.setdefault(message.topic, []).append(0 if message.erases else message.seq)

    def note_sent(self, topic, seq):
        self.first_sent.setdefault(topic, {})[seq] = self.now()

    def on_acknowledged(self, message):
        """PUBACK or PUBCOMP: from here on the broker owes it."""
        self.acknowledged += 1
        if message.retain:
            # In the order of sending; an acknowledgement of the later one stands for the earlier ones too.
            value, waiting = 0 if message.erases else message.seq, self.pending[message.topic]
            if value in waiting:
                del waiting[:waiting.index(value) + 1]
                self.retained[message.topic] = value
        if not message.erases:
            self.owe(message.topic, message.seq, self.first_sent[message.topic][message.seq])

    def owe(self, topic, seq, sent_at):
        """Every session that was certainly subscribed from before it was sent until now must get it."""
        for session in self.sessions.values():
            if seq in session.seen.get(topic, ()) or seq <= session.floor.get(topic, 0):
                continue
            if session.holds_since_before(topic, sent_at):
                session.due.setdefault(topic, set()).add(seq)

    # --- subscribers

    def on_session(self, session, present):
        """A CONNACK came."""
        if session.starts_anew:
            if present:
                raise Broken(f"{session.client_id}: a clean start found a session")
            session.forget_everything(self.now())
            session.starts_anew = False
        elif session.known and not present:
            raise Broken(f"{session.client_id}: its session is gone, {session.owed()} messages were owed to it")
        session.known = True

    def on_subscribing(self, session, filter_, qos):
        subscription = session.filters.setdefault(filter_, Subscription(qos))
        subscription.gone_since = None

    def on_subscribed(self, session, filter_):
        if session.filters[filter_].held_since is None:
            session.filters[filter_].held_since = self.now()

    def on_unsubscribing(self, session, filter_):
        session.filters[filter_].held_since = None
        session.excuse(filter_)

    def on_unsubscribed(self, session, filter_):
        session.filters[filter_].gone_since = self.now()

    def on_message(self, session, got):
        """A PUBLISH came (interop/wire.Message). Says whether a QoS 2 one is a repetition."""
        self.now()
        if got.qos == 2 and got.packet_id in session.open_ids:
            self.check_repetition(session, got)
            self.repeated += 1
            return True
        if got.payload:
            seq = read_payload(got.payload)
            if got.qos == 2:
                session.open_ids[got.packet_id] = (got.topic, seq)
            if not got.retain:
                self.on_delivery(session, got.topic, seq, got.qos)
        elif got.qos == 2:
            session.open_ids[got.packet_id] = (got.topic, 0)
        return False

    def check_repetition(self, session, got):
        """DUP is not asked for: a broker that died may not know any more that it had sent the message."""
        topic, seq = session.open_ids[got.packet_id]
        if topic != got.topic or seq != (read_payload(got.payload) if got.payload else 0):
            raise Broken(f"{session.client_id}: packet id {got.packet_id} is open with {topic} number {seq} and came "
                         f"again with {got.topic} {got.payload[:20]!r}: a client takes that for a repetition")

    def on_delivery(self, session, topic, seq, qos):
        if seq > self.sent.get(topic, 0):
            raise Broken(f"{session.client_id}: {topic} number {seq} was never sent")
        seen = session.seen.setdefault(topic, set())
        if seq in seen or seq <= session.floor.get(topic, 0):
            if qos == 2:
                raise Broken(f"{session.client_id}: {topic} number {seq} came twice with QoS 2")
            self.repeated += 1
            return
        # One that was sent before the subscription was certain may have passed it by, and comes only because it is repeated.
        sent_at = self.first_sent.get(topic, {}).get(seq, 0)
        if seq < session.last.get(topic, 0) and session.holds_since_before(topic, sent_at):
            raise Broken(f"{session.client_id}: {topic} number {seq} came for the first time after {session.last[topic]}")
        self.check_wanted(session, topic, seq)
        seen.add(seq)
        session.last[topic] = max(seq, session.last.get(topic, 0))
        self.delivered += 1
        due = session.due.get(topic)
        if due:
            due.discard(seq)
            if not due:
                del session.due[topic]

    def check_wanted(self, session, topic, seq):
        sent_at = self.first_sent.get(topic, {}).get(seq)
        if sent_at is None:
            return
        found = [one for filter_, one in session.filters.items() if matches(filter_, topic)]
        if all(one.gone_since is not None and one.gone_since < sent_at for one in found):
            raise Broken(f"{session.client_id}: {topic} number {seq} came, no subscription asked for it")

    # --- retained messages

    def allowed_values(self, topic):
        return {self.retained.get(topic, 0), *self.pending.get(topic, ())}

    def check_retained(self, found):
        """`found`: topic -> number, everything that a new subscriber got while no publisher was at work."""
        for topic in {*self.retained, *self.pending, *found}:
            if found.get(topic, 0) not in self.allowed_values(topic):
                raise Broken(f"retained {topic} is number {found.get(topic, 0)} (0: none), "
                             f"allowed are {sorted(self.allowed_values(topic))}")

    # --- drains

    def missing(self):
        """Sentences about what has not come yet."""
        found = []
        for session in self.sessions.values():
            for topic, numbers in session.due.items():
                some = sorted(numbers)
                found.append(f"{session.client_id} misses {len(some)} of {topic}: {some[:8]}, came last: "
                             f"{session.last.get(topic, session.floor.get(topic, 0))}")
            if session.open_ids:
                found.append(f"{session.client_id} waits for PUBREL of {sorted(session.open_ids.items())[:4]}")
        return found

    def settle(self):
        """Everything was acknowledged and has come: only the numbers reached need to be remembered."""
        for session in self.sessions.values():
            for topic in list(session.seen):
                session.floor[topic] = self.sent[topic]
            session.seen, session.last = {}, {}
        self.first_sent = {}

    def to_json(self):
        """Of a settled model."""
        sessions = [{"client_id": one.client_id, "version": one.version, "changing": one.changing, "known": one.known,
                     "floor": one.floor, "starts_anew": one.starts_anew,
                     "filters": {name: [sub.qos, sub.held_since, sub.gone_since] for name, sub in one.filters.items()}}
                    for one in self.sessions.values()]
        return {"tick": self.tick, "sent": self.sent, "retained": self.retained, "sessions": sessions,
                "acknowledged": self.acknowledged, "delivered": self.delivered, "repeated": self.repeated}

    @classmethod
    def from_json(cls, kept):
        model = cls()
        model.tick, model.sent, model.retained = kept["tick"], kept["sent"], kept["retained"]
        model.acknowledged, model.delivered = kept["acknowledged"], kept["delivered"]
        model.repeated = kept["repeated"]
        for one in kept["sessions"]:
            session = Session(one["client_id"], one["version"], one["changing"])
            session.known, session.floor, session.starts_anew = one["known"], one["floor"], one["starts_anew"]
            session.filters = {name: Subscription(*values) for name, values in one["filters"].items()}
            model.sessions[session.client_id] = session
        return model
