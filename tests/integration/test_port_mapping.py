"""Where a node can be reached, while that changes: its interfaces, and the router that maps its port."""
import time

from harness import run
from nat_lab import MESH_PORT, LabTestCase

SOON = 2.0  # seconds; a second is promised, and sanitizers are slow
LINKED = 30.0  # seconds
ENDED = 8.0  # seconds; a router is waited for at most five


def both(host, outer=MESH_PORT):
    """The mappings of a node that has been given one outer port."""
    return {(protocol, outer, host.address, MESH_PORT) for protocol in ("tcp", "udp")}


class Reached(LabTestCase):
    def setUp(self):
        super().setUp()
        self.meshes = [("family", self.secret(), ["#"])]
        self.hub = self.lab_node(self.lab.public("hub"), meshes=self.meshes)

    def another(self, host, *settings, start=True):
        args = [word for setting in settings for word in ("--set", setting)]
        return self.lab_node(host, start=start, meshes=self.meshes, bootstrap=[self.hub.mesh_address], args=args)


class Interfaces(Reached):
    def test_another_address_is_announced_within_a_second(self):
        host = self.lab.public("moving")
        node = self.another(host)
        node.wait_linked([self.hub])
        seen, began = len(node.log), time.monotonic()
        self.lab.move(host)
        node.log.wait_for(rf"mesh addresses announced=\"?{host.address}:{node.mesh_port}\b", start=seen)
        self.assertLess(time.monotonic() - began, SOON)
        node.log.wait_for(rf"interfaces changed addresses=.*{host.address}", start=seen)

    def test_an_interface_that_comes_up_late_is_found(self):
        host = self.lab.public("late")
        host.unplug()
        node = self.another(host)
        seen, began = len(node.log), time.monotonic()
        host.plug()
        node.log.wait_for(rf"mesh addresses announced=\"?{host.address}:{node.mesh_port}\b", start=seen)
        self.assertLess(time.monotonic() - began, SOON)
        node.wait_linked([self.hub])


class Mapped(Reached):
    """One home with a router that maps ports."""

    def router(self, **options):
        self.home = self.lab.home("home")
        self.home.router.serve_mappings(**options)
        self.host = self.home.host()
        return self.home.router

    def outside(self, outer=MESH_PORT):
        return f"{self.home.router.address}:{outer}"

    def check_whole_life(self, by):
        """Mapped, announced, dialled by who cannot be dialled, given back at the end."""
        router = self.home.router
        self.hub.host.shut(MESH_PORT)
        node = self.another(self.host)
        node.log.wait_for(rf"port mapped external={self.outside()} port={MESH_PORT} by=\"{by} on 192.168.1.1\"$")
        self.assertEqual(router.mappings(), both(self.host))
        node.log.wait_for(rf"mesh addresses announced=\"?{self.outside()}\b")
        self.hub.log.wait_for(rf"mesh peer linked peer={node.short} addr={self.outside()} inbound=false", LINKED)
        status, took = node.stop()
        self.assertEqual(status, 0)
        self.assertLess(took, ENDED)
        node.log.wait_for(rf"port unmapped external={self.outside()}")
        self.assertEqual(router.mappings(), set())

    def test_upnp(self):
        self.router(natpmp=False)
        self.check_whole_life("UPnP")

    def test_nat_pmp(self):
        self.router(upnp=False)
        self.check_whole_life("NAT-PMP")

    def test_where_both_are_spoken_one_mapping_is_enough(self):
        router = self.router()
        node = self.another(self.host)
        node.log.wait_for(r"port mapped external=\S* port=\d+ by=.NAT-PMP on")
        self.assertEqual(router.mappings(), both(self.host))
        self.assertEqual(node.stop()[0], 0)
        self.assertEqual(router.mappings(), set())

    def test_off_asks_nobody(self):
        router = self.router()
        node = self.another(self.host, "dht.nat=off")
        node.wait_linked([self.hub])
        self.assertEqual(node.stop()[0], 0)
        self.assertEqual(router.log.count("M-SEARCH from|NAT-PMP request"), 0)
        self.assertEqual(router.mappings(), set())

    def test_a_taken_port_is_explained_and_another_one_used(self):
        router = self.router()
        other = self.home.host()
        other.sh("upnpc", "-a", other.address, MESH_PORT, MESH_PORT, "tcp", 3600)
        before = router.mappings()
        node = self.another(self.host, "dht.nat=upnp")
        said = node.log.wait_for(rf"port mapped external={self.outside(MESH_PORT + 1)} .*").group(0)
        self.assertIn(f"port {MESH_PORT} is taken: the router forwards {MESH_PORT} (TCP) to {other.address}:{MESH_PORT} already",
                      said)
        self.assertEqual(router.mappings(), before | both(self.host, MESH_PORT + 1))
        node.log.wait_for(rf"mesh addresses announced=\"?{self.outside(MESH_PORT + 1)}\b")

    def test_two_nodes_of_one_home_get_a_port_each(self):
        router = self.router()
        first = self.another(self.host)
        first.log.wait_for(rf"port mapped external={self.outside()} ")
        second_host = self.home.host()
        second = self.another(second_host)
        outer = int(second.log.wait_for(r"port mapped external=[\d.]+:(\d+) ").group(1))
        self.assertNotEqual(outer, MESH_PORT)
        self.assertEqual(router.mappings(), both(self.host) | both(second_host, outer))

    def test_a_refusal_is_quoted(self):
        self.router(natpmp=False, allow="40000-40010")  # by NAT-PMP miniupnpd hangs for ever at such a rule
        node = self.another(self.host)
        said = node.log.wait_for(r"port not mapped port=\d+ text=.*").group(0)
        self.assertRegex(said, "UPnP on 192.168.1.1 says: .*not allowed")
        self.assertIn("forwarded to it in the router by hand", said)
        node.wait_linked([self.hub])

    def test_without_such_a_router_it_is_said_once_and_the_node_works(self):
        self.home = self.lab.home("home")
        node = self.another(self.home.host())
        said = node.log.wait_for(r"port not mapped port=\d+ text=.*").group(0)
        self.assertIn("no router answers to NAT-PMP or UPnP", said)
        node.wait_linked([self.hub])
        status, took = node.stop()
        self.assertEqual(status, 0)
        self.assertLess(took, ENDED)

    def test_a_router_that_died_does_not_hold_up_the_end(self):
        router = self.router()
        node = self.another(self.host)
        node.log.wait_for("port mapped")
        router.stop_mappings()
        router.cut_inside(self.host)
        status, took = node.stop()
        self.assertEqual(status, 0)
        self.assertLess(took, ENDED)
        node.log.wait_for("port mapping left")

    def test_another_address_in_the_home_is_mapped_anew(self):
        router = self.router()
        node = self.another(self.host)
        node.log.wait_for(rf"port mapped external={self.outside()} ")
        old, seen = router.mappings(), len(node.log)
        self.host.change_address("192.168.1.77")
        node.log.wait_for("interfaces changed addresses=.*192.168.1.77", timeout=SOON, start=seen)
        # The old mapping is still there, for an hour: the router gives another outer port.
        outer = int(node.log.wait_for(r"port mapped external=[\d.]+:(\d+) ", start=seen).group(1))
        self.assertEqual(router.mappings() - old, both(self.host, outer))

    def test_another_public_address_of_the_router_is_noticed_at_once(self):
        router = self.router()
        node = self.another(self.host)
        node.log.wait_for(rf"port mapped external={self.outside()} ")
        seen = len(node.log)
        router.change_address()
        node.log.wait_for(rf"port mapped external={self.outside()} ", start=seen)
        node.log.wait_for(rf"mesh addresses announced=\"?{self.outside()}\b", start=seen)

    def test_behind_a_carrier_a_mapping_is_not_taken_for_a_public_one(self):
        self.home = self.lab.home("home", behind=self.lab.carrier("carrier"))
        self.home.router.serve_mappings()
        node = self.another(self.home.host())
        node.log.wait_for(r"port (not mapped|mapped in vain) .*(public|NAT-PMP on 192.168.1.1 says)")
        node.wait_linked([self.hub])
        self.assertEqual(node.log.count(r"announced=.*100\.64"), 0)

    def test_among_private_addresses_nobody_is_asked(self):
        router = self.router()
        first = self.another(self.host, "dht.nat=off")
        second = self.lab_node(self.home.host(), meshes=self.meshes, bootstrap=[first.mesh_address])
        second.wait_linked([first])
        self.assertEqual(second.stop()[0], 0)
        self.assertEqual(router.log.count("M-SEARCH from|NAT-PMP request"), 0)


if __name__ == "__main__":
    run()
