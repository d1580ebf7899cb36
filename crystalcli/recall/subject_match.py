"""The subject of a question that documents are named after: passages about others come later.

    "What was Adobe's revenue in 2022?"   ADOBE_2022_10K.pdf      before any other company's revenue
    "How big is Best Buy's workforce?"    BESTBUY_2023_10K.pdf    two words of the name as one
    "J&J's sales"                         JOHNSON_JOHNSON.pdf     asked as "Johnson & Johnson"

A passage seldom repeats whose report it stands in, so the name counts as if it stood in each
passage of a document that is named so. A passage that has the name neither there nor in its own
words is about somebody else, however many of the other words it has.

Knows: names of documents, English capitals. Does not know: how passages were found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from crystalcli.lexical import ENGLISH, LANGUAGES
from crystalcli.recall.document_score import CODE_KIND

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage

SUBJECT = "subject"  # of a passage's shares: that it is about another one
PENALTY = 0.4  # on the scale of scores, for a passage about another subject
_SHORTEST = 3  # letters of a name
_MOST_WORDS = 4  # words of a name
_WORD = re.compile(r"[^\W\d_]+")
_NAME = re.compile(r"[A-Z][^\W\d_]*(?:[ -](?:& |and |of |the )?[A-Z][^\W\d_]*)*")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ABBREVIATION = re.compile(r"\b[A-Z](?: ?& ?[A-Z]|n[A-Z])+(?![^\W_])")


def subjects_first(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Put passages about other subjects after those about a subject of the question.

    Args:
        question: The question.
        passages: The passages, best first.

    Returns:
        All passages, best first; the same ones where no document of theirs is named after
        something that the question names.
    """
    names = {passage.path: name_words(passage.path) if passage.place.kind != CODE_KIND else () for passage in passages}
    subjects = _subjects(question, names.values())
    if not subjects:
        return list(passages)
    texts = [
        _squeezed(f"{' '.join(names[passage.path])} {passage.heading or ''} {passage.text}") for passage in passages
    ]
    scored = [
        passage
        if any(subject in text for subject in subjects)
        else replace(passage, score=passage.score - PENALTY, shares={**passage.shares, SUBJECT: -PENALTY})
        for passage, text in zip(passages, texts, strict=True)
    ]
    return sorted(scored, key=lambda passage: -passage.score)


def spell_out(question: str, paths: Callable[[], Iterable[str]]) -> str:
    """Write abbreviations such as J&J as the documents' names have them.

    Args:
        question: The question.
        paths: Gives the paths of the documents; called where the question has an abbreviation.

    Returns:
        The question, with "Johnson & Johnson" for J&J or JnJ where a document's name begins so.
    """
    if not _ABBREVIATION.search(question):
        return question
    names = {name_words(path) for path in paths()}

    def spelled(match: re.Match[str]) -> str:
        initials = [letter.lower() for letter in match[0] if letter.isupper()]
        heads = {name[: len(initials)] for name in names if [word[0] for word in name[: len(initials)]] == initials}
        return " & ".join(word.capitalize() for word in heads.pop()) if len(heads) == 1 else match[0]

    return _ABBREVIATION.sub(spelled, question)


def name_words(path: str) -> tuple[str, ...]:
    """Give the words of a file's name without numbers and ending, folded."""
    stem = PurePosixPath(path).stem
    return tuple(word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", stem.replace("_", " "))) if len(word) > 1)


def _subjects(question: str, names: Iterable[tuple[str, ...]]) -> set[str]:
    """Give the longest parts of a question's names that documents are named after, squeezed."""
    squeezed = {"".join(run) for name in names for run in _runs(name) if _is_name(run)}
    found: set[str] = set()
    parts = [_WORD.findall(match[0].casefold()) for match in _NAME.finditer(question)]
    while parts:
        words = parts.pop()
        spans = combinations(range(len(words) + 1), 2)
        named = [(start, end) for start, end in spans if "".join(words[start:end]) in squeezed]
        if named:
            start, end = max(named, key=lambda span: span[1] - span[0])
            found.add("".join(words[start:end]))
            parts += [words[:start], words[end:]]
    return found


def _is_name(words: Sequence[str]) -> bool:
    return len("".join(words)) >= _SHORTEST and not LANGUAGES[ENGLISH].function_words.issuperset(words)


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Give the runs of up to _MOST_WORDS words."""
    spans = combinations(range(len(words) + 1), 2)
    return [tuple(words[start:end]) for start, end in spans if end - start <= _MOST_WORDS]


def _squeezed(text: str) -> str:
    """Give the letters of a text, folded, so that BESTBUY and Best Buy are the same."""
    return "".join(_WORD.findall(text.casefold()))
