"""The same configuration and the same clients for starlingd and for Debian's mosquitto, to compare what people see.

Both run from one mosquitto.conf, mosquitto by hand on loopback ports of its own (its service is never touched). Where the
package is not installed, the tests that compare are skipped; what is promised is still demanded of starlingd.
"""
import os
import pwd
import re
import signal
import socket
import struct
import subprocess
import tempfile
import shutil

from harness import STARLINGD, WAIT, Lines
from ports import free_port

MOSQUITTO = "/usr/sbin/mosquitto"
has_mosquitto = os.access(MOSQUITTO, os.X_OK)


class Twin:
    """`kind`: "starlingd" or "mosquitto". `conf`: the lines of mosquitto.conf; {port}, {port2} and {folder} are filled in.
    `args`: words of the command line. The log is read from standard error."""

    def __init__(self, kind, conf, args=(), files=None):
        self.kind = kind
        self.folder = tempfile.mkdtemp(prefix=f"starling-{kind}-")
        self.port, self.port2 = free_port(), free_port()
        self.conf = self.path("broker.conf")
        for name, text in (files or {}).items():
            with open(os.open(self.path(name), os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(text)
        with open(self.conf, "w") as file:
            file.write(conf.format(port=self.port, port2=self.port2, folder=self.folder) + "\n")
            if kind == "mosquitto" and os.geteuid() == 0:
                file.write("user root\n")
        program = [MOSQUITTO] if kind == "mosquitto" else [STARLINGD, "--state-dir", self.path("state")]
        self.process = subprocess.Popen(program + ["-c", self.conf, *args], stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, text=True, errors="replace")
        self.log = Lines(self.process.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def wait_running(self):
        """For brokers that log to standard error."""
        self.log.wait_for(r"(mosquitto|starling) version \S+ running$")
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=WAIT)
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sentences(self, lines=None):
        """Lines without what differs from run to run: name and version of the program, time, and the clients' ports."""
        found = []
        for line in self.log.text().splitlines() if lines is None else lines:
            line = re.sub(r"^\d{10}: ", "", line)
            line = re.sub(r"^(mosquitto|starling) version \S+", "BROKER", line)
            line = re.sub(r"(127\.0\.0\.1|::1):\d+", r"\1:N", line)
            for name, text in ((self.port, "PORT"), (self.port2, "PORT2")):
                line = re.sub(rf"\b{name}\b", text, line)
            found.append(line.replace(self.folder, "FOLDER"))
        return found


# --- A client that is nothing but a socket and packets of its own making

def text(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(value)) + value


def packet(first_byte, body):
    length, left = b"", len(body)
    while True:
        digit, left = left % 128, left // 128
        length += bytes([digit | (0x80 if left else 0)])
        if not left:
            return bytes([first_byte]) + length + body


def connect(client, level=4, keep_alive=60, user=None, password=None, clean=True):
    flags = (2 if clean else 0) | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = text("MQIsdp" if level == 3 else "MQTT") + bytes([level, flags]) + struct.pack("!H", keep_alive)
    body += (b"\0" if level == 5 else b"") + text(client)
    body += (text(user) if user is not None else b"") + (text(password) if password is not None else b"")
    return packet(0x10, body)


DISCONNECT = b"\xe0\x00"
PINGREQ = b"\xc0\x00"


class Wire:
    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=WAIT)

    def send(self, data):
        self.socket.sendall(data)
        return self

    def receive(self):
        """What comes next; empty: the broker has closed."""
        try:
            return self.socket.recv(4096)
        except ConnectionResetError:
            return b""

    def connected(self, *args, **options):
        self.send(connect(*args, **options))
        answer = self.receive()
        assert answer[:1] == b"\x20" and answer[3:4] == b"\0", f"refused: {answer!r}"
        return self

    def wait_closed(self):
        while self.receive():
            pass
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def user_exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False
