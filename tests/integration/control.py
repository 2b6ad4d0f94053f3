"""Asking a daemon as its operator does: starling status and starling doctor."""
import json
import os
import subprocess

from harness import WAIT

STARLING = os.environ.get("STARLING", os.path.join(os.getcwd(), "bin", "starling"))


def starling(*words, program=STARLING, **options):
    """(exit status, standard output, standard error)"""
    done = subprocess.run([program, *words], capture_output=True, text=True, timeout=WAIT, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def status(node):
    """What the node with this state directory tells: the object at "status"."""
    code, output, error = starling("status", "--json", "--state-dir", node.state_dir)
    assert (code, error) == (0, ""), (code, error)
    document = json.loads(output)
    assert document["schema"] == 1, document
    return document["status"]


def peer_status(node, peer):
    """What `node` tells about its peer: {"state": ..., "path": ..., "why": ...}; None: it knows none such."""
    return next((entry for entry in status(node)["mesh"]["peers"] if entry["id"] == peer.id), None)


def doctor(node, *words):
    """(exit status, {name of a check: its finding})"""
    code, output, error = starling("doctor", "--json", "--state-dir", node.state_dir, *words)
    assert error == "", error
    return code, by_check(output)


def by_check(output):
    return {finding["check"]: finding for finding in json.loads(output)["findings"]}
