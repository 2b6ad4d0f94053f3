"""A network namespace, and processes and sockets in it: what the lab of the NAT tests (nat_lab.py) is built of."""
import contextlib
import ctypes
import os
import subprocess
import time

from harness import WAIT, Timeout

CLONE_NEWNET = 0x40000000
PREFIX = "starling-lab"


def sh(*words, text=None):
    """Runs a command to its end; what it says goes into the exception if it fails."""
    done = subprocess.run([str(word) for word in words], input=text, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Space:
    """One network namespace."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.full_name = f"{PREFIX}-{os.getpid()}-{lab.number}-{name}"
        self.path = f"/run/netns/{self.full_name}"
        sh("ip", "netns", "add", self.full_name)
        lab.spaces.append(self)
        self.sh("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.ip("link", "set", "lo", "up")

    def ip(self, *words):
        return sh("ip", "-n", self.full_name, *words)

    def enter(self, *words):
        """The command that runs `words` in here, under the process id it is started with. It ends with the test."""
        return ["nsenter", f"--net={self.path}", "setpriv", "--pdeathsig", "KILL", *map(str, words)]

    def sh(self, *words, text=None):
        return sh(*self.enter(*words), text=text)

    def wait_up(self, interface):
        """The kernel sets an interface up in the background; until then a program does not see its address."""
        deadline = time.monotonic() + WAIT
        while "state UP" not in self.ip("link", "show", "dev", interface):
            if time.monotonic() > deadline:
                raise Timeout(f"{interface} of {self.name} does not come up")

    def popen(self, *words, **options):
        """A process in here; the lab kills it, by its id, when it is closed."""
        process = subprocess.Popen(self.enter(*words), text=True, errors="replace", **options)
        self.lab.processes.append(process)
        return process

    @contextlib.contextmanager
    def inside(self):
        """This thread opens its sockets in here; a thread that it starts stays here for good."""
        with open("/proc/thread-self/ns/net", "rb") as before, open(self.path, "rb") as here:
            move_this_thread(here)
            try:
                yield self
            finally:
                move_this_thread(before)


class Host(Space):
    """A computer with one interface, `eth0`."""

    def __init__(self, lab, name, address):
        super().__init__(lab, name)
        self.address, self.gateway = address, None

    def uplink(self, gateway):
        self.gateway = gateway
        self.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.plug()

    def plug(self):
        self.ip("link", "set", "eth0", "up")
        self.ip("route", "add", "default", "via", self.gateway)
        self.wait_up("eth0")

    def unplug(self):
        self.ip("link", "set", "eth0", "down")

    def shut(self, port):
        """Nobody can open a TCP connection to this port here any more; what comes in is dropped without a word."""
        self.sh("nft", "-f", "-", text=f"""table inet host {{
          chain input {{ type filter hook input priority filter;
            tcp dport {port} ct state new drop
          }}
        }}""")

    def change_address(self, address):
        """Another address of the same network, at once, as DHCP gives after a new lease."""
        self.ip("addr", "del", f"{self.address}/24", "dev", "eth0")
        self.ip("addr", "add", f"{address}/24", "dev", "eth0")
        self.ip("route", "replace", "default", "via", self.gateway)
        self.address = address


def move_this_thread(network_namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(network_namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()
