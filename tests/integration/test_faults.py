"""Nodes die, return, move; links break; nobody else notices more than he must."""
import random
import socket
import subprocess
import time

from harness import WAIT, NodeTestCase, run


class Killed(NodeTestCase):
    def check_crossing(self, sender, receiver, tag):
        subscriber, publisher = self.client(receiver), self.client(sender)
        subscriber.subscribe("check/#", 1)
        publisher.publish("check/x", tag, 1)
        self.assertEqual(subscriber.take().payload.decode(), tag)
        subscriber.close()
        publisher.close()

    def test_any_node_the_bootstrap_included(self):
        meshes = [("family", self.secret(), ["#"])]
        nodes = self.mesh(3)
        for number, victim in enumerate(nodes):
            survivors = [node for node in nodes if node is not victim]
            victim.kill()
            self.check_crossing(survivors[0], survivors[1], "without it")
            # A newcomer joins through a survivor.
            newcomer = self.node(f"new{number}", meshes=meshes, bootstrap=[survivors[1].mesh_address])
            newcomer.wait_linked(survivors)
            self.check_crossing(newcomer, survivors[0], "newcomer")
            self.check_crossing(survivors[0], newcomer, "to newcomer")
            newcomer.stop()
            # The killed one returns under its identity; nobody else is restarted.
            marks = {node: len(node.log) for node in survivors}
            before = victim.id
            victim.start()
            self.assertEqual(victim.id, before)
            victim.wait_linked(survivors)
            for node in survivors:
                node.wait_linked([victim], start=marks[node])
            self.check_crossing(victim, survivors[0], "returned")
            self.check_crossing(survivors[1], victim, "to the returned")

    def test_a_durable_subscriber_away_gets_what_was_published(self):
        a, b = self.mesh(2)
        subscriber = self.client(a, "durable", expiry=3600)
        subscriber.subscribe("log/#", 1)
        publisher = self.client(b)
        publisher.publish("log/x", "1", 1)
        self.assertEqual(subscriber.take().payload, b"1")
        subscriber.close()
        publisher.publish("log/x", "2", 1)
        back = self.client(a, "durable", clean=False, expiry=3600)
        self.assertEqual(back.take().payload, b"2")

    def test_all_peers_dead_and_bootstrap_unreachable(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = f"127.0.0.1:{unused.getsockname()[1]}"
        node = self.node("alone", meshes=[("family", self.secret(), ["#"])],
                         bootstrap=[nobody, "no-such-host.invalid:21883"])
        subscriber, publisher = self.client(node), self.client(node)
        subscriber.subscribe("local/#", 2)
        for n in range(100):
            publisher.publish(f"local/{n % 3}", str(n), n % 3)
        self.assertEqual(sorted(subscriber.take_payloads(100), key=int), [str(n) for n in range(100)])


class CutLinks(NodeTestCase):
    def test_five_nodes_exactly_once_while_links_are_cut(self):
        nodes = self.mesh(5)
        subscribers = [self.client(node) for node in nodes]
        for subscriber in subscribers:
            subscriber.subscribe("cut/#", 2)
        publishers = [self.client(node) for node in nodes]
        rng, cut, rounds = random.Random(1), 0, 150
        for n in range(rounds):
            for number, publisher in enumerate(publishers):
                publisher.publish(f"cut/{number}", f"{number}:{n}", 2, wait=n % 10 == 9)
            if n % 5 == 2:
                self.cut_a_link(nodes, rng)
                cut += 1
        for number, publisher in enumerate(publishers):
            publisher.publish(f"cut/{number}", f"{number}:end", 2)
        expected = {number: [f"{number}:{n}" for n in range(rounds)] + [f"{number}:end"] for number in range(5)}
        for node, subscriber in zip(nodes, subscribers):
            got = {number: [] for number in range(5)}
            while any(not got[n] or not got[n][-1].endswith("end") for n in got):
                payload = subscriber.take().payload.decode()
                got[int(payload.split(":")[0])].append(payload)
            self.assertEqual(got, expected, f"at {node.short}: each once, in order")
        self.assertEqual(cut, rounds // 5)

    def cut_a_link(self, nodes, rng):
        """Destroys one established connection between two nodes, from outside. Links that were cut need a while to come back."""
        ports = {node.mesh_port for node in nodes}
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline:
            found = subprocess.run(["ss", "-Htn", "state", "established"], capture_output=True, text=True).stdout
            pairs = [line.split()[2:4] for line in found.splitlines()]
            pairs = sorted((a, b) for a, b in pairs if int(b.rsplit(":", 1)[1]) in ports)
            if pairs:
                source, target = rng.choice(pairs)
                killed = subprocess.run(["ss", "-Htn", "-K", "src", source, "dst", target], capture_output=True, text=True)
                if killed.stdout.strip():
                    return
        self.fail("there is no link to cut, or the kernel cuts none (ss -K)")


if __name__ == "__main__":
    run()
