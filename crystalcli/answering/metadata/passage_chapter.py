"""The chapter, section or page where something stands: the place of the best passage.

Knows: recall, the evidence in passages. Does not know: the words of questions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from crystalcli.answering.evidence import answerability, sentence_ranking
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.document_question import DocumentQuestion, split_subject
from crystalcli.answering.metadata.stated_facts import chapter_name, document_name
from crystalcli.datatypes import Citation
from crystalcli.overview import DocumentRange
from crystalcli.recall import CrystalReader

_MANY = 60  # passages recalled when only those of one document count
# "the Bitcoin paper describe the incentive": the document speaks.
_SPEAKS = re.compile(
    r"(?P<document>.+?) (?:describe|explain|discuss|define|present|introduce|mention|cover|prove|give|report|state|show|treat|"
    r"talk about|speak of|deal with)s? (?P<subject>.+)",
    re.IGNORECASE,
)  # fmt: skip


def answer_place(
    crystal: CrystalReader,
    draft: AnswerDraft,
    asked: DocumentQuestion,
    parts: Sequence[DocumentRange],
    resolve: Callable[[str], list[DocumentRange]],
) -> bool:
    """Say in which chapter, or on which page, something stands, and quote it.

    Args:
        crystal: The crystal.
        draft: The answer to add to.
        asked: The question.
        parts: The documents that it names; empty where it names none.
        resolve: Finds the documents of a name.

    Returns:
        Whether the crystal seems to hold it, under a heading or on a page.
    """
    subject = asked.subject
    if not parts:
        speaks, behind = _SPEAKS.fullmatch(subject), split_subject(subject)
        if speaks is not None and (parts := resolve(speaks["document"])):
            subject = speaks["subject"]
        elif behind is not None and (parts := resolve(behind[1])):
            subject = behind[0]
    options = draft.options
    count = _MANY if parts else max(options.k, sentence_ranking.MAX_PASSAGES)
    results = crystal.recall(subject, count, depth=options.depth, half_life=options.half_life)
    passages = [
        passage
        for passage in results.passages
        if not parts or any(part.source.path == passage.path and part.start <= passage.start < part.end for part in parts)
    ]
    if not passages:
        return False
    results = replace(results, passages=tuple(passages))
    reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, passages)
    evidence = answerability.answer_probability(crystal, results, reading)
    if evidence < options.floor:
        return False
    best = [sentence for sentence in reading.sentences if sentence.rank < options.k]
    citations = attribution.extract_citations(crystal, sentence_ranking.as_passages(best[: attribution.MAX_CITATIONS]))
    named = [(citation, name) for citation in citations if (name := _place_name(citation, asked.unit))]
    if not named:
        return False
    draft.passages = list(passages[: options.k])
    draft.seconds_to_passages = draft.seconds()
    draft.evidence = evidence
    said: set[tuple[str, str]] = set()
    for citation, name in named:
        if (citation.path, name) in said:
            continue
        number = draft.cite(citation)
        source = crystal.shelf.store.source_named(citation.path)
        document = f" of {document_name(source)}" if source is not None else ""
        start = "\nOr: " if said else ""
        draft.say(f"{start}{name}{document}: {attribution.quotation_line(citation)} [{number}]")
        said.add((citation.path, name))
    return True


def _place_name(citation: Citation, unit: str) -> str:
    """Name the chapter or the page of a quotation; "" without one."""
    place = citation.place
    if unit == "page" or (not unit and place.page_start is not None):
        return re.sub(r"^pp?\.", "Page", place.within_chapter) if place.page_start is not None else ""
    if unit == "slide":
        return f"Slide {place.marks['slide']}" if place.marks.get("slide") else ""
    return chapter_name(place.chapter, place.kind) if place.chapter is not None else ""
