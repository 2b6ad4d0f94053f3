#!/usr/bin/env python3
"""What a server may limit, told and enforced: the same mosquitto.conf serves Starling and Mosquitto."""
import wire
from server import ConformanceCase, clauses, each, run
from wire import connect, prop, publish


class Limits(ConformanceCase):
    conf = """
allow_anonymous true
max_keepalive 60
max_qos 1
retain_available false
max_packet_size 200
max_inflight_messages 5
max_topic_alias 3
"""

    @clauses("MQTT5-3.2.2-21")
    def test_the_servers_keep_alive_is_told(self):
        self.assertEqual(self.client(5, keep_alive=120).connack.properties.get("server_keep_alive"), 60)
        self.assertEqual(self.client(5, keep_alive=0).connack.properties.get("server_keep_alive"), 60)
        self.assertNotIn("server_keep_alive", self.client(5, keep_alive=60).connack.properties)
        self.assertNotIn("server_keep_alive", self.client(5, keep_alive=10).connack.properties)

    def test_connack_tells_every_limit(self):
        properties = self.client(5).connack.properties
        self.assertEqual({name: properties.get(name) for name in
                          ("maximum_qos", "retain_available", "maximum_packet_size", "receive_maximum", "topic_alias_maximum")},
                         {"maximum_qos": 1, "retain_available": 0, "maximum_packet_size": 200, "receive_maximum": 5,
                          "topic_alias_maximum": 3})

    @clauses("MQTT5-3.2.2-9", "MQTT5-3.2.2-10", "MQTT5-3.2.2-11")
    def test_qos_above_the_maximum(self):
        client = self.client(5)
        client.subscribe(("q", 2), granted=[1])
        client.send(publish(5, "q", b"x", 2)).expect_closed(0x9B)
        self.client(4).send(publish(4, "q", b"x", 2)).expect_closed()

    @clauses("MQTT5-3.2.2-12")
    def test_a_will_above_the_maximum_qos(self):
        client = self.open(5, connect(5, self.name("c"), will=("w", b"x", 2)))
        client.expect_connack(0x9B)
        client.expect_closed()

    @clauses("MQTT5-3.2.2-13", "MQTT5-3.2.2-14")
    def test_retained_messages_where_none_are_kept(self):
        self.client(5).send(publish(5, "r", b"x", 0, retain=True)).expect_closed(0x9A)
        client = self.open(5, connect(5, self.name("c"), will=("w", b"x", 0, True)))
        client.expect_connack(0x9A)
        client.expect_closed()

    @clauses("MQTT5-3.2.2-15")
    @each(4, 5)
    def test_packets_above_the_maximum(self, version):
        topic = self.name()
        reader = self.client(version).subscribe(topic)
        client = self.client(version)
        size = 200 - len(publish(version, topic, b"x" * 130)) + 130
        client.send(publish(version, topic, b"x" * size)).quiet()
        reader.expect_publish(topic, b"x" * size)
        client.send(publish(version, topic, b"x" * (size + 1))).expect_closed(0x95)
        reader.quiet()

    @clauses("MQTT5-3.3.4-7")
    def test_as_many_messages_under_way_as_the_server_takes(self):
        client = self.client(5)
        client.send(*[publish(5, "m", b"x", 1, i) for i in range(1, 6)])
        for i in range(1, 6):
            client.expect_kind(wire.PUBACK, packet_id=i)

    @each(3, 4)
    def test_before_version_5_there_is_no_such_limit(self, version):
        client = self.client(version)
        client.send(*[publish(version, "m", b"x", 1, i) for i in range(1, 2001)])
        for i in range(1, 2001):
            client.expect_kind(wire.PUBACK, packet_id=i)


class ClientIds(ConformanceCase):
    conf = """
allow_anonymous true
allow_zero_length_clientid false
clientid_prefixes good-
"""

    @each(3, 4, 5)
    def test_only_known_prefixes_are_admitted(self, version):
        self.client(version, "good-" + self.name()).quiet()
        client = self.open(version, connect(version, "bad-one"))
        got = client.receive()
        self.assertIn((got.kind, got.reason), ((wire.CONNACK, 2), (wire.CONNACK, 5), (wire.CONNACK, 0x85), (wire.CONNACK, 0x87)))
        client.expect_closed()

    @clauses("MQTT-3.1.3-9", "MQTT5-3.1.3-8")
    @each(4, 5)
    def test_empty_client_ids_may_be_refused(self, version):
        client = self.open(version, connect(version, ""))
        client.expect_connack(2 if version == 4 else 0x85)
        client.expect_closed()


class Strangers(ConformanceCase):
    conf = "allow_anonymous false\n"

    @clauses("MQTT-3.1.4-2", "MQTT-3.1.4-5", "MQTT-3.2.2-5", "MQTT5-3.1.4-2", "MQTT5-3.1.4-6", "MQTT5-3.2.2-7", "MQTT5-3.2.2-6")
    @each(3, 4, 5)
    def test_who_has_no_name_is_refused(self, version):
        for options in ({}, {"user": "u", "password": b"p"}, {"user": "u"}):
            client = self.open(version, connect(version, self.name("c"), **options) + publish(version, "late", b"x", 1, 1))
            client.expect_connack(5 if version < 5 else 0x87)
            client.expect_closed()


class OldSubscribers(ConformanceCase):
    conf = "allow_anonymous true\naccept_protocol_versions 4,5\n"

    @clauses("MQTT-3.1.2-2")
    def test_versions_may_be_shut_out(self):
        client = self.open(3, connect(3, self.name("c")))
        client.expect_connack(1)
        client.expect_closed()
        self.client(4).quiet()
        self.client(5).quiet()


class Mounted(ConformanceCase):
    conf = "allow_anonymous true\nmount_point mount/\nsys_interval 1\n"

    @each(4, 5)
    def test_mounted_clients_see_their_own_part_only(self, version):
        topic = self.name()
        client = self.client(version, will=(topic + "/will", b"w"))
        other = self.client(version).subscribe((topic + "/#", 1))
        client.publish(topic + "/a", b"x", 1)
        other.expect_publish(topic + "/a", b"x")
        client.drop()
        other.expect_publish(topic + "/will", b"w")
        self.client(version).publish(topic + "/kept", b"k", retain=True)
        other.expect_publish(topic + "/kept")
        self.client(version).subscribe(topic + "/kept").expect_publish(topic + "/kept", b"k", retain=True)


run() if __name__ == "__main__" else None
