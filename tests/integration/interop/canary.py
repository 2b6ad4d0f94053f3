"""A client that must be served whatever happens to the others."""
import secrets
import threading
import time

from harness import WAIT
from interop import wire


class Canary:
    """A client that sings all the time, and notices how long its song takes."""

    def __init__(self, port):
        self.songs, self.slowest, self.trouble = 0, 0.0, None
        self._topic = f"canary {secrets.token_hex(8)}"
        self._client = wire.WireClient(port, self._topic, timeout=WAIT)
        self._client.subscribe([(self._topic, 1)])
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._sing, daemon=True)
        self._thread.start()

    def _sing(self):
        try:
            while not self._ending.wait(0.01):
                self.songs += 1
                began, song = time.monotonic(), f"song {self.songs}".encode()
                self._client.send(wire.publish(self._topic, song, 1, False, self.songs % 65535 + 1))
                acknowledged = heard = False
                while not (acknowledged and heard):
                    got = self._client.next_packet()
                    if got.kind == wire.PUBACK:
                        acknowledged = True
                    elif got.kind == wire.PUBLISH:
                        message = wire.read_message(got)
                        self._client.send(wire.acknowledge(wire.PUBACK, message.packet_id))
                        heard = heard or message.payload == song
                self.slowest = max(self.slowest, time.monotonic() - began)
        except Exception as error:  # told where it is asked
            self.trouble = error

    def end(self):
        self._ending.set()
        self._thread.join(2 * WAIT)
        self._client.close()
