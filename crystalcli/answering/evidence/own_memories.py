"""Memories before other passages where the question is about the person who asks.

"Where do I live?" is answered by "I moved to 7 Ropewalk", which has none of its words, and in a
large crystal many passages are as near. So memories are recalled once more by themselves, and get
WORTH on their scores: more than the difference between two passages that do not answer, less than
that between one that does and one that does not.

Knows: English pronouns, kinds of documents. Does not know: what a memory says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crystalcli.datatypes import MEMORY_KIND, FilterReading, Passage
from crystalcli.errors import NotFoundError
from crystalcli.recall import CrystalReader

WORTH = 1.0  # on the scale of scores; the reranker's share of a passage that answers is 0.5 and more
_MOST = 3  # memories that are recalled by themselves
FIRST_PERSON = re.compile(r"\b(?:I|I['’](?:m|ve|d|ll)|me|my|mine|we|us|our|ours)\b")


def memories_first(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], reading: FilterReading
) -> list[Passage]:
    """Add the memories that a question about oneself is nearest to, and prefer them.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages that were recalled, best first.
        reading: The filter in force.

    Returns:
        The passages, best first; the same ones for any other question.
    """
    where = reading.recall_filter
    if where.kinds or where.within or not FIRST_PERSON.search(question) or not crystal.has_memories():
        return list(passages)
    only = replace(where, kinds=(MEMORY_KIND,))
    try:
        told = list(crystal.recall(reading.searched_for(question), _MOST, where=only))
    except NotFoundError:  # none is of that time or person
        return list(passages)
    known = {(passage.path, passage.start) for passage in passages}
    merged = [*passages, *(passage for passage in told if (passage.path, passage.start) not in known)]
    worth = [
        replace(passage, score=passage.score + WORTH) if passage.place.kind == MEMORY_KIND else passage
        for passage in merged
    ]
    return sorted(worth, key=lambda passage: -passage.score)
