"""What people see in the log: Mosquitto's sentences for what clients do, every destination, rotation, and no forged lines."""
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

from harness import WAIT, Lines, NodeTestCase, run
from twins import DISCONNECT, PINGREQ, Twin, Wire, connect, has_mosquitto, packet, text

CONF = """
per_listener_settings true
log_dest stderr
{types}
listener {{port}} 127.0.0.1
allow_anonymous true
max_packet_size 2000
listener {{port2}} 127.0.0.1
allow_anonymous false
password_file {{folder}}/passwords
"""
USUAL = "log_type error\nlog_type warning\nlog_type notice\nlog_type information"
# bob's password is "secret": PBKDF2 as mosquitto_passwd makes it.
PASSWORDS = ("bob:$7$101$peUEvxq20DLCRD7G$NjDDfxXPpQqITjpZigW8fAYcelkHAQtGiEFYMQCRTA1XARPy+1o1tm1xCKT2JubL9O7zaPW4VW"
             "/Bl0iVh1JpvQ==\n")
# The lines that scripts look for; others may stand between them.
WATCHED = re.compile(r"^(New |Client |BROKER |Opening |Config loaded)")


def do_what_clients_do(broker, ended):
    """One thing after the other; `ended(text)` waits for the line with which each one ends."""
    wire = Wire(broker.port).connected("plain")
    wire.send(DISCONNECT).wait_closed()
    ended("Client plain disconnected")
    wire = Wire(broker.port).connected("modern", level=5, keep_alive=7, clean=False, user="hans")
    wire.send(DISCONNECT).wait_closed()
    ended("Client modern disconnected")
    Wire(broker.port).connected("ancient", level=3).send(DISCONNECT).wait_closed()
    ended("Client ancient disconnected")
    Wire(broker.port).connected("hasty").close()
    ended("Client hasty closed")
    Wire(broker.port).connected("crashed").reset()
    ended("Client crashed")
    Wire(broker.port).close()
    ended("Client <unknown> closed")
    Wire(broker.port).connected("rude").send(connect("rude")).wait_closed()
    ended("Client rude")
    Wire(broker.port).connected("fat").send(packet(0x30, text("a") + b"x" * 3000)).wait_closed()
    ended("Client fat")
    Wire(broker.port).send(PINGREQ).wait_closed()
    ended("Client <unknown> disconnected due to protocol error")
    first = Wire(broker.port).connected("twice")
    second = Wire(broker.port).connected("twice")
    first.wait_closed()
    second.send(DISCONNECT).wait_closed()
    ended("Client twice disconnected")
    Wire(broker.port).connected("asleep", keep_alive=1).wait_closed()
    ended("Client asleep")
    Wire(broker.port2).send(connect("stranger")).wait_closed()
    ended("not authorised")
    Wire(broker.port2).send(connect("burglar", user="bob", password="guess")).wait_closed()
    ended("not authorised")


class LogTestCase(NodeTestCase):
    def twin(self, kind, conf, **options):
        return self.keep(Twin(kind, conf, **options))


class Sentences(LogTestCase):
    def story(self, kind):
        broker = self.twin(kind, CONF.format(types=USUAL), files={"passwords": PASSWORDS}).wait_running()
        seen = 0

        def ended(what):
            nonlocal seen
            broker.log.wait_for(re.escape(what), start=seen)
            seen = len(broker.log)

        do_what_clients_do(broker, ended)
        broker.stop()
        broker.log.wait_for("terminating")
        return broker.sentences()

    def test_clients_are_told_of_as_scripts_expect(self):
        said = self.story("starlingd")
        for sentence in (
                "BROKER starting", "Config loaded from FOLDER/broker.conf.",
                "Opening ipv4 listen socket on port PORT.", "Opening ipv4 listen socket on port PORT2.",
                "BROKER running", "New connection from 127.0.0.1:N on port PORT.",
                "New client connected from 127.0.0.1:N as plain (p2, c1, k60).", "Client plain disconnected.",
                "New client connected from 127.0.0.1:N as modern (p5, c0, k7, u'hans').",
                "New client connected from 127.0.0.1:N as ancient (p1, c1, k60).",
                "Client hasty closed its connection.", "Client crashed closed its connection.",
                "Client <unknown> closed its connection.", "Client rude disconnected due to protocol error.",
                "Client fat disconnected due to oversize packet.",
                "Client <unknown> disconnected due to protocol error.",
                "Client twice already connected, closing old connection.",
                "Client asleep has exceeded timeout, disconnecting.",
                "New connection from 127.0.0.1:N on port PORT2.", "Client <unknown> disconnected, not authorised.",
                "BROKER terminating"):
            self.assertIn(sentence, said)

    @unittest.skipUnless(has_mosquitto, "mosquitto is not installed")
    def test_mosquitto_says_the_same_in_the_same_order(self):
        watched = {kind: [line for line in self.story(kind) if WATCHED.search(line)]
                   for kind in ("starlingd", "mosquitto")}
        self.assertEqual(watched["starlingd"], watched["mosquitto"])

    def test_subscriptions_have_lines_of_their_own(self):
        for kind in ("starlingd", "mosquitto") if has_mosquitto else ("starlingd",):
            conf = "log_dest stderr\nlog_type subscribe\nlog_type unsubscribe\nallow_anonymous true\n" \
                   "listener {port} 127.0.0.1"
            broker = self.twin(kind, conf)
            wire = self.connect_when_open(broker).connected("reader")
            wire.send(packet(0x82, b"\0\1" + text("a/#") + b"\2")).receive()
            wire.send(packet(0xa2, b"\0\2" + text("a/#"))).receive()
            wire.send(DISCONNECT).wait_closed()
            broker.log.wait_for("reader a/#")
            said = [line for line in broker.sentences() if not line.startswith("Warning")]
            self.assertEqual(said, ["reader 2 a/#", "reader a/#"], kind)

    def connect_when_open(self, broker):
        """For a broker that says nothing when it is ready."""
        while True:
            try:
                return Wire(broker.port)
            except ConnectionRefusedError:
                self.assertIsNone(broker.process.poll(), broker.log.text())

    def test_connection_messages_false_silences_clients_only(self):
        conf = "log_dest stderr\nconnection_messages false\nallow_anonymous true\nlistener {port} 127.0.0.1"
        broker = self.twin("starlingd", conf).wait_running()
        Wire(broker.port).connected("quiet").send(DISCONNECT).wait_closed()
        Wire(broker.port).send(PINGREQ).wait_closed()
        broker.stop()
        said = broker.sentences()
        self.assertIn("BROKER terminating", said)
        self.assertEqual([line for line in said if "lient" in line or "New" in line], [])

    def test_time_is_written_as_asked_for(self):
        conf = "log_dest stderr\nlog_timestamp_format %Y-%m-%dT%H:%M:%S\nallow_anonymous true\n" \
               "listener {port} 127.0.0.1"
        self.twin("starlingd", conf).log.wait_for(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d: starling version \S+ running$")
        conf = "log_dest stderr\nlog_timestamp false\nallow_anonymous true\nlistener {port} 127.0.0.1"
        self.twin("starlingd", conf).log.wait_for(r"^starling version \S+ running$")


class Strangers(LogTestCase):
    def test_no_client_can_forge_a_line_in_either_format(self):
        forged = "x\n1795206987: Client <unknown> disconnected, not authorised."
        for conf in ("log_dest stderr\nlog_type all\nallow_anonymous true\nlistener {port} 127.0.0.1", None):
            if conf is None:
                node = self.node("toml")
                log, port, stop = node.log, node.port, node.stop
            else:
                broker = self.twin("starlingd", conf).wait_running()
                log, port, stop = broker.log, broker.port, broker.stop
            for level in (4, 5):
                for words in ({"client": forged}, {"client": "named", "user": forged}):
                    wire = Wire(port).send(connect(level=level, **words))
                    wire.receive()
                    wire.send(packet(0x82, b"\0\1" + (b"\0" if level == 5 else b"") + text(forged) + b"\0"))
                    wire.close()
            Wire(port).connected("last").send(DISCONNECT).wait_closed()
            log.wait_for(r"last")
            stop()
            self.assertEqual(log.count(r"^1795206987"), 0)
            self.assertEqual(log.count("\x1b"), 0)

    def test_passwords_are_never_written(self):
        broker = self.twin("starlingd", CONF.format(types="log_type all"), files={"passwords": PASSWORDS}).wait_running()
        for level in (3, 4, 5):
            Wire(broker.port2).send(connect("burglar", level, user="bob", password="hunter2hunter2")).wait_closed()
        broker.log.wait_for("not authorised", count=3)
        broker.stop()
        self.assertEqual(broker.log.count("hunter2"), 0)


class Destinations(LogTestCase):
    def wait_for_text(self, path, pattern):
        """Waits until a file has a line that matches; tail follows it, also when it is replaced."""
        tail = subprocess.Popen(["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True)
        try:
            return Lines(tail.stdout).wait_for(pattern)
        finally:
            tail.kill()
            tail.wait()

    def test_a_file_is_appended_to_and_follows_rotation(self):
        conf = "user root\nlog_dest file {folder}/broker.log\nallow_anonymous true\nlistener {port} 127.0.0.1"
        for number in (signal.SIGHUP, signal.SIGRTMIN):
            broker = self.twin("starlingd", conf)
            path = broker.path("broker.log")
            self.wait_for_text(path, "running$")
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            os.rename(path, path + ".1")
            broker.signal(number)
            # The signal has no answer of its own: a client's line tells which file is written to by then.
            for i in range(1000):
                Wire(broker.port).connected(f"after{i}").send(DISCONNECT).wait_closed()
                if os.path.exists(path):
                    break
            Wire(broker.port).connected("last").send(DISCONNECT).wait_closed()
            self.wait_for_text(path, "Client last disconnected")
            broker.stop()
            with open(path + ".1") as old, open(path) as new:
                self.assertIn("starting", old.read())
                self.assertNotIn("Client last", old.read())
                self.assertIn("terminating", new.read())
            self.assertEqual(broker.log.text().strip(), "", "nothing is said elsewhere")

    def test_a_folder_that_is_missing_is_an_error_with_its_name(self):
        broker = self.twin("starlingd", "log_dest file {folder}/missing/broker.log\nlistener {port} 127.0.0.1")
        self.assertNotEqual(broker.process.wait(timeout=WAIT), 0)
        broker.log.wait_for(r"missing/broker\.log.*No such file or directory")

    def test_topics_have_the_lines_of_their_categories(self):
        conf = "log_dest topic\nlog_dest stderr\nlog_type error\nlog_type subscribe\nlog_type notice\n" \
               "allow_anonymous true\nlistener {port} 127.0.0.1"
        told = {}
        for kind in ("starlingd", "mosquitto") if has_mosquitto else ("starlingd",):
            broker = self.twin(kind, conf)
            while True:
                try:
                    Wire(broker.port).close()
                    break
                except ConnectionRefusedError:
                    self.assertIsNone(broker.process.poll(), broker.log.text())
            broker.log.wait_for("<unknown> closed")
            reader = self.keep(subprocess.Popen(
                ["stdbuf", "-oL", "mosquitto_sub", "-p", str(broker.port), "-i", "log_reader", "-v",
                 "-t", "$SYS/broker/log/#"], stdout=subprocess.PIPE, text=True))
            reader.close = lambda process=reader: (process.kill(), process.wait())
            lines = Lines(reader.stdout)
            broker.log.wait_for("log_reader 0")
            first = Wire(broker.port).connected("twice")
            second = Wire(broker.port).connected("twice")
            first.wait_closed()
            second.send(packet(0x82, b"\0\1" + text("a/#") + b"\1")).receive()
            second.send(DISCONNECT).wait_closed()
            lines.wait_for("Client twice disconnected")
            said = [re.sub(r" \d{10}: ", " ", line) for line in lines.text().splitlines()]
            said = broker.sentences(said)
            told[kind] = said[said.index("$SYS/broker/log/N New connection from 127.0.0.1:N on port PORT."):]
            reader.close()
            broker.stop()
        self.assertIn("$SYS/broker/log/E Client twice already connected, closing old connection.", told["starlingd"])
        self.assertIn("$SYS/broker/log/M/subscribe twice 1 a/#", told["starlingd"])
        self.assertIn("$SYS/broker/log/N Client twice disconnected.", told["starlingd"])
        if "mosquitto" in told:
            self.assertEqual(told["starlingd"], told["mosquitto"])

    def test_a_log_that_fills_topics_does_not_feed_on_itself(self):
        conf = "log_dest topic\nlog_dest stderr\nlog_type all\nallow_anonymous true\nlistener {port} 127.0.0.1"
        broker = self.twin("starlingd", conf).wait_running()
        wire = Wire(broker.port).connected("eager")
        wire.send(packet(0x82, b"\0\1" + text("$SYS/broker/log/#") + b"\0")).receive()
        # A ping's answer comes last of what the broker has for us, if it ever comes to an end.
        wire.send(PINGREQ)
        got = b""
        while not got.endswith(b"\xd0\x00"):
            got += wire.receive()
        self.assertLess(len(got), 20_000)

    @unittest.skipUnless(os.geteuid() == 0 and not os.path.exists("/dev/log"), "needs /dev/log for itself")
    def test_syslog_hears_facility_and_priority(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
            syslog.bind("/dev/log")
            self.addCleanup(os.unlink, "/dev/log")
            syslog.settimeout(WAIT)
            self.twin("starlingd", "log_dest syslog\nlog_facility 5\nallow_anonymous true\nlistener {port} 127.0.0.1")
            while "running" not in (heard := syslog.recv(4096).decode()):
                pass
            local5, information = 21, 6
            self.assertTrue(heard.startswith(f"<{local5 * 8 + information}>"), heard)
            self.assertRegex(heard, r"starlingd\[\d+\]: .*starling version \S+ running")


if __name__ == "__main__":
    run()
