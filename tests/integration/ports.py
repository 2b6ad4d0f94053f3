"""Ports for programs that must be told theirs before they start (a mosquitto.conf knows no "any free port")."""
import fcntl
import os
import random
import socket
import tempfile

FIRST, BEHIND = 20000, 32000  # below the range that the system gives to clients and to who asks for port 0
_kept = []  # this program's locks, until it ends


def free_port():
    """A TCP port of 127.0.0.1 that nobody uses, and that no other test's program will be given while this one runs."""
    folder = os.path.join(tempfile.gettempdir(), "starling-test-ports")
    os.makedirs(folder, exist_ok=True)
    while True:
        port = random.SystemRandom().randrange(FIRST, BEHIND)
        lock = open(os.path.join(folder, str(port)), "w", encoding="ascii")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as brokers do
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _kept.append(lock)
        return port


def free_ports(count):
    return [free_port() for _ in range(count)]
