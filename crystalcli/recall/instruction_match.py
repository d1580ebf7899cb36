"""Standing instructions: what a person told an assistant to do, from then on, behind the best one.

    "Always give lengths in metres when I ask about boats."     asked later "How large is a sloop?"

They bear on every answer, and share few words with what is asked. So they are looked for by the
words of instructions, and chosen by their nearness to the question.

Knows: postings, authors of messages, vectors of atoms. Does not know: whether an answer obeys them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader, TermIndex
from crystalcli.recall.document_score import atom_documents
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.recall.voice_score import CHAT_KIND, is_instruction, own_parts, without_label

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array, Passage
    from crystalcli.vectors import Codec

INSTRUCTION = "instruction"  # the share by which a passage is known as one
MOST_INSTRUCTIONS = 2  # with a question
_LEAST_COSINE = 0.05
_AHEAD = 0.01  # the distance in score behind the passage that they follow
_MOST_READ = 2_000  # atoms whose authors are looked up; others are of crystals with little but prose
_ASK, _WHENEVER = "ask", "always never whenever each every future"


class StandingInstructions:
    """The standing instructions in one resident index.

    Args:
        index: The resident index.
        terms: Its lexical index.
    """

    def __init__(self, index: IndexReader, terms: TermIndex) -> None:
        self._index = index
        self._terms = terms

    def nearest(self, query: PreparedQuery, codec: Codec) -> list[ScoredAtom]:
        """Find the instructions that are nearest to a question, nearest first.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        codes = self._index.atom_codes
        if query.encoded is None or codes is None or query.wants_answers or not len(self._atoms):
            return []
        cosines = codec.score_atoms(query.encoded.vector, codes[self._atoms])
        order = np.argsort(-cosines, kind="stable")[:MOST_INSTRUCTIONS]
        chosen = [(int(self._atoms[row]), float(cosines[row])) for row in order if cosines[row] >= _LEAST_COSINE]
        return [ScoredAtom(atom, cosine, {INSTRUCTION: cosine}) for atom, cosine in chosen]

    @cached_property
    def _atoms(self) -> Int64Array:
        """Numbers of the atoms that hold instructions, int64, rising."""
        found: list[int] = []
        atoms = self._candidates()
        if len(atoms) > _MOST_READ:
            return np.zeros(0, np.int64)
        documents = atom_documents(self._index, atoms)
        for source, kind in documents.kinds.items():
            if kind == CHAT_KIND:
                for part in own_parts(self._index, source, atoms[documents.sources == source]):
                    place = self._index.place(part.atom)
                    text = place.text[place.start + part.start : place.start + part.end]
                    if part.share and is_instruction(without_label(text)):
                        found.append(part.atom)
        return np.array(sorted(found), np.int64)

    def _candidates(self) -> Int64Array:
        """Give the atoms that have the words of an instruction, int64, rising."""
        postings = self._terms.postings(f"{_ASK} {_WHENEVER}")
        held = {
            term: np.concatenate([np.zeros(0, np.int64), *(piece.atoms for part in parts for piece in part.pieces())])
            for term, parts in postings.items()
        }
        asks = held.pop(_ASK, np.zeros(0, np.int64))
        others = np.unique(np.concatenate([np.zeros(0, np.int64), *held.values()]))
        return others if len(others) <= _MOST_READ else np.intersect1d(others, asks)


def put_behind_best(passages: Sequence[Passage], instructions: Sequence[Passage]) -> list[Passage]:
    """Put instructions behind the best passage that is none.

    Args:
        passages: The passages, best first.
        instructions: Passages of instructions, nearest first.

    Returns:
        All passages, with the share INSTRUCTION for those of instructions.
    """
    if not instructions:
        return list(passages)
    spans = {(each.path, each.start) for each in instructions}
    others = [passage for passage in passages if (passage.path, passage.start) not in spans]
    score = others[0].score if others else instructions[0].score
    told = [
        replace(each, score=score - place * _AHEAD, shares={INSTRUCTION: score - place * _AHEAD})
        for place, each in enumerate(instructions, 1)
    ]
    return [*others[:1], *told, *others[1:]]
