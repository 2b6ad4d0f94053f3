"""`starling bench`, run on the load's core, and what it reports."""
import json
import os
import signal
import subprocess

from brokers import LOAD_CORE, PATIENCE, ROOT, TLS, Failure
from figures import Measured

STARLING = os.environ.get("STARLING", os.path.join(ROOT, "build", "release", "bin", "starling"))
RUN_MAX = 600  # seconds that one load may take before it is given up


class Report:
    """The JSON object of one run. All names of its fields that the comparison knows are in this class."""

    def __init__(self, text, words):
        try:
            self.json = json.loads(text)
        except ValueError:
            raise Failure(f"`{' '.join(words)}` wrote no JSON object but: {text[:500]!r}") from None
        self.words = words

    def number(self, *path):
        """The number at `path`, or None where the report has null or nothing."""
        value = self.json
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def need(self, *path):
        value = self.number(*path)
        if value is None:
            raise Failure(f"the report of `{' '.join(self.words)}` has no {'.'.join(path)}: {json.dumps(self.json)[:1500]}")
        return value

    def per_cpu_second(self):
        """Deliveries (handshakes) in the measured time for each second of processor time of the brokers, and how busy these were."""
        value = self.need("per_cpu_s")
        if value <= 0:
            raise Failure(f"nothing was measured by `{' '.join(self.words)}`: {json.dumps(self.number('messages'))}")
        seconds = self.number("measured", "seconds") or self.need("handshakes", "seconds")
        return Measured(value, self.need("cpu_s") / seconds)

    def latency_us(self, which):
        return self.need("latency_us", which)

    def bytes_each(self):
        """Growth of the broker's memory for each thing that the load has brought."""
        return self.need("memory", "bytes_each")


def command(load, broker, options, door):
    words = [STARLING, "bench", load, "--publish-at", broker.publish_at(door) if door else broker.publish_at(),
             "--subscribe-at", broker.subscribe_at(door) if door else broker.subscribe_at(), "--json", "--quiet"]
    if door == TLS:
        words += ["--cafile", broker.certificates.ca]
    for pid in broker.pids:
        words += ["--pid", str(pid)]
    for name, value in options.items():
        words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    return words


def finish(process, words, may_lose):
    try:
        out, errors = process.communicate(timeout=RUN_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failure(f"`{' '.join(words)}` was not done in {RUN_MAX} s") from None
    if process.returncode not in (0, 1) or not out.strip():
        raise Failure(f"`{' '.join(words)}` ended with status {process.returncode}: {errors.strip()[-1000:]}")
    report = Report(out, words)
    if process.returncode == 1 and not may_lose:
        raise Failure(f"`{' '.join(words)}`: {errors.strip()[-1000:]} ({json.dumps(report.number('messages'))})")
    return report


def run(load, broker, may_lose, door=None, **options):
    """One load, to its end. `may_lose`: loss of QoS 1 or 2 is reported, not raised. `door`: None for joined brokers."""
    words = command(load, broker, options, door)
    process = subprocess.Popen(["taskset", "-c", LOAD_CORE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return finish(process, words, may_lose)


class Probe:
    """A small client that times its own messages, 1 000 a second, while something else goes on in the same broker.

    It shares the load's core: a real-time priority keeps the load's own work out of its figures, where that is allowed.
    """

    RATE = 1_000  # messages a second

    def __init__(self, broker, door):
        self.words = command("pairs", broker, {"clients": 1, "rate": self.RATE, "window": 1_000, "warmup": 0, "seconds": RUN_MAX}, door)
        front = ["taskset", "-c", LOAD_CORE]
        if os.geteuid() == 0:
            front = ["chrt", "-f", "10", *front]
        self.process = subprocess.Popen([*front, *self.words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def stop(self):
        """Ends it; returns its report."""
        self.process.send_signal(signal.SIGINT)
        try:
            out, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Failure(f"the probe did not end in {PATIENCE} s after SIGINT") from None
        if not out.strip():
            raise Failure(f"the probe `{' '.join(self.words)}` reported nothing: {errors.strip()[-1000:]}")
        return Report(out, self.words)
