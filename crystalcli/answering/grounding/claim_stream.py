"""A language model's words, cut into sentences as they come, each checked and marked.

Knows: where sentences end, and what stays unsaid. Does not know: what supports a sentence
(`attribution`). The model's own `[1]` is taken out, since it was not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.answering.grounding.answer_end import FENCE
from crystalcli.answering.grounding.attribution import Sources, quotation_line
from crystalcli.answering.grounding.claim_marks import claim_mark
from crystalcli.datatypes import Claim
from crystalcli.text import sentence_spans

# How a model is asked to speak. Left alone, one of 135 million parameters repeats itself; a higher
# penalty garbles figures and code, which repeat by nature.
REPETITION_PENALTY = 1.05
STOP_STRINGS = ("\n\n",)
_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]*_]*(?=\s+(\S))|(?=\s*\n\s*(\S))")
_LABEL = re.compile(r"\s*\[ *(?:passages? *)?(\d{1,2})((?: *[,;] *\d{1,2})*) *\]", re.IGNORECASE)
# White space, and the beginning of what may become a label: shown when it is clear what it is.
_UNDECIDED = re.compile(r"\s*(?:\[[ \w,;]{0,20})?\Z")
_CLOSING_FENCE = re.compile(rf"\n[ \t]*{FENCE}(?=\s*\S)")
_LAST_WORD = re.compile(r"[\w.,'’-]*\w…?\Z")
_OPENING, _CLOSING = "“«„", "”»"


class ClaimStream:
    """The sentences of an answer that a model is speaking.

    Args:
        sources: The passages that its sentences are looked up in.
        strict: Whether a sentence without support gives way to the quotation nearest to it.
    """

    def __init__(self, sources: Sources, *, strict: bool = False) -> None:
        self._sources = sources
        self._strict = strict
        self._rest = ""  # the sentence that is not complete yet, with the white space before it
        self._shown = 0  # characters of the rest
        self._text = ""
        self._claims: list[Claim] = []

    @property
    def text(self) -> str:
        """The text so far, without marks."""
        return self._text

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The complete sentences so far."""
        return tuple(self._claims)

    def feed(self, piece: str) -> Iterator[str]:
        """Take the next piece of the model's words.

        Args:
            piece: The piece.

        Yields:
            The text that can be shown now, with the marks of sentences that it completes.
        """
        self._rest = self._without_labels(self._rest + piece)
        if not self._text and not self._shown:
            self._rest = self._rest.lstrip()
        while end := _first_end(self._rest):
            yield from self._complete(end)
        undecided = _UNDECIDED.search(self._rest)
        ready = undecided.start() if undecided else len(self._rest)
        if not self._strict and ready > self._shown:
            yield self._rest[self._shown : ready]
            self._shown = ready

    def finish(self, *, stopped: bool = False) -> Iterator[str]:
        """Complete the last sentence: the model has ended.

        Args:
            stopped: Whether the model was stopped. The last word may then be the beginning of
                another one, and is not looked up.

        Yields:
            The text that is still to be shown, with the mark.
        """
        self._rest = self._rest.rstrip()
        if self._rest.strip():
            yield from self._complete(len(self._rest), stopped)

    def _complete(self, end: int, stopped: bool = False) -> Iterator[str]:
        """Check the sentence that ends at `end` of the rest, and give what is not shown of it."""
        raw, shown = self._rest[:end], self._shown
        self._rest, self._shown = self._rest[end:], 0
        sentence = raw.strip()
        space = raw[: len(raw) - len(raw.lstrip())] if self._text else ""
        find = self._sources.find_code if sentence.startswith(FENCE) else self._sources.find
        match = find(_LAST_WORD.sub("", sentence) if stopped else sentence)
        supported = not match.missing
        claim = Claim(sentence, 0, 0, supported, match.missing, match.citations, None, match.borne_out, match.is_near)
        if self._strict and match.missing:
            taken = {number for earlier in self._claims if earlier.replaces for number in earlier.citations}
            citation = self._sources.replacement(sentence, taken)
            if citation is None:
                return
            claim = Claim(quotation_line(citation), 0, 0, True, (), (citation.number,), sentence, True, True)
        start = len(self._text) + len(space)
        self._text += space + claim.text
        self._claims.append(claim.at(start))
        yield (space + claim.text if self._strict else raw[shown:]) + claim_mark(claim)

    def _without_labels(self, text: str) -> str:
        """Remove the numbers of passages from what is not shown yet, but for those in code."""

        def keep(match: re.Match[str]) -> str:
            numbers = map(int, re.findall(r"\d+", match[0]))
            in_code = text.count("`", 0, self._shown + match.start()) % 2 == 1
            return "" if not in_code and all(1 <= number <= self._sources.count for number in numbers) else match[0]

        return text[: self._shown] + _LABEL.sub(keep, text[self._shown :])


def _first_end(text: str) -> int:
    """Find the end of the first sentence, if something of the next one is there; else 0.

    A fence of code counts as one sentence.
    """
    begin = len(text) - len(text.lstrip())
    if text.startswith(FENCE[: len(text) - begin], begin):
        closing = _CLOSING_FENCE.search(text, begin + len(FENCE))
        return closing.end() if closing is not None else 0
    for match in _END.finditer(text, begin):
        sentence = text[begin : match.end()]
        if not any(letter.isalpha() for letter in sentence):  # the label of a list
            continue
        if match[2]:
            return match.end()
        in_quotes = sentence.count('"') % 2 or sum(map(sentence.count, _OPENING)) > sum(map(sentence.count, _CLOSING))
        if not in_quotes and sentence_spans(f"{sentence} {match[1]}")[-1][0] > len(sentence):
            return match.end()
    return 0
