"""The command line, and the reports it prints."""

from __future__ import annotations

import argparse
import collections
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import __version__, alerts, gauge, harmonics, quality
from .store import KEEP_DAYS, Store

INTERVAL_S = gauge.DEFAULT_INTERVAL_S

#: The report and the chart show this much. Two tides fit into 25 hours.
REPORT_HOURS = 25

#: Alerts are replayed from this long before the last reading, so that a switch that was raised earlier is
#: in its true state by the end.
REPLAY_DAYS = 3

#: Exit status when an alert is active. 2 is taken by argparse.
STATUS_ALERT = 3


def build_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="tidewatch", description=__doc__)
    parser.add_argument("--db", default="tidewatch.db", help="the SQLite file (default: tidewatch.db)")
    parser.add_argument("--version", action="version", version=__version__)
    sub = parser.add_subparsers(dest="command", required=True)
    p = sub.add_parser("ingest", help="read a gauge CSV into the store")
    p.add_argument("source", help="a file, or an http(s) address")
    sub.add_parser("check", help="count readings by flag, list long gaps").add_argument("station")
    sub.add_parser("fit", help="fit harmonic constants").add_argument("station")
    sub.add_parser("alerts", help="replay readings through the alert rules").add_argument("station")
    sub.add_parser("thin", help="reduce old readings to one an hour").add_argument("station")
    p = sub.add_parser("predict", help="print predicted heights")
    p.add_argument("station")
    p.add_argument("--start", required=True, help="UTC, as 2024-03-10T00:00Z")
    p.add_argument("--hours", type=int, default=24)
    p.add_argument("--turns", action="store_true", help="high and low waters only")
    p = sub.add_parser("report", help="the last day")
    p.add_argument("station")
    p.add_argument("--json", action="store_true", help="for web/chart.js")
    return parser


def ingest(store: Store, args: argparse.Namespace) -> int:
    """Read, check and store one file."""
    if args.source.startswith(("http://", "https://")):
        lines = gauge.fetch(args.source).splitlines()
    else:
        lines = Path(args.source).read_text(encoding="utf-8").splitlines()
    record = quality.control(gauge.parse_csv(lines))
    written = store.put(record.station, record.readings)
    print(f"{record.station}: {written} readings, {record.skipped} skipped, {record.repeated} repeated")
    return 0


def check(store: Store, args: argparse.Namespace) -> int:
    """Print the counts by flag, and the gaps too long to fill."""
    readings = store.get(args.station, store.last_time(args.station) - KEEP_DAYS * 86400)
    for flag, count in sorted(collections.Counter(r.flag for r in readings).items()):
        print(f"{flag:8} {count:7}")
    for before, after, missing in quality.find_gaps(readings, INTERVAL_S):
        if missing > quality.MAX_FILL:
            print(f"gap      {missing:7}  {gauge.format_time(before)} to {gauge.format_time(after)}")
    return 0


def fit(store: Store, args: argparse.Namespace) -> int:
    """Fit over at most the last year, and save the constants."""
    last = store.last_time(args.station)
    model = harmonics.fit(store.get(args.station, last - 366 * 86400), INTERVAL_S)
    store.save_fit(args.station, model)
    print(f"{model.days:.1f} days, mean {model.mean:.0f} mm, residual {model.rms:.1f} mm")
    for name, (amplitude, phase) in model.constants.items():
        print(f"{name:3} {amplitude:8.1f} mm {phase:6.1f} deg")
    return 0


def predict(store: Store, args: argparse.Namespace) -> int:
    """Print the predicted tide, hourly or at its turns."""
    model = store.load_fit(args.station)
    if model is None:
        raise gauge.GaugeError(f"{args.station} has no constants yet: run fit first")
    start = gauge.parse_time(args.start)
    if args.turns:
        for t, height, kind in harmonics.turning_points(model, start, args.hours):
            print(f"{gauge.format_time(t)} {height:6.0f} {kind}")
    else:
        for t in range(start, start + args.hours * 3600 + 1, 3600):
            print(f"{gauge.format_time(t)} {harmonics.predict(model, t):6.0f}")
    return 0


def show_alerts(store: Store, args: argparse.Namespace) -> int:
    """Print every change in the replayed days, then what is active now."""
    model = store.load_fit(args.station)
    watcher = alerts.Watcher((lambda t: harmonics.predict(model, t)) if model else None)
    first = store.last_time(args.station) - REPLAY_DAYS * 86400
    for event in alerts.replay(watcher, store.get(args.station, first)):
        print(gauge.format_time(event.t), event)
    print("active:", ", ".join(watcher.active) or "none")
    return STATUS_ALERT if watcher.active else 0


def report(store: Store, args: argparse.Namespace) -> int:
    """Print the last 25 hours, as text or as JSON for the chart."""
    last = store.last_time(args.station)
    first = last - REPORT_HOURS * 3600
    model = store.load_fit(args.station)
    seen = {r.t: r.level for r in store.get(args.station, first) if r.usable}
    times = range(first, last + 1, INTERVAL_S)
    points = [[t, seen.get(t), round(harmonics.predict(model, t)) if model else None] for t in times]
    if args.json:
        body = {"station": args.station, "generated": int(time.time()), "interval_s": INTERVAL_S}
        print(json.dumps({**body, "thresholds": alerts.THRESHOLDS, "points": points}))
        return 0
    print(f"{args.station}, {gauge.format_time(first)} to {gauge.format_time(last)}")
    print(f"readings  {len(seen)} of {len(points)}")
    if seen:
        low, high = min(seen, key=seen.get), max(seen, key=seen.get)
        print(f"lowest    {seen[low]} mm at {gauge.format_time(low)}")
        print(f"highest   {seen[high]} mm at {gauge.format_time(high)}")
    if seen and model:
        surge = max(seen[t] - harmonics.predict(model, t) for t in seen)
        print(f"surge     {surge:+.0f} mm at most")
    return 0


def thin(store: Store, args: argparse.Namespace) -> int:
    """Thin readings older than the limit."""
    print(f"{store.thin(args.station, int(time.time()))} readings removed")
    return 0


COMMANDS = {f.__name__: f for f in (ingest, check, fit, predict, report, thin)} | {"alerts": show_alerts}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    args = build_parser().parse_args(argv)
    try:
        with Store(args.db) as store:
            return COMMANDS[args.command](store, args)
    except (gauge.GaugeError, UnicodeDecodeError, OSError, sqlite3.Error) as error:
        print(f"tidewatch: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
