"""The cases of the comparison: each starts fresh brokers, puts one load on them, and gives its figures.

A case gets a Bench and returns {figure: value}; a value is None when a broker cannot do it.
"""
from dataclasses import dataclass
from typing import Callable

import brokers
import load
from brokers import PLAIN, TLS
from figures import Figure

MESSAGES, HANDSHAKES, ACKS = "msg/CPU-s", "conn/CPU-s", "acks/s"
KIB = 1024


@dataclass
class Bench:
    """What a case has at hand: which broker to start, and how large the loads are."""
    kind: str  # "mosquitto" or "starling"
    certificates: brokers.Certificates
    quick: bool

    @property
    def seconds(self):
        return 1 if self.quick else 3

    def scaled(self, count):
        """Of things that take long: a tenth if it has to be quick."""
        return count // 10 if self.quick else count

    def start(self, **options):
        kind = brokers.Starling if self.kind == "starling" else brokers.Mosquitto
        return Serving(kind(self.certificates, **options).start())

    def start_joined(self, **options):
        make = brokers.starling_mesh if self.kind == "starling" else brokers.mosquitto_bridge
        return Serving(make(self.certificates, **options))

    def run(self, name, broker, door=PLAIN, **options):
        return load.run(name, broker, self.kind == "mosquitto", door, **options)


class Serving:
    """A broker for the length of a `with`."""

    def __init__(self, broker):
        self.broker = broker

    def __enter__(self):
        return self.broker

    def __exit__(self, *_):
        self.broker.close()


@dataclass(frozen=True)
class Case:
    name: str
    figures: tuple
    measure: Callable  # of a Bench and the figures


def throughput(name, what, ratio, kind, door=PLAIN, **options):
    """Deliveries per CPU-second of one load that runs for some seconds."""
    figure = Figure(what, MESSAGES, ratio=ratio)

    def measure(bench):
        with bench.start() as broker:
            return {figure: bench.run(kind, broker, door, seconds=bench.seconds, warmup=0.5, **options).per_cpu_second()}

    return Case(name, (figure,), measure)


def across(name, what, ratio, persistence, **options):
    """Published at one broker, delivered by another; the processor time of both counts."""
    figure = Figure(what, MESSAGES, ratio=ratio)

    def measure(bench):
        with bench.start_joined(persistence=persistence) as pair:
            report = bench.run("pairs", pair, None, seconds=bench.seconds, warmup=pair.settling_s, **options)
            return {figure: report.per_cpu_second()}

    return Case(name, (figure,), measure)


def latency():
    p50 = Figure("latency at 5 000 msg/s, p50", "us", True, ratio=1)
    p99 = Figure("latency at 5 000 msg/s, p99", "us", True, ratio=1)

    def measure(bench):
        with bench.start() as broker:
            report = bench.run("pairs", broker, seconds=bench.seconds, warmup=0.5, rate=5_000, clients=10, window=1_000)
            return {p50: report.latency_us("p50"), p99: report.latency_us("p99")}

    return Case("latency", (p50, p99), measure)


def retained():
    replay = Figure("100 000 retained to a new #, until the last", "ms", True, ratio=1 / 6)
    work = Figure("processor time of that replay", "ms", True)
    memory = Figure("memory per retained topic, 64 B payload", "B", True, absolute=400)

    def measure(bench):
        with bench.start() as broker:
            count = bench.scaled(100_000)
            report = bench.run("retained", broker, messages=count, size=64)
            if report.need("retained", "received") != count:
                raise brokers.Failure(f"of {count} retained messages {report.need('retained', 'received')} came")
            return {replay: report.need("retained", "last_ms"), work: report.need("cpu_s") * 1000, memory: report.bytes_each()}

    return Case("retained", (replay, work, memory), measure)


def matching():
    figure = Figure("matching with 1 000 000 filters, each topic wanted once", MESSAGES, ratio=10)

    def measure(bench):
        with bench.start() as broker:
            count = bench.scaled(1_000_000)
            report = bench.run("wildcard", broker, seconds=bench.seconds, clients=100, topics=count // 100, window=50)
            return {figure: report.per_cpu_second()}

    return Case("matching", (figure,), measure)


def filters():
    figure = Figure("memory per filter, 1 000 000 filters", "B", True, absolute=150)

    def measure(bench):
        with bench.start() as broker:
            return {figure: bench.run("wildcard", broker, seconds=1, filters=bench.scaled(1_000_000)).bytes_each()}

    return Case("filters", (figure,), measure)


def idle(name, what, door, absolute):
    figure = Figure(what, "B", True, absolute=absolute)

    def measure(bench):
        with bench.start() as broker:
            count = bench.scaled(10_000)
            report = bench.run("connections", broker, door, clients=count, hold=1)
            return {figure: report.bytes_each()}

    return Case(name, (figure,), measure)


def handshakes():
    full, resumed = Figure("TLS handshakes, full", HANDSHAKES), Figure("TLS handshakes, resumed", HANDSHAKES)

    def measure(bench):
        values = {}
        for figure, options in ((full, {}), (resumed, {"resume": True})):
            with bench.start() as broker:
                values[figure] = bench.run("tls-handshakes", broker, TLS, seconds=bench.seconds, **options).per_cpu_second()
        return values

    return Case("handshakes", (full, resumed), measure)


def committed():
    figure = Figure("QoS 1 on disk before PUBACK, 100 publishers, session away", ACKS, absolute=150_000)

    def measure(bench):
        with bench.start(persistence=True) as broker:
            return {figure: bench.run("offline-drain", broker, qos=1, clients=1, publishers=100, messages=bench.scaled(1_000_000)).need("offline", "queue_per_s")}

    return Case("committed", (figure,), measure)


def lag(name, what, scenario):
    """The worst that another client sees while `scenario(bench, broker)` goes on."""
    worst = Figure(f"worst latency of others while {what}", "ms", True, absolute=10)
    p999 = Figure(f"p99.9 of others while {what}", "ms", True)

    def measure(bench):
        with bench.start() as broker:
            probe = load.Probe(broker, PLAIN)
            try:
                scenario(bench, broker)
            finally:
                report = probe.stop()
            return {worst: report.latency_us("max") / 1000, p999: report.latency_us("p99_9") / 1000}

    return Case(f"lag-{name}", (worst, p999), measure)


def all_cases():
    pairs = {"clients": 10, "window": 500}
    return [
        throughput("qos0", "QoS 0, 10 pairs, 64 B", 20, "pairs", qos=0, **pairs),
        throughput("qos1", "QoS 1, 10 pairs, 64 B", 30, "pairs", qos=1, **pairs),
        throughput("qos2", "QoS 2, 10 pairs, 64 B", 40, "pairs", qos=2, **pairs),
        throughput("ping-pong", "10 pairs, one message under way each", None, "pairs", clients=10, window=1),
        throughput("fan-out-100", "1 -> 100, QoS 0", 40, "fan-out", clients=100, window=100),
        throughput("fan-out-100-qos1", "1 -> 100, QoS 1", None, "fan-out", clients=100, window=100, qos=1),
        throughput("fan-out-1000", "1 -> 1000, QoS 0, window 16", 12, "fan-out", clients=1_000, window=16),
        throughput("fan-in", "100 -> 1", 25, "fan-in", clients=100, window=100),
        throughput("size-1k", "1 KB payload, 10 pairs", 25, "pairs", size=KIB, clients=10, window=100),
        throughput("size-64k", "64 KB payload, 10 pairs", 6, "pairs", size=64 * KIB, clients=10, window=10),
        throughput("tls-64", "TLS, 64 B, 10 pairs", 20, "pairs", TLS, **pairs),
        throughput("tls-1k", "TLS, 1 KB, 10 pairs", 12, "pairs", TLS, size=KIB, clients=10, window=100),
        throughput("tls-64k", "TLS, 64 KB, 10 pairs", None, "pairs", TLS, size=64 * KIB, clients=10, window=10),
        throughput("wildcard", "filters with + and #, 10 pairs", None, "wildcard", **pairs),
        matching(),
        filters(),
        latency(),
        retained(),
        idle("idle-plain", "memory per idle connection", PLAIN, 0.7 * KIB),
        idle("idle-tls", "memory per idle TLS connection", TLS, 28 * KIB),
        handshakes(),
        across("nodes-qos0", "node to node over TLS, QoS 0", 20, False, qos=0, **pairs),
        across("nodes-qos1", "node to node over TLS, QoS 1, nothing on disk", 25, False, qos=1, **pairs),
        across("nodes-qos1-disk", "node to node over TLS, QoS 1, persistence on", 5, True, qos=1, **pairs),
        committed(),
        lag("nothing", "nothing else happens", lambda bench, broker: bench.run("pairs", broker, rate=1, clients=1, seconds=bench.seconds)),
        lag("replay", "100 000 retained replay",
            lambda bench, broker: bench.run("retained", broker, messages=bench.scaled(100_000), size=64)),
        lag("filters", "1 000 000 filters are loaded",
            lambda bench, broker: bench.run("wildcard", broker, filters=bench.scaled(1_000_000), seconds=1)),
        lag("resume", "a session with 1 000 000 queued messages resumes",
            lambda bench, broker: bench.run("offline-drain", broker, qos=1, publishers=10, messages=bench.scaled(1_000_000))),
        lag("payload", "a payload of 200 MB passes",
            lambda bench, broker: bench.run("pairs", broker, clients=1, qos=1, messages=1, size=bench.scaled(200_000_000))),
        lag("connects", "10 000 clients connect at once",
            lambda bench, broker: bench.run("connections", broker, clients=bench.scaled(10_000), connecting=bench.scaled(10_000))),
    ]
