"""Who gets in: password files and what becomes of wrong passwords, against Debian's mosquitto where it can answer; slow hashes
without a slow loop; the limit on failures; SCRAM; and what a reload changes.

Needs /usr/sbin/mosquitto and mosquitto_passwd, which are never started as a service.
"""
import base64
import ctypes
import hashlib
import hmac
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conformance"))
import wire  # noqa: E402
from server import MOSQUITTO, WAIT, Broker, Client, run  # noqa: E402

PASSWORDS = "password_file {folder}/passwd\n"
# Seconds that an answer may take while hashes are made; on a machine of which others take a part no number would be right.
LAG_MAX = float(os.environ.get("STARLING_LAG_MAX", "inf"))
with_mosquitto = unittest.skipUnless(os.path.exists(MOSQUITTO), "Debian's mosquitto is not installed")


# --- Hashes as others make them

def b64(data):
    return base64.b64encode(data).decode()


def sha512_entry(password, salt=b"123456789012"):
    return f"$6${b64(salt)}${b64(hashlib.sha512(password.encode() + salt).digest())}"


def pbkdf2_entry(password, iterations=101, salt=b"123456789012"):
    return f"$7${iterations}${b64(salt)}${b64(hashlib.pbkdf2_hmac('sha512', password.encode(), salt, iterations))}"


def scram_keys(password, salt, iterations):
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return hmac.digest(salted, b"Client Key", "sha256"), hmac.digest(salted, b"Server Key", "sha256")


def scram_entry(password, iterations=4096, salt=b"0123456789abcdef"):
    client_key, server_key = scram_keys(password, salt, iterations)
    return f"$scram-sha-256${iterations}${b64(salt)}${b64(hashlib.sha256(client_key).digest())}${b64(server_key)}"


# "password", by the authors of Argon2.
CHEAP_ARGON2 = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"


def argon2_entry(password, memory_kib=47104):
    """With the cost that Mosquitto 2.1 takes: some 50 ms and 46 MiB a check."""
    library, text, salt, size = ctypes.CDLL("libargon2.so.1"), ctypes.create_string_buffer(256), b"0123456789abcdef", \
        ctypes.c_size_t
    error = library.argon2id_hash_encoded(1, memory_kib, 1, password.encode(), size(len(password.encode())), salt,
                                          size(len(salt)), size(32), text, size(len(text)))
    assert error == 0, error
    return text.value.decode()


def mosquitto_passwd(*pairs):
    """A file that mosquitto_passwd has written."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "passwd")
        open(path, "w").close()
        for user, password in pairs:
            subprocess.run(["mosquitto_passwd", "-b", path, user, password], check=True)
        with open(path) as file:
            return file.read()


def login(broker, version, user=None, password=None, client_id="c"):
    """The reason in CONNACK; "closed" without one. Leaves at once."""
    client = Client(broker, version, wire.connect(version, client_id, user=user, password=password))
    got = client.receive()
    client.socket.close()
    return "closed" if got is None else got.reason


class Case(unittest.TestCase):
    maxDiff = None

    def broker(self, conf, target="starlingd", **files):
        broker = Broker(conf, files, target)
        self.addCleanup(broker.close)
        return broker

    def client(self, broker, version, client_id="c", **options):
        client = Client(broker, version, wire.connect(version, client_id, **options))
        self.addCleanup(client.socket.close)
        return client


@with_mosquitto
class BesideMosquitto(Case):
    def compare(self, conf, passwd, attempts):
        answers = {}
        for target in ("mosquitto", "starlingd"):
            broker = self.broker(conf, target, passwd=passwd)
            answers[target] = {(version, user, password): login(broker, version, user, password)
                               for version in (3, 4, 5) for user, password in attempts}
            broker.close()
        self.assertEqual(answers["starlingd"], answers["mosquitto"])

    def test_who_may_come_in_is_the_same_under_every_configuration(self):
        passwd = mosquitto_passwd(("ann", "secret"), ("bob", "b\u00f6b"))
        attempts = [(None, None), ("ann", "secret"), ("ann", "wrong"), ("ann", None), ("ann", ""), ("bob", "b\u00f6b"),
                    ("bob", "secret"), ("eve", "secret"), ("eve", None), (None, "secret"), ("", "secret"), ("", None)]
        for conf in ("", "allow_anonymous true\n", "allow_anonymous false\n", PASSWORDS,
                     PASSWORDS + "allow_anonymous true\n", PASSWORDS + "allow_anonymous false\n"):
            with self.subTest(conf):
                self.compare(conf, passwd, attempts)

    def test_lines_of_the_file_are_read_alike(self):
        good, other = pbkdf2_entry("pw"), pbkdf2_entry("pw2")
        ann = f"ann:{good}\n"
        tables = {
            "plain": ann,
            "1.6": f"ann:{sha512_entry('pw')}\n",
            "more iterations": f"ann:{pbkdf2_entry('pw', 4000)}\n",
            "blanks": f"  ann  : {good} \t\r\n",
            "no line end": f"ann:{good}",
            "comments": f"#bob:{good}\n #bob:{good}\n{ann}",
            "no colon": f"bob\n\n{ann}",
            "two colons": f"bob::{good}\n{ann}",
            "no name": f":{good}\n{ann}",
            "more parts": f"bob:{good}:1000:home\n{ann}",
            "the last one holds": f"ann:{good}\nann:{other}\n",
            "a broken one does not": f"ann:{good}\nann:pw\n",
            "no hash": f"bob:\n{ann}",
            "a plain password": f"bob:pw\n{ann}",
            "no iterations": f"bob:{good.replace('$101$', '$0$')}\n{ann}",
            "a salt that is none": f"bob:{good.replace('$101$', '$101$!')}\n{ann}",
            "a hash that is cut": f"bob:{good[:60]}\n{ann}",
            "more behind the hash": f"bob:{good}$x\n{ann}",
            "something before the hash": f"bob:x{good}\n{ann}",
            "a name with a blank": f"bob jones:{good}\n{ann}",
            "empty": "",
        }
        attempts = [("ann", "pw"), ("ann", "pw2"), ("bob", "pw"), ("#bob", "pw"), ("bob jones", "pw")]
        for name, passwd in tables.items():
            with self.subTest(name):
                self.compare(PASSWORDS, passwd, attempts)


class Forms(Case):
    def test_every_form_lets_its_password_in(self):
        forms = {
            "six": (sha512_entry("pw6"), "pw6"),
            "seven": (pbkdf2_entry("pw7"), "pw7"),
            "seven21": (pbkdf2_entry("pw21", 1000, bytes(range(64))), "pw21"),
            "argon": (CHEAP_ARGON2, "password"),
            "argon21": (argon2_entry("pwa"), "pwa"),
            "scram": (scram_entry("pws"), "pws"),
        }
        broker = self.broker(PASSWORDS, passwd="".join(f"{user}:{entry}\n" for user, (entry, _) in forms.items()))
        for user, (_, password) in forms.items():
            with self.subTest(user):
                for _ in range(2):  # hashed, then remembered
                    self.assertEqual(login(broker, 4, user, password), 0)
                self.assertEqual(login(broker, 5, user, password + "x"), 0x87)
                self.assertEqual(login(broker, 4, user, password[:-1]), 5)
        self.assertNotIn("Sanitizer", broker.said())

    def test_passwords_and_hashes_do_not_reach_the_log(self):
        broker = self.broker(PASSWORDS + "log_type all\n", passwd=f"ann:{pbkdf2_entry('tops3cret')}\nbob:hunter2plain\n")
        login(broker, 5, "ann", "tops3cret")
        login(broker, 5, "ann", "wr0ngpassword")
        login(broker, 5, "bob", "hunter2plain")
        self.assertEqual(broker.stop(), 0)
        said = broker.said()
        self.assertIn("bob", said)  # his line is complained about
        for secret in ("tops3cret", "wr0ngpassword", "hunter2", pbkdf2_entry("tops3cret")[8:30]):
            self.assertNotIn(secret, said)


class Floods(Case):
    def flood(self, password):
        """Sixty clients at once, each with a user of its own and Argon2 at Mosquitto's cost. A client that is inside keeps
        asking; none of its answers may take long. Returns what the sixty were told, and the seconds that it took."""
        users, dear = 60, argon2_entry("right")
        passwd = f"inside:{CHEAP_ARGON2}\n" + "".join(f"u{i}:{dear}\n" for i in range(users))
        broker = self.broker(PASSWORDS, passwd=passwd)
        inside = self.client(broker, 4, "inside", user="inside", password="password")
        inside.expect_connack()
        waits, over = [], threading.Event()

        def ask():
            while not over.is_set():
                began = time.monotonic()
                inside.quiet()
                waits.append(time.monotonic() - began)
                over.wait(0.001)

        asking = threading.Thread(target=ask)
        asking.start()
        began = time.monotonic()
        try:
            crowd = [self.client(broker, 4, f"f{i}", user=f"u{i}", password=password) for i in range(users)]
            answers = [client.receive() for client in crowd]
        finally:
            over.set()
            asking.join()
        took = time.monotonic() - began
        print(f"{users} logins in {took:.2f} s; of {len(waits)} answers meanwhile the slowest took "
              f"{max(waits) * 1000:.1f} ms", file=sys.stderr)
        # A loop that makes hashes itself answers once between two of them, on a fast machine as on a busy one.
        told = [answer.reason if answer is not None else "closed" for answer in answers]
        self.assertGreater(len(waits), 3 * sum(1 for one in told if one in (0, 5)))
        self.assertLess(sorted(waits)[-3], LAG_MAX)  # whatever takes the processor away once or twice is not the loop
        return told, took

    def test_a_storm_of_slow_hashes_does_not_slow_the_loop(self):
        self.assertEqual(self.flood("right")[0], [0] * 60)

    def test_a_flood_of_wrong_passwords_does_not_slow_the_loop_and_is_cut_off(self):
        answers, took = self.flood("wrong")
        # The bound, what was under way, and one more every two seconds.
        self.assertTrue(30 <= answers.count(5) <= 32 + took / 2, answers)
        self.assertEqual(set(answers) - {5}, {answers[-1]} - {5})

    def test_an_address_that_fails_too_often_must_wait_even_with_the_right_password(self):
        broker = self.broker(PASSWORDS, passwd=f"ann:{pbkdf2_entry('pw')}\n")
        inside = self.client(broker, 5, "inside", user="ann", password="pw")
        inside.expect_connack()
        deadline, failures, told = time.monotonic() + 3 * WAIT, 0, None
        while told not in ((0x9F, "closed"), (0x9F, 3)):  # else there was one more try in between
            self.assertLess(time.monotonic(), deadline)
            while (answer := login(broker, 5, "ann", "wrong")) != 0x9F:
                self.assertEqual(answer, 0x87)
                failures += 1
                self.assertLess(time.monotonic(), deadline)
            self.assertGreaterEqual(failures, 30)
            told = login(broker, 5, "ann", "pw"), login(broker, 4, "ann", "pw")
        inside.quiet()  # who is inside stays
        deadline = time.monotonic() + WAIT
        while login(broker, 5, "ann", "pw") != 0:  # one more try every two seconds
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.2)

    def test_successes_are_not_counted(self):
        broker = self.broker(PASSWORDS, passwd=f"ann:{pbkdf2_entry('pw')}\n")
        for _ in range(80):
            self.assertEqual(login(broker, 4, "ann", "pw"), 0)

    def test_clients_that_do_not_wait_leave_nothing_behind(self):
        broker = self.broker(PASSWORDS, passwd=f"ann:{argon2_entry('x')}\nbob:{CHEAP_ARGON2}\n")
        for i in range(20):
            Client(broker, 4, wire.connect(4, f"g{i}", user="ann", password="no")).drop()
        self.assertEqual(login(broker, 4, "bob", "password"), 0)
        self.assertEqual(broker.stop(), 0)
        self.assertNotIn("Sanitizer", broker.said())


# --- SCRAM over AUTH packets (MQTT 5, 4.12)

class Scram:
    def __init__(self, user, password, nonce="fyko+d2lbbFgONRv9qkxdawL"):
        self.password, self.bare = password, f"n={user},r={nonce}"

    @property
    def first(self):
        return f"n,,{self.bare}".encode()

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        self.salt, self.iterations = base64.b64decode(fields["s"]), int(fields["i"])
        client_key, server_key = scram_keys(self.password, self.salt, self.iterations)
        without_proof = f"c=biws,r={fields['r']}"
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.verifier = b"v=" + base64.b64encode(hmac.digest(server_key, message, "sha256"))
        return f"{without_proof},p={b64(proof)}".encode()


def auth_properties(data):
    return wire.props(auth_method="SCRAM-SHA-256", auth_data=data)


class ScramLogins(Case):
    def setUp(self):
        self.server = self.broker(PASSWORDS + "acl_file {folder}/acl\n",
                                  passwd=f"ann:{scram_entry('pw')}\nbob:{scram_entry('pwb')}\nold:{pbkdf2_entry('pw')}\n",
                                  acl="user ann\ntopic readwrite a/#\nuser bob\ntopic readwrite b/#\n")

    def begin(self, scram, client_id="c"):
        return self.client(self.server, 5, client_id, properties=auth_properties(scram.first))

    def finish(self, client, scram):
        asked = client.expect_kind(wire.AUTH, reason=0x18)
        self.assertEqual(asked.properties["auth_method"], "SCRAM-SHA-256")
        client.send(wire.auth(0x18, auth_properties(scram.final(asked.properties["auth_data"]))))
        return client.receive()

    def test_the_right_password_proves_itself_and_is_proved_to(self):
        scram = Scram("ann", "pw")
        client = self.begin(scram)
        connack = self.finish(client, scram)
        self.assertEqual((connack.kind, connack.reason), (wire.CONNACK, 0))
        self.assertEqual(connack.properties["auth_method"], "SCRAM-SHA-256")
        self.assertEqual(connack.properties["auth_data"], scram.verifier)
        client.send(wire.publish(5, "a/x", b"", 1, 1), wire.publish(5, "b/x", b"", 1, 2))
        client.expect_kind(wire.PUBACK, packet_id=1, reason=0x10)  # granted, and nobody there
        client.expect_kind(wire.PUBACK, packet_id=2, reason=0x87)  # not hers

    def test_a_wrong_password_and_an_unknown_user_cannot_be_told_apart(self):
        seen = []
        for user, password in (("ann", "wrong"), ("eve", "pw"), ("old", "pw")):
            scram = Scram(user, password)
            client = self.begin(scram)
            answer = self.finish(client, scram)
            seen.append((answer.kind, answer.reason, sorted(answer.properties), len(scram.salt), scram.iterations))
            self.assertIsNone(client.receive())
        self.assertEqual(seen, [(wire.CONNACK, 0x87, [], 16, 4096)] * 3)
        again = Scram("eve", "pw", nonce="another")
        salts = [base64.b64decode(dict(part.split("=", 1) for part in self.begin(one).expect_kind(wire.AUTH).properties[
            "auth_data"].decode().split(","))["s"]) for one in (Scram("eve", "pw"), again, Scram("eva", "pw"))]
        self.assertEqual(salts[0], salts[1])
        self.assertNotEqual(salts[0], salts[2])

    def test_other_methods_and_rubbish_are_refused(self):
        client = self.client(self.server, 5, properties=wire.props(auth_method="SCRAM-SHA-1", auth_data=b"n,,n=ann,r=x"))
        client.expect_kind(wire.CONNACK, reason=0x8C)
        for rubbish in (b"", b"n,,", b"p=tls-unique,,n=ann,r=x", b"\xff" * 100, b"n,,n=ann,r=" + b"x" * 5000):
            client = self.client(self.server, 5, properties=auth_properties(rubbish))
            got = client.receive()
            self.assertEqual((got.kind, got.reason), (wire.CONNACK, 0x87), rubbish[:20])
            self.assertIsNone(client.receive())

    def test_a_client_may_prove_itself_again_and_has_the_rights_of_whom_it_proved_to_be(self):
        scram = Scram("ann", "pw")
        client = self.begin(scram)
        self.assertEqual(self.finish(client, scram).reason, 0)
        again = Scram("ann", "pw", nonce="second")
        client.send(wire.auth(0x19, auth_properties(again.first)))
        done = self.finish(client, again)
        self.assertEqual((done.kind, done.reason, done.properties["auth_data"]), (wire.AUTH, 0, again.verifier))
        client.quiet()
        wrong = Scram("ann", "wrong", nonce="third")
        client.send(wire.auth(0x19, auth_properties(wrong.first)))
        self.assertEqual(self.finish(client, wrong).kind, wire.DISCONNECT)
        self.assertIsNone(client.receive())

        scram = Scram("ann", "pw")
        client = self.begin(scram)
        self.assertEqual(self.finish(client, scram).reason, 0)
        other = Scram("bob", "pwb", nonce="fourth")
        client.send(wire.auth(0x19, auth_properties(other.first)))
        self.assertEqual(self.finish(client, other).kind, wire.AUTH)
        client.send(wire.publish(5, "a/x", b"", 1, 1), wire.publish(5, "b/x", b"", 1, 2))
        client.expect_kind(wire.PUBACK, packet_id=1, reason=0x87)
        client.expect_kind(wire.PUBACK, packet_id=2, reason=0x10)

    def test_a_scram_entry_takes_a_plain_password_too(self):
        self.assertEqual(login(self.server, 4, "ann", "pw"), 0)
        self.assertEqual(login(self.server, 4, "ann", "pwb"), 5)


class Reloads(Case):
    def test_a_reload_changes_who_may_come_in_and_who_may_stay(self):
        ann, bob = f"ann:{pbkdf2_entry('pw')}\n", f"bob:{pbkdf2_entry('pwb')}\n"
        broker = self.broker(PASSWORDS, passwd=ann + bob)
        clients = {}
        for user, password in (("ann", "pw"), ("bob", "pwb")):
            clients[user] = self.client(broker, 5, user, user=user, password=password)
            clients[user].expect_connack()
        with open(os.path.join(broker.folder, "passwd"), "w") as file:
            file.write(ann + f"joe:{pbkdf2_entry('pwj')}\n")
        os.chmod(broker.folder, 0o755)  # started by root, it has become somebody else
        broker.process.send_signal(signal.SIGHUP)
        clients["bob"].expect_closed(0x87, 0x98)  # whose entry has gone
        self.assertEqual(login(broker, 5, "joe", "pwj", "j"), 0)
        self.assertEqual(login(broker, 5, "bob", "pwb", "b2"), 0x87)
        clients["ann"].quiet()


if __name__ == "__main__":
    run()
