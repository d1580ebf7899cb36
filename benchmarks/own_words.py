"""A model's own sentences in an answer, without the quotation that it may end with."""

from __future__ import annotations

from crystalcli.answering import quotation_words
from crystalcli.answering.grounding.source_words import source_claim
from crystalcli.datatypes import Answer, Claim


def own_claims(answer: Answer) -> tuple[Claim, ...]:
    """Return the sentences of an answer that are not a source's own words."""
    quoted = {source_claim(citation).text for citation in answer.citations}
    whole = [quotation_words(citation) for citation in answer.citations]

    def is_quoted(text: str) -> bool:
        inner = text.removeprefix("“").removesuffix("”")
        return text in quoted or (len(inner) == len(text) - 2 and any(inner in words for words in whole))

    return tuple(claim for claim in answer.claims if not is_quoted(claim.text))
