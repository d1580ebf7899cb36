"""Passages from ranked atoms: whole sentences, each with its place.

An atom becomes the sentences (in code: lines) whose middle lies in it, and the rest of the short
definition that most of these lie in. Neighbouring atoms of the same document that are among the
best as well join the passage: evidence often lies across a cut that the question does not know.

Knows: sentences, definitions, places. Does not know: how atoms are ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import BY_LINES, DocumentState, Passage
from crystalcli.index import AtomLocation, IndexReader, locate_span
from crystalcli.recall.content_dates import day_at
from crystalcli.recall.duplicates import MAX_PLACES, ChunkPosition, find_duplicates
from crystalcli.recall.layer_score import code_sums
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.recall.voice_score import CHAT_KIND
from crystalcli.storage import SourceRow, landmark_span, landmarks_over
from crystalcli.text import author_of_label, is_assistant, is_table_rule, named_row, sentence_spans
from crystalcli.vectors import Codec

if TYPE_CHECKING:
    from crystalcli.recall.filter_mask import FilterMask

NEIGHBOURHOOD = 12  # best atoms that may join a passage as neighbours
# Characters of a definition that is given whole where it holds most of an atom.
MAX_DEFINITION = 800
# Characters of a message to or from an assistant that is given whole, or of a part of a longer.
MAX_MESSAGE = 600
_OWN_WORDS = 0.3  # the part of a question that a person's message may lack and come before an answer
_TABLED = frozenset(("markdown", "notebook"))  # kinds whose tables have landmarks
_REACH = 2  # atoms that join on either side, at most
_LONG_SENTENCE = 1200  # characters; a longer stretch is not a sentence
_GAP = 8  # characters of white space between the spans of neighbouring atoms, at most


class _AtomSpan(NamedTuple):
    """A ranked atom, widened to whole sentences.

    Attributes:
        scored: The atom.
        location: Its chunk.
        source: Its document.
        low: The first character, in the chunk.
        high: The character after the last, in the chunk.
        start: The first character, in the document.
        end: The character after the last, in the document.
        line: The line of `start`.
        message: Where its message begins in a chat with an assistant, whose passages end with a
            message; -1 elsewhere.
    """

    scored: ScoredAtom
    location: AtomLocation
    source: SourceRow
    low: int
    high: int
    start: int
    end: int
    line: int
    message: int = -1


class PassageBuilder:
    """Builds the passages of one question.

    Args:
        index: The resident index.
        codec: The codec of the layers; None without vectors.
        query: The prepared question.
        within: Ids of the documents to prefer, where a text is in several.
        by_units: True to choose a passage's best sentence by the codes of its units too; False: by
            words alone.
        mask: What a filter lets through; None: everything.
    """

    def __init__(
        self,
        index: IndexReader,
        codec: Codec | None,
        query: PreparedQuery,
        within: Collection[int] = frozenset(),
        *,
        by_units: bool = False,
        mask: FilterMask | None = None,
    ) -> None:
        self._index = index
        self._store = index.store
        self._codec = codec
        self._query = query
        self._within = within
        self._by_units = by_units
        self._mask = mask
        self._sources: dict[int, SourceRow] = {}

    def make(self, ranked: Sequence[ScoredAtom], k: int) -> list[Passage]:
        """Build passages of different texts; the other places of a text are in `Passage.also`.

        Args:
            ranked: Atoms, best first.
            k: How many passages, at most.

        Returns:
            Passages, best first.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        neighbours = {copy.atom: copy for scored in ranked[:NEIGHBOURHOOD] for copy in _copies(scored)}
        spans: dict[int, _AtomSpan | None] = {}
        used_starts: set[tuple[int, int]] = set()
        used_atoms: set[int] = set()  # atoms of passages, with those of the same text
        passages: dict[str, Passage] = {}

        def span_of(scored: ScoredAtom) -> _AtomSpan | None:
            if scored.atom not in spans:
                spans[scored.atom] = self._widen(scored)
            return spans[scored.atom]

        for scored in ranked:
            if len(passages) == k:
                break
            if scored.atom in used_atoms:
                continue
            seed = self._prefer_present(span_of, scored)
            if seed is None or seed.scored.atom in used_atoms or (seed.source.id, seed.start) in used_starts:
                continue
            seed = _without_passages(seed, passages.values())
            if seed is None:
                continue
            joined = [seed]
            for step in (-1, 1):
                for distance in range(1, _REACH + 1):
                    atom = seed.scored.atom + step * distance
                    other = span_of(neighbours[atom]) if atom in neighbours else None
                    if (
                        other is None
                        or other.source.id != seed.source.id
                        or other.message != seed.message
                        or (other.source.id, other.start) in used_starts
                    ):
                        break
                    gap = joined[0].start - other.end if step < 0 else other.start - joined[-1].end
                    if other.message >= 0 and sum(span.end - span.start for span in (*joined, other)) > MAX_MESSAGE:
                        break
                    if not 0 <= gap <= _GAP or _without_passages(other, passages.values()) is not other:
                        break
                    joined.insert(0 if step < 0 else len(joined), other)
            used_starts.update((span.source.id, span.start) for span in joined)
            used_atoms.update(atom for span in joined for atom in (span.scored.atom, *span.scored.others))
            passage = self._passage(seed, joined[0], joined[-1])
            same_text = passages.get(passage.text)
            passages[passage.text] = passage if same_text is None else _merge_places(same_text, passage)
        return list(passages.values())

    def _prefer_present(
        self, span_of: Callable[[ScoredAtom], _AtomSpan | None], scored: ScoredAtom
    ) -> _AtomSpan | None:
        """Give the span of an atom, or of another of the same text if the atom's file is gone."""
        first = span_of(scored)
        if first is None or first.source.state != DocumentState.GONE:
            return first
        copies = filter(None, map(span_of, _copies(scored)))
        return next((span for span in copies if span.source.state != DocumentState.GONE), first)

    def _widen(self, scored: ScoredAtom) -> _AtomSpan | None:
        """Widen an atom to whole sentences; None where no document has it that may answer."""
        location = self._index.place(scored.atom)
        runs = self._store.runs_over(location.chunk)
        if self._mask is not None:
            runs = [run for run in runs if self._mask.allows(run.source)]
        if not runs:
            return None
        # A preferred document first, then one whose file is still there.
        run = min(runs, key=lambda run: (run.source not in self._within, self._is_gone(run.source)))
        source = self._source(run.source)
        low, high = snap_to_sentences(location, source.kind in BY_LINES)
        chunk_start, newlines = self._index.before(run, location.chunk)
        if source.kind == "code":
            low, high = self._snap_to_definition(source, location.text, chunk_start, low, high)
        message = -1
        if source.kind == CHAT_KIND:
            low, high, message = self._keep_to_message(source, location.text, chunk_start, low, high)
        if self._mask is not None:
            parts = self._mask.clip(source.id, chunk_start + low, chunk_start + high)
            if not parts:
                return None
            low, high = parts[0][0] - chunk_start, parts[-1][1] - chunk_start
            if not location.text[low:high].strip():
                return None
        line = newlines + location.text.count("\n", 0, low) + 1
        return _AtomSpan(scored, location, source, low, high, chunk_start + low, chunk_start + high, line, message)

    def _keep_to_message(
        self, source: SourceRow, text: str, chunk_start: int, low: int, high: int
    ) -> tuple[int, int, int]:
        """Keep a span of a chunk's text to one message of a chat with an assistant.

        The message that says most of the question is kept, a person's before an assistant's unless
        the question asks for answers. A short message is given whole, and stays with a short answer
        to it.

        Args:
            source: The document.
            text: The chunk's text.
            chunk_start: The chunk's first character in the document.
            low: The span's first character in the chunk.
            high: The character after its last.

        Returns:
            The span `[low, high)`, and where the message begins in the document; in other chats
            the span as it was, and -1.
        """
        chunk_end = chunk_start + len(text)
        # With the messages before and after: a chunk may hold one side's alone.
        around = landmarks_over(self._store, source.id, "message", max(0, chunk_start - 1), chunk_end + 1)
        if not any(is_assistant(author_of_label(label)) for _, label in around):
            return low, high, -1
        _, _, last_end = landmark_span(self._store, source.id, "message", around[-1][0])
        ends = [start for start, _ in around[1:]] + [source.characters if last_end is None else last_end]
        lengths = [
            end - start
            for (start, _), end in zip(around, ends, strict=True)
            if start - chunk_start < high and end - chunk_start > low
        ]
        if self._query.wants_answers or (len(lengths) > 1 and max(lengths) <= MAX_MESSAGE):
            return low, high, -1  # a question with its short answer
        best = low, high, -1
        best_worth = -1.0
        for (start, label), end in zip(around, ends, strict=True):
            first, last = max(0, start - chunk_start), min(end, chunk_end) - chunk_start
            if first >= high or last <= low or not (inside := text[max(low, first) : min(high, last)].strip()):
                continue
            if self._mask is not None and not self._mask.clip(source.id, chunk_start + first, chunk_start + last):
                continue
            worth = sum(self._query.idf[term] for term in self._query.terms_in(inside)) / self._query.total_idf
            if not (self._query.wants_answers or is_assistant(author_of_label(label))):
                worth += _OWN_WORDS
            if worth > best_worth:
                if last - first > MAX_MESSAGE:
                    first, last = max(low, first), min(high, last)
                best, best_worth = (first, first + len(text[first:last].rstrip()), start), worth
        return best

    def _snap_to_definition(
        self, source: SourceRow, text: str, chunk_start: int, low: int, high: int
    ) -> tuple[int, int]:
        """Widen a span of a chunk's text to the short definition that holds most of it.

        Args:
            source: The document.
            text: The chunk's text.
            chunk_start: The chunk's first character in the document.
            low: The span's first character in the chunk.
            high: The character after its last.

        Returns:
            The span `[low, high)`, widened or as it was.
        """
        label, start, end = landmark_span(self._store, source.id, "definition", chunk_start + (low + high) // 2)
        first, last = start - chunk_start, (source.characters if end is None else end) - chunk_start
        if not label or first < 0 or last > len(text) or last - first > MAX_DEFINITION:
            return low, high
        if 2 * (min(high, last) - max(low, first)) <= high - low:
            return low, high
        return min(low, first), max(high, first + len(text[first:last].rstrip()))

    def _source(self, number: int) -> SourceRow:
        if number not in self._sources:
            self._sources[number] = self._index.vouch(self._store.source(number))
        return self._sources[number]

    def _is_gone(self, number: int) -> bool:
        return self._source(number).state == DocumentState.GONE

    def _passage(self, seed: _AtomSpan, first: _AtomSpan, last: _AtomSpan) -> Passage:
        """Build a passage of joined spans.

        Args:
            seed: The span of the ranked atom, which gives the score and the best sentence.
            first: The first of the spans.
            last: The last of the spans.
        """
        source, start, end = seed.source, first.start, last.end
        text = seed.location.text[seed.low : seed.high]
        low, high = self._best_sentence(seed, text)
        allowed = () if self._mask is None else tuple(self._mask.clip(source.id, start, end))
        if first is not seed or last is not seed:
            text = self._index.span_text(source, start, end)
        best = (seed.start + low, seed.start + high)
        lines = first.line, first.line + text.rstrip().count("\n")
        place = locate_span(self._store, source, start, end, lines)
        marks = {**place.marks, "definition": self._store.landmark_before(source.id, "definition", best[0])}
        chunk_line = seed.line - seed.location.text.count("\n", 0, seed.low)
        chunks = [seed.location.chunk, *map(self._index.chunk_of, seed.scored.others)]
        position = ChunkPosition(chunks, seed.start - seed.low, chunk_line, len(seed.location.text))
        also = find_duplicates(self._index, self._source, position, place, lines, text)
        return Passage(
            place=replace(place, marks={kind: label for kind, label in marks.items() if label}),
            text=text,
            score=seed.scored.score,
            heading=self._store.landmark_before(source.id, "heading", best[0]) or None,
            best=best,
            shares=seed.scored.signals,
            recency=seed.scored.recency,
            gone=source.state == DocumentState.GONE,
            also=also,
            date=day_at(self._index, source, best[0]),
            allowed=() if allowed == ((start, end),) else allowed,
        )

    def _best_sentence(self, span: _AtomSpan, text: str) -> tuple[int, int]:
        """Find the sentence of `text` nearest to the question, by its words and its units."""
        sentences = sentence_spans(text, span.source.kind in BY_LINES) or [(0, len(text))]
        if self._mask is not None:
            inside = self._mask.clip(span.source.id, span.start, span.end)
            shifted = [(low - span.start, high - span.start) for low, high in inside]
            sentences = sentences_within(sentences, shifted) or sentences
        idf = self._query.idf
        total = sum(idf.values()) or 1.0
        unit_scores = self._unit_scores(span.location) if self._by_units else []
        scores = []
        for index, (start, end) in enumerate(sentences):
            below = slice(*sentences[index + 1]) if index + 1 < len(sentences) else slice(0)
            shared_terms = self._query.terms_in(self._words_of(span, text, start, end, text[below]))
            touched = [
                score
                for (unit_start, unit_end), score in zip(span.location.units, unit_scores, strict=False)
                if unit_start < span.low + end and unit_end > span.low + start
            ]
            by_words = sum(idf[term] for term in shared_terms) / total
            scores.append(by_words + (float(np.mean(touched)) if touched else 0.0))
        return sentences[int(np.argmax(scores))]

    def _words_of(self, span: _AtomSpan, text: str, start: int, end: int, below: str) -> str:
        """Give the words of a sentence; a row of a Markdown table has the names of its columns.

        Args:
            span: The atom's span.
            text: Its text.
            start: The first character of the sentence in it.
            end: The character after the last.
            below: The sentence below.
        """
        sentence = text[start:end]
        if "|" not in sentence or span.source.kind not in _TABLED:
            return sentence
        if is_table_rule(below):
            return ""  # the names alone: each row is compared with them
        names = self._store.landmark_before(span.source.id, "table", span.start + start)
        return named_row(sentence, names) if names else sentence

    def _unit_scores(self, location: AtomLocation) -> Sequence[float]:
        """Compare the question with an atom's units; empty without vectors."""
        segment = self._index.view(location.segment)
        encoded = self._query.encoded
        if encoded is None or self._codec is None or self._index.atom_codes is None or not segment.row.encoded:
            return []
        last_unit = location.first_unit + len(location.units)
        codes = self._index.units(location.segment, location.first_unit, last_unit)
        # Siblings share their atom and nearly their cluster: a unit's own code distinguishes it.
        products: list[float] = code_sums(self._codec.units.lookup_table(encoded.vector)[None], codes)[0].tolist()
        return products


def _without_passages(span: _AtomSpan, passages: Iterable[Passage]) -> _AtomSpan | None:
    """Cut the text of earlier passages off a span: atoms of one definition are widened to the same.

    Returns:
        The rest of the span, or None where most of it is in passages.
    """
    text, shift = span.location.text, span.start - span.low
    low, high = span.low, span.high
    for passage in passages:
        start, end = passage.start - shift, passage.end - shift
        if passage.path == span.source.path and start < high and end > low:
            if start <= low:
                low = min(high, text.find("\n", max(low, end)) + 1 or high)
            else:
                high = low + len(text[low:start].rstrip())
    if (low, high) == (span.low, span.high):
        return span
    if 2 * (high - low) < span.high - span.low or not text[low:high].strip():
        return None
    line = span.line + text.count("\n", span.low, low)
    return span._replace(low=low, high=high, start=shift + low, end=shift + high, line=line)


def _copies(scored: ScoredAtom) -> Iterator[ScoredAtom]:
    """Give an atom and those of the same text elsewhere, all with its score."""
    atoms = (scored.atom, *scored.others)
    for atom in atoms:
        yield scored._replace(atom=atom, others=tuple(other for other in atoms if other != atom))


def _merge_places(first: Passage, second: Passage) -> Passage:
    """Merge two passages of the same text."""
    known = {(first.path, first.start), *((place.path, place.start) for place in first.also)}
    new = [place for place in (second.place, *second.also) if (place.path, place.start) not in known]
    return replace(first, also=(*first.also, *new)[:MAX_PLACES])


def sentences_within(sentences: Sequence[tuple[int, int]], parts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Select the sentences whose middle lies in one of the parts; both are spans in one text."""
    return [(start, end) for start, end in sentences if any(low <= (start + end) // 2 < high for low, high in parts)]


def snap_to_sentences(location: AtomLocation, by_lines: bool) -> tuple[int, int]:
    """Widen or narrow an atom's span to the whole sentences whose middle lies in it.

    Args:
        location: The atom's location.
        by_lines: True for lines in place of sentences, as in code.

    Returns:
        The span `[low, high)` in the chunk's text.
    """
    sentences = sentence_spans(location.text, by_lines)
    inside = [span for span in sentences if location.start <= (span[0] + span[1]) // 2 < location.end]
    if not inside and sentences:
        middle = (location.start + location.end) // 2
        inside = [min(sentences, key=lambda span: max(span[0] - middle, middle - span[1], 0))]
    if not inside:
        return location.start, location.end
    low, high = inside[0][0], inside[-1][1]
    # A stretch too long for a sentence is cut to the atom, at white space.
    if high - low > _LONG_SENTENCE and len(inside) == 1:
        low, high = max(low, location.start), min(high, location.end)
        while low > inside[0][0] and not location.text[low - 1].isspace():
            low -= 1
        while high < inside[-1][1] and not location.text[high].isspace():
            high += 1
    # The first line of code keeps its indentation: it shows the nesting.
    if by_lines:
        while low > 0 and location.text[low - 1] in " \t":
            low -= 1
    return low, high
