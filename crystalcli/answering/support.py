"""Which sentences of the passages carry an answer, as citations that have been read back from the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crystalcli.lexical.analysis import terms
from crystalcli.memory.crystal import CrystalFile
from crystalcli.text.sentences import sentences
from crystalcli.types import BY_LINES, Citation, Passage

MOST = 3  # citations shown: more is a reading list, not a proof
_ENOUGH = 0.34  # a sentence is cited beside the best one when it shares at least this share of what the best one shares


def citations(crystal: CrystalFile, answer: str, question: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """For each passage its sentence that shares most with the answer and the question, the best MOST of them, best first.

    Each quotation is read back from the crystal and compared; one that differs is left out.
    """
    said = crystal.recaller().prepare(f"{answer}\n{question}").idf
    in_answer = {term for term, _ in terms(answer)}
    found: list[tuple[float, int, Citation]] = []
    for rank, passage in enumerate(passages):
        score, low, high = _best_sentence(passage, said, in_answer)
        citation = _read_back(crystal, passage, passage.start + low, passage.start + high)
        if citation is not None:
            found.append((score, rank, citation))
    found.sort(key=lambda each: (-each[0], each[1]))
    kept = [each for each in found[:MOST] if each[0] >= _ENOUGH * found[0][0]]
    first = [each for each in found if each[1] == 0 and each not in kept]
    kept = kept[: MOST - len(first)] + first  # what recall thinks best is shown, whatever the model made of it
    return _numbered(citation for _, _, citation in kept)


def extracts(crystal: CrystalFile, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """The best sentence of each of the first MOST passages, read back from the crystal."""
    found = (_read_back(crystal, passage, *passage.best) for passage in passages[:MOST])
    return _numbered(citation for citation in found if citation is not None)


def _read_back(crystal: CrystalFile, passage: Passage, start: int, end: int) -> Citation | None:
    """The document's text `[start, end)` as a citation, without a number yet; None when it is not what the passage says."""
    low = start - passage.start
    quote = crystal.quote(passage.path, start, end)
    if quote != passage.text[low : end - passage.start]:
        return None
    line = passage.line_start + passage.text.count("\n", 0, low)
    where = passage.page_start, passage.page_end, passage.kind, passage.marks
    return Citation(0, passage.path, start, end, quote, line, line + quote.count("\n"), *where)


def _best_sentence(passage: Passage, weights: Mapping[str, float], in_answer: set[str]) -> tuple[float, int, int]:
    best = (-1.0, 0, len(passage.text))
    spans = sentences(passage.text, passage.kind in BY_LINES - {"code"}) or [(0, len(passage.text))]
    for low, high in [
        span for span in spans if not passage.text.startswith("#", span[0])
    ] or spans:  # headings say nothing
        shared = {term for term, _ in terms(passage.text[low:high])} & weights.keys()
        score = sum(weights[term] * (2.0 if term in in_answer else 1.0) for term in shared)
        best = max(best, (score, low, high), key=lambda each: each[0])
    return best


def _numbered(found: Iterable[Citation]) -> tuple[Citation, ...]:
    return tuple(replace(citation, number=number) for number, citation in enumerate(found, 1))
