"""Starting, ending, identity, addresses: what an operator sees."""
import os
import signal
import stat
import subprocess
import time

from harness import STARLINGD, WAIT, NodeTestCase, run


class StartAndEnd(NodeTestCase):
    def test_identity_is_made_once_printed_and_private(self):
        node = self.node("n")
        node.log.wait_for("identity=created")
        key = os.path.join(node.state_dir, "identity.key")
        self.assertEqual(stat.S_IMODE(os.stat(key).st_mode), 0o600)
        before = node.id
        node.kill()
        node.start()
        node.log.wait_for("identity=loaded")
        self.assertEqual(node.id, before)

    def test_without_a_mesh_no_mesh_port_is_open(self):
        node = self.node("n")
        self.assertEqual(node.log.count("for=mesh"), 0)
        udp = subprocess.run(["ss", "-Hulnp"], capture_output=True, text=True).stdout
        self.assertNotIn(f"pid={node.process.pid},", udp)

    def test_sigterm_and_sigint_end_at_once_and_tell_peers(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            a, b, c = self.mesh(3, name=f"m{how}")
            self.client(b)
            mark = len(a.log)
            status, took = b.stop(how)
            self.assertEqual(status, 0)
            self.assertLess(took, WAIT / 2)  # a busy machine; what would be wrong is to wait for somebody
            a.log.wait_for(rf"mesh peer lost .*peer={b.short}", start=mark)
            for node in (a, c):
                node.stop()

    def test_a_bootstrap_node_without_a_mesh_serves_the_dht(self):
        secret = self.secret()
        hub = self.node("hub", bootstrap=["127.0.0.1:9"])  # knows nobody, is known
        meshes = [("family", secret, ["#"])]
        a = self.node("a", meshes=meshes, bootstrap=[hub.mesh_address])
        b = self.node("b", meshes=meshes, bootstrap=[hub.mesh_address])
        a.wait_linked([b])
        subscriber = self.client(a)
        subscriber.subscribe("x", 1)
        self.client(b).publish("x", "through", 1)
        self.assertEqual(subscriber.take().payload, b"through")
        self.assertEqual(hub.log.count("mesh peer linked"), 0)

    def test_survivors_are_remembered_on_disk(self):
        meshes = [("family", self.secret(), ["#"])]
        a, b, c = self.mesh(3)
        for node in (a, b, c):
            node.stop()
        # The one that everybody knew is gone for good; the others find each other all the same.
        b.start()
        c.start()
        b.wait_linked([c])
        self.assertEqual(len(meshes), 1)


class Addresses(NodeTestCase):
    def test_ipv6_alone(self):
        meshes = [("family", self.secret(), ["#"])]
        a = self.node("a", meshes=meshes, mesh_listen="[::1]:0")
        b = self.node("b", meshes=meshes, mesh_listen="[::1]:0", bootstrap=[a.mesh_address])
        a.wait_linked([b])
        subscriber = self.client(a)
        subscriber.subscribe("x", 1)
        self.client(b).publish("x", "six", 1)
        self.assertEqual(subscriber.take().payload, b"six")

    def test_a_host_without_ipv6(self):
        """In a network namespace whose interfaces have no IPv6 at all."""
        name = f"starling{os.getpid()}"
        inside = ["ip", "netns", "exec", name]
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.addCleanup(subprocess.run, ["ip", "netns", "delete", name], check=True)
        subprocess.run([*inside, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.lo.disable_ipv6=1"],
                       check=True)
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        meshes = [("family", self.secret(), ["#"])]

        def start(label, **options):
            node = self.node(label, start=False, meshes=meshes, mesh_listen="[::]:0", **options)
            plain = node.command
            node.command = lambda: inside + plain()
            return node.start()

        a = start("a")
        b = start("b", bootstrap=[f"127.0.0.1:{a.mesh_port}"])
        a.wait_linked([b])
        sub = subprocess.Popen([*inside, "stdbuf", "-oL", "mosquitto_sub", "-p", str(a.port), "-t", "x", "-q", "1", "-C", "1", "-W", "30", "-d"],
                               stdout=subprocess.PIPE, text=True)
        self.addCleanup(sub.kill)
        lines = iter(sub.stdout.readline, "")
        next(line for line in lines if "Subscribed" in line)
        subprocess.run([*inside, "mosquitto_pub", "-p", str(b.port), "-t", "x", "-q", "1", "-m", "four"], check=True)
        self.assertIn("four", [line.strip() for line in lines])
        self.assertEqual(sub.wait(), 0)

    def test_serving_begins_while_the_bootstrap_is_silent(self):
        def seconds_to_serve(name, bootstrap):
            began = time.monotonic()
            self.client(self.node(name, meshes=[("family", self.secret(), ["#"])], bootstrap=bootstrap))
            return time.monotonic() - began

        alone = seconds_to_serve("alone", [])  # how fast this machine is just now
        self.assertLess(seconds_to_serve("n", ["192.0.2.1:21883", "silent.invalid"]), 5 + 5 * alone)


class Flags(NodeTestCase):
    def test_help_version_and_test_config(self):
        for flag, word in (("-h", "--bootstrap"), ("--version", "starlingd 0.")):
            done = subprocess.run([STARLINGD, flag], capture_output=True, text=True, timeout=WAIT)
            self.assertEqual(done.returncode, 0)
            self.assertIn(word, done.stdout)
        done = subprocess.run([STARLINGD, "--test-config"], capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    run()
