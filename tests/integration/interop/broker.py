"""A broker with all its doors, from one configuration file: starlingd, or, to test the tests, Debian's mosquitto.

INTEROP_BROKER=mosquitto runs the same tests against /usr/sbin/mosquitto: what fails there is wrong in the test.
INTEROP_CONFIG=toml writes the native format instead of Mosquitto's dialect.
"""
import base64
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import STARLINGD, WAIT, Lines, Timeout
from interop.certificates import Certificates
from ports import free_ports

USER, PASSWORD = "alice", "correct horse battery staple"
SERVER = os.environ.get("INTEROP_BROKER", "starlingd")
DIALECT = os.environ.get("INTEROP_CONFIG", "mosquitto")

# name -> (transport, certificate of the client asked for, password asked for)
DOORS = {
    "tcp": ("tcp", False, False),
    "password": ("tcp", False, True),
    "tls": ("tls", False, False),
    "mutual_tls": ("tls", True, False),
    "tls_password": ("tls", False, True),
    "websocket": ("ws", False, False),
    "secure_websocket": ("wss", False, False),
}


class Door:
    """Where and how to come in. `port` is a TCP port on 127.0.0.1."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.transport, self.wants_certificate, self.wants_password = DOORS[name]
        self.tls = self.transport in ("tls", "wss")
        self.websocket = self.transport in ("ws", "wss")


def password_line(user, password):
    """An entry of Mosquitto's password file: PBKDF2 with HMAC-SHA-512, as mosquitto_passwd 2.0 makes it."""
    salt = os.urandom(12)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101, 64)
    return f"{user}:$7$101${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}\n"


class Broker:
    """A running broker. `settings`: further lines of mosquitto.conf; `toml`: the same for the native format.
    `dialect`: "mosquitto" or "toml"."""

    def __init__(self, doors=("tcp",), settings="", toml="", env=None, dialect=DIALECT):
        self.folder = tempfile.mkdtemp(prefix="starling-interop-")
        self._certificates = None
        if any(DOORS[name][0] in ("tls", "wss") for name in doors):
            self._certificates = Certificates(self.path("certificates"), USER)
        with open(self.path("passwords"), "w") as file:
            file.write(password_line(USER, PASSWORD))
        os.chmod(self.path("passwords"), 0o600)
        self._settings, self._toml, self._names = settings, toml, doors
        self._native = dialect == "toml" and SERVER != "mosquitto"
        self._env = {**os.environ, **(env or {})}
        self.process = None
        for attempt in range(5):
            try:
                self._start()
                return
            except Timeout:
                # Somebody else may have taken one of the ports in between.
                if attempt == 4 or "in use" not in self.log.text():
                    self.close()
                    raise
                self._end()

    def path(self, name):
        return os.path.join(self.folder, name)

    def certificate(self, name):
        return self._certificates.path(name)

    @property
    def port(self):
        return self.doors[self._names[0]].port

    def _start(self):
        self.doors = {name: Door(name, port) for name, port in zip(self._names, free_ports(len(self._names)))}
        config = self.path("starling.toml" if self._native else "mosquitto.conf")
        with open(config, "w") as file:
            file.write(self._as_toml() if self._native else self._as_mosquitto_conf())
        if SERVER == "mosquitto":
            command = ["/usr/sbin/mosquitto", "-c", config]
        else:
            command = [STARLINGD, "-c", config, "--state-dir", self.path("state")]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                                        errors="replace", env=self._env)
        self.log = Lines(self.process.stderr)
        deadline = time.monotonic() + WAIT
        for door in self.doors.values():
            self._wait_open(door.port, deadline)

    def _wait_open(self, port, deadline):
        """Until the port takes connections; the process's end comes first if its configuration is refused."""
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Timeout(f"port {port} does not open; the broker says:\n{self.log.text()[-4000:]}") from None
                time.sleep(0.01)  # there is no event to wait for that every broker has

    def _as_mosquitto_conf(self):
        lines = ["per_listener_settings true", "persistence false", "log_dest stderr", "log_type all",
                 "max_queued_messages 10000", self._settings]
        if SERVER == "mosquitto":
            lines.append("user root")
        for door in self.doors.values():
            lines.append(f"listener {door.port} 127.0.0.1")
            lines.append(f"protocol {'websockets' if door.websocket else 'mqtt'}")
            lines.append(f"allow_anonymous {'false' if door.wants_password or door.wants_certificate else 'true'}")
            if door.wants_password:
                lines.append(f"password_file {self.path('passwords')}")
            if door.tls:
                lines += [f"cafile {self.certificate('ca.crt')}", f"certfile {self.certificate('server.crt')}",
                          f"keyfile {self.certificate('server.key')}"]
            if door.wants_certificate:
                lines += ["require_certificate true", "use_identity_as_username true"]
        return "\n".join(lines) + "\n"

    def _as_toml(self):
        lines = [self._toml]
        for door in self.doors.values():
            lines += ["[[listener]]", f"port = {door.port}", 'bind = "127.0.0.1"',
                      f"allow_anonymous = {'false' if door.wants_password or door.wants_certificate else 'true'}"]
            if door.websocket:
                lines.append('protocol = "websockets"')
            if door.wants_password:
                lines.append(f'password_file = "{self.path("passwords")}"')
            if door.tls:
                tls = f'cert = "{self.certificate("server.crt")}", key = "{self.certificate("server.key")}"'
                if door.wants_certificate:
                    tls += (f', client_ca = "{self.certificate("ca.crt")}", require_client_cert = true'
                            ', user_from = "common_name"')
                lines.append(f"tls = {{ {tls} }}")
        return "\n".join(lines) + "\n"

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def alive(self):
        return self.process.poll() is None

    def complaints(self):
        """What a sanitizer or an invariant has said, or nothing."""
        return re.search("ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:|invariant broken",
                         self.log.text())

    def stop(self):
        """Ends in order; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=WAIT)

    def _end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)
