"""The antecedents of pronouns: the noun of earlier questions, or of their answers, that each means.

"He" is the person that a question named, or that its answer did; "it" the weightiest thing of the
last question; "there" its place.

Knows: forms of English questions and answers. Does not know: ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.answering.conversation.pronouns import has_antecedent, is_in_title, is_locative, is_owner
from crystalcli.answering.conversation.topic import TopicPhrase, answer_names, topic_phrases
from crystalcli.answering.question.phrases import QuestionPhrase, noun_phrases
from crystalcli.answering.question.word_classes import AUXILIARIES, PREPOSITIONS, QuestionWord, split_words
from crystalcli.datatypes import Turn

_MAX_NOUN = 6  # words of a noun that takes the place of a pronoun
_IDENTITY = re.compile(r"\W*who(?:['’]s| is| was| are| were) (?P<noun>.+?)\W*$", re.IGNORECASE)
_FEMALE = re.compile(r"(?:mrs|ms|miss|lady|madame?|queen)\b", re.IGNORECASE)
_MALE = re.compile(r"(?:mr|sir|lord|king)\b", re.IGNORECASE)
_INTO = re.compile(r"\b(?:in|at|to|near|from|around|visit) (?:the )?$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?] (?=[^(])")
_CONTRACTED = {"'s": " is", "'re": " are", "'ve": " have", "'d": " would", "'ll": " will"}
# Pronouns by what they may mean.
_CLASSES = {
    **dict.fromkeys(("he", "him", "his"), "he"),
    **dict.fromkeys(("she", "her", "hers"), "she"),
    **dict.fromkeys(("it", "its"), "it"),
    **dict.fromkeys(("they", "them", "their", "theirs"), "they"),
}


def resolve_pronouns(question: str, turns: Sequence[Turn]) -> str:
    """Put names and nouns in the place of pronouns that have none in the question.

    Each noun takes the place of one pronoun only, and of pronouns of one class the first is taken;
    "the X" gives way to a longer phrase. Of several sentences the last one is the question.

    Args:
        question: The question.
        turns: The turns before it, oldest first, at least one.

    Returns:
        The question; unchanged where no noun surely fits.
    """
    words, nouns = split_words(question), noun_phrases(question)
    pieces: list[str] = []
    position, done, used = 0, set[str](), set[str]()
    asked = max((match.end() for match in _SENTENCE_END.finditer(question)), default=0)
    for index, word in enumerate(words):
        base, end = word.base, word.end
        if word.start < asked or is_in_title(words, index):
            continue
        kind = _CLASSES.get(base, base)
        if kind in done or (kind in _CLASSES.values() and has_antecedent(words, index, nouns)):
            continue
        if kind in ("he", "she"):
            new = _person(turns, kind)
        elif kind in ("it", "they") or _is_object(words, index):
            new = _thing(words, index, turns, many=kind == "they")
        elif is_locative(words, index):
            new = _place(turns, bool(index) and words[index - 1].lower in PREPOSITIONS)
        elif base == "the":
            noun = next((noun for noun in nouns if noun.start == word.start), None)
            new = None if noun is None else _longer(noun, turns)
            end = noun.end if noun is not None else end
        else:
            continue
        if not new or new in used:
            continue
        rest = _CONTRACTED.get(word.lower[len(base) :], "")
        pieces += [question[position : word.start], _owner(new) if is_owner(words, index) else new + rest]
        position = end
        done.add(kind)
        used.add(new)
    text = "".join(pieces) + question[position:]
    return text[0].upper() + text[1:] if pieces and question[0].isupper() else text


def _owner(noun: str) -> str:
    return f"{noun}'" if noun.endswith("s") else f"{noun}'s"


def _is_object(words: Sequence[QuestionWord], index: int) -> bool:
    """Tell whether "this" or "that" stands alone behind a preposition: "more about that"."""
    is_alone = index + 1 == len(words) or words[index + 1].is_mark
    return (
        words[index].lower in ("this", "that") and is_alone and bool(index) and words[index - 1].lower in PREPOSITIONS
    )


def _thing(words: Sequence[QuestionWord], index: int, turns: Sequence[Turn], many: bool) -> str | None:
    """Find the thing of the last question that "it" or "they" means."""
    is_subject = bool(index) and words[index - 1].lower in AUXILIARIES

    def fits(phrase: TopicPhrase) -> bool:
        if not phrase.is_last or len(phrase.text.split()) > _MAX_NOUN:
            return False
        return phrase.is_plural if many else not (phrase.is_plural and is_subject and not phrase.is_name)

    best = next((phrase for phrase in topic_phrases(turns) if fits(phrase)), None)
    return best.text if best is not None else None


def _longer(noun: QuestionPhrase, turns: Sequence[Turn]) -> str | None:
    """Find the longer phrase that "the X" takes up."""
    for turn in reversed(turns[-3:]):
        for known in noun_phrases(turn.read_as):
            if len(known.stems) > len(noun.stems) > 0 and known.stems[-len(noun.stems) :] == noun.stems:
                return f"the {known.text[len(known.determiner) :].strip()}"
    return None


def _person(turns: Sequence[Turn], kind: str) -> str | None:
    """Find the person that "he" or "she" means: of the last question, or of its answer."""
    wrong = _MALE if kind == "she" else _FEMALE
    asked = turns[-1].read_as
    named, answered = [noun.text for noun in noun_phrases(asked) if noun.is_name], answer_names(turns[-1])
    identity = _IDENTITY.match(asked)
    if identity is not None and not named and not answered:
        return identity["noun"] if len(identity["noun"].split()) <= _MAX_NOUN else None
    asks_person = re.match(r"\W*(?:who|whose|whom|which|what)\b", asked, re.IGNORECASE) is not None
    is_named = identity is not None and bool(named) and identity["noun"].endswith(named[-1])
    order = answered + named if asks_person and not is_named else named + answered
    order += [name.text for turn in reversed(turns[:-1]) for name in noun_phrases(turn.read_as) if name.is_name]
    return next((name for name in order if not wrong.match(name)), None)


def _place(turns: Sequence[Turn], is_after_preposition: bool) -> str | None:
    """Find the place that "there" means, with "in" where the question has no preposition."""
    asked = turns[-1].read_as
    names = [phrase for phrase in topic_phrases(turns) if phrase.is_name]
    order = [phrase.text for phrase in names if _INTO.search(phrase.before)]
    if re.match(r"\W*where\b", asked, re.IGNORECASE):
        order = answer_names(turns[-1]) + order
    order += [phrase.text for phrase in names if phrase.is_last] + answer_names(turns[-1])
    return next((name if is_after_preposition else f"in {name}" for name in order), None)
