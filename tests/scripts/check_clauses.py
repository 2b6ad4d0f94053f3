#!/usr/bin/env python3
"""Checks the clause table (tests/conformance/clauses.tsv: clause, meaning in our words, room, tests).

Every MQTT clause that a test is labelled with or that code cites stands in the table; every test that the
table names exists and bears the clause as a label. [MESH-...] labels stand in bridge/wire/PROTOCOL.md. Prints
how many clauses are still without a test; exit status 1 for a breach.

Usage: check_clauses.py [project folder] [--fill] [--missing [room]]
  --fill     writes the tests column anew from the labels in the tests
  --missing  lists the clauses without a test, of one room if it is named
Rows of the room "client" bind clients only: they are there to be cited and are not counted.
"""
import pathlib
import re
import sys

FLAGS = [word for word in sys.argv[1:] if word.startswith("--")]
WORDS = [word for word in sys.argv[1:] if not word.startswith("--")]
HERE = pathlib.Path(__file__).resolve().parents[2]
ROOT = pathlib.Path(WORDS.pop(0)).resolve() if WORDS and pathlib.Path(WORDS[0], "tests").is_dir() else HERE
TABLE = ROOT / "tests/conformance/clauses.tsv"
CLAUSE = re.compile(r"\[((?:MQTT5?|MESH)-\d+(?:\.\d+)*-\d+)\]")
LABEL = re.compile(r'label\(\s*"((?:MQTT5?|MESH)-[^"]+)"')
TEST = re.compile(r"\bBOOST_(AUTO_TEST_SUITE_END|(?:AUTO|FIXTURE)_TEST_SUITE|(?:AUTO|FIXTURE|DATA)_TEST_CASE)\(\s*(\w*)")


def read_table():
    rows = [line.split("\t") for line in TABLE.read_text().splitlines()]
    return rows[0], rows[1:]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def read_tests():
    """suite/case -> (labels, place), from every C++ test."""
    tests = {}
    for file in sorted((ROOT / "tests").rglob("test_*.cpp")):
        text, suites = file.read_text(), []
        for found in TEST.finditer(text):
            kind, name = found.groups()
            decorators = text[found.end():text.find("{" if kind.endswith("CASE") else "\n", found.end())]
            labels = LABEL.findall(decorators)
            if kind == "AUTO_TEST_SUITE_END":
                suites.pop()
            elif kind.endswith("SUITE"):
                suites.append((name, labels))
            else:
                path = "/".join([suite for suite, _ in suites] + [name])
                inherited = [label for _, ones in suites for label in ones]
                place = f"{file.relative_to(ROOT)}:{line_of(text, found.start())}"
                tests[path] = (labels + inherited, place)
    return tests


def read_citations():
    """(clause, place) for every clause in square brackets."""
    for top in ("include", "src", "bridge", "dht", "tests", "simulations"):
        for file in sorted((ROOT / top).rglob("*.[ch]pp")):
            text = file.read_text()
            for found in CLAUSE.finditer(text):
                yield found.group(1), f"{file.relative_to(ROOT)}:{line_of(text, found.start())}"


def fill(head, rows, tests):
    for row in rows:
        row[3] = " ".join(sorted(path for path, (labels, _) in tests.items() if row[0] in labels))
    TABLE.write_text("".join("\t".join(row) + "\n" for row in [head, *rows]))


def main():
    (head, rows), tests = read_table(), read_tests()
    breaches = [f"clauses.tsv:{number}: not four columns" for number, row in enumerate(rows, 2) if len(row) != 4]
    if breaches:
        print("\n".join(breaches))
        return 1
    if "--fill" in FLAGS:
        fill(head, rows, tests)
    known = {row[0] for row in rows}
    protocol = ROOT / "bridge/wire/PROTOCOL.md"
    mesh = set(CLAUSE.findall(protocol.read_text())) if protocol.exists() else None

    def exists(clause):
        return (mesh is None or clause in mesh) if clause.startswith("MESH") else clause in known

    if len(known) != len(rows):
        breaches.append("clauses.tsv: a clause has two rows")
    for path, (labels, place) in tests.items():
        breaches += [f"{place}: {path}: no clause {label}" for label in labels if not exists(label)]
    breaches += [f"{place}: no clause {clause}" for clause, place in read_citations() if not exists(clause)]
    for number, row in enumerate(rows, 2):
        for path in row[3].split():
            if path not in tests:
                breaches.append(f"clauses.tsv:{number}: {row[0]}: no test {path} (check_clauses.py --fill?)")
            elif row[0] not in tests[path][0]:
                breaches.append(f"clauses.tsv:{number}: {path} is not labelled {row[0]}")

    labelled = {label for labels, _ in tests.values() for label in labels}
    ours = [row for row in rows if row[2] != "client"]
    missing = [row for row in ours if not row[3] and row[0] not in labelled]
    if "--missing" in FLAGS:
        for row in missing:
            if not WORDS or row[2] == WORDS[0]:
                print("\t".join(row[:3]))
    print("\n".join(breaches) or "no breach")
    print(f"{len(ours)} clauses concern a server, {len(missing)} are without test")
    return 1 if breaches else 0


sys.exit(main())
