"""Quality control: mark readings that cannot be trusted.

Nothing here deletes or changes a measured value. The functions set flags, and ``fill_short_gaps`` adds
readings of its own with the flag ``filled``.
"""

from __future__ import annotations

from statistics import median

from .gauge import Reading, Record

#: Outside this range the sensor is out of the water or the cable is cut.
RANGE_MM = (-2000, 12000)

#: A reading this far from the median of its neighbours is a spike. The fastest natural change on record is
#: 69 mm in one interval; a seiche in the inner basin once gave 190 mm. 250 leaves both alone.
SPIKE_MM = 250
SPIKE_NEIGHBOURS = 2

#: Across a hole the tide itself can move by a metre, so neighbours further off than this are not asked.
SPIKE_REACH_S = 1800

#: Ten readings (an hour) within 2 mm of each other are a stuck float. Even at neaps, at the top of the
#: tide, an hour brings more than that.
FLAT_COUNT = 10
FLAT_MM = 2

#: Up to this many missing readings in a row are filled by a straight line.
MAX_FILL = 3


def mark_range(readings: list[Reading]) -> None:
    """Flag values that no tide can reach."""
    low, high = RANGE_MM
    for r in readings:
        if r.flag == "good" and r.level is not None and not low <= r.level <= high:
            r.flag = "range"


def mark_spikes(readings: list[Reading]) -> None:
    """Flag readings far from the median of two neighbours on either side.

    The flags are set after all comparisons are done: a spike must not stop counting as a neighbour half-way
    through, or the result would depend on the direction of the walk.
    """
    good = [r for r in readings if r.flag == "good" and r.level is not None]
    found: list[Reading] = []
    for i, r in enumerate(good):
        around = good[max(0, i - SPIKE_NEIGHBOURS) : i] + good[i + 1 : i + 1 + SPIKE_NEIGHBOURS]
        near = [n.level for n in around if abs(n.t - r.t) <= SPIKE_REACH_S]
        # With fewer than three neighbours a median means nothing.
        if len(near) >= 3 and abs(r.level - median(near)) > SPIKE_MM:
            found.append(r)
    for r in found:
        r.flag = "spike"


def mark_flat(readings: list[Reading]) -> None:
    """Flag every run of at least FLAT_COUNT readings within FLAT_MM.

    Runs are grown greedily from the left. Flagged spikes do not break a run: a stuck float with a glitch in
    the middle is still stuck.
    """
    good = [r for r in readings if r.flag == "good" and r.level is not None]
    start = 0
    while start < len(good):
        low = high = good[start].level
        end = start + 1
        while end < len(good):
            level = good[end].level
            if max(high, level) - min(low, level) > FLAT_MM:
                break
            low, high = min(low, level), max(high, level)
            end += 1
        if end - start >= FLAT_COUNT:
            for r in good[start:end]:
                r.flag = "flat"
            start = end
        else:
            start += 1


def find_gaps(readings: list[Reading], interval_s: int) -> list[tuple[int, int, int]]:
    """List holes as (last time before, first time after, readings missing).

    A reading with no value counts as missing. One with a bad flag does not: the gauge was alive, even if it
    was wrong.
    """
    present = [r.t for r in readings if r.level is not None]
    gaps = []
    for before, after in zip(present, present[1:]):
        # Rounding absorbs loggers whose clock is a few seconds off.
        missing = round((after - before) / interval_s) - 1
        if missing > 0:
            gaps.append((before, after, missing))
    return gaps


def fill_short_gaps(readings: list[Reading], interval_s: int) -> list[Reading]:
    """Return the readings with gaps of up to MAX_FILL filled in.

    A gap is left alone if either end of it is not trusted: a line drawn from a spike would be worse than a
    hole.
    """
    by_time = {r.t: r for r in readings}
    for before, after, missing in find_gaps(readings, interval_s):
        a, b = by_time[before], by_time[after]
        if missing > MAX_FILL or not (a.usable and b.usable):
            continue
        for k in range(1, missing + 1):
            t = before + k * interval_s
            share = (t - before) / (after - before)
            by_time[t] = Reading(t, round(a.level + share * (b.level - a.level)), "filled")
    return [by_time[t] for t in sorted(by_time)]


def control(record: Record) -> Record:
    """Run every test, in the one order that works. See docs/design.md."""
    mark_range(record.readings)
    mark_spikes(record.readings)
    mark_flat(record.readings)
    record.readings = fill_short_gaps(record.readings, record.interval_s)
    return record
