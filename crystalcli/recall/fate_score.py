"""Signal of fates: a question for a death or an end in a story is answered where that is told.

    "How does Ann Marl die?"            the scene names Ann, and then says she and her
    "What happens to Ben in the end?"   that he was hanged is said once, the rest of the book is Ben

    score of an atom   FATE · words of death and endings in it, up to two
                            · the part of the name that is in it, or in one near it
                            · how much of what the document says of the name is before it
                            · how much the document says of the name, against the first document

The name stands in hundreds of passages, and the other words of the question in none of those that
answer. Deaths stand behind three quarters of the mentions of a name (docs/LOG.md). Only books and
plain text count, and names that one mentions often.

Knows: English questions and words, postings. Does not know: vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import BOOKS
from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import query_terms
from crystalcli.recall.document_score import atom_documents
from crystalcli.recall.query import PreparedQuery
from crystalcli.storage import runs_of_all

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

FATE = 2.4
FATE_CANDIDATES = 60  # best atoms by it that become candidates
_DOCUMENTS = 8  # documents with most of the name
_ALL = 0.999  # of the terms of the name, against the document that holds most of them
_MENTIONS = 5.0  # of the whole name, in a document that may be its story
_PART = 0.5  # people are called by a part of their name: the power of the part of the idf that it has
_REACH, _LOSS = 3, 0.2  # atoms in which a name is near, and what each step takes off
_EARLY = 0.3  # the worth of what is said at the first mention, against the last
_ENOUGH = 2  # words of endings in an atom
_LONGEST_NAME, _LONGEST_QUESTION = 5, 200  # words, characters
_PAST_OR_PRESENT = "(?:do|does|did|will)"
_KILL = "(?:kill|murder|slay|poison|stab|strangle)"
_KILLED = "(?:killed|murdered|slain|poisoned|drowned|executed|hanged)"
_FORMS = re.compile(
    r"\W*(?:in the end,? |finally,? |eventually,? )?(?:"
    rf"(?:how|when|where|of what) {_PAST_OR_PRESENT} (?P<dies>.+?) "
    r"(?:die|perish|meet (?:his|her|its|their) (?:death|end))"
    rf"|(?:how|when|where) (?:is|was|are|were) (?P<killed>.+?) {_KILLED}(?: (?:on|in|at|by|during) .+?)?"
    rf"|(?:how|when|where|with what) {_PAST_OR_PRESENT} (?P<kills>[^ ]+(?: [^ ]+){{0,2}}(?<! to) {_KILL} .+?)"
    r"|who (?:kills?|killed|murders?|murdered|slays?|slew|poisons?|poisoned) (?P<victim>.+?)"
    r"|what (?:happens?|happened|becomes?|became|will happen|will become) (?:to|of|with) (?P<whom>.+?)"
    r"|what (?:is|was) the (?:fate|end) of (?P<fate>.+?)"
    r")(?: (?:in|at|by|towards?) the (?:very )?end(?: of .+)?| finally| eventually| ultimately)?\W*",
    re.IGNORECASE,
)
# The end of the story is not asked for where the question says when.
_AT_A_TIME = re.compile(r"\b(?:after|before|when|while|once|as|because|if|during|until|upon)\b", re.IGNORECASE)
_ENDINGS = (
    "die died dying dead death perish perished expire expired corpse lifeless body grave buried funeral "
    "kill killed slay slain slew murder murdered murderer stab stabbed strangle strangled poison poisoned shot "
    "drown drowned hang hanged execute executed execution scaffold condemned suicide fatal mortal bitten assassin "
    "destroyed sank sunk vanished disappeared prison arrested married marriage"
)


class FateScores(NamedTuple):
    """Scores of the atoms near which a name stands.

    Attributes:
        atoms: Their numbers, int64 [n], rising.
        scores: Above 0, float32 [n].
    """

    atoms: Int64Array
    scores: FloatArray

    def of(self, atoms: Int64Array) -> FloatArray:
        """Give the scores of atoms, float32 [m]; 0 for others."""
        places = np.searchsorted(self.atoms, atoms).clip(max=max(0, len(self.atoms) - 1))
        if not len(self.atoms):
            return np.zeros(len(atoms), np.float32)
        return np.where(self.atoms[places] == atoms, self.scores[places], 0).astype(np.float32)

    def best(self, count: int) -> list[int]:
        """Give the atoms of the highest scores."""
        best: list[int] = self.atoms[np.argsort(-self.scores, kind="stable")[:count]].tolist()
        return best


def asked_fate(question: str) -> str:
    """Give the one whose death or end a question asks for; "" for any other question."""
    match = _FORMS.fullmatch(question) if len(question) <= _LONGEST_QUESTION else None
    whom = next((name for name in match.groupdict().values() if name), "") if match is not None else ""
    return "" if _AT_A_TIME.search(whom) or len(whom.split()) > _LONGEST_NAME else whom


def fate_scores(index: IndexReader, terms: TermIndex, query: PreparedQuery) -> FateScores | None:
    """Score atoms by the fate that a question asks for; None for any other question.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    whom = asked_fate(query.text)
    weights = {term: query.idf.get(term, 0.0) for term in query_terms(whom)} if whom else {}
    total = sum(weights.values())
    if total <= 0:
        return None
    shares = np.zeros(index.atoms, np.float32)
    holders: list[tuple[float, Int64Array]] = []
    for term, weight in weights.items():
        parts = [posting.atoms for packed in query.postings.get(term, ()) for posting in packed.pieces()]
        holders.append((weight, np.concatenate([np.zeros(0, np.int64), *parts])))
        shares[holders[-1][1]] += weight / total
    if index.dead is not None:
        shares[index.dead] = 0
    shares **= _PART
    stories = _stories(index, shares, holders)
    if not stories:
        return None
    endings = np.zeros(index.atoms, np.float32)
    for postings in terms.postings(_ENDINGS).values():
        for packed in postings:
            for posting in packed.pieces():
                endings[posting.atoms] += 1
    np.minimum(endings / _ENOUGH, 1, out=endings)
    scores = np.zeros(index.atoms, np.float32)
    most = max(mentions for _, mentions in stories)
    for atoms, mentions in stories:
        inside = shares[atoms]
        late = _EARLY + (1 - _EARLY) * np.cumsum(inside) / mentions
        scores[atoms] = FATE * mentions / most * endings[atoms] * _near(inside) * late
    atoms = np.flatnonzero(scores)
    return FateScores(atoms, scores[atoms])


def _stories(
    index: IndexReader, shares: FloatArray, holders: Sequence[tuple[float, Int64Array]]
) -> list[tuple[Int64Array, float]]:
    """Find the books that mention a name most, of those that hold most of its terms.

    Args:
        index: The resident index.
        shares: The part of the name that each atom holds, float32 [atoms].
        holders: The idf of each of its terms, and the atoms that hold it, int64.

    Returns:
        The atoms of each, int64 in order of the text, and its mentions.
    """
    named = np.flatnonzero(shares)
    if not len(named):
        return []
    documents = atom_documents(index, named)
    counts: dict[int, float] = {}
    for source, share in zip(documents.sources.tolist(), shares[named].tolist(), strict=True):
        if documents.kinds.get(source) in BOOKS:
            counts[source] = counts.get(source, 0.0) + share
    held = dict.fromkeys(counts, 0.0)
    for weight, atoms in holders:
        for source in set(documents.sources[np.isin(named, atoms)].tolist()) & held.keys():
            held[source] += weight
    most = max(held.values(), default=0.0)
    best = [source for source in counts if counts[source] >= _MENTIONS and held[source] >= _ALL * most]
    best = sorted(best, key=lambda source: -counts[source])[:_DOCUMENTS]
    runs = runs_of_all(index.store, sorted(best))
    first_atoms = index.nesting.atoms
    stories = []
    for source in best:
        parts = [
            np.arange(first_atoms[first], first_atoms[first + count]) for owner, first, count in runs if owner == source
        ]
        stories.append((np.concatenate(parts), counts[source]))
    return stories


def _near(shares: FloatArray) -> FloatArray:
    """Give the greatest share in reach of each atom, less what the distance takes off."""
    near = shares.copy()
    for step in range(1, _REACH + 1):
        worth = 1 - _LOSS * step
        np.maximum(near[step:], worth * shares[:-step], out=near[step:])
        np.maximum(near[:-step], worth * shares[step:], out=near[:-step])
    return near
