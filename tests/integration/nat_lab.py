"""A small Internet for integration tests: network namespaces, with routers that translate addresses as those of homes do.

    internet ── public hosts                 9.1.0.2, 9.2.0.2 ...: each site has a /16 of its own, so that all are of
        ├────── homes: router ── hosts       different networks, and of addresses that a node takes for global ones
        └────── carrier NAT ── homes         a home's WAN side is then 100.64.0.x

Every home's network is 192.168.1.0/24, as in life: the same private address is someone else in the next house. A lab's
namespaces carry its process id in their names and are removed when it is closed; those of a run that was killed are
removed by the next lab. Without root, `ip` and `nft` a test is skipped, and says what is missing.

    class Example(LabTestCase):
        def test_it(self):
            public = self.lab_node(self.lab.public("hub"), meshes=...)
            home = self.lab.home("attic", nat="symmetric")
            inside = self.lab_node(home.host(), meshes=..., bootstrap=[public.mesh_address])
"""
import atexit
import contextlib
import itertools
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import WAIT, Lines, Node, NodeTestCase, Timeout
from net_space import PREFIX, Host, Space, end, sh

MESH_PORT = 21883

# How a router chooses the outside of a connection. It keeps the inner port where it can unless it says otherwise.
KINDS = {
    "port-restricted": "masquerade",                # answers come back only from whom was asked
    "symmetric": "masquerade random,fully-random",  # a new outer port for every destination
    "full-cone": "masquerade",                      # who was once asked from a port is found there by everybody
}


class Router(Space):
    """Translates what comes from its inner side, `lan`, to the address of its outer one, `wan`. What was not asked for
    is dropped without a word, as by most routers; `reset` answers it with a TCP reset."""

    def __init__(self, lab, name, nat, inner_address, unasked="drop"):
        super().__init__(lab, name)
        self.nat, self.inner_address, self.unasked = nat, inner_address, unasked
        self.address, self.service = None, None
        self.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
        # The side of the inner hosts: a switch. It hands multicast to everybody.
        self.ip("link", "add", "lan", "type", "bridge", "mcast_snooping", 0)
        self.ip("addr", "add", f"{inner_address}/24", "dev", "lan")
        self.ip("link", "set", "lan", "up")

    def translate(self):
        """Once `wan` is there: the rules. The chains named miniupnpd are filled by a port mapping service."""
        cone = self.nat == "full-cone"
        learn = 'iifname "lan" oifname "wan" meta l4proto { tcp, udp } ' \
                "update @cone { meta l4proto . th sport : ip saddr . th sport }" if cone else ""
        find = 'iifname "wan" dnat ip to meta l4proto . th dport map @cone' if cone else ""
        refuse = "meta l4proto tcp reject with tcp reset" if self.unasked == "reset" else ""
        self.sh("nft", "-f", "-", text=f"""table inet lab {{
          map cone {{ type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; timeout 5m; size 4096; }}
          chain miniupnpd {{}}
          chain prerouting_miniupnpd {{}}
          chain postrouting_miniupnpd {{}}
          chain input {{ type filter hook input priority filter; policy drop;
            ct state established,related accept
            iifname != "wan" accept
            icmp type echo-request accept
            {refuse}
          }}
          chain forward {{ type filter hook forward priority filter; policy drop;
            {learn}
            ct state established,related accept
            iifname "lan" accept
            {'ct status dnat accept' if cone else ''}
            jump miniupnpd
            {refuse}
          }}
          chain prerouting {{ type nat hook prerouting priority dstnat; jump prerouting_miniupnpd; {find}
          }}
          chain postrouting {{ type nat hook postrouting priority srcnat; jump postrouting_miniupnpd;
            oifname "wan" {KINDS[self.nat]}
          }}
        }}""")

    def change_address(self):
        """The provider gives the public side another address of another network; what was translated is forgotten."""
        self.lab.move(self)

    def serve_mappings(self, upnp=True, natpmp=True, allow=f"{MESH_PORT}-65535"):
        """A port mapping service for the inner side (miniupnpd). Outer ports that are not in `allow` are refused."""
        if not shutil.which("miniupnpd"):
            raise unittest.SkipTest("miniupnpd is missing (Debian packages miniupnpd, miniupnpd-nftables)")
        settings = {"ext_ifname": "wan", "listening_ip": "lan", "enable_upnp": "yes" if upnp else "no",
                    "enable_natpmp": "yes" if natpmp else "no", "upnp_table_name": "lab", "upnp_nat_table_name": "lab",
                    "upnp_forward_chain": "miniupnpd", "upnp_nat_chain": "prerouting_miniupnpd",
                    "upnp_nat_postrouting_chain": "postrouting_miniupnpd", "secure_mode": "yes", "ipv6_disable": "yes",
                    "min_lifetime": 120, "max_lifetime": 86400, "minissdpdsocket": f"{self.lab.folder}/no-minissdpd",
                    "uuid": "614c2283-ea68-47c8-839a-da0dbe164732"}
        path = os.path.join(self.lab.folder, f"{self.name}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{key}={value}\n" for key, value in settings.items())
            file.write(f"allow {allow} 192.168.0.0/16 1024-65535\ndeny 0-65535 0.0.0.0/0 0-65535\n")
        self.service = self.popen("miniupnpd", "-d", "-f", path, "-P", path + ".pid", stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE)
        self.log = Lines(self.service.stderr)
        self.log.wait_for("HTTP listening on port" if upnp else "Listening for NAT-PMP")

    def stop_mappings(self):
        """The service dies at once; its rules stay, as they do when only the service of a router hangs."""
        end(self.service)

    def cut_inside(self, host):
        """Nothing of what `host` sends is taken any more."""
        self.sh("nft", "insert", "rule", "inet", "lab", "input", "ip", "saddr", host.address, "drop")

    def mappings(self):
        """{(protocol, outer port, inner address, inner port)} as the kernel has them."""
        numbers = {"0x6": "tcp", "6": "tcp", "tcp": "tcp", "0x11": "udp", "17": "udp", "udp": "udp"}
        rules = self.sh("nft", "list", "chain", "inet", "lab", "prerouting_miniupnpd")
        found = re.findall(r"(?:@nh,72,8|meta l4proto) (\w+) th dport (\d+) dnat ip to ([\d.]+):(\d+)", rules)
        return {(numbers[protocol], int(outer), inner, int(port)) for protocol, outer, inner, port in found}

    def wait_mappings(self, wanted, timeout=WAIT):
        """Until `wanted(mappings)`, looked at whenever a rule of this router changes; returns them."""
        monitor = self.popen("nft", "monitor", "rules", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        changes, deadline = Lines(monitor.stdout), time.monotonic() + timeout
        try:
            while True:
                seen, now = len(changes), self.mappings()
                if wanted(now):
                    return now
                # The monitor itself takes a moment to start, hence a look now and then without an event.
                with contextlib.suppress(Timeout):
                    changes.wait_for("", min(0.5, max(0.0, deadline - time.monotonic())), seen)
                if time.monotonic() > deadline:
                    raise Timeout(f"the mappings of {self.name} are {now}")
        finally:
            end(monitor)


class Home:
    """A router and the hosts behind it, 192.168.1.10 and up."""

    def __init__(self, lab, name, router):
        self.lab, self.name, self.router = lab, name, router
        self.hosts = []

    def host(self):
        number = len(self.hosts)
        host = Host(self.lab, f"{self.name}-{number}", f"192.168.1.{10 + number}")
        self.lab.cable(host, "eth0", self.router, f"port{number}")
        self.router.ip("link", "set", f"port{number}", "master", "lan", "up")
        host.uplink("192.168.1.1")
        self.hosts.append(host)
        return host


class Carrier:
    """A provider that has fewer addresses than customers."""

    def __init__(self, router):
        self.router, self.customers = router, itertools.count(1)


class NatLab:
    _numbers = itertools.count()

    def __init__(self):
        self.number = next(NatLab._numbers)
        self.folder = tempfile.mkdtemp(prefix=f"{PREFIX}-")
        self.spaces, self.processes = [], []
        self._sites, self._ports, self._interfaces = itertools.count(1), {}, itertools.count(100)
        atexit.register(self.close)
        try:
            check_permission()
            remove_leftovers()
            self.internet = Space(self, "internet")
            self.internet.sh("sysctl", "-qw", "net.ipv4.ip_forward=1")
            self.internet.sh("nft", "-f", "-", text="""table inet lines {
              set cut { type ifname; }
              chain forward { type filter hook forward priority filter;
                iifname @cut drop
                oifname @cut drop
              }
            }""")
        except BaseException:
            self.close()
            raise

    def cable(self, a, a_interface, b, b_interface):
        # Two ends with one number would be a second late to come up: the kernel knows a pair by its different numbers.
        first, second = next(self._interfaces), next(self._interfaces)
        sh("ip", "link", "add", "name", a_interface, "netns", a.full_name, "index", first, "type", "veth",
           "peer", "name", b_interface, "netns", b.full_name, "index", second)

    # --- Who lives here

    def public(self, name):
        """A host that everybody can dial."""
        site = next(self._sites)
        host = Host(self, name, f"9.{site}.0.2")
        self.cable(host, "eth0", self.internet, f"site{site}")
        self._open_port(host, site)
        host.uplink(f"9.{site}.0.1")
        return host

    def home(self, name, nat="port-restricted", behind=None, unasked="drop"):
        """`nat`: one of KINDS. `behind`: a Carrier, whose customer it is."""
        router = Router(self, f"{name}-router", nat, "192.168.1.1", unasked)
        if behind:
            self._join(router, behind.router, "lan", next(behind.customers))
        else:
            self._attach(router)
        router.translate()
        return Home(self, name, router)

    def carrier(self, name, nat="port-restricted"):
        router = Router(self, name, nat, "100.64.0.1")
        self._attach(router)
        router.translate()
        return Carrier(router)

    def lan(self, name):
        """A home without a line to the Internet: its hosts see only each other."""
        return Home(self, name, Router(self, f"{name}-switch", "port-restricted", "192.168.1.1"))

    # --- What happens to them

    def cut(self, space):
        """The line of a public host, or of a router that is not behind a carrier, is dead until `mend`."""
        # Not the interface itself: the kernel takes up to a second to use one again that was down.
        self.internet.sh("nft", "add", "element", "inet", "lines", "cut", f"{{ {self._ports[space]} }}")

    def mend(self, space):
        self.internet.sh("nft", "delete", "element", "inet", "lines", "cut", f"{{ {self._ports[space]} }}")

    def move(self, space):
        """Another address for a public host, or for a router that is not behind a carrier."""
        site, interface, port = next(self._sites), "wan" if isinstance(space, Router) else "eth0", self._ports[space]
        self.internet.ip("addr", "flush", "dev", port)
        self.internet.ip("addr", "add", f"9.{site}.0.1/24", "dev", port)
        space.ip("addr", "add", f"9.{site}.0.2/24", "dev", interface)
        space.ip("addr", "del", f"{space.address}/24", "dev", interface)
        space.ip("route", "replace", "default", "via", f"9.{site}.0.1")
        space.address, space.gateway = f"9.{site}.0.2", f"9.{site}.0.1"

    def close(self):
        """Ends every process and removes every namespace. May be called twice."""
        atexit.unregister(self.close)
        for process in self.processes:
            end(process)
        for space in self.spaces:
            subprocess.run(["ip", "netns", "del", space.full_name], check=False, capture_output=True, timeout=30)
        self.processes, self.spaces = [], []
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- How they are wired

    def _open_port(self, space, site):
        self._ports[space] = f"site{site}"
        self.internet.ip("addr", "add", f"9.{site}.0.1/24", "dev", f"site{site}")
        self.internet.ip("link", "set", f"site{site}", "up")

    def _attach(self, router):
        site = next(self._sites)
        self.cable(router, "wan", self.internet, f"site{site}")
        self._open_port(router, site)
        self._outer_side(router, f"9.{site}.0.2", f"9.{site}.0.1")

    def _join(self, router, carrier, switch, number):
        self.cable(router, "wan", carrier, f"customer{number}")
        carrier.ip("link", "set", f"customer{number}", "master", switch, "up")
        self._outer_side(router, f"100.64.0.{1 + number}", carrier.inner_address)

    @staticmethod
    def _outer_side(router, address, gateway):
        router.address = address
        router.ip("addr", "add", f"{address}/24", "dev", "wan")
        router.ip("link", "set", "wan", "up")
        router.ip("route", "add", "default", "via", gateway)
        router.wait_up("wan")


def check_permission():
    """Skips the test where namespaces cannot be made. What fails later is a failure."""
    missing = [tool for tool in ("ip", "nft", "nsenter", "setpriv") if not shutil.which(tool)]
    if missing:
        raise unittest.SkipTest(f"no lab without {', '.join(missing)} (Debian packages iproute2, nftables, util-linux)")
    tried = subprocess.run(["unshare", "--net", "--mount", "nft", "-f", "-"], input="table inet probe {\n}\n",
                           capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode and "not permitted" in tried.stderr:
        raise unittest.SkipTest(f"network namespaces need root: {tried.stderr.strip()}")


def remove_leftovers():
    """Namespaces of test programs that no longer run. Whatever ran in them died with its program (`Space.enter`)."""
    for line in sh("ip", "netns", "list").splitlines():
        match = re.match(rf"{PREFIX}-(\d+)-\S+", line)
        if match and not os.path.exists(f"/proc/{match.group(1)}"):
            subprocess.run(["ip", "netns", "del", match.group(0)], check=False, capture_output=True, timeout=30)


class LabNode(Node):
    """A starlingd on a host of a lab. Clients reach it on the host's loopback (`LabTestCase.client`)."""

    def __init__(self, host, state_dir, **options):
        options.setdefault("mesh_listen", f"[::]:{MESH_PORT}")
        super().__init__(state_dir, **options)
        self.host = host

    def command(self):
        return self.host.enter(*super().command())

    @property
    def mesh_address(self):
        """Where others dial it if nothing is in between; a node behind a router is dialled elsewhere, or nowhere."""
        return f"{self.host.address}:{self.mesh_port}"


class LabTestCase(NodeTestCase):
    """A test with a lab of its own, `self.lab`. Everything in it ends with the test."""

    def setUp(self):
        self.lab, self._subscribers = NatLab(), itertools.count()
        self.addCleanup(self.lab.close)  # after tearDown has ended the nodes
        super().setUp()

    def lab_node(self, host, start=True, **options):
        node = self.keep(LabNode(host, os.path.join(self.folder, host.name), **options))
        return node.start() if start else node

    def client(self, node, *args, **options):
        with node.host.inside():
            return super().client(node, *args, **options)

    def mosquitto_sub(self, node, topic, qos=1, count=1, *more):
        """A real mosquitto_sub beside the node, subscribed when this returns; `lines` holds the payloads that come."""
        name = f"sub{next(self._subscribers)}"
        process = node.host.popen("stdbuf", "-oL", "mosquitto_sub", "-p", node.port, "-i", name, "-q", qos, "-t", topic,
                                  "-C", count, *more, stdout=subprocess.PIPE)
        process.lines = Lines(process.stdout)
        node.log.wait_for(rf"client subscribed client={name} ")
        return process

    def mosquitto_pub(self, node, topic, payload, qos=1, *more):
        node.host.sh("mosquitto_pub", "-p", node.port, "-q", qos, "-t", topic, "-m", payload, *more)
