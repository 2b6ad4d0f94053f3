#!/usr/bin/env python3
"""CONNECT and CONNACK (3.1, 3.2), who is let in, taking over, PINGREQ and DISCONNECT."""
import wire
from server import ConformanceCase, clauses, each, run
from wire import connect, prop, props


class Connect(ConformanceCase):

    @clauses("MQTT-3.2.2-1", "MQTT-3.2.0-1", "MQTT5-3.1.4-5", "MQTT5-3.2.0-1", "MQTT5-3.2.2-1")
    @each(3, 4, 5)
    def test_a_good_connect_is_accepted(self, version):
        client = self.client(version)
        client.quiet()
        client.leave()

    @clauses("MQTT-3.1.2-2", "MQTT5-3.1.2-2")
    def test_an_unknown_level_is_refused_in_words(self):
        # 3.1.1 demands return code 1. To whom levels above 5 lay their fields out as 5.0 does, 0x84 says the same.
        for level in (0, 1, 2, 6, 9, 99, 0x7F, 0xFF):
            with self.subTest(level=level):
                client = self.open(4, connect(4, self.name("c"), level=level))
                client.expect_connack(1)
                client.expect_closed()
        for level in (6, 9, 99, 0x7F):
            with self.subTest(level=level, properties=True):
                client = self.open(5, connect(5, self.name("c"), level=level))
                client.expect_connack(0x84)
                client.expect_closed()

    @clauses("MQTT-3.1.2-1", "MQTT5-3.1.2-1")
    @each(3, 4, 5)
    def test_a_wrong_protocol_name_is_not_served(self, version):
        for name in ("hj", "", "mqtt", "MQTTT", "MQIsdq", "MQTT\0", "M" * 300):
            with self.subTest(name=name[:9]):
                self.open(version, connect(version, self.name("c"), name=name)).expect_refused(1, 0x84, 0x81, 0x82)

    @clauses("MQTT-3.1.2-1")
    def test_name_and_level_belong_together(self):
        self.open(4, connect(3, self.name("c"), name="MQTT", level=3)).expect_refused(1)
        self.open(4, connect(4, self.name("c"), name="MQIsdp", level=4)).expect_refused(1)
        self.open(4, connect(5, self.name("c"), name="MQIsdp", level=5)).expect_refused(1, 0x84)

    @clauses("MQTT-3.1.2-3", "MQTT5-3.1.2-3")
    @each(4, 5)
    def test_the_reserved_flag_is_checked(self, version):
        self.open(version, connect(version, self.name("c"), flags=3)).expect_refused(0x81, 0x82)

    @clauses("MQTT-3.1.0-1", "MQTT5-3.1.0-1")
    @each(4, 5)
    def test_anything_but_connect_comes_too_early(self, version):
        early = {"PUBLISH": wire.publish(version, "a", b"x"), "SUBSCRIBE": wire.subscribe(version, 1, "a"),
                 "UNSUBSCRIBE": wire.unsubscribe(version, 1, "a"), "PINGREQ": wire.PING,
                 "DISCONNECT": wire.disconnect(version), "PUBACK": wire.puback(1), "PUBREL": wire.pubrel(1),
                 "CONNACK": b"\x20\x02\x00\x00", "AUTH": wire.auth(0x18, prop("auth_method", "x")),
                 "reserved": b"\x00\x00"}
        for kind, packet in early.items():
            with self.subTest(first=kind):
                self.open(4, packet).expect_closed()

    @clauses("MQTT-3.1.0-2", "MQTT5-3.1.0-2")
    @each(3, 4, 5)
    def test_a_second_connect_ends_the_connection(self, version):
        name = self.name("c")
        client = self.client(version, name)
        client.send(connect(version, name)).expect_closed(0x82)

    @clauses("MQTT-3.1.3-5", "MQTT5-3.1.3-5")
    @each(3, 4, 5)
    def test_client_ids_of_letters_and_digits_are_admitted(self, version):
        for client_id in ("a", "0123456789abcdefghijklm", "nopqrstuvwxyzABCDEFGHI", "JKLMNOPQRSTUVWXYZ"):
            self.client(version, client_id).leave()

    @each(4, 5)
    def test_longer_and_stranger_client_ids_work_too(self, version):
        for client_id in ("x" * 200, "a b/c#+$ü€𝄞", "\ufeffmyclientid"):
            self.client(version, client_id).leave()

    @clauses("MQTT-3.1.3-6", "MQTT-3.1.3-7", "MQTT5-3.1.3-6", "MQTT5-3.1.3-7", "MQTT5-3.2.2-16")
    def test_empty_client_ids_are_replaced(self):
        first, second = self.client(5, ""), self.client(5, "")
        ids = [one.connack.properties.get("assigned_client_id") for one in (first, second)]
        self.assertTrue(all(ids))
        self.assertNotEqual(*ids)
        first.quiet()
        self.client(4, "").quiet()
        self.client(5, "", clean=False).quiet()

    @clauses("MQTT-3.1.3-8", "MQTT-3.2.2-4", "MQTT-3.2.2-5")
    def test_an_empty_client_id_cannot_keep_a_session_before_version_5(self):
        client = self.open(4, connect(4, "", clean=False))
        client.expect_connack(2)
        client.expect_closed()

    def test_an_empty_client_id_does_not_exist_in_3_1(self):
        client = self.open(3, connect(3, ""))
        client.expect_refused(2)

    @clauses("MQTT-3.1.4-2", "MQTT5-3.1.4-3")
    @each(3, 4, 5)
    def test_a_client_that_connects_again_ends_its_older_connection(self, version):
        name = self.name("c")
        old = self.client(version, name)
        new = self.client(version, name)
        old.expect_closed(0x8E)
        new.quiet()

    @clauses("MQTT5-3.1.4-3")
    def test_versions_take_over_from_each_other(self):
        name = self.name("c")
        old, new = self.client(5, name), self.client(4, name)
        old.expect_closed(0x8E)
        self.client(5, name).quiet()
        new.expect_closed()

    @clauses("MQTT-3.12.4-1", "MQTT5-3.12.4-1")
    @each(3, 4, 5)
    def test_pingreq_is_answered(self, version):
        self.client(version).send(wire.PING, wire.PING).expect(wire.PONG, wire.PONG)

    @clauses("MQTT-3.14.4-1", "MQTT5-3.14.4-2")
    @each(3, 4, 5)
    def test_disconnect_ends_the_connection_without_an_answer(self, version):
        self.client(version).leave()

    @clauses("MQTT5-3.14.2-1")
    def test_disconnect_may_say_why(self):
        for reason in (0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99):
            with self.subTest(reason=reason):
                self.client(5).leave(reason)
        self.client(5).leave(0, b"")
        self.client(5).leave(0, props(reason_string="done", user_property=[("a", "b"), ("a", "b")]))

    @clauses("MQTT5-3.14.4-1")
    @each(4, 5)
    def test_nothing_behind_disconnect_is_processed(self, version):
        topic, watcher = self.name(), self.client(version)
        watcher.subscribe(topic)
        client = self.client(version)
        client.send(wire.disconnect(version), wire.publish(version, topic, b"late"))
        client.expect_closed()
        self.client(version).quiet()
        watcher.quiet()

    @clauses("MQTT-6.0.0-2")
    @each(4, 5)
    def test_packets_may_arrive_in_any_pieces(self, version):
        client = self.open(version)
        data = connect(version, self.name("c")) + wire.PING + wire.subscribe(version, 7, "pieces/x") + wire.PING
        for byte in data:
            client.send(bytes([byte]))
        suback = wire.frame(wire.SUBACK, 0, b"\0\7\0" + (b"\0" if version == 5 else b""))
        client.expect_connack()
        client.expect_any_order(wire.PONG, suback, wire.PONG)
        together = self.open(version, data)
        together.expect_connack()
        together.expect_any_order(wire.PONG, suback, wire.PONG)

    @clauses("MQTT-3.1.4-5")
    @each(4, 5)
    def test_clients_need_not_wait_for_connack(self, version):
        client = self.open(version, connect(version, self.name("c")) + wire.publish(version, self.name(), b"x", 1, 9))
        client.expect_connack()
        client.expect_kind(wire.PUBACK, packet_id=9)

    @clauses("MQTT5-3.1.2-28")
    def test_response_information_comes_only_if_asked_for(self):
        self.assertNotIn("response_info", self.client(5).connack.properties)
        self.assertNotIn("response_info", self.client(5, properties=prop("request_response_info", 0)).connack.properties)
        self.client(5, properties=prop("request_response_info", 1)).quiet()

    def test_every_property_of_connect_is_read(self):
        client = self.client(5, properties=props(
            session_expiry=5, receive_maximum=7, maximum_packet_size=2000, topic_alias_maximum=3,
            request_response_info=0, request_problem_info=1, user_property=[("a", "1"), ("a", "2"), ("", "")]))
        client.quiet()
        client.leave(0, prop("session_expiry", 0))

    def test_default_connack_promises_what_the_server_has(self):
        connack = self.client(5).connack
        for name in ("wildcard_available", "subscription_id_available", "shared_available", "retain_available"):
            self.assertEqual(connack.properties.get(name, 1), 1)
        self.assertEqual(connack.properties.get("maximum_qos", 2), 2)
        self.assertNotIn("assigned_client_id", connack.properties)
        self.assertNotIn("server_keep_alive", connack.properties)
        self.assertNotIn("auth_method", connack.properties)

    @clauses("MQTT5-4.12.0-1")
    def test_an_unknown_authentication_method_is_refused(self):
        client = self.open(5, connect(5, self.name("c"), properties=prop("auth_method", "nobody-knows")))
        client.expect_connack(0x8C)
        client.expect_closed()

    @clauses("MQTT5-4.12.0-7", "MQTT5-4.12.0-6")
    def test_auth_without_a_method_is_a_protocol_error(self):
        self.client(5).send(wire.auth(0x19, prop("auth_method", "x"))).expect_closed(0x82, 0x8C)
        self.client(5).send(wire.auth(0x18, prop("auth_method", "x"))).expect_closed(0x82, 0x8C)
        self.client(5).send(wire.auth()).expect_closed(0x82, 0x81)

    def test_user_names_and_passwords_are_ignored_where_nobody_needs_them(self):
        for version in (3, 4, 5):
            self.client(version, user="somebody", password=b"\x00\xff").quiet()
            self.client(version, user="somebody").quiet()
        self.client(5, password=b"alone").quiet()
        self.client(4, user="", password=b"").quiet()


run() if __name__ == "__main__" else None
