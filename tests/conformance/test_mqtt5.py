#!/usr/bin/env python3
"""What is new in MQTT 5: properties passed on, topic aliases, subscription options and identifiers, flow control,
maximum packet size, reason codes, shared subscriptions."""
import wire
from server import ConformanceCase, clauses, run
from wire import prop, props, puback, pubcomp, publish, pubrec, pubrel, subscribe


class Properties(ConformanceCase):

    @clauses("MQTT5-3.3.2-4", "MQTT5-3.3.2-15", "MQTT5-3.3.2-16", "MQTT5-3.3.2-17", "MQTT5-3.3.2-18", "MQTT5-3.3.2-20")
    def test_properties_are_passed_on_unaltered(self):
        values = dict(payload_format=1, content_type="application/ä", response_topic="a/b c/$", correlation_data=bytes(range(256)),
                      user_property=[("z", "1"), ("a", ""), ("z", "2"), ("", "x"), ("z", "1")])
        for qos in (0, 1, 2):
            topic = self.name()
            reader = self.client(5).subscribe((topic, qos))
            self.client(5).publish(topic, b"x", qos, properties=props(**values))
            self.assertEqual(reader.expect_publish(topic, b"x").properties, values)
            old = self.client(4).subscribe(topic + "/old")
            self.client(5).publish(topic + "/old", b"x", qos, properties=props(**values))
            old.expect_publish(topic + "/old", b"x")

    def test_properties_are_kept_with_retained_messages_and_in_sessions(self):
        values = dict(content_type="t", response_topic="r", correlation_data=b"c", user_property=[("k", "v"), ("k", "w")])
        topic, name = self.name(), self.name("c")
        self.client(5, name, properties=prop("session_expiry", 60)).subscribe((topic, 1)).leave()
        self.client(5).publish(topic, b"x", 1, retain=True, properties=props(**values))
        back = self.client(5, name, True, clean=False, properties=prop("session_expiry", 60))
        self.assertEqual(back.expect_publish(topic, b"x").properties, values)
        self.assertEqual(self.client(5).subscribe(topic).expect_publish(topic, retain=True).properties, values)

    @clauses("MQTT5-3.3.2-6")
    def test_what_is_left_of_the_expiry_is_passed_on(self):
        topic = self.name()
        reader = self.client(5).subscribe(topic)
        self.client(5).publish(topic, b"x", properties=prop("message_expiry", 1000), retain=True)
        self.assertIn(reader.expect_publish(topic).properties["message_expiry"], (999, 1000))
        self.assertIn(self.client(5).subscribe(topic).expect_publish(topic).properties["message_expiry"], (998, 999, 1000))

    @clauses("MQTT5-3.3.2-12", "MQTT5-3.3.2-7")
    def test_topic_aliases_of_a_client(self):
        topic = self.name()
        reader, writer = self.client(5).subscribe(topic + "/#"), self.client(5)
        highest = writer.connack.properties["topic_alias_maximum"]
        writer.publish(topic + "/a", b"1", properties=prop("topic_alias", 1))
        writer.publish(topic + "/b", b"2", properties=prop("topic_alias", highest))
        writer.publish("", b"3", properties=prop("topic_alias", 1))
        writer.publish("", b"4", 1, properties=prop("topic_alias", highest))
        writer.publish(topic + "/c", b"5", properties=prop("topic_alias", 1))
        writer.publish("", b"6", 2, properties=prop("topic_alias", 1))
        for name, payload in (("a", "1"), ("b", "2"), ("a", "3"), ("b", "4"), ("c", "5"), ("c", "6")):
            self.assertNotIn("topic_alias", reader.expect_publish(f"{topic}/{name}", payload).properties)

    @clauses("MQTT5-3.3.2-7")
    def test_aliases_end_with_the_connection(self):
        topic, name, keep = self.name(), self.name("c"), prop("session_expiry", 60)
        first = self.client(5, name, properties=keep)
        first.publish(topic, b"x", properties=prop("topic_alias", 1))
        first.drop()
        second = self.client(5, name, True, clean=False, properties=keep)
        second.send(publish(5, "", b"x", properties=prop("topic_alias", 1))).expect_closed(0x82, 0x94)

    @clauses("MQTT5-3.1.2-26", "MQTT5-3.1.2-27", "MQTT5-3.3.2-11")
    def test_topic_aliases_of_the_server(self):
        topic = self.name()
        plain = self.client(5).subscribe((topic, 2))
        aliased = self.client(5, properties=prop("topic_alias_maximum", 1)).subscribe((topic, 2), (topic + "/other", 0))
        writer = self.client(5)
        for qos in (0, 1, 2):
            writer.publish(topic, b"x", qos)
            self.assertNotIn("topic_alias", plain.expect_publish(topic).properties)
        writer.publish(topic + "/other", b"y")
        known = {}
        for payload in (b"x", b"x", b"x", b"y"):
            got = aliased.expect_publish(payload=payload)
            alias = got.properties.get("topic_alias")
            self.assertIn(alias, (None, 1))
            if alias and got.topic:
                known[alias] = got.topic
            self.assertEqual(got.topic or known[alias], topic if payload == b"x" else topic + "/other")

    def test_the_first_message_of_a_topic_sets_its_alias(self):
        topic = self.name("TopicA")  # a name of a few bytes gains nothing and needs none
        reader = self.client(5, properties=prop("topic_alias_maximum", 10)).subscribe((topic, 2))
        writer = self.client(5)
        for qos in (0, 1, 2):
            writer.publish(topic, b"x", qos)
        alias = reader.expect_publish(topic).properties["topic_alias"]
        for _ in range(2):
            self.assertEqual(reader.expect_publish("").properties["topic_alias"], alias)

    @clauses("MQTT5-3.8.3-3")
    def test_no_local(self):
        topic = self.name()
        both = [self.client(5).subscribe((topic, 2 | wire.NO_LOCAL)) for _ in range(2)]
        both[0].publish(topic, b"x", 1)
        both[0].quiet()
        both[1].expect_publish(topic, b"x")

    @clauses("MQTT5-3.3.1-13", "MQTT5-3.3.1-12")
    def test_retain_as_published(self):
        topic = self.name()
        as_published = self.client(5).subscribe((topic, wire.RETAIN_AS_PUBLISHED))
        other = self.client(5).subscribe(topic)
        writer = self.client(5)
        for retain in (False, True):
            writer.publish(topic, b"x", retain=retain)
            as_published.expect_publish(topic, retain=retain)
            other.expect_publish(topic, retain=False)

    @clauses("MQTT5-3.3.1-9", "MQTT5-3.3.1-10", "MQTT5-3.3.1-11")
    def test_retain_handling(self):
        topic = self.name()
        self.client(5).publish(topic, b"x", retain=True)
        reader = self.client(5).subscribe((topic, wire.RETAIN_NEVER))
        reader.quiet()
        reader.subscribe((topic, wire.RETAIN_IF_NEW)).quiet()
        reader.subscribe((topic, 0)).expect_publish(topic, retain=True)
        reader.subscribe((topic, 1)).expect_publish(topic, retain=True)
        reader.quiet()
        new = self.client(5).subscribe((topic, wire.RETAIN_IF_NEW))
        new.expect_publish(topic, retain=True)
        new.send(wire.unsubscribe(5, 2, topic)).expect_kind(wire.UNSUBACK)
        new.subscribe((topic, wire.RETAIN_IF_NEW)).expect_publish(topic, retain=True)

    @clauses("MQTT5-3.3.4-3", "MQTT5-3.3.4-4")
    def test_subscription_identifiers(self):
        topic = self.name()
        reader = self.client(5)
        reader.subscribe(topic, properties=prop("subscription_id", 1))
        reader.subscribe(topic + "/#", properties=prop("subscription_id", 268435455))
        reader.subscribe("+/" + topic, properties=prop("subscription_id", 7))
        other = self.client(5).subscribe(topic)
        self.client(5).publish(topic, b"x", 1)
        self.assertEqual(sorted(reader.expect_publish(topic).properties["subscription_id"]), [1, 268435455])
        reader.quiet()
        self.assertNotIn("subscription_id", other.expect_publish(topic).properties)
        reader.subscribe(topic, properties=prop("subscription_id", 9)).subscribe(topic + "/#")
        self.client(5).publish(topic, b"x", 1)
        self.assertEqual(reader.expect_publish(topic).properties["subscription_id"], [9])

    def test_identifiers_come_with_retained_messages_too(self):
        topic = self.name()
        self.client(5).publish(topic, b"x", retain=True)
        reader = self.client(5).subscribe(topic, properties=prop("subscription_id", 129))
        self.assertEqual(reader.expect_publish(topic, retain=True).properties["subscription_id"], [129])

    def test_reasons_say_that_nobody_listens(self):
        topic = self.name()
        writer = self.client(5)
        writer.send(publish(5, topic, b"x", 1, 1)).expect_kind(wire.PUBACK, packet_id=1, reason=0x10)
        writer.send(publish(5, topic, b"x", 2, 2)).expect(pubrec(2))  # as in Mosquitto: the short form
        writer.send(pubrel(2)).expect_kind(wire.PUBCOMP, packet_id=2, reason=0)
        self.client(5).subscribe(topic)
        writer.send(publish(5, topic, b"x", 1, 3)).expect(puback(3))
        writer.send(publish(5, topic, b"x", 2, 4)).expect(pubrec(4))

    def test_short_forms_are_read(self):
        topic = self.name()
        for answer in (puback(1), puback(1, 0), puback(1, 0, b""), puback(1, 0x10), puback(1, 0x80),
                       puback(1, 0, props(reason_string="ok", user_property=[("a", "b")]))):
            reader = self.client(5, properties=prop("receive_maximum", 1)).subscribe((topic, 1))
            writer = self.client(5)
            writer.publish(topic, b"1", 1)
            writer.publish(topic, b"2", 1)
            reader.expect_publish(topic, b"1", packet_id=1)
            reader.quiet()
            reader.send(answer).expect_publish(topic, b"2")
            reader.drop()

    @clauses("MQTT5-4.4.0-2")
    def test_a_refusing_pubrec_ends_the_handshake(self):
        topic, name, keep = self.name(), self.name("c"), prop("session_expiry", 60)
        reader = self.client(5, name, properties=keep).subscribe((topic, 2))
        self.client(5).publish(topic, b"x", 2)
        reader.send(pubrec(reader.expect_publish(topic).packet_id, 0x83)).quiet()
        reader.drop()
        self.client(5, name, True, clean=False, properties=keep).quiet()

    def test_pubrec_of_nothing_is_answered(self):
        self.client(5).send(pubrec(99)).expect_kind(wire.PUBREL, packet_id=99, reason=0x92)

    @clauses("MQTT5-3.1.2-29")
    def test_no_problem_information_if_not_wanted(self):
        reader = self.client(5, properties=prop("request_problem_info", 0))
        reader.send(subscribe(5, 1, "a#", "ok"))
        got = reader.receive()
        if got.kind == wire.SUBACK:
            self.assertEqual(got.properties, {})
        topic = self.name()
        reader = self.client(5, properties=prop("request_problem_info", 0)).subscribe(topic)
        self.client(5).publish(topic, b"x", properties=prop("user_property", ("a", "b")))
        self.assertEqual(reader.expect_publish(topic).properties, {"user_property": [("a", "b")]})
        self.assertEqual(reader.send(publish(5, self.name(), b"x", 1, 1)).receive().properties, {})
        self.assertEqual(reader.send(pubrec(7)).receive().properties, {})

    @clauses("MQTT5-4.9.0-1", "MQTT5-4.9.0-2", "MQTT5-4.9.0-3", "MQTT5-3.3.4-9", "MQTT5-3.3.4-10")
    def test_the_clients_receive_maximum_is_kept(self):
        topic = self.name()
        reader = self.client(5, properties=prop("receive_maximum", 2)).subscribe((topic, 2))
        writer = self.client(5)
        for i, qos in enumerate((1, 2, 1, 2)):
            writer.publish(topic, str(i), qos)
        first, second = [reader.expect_publish(topic, str(i)).packet_id for i in (0, 1)]
        reader.quiet()
        writer.publish(topic, b"zero", 0)
        reader.expect_publish(topic, b"zero")
        reader.send(pubrec(second)).expect(pubrel(second))
        reader.quiet()
        reader.send(puback(first))
        third = reader.expect_publish(topic, b"2").packet_id
        reader.quiet()
        reader.send(pubcomp(second)).expect_publish(topic, b"3")
        reader.send(puback(third)).quiet()

    def test_a_client_with_a_full_window_that_hears_itself_is_still_served(self):
        topic = self.name()
        client = self.client(5, properties=prop("receive_maximum", 2)).subscribe((topic, 1))
        client.send(*[publish(5, topic, str(i), 1, i) for i in (1, 2, 3)])
        client.expect_any_order(*[puback(i) for i in (1, 2, 3)], publish(5, topic, b"1", 1, 1), publish(5, topic, b"2", 1, 2))
        client.quiet()
        client.send(puback(1)).expect_publish(topic, b"3")

    @clauses("MQTT5-3.3.4-7", "MQTT5-3.3.4-8")
    def test_the_servers_receive_maximum_is_enforced(self):
        writer, topic = self.client(5), self.name()
        most = writer.connack.properties.get("receive_maximum", 65535)
        for i in range(1, most + 1):
            writer.send(publish(5, topic, b"x", 2, i)).expect_kind(wire.PUBREC, packet_id=i)
        writer.quiet()
        writer.send(publish(5, topic, b"x", 0)).quiet()
        writer.send(pubrel(1)).expect_kind(wire.PUBCOMP)
        writer.send(publish(5, topic, b"x", 2, 1)).expect_kind(wire.PUBREC)
        writer.send(publish(5, topic, b"x", 2, most + 1)).expect_closed(0x93)

    @clauses("MQTT5-3.1.2-24", "MQTT5-3.1.2-25")
    def test_nothing_above_the_clients_maximum_packet_size_is_sent(self):
        topic = self.name()
        for qos in (0, 1, 2):
            reader = self.client(5, properties=prop("maximum_packet_size", 64)).subscribe((topic, qos))
            size = 64 - len(publish(5, topic, b"", qos))
            writer = self.client(5)
            writer.publish(topic, b"a" * (size + 1), qos)
            reader.quiet()
            writer.publish(topic, b"b" * size, qos)
            self.assertEqual(len(reader.expect_publish(topic, b"b" * size).raw), 64)
            writer.publish(topic, b"c", qos)
            reader.expect_publish(topic, b"c")
            reader.drop()

    def test_a_packet_too_large_is_dropped_for_its_client_only(self):
        topic = self.name()
        small = self.client(5, properties=prop("maximum_packet_size", 50)).subscribe((topic, 1))
        large = self.client(5).subscribe((topic, 1))
        self.client(5).publish(topic, b"x" * 100, 1)
        large.expect_publish(topic, b"x" * 100)
        small.quiet()


class Shared(ConformanceCase):

    def receive_all(self, readers, count):
        """(reader, payload) of `count` messages, wherever they come."""
        got = []
        for index, reader in enumerate(readers):
            reader.send(wire.PING)
            while True:
                packet = reader.receive()
                if packet.kind == wire.PINGRESP:
                    break
                got.append((index, packet))
        self.assertEqual(len(got), count, got)
        return got

    def test_each_message_goes_to_one_member(self):
        topic = self.name()
        readers = [self.client(5).subscribe((f"$share/g/{topic}", 1)) for _ in range(3)]
        other = self.client(5).subscribe((f"$share/h/{topic}", 1))
        normal = self.client(5).subscribe(topic)
        writer = self.client(5)
        for i in range(12):
            writer.publish(topic, str(i), 1)
        got = self.receive_all(readers, 12)
        self.assertEqual(sorted(int(packet.payload) for _, packet in got), list(range(12)))
        self.assertEqual({index for index, _ in got}, {0, 1, 2})
        self.receive_all([other], 12)
        self.receive_all([normal], 12)

    def test_members_of_old_versions_share_as_well(self):
        topic = self.name()
        readers = [self.client(4).subscribe(f"$share/g/{topic}"), self.client(5).subscribe(f"$share/g/{topic}")]
        writer = self.client(4)
        for i in range(6):
            writer.publish(topic, str(i))
        self.assertEqual({index for index, _ in self.receive_all(readers, 6)}, {0, 1})

    def test_retained_messages_are_not_for_groups(self):
        topic = self.name()
        self.client(5).publish(topic, b"x", retain=True)
        self.client(5).subscribe(f"$share/g/{topic}").quiet()

    @clauses("MQTT5-4.8.2-3")
    def test_a_shared_message_comes_with_the_granted_qos(self):
        topic = self.name()
        reader = self.client(5).subscribe((f"$share/g/{topic}/+", 1), properties=prop("subscription_id", 5))
        self.client(5).publish(topic + "/a", b"x", 2)
        self.assertEqual(reader.expect_publish(topic + "/a", qos=1).properties, {"subscription_id": [5]})

    def test_a_member_that_unsubscribes_gets_no_more(self):
        topic = self.name()
        leaver, stayer = [self.client(5).subscribe(f"$share/g/{topic}") for _ in range(2)]
        leaver.send(wire.unsubscribe(5, 2, topic)).expect_kind(wire.UNSUBACK, reasons=[0x11])
        leaver.send(wire.unsubscribe(5, 2, f"$share/g/{topic}")).expect_kind(wire.UNSUBACK, reasons=[0])
        writer = self.client(5)
        for _ in range(4):
            writer.publish(topic, b"x")
        self.receive_all([stayer], 4)
        leaver.quiet()

    def test_what_a_member_leaves_unacknowledged_goes_to_another(self):
        topic = self.name()
        readers = [self.client(5).subscribe((f"$share/g/{topic}", 1)) for _ in range(2)]
        writer = self.client(5)
        for i in range(4):
            writer.publish(topic, str(i), 1)
        taken = self.receive_all(readers, 4)
        lost = {packet.payload for index, packet in taken if index == 0}
        self.assertTrue(lost)
        readers[0].leave()
        self.assertEqual({readers[1].expect_publish(topic).payload for _ in lost}, lost)
        readers[1].quiet()

    @clauses("MQTT5-4.8.2-6")
    def test_what_a_member_refuses_goes_to_no_other(self):
        topic = self.name()
        readers = [self.client(5).subscribe((f"$share/g/{topic}", 1)) for _ in range(2)]
        self.client(5).publish(topic, b"x", 1)
        (index, packet), = self.receive_all(readers, 1)
        readers[index].send(puback(packet.packet_id, 0x80)).quiet()
        readers[1 - index].quiet()


run() if __name__ == "__main__" else None
