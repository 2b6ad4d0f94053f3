"""The lab of the NAT tests is what it says: routers of each kind, a carrier, mappings, and nothing left behind."""
import os
import socket
import subprocess

from harness import Timeout, run
from nat_lab import PREFIX, LabTestCase, NatLab

SOON, NEVER = 5.0, 0.3  # seconds: for what must come, and for what must not (nobody tells that it will not)


def udp(host, port=0):
    with host.inside():
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind(("0.0.0.0", port))
    opened.settimeout(SOON)
    return opened


def outside_of(inner, public_socket, public_host):
    """Where `public_socket` sees what `inner` sends."""
    inner.sendto(b"who am I", (public_host.address, public_socket.getsockname()[1]))
    return public_socket.recvfrom(100)[1]


def comes(to, receiver, sender):
    receiver.settimeout(NEVER)
    sender.sendto(b"hello", to)
    try:
        return receiver.recvfrom(100)[0] == b"hello"
    except socket.timeout:
        return False


class Kinds(LabTestCase):
    def look(self, kind, behind=None):
        """(the outer port is the same for two destinations, a stranger gets through to it)"""
        first, second = self.lab.public("first"), self.lab.public("second")
        home = self.lab.home("home", nat=kind, behind=behind)
        sockets = inner, at_first, at_second, stranger = udp(home.host()), udp(first), udp(second), udp(second)
        try:
            seen = outside_of(inner, at_first, first)
            self.assertEqual(seen[0], (behind.router if behind else home.router).address)
            same = seen == outside_of(inner, at_second, second)
            self.assertTrue(comes(seen, inner, at_first), "an answer must come back")
            return same, comes(seen, inner, stranger)
        finally:
            for opened in sockets:
                opened.close()

    def test_port_restricted(self):
        self.assertEqual(self.look("port-restricted"), (True, False))

    def test_symmetric(self):
        self.assertEqual(self.look("symmetric"), (False, False))

    def test_full_cone(self):
        self.assertEqual(self.look("full-cone"), (True, True))

    def test_carrier(self):
        self.assertEqual(self.look("port-restricted", behind=self.lab.carrier("carrier")), (True, False))


class Events(LabTestCase):
    def test_another_address(self):
        public, home = self.lab.public("public"), self.lab.home("home")
        inner, outer = udp(home.host()), udp(public)
        before = outside_of(inner, outer, public)
        home.router.change_address()
        after = outside_of(inner, outer, public)
        self.assertNotEqual(before[0], after[0])
        self.assertEqual(after[0], home.router.address)
        inner.close()
        outer.close()

    def test_a_cut_and_mended_line(self):
        public, home = self.lab.public("public"), self.lab.home("home")
        inner, outer = udp(home.host()), udp(public)
        target = (public.address, outer.getsockname()[1])
        self.lab.cut(home.router)
        self.assertFalse(comes(target, outer, inner))
        self.lab.mend(home.router)
        self.assertTrue(comes(target, outer, inner))
        inner.close()
        outer.close()

    def test_mappings_are_seen_as_they_come_and_go(self):
        home = self.lab.home("home")
        home.router.serve_mappings()
        host = home.host()
        self.assertEqual(home.router.mappings(), set())
        host.sh("natpmpc", "-a", "30000", "30000", "udp", "600")
        self.assertEqual(home.router.wait_mappings(bool), {("udp", 30000, host.address, 30000)})
        host.sh("natpmpc", "-a", "30000", "30000", "udp", "0")
        home.router.wait_mappings(lambda mappings: not mappings)
        with self.assertRaises(Timeout):
            home.router.wait_mappings(bool, NEVER)

    def test_nothing_is_left_behind(self):
        lab = NatLab()
        process = lab.public("host").popen("sleep", "1000")
        lab.close()
        lab.close()
        self.assertIsNotNone(process.returncode)
        names = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(f"{PREFIX}-{os.getpid()}-{lab.number}-", names)


class Nodes(LabTestCase):
    def test_a_home_and_a_public_node_with_mosquittos_clients(self):
        meshes = [("family", self.secret(), ["#"])]
        hub = self.lab_node(self.lab.public("hub"), meshes=meshes)
        attic = self.lab_node(self.lab.home("attic").host(), meshes=meshes, bootstrap=[hub.mesh_address])
        attic.wait_linked([hub])
        subscriber = self.mosquitto_sub(attic, "home/#", qos=2)
        self.mosquitto_pub(hub, "home/door", "open", qos=2)
        subscriber.lines.wait_for("^open$")
        client = self.client(attic)
        client.subscribe("x", 1)
        client.publish("x", "y", 1)
        self.assertEqual(client.take().payload, b"y")


if __name__ == "__main__":
    run()
