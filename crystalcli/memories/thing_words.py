"""The words of a sentence that name a thing, apart from those of owners and of other things.

    Desmond's glasses turned up.     glasses, and not Desmond
    We have a cat called Biscuit.    its name is Biscuit

Knows: English capitals, owners, determiners. Does not know: what is said of the thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

from crystalcli.lexical import query_terms
from crystalcli.memories.value_type import MONTH

_WORD = re.compile(r"[^\W_][\w'’-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?…:]\s)\W*\Z")
_NO_NAME = re.compile(rf"(?:I|{MONTH}|\w+day)\b(?!['’]s \w)|I['’]")
_OTHERS = frozenset(("his", "her", "their", "another", "other"))
_OWNER = re.compile(r"\w['’]s?$")
# Behind "is" or "has": "Amara's moved out".
_PARTICIPLE = re.compile(
    r"(?:\w+(?:ed|en|ne|ut)|back|home|over|off|been|got|a|the|not|now|in|out|at|with|still)$", re.IGNORECASE
)
_VERB_BEHIND = re.compile(r"(?:[a-z]+(?:ed|t)|is|has|had|was|came|gave|took|and|brought|sent|fell|rang|won|went|ran)$")
_CALLED = re.compile(
    r"(?i:\b(?:called|named|name is|christened|is an?|is my|is our|by the name of))\s+(?:(?:her|him|it|them|the|[a-z]+)\s+){0,2}"
    r"(?P<name>[A-Z][\w-]+)"
)
_NAME_BEHIND = re.compile(r"\s+(?:(?:on|a|an|the|of|my|our|[a-z]+ing)\s+){0,2}(?P<name>[A-Z][\w-]+)(?!['’]s)")
_DETERMINERS = frozenset(("the", "my", "our", "that", "this"))


def own_terms(text: str, known: Set[str]) -> set[str]:
    """Give the terms of a sentence, without owners and things that are somebody else's.

    Args:
        text: The sentence.
        known: The terms of owners whose things count.
    """
    words = [match[0] for match in _WORD.finditer(text)]
    own: set[str] = set()
    for number, word in enumerate(words):
        before = words[max(0, number - 2) : number]
        owners = [each for each in before if _OWNER.search(each)]
        if any(known.isdisjoint(query_terms(owner)) for owner in owners):
            continue
        if before and before[-1].casefold() in _OTHERS:
            continue
        if _OWNER.search(word) and number + 1 < len(words) and not _PARTICIPLE.match(words[number + 1]):
            continue
        own.update(query_terms(word))
    return own


def terms_without_modifier(text: str) -> set[str]:
    """Give the terms of nouns behind a determiner or nothing: no word tells which one is meant."""
    words = [match[0] for match in _WORD.finditer(text)]
    pairs = zip(["the", *words], words, strict=False)
    found = (word for first, word in pairs if first.casefold() in _DETERMINERS)
    inner = names_in(text, first=True)
    return {term for word in found if word not in inner for term in query_terms(word)}


def first_phrase(question: str, of_thing: Set[str]) -> frozenset[str]:
    """Give the terms of the first words of a thing, names left out, that follow one another.

    Args:
        question: A question.
        of_thing: The terms of the thing.
    """
    phrase: set[str] = set()
    names = names_in(question)
    for match in _WORD.finditer(question):
        found = of_thing & set(query_terms(match[0])) if _bare(match[0]) not in names else set[str]()
        if phrase and not found:
            break
        phrase |= found
    return frozenset(phrase)


def given_names(text: str, verbs: Iterable[re.Match[str]]) -> set[str]:
    """Give the names of a thing: "a cat called Biscuit", "reading Middlemarch".

    Args:
        text: A sentence.
        verbs: Matches in it behind which a name is of the thing.
    """
    named = {match["name"] for match in _CALLED.finditer(text)}
    named.update(found["name"] for verb in verbs if (found := _NAME_BEHIND.match(text, verb.end())))
    return {name for name in named if not _NO_NAME.match(name)}


def names_in(text: str, *, first: bool = False, anywhere: bool = False) -> set[str]:
    """Give the capitalized words.

    Args:
        text: Sentences.
        first: Whether the first word of all counts, where a verb follows it: "Tim returned it".
        anywhere: Whether all first words of sentences count.
    """
    words = list(_WORD.finditer(text))
    inner = [match for match in words if anywhere or not _SENTENCE_START.search(text, 0, match.start())]
    named = {_bare(match[0]) for match in inner if match[0][0].isupper() and not _NO_NAME.match(match[0])}
    if first and len(words) > 1 and words[0][0][0].isupper() and _VERB_BEHIND.match(words[1][0]):
        named.add(_bare(words[0][0]))
    return named


def terms_of(words: Iterable[str]) -> set[str]:
    """Give the terms of several words."""
    return {term for word in words for term in query_terms(word)}


def _bare(word: str) -> str:
    return re.sub(r"['’]s?$", "", word)
