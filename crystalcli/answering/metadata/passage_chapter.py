"""The chapter, section or page where something stands: the place of the best passage.

Knows: recall, the evidence in passages. Does not know: the words of questions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from crystalcli.answering.evidence import answerability, sentence_ranking
from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.document_question import DocumentQuestion, split_subject
from crystalcli.answering.metadata.stated_facts import chapter_name, document_name
from crystalcli.datatypes import Passage, Place, RecallFilter
from crystalcli.overview import DocumentRange
from crystalcli.recall import CrystalReader

_VOTERS = 10  # best passages whose chapters are compared
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
    count = max(options.k, _VOTERS)
    within = RecallFilter(within=tuple(dict.fromkeys(part.source.path for part in parts))) if parts else None
    results = crystal.recall(subject, count, depth=options.depth, half_life=options.half_life, where=within)
    passages = [
        passage
        for passage in results.passages
        if not parts
        or any(part.source.path == passage.path and part.start <= passage.start < part.end for part in parts)
    ]
    if not passages:
        return False
    results = replace(results, passages=tuple(passages))
    reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, passages)
    evidence = answerability.answer_probability(crystal, results, reading)
    if evidence < options.floor:
        return False
    places = _best_places(passages, reading.sentences, asked.unit)
    if not places:
        return False
    draft.passages = list(passages[: options.k])
    draft.seconds_to_passages = draft.seconds()
    draft.evidence = evidence
    for name, sentence in places:
        (citation,) = attribution.extract_citations(crystal, sentence_ranking.as_passages([sentence])) or (None,)
        number = draft.cite(citation)
        if citation is None:
            continue
        source = crystal.shelf.store.source_named(citation.path)
        document = f" ({document_name(source)})" if source is not None else ""
        start = "\nOr: " if draft.started else ""
        draft.say(f"{start}{name}{document}: {attribution.quotation_line(citation)} [{number}]")
    return draft.started


def _best_places(
    passages: Sequence[Passage], sentences: Sequence[RankedSentence], unit: str
) -> list[tuple[str, RankedSentence]]:
    """Rank chapters or pages by the ranks of their passages; each with its best sentence.

    A chapter of several good passages may come before that of the best one.
    """
    weights: dict[tuple[str, str], float] = defaultdict(float)
    for rank, passage in enumerate(passages[:_VOTERS]):
        if name := _place_name(passage.place, unit):
            weights[passage.path, name] += 1 / (rank + 2)
    ranked = sorted(weights, key=lambda place: -weights[place])[: attribution.MAX_CITATIONS]
    first: dict[tuple[str, str], RankedSentence] = {}
    for sentence in sorted(sentences, key=lambda sentence: sentence.rank):
        first.setdefault((sentence.passage.path, _place_name(sentence.passage.place, unit)), sentence)
    best = {place: first[place].rank for place in ranked if place in first}
    return [
        (place[1], next(sentence for sentence in sentences if sentence.rank == best[place]))
        for place in ranked
        if place in best
    ]


def _place_name(place: Place, unit: str) -> str:
    """Name the chapter or the page of a passage; "" without one."""
    if unit == "page" or (not unit and place.page_start is not None):
        if place.page_start is None:
            return ""
        label = place.marks.get("page", "")
        return (
            f"Page {label} ({place.page_start})"
            if label not in ("", str(place.page_start))
            else f"Page {place.page_start}"
        )
    if unit == "slide":
        return f"Slide {place.marks['slide']}" if place.marks.get("slide") else ""
    return chapter_name(place.chapter, place.kind) if place.chapter is not None else ""
