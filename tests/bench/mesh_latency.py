#!/usr/bin/env python3
"""Measures the mesh on loopback and prints a table. A program, not a test: run it on a quiet machine.

  STARLINGD=build/release/bin/starlingd tests/bench/mesh_latency.py [nodes] [rounds]

cold     from SUBSCRIBE at one node to the first delivery of what another publishes all the time, on a topic
         prefix nobody has used before, between nodes chosen at random
warm     from publish at one node to delivery at another, linked and warm, one message at a time
local    the same within one node, for comparison
"""
import os
import random
import secrets
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
os.environ.setdefault("STARLINGD", "build/release/bin/starlingd")

from harness import Client, Node  # noqa: E402


def start(count, name, secret, shares, folder):
    nodes = []
    for i in range(count):
        bootstrap = [nodes[0].mesh_address] if nodes else []
        nodes.append(Node(os.path.join(folder, f"{name.replace('/', '-')}{i}"), meshes=[(name, secret, shares)],
                          bootstrap=bootstrap, verbose=False).start())
    for node in nodes:
        node.log.wait_for("mesh peer linked")
    return nodes


def row(label, seconds):
    seconds = sorted(seconds)
    at = lambda q: seconds[min(len(seconds) - 1, int(q * len(seconds)))] * 1000
    print(f"{label:34} n={len(seconds):4}  p50 {at(0.5):8.2f} ms  p90 {at(0.9):8.2f} ms  p99 {at(0.99):8.2f} ms"
          f"  max {seconds[-1] * 1000:8.2f} ms")


def cold(nodes, rounds, root, qos=0):
    rng, taken = random.Random(7), []
    for n in range(rounds):
        receiver, sender = rng.sample(nodes, 2)
        topic = f"{root}/{secrets.token_hex(4)}/x"
        subscriber, publisher, stop = Client(receiver), Client(sender), threading.Event()

        def keep_publishing():
            while not stop.wait(0.01):
                publisher.publish(topic, "now", qos, wait=False)

        thread = threading.Thread(target=keep_publishing)
        thread.start()
        began = time.monotonic()
        subscriber.subscribe(topic, qos)
        subscriber.take(20)
        taken.append(time.monotonic() - began)
        stop.set()
        thread.join()
        publisher.close()
        subscriber.close()
    return taken


def warm(receiver, sender, count, topic, qos):
    subscriber, publisher, taken = Client(receiver), Client(sender), []
    subscriber.subscribe(topic, qos)
    publisher.publish(topic, "first", 1)
    subscriber.take()
    for _ in range(count):
        began = time.monotonic()
        publisher.publish(topic, "x", qos, wait=False)
        subscriber.take()
        taken.append(time.monotonic() - began)
    subscriber.close()
    publisher.close()
    return taken


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    with tempfile.TemporaryDirectory(prefix="starling-") as folder:
        secret = os.path.join(folder, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        for name, mesh_secret, shares, root in (("family", secret, ["#"], "home"),
                                                ("public/latency", None, ["both:chat/#"], "chat")):
            nodes = start(count, name, mesh_secret, shares, folder)
            try:
                row(f"{name}, {count} nodes, cold", cold(nodes, rounds, root))
                for qos in (0, 1, 2):
                    row(f"{name}, warm, QoS {qos}", warm(nodes[1], nodes[2], 300, f"{root}/warm", qos))
                row(f"{name}, local, QoS 0", warm(nodes[1], nodes[1], 300, f"{root}/local", 0))
            finally:
                for node in nodes:
                    node.close()


if __name__ == "__main__":
    main()
