"""A copy mixture: a model's token probabilities, raised for the followers of earlier n-grams.

The model's probability of each follower is multiplied by `exp(w·x)`, and all probabilities are
divided by their new sum: a log-linear model (Rosenfeld, 1996) over a language model's own
distribution, akin to mixing in the logistic domain (PAQ: Mahoney, 2005). `x` describes how often
the token followed matches of each length (n-grams: Katz, 1987; of unbounded length: infini-gram,
Liu et al., 2024), and the model's own probability of it. So a continuous cache (Grave et al., 2017)
is trusted more where the model is unsure. After each token `w` takes a step up the gradient of that
token's log-probability, by AdaGrad (Duchi et al., 2011).

Knows: followers, log-probabilities, weights that are learnt while a text is read.
Does not know: models, memory, the source of the followers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalcli.retrieval_lm.ngrams import NO_TOKEN, NgramTable

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_MIN_LOGPROB = -20.0  # log-probabilities below it count as it
_MAX_LOGIT = 20.0  # bound of w·x, so that nothing overflows
_LEARNING_RATE = 0.05
# Initial weights, fitted once to 118 targets of 128 tokens in a repository, two novels and a
# conversation, none of them among the texts that figures are reported for. Starting at 0, all is
# learnt on the way, at a cost of up to 1 %.
_INITIAL_WEIGHTS = (
    *(0.16, -0.07, -0.92, -0.28),  # the first four of `follower_features`
    *(0.02, 0.22, 0.15, 0.09, 0.21, 0.06, -0.03),  # shares, by order
    *(-0.14, 0.48, 0.38, 0.33, 0.75, 0.24, 0.05),  # numbers of matches, by order
)


class CopyMixture:
    """Learnt weights of followers, and their mixture with a model's probabilities."""

    def __init__(self) -> None:
        """Start with the initial weights."""
        self._weights: Numbers = np.array(_INITIAL_WEIGHTS)
        self._squares: Numbers = np.ones(len(_INITIAL_WEIGHTS))  # of gradients, summed

    def mix(
        self,
        tokens: Sequence[int],
        own: Sequence[float],
        table: NgramTable,
        logs: npt.NDArray[np.floating[Any]],
    ) -> list[float]:
        """Mix the log-probabilities of n consecutive tokens.

        The weights learn from each token for the next.

        Args:
            tokens: n token ids.
            own: the model's log-probabilities of them.
            table: the followers before each.
            logs: float [n, MAX_FOLLOWERS], the model's log-probabilities of these followers.

        Returns:
            n natural logarithms of probabilities.
        """
        features = follower_features(table, logs)
        mixed = []
        for row, token in enumerate(tokens):
            count = int((table.tokens[row] != NO_TOKEN).sum())
            if not count:
                mixed.append(own[row])
                continue
            x = features[row, :count]
            boosts = np.clip(x @ self._weights, -_MAX_LOGIT, _MAX_LOGIT)
            probabilities = np.exp(logs[row, :count].astype(np.float64))
            raised = probabilities * np.exp(boosts)
            total = max(0.0, 1.0 - probabilities.sum()) + raised.sum()
            gradient = -(raised @ x) / total
            logprob = own[row] - math.log(total)
            for place in np.flatnonzero(table.tokens[row, :count] == token):
                logprob += boosts[place]
                gradient += x[place]
            mixed.append(float(logprob))
            self._squares += gradient**2
            self._weights += _LEARNING_RATE * gradient / np.sqrt(self._squares)
        return mixed


def follower_features(table: NgramTable, logs: npt.NDArray[np.floating[Any]]) -> Numbers:
    """Return the features of each follower.

    The first four are a constant, the model's log-probability, that times the number of orders the
    token followed, and that again where it is the only follower of the longest match. Then, for
    each order, come the logarithm of its share among followers, and that of the number of matches.

    Args:
        table: the followers of n positions.
        logs: float [n, MAX_FOLLOWERS], the model's log-probabilities of them.

    Returns:
        float64 [n, MAX_FOLLOWERS, features]; 0 for places without a follower.
    """
    counts, places = table.counts.astype(np.float64), table.places.astype(np.float64)[:, None, :]
    follows = counts > 0
    own = np.clip(logs.astype(np.float64), _MIN_LOGPROB, 0.0)
    orders = follows.sum(2)
    alone = (orders == (table.places > 0).sum(1)[:, None]) & (_followers_of_longest(follows) == 1)[:, None]
    shares = np.where(follows, np.log(np.maximum(counts, 1) / np.maximum(places, 1)), 0.0)
    sizes = np.where(follows, np.log(np.maximum(places, 1)), 0.0)
    first = np.stack([np.ones_like(own), own, 0.1 * orders * own, alone * own], 2)
    features: Numbers = np.concatenate([first, shares, 0.3 * sizes], 2)
    features[table.tokens == NO_TOKEN] = 0.0
    return features


def _followers_of_longest(follows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count the distinct followers of the longest match before each position.

    Args:
        follows: [n, MAX_FOLLOWERS, orders].

    Returns:
        int64 [n].
    """
    distinct = follows.sum(1)
    longest = np.maximum((distinct > 0).sum(1) - 1, 0)
    counts: npt.NDArray[np.int64] = distinct[np.arange(len(distinct)), longest]
    return counts
