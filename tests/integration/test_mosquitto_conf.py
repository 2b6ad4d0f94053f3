"""Debian's mosquitto and starlingd are given the same configurations: both must accept, or both refuse.

mosquitto 2.0.11 cannot test a configuration, so it is started on a loopback port and has accepted what it serves
with. Where the two are meant to differ the case says so, with the reason; and both halves of it are looked at.
"""
import os
import pwd
import socket
import subprocess
import tempfile
import time
import unittest

from harness import STARLINGD, WAIT, run
from ports import free_ports

MOSQUITTO = "/usr/sbin/mosquitto"

L = "listener {port} 127.0.0.1\n"  # most configurations begin so: nothing listens elsewhere

# Both accept.
ACCEPTED = [
    L, L + "# comment\n\n   \n", L.replace("\n", "\r\n") + "allow_anonymous true\r\n",
    "bind_address 127.0.0.1\nport {port}\n", "port {other}\nbind_address 127.0.0.1\nport {port}\n",
    L + "allow_anonymous true", L + "allow_anonymous 1\n", L + "allow_anonymous  false \n",
    L + "allow_anonymous true trailing words\n", " listener {port} 127.0.0.1\n",
    L + "listener {other} 127.0.0.1\nprotocol websockets\n", L + "protocol mqtt\n",
    L + "listener 0 {dir}/mqtt.sock\n", L + "socket_domain ipv4\n",
    L + "max_connections -1\n", L + "max_connections 0\n", L + "max_connections 10 # ten\n",
    L + "max_qos 0\n", L + "maximum_qos 2\n", L + "max_topic_alias 0\n", L + "max_topic_alias 65535\n",
    L + "mount_point site/\n", L + "use_username_as_clientid true\n",
    "per_listener_settings true\n" + L + "allow_anonymous true\nauto_id_prefix x-\n",
    "per_listener_settings true\nper_listener_settings false\n" + L,
    "per_listener_settings false\nallow_anonymous true\n" + L,
    L + "allow_zero_length_clientid false\n", L + "auto_id_prefix in -side\n",
    L + "allow_duplicate_messages true\n", L + "autosave_interval 60\n", L + "autosave_interval -1\n",
    L + "autosave_on_changes false\n", L + "check_retain_source false\n", L + "clientid_prefixes a\n",
    L + "connection_messages false\n", L + "log_dest none\n", L + "log_dest stdout\nlog_dest stderr\n",
    L + "log_dest file {dir}/mosquitto.log\n", L + "log_dest topic\n", L + "log_facility 0\n",
    L + "log_facility 7\n", L + "log_timestamp false\n", L + "log_timestamp_format %Y-%m-%dT%H:%M:%S\n",
    L + "log_type all\n", L + "log_type none\nlog_type error\n", L + "log_type websockets\n",
    L + "log_type subscribe\nlog_type unsubscribe\n", L + "max_inflight_bytes 100\n",
    L + "max_inflight_messages 0\n", L + "max_inflight_messages 65535\n", L + "max_inflight_messages -1\n",
    L + "max_keepalive 65535\n", L + "max_keepalive 10\n", L + "max_packet_size 20\n", L + "max_queued_bytes 0\n",
    L + "max_queued_messages 0\n", L + "max_queued_messages -1\n", L + "message_size_limit 0\n",
    L + "message_size_limit 268435455\n", L + "persistence true\npersistence_location {dir}/\n",
    L + "persistence false\npersistence_file x.db\n", L + "retained_persistence false\n",
    L + "persistent_client_expiration 2m\n", L + "persistent_client_expiration 1y\n",
    L + "pid_file {dir}/mosquitto.pid\n", L + "queue_qos0_messages true\n", L + "retain_available false\n",
    L + "retry_interval 20\n", L + "retry_interval\n", L + "set_tcp_nodelay true\n", L + "sys_interval 0\n",
    L + "sys_interval 65535\n", L + "upgrade_outgoing_qos true\n", L + "websockets_log_level 255\n",
    L + "websockets_headers_size 4096\n", L + "password_file {dir}/passwd\n",
    L + "acl_file {dir}/acl\npassword_file {dir}/passwd\n", "include_dir {dir}/conf.d\n", L + "include_dir {dir}/empty.d\n",
    L + "include_dir {dir}/nested.d\n",
    L + "certfile {dir}/cert.pem\nkeyfile {dir}/key.pem\n",
    L + "certfile {dir}/cert.pem\nkeyfile {dir}/key.pem\ncafile {dir}/cert.pem\nrequire_certificate true\n"
        "use_identity_as_username true\ntls_version tlsv1.2\n",
    L + "certfile {dir}/cert.pem\nkeyfile {dir}/key.pem\nuse_subject_as_username true\ntls_version tlsv1.3\n",
    L + "psk_hint home\npsk_file {dir}/psk\nuse_identity_as_username true\n",
    L + "tls_keyform pem\n",
]

# Both refuse.
REFUSED = [
    "alow_anonymous true\n" + L, L + "unknown_option unknown\n", "listener\n", "listener 0\n", "listener 100000\n",
    "listener -1\n", "port 0\nbind_address 127.0.0.1\n", "port 65536\nbind_address 127.0.0.1\n",
    "listener\t{port} 127.0.0.1\n", " # not in the first column\n" + L, L + L,
    L + "allow_anonymous\n", L + "allow_anonymous falst\n", L + "allow_anonymous TRUE\n",
    "allow_anonymous true\nper_listener_settings true\n" + L, L + "user\n", L + "user \n", L + "user  \n",
    L + "pid_file {dir}/p\npid_file {dir}/p\n", L + "password_file {dir}/passwd\npassword_file {dir}/passwd\n",
    L + "password_file {dir}/none\n", L + "acl_file {dir}/none\n", L + "auto_id_prefix\n",
    L + "autosave_interval\n", L + "mount_point test/+/\n", "mount_point test/\n",
    L + "protocol test\n", L + "socket_domain\n", L + "socket_domain ipv5\n", L + "max_qos 3\n", L + "maximum_qos -1\n",
    L + "max_topic_alias 65536\n", L + "max_topic_alias -1\n", L + "max_topic_alias\n",
    L + "max_inflight_messages 65536\n", L + "max_packet_size 19\n", L + "max_keepalive 65536\n",
    L + "max_keepalive -1\n", L + "message_size_limit 556000000\n", L + "sys_interval -1\n", L + "sys_interval 65536\n",
    L + "websockets_headers_size 65536\n", L + "websockets_headers_size -1\n", L + "log_dest\n",
    L + "log_dest printer\n", L + "log_dest file\n", L + "log_dest file {dir}/a\nlog_dest file {dir}/b\n",
    L + "log_facility 8\n", L + "log_facility -1\n", L + "log_type nonsense\n", L + "log_timestamp_format\n",
    L + "persistent_client_expiration 1x\n", L + "persistent_client_expiration 0d\n",
    L + "persistence_location {dir}\npersistence_location {dir}\n", "include_dir\n", "include_dir {dir}/none.d\n",
    "include_dir {dir}/wrong.d\n", L + "auth_opt_x y\n", L + "auth_plugin_deny_special_chars true\n",
    L + "auth_plugin {dir}/none.so\n", L + "bridge_insecure true\n", L + "address example.org\n", L + "topic # both\n",
    L + "notifications true\n", L + "connection\n", L + "connection just-a-name\n", L + "start_type lazy\n",
    L + "certfile {dir}/none.pem\nkeyfile {dir}/key.pem\n", L + "certfile {dir}/cert.pem\nkeyfile {dir}/none.pem\n",
    L + "certfile {dir}/acl\nkeyfile {dir}/key.pem\n", L + "certfile {dir}/cert.pem\nkeyfile {dir}/other-key.pem\n",
    L + "certfile {dir}/cert.pem\nkeyfile {dir}/key.pem\ntls_version tlsv1.9\n",
    L + "psk_hint h\ncafile {dir}/cert.pem\n", L + "psk_hint h\ncertfile {dir}/cert.pem\n",
    L + "auto_id_prefix \x01\n", L + "tls_engine nonsense\ncertfile {dir}/cert.pem\nkeyfile {dir}/key.pem\n",
]

# (configuration, accepted by mosquitto 2.0.11, accepted here, why)
EXCEPTIONS = [
    (L + "autosave_interval string\n", True, False, "2.0.11 reads any word as 0, 2.1 refuses it"),
    (L + "max_queued_messages 10k\n", True, False, "2.0.11 reads 10, 2.1 refuses it"),
    (L + "log_type\n", True, False, "2.0.11 logs an error and goes on, 2.1 refuses it"),
    (L + "protocol\n", True, False, "2.0.11 logs an error and goes on, 2.1 refuses it"),
    (L + "max_connections\n", True, False, "2.0.11 logs an error and goes on, 2.1 refuses it"),
    (L + "persistent_client_expiration\n", True, False, "2.0.11 logs an error and goes on, 2.1 refuses it"),
    (L + "cafile {dir}/cert.pem\n", True, False, "2.0.11 serves in clear, 2.1 refuses it"),
    (L + "certfile {dir}/cert.pem\n", True, False, "2.0.11 serves in clear, 2.1 refuses it"),
    (L + "require_certificate true\n", True, False, "2.0.11 serves in clear, to anybody"),
    (L + "psk_hint home\n", True, False, "nobody could come in without a psk_file"),
    (L + "max_keepalive 0\n", False, True, "2.1 knows it as no bound"),
    (L + "listener_allow_anonymous true\n", False, True, "of 2.1"),
    (L + "accept_protocol_versions 4, 5\n", False, True, "of 2.1"),
    (L + "max_topic_alias_broker 5\n", False, True, "of 2.1"),
    (L + "retain_expiry_interval 60\n", False, True, "of 2.1"),
    (L + "global_max_connections 100\n", False, True, "of 2.1"),
    (L + "enable_proxy_protocol 2\n", False, True, "of 2.1"),
    (L + "packet_buffer_size 4096\n", False, True, "of 2.1"),
    (L + "connection b\naddress 127.0.0.1:{other}\ntopic # both 0\n", True, False, "there are no bridges yet"),
]


class MosquittoConfTest(unittest.TestCase):
    def setUp(self):
        kept = tempfile.TemporaryDirectory(prefix="starling-conf-")
        self.addCleanup(kept.cleanup)
        self.dir = kept.name
        self.me = pwd.getpwuid(os.geteuid()).pw_name
        self.write("acl", "topic readwrite #\n")
        self.write("psk", "client:0123456789abcdef\n")
        # The password "secret", as mosquitto_passwd of 2.0 writes it.
        self.write("passwd", "")
        subprocess.run(["mosquitto_passwd", "-b", self.path("passwd"), "user", "secret"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in ("", "other-"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", self.path(name + "key.pem"),
                            "-out", self.path(name + "cert.pem")], check=True, capture_output=True)
        for folder in ("conf.d", "empty.d", "nested.d", "wrong.d"):
            os.mkdir(self.path(folder))
        self.write("conf.d/README", "not configuration\n")
        self.write("nested.d/a.conf", "include_dir /nonexistent\n")
        self.write("wrong.d/a.conf", "\n\npersistance true\n")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def configuration(self, text):
        """Writes the file; returns (path, port)."""
        port, other = free_ports(2)
        self.write("conf.d/local.conf", f"listener {port} 127.0.0.1\n")
        text = text.format(port=port, other=other, dir=self.dir)
        if "user" not in text.replace("_username", ""):
            text += f"\nuser {self.me}\n"
        with open(self.path("mosquitto.conf"), "w", newline="") as file:
            file.write(text)
        return self.path("mosquitto.conf"), port

    def mosquitto_accepts(self, text):
        path, port = self.configuration(text)
        process = subprocess.Popen([MOSQUITTO, "-c", path], cwd=self.dir, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + WAIT
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    return False
                if self.is_served(port):
                    process.terminate()
                    # One that fails now has a status of its own.
                    return process.wait(timeout=WAIT) == 0
                time.sleep(0.01)  # between two looks at the port; there is no event to wait for
            self.fail(f"mosquitto neither serves nor ends with:\n{text}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(timeout=WAIT)

    @staticmethod
    def is_served(port):
        """Does somebody accept connections there, and end one that opens with what no protocol knows?"""
        with socket.socket() as probe:
            probe.settimeout(WAIT)
            try:
                probe.connect(("127.0.0.1", port))
                probe.sendall(b"\xff" * 16)
                probe.shutdown(socket.SHUT_WR)
                while probe.recv(1024):
                    pass
                return True
            except ConnectionRefusedError:
                return False
            except OSError:
                return True  # reset: it did not read to the end

    def starlingd(self, *words):
        return subprocess.run([STARLINGD, *words], cwd=self.dir, capture_output=True, text=True, timeout=WAIT)

    def starling_accepts(self, text):
        path, _ = self.configuration(text)
        result = self.starlingd("-c", path, "--test-config")
        self.assertIn(result.returncode, (0, 3), f"{text}\n{result.stderr}")
        if result.returncode == 3:
            self.assertIn(self.dir, result.stderr, "a refusal names its file")
        return result.returncode == 0, result.stderr

    def check(self, text, by_mosquitto, by_us, why=""):
        self.assertEqual(self.mosquitto_accepts(text), by_mosquitto, f"mosquitto, with:\n{text}({why})")
        accepted, said = self.starling_accepts(text)
        self.assertEqual(accepted, by_us, f"starlingd, with:\n{text}({why})\n{said}")

    def test_what_mosquitto_accepts_is_accepted(self):
        for text in ACCEPTED:
            with self.subTest(text):
                self.check(text, True, True)

    def test_what_mosquitto_refuses_is_refused(self):
        for text in REFUSED:
            with self.subTest(text):
                self.check(text, False, False)

    def test_differences_are_those_that_are_listed(self):
        for text, by_mosquitto, by_us, why in EXCEPTIONS:
            with self.subTest(text):
                self.check(text, by_mosquitto, by_us, why)

    def test_the_printed_configuration_is_the_same_configuration(self):
        path, port = self.configuration(
            L + "max_qos 1\nmax_queued_messages 77\nlog_type error\npassword_file {dir}/passwd\n"
                "listener {other} 127.0.0.1\nprotocol websockets\n")
        printed = self.starlingd("-c", path, "--print-config=toml")
        self.assertEqual(printed.returncode, 0, printed.stderr)
        self.assertRegex(printed.stdout, rf"(?m)^port = {port} +# \S*mosquitto\.conf:1$")
        self.assertRegex(printed.stdout, r"(?m)^max_queued_messages = 77 +# \S*mosquitto\.conf:3$")
        self.write("printed.toml", printed.stdout)
        again = self.starlingd("-c", self.path("printed.toml"), "--print-config")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(self.values(again.stdout), self.values(printed.stdout))
        self.assertEqual(self.starlingd("-c", self.path("printed.toml"), "--test-config").returncode, 0)

    @staticmethod
    def values(toml):
        return [line.split(" # ")[0].rstrip() for line in toml.splitlines() if not line.startswith("#")]

    def test_all_mistakes_are_told_at_once_with_place_and_suggestion(self):
        path, _ = self.configuration("alow_anonymous true\n" + L + "max_qos 3\ninclude_dir {dir}/wrong.d\n")
        result = self.starlingd("-c", path, "--test-config")
        self.assertEqual(result.returncode, 3)
        self.assertIn(f"{path}:1:1: unknown configuration variable \"alow_anonymous\"", result.stderr)
        self.assertIn("did you mean \"allow_anonymous\"?", result.stderr)
        self.assertIn(f"{path}:3:9: ", result.stderr)
        self.assertIn("wrong.d/a.conf:3:1: unknown configuration variable \"persistance\"", result.stderr)
        self.assertIn("did you mean \"persistence\"?", result.stderr)


if __name__ == "__main__":
    run()
