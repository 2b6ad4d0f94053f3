"""TLS listeners with real clients: versions, certificates, revocation, pre-shared keys, tickets, reload, small devices."""
import os
import queue
import random
import re
import ssl
import subprocess
import time
import unittest

import paho.mqtt.client as mqtt

from harness import WAIT, Client, Timeout, run
from tls_clients.door import BIN, Program, Tap, TlsNode

PSK = "0102030405060708090a0b0c0d0e0f10"
CONNECT = "\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02ab"
DISCONNECT = "\xe0\x00"
VERSIONS = ("-tls1_2", "-tls1_3")


class TlsCase(unittest.TestCase):
    """One node for all tests of a class."""
    listeners = {}

    @classmethod
    def setUpClass(cls):
        cls.node = TlsNode()
        cls.addClassCleanup(cls.node.close)
        cls.pki = cls.node.pki
        cls.make_certificates()
        cls.node.start(cls.listeners)

    @classmethod
    def make_certificates(cls):
        cls.pki.server("server").server("rsa", rsa=True)

    def port(self, name):
        return self.node.ports[name]

    def logged(self, pattern, start=0):
        return self.node.log.wait_for(pattern, start=start)


    def logged_after(self, act, pattern):
        """Acts until a line matches: lines about failed handshakes are paced, and the first may be counted only."""
        deadline = time.monotonic() + WAIT
        while True:
            act()
            try:
                return self.node.log.wait_for(pattern, timeout=0.3)
            except Timeout:
                if time.monotonic() > deadline:
                    raise


class RealClients(TlsCase):
    listeners = {
        "tls": 'cert = ["@server.pem", "@rsa.pem"], key = ["@server.key", "@rsa.key"]',
        "mutual": 'cert = "@server.pem", key = "@server.key", client_ca = "@root.pem", crl = "@crl.pem", '
                  'require_client_cert = true, user_from = "common_name"',
        "subjects": 'cert = "@server.pem", key = "@server.key", client_ca = "@root.pem", '
                    'require_client_cert = true, user_from = "subject"',
        "psk": 'psk_file = "@psk.txt", psk_hint = "house", user_from = "common_name"',
        "new": 'cert = "@server.pem", key = "@server.key", version = "tlsv1.3"',
        "strict": 'cert = ["@server.pem", "@rsa.pem"], key = ["@server.key", "@rsa.key"], '
                  'ciphers = "ECDHE-RSA-AES256-GCM-SHA384", ciphers_tls13 = "TLS_CHACHA20_POLY1305_SHA256"',
        "chained": 'cert = "@leaf.pem", key = "@leaf.key", client_ca = "@branch.pem"',
    }
    odd_subjects = ["/C=DE/ST=Bavaria/L=Bad T\\xC3\\xB6lz/O=Home, sweet+home/OU=a;b/CN=lamp/emailAddress=a@b.c",
                    "/DC=org/DC=example/UID=u7/CN=#1 \"lamp\" <x>", "/O=back\\\\slash/CN= padded ",
                    "/O=Home/CN=multi+UID=value", "/street=Main Street 1/postalCode=80331/title=Dr/GN=Ada/SN=L/CN=x"]

    @classmethod
    def make_certificates(cls):
        super().make_certificates()
        cls.pki.issue("lamp", "/O=Home/CN=lamp").issue("lost", "/O=Home/CN=lost")
        cls.pki.issue("old", "/CN=old", dates=("-days", "-1"))
        cls.pki.issue("wrong", "/CN=wrong", ["extendedKeyUsage=serverAuth"])
        cls.pki.openssl("req", "-x509", "-new", "-key", "lamp.key", "-subj", "/CN=lamp", "-out", "stranger.pem")
        cls.pki.server("leaf", issuer="branch")
        for i, subject in enumerate(cls.odd_subjects):
            subject = re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), subject)
            subject = subject.encode("latin-1", "replace").decode("utf-8", "replace")
            cls.pki.issue(f"odd{i}", subject)
        cls.pki.write("psk.txt", f"lamp:{PSK}\n")
        cls.pki.revoke("lost")

    def test_openssl_in_both_versions_with_both_kinds_of_certificate(self):
        for version in VERSIONS:
            for algorithms, kind in (("ECDSA+SHA256", "ECDSA"), ("RSA+SHA256:RSA-PSS+SHA256", "RSA")):
                said = self.node.s_client(self.port("tls"), version, "-sigalgs", algorithms, "-brief",
                                          "-verify_return_error")
                self.assertRegex(said, "Verification: OK")
                self.assertRegex(said, r"Protocol version: TLSv1\." + version[-1])
                self.assertRegex(said, rf"Signature type: .*{kind}")

    def test_alpn_is_answered(self):
        self.assertRegex(self.node.s_client(self.port("tls"), "-alpn", "h2,mqtt"), "ALPN protocol: mqtt")
        self.assertRegex(self.node.s_client(self.port("tls"), "-alpn", "h2"), "No ALPN negotiated")

    def test_older_versions_and_the_other_one_are_refused(self):
        for version in ("-tls1", "-tls1_1"):
            self.assertRegex(self.node.s_client(self.port("tls"), version, "-cipher", "ALL:@SECLEVEL=0"),
                             "alert protocol version")
        self.assertRegex(self.node.s_client(self.port("new"), "-tls1_2"), "alert protocol version")

    def test_gnutls_and_python_come_in(self):
        done = subprocess.run(["gnutls-cli", "--x509cafile", self.pki.path("root.pem"), "--port",
                               str(self.port("tls")), "--sni-hostname", "localhost", "--verify-hostname", "localhost",
                               "127.0.0.1"], input=CONNECT, capture_output=True, text=True, timeout=WAIT)
        self.assertIn("Handshake was completed", done.stdout)
        connected = queue.Queue()
        client = mqtt.Client("python")
        client.tls_set(self.pki.path("root.pem"), cert_reqs=ssl.CERT_REQUIRED, tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.on_connect = lambda c, userdata, flags, code: connected.put(code)
        client.connect("localhost", self.port("tls"))
        client.loop_start()
        self.assertEqual(connected.get(timeout=WAIT), 0)
        client.disconnect()
        client.loop_stop()

    def test_a_certificate_alone_in_its_file_is_completed_from_the_ca_file(self):
        self.assertRegex(self.node.s_client(self.port("chained"), "-brief", "-verify_return_error"), "Verification: OK")

    # --- Client certificates ---

    def test_names_in_certificates_are_user_names(self):
        for version in ("tlsv1.2", "tlsv1.3"):
            start = len(self.node.log)
            done = self.node.mosquitto("pub", self.port("mutual"), "--cafile", "@root.pem", "--cert", "@lamp.pem",
                                       "--key", "@lamp.key", "--tls-version", version, "-t", "a", "-m", "b")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.logged(r"client connected .*user=lamp ", start)

    def test_clients_without_a_valid_certificate_get_an_alert_before_any_mqtt(self):
        cases = [("old", "certificate expired"), ("stranger", "unknown ca"), ("lost", "certificate revoked"),
                 ("wrong", "unsupported certificate"), (None, "certificate required|handshake failure")]
        for version in VERSIONS:
            for name, alert in cases:
                said = self.node.s_client(self.port("mutual"), version, *self.shown(name), "-ign_eof", stdin=CONNECT)
                self.assertRegex(said, alert, (version, name))
                self.assertNotIn("\x20\x02\x00\x00", said)
        self.assertEqual(self.node.log.count(r"client connected .*client=ab .*:" + str(self.port("mutual"))), 0)

    def shown(self, name):
        key = "lamp" if name == "stranger" else name
        return ["-cert", self.pki.path(f"{name}.pem"), "-key", self.pki.path(f"{key}.key")] if name else []

    def test_the_log_says_why_a_handshake_failed(self):
        for name, reason in ((None, "showed no certificate"), ("lost", "CN=lost.* has been revoked"),
                             ("stranger", "was issued by nobody")):
            self.logged_after(lambda name=name: self.node.s_client(self.port("mutual"), *self.shown(name), "-ign_eof"),
                              rf"handshake failed .*{reason}")

    def test_subjects_are_written_as_openssl_writes_them(self):
        for i in range(len(self.odd_subjects)):
            name, start = f"odd{i}", len(self.node.log)
            done = self.node.mosquitto("pub", self.port("subjects"), "--cafile", "@root.pem", "--cert", f"@{name}.pem",
                                       "--key", f"@{name}.key", "-t", "a", "-m", "b", "-i", name)
            self.assertEqual(done.returncode, 0, done.stderr)
            line = self.logged(rf"client connected client={name} .*", start).group(0)
            written = re.search(r'user="((?:[^"\\]|\\.)*)"|user=(\S+)', line)
            user = re.sub(r"\\(.)", r"\1", written[1]) if written[1] is not None else written[2]
            self.assertEqual(user, self.pki.subject(name))

    # --- Pre-shared keys ---

    def test_pre_shared_keys_open_the_door_and_name_the_user(self):
        for version in ("tlsv1.2", "tlsv1.3"):
            start = len(self.node.log)
            done = self.node.mosquitto("pub", self.port("psk"), "--psk", PSK, "--psk-identity", "lamp",
                                       "--tls-version", version, "-t", "a", "-m", "b")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.logged(r"client connected .*user=lamp ", start)

    def test_wrong_keys_and_unknown_identities_fail_alike(self):
        for version in VERSIONS:
            answers = []
            for identity, key in (("lamp", PSK[::-1]), ("nobody", PSK)):
                said = self.node.s_client(self.port("psk"), version, "-psk_identity", identity, "-psk", key,
                                          "-cipher", "PSK")
                answers.append(re.findall(r"alert [a-z ]+:|alert number \d+", said))
            self.assertTrue(answers[0])
            self.assertEqual(answers[0], answers[1])

    # --- Ciphers ---

    def test_lists_of_ciphers_are_obeyed_for_each_version(self):
        for version, option, good, bad in (
                ("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384:AES128-SHA"),
                ("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384")):
            said = self.node.s_client(self.port("strict"), version, option, good, "-brief")
            self.assertRegex(said, f"Ciphersuite: {good}")
            self.assertRegex(self.node.s_client(self.port("strict"), version, option, bad), "handshake failure")

    def test_cipher_lists_mean_what_openssl_means(self):
        program = os.path.join(BIN, "tls_expand_ciphers")
        ours = set(subprocess.run([program, "all"], capture_output=True, text=True, check=True).stdout.split())
        words = ("ALL HIGH DEFAULT MEDIUM LOW aNULL eNULL ADH RC4 3DES MD5 SSLv3 TLSv1 TLSv1.2 RSA kRSA aRSA ECDSA aECDSA "
                 "ECDHE EECDH kEECDH DHE EDH kEDH PSK aPSK kPSK kECDHEPSK kDHEPSK kRSAPSK AES AES128 AES256 AESGCM "
                 "AESCCM AESCCM8 CHACHA20 CAMELLIA CAMELLIA256 SHA SHA1 SHA256 SHA384").split()
        choose = random.Random(20)
        lists = []
        for _ in range(100):
            rules = []
            for place in range(choose.randint(1, 6)):
                joined = "+".join(choose.choice(words if choose.random() < 0.7 else sorted(ours))
                                  for _ in range(choose.choice((1, 1, 1, 2, 3))))
                if "DEFAULT" in joined:  # OpenSSL knows it at the beginning only
                    joined = "AES" if place else "DEFAULT"
                rules.append((choose.choice(("", "", "", "!", "-", "+")) if place else "") + joined)
            lists.append(":".join(rules))
        answers = subprocess.run([program], input="\n".join(lists) + "\n", capture_output=True, text=True,
                                 check=True).stdout.split("\n")
        for text, answer in zip(lists, answers):
            theirs = subprocess.run(["openssl", "ciphers", "-s", "-psk", "-tls1_2", text + ":@SECLEVEL=0"],
                                    capture_output=True, text=True).stdout.strip()
            self.assertEqual(set(filter(None, answer.split(":"))), set(theirs.split(":")) & ours, text)

    # --- Not TLS ---

    def test_plain_mqtt_at_a_tls_port_is_named_in_the_log(self):
        self.logged_after(lambda: self.node.mosquitto("pub", self.port("new"), "-t", "a", "-m", "b"),
                          r"handshake failed .*it sent plain MQTT")


class Tickets(TlsCase):
    listeners = {"tls": 'cert = "@server.pem", key = "@server.key"',
                 "mutual": 'cert = "@server.pem", key = "@server.key", client_ca = "@root.pem", crl = "@crl.pem", '
                           'require_client_cert = true, user_from = "common_name"'}

    @classmethod
    def make_certificates(cls):
        super().make_certificates()
        cls.pki.issue("lamp", "/CN=lamp").issue("bulb", "/CN=bulb")
        cls.pki.revoke()

    def visit(self, listener, version, session="out"):
        """Whether a session was resumed. `session`: written to, or read from ("in"), session.pem."""
        # The server ends the connection when it has read DISCONNECT, long after the tickets have left.
        said = self.node.s_client(self.port(listener), version, f"-sess_{session}", self.pki.path("session.pem"), "-cert",
                                  self.pki.path("lamp.pem"), "-key", self.pki.path("lamp.key"), "-ign_eof",
                                  stdin=CONNECT + DISCONNECT)
        return "Reused, " in said, said

    def test_sessions_resume_until_revocations_change(self):
        for version in VERSIONS:
            for listener in self.listeners:
                self.assertFalse(self.visit(listener, version)[0])
                start = len(self.node.log)
                resumed, said = self.visit(listener, version, "in")
                self.assertTrue(resumed, said)
                if listener == "mutual":
                    self.logged(r"client connected .*client=ab .*user=lamp ", start)
            self.logged(r"reloaded|reread", self.node.reload())
            self.assertTrue(self.visit("mutual", version, "in")[0])
            self.pki.revoke(*([] if version == "-tls1_2" else ["bulb"]))
            self.logged(r"reloaded|reread", self.node.reload())
            self.assertFalse(self.visit("mutual", version, "in")[0])

    def test_certificates_are_read_again_while_connections_stay(self):
        client = Client(self.node_with("plain"), "stays")
        client.subscribe("t")
        before = self.node.s_client(self.port("tls"), "-showcerts")
        self.pki.server("server")
        self.logged(r"reloaded|reread", self.node.reload())
        after = self.node.s_client(self.port("tls"), "-showcerts")
        pem = r"-----BEGIN CERTIFICATE-----[^-]+"
        self.assertNotEqual(re.search(pem, before)[0], re.search(pem, after)[0])
        self.assertIn(self.pki.read("server.pem").strip()[:200], after)
        client.publish("t", b"x")
        self.assertEqual(client.take().payload, b"x")
        client.close()

        good = self.pki.read("server.key")
        self.pki.write("server.key", "nothing\n")
        self.logged(r"(refused|not_reread|not reread).*server\.key", self.node.reload())
        self.assertRegex(self.node.s_client(self.port("tls"), "-brief"), "Protocol version")
        self.pki.write("server.key", good)
        self.logged(r"reloaded|reread", self.node.reload())

    def test_a_reload_that_is_refused_changes_no_door(self):
        good = self.pki.read("starling.toml")
        self.pki.write("starling.toml", good.replace("require_client_cert = true", "require_client_cert = false")
                       + "[nonsense]\n")
        self.logged("reload refused .*nonsense", self.node.reload())
        self.pki.write("starling.toml", good)
        self.assertNotIn("Protocol version", self.node.s_client(self.port("mutual"), "-tls1_2", "-brief"))

    def node_with(self, listener):
        class Place:
            port = self.port(listener)
        return Place


class SmallClients(TlsCase):
    """Devices with buffers of 512 to 4096 bytes."""
    listeners = {"chain": 'cert = "@chain.pem", key = "@leaf.key"',
                 "mutual": 'cert = "@server.pem", key = "@server.key", client_ca = "@root.pem", '
                           'require_client_cert = true',
                 "psk": 'psk_file = "@psk.txt", psk_hint = "h"'}

    @classmethod
    def make_certificates(cls):
        super().make_certificates()
        cls.pki.issue("lamp", "/CN=lamp")
        cls.pki.server("leaf", issuer="branch")
        cls.pki.write("chain.pem", cls.pki.read("leaf.pem") + cls.pki.read("branch.pem"))
        cls.pki.write("psk.txt", f"lamp:{PSK}\n")

    def receive(self, program, listener, *words, record_max, count=1000):
        """The client gets `count` messages of up to 3 KB, all of them, in records it can take."""
        client = Program(f"tls_client_{program}", "--port", self.port(listener), "--topic", "small/x", "--count", count,
                         "--mfl", record_max, *words)
        self.addCleanup(client.close)
        client.lines.wait_for("^subscribed")
        publisher = Client(self.plain(), "", version=4)
        for i in range(count):
            publisher.publish("small/x", (str(i) + "." * (37 * i % 3000)).encode(), 1, wait=i % 100 == 99)
        client.lines.wait_for(f"^received {count} messages")
        found = client.lines.wait_for(r"^records handshake=(\d+) others=(\d+)")
        self.assertEqual(client.process.wait(WAIT), 0)
        publisher.close()
        self.assertLessEqual(int(found[1]), record_max)
        self.assertLessEqual(int(found[2]), record_max + 64)  # what encryption adds
        return client.lines

    def plain(self):
        class Place:
            port = self.port("plain")
        return Place

    def ca(self):
        return "--ca", self.pki.path("root.pem")

    def lamp(self):
        return "--cert", self.pki.path("lamp.pem"), "--key", self.pki.path("lamp.key")

    def test_mbedtls_with_a_chain_of_two_certificates(self):
        for record_max in (4096, 2048, 1024):
            self.receive("mbedtls", "chain", *self.ca(), record_max=record_max)

    def test_mbedtls_with_512_bytes_and_certificates_on_both_sides(self):
        self.receive("mbedtls", "mutual", *self.ca(), *self.lamp(), record_max=512)

    def test_mbedtls_with_a_pre_shared_key(self):
        self.receive("mbedtls", "psk", "--psk-identity", "lamp", "--psk", PSK, record_max=512)

    def test_wolfssl_in_both_versions(self):
        for version in ("1.2", "1.3"):
            for record_max in (4096, 2048, 1024, 512):
                self.receive("wolfssl", "chain", *self.ca(), "--tls", version, record_max=record_max,
                             count=1000 if record_max == 512 else 200)

    def test_wolfssl_with_certificates_on_both_sides(self):
        for version in ("1.2", "1.3"):
            self.receive("wolfssl", "mutual", *self.ca(), *self.lamp(), "--tls", version, record_max=512, count=100)

    def test_openssl_sees_no_record_above_what_it_asked_for(self):
        publisher = Client(self.plain(), "", version=4)
        publisher.publish("big", b"x" * 10_000, 1, retain=True)
        publisher.close()
        subscribe = CONNECT + "\x82\x08\x00\x01\x00\x03big\x00"
        for listener, shown in (("chain", ()), ("mutual", ("-cert", self.pki.path("lamp.pem"), "-key",
                                                           self.pki.path("lamp.key")))):
            for version in VERSIONS:
                for record_max in (512, 1024, 2048, 4096):
                    tap = Tap(self.port(listener))
                    self.addCleanup(tap.close)
                    said = self.read_big(tap.port, version, record_max, shown, subscribe)
                    self.assertEqual(said.count(b"x"), 10_000)
                    plain = [size for kind, size in tap.records if kind == 22 and size != 40]
                    self.assertLessEqual(max(plain), record_max)
                    self.assertLessEqual(max(size for _, size in tap.records), record_max + 64)
                    self.assertGreater(max(size for _, size in tap.records), record_max // 2)

    def read_big(self, port, version, record_max, shown, packets):
        """What a client of openssl gets, up to the end of the retained message."""
        process = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", version, "-maxfraglen",
                                    str(record_max), *shown, "-CAfile", self.pki.path("root.pem"), "-quiet"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            process.stdin.write(packets.encode("latin-1"))
            process.stdin.flush()
            got = b""
            while got.count(b"x") < 10_000 and (part := os.read(process.stdout.fileno(), 65536)):
                got += part
            return got
        finally:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    run()
