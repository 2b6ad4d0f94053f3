"""What an eavesdropper on the wire sees: neither topic names nor payloads, in private and open meshes."""
import socket
import struct
import threading

from harness import NodeTestCase, run

ETH_P_ALL = 3


class Capture:
    """Every TCP and UDP packet on the loopback interface, as raw bytes."""

    def __init__(self):
        self.packets, self.stopped = {"udp": [], "tcp": []}, threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.socket.bind(("lo", 0))
        self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while not self.stopped.is_set():
            try:
                frame = self.socket.recv(1 << 17)
            except socket.timeout:
                continue
            packet = frame[14:]
            if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] not in (6, 17):
                continue
            self.packets["tcp" if packet[9] == 6 else "udp"].append(packet[(packet[0] & 15) * 4:])

    def finish(self, ports):
        """What was seen to or from `ports`."""
        self.stopped.set()
        self.thread.join()
        self.socket.close()
        return {kind: [packet for packet in seen if set(ports) & set(struct.unpack("!HH", packet[:4]))]
                for kind, seen in self.packets.items()}


class OnTheWire(NodeTestCase):
    def check(self, name, secret, share):
        meshes = [(name, self.secret() if secret else None, [share])]
        a = self.node("a", meshes=meshes)
        capture, ports = Capture(), {a.mesh_port}
        try:
            b = self.node("b", meshes=meshes, bootstrap=[a.mesh_address])
            ports.add(b.mesh_port)
            a.wait_linked([b])
            subscriber, publisher = self.client(a), self.client(b)
            subscriber.subscribe("verysecrettopic/+/deeplevel", 1)
            subscriber.subscribe("verysecrettopic/other/#", 1)
            publisher.publish("verysecrettopic/middlelevel/deeplevel", "hiddenpayload", 1)
            self.assertEqual(subscriber.take().payload, b"hiddenpayload")
            # The announcement of the interest reaches the DHT.
            b.log.wait_for("dht connected")
            publisher.publish("verysecrettopic/other/x", "hiddenpayload", 2)
            subscriber.take()
        finally:
            packets = capture.finish(ports)
        self.assertGreater(len(packets["tcp"]), 10)
        self.assertGreater(len(packets["udp"]), 10)
        for kind, captured in packets.items():
            for packet in captured:
                for word in (b"verysecrettopic", b"middlelevel", b"deeplevel", b"hiddenpayload"):
                    self.assertNotIn(word, packet, f"{kind} shows it")

    def test_private_mesh(self):
        self.check("family", True, "#")

    def test_open_mesh(self):
        self.check("public/secrecy", False, "both:verysecrettopic/#")


if __name__ == "__main__":
    run()
