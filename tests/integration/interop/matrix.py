"""What every client must be able to do, through every door, in every version: one test for each combination.

A test file names a family of clients; `tests_of` makes its tests, named after scenario, door and version:
`test_will_over_mutual_tls_v5`. INTEROP_DOORS=tcp,tls restricts a run by hand to some doors.
"""
import concurrent.futures
import itertools
import os
import sys
import unittest

from interop.broker import DOORS, PASSWORD, USER, Broker
from interop.drivers import Options, Refused

VERSIONS = {3: "v3_1", 4: "v3_1_1", 5: "v5"}
NOT_AUTHORIZED = {3: 5, 4: 5, 5: 135}
FOR_EVER = 4294967295
BINARY = bytes(range(256))


class Scene(unittest.TestCase):
    """One scenario at one door in one version; its topics and client ids are its own. A TestCase for its assertions only."""
    _numbers = itertools.count()

    def __init__(self, family, broker):
        super().__init__("play")
        self.family, self.broker, self._sessions = family, broker, []
        self.own = f"t{next(self._numbers)}"

    def play(self, scenario, door, version):
        try:
            getattr(self, scenario)(door, version)
        finally:
            for session in self._sessions:
                try:
                    session.die()
                except Exception:  # it has left, or died, already
                    pass

    def topic(self, rest):
        return f"{self.own}/{rest}"

    def open(self, door, version, name="", **options):
        """A session of the family through a door, with all that this door asks for. `name`: part of the client id."""
        place = self.broker.doors[door]
        if place.wants_password:
            options = {"user": USER, "password": PASSWORD, **options}
        if place.wants_certificate:
            options = {"certificate": "client", **options}
        client_id = f"{self.own}{name}" if name else ""
        session = self.family.open(Options(place, self.broker, version, client_id, **options))
        self._sessions.append(session)
        return session

    # --- The scenarios

    def messages_of_every_qos(self, door, version):
        """Granted as asked, delivered once, in order, byte for byte; nothing live is marked retained."""
        publisher = self.open(door, version)
        for qos in (0, 1, 2):
            subscriber = self.open(door, version)
            topic = self.topic(f"Büro Süd/{qos}")
            self.assertEqual(subscriber.subscribe(topic, qos), qos)
            payloads = [b"first", BINARY, b"", BINARY * 400]
            for payload in payloads:
                publisher.publish(topic, payload, qos)
            for payload in payloads:
                got = subscriber.take()
                self.assertEqual((got.topic, got.qos, got.retain), (topic, qos, False))
                self.assertEqual(got.payload, payload)
            subscriber.leave()
        # The lower of the two levels is what arrives.
        low, high = self.open(door, version), self.open(door, version)
        low.subscribe(self.topic("+/low"), 0)
        high.subscribe(self.topic("#"), 2)
        for qos in (2, 1):
            publisher.publish(self.topic("a/low"), b"x", qos)
            self.assertEqual((low.take().qos, high.take().qos), (0, qos))

    def retained(self, door, version):
        """Kept for those who come later, marked; live ones see it unmarked; an empty payload takes it away."""
        live, publisher = self.open(door, version), self.open(door, version)
        live.subscribe(self.topic("#"), 1)
        for name in ("a", "b", "c/d"):
            publisher.publish(self.topic(name), f"old {name}", 1, retain=True)
            publisher.publish(self.topic(name), f"kept {name}", 1, retain=True)
        self.assertEqual([live.take().retain for _ in range(6)], [False] * 6)
        late = self.open(door, version)
        late.subscribe(self.topic("#"), 1)
        got = sorted(late.take() for _ in range(3))
        self.assertEqual([(g.topic, g.payload.decode(), g.retain) for g in got],
                         [(self.topic(name), f"kept {name}", True) for name in ("a", "b", "c/d")])
        for name in ("a", "c/d"):
            publisher.publish(self.topic(name), b"", 1, retain=True)
        self.assertEqual([late.take().payload, late.take().payload], [b"", b""])
        last = self.open(door, version)
        last.subscribe(self.topic("#"), 1)
        self.assertEqual(last.take().topic, self.topic("b"))
        publisher.publish(self.topic("end"), b"end", 1)
        self.assertEqual(last.take().topic, self.topic("end"))

    def will(self, door, version):
        """Sent when the client dies, not when it leaves; a retained one is kept."""
        watcher = self.open(door, version)
        watcher.subscribe(self.topic("#"), 1)
        mortal = self.open(door, version, will=(self.topic("will"), "gone", 1, True))
        mortal.subscribe(self.topic("nothing"), 0)
        mortal.die()
        got = watcher.take()
        self.assertEqual((got.topic, got.payload, got.qos, got.retain), (self.topic("will"), b"gone", 1, False))
        late = self.open(door, version)
        late.subscribe(self.topic("will"), 1)
        self.assertTrue(late.take().retain)
        orderly = self.open(door, version, will=(self.topic("never"), "gone", 1, False))
        orderly.subscribe(self.topic("nothing"), 0)
        orderly.leave()
        if version == 5 and self.family.asks_for_will:
            self.assertEqual(watcher.take().topic, self.topic("never"))
        self.open(door, version).publish(self.topic("end"), b"end", 1)
        self.assertEqual(watcher.take().topic, self.topic("end"))

    def persistent_session(self, door, version):
        """What comes while a client is away waits for it, in order; a clean start forgets."""
        lasting = {"clean": False, "expiry": FOR_EVER if version == 5 else None}
        client = self.open(door, version, "p", **lasting)
        client.subscribe(self.topic("#"), 2)
        self.assertIn(client.session_present, (False, None))
        client.leave()
        publisher = self.open(door, version)
        for i in range(10):
            publisher.publish(self.topic(f"q/{i % 3}"), f"{i}", 1 + i % 2)
        back = self.open(door, version, "p", **lasting)
        if version != 3:
            self.assertIn(back.session_present, (True, None))
        if self.family.resubscribes:
            back.subscribe(self.topic("#"), 2)
        got = [back.take() for _ in range(10)]
        # Clients hand over QoS 2 when it is released, QoS 1 at once: each level keeps its own order.
        for qos in (1, 2):
            self.assertEqual([int(g.payload) for g in got if g.qos == qos], list(range(qos - 1, 10, 2)))
        publisher.publish(self.topic("live"), b"live", 1)
        self.assertEqual(back.take().payload, b"live")
        back.leave()
        publisher.publish(self.topic("lost"), b"lost", 1)
        fresh = self.open(door, version, "p", clean=True)
        self.assertIn(fresh.session_present, (False, None))
        fresh.subscribe(self.topic("#"), 1)
        publisher.publish(self.topic("new"), b"new", 1)
        self.assertEqual(fresh.take().payload, b"new")

    def properties(self, door, version):
        """User properties of version 5 cross the broker."""
        subscriber = self.open(door, version)
        subscriber.subscribe(self.topic("#"), 1)
        self.open(door, version).publish(self.topic("p"), b"x", 1, user_property="colour=blue")
        self.assertIn(subscriber.take().user_property, ("colour=blue",) if self.family.shows_properties else (None,))

    def wrong_credentials(self, door, version):
        """Told that they are not authorised, whichever of the two is wrong; the right ones still work."""
        for user, password in ((USER, "wrong"), ("mallory", PASSWORD), (None, None)):
            with self.assertRaises(Refused) as refused:
                self.open(door, version, user=user, password=password).subscribe(self.topic("#"), 0)
            self.assertIn(refused.exception.code, (NOT_AUTHORIZED[version], None))
        self.retained(door, version)

    def wrong_certificate(self, door, version):
        """Neither none nor a stranger's opens the door."""
        for certificate in (None, "stranger"):
            with self.assertRaises(Refused):
                self.open(door, version, certificate=certificate).subscribe(self.topic("#"), 0)
        self.retained(door, version)


EVERYWHERE = ("messages_of_every_qos", "retained", "will", "persistent_session")


class FamilyTestCase(unittest.TestCase):
    """One broker and one family for all tests of a class. Scenes are played side by side when the whole file runs, since
    most of their time is waiting; each test then tells how its own went."""
    make_family = None
    doors, scenes, side_by_side = (), {}, 1

    @classmethod
    def setUpClass(cls):
        cls.family = cls.make_family()
        cls.addClassCleanup(cls.family.close)
        cls.broker = Broker(cls.doors)
        cls.addClassCleanup(cls.broker.close)
        pool = concurrent.futures.ThreadPoolExecutor(cls.side_by_side)
        cls.addClassCleanup(pool.shutdown, cancel_futures=True)
        cls.played = {}
        if cls.side_by_side > 1:
            cls.played = {name: pool.submit(cls.play, scene) for name, scene in cls.scenes.items()}

    @classmethod
    def play(cls, scene):
        Scene(cls.family, cls.broker).play(*scene)

    @classmethod
    def tearDownClass(cls):
        if cls.broker.alive():
            status = cls.broker.stop()
            assert status == 0, f"the broker ended with status {status}:\n{cls.broker.log.text()[-6000:]}"
        assert not cls.broker.complaints(), cls.broker.log.text()[-6000:]

    def tell(self, name):
        if name in self.played:
            self.played[name].result()
        else:
            self.play(self.scenes[name])
        self.assertTrue(self.broker.alive(), "the broker has ended:\n" + self.broker.log.text()[-6000:])


def tests_of(make_family, transports, side_by_side=4):
    """A test case class: `make_family` is called once, `transports` is what its clients can speak."""
    wanted = os.environ.get("INTEROP_DOORS", ",".join(DOORS)).split(",")
    doors = tuple(name for name in wanted if DOORS[name][0] in transports)
    scenes = {}
    for door, version in itertools.product(doors, VERSIONS):
        _, asks_certificate, asks_password = DOORS[door]
        there = EVERYWHERE + (("properties",) if version == 5 else ())
        there += (("wrong_credentials",) if asks_password else ()) + (("wrong_certificate",) if asks_certificate else ())
        for scenario in there:
            scenes[f"test_{scenario}_over_{door}_{VERSIONS[version]}"] = (scenario, door, version)
    members = {"make_family": staticmethod(make_family), "doors": doors, "scenes": scenes,
               "side_by_side": side_by_side if len(sys.argv) == 1 else 1}
    for name in scenes:
        members[name] = lambda self, name=name: self.tell(name)
    return type("Interop", (FamilyTestCase,), members)
