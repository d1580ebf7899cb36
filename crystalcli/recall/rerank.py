"""Reranking: the best passages are read together with the question, and ordered anew.

    score of a passage + LOGIT_WEIGHT · softplus(the cross-encoder's logit)
                       + RUNNING_WEIGHT · the logit, of at least LEAST_LOGIT, in running text
                       - MISSING_WEIGHT · idf of the question's rarest word that neither the passage
                         nor its place has, over that of its rarest word

The cross-encoder has seen half a million questions of people, the other signals have seen this
crystal; both together order better than either alone. Softplus, since differences between logits
below 0 say little: there it is the crystal's own signals that order (docs/LOG.md, 2026-11-29). In
running text they say something: a novel has the words of a question in many places. Source code
counts CODE_WEIGHT in place of LOGIT_WEIGHT, but for a question in plain words, and no word is
missed there: what code is for stands in its file, and not in each function. Files of data in the
formats of code are no programs. What a manual takes from the source when it is built stands there
as directives ("autoclass::", ":members:"), which have the names and say nothing: these cost STUB.

Knows: passages and logits. Does not know: how passages were found.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from crystalcli.datatypes import BOOKS, HEADING_JOINT, MANUALS, Passage
from crystalcli.lexical import ENGLISH, identify_language
from crystalcli.recall.document_score import CODE_KIND
from crystalcli.recall.page_score import PAGED_KIND
from crystalcli.recall.plain_words import is_data, wants_manual
from crystalcli.text import with_title_alone

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray
    from crystalcli.recall.query import PreparedQuery

RERANKER = "ms-marco-MiniLM-L-12-v2"
RERANK_DEPTH = 24  # passages that are read
_JUDGED = 8  # passages that their language is judged by
LOGIT_WEIGHT, CODE_WEIGHT, MISSING_WEIGHT = 0.1, 0.05, 0.2
STUB = 0.4
# A line of directives of a manual, in reStructuredText.
_DIRECTIVE = re.compile(
    r"[ \t]*(?:\.\. (?:auto\w+|(?:current)?module|toctree|contents|index)::|\.\. _|"
    r":(?:(?:\w+-)?members|member-order|show-inheritance|no-?index|maxdepth|caption|hidden):)"
)
_STUB_WORDS = 8  # beside each directive; more say something of their own
RUNNING_WEIGHT, LEAST_LOGIT = 0.04, -9.0


class Reranker(Protocol):
    """The part of `crystalcli.vectors.CrossEncoder` that reranking needs."""

    def logits(self, question: str, texts: Sequence[str]) -> FloatArray:
        """Score texts for a question, float32 [texts]."""
        ...


def rerank_passages(reranker: Reranker, query: PreparedQuery, passages: Sequence[Passage]) -> list[Passage]:
    """Order passages by their scores and the reranker's logits.

    Passages in a language that the reranker has not learnt keep their order.

    Args:
        reranker: The cross-encoder.
        query: The question.
        passages: The passages, best first.

    Returns:
        All passages, best first; each of the first RERANK_DEPTH has its logit: in a PDF the better
        one of all of it and its best sentence or row.
    """
    head = passages[:RERANK_DEPTH]
    if identify_language("\n".join(passage.text for passage in head[:_JUDGED])) not in ("", ENGLISH):
        return list(passages)
    texts = [_texts_to_read(passage) for passage in head]
    logits = iter(reranker.logits(query.text, [text for some in texts for text in some]).tolist())
    best = [max(next(logits) for _ in some) for some in texts]
    code_weight = LOGIT_WEIGHT if wants_manual(query.text) else CODE_WEIGHT
    scored = [_rescored(passage, logit, query, code_weight) for passage, logit in zip(head, best, strict=True)]
    return [*sorted(scored, key=lambda passage: -passage.score), *passages[RERANK_DEPTH:]]


def _texts_to_read(passage: Passage) -> list[str]:
    """Give the texts to read, of which the best counts.

    A table on a page says little without its heading, and its best row says it alone. Front matter
    is no sentence, but for its title.
    """
    if passage.place.kind == "markdown" and passage.start == 0:
        return [with_title_alone(passage.text)]
    if passage.place.kind != PAGED_KIND:
        return [passage.text]
    title = f"{passage.heading.rpartition(HEADING_JOINT)[2]}\n" if passage.heading is not None else ""
    texts = [passage.text, passage.best_text] if 2 * len(passage.best_text) < len(passage.text) else [passage.text]
    return [f"{title}{text}" for text in texts]


def _rescored(passage: Passage, logit: float, query: PreparedQuery, code_weight: float) -> Passage:
    is_code = passage.place.kind == CODE_KIND and not is_data(passage.path)
    share = (code_weight if is_code else LOGIT_WEIGHT) * math.log1p(math.exp(logit))
    if passage.place.kind in BOOKS:
        share += RUNNING_WEIGHT * max(LEAST_LOGIT, logit)
    absent = 0.0 if is_code else -MISSING_WEIGHT * _missing(passage, query)
    stub = -STUB if passage.place.kind in MANUALS and _is_stub(passage.text) else 0.0
    more = {name: cost for name, cost in (("missing", absent), ("stub", stub)) if cost}
    shares = {**passage.shares, "reranker": share, **more}
    return replace(passage, score=passage.score + share + absent + stub, logit=logit, shares=shares)


def _is_stub(text: str) -> bool:
    """Tell whether a text is hardly more than directives, their names and headings."""
    lines = [line for line in text.splitlines() if line.strip()]
    directives = sum(_DIRECTIVE.match(line) is not None for line in lines)
    words = sum(len(line.split()) for line in lines if _DIRECTIVE.match(line) is None)
    return directives > 0 and words < _STUB_WORDS * directives


def _missing(passage: Passage, query: PreparedQuery) -> float:
    """Give the idf of the rarest word that a passage lacks, over that of the rarest word."""
    present = query.terms_in(passage.text_with_place)
    rarest = max(query.idf.values(), default=0.0)
    return max((idf for term, idf in query.idf.items() if term not in present), default=0.0) / (rarest or 1.0)
