#!/usr/bin/env python3
"""Runs one scenario in two processes with different options, so that their memory lies elsewhere, and compares what they tell.

usage: two_processes.py STARLING_SIM SCENARIO
"""
import json
import subprocess
import sys
import tempfile


def run(program, scenario, *more):
    """The report, and its text without the one line that differs: how long it took."""
    done = subprocess.run([program, "run", scenario, "--quiet", "--json", "-", *more], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=280)
    if done.returncode not in (0, 1):  # 1: a promise was broken; nothing is claimed here
        sys.exit(f"starling-sim ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout), [line for line in done.stdout.splitlines() if '"run"' not in line]


def main():
    program, scenario = sys.argv[1:]
    first, first_text = run(program, scenario)
    with tempfile.TemporaryDirectory() as folder:
        second, second_text = run(program, scenario, "--report", folder + "/a-longer-name-than-others.html",
                                  "--trace", folder + "/trace.json")
    digests = [report["digest"] for report in (first, second)]
    if digests[0] != digests[1] or first_text != second_text:
        for a, b in zip(first_text, second_text):
            if a != b:
                print(f"  {a[:200]}\n  {b[:200]}")
        sys.exit(f"two runs of one seed differ: {digests}")
    other, _ = run(program, scenario, "--no-checks", "--seed", str(int(first["seed"]) + 1))
    if other["digest"] == digests[0]:
        sys.exit("another seed gives the same run")
    print(f"digest {digests[0]} twice; another seed: {other['digest']}")


main()
