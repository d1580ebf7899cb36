"""Finds every mention of a word or a phrase, exactly.

The lexical index tells which chunks to read; their text decides. A mention is the words as they are
written, ignoring letter case and forms of Unicode, with white space or hyphens between them, and
not inside another word, in scripts that have spaces between words. A phrase with an underscore, or
with a capital inside a word, is taken for an identifier: letter case counts then.

Knows: texts, postings. Does not know: questions, answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import fold_with_offsets, needs_no_boundary, query_terms, word_spans
from crystalcli.storage import RunRow, SourceRow, runs_of_all

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

# Between the words of a phrase: white space and hyphens.
_GAP = r"[\s\-‐-―]+"
_GAP_PATTERN = re.compile(_GAP)


class Mention(NamedTuple):
    """A mention in a document.

    Attributes:
        start: Its first character in the document.
        end: The character after its last.
        line: The line of the document's text in which it begins, from 1.
    """

    start: int
    end: int
    line: int


class DocumentMentions(NamedTuple):
    """The mentions in one document.

    Attributes:
        source: The document.
        found: The mentions in order, at least one.
        others: Other forms of the word: (first character, form in lower case).
    """

    source: SourceRow
    found: list[Mention]
    others: list[tuple[int, str]]


def find_mentions(index: IndexReader, phrase: str, sources: Sequence[SourceRow]) -> Iterator[DocumentMentions]:
    """Find the mentions of a phrase.

    Args:
        index: The crystal's index.
        phrase: One word or several.
        sources: The documents to search.

    Yields:
        The mentions in each document that has any, in the order of `sources`.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    identifier = "_" in phrase or re.search(r"[a-z][A-Z]", phrase) is not None
    phrase = fold_with_offsets(phrase.strip(), not identifier)[0]
    code_pattern, prose_pattern = _patterns(phrase)
    candidates = _candidate_chunks(index, phrase)
    one_word = len(_GAP_PATTERN.split(phrase)) == 1
    has_forms = one_word and not any(map(needs_no_boundary, phrase))
    stems = {term for _, _, term in word_spans(phrase)} if has_forms else set()
    for source in _sources_with(index, sources, candidates):
        runs = index.store.runs_of(source.id)
        pattern = code_pattern if source.kind == "code" else prose_pattern
        mentions: list[Mention] = []
        other_forms: list[tuple[int, str]] = []
        for chunks in _consecutive_chunks(runs, candidates, reach=0 if one_word else 1):
            text = "".join(index.chunk_text(chunk) for _, chunk in chunks)
            offset, lines = index.before(*chunks[0])
            position = 0
            folded, origins = fold_with_offsets(text, not identifier)
            for match in pattern.finditer(folded):
                start, end = origins[match.start(1)], origins[match.end(1)]
                lines += text.count("\n", position, start)
                position = start
                mentions.append(Mention(offset + start, offset + end, lines + 1))
            if stems:
                forms = _other_forms(folded, phrase, stems)
                other_forms += [(offset + origins[start], form) for start, form in forms]
        if mentions:
            yield DocumentMentions(index.vouch(source), mentions, other_forms)


def documents_with(index: IndexReader, phrase: str, sources: Sequence[SourceRow]) -> list[SourceRow]:
    """Select the documents that may hold a phrase: those that hold the rarest of its terms.

    Args:
        index: The crystal's index.
        phrase: One word or several.
        sources: The documents to choose from.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    return _sources_with(index, sources, _candidate_chunks(index, phrase))


def _patterns(phrase: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Make the patterns of a mention in code, and elsewhere, where underscores are emphasis.

    Args:
        phrase: The phrase in the form of Unicode in which texts are searched.
    """
    words = [re.escape(word) for word in _GAP_PATTERN.split(phrase) if word]
    body = _GAP.join(words).replace("’", "'").replace("'", "['’]")
    code = re.compile(rf"{_boundary(phrase[0], '(?<!')}({body}){_boundary(phrase[-1], '(?!')}")
    if "_" in phrase:
        return code, code
    before = "" if needs_no_boundary(phrase[0]) else r"(?<![^\W_])"
    after = "" if needs_no_boundary(phrase[-1]) else r"(?![^\W_])"
    return code, re.compile(f"{before}({body}){after}")


def _boundary(letter: str, lookaround: str) -> str:
    return rf"{lookaround}\w)" if re.match(r"\w", letter) and not needs_no_boundary(letter) else ""


def _candidate_chunks(index: IndexReader, phrase: str) -> Int64Array | None:
    """Return the chunks that hold the rarest term of a phrase.

    Returns:
        Their numbers, int64, rising; None if the index may not have the words of the phrase.
    """
    terms = query_terms(phrase)
    if not terms:
        return None
    lexicon = TermIndex(index)
    if not lexicon.folds_unicode and not phrase.isascii():
        return None
    postings = lexicon.postings(phrase)
    rarest = min(terms, key=lambda term: sum(packed.df for packed in postings[term]))
    atoms = [posting.atoms for packed in postings[rarest] for posting in packed.pieces()]
    return np.unique(index.nesting.chunk_of(np.concatenate([np.zeros(0, np.int64), *atoms])))


def _sources_with(index: IndexReader, sources: Sequence[SourceRow], candidates: Int64Array | None) -> list[SourceRow]:
    """Return the sources that refer to any of some chunks; all for None."""
    if candidates is None:
        return list(sources)
    runs = np.array(runs_of_all(index.store, [source.id for source in sources]), np.int64).reshape(-1, 3)
    matching = np.searchsorted(candidates, runs[:, 1] + runs[:, 2]) > np.searchsorted(candidates, runs[:, 1])
    matching_ids = set(runs[matching, 0].tolist())
    return [source for source in sources if source.id in matching_ids]


def _consecutive_chunks(
    runs: Sequence[RunRow], candidates: Int64Array | None, reach: int
) -> Iterator[list[tuple[RunRow, int]]]:
    """Generate groups of consecutive chunks of a document that are to be read.

    Args:
        runs: The runs of the document.
        candidates: The chunks to read, int64; None for all.
        reach: The number of chunks on either side of a candidate that are read too.

    Yields:
        The chunks of a group, each with its run.
    """
    chunks = [(run, chunk) for run in runs for chunk in range(run.first_chunk, run.first_chunk + run.chunks)]
    if candidates is None:
        positions = list(range(len(chunks)))
    else:
        numbers = np.array([chunk for _, chunk in chunks], np.int64)
        hits = np.flatnonzero(np.isin(numbers, candidates))
        around = np.unique((hits[:, None] + np.arange(-reach, reach + 1)).ravel())
        positions = [int(position) for position in around if 0 <= position < len(chunks)]
    if not positions:
        return
    gaps = (i + 1 for i, (one, following) in enumerate(pairwise(positions)) if following != one + 1)
    for low, high in pairwise([0, *gaps, len(positions)]):
        yield [chunks[position] for position in positions[low:high]]


def _other_forms(text: str, phrase: str, stems: set[str]) -> list[tuple[int, str]]:
    """Find other words with the stem of a word: (first character, form in lower case)."""
    word, prefix = phrase.lower(), phrase[:3].lower()
    words = [(match.start(), match[0].lower()) for match in re.finditer(r"\w+", text)]
    words = [(start, other) for start, other in words if other != word and other.startswith(prefix)]
    same_stem = {
        other for other in {other for _, other in words} if {term for _, _, term in word_spans(other)} & stems - {""}
    }
    return [(start, other) for start, other in words if other in same_stem]
