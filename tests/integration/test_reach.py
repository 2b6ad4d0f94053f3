"""Homes that nobody can dial, behind real routers: every pair gets the best path there is, and nothing is lost on the way."""
import re
import time

from harness import Timeout, run
from nat_lab import LabTestCase

LINKED = 30.0  # seconds within which two homes must be linked, whatever lies between
BETTER = 40.0  # until a better path beside a relayed one is there
QUICK = ["--set", "dht.nat=off"]  # no router here maps ports


class ReachCase(LabTestCase):
    def setUp(self):
        super().setUp()
        self.meshes = [("family", self.secret(), ["#"])]

    def node(self, host, *settings, bootstrap=None):
        args = list(QUICK)
        for setting in settings:
            args += ["--set", setting]
        addresses = [self.hub.mesh_address] if bootstrap is None else bootstrap
        return self.lab_node(host, meshes=self.meshes, bootstrap=addresses, args=args)

    def hubs(self, *relays):
        """Nodes on rented machines, the first of which is what all others join by."""
        first = self.node(self.lab.public("hub"), f"dht.relay={relays[0]}", bootstrap=[])
        self.hub = first
        return [first] + [self.node(self.lab.public(f"hub{i + 2}"), f"dht.relay={relay}")
                          for i, relay in enumerate(relays[1:])]

    def path(self, node, other, kind, timeout=LINKED, start=0):
        """Until the link with `other` has this path; what it was at first is in the log before."""
        return node.log.wait_for(rf"mesh (?:peer linked|path changed) .*peer={other.short}\S* .*path={kind}", timeout, start)

    def stream(self, sender, receiver, qos, count=50, pause=0.0, meanwhile=None):
        """Numbered messages from a client of one node to a client of the other: all come, in order, with QoS 2 each once."""
        name = f"{sender.host.name}-{receiver.host.name}-{qos}"
        topic = f"home/{name}"
        subscriber = self.client(receiver, f"reader-{name}", clean=False, expiry=600)
        subscriber.subscribe(topic, qos)
        self.wants_are_known(sender, receiver, topic)
        publisher = self.client(sender, f"writer-{name}")
        for number in range(count):
            publisher.publish(topic, str(number), qos)
            if meanwhile and number == count // 2:
                meanwhile()
            if pause:
                time.sleep(pause)  # a load that lasts, not a wait for anything
        wanted, seen = [str(number) for number in range(count)], []
        while not seen or seen[-1] != wanted[-1]:
            seen += subscriber.take_payloads(1, LINKED)
        if qos == 1:
            seen = list(dict.fromkeys(seen))
        self.assertEqual(seen, wanted)

    def wants_are_known(self, sender, receiver, topic):
        """Asks again and again until a message comes through: from then on the sender knows who wants the topic."""
        probe = self.client(receiver)
        probe.subscribe(topic + "/probe", 1)
        publisher = self.client(sender)
        deadline = time.monotonic() + LINKED
        while time.monotonic() < deadline:
            publisher.publish(topic + "/probe", "there?", 1)
            try:
                probe.take(1.0)
                return
            except Timeout:
                pass
        self.fail(f"nothing goes from {sender.host.name} to {receiver.host.name}")

    def real_clients(self, a, b):
        """The same with mosquitto_pub and mosquitto_sub."""
        subscriber = self.mosquitto_sub(b, "real/x", 1)
        self.wants_are_known(a, b, "real")
        self.mosquitto_pub(a, "real/x", "over the mesh")
        subscriber.lines.wait_for("over the mesh", LINKED)


class TwoHomes(ReachCase):
    def linked(self, one, other, path, relay="offer"):
        hubs = self.hubs(relay)
        a, b = self.node(one.host()), self.node(other.host())
        self.path(a, b, ".*", LINKED)
        self.path(b, a, ".*", LINKED)
        for node in (a, b):
            self.path(node, a if node is b else b, path, BETTER)
        return a, b, hubs

    def test_port_restricted_routers_are_passed_by_dialling_at_one_moment(self):
        a, b, _ = self.linked(self.lab.home("one"), self.lab.home("two"), "met")
        for qos in (1, 2):
            self.stream(a, b, qos)
            self.stream(b, a, qos)
        self.real_clients(a, b)

    def test_without_any_relay_too(self):
        a, b, _ = self.linked(self.lab.home("one"), self.lab.home("two"), "met", relay="use")
        self.stream(a, b, 1)

    def test_symmetric_routers_are_passed_through_a_relay(self):
        a, b, _ = self.linked(self.lab.home("one", "symmetric"), self.lab.home("two", "symmetric"), "relayed")
        for qos in (1, 2):
            self.stream(a, b, qos)
            self.stream(b, a, qos)
        self.real_clients(a, b)

    def test_carrier_nat_in_front_of_home_nat(self):
        carrier = self.lab.carrier("carrier", "symmetric")
        a, b, _ = self.linked(self.lab.home("one", behind=carrier), self.lab.home("two"), "relayed")
        self.stream(a, b, 1)
        self.stream(b, a, 2)

    def test_a_home_and_a_public_node_are_linked_directly(self):
        self.hubs("use")
        public = self.node(self.lab.public("server"))
        home = self.node(self.lab.home("one").host())
        self.path(home, public, "dialled", LINKED)
        self.path(public, home, "dialled us|dialled back", LINKED)
        self.stream(public, home, 1)
        self.stream(home, public, 2)


class Changes(ReachCase):
    def test_an_address_that_changes_under_load_loses_nothing(self):
        self.hubs("offer", "offer")
        one, two = self.lab.home("one"), self.lab.home("two", "symmetric")
        a, b = self.node(one.host()), self.node(two.host())
        self.path(a, b, "relayed", LINKED)
        self.stream(a, b, 1, count=200, pause=0.02, meanwhile=one.router.change_address)
        self.stream(b, a, 2, count=200, pause=0.02, meanwhile=two.router.change_address)

    def test_another_relay_takes_over(self):
        hubs = self.hubs("offer", "offer")
        a = self.node(self.lab.home("one", "symmetric").host())
        b = self.node(self.lab.home("two", "symmetric").host())
        relay = self.path(a, b, r"relayed relay=\w+", LINKED).group(0)
        for hub in hubs:
            b.wait_linked([hub], LINKED)
            a.wait_linked([hub], LINKED)
        name = re.search(r"relay=(\w+)", relay)
        first = next(hub for hub in hubs if name and hub.short == name.group(1))
        self.stream(a, b, 1, count=200, pause=0.02, meanwhile=first.kill)
        self.stream(b, a, 2)

    def test_the_relay_learns_neither_topics_nor_payloads(self):
        hub, = self.hubs("offer")
        a = self.node(self.lab.home("one", "symmetric").host())
        b = self.node(self.lab.home("two", "symmetric").host())
        self.path(a, b, "relayed", LINKED)
        word = "sesameopenyourself"
        subscriber = self.client(b, "reader")
        subscriber.subscribe("house/secretlamp", 1)
        self.wants_are_known(a, b, "house")
        publisher = self.client(a, "writer")
        publisher.publish("house/secretlamp", word, 1)
        self.assertEqual(subscriber.take().payload.decode(), word)
        self.assertEqual(memory_mentions(b.process.pid, word.encode()), True, "the search would find it")
        self.assertEqual(memory_mentions(hub.process.pid, word.encode()), False)


def memory_mentions(pid, word):
    """Is it anywhere in what the process has written into its memory?"""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if not match:
                continue
            begin, end = (int(each, 16) for each in match.groups())
            try:
                memory.seek(begin)
                if word in memory.read(min(end - begin, 256 << 20)):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False


if __name__ == "__main__":
    run()
