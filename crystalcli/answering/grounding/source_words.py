"""The end of an answer that no sentence of its sources is near: the best source's own words.

A language model may put together what does not belong together. Of its answers whose sentences are
near nothing in the sources, the best quotation is right more often than they are (docs/LOG.md).

Knows: citations. Does not know: whether the source answers.
"""

from __future__ import annotations

from crystalcli.answering.grounding.answer_end import FENCE
from crystalcli.answering.grounding.attribution import quotation_line
from crystalcli.answering.grounding.claim_marks import claim_mark
from crystalcli.datatypes import Citation, Claim
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


def source_introduction(citation: Citation) -> str:
    """Name where the words stand, with the day of a dated source: `In notes.md, line 3:`."""
    written = "" if citation.date is None else f", {format_day(citation.date)}"
    space = "\n" if citation.place.kind == "code" else " "
    return f"\n\nIn {citation.path}, {citation.place}{written}:{space}"
