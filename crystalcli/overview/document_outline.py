"""Outline of a document: its headings, definitions, pages or other parts, each with an id.

The parts are those of the finest kind that the document has: headings, else definitions of source
code, slides, sheets, cells, months of messages, pages. A part reaches to the next that is not
below it.

Knows: landmarks and their extents. Does not know: how parts are shown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple

from crystalcli.datatypes import Document, Place
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, describe_document, locate_span
from crystalcli.overview.chapters import list_chapters
from crystalcli.overview.resolve import resolve_documents
from crystalcli.storage import SourceRow, landmarks_of

_NAMED_PARTS = ("slide", "sheet", "cell")  # kinds of parts that are named by their kind and label
_JOINTS = re.compile(r"\.|::|#")  # between the names of a definition
_MONTH = re.compile(r"(?:.*, )?(\d{4}-\d\d)-\d\d", re.DOTALL)  # of the label of a message
_ID = re.compile(r"s(\d{1,9})")
_NEAREST = 3  # labels in an error


class OutlinePart(NamedTuple):
    """A part of a document.

    Attributes:
        start: Its first character.
        end: The character after its last.
        label: Its own name, without those above.
        depth: The number of parts above it.
    """

    start: int
    end: int
    label: str
    depth: int


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A line of an outline.

    Attributes:
        id: The id by which `Crystal.read` finds the part: "s1", "s2", ...
        label: The part's name, without those above.
        depth: The number of parts above it.
        place: Its span and place.
    """

    id: str
    label: str
    depth: int
    place: Place


@dataclass(frozen=True, slots=True)
class DocumentOutline:
    """The outline of a document.

    Attributes:
        document: The document.
        unit: The kind of its parts: "heading", "definition", "slide", "sheet", "cell", "month" or
            "page"; None where it has none.
        entries: The parts, in order.
    """

    document: Document
    unit: str | None
    entries: tuple[OutlineEntry, ...]


def outline_document(index: IndexReader, source: SourceRow) -> DocumentOutline:
    """Outline a document.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    unit, parts = document_parts(index, source)
    text = index.span_text(source) if parts else ""
    entries, line, position = [], 1, 0
    for number, part in enumerate(parts, 1):
        line += text.count("\n", position, part.start)
        position = part.start
        last = line + text[part.start : part.end].rstrip().count("\n") if unit == "definition" else line
        place = locate_span(index.store, source, part.start, part.end, (line, last))
        entries.append(OutlineEntry(f"s{number}", part.label, part.depth, place))
    return DocumentOutline(describe_document(index.store, source), unit, tuple(entries))


def find_section(index: IndexReader, source: SourceRow, name: str) -> tuple[int, int]:
    """Find the part of a document that a name means.

    Args:
        index: The resident index.
        source: The document.
        name: The id of an outline, a label, or a name as in a question: "chapter 12".

    Returns:
        Its first character, and the one after its last.

    Raises:
        NotFoundError: It means no part.
        DamagedCrystalError: The crystal is damaged.
    """
    _, parts = document_parts(index, source)
    wanted = " ".join(name.split()).casefold()
    if (match := _ID.fullmatch(wanted)) is not None and 1 <= int(match[1]) <= len(parts):
        return parts[int(match[1]) - 1][:2]
    for part in parts:
        if " ".join(part.label.split()).casefold() == wanted:
            return part.start, part.end
    ranges = [found for found in resolve_documents(index.store, [source], name) if found.label]
    if ranges:
        return ranges[0].start, ranges[0].end
    if not parts:
        raise NotFoundError(f"{source.path} has no sections")
    raise NotFoundError(f"{source.path} has no section {name}{_nearest(wanted, parts)}")


def document_parts(index: IndexReader, source: SourceRow) -> tuple[str | None, list[OutlinePart]]:
    """Find the kind of a document's parts, as of a DocumentOutline, and the parts in order."""
    store = index.store
    headings = list_chapters(store, source).headings
    if headings:
        return "heading", [OutlinePart(head.start, head.end, head.chapter.label, head.depth) for head in headings]
    if definitions := landmarks_of(store, source.id, "definition"):
        return "definition", _definitions(definitions, source.characters)
    for kind in _NAMED_PARTS:
        if marks := landmarks_of(store, source.id, kind):
            return kind, _flat([(start, f"{kind} {label}") for start, label in marks], source.characters)
    if messages := landmarks_of(store, source.id, "message"):
        months = [(start, match[1]) for start, label in messages if (match := _MONTH.match(label))]
        firsts = [mark for before, mark in zip([(0, ""), *months], months, strict=False) if before[1] != mark[1]]
        if firsts:
            return "month", _flat(firsts, source.characters)
    if pages := landmarks_of(store, source.id, "page"):
        return "page", _flat([(start, f"page {label}") for start, label in pages], source.characters)
    return None, []


def _flat(marks: Sequence[tuple[int, str]], characters: int) -> list[OutlinePart]:
    """Make the parts that follow one another, each up to the next."""
    ends = [*(start for start, _ in marks[1:]), characters]
    return [OutlinePart(start, end, label, 0) for (start, label), end in zip(marks, ends, strict=True)]


def _definitions(marks: Sequence[tuple[int, str]], characters: int) -> list[OutlinePart]:
    """Make the parts of source code: a definition goes on after those inside of it have ended."""
    open_parts: list[tuple[int, str, int]] = []  # the number of the part, its label, its depth
    parts: list[OutlinePart] = []
    for start, label in [*marks, (characters, "")]:
        while open_parts and not (label == open_parts[-1][1] or _is_inside(label, open_parts[-1][1])):
            number = open_parts.pop()[0]
            parts[number] = parts[number]._replace(end=start)
        if label and (not open_parts or open_parts[-1][1] != label):
            open_parts.append((len(parts), label, len(open_parts)))
            parts.append(OutlinePart(start, characters, label, len(open_parts) - 1))
    return parts


def _is_inside(label: str, outer: str) -> bool:
    return label.startswith(outer) and _JOINTS.match(label, len(outer)) is not None


def _nearest(wanted: str, parts: Sequence[OutlinePart]) -> str:
    """Name the nearest labels, or the first, as the end of an error's message."""
    labels = {part.label.casefold(): part.label for part in parts}
    near = [labels[label] for label in get_close_matches(wanted, list(labels), _NEAREST, 0.4)]
    near += [label for folded, label in labels.items() if wanted in folded and label not in near]
    shown = near[:_NEAREST] or list(labels.values())[:_NEAREST]
    return f"; {'nearest' if near else 'its first'}: {', '.join(shown)}"
