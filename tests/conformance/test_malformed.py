#!/usr/bin/env python3
"""Packets that break the rules: each ends its own connection, with the right DISCONNECT in MQTT 5, and nobody else's."""
import struct

import wire
from server import ConformanceCase, clauses, each, run
from wire import frame, prop, props, text

BAD_TEXT = {"null": b"a\0b", "surrogate": b"a\xed\xa0\x80b", "surrogate pair": b"\xed\xa0\x80\xed\xb0\x80",
            "overlong": b"\xc0\xaf", "overlong three": b"\xe0\x80\xaf", "overlong null": b"\xc0\x80", "cut": b"a\xe2\x82",
            "lone continuation": b"\x80", "above U+10FFFF": b"\xf4\x90\x80\x80", "five bytes": b"\xf8\x88\x80\x80\x80",
            "0xff": b"\xff"}
MALFORMED, PROTOCOL = 0x81, 0x82


class Malformed(ConformanceCase):

    def refuse(self, version, packets, *reasons):
        """Each packet, by name, on its own fresh connection."""
        for name, packet in packets.items():
            with self.subTest(packet=name):
                client = self.client(version)
                client.send(packet).expect_closed(*(reasons or (MALFORMED, PROTOCOL)))
        self.client(version).quiet()

    def refuse_connect(self, version, packets, *reasons):
        for name, packet in packets.items():
            with self.subTest(packet=name):
                self.open(version, packet).expect_refused(*(reasons or (MALFORMED, PROTOCOL)))
        self.client(version).quiet()

    # --- The fixed header

    @clauses("MQTT-2.2.2-1", "MQTT-2.2.2-2", "MQTT5-2.1.3-1", "MQTT-3.8.1-1", "MQTT-3.10.1-1", "MQTT-3.6.1-1",
             "MQTT-3.14.1-1", "MQTT5-3.8.1-1", "MQTT5-3.10.1-1", "MQTT5-3.6.1-1", "MQTT5-3.14.1-1")
    @each(4, 5)
    def test_reserved_flags(self, version):
        bodies = {wire.PUBACK: (0, b"\0\1"), wire.PUBREC: (0, b"\0\1"), wire.PUBREL: (2, b"\0\1"),
                  wire.PUBCOMP: (0, b"\0\1"), wire.PINGREQ: (0, b""), wire.DISCONNECT: (0, b""),
                  wire.SUBSCRIBE: (2, wire.subscribe(version, 1, "a")[2:]),
                  wire.UNSUBSCRIBE: (2, wire.unsubscribe(version, 1, "a")[2:])}
        self.refuse(version, {f"{wire.NAMES[kind]} {flags}": frame(kind, flags, body)
                              for kind, (right, body) in bodies.items() for flags in (0, 1, 2, 3, 4, 8, 15)
                              if flags != right}, MALFORMED)

    @clauses("MQTT-2.2.2-2")
    @each(4, 5)
    def test_reserved_flags_of_connect(self, version):
        good = wire.connect(version, self.name("c"))
        self.refuse_connect(version, {str(flags): bytes([0x10 | flags]) + good[1:] for flags in (1, 2, 4, 8, 15)})

    @each(4, 5)
    def test_packet_types_that_are_not_a_clients(self, version):
        wrong = {"reserved": b"\0\0", "CONNACK": b"\x20\x02\0\0", "SUBACK": frame(wire.SUBACK, 0, b"\0\1\0\0"),
                 "UNSUBACK": frame(wire.UNSUBACK, 0, b"\0\1"), "PINGRESP": wire.PONG}
        if version == 4:
            wrong["AUTH"] = b"\xf0\x00"
        self.refuse(version, wrong)

    @clauses("MQTT5-1.5.5-1")
    @each(4, 5)
    def test_remaining_lengths(self, version):
        self.refuse(version, {"five bytes": b"\x30\xff\xff\xff\xff\x01", "five bytes of zero": b"\x30\x80\x80\x80\x80\x00"},
                    MALFORMED, 0x95)
        self.refuse_connect(version, {"five bytes": b"\x10\xff\xff\xff\xff\x7f"})

    @each(4, 5)
    def test_pingreq_has_no_body(self, version):
        self.refuse(version, {"one byte": b"\xc0\x01\x00"}, MALFORMED)

    # --- CONNECT

    @clauses("MQTT-1.5.3-1", "MQTT-1.5.3-2", "MQTT-3.1.3-4", "MQTT-3.1.3-11", "MQTT5-1.5.4-1", "MQTT5-1.5.4-2",
             "MQTT5-3.1.3-4", "MQTT5-3.1.3-11", "MQTT5-3.1.3-12")
    @each(4, 5)
    def test_text_in_connect(self, version):
        name = self.name("c")
        packets = {}
        for kind, bad in BAD_TEXT.items():
            packets[f"client id: {kind}"] = wire.connect(version, bad)
            packets[f"user name: {kind}"] = wire.connect(version, name, user=bad)
            packets[f"will topic: {kind}"] = wire.connect(version, name, will=(bad, b"x"))
        self.refuse_connect(version, packets, MALFORMED, PROTOCOL, 0x85, 2, 0x90)

    @clauses("MQTT-3.1.2-11", "MQTT-3.1.2-13", "MQTT-3.1.2-14", "MQTT-3.1.2-15", "MQTT-3.1.2-22", "MQTT5-3.1.2-11",
             "MQTT5-3.1.2-12", "MQTT5-3.1.2-13")
    @each(4, 5)
    def test_connect_flags_that_contradict(self, version):
        name = self.name("c")
        packets = {"will QoS without will": wire.connect(version, name, flags=2 | 8),
                   "will retain without will": wire.connect(version, name, flags=2 | 32),
                   "will QoS 3": wire.connect(version, name, will=("w", b"x", 3))}
        if version == 4:
            packets["password without user name"] = wire.connect(version, name, password=b"x")
        self.refuse_connect(version, packets)

    @clauses("MQTT-3.1.2-9", "MQTT-3.1.2-18", "MQTT-3.1.2-19", "MQTT-3.1.2-20", "MQTT-3.1.2-21", "MQTT5-3.1.2-9",
             "MQTT5-3.1.2-16", "MQTT5-3.1.2-17", "MQTT5-3.1.2-18", "MQTT5-3.1.2-19", "MQTT5-3.1.3-1", "MQTT5-3.1.3-3")
    @each(4, 5)
    def test_connect_fields_that_are_missing_or_too_many(self, version):
        name = self.name("c")
        good = wire.connect(version, name, will=("w", b"x"), user="u", password=b"p")
        packets = {"user name behind the end": wire.connect(version, name, more=text("u")),
                   "one byte behind the end": wire.connect(version, name, more=b"\0"),
                   "no client id": wire.connect(version, None),
                   "user name flag only": wire.connect(version, name, flags=2 | 128),
                   "password flag only": wire.connect(version, name, user="u", flags=2 | 128 | 64),
                   "will flag only": wire.connect(version, name, flags=2 | 4)}
        for cut in range(1, len(good) - 2):
            packets[f"cut by {cut}"] = frame(wire.CONNECT, 0, good[2:-cut])
        self.refuse_connect(version, packets, MALFORMED, PROTOCOL, 1, 0x84)

    @clauses("MQTT-4.7.1-1", "MQTT-4.7.3-1", "MQTT5-4.7.0-1", "MQTT5-4.7.3-1")
    @each(4, 5)
    def test_will_topics_are_topic_names(self, version):
        name = self.name("c")
        self.refuse_connect(version, {topic: wire.connect(version, name, will=(topic, b"x"))
                                      for topic in ("", "+", "a/#", "#", "a/+/b", "a+")}, MALFORMED, PROTOCOL, 0x90)

    def test_properties_of_connect(self):
        def packet(properties, will=None):
            return wire.connect(5, self.name("c"), properties=properties, will=will)
        twice = {name: prop(name, value) * 2 for name, value in
                 dict(session_expiry=1, receive_maximum=1, maximum_packet_size=100, topic_alias_maximum=1,
                      request_response_info=1, request_problem_info=1, auth_method="x").items()}
        foreign = {name: prop(name, value) for name, value in
                   dict(payload_format=1, message_expiry=1, content_type="x", response_topic="x", correlation_data="x",
                        subscription_id=1, assigned_client_id="x", server_keep_alive=1, will_delay=1, response_info="x",
                        server_reference="x", reason_string="x", topic_alias=1, maximum_qos=1, retain_available=1,
                        wildcard_available=1, subscription_id_available=1, shared_available=1).items()}
        wrong = {"receive maximum 0": prop("receive_maximum", 0), "maximum packet size 0": prop("maximum_packet_size", 0),
                 "problem info 2": prop("request_problem_info", 2), "response info 2": prop("request_response_info", 2),
                 "data without method": prop("auth_data", b"x"), "unknown property": b"\x7f\x00", "property 0": b"\x00",
                 "cut short": b"\x11\x00\x00"}
        self.refuse_connect(5, {name: packet(value) for name, value in twice.items()})
        self.refuse_connect(5, {name: packet(value) for name, value in foreign.items()})
        self.refuse_connect(5, {name: packet(value) for name, value in wrong.items()})
        length = frame(wire.CONNECT, 0, text("MQTT") + b"\5\2\0\0\x7f" + text("c"))
        self.refuse_connect(5, {"length beyond the packet": length})

    def test_properties_of_a_will(self):
        def packet(properties):
            return wire.connect(5, self.name("c"), will=("w", b"x", 0, False, properties))
        values = dict(will_delay=1, payload_format=1, message_expiry=1, content_type="x", response_topic="x",
                      correlation_data=b"x")
        self.refuse_connect(5, {f"{name} twice": packet(prop(name, value) * 2) for name, value in values.items()})
        self.refuse_connect(5, {name: packet(prop(name, 1)) for name in
                                ("session_expiry", "receive_maximum", "topic_alias", "subscription_id")})
        self.refuse_connect(5, {"response topic with wildcard": packet(prop("response_topic", "a/#")),
                                "content type not text": packet(prop("content_type", b"\xff"))},
                            MALFORMED, PROTOCOL, 0x90)

    # --- PUBLISH

    @clauses("MQTT-3.3.1-4", "MQTT5-3.3.1-4")
    @each(4, 5)
    def test_qos_3(self, version):
        self.refuse(version, {"QoS 3": wire.publish(version, "a", b"x", 3)}, MALFORMED)

    @clauses("MQTT-3.3.1-2", "MQTT5-3.3.1-2")
    @each(4, 5)
    def test_dup_at_qos_0(self, version):
        self.refuse(version, {"DUP": wire.publish(version, "a", b"x", 0, dup=True)})

    @clauses("MQTT-2.3.1-1", "MQTT5-2.2.1-3")
    @each(4, 5)
    def test_packet_id_0(self, version):
        self.refuse(version, {"PUBLISH 1": wire.publish(version, "a", b"x", 1, 0),
                              "PUBLISH 2": wire.publish(version, "a", b"x", 2, 0),
                              "SUBSCRIBE": wire.subscribe(version, 0, "a"),
                              "UNSUBSCRIBE": wire.unsubscribe(version, 0, "a"),
                              "PUBACK": wire.puback(0), "PUBREC": wire.pubrec(0), "PUBREL": wire.pubrel(0),
                              "PUBCOMP": wire.pubcomp(0)})

    @clauses("MQTT-3.3.2-1", "MQTT-3.3.2-2", "MQTT-4.7.3-1", "MQTT-4.7.3-2", "MQTT5-3.3.2-1", "MQTT5-3.3.2-2")
    @each(4, 5)
    def test_topics_of_publish(self, version):
        topics = {**BAD_TEXT, "#": "#", "+": "a/+", "inside": "a#b", "plus inside": "a+b"}
        self.refuse(version, {name: wire.publish(version, topic, b"x") for name, topic in topics.items()},
                    MALFORMED, PROTOCOL, 0x90)
        self.refuse(version, {"empty": wire.publish(version, "", b"x")}, MALFORMED, PROTOCOL, 0x90)

    @each(4, 5)
    def test_publish_that_is_cut_short(self, version):
        self.refuse(version, {"nothing": b"\x30\x00", "half a length": b"\x30\x01\x00",
                              "topic cut": frame(wire.PUBLISH, 0, b"\0\5ab"),
                              "no packet id": frame(wire.PUBLISH, 2, text("a")),
                              "half a packet id": frame(wire.PUBLISH, 2, text("a") + b"\0")}, MALFORMED)

    def test_properties_of_publish(self):
        def packet(properties, topic="a"):
            return wire.publish(5, topic, b"x", properties=properties)
        values = dict(payload_format=1, message_expiry=1, content_type="x", response_topic="x", correlation_data=b"x",
                      topic_alias=1)
        self.refuse(5, {f"{name} twice": packet(prop(name, value) * 2) for name, value in values.items()})
        self.refuse(5, {name: packet(prop(name, value)) for name, value in
                        dict(session_expiry=1, will_delay=1, receive_maximum=1, reason_string="x", maximum_qos=1,
                             assigned_client_id="x", auth_method="x", server_keep_alive=1).items()})
        self.refuse(5, {"unknown property": packet(b"\x04\x00"), "no property length": frame(wire.PUBLISH, 0, text("a")),
                        "length beyond the packet": frame(wire.PUBLISH, 0, text("a") + b"\x7f"),
                        "property cut by its length": frame(wire.PUBLISH, 0, text("a") + b"\x02\x02\x00\x00\x00\x01"),
                        "length of five bytes": frame(wire.PUBLISH, 0, text("a") + b"\x80\x80\x80\x80\x00")}, MALFORMED)

    @clauses("MQTT5-3.3.2-8", "MQTT5-3.3.2-9", "MQTT5-3.2.2-17", "MQTT5-3.3.4-6")
    def test_aliases_and_identifiers_out_of_range(self):
        maximum = self.client(5).connack.properties.get("topic_alias_maximum", 0)
        self.refuse(5, {"alias 0": wire.publish(5, "a", b"x", properties=prop("topic_alias", 0)),
                        "alias above the maximum": wire.publish(5, "a", b"x", properties=prop("topic_alias", maximum + 1))},
                    0x94)
        self.refuse(5, {"alias never set": wire.publish(5, "", b"x", properties=prop("topic_alias", 1))}, PROTOCOL, 0x94)
        self.refuse(5, {"subscription id": wire.publish(5, "a", b"x", properties=prop("subscription_id", 1))})

    @clauses("MQTT5-3.3.2-13", "MQTT5-3.3.2-14", "MQTT5-3.3.2-19", "MQTT5-1.5.7-1")
    def test_text_in_properties_of_publish(self):
        self.refuse(5, {f"{name}: {kind}": wire.publish(5, "a", b"x", properties=prop(name, bad))
                        for kind, bad in BAD_TEXT.items() for name in ("content_type", "response_topic")},
                    MALFORMED, PROTOCOL, 0x90)
        self.refuse(5, {f"user property: {kind}": wire.publish(5, "a", b"x", properties=prop("user_property", pair))
                        for kind, bad in BAD_TEXT.items() for pair in ((bad, "x"), ("x", bad))})
        self.refuse(5, {topic: wire.publish(5, "a", b"x", properties=prop("response_topic", topic))
                        for topic in ("#", "a/+", "b+")}, MALFORMED, PROTOCOL, 0x90)

    # --- Acknowledgements

    @each(4, 5)
    def test_acknowledgements_that_are_cut_short(self, version):
        self.refuse(version, {f"{wire.NAMES[kind]} {len(body)}": frame(kind, 2 if kind == wire.PUBREL else 0, body)
                              for kind in (wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP) for body in (b"", b"\0")},
                    MALFORMED)

    def test_acknowledgements_have_nothing_behind_their_packet_id_before_version_5(self):
        self.refuse(4, {wire.NAMES[kind]: frame(kind, 2 if kind == wire.PUBREL else 0, b"\0\1\0")
                        for kind in (wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP)})

    @clauses("MQTT5-3.4.2-1", "MQTT5-3.5.2-1", "MQTT5-3.6.2-1", "MQTT5-3.7.2-1")
    def test_reasons_that_an_acknowledgement_does_not_have(self):
        wrong = {wire.PUBACK: (0x01, 0x11, 0x92, 0x81), wire.PUBREC: (0x01, 0x92), wire.PUBREL: (0x10, 0x80, 0x91),
                 wire.PUBCOMP: (0x10, 0x80)}
        self.refuse(5, {f"{wire.NAMES[kind]} {reason:#x}": wire.ack(kind, 1, reason)
                        for kind, reasons in wrong.items() for reason in reasons})

    def test_properties_of_acknowledgements(self):
        self.refuse(5, {"reason string twice": wire.puback(1, 0, prop("reason_string", "x") * 2),
                        "foreign": wire.puback(1, 0, prop("session_expiry", 1)),
                        "length beyond the packet": frame(wire.PUBACK, 0, b"\0\1\0\x09"),
                        "bytes behind": frame(wire.PUBACK, 0, b"\0\1\0\0x")})

    # --- SUBSCRIBE and UNSUBSCRIBE

    @clauses("MQTT-3.8.3-1", "MQTT-3.8.3-3", "MQTT-3.10.3-1", "MQTT-3.10.3-2", "MQTT5-3.8.3-1", "MQTT5-3.8.3-2",
             "MQTT5-3.10.3-1", "MQTT5-3.10.3-2")
    @each(4, 5)
    def test_filters_are_text_and_there_is_one(self, version):
        packets = {"SUBSCRIBE without": wire.subscribe(version, 1), "UNSUBSCRIBE without": wire.unsubscribe(version, 1)}
        for kind, bad in BAD_TEXT.items():
            packets[f"SUBSCRIBE {kind}"] = wire.subscribe(version, 1, bad)
            packets[f"UNSUBSCRIBE {kind}"] = wire.unsubscribe(version, 1, bad)
        self.refuse(version, packets, MALFORMED, PROTOCOL, 0x8F)

    @clauses("MQTT-4.7.1-2", "MQTT-4.7.1-3", "MQTT5-4.7.1-1", "MQTT5-4.7.1-2")
    @each(4, 5)
    def test_wildcards_in_wrong_places(self, version):
        # Ending the connection and SUBACK with a failure are both allowed; nothing may be subscribed.
        for bad in ("", "a#", "#/a", "a/#/b", "a+", "+a", "a/b+/c", "##", "++", "a/#b"):
            with self.subTest(filter=bad):
                client = self.client(version)
                client.send(wire.subscribe(version, 1, bad))
                got = client.receive()
                if got is not None and got.kind == wire.SUBACK:
                    self.assertIn(got.reasons[0], (0x80, 0x8F))
                elif version == 5:
                    self.assertIn(got.reason, (MALFORMED, PROTOCOL, 0x8F))
                    client.expect_closed()
                else:
                    self.assertIsNone(got)

    @clauses("MQTT-3.8.3-4", "MQTT5-3.8.3-5")
    def test_subscription_options(self):
        self.refuse(4, {f"{options:#x}": wire.subscribe(4, 1, ("a", options)) for options in (3, 4, 8, 0x10, 0x80, 0xFC)})
        self.refuse(5, {f"{options:#x}": wire.subscribe(5, 1, ("a", options))
                        for options in (3, 0x30, 0x40, 0x80, 0xC1)})

    @clauses("MQTT5-3.8.3-4", "MQTT5-4.8.2-1", "MQTT5-4.8.2-2")
    def test_shared_filters_that_are_wrong(self):
        self.refuse(5, {"No Local": wire.subscribe(5, 1, ("$share/g/a", wire.NO_LOCAL))}, PROTOCOL)
        bad = ("$share/", "$share//a", "$share/g", "$share/g/", "$share/g+/a", "$share/#/a", "$share/+/a", "$share/g/a#")
        client = self.client(5)
        client.send(wire.subscribe(5, 1, *bad, "good")).expect_kind(wire.SUBACK, reasons=[0x8F] * len(bad) + [0])

    @each(4, 5)
    def test_subscribe_that_is_cut_short(self, version):
        good = wire.subscribe(version, 1, ("abc", 1))
        shorter = {f"SUBSCRIBE by {cut}": frame(wire.SUBSCRIBE, 2, good[2:-cut]) for cut in range(1, len(good) - 1)}
        good = wire.unsubscribe(version, 1, "abc")
        shorter.update({f"UNSUBSCRIBE by {cut}": frame(wire.UNSUBSCRIBE, 2, good[2:-cut])
                        for cut in range(1, len(good) - 1)})
        self.refuse(version, shorter)

    def test_properties_of_subscribe_and_unsubscribe(self):
        bad = {"identifier 0": prop("subscription_id", 0), "identifier twice": prop("subscription_id", 1) * 2,
               "foreign": prop("session_expiry", 1), "unknown": b"\x30\x01",
               "identifier of five bytes": b"\x0b\x80\x80\x80\x80\x01"}
        self.refuse(5, {name: wire.subscribe(5, 1, "a", properties=value) for name, value in bad.items()})
        self.refuse(5, {name: wire.unsubscribe(5, 1, "a", properties=value) for name, value in
                        {"identifier": prop("subscription_id", 1), "reason string": prop("reason_string", "x")}.items()})

    # --- DISCONNECT and AUTH

    @clauses("MQTT-3.14.1-1")
    def test_disconnect_has_no_body_before_version_5(self):
        self.refuse(4, {"one byte": b"\xe0\x01\x00"})

    def test_disconnects_that_are_wrong(self):
        self.refuse(5, {"reason of a server": wire.disconnect(5, 0x8B), "unknown reason": wire.disconnect(5, 0x42),
                        "expiry twice": wire.disconnect(5, 0, prop("session_expiry", 1) * 2),
                        "foreign": wire.disconnect(5, 0, prop("topic_alias", 1)),
                        "length beyond the packet": b"\xe0\x02\x00\x7f"})

    def test_disconnect_cannot_prolong_a_session_that_was_to_end(self):
        self.refuse(5, {"expiry": wire.disconnect(5, 0, prop("session_expiry", 5))}, PROTOCOL)

    @clauses("MQTT5-3.15.1-1")
    def test_flags_of_auth(self):
        self.refuse(5, {str(flags): frame(wire.AUTH, flags, b"\x19" + b"\x04" + prop("auth_method", "x")[:4])
                        for flags in (1, 2, 8)})


run() if __name__ == "__main__" else None
