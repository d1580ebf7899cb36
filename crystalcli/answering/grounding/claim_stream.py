"""What a language model says, sentence by sentence as it comes: each is looked up when it is complete, and marked.

Knows where sentences end and what stays unsaid; what carries a sentence, `support` knows. The model's own `[1]` is taken out, since
nobody has looked whether it is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.answering.grounding.attribution import Sources, quotation_line
from crystalcli.text import sentence_spans
from crystalcli.types import Claim

# How a model is asked to speak. One of 135 million parameters says the same again and again when it is left alone.
REPETITION_PENALTY = 1.15
STOP_STRINGS = ("\n\n",)
_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]*_]*(?=\s+(\S))|(?=\s*\n\s*(\S))")
_LABEL = re.compile(r"\s*\[\s*(?:passages?\s*)?(\d{1,2})((?:\s*[,;]\s*\d{1,2})*)\s*\]", re.IGNORECASE)
_BEGUN = re.compile(
    r"\s*(?:\[[\s\w,;]{0,20})?\Z"
)  # white space, and what may become a label: shown when it is clear what it is
_LAST_WORD = re.compile(r"[\w.,'’-]*\w…?\Z")
_OPENING, _CLOSING = "“«„", "”»"


class ClaimStream:
    """An answer on its way. strict: a sentence that the sources do not bear out gives way to the extract nearest to it."""

    def __init__(self, sources: Sources, *, strict: bool = False) -> None:
        self._sources = sources
        self._strict = strict
        self._rest = ""  # of what was heard: the sentence that is not complete yet, with the white space before it
        self._shown = 0  # characters of the rest
        self._text = ""
        self._claims: list[Claim] = []

    @property
    def text(self) -> str:
        """What was said so far, without marks."""
        return self._text

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The sentences that were complete."""
        return tuple(self._claims)

    def hear(self, piece: str) -> Iterator[str]:
        """The next piece of what the model says; gives what can be shown of it, with the marks of sentences that it completes."""
        self._rest = self._without_labels(self._rest + piece)
        if not self._text and not self._shown:
            self._rest = self._rest.lstrip()
        while end := _first_end(self._rest):
            yield from self._complete(end)
        waiting = _BEGUN.search(self._rest)
        ready = waiting.start() if waiting else len(self._rest)
        if not self._strict and ready > self._shown:
            yield self._rest[self._shown : ready]
            self._shown = ready

    def end(self, *, stopped: bool = False) -> Iterator[str]:
        """The model has ended: what is left is a sentence, too. stopped: it was not let finish, so that the last word may be the
        beginning of another, and nothing is looked up for it.
        """
        self._rest = self._rest.rstrip()
        if self._rest.strip():
            yield from self._complete(len(self._rest), stopped)

    def _complete(self, end: int, stopped: bool = False) -> Iterator[str]:
        said, shown = self._rest[:end], self._shown
        self._rest, self._shown = self._rest[end:], 0
        sentence = said.strip()
        space = said[: len(said) - len(said.lstrip())] if self._text else ""
        found = self._sources.find(_LAST_WORD.sub("", sentence) if stopped else sentence)
        claim = Claim(sentence, 0, 0, not found.missing, found.missing, found.citations)
        if self._strict and found.missing:
            given = {number for each in self._claims if each.replaces for number in each.citations}
            citation = self._sources.instead(sentence, given)
            if citation is None:
                return
            claim = Claim(quotation_line(citation), 0, 0, True, (), (citation.number,), sentence)
        start = len(self._text) + len(space)
        self._text += space + claim.text
        self._claims.append(claim.at(start))
        yield (space + claim.text if self._strict else said[shown:]) + claim.mark

    def _without_labels(self, text: str) -> str:
        def keep(match: re.Match[str]) -> str:
            numbers = map(int, re.findall(r"\d+", match[0]))
            in_code = text.count("`", 0, self._shown + match.start()) % 2 == 1
            return "" if not in_code and all(1 <= number <= self._sources.count for number in numbers) else match[0]

        return text[: self._shown] + _LABEL.sub(keep, text[self._shown :])


def _first_end(text: str) -> int:
    """Where the first sentence of `text` ends, if something of the next one is there; else 0."""
    begin = len(text) - len(text.lstrip())
    for match in _END.finditer(text, begin):
        said = text[begin : match.end()]
        if not any(letter.isalpha() for letter in said):  # the label of a list
            continue
        if match[2]:
            return match.end()
        quoting = said.count('"') % 2 or sum(map(said.count, _OPENING)) > sum(map(said.count, _CLOSING))
        if not quoting and sentence_spans(f"{said} {match[1]}")[-1][0] > len(said):
            return match.end()
    return 0
