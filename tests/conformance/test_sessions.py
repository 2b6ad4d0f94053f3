#!/usr/bin/env python3
"""Sessions that outlive connections, what is sent again, wills (3.1.2.4, 3.1.2.5, 4.1, 4.4)."""
import wire
from server import ConformanceCase, clauses, each, run
from wire import prop, props, puback, pubcomp, publish, pubrec, pubrel


class Sessions(ConformanceCase):

    def kept(self, version, name, clean=False, present=False, expiry=600, **options):
        """A connection whose session is to stay."""
        properties = options.pop("properties", b"") + (prop("session_expiry", expiry) if version == 5 else b"")
        return self.client(version, name, present, clean=clean, properties=properties, **options)

    @clauses("MQTT-3.1.2-4", "MQTT-3.1.2-6", "MQTT-3.2.2-2", "MQTT-3.2.2-3", "MQTT5-3.1.2-4", "MQTT5-3.1.2-5",
             "MQTT5-3.1.2-6", "MQTT5-3.2.2-2", "MQTT5-3.2.2-3", "MQTT5-3.1.2-23")
    @each(4, 5)
    def test_session_present_tells_the_truth(self, version):
        name = self.name("c")
        self.kept(version, name).leave()
        self.kept(version, name, present=True).drop()
        self.kept(version, name, present=True).leave()
        self.kept(version, name, clean=True).leave()
        self.kept(version, name, present=version == 5).leave()
        self.client(version, name, clean=True).leave()
        self.kept(version, name).leave()

    def test_3_1_has_no_session_present_flag(self):
        name, topic = self.name("c"), self.name()
        self.client(3, name, clean=False).subscribe((topic, 1)).leave()
        self.client(3).publish(topic, b"x", 1)
        self.client(3, name, clean=False).expect_publish(topic, b"x", qos=1)

    @clauses("MQTT-3.1.2-5", "MQTT-4.5.0-1", "MQTT5-4.5.0-1")
    @each(3, 4, 5)
    def test_messages_wait_for_an_absent_client(self, version):
        name, topic = self.name("c"), self.name()
        self.kept(version, name).subscribe((topic, 2)).leave()
        writer = self.client(version)
        for qos in (1, 2, 1):
            writer.publish(topic, f"missed {qos}", qos)
        reader = self.kept(version, name, present=version != 3)
        for qos in (1, 2, 1):
            reader.expect_publish(topic, f"missed {qos}", qos=qos, dup=False)

    @clauses("MQTT-4.4.0-1", "MQTT-3.3.1-1", "MQTT-4.6.0-1", "MQTT5-4.4.0-1", "MQTT5-3.3.1-1", "MQTT5-4.3.2-3")
    @each(3, 4, 5)
    def test_what_was_not_acknowledged_is_sent_again(self, version):
        name, topic = self.name("c"), self.name()
        reader = self.kept(version, name).subscribe((topic, 2))
        writer = self.client(version)
        writer.publish(topic, b"one", 1)
        writer.publish(topic, b"two", 2)
        first = [reader.expect_publish(topic, payload, dup=False).packet_id for payload in ("one", "two")]
        reader.drop()
        again = self.kept(version, name, present=version != 3)
        for payload, packet_id in zip(("one", "two"), first):
            again.expect_publish(topic, payload, dup=True, packet_id=packet_id)
        again.send(puback(first[0]), pubrec(first[1])).expect(pubrel(first[1]))
        again.drop()
        third = self.kept(version, name, present=version != 3)
        third.expect_kind(wire.PUBREL, packet_id=first[1])
        third.send(pubcomp(first[1])).quiet()
        third.drop()
        self.kept(version, name, present=version != 3).quiet()

    @clauses("MQTT5-4.3.3-10", "MQTT-4.3.3-2")
    @each(4, 5)
    def test_incoming_qos_2_is_remembered_across_connections(self, version):
        name, topic = self.name("c"), self.name()
        reader = self.client(version).subscribe(topic)
        writer = self.kept(version, name)
        writer.send(publish(version, topic, b"x", 2, 11)).expect(pubrec(11))
        writer.drop()
        writer = self.kept(version, name, present=True)
        writer.send(publish(version, topic, b"x", 2, 11, dup=True)).expect(pubrec(11))
        writer.send(pubrel(11)).expect(pubcomp(11))
        reader.expect_publish(topic, b"x")
        reader.quiet()

    @clauses("MQTT5-4.4.0-1")
    @each(4, 5)
    def test_nothing_is_sent_again_while_connected(self, version):
        topic = self.name()
        reader = self.client(version).subscribe((topic, 1))
        self.client(version).publish(topic, b"x", 1)
        reader.expect_publish(topic, b"x")
        reader.quiet().quiet()

    @each(3, 4, 5)
    def test_a_clean_client_takes_nothing_along(self, version):
        name, topic = self.name("c"), self.name()
        self.client(version, name).subscribe((topic, 1)).leave()
        self.client(version).publish(topic, b"x", 1)
        self.client(version, name).quiet()

    @each(4, 5)
    def test_subscriptions_of_a_kept_session_go_on_after_a_takeover(self, version):
        name, topic = self.name("c"), self.name()
        old = self.kept(version, name).subscribe((topic, 1))
        new = self.kept(version, name, present=True)
        old.expect_closed(0x8E)
        self.client(version).publish(topic, b"x", 1)
        new.expect_publish(topic, b"x")

    @clauses("MQTT5-3.1.2-23", "MQTT5-4.1.0-2")
    def test_disconnect_may_change_the_expiry(self):
        name = self.name("c")
        self.kept(5, name).leave(0, prop("session_expiry", 0))
        self.kept(5, name).leave(0, prop("session_expiry", 700))
        self.kept(5, name, present=True, expiry=0xFFFFFFFF).leave()
        self.kept(5, name, present=True, expiry=0).leave()
        self.kept(5, name).leave()

    def test_without_an_expiry_a_session_of_version_5_ends_with_its_connection(self):
        name = self.name("c")
        self.client(5, name, clean=False).leave()
        self.client(5, name, clean=False).leave()

    def test_sessions_pass_from_version_to_version(self):
        name, topic = self.name("c"), self.name()
        self.kept(4, name).subscribe((topic, 1)).leave()
        self.client(4).publish(topic, b"x", 1)
        self.kept(5, name, present=True).expect_publish(topic, b"x", qos=1)


class Wills(ConformanceCase):

    @clauses("MQTT-3.1.2-8", "MQTT-3.1.2-9", "MQTT-3.1.2-16", "MQTT5-3.1.2-7", "MQTT5-3.1.2-8", "MQTT5-3.1.2-14")
    @each(3, 4, 5)
    def test_a_lost_connection_publishes_the_will(self, version):
        for qos in (0, 1, 2):
            topic = self.name()
            watcher = self.client(version).subscribe((topic, 2))
            self.client(version, will=(topic, b"gone", qos)).drop()
            watcher.expect_publish(topic, b"gone", qos=qos, retain=False)

    @clauses("MQTT-3.1.2-17", "MQTT5-3.1.2-15")
    @each(3, 4, 5)
    def test_a_will_may_be_retained(self, version):
        topic = self.name()
        watcher = self.client(version).subscribe(topic)
        self.client(version, will=(topic, b"Offline", 1, True)).drop()
        watcher.expect_publish(topic, b"Offline", retain=False)
        self.client(version).subscribe(topic).expect_publish(topic, b"Offline", retain=True)

    @clauses("MQTT-3.1.2-10", "MQTT-3.14.4-3", "MQTT5-3.1.2-10", "MQTT5-3.14.4-3")
    @each(3, 4, 5)
    def test_disconnect_takes_the_will_back(self, version):
        topic = self.name()
        watcher = self.client(version).subscribe(topic)
        self.client(version, will=(topic, b"gone")).leave()
        watcher.quiet()

    def test_disconnect_with_will(self):
        for reason in (0x04, 0x80, 0x98):
            topic = self.name()
            watcher = self.client(5).subscribe(topic)
            self.client(5, will=(topic, b"gone")).leave(reason)
            watcher.expect_publish(topic, b"gone")

    @clauses("MQTT-3.1.2-8")
    @each(4, 5)
    def test_a_protocol_error_publishes_the_will(self, version):
        topic = self.name()
        watcher = self.client(version).subscribe(topic)
        self.client(version, will=(topic, b"gone")).send(publish(version, "a/#", b"x"))
        watcher.expect_publish(topic, b"gone")

    @clauses("MQTT-3.1.2-8")
    @each(4, 5)
    def test_being_taken_over_by_a_clean_client_publishes_the_will(self, version):
        topic, name = self.name(), self.name("c")
        watcher = self.client(version).subscribe(topic)
        self.client(version, name, will=(topic, b"gone"))
        self.client(version, name)
        watcher.expect_publish(topic, b"gone")

    @each(4, 5)
    def test_a_refused_connection_leaves_no_will(self, version):
        topic = self.name()
        watcher = self.client(version).subscribe(topic)
        self.open(version, wire.connect(version, self.name("c"), will=(topic, b"gone"), more=b"\0")).expect_refused(0x81)
        watcher.quiet()

    @clauses("MQTT5-3.1.3-10")
    def test_properties_of_a_will_are_published(self):
        topic = self.name()
        values = dict(payload_format=1, message_expiry=100, content_type="text/plain", response_topic="answer",
                      correlation_data=b"\0\1", user_property=[("b", "1"), ("a", "2"), ("b", "3")])
        watcher = self.client(5).subscribe(topic)
        self.client(5, will=(topic, b"gone", 0, False, props(**values))).drop()
        got = watcher.expect_publish(topic, b"gone")
        self.assertNotIn("will_delay", got.properties)
        self.assertLessEqual(got.properties.pop("message_expiry"), 100)
        values.pop("message_expiry")
        self.assertEqual(got.properties, values)

    @clauses("MQTT5-3.1.2-8")
    def test_the_end_of_the_session_ends_the_delay(self):
        topic, name = self.name(), self.name("c")
        watcher = self.client(5).subscribe(topic)
        self.client(5, will=(topic, b"no session", 0, False, prop("will_delay", 600))).drop()
        watcher.expect_publish(topic, b"no session")
        self.client(5, name, will=(topic, b"cleaned", 0, False, prop("will_delay", 600)),
                    properties=prop("session_expiry", 600)).drop()
        watcher.quiet()
        self.client(5, name)
        watcher.expect_publish(topic, b"cleaned")

    @clauses("MQTT5-3.1.3-9")
    def test_a_return_within_the_delay_takes_the_will_back(self):
        topic, name = self.name(), self.name("c")
        watcher = self.client(5).subscribe(topic)
        self.client(5, name, will=(topic, b"gone", 0, False, prop("will_delay", 600)), clean=False,
                    properties=prop("session_expiry", 600)).drop()
        back = self.client(5, name, True, clean=False, properties=prop("session_expiry", 600))
        back.leave(0, prop("session_expiry", 0))
        watcher.quiet()


run() if __name__ == "__main__" else None
