"""What a text would go on with if it said again what it said before, and how far to believe that.

Knows: token ids, longest matches, a mixture that learns its weights as it goes. Does not know: models, memory.

Sources: unbounded n-grams with the longest match (infini-gram: Liu et al., 2024), a cache of what was said (Grave et al., 2017),
interpolation with a language model (kNN-LM: Khandelwal et al., 2020). Here the weight of each length of match is learnt from what was
read before, one step of expectation and maximisation for each token, so that nothing is fitted beforehand.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

LONGEST = 16  # tokens of a match that are told apart
APART = -1  # no token
_PRIOR = 8.0  # tokens that the first belief in a length counts as


class Copied(NamedTuple):
    """What copying says of a token. length: of the longest match before it, 0 for none; agreed: whether everything that followed such
    a match was the same token; probability: the share of those that were the token."""

    length: int
    agreed: bool
    probability: float


def copied(ids: Sequence[int], first: int) -> list[Copied]:
    """What copying says of each of `ids[first:]`, from what stands before it alone; APART stands between texts."""
    places: dict[int, list[int]] = defaultdict(list)  # where each token was followed by another
    for place in range(first - 1):
        if ids[place + 1] != APART:
            places[ids[place]].append(place)
    found = []
    for at in range(first, len(ids)):
        longest, followed = 0, 0
        right = 0
        tokens: set[int] = set()
        for place in places[ids[at - 1]]:
            length = 1
            while length < LONGEST and length <= place and ids[place - length] == ids[at - 1 - length]:
                length += 1
            if length > longest:
                longest, followed, right = length, 0, 0
                tokens.clear()
            if length == longest:
                followed += 1
                right += ids[place + 1] == ids[at]
                tokens.add(ids[place + 1])
        found.append(Copied(longest, len(tokens) == 1, right / followed if followed else 0.0))
        places[ids[at - 1]].append(at - 1)
    return found


class Mixture:
    """Probabilities of a model and of copying, mixed by a weight for each kind of match. What is mixed first is believed least."""

    def __init__(self) -> None:
        self._weights = {
            (length, agreed): (_PRIOR * (0.02 + 0.4 * length / LONGEST) * (1.0 if agreed else 0.5), _PRIOR)
            for length in range(1, LONGEST + 1)
            for agreed in (False, True)
        }

    def mix(self, log_probabilities: Sequence[float], copies: Sequence[Copied]) -> list[float]:
        """The natural logarithms of the mixed probabilities, token by token; the weights learn from each for the next."""
        mixed = []
        for own, copy in zip(log_probabilities, copies, strict=True):
            if not copy.length:
                mixed.append(own)
                continue
            given, seen = self._weights[copy.length, copy.agreed]
            weight = given / seen
            total = (1 - weight) * math.exp(own) + weight * copy.probability
            mixed.append(math.log(total) if total > 0 else own)
            share = weight * copy.probability / total if total > 0 else 0.0
            self._weights[copy.length, copy.agreed] = (given + share, seen + 1)
        return mixed
