"""starling status and starling doctor beside real daemons: what they tell, how they end, and the sentence for each trouble."""
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import unittest
import unittest.mock

import control
import harness
from harness import WAIT, NodeTestCase, run
from nat_lab import MESH_PORT, LabTestCase
from ports import free_port
from test_disk import SmallDisk

PROBLEM, USAGE, WARNINGS, NOT_RUNNING, NO_ANSWER, NOT_PERMITTED = 1, 2, 4, 69, 75, 77


class Status(NodeTestCase):
    def test_two_linked_nodes_see_each_other(self):
        a, b = self.mesh(2)
        subscriber, publisher = self.client(a), self.client(b)
        subscriber.subscribe("home/#", 1)
        publisher.publish("home/door", "open", 1)
        subscriber.take()
        here, there = control.status(a), control.status(b)
        self.assertEqual(here["node"]["id"], a.id)
        self.assertEqual(here["node"]["process"], a.process.pid)
        self.assertEqual(here["clients"]["connected"], 1)
        self.assertEqual((here["traffic"]["messages_out"], there["traffic"]["messages_in"]), (1, 1))
        self.assertEqual(here["listeners"][0], {"at": f"127.0.0.1:{a.port}", "protocol": "mqtt"})
        self.assertEqual(here["mesh"]["names"], ["family"])
        for one, other in ((here, b), (there, a)):
            peer, = one["mesh"]["peers"]
            self.assertEqual((peer["id"], peer["state"], one["mesh"]["links"]), (other.id, "linked", 1))
        code, page, _ = control.starling("status", "--state-dir", a.state_dir)
        self.assertEqual(code, 0)
        self.assertTrue(page.startswith("# Health:"), page)
        self.assertRegex(page, rf"(?m)^{b.short}  linked ")
        code, line, _ = control.starling("status", "--short", "--state-dir", a.state_dir)
        self.assertEqual((code, line.count("\n")), (0, 1))
        self.assertIn(f"{a.short}  up ", line)

    def test_a_node_alone_is_healthy(self):
        node = self.node("alone")
        status = control.status(node)
        self.assertEqual(status["health"], [])
        self.assertNotIn("mesh", status)
        self.assertIn("all is well", control.starling("status", "--state-dir", node.state_dir)[1])

    def test_watching_goes_on_while_the_daemon_comes_and_goes(self):
        node = self.node("alone")
        watching = subprocess.Popen([control.STARLING, "status", "--watch", "--short", "--state-dir", node.state_dir],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(watching.wait)
        self.addCleanup(watching.kill)
        lines = harness.Lines(watching.stdout)
        lines.wait_for(rf"{node.short}  up ")
        node.stop()
        lines.wait_for(r"the daemon is not running")
        seen = len(lines)
        node.start()
        lines.wait_for(rf"{node.short}  up ", start=seen)

    def test_the_socket_is_its_owners_and_goes_with_the_daemon(self):
        node = self.node("alone")
        path = os.path.join(node.state_dir, "control.sock")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(control.starling("status", "--socket", path)[0], 0)
        node.kill()
        code, _, error = control.starling("status", "--state-dir", node.state_dir)
        self.assertEqual(code, NOT_RUNNING)
        self.assertIn(f"the daemon is not running ({path}: nobody listens there any more)", error)
        node.start()  # takes the place of the dead one's socket
        self.assertEqual(control.starling("status", "--state-dir", node.state_dir)[0], 0)
        self.assertEqual(node.stop()[0], 0)
        self.assertFalse(os.path.exists(path))
        code, _, error = control.starling("status", "--state-dir", node.state_dir)
        self.assertEqual(code, NOT_RUNNING)
        self.assertIn(f"the daemon is not running ({path}: no such file). Start it: starlingd --state-dir", error)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_somebody_else_may_not_ask(self):
        node = self.node("alone")
        program = shutil.copy(control.STARLING, self.folder)  # where anybody may run it
        os.chmod(self.folder, 0o755)
        code, output, error = control.starling("status", "--state-dir", node.state_dir, program=program, user="nobody", env={})
        self.assertEqual((code, output), (NOT_PERMITTED, ""))
        self.assertIn(f"{node.state_dir}/control.sock is for the daemon's user and root alone. Run this with sudo", error)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give up its rights")
    def test_the_socket_belongs_to_the_user_the_daemon_becomes(self):
        os.chmod(self.folder, 0o755)
        node = self.node("alone", args=["--set", "node.user=nobody"])
        socket_file = os.stat(os.path.join(node.state_dir, "control.sock"))
        self.assertEqual(socket_file.st_uid, os.stat(node.state_dir).st_uid)
        self.assertNotEqual(socket_file.st_uid, 0)
        self.assertEqual(control.status(node)["node"]["process"], node.process.pid)

    def test_a_node_whose_socket_cannot_be_made_serves_all_the_same(self):
        folder = os.path.join(self.folder, "x" * 120)
        node = self.node(folder)
        node.log.wait_for(r"control socket missing why=.*1 to 107 bytes")
        self.client(node).close()
        code, output, _ = control.starling("doctor", "--json", "--state-dir", node.state_dir)
        self.assertIn(f"process {node.process.pid} has the state directory", control.by_check(output)["daemon"]["evidence"])

    def test_nonsense_at_the_socket_is_answered(self):
        node = self.node("alone")
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(WAIT)
            raw.connect(os.path.join(node.state_dir, "control.sock"))
            raw.sendall(b'hello\n{"request":"status"}\n')
            lines = raw.makefile("rb")
            self.assertIn("error", json.loads(lines.readline()))
            self.assertIn("status", json.loads(lines.readline()))
            raw.sendall(b"x" * 5000)
            self.assertIn("error", json.loads(lines.readline()))
            self.assertEqual(lines.readline(), b"")

    def test_a_daemon_that_does_not_answer_is_not_waited_for_without_end(self):
        path = os.path.join(self.folder, "control.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            asking = subprocess.Popen([control.STARLING, "status", "--socket", path], stderr=subprocess.PIPE, text=True)
            accepted, _ = listener.accept()
            accepted.recv(100)
            accepted.close()
            error = asking.communicate(timeout=WAIT)[1]
            self.assertEqual(asking.returncode, NO_ANSWER)
            self.assertIn("it hung up", error)


class Doctor(NodeTestCase):
    def test_a_healthy_pair(self):
        a, b = self.mesh(2)
        for node in (a, b):
            code, findings = control.doctor(node)
            bad = {check for check, finding in findings.items() if finding["result"] in ("warning", "problem")}
            # The machine that runs this may have a clock that nobody keeps, few descriptors, or its temporary files in memory.
            self.assertLessEqual(bad, {"clock", "limits", "storage"}, findings)
            self.assertEqual(code, 0 if not bad else WARNINGS, findings)
            self.assertEqual(findings["mesh"]["result"], "ok")
            self.assertIn("1 of 1 other member linked", findings["mesh"]["evidence"])
            self.assertEqual(findings["dht"]["result"], "ok")
            self.assertIn("after", findings["storage"]["evidence"])
            for check in ("daemon", "version", "listeners", "identity"):
                self.assertEqual(findings[check]["result"], "ok", findings[check])
        _, text, _ = control.starling("doctor", "--state-dir", a.state_dir)
        self.assertIn(f"✓ daemon        node {a.short}", text)
        self.assertNotIn("\x1b", text)

    def test_only_what_was_asked_for(self):
        node = self.node("alone")
        code, findings = control.doctor(node, "identity", "listeners")
        self.assertEqual((code, set(findings)), (0, {"identity", "listeners"}))
        code, _, error = control.starling("doctor", "--state-dir", node.state_dir, "storag")
        self.assertEqual(code, USAGE)
        self.assertIn('there is no check "storag" - did you mean "storage"?', error)

    def test_a_key_that_others_can_read(self):
        node = self.node("alone")
        key = os.path.join(node.state_dir, "identity.key")
        os.chmod(key, 0o644)
        code, findings = control.doctor(node)
        self.assertEqual(code, PROBLEM)
        self.assertEqual(findings["identity"]["evidence"], f"{key} is open to others (mode 0644)")
        self.assertEqual(findings["identity"]["fix"], f"chmod 600 {key}")
        os.remove(key)
        self.assertEqual(control.doctor(node)[1]["identity"]["evidence"], f"{key} is gone")

    def test_a_disk_that_is_nearly_full(self):
        disk = self.keep(SmallDisk(os.path.join(self.folder, "disk"), 24))
        node = self.node(os.path.join(disk.folder, "state"))
        code, findings = control.doctor(node, "storage")
        self.assertEqual((code, findings["storage"]["result"]), (PROBLEM, "problem"))
        self.assertRegex(findings["storage"]["evidence"], r"/state: \d+ MiB free")
        self.assertEqual(findings["storage"]["fix"], "make room on the disk")

    def test_a_program_that_was_replaced(self):
        program = shutil.copy(harness.STARLINGD, self.folder)
        with unittest.mock.patch.object(harness, "STARLINGD", program):
            node = self.node("old")
        os.unlink(program)
        code, findings = control.doctor(node, "version")
        self.assertEqual((code, findings["version"]["fix"]), (WARNINGS, "restart the daemon"))

    def test_nobody_answers_in_the_dht(self):
        meshes = [("family", self.secret(), ["#"])]
        nobody = f"127.0.0.1:{free_port()}"
        node = self.node("lost", meshes=meshes, bootstrap=[nobody])
        dht = control.doctor(node, "dht")[1]["dht"]
        self.assertEqual(dht["result"], "skipped", dht)  # it has just begun to join
        self.assertRegex(dht["evidence"], r"joining since \d+s")

    def test_the_daemon_is_down(self):
        node = self.node("down", start=False)
        code, findings = control.doctor(node)
        self.assertEqual(code, NOT_RUNNING)
        self.assertEqual(findings["daemon"]["result"], "problem")
        self.assertIn("the daemon is not running", findings["daemon"]["evidence"])
        for check in ("mesh", "dht", "port-open", "nat-mapping", "ipv6", "limits"):
            self.assertEqual(findings[check]["result"], "skipped")
        node.start()
        os.chmod(os.path.join(node.state_dir, "identity.key"), 0o640)
        node.stop(signal.SIGTERM)
        code, findings = control.doctor(node)
        self.assertEqual((code, findings["identity"]["result"]), (NOT_RUNNING, "problem"))
        self.assertIn("free", findings["storage"]["evidence"])

    def test_somebody_else_has_the_port(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            config = os.path.join(self.folder, "starling.toml")
            state_dir = os.path.join(self.folder, "state")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f'[[listener]]\nbind = "127.0.0.1"\nport = {port}\n[store]\npath = "{state_dir}"\n')
            code, output, _ = control.starling("doctor", "--json", "-c", config)
            findings = control.by_check(output)
            self.assertEqual(code, NOT_RUNNING)
            self.assertIn(os.path.join(state_dir, "control.sock"), findings["daemon"]["evidence"])
            self.assertEqual(findings["config"]["result"], "ok")
            listeners = findings["listeners"]
            self.assertEqual(listeners["result"], "problem")
            self.assertRegex(listeners["evidence"], rf"cannot listen on 127\.0\.0\.1:{port}: address already in use by .* \(pid {os.getpid()}\)")

    def test_somebody_else_has_the_port_of_the_mesh(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", 0))
            port = other.getsockname()[1]
            config = os.path.join(self.folder, "starling.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f'[store]\npath = "{self.folder}/state"\n[[listener]]\nport = 0\n'
                           f'[dht]\nlisten = "127.0.0.1:{port}"\nbootstrap = ["127.0.0.1"]\n')
            code, output, _ = control.starling("doctor", "--json", "-c", config, "listeners")
            self.assertEqual(code, NOT_RUNNING)
            self.assertRegex(control.by_check(output)["listeners"]["evidence"],
                             rf"cannot listen on UDP 127\.0\.0\.1:{port}: address already in use by .*{os.getpid()}")

    def test_a_listener_for_everybody_without_a_password(self):
        node = self.node("open", args=["--set", "listener.0.bind=0.0.0.0", "--set", "auth.allow_anonymous=true"])
        code, findings = control.doctor(node, "auth", "listeners")
        self.assertEqual((code, findings["auth"]["result"]), (WARNINGS, "warning"))
        self.assertEqual(findings["auth"]["evidence"],
                         f"0.0.0.0:{node.port}: whoever gets there comes in without a password")

    def test_a_configuration_with_a_mistake(self):
        config = os.path.join(self.folder, "starling.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[store]\npath = "{self.folder}/state"\n[node]\nnaem = "attic"\n')
        code, output, _ = control.starling("doctor", "--json", "-c", config, "config")
        self.assertEqual(code, NOT_RUNNING)
        finding = control.by_check(output)["config"]
        self.assertEqual(finding["result"], "problem")
        self.assertIn(f"{config}:4:1: unknown key", finding["evidence"])


class BehindRouters(LabTestCase):
    def home_node(self, home):
        meshes = [("family", self.secret(), ["#"])]
        hub = self.lab_node(self.lab.public("hub"), meshes=meshes)
        node = self.lab_node(home.host(), meshes=meshes, bootstrap=[hub.mesh_address])
        node.wait_linked([hub])
        return node

    def test_what_the_router_forwards_is_told(self):
        home = self.lab.home("home")
        home.router.serve_mappings()
        node = self.home_node(home)
        node.log.wait_for(r"port mapped ")
        outside = f"{home.router.address}:{MESH_PORT}"
        self.assertEqual(control.status(node)["port_mapping"]["external"], outside)
        finding = control.doctor(node, "nat-mapping")[1]["nat-mapping"]
        self.assertEqual(finding["result"], "ok")
        self.assertRegex(finding["evidence"], rf"^NAT-PMP on 192\.168\.1\.1: {outside} leads to port {MESH_PORT} of this host")

    def test_what_the_router_refuses_is_quoted(self):
        home = self.lab.home("home")
        home.router.serve_mappings(natpmp=False, allow="40000-40010")
        node = self.home_node(home)
        node.log.wait_for(r"port not mapped ")
        self.assertNotIn("external", control.status(node)["port_mapping"])
        self.assertIn("UPnP on 192.168.1.1 says", control.doctor(node, "nat-mapping")[1]["nat-mapping"]["evidence"])
        self.assertRegex(control.starling("status", "--state-dir", node.state_dir)[1], r"(?m)^ROUTER +UPnP on 192.168.1.1 says")

    def test_without_such_a_router_it_is_said(self):
        node = self.home_node(self.lab.home("home"))
        node.log.wait_for(r"port not mapped ")
        self.assertIn("no router answers to NAT-PMP or UPnP", control.doctor(node, "nat-mapping")[1]["nat-mapping"]["evidence"])


class Usage(NodeTestCase):
    def test_the_commands_are_listed_and_explained(self):
        code, text, _ = control.starling("--help")
        self.assertEqual(code, 0)
        for command in ("status", "doctor"):
            self.assertRegex(text, rf"(?m)^  {command}  ")
            code, page, _ = control.starling(command, "--help")
            self.assertEqual(code, 0)
            for option in ("--json", "--state-dir", "--socket", "Exit status", "Examples"):
                self.assertIn(option, page)
            code, _, error = control.starling(command, "--jsno")
            self.assertEqual(code, USAGE)
            self.assertIn(f"Try: starling {command} --help", error)
        code, _, error = control.starling("docter")
        self.assertEqual(code, USAGE)
        self.assertIn('there is no command "docter" - did you mean "doctor"?', error)


if __name__ == "__main__":
    run()
