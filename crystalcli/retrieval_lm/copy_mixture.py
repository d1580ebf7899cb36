"""How likely a token is, by a model and by what followed earlier in the text, together.

Knows: followers, log-probabilities, weights that are learnt as a text is read. Does not know: models, memory, where followers stood.

Each follower's probability by the model is multiplied by `exp(w·x)`, and all probabilities are divided by what they then sum to: a
log-linear model (Rosenfeld, 1996) over a language model's own distribution, akin to mixing in the logistic domain (PAQ: Mahoney,
2005). `x` says how often the token followed matches of each length (n-grams: Katz, 1987; without a bound: infini-gram, Liu et al.,
2024), and how likely the model holds it. So a cache of what was said (Grave et al., 2017) is believed more where the model is not
sure. After each token `w` takes a step up the gradient of that token's log-probability, by AdaGrad (Duchi et al., 2011).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalcli.retrieval_lm.ngrams import APART, NgramTable

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

_UNLIKELY = -20.0  # log-probabilities below it count as it
_BOUND = 20.0  # of w·x, so that nothing overflows
_PACE = 0.05  # of a step
# What is believed before anything is read: fitted once to 118 targets of 128 tokens in a repository, two novels and a conversation,
# none of them among the texts that figures are given for. Begun at nothing, all is learnt on the way, at a cost of up to 1 %.
_START = (
    *(0.16, -0.07, -0.92, -0.28),  # the first four of `described`
    *(0.02, 0.22, 0.15, 0.09, 0.21, 0.06, -0.03),  # shares, by order
    *(-0.14, 0.48, 0.38, 0.33, 0.75, 0.24, 0.05),  # sizes
)


class Mixture:
    """Weights for what was copied, and what they make of a model's probabilities."""

    def __init__(self) -> None:
        self._weights: Numbers = np.array(_START)
        self._steps: Numbers = np.ones(len(_START))

    def mix(
        self,
        tokens: Sequence[int],
        own: Sequence[float],
        found: NgramTable,
        logs: npt.NDArray[np.floating[Any]],
    ) -> list[float]:
        """The natural logarithms of the probabilities of n tokens, one after the other; the weights learn from each for the next.

        own: those by the model; found: the followers before each; logs: float [n, MOST], the model's for these followers.
        """
        features = described(found, logs)
        mixed = []
        for row, token in enumerate(tokens):
            real = int((found.tokens[row] != APART).sum())
            if not real:
                mixed.append(own[row])
                continue
            known = features[row, :real]
            boosts = np.clip(known @ self._weights, -_BOUND, _BOUND)
            shares = np.exp(logs[row, :real].astype(np.float64))
            raised = shares * np.exp(boosts)
            whole = max(0.0, 1.0 - shares.sum()) + raised.sum()
            gradient = -(raised @ known) / whole
            said = own[row] - math.log(whole)
            for place in np.flatnonzero(found.tokens[row, :real] == token):
                said += boosts[place]
                gradient += known[place]
            mixed.append(float(said))
            self._steps += gradient**2
            self._weights += _PACE * gradient / np.sqrt(self._steps)
        return mixed


def described(found: NgramTable, logs: npt.NDArray[np.floating[Any]]) -> Numbers:
    """What is known of each follower, float64 [n, MOST, features]: that it is one, how likely the model holds it, that times the
    orders it followed, that again where nothing else ever followed the longest match; for each order the logarithm of its share
    among followers and of how many there were."""
    counts, places = found.counts.astype(np.float64), found.places.astype(np.float64)[:, None, :]
    follows = counts > 0
    own = np.clip(logs.astype(np.float64), _UNLIKELY, 0.0)
    longest = follows.sum(2)
    alone = (longest == (found.places > 0).sum(1)[:, None]) & (_followers_of_longest(follows) == 1)[:, None]
    shares = np.where(follows, np.log(np.maximum(counts, 1) / np.maximum(places, 1)), 0.0)
    sizes = np.where(follows, np.log(np.maximum(places, 1)), 0.0)
    first = np.stack([np.ones_like(own), own, 0.1 * longest * own, alone * own], 2)
    made: Numbers = np.concatenate([first, shares, 0.3 * sizes], 2)
    made[found.tokens == APART] = 0.0
    return made


def _followers_of_longest(follows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """How many tokens followed the longest match before each place, int64 [n]."""
    kinds = follows.sum(1)
    last = np.maximum((kinds > 0).sum(1) - 1, 0)
    found: npt.NDArray[np.int64] = kinds[np.arange(len(kinds)), last]
    return found
