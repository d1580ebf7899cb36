"""What followed, earlier in a text, the tokens that were just read.

Knows: token ids, matches of several lengths. Does not know: models, probabilities, where the text comes from.

Source: n-grams of any length, counted where they stand and not in a table (infini-gram: Liu et al., 2024). No index is kept: to
find a token among some ten thousand takes a processor a few microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Counts = npt.NDArray[np.int32]
    Logs = npt.NDArray[np.float32]

APART = -1  # no token
ORDERS = (1, 2, 3, 4, 6, 12, 24)  # tokens of a match
MOST = 32  # followers of a place that are looked at
_LATEST = 4096  # places of each order that are counted


class NgramTable(NamedTuple):
    """What followed the last tokens before each of n places.

    tokens: int64 [n, MOST], the followers of the longest matches first, of these the most frequent; APART where there are fewer.
    counts: int32 [n, MOST, orders], how often each followed a match of each of ORDERS.
    places: int32 [n, orders], how many such matches there were, of which the latest 4,096 are counted.
    """

    tokens: Ids
    counts: Counts
    places: Counts


def ngram_followers(ids: Sequence[int] | Ids, first: int) -> NgramTable:
    """What followed earlier what stands before each of `ids[first:]`; nothing at that place or later is looked at.

    APART stands between texts: no match reaches over it, and nothing follows the end of a text.
    """
    all_ids = np.asarray(ids, np.int64)
    size = len(all_ids) - first
    found = NgramTable(
        np.full((size, MOST), APART, np.int64),
        np.zeros((size, MOST, len(ORDERS)), np.int32),
        np.zeros((size, len(ORDERS)), np.int32),
    )
    for row in range(size):
        _look(all_ids[: first + row], found, row)
    return found


def _look(before: Ids, found: NgramTable, row: int) -> None:
    """Write what followed the last of the tokens `before` into a row."""
    last = len(before) - 1
    if last < 1 or before[last] == APART:
        return
    places = np.flatnonzero(before[:last] == before[last])
    places = places[before[places + 1] != APART]
    counted: list[tuple[Ids, Ids]] = []
    depth = 1
    for number, order in enumerate(ORDERS):
        while depth < order and len(places):
            token = before[last - depth] if depth <= last else APART
            places = places[places >= depth] if token != APART else places[:0]
            places = places[before[places - depth] == token]
            depth += 1
        if not len(places):
            break
        latest = before[places[-_LATEST:] + 1]
        found.places[row, number] = len(latest)
        counted.append(np.unique(latest, return_counts=True))
    taken: dict[int, int] = {}
    for tokens, counts in reversed(counted):
        for token in tokens[np.argsort(-counts, kind="stable")].tolist():
            if len(taken) == MOST:
                break
            taken.setdefault(token, len(taken))
    if not taken:
        return
    chosen = np.fromiter(taken, np.int64)
    found.tokens[row, : len(chosen)] = chosen
    for number, (tokens, counts) in enumerate(counted):
        at = np.minimum(np.searchsorted(tokens, chosen), len(tokens) - 1)
        found.counts[row, : len(chosen), number] = np.where(tokens[at] == chosen, counts[at], 0)


def last_ngrams(ids: Sequence[int], *found: NgramTable) -> Ids:
    """What a model is to be asked for each of `ids`, int64 [n, 1 + MOST · sets]: that token, then the followers before it.

    Where there are fewer, it is asked for token 0, and what it says is of no use.
    """
    return np.maximum(np.column_stack([np.asarray(ids, np.int64), *(each.tokens for each in found)]), 0)


def split_logprobs(logs: Logs) -> tuple[list[float], list[Logs]]:
    """What a model said of what `asked` asks for, float [n, 1 + MOST · sets]: of the tokens themselves, and [n, MOST] of each set."""
    return logs[:, 0].tolist(), [logs[:, at : at + MOST] for at in range(1, logs.shape[1], MOST)]
