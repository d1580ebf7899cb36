"""Every place where a word or a phrase stands, exactly: the lexical index says which chunks to read, their text is what counts.

A mention is the words as written, letter case aside, with white space or hyphens between them, and not inside another word. A phrase
with an underscore, or a capital inside a word, is taken for an identifier, and letter case counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import query_terms, word_spans
from crystalcli.storage import RunRow, SourceRow, runs_of_all

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_GAP = r"[\s\-‐-―]+"
_SPACE = re.compile(r"[\s\-‐-―]+")


class Mention(NamedTuple):
    """The characters `[start, end)` of its document, and the line of the document's text in which they begin, from 1."""

    start: int
    end: int
    line: int


class Mentions(NamedTuple):
    """The mentions in one document, in order, at least one. others: other forms of the word there, each with where it begins."""

    source: SourceRow
    found: list[Mention]
    others: list[tuple[int, str]]


def find_mentions(shelf: IndexReader, phrase: str, sources: Sequence[SourceRow]) -> Iterator[Mentions]:
    """The mentions of `phrase` in each of `sources` that has any, in their order. Raises DamagedCrystalError."""
    pattern, loose = _patterns(phrase)
    among = _chunks_with(shelf, phrase)
    single = len(_SPACE.split(phrase.strip())) == 1
    stems = {term for _, _, term in word_spans(phrase)} if single else set()
    for source in _holding(shelf, sources, among):
        runs = shelf.store.runs_of(source.id)
        wanted = pattern if source.kind == "code" else loose
        found: list[Mention] = []
        others: list[tuple[int, str]] = []
        for stretch in _stretches(runs, among, reach=0 if single else 1):
            text = "".join(shelf.chunk_text(chunk) for _, chunk in stretch)
            offset, lines = shelf.before(*stretch[0])
            at = 0
            for match in wanted.finditer(text):
                lines += text.count("\n", at, match.start(1))
                at = match.start(1)
                found.append(Mention(offset + match.start(1), offset + match.end(1), lines + 1))
            if stems:
                others += [(offset + at, form) for at, form in _forms(text, phrase, stems)]
        if found:
            yield Mentions(shelf.vouch(source), found, others)


def _patterns(phrase: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What a mention looks like in code, and elsewhere, where underscores around a word are emphasis."""
    parts = [re.escape(part) for part in _SPACE.split(phrase.strip()) if part]
    body = _GAP.join(parts).replace("’", "'").replace("'", "['’]")
    exact = "_" in phrase or re.search(r"[a-z][A-Z]", phrase) is not None
    flags = 0 if exact else re.IGNORECASE
    strict = re.compile(rf"{_edge(phrase[0], '(?<!')}({body}){_edge(phrase[-1], '(?!')}", flags)
    if "_" in phrase:
        return strict, strict
    return strict, re.compile(rf"(?<![^\W_])({body})(?![^\W_])", flags)


def _edge(letter: str, kind: str) -> str:
    return rf"{kind}\w)" if re.match(r"\w", letter) else ""


def _chunks_with(shelf: IndexReader, phrase: str) -> Integers | None:
    """The chunks that hold the rarest term of a phrase, int64, rising; None where the index knows none of its words."""
    terms = query_terms(phrase)
    if not terms:
        return None
    postings = TermIndex(shelf).postings(phrase)
    rarest = min(terms, key=lambda term: sum(packed.df for packed in postings[term]))
    atoms = [posting.atoms for packed in postings[rarest] for posting in packed.pieces()]
    return np.unique(shelf.nesting.chunk_of(np.concatenate([np.zeros(0, np.int64), *atoms])))


def _holding(shelf: IndexReader, sources: Sequence[SourceRow], among: Integers | None) -> list[SourceRow]:
    """The sources that have one of the chunks `among`."""
    if among is None:
        return list(sources)
    runs = np.array(runs_of_all(shelf.store, [source.id for source in sources]), np.int64).reshape(-1, 3)
    holds = np.searchsorted(among, runs[:, 1] + runs[:, 2]) > np.searchsorted(among, runs[:, 1])
    having = set(runs[holds, 0].tolist())
    return [source for source in sources if source.id in having]


def _stretches(runs: Sequence[RunRow], among: Integers | None, reach: int) -> Iterator[list[tuple[RunRow, int]]]:
    """Consecutive chunks of a document that are to be read, each with its run. reach: how many beside one of `among`, too."""
    chunks = [(run, chunk) for run in runs for chunk in range(run.first_chunk, run.first_chunk + run.chunks)]
    if among is None:
        places = list(range(len(chunks)))
    else:
        numbers = np.array([chunk for _, chunk in chunks], np.int64)
        hits = np.flatnonzero(np.isin(numbers, among))
        wide = np.unique((hits[:, None] + np.arange(-reach, reach + 1)).ravel())
        places = [int(place) for place in wide if 0 <= place < len(chunks)]
    if not places:
        return
    cuts = [0, *(i + 1 for i, (one, other) in enumerate(pairwise(places)) if other != one + 1), len(places)]
    for low, high in pairwise(cuts):
        yield [chunks[place] for place in places[low:high]]


def _forms(text: str, phrase: str, stems: set[str]) -> list[tuple[int, str]]:
    """Other words of the same stem as the phrase, in small letters, each with where it stands."""
    own, head = phrase.lower(), phrase[:3].lower()
    seen = [(match.start(), match[0].lower()) for match in re.finditer(r"\w+", text)]
    seen = [(at, word) for at, word in seen if word != own and word.startswith(head)]
    alike = {word for word in {word for _, word in seen} if {term for _, _, term in word_spans(word)} & stems - {""}}
    return [(at, word) for at, word in seen if word in alike]
