"""Signal of introductions: who somebody is, is told where a book first names them.

    "Who is Ann Marl?"   "At the gate stood Ann Marl, who kept the ferry." 300 mentions follow.

    score of an atom   INTRODUCTION · the part of the name that is in it
                                    · 1 at the first mention, 0 behind the first _FIRST
                                    · how much the book says of the name, against the first one

Knows: mentions. Does not know: the forms in which people are introduced.
"""

from __future__ import annotations

import numpy as np

from crystalcli.index import IndexReader
from crystalcli.recall.name_identification import asked_name
from crystalcli.recall.name_mentions import MentionScores, stories_of
from crystalcli.recall.query import PreparedQuery

INTRODUCTION = 0.5
INTRODUCTION_CANDIDATES = 24  # best atoms by it that become candidates
_FIRST = 12.0  # mentions


def introduction_scores(index: IndexReader, query: PreparedQuery) -> MentionScores | None:
    """Score the first mentions of the one whom a question asks about; None for other questions.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    stories = stories_of(index, query, asked_name(query.text))
    if not stories:
        return None
    scores = np.zeros(index.atoms, np.float32)
    for atoms, shares, mentions in stories:
        early = np.maximum(0, 1 - (np.cumsum(shares) - shares) / _FIRST)
        scores[atoms] = INTRODUCTION * mentions / stories[0].mentions * shares * early
    return MentionScores.above_0(scores)
