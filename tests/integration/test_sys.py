"""The $SYS tree: every name that dashboards, Home Assistant's sensors and exporters read, with values of Mosquitto's shape."""
import re
import subprocess
import unittest

from harness import Lines, NodeTestCase, run
from twins import DISCONNECT, PINGREQ, Twin, Wire, has_mosquitto, packet, text

CONF = "log_dest stderr\nsys_interval 1\nallow_anonymous true\nlistener {port} 127.0.0.1"

NAMES = """version uptime clients/total clients/maximum clients/connected clients/disconnected clients/expired clients/active
clients/inactive messages/received messages/sent messages/stored publish/messages/received publish/messages/sent
publish/messages/dropped publish/bytes/received publish/bytes/sent bytes/received bytes/sent subscriptions/count
shared_subscriptions/count store/messages/count store/messages/bytes packet/out/count packet/out/bytes
connections/socket/count heap/current heap/maximum""".split() + ["retained messages/count"]
NAMES += [f"load/{what}/{span}" for span in ("1min", "5min", "15min")
          for what in ("messages/received", "messages/sent", "publish/received", "publish/sent", "publish/dropped",
                       "bytes/received", "bytes/sent", "sockets", "connections")]
LATER = r"([2-9]|\d\d+) seconds"  # an uptime after several rounds of the tree
NEWER = {"packet/out/count", "packet/out/bytes", "connections/socket/count"}  # than Debian's Mosquitto


def shape(value):
    for name, pattern in (("integer", r"-?\d+"), ("two decimals", r"-?\d+\.\d\d"), ("seconds", r"\d+ seconds"),
                          ("version", r"[a-z]+ version \d+\.\d+\.\d+")):
        if re.fullmatch(pattern, value):
            return name
    return f"unknown: {value}"


class Reader:
    """mosquitto_sub on $SYS/#: the last value of each name."""

    def __init__(self, broker, *words):
        self.process = subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", "-p", str(broker.port), "-t", "$SYS/broker/#",
                                         "-F", "%r|%q|%t|%p", *words], stdout=subprocess.PIPE, text=True)
        self.lines = Lines(self.process.stdout)

    def values(self):
        found = {}
        for line in self.lines.text().splitlines():
            _, _, topic, value = line.split("|", 3)
            found[topic.removeprefix("$SYS/broker/")] = value
        return found

    def wait_for(self, name, pattern):
        return self.lines.wait_for(rf"\|\$SYS/broker/{re.escape(name)}\|{pattern}$")

    def close(self):
        self.process.kill()
        self.process.wait()


class SystemTree(NodeTestCase):
    def broker(self, kind="starlingd", conf=CONF):
        return self.keep(Twin(kind, conf)).wait_running()

    def reader(self, broker, *words):
        return self.keep(Reader(broker, *words))

    def test_every_name_is_there_retained_and_of_mosquittos_shape(self):
        reader = self.reader(self.broker())
        for name in NAMES:
            self.assertEqual(reader.wait_for(name, ".*").group(0).count("|"), 2)
        values = reader.values()
        self.assertRegex(values["version"], r"^starling version \d+\.\d+\.\d+$")
        self.assertEqual(shape(values["uptime"]), "seconds")
        for name in NAMES:
            wanted = {"version": "version", "uptime": "seconds"}.get(
                name, "two decimals" if name.startswith("load/") else "integer")
            self.assertEqual(shape(values[name]), wanted, name)
        reader.lines.wait_for(r"^1\|.*uptime")  # retained

    @unittest.skipUnless(has_mosquitto, "mosquitto is not installed")
    def test_mosquitto_has_no_name_and_no_shape_that_we_lack(self):
        theirs, ours = self.reader(self.broker("mosquitto")), self.reader(self.broker())
        for name in NAMES:
            ours.wait_for(name, ".*")
            if name not in NEWER:
                theirs.wait_for(name, ".*")
        values = ours.values()
        for name, value in theirs.values().items():
            self.assertIn(name, values)
            self.assertEqual(shape(values[name]), shape(value), name)

    def test_values_follow_what_clients_do(self):
        for kind in ("starlingd", "mosquitto") if has_mosquitto else ("starlingd",):
            broker = self.broker(kind)
            reader = self.reader(broker)
            reader.wait_for("clients/connected", "1")
            wire = Wire(broker.port).connected("busy")
            for _ in range(4):  # not retained: Mosquitto 2.0 forgets to count those
                wire.send(packet(0x30, text("nobody/reads") + b"12345"))
            reader.wait_for("clients/connected", "2")
            reader.wait_for("clients/active", "2")
            reader.wait_for("publish/messages/received", "4")
            reader.wait_for("publish/bytes/received", "20")
            reader.wait_for("load/publish/received/1min", r"[1-9]\d*\.\d\d|0\.[1-9]\d")
            wire.send(DISCONNECT).wait_closed()
            sleeper = Wire(broker.port).connected("sleeper", clean=False)
            sleeper.send(packet(0x82, b"\0\1" + text("a/#") + b"\1")).receive()
            sleeper.send(DISCONNECT).wait_closed()
            reader.wait_for("clients/inactive", "1")
            reader.wait_for("clients/disconnected", "1")
            reader.wait_for("subscriptions/count", "2")
            reader.wait_for("clients/maximum", "[2-9]")

    def test_a_reader_with_qos_2_gets_qos_2(self):
        reader = self.reader(self.broker(), "-q", "2")
        reader.lines.wait_for(r"^0\|2\|\$SYS/broker/uptime\|")

    def test_plain_wildcards_do_not_see_the_tree(self):
        broker = self.broker()
        dashboard = self.reader(broker)
        wire = Wire(broker.port).connected("plain")
        wire.send(packet(0x82, b"\0\1" + text("#") + b"\0")).receive()
        dashboard.wait_for("uptime", LATER)
        wire.send(PINGREQ)
        self.assertEqual(wire.receive(), b"\xd0\x00")

    def test_nobody_but_the_broker_writes_it(self):
        broker = self.broker()
        reader = self.reader(broker)
        wire = Wire(broker.port).connected("forger")
        wire.send(packet(0x33, text("$SYS/broker/version") + b"\0\1" + b"forged")).receive()
        reader.wait_for("uptime", LATER)
        self.assertNotIn("forged", reader.lines.text())

    def test_an_interval_of_zero_means_no_tree(self):
        broker = self.broker(conf=CONF.replace("sys_interval 1", "sys_interval 0"))
        wire = Wire(broker.port).connected("reader")
        wire.send(packet(0x82, b"\0\1" + text("$SYS/#") + b"\0"))
        self.assertEqual(wire.receive(), b"\x90\x03\0\1\0")
        wire.send(PINGREQ)
        self.assertEqual(wire.receive(), b"\xd0\x00")

    def test_the_packages_own_values_stand_under_our_name(self):
        reader = self.reader(self.broker())
        for name in ("dropped/queue_full", "denied/publish", "readers/stalled", "connections/refused"):
            reader.wait_for("starling/" + name, r"\d+")


if __name__ == "__main__":
    run()
