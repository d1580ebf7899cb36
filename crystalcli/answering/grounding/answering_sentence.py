"""The one sentence of a quotation that answers best, as a quotation of its own.

A language model that has read a page may answer from the line beside the one that answers. Where
its words are its own, this sentence is what they are to be compared with.

Knows: the reranker, terms and their weights. Does not know: what was said.
"""

from __future__ import annotations

from dataclasses import replace

from crystalcli.answering.grounding.source_passage import SourcePassage
from crystalcli.datatypes import Citation
from crystalcli.recall import CrystalReader


def answering_sentence(crystal: CrystalReader, question: str, citation: Citation) -> Citation | None:
    """Quote the sentence of a quotation that answers a question best.

    Args:
        crystal: The crystal.
        question: The question.
        citation: The quotation.

    Returns:
        The sentence, with the number of the quotation; None for code, which has no sentences.
    """
    if citation.place.kind == "code":
        return None
    spans = SourcePassage.of_citation(citation).spans
    reranker = crystal.searcher().reranker
    if reranker is not None and len(spans) > 1:
        scores = reranker.logits(question, [span.text for span in spans]).tolist()
    else:
        asked = crystal.idf(question)
        scores = [sum(asked[term] for term in span.terms & asked.keys()) for span in spans]
    best = spans[scores.index(max(scores))]
    cited = crystal.cite(citation.path, citation.start + best.low, citation.start + best.high)
    if cited.quote != best.text:
        return None
    return replace(cited, number=citation.number, confidence=citation.confidence)
