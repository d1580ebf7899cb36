"""A passage as a source of an answer: its sentences, with their terms and their facts.

What stands around a sentence belongs to it: the name of its file, its place, heading and date, and
the label of the row that it is in.

Knows: passages. Does not know: questions, citations.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from functools import cached_property

from crystalcli.answering.grounding.facts import FactIndex
from crystalcli.answering.grounding.row_label import labelled_rows
from crystalcli.datatypes import BY_LINES, Citation, Passage
from crystalcli.lexical import terms
from crystalcli.recall import format_day, with_resolved_dates
from crystalcli.text import sentence_spans, shown_text

_NAMED = 3  # letters and digits of a word that is looked for amid the words of a file's name


class SourcePassage:
    """A passage, with its sentences and its facts."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage

    @classmethod
    def of_citation(cls, citation: Citation) -> SourcePassage:
        """Make one of a quotation."""
        return cls(Passage(citation.place, citation.quote, 0.0, citation.heading, date=citation.date))

    @cached_property
    def facts(self) -> FactIndex:
        """The facts of all that the model was given of it, name and place too."""
        return self.index(self.passage.text)

    def facts_for(self, said: Container[str]) -> FactIndex:
        """The facts without rows that are about something else.

        Args:
            said: The terms of the question and of the sentence that is looked up.
        """
        rows = [row for row in self.rows if not _are_said(row[2], said)]
        if not rows:
            return self.facts
        text, position = [], 0
        for start, end, _ in rows:
            text.append(self.passage.text[position:start])
            position = end
        return self.index("".join([*text, self.passage.text[position:]]))

    @cached_property
    def rows(self) -> list[tuple[int, int, frozenset[str]]]:
        """The rows of its lists that begin with a label: their ends, and the label's terms."""
        rows = labelled_rows(self.passage.text)
        return [(start, end, _term_set([label])) for start, end, label in rows]

    @cached_property
    def labels(self) -> list[str]:
        """The names of its file and its place, and its date."""
        passage = self.passage
        place = passage.place
        labels = [
            passage.path,
            passage.path.replace("_", " "),
            str(place),
            passage.heading or "",
            *place.marks.values(),
        ]
        return labels if passage.date is None else [*labels, format_day(passage.date)]

    def forms(self, text: str) -> list[str]:
        """Give a part of its text as it stands, as it is shown, and with the days that it names."""
        passage = self.passage
        shown = shown_text(text, passage.place)
        return [text, shown] if passage.date is None else [text, shown, with_resolved_dates(shown, passage.date)]

    def index(self, text: str) -> FactIndex:
        """Index the facts of a part of its text, with its labels."""
        return FactIndex([*self.labels, *self.forms(text)])

    def is_named(self, word: str) -> bool:
        """Tell whether the file's name has a word, which may be a part of a longer one in it."""
        squeezed = _squeezed(word)
        return len(squeezed) >= _NAMED and squeezed in _squeezed(self.passage.path)

    @cached_property
    def spans(self) -> list[SourceSentence]:
        """Its sentences; headings, which state nothing, only where there is nothing else."""
        text = self.passage.text
        spans = sentence_spans(text, self.passage.place.kind in BY_LINES - {"code"}) or [(0, len(text))]
        return [
            SourceSentence(self, *span)
            for span in [span for span in spans if not text.startswith("#", span[0])] or spans
        ]


class SourceSentence:
    """A sentence `[low, high)` of a passage's text."""

    def __init__(self, source: SourcePassage, low: int, high: int) -> None:
        self.source, self.low, self.high = source, low, high

    @property
    def text(self) -> str:
        """Its words."""
        return self.source.passage.text[self.low : self.high]

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of its words."""
        return _term_set([self.text])

    @cached_property
    def facts(self) -> FactIndex:
        """Its facts, with those of the name and the place of its passage."""
        return self.source.index(self.text)

    @cached_property
    def stated_terms(self) -> frozenset[str]:
        """Its terms, with those of its passage's labels and of the days that it names."""
        return _term_set([*self.source.labels, *self.source.forms(self.text)])

    @cached_property
    def own_terms(self) -> frozenset[str]:
        """Its terms, with those of the days that it names, and of the names of its columns."""
        return _term_set(self.source.forms(self.text))

    @cached_property
    def terms_around(self) -> frozenset[str]:
        """The same, with the terms of the sentences beside it."""
        return frozenset().union(*(span.stated_terms for span in self._beside))

    @cached_property
    def facts_around(self) -> FactIndex:
        """Its facts, with those of the sentences beside it."""
        beside = self._beside
        return self.source.index(self.source.passage.text[beside[0].low : beside[-1].high])

    @cached_property
    def _beside(self) -> list[SourceSentence]:
        """It, with the sentences beside it."""
        spans = self.source.spans
        number = spans.index(self)
        return spans[max(0, number - 1) : number + 2]

    @property
    def is_question(self) -> bool:
        """Whether it asks, and states nothing."""
        return self.text.rstrip(" \"'”’»)*_\n").endswith("?")

    def may_carry(self, said: Container[str]) -> bool:
        """Tell whether it is no row of a list about something else, such as another person."""
        labels = [label for start, end, label in self.source.rows if start < self.high and self.low < end]
        return not labels or any(_are_said(label, said) for label in labels)


def _squeezed(text: str) -> str:
    """Give the letters and digits of a text, in lower case."""
    return "".join(filter(str.isalnum, text)).casefold()


def _are_said(label: Iterable[str], said: Container[str]) -> bool:
    """Tell whether a label has no terms, or one that is said."""
    return not label or any(term in said for term in label)


def _term_set(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(term for text in texts for term, _ in terms(text))
