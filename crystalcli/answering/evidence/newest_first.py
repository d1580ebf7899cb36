"""The order of dated sentences: of those that answer about as well the newest comes first.

    score   the sentence's + WEIGHT · log R(age in days), on the forgetting curve of recall

Ages count from the newest of the best sentences. What has no date keeps its score.

Knows: the dates of messages, sections and names. Does not know: what a sentence says.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.recall import HALF_LIFE, CrystalReader, Recency

# A year costs as much as 0.2 of a cosine where the newest is asked for, else it breaks ties.
ASKED_WEIGHT, TIE_WEIGHT = 0.3, 0.03
_BEST = 12  # sentences that are put in order
_DAY = 86_400.0  # seconds


def newest_first(
    crystal: CrystalReader, sentences: Sequence[RankedSentence], *, asked: bool = False
) -> list[RankedSentence]:
    """Put the best sentences in order anew, by their scores and their dates.

    Args:
        crystal: The crystal.
        sentences: The sentences, best first.
        asked: Whether the question asks how things are now.

    Returns:
        All sentences, best first.
    """
    best = sentences[:_BEST]
    days = [crystal.day_at(sentence.passage.path, sentence.start) for sentence in best]
    known = [day for day in days if day is not None]
    if len(set(known)) < 2:
        return list(sentences)
    rule = Recency(HALF_LIFE, weight=ASKED_WEIGHT if asked else TIE_WEIGHT)
    penalties = [0.0 if day is None else rule.penalty((max(known) - day).days * _DAY) for day in days]
    rescored = [
        sentence._replace(score=sentence.score + penalty) for sentence, penalty in zip(best, penalties, strict=True)
    ]
    return [*sorted(rescored, key=lambda sentence: -sentence.score), *sentences[_BEST:]]
