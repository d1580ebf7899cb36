"""The end of an answer that its best source does not bear: that source's own words.

A language model may put together what does not belong together. Of its answers whose sentences are
near nothing in the sources, the best quotation is right more often than they are (docs/LOG.md).
Where they are near one, but not borne out, one sentence of it shows what they were made from.

Knows: citations. Does not know: whether the source answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.answering.grounding.answer_end import FENCE
from crystalcli.answering.grounding.attribution import quotation_line
from crystalcli.answering.grounding.claim_marks import claim_mark
from crystalcli.datatypes import BOOKS, HEADING_JOINT, Citation, Claim
from crystalcli.recall import format_day


def source_claim(citation: Citation) -> Claim:
    """Make a sentence of an answer from a source's own words; code is fenced, and unchanged."""
    words = quotation_line(citation)
    if citation.place.kind == "code":
        words = f"{FENCE}\n{citation.quote.strip(chr(10))}\n{FENCE}"
    return Claim(words, 0, len(words), True, citations=(citation.number,), borne_out=True, is_near=True)


def source_words(citation: Citation) -> str:
    """Format a source's own words as they are said, with their number."""
    claim = source_claim(citation)
    return claim.text + claim_mark(claim)


def source_end(citation: Citation) -> str:
    """Format the end of an answer: where the source's own words stand, and the words."""
    return source_introduction(citation) + source_words(citation)


def without_source_end(text: str, citations: Iterable[Citation]) -> str:
    """Leave a quotation that is shown beside an answer out of its end.

    Args:
        text: The answer, with its marks.
        citations: The quotations that are shown.
    """
    for citation in citations:
        text = text.removesuffix(source_end(citation))
    return text


def source_introduction(citation: Citation) -> str:
    """Name where the words stand: `In notes.md, Tides, line 3, 2 March 2026:`."""
    place = citation.place
    is_named = place.kind in BOOKS and place.chapter is not None  # by its place
    heading = "" if is_named else (citation.heading or "").rpartition(HEADING_JOINT)[2]
    day = "" if citation.date is None else format_day(citation.date)
    where = ", ".join(filter(None, (citation.path, " ".join(heading.split()), str(place), day)))
    return f"\n\nIn {where}:{chr(10) if place.kind == 'code' else ' '}"
