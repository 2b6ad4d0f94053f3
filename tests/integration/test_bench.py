"""starling bench, the load generator: every load against starlingd and Debian's mosquitto. Counts are judged, never times."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import unittest

import interop.broker as brokers
from harness import WAIT, NodeTestCase, run
from interop import wire
from interop.broker import PASSWORD, USER, Broker
from ports import free_port

STARLING = os.environ.get("STARLING", os.path.join(os.getcwd(), "bin", "starling"))
SHORT = ["--seconds", "0.2", "--warmup", "0.1"]
OK, FAILED, USAGE, UNREACHABLE, PERMISSION = 0, 1, 2, 69, 77


def start(*words):
    return subprocess.Popen([STARLING, "bench", *map(str, words), "--json"], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def finish(process):
    """(exit status, report or None, what it said on standard error)."""
    out, said = process.communicate(timeout=3 * WAIT)
    return process.returncode, json.loads(out) if out else None, said


def bench(*words):
    return finish(start(*words))


class Impostor:
    """A TCP server that greets whoever connects with `greeting`, and then ends the connection."""

    def __init__(self, greeting):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, args=(greeting,))
        self._thread.start()

    def _serve(self, greeting):
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer, contextlib.suppress(ConnectionError):  # who only wanted to see whether somebody is here
                peer.sendall(greeting)
                peer.recv(4096)

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


class Loads:
    """The same for both brokers."""
    server = None

    @classmethod
    def setUpClass(cls):
        cls.broker = cls.start_broker(doors=("tcp", "password", "tls", "mutual_tls"))

    @classmethod
    def start_broker(cls, **options):
        before, brokers.SERVER = brokers.SERVER, cls.server
        try:
            broker = Broker(**options)
        finally:
            brokers.SERVER = before
        cls.addClassCleanup(broker.close)
        return broker

    def tearDown(self):
        complaints = self.broker.complaints()
        self.assertIsNone(complaints, complaints and self.broker.log.text()[-4000:])

    def at(self, door="tcp"):
        """TLS goes by the name in the certificate."""
        return ["-h", "localhost" if "tls" in door else "127.0.0.1", "-p", self.broker.doors[door].port]

    def report(self, *words, door="tcp"):
        status, report, said = bench(*words, *self.at(door))
        self.assertEqual((status, said), (OK, ""), report)
        self.assertEqual((report["schema"], report["error"]), (1, None))
        return report

    def assert_all_came(self, report):
        messages = report["messages"]
        self.assertGreater(messages["sent"], 0)
        self.assertEqual(messages["delivered"], messages["expected"], messages)
        self.assertEqual([messages[name] for name in ("lost", "duplicated", "reordered", "foreign")], [0, 0, 0, 0])

    def traffic(self, *words):
        for qos in (0, 1, 2):
            for protocol in ("3.1.1", "5"):
                with self.subTest(qos=qos, protocol=protocol):
                    report = self.report(*words, *SHORT, "--qos", qos, "--protocol", protocol)
                    self.assert_all_came(report)
                    self.assertEqual(report["messages"]["acknowledged"], report["messages"]["sent"] if qos else 0)
                    self.assertGreater(report["measured"]["delivered"], 0)
                    self.assertEqual(report["latency_us"]["count"], report["measured"]["delivered"])
                    yield report

    def test_pairs(self):
        for report in self.traffic("pairs", "-n", 3, "--topics", 2):
            self.assertEqual(report["messages"]["expected"], report["messages"]["sent"])

    def test_fan_out(self):
        for report in self.traffic("fan-out", "-n", 5):
            self.assertEqual(report["messages"]["expected"], 5 * report["messages"]["sent"])

    def test_fan_in(self):
        for report in self.traffic("fan-in", "-n", 5, "--window", 10):
            self.assertEqual(report["messages"]["expected"], report["messages"]["sent"])

    def test_wildcard(self):
        for report in self.traffic("wildcard", "-n", 3, "--topics", 10, "--filters", 2500):
            self.assertEqual(report["filters"]["count"], 2530)

    def test_publish(self):
        for protocol in ("3.1.1", "5"):
            for qos in (1, 2):
                report = self.report("publish", "-n", 3, *SHORT, "--qos", qos, "--protocol", protocol)
                self.assertEqual(report["messages"]["acknowledged"], report["messages"]["sent"])
                self.assertGreater(report["measured"]["acknowledged"], 0)
                self.assertEqual(report["messages"]["expected"], 0)
        report = self.report("publish", "--messages", 1000)
        self.assertEqual(report["messages"]["sent"], 1000)
        self.assertGreater(report["measured"]["seconds"], 0)

    def test_a_number_of_messages(self):
        for words in (["--messages", 500], ["--messages", 500, "--qos", 1], ["--messages", 500, "--rate", 5000]):
            report = self.report("pairs", "-n", 3, *words)
            self.assert_all_came(report)
            self.assertEqual(report["messages"]["sent"], 500)
            self.assertEqual(report["measured"]["delivered"], 500)

    def test_payloads_of_all_sizes(self):
        for size in (0, 1, 15, 16, 17, 5000, 300_000):
            report = self.report("pairs", "-n", 2, "--size", size, "--messages", 200, "--window", 10, "--qos", 1)
            self.assert_all_came(report)
            self.assertEqual(report["latency_us"]["count"], 200)

    def test_retained(self):
        for qos in (0, 1, 2):
            for protocol in ("3.1.1", "5"):
                with self.subTest(qos=qos, protocol=protocol):
                    report = self.report("retained", "--messages", 300, "--qos", qos, "--protocol", protocol,
                                         "--topic", "kept")
                    self.assert_all_came(report)
                    self.assertEqual(report["retained"]["received"], 300)
        # Nothing stays: a PINGREQ is answered before any message comes.
        watcher = wire.WireClient(self.broker.port, "watcher")
        watcher.subscribe([("kept/#", 1)])
        watcher.send(wire.packet(wire.PINGREQ))
        watcher.expect(wire.PINGRESP)
        watcher.close()

    def test_offline_drain(self):
        for qos in (1, 2):
            for protocol in ("3.1.1", "5"):
                for publishers in (1, 5):
                    with self.subTest(qos=qos, protocol=protocol, publishers=publishers):
                        report = self.report("offline-drain", "-n", 3, "--publishers", publishers, "--messages", 100,
                                             "--qos", qos, "--protocol", protocol)
                        self.assert_all_came(report)
                        offline = report["offline"]
                        self.assertEqual((offline["sessions"], offline["queued"], offline["drained"]), (3, 300, 300))

    def test_connections(self):
        report = self.report("connections", "-n", 150, "--connecting", 20, "--hold", 0.1,
                             "--pid", self.broker.process.pid)
        self.assertEqual(report["connections"]["made"], 150)
        self.assertEqual(report["latency_us"]["count"], 150)
        self.assertEqual((report["memory"]["per"], report["memory"]["count"]), ("connection", 150))
        report = self.report("connections", "-n", 20, "--rate", 1000, "--protocol", 5)
        self.assertEqual(report["connections"]["made"], 20)

    def test_what_the_broker_used(self):
        report = self.report("pairs", *SHORT, "--pid", self.broker.process.pid)
        (process,) = report["processes"]
        self.assertEqual(process["pid"], self.broker.process.pid)
        self.assertGreater(process["cpu_s"], 0)
        self.assertGreater(process["rss_before"], 1 << 20)
        self.assertEqual(report["work"], report["measured"]["delivered"])
        self.assertGreater(report["per_cpu_s"], 0)

    def test_tls(self):
        certificate = self.broker.certificate
        trust = ["--cafile", certificate("ca.crt")]
        for words in (trust, ["--insecure"]):
            self.assert_all_came(self.report("pairs", *SHORT, "--qos", 1, "--size", 20_000, "--window", 5, *words,
                                             door="tls"))
        client = ["--cert", certificate("client.crt"), "--key", certificate("client.key")]
        self.assert_all_came(self.report("pairs", *SHORT, *trust, *client, door="mutual_tls"))

    def test_tls_handshakes(self):
        words = ["tls-handshakes", "-n", 2, "--seconds", 0.5, "--warmup", 0.1, "--cafile", self.broker.certificate("ca.crt")]
        full = self.report(*words, door="tls")["handshakes"]
        self.assertGreater(full["made"], 0)
        self.assertEqual(full["resumed"], 0)
        again = self.report(*words, "--resume", door="tls")["handshakes"]
        self.assertGreater(again["resumed"], 0)

    def assert_refused(self, status, said, *words):
        got = bench(*words)
        self.assertEqual(got[0], status, got)
        self.assertIn(said, got[2])
        self.assertIn(said, got[1]["error"])

    def test_who_is_not_trusted(self):
        self.assert_refused(UNREACHABLE, "not trusted", "pairs", "--cafile", self.broker.certificate("strangers.crt"),
                            *self.at("tls"))
        self.assert_refused(UNREACHABLE, "not trusted", "pairs", "--tls", *self.at("tls"))
        self.assert_refused(UNREACHABLE, "", "pairs", *self.at("tls"))  # no TLS at a TLS port

    def test_who_is_not_let_in(self):
        for protocol in ("3.1.1", "5"):
            self.assert_refused(PERMISSION, "refuses the connection", "pairs", "--protocol", protocol, *self.at("password"))
            self.assert_refused(PERMISSION, "-u, -P", "connections", "-n", 3, "-u", USER, "-P", "wrong", "--protocol", protocol,
                                *self.at("password"))
        self.assert_all_came(self.report("pairs", *SHORT, "-u", USER, "-P", PASSWORD, door="password"))

    def test_interrupted(self):
        connects = len(self.broker.log)
        process = start("pairs", "-n", 4, "--qos", 1, "--seconds", 600, *self.at())
        self.broker.log.wait_for("New client connected", start=connects, count=8)
        watcher = wire.WireClient(self.broker.port, "watcher")
        watcher.send(wire.subscribe([("bench/#", 0)]))
        watcher.next_message()
        process.send_signal(signal.SIGINT)
        status, report, said = finish(process)
        watcher.close()
        self.assertEqual((status, said), (OK, ""))
        self.assertTrue(report["interrupted"])
        self.assert_all_came(report)


class Starlingd(Loads, unittest.TestCase):
    server = "starlingd"


class Mosquitto(Loads, unittest.TestCase):
    server = "mosquitto"

    def test_what_is_lost_is_told(self):
        small = self.start_broker(settings="max_queued_messages 50\nmax_inflight_messages 10")
        status, report, said = bench("offline-drain", "-n", 2, "--messages", 200, "-h", "127.0.0.1", "-p", small.port)
        self.assertEqual(status, FAILED)
        self.assertGreater(report["messages"]["lost"], 0)
        self.assertEqual(report["messages"]["lost"], 400 - report["messages"]["delivered"])
        self.assertIn(f"{report['messages']['lost']} messages of QoS 1 were lost", said)

    def test_two_brokers_and_a_bridge(self):
        door = self.broker.port
        bridged = self.start_broker(settings=f"connection b\naddress 127.0.0.1:{door}\ntopic bench/# both 1\n"
                                             "bridge_protocol_version mqttv311\nrestart_timeout 1\n")
        places = ["--publish-at", f"127.0.0.1:{bridged.port}", "--subscribe-at", f"127.0.0.1:{door}"]
        self.assert_all_came(self.report("pairs", "-n", 3, "--messages", 300, "--qos", 1, *places))
        self.assert_all_came(self.report("fan-out", "-n", 3, "--messages", 300, "--qos", 1, *places))

    def test_two_brokers_without_a_way(self):
        other = self.start_broker()
        status, report, said = bench("pairs", "-n", 1, "--publish-at", f"127.0.0.1:{other.port}",
                                     "--subscribe-at", f"127.0.0.1:{self.broker.port}")
        self.assertEqual((status, report["messages"]["sent"]), (FAILED, 0))
        self.assertIn("no way from", said)


class NoBroker(unittest.TestCase):
    def refused(self, *words):
        status, report, said = bench(*words)
        self.assertEqual(report["error"] + "\n", said.removeprefix("starling bench: "))
        return status, said

    def test_nobody_listens(self):
        port = free_port()
        status, said = self.refused("-h", "127.0.0.1", "-p", port)
        self.assertEqual(status, UNREACHABLE)
        self.assertIn(f"127.0.0.1:{port}", said)
        self.assertIn("refused", said)

    def test_no_such_host(self):
        status, said = self.refused("-h", "nowhere.invalid")
        self.assertEqual(status, UNREACHABLE)
        self.assertIn("nowhere.invalid:1883", said)

    def test_not_mqtt(self):
        for greeting, sentence in ((b"SSH-2.0-OpenSSH_9.2\r\n", 'does not speak MQTT: it answers "SSH-2.0-OpenSSH_9.2"'),
                                   (b"", "without an answer to CONNECT")):
            impostor = Impostor(greeting)
            status, said = self.refused("-h", "127.0.0.1", "-p", impostor.port, "-n", 1)
            impostor.close()
            self.assertEqual(status, UNREACHABLE)
            self.assertIn(sentence, said)

    def test_no_such_process(self):
        status, said = self.refused("--pid", (1 << 22) + 1)  # above the largest number a process can have
        self.assertEqual(status, USAGE)
        self.assertIn("no such process", said)

    def test_usage(self):
        status, report, said = bench("--qos", 3)
        self.assertEqual((status, report), (USAGE, None))
        self.assertIn("--qos", said)
        for words, expected in ((["--version"], OK), (["bench", "--help"], OK), (["nonsense"], USAGE), ([], USAGE)):
            done = subprocess.run([STARLING, *words], capture_output=True, text=True, check=False, timeout=WAIT)
            self.assertEqual(done.returncode, expected)
            self.assertTrue(done.stderr if expected else done.stdout)

    def test_too_many_connections_for_the_limit(self):
        broker = Broker()
        self.addCleanup(broker.close)
        done = subprocess.run(["bash", "-c", f"ulimit -n 100 && {STARLING} bench connections -n 200 -h 127.0.0.1 -p {broker.port}"],
                              capture_output=True, text=True, check=False, timeout=WAIT)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("may have 100", done.stderr)


class Mesh(NodeTestCase):
    def test_messages_cross(self):
        a, b = self.mesh(2)
        for qos in (0, 1, 2):
            status, report, said = bench("pairs", "-n", 2, "--messages", 300, "--window", 20, "--qos", qos, "--topic", "over/there",
                                         "--publish-at", f"127.0.0.1:{a.port}", "--subscribe-at", f"127.0.0.1:{b.port}")
            self.assertEqual((status, said), (OK, ""))
            self.assertEqual((report["messages"]["sent"], report["messages"]["lost"]), (300, 0))


if __name__ == "__main__":
    run()
