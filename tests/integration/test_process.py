"""How the daemon lives as a process: in the background, with a pid file, as another user, as a service of systemd."""
import os
import re
import select
import signal
import socket
import subprocess
import unittest

from harness import STARLINGD, WAIT, NodeTestCase, run
from ports import free_port
from twins import DISCONNECT, Twin, Wire, user_exists

# Whoever gives up root's rights could neither read nor remove what lies in the folder of a test.
CONF = "log_dest stderr\nallow_anonymous true\nlistener {port} 127.0.0.1\n"


class Background(NodeTestCase):
    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *args, **options):
        return subprocess.run([STARLINGD, "--state-dir", self.path("state"), *args], capture_output=True, text=True,
                              timeout=WAIT, **options)

    def write_conf(self, port, more=""):
        with open(self.path("broker.conf"), "w") as file:
            file.write(CONF.format(port=port) + more)
        return self.path("broker.conf")

    def end(self, pid):
        """Ends a process that is not our child, and waits until it has gone."""
        watch = os.pidfd_open(pid)
        try:
            signal.pidfd_send_signal(watch, signal.SIGTERM)
            readable, _, _ = select.select([watch], [], [], WAIT)
            self.assertTrue(readable, "it does not end")
        finally:
            os.close(watch)

    def test_whoever_starts_it_gets_it_back_when_clients_may_come(self):
        port = free_port()
        conf = self.write_conf(port, f"user root\npid_file {self.path('broker.pid')}\nlog_dest file {self.path('broker.log')}\n")
        started = self.start("-d", "-c", conf)
        self.assertEqual(started.returncode, 0, started.stderr)
        with open(self.path("broker.pid")) as file:
            pid = int(file.read())
        try:
            Wire(port).connected("at_once").send(DISCONNECT).wait_closed()
            self.assertEqual(os.getsid(pid), pid, "it has a session of its own")
            for descriptor in (0, 1, 2):
                self.assertEqual(os.readlink(f"/proc/{pid}/fd/{descriptor}"), "/dev/null")
            again = self.start("-c", conf)
            self.assertNotEqual(again.returncode, 0)
            self.assertIn(str(pid), again.stderr)
        finally:
            self.end(pid)
        self.assertFalse(os.path.exists(self.path("broker.pid")))

    def test_whoever_starts_it_learns_that_it_failed(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            started = self.start("-d", "-c", self.write_conf(port))
        self.assertNotEqual(started.returncode, 0)
        self.assertRegex(started.stderr, rf"{port}.*in use")

    def test_a_stale_pid_file_is_no_obstacle(self):
        gone = subprocess.Popen(["true"])
        gone.wait()
        with open(self.path("broker.pid"), "w") as file:
            file.write(f"{gone.pid}\n")
        broker = self.keep(Twin("starlingd", CONF + f"user root\npid_file {self.path('broker.pid')}")).wait_running()
        with open(self.path("broker.pid")) as file:
            self.assertEqual(int(file.read()), broker.process.pid)
        self.assertEqual(broker.stop(), 0)
        self.assertFalse(os.path.exists(self.path("broker.pid")))


@unittest.skipUnless(os.geteuid() == 0 and user_exists("nobody"), "needs root's rights to give up")
class Rights(NodeTestCase):
    def test_root_becomes_the_user_named_and_goes_on_logging(self):
        broker = self.keep(Twin("starlingd", CONF + "user nobody\nlog_dest file {folder}/broker.log")).wait_running()
        with open(f"/proc/{broker.process.pid}/status") as file:
            status = file.read()
        for field in ("Uid", "Gid"):
            self.assertNotIn("0", re.search(rf"^{field}:\s+(.*)$", status, re.M).group(1).split())
        self.assertEqual(os.stat(broker.path("broker.log")).st_uid, int(re.search(r"Uid:\s+(\d+)", status).group(1)))
        Wire(broker.port).connected("guest").send(DISCONNECT).wait_closed()
        broker.log.wait_for("Client guest disconnected")
        self.assertEqual(broker.stop(), 0)

    def test_a_user_who_does_not_exist_is_an_error(self):
        broker = self.keep(Twin("starlingd", CONF + "user no_such_user"))
        self.assertNotEqual(broker.process.wait(timeout=WAIT), 0)
        broker.log.wait_for("no_such_user")


class Service(NodeTestCase):
    def test_systemd_hears_of_the_start_the_reload_and_the_end(self):
        address = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(WAIT)
            os.environ["NOTIFY_SOCKET"] = address
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            broker = self.keep(Twin("starlingd", CONF + "user root"))

            def wait_for(word):
                while word not in (heard := systemd.recv(4096).decode()):
                    pass
                return heard

            wait_for("READY=1")
            Wire(broker.port).connected("first").send(DISCONNECT).wait_closed()
            broker.signal(signal.SIGHUP)
            wait_for("RELOADING=1")
            wait_for("READY=1")
            broker.signal(signal.SIGTERM)
            wait_for("STOPPING=1")
            self.assertEqual(broker.process.wait(timeout=WAIT), 0)


if __name__ == "__main__":
    run()
