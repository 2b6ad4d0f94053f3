"""Members in one local network find each other by multicast, and talk over it."""
import time

from harness import Timeout, run
from nat_lab import LabNode, LabTestCase

LINKED = 5.0  # seconds, with sanitizers and on a busy machine; three are meant
FIND = ["--set", "dht.nat=off"]  # no router here maps ports


class LanCase(LabTestCase):
    def setUp(self):
        super().setUp()
        self.meshes = [("family", self.secret(), ["#"])]

    def at(self, host, *settings, meshes=None, bootstrap=(), **options):
        args = FIND + [word for setting in settings for word in ("--set", setting)]
        return self.lab_node(host, meshes=meshes or self.meshes, bootstrap=list(bootstrap), args=args, **options)

    def linked_at(self, node, other, address, timeout=LINKED):
        """Until `node` is linked with `other`, whose end is at `address`."""
        return node.log.wait_for(rf"mesh peer linked .*peer={other.short}\S* addr=\"?{address}:", timeout)

    def goes(self, sender, receiver):
        """A message with QoS 1 from a client of one node to a client of the other."""
        subscriber = self.client(receiver, "reader")
        subscriber.subscribe("home/door", 1)
        publisher = self.client(sender, "writer")
        deadline = time.monotonic() + LINKED
        while time.monotonic() < deadline:
            publisher.publish("home/door", "open", 1)
            try:
                self.assertEqual(subscriber.take(1.0).payload, b"open")
                return
            except Timeout:  # what the other wants has not been said yet
                pass
        self.fail(f"nothing goes from {sender.host.name} to {receiver.host.name}")


class WithoutInternet(LanCase):
    """A house whose line is dead, and nodes that were told of nobody."""

    def setUp(self):
        super().setUp()
        self.house = self.lab.lan("house")

    def test_two_nodes_find_each_other_without_any_bootstrap(self):
        one, other = self.house.host(), self.house.host()
        a = self.at(one)
        began = time.monotonic()
        b = self.at(other)
        self.linked_at(a, b, other.address)
        self.linked_at(b, a, one.address)
        self.assertLess(time.monotonic() - began, LINKED)
        self.goes(a, b)
        self.goes(b, a)
        # Neither has become two links, and both are known as what they are.
        self.assertEqual(a.log.count(rf"lan neighbour heard peer={b.short}\S* .*meshes=family"), 1)

    def test_members_of_another_mesh_stay_strangers(self):
        a, b = self.at(self.house.host()), self.at(self.house.host())
        stranger = self.at(self.house.host(), meshes=[("family", self.secret("foreign"), ["#"])])
        a.wait_linked([b], LINKED)
        # Time enough for all that the stranger says at its start to have come: a later node's beacon does.
        late = self.at(self.house.host())
        for node in (a, b):
            self.linked_at(node, late, late.host.address)
            self.assertEqual(node.log.count(rf"peer={stranger.short}"), 0)
        self.assertEqual(stranger.log.count("lan neighbour heard|mesh peer linked"), 0)

    def test_three_nodes_on_one_host_and_one_beside(self):
        host, beside = self.house.host(), self.house.host()
        nodes = [self.at(host)]
        for number in range(2):
            node = LabNode(host, f"{self.folder}/more{number}", meshes=self.meshes, mesh_listen="[::]:0", args=FIND)
            nodes.append(self.keep(node).start())
        nodes.append(self.at(beside))
        for node in nodes:
            node.wait_linked([each for each in nodes if each is not node], LINKED)

    def test_a_cable_that_is_plugged_in_late(self):
        one, late = self.house.host(), self.house.host()
        late.unplug()
        a, b = self.at(one), self.at(late)
        seen = len(b.log)
        late.plug()
        b.log.wait_for(r"lan members sought interfaces=\"?eth0=192\.168\.1\.", LINKED, seen)
        self.linked_at(a, b, late.address)
        self.goes(a, b)

    def test_a_node_that_comes_back_is_found_at_once(self):
        a, b = self.at(self.house.host()), self.at(self.house.host())
        a.wait_linked([b], LINKED)
        b.kill()
        seen = len(a.log)
        b.start()
        a.log.wait_for(rf"mesh peer linked .*peer={b.short}", LINKED, seen)

    def test_whoever_does_not_want_it_is_neither_seen_nor_sees(self):
        quiet = self.at(self.house.host(), "dht.lan=false")
        a, b = self.at(self.house.host()), self.at(self.house.host())
        a.wait_linked([b], LINKED)
        self.assertEqual(quiet.log.count("lan |mesh peer linked"), 0)
        for node in (a, b):
            self.assertEqual(node.log.count(rf"lan neighbour heard peer={quiet.short}"), 0)

    def test_over_ipv6_alone(self):
        hosts = [self.house.host(), self.house.host()]
        for number, host in enumerate(hosts):
            host.ip("addr", "del", f"{host.address}/24", "dev", "eth0")
            host.sh("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0", "net.ipv6.conf.lo.disable_ipv6=0")
            host.ip("addr", "add", f"fd53:544c::{10 + number}/64", "dev", "eth0", "nodad")
        a, b = self.at(hosts[0]), self.at(hosts[1])
        self.linked_at(a, b, r"\[fd53:544c::11\]")
        self.goes(a, b)


class BehindOneRouter(LanCase):
    def test_the_path_is_the_one_inside(self):
        hub = self.at(self.lab.public("hub"))
        house = self.lab.home("house")
        one, other = house.host(), house.host()
        a, b = self.at(one, bootstrap=[hub.mesh_address]), self.at(other, bootstrap=[hub.mesh_address])
        self.linked_at(a, b, other.address)
        self.linked_at(b, a, one.address)
        hub.wait_linked([a, b], 30.0)
        self.goes(a, b)
        # What the house says to itself does not reach the hub, and the hub says nothing of the kind.
        self.assertEqual(hub.log.count("lan "), 0)
        for node in (a, b):
            self.assertEqual(node.log.count(rf"lan neighbour heard peer={hub.short}"), 0)

    def test_a_relayed_link_gives_way_to_the_one_inside(self):
        hub = self.at(self.lab.public("hub"), "dht.relay=offer")
        house = self.lab.home("house", "symmetric")
        hosts = [house.host(), house.host()]
        self.keep_apart(house, "on")
        a, b = (self.at(host, bootstrap=[hub.mesh_address]) for host in hosts)
        a.log.wait_for(rf"mesh peer linked .*peer={b.short}\S* .*path=relayed", 30.0)
        self.assertEqual(a.log.count("lan neighbour heard"), 0)
        self.keep_apart(house, "off")
        # Beacons come every half minute.
        a.log.wait_for(rf"lan neighbour heard peer={b.short}\S* addr={hosts[1].address}:", 35.0)
        a.log.wait_for(rf"mesh path changed peer={b.short}\S* path=\"?dialled.* addr={hosts[1].address}:", LINKED)
        self.goes(a, b)

    @staticmethod
    def keep_apart(house, isolated):
        """The switch of the house hands nothing from one host to another."""
        for number in range(len(house.hosts)):
            house.router.ip("link", "set", f"port{number}", "type", "bridge_slave", "isolated", isolated)

    def test_a_dead_line_does_not_part_the_house(self):
        hub = self.at(self.lab.public("hub"))
        house = self.lab.home("house")
        a = self.at(house.host(), bootstrap=[hub.mesh_address])
        b = self.at(house.host(), bootstrap=[hub.mesh_address])
        a.wait_linked([b, hub], 30.0)
        self.lab.cut(house.router)
        a.log.wait_for(rf"mesh peer lost .*peer={hub.short}|mesh link closed .*peer={hub.short}", 30.0)
        self.goes(a, b)


if __name__ == "__main__":
    run()
