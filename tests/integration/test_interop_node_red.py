"""Node-RED, started for real, receives through its mqtt in node and sends through its mqtt out node."""
import os
import signal
import subprocess
import unittest

from paho.mqtt.subscribeoptions import SubscribeOptions

from harness import WAIT, Client, Lines, run
from interop import npm
from interop.broker import PASSWORD, USER, Broker
from interop.node_red.flow import write_project
from ports import free_ports

LONG = max(WAIT, 90)  # seconds; Node-RED reads hundreds of files before it begins


class NodeRed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.installed = npm.installed("node_red")
        cls.broker = Broker(("tcp", "tls_password", "password"))
        cls.addClassCleanup(cls.broker.close)

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            print(self.log.text()[-3000:], self.broker.log.text()[-3000:], sep="\n---\n")

    def start(self, name, door, version, **options):
        folder = self.broker.path(name)
        write_project(folder, free_ports(1)[0], self.broker.doors[door], version, f"status/{name}", **options)
        program = os.path.join(self.installed, "node_modules", "node-red", "red.js")
        self.process = subprocess.Popen(["node", program, "--userDir", folder, "--settings", os.path.join(folder, "settings.js")],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                        env={**os.environ, "NODE_RED_ENABLE_TELEMETRY": "false"})
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.log = Lines(self.process.stdout)
        return self.process

    def client(self, **options):
        client = Client(self.broker, **options)
        self.addCleanup(client.close)
        return client

    def through_the_flow(self, door, version, **options):
        """Birth message, messages of every QoS and size and a retained one through the flow, will."""
        watcher = self.client(version=version)
        if version == 5:
            watcher.subscribe("out/#", options=SubscribeOptions(qos=2, retainAsPublished=True))
        else:
            watcher.subscribe("out/#", 2)
        status = self.client(version=version)
        status.subscribe(f"status/{door}{version}", 1)
        self.start(f"{door}{version}", door, version, **options)
        self.assertEqual(status.take(LONG).payload, b"online")
        # Birth comes as soon as it is connected; its subscription may be a moment behind.
        self.log.wait_for(r"Connected to broker", LONG)
        publisher = self.client(version=version)
        publisher.publish("in/ready", "ready", 1, retain=True)
        self.assertEqual(watcher.take(LONG).payload, b"READY")
        for qos in (0, 1, 2):
            for payload in ("lamp", "größe", "x" * 100000):
                publisher.publish(f"in/{qos}/a", payload, qos)
                got = watcher.take()
                self.assertEqual((got.topic, got.qos, got.payload.decode()), (f"out/{qos}/a", qos, payload.upper()))
        publisher.publish("in/kept", "kept", 1, retain=True)
        got = watcher.take()
        self.assertEqual((got.topic, got.payload), ("out/kept", b"KEPT"))
        if version == 5:
            # The flow asks for retain as published, so its answer is retained too.
            late = self.client(version=version)
            late.subscribe("out/kept", 1)
            self.assertEqual(late.take().payload, b"KEPT")
        publisher.publish("in/kept", b"", 1, retain=True)
        publisher.publish("in/ready", b"", 1, retain=True)
        return status

    def test_a_flow_in_3_1_1_and_its_will(self):
        status = self.through_the_flow("tcp", 4)
        self.process.kill()
        self.assertEqual(status.take().payload, b"gone")

    def test_a_flow_in_5_with_tls_and_password_and_its_farewell(self):
        status = self.through_the_flow("tls_password", 5, credentials=(USER, PASSWORD),
                                       authority=self.broker.certificate("ca.crt"))
        self.process.send_signal(signal.SIGINT)
        self.assertEqual(status.take(LONG).payload, b"closed")

    def test_a_flow_with_the_wrong_password_is_turned_away(self):
        self.start("wrong", "password", 4, credentials=(USER, "wrong"))
        self.log.wait_for(r"Connection failed to broker", LONG)
        self.assertEqual(self.log.count("Connected to broker"), 0)


if __name__ == "__main__":
    run()
