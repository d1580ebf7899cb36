"""Alert rules: levels with hysteresis, surge above prediction, and silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .gauge import Reading

#: Levels in mm above chart datum, lowest first. What the water reaches at each of them is in
#: docs/design.md.
THRESHOLDS = {"watch": 4200, "warning": 4600, "severe": 4950}

#: An alert is cleared only this far below the level that raised it.
HYSTERESIS_MM = 80

#: Readings in a row at or above a threshold before the alert is raised.
CONFIRM = 2

#: Observed minus predicted. Four readings, because a residual is noisier than a level: a tide that turns
#: ten minutes early looks like a surge for a while.
SURGE_MM = 400
SURGE_CONFIRM = 4

#: No reading for this long and the gauge counts as silent. Five polls are missed by then, and the modem's
#: own retries are long over.
SILENCE_S = 1800


@dataclass(frozen=True)
class Event:
    """Something to tell people: an alert was raised or cleared."""

    t: int
    kind: str
    raised: bool
    level: int | None

    def __str__(self) -> str:
        word = "RAISED" if self.raised else "cleared"
        at = "no reading" if self.level is None else f"{self.level} mm"
        return f"{self.kind} {word} ({at})"


@dataclass
class Switch:
    """One threshold with its own memory of being on or off."""

    kind: str
    on_at: int
    off_below: int
    confirm: int
    active: bool = False
    count: int = 0

    def feed(self, value: float) -> bool | None:
        """Take a value. True: just raised. False: just cleared. None: no change."""
        if self.active:
            if value < self.off_below:
                self.active, self.count = False, 0
                return False
            return None
        self.count = self.count + 1 if value >= self.on_at else 0
        if self.count >= self.confirm:
            self.active = True
            return True
        return None


@dataclass
class Watcher:
    """Runs readings through every rule, in time order.

    ``predicted`` gives the expected height at a time; without it there are no surge alerts, which is right
    for a new gauge that has no fit yet.
    """

    predicted: Callable[[int], float] | None = None
    switches: list[Switch] = field(init=False)
    surge: Switch = field(init=False)
    last_t: int | None = None
    silent: bool = False

    def __post_init__(self) -> None:
        self.switches = [Switch(kind, on, on - HYSTERESIS_MM, CONFIRM) for kind, on in THRESHOLDS.items()]
        # A surge dies away slowly, so its band is half the height that raised it.
        self.surge = Switch("surge", SURGE_MM, SURGE_MM // 2, SURGE_CONFIRM)

    def feed(self, reading: Reading) -> list[Event]:
        """Take one reading and return what has changed.

        Readings that failed quality control are ignored altogether, so a stuck gauge becomes a silent one
        after half an hour.
        """
        if not reading.usable:
            return self.tick(reading.t)
        events = []
        if self.last_t is not None:
            # Readings can arrive late, all at once, after a silence nobody saw.
            events += self.tick(reading.t - 1)
        if self.silent:
            self.silent = False
            events.append(Event(reading.t, "silence", False, reading.level))
        self.last_t = reading.t
        for switch in self.switches:
            change = switch.feed(reading.level)
            if change is not None:
                events.append(Event(reading.t, switch.kind, change, reading.level))
        if self.predicted is not None:
            change = self.surge.feed(reading.level - self.predicted(reading.t))
            if change is not None:
                events.append(Event(reading.t, "surge", change, reading.level))
        return events

    def tick(self, now: int) -> list[Event]:
        """Say what has changed merely because time has passed.

        Silence does not clear a level alert: not knowing is no reason to tell people that the water has
        gone down.
        """
        if self.last_t is None or self.silent or now - self.last_t < SILENCE_S:
            return []
        self.silent = True
        return [Event(self.last_t + SILENCE_S, "silence", True, None)]

    @property
    def active(self) -> list[str]:
        """Names of the alerts that are on, the gravest level first."""
        names = [s.kind for s in reversed(self.switches) if s.active]
        return names + ["surge"] * self.surge.active + ["silence"] * self.silent


def replay(watcher: Watcher, readings: Iterable[Reading]) -> list[Event]:
    """Feed a whole series and return every event in it."""
    return [event for reading in readings for event in watcher.feed(reading)]
