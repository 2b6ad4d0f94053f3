#!/usr/bin/env python3
"""Runs the comparison: case by case, in every round both brokers, one after the other and in changing order."""
import argparse
import os
import re
import sys
import time

import brokers
import cases
import table
from figures import Series

RESULTS = os.path.join(brokers.ROOT, "tests", "bench", "RESULTS.md")


def arguments():
    parser = argparse.ArgumentParser(prog="compare.sh", description="Starling beside Debian's Mosquitto, case by case.")
    parser.add_argument("--quick", action="store_true", help="one round, short and small: to see that everything works")
    parser.add_argument("--only", metavar="REGEX", type=re.compile, help="cases whose name matches")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each case (default 3; with --quick 1)")
    parser.add_argument("--write", action="store_true", help="write tests/bench/RESULTS.md")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and end")
    asked = parser.parse_args()
    if asked.rounds is not None and asked.rounds < 1:
        parser.error("--rounds must be at least 1")
    return asked


def measure(case, certificates, rounds, quick, failures):
    """The case's figures over the rounds. A broker that fails (Starling: also by losing QoS 1 or 2) has no value in that round."""
    series = {figure: Series(figure) for figure in case.figures}
    for number in range(rounds):
        order = ["mosquitto", "starling"] if number % 2 == 0 else ["starling", "mosquitto"]
        for kind in order:
            say(f"{case.name}: round {number + 1} of {rounds}, {kind}")
            try:
                values = case.measure(cases.Bench(kind, certificates, quick))
            except brokers.Failure as failure:
                values = {}
                failures.append(f"{case.name}, round {number + 1}, {kind}: {failure}")
                say(failures[-1])
            for figure in case.figures:
                series[figure].add(kind, values.get(figure))
    return list(series.values())


def say(text):
    print(text, file=sys.stderr, flush=True)


def main():
    asked = arguments()
    chosen = [case for case in cases.all_cases() if asked.only is None or asked.only.search(case.name)]
    if asked.list:
        print("\n".join(case.name for case in chosen))
        return 0
    if not chosen:
        say(f"compare.sh: no case matches {asked.only.pattern!r}; --list names them")
        return 2
    rounds = asked.rounds or (1 if asked.quick else 3)
    began, rows, failures = time.monotonic(), [], []
    certificates = brokers.Certificates()
    try:
        for case in chosen:
            rows += [series.cells() for series in measure(case, certificates, rounds, asked.quick, failures)]
    finally:
        certificates.close()
        if rows:
            print(f"{table.versions()}\n{table.machine()}\n{table.extent(rounds, asked.quick)}\n\n{table.text(rows)}", flush=True)
    say(f"\n{len(rows)} figures in {time.monotonic() - began:.0f} s")
    if asked.write:
        table.write(RESULTS, rows, rounds, asked.quick, failures)
        say(f"written: {RESULTS}")
    for failure in failures:
        say(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
