"""Chapters and other parts of a document: how many there are, and their list.

Knows: chapters, landmarks, the words of a text. Does not know: the words of questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.document_question import DocumentFact, DocumentQuestion
from crystalcli.answering.metadata.stated_facts import chapter_name, cite_beginning, document_name
from crystalcli.datatypes import BOOKS, HEADING_JOINT, LINED, Chapter, Portion
from crystalcli.index import CHAPTERED, locate_span, parse_heading
from crystalcli.overview import ChapterList, DocumentRange, HeadingRange, list_chapters
from crystalcli.recall import CrystalReader
from crystalcli.storage import landmarks_of

_WORD = re.compile(r"\w+(?:[’'-]\w+)*")
_MAX_LISTED = 400  # headings of a list of contents
_MAX_ALL = 120  # headings up to which those below chapters are listed, too
_MAX_BESIDE = 6  # headings beside the chapters that are named
_JOINTS = re.compile(r"[;:.—–]")  # between a title and its subtitle
# Units whose landmarks are counted.
_MARKED = frozenset(("page", "message", "slide", "sheet"))
_CHAPTERS = frozenset(("chapter", "section", "story"))
_PLURALS = {"story": "stories"}


def answer_chapters(crystal: CrystalReader, draft: AnswerDraft, asked: DocumentQuestion, part: DocumentRange) -> bool:
    """Say how many chapters, pages, words, ... a document has; or list its chapters.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to add to.
        asked: The question.
        part: The document, or a part of one.

    Returns:
        Whether there are any.
    """
    if asked.fact is DocumentFact.COUNT:
        return _say_count(crystal, draft, part, asked.unit)
    if asked.fact is DocumentFact.TITLE:
        _say_chapter(crystal, draft, part, parse_heading(part.label.rpartition(HEADING_JOINT)[2]), part.start)
        return True
    listed = _chapters_in(crystal, part)
    if asked.fact is DocumentFact.HEADING:
        return _say_heading(crystal, draft, part, listed, asked.subject)
    return _say_contents(crystal, draft, part, listed)


def scope_name(part: DocumentRange) -> str:
    """Name a document, or a part of one with its document."""
    name = document_name(part.source)
    return " ".join(f"“{part.label}” of {name}".split()) if part.label else name


def _say_count(crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, unit: str) -> bool:
    """Say how many of a unit there are; of an unnamed one, pages or words."""
    source, store = part.source, crystal.shelf.store
    if unit in _CHAPTERS:
        return _say_chapters(crystal, draft, part, unit)
    if unit in _MARKED or not unit:
        marks = [
            label
            for start, label in landmarks_of(store, source.id, unit or "page")
            if label and part.start <= start < part.end
        ]
        count = len(set(marks)) if unit == "sheet" else len(marks)
        if count:
            number = cite_beginning(crystal, draft, source, part.start)
            draft.say(f"{scope_name(part)} has {_format_count(count, unit or 'page')}{_mark(number)}.")
            return True
        if unit not in ("", "page"):
            return False
    if unit == "row":
        if source.kind != "csv":
            return False
        count = sum(bool(line.strip()) for line in crystal.shelf.span_text(source).split("\n")) - 1
        number = cite_beginning(crystal, draft, source)
        draft.say(f"{document_name(source)} has {_format_count(count, 'row')} under its header{_mark(number)}.")
        return True
    if unit in ("", "page", "word", "line"):
        return _say_length(crystal, draft, part, unit)
    keyed = [heading for heading in _chapters_in(crystal, part).headings if _has_key(heading, unit)]
    if not keyed:
        return False
    _say_headings(crystal, draft, part, keyed, _format_count(len(keyed), unit))
    return True


def _say_length(crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, unit: str) -> bool:
    """Say how many words, or lines of a file that has lines, a text has."""
    source = part.source
    if unit == "line" and source.kind not in LINED:
        return False
    text = crystal.shelf.span_text(source, part.start, part.end)
    count = len(text.splitlines()) if unit == "line" else sum(1 for _ in _WORD.finditer(text))
    number = cite_beginning(crystal, draft, source, part.start)
    no_pages = "no known pages; it has " if unit == "page" else ""
    counted = _format_count(count, "line" if unit == "line" else "word")
    draft.say(f"{scope_name(part)} has {no_pages}{counted}, counted in its text{_mark(number)}.")
    return True


def _say_chapters(crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, unit: str) -> bool:
    """Say how many chapters there are, from which to which, and what stands beside them."""
    listed = _chapters_in(crystal, part)
    chapters = listed.chapters
    if not chapters or (unit == "story" and any(heading.chapter.number is not None for heading in chapters)):
        return False
    said = _format_count(len(chapters), _unit_of(part, listed, unit))
    volumes = [heading for heading in listed.volumes if any(_holds(heading, chapter) for chapter in chapters)]
    outermost = [volume for volume in volumes if not any(_holds(other, volume) for other in volumes)]
    if len(outermost) > 1:
        keys = {volume.chapter.key for volume in outermost}
        said += f" in {_format_count(len(outermost), keys.pop() if len(keys) == 1 else 'part')}"
    beside = [heading.chapter.label.rstrip(" .:") for heading in listed.others]
    end = f"; beside them: {', '.join(beside)}" if 0 < len(beside) <= _MAX_BESIDE else ""
    _say_headings(crystal, draft, part, chapters, said, end)
    return True


def _say_headings(
    crystal: CrystalReader,
    draft: AnswerDraft,
    part: DocumentRange,
    headings: Sequence[HeadingRange],
    said: str,
    end: str = "",
) -> None:
    """Say how many headings there are, with the first and the last."""
    numbers = [cite_beginning(crystal, draft, part.source, heading.start) for heading in (headings[0], headings[-1])]
    first, last = headings[0].chapter.label, headings[-1].chapter.label
    span = (
        f", from “{first}”{_mark(numbers[0])} to “{last}”{_mark(numbers[1])}"
        if len(headings) > 1
        else _mark(numbers[0])
    )
    draft.say(f"{scope_name(part)} has {said}, counted by its headings{span}{end}.")


def _say_contents(crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, listed: ChapterList) -> bool:
    """List the chapters with their places; of a short list, the headings below them, too."""
    headings = listed.headings
    if len(headings) > _MAX_ALL and listed.chapters:
        headings = sorted({*listed.chapters, *listed.others, *listed.volumes})
    if len(headings) < 2 or part.source.kind not in CHAPTERED:
        return False
    chapters = listed.chapters or headings
    draft.say(f"{scope_name(part)} has {_format_count(len(chapters), _unit_of(part, listed, 'chapter'))}:\n")
    least = min(heading.depth for heading in headings)
    text = crystal.shelf.span_text(part.source, 0, headings[-1].start)
    line, position = 1, 0
    for index, heading in enumerate(headings[:_MAX_LISTED]):
        line, position = line + text.count("\n", position, heading.start), heading.start
        store = crystal.shelf.store
        place = locate_span(store, part.source, heading.start, heading.start + 1, (line, line)).within_chapter
        number = cite_beginning(crystal, draft, part.source, heading.start) if index == 0 else None
        label = heading.chapter.label
        draft.say(f"\n{'  ' * (heading.depth - least)}- {label}{f': {place}' if place else ''}{_mark(number)}")
        draft.portions.append(Portion(label, place, number))
    if len(headings) > _MAX_LISTED:
        draft.say(f"\n- and {len(headings) - _MAX_LISTED:,} more")
    return True


def _say_heading(
    crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, listed: ChapterList, title: str
) -> bool:
    """Say which chapter has a title."""
    letters = _letters(title)
    named = [
        heading
        for heading in listed.headings
        if letters
        and letters in {_letters(piece) for piece in (heading.chapter.title, *_JOINTS.split(heading.chapter.title))}
    ]
    if not named:
        return False
    _say_chapter(crystal, draft, part, named[0].chapter, named[0].start)
    return True


def _say_chapter(crystal: CrystalReader, draft: AnswerDraft, part: DocumentRange, chapter: Chapter, start: int) -> None:
    """Say the number and the title of a chapter."""
    number = cite_beginning(crystal, draft, part.source, start)
    draft.say(f"{chapter_name(chapter, part.source.kind)}, in {document_name(part.source)}{_mark(number)}.")


def _letters(title: str) -> str:
    """Reduce a title to its letters: "The Quarter-Deck" and "the quarterdeck" are one."""
    return re.sub(r"[\W_]+", "", title.lower().removeprefix("the "))


def _chapters_in(crystal: CrystalReader, part: DocumentRange) -> ChapterList:
    """List the chapters of a document, or of a part of one: those below its heading."""
    listed = list_chapters(crystal.shelf.store, part.source)
    if not part.label:
        return listed
    return ChapterList(
        *([heading for heading in headings if part.start < heading.start < part.end] for headings in listed)
    )


def _unit_of(part: DocumentRange, listed: ChapterList, unit: str) -> str:
    """Choose the word for chapters: the asked one, or sections where a paper does not number."""
    is_numbered = any(heading.chapter.number is not None for heading in listed.chapters)
    if unit != "chapter" or part.source.kind in BOOKS or is_numbered:
        return unit
    return "section"


def _has_key(heading: HeadingRange, unit: str) -> bool:
    return heading.chapter.key == unit or (unit == "volume" and heading.chapter.key == "vol")


def _holds(outer: HeadingRange, inner: HeadingRange) -> bool:
    return outer.start < inner.start < outer.end


def _format_count(count: int, unit: str) -> str:
    plural = _PLURALS.get(unit, f"{unit}s")
    return f"{count:,} {unit if count == 1 else plural}"


def _mark(number: int | None) -> str:
    return f" [{number}]" if number else ""
