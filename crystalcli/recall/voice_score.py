"""Signal of the voice: in chats with an assistant a person's own words come before its answers.

    score of an atom   less ANSWER_COST where an assistant wrote all of it, and less OTHER_COST
                       where the question does not say "I" or "my"
                       OTHERS_COST where the question says "I" or "my", the crystal knows whose that
                       is, and other people wrote all of it
                       INSTRUCTION_GAIN where a person told the assistant what to do from then on
                       nothing where the question asks what the assistant said, or a filter has
                       chosen the people

A person writes a twentieth of a chat with a language model, and nearly all that is true of that
person. The answers hold the same words many times over. It is an order and no filter.

Knows: labels of messages, English. Does not know: vectors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, spans_of_atoms
from crystalcli.recall.document_score import atom_documents
from crystalcli.recall.filter_mask import is_same_person
from crystalcli.recall.lexical_score import PROSE_WEIGHT
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.recall.score_table import AtomDocuments, CandidateAtoms
from crystalcli.storage import landmarks_over
from crystalcli.text import author_of_label, is_assistant, is_chat_owner

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

ANSWER_COST, OTHER_COST, INSTRUCTION_GAIN = 1.0, 0.5, 0.5
OTHERS_COST = 0.2  # as much as a good word match, so that an answer by others is still found
_OWN_SHARE = 0.05  # of an atom, from which on a person's words count
CHAT_KIND, MAIL_KIND = "chat", "mail"
_OF_ONESELF = re.compile(r"\b(?:I|me|my|mine|myself|we|us|our|ours)\b", re.IGNORECASE)
# "Always answer in metres", "from now on", "when I ask about dates, ..."
_INSTRUCTION = re.compile(
    r"(?:\A|[.!?:\n]\s*)(?:please )?(?:always|never(?! mind)|from now on|in (?:the )?future|every time(?= (?:you|we)\b))\b"
    r"|\b(?:when(?:ever)?|each time|every time) I ask\b"
    # Not "I decided to walk from now on".
    r"|(?:\A|[.!?\n]\s*)(?!(?:[^\s.!?]+ )*?(?:I|we)\b(?![^.!?\n]*\byou\b))[^.!?\n]*\bfrom now on\b",
    re.IGNORECASE,
)

_LABEL = re.compile(r"\[[^\]\n]{1,100}\] [^:\n]{1,100}: ")  # of a message, see format_message
_SAID = (
    r"(?:advised?|answer(?:ed)?|came? up with|describ(?:ed?)|explain(?:ed)?|gave|give|list(?:ed)?|mention(?:ed)?|offer(?:ed)?|"
    r"outlined?|point(?:ed)? out|propos(?:ed?)|provid(?:ed?)|recommend(?:ed)?|repl(?:y|ied)|respond(?:ed)?|said|say|show(?:ed|n)?|"
    r"suggest(?:ed)?|taught|teach|tell|told|warn(?:ed)?|walk(?:ed)? me through|writ(?:e|ten)|wrote)"
)
_ABOUT_ANSWERS = re.compile(
    rf"\b(?:did|have|had) you (?:\w+ ){{0,2}}?{_SAID}\b"
    r"|\byou(?:'ve| have|'d| had)? (?:\w+ly |already |also |first |just |then )?"
    r"(?:advised|answered|came up with|described|explained|gave|listed|mentioned|offered|outlined|pointed out|proposed|provided|"
    r"recommended|replied|responded|said|showed|shown|suggested|taught|told|warned|walked me through|written|wrote)\b"
    r"|\byour (?:\w+ ){0,2}?(?:advice|answers?|explanations?|guidance|instructions|proposals?|recommendations?|repl(?:y|ies)|"
    r"responses?|suggestions?|tips|warnings?)\b"
    r"|\b(?:assistant|chatbot|chat ?gpt|language model)\b",
    re.IGNORECASE,
)


class VoiceScorer:
    """Scores atoms by who wrote them.

    Args:
        index: The resident index.
    """

    name = "voice"

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]; 0 outside of chats with an assistant.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        return voice_scores(self._index, query, candidates.documents, candidates.atoms)


def voice_scores(index: IndexReader, query: PreparedQuery, documents: AtomDocuments, atoms: Int64Array) -> FloatArray:
    """Score atoms by who wrote them.

    Args:
        index: The resident index.
        query: The question.
        documents: The documents of the atoms.
        atoms: Numbers of atoms, int64 [n], rising.

    Returns:
        Scores, float32 [n].

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    scores = np.zeros(len(atoms), np.float32)
    if query.wants_answers:
        return scores
    cost = ANSWER_COST if is_of_oneself(query.text) else OTHER_COST
    for source, kind in documents.kinds.items():
        if kind == CHAT_KIND or (kind == MAIL_KIND and query.me):
            rows = np.flatnonzero(documents.sources == source)
            parts = own_parts(index, source, atoms[rows])
            if not all(part.is_whole for part in parts):
                scores[rows] = [_score(index, part, cost) for part in parts]
            elif query.me:  # a chat between people
                mine = own_parts(index, source, atoms[rows], partial(_is_another, query.me))
                scores[rows] = [-OTHERS_COST if part.share < _OWN_SHARE else 0.0 for part in mine]
    return scores


def is_of_oneself(question: str) -> bool:
    """Tell whether a question is about the person who asks: "Where do I live?"."""
    return _OF_ONESELF.search(question) is not None


def _is_another(me: str, author: str) -> bool:
    return bool(author) and not is_chat_owner(author) and not is_same_person(me, author)


def is_instruction(text: str) -> bool:
    """Tell whether a person's text says what an assistant is to do from then on."""
    return _INSTRUCTION.search(text) is not None


def without_label(text: str) -> str:
    """Cut off the label that a message begins with."""
    return _LABEL.sub("", text.lstrip(), count=1)


def _score(index: IndexReader, part: OwnPart, cost: float) -> float:
    if part.share < _OWN_SHARE:
        return -cost
    place = index.place(part.atom)
    text = place.text[place.start + part.start : place.start + part.end]
    return INSTRUCTION_GAIN if is_instruction(without_label(text)) else 0.0


def rank_by_voice(index: IndexReader, query: PreparedQuery, ranked: Sequence[ScoredAtom]) -> list[ScoredAtom]:
    """Lower the scores of an assistant's answers among atoms that are ranked by BM25 alone.

    Args:
        index: The resident index.
        query: The question.
        ranked: Atoms, best first.

    Returns:
        All atoms, best first.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    atoms = np.unique(np.array([scored.atom for scored in ranked], np.int64))
    if not len(atoms):
        return []
    voices = voice_scores(index, query, atom_documents(index, atoms), atoms)
    rows = np.searchsorted(atoms, [scored.atom for scored in ranked]).tolist()
    scale = query.total_idf / PROSE_WEIGHT  # of BM25 as it stands to BM25 in a sum of signals
    rescored = []
    for scored, row in zip(ranked, rows, strict=True):
        voice = float(voices[row]) * scale
        signals = {**scored.signals, "voice": voice} if voice else scored.signals
        rescored.append(scored._replace(score=scored.score + voice, signals=signals))
    return sorted(rescored, key=lambda scored: -scored.score)


def asks_about_answers(question: str) -> bool:
    """Tell whether a question asks what an assistant has said: "what did you recommend"."""
    return _ABOUT_ANSWERS.search(question) is not None


class OwnPart(NamedTuple):
    """The part of an atom that people wrote, and no assistant.

    Attributes:
        atom: The number of the atom.
        start: Its first character, in the atom.
        end: The character after its last; parts between them may be an assistant's.
        share: How much of the atom it is, from 0 to 1.
    """

    atom: int
    start: int
    end: int
    share: float

    @property
    def is_whole(self) -> bool:
        """True if no assistant wrote any of the atom."""
        return self.share == 1


def own_parts(
    index: IndexReader, source: int, atoms: Int64Array, is_other: Callable[[str], bool] = is_assistant
) -> list[OwnPart]:
    """Find the parts of atoms that people wrote, or one person.

    Args:
        index: The resident index.
        source: The id of the document.
        atoms: Numbers of its atoms, int64 [n], rising.
        is_other: Tells of an author that the part is not wanted; by default of an assistant.

    Returns:
        A part for each atom, in their order; all of an atom that the document does not hold.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    spans = spans_of_atoms(index, source, atoms)
    places = dict(zip(spans.atoms.tolist(), zip(spans.starts.tolist(), spans.ends.tolist(), strict=True), strict=True))
    return [_own_part(index, source, atom, *places.get(atom, (0, 0)), is_other=is_other) for atom in atoms.tolist()]


def _own_part(
    index: IndexReader, source: int, atom: int, start: int, end: int, *, is_other: Callable[[str], bool]
) -> OwnPart:
    """Find the part of an atom that stands at the characters `[start, end)` of a document."""
    messages = landmarks_over(index.store, source, "message", start, end)
    ends = [following for following, _ in messages[1:]] + [end]
    answers = [
        (max(start, begin), finish)
        for (begin, label), finish in zip(messages, ends, strict=True)
        if is_other(author_of_label(label))
    ]
    own = 1 - sum(finish - begin for begin, finish in answers) / max(1, end - start)
    low, high = start, end
    if answers and answers[0][0] == start:
        low = answers[0][1]
    if answers and answers[-1][1] == end:
        high = answers[-1][0]
    return OwnPart(atom, low - start, max(low, high) - start, own)
