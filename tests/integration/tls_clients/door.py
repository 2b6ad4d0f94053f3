"""A running starlingd with TLS listeners, clients that are programs, and a wire tap that reads record headers."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from harness import STARLINGD, WAIT, Lines
from ports import free_ports
from tls_clients.authority import Authority

BIN = os.environ.get("INTEROP_BIN", os.path.join(os.getcwd(), "bin"))


class TlsNode:
    """`listeners`: name -> lines of TOML inside tls = {...}, with {NAME.pem} replaced by paths. Each allows everybody."""

    def __init__(self, folder_or_none=None):
        self.folder = folder_or_none or tempfile.mkdtemp(prefix="starling-tls-")
        self.pki = Authority(self.folder)
        self.process = None

    def start(self, listeners):
        names = ["plain", *listeners]
        self.ports = dict(zip(names, free_ports(len(names))))
        text = ""
        for name in names:
            text += f'[[listener]]\nbind = "127.0.0.1"\nport = {self.ports[name]}\nallow_anonymous = true\n'
            if name != "plain":
                text += f"tls = {{ {self.with_paths(listeners[name])} }}\n"
        self.config = self.pki.write("starling.toml", text)
        self.process = subprocess.Popen([STARLINGD, "-c", self.config, "-v", "--state-dir", self.pki.path("state")],
                                        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace")
        self.log = Lines(self.process.stderr)
        self.log.wait_for(r"\bready\b")
        return self

    def with_paths(self, text):
        """"@name.pem" becomes its path."""
        return text.replace("@", self.folder + "/")

    def reload(self):
        start = len(self.log)
        self.process.send_signal(signal.SIGHUP)
        return start

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def s_client(self, port, *words, stdin="", timeout=WAIT):
        """openssl s_client, until it ends by itself: with a failed handshake, or when it has sent `stdin`."""
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile",
                   self.pki.path("root.pem"), *words]
        done = subprocess.run(command, input=stdin.encode("latin-1"), capture_output=True, timeout=timeout)
        return (done.stdout + done.stderr).decode("latin-1")

    def mosquitto(self, program, port, *words, **options):
        command = [f"mosquitto_{program}", "-h", "localhost", "-p", str(port), *map(self.with_paths, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=WAIT, **options)


class Program:
    """A client of tls_clients/, whose lines are waited for."""

    def __init__(self, name, *words):
        path = os.path.join(BIN, name)
        if not os.path.exists(path):
            raise AssertionError(f"{path} was not built: libmbedtls-dev or libwolfssl-dev is missing")
        self.process = subprocess.Popen([path, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True)
        self.lines = Lines(self.process.stdout)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Tap:
    """Passes connections on to `port`, and notes (type, size) of each TLS record that the server sends."""

    def __init__(self, port):
        self.target, self.records, self._open = port, [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self._open += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source, to, watched):
        seen = b""
        try:
            while data := source.recv(65536):
                if watched:
                    seen += data
                    while len(seen) >= 5 and len(seen) >= 5 + int.from_bytes(seen[3:5], "big"):
                        size = int.from_bytes(seen[3:5], "big")
                        self.records.append((seen[0], size))
                        seen = seen[5 + size:]
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        for one in [self.listener, *self._open]:
            one.close()
