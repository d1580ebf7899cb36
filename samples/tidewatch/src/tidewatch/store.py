"""The SQLite store: readings and harmonic constants of any number of stations."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from .gauge import GaugeError, Reading
from .harmonics import Fit

SCHEMA = 3

#: Readings older than this are thinned to one an hour. A fit wants a year in full detail; the other
#: 35 days are so that a fit that was put off by a month still finds its whole year.
KEEP_DAYS = 400

#: Rows per transaction. On the huts' memory cards one commit costs about 40 ms, and a power cut loses
#: at most the transaction in hand.
BATCH = 500

# One entry per version, applied in order, so that any old file can be opened.
_STEPS = [
    "CREATE TABLE reading (station TEXT NOT NULL, t INTEGER NOT NULL, level INTEGER, flag TEXT NOT NULL,"
    " PRIMARY KEY (station, t)) WITHOUT ROWID;",
    "CREATE TABLE fit (station TEXT PRIMARY KEY, mean REAL, fitted INTEGER, days REAL, rms REAL);"
    "CREATE TABLE constant (station TEXT, name TEXT, amplitude REAL, phase REAL, PRIMARY KEY (station, name));",
    # Version 3 changed no table, only the meaning of one flag: an older program, which would
    # undo 'manual', must refuse the file.
    "",
]


class Store:
    """An open store. Use it as a context manager."""

    def __init__(self, path: str | Path) -> None:
        self.db = sqlite3.connect(str(path), timeout=10)
        # WAL lets the chart's report read while the poller writes.
        self.db.execute("PRAGMA journal_mode = WAL")
        version = self.db.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA:
            self.db.close()
            raise GaugeError(f"{path} was written by a newer tidewatch (schema {version})")
        for number in range(version, SCHEMA):
            self.db.executescript(f"BEGIN; {_STEPS[number]} PRAGMA user_version = {number + 1}; COMMIT;")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.db.close()

    def put(self, station: str, readings: Iterable[Reading]) -> int:
        """Insert or replace readings; return how many rows were written.

        A row that a person has flagged ``manual`` is never touched, and a good one is not lost to a hole.
        Otherwise the newer verdict wins, because quality control sees more neighbours the later it runs.
        """
        rows = [(station, r.t, r.level, r.flag) for r in readings]
        before = self.db.total_changes
        for start in range(0, len(rows), BATCH):
            with self.db:
                self.db.executemany(
                    "INSERT INTO reading VALUES (?, ?, ?, ?) ON CONFLICT (station, t) DO UPDATE"
                    " SET level = excluded.level, flag = excluded.flag WHERE reading.flag <> 'manual'"
                    " AND NOT (reading.flag = 'good' AND excluded.flag IN ('filled', 'missing'))",
                    rows[start : start + BATCH],
                )
        return self.db.total_changes - before

    def get(self, station: str, start: int = 0, end: int = 2**40) -> list[Reading]:
        """Readings with start <= t < end, in time order."""
        rows = self.db.execute(
            "SELECT t, level, flag FROM reading WHERE station = ? AND t >= ? AND t < ? ORDER BY t",
            (station, start, end),
        )
        return [Reading(*row) for row in rows]

    def last_time(self, station: str) -> int:
        """The time of the newest reading."""
        t = self.db.execute("SELECT max(t) FROM reading WHERE station = ?", (station,)).fetchone()[0]
        if t is None:
            raise GaugeError(f"no readings for station {station}")
        return int(t)

    def save_fit(self, station: str, fit: Fit) -> None:
        """Replace the station's constants, all of them in one transaction."""
        with self.db:
            self.db.execute("DELETE FROM constant WHERE station = ?", (station,))
            head = (station, fit.mean, int(time.time()), fit.days, fit.rms)
            self.db.execute("INSERT OR REPLACE INTO fit VALUES (?, ?, ?, ?, ?)", head)
            rows = [(station, name, a, p) for name, (a, p) in fit.constants.items()]
            self.db.executemany("INSERT INTO constant VALUES (?, ?, ?, ?)", rows)

    def load_fit(self, station: str) -> Fit | None:
        """The station's constants, or None if it was never fitted."""
        head = self.db.execute("SELECT mean, days, rms FROM fit WHERE station = ?", (station,)).fetchone()
        if head is None:
            return None
        rows = self.db.execute("SELECT name, amplitude, phase FROM constant WHERE station = ?", (station,))
        return Fit(head[0], {name: (a, p) for name, a, p in rows}, head[1], head[2])

    def thin(self, station: str, now: int) -> int:
        """Drop all but the full hours of old readings; return how many went.

        Rows flagged ``manual`` or ``spike`` stay, whatever the minute: somebody may want to look at them again.
        """
        with self.db:
            cursor = self.db.execute(
                "DELETE FROM reading WHERE station = ? AND t < ? AND t % 3600 <> 0 AND flag NOT IN ('manual', 'spike')",
                (station, now - KEEP_DAYS * 86400),
            )
        return cursor.rowcount
