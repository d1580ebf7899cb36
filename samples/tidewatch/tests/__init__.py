"""Tests, and the synthetic tide that they share."""

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from tidewatch.gauge import Reading, format_time, parse_time  # noqa: E402
from tidewatch.harmonics import EPOCH, SPEEDS  # noqa: E402

START = parse_time("2024-03-01T00:00Z")
MEAN = 2500
TRUTH = {"M2": (880.0, 41.0), "S2": (290.0, 88.0), "O1": (92.0, 300.0), "K1": (118.0, 12.0), "N2": (170.0, 20.0)}


def tide(t: int) -> int:
    """The made-up tide of Halvorsund, exact to the millimetre."""
    hours = (t - EPOCH) / 3600
    return round(MEAN + sum(a * math.cos(math.radians(SPEEDS[n] * hours - p)) for n, (a, p) in TRUTH.items()))


def series(days: float) -> list[Reading]:
    """Six-minute readings of that tide."""
    return [Reading(t, tide(t)) for t in range(START, START + int(days * 86400), 360)]


def as_csv(readings: list[Reading]) -> str:
    """Write readings the way a gauge does."""
    rows = [f"{format_time(r.t)},{-9999 if r.level is None else r.level}," for r in readings]
    return "\n".join(["# tidewatch-csv 2", "# station: HLB", "# datum: CD", "time,level_mm,note", *rows, ""])
