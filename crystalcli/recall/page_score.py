"""Signal of the page that an atom is on, in documents that are made of pages.

    score of an atom   PAGE_WEIGHT · BM25 of its page / Σ idf, less the mean of that over the atoms

A table's rows share few words with a question; its caption, the heads of its columns and the
paragraph about it are elsewhere on the page. The mean is subtracted so that pages compete with one
another: on average they gain nothing over other text.

An atom is on the page that holds its middle, but its words count for every page that it touches:
the head of a page is often in one atom with the end of the page before. The postings are those that
recall has read already.

A page that has been shown need not be shown again before others: each further passage of it loses
REPEATED_PAGE.

Knows: runs, landmarks of pages, postings. Does not know: vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, run_atom_spans
from crystalcli.lexical import bm25
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms
from crystalcli.storage import landmark_span

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array, Passage

PAGE_WEIGHT = 0.5
REPEATED_PAGE = 0.1
# The kind of documents whose pages were composed; elsewhere pages are marks in text that flows on.
PAGED_KIND = "pdf"
_END_OF_DOCUMENT = 1 << 62  # the end, in characters, of a page that no other follows


class PageScorer:
    """Scores atoms by their pages. The candidates must all be in documents that are made of pages.

    Args:
        index: The resident index.
    """

    name = "page"

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n].

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        query = query.with_lines or query
        return page_scores(self._index, query, candidates.atoms, candidates.documents.sources)


def spread_over_pages(passages: Sequence[Passage]) -> list[Passage]:
    """Order passages anew, so that those of one page stand less close together.

    Args:
        passages: The passages, best first.

    Returns:
        All passages, best first. A passage of a page loses score for each one of it before.
    """
    shown: Counter[tuple[str, int | None]] = Counter()
    spread = []
    for passage in passages:
        place = passage.place
        if place.kind == PAGED_KIND:
            loss = -REPEATED_PAGE * shown[place.path, place.page_start]
            shown[place.path, place.page_start] += 1
            if loss:
                shares = {**passage.shares, "repeated": loss}
                passage = replace(passage, score=passage.score + loss, shares=shares)
        spread.append(passage)
    return sorted(spread, key=lambda passage: -passage.score)


class _Page(NamedTuple):
    """A page of a document.

    Attributes:
        start: Its first character in the document.
        end: The character after its last.
        atoms: The atoms that touch it: a range `[first, end)` for each run that it lies in.
    """

    start: int
    end: int
    atoms: list[tuple[int, int]]


def page_scores(index: IndexReader, query: PreparedQuery, atoms: Int64Array, sources: Int64Array) -> FloatArray:
    """Score atoms by their pages.

    Args:
        index: The resident index.
        query: The question.
        atoms: Numbers of atoms, int64 [n].
        sources: The id of each atom's document, which must be made of pages, int64 [n].

    Returns:
        Scores, float32 [n].

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if not len(atoms):
        return np.zeros(0, np.float32)
    pages: list[_Page] = []
    page_of_atom = np.zeros(len(atoms), np.int64)
    for source in np.unique(sources).tolist():
        document = _PagedDocument(index, source)
        numbers: dict[int, int] = {}
        for row in np.flatnonzero(sources == source).tolist():
            page = document.page_of(int(atoms[row]))
            if page.start not in numbers:
                numbers[page.start] = len(pages)
                pages.append(page)
            page_of_atom[row] = numbers[page.start]
    scores = PAGE_WEIGHT * _bm25_of_pages(index, query, pages)[page_of_atom]
    centred: FloatArray = (scores - scores.mean()).astype(np.float32)
    return centred


class _PagedDocument:
    """The pages of one document, looked up by the atoms on them.

    Of a long document only the runs that are needed are read.
    """

    def __init__(self, index: IndexReader, source: int) -> None:
        self._index = index
        self._source = source
        self._runs = index.store.runs_of(source)
        self._run_starts = [run.start for run in self._runs]
        self._spans: dict[int, tuple[Int64Array, Int64Array]] = {}
        self._pages: list[_Page] = []
        chunks = len(index.nesting.atoms) - 1
        if not all(0 <= run.first_chunk < run.first_chunk + run.chunks <= chunks for run in self._runs):
            raise index.store.damaged("a document refers to chunks that are not there")

    def page_of(self, atom: int) -> _Page:
        """Find the page of an atom; the first, where its text is on several.

        Raises:
            DamagedCrystalError: The document does not hold the atom.
        """
        chunk = self._index.chunk_of(atom)
        holders = (n for n, run in enumerate(self._runs) if run.first_chunk <= chunk < run.first_chunk + run.chunks)
        if (number := next(holders, None)) is None:
            raise self._index.store.damaged(f"no run of a document holds chunk {chunk}")
        starts, ends = self._run_spans(number)
        local = atom - self._index.first_atom(self._runs[number].first_chunk)
        middle = int(starts[local] + ends[local]) // 2
        for page in self._pages:
            if page.start <= middle < page.end:
                return page
        page = self._read_page(middle)
        self._pages.append(page)
        return page

    def _read_page(self, character: int) -> _Page:
        _, start, end = landmark_span(self._index.store, self._source, "page", character)
        page = _Page(start, _END_OF_DOCUMENT if end is None else end, [])
        for number, run in enumerate(self._runs):
            run_end = self._run_starts[number + 1] if number + 1 < len(self._runs) else page.end
            if run.start < page.end and run_end > page.start:
                (starts, ends), first = self._run_spans(number), self._index.first_atom(run.first_chunk)
                low = int(np.searchsorted(ends, page.start, side="right"))
                high = int(np.searchsorted(starts, page.end))
                # In a damaged file the spans need not rise.
                page.atoms.append((first + low, first + max(low, high)))
        return page

    def _run_spans(self, number: int) -> tuple[Int64Array, Int64Array]:
        if number not in self._spans:
            _, starts, ends = run_atom_spans(self._index, self._runs[number])
            self._spans[number] = starts, ends
        return self._spans[number]


def _bm25_of_pages(index: IndexReader, query: PreparedQuery, pages: list[_Page]) -> FloatArray:
    """Compute BM25 of pages over the sum of the question's idf, float32 [pages].

    The mean length is that of these pages.
    """
    ranges = np.array([atoms for page in pages for atoms in page.atoms], np.int64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(pages)), [len(page.atoms) for page in pages])
    lengths = np.zeros(len(pages))
    for owner, (first, end) in zip(owners.tolist(), ranges.tolist(), strict=True):
        lengths[owner] += index.lengths[first:end].sum(dtype=np.int64)
    norm = bm25.K1 * (1 - bm25.B + bm25.B * lengths / max(1.0, float(lengths.mean())))
    scores = np.zeros(len(pages))
    for term, idf in query.idf.items():
        frequencies = np.zeros(len(pages))
        for packed in query.postings.get(term, ()):
            for posting in packed.pieces():
                sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(posting.frequencies, dtype=np.int64)))
                low, high = np.searchsorted(posting.atoms, ranges.T)
                np.add.at(frequencies, owners, sums[high] - sums[low])
        scores += idf * frequencies * (bm25.K1 + 1) / (frequencies + norm)
    result: FloatArray = (scores / query.total_idf).astype(np.float32)
    return result
