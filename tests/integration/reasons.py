"""Why a test failed, as the last thing that its program prints: often nobody sees more of the output than its end."""
import os
import sys
import unittest

LINES = 12  # of each log and of each traceback
WIDTH = 300  # characters of a line


class Reasons(unittest.TextTestResult):
    """Keeps, for each failure, the last lines of what the brokers of the test had logged by then."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.reasons = []  # (name of the test, traceback, {name of a broker: last lines of its log})

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self._note(test, str(test), self.failures)

    def addError(self, test, error):
        super().addError(test, error)
        self._note(test, str(test), self.errors)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self._note(test, str(subtest), self.failures if issubclass(error[0], test.failureException) else self.errors)

    def _note(self, test, name, found):
        try:
            logs = last_words_of(test)
        except Exception as trouble:  # a broker that cannot be asked must not hide what went wrong
            logs = {"broker": [f"its log cannot be read: {trouble!r}"]}
        self.reasons.append((name, found[-1][1], logs))

    def tell(self):
        """One paragraph for each failure: what the brokers said last, then where and why."""
        for name, traceback, logs in self.reasons:
            self.stream.writeln(f"=== FAILED: {name}")
            for log, lines in logs.items():
                for line in lines:
                    self.stream.writeln(f"    {log}: {line[:WIDTH]}")
            for line in traceback.rstrip().splitlines()[-LINES:]:
                self.stream.writeln(f"  {line[:WIDTH]}")
        self.stream.flush()


def last_words_of(test):
    """{name: last lines} of the logs of a test's brokers: those that it keeps for itself, and its class's."""
    found = {}
    things = list(getattr(test, "_to_close", [])) + [getattr(test, name, None) for name in ("broker", "node")]
    for thing in things:
        log = getattr(thing, "log", None)
        said = log.text() if hasattr(log, "text") else thing.said() if hasattr(thing, "said") else ""
        if said:
            folder = getattr(thing, "state_dir", None) or getattr(thing, "folder", None) or "broker"
            found[os.path.basename(folder)] = said.splitlines()[-LINES:]
    return found


def run(verbosity):
    """unittest.main() for the program's own file, with the reasons behind everything else."""
    runner = unittest.TextTestRunner(verbosity=verbosity, resultclass=Reasons)
    result = unittest.main(testRunner=runner, exit=False).result
    sys.stdout.flush()  # what tests have printed comes first
    result.tell()
    sys.exit(0 if result.wasSuccessful() else 1)
