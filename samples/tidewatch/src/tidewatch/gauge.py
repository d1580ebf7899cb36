"""Gauge records: the CSV format, and fetching it from a gauge modem."""

from __future__ import annotations

import http.client
import random
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone

MAGIC = "# tidewatch-csv 2"
MISSING = -9999
DEFAULT_INTERVAL_S = 360
MAX_BAD_FRACTION = 0.05

# Fetching. See "Talking to the modem" in docs/design.md.
ATTEMPTS = 4
FIRST_WAIT_S = 2.0
WAIT_FACTOR = 3.0
JITTER = 0.20
TIMEOUT_S = 12.0
RETRY_STATUS = frozenset({408, 429})
#: A day of six-minute readings is about 5.8 kB, so a megabyte is more than five months. Anything larger is
#: not a gauge file and would only fill the memory.
MAX_BYTES = 1_000_000

_STATION = re.compile(r"[A-Z]{2,5}")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?Z")


class GaugeError(ValueError):
    """The record cannot be used; the message says why, for a person."""


@dataclass
class Reading:
    """One level. ``level`` is millimetres above chart datum, or None."""

    t: int
    level: int | None
    flag: str = "good"

    @property
    def usable(self) -> bool:
        """Whether a fit or an alert may rely on this reading."""
        return self.level is not None and self.flag in ("good", "filled", "manual")


@dataclass
class Record:
    """A parsed file: where it came from and its readings in time order."""

    station: str
    interval_s: int
    readings: list[Reading]
    skipped: int = 0
    repeated: int = 0
    header: dict[str, str] = field(default_factory=dict)


def parse_time(text: str) -> int:
    """Turn ``2024-03-10T00:06Z`` into seconds since 1970.

    ``datetime.fromisoformat`` is not used: before Python 3.11 it refuses the trailing Z, and it accepts
    local times, which this package must not.
    """
    match = _TIME.fullmatch(text.strip())
    if not match:
        raise GaugeError(f"not a UTC time ending in Z: {text!r}")
    try:
        moment = datetime(*(int(g or 0) for g in match.groups()), tzinfo=timezone.utc)
    except ValueError as error:
        raise GaugeError(f"no such time: {text!r}") from error
    return int(moment.timestamp())


def format_time(t: float) -> str:
    """The inverse of parse_time, to the minute."""
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(t))


def parse_csv(lines: Iterable[str]) -> Record:
    """Read a version 2 gauge file.

    Bad lines are skipped and counted. More than 5 per cent of them, and the file is refused as a whole.
    """
    rows = iter(lines)
    first = next(rows, "").rstrip("\r\n").lstrip("\ufeff")
    if first != MAGIC:
        if first.startswith("# tidewatch-csv 1"):
            raise GaugeError("version 1 file: its heights have no datum, so it cannot be used")
        raise GaugeError(f"the first line is not {MAGIC!r}")
    header: dict[str, str] = {}
    seen: dict[int, Reading] = {}
    total = skipped = repeated = 0
    for raw in rows:
        line = raw.strip()
        if not line or line.startswith("time,"):
            continue
        if line.startswith("#"):
            key, _, value = line[1:].partition(":")
            header[key.strip().lower()] = value.strip()
            continue
        total += 1
        parts = line.split(",", 2)
        try:
            t, level = parse_time(parts[0]), int(parts[1])
        except (ValueError, IndexError):
            skipped += 1
            continue
        # After a power cut the logger replays its buffer, and the replayed values are rounded to the
        # centimetre. So the first one is better.
        if t in seen:
            repeated += 1
            continue
        seen[t] = Reading(t, None, "missing") if level == MISSING else Reading(t, level)
    _check_header(header)
    if not seen or skipped > MAX_BAD_FRACTION * total:
        raise GaugeError(f"{skipped} of {total} lines could not be read")
    interval = int(header.get("interval_s", DEFAULT_INTERVAL_S))
    ordered = [seen[t] for t in sorted(seen)]
    return Record(header["station"], interval, ordered, skipped, repeated, header)


def _check_header(header: dict[str, str]) -> None:
    """Refuse a file whose station or datum is missing or unknown."""
    if not _STATION.fullmatch(header.get("station", "")):
        raise GaugeError("the station must be two to five capital letters")
    if header.get("datum") != "CD":
        raise GaugeError("the datum must be CD (chart datum)")
    interval = header.get("interval_s", str(DEFAULT_INTERVAL_S))
    if not interval.isdigit() or int(interval) == 0:
        raise GaugeError("interval_s must be a whole number of seconds")


def waits(rng: random.Random) -> list[float]:
    """The pauses between attempts, about 2, 6 and 18 seconds."""
    plain = [FIRST_WAIT_S * WAIT_FACTOR**i for i in range(ATTEMPTS - 1)]
    return [w * rng.uniform(1 - JITTER, 1 + JITTER) for w in plain]


def _open(url: str) -> bytes:
    """One attempt over HTTP."""
    request = urllib.request.Request(url, headers={"User-Agent": "tidewatch"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
        data: bytes = response.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise GaugeError(f"more than {MAX_BYTES} bytes: not a gauge file")
    return data


def fetch(
    url: str,
    opener: Callable[[str], bytes] = _open,
    sleep: Callable[[float], None] = time.sleep,
    rng: random.Random | None = None,
) -> str:
    """Fetch a gauge file, trying again when the modem is redialling.

    ``opener`` and ``sleep`` are parameters so that the tests need neither a network nor patience.
    """
    pauses = waits(rng or random.Random())
    for attempt in range(ATTEMPTS):
        try:
            return opener(url).decode("utf-8")
        except urllib.error.HTTPError as error:
            if 400 <= error.code < 500 and error.code not in RETRY_STATUS:
                raise GaugeError(f"{url}: HTTP {error.code}") from error
            reason: Exception = error
        except (OSError, http.client.HTTPException) as error:
            reason = error
        if attempt < ATTEMPTS - 1:
            sleep(pauses[attempt])
    raise GaugeError(f"{url}: no answer in {ATTEMPTS} attempts ({reason})")
