"""Clients of every family in one room, each through another door and in another version: all hear all."""
import os
import unittest

from harness import run
from interop.broker import DOORS, PASSWORD, USER, Broker
from interop.drivers import MosquittoTools, MqttJs, Options, PahoC, PahoPython

# family, door, version
ROOM = [
    (PahoPython, "websocket", 4),
    (PahoPython, "tcp", 3),
    (lambda: PahoC("sync"), "mutual_tls", 5),
    (lambda: PahoC("async"), "tls", 4),
    (MqttJs, "secure_websocket", 5),
    (MqttJs, "tls_password", 4),
    (MosquittoTools, "password", 5),
]


class Crossing(unittest.TestCase):
    def open_house(self, dialect):
        wanted = os.environ.get("INTEROP_DOORS", ",".join(DOORS)).split(",")
        self.room = [seat for seat in ROOM if seat[1] in wanted]
        self.broker = Broker(tuple(dict.fromkeys(door for _, door, _ in self.room)), dialect=dialect)
        self.addCleanup(self.broker.close)

    def enter(self, make_family, door, version):
        family = make_family()
        self.addCleanup(family.close)
        place = self.broker.doors[door]
        credentials = {"user": USER, "password": PASSWORD} if place.wants_password else {}
        certificate = "client" if place.wants_certificate else None
        session = family.open(Options(place, self.broker, version, certificate=certificate, **credentials))
        self.assertEqual(session.subscribe("room/#", 2), 2)
        self.addCleanup(session.die)
        return family, session, version

    def test_all_hear_all_with_a_mosquitto_conf(self):
        self.all_hear_all("mosquitto")

    def test_all_hear_all_with_native_settings(self):
        self.all_hear_all("toml")

    def all_hear_all(self, dialect):
        self.open_house(dialect)
        people = [self.enter(*seat) for seat in self.room]
        said = set()
        for i, (family, session, version) in enumerate(people):
            for qos in (0, 1, 2):
                property_ = f"from={family.name}" if version == 5 else None
                topic, payload = f"room/{i}/{family.name}", os.urandom(20 + 5000 * qos)
                session.publish(topic, payload, qos, user_property=property_)
                said.add((topic, qos, payload, property_ or ""))
        for family, session, version in people:
            heard = {session.take() for _ in said}
            self.assertEqual({got[:2] + got[3:4] for got in heard}, {what[:3] for what in said}, family.name)
            if version == 5 and family.shows_properties:
                self.assertEqual({(got.payload, got.user_property) for got in heard}, {what[2:] for what in said})
        self.assertIsNone(self.broker.complaints(), self.broker.log.text()[-6000:])


if __name__ == "__main__":
    run()
