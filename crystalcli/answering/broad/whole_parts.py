"""The parts of a whole, each with the passages that stand for it and its telling sentences.

Knows: plans, sections, topics. Does not know: language models, the form of an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.answering.broad.broad_plan import BroadPlan
from crystalcli.datatypes import Passage
from crystalcli.overview import (
    DocumentRange,
    Section,
    TellingSentence,
    holding_all,
    list_chapters,
    opening_section,
    part_signatures,
    rank_telling,
    relevance_of,
    representative_passages,
    split_sections,
)
from crystalcli.recall import CrystalReader, PreparedQuery, lexical_query
from crystalcli.storage import SourceRow, digest

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

PARTS = 8  # parts of a whole
_STANDING = 48  # passages that stand for a part; of their sentences the telling ones are chosen
_NEAREST = 100  # atoms that a topic is narrowed to, where too few have all of its words
_MAX_TERMS = 3  # of a topic whose terms all have to stand in an atom; more are a sentence
_MAX_HEADINGS = 6  # chapters of a part that are named


@dataclass(frozen=True, slots=True)
class PartSpan:
    """The place of a part in a document.

    Attributes:
        source: The document.
        start: The first character.
        end: The character after the last.
    """

    source: SourceRow
    start: int
    end: int

    def digest(self, crystal: CrystalReader, request: str) -> bytes:
        """Compute the digest of a request to a language model and of the part's text."""
        text = crystal.shelf.span_text(self.source, self.start, self.end)
        return digest(request.encode() + b"\0" + text.encode())


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a whole.

    Attributes:
        label: Its name: the chapters or files from the first to the last; "" without any.
        headings: The titles of its first chapters; empty where they have none.
        span: Its place; None where it is not all of a stretch of one document.
        passages: The passages that stand for it, the most representative first.
        sentences: Their sentences, the most telling first.
    """

    label: str
    headings: tuple[str, ...]
    span: PartSpan | None
    passages: Sequence[Passage]
    sentences: Sequence[TellingSentence]


def read_parts(crystal: CrystalReader, plan: BroadPlan, ranges: Sequence[DocumentRange]) -> list[Part]:
    """Divide documents of a plan into parts, and choose what stands for each.

    Args:
        crystal: The crystal, inside a snapshot.
        plan: The plan.
        ranges: The documents, or parts of them, to divide.

    Returns:
        The parts that have any text, in order.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    is_topic = plan.intent.kind == "topic"
    sections = [(section, passages) for section, passages in _sections_with_passages(crystal, plan, ranges) if passages]
    signatures = part_signatures([passages for _, passages in sections], plan.intent.subject if is_topic else "")
    parts = []
    for (section, passages), signature in zip(sections, signatures, strict=True):
        sentences = rank_telling(passages, signature)
        place = None
        if section.span is not None and not is_topic:
            place = PartSpan(section.sources[0], *section.span)
        headings = _titles(crystal, place) if place is not None else ()
        parts.append(Part(" ".join(section.label.split()), headings, place, passages, sentences))
    return parts


def _sections_with_passages(
    crystal: CrystalReader, plan: BroadPlan, ranges: Sequence[DocumentRange]
) -> Iterator[tuple[Section, list[Passage]]]:
    """Divide documents; give each section with the passages that stand for it."""
    shelf = crystal.shelf
    codec = crystal.codec() if shelf.atom_codes is not None else None
    if plan.intent.kind != "topic":
        query = lexical_query(shelf, plan.intent.subject or "what it is about")
        opening = opening_section(shelf, ranges)
        for section in [*([opening] if opening is not None else []), *split_sections(shelf, ranges, PARTS)]:
            yield section, representative_passages(shelf, codec, query, section, _STANDING)
        return
    query = crystal.searcher().prepare(plan.intent.subject)
    relevance = relevance_of(query, codec, shelf)
    atoms = _topic_atoms(crystal, plan, query, relevance)
    for section in split_sections(shelf, ranges, PARTS, atoms):
        yield section, representative_passages(shelf, codec, query, section, _STANDING, relevance[section.atoms])


def _topic_atoms(crystal: CrystalReader, plan: BroadPlan, query: PreparedQuery, relevance: FloatArray) -> Int64Array:
    """Choose the atoms on a topic: all that have its words if these are few, else the nearest ones.

    Args:
        crystal: The crystal.
        plan: The plan.
        query: The topic, prepared.
        relevance: The relevance of each atom, float32 [atoms].

    Returns:
        The atoms, int64.
    """
    shelf = crystal.shelf
    sections = split_sections(shelf, plan.ranges, 1)
    inside = np.concatenate([np.zeros(0, np.int64), *(section.atoms for section in sections)])
    if 0 < len(query.idf) <= _MAX_TERMS:
        with_all_terms = inside[np.isin(inside, holding_all(query))]
        if len(with_all_terms) >= PARTS:
            return with_all_terms
    if plan.everything:
        ranked = crystal.searcher().rank(query, 3, _NEAREST)
        return np.array([scored.atom for scored in ranked], np.int64)
    return inside[np.argsort(-relevance[inside], kind="stable")[:_NEAREST]]


def _titles(crystal: CrystalReader, place: PartSpan) -> tuple[str, ...]:
    """Name the chapters of a part that have titles, the first few of many."""
    titles = [
        heading.chapter.title.strip(" .")
        for heading in list_chapters(crystal.shelf.store, place.source).body
        if heading.start < place.end and place.start < heading.end and heading.chapter.title
    ]
    if len(titles) > _MAX_HEADINGS:
        titles = [*titles[: _MAX_HEADINGS - 1], "…"]
    return tuple(" ".join(title.split()) for title in titles)
