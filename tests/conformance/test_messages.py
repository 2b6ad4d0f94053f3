#!/usr/bin/env python3
"""PUBLISH and its acknowledgements, SUBSCRIBE and UNSUBSCRIBE, topic filters, retained messages (3.3 to 3.11, 4.3, 4.7)."""
import wire
from server import ConformanceCase, clauses, each, run
from wire import puback, pubcomp, publish, pubrec, pubrel, subscribe, unsubscribe


class Delivery(ConformanceCase):

    @clauses("MQTT-3.8.4-6", "MQTT-4.3.1-1", "MQTT5-3.8.4-8", "MQTT5-4.3.1-1", "MQTT5-4.3.2-2", "MQTT5-4.3.3-2")
    @each(3, 4, 5)
    def test_messages_come_with_the_lower_qos(self, version):
        for asked in (0, 1, 2):
            for sent in (0, 1, 2):
                with self.subTest(asked=asked, sent=sent):
                    topic = self.name()
                    reader = self.client(version).subscribe((topic, asked))
                    self.client(version).publish(topic, b"x", sent)
                    got = reader.expect_publish(topic, b"x", qos=min(asked, sent), dup=False, retain=False)
                    self.assertEqual(got.packet_id == 0, got.qos == 0)

    @clauses("MQTT-2.3.1-6", "MQTT-4.3.2-2", "MQTT5-4.3.2-4", "MQTT5-2.2.1-5", "MQTT5-3.3.4-1")
    @each(3, 4, 5)
    def test_qos_1_is_acknowledged_with_its_packet_id(self, version):
        topic = self.name()
        reader, writer = self.client(version).subscribe((topic, 1)), self.client(version)
        for packet_id in (1, 0x1234, 0xFFFF):
            writer.send(publish(version, topic, b"x", 1, packet_id)).expect(puback(packet_id))
            reader.send(puback(reader.expect_publish(topic).packet_id))
        reader.quiet()

    @clauses("MQTT-4.3.2-2", "MQTT5-4.3.2-5")
    @each(4, 5)
    def test_after_puback_the_same_packet_id_is_a_new_message_even_with_dup(self, version):
        topic = self.name()
        reader, writer = self.client(version).subscribe(topic), self.client(version)
        for dup in (False, True, True):
            writer.send(publish(version, topic, b"x", 1, 5, dup=dup)).expect(puback(5))
            reader.expect_publish(topic, dup=False)

    @clauses("MQTT-4.3.3-2", "MQTT5-4.3.3-8", "MQTT5-4.3.3-10", "MQTT5-4.3.3-11", "MQTT5-4.3.3-12")
    @each(3, 4, 5)
    def test_qos_2_is_delivered_once(self, version):
        topic = self.name()
        reader, writer = self.client(version).subscribe(topic), self.client(version)
        writer.send(publish(version, topic, b"once", 2, 9)).expect(pubrec(9))
        writer.send(publish(version, topic, b"once", 2, 9, dup=True)).expect(pubrec(9))
        writer.send(publish(version, topic, b"once", 2, 9, dup=True)).expect(pubrec(9))
        writer.send(pubrel(9)).expect(pubcomp(9))
        reader.expect_publish(topic, b"once")
        reader.quiet()
        writer.send(publish(version, topic, b"again", 2, 9)).expect(pubrec(9))
        writer.send(pubrel(9)).expect(pubcomp(9))
        reader.expect_publish(topic, b"again")
        reader.quiet()

    @clauses("MQTT-4.3.3-1", "MQTT5-4.3.3-4", "MQTT5-4.3.3-6", "MQTT-4.3.2-1")
    @each(3, 4, 5)
    def test_the_server_completes_its_own_handshakes(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic, 2))
        self.client(version).publish(topic, b"x", 2)
        packet_id = reader.expect_publish(topic, qos=2).packet_id
        reader.send(pubrec(packet_id)).expect(pubrel(packet_id))
        reader.send(pubcomp(packet_id))
        reader.quiet()

    @clauses("MQTT5-3.3.4-1")
    @each(4, 5)
    def test_pubrel_of_nothing_is_completed(self, version):
        client = self.client(version)
        client.send(pubrel(77))
        got = client.expect_kind(wire.PUBCOMP, packet_id=77)
        self.assertIn(got.reason, (0, 0x92))

    @each(4, 5)
    def test_acknowledgements_of_nothing_do_no_harm(self, version):
        client = self.client(version)
        client.send(puback(70), pubcomp(71)).quiet()

    @clauses("MQTT-4.8.0-1", "MQTT5-4.13.1-1")
    @each(4, 5)
    def test_the_wrong_kind_of_acknowledgement_ends_the_connection(self, version):
        for qos, wrong in ((1, pubrec), (1, pubcomp), (2, puback), (2, pubcomp)):
            with self.subTest(qos=qos, wrong=wrong.__name__):
                topic = self.name()
                reader = self.client(version).subscribe((topic, 2))
                self.client(version).publish(topic, b"x", qos)
                reader.send(wrong(reader.expect_publish(topic, qos=qos).packet_id)).expect_closed(0x82)

    @clauses("MQTT-4.6.0-6", "MQTT-4.6.0-2", "MQTT5-4.6.0-5", "MQTT-4.6.0-3")
    @each(4, 5)
    def test_order_is_kept(self, version):
        topic, count = self.name(), 15
        reader, writer = self.client(version).subscribe((topic, 1)), self.client(version)
        writer.send(*[publish(version, topic, str(i), 1, i) for i in range(1, count + 1)])
        for i in range(1, count + 1):
            writer.expect_kind(wire.PUBACK, packet_id=i)
            reader.expect_publish(topic, str(i))

    @each(3, 4)
    def test_before_version_5_any_number_of_handshakes_may_be_open(self, version):
        topic = self.name()
        client = self.client(version)
        client.send(*[publish(version, topic, b"x", 2, i) for i in range(1, 501)])
        for i in range(1, 501):
            client.expect_kind(wire.PUBREC, packet_id=i)
        client.send(*[pubrel(i) for i in range(1, 501)])
        for i in range(1, 501):
            client.expect_kind(wire.PUBCOMP, packet_id=i)

    @clauses("MQTT-3.8.4-1", "MQTT-3.8.4-2", "MQTT-3.8.4-4", "MQTT-3.8.4-5", "MQTT-3.9.3-1", "MQTT5-3.8.4-1",
             "MQTT5-3.8.4-2", "MQTT5-3.8.4-5", "MQTT5-3.8.4-6", "MQTT5-3.8.4-7", "MQTT5-3.9.3-1", "MQTT5-2.2.1-6")
    @each(3, 4, 5)
    def test_suback_answers_every_filter_in_order(self, version):
        client = self.client(version)
        client.send(subscribe(version, 0x4321, ("a/b", 2), ("c", 0), ("+/d", 1)))
        client.expect_kind(wire.SUBACK, packet_id=0x4321, reasons=[2, 0, 1])

    @clauses("MQTT-3.10.4-4", "MQTT-3.10.4-5", "MQTT-3.10.4-6", "MQTT5-3.10.4-4", "MQTT5-3.10.4-5", "MQTT5-3.10.4-6",
             "MQTT5-3.11.3-1", "MQTT5-3.11.3-2")
    @each(3, 4, 5)
    def test_unsuback_answers_every_filter(self, version):
        client, topic = self.client(version), self.name()
        client.subscribe(topic)
        client.send(unsubscribe(version, 3, "never", topic, topic + "/x"))
        client.expect_kind(wire.UNSUBACK, packet_id=3, reasons=[0x11, 0, 0x11] if version == 5 else [])

    @clauses("MQTT-3.10.4-1", "MQTT-3.10.4-2", "MQTT5-3.10.4-1", "MQTT5-3.10.4-2")
    @each(3, 4, 5)
    def test_unsubscribe_takes_the_very_filter(self, version):
        topic = self.name()
        reader, writer = self.client(version).subscribe(topic + "/+", topic + "/b"), self.client(version)
        reader.send(unsubscribe(version, 2, topic + "/+")).expect_kind(wire.UNSUBACK)
        writer.publish(topic + "/a", b"1")
        writer.publish(topic + "/b", b"2")
        reader.expect_publish(topic + "/b", b"2")
        reader.send(unsubscribe(version, 2, topic + "/b")).expect_kind(wire.UNSUBACK)
        writer.publish(topic + "/b", b"3")
        reader.quiet()

    @clauses("MQTT-3.10.4-3", "MQTT5-3.10.4-3")
    @each(4, 5)
    def test_unsubscribe_lets_handshakes_finish(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic, 2))
        self.client(version).publish(topic, b"x", 2)
        packet_id = reader.expect_publish(topic).packet_id
        reader.send(unsubscribe(version, 2, topic)).expect_kind(wire.UNSUBACK)
        reader.send(pubrec(packet_id)).expect(pubrel(packet_id))
        reader.send(pubcomp(packet_id)).quiet()

    @clauses("MQTT-3.3.5-1", "MQTT5-3.3.4-2")
    @each(3, 4, 5)
    def test_overlapping_subscriptions_deliver_with_the_highest_qos(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic + "/#", 2), (topic + "/+", 1))
        self.client(version).publish(topic + "/a", b"x", 2)
        reader.expect_publish(topic + "/a", b"x", qos=2)
        reader.quiet()

    @clauses("MQTT-3.8.4-3", "MQTT5-3.8.4-3")
    @each(4, 5)
    def test_subscribing_again_replaces(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic, 0)).subscribe((topic, 1), packet_id=2)
        self.client(version).publish(topic, b"x", 2)
        reader.expect_publish(topic, qos=1)
        reader.quiet()

    @clauses("MQTT-3.3.1-3", "MQTT5-3.3.1-3")
    @each(4, 5)
    def test_dup_is_not_passed_on(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic, 1))
        self.client(version).send(publish(version, topic, b"x", 1, 8, dup=True)).expect(puback(8))
        reader.expect_publish(topic, qos=1, dup=False)

    @clauses("MQTT-3.3.2-3", "MQTT-4.7.3-4", "MQTT5-3.3.2-3", "MQTT5-4.7.3-4")
    @each(3, 4, 5)
    def test_filters_match_as_the_standard_says(self, version):
        base = self.name()
        table = [  # filter, names that match, names that do not (4.7.1, 4.7.2, 4.7.3)
            ("{}/#", ["{}", "{}/a", "{}/a/b", "{}/"], ["{}x", "x/{}"]),
            ("{}/+", ["{}/a", "{}/"], ["{}", "{}/a/b"]),
            ("{}/+/c", ["{}/b/c", "{}//c"], ["{}/b", "{}/b/c/d", "{}/b/d/c"]),
            ("+/{}", ["/{}", "a/{}"], ["{}", "a/b/{}"]),
            ("/{}", ["/{}"], ["{}", "//{}", "/{}/"]),
            ("{}/+/#", ["{}/a", "{}/a/b", "{}/"], ["{}"]),
            ("{}/ä €", ["{}/ä €"], ["{}/a\u0308 €", "{}/Ä €"]),
            ("{}/A", ["{}/A"], ["{}/a"]),
            ("{}//", ["{}//"], ["{}/", "{}///"]),
            ("{}/$x/#", ["{}/$x/y"], ["{}/x/y"]),
        ]
        writer = self.client(version)
        for pattern, matching, other in table:
            with self.subTest(filter=pattern):
                reader = self.client(version).subscribe(pattern.format(base))
                for name in other:
                    writer.publish(name.format(base), b"no")
                for name in matching:
                    writer.publish(name.format(base), b"yes")
                    reader.expect_publish(name.format(base), b"yes")
                reader.quiet()

    @clauses("MQTT-4.7.2-1", "MQTT5-4.7.2-1")
    @each(4, 5)
    def test_wildcards_do_not_see_dollar_topics(self, version):
        name = self.name()
        reader = self.client(version)
        reader.send(subscribe(version, 1, "+/" + name, "$test/" + name)).expect_kind(wire.SUBACK)
        writer = self.client(version)
        writer.publish("$test/" + name, b"x")
        reader.expect_publish("$test/" + name)
        reader.quiet()

    @each(4, 5)
    def test_clients_cannot_publish_what_only_the_server_says(self, version):
        reader = self.client(version).subscribe("$SYS/broker/conformance")
        self.client(version).publish("$SYS/broker/conformance", b"x", 1)
        reader.quiet()

    @each(4, 5)
    def test_the_deepest_and_longest_topics_that_mosquitto_takes(self, version):
        for topic in ("/" * 200, "abc/" * 199 + "d", "x" * 65535):
            with self.subTest(length=len(topic)):
                client = self.client(version).subscribe(topic)
                client.send(publish(version, topic, b"deep")).expect_publish(topic, b"deep")

    @each(4, 5)
    def test_large_and_empty_payloads_arrive_whole(self, version):
        topic = self.name()
        reader, writer = self.client(version).subscribe(topic), self.client(version)
        for size in (0, 1, 126, 127, 128, 16383, 16384, 2097151, 2097152):
            payload = bytes(i & 0xFF for i in range(min(size, 256))) * (size // 256 + 1)
            writer.send(publish(version, topic, payload[:size], 1, 2)).expect(puback(2))
            reader.expect_publish(topic, payload[:size])

    @each(3, 4, 5)
    def test_a_client_hears_itself(self, version):
        topic = self.name()
        client = self.client(version).subscribe((topic, 1))
        client.send(publish(version, topic, b"me", 1, 44))
        client.expect_any_order(puback(44), publish(version, topic, b"me", 1, 1))

    @each(4, 5)
    def test_qos_2_to_oneself_is_answered_first(self, version):
        topic = self.name()
        client = self.client(version).subscribe((topic, 2))
        client.send(publish(version, topic, b"me", 2, 44)).expect(pubrec(44))
        client.send(pubrel(44))
        client.expect_any_order(pubcomp(44), publish(version, topic, b"me", 2, 1))


class Retained(ConformanceCase):

    @clauses("MQTT-3.3.1-5", "MQTT-3.3.1-6", "MQTT-3.3.1-8", "MQTT5-3.3.1-5", "MQTT5-3.3.1-9")
    @each(3, 4, 5)
    def test_the_last_retained_message_comes_with_the_subscription(self, version):
        topic, writer = self.name(), self.client(version)
        for qos in (0, 1, 2):
            writer.publish(topic, f"first {qos}", qos, retain=True)
            writer.publish(topic, f"last {qos}", qos, retain=True)
            for asked in (0, 1, 2):
                reader = self.client(version).subscribe((topic, asked))
                reader.expect_publish(topic, f"last {qos}", retain=True, dup=False, qos=min(qos, asked))
                reader.quiet()

    @each(4, 5)
    def test_suback_comes_before_the_retained_messages(self, version):
        base, writer = self.name(), self.client(version)
        for i in range(5):
            writer.publish(f"{base}/{i}", b"x", retain=True)
        reader = self.client(version).send(subscribe(version, 1, (base + "/#", 1)))
        self.assertEqual(reader.receive().kind, wire.SUBACK)
        self.assertEqual({reader.expect_publish(retain=True).topic for _ in range(5)}, {f"{base}/{i}" for i in range(5)})
        reader.quiet()

    @clauses("MQTT-3.3.1-9", "MQTT5-3.3.1-12")
    @each(3, 4, 5)
    def test_established_subscriptions_see_no_retain_flag(self, version):
        topic = self.name()
        reader = self.client(version).subscribe(topic)
        self.client(version).publish(topic, b"x", retain=True)
        reader.expect_publish(topic, retain=False)

    @clauses("MQTT-3.3.1-10", "MQTT-3.3.1-11", "MQTT5-3.3.1-6", "MQTT5-3.3.1-7")
    @each(3, 4, 5)
    def test_an_empty_message_erases(self, version):
        topic, writer = self.name(), self.client(version)
        present = self.client(version).subscribe(topic)
        writer.publish(topic, b"x", retain=True)
        writer.publish(topic, b"", 1, retain=True)
        present.expect_publish(topic, b"x")
        present.expect_publish(topic, b"", retain=False)
        self.client(version).subscribe(topic).quiet()

    @clauses("MQTT-3.3.1-12", "MQTT5-3.3.1-8")
    @each(3, 4, 5)
    def test_other_messages_leave_the_retained_one_alone(self, version):
        topic, writer = self.name(), self.client(version)
        writer.publish(topic, b"kept", retain=True)
        writer.publish(topic, b"passing")
        writer.publish(topic, b"")
        self.client(version).subscribe(topic).expect_publish(topic, b"kept", retain=True)

    @clauses("MQTT-3.8.4-3", "MQTT5-3.8.4-4")
    @each(3, 4, 5)
    def test_subscribing_again_brings_them_again(self, version):
        topic = self.name()
        self.client(version).publish(topic, b"x", retain=True)
        reader = self.client(version).subscribe(topic)
        reader.expect_publish(topic, retain=True)
        reader.subscribe(topic, packet_id=2).expect_publish(topic, retain=True)
        reader.quiet()

    @each(4, 5)
    def test_each_filter_of_a_subscribe_brings_its_own(self, version):
        base, writer = self.name(), self.client(version)
        writer.publish(base + "/a", b"1", retain=True)
        writer.publish(base + "/b/c", b"2", retain=True)
        reader = self.client(version).subscribe(base + "/a", base + "/b/#")
        self.assertEqual({reader.expect_publish(retain=True).topic for _ in range(2)}, {base + "/a", base + "/b/c"})
        reader.quiet()

    @clauses("MQTT-3.1.2-7")
    @each(4, 5)
    def test_retained_messages_outlive_their_publisher(self, version):
        topic = self.name()
        writer = self.client(version)
        writer.publish(topic, b"x", 1, retain=True)
        writer.leave()
        self.client(version).subscribe(topic).expect_publish(topic, b"x", retain=True)

    @clauses("MQTT-4.7.2-1")
    @each(4, 5)
    def test_wildcards_bring_no_dollar_topics(self, version):
        name = self.name()
        self.client(version).publish("$kept/" + name, b"x", retain=True)
        self.client(version).subscribe("+/" + name).quiet()
        self.client(version).subscribe("$kept/" + name).expect_publish("$kept/" + name)


run() if __name__ == "__main__" else None
