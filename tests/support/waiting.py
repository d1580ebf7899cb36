"""Waiting for what another process or thread does, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

GUARD = 300.0  # seconds after which a test that waits is taken for hung; no statement about speed


def until(condition: Callable[[], object]) -> None:
    """Return once `condition` holds; fail a test that hangs."""
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
