"""Chapters of a document, counted: which of its headings are chapters, and which stand beside them.

Books number their chapters in words, in figures, or not at all, and have prefaces, notes and
volumes beside them; a table of contents may list every chapter once more.

Knows: headings and their extents. Does not know: texts, questions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.datatypes import BOOKS, HEADING_JOINT, Chapter
from crystalcli.index import CHAPTER_KEYS, VOLUME_KEYS, parse_heading
from crystalcli.storage import SourceRow, Store, landmarks_of

# Share of the text that lies under headings of one form, for them to be the chapters.
_ENOUGH = 0.5
# Characters beside its own label after which a heading of the same name may come again: before, it
# is an entry of a table of contents.
_ENTRY_LENGTH = 160
_FRAME = frozenset(("Project Gutenberg header", "Project Gutenberg licence", "FINIS", "THE END", "The End"))
_LEAST_TEXT = 20  # characters under a heading; fewer are line ends
# Headings of back matter, which says nothing of a document's subject. It is left out where there is
# other text.
BACK_MATTER = frozenset(
    (
        "project gutenberg header", "project gutenberg licence", "contents", "table of contents", "index", "endnotes", "footnotes",
        "notes", "glossary", "bibliography", "references", "colophon", "imprint", "uncopyright", "acknowledgements", "acknowledgments",
        "license", "licence", "list of illustrations", "copyright",
    )
)  # fmt: skip
# Headings before and after the chapters that are no chapters, and hold no part of the story.
_FRONT_MATTER = frozenset(
    (
        "preface", "foreword", "introduction", "dedication", "contents", "table of contents", "acknowledgments", "acknowledgements",
        "abstract", "epigraph", "title page", "titlepage", "cover", "copyright", "imprint", "frontispiece", "errata", "list of figures",
        "list of tables", "list of illustrations", "about the author", "also by",
    )
)  # fmt: skip
_AFTERWORDS = frozenset(("appendix", "afterword", "postscript", "references", "works cited", "further reading"))
# Headings beside numbered chapters that are a part of the story all the same.
_STORY = re.compile(r"(?:prologue|prelude|proem|interlude|epilogue|coda|conclusion)\b", re.IGNORECASE)


class HeadingRange(NamedTuple):
    """The text under a heading, those below it included.

    Attributes:
        start: The first character, that of the heading.
        end: The character after the last.
        path: The headings above it and its own.
        chapter: Its own number and title.
    """

    start: int
    end: int
    path: str
    chapter: Chapter

    @property
    def depth(self) -> int:
        """The number of headings above it."""
        return self.path.count(HEADING_JOINT)

    @property
    def is_matter(self) -> bool:
        """True for a heading of front or back matter."""
        name = self.chapter.label.strip(" .:").lower()
        return name in _FRONT_MATTER or name in BACK_MATTER or name in _AFTERWORDS or self.chapter.key == "appendix"


class ChapterList(NamedTuple):
    """The chapters of a document.

    Attributes:
        chapters: The chapters, in order.
        others: The headings beside them, such as a preface, in order.
        volumes: The volumes, books or parts that hold them, in order.
        headings: All headings, but entries of a table of contents, in order.
    """

    chapters: list[HeadingRange]
    others: list[HeadingRange]
    volumes: list[HeadingRange]
    headings: list[HeadingRange]

    def keyed(self, key: str) -> list[HeadingRange]:
        """Select the headings that call themselves by a word, such as "letter"."""
        return [heading for heading in self.headings if heading.chapter.key == key]

    @property
    def body(self) -> list[HeadingRange]:
        """The chapters, with numbered headings, a prologue and an epilogue beside them."""
        story = (
            other
            for other in self.others
            if (other.chapter.number is not None and not other.is_matter) or _STORY.match(other.chapter.label)
        )
        return sorted([*self.chapters, *story])


def list_chapters(store: Store, source: SourceRow) -> ChapterList:
    """List the chapters of a document."""
    landmarks = landmarks_of(store, source.id, "heading")
    return select_chapters(landmarks, source.characters, source.title, is_book=source.kind in BOOKS)


def select_chapters(
    landmarks: Sequence[tuple[int, str]], characters: int, title: str = "", *, is_book: bool = True
) -> ChapterList:
    """Select the chapters among a document's headings.

    They are the headings that say so ("Chapter III"), or else those with a number, or else the
    outermost; each if most of the text lies under them.

    Args:
        landmarks: The headings, each with its first character, in order.
        characters: The length of the document.
        title: The document's title, which may be a heading, too.
        is_book: Whether an introduction stands beside the chapters, rather than being one.
    """
    headings = list_headings(landmarks, characters)
    volumes = [heading for heading in headings if heading.chapter.key in VOLUME_KEYS]
    rest = [
        heading
        for heading in headings
        if heading.chapter.key not in VOLUME_KEYS and not (is_book and heading.is_matter) and not _is_bare(heading)
    ]
    if len(rest) > 1 and rest[0].chapter.number is None and rest[0].chapter.label == title:
        del rest[0]
    total = sum(
        heading.end - heading.start
        for heading in headings
        if heading.depth == 0 and not (is_book and heading.is_matter)
    )
    chapters = _select(rest, total)
    if not chapters:
        return ChapterList([], headings, volumes, headings)
    taken = {heading.start for heading in [*chapters, *volumes]}
    deepest = max(heading.depth for heading in chapters)
    others = [
        heading
        for heading in headings
        if heading.start not in taken
        and heading.depth <= deepest
        and not (heading.chapter.number is None and _is_bare(heading))
        and heading.chapter.label.lower() != title.lower()
        and not any(chapter.start <= heading.start < chapter.end for chapter in chapters)
        and not any(heading.start < chapter.start < heading.end for chapter in chapters)
    ]
    return ChapterList(chapters, others, volumes, headings)


def list_headings(landmarks: Sequence[tuple[int, str]], characters: int) -> list[HeadingRange]:
    """List the headings of a document's own text, without the entries of a table of contents.

    Args:
        landmarks: The headings, each with its first character, in order.
        characters: The length of the document.
    """
    headings = [heading for heading in _ranges(landmarks, characters) if heading.path not in _FRAME]
    return _without_entries(headings)


def _ranges(landmarks: Sequence[tuple[int, str]], characters: int) -> list[HeadingRange]:
    """Give each heading its range, up to the next one that is not below it."""
    ranges: list[HeadingRange] = []
    open_headings: list[tuple[int, str]] = []
    ends = [characters] * len(landmarks)
    for index, (start, path) in enumerate(landmarks):
        while open_headings and not (path and path.startswith(open_headings[-1][1] + HEADING_JOINT)):
            ends[open_headings.pop()[0]] = start
        open_headings.append((index, path))
    for (start, path), end in zip(landmarks, ends, strict=True):
        if path:
            ranges.append(HeadingRange(start, end, path, parse_heading(path.rpartition(HEADING_JOINT)[2])))
    return ranges


def _without_entries(headings: Sequence[HeadingRange]) -> list[HeadingRange]:
    """Leave out the entries of a table of contents: short, and there once more further on."""
    last: dict[tuple[str, int | None, str], int] = {}
    for heading in headings:
        last[_name(heading)] = heading.start
    return [
        heading
        for heading in headings
        if last[_name(heading)] == heading.start
        or heading.end - heading.start > len(heading.chapter.label) + _ENTRY_LENGTH
    ]


def _name(heading: HeadingRange) -> tuple[str, int | None, str]:
    """Give what two headings of the same chapter have in common: the path above, number, title."""
    chapter, above = heading.chapter, heading.path.rpartition(HEADING_JOINT)[0]
    title = "" if chapter.number is not None else chapter.title
    return f"{above}{HEADING_JOINT}{chapter.key}".lower(), chapter.number, title.lower()


def _select(headings: Sequence[HeadingRange], total: int) -> list[HeadingRange]:
    """Select the headings that are chapters; those of one form that cover most of the text."""
    keys = Counter(heading.chapter.key for heading in headings if heading.chapter.key in CHAPTER_KEYS)
    for key, _ in sorted(keys.items(), key=lambda item: (item[0] != "chapter", -item[1])):
        keyed = [heading for heading in headings if heading.chapter.key == key and heading.chapter.number is not None]
        if _covers(keyed, total):
            return keyed
    numbered = [heading for heading in headings if heading.chapter.number is not None and not heading.chapter.key]
    for depth, _ in Counter(heading.depth for heading in numbered).most_common():
        at_depth = [heading for heading in numbered if heading.depth == depth]
        if _covers(at_depth, total):
            return at_depth
    for depth in sorted({heading.depth for heading in headings}):
        at_depth = [heading for heading in headings if heading.depth == depth]
        if len(at_depth) > 1 and _covers(at_depth, total):
            return at_depth
    return []


def _is_bare(heading: HeadingRange) -> bool:
    """Tell whether nothing stands under a heading without a number, as under a dedication."""
    return heading.chapter.number is None and heading.end - heading.start < len(heading.chapter.label) + _LEAST_TEXT


def _covers(headings: Sequence[HeadingRange], total: int) -> bool:
    """Tell whether there are several headings, and most of the text lies under them."""
    return len(headings) > 1 and sum(heading.end - heading.start for heading in headings) >= _ENOUGH * total
