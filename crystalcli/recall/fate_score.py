"""Signal of fates: a question for a death or an end in a story is answered where that is told.

    "How does Ann Marl die?"            the scene names Ann, and then says she and her
    "What happens to Ben in the end?"   that he was hanged is said once, the rest of the book is Ben

    score of an atom   FATE · words of death and endings in it, up to two
                            · the part of the name that is in it, or in one near it
                            · how much of what the document says of the name is before it
                            · how much the document says of the name, against the first document

The name stands in hundreds of passages, and the other words of the question in none of those that
answer. Deaths stand behind three quarters of the mentions of a name (docs/LOG.md).

Knows: English questions and words, postings. Does not know: vectors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader, TermIndex
from crystalcli.recall.name_mentions import MentionScores, stories_of
from crystalcli.recall.query import PreparedQuery

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray

FATE = 2.4
FATE_CANDIDATES = 60  # best atoms by it that become candidates
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


def asked_fate(question: str) -> str:
    """Give the one whose death or end a question asks for; "" for any other question."""
    match = _FORMS.fullmatch(question) if len(question) <= _LONGEST_QUESTION else None
    whom = next((name for name in match.groupdict().values() if name), "") if match is not None else ""
    return "" if _AT_A_TIME.search(whom) or len(whom.split()) > _LONGEST_NAME else whom


def fate_scores(index: IndexReader, terms: TermIndex, query: PreparedQuery) -> MentionScores | None:
    """Score atoms by the fate that a question asks for; None for any other question.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    stories = stories_of(index, query, asked_fate(query.text))
    if not stories:
        return None
    endings = np.zeros(index.atoms, np.float32)
    for postings in terms.postings(_ENDINGS).values():
        for packed in postings:
            for posting in packed.pieces():
                endings[posting.atoms] += 1
    np.minimum(endings / _ENOUGH, 1, out=endings)
    scores = np.zeros(index.atoms, np.float32)
    for atoms, shares, mentions in stories:
        late = _EARLY + (1 - _EARLY) * np.cumsum(shares) / mentions
        scores[atoms] = FATE * mentions / stories[0].mentions * endings[atoms] * _near(shares) * late
    return MentionScores.above_0(scores)


def _near(shares: FloatArray) -> FloatArray:
    """Give the greatest share in reach of each atom, less what the distance takes off."""
    near = shares.copy()
    for step in range(1, _REACH + 1):
        worth = 1 - _LOSS * step
        np.maximum(near[step:], worth * shares[:-step], out=near[step:])
        np.maximum(near[:-step], worth * shares[step:], out=near[:-step])
    return near
