"""The node always starts: whatever has become of the store's file, it serves what can still be read of it, or says in one
sentence what stands in the way and how to mend it."""
import glob
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import unittest

from harness import STARLINGD, WAIT, Client, Node, NodeTestCase, Timeout, run

RETAINED = {f"state/{i}": f"value {i} " + "r" * 80 for i in range(400)}
SESSIONS = [f"session-{i}" for i in range(12)]
QUEUED = [f"message {i}" for i in range(40)]
NOBODY = 65534


def make_store(folder):
    """A store with a bit of everything, written by a real node that ended in order."""
    node = Node(folder, verbose=False).start()
    try:
        for name in SESSIONS:
            client = Client(node, name, version=4, clean=False)
            client.subscribe("queue/#", 1)
            client.close()
        publisher = Client(node, "publisher", version=4)
        for topic, payload in RETAINED.items():
            publisher.publish(topic, payload, 1, retain=True, wait=False)
        for payload in QUEUED[:-1]:
            publisher.publish("queue/x", payload, 1, wait=False)
        publisher.publish("queue/x", QUEUED[-1], 1)
        publisher.close()
        assert node.stop()[0] == 0, node.log.text()
    finally:
        node.close()
    with open(os.path.join(folder, "store.sqlite"), "rb") as file:
        return file.read()


class StoreStart(NodeTestCase):
    @classmethod
    def setUpClass(cls):
        folder = os.path.join("/tmp", f"starling-full-{os.getpid()}")
        try:
            cls.whole = make_store(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def state(self, name="state", content=None):
        """A state directory in which this is the store."""
        folder = os.path.join(self.folder, name)
        os.makedirs(folder, mode=0o700)
        if content is not None:
            with open(os.path.join(folder, "store.sqlite"), "wb") as file:
                file.write(content)
        return folder

    def start(self, folder, *args):
        return self.keep(Node(folder, verbose=False, args=args)).start()

    def refuse(self, folder, *args, before=()):
        """Starts a node that must end by itself; (status, what it said)."""
        ended = subprocess.run([*before, STARLINGD, "--state-dir", folder, "-p", "0", *args], capture_output=True,
                               text=True, timeout=WAIT)
        self.assertEqual(len(ended.stderr.strip().splitlines()[-1:]), 1)
        return ended.returncode, ended.stderr

    def set_aside(self, folder, why="damaged"):
        return sorted(glob.glob(os.path.join(folder, f"store-{why}-*.sqlite")))

    def retained(self, node, count):
        """The retained messages of the store, when there are so many."""
        client = self.client(node, "reader", version=4)
        client.subscribe("state/#", 0)
        found = {}
        while len(found) < count:
            message = client.take()
            found[message.topic] = message.payload.decode(errors="replace")
        # A marker behind them: nothing more was waiting.
        client.publish("state/end", "end", 0)
        self.assertEqual(client.take().topic, "state/end")
        client.close()
        return found

    def serves(self, node):
        """Somebody new gets what is published, also over a restart."""
        name = f"new-{len(node.log)}"
        away = self.client(node, name, version=4, clean=False)
        away.subscribe("new/#", 1)
        away.close()
        publisher = self.client(node, "serves", version=4)
        publisher.publish("new/x", "works", 1)
        publisher.close()
        self.assertEqual(node.stop()[0], 0)
        again = self.start(node.state_dir)
        self.assertEqual(again.log.count("store damaged"), 0, again.log.text())
        back = self.client(again, name, version=4, clean=False)
        self.assertEqual(back.take().payload, b"works")
        back.close()
        again.stop()

    def salvaged(self, node):
        """What the node says that it could salvage; None: nothing was damaged."""
        line = re.search(r"store damaged .*", node.log.text())
        if not line:
            return None
        return {key: int(re.search(rf"\b{key}=(\d+)", line.group(0)).group(1))
                for key in ("sessions", "subscriptions", "retained", "queued")}

    def test_everything_is_there_after_a_restart(self):
        node = self.start(self.state(content=self.whole))
        self.assertEqual(self.retained(node, len(RETAINED)), RETAINED)
        client = self.client(node, SESSIONS[3], version=4, clean=False)
        self.assertEqual(client.flags["session present"], 1)
        self.assertEqual(client.take_payloads(len(QUEUED)), QUEUED)

    def test_bytes_may_be_wrong_anywhere(self):
        seeds = [int(word) for word in os.environ.get("STORE_SEEDS", "1 2 3 4 5").split()]
        for seed in seeds:
            with self.subTest(seed=seed):
                dice = random.Random(seed)
                content = bytearray(self.whole)
                for _ in range(dice.choice((1, 10, 100))):
                    # Not the version: a store that says it is of a later one is left alone.
                    content[dice.choice((0, dice.randrange(100, len(content)), dice.randrange(100, len(content))))] ^= \
                        1 << dice.randrange(8)
                folder = self.state(f"flipped-{seed}", bytes(content))
                node = self.start(folder)
                salvaged = self.salvaged(node)
                if salvaged:
                    self.assertEqual(len(self.set_aside(folder)), 1)
                    with open(self.set_aside(folder)[0], "rb") as file:
                        self.assertEqual(file.read(), bytes(content))
                    self.assertEqual(len(self.retained(node, salvaged["retained"])), salvaged["retained"])
                self.serves(node)

    def test_a_page_of_nonsense_costs_only_what_it_held(self):
        page = len(self.whole) // 4096 // 2
        content = self.whole[:page * 4096] + b"\xa5" * 4096 + self.whole[(page + 1) * 4096:]
        folder = self.state(content=content)
        node = self.start(folder)
        salvaged = self.salvaged(node)
        self.assertIsNotNone(salvaged, node.log.text())
        self.assertGreater(salvaged["retained"], len(RETAINED) * 3 // 4)
        self.assertGreater(salvaged["sessions"], 0)
        for topic, payload in self.retained(node, salvaged["retained"]).items():
            self.assertEqual(payload, RETAINED[topic])
        self.assertRegex(node.log.text(), rf"store damaged set_aside={re.escape(self.set_aside(folder)[0])} why=")
        self.serves(node)

    def test_the_first_page_may_be_lost(self):
        node = self.start(self.state(content=b"\0" * 4096 + self.whole[4096:]))
        self.assertEqual(self.salvaged(node), {"sessions": len(SESSIONS), "subscriptions": len(SESSIONS),
                                               "retained": len(RETAINED), "queued": len(SESSIONS) * len(QUEUED)})
        self.assertEqual(self.retained(node, len(RETAINED)), RETAINED)
        client = self.client(node, SESSIONS[0], version=4, clean=False)
        self.assertEqual(client.take_payloads(len(QUEUED)), QUEUED)

    def test_the_file_may_be_cut_off_anywhere(self):
        dice = random.Random(11)
        for size in (1, 99, 100, 4095, 4096, *(dice.randrange(4096, len(self.whole)) for _ in range(3))):
            with self.subTest(size=size):
                folder = self.state(f"cut-{size}", self.whole[:size])
                node = self.start(folder)
                salvaged = self.salvaged(node)
                self.assertIsNotNone(salvaged, node.log.text())
                for topic, payload in self.retained(node, salvaged["retained"]).items():
                    self.assertEqual(payload, RETAINED[topic])
                node.stop()

    def test_what_is_no_store_is_set_aside(self):
        other = os.path.join(self.folder, "other.sqlite")
        with sqlite3.connect(other) as database:
            database.execute("CREATE TABLE notes(text)")
            database.execute("INSERT INTO notes VALUES('mine')")
        database.close()
        with open(other, "rb") as file:
            foreign = file.read()
        noise = random.Random(5).randbytes(50_000)
        for name, content in (("garbage", noise), ("text", b"not a database\n"), ("foreign", foreign)):
            with self.subTest(name):
                folder = self.state(name, content)
                node = self.start(folder)
                self.assertEqual(self.salvaged(node), {"sessions": 0, "subscriptions": 0, "retained": 0, "queued": 0})
                (aside,) = self.set_aside(folder)
                with open(aside, "rb") as file:
                    self.assertEqual(file.read(), content)
                self.assertRegex(os.path.basename(aside), r"^store-damaged-\d{4}-\d\d-\d\dT\d{6}Z\.sqlite$")
                self.serves(node)

    def test_an_empty_file_is_a_new_store(self):
        folder = self.state(content=b"")
        node = self.start(folder)
        self.assertEqual(node.log.count("damaged"), 0)
        self.assertEqual(self.set_aside(folder), [])
        self.serves(node)

    def newer(self):
        folder = self.state(content=self.whole)
        database = sqlite3.connect(os.path.join(folder, "store.sqlite"))
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
        database.commit()
        database.close()
        return folder, version

    def files(self, folder):
        found = {}
        for path in glob.glob(os.path.join(folder, "store*")):
            with open(path, "rb") as file:
                found[os.path.basename(path)] = (file.read(), os.stat(path).st_mtime_ns)
        return found

    def test_a_store_of_a_later_version_is_refused_and_not_touched(self):
        folder, version = self.newer()
        before = self.files(folder)
        status, said = self.refuse(folder)
        self.assertEqual(status, 3, said)
        path = os.path.join(folder, "store.sqlite")
        self.assertRegex(said, rf"{re.escape(path)} was written by a later version .*version {version + 1} .*version {version}\b"
                               r".*--set-aside-store")
        self.assertEqual(self.files(folder), before)

        node = self.start(folder, "--set-aside-store")
        (aside,) = self.set_aside(folder, "set-aside")
        with open(aside, "rb") as file:
            self.assertEqual(file.read(), before["store.sqlite"][0])
        self.assertEqual(node.log.count("store set aside file="), 1)
        self.serves(node)

    def test_two_daemons_cannot_have_one_store(self):
        first = self.node("state")
        status, said = self.refuse(first.state_dir)
        self.assertEqual(status, 1)
        self.assertRegex(said, rf"{re.escape(first.state_dir)} is in use by another starlingd \(pid {first.process.pid}\)"
                               r".*--state-dir")
        self.serves(first)

    def test_what_stands_in_the_way_is_named(self):
        folder = self.state()
        os.mkdir(os.path.join(folder, "store.sqlite"))
        status, said = self.refuse(folder)
        self.assertEqual(status, 1)
        self.assertRegex(said, r"store\.sqlite: Is a directory; .*--state-dir")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, to be somebody without rights")
    def test_rights_that_are_missing_are_named(self):
        before = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        if subprocess.run([*before, STARLINGD, "--version"], capture_output=True).returncode != 0:
            self.skipTest("nobody may not run starlingd where it lies")
        os.chmod(self.folder, 0o755)
        read_only = self.state("read-only", self.whole)
        os.chmod(read_only, 0o555)
        status, said = self.refuse(read_only, before=before)
        self.assertEqual(status, 1)
        self.assertRegex(said, rf"cannot write in the state directory {re.escape(read_only)}: Permission denied; .*--state-dir")

        of_root = self.state("of-root", self.whole)
        os.chown(of_root, NOBODY, NOBODY)
        os.chmod(os.path.join(of_root, "store.sqlite"), 0o600)
        status, said = self.refuse(of_root, before=before)
        self.assertEqual(status, 1)
        self.assertRegex(said, r"the store .*store\.sqlite: Permission denied; it must be a file .*--state-dir")
        with open(os.path.join(of_root, "store.sqlite"), "rb") as file:
            self.assertEqual(file.read(), self.whole)

    def test_memory_only_is_by_choice(self):
        folder = self.state()
        node = self.start(folder, "--set", "store.durability=none")
        node.process.send_signal(signal.SIGUSR1)
        node.log.wait_for(r"nothing to write .*in memory")
        node.stop()
        self.assertEqual(glob.glob(os.path.join(folder, "store*")), [])

    def test_relaxed_is_on_disk_after_an_end_in_order(self):
        node = self.start(self.state(), "--set", "store.durability=relaxed")
        node.process.send_signal(signal.SIGUSR1)
        node.log.wait_for(r"nothing to write .*on disk")
        self.serves(node)

    def test_a_rescue_that_was_cut_off_is_ended(self):
        folder = self.state()
        with open(os.path.join(folder, "store.sqlite.whole"), "wb") as file:
            file.write(self.whole)
        node = self.start(folder)
        self.assertEqual(self.retained(node, len(RETAINED)), RETAINED)


if __name__ == "__main__":
    run()
