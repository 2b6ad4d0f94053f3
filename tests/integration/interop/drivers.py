"""Real MQTT clients behind one interface, so that a scenario is written once and played by each of them.

A family opens sessions; a session subscribes, publishes, takes messages, leaves in order or dies without a word.
Paho Python runs here; mosquitto_pub and mosquitto_sub are processes for each act; Paho C and mqtt.js are drivers that
read commands from standard input and print events: `verb words...`, texts in hexadecimal, "-" for an empty one.
"""
import collections
import itertools
import os
import queue
import re
import secrets
import signal
import ssl
import subprocess
import tempfile
import threading

import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from harness import WAIT, Timeout
from interop import npm

HERE = os.path.dirname(os.path.abspath(__file__))
# A client under a sanitizer is not what is tested here.
CLIENT_ENV = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}

# `user_property`: "key=value", the first one; None if the client does not show them.
Got = collections.namedtuple("Got", "topic qos retain payload user_property")


class Refused(Exception):
    """The broker did not let the client in. `code`: what the client library says of it, None if it says nothing."""

    def __init__(self, code=None, detail=""):
        super().__init__(f"{code} {detail}")
        self.code = code


class Options:
    """How a client connects. `will`: (topic, payload, qos, retain). `expiry`: seconds, version 5 only."""

    def __init__(self, door, broker, version, client_id="", clean=True, expiry=None, will=None, user=None, password=None,
                 certificate=None):
        self.door, self.version, self.clean, self.expiry, self.will = door, version, clean, expiry, will
        self.client_id = client_id or "c" + secrets.token_hex(6)
        self.user, self.password = user, password
        self.authority = broker.certificate("ca.crt") if door.tls else None
        self.certificate = broker.certificate(f"{certificate}.crt") if certificate else None
        self.key = broker.certificate(f"{certificate}.key") if certificate else None

    def words(self):
        """As the drivers want them: key=<hexadecimal>."""
        values = {"transport": self.door.transport, "port": self.door.port, "version": self.version, "id": self.client_id,
                  "clean": int(self.clean), "expiry": self.expiry, "user": self.user, "password": self.password,
                  "ca": self.authority, "cert": self.certificate, "key": self.key}
        if self.will:
            values.update(zip(("will-topic", "will-payload", "will-qos", "will-retain"),
                              (self.will[0], self.will[1], self.will[2], int(self.will[3]))))
        return [f"{key}={hexadecimal(str(value))}" for key, value in values.items() if value is not None]


def hexadecimal(value):
    return (value if isinstance(value, bytes) else value.encode()).hex() or "-"


def raw(word):
    return b"" if word == "-" else bytes.fromhex(word)


class PahoPython:
    """python3-paho-mqtt, in this process."""
    name, resubscribes, shows_properties, asks_for_will = "paho_python", False, True, False
    transports = ("tcp", "tls", "ws", "wss")

    def open(self, options):
        return PahoPythonSession(options)

    def close(self):
        pass


class PahoClient(paho.Client):
    """Paho 1.6 lets a TLS alert end its thread with an exception; here it is a lost connection like others."""

    def loop_forever(self, *args, **options):
        try:
            return super().loop_forever(*args, **options)
        except ssl.SSLError:
            self.on_disconnect(self, None, None)


class PahoPythonSession:
    def __init__(self, options):
        version = options.version
        self._messages, self._answers = queue.Queue(), queue.Queue()
        protocol = {3: paho.MQTTv31, 4: paho.MQTTv311, 5: paho.MQTTv5}[version]
        transport = "websockets" if options.door.websocket else "tcp"
        clean = {} if version == 5 else {"clean_session": options.clean}
        self._client = client = PahoClient(options.client_id, protocol=protocol, transport=transport, **clean)
        if options.user is not None:
            client.username_pw_set(options.user, options.password)
        if options.door.tls:
            context = ssl.create_default_context(cafile=options.authority)
            if options.certificate:
                context.load_cert_chain(options.certificate, options.key)
            client.tls_set_context(context)
        if options.will:
            client.will_set(*options.will)
        client.on_message = lambda c, u, message: self._messages.put(message)
        client.on_connect = lambda c, u, flags, code, *rest: self._answers.put(("connect", flags, code))
        client.on_connect_fail = lambda *rest: self._answers.put(("connect", {}, None))
        client.on_disconnect = lambda c, u, code, *rest: self._on_disconnect(code)
        client.on_subscribe = lambda c, u, mid, codes, *rest: self._answers.put(("subscribe", mid, codes))
        extra = {}
        if version == 5:
            properties = Properties(PacketTypes.CONNECT)
            if options.expiry is not None:
                properties.SessionExpiryInterval = options.expiry
            extra = {"clean_start": options.clean, "properties": properties}
        try:
            client.connect("localhost", options.door.port, 60, **extra)
        except (OSError, ValueError) as error:
            raise Refused(None, str(error)) from None
        client.loop_start()
        kind, flags, code = self._answers.get(timeout=WAIT)
        if kind == "gone" or code is None or int(getattr(code, "value", code)) != 0:
            self.leave()
            raise Refused(getattr(code, "value", code) if kind == "connect" else None)
        self.session_present = bool(flags["session present"]) if version != 3 else None

    def _on_disconnect(self, code):
        self._client.disconnect()  # else it would connect again by itself
        self._answers.put(("gone", {}, code))

    def _answer(self, wanted):
        kind, *rest = self._answers.get(timeout=WAIT)
        assert kind == wanted, f"{kind} came while waiting for {wanted}: {rest}"
        return rest

    def subscribe(self, topic_filter, qos):
        self._client.subscribe(topic_filter, qos)
        code = self._answer("subscribe")[1][0]
        return getattr(code, "value", code)

    def publish(self, topic, payload, qos=0, retain=False, user_property=None):
        properties = None
        if user_property:
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = tuple(user_property.split("="))
        info = self._client.publish(topic, payload, qos, retain, properties)
        info.wait_for_publish(WAIT)
        assert info.is_published(), f"no acknowledgement for {topic}"

    def take(self, timeout=WAIT):
        try:
            message = self._messages.get(timeout=timeout)
        except queue.Empty:
            raise Timeout("no message came") from None
        pairs = getattr(getattr(message, "properties", None), "UserProperty", [])
        return Got(message.topic, message.qos, bool(message.retain), message.payload,
                   "=".join(pairs[0]) if pairs else "")

    def leave(self):
        self._client.disconnect()
        self._client.loop_stop()

    def die(self):
        connection = self._client.socket()
        if connection:
            getattr(connection, "_socket", connection).shutdown(2)  # a WebSocket wrapper has none of its own
        self._client.loop_stop()


class Process:
    """A child whose output lines go to `on_line`, ended by its id."""

    def __init__(self, command, on_line, on_end=lambda text: None):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, env=CLIENT_ENV, errors="replace")
        self._errors = []

        def read_errors():
            with self.child.stderr:
                self._errors.extend(self.child.stderr)
        reader = threading.Thread(target=read_errors, daemon=True)
        reader.start()

        def read():
            with self.child.stdout:
                for line in self.child.stdout:
                    on_line(line.rstrip("\n"))
            reader.join()
            on_end("".join(self._errors))
        threading.Thread(target=read, daemon=True).start()

    def say(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def kill(self):
        self.child.kill()
        self.child.wait()
        try:
            self.child.stdin.close()
        except OSError:  # what was not written yet has no reader any more
            pass

    def end(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(timeout=WAIT)
        finally:
            self.kill()


class DriverSession:
    """A client behind the line protocol; `say` and `die` are the driver's."""

    def __init__(self, say, die):
        self._say, self._die = say, die
        self._answers, self._messages = queue.Queue(), queue.Queue()

    def on_event(self, kind, words):
        if kind == "message":
            self._messages.put(Got(raw(words[0]).decode(), int(words[1]), words[2] == "1", raw(words[3]),
                                   raw(words[4]).decode()))
        else:
            self._answers.put((kind, words))

    def _next_answer(self, wanted):
        try:
            return self._answers.get(timeout=WAIT)
        except queue.Empty:
            raise Timeout(f"the client did not say {wanted!r} within {WAIT:.0f} s") from None

    def wait_connected(self):
        kind, words = self._next_answer("connected")
        if kind != "connected":
            code = int(words[0]) if words and re.fullmatch("-?[0-9]+", words[0]) else None
            raise Refused(code, f"{kind} {words}")
        self.session_present = {"1": True, "0": False, "-": None}[words[0]]

    def _answer(self, wanted):
        kind, words = self._next_answer(wanted)
        assert kind == wanted, f"{kind} {words} came while waiting for {wanted}"
        return words

    def subscribe(self, topic_filter, qos):
        self._say(f"subscribe {hexadecimal(topic_filter)} {qos}")
        return int(self._answer("subscribed")[0])

    def publish(self, topic, payload, qos=0, retain=False, user_property=None):
        self._say(f"publish {hexadecimal(topic)} {qos} {int(retain)} {hexadecimal(payload)} {hexadecimal(user_property or '')}")
        self._answer("published")

    def take(self, timeout=WAIT):
        try:
            return self._messages.get(timeout=timeout)
        except queue.Empty:
            raise Timeout("no message came") from None

    def leave(self):
        self._say("disconnect")
        while (kind := self._next_answer("ended")[0]) != "ended":
            assert kind != "exited", "the client ended without a word"

    def die(self):
        self._die()


class PahoC:
    """Eclipse Paho C; `kind`: "sync" (MQTTClient) or "async" (MQTTAsync). One process per client."""
    resubscribes, shows_properties, asks_for_will = False, True, False
    transports = ("tcp", "tls", "ws", "wss")

    def __init__(self, kind):
        self.name = f"paho_c_{kind}"
        self._program = os.path.join(os.environ.get("INTEROP_BIN", os.path.join(os.getcwd(), "bin")), f"interop_paho_{kind}")
        assert os.path.exists(self._program), f"{self._program} is not built: libpaho-mqtt-dev is missing"
        self._children = []

    def open(self, options):
        session = DriverSession(lambda line: child.say(line), lambda: child.kill())

        def on_line(line):
            kind, *words = line.split(" ")
            session.on_event(kind, words)
        child = Process([self._program, *options.words()], on_line, lambda errors: session.on_event("exited", [errors]))
        self._children.append(child)
        session.wait_connected()
        return session

    def close(self):
        for child in self._children:
            child.kill()


class MqttJs:
    """mqtt.js on Node.js: one process for all its clients, each line opens with the client's name."""
    name, resubscribes, shows_properties, asks_for_will = "mqtt_js", False, True, False
    transports = ("tcp", "tls", "ws", "wss")

    def __init__(self):
        folder = npm.installed("mqtt_js")
        self._sessions, self._names = {}, itertools.count()
        script = os.path.join(HERE, "mqtt_js", "driver.js")
        self._child = Process(["env", f"NODE_PATH={folder}/node_modules", "node", script], self._on_line, self._on_end)

    def _on_line(self, line):
        name, kind, *words = line.split(" ")
        if kind != "lost" or self._sessions[name].waits_for_loss:
            self._sessions[name].on_event(kind, words)

    def _on_end(self, errors):
        for session in self._sessions.values():
            session.on_event("exited", [errors])

    def open(self, options):
        name = f"k{next(self._names)}"
        session = DriverSession(lambda line: self._child.say(f"{name} {line}"), lambda: self._child.say(f"{name} die"))
        session.waits_for_loss = True
        self._sessions[name] = session
        self._child.say(f"{name} open {' '.join(options.words())}")
        session.wait_connected()
        session.waits_for_loss = False
        return session

    def close(self):
        self._child.kill()


class MosquittoTools:
    """mosquitto_sub and mosquitto_pub of Debian's mosquitto-clients: a process for each subscription and message."""
    name, resubscribes = "mosquitto_tools", True
    transports = ("tcp", "tls")
    shows_properties = False  # mosquitto_sub 2.0 does not print them
    asks_for_will = True  # its DISCONNECT of version 5 has reason 4, "with will message"

    def __init__(self):
        self._children = []

    def open(self, options):
        return ToolSession(options, self._children)

    def close(self):
        for child in self._children:
            child.kill()


class ToolSession:
    session_present = None  # mosquitto_sub does not say

    def __init__(self, options, children):
        self._options, self._children, self._subscriber = options, children, None
        self._messages, self._subscribed = queue.Queue(), queue.Queue()

    def _command(self, program, client_id):
        o = self._options
        words = ["stdbuf", "-oL", program, "-h", "localhost", "-p", str(o.door.port), "-i", client_id,
                 "-V", {3: "mqttv31", 4: "mqttv311", 5: "mqttv5"}[o.version]]
        if o.user is not None:
            words += ["-u", o.user, "-P", o.password]
        if o.authority:
            words += ["--cafile", o.authority]
        if o.certificate:
            words += ["--cert", o.certificate, "--key", o.key]
        return words

    def subscribe(self, topic_filter, qos):
        o = self._options
        words = self._command("mosquitto_sub", o.client_id)
        words += ["-d", "-t", topic_filter, "-q", str(qos), "-F", "=> %r %q %x %t"]
        if o.will:
            words += ["--will-topic", o.will[0], "--will-payload", o.will[1], "--will-qos", str(o.will[2])]
            words += ["--will-retain"] if o.will[3] else []
        if not o.clean:
            words += ["-c"]
        if o.version == 5 and o.expiry is not None:
            words += ["-x", str(o.expiry)]
        self._subscriber = Process(words, self._on_line, lambda errors: self._subscribed.put(("ended", errors)))
        self._children.append(self._subscriber)
        kind, value = self._subscribed.get(timeout=WAIT)
        if kind == "ended":
            raise Refused(self._code(value), value)
        return value

    def _on_line(self, line):
        if line.startswith("=> "):
            _, retain, qos, payload, topic = line.split(" ", 4)
            self._messages.put(Got(topic, int(qos), retain == "1", bytes.fromhex(payload), None))
        elif found := re.match(r"Subscribed \(mid: \d+\): (\d+)", line):
            self._subscribed.put(("granted", int(found.group(1))))

    @staticmethod
    def _code(errors):
        """The code behind the sentence the tools print; version 5 has its own sentences."""
        if "Connection Refused: not authorised" in errors:
            return 5
        return 135 if re.search("Not authori[sz]ed", errors) else None

    def publish(self, topic, payload, qos=0, retain=False, user_property=None):
        client_id = self._options.client_id + "p" if self._subscriber else self._options.client_id
        words = self._command("mosquitto_pub", client_id) + ["-t", topic, "-q", str(qos)] + (["-r"] if retain else [])
        if user_property:
            words += ["-D", "publish", "user-property", *user_property.split("=")]
        content = payload if isinstance(payload, bytes) else payload.encode()
        with tempfile.NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            words += ["-f", file.name] if content else ["-n"]
            run = subprocess.run(words, capture_output=True, text=True, timeout=WAIT, stdin=subprocess.DEVNULL)
        if run.returncode != 0:
            raise Refused(self._code(run.stderr), run.stderr)

    def take(self, timeout=WAIT):
        try:
            return self._messages.get(timeout=timeout)
        except queue.Empty:
            raise Timeout("no message came") from None

    def leave(self):
        if self._subscriber:
            self._subscriber.end(signal.SIGINT)

    def die(self):
        self._subscriber.kill()
