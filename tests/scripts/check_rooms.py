#!/usr/bin/env python3
"""Checks the house plan: which room may include which (rooms.txt), and that the plan has no cycle.

Usage: check_rooms.py [project folder]. Prints file:line of every breach; exit status 1 if there is one.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]((?:src|bridge|dht|starling|simulations|tests)/[^">]+)[">]')


def read_plan():
    plan = {}
    for line in (ROOT / "tests/scripts/rooms.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            room, _, allowed = line.partition("->")
            plan[room.strip()] = set(allowed.split())
    return plan


def find_cycle(plan):
    state, path = {}, []

    def visit(room):
        if state.get(room) == "done":
            return None
        if state.get(room) == "open":
            return path[path.index(room):] + [room]
        state[room] = "open"
        path.append(room)
        for other in sorted(plan.get(room, ())):
            if cycle := visit(other):
                return cycle
        path.pop()
        state[room] = "done"
        return None

    return next((cycle for room in plan if (cycle := visit(room))), None)


def room_of(path):
    if path.startswith("starling/"):
        return "include/starling"
    if path.startswith("tests/") or path.startswith("simulations/"):
        return path.split("/")[0]
    return "/".join(path.split("/")[:2])


def main():
    plan, breaches = read_plan(), []
    if cycle := find_cycle(plan):
        breaches.append("rooms.txt: cycle " + " -> ".join(cycle))
    for top in ("include", "src", "bridge", "dht", "simulations"):
        for file in sorted((ROOT / top).rglob("*.[ch]pp")):
            name = str(file.relative_to(ROOT))
            room = "include/starling" if top == "include" else room_of(name)
            if room not in plan:
                breaches.append(f"{name}:1: room {room} is not in rooms.txt")
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = INCLUDE.match(line)
                other = room_of(found.group(1)) if found else room
                if other not in (room, "include/starling") and other not in plan[room] and "*" not in plan[room]:
                    breaches.append(f"{name}:{number}: {room} may not include {other}")
    print("\n".join(breaches) or f"{len(plan)} rooms, no breach")
    return 1 if breaches else 0


sys.exit(main())
