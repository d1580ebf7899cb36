"""What carries an answer: sentences of the passages, as citations that have been read back from the file.

A sentence of the answer is looked up by what it states (`facts`): its names, numbers, identifiers and quotations must stand in the
passages that it is given the numbers of. Whether it says the right thing of them, or denies what they say, is not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from crystalcli.answering.grounding.facts import Known, find_facts
from crystalcli.lexical import terms
from crystalcli.recall import CrystalReader
from crystalcli.text import sentence_spans, unwrap_lines
from crystalcli.types import BY_LINES, Citation, Passage

MOST = 3  # extracts shown, and citations for one sentence: more is a reading list, not a proof
_ENOUGH = (
    0.34  # of its words, by idf, that a sentence of an answer must share with one of a passage to be carried by it
)


class SourceMatch(NamedTuple):
    """What became of a sentence of the answer. citations: numbers. missing: what of it stands in none of the passages cited."""

    citations: tuple[int, ...]
    missing: tuple[str, ...]


class Sources:
    """The passages that an answer is made from, and the citations that it has needed so far.

    What the question itself says needs no support. cited: the citations of an answer that others have given some already; new ones
    go on from their numbers, and are added.
    """

    def __init__(
        self, crystal: CrystalReader, question: str, passages: Sequence[Passage], cited: list[Citation] | None = None
    ) -> None:
        self._crystal = crystal
        self._question = question
        self._asked = Known([question])
        self._in_question = {term for term, _ in terms(question)}
        self._passages = [_Source(passage) for passage in passages]
        self._citations = cited if cited is not None else []

    @property
    def count(self) -> int:
        """How many passages there are."""
        return len(self._passages)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations so far, in the order they were needed."""
        return tuple(self._citations)

    def cite_first(self) -> None:
        """Cite the best sentence of the first passage, unless that passage is cited already."""
        first = self._passages[0].passage if self._passages else None
        if first is not None and not any(_within(citation, first) for citation in self._citations):
            self._cite(first, *first.best)

    def find(self, sentence: str) -> SourceMatch:
        """What carries a sentence of the answer: first the sentence nearest to it, then what has the facts that are still open."""
        open_facts = frozenset(fact for fact in find_facts(sentence) if not self._asked.holds(fact))
        stated = sorted(open_facts, key=lambda fact: fact.start)
        weights = self._weights(sentence)
        least = _ENOUGH * sum(weights.values())
        worth = max(weights.values(), default=1.0)  # a fact counts as much as the rarest word
        spans = [span for source in self._passages for span in source.spans]
        shared = {span: sum(weights[term] for term in span.terms & weights.keys()) for span in spans}
        cited: list[int] = []
        used: set[_Span] = set()
        while len(cited) < MOST and (open_facts or not cited):
            held = {span: len([fact for fact in open_facts if span.known.holds(fact)]) for span in spans}
            some = [span for span in spans if held[span] or (not cited and shared[span] >= least > 0)]
            if not some:  # not in a sentence: in the name or the place of a passage, or across two of its sentences
                held = {span: len([fact for fact in open_facts if span.source.known.holds(fact)]) for span in spans}
                some = [span for span in spans if held[span]]
            some.sort(key=lambda span: -(shared[span] + worth * held[span]))
            found = next(((span, n) for span in some if span not in used and (n := self._number(span))), None)
            if found is None:
                break
            used.add(found[0])
            cited.append(found[1])
            open_facts -= {fact for fact in open_facts if found[0].source.known.holds(fact)}
        return SourceMatch(tuple(dict.fromkeys(cited)), tuple(fact.text for fact in stated if fact in open_facts))

    def instead(self, sentence: str, given: Iterable[int]) -> Citation | None:
        """The sentence of the passages nearest to one of the answer that they do not bear out, cited; None for one already `given`."""
        weights = self._weights(f"{sentence}\n{self._question}")
        spans = [span for source in self._passages for span in source.spans]
        best = max(spans, key=lambda span: sum(weights[term] for term in span.terms & weights.keys()), default=None)
        number = self._number(best) if best is not None else 0
        if not number or number in given:
            return None
        return self._citations[number - 1]

    def _weights(self, sentence: str) -> Mapping[str, float]:
        idf = self._crystal.idf(sentence)
        return {term: weight * (1.0 if term in self._in_question else 2.0) for term, weight in idf.items()}

    def _number(self, span: _Span) -> int:
        """The number of the citation of a span, made now if need be; 0 when the file does not say what the passage says."""
        passage = span.source.passage
        return self._cite(passage, passage.start + span.low, passage.start + span.high)

    def _cite(self, passage: Passage, start: int, end: int) -> int:
        for known in self._citations:
            if (known.path, known.start, known.end) == (passage.path, start, end):
                return known.number
        citation = _read_back(self._crystal, passage, start, end)
        if citation is None:
            return 0
        self._citations.append(replace(citation, number=len(self._citations) + 1))
        return len(self._citations)


class _Source:
    """A passage, with what is known of it."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage

    @cached_property
    def known(self) -> Known:
        """All that the model was given of it, name and place too."""
        passage = self.passage
        text = "".join(unwrap_lines(passage.text, passage.place.kind))
        return Known(
            [passage.path, str(passage.place), passage.heading or "", *passage.place.marks.values(), passage.text, text]
        )

    @cached_property
    def spans(self) -> list[_Span]:
        """Its sentences, without headings, which say nothing, unless there is nothing else."""
        text = self.passage.text
        found = sentence_spans(text, self.passage.place.kind in BY_LINES - {"code"}) or [(0, len(text))]
        return [_Span(self, *span) for span in [span for span in found if not text.startswith("#", span[0])] or found]


class _Span:
    """A sentence `[low, high)` of a passage's text."""

    def __init__(self, source: _Source, low: int, high: int) -> None:
        self.source, self.low, self.high = source, low, high

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(term for term, _ in terms(self.source.passage.text[self.low : self.high]))

    @cached_property
    def known(self) -> Known:
        return Known([self.source.passage.text[self.low : self.high]])


def extract_citations(crystal: CrystalReader, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """The best sentence of each of the first MOST passages, read back from the crystal; one that differs is left out."""
    found = (_read_back(crystal, passage, *passage.best) for passage in passages[:MOST])
    return _numbered(citation for citation in found if citation is not None)


def quotation_line(citation: Citation) -> str:
    """A citation's words in quotation marks, on one line."""
    return f"“{' '.join(citation.quote.split())}”"


def _read_back(crystal: CrystalReader, passage: Passage, start: int, end: int) -> Citation | None:
    """The document's text `[start, end)` as a citation, without a number yet; None when it is not what the passage says."""
    found = crystal.cite(passage.path, start, end)
    return found if found.quote == passage.text[start - passage.start : end - passage.start] else None


def _within(citation: Citation, passage: Passage) -> bool:
    return citation.path == passage.path and passage.start <= citation.start and citation.end <= passage.end


def _numbered(found: Iterable[Citation]) -> tuple[Citation, ...]:
    return tuple(replace(citation, number=number) for number, citation in enumerate(found, 1))
