"""What the page that an atom stands on says for it, in documents that are made of pages.

    given to an atom   PAGE · BM25 of its page / Σ idf, less the mean of that over the atoms looked at

A table's rows share few words with a question; its caption, the heads of its columns and the paragraph that speaks of it stand
elsewhere on the page. The mean is taken off so that pages compete with one another: on average they gain nothing over other text.
An atom stands on the page that its middle lies on, but its words count for every page that it touches: what a page is headed by is
often in one atom with the end of the page before. The postings are those that recall has read already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, run_atom_spans
from crystalcli.lexical import bm25
from crystalcli.recall.query import PreparedQuery
from crystalcli.storage import landmark_span

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

PAGE = 0.5
PAGED_KIND = "pdf"  # the kind of documents whose pages were composed; elsewhere they are marks in text that flows on


class _Page(NamedTuple):
    """Characters `[start, end)` of its document, and the atoms that touch it: a range `[first, last)` for each run that it lies in."""

    start: int
    end: int
    atoms: list[tuple[int, int]]


def page_scores(shelf: IndexReader, query: PreparedQuery, atoms: Integers, sources: Integers) -> FloatArray:
    """What is given to `atoms`, float32 [n], which stand in `sources`, int64 [n]: ids of documents with pages.

    Raises DamagedCrystalError.
    """
    if not len(atoms):
        return np.zeros(0, np.float32)
    pages: list[_Page] = []
    page_of = np.zeros(len(atoms), np.int64)
    for source in np.unique(sources).tolist():
        here = np.flatnonzero(sources == source)
        binding = _Binding(shelf, source)
        numbers: dict[int, int] = {}
        for index in here.tolist():
            page = binding.page_with(int(atoms[index]))
            if page.start not in numbers:
                numbers[page.start] = len(pages)
                pages.append(page)
            page_of[index] = numbers[page.start]
    given = PAGE * _scores(shelf, query, pages)[page_of]
    result: FloatArray = (given - given.mean()).astype(np.float32)
    return result


class _Binding:
    """The pages of one document, found from the atoms on them; of a long document only what is asked for is read."""

    def __init__(self, shelf: IndexReader, source: int) -> None:
        self._shelf = shelf
        self._source = source
        self._runs = shelf.store.runs_of(source)
        self._starts = [run.start for run in self._runs]
        self._spans: dict[int, tuple[Integers, Integers]] = {}
        self._pages: list[_Page] = []
        chunks = len(shelf.nesting.atoms) - 1
        if not all(0 <= run.first_chunk < run.first_chunk + run.chunks <= chunks for run in self._runs):
            raise shelf.store.damaged("a document refers to chunks that are not there")

    def page_with(self, atom: int) -> _Page:
        """The page that an atom of the document stands on: the first, where its text stands on several."""
        chunk = self._shelf.chunk_of(atom)
        holding = (i for i, run in enumerate(self._runs) if run.first_chunk <= chunk < run.first_chunk + run.chunks)
        if (index := next(holding, None)) is None:
            raise self._shelf.store.damaged(f"no run of a document holds chunk {chunk}")
        starts, ends = self._spans_of(index)
        local = atom - self._shelf.first_atom(self._runs[index].first_chunk)
        middle = int(starts[local] + ends[local]) // 2
        for page in self._pages:
            if page.start <= middle < page.end:
                return page
        _, start, end = landmark_span(self._shelf.store, self._source, "page", middle)
        page = _Page(start, 1 << 62 if end is None else end, [])
        for number, run in enumerate(self._runs):
            following = self._starts[number + 1] if number + 1 < len(self._runs) else page.end
            if run.start < page.end and following > page.start:
                (starts, ends), first = self._spans_of(number), self._shelf.first_atom(run.first_chunk)
                low = int(np.searchsorted(ends, page.start, side="right"))
                high = int(np.searchsorted(starts, page.end))
                page.atoms.append((first + low, first + max(low, high)))  # in a damaged file they need not rise
        self._pages.append(page)
        return page

    def _spans_of(self, index: int) -> tuple[Integers, Integers]:
        if index not in self._spans:
            _, starts, ends = run_atom_spans(self._shelf, self._runs[index])
            self._spans[index] = starts, ends
        return self._spans[index]


def _scores(shelf: IndexReader, query: PreparedQuery, pages: list[_Page]) -> FloatArray:
    """BM25 of each page over the sum of the question's idf, float32 [pages]. The mean length is that of these pages."""
    ranges = np.array([each for page in pages for each in page.atoms], np.int64).reshape(-1, 2)
    owners = np.repeat(np.arange(len(pages)), [len(page.atoms) for page in pages])
    lengths = np.zeros(len(pages))
    for owner, (first, last) in zip(owners.tolist(), ranges.tolist(), strict=True):
        lengths[owner] += shelf.lengths[first:last].sum(dtype=np.int64)
    norm = bm25.K1 * (1 - bm25.B + bm25.B * lengths / max(1.0, float(lengths.mean())))
    scores = np.zeros(len(pages))
    for term, idf in query.idf.items():
        said = np.zeros(len(pages))
        for packed in query.postings.get(term, ()):
            for posting in packed.pieces():
                before = np.concatenate((np.zeros(1, np.int64), np.cumsum(posting.frequencies, dtype=np.int64)))
                low, high = np.searchsorted(posting.atoms, ranges.T)
                np.add.at(said, owners, before[high] - before[low])
        scores += idf * said * (bm25.K1 + 1) / (said + norm)
    result: FloatArray = (scores / max(sum(query.idf.values()), 1e-6)).astype(np.float32)
    return result
