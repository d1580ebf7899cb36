"""N-gram continuations: the tokens that followed earlier occurrences of the last tokens of a text.

N-grams of several lengths are counted where they occur, not in a table (infini-gram: Liu et al.,
2024). There is no index: finding a token among some ten thousand takes a processor a few
microseconds.

Knows: token ids, matches of several lengths.
Does not know: models, probabilities, the source of the text.
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

NO_TOKEN = -1  # separates texts, and fills up rows of followers
ORDERS = (1, 2, 3, 4, 6, 12, 24)  # lengths of matches, in tokens
MAX_FOLLOWERS = 32  # followers kept for a position
_MAX_MATCHES = 4096  # the latest matches of each order, whose followers are counted


class NgramTable(NamedTuple):
    """The followers of the n-grams before each of n positions.

    Attributes:
        tokens: int64 [n, MAX_FOLLOWERS], followers of the longest matches first, of these the most
            frequent; NO_TOKEN where there are fewer.
        counts: int32 [n, MAX_FOLLOWERS, orders], how often each followed a match of each order.
        places: int32 [n, orders], the number of matches of each order, at most the latest 4,096.
    """

    tokens: Ids
    counts: Counts
    places: Counts


def ngram_followers(ids: Sequence[int] | Ids, first: int) -> NgramTable:
    """Find the followers of the n-grams before each of `ids[first:]`.

    Only tokens before a position are used for it.

    Args:
        ids: token ids of one or more texts, separated by NO_TOKEN. No match reaches over a
            separator, and the end of a text has no follower.
        first: the first position.
    """
    all_ids = np.asarray(ids, np.int64)
    size = len(all_ids) - first
    table = NgramTable(
        np.full((size, MAX_FOLLOWERS), NO_TOKEN, np.int64),
        np.zeros((size, MAX_FOLLOWERS, len(ORDERS)), np.int32),
        np.zeros((size, len(ORDERS)), np.int32),
    )
    for row in range(size):
        _fill_row(all_ids[: first + row], table, row)
    return table


def _fill_row(context: Ids, table: NgramTable, row: int) -> None:
    """Write the followers of the last n-grams of a context into a row of the table."""
    last = len(context) - 1
    if last < 1 or context[last] == NO_TOKEN:
        return
    # The last position of each earlier match of the present length.
    ends = np.flatnonzero(context[:last] == context[last])
    ends = ends[context[ends + 1] != NO_TOKEN]
    counted: list[tuple[Ids, Ids]] = []
    length = 1
    for number, order in enumerate(ORDERS):
        while length < order and len(ends):
            token = context[last - length] if length <= last else NO_TOKEN
            ends = ends[ends >= length] if token != NO_TOKEN else ends[:0]
            ends = ends[context[ends - length] == token]
            length += 1
        if not len(ends):
            break
        followers = context[ends[-_MAX_MATCHES:] + 1]
        table.places[row, number] = len(followers)
        counted.append(np.unique(followers, return_counts=True))
    ranks: dict[int, int] = {}
    for tokens, counts in reversed(counted):
        for token in tokens[np.argsort(-counts, kind="stable")].tolist():
            if len(ranks) == MAX_FOLLOWERS:
                break
            ranks.setdefault(token, len(ranks))
    if not ranks:
        return
    chosen = np.fromiter(ranks, np.int64)
    table.tokens[row, : len(chosen)] = chosen
    for number, (tokens, counts) in enumerate(counted):
        at = np.minimum(np.searchsorted(tokens, chosen), len(tokens) - 1)
        table.counts[row, : len(chosen), number] = np.where(tokens[at] == chosen, counts[at], 0)


def candidate_tokens(ids: Sequence[int], *tables: NgramTable) -> Ids:
    """List the tokens whose log-probabilities a model is asked for, at each of `ids`.

    Args:
        ids: n token ids.
        *tables: followers before each of them.

    Returns:
        int64 [n, 1 + MAX_FOLLOWERS · tables]: the token itself, then the followers of each table.
        Where there are fewer, token 0 stands in, whose log-probability is to be ignored.
    """
    return np.maximum(np.column_stack([np.asarray(ids, np.int64), *(table.tokens for table in tables)]), 0)


def split_logprobs(logs: Logs) -> tuple[list[float], list[Logs]]:
    """Split the log-probabilities of `candidate_tokens`.

    Args:
        logs: float [n, 1 + MAX_FOLLOWERS · tables].

    Returns:
        Those of the n tokens themselves, and an array [n, MAX_FOLLOWERS] for each table.
    """
    return logs[:, 0].tolist(), [logs[:, at : at + MAX_FOLLOWERS] for at in range(1, logs.shape[1], MAX_FOLLOWERS)]
