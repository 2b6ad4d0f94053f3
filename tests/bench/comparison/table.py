"""The table, on the terminal and as RESULTS.md."""
import os
import platform
import re
import subprocess
import time

import brokers
from figures import HEADER

MARK = "<!-- Everything above this line is written by compare.sh --write; what is below stays. -->"


def text(rows):
    """Columns under one another."""
    rows = [HEADER] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADER))]
    right = range(2, len(HEADER) - 1)
    return "\n".join("  ".join(cell.rjust(widths[i]) if i in right else cell.ljust(widths[i]) for i, cell in enumerate(row)).rstrip()
                     for row in rows)


def markdown(rows):
    lines = ["| " + " | ".join(HEADER) + " |", "|---|---|" + "--:|" * (len(HEADER) - 3) + "---|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def first_line(*command):
    """What a program says about itself; mosquitto -h ends with status 3."""
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).strip().split("\n")[0]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"^model name\s*: (.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def versions():
    packaged = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "mosquitto"], capture_output=True, text=True, check=False).stdout
    return (f"{first_line(brokers.STARLINGD, '--version')} ({built()}); "
            f"{first_line(brokers.MOSQUITTO, '-h')} (Debian's package {packaged or 'unknown'})")


def git(*words):
    found = subprocess.run(["git", "-C", brokers.ROOT, *words], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def built():
    """When the program was built, beside the commit that lies here now: the one need not be made of the other."""
    made = os.stat(brokers.STARLINGD).st_mtime
    is_older = int(git("log", "-1", "--format=%ct") or 0) > made
    return (f"built {time.strftime('%Y-%m-%d %H:%M', time.gmtime(made))} UTC, sources at {git('describe', '--always', '--dirty') or 'unknown'}"
            + (", WHICH IS NEWER THAN THE PROGRAM" if is_older else ""))


def machine():
    return (f"{processor()}, {os.cpu_count()} cores, Linux {platform.release()}; broker on core {brokers.BROKER_CORE}, "
            f"load on core {brokers.LOAD_CORE}, loopback")


def extent(rounds, quick):
    return f"{rounds} round{'s' if rounds > 1 else ''}" + (", quick: counts of 10 000 and more, and the 200 MB, are a tenth of it" if quick else "")


def write(path, rows, rounds, quick, failures):
    """Replaces the measured part of `path`; what people wrote below the mark stays."""
    kept = ""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            kept = file.read().partition(MARK)[2]
    lines = ["# Beside Mosquitto", "",
             f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC. {versions()}.", "",
             f"{machine()}.", "",
             f"{extent(rounds, quick)}; the two brokers in turn. The figure of a broker is its median over the rounds, the ratio the median of the "
             "rounds' ratios (Starling / Mosquitto).", "",
             markdown(rows), ""]
    lines += [f"* {failure}" for failure in failures] + ([""] if failures else [])
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + MARK + (kept or "\n"))
