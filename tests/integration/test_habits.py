"""What the programs of a home do on the wire, replayed: Home Assistant, zigbee2mqtt, Tasmota, ESPHome, Frigate, OwnTracks,
Shelly. The measure is complete results: every retained topic arrives, every queued message, also at a slow reader.
"""
import json
import random

from harness import WAIT, NodeTestCase, run
from interop import wire
from interop.broker import Broker

COMPONENTS = ("sensor", "binary_sensor", "switch", "light", "number", "select", "button", "update")
DEVICES, TOPICS = 49, 1104  # a home that somebody has counted


def discovery():
    """1 104 retained configurations of 49 devices, as zigbee2mqtt announces them: [(topic, payload)]."""
    found = []
    for i in range(TOPICS):
        device, entity = i % DEVICES, i // DEVICES
        component = COMPONENTS[entity % len(COMPONENTS)]
        identity = f"0x00158d000{device:07x}"
        config = {
            "name": f"entity {entity}", "unique_id": f"{identity}_{entity}_zigbee2mqtt",
            "state_topic": f"zigbee2mqtt/device {device}", "value_template": f"{{{{ value_json.e{entity} }}}}",
            "availability": [{"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"},
                             {"topic": f"zigbee2mqtt/device {device}/availability"}], "availability_mode": "all",
            "device": {"identifiers": [f"zigbee2mqtt_{identity}"], "manufacturer": "Küchenlampen & Söhne", "name": f"device {device}"},
            "origin": {"name": "Zigbee2MQTT", "sw": "1.36.0", "url": "https://www.zigbee2mqtt.io"},
        }
        found.append((f"homeassistant/{component}/{identity}/e{entity}/config", json.dumps(config).encode()))
    return found


class Habits(NodeTestCase):
    """One broker for all: each program has its own topics, as at home."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker()
        cls.addClassCleanup(cls.broker.close)

    @classmethod
    def tearDownClass(cls):
        status = cls.broker.stop()
        assert status == 0 and not cls.broker.complaints(), cls.broker.log.text()[-6000:]

    def paho(self, client_id="", **options):
        return self.client(self.broker, client_id, **{"version": 4, **options})

    def bare(self, client_id="", **options):
        client = wire.WireClient(self.broker.port, client_id, timeout=WAIT, **options)
        self.addCleanup(client.drop)
        return client

    def publish_all(self, messages, retain=True, qos=0):
        """Without waiting in between; all of them are with the broker when this returns."""
        publisher = self.bare("publisher")
        publisher.send(b"".join(wire.publish(topic, payload, qos, retain, i % 65535 + 1) for i, (topic, payload)
                                in enumerate(messages)) + wire.PING)
        expected = {wire.PINGRESP: 1, wire.PUBACK: len(messages)} if qos else {wire.PINGRESP: 1}
        while any(expected.values()):
            expected[publisher.next_packet().kind] -= 1
        publisher.close()

    def erase(self, topics):
        self.publish_all([(topic, b"") for topic in topics])

    def take_retained(self, client, count):
        """{topic: payload} of `count` messages, each marked retained, none twice."""
        got = {}
        for _ in range(count):
            message = client.take()
            self.assertTrue(message.retain, message.topic)
            self.assertNotIn(message.topic, got)
            got[message.topic] = message.payload
        return got

    def nothing_more(self, client, topic):
        """A message sent now is the next that comes."""
        client.publish(topic, b"the end", 1)
        got = client.take()
        self.assertEqual((got.topic, got.payload), (topic, b"the end"))


class HomeAssistant(Habits):
    def test_discovery_of_49_devices_is_complete_after_each_restart_of_home_assistant(self):
        configs = dict(discovery())
        self.assertEqual(len(configs), TOPICS)
        self.publish_all(configs.items(), qos=1)
        for start in range(3):
            hass = self.paho("homeassistant", will=("homeassistant/status", "offline", 1, False))
            # One SUBSCRIBE of many filters, overlapping ones among them, as its MQTT integration sends.
            hass.subscribe([("homeassistant/+/+/config", 0), ("homeassistant/+/+/+/config", 0), ("homeassistant/status", 1)])
            self.assertEqual(self.take_retained(hass, TOPICS), configs)
            hass.publish("homeassistant/status", "online", 1)
            self.assertEqual(hass.take().payload, b"online")
            if start == 1:
                hass.drop()
            else:
                hass.close()
        self.erase(configs)

    def test_birth_and_will_reach_the_devices(self):
        device = self.paho("device")
        device.subscribe("homeassistant/status", 1)
        hass = self.paho("homeassistant", will=("homeassistant/status", "offline", 1, False))
        hass.publish("homeassistant/status", "online", 1)
        self.assertEqual(device.take().payload, b"online")
        hass.drop()
        self.assertEqual(device.take().payload, b"offline")

    def test_hundreds_of_literal_subscriptions_in_packets_of_any_size(self):
        topics = [f"zigbee2mqtt/device {i}/availability" for i in range(400)]
        self.publish_all([(topic, b"online") for topic in topics])
        hass = self.paho("homeassistant")
        at, rng = 0, random.Random(5)
        while at < len(topics):
            size = rng.randrange(1, 60)
            hass.subscribe([(topic, 1) for topic in topics[at:at + size]])
            at += size
        self.assertEqual(set(self.take_retained(hass, len(topics))), set(topics))
        # A state each, live: one message for each subscription, no more.
        self.publish_all([(topic, b"offline") for topic in topics], retain=False)
        self.assertEqual(sorted(hass.take().topic for _ in topics), sorted(topics))
        self.nothing_more(hass, topics[0])
        self.erase(topics)


class Zigbee2Mqtt(Habits):
    FILTERS = ["zigbee2mqtt/" + "+/" * depth + verb for depth in range(1, 6) for verb in ("get", "set")]

    def test_filters_with_plus_at_depths_1_to_5_see_each_command_once(self):
        bridge = self.paho("zigbee2mqtt", will=("zigbee2mqtt/bridge/state", '{"state":"offline"}', 1, True))
        for topic_filter in self.FILTERS + ["zigbee2mqtt/bridge/request/#"]:
            bridge.subscribe(topic_filter, 0)
        names = ["/".join(["lamp", "hall", "upper floor", "left", "bulb 1"][:depth]) for depth in range(1, 6)]
        commands = [f"zigbee2mqtt/{name}/{verb}" for name in names for verb in ("get", "set")]
        sender = self.paho()
        for command in commands:
            sender.publish(command, '{"state":"ON"}', 1)
        self.assertEqual(sorted(bridge.take().topic for _ in commands), sorted(commands))
        # Neither its own states nor deeper names come back to it.
        for name in names:
            sender.publish(f"zigbee2mqtt/{name}", '{"state":"ON"}', 1)
        sender.publish("zigbee2mqtt/a/b/c/d/e/f/set", "x", 1)
        sender.publish("zigbee2mqtt/bridge/request/permit_join", '{"value":true}', 1)
        self.assertEqual(bridge.take().topic, "zigbee2mqtt/bridge/request/permit_join")
        bridge.drop()
        late = self.paho()
        late.subscribe("zigbee2mqtt/bridge/state", 0)
        self.wait_for_state(late, b'{"state":"offline"}')
        self.erase(["zigbee2mqtt/bridge/state"])

    def wait_for_state(self, client, wanted):
        while client.take().payload != wanted:
            pass

    def test_bridge_and_availability_are_retained_states_are_not(self):
        retained = {"zigbee2mqtt/bridge/state": b'{"state":"online"}', "zigbee2mqtt/bridge/info": b"{}" * 20000,
                    "zigbee2mqtt/bridge/devices": b"[" + b"x" * 300000 + b"]", "zigbee2mqtt/lamp/availability": b"online"}
        bridge = self.paho("zigbee2mqtt")
        for topic, payload in retained.items():
            bridge.publish(topic, payload, 1, retain=True)
        bridge.publish("zigbee2mqtt/lamp", '{"state":"ON"}', 1)
        for qos in (0, 1):
            late = self.paho()
            late.subscribe("zigbee2mqtt/#", qos)
            self.assertEqual(self.take_retained(late, len(retained)), retained)
            self.nothing_more(late, "zigbee2mqtt/lamp/end")
        self.erase(retained)


class Tasmota(Habits):
    def device(self, number):
        topic = f"tasmota_{number:06X}"
        device = self.paho(f"DVES_{number:06X}", will=(f"tele/{topic}/LWT", "Offline", 1, True), keepalive=30)
        device.publish(f"tele/{topic}/LWT", "Online", 1, retain=True)
        device.publish(f"cmnd/{topic}/POWER", b"", 0)
        for topic_filter in (f"cmnd/{topic}/#", "cmnd/tasmotas/#", f"cmnd/DVES_{number:06X}_fb/#"):
            device.subscribe(topic_filter, 0)
        return device, topic

    def test_last_will_group_topics_and_commands(self):
        fleet = [self.device(number) for number in (0xA1, 0xA2, 0xA3)]
        panel = self.paho("panel")
        panel.subscribe([("tele/+/LWT", 1), ("stat/+/POWER", 1)])
        self.assertEqual(set(self.take_retained(panel, 3).values()), {b"Online"})
        panel.publish("cmnd/tasmotas/POWER", "ON", 1)
        for device, topic in fleet:
            self.assertEqual(device.take().topic, "cmnd/tasmotas/POWER")
            device.publish(f"stat/{topic}/POWER", "ON", 0)
        self.assertEqual({panel.take().topic for _ in fleet}, {f"stat/{topic}/POWER" for _, topic in fleet})
        device, topic = fleet[1]
        panel.publish(f"cmnd/{topic}/Status", "0", 0)
        self.assertEqual(device.take().topic, f"cmnd/{topic}/Status")
        device.drop()
        got = panel.take()
        self.assertEqual((got.topic, got.payload, got.retain), (f"tele/{topic}/LWT", b"Offline", False))
        late = self.paho()
        late.subscribe("tele/+/LWT", 1)
        states = self.take_retained(late, 3)
        self.assertEqual((states.pop(f"tele/{topic}/LWT"), set(states.values())), (b"Offline", {b"Online"}))
        # It is back under its own id while the broker may still hold its old connection.
        device, topic = self.device(0xA2)
        got = panel.take()
        self.assertEqual((got.topic, got.payload), (f"tele/{topic}/LWT", b"Online"))
        self.erase([f"tele/{topic}/LWT" for _, topic in fleet])

    def test_a_device_that_comes_back_before_its_old_connection_is_missed(self):
        """The module has lost power: its old connection is taken over, the old will is sent before the new birth."""
        panel = self.paho("panel")
        panel.subscribe("tele/+/LWT", 1)
        old, topic = self.device(0xB1)
        self.assertEqual(panel.take().payload, b"Online")
        new, _ = self.device(0xB1)
        self.assertEqual([panel.take().payload, panel.take().payload], [b"Offline", b"Online"])
        panel.publish(f"cmnd/{topic}/POWER", "TOGGLE", 1)
        self.assertEqual(new.take().payload, b"TOGGLE")
        old.paho.loop_stop()
        self.erase([f"tele/{topic}/LWT"])


class EspHome(Habits):
    def test_a_session_is_kept_while_the_device_sleeps(self):
        def connect():
            device = self.paho("bedroom-4f2a", clean=False, will=("bedroom/status", "offline", 0, True))
            device.subscribe("bedroom/light/lamp/command", 0)
            return device
        device = connect()
        self.assertFalse(device.flags["session present"])
        device.publish("bedroom/status", "online", 0, retain=True)
        device.publish("homeassistant/light/bedroom/lamp/config", b"{}", 0, retain=True)
        device.publish("bedroom/light/lamp/state", '{"state":"OFF"}', 0, retain=True)
        device.subscribe("bedroom/ota/#", 1)
        device.drop()
        sender = self.paho()
        sender.subscribe("bedroom/status", 1)
        while sender.take().payload != b"offline":
            pass
        for i in range(3):
            sender.publish("bedroom/ota/chunk", f"{i}", 1)
        device = connect()
        self.assertTrue(device.flags["session present"])
        self.assertEqual(device.take_payloads(3), ["0", "1", "2"])
        late = self.paho()
        late.subscribe([("bedroom/#", 0), ("homeassistant/#", 0)])
        self.assertEqual(set(self.take_retained(late, 3)), {"bedroom/status", "bedroom/light/lamp/state",
                                                            "homeassistant/light/bedroom/lamp/config"})
        device.close()
        self.bare("bedroom-4f2a").close()
        self.erase(["bedroom/status", "bedroom/light/lamp/state", "homeassistant/light/bedroom/lamp/config"])

    def test_hundreds_of_sessions_of_sleeping_devices(self):
        names = [f"esp-{i:03}" for i in range(300)]
        for name in names:
            client = self.bare(name, clean=False)
            client.subscribe([(f"{name}/command", 1), ("esp/all", 1)])
            client.drop()
        self.publish_all([("esp/all", b"wake")] + [(f"{name}/command", b"on") for name in names], retain=False, qos=1)
        for name in names:
            client = self.bare(name, clean=False)
            self.assertTrue(client.session_present)
            self.assertEqual([client.next_message().payload for _ in range(2)], [b"wake", b"on"])
            client.close()
            self.bare(name).close()  # a clean start, and the session is gone


class Frigate(Habits):
    def test_snapshots_of_500_kilobytes_arrive_byte_for_byte(self):
        rng = random.Random(7)
        snapshots = {f"frigate/{camera}/person/snapshot": rng.randbytes(500_000) for camera in ("door", "yard", "garage", "street")}
        viewer = self.paho("viewer")
        viewer.subscribe("frigate/#", 0)
        frigate = self.paho("frigate", will=("frigate/available", "offline", 1, True))
        for topic, payload in snapshots.items():
            frigate.publish(topic, payload, 0, retain=True)
        got = [viewer.take() for _ in snapshots]
        self.assertEqual({m.topic: m.payload for m in got}, snapshots)
        late = self.paho()
        late.subscribe("frigate/+/person/snapshot", 0)
        self.assertEqual(self.take_retained(late, len(snapshots)), snapshots)
        self.erase(snapshots)


class OwnTracks(Habits):
    def test_a_phone_sends_its_long_queue_at_reconnect(self):
        friend = self.paho("friend", clean=False)
        friend.subscribe("owntracks/+/+", 1)
        friend.close()
        places = [(f"owntracks/jane/phone", json.dumps({"_type": "location", "tst": i}).encode()) for i in range(3000)]
        self.publish_all(places, retain=True, qos=1)
        friend = self.paho("friend", clean=False)
        self.assertEqual([friend.take().payload for _ in places], [payload for _, payload in places])
        late = self.paho()
        late.subscribe("owntracks/#", 1)
        self.assertEqual(self.take_retained(late, 1), {"owntracks/jane/phone": places[-1][1]})
        friend.close()
        self.bare("friend").close()
        self.erase(["owntracks/jane/phone"])


class Shelly(Habits):
    def test_announcements_commands_and_rpc(self):
        device = self.paho("shellyplus1-a8032abe54dc", will=("shellyplus1-a8032abe54dc/online", "false", 0, True))
        device.publish("shellyplus1-a8032abe54dc/online", "true", 0, retain=True)
        device.subscribe([("shellyplus1-a8032abe54dc/rpc", 1), ("shellies/command", 0)])
        panel = self.paho("panel")
        panel.subscribe([("+/online", 0), ("panel/rpc", 1), ("shellies/+/announce", 0)])
        self.assertEqual(self.take_retained(panel, 1), {"shellyplus1-a8032abe54dc/online": b"true"})
        panel.publish("shellies/command", "announce", 1)
        self.assertEqual(device.take().payload, b"announce")
        device.publish("shellies/shellyplus1-a8032abe54dc/announce", b"{}", 0)
        self.assertEqual(panel.take().topic, "shellies/shellyplus1-a8032abe54dc/announce")
        request = {"id": 1, "src": "panel", "method": "Switch.Set", "params": {"id": 0, "on": True}}
        panel.publish("shellyplus1-a8032abe54dc/rpc", json.dumps(request), 1)
        reply = json.loads(device.take().payload)["src"]
        device.publish(f"{reply}/rpc", json.dumps({"id": 1, "result": {"was_on": False}}), 1)
        self.assertEqual(json.loads(panel.take().payload)["id"], 1)
        device.drop()
        self.assertEqual(panel.take().payload, b"false")
        self.erase(["shellyplus1-a8032abe54dc/online"])


class SlowReaders(Habits):
    """Brokers that pass retained messages through a bounded queue lose most of them here."""
    MANY = 100_000

    def fill(self):
        publisher = self.bare("publisher")
        # QoS 1, so that they count against windows and queues; never more under way than the broker allows.
        for start in range(0, self.MANY, 1000):
            publisher.send(b"".join(wire.publish(f"home/{i % 100}/{i}", f"value {i}", 1, True, i % 60000 + 1)
                                    for i in range(start, start + 1000)))
            for _ in range(1000):
                publisher.expect(wire.PUBACK)
        publisher.close()

    def test_100_000_retained_messages_all_reach_slow_and_quick_subscribers(self):
        self.fill()
        slow = self.bare("slow", receive_buffer=4096)
        slow.send(wire.subscribe([("home/#", 1)]))
        # While the slow one dawdles, others are served, and a quick one gets everything.
        quick = self.bare("quick")
        quick.send(wire.subscribe([("home/#", 0)]))
        seen = set()
        while len(seen) < self.MANY:
            message = quick.next_message(chunk=1 << 18)
            self.assertTrue(message.retain)
            seen.add(int(message.topic.rpartition("/")[2]))
        quick.close()
        watcher = self.paho()
        watcher.subscribe("live", 1)
        watcher.publish("live", b"still here", 1)
        self.assertEqual(watcher.take().payload, b"still here")
        got = set()
        while len(got) < self.MANY:
            # Small bites; every acknowledgement is a packet of its own.
            message = slow.next_message(chunk=2048)
            number = int(message.topic.rpartition("/")[2])
            self.assertEqual((message.payload.decode(), message.retain), (f"value {number}", True))
            self.assertNotIn(number, got)
            got.add(number)
        slow.close()
        self.assertFalse(self.broker.complaints())


if __name__ == "__main__":
    run()
