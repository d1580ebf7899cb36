"""From ranked atoms to passages: whole sentences, with neighbours that were recalled too, and the place of each.

An atom becomes the sentences (in code: lines) whose middle lies in it, and the rest of the short definition that most of these lie in.
Where the atoms before or after it in the same document are among the best as well, they are one passage: evidence often lies across
a cut that the question knows nothing of.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import AtomLocation, IndexReader, locate_span
from crystalcli.lexical import terms
from crystalcli.recall.duplicates import MAX_PLACES, ChunkPosition, find_duplicates
from crystalcli.recall.layer_score import code_sums
from crystalcli.recall.query import PreparedQuery, ScoredAtom
from crystalcli.storage import SourceRow, landmark_span
from crystalcli.text import sentence_spans
from crystalcli.types import BY_LINES, Passage
from crystalcli.vectors import Codec

if TYPE_CHECKING:

    pass


NEIGHBOURHOOD = 12  # a neighbour joins when it is among so many best atoms
_REACH = 2  # atoms that join on either side, at most
_LONG_SENTENCE = 1200  # characters; what is longer is no sentence
WHOLE_DEFINITION = 800  # characters; a shorter definition is given whole where most of the atom lies in it
_GAP = 8  # characters of white space between the passages of neighbouring atoms, at most


class _Spot(NamedTuple):
    """A scored atom where it stands: its sentences are `[low, high)` of its chunk, `[start, end)` of its document."""

    scored: ScoredAtom
    place: AtomLocation
    source: SourceRow
    low: int
    high: int
    start: int
    end: int
    line: int  # of `start`


class PassageBuilder:
    """Makes the passages of one question.

    Args:
        shelf: The resident index.
        codec: The codec of the layers; None when there are no vectors.
        query: The prepared question.
        within: The ids of documents to prefer, where a text stands in several.
        by_units: Whether the best sentence of a passage is chosen by the codes of its units too, and not by words alone.
    """

    def __init__(
        self,
        shelf: IndexReader,
        codec: Codec | None,
        query: PreparedQuery,
        within: Collection[int] = frozenset(),
        *,
        by_units: bool = False,
    ) -> None:
        self._shelf = shelf
        self._store = shelf.store
        self._codec = codec
        self._query = query
        self._within = within
        self._by_units = by_units
        self._sources: dict[int, SourceRow] = {}

    def make(self, ranked: Sequence[ScoredAtom], k: int) -> list[Passage]:
        """Up to `k` passages from atoms in order of their scores; no text is given twice: where else it stands is in `also`."""
        near = {each.atom: each for scored in ranked[:NEIGHBOURHOOD] for each in _everywhere(scored)}
        spots: dict[int, _Spot | None] = {}
        taken: set[tuple[int, int]] = set()
        used: set[int] = set()  # atoms that stand in a passage, with those of the same text
        found: dict[str, Passage] = {}

        def spot(scored: ScoredAtom) -> _Spot | None:
            if scored.atom not in spots:
                spots[scored.atom] = self._spot(scored)
            return spots[scored.atom]

        for scored in ranked:
            if len(found) == k:
                break
            if scored.atom in used:
                continue
            seed = self._best_place(spot, scored)
            if seed is None or seed.scored.atom in used or (seed.source.id, seed.start) in taken:
                continue
            seed = _unread(seed, found.values())
            if seed is None:
                continue
            joined = [seed]
            for step in (-1, 1):
                for distance in range(1, _REACH + 1):
                    atom = seed.scored.atom + step * distance
                    other = spot(near[atom]) if atom in near else None
                    if other is None or other.source.id != seed.source.id or (other.source.id, other.start) in taken:
                        break
                    gap = joined[0].start - other.end if step < 0 else other.start - joined[-1].end
                    if not 0 <= gap <= _GAP or _unread(other, found.values()) is not other:
                        break
                    joined.insert(0 if step < 0 else len(joined), other)
            taken.update((each.source.id, each.start) for each in joined)
            used.update(atom for each in joined for atom in (each.scored.atom, *each.scored.others))
            passage = self._passage(seed, joined[0], joined[-1])
            before = found.get(passage.text)
            found[passage.text] = passage if before is None else _together(before, passage)
        return list(found.values())

    def _best_place(self, spot: Callable[[ScoredAtom], _Spot | None], scored: ScoredAtom) -> _Spot | None:
        """Where the file still is, if anywhere: of an atom, or of another of the same text."""
        first = spot(scored)
        if first is None or first.source.state != "gone":
            return first
        others = filter(None, map(spot, _everywhere(scored)))
        return next((each for each in others if each.source.state != "gone"), first)

    def _spot(self, scored: ScoredAtom) -> _Spot | None:
        place = self._shelf.place(scored.atom)
        runs = self._store.runs_over(place.chunk)
        if not runs:
            return None
        # Where it is asked for, and where the file still is, if anywhere.
        run = min(runs, key=lambda run: (run.source not in self._within, self._source(run.source).state == "gone"))
        source = self._source(run.source)
        low, high = snap_to_sentences(place, source.kind in BY_LINES)
        offset, lines = self._shelf.before(run, place.chunk)
        if source.kind == "code":
            low, high = self._definition(source, place.text, offset, low, high)
        return _Spot(
            scored, place, source, low, high, offset + low, offset + high, lines + place.text.count("\n", 0, low) + 1
        )

    def _definition(self, source: SourceRow, text: str, offset: int, low: int, high: int) -> tuple[int, int]:
        """The span `[low, high)` of a chunk's text, widened to the short definition which most of it lies in."""
        label, start, end = landmark_span(self._store, source.id, "definition", offset + (low + high) // 2)
        first, last = start - offset, (source.characters if end is None else end) - offset
        if not label or first < 0 or last > len(text) or last - first > WHOLE_DEFINITION:
            return low, high
        if 2 * (min(high, last) - max(low, first)) <= high - low:
            return low, high
        return min(low, first), max(high, first + len(text[first:last].rstrip()))

    def _source(self, number: int) -> SourceRow:
        if number not in self._sources:
            self._sources[number] = self._shelf.vouch(self._store.source(number))
        return self._sources[number]

    def _passage(self, seed: _Spot, first: _Spot, last: _Spot) -> Passage:
        source, start, end = seed.source, first.start, last.end
        text = seed.place.text[seed.low : seed.high]
        low, high = self._best_sentence(seed, text)
        if first is not seed or last is not seed:
            text = self._shelf.span_text(source, start, end)
        best = (seed.start + low, seed.start + high)
        lines = first.line, first.line + text.rstrip().count("\n")
        here = locate_span(self._store, source, start, end, lines)
        marks = {**here.marks, "definition": self._store.landmark_before(source.id, "definition", best[0])}
        chunk_line = seed.line - seed.place.text.count("\n", 0, seed.low)
        chunks = [seed.place.chunk, *map(self._shelf.chunk_of, seed.scored.others)]
        position = ChunkPosition(chunks, seed.start - seed.low, chunk_line, len(seed.place.text))
        also = find_duplicates(self._shelf, self._source, position, here, lines, text)
        return Passage(
            place=replace(here, marks={kind: label for kind, label in marks.items() if label}),
            text=text,
            score=seed.scored.score,
            heading=self._store.landmark_before(source.id, "heading", best[0]) or None,
            best=best,
            shares=seed.scored.signals,
            recency=seed.scored.recency,
            gone=source.state == "gone",
            also=also,
        )

    def _best_sentence(self, spot: _Spot, text: str) -> tuple[int, int]:
        """The span in `text` of the sentence nearest to the question, by its words and by the units it touches."""
        spans = sentence_spans(text, spot.source.kind in BY_LINES) or [(0, len(text))]
        idf = self._query.idf
        total = sum(idf.values()) or 1.0
        similar = self._unit_scores(spot.place) if self._by_units else []
        scores = []
        for start, end in spans:
            shared = {term for term, _ in terms(text[start:end])} & idf.keys()
            touched = [
                score
                for (a, b), score in zip(spot.place.units, similar, strict=False)
                if a < spot.low + end and b > spot.low + start
            ]
            scores.append(sum(idf[term] for term in shared) / total + (float(np.mean(touched)) if touched else 0.0))
        return spans[int(np.argmax(scores))]

    def _unit_scores(self, place: AtomLocation) -> Sequence[float]:
        view = self._shelf.view(place.segment)
        encoded = self._query.encoded
        if encoded is None or self._codec is None or self._shelf.atom_codes is None or not view.row.encoded:
            return []
        codes = self._shelf.units(place.segment)[place.first_unit : place.first_unit + len(place.units)]
        # Siblings share their atom and nearly their cluster, so the unit's own code is what tells them apart.
        products: list[float] = code_sums(self._codec.units.lookup_table(encoded.vector)[None], codes)[0].tolist()
        return products


def _unread(spot: _Spot, passages: Iterable[Passage]) -> _Spot | None:
    """What of it stands in no passage yet, None where most does: atoms of one definition are widened to the same."""
    text, shift = spot.place.text, spot.start - spot.low
    low, high = spot.low, spot.high
    for each in passages:
        if each.path == spot.source.path and each.start - shift < high and each.end - shift > low:
            if each.start - shift <= low:
                low = min(high, text.find("\n", max(low, each.end - shift)) + 1 or high)
            else:
                high = low + len(text[low : each.start - shift].rstrip())
    if (low, high) == (spot.low, spot.high):
        return spot
    if 2 * (high - low) < spot.high - spot.low or not text[low:high].strip():
        return None
    line = spot.line + text.count("\n", spot.low, low)
    return spot._replace(low=low, high=high, start=shift + low, end=shift + high, line=line)


def _everywhere(scored: ScoredAtom) -> Iterator[ScoredAtom]:
    """An atom, and those of the same text elsewhere, with what is said of it."""
    atoms = (scored.atom, *scored.others)
    for atom in atoms:
        yield scored._replace(atom=atom, others=tuple(other for other in atoms if other != atom))


def _together(first: Passage, other: Passage) -> Passage:
    """Two passages of the same text as one."""
    known = {(first.path, first.start), *((place.path, place.start) for place in first.also)}
    new = [place for place in (other.place, *other.also) if (place.path, place.start) not in known]
    return replace(first, also=(*first.also, *new)[:MAX_PLACES])


def snap_to_sentences(place: AtomLocation, code: bool) -> tuple[int, int]:
    """The atom's span widened or narrowed to whole sentences (lines, in code): those whose middle lies in it."""
    spans = sentence_spans(place.text, code)
    inside = [span for span in spans if place.start <= (span[0] + span[1]) // 2 < place.end]
    if not inside:
        middle = (place.start + place.end) // 2
        inside = [min(spans, key=lambda span: max(span[0] - middle, middle - span[1], 0))] if spans else []
    if not inside:
        return place.start, place.end
    low, high = inside[0][0], inside[-1][1]
    if high - low > _LONG_SENTENCE and len(inside) == 1:  # no sentence worth the name: the atom itself, at white space
        low, high = max(low, place.start), min(high, place.end)
        while low > inside[0][0] and not place.text[low - 1].isspace():
            low -= 1
        while high < inside[-1][1] and not place.text[high].isspace():
            high += 1
    if code:  # keep the first line's indentation: it belongs to what it shows
        while low > 0 and place.text[low - 1] in " \t":
            low -= 1
    return low, high
