"""The passages that carry an answer, and citations that have been read back from the file.

A sentence of the answer is looked up by the facts that it states (`facts`): its names, numbers,
identifiers and quotations must stand in the passages that it is given the numbers of.

What a sentence cites bears it out only where one sentence there has all of its words
(`bearing_out`).

Knows: passages, their sentences and their facts. Does not know: whether a sentence denies what the
passages say.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from textwrap import dedent
from typing import NamedTuple

from crystalcli.answering.grounding.bearing_out import (
    agrees,
    bears_out,
    completes,
    says_by_itself,
    says_nearly,
    share_repeated,
)
from crystalcli.answering.grounding.facts import NAME, NUMBER, FactIndex, StatedFact, find_facts, is_counted
from crystalcli.answering.grounding.source_passage import SourcePassage, SourceSentence
from crystalcli.answering.grounding.wording import is_another_item, opens_contrast, refers_back
from crystalcli.datatypes import Answer, Citation, Passage
from crystalcli.lexical import terms
from crystalcli.recall import CrystalReader
from crystalcli.text import shown_text, stands_in_lines

# Quotations of an extractive answer, and citations of one sentence: more is a reading list, not a
# proof.
MAX_CITATIONS = 3
# The same where a question asks for all of several things, which may stand in as many places.
MAX_IN_LIST = 6
# The share of its words, by idf, that a sentence of an answer must have in common with a sentence
# of a passage to be carried by it.
_LEAST_OVERLAP = 0.34
# The share of what the answer repeats of the question that must stand beside a name or a number.
_LEAST_NEAR = 0.2
_CODE_LINE = re.compile(r"\w")  # not a bracket alone, nor the end of the fence
_ANTECEDENT = 1500  # characters before a passage that may name what it calls "he" or "the company"
# The weight of a word that the question does not have, against one that it has.
_NEW_WORD = 2.0


class SourceMatch(NamedTuple):
    """The support for a sentence of the answer.

    Attributes:
        citations: The numbers of the citations that carry it.
        missing: The facts of it that stand in none of the passages cited.
        borne_out: Whether one of the sentences cited says so in these words (`bearing_out`).
        is_near: Whether one of them has nearly all of these words.
    """

    citations: tuple[int, ...]
    missing: tuple[str, ...]
    borne_out: bool = False
    is_near: bool = False


class Sources:
    """The passages that an answer is made from, and the citations that it has needed so far.

    The facts of the question itself need not stand in the sentence that is cited for one that
    repeats them, but in its passage, or in the name or the place of that, and a name shortly before
    it, since the passage may go on with "he": an answer that says "in 2024" of a report of 2022 is
    not borne out, whatever other reports know of 2024.

    Args:
        crystal: The crystal, which quotations are read back from.
        question: The question.
        passages: The passages.
        citations: The citations that the answer has already; new ones are added, and numbered
            after them. None: none yet.
    """

    def __init__(
        self,
        crystal: CrystalReader,
        question: str,
        passages: Sequence[Passage],
        citations: list[Citation] | None = None,
    ) -> None:
        self._crystal = crystal
        self._question = question
        self._question_facts = FactIndex([question])
        self._question_names = [fact for fact in find_facts(question) if fact.kind == NAME]
        self._question_terms = {term for term, _ in terms(question)}
        named = {term for name in self._question_names for term, _ in terms(name.text)}
        self._unnamed_terms = self._question_terms - named
        self._passages = [SourcePassage(passage) for passage in passages]
        self._citations = citations if citations is not None else []

    @property
    def count(self) -> int:
        """The number of passages."""
        return len(self._passages)

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations so far, in the order they were needed."""
        return tuple(self._citations)

    def find(self, sentence: str) -> SourceMatch:
        """Find the support for a sentence of the answer.

        The nearest sentence of the passages comes first, then those that have the facts that are
        still open.

        Args:
            sentence: The sentence.

        Returns:
            The citations that carry it, and its facts that have no support.
        """
        stated = self._with_question_names(sentence, find_facts(sentence))
        repeated = frozenset(fact for fact in stated if self._question_facts.holds(fact))
        open_facts = frozenset(stated) - repeated
        idf = self._crystal.idf(sentence)
        weights = self._term_weights(idf)
        least = _LEAST_OVERLAP * sum(weights.values())
        fact_weight = max(weights.values(), default=1.0)  # a fact counts as much as the rarest word
        said = self._question_terms | {term for term, _ in terms(sentence)}
        facts_of = cache(lambda source: source.facts_for(said))
        spans = [span for source in self._passages for span in source.spans if span.may_carry(said)]
        strays = self._strays(open_facts, spans, idf)
        open_facts -= strays  # they choose no source
        overlap = {span: _overlap(weights, span) for span in spans}
        numbers: list[int] = []
        used: set[SourceSentence] = set()
        while len(numbers) < MAX_CITATIONS and (open_facts or not numbers):
            counts = {span: sum(span.facts.holds(fact) for fact in open_facts) for span in spans}
            candidates = [span for span in spans if counts[span] or (not numbers and overlap[span] >= least > 0)]
            if not candidates:
                # The facts may stand in another sentence of a passage.
                counts = {span: sum(facts_of(span.source).holds(fact) for fact in open_facts) for span in spans}
                candidates = [span for span in spans if counts[span]]
            candidates.sort(key=lambda span: -(overlap[span] + fact_weight * counts[span]))
            cited = next(
                ((span, number) for span in candidates if span not in used and (number := self._number_of(span))), None
            )
            if cited is None:
                break
            span, number = cited
            used.add(span)
            numbers.append(number)
            open_facts -= {fact for fact in open_facts if facts_of(span.source).holds(fact)}
        cited_passages = {span.source for span in used} or self._passages
        open_facts |= {fact for fact in repeated if not is_counted(fact) and not self._hold(cited_passages, fact)}
        # "The new address is 7 Ropewalk" has no word of "Where do I live?", as its source has none.
        if not any(says_by_itself(idf, self._question_idf, span.stated_terms) for span in used):
            open_facts |= strays
        missing = tuple(fact.text for fact in stated if fact in open_facts)
        borne_out = not missing and any(self._is_borne_out(sentence, span, idf) for span in used)
        is_near = borne_out or (not missing and any(self._is_near(sentence, span, idf) for span in used))
        return SourceMatch(tuple(dict.fromkeys(numbers)), missing, borne_out, is_near)

    def has_facts_of(self, citation: Citation, sentence: str) -> bool:
        """Tell whether a quotation has the facts that a sentence adds to the question, if any."""
        added = [fact for fact in find_facts(sentence) if not self._question_facts.holds(fact)]
        return bool(added) and all(map(SourcePassage.of_citation(citation).facts.holds, added))

    def find_code(self, block: str) -> SourceMatch:
        """Find the support for a fence of code: the passages that have its lines as they stand.

        Args:
            block: The fence, with its first and last line.

        Returns:
            The citations that carry it, and its lines that stand in no passage.
        """
        lines = [line.strip() for line in block.splitlines()[1:] if _CODE_LINE.search(line)]
        open_lines = dict.fromkeys(lines)
        numbers: list[int] = []
        for source in self._passages:
            passage = source.passage
            present = {line.strip() for line in passage.text.splitlines()} & open_lines.keys()
            if present and (number := self._cite(passage, passage.start, passage.start + len(passage.text))):
                numbers.append(number)
                open_lines = {line: None for line in open_lines if line not in present}
        is_held = bool(numbers and not open_lines)
        return SourceMatch(tuple(dict.fromkeys(numbers)), tuple(open_lines), is_held, is_held)

    def replacement(self, sentence: str, taken: Container[int]) -> Citation | None:
        """Cite the sentence of the passages nearest to one of the answer that has no support.

        Args:
            sentence: The sentence of the answer.
            taken: The numbers of the citations that replace other sentences already.

        Returns:
            The citation; None for one that is taken, or where there is nothing to quote.
        """
        weights = self._term_weights(self._crystal.idf(f"{sentence}\n{self._question}"))
        spans = [span for source in self._passages for span in source.spans]
        best = max(spans, key=lambda span: _overlap(weights, span), default=None)
        number = self._number_of(best) if best is not None else 0
        if not number or number in taken:
            return None
        return self._citations[number - 1]

    def _with_question_names(self, sentence: str, stated: list[StatedFact]) -> list[StatedFact]:
        """Add names of the question in a sentence: one at the beginning looks like any word."""
        found = {fact.text.casefold() for fact in stated}
        names = [name for name in self._question_names if name.text.casefold() not in found]
        index = FactIndex([sentence]) if names else None
        return stated + [name for name in names if index is not None and index.holds(name)]

    def _is_borne_out(self, sentence: str, span: SourceSentence, said: Mapping[str, float]) -> bool:
        """Tell whether a sentence of a passage says what one of the answer says, by its idf."""
        if span.is_question or not self._names_stand_by(sentence, span):
            return False
        # A short answer, such as a name, says what the question says.
        whole = sentence
        if completes(said, self._question_idf):
            whole = f"{self._question} {sentence}"
            if is_another_item(sentence, self._question, span.text):
                return False
        if not agrees(whole, span.text):
            return False
        stated, around = span.stated_terms, span.terms_around
        if opens_contrast(span.text):
            stated = around = span.own_terms
        named = self._question_terms if refers_back(span.text) else self._question_terms - self._unnamed_terms
        return bears_out(said, self._question_idf, stated, around, named)

    def _is_near(self, sentence: str, span: SourceSentence, said: Mapping[str, float]) -> bool:
        """Tell whether a sentence of a passage has nearly all words of one of the answer."""
        if span.is_question or not self._names_stand_by(sentence, span):
            return False
        return says_nearly(said, self._question_idf, span.stated_terms, span.terms_around)

    def _names_stand_by(self, sentence: str, span: SourceSentence) -> bool:
        """Tell whether names of the question that an answer repeats stand by a sentence cited."""
        said = FactIndex([sentence])
        repeated = [name for name in self._question_names if said.holds(name)]
        return all(span.facts_around.holds(name) or span.source.is_named(name.text) for name in repeated)

    def _strays(
        self, facts: frozenset[StatedFact], spans: Sequence[SourceSentence], said: Mapping[str, float]
    ) -> frozenset[StatedFact]:
        """Find names and numbers that stand only where nothing is said of what is asked.

        A name from a passage about something else is what a small language model most often puts in
        wrongly. Where no passage has the question's words, as in another language, there are none.

        Args:
            facts: The facts that the answer adds to the question.
            spans: The sentences of the passages.
            said: The terms of the answer's sentence, with their idf.
        """
        near = {span: share_repeated(said, self._question_idf, span.terms_around) for span in spans}
        if max(near.values(), default=0.0) < _LEAST_OVERLAP:
            return frozenset()
        strays = set()
        for fact in facts:
            holding = [span for span in spans if span.facts.holds(fact)] if fact.kind in (NAME, NUMBER) else []
            if holding and max(map(near.__getitem__, holding)) < _LEAST_NEAR:
                strays.add(fact)
        return frozenset(strays)

    @cached_property
    def _question_idf(self) -> Mapping[str, float]:
        return self._crystal.idf(self._question)

    def _hold(self, sources: Iterable[SourcePassage], fact: StatedFact) -> bool:
        """Tell whether a fact stands in any of some passages; a name may stand before it."""
        for source in sources:
            if source.facts.holds(fact) or source.is_named(fact.text):
                return True
            start = source.passage.start
            if fact.number is None and start:
                before = self._crystal.quote(source.passage.path, max(0, start - _ANTECEDENT), start)
                if FactIndex([before]).holds(fact):
                    return True
        return False

    def _term_weights(self, idf: Mapping[str, float]) -> Mapping[str, float]:
        """Weigh the terms of a sentence by idf, and those that the question lacks twice."""
        return {term: weight * (1.0 if term in self._question_terms else _NEW_WORD) for term, weight in idf.items()}

    def _number_of(self, span: SourceSentence) -> int:
        """Give the number of the citation of a span, made now if need be; 0 as for `_cite`."""
        passage = span.source.passage
        return self._cite(passage, passage.start + span.low, passage.start + span.high)

    def _cite(self, passage: Passage, start: int, end: int) -> int:
        """Cite `[start, end)`; give its number, or 0 when the file differs from the passage.

        A quotation that holds it is cited as it is.
        """
        for citation in self._citations:
            if citation.path == passage.path and citation.start <= start and end <= citation.end:
                return citation.number
        unnumbered = _read_back(self._crystal, passage, start, end)
        if unnumbered is None:
            return 0
        self._citations.append(replace(unnumbered, number=len(self._citations) + 1))
        return len(self._citations)


def extract_citations(crystal: CrystalReader, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """Cite the best sentence of each of the first MAX_CITATIONS passages, read back from the file.

    Args:
        crystal: The crystal.
        passages: The passages, best first.

    Returns:
        The citations, numbered from 1; a sentence that differs from the file is left out.
    """
    citations = (_read_back(crystal, passage, *passage.best) for passage in passages[:MAX_CITATIONS])
    return _numbered(citation for citation in citations if citation is not None)


def quotation_line(citation: Citation) -> str:
    """Format the words of a citation in quotation marks, on one line."""
    return f"“{quotation_words(citation)}”"


def quotation_words(citation: Citation) -> str:
    """Return the words of a citation on one line; a row of a table has its names of columns."""
    text = citation.quote
    if citation.place.marks.get("table"):
        text = shown_text(text, citation.place)
    return " ".join(text.split())


def quotation_lines(citation: Citation) -> str:
    """Return the lines of code, a list or messages without a common margin; "" where words flow.

    Lines that end only because a column was full are joined.
    """
    if not stands_in_lines(citation.quote, citation.place):
        return ""
    return dedent(shown_text(citation.quote.strip("\n"), citation.place))


def numbered_quotation(citation: Citation) -> str:
    """Format the words of a citation, and its number behind them."""
    return f"{quotation_line(citation)} [{citation.number}]"


def is_quotations(answer: Answer) -> bool:
    """Tell whether the answer consists of its quotations, as an extractive one does."""
    rest = answer.text
    for citation in answer.citations:
        rest = rest.replace(numbered_quotation(citation), "")
    return not rest.strip()


def _read_back(crystal: CrystalReader, passage: Passage, start: int, end: int) -> Citation | None:
    """Cite the document's `[start, end)`, without a number yet; None if the passage differs."""
    citation = crystal.cite(passage.path, start, end)
    return citation if citation.quote == passage.text[start - passage.start : end - passage.start] else None


def _overlap(weights: Mapping[str, float], span: SourceSentence) -> float:
    """Sum the weights of the terms that a span has."""
    return sum(weights[term] for term in span.terms & weights.keys())


def _numbered(citations: Iterable[Citation]) -> tuple[Citation, ...]:
    return tuple(replace(citation, number=number) for number, citation in enumerate(citations, 1))
