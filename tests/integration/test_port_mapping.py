"""Where a node can be reached, while that changes: its interfaces, and the router that maps its port."""
import time

from harness import run
from nat_lab import LabTestCase

SOON = 2.0  # seconds; a second is promised, and sanitizers are slow


class Reached(LabTestCase):
    def setUp(self):
        super().setUp()
        self.meshes = [("family", self.secret(), ["#"])]
        self.hub = self.lab_node(self.lab.public("hub"), meshes=self.meshes)

    def another(self, host, *settings, start=True):
        args = [word for setting in settings for word in ("--set", setting)]
        return self.lab_node(host, start=start, meshes=self.meshes, bootstrap=[self.hub.mesh_address], args=args)


class Interfaces(Reached):
    def test_another_address_is_announced_within_a_second(self):
        host = self.lab.public("moving")
        node = self.another(host)
        node.wait_linked([self.hub])
        seen, began = len(node.log), time.monotonic()
        self.lab.move(host)
        node.log.wait_for(rf"mesh addresses announced=\"?{host.address}:{node.mesh_port}\b", start=seen)
        self.assertLess(time.monotonic() - began, SOON)
        node.log.wait_for(rf"interfaces changed addresses=.*{host.address}", start=seen)

    def test_an_interface_that_comes_up_late_is_found(self):
        host = self.lab.public("late")
        host.unplug()
        node = self.another(host)
        seen, began = len(node.log), time.monotonic()
        host.plug()
        node.log.wait_for(rf"mesh addresses announced=\"?{host.address}:{node.mesh_port}\b", start=seen)
        self.assertLess(time.monotonic() - began, SOON)
        node.wait_linked([self.hub])


if __name__ == "__main__":
    run()
