"""A model's own sentences in an answer, without the quotation that it may end with."""

from __future__ import annotations

from crystalcli.answering.grounding.source_words import source_claim
from crystalcli.datatypes import Answer, Claim


def own_claims(answer: Answer) -> tuple[Claim, ...]:
    """Return the sentences of an answer that are not a source's own words."""
    quoted = {source_claim(citation).text for citation in answer.citations}
    return tuple(claim for claim in answer.claims if claim.text not in quoted)
