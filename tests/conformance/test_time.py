#!/usr/bin/env python3
"""What only time shows: keep alive, expiry of messages and sessions, will delay. Seconds of real time, run side by side."""
import threading
import time

import wire
from server import ConformanceCase, clauses, run
from wire import prop

LATE = 15  # seconds; a busy machine, not a broker that counts wrongly
TRIES = 10


class InTime(ConformanceCase):

    def together(self, *stories):
        """Runs stories side by side; the first failure is raised."""
        failures = []

        def tell(story, *arguments):
            try:
                story(*arguments)
            except BaseException as failure:  # handed on to the test's own thread
                failures.append((story.__name__, failure))
        threads = [threading.Thread(target=tell, args=(story if isinstance(story, tuple) else (story,))) for story in stories]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise AssertionError(failures[0][0]) from failures[0][1]

    @clauses("MQTT-3.1.2-24", "MQTT5-3.1.2-22", "MQTT5-3.2.2-22", "MQTT5-3.3.2-5", "MQTT5-4.1.0-2", "MQTT5-3.1.2-8")
    def test_time_passes(self):
        self.together((self.silence, 3), (self.silence, 4), (self.silence, 5), (self.talk, 4), (self.talk, 5),
                      self.no_keep_alive, self.waiting_messages_expire, self.retained_messages_expire,
                      self.sessions_expire, self.will_is_delayed, self.nobody_connects)

    def silence(self, version):
        """A client silent for one and a half keep alives is disconnected, and its will published."""
        topic = self.name()
        watcher = self.client(version, keep_alive=0).subscribe(topic)
        began = time.monotonic()
        silent = self.client(version, keep_alive=1, will=(topic, b"silent"))
        silent.expect_closed(0x8D)
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 1.4)
        self.assertLess(took, LATE)
        watcher.expect_publish(topic, b"silent")

    def talk(self, version):
        """Whatever a client sends counts as a sign of life."""
        for _ in range(TRIES):
            if self.talks(version):
                return
        raise AssertionError(f"this machine is too slow to speak within 2 s, {TRIES} times")

    def talks(self, version):
        """False: the machine kept the talker waiting for so long that the broker was right to let it go."""
        client, longest, last = self.client(version, keep_alive=2), 0, time.monotonic()
        for packet in (wire.PING, wire.publish(version, self.name(), b"x"), wire.puback(9), wire.PING, wire.PING):
            client.send(packet)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
            time.sleep(0.9)  # shorter than one keep alive; all together longer than two
        client.send(wire.PING)
        longest = max(longest, time.monotonic() - last)
        if longest > 2:
            return False
        for _ in range(4):
            client.expect(wire.PONG)
        return True

    def no_keep_alive(self):
        client = self.client(4, keep_alive=0)
        time.sleep(3)
        client.quiet()

    def waiting_messages_expire(self):
        name, topic, keep = self.name("c"), self.name(), prop("session_expiry", 60)
        self.client(5, name, properties=keep).subscribe((topic, 1)).leave()
        writer, began = self.client(5), time.monotonic()
        writer.publish(topic, b"short", 1, properties=prop("message_expiry", 1))
        writer.publish(topic, b"long", 1, properties=prop("message_expiry", 100))
        writer.publish(topic, b"ever", 1)
        time.sleep(2.2)
        reader = self.client(5, name, True, clean=False, properties=keep)
        left = reader.expect_publish(topic, b"long").properties["message_expiry"]
        waited = time.monotonic() - began
        self.assertLessEqual(left, 98)
        self.assertGreaterEqual(left, 100 - waited - 1)  # whole seconds
        self.assertNotIn("message_expiry", reader.expect_publish(topic, b"ever").properties)
        reader.quiet()

    def retained_messages_expire(self):
        topic = self.name()
        writer = self.client(5)
        writer.publish(topic + "/a", b"short", retain=True, properties=prop("message_expiry", 1))
        writer.publish(topic + "/b", b"long", retain=True, properties=prop("message_expiry", 100))
        time.sleep(2.2)
        reader = self.client(5).subscribe(topic + "/#")
        reader.expect_publish(topic + "/b", retain=True)
        reader.quiet()

    def sessions_expire(self):
        name, brief = self.name("c"), prop("session_expiry", 1)
        self.client(5, name, properties=prop("session_expiry", 60)).leave()
        self.client(5, name, True, clean=False, properties=brief).leave()
        time.sleep(3)
        self.client(5, name, False, clean=False, properties=brief).leave()

    def will_is_delayed(self):
        topic = self.name()
        watcher = self.client(5, keep_alive=0).subscribe(topic)
        mortal = self.client(5, will=(topic, b"late", 0, False, prop("will_delay", 2)),
                             properties=prop("session_expiry", 60))
        began = time.monotonic()
        mortal.drop()
        watcher.expect_publish(topic, b"late")
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 1.9)
        self.assertLess(took, LATE)

    def nobody_connects(self):
        """Who opens a connection and says nothing does not keep others from being served."""
        silent = [self.open(4) for _ in range(20)]
        self.client(5).quiet()
        for one in silent:
            one.drop()


run() if __name__ == "__main__" else None
