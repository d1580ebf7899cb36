"""Which chunks go on in the chunk that is stored behind them: what stands side by side need not be of one text, nor of any.

Knows: runs, and how stretches of text that was read are named. Does not know: atoms, recall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.storage import runs_in_order

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.storage import Store

_READ = "read/"  # a stretch of text that was read, and its number: the next one goes on where it ends


def continuation_run(number: int) -> str:
    """The name of a stretch of text that was read."""
    return f"{_READ}{number:08}"


def continues_in_next(store: Store, chunks: int) -> npt.NDArray[np.bool_]:
    """Whether the next of `chunks` chunks comes next in some text too, bool [chunks]: in a document, or in what was read behind it."""
    found = np.zeros(chunks, bool)
    name, end = "", -1  # of the run before
    for path, ordinal, first, count in runs_in_order(store):
        stop = min(first + count, chunks)
        found[first : max(first, stop - 1)] = True
        if first == end and 0 < first < chunks and (ordinal or _behind(name) == path):
            found[first - 1] = True
        name, end = path, stop
    return found


def _behind(path: str) -> str | None:
    """The name of the stretch behind one, or None for what is none."""
    number = path.removeprefix(_READ)
    return continuation_run(int(number) + 1) if number.isdecimal() and path == continuation_run(int(number)) else None
