"""Compression: whether a sentence only says, in fewer words, what a text says.

A small language model mixes up who does what, and its yes to "is this true?" means nothing; so a
summary is held to more than names and numbers. Its sentence must take nearly all of its words, in
their order, from a sentence of the text, or from two that follow one another; it must name the same
persons, and leave their pronouns; and it must not lose a word that denies or hedges (after the
checks on compressed sentences of Knight and Marcu, "Summarization beyond sentence extraction",
2002: what is left out may not change what is said).

Knows: words, English pronouns and qualifiers. Does not know: passages, citations, models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.answering.grounding.facts import TITLES, FactIndex, find_facts
from crystalcli.lexical import word_spans
from crystalcli.text import sentence_spans

_LEAST_SHARE = 0.8  # of a sentence's content words that must stand in the text, in order
_FEWEST_TERMS = 3  # content words of a sentence that says something
# The point of Mr., Dr. or an initial ends nothing.
_CLAUSE_END = re.compile(r"(?:[,;:—!?]|(?<!\b[A-Z])(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z]{2})\.)+\s*")
_COMPLETE = re.compile(r"[.!?][\"'”’)]*\Z")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Words that turn or weaken what a sentence says, or say that somebody else says it.
_QUALIFIERS = frozenset(
    """
    not no never none nor neither without nothing nobody nowhere hardly scarcely barely seldom rarely little few unless if whether
    would could might may should must cannot can ought seem seems seemed appear appears appeared perhaps probably possibly almost
    nearly supposed suppose supposes believe believed thought think thinks hope hopes hoped wish wished wishes want wanted wants try
    tried tries pretend pretended refuse refused refuses deny denied denies doubt doubted fail failed fails dream dreamt dreamed
    imagine imagined fancied intend intended promised promise said says say told tells declared swore assured protested claimed
    alleged suspected assumed guessed concluded conclusion rumour opinion idea heard feared afraid expected expect
    """.split()  # noqa: SIM905 - a list would take a page
)
# Words that begin a clause inside of another one: what follows is said of something else.
_SUBORDINATORS = frozenset(
    "who whom whose which whoever where when while till until because before after though although than".split()  # noqa: SIM905
)
_PERSONS = {
    word: group
    for group, words in {
        "I": "i me my mine myself",
        "we": "we us our ours ourselves",
        "you": "you your yours yourself yourselves thee thou thy thine",
        "he": "he him his himself",
        "she": "she her hers herself",
        "they": "they them their theirs themselves",
    }.items()
    for word in words.split()
}


class _ContentWord(NamedTuple):
    """A word that is no function word: its first character, and its term."""

    start: int
    term: str


def is_compression(sentence: str, text: str) -> bool:
    """Tell whether a sentence only says, in fewer words, what a text says.

    Args:
        sentence: The sentence.
        text: The text, without the line breaks of a page.
    """
    content = _content(sentence)
    if len(content) < _FEWEST_TERMS or not _COMPLETE.search(sentence.strip()):
        return False
    return any(_is_compressed(sentence, content, window) for window in _windows(text))


def _is_compressed(sentence: str, content: Sequence[_ContentWord], window: str) -> bool:
    """Tell whether a sentence compresses one window of the text."""
    source = _content(window)
    pairs = _common_subsequence([word.term for word in content], [word.term for word in source])
    if len(pairs) < _LEAST_SHARE * len(content):
        return False
    # Its subject and its names must be taken over in their order, too.
    added = [word for index, word in enumerate(content) if index not in dict(pairs)]
    if content[0] in added or any(sentence[word.start].isupper() for word in added):
        return False
    known = FactIndex([window])
    if not all(known.holds(fact) for fact in find_facts(sentence)):
        return False
    said = _words(sentence)
    clauses = list(_used_clauses(window, [source[place].start for _, place in pairs]))
    used = " ".join(clause for clause, _ in clauses)
    between = _words(" ".join(taken for _, taken in clauses))
    return (
        _words(used) & _QUALIFIERS == said & _QUALIFIERS
        and between & _SUBORDINATORS <= said
        and _persons(used) == _persons(sentence)  # a name for a pronoun may be the wrong one
    )


def _used_clauses(window: str, places: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Give the clauses of a window that words were taken from; not those that only gave a name.

    Args:
        window: The window.
        places: The characters at which the words begin.

    Yields:
        The clause, and what stands in it from the first of these words to the last.
    """
    cuts = [0, *(match.end() for match in _CLAUSE_END.finditer(window)), len(window)]
    for start, end in pairwise(cuts):
        inside = [place for place in places if start <= place < end]
        if len(inside) > 1 or any(not window[place].isupper() for place in inside):
            yield window[start:end], window[inside[0] : inside[-1]]


def _windows(text: str) -> Iterator[str]:
    """Give each sentence of a text, and each two that follow one another."""
    spans = sentence_spans(text)
    for size in (1, 2):
        for index in range(len(spans) - size + 1):
            yield text[spans[index][0] : spans[index + size - 1][1]]


def _content(text: str) -> list[_ContentWord]:
    """Give the content words of a text in order, but for titles of persons."""
    return [
        _ContentWord(start, term)
        for start, end, term in word_spans(text)
        if term and text[start:end].lower() not in TITLES
    ]


def _words(text: str) -> set[str]:
    """Give the words of a text in lower case; of a contraction the negation, too."""
    words = {match[0].casefold() for match in _WORD.finditer(text)}
    return words | {"not" for word in words if word.endswith(("n't", "n’t"))}


def _persons(text: str) -> Counter[str]:
    """Count the persons that the pronouns of a text stand for; who speaks counts once."""
    words = (re.split(r"['’]", match[0].casefold())[0] for match in _WORD.finditer(text))
    persons = Counter(_PERSONS[word] for word in words if word in _PERSONS)
    return Counter({person: 1 if person in ("I", "we") else count for person, count in persons.items()})


def _common_subsequence(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Find a longest common subsequence; give its places in both."""
    lengths = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row in range(len(one) - 1, -1, -1):
        for column in range(len(other) - 1, -1, -1):
            lengths[row][column] = (
                lengths[row + 1][column + 1] + 1
                if one[row] == other[column]
                else max(lengths[row + 1][column], lengths[row][column + 1])
            )
    pairs, row, column = [], 0, 0
    while row < len(one) and column < len(other):
        if one[row] == other[column]:
            pairs.append((row, column))
            row, column = row + 1, column + 1
        elif lengths[row + 1][column] >= lengths[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs
