"""Harmonic analysis and prediction, without any libraries.

The height of the tide is modelled as

    h(t) = mean + sum over c of  a_c * cos(w_c t) + b_c * sin(w_c t)

which is linear in the mean and the pairs (a, b), so ordinary least squares finds them. Time runs in hours
from the epoch 2000-01-01T00:00Z.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .gauge import GaugeError, Reading, parse_time

EPOCH = parse_time("2000-01-01T00:00Z")

#: Speeds in degrees per hour. The order is the order of importance: where two constituents cannot be told
#: apart, the one listed later is dropped.
SPEEDS = {
    "M2": 28.9841042,  # principal lunar
    "S2": 30.0000000,  # principal solar
    "O1": 13.9430356,  # lunar diurnal
    "K1": 15.0410686,  # lunisolar diurnal
    "N2": 28.4397295,  # larger lunar elliptic
    "M4": 57.9682084,  # shallow-water overtide of M2
    "K2": 30.0821373,  # lunisolar semidiurnal
}

#: The shortest record worth fitting. M2 and S2 come apart after 14.77 days.
MIN_DAYS = 15.0

#: More than this share of the span must be usable readings, or the fit may rest on a few scattered days and
#: look far better than it is.
MIN_COVERAGE = 0.60


@dataclass(frozen=True)
class Fit:
    """Harmonic constants: the mean in mm, and name -> (amplitude, phase)."""

    mean: float
    constants: dict[str, tuple[float, float]]
    days: float
    rms: float


def resolvable(days: float) -> list[str]:
    """Names of the constituents that a record of this length can separate.

    Rayleigh's criterion: over the record, two constituents must drift apart by at least one whole cycle.
    For S2 and K2 that takes 182.6 days, for M2 and N2 27.6 days.
    """
    chosen: list[str] = []
    for name, speed in SPEEDS.items():
        apart = (abs(speed - SPEEDS[c]) * 24 * days / 360 for c in chosen)
        if all(cycles >= 1 for cycles in apart):
            chosen.append(name)
    return chosen


def _row(t: int, names: Sequence[str]) -> list[float]:
    """The model's coefficients at one time: 1, cos, sin, cos, sin, ..."""
    hours = (t - EPOCH) / 3600
    row = [1.0]
    for name in names:
        angle = math.radians(SPEEDS[name] * hours % 360)
        row += [math.cos(angle), math.sin(angle)]
    return row


def solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a square system by Gaussian elimination with partial pivoting."""
    n = len(right)
    work = [row[:] + [right[i]] for i, row in enumerate(matrix)]
    for col in range(n):
        pivot = max(range(col, n), key=lambda r: abs(work[r][col]))
        if abs(work[pivot][col]) < 1e-9:
            raise GaugeError("the readings do not determine the constants")
        work[col], work[pivot] = work[pivot], work[col]
        for r in range(col + 1, n):
            factor = work[r][col] / work[col][col]
            for c in range(col, n + 1):
                work[r][c] -= factor * work[col][c]
    x = [0.0] * n
    for r in range(n - 1, -1, -1):
        known = sum(work[r][c] * x[c] for c in range(r + 1, n))
        x[r] = (work[r][n] - known) / work[r][r]
    return x


def fit(readings: Sequence[Reading], interval_s: int) -> Fit:
    """Fit the constants to the usable readings.

    Readings that were filled in are left out: they add no knowledge, only weight to the readings at either
    end of the gap.
    """
    used = [r for r in readings if r.usable and r.flag != "filled"]
    days = (used[-1].t - used[0].t) / 86400 if used else 0.0
    if days < MIN_DAYS:
        raise GaugeError(f"a fit needs {MIN_DAYS:g} days of readings, there are {days:.1f}")
    coverage = len(used) / (days * 86400 / interval_s + 1)
    if coverage <= MIN_COVERAGE:
        raise GaugeError(f"only {coverage:.0%} of the record is usable")
    names = resolvable(days)
    size = 2 * len(names) + 1
    normal = [[0.0] * size for _ in range(size)]
    right = [0.0] * size
    for r in used:
        row = _row(r.t, names)
        for i, value in enumerate(row):
            right[i] += value * r.level
            line = normal[i]
            for j in range(i, size):  # upper half only: the matrix is symmetric
                line[j] += value * row[j]
    for i in range(size):
        for j in range(i):
            normal[i][j] = normal[j][i]
    x = solve(normal, right)
    constants = {}
    for k, name in enumerate(names):
        a, b = x[2 * k + 1], x[2 * k + 2]
        constants[name] = (math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360)
    bare = Fit(x[0], constants, days, 0.0)
    squares = sum((r.level - predict(bare, r.t)) ** 2 for r in used)
    return Fit(x[0], constants, days, math.sqrt(squares / len(used)))


def predict(model: Fit, t: int) -> float:
    """The predicted height in millimetres at one time."""
    hours = (t - EPOCH) / 3600
    height = model.mean
    for name, (amplitude, phase) in model.constants.items():
        height += amplitude * math.cos(math.radians(SPEEDS[name] * hours - phase))
    return height


def turning_points(model: Fit, start: int, hours: int) -> list[tuple[int, float, str]]:
    """High and low waters as (time, height, "high" or "low"), to the minute."""
    heights = [predict(model, start + 60 * k) for k in range(hours * 60 + 1)]
    found = []
    for k in range(1, len(heights) - 1):
        before, here, after = heights[k - 1 : k + 2]
        if (here - before) * (after - here) < 0:
            found.append((start + 60 * k, here, "high" if here > before else "low"))
    return found
