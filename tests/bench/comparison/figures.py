"""What is measured, in which unit, and what is aimed at."""
import statistics
from dataclasses import dataclass, field

UNITS = {
    "msg/CPU-s": "messages delivered for each second of processor time that the broker used",
    "conn/CPU-s": "TLS connections for each second of processor time",
    "acks/s": "acknowledgements a second by the clock",
    "us": "microseconds", "ms": "milliseconds", "B": "bytes",
}


@dataclass(frozen=True)
class Figure:
    """`ratio`: Starling's figure over Mosquitto's, at least (at most, if less is better). `absolute`: likewise, of Starling's own."""
    what: str
    unit: str
    less_is_better: bool = False
    ratio: float = None
    absolute: float = None

    def aim(self):
        sign = "<=" if self.less_is_better else ">="
        if self.ratio is not None:
            return f"{sign} {self.ratio:.3g}x"
        return f"{sign} {number(self.absolute)} {self.unit}" if self.absolute is not None else ""

    def is_reached(self, ratio, starling):
        """None where nothing is aimed at, or nothing was measured."""
        limit, value = (self.ratio, ratio) if self.ratio is not None else (self.absolute, starling)
        if limit is None or value is None:
            return None
        return value <= limit if self.less_is_better else value >= limit


@dataclass(frozen=True)
class Measured:
    """`busy`: the part of the time that the broker's core worked for it; far below 1, the load was what bounded the rate."""
    value: float
    busy: float = None


@dataclass
class Series:
    """One figure over the rounds: a list of values for each broker, None where there was none."""
    figure: Figure
    values: dict = field(default_factory=lambda: {"mosquitto": [], "starling": []})
    busy: dict = field(default_factory=lambda: {"mosquitto": [], "starling": []})

    def add(self, broker, measured):
        """`measured`: Measured, a plain number, or None."""
        if not isinstance(measured, Measured):
            measured = Measured(measured)
        self.values[broker].append(measured.value)
        if measured.busy is not None:
            self.busy[broker].append(measured.busy)

    def busy_text(self):
        if not self.busy["mosquitto"] or not self.busy["starling"]:
            return ""
        return " / ".join(f"{statistics.median(self.busy[broker]):.0%}" for broker in ("mosquitto", "starling"))

    def median(self, broker):
        known = [value for value in self.values[broker] if value is not None]
        return statistics.median(known) if known else None

    def ratios(self):
        return [ours / theirs for theirs, ours in zip(self.values["mosquitto"], self.values["starling"])
                if ours is not None and theirs]

    def ratio(self):
        return statistics.median(self.ratios()) if self.ratios() else None

    def reached(self):
        return self.figure.is_reached(self.ratio(), self.median("starling"))

    def cells(self):
        """The row of the table: what, Mosquitto, Starling, ratio, spread, busy, aim, reached."""
        ratio, ratios, reached = self.ratio(), self.ratios(), self.reached()
        return [f"{self.figure.what}", self.figure.unit, number(self.median("mosquitto")), number(self.median("starling")),
                f"{factor(ratio)}" if ratio else "-",
                f"{factor(min(ratios))} to {factor(max(ratios))}" if len(ratios) > 1 else "-",
                self.busy_text(), self.figure.aim(), {None: "", True: "yes", False: "NO"}[reached]]


HEADER = ["what", "unit", "Mosquitto", "Starling", "ratio", "over the rounds", "busy", "aim", "reached"]


def number(value):
    """Three or four digits that matter: 1 234 000, 51.2, 0.0123."""
    if value is None:
        return "-"
    if abs(value) >= 1000:
        step = 10 ** max(0, len(str(int(abs(value)))) - 4)
        return f"{int(round(value / step)) * step:,}".replace(",", " ")
    return f"{value:.3g}"


def factor(value):
    return f"{value:.1f}x" if value >= 10 else f"{value:.2f}x"
