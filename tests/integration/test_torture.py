#!/usr/bin/env python3
"""Sixty deaths of one node under load: what was acknowledged is there (torture/README.md). And the torture itself is put to
the test: it must be content with a node that nobody kills, and must not be with one whose acknowledgements are not on disk.
"""
import asyncio
import os
import random
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "torture"))
from model import Broken  # noqa: E402
from reasons import run as tell_reasons  # noqa: E402
from torture import World, run  # noqa: E402

ROUNDS = int(os.environ.get("TORTURE_ROUNDS", "60"))
SEED = int(os.environ.get("TORTURE_SEED", random.SystemRandom().randrange(1_000_000)))
# What the model says of a node that has gone back behind what it acknowledged: messages, sessions, packet ids and
# subscriptions of before. Not that it died, or sent what nobody had.
FORGOTTEN = "|".join(["session is gone", "misses", "retained .* is number", "which is not open", "refused with 0x92",
                      "came twice with QoS 2", "is open with", "came for the first time after",
                      "no subscription asked for it", "a clean start found a session"])


class TortureTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="starling-torture-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def play(self, rounds, args=(), **options):
        async def all_rounds():
            world = World(SEED, os.path.join(self.folder, "state"), args, **options)
            try:
                await run(world, rounds)
            finally:
                await world.kill()
            return world
        return asyncio.run(all_rounds())

    def test_what_was_acknowledged_survives_every_kill(self):
        world = self.play(ROUNDS)
        print(f"seed {SEED}: {world.summary()}")
        self.assertEqual(world.rounds, ROUNDS)
        self.assertGreater(world.faults, 0, "no round ended inside a commit")
        self.assertGreater(world.model.acknowledged, 10 * ROUNDS)

    def test_the_model_is_content_with_a_node_that_nobody_kills(self):
        world = self.play(20, ["--set", "store.durability=none"], gentle=True)
        self.assertEqual(world.rounds, 20)

    def test_a_node_that_keeps_nothing_is_found_out(self):
        with self.assertRaisesRegex(Broken, FORGOTTEN):
            self.play(10, ["--set", "store.durability=none"])

    def test_a_node_that_acknowledges_before_it_commits_is_found_out(self):
        with self.assertRaisesRegex(Broken, FORGOTTEN):
            self.play(30, ["--set", "store.durability=relaxed"])


if __name__ == "__main__":
    tell_reasons(verbosity=2)
