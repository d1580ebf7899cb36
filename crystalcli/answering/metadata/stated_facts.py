"""Author, title and date of a document: as its text states them, or else as its metadata do.

The words that state a fact are quoted. A fact that only metadata or the file's name have is said to
be from there, with the document's first words as its place.

Knows: titles in the ledger, file names. Does not know: the forms of bylines (`byline`).
"""

from __future__ import annotations

import re

from crystalcli.answering.broad.broad_question import is_generic
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata import byline
from crystalcli.answering.metadata.document_question import DocumentFact, DocumentQuestion
from crystalcli.datatypes import BOOKS, Chapter
from crystalcli.lexical import terms
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow

# Kinds whose readers write the authors of the metadata behind the title.
TITLED = frozenset(("epub", "pdf", "docx", "pptx", "xlsx", "odt", "ods", "odp"))
_AUTHOR_JOINT = " — "
_FILE_JOINTS = re.compile(r"_+|\s+[-–—]\s+|--+")
# A title that a program made of a file's name.
_FILE_NAME = re.compile(r"(?:Microsoft \w+ - )?\S+\.[A-Za-z]\w{1,4}", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_FIRST_WORDS = 300  # characters in which the first line of a document is looked for
_FIRST_LINE = re.compile(r"\S\w{0,7}\.?[ \t\r]*\n\s*\S.{0,80}(?<=\S)(?=\s*$)|\S(?:.*\S)?", re.MULTILINE)
# Words of titles that no name has.
_NO_NAME = re.compile(
    r"\b(?:the|a|an|of|and|in|on|to|for|with|from|or|by|at|is|my|vol|part|chapter|edition|draft|final|copy|report)\b",
    re.I,
)


def answer_stated(crystal: CrystalReader, draft: AnswerDraft, asked: DocumentQuestion, source: SourceRow) -> bool:
    """Say the author, the title or the date of a document.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to add to.
        asked: The question.
        source: The document.

    Returns:
        Whether anything is known of it.
    """
    head = crystal.shelf.span_text(source, 0, min(source.characters, byline.HEAD_LENGTH))
    title, authors = split_title(source)
    if asked.fact is DocumentFact.AUTHOR:
        return _say_author(crystal, draft, asked, source, head, title, authors)
    if asked.fact is DocumentFact.TITLE:
        return _say_title(crystal, draft, source, head, title)
    stated = byline.find_date(head)
    if stated is None:
        return False
    number = _cite(crystal, draft, source, stated)
    quote = " ".join(head[stated.start : stated.end].split())
    said = "" if quote == stated.value else f", in “{quote}”"
    draft.say(f"{document_name(source)} gives the date {stated.value}{said} [{number}].")
    return True


def document_name(source: SourceRow) -> str:
    """Return a document's title without its authors, or else its path."""
    title = split_title(source)[0]
    is_name = _LETTER.search(title) is not None and not _FILE_NAME.fullmatch(title)
    return title if is_name else " ".join(source.path.split())


def chapter_name(chapter: Chapter, kind: str) -> str:
    """Name a chapter in a sentence: "Chapter 36, The Quarter-Deck", "Letter IV", "Preface"."""
    if chapter.number is None or chapter.key not in ("", "chapter"):
        return chapter.label
    noun = "Chapter" if kind in BOOKS or chapter.key else "Section"
    return f"{noun} {chapter.number}, {chapter.title}".rstrip(", ")


def split_title(source: SourceRow) -> tuple[str, str]:
    """Split the title in the ledger into the title itself and the authors behind it."""
    title, joint, authors = source.title.rpartition(_AUTHOR_JOINT)
    if not joint or source.kind not in TITLED or len(authors.split()) > 3 * len(byline.split_names(authors)) + 2:
        return source.title, ""
    return title, authors


def cite_beginning(crystal: CrystalReader, draft: AnswerDraft, source: SourceRow, start: int = 0) -> int | None:
    """Cite the first line from a place of a document on, and give its number.

    A numeral alone is cited with the title below it.
    """
    text = crystal.shelf.span_text(source, start, min(source.characters, start + _FIRST_WORDS))
    line = _FIRST_LINE.search(text)
    return draft.cite(crystal.cite(source.path, start + line.start(), start + line.end())) if line is not None else None


def _say_author(
    crystal: CrystalReader,
    draft: AnswerDraft,
    asked: DocumentQuestion,
    source: SourceRow,
    head: str,
    title: str,
    authors: str,
) -> bool:
    """Say who wrote a document: by its text, its metadata, or the name of its file."""
    stated = byline.find_names(head, authors) if authors else None
    stated = stated or byline.find_author(head, source.kind, title, source.path)
    origin = "metadata"
    if stated is None and not authors:
        authors, origin = _author_in_name(source, asked.document), "file name"
        if authors and (in_text := byline.find_names(head, authors)) is not None:
            stated = in_text._replace(value=authors)
    if stated is not None:
        number = _cite(crystal, draft, source, stated)
        draft.say(f"{document_name(source)} is by {stated.value} [{number}].")
        return True
    if not authors:
        return False
    number = cite_beginning(crystal, draft, source)
    draft.say(f"{document_name(source)} is by {authors}, by its {origin}{_mark(number)}.")
    return True


def _say_title(crystal: CrystalReader, draft: AnswerDraft, source: SourceRow, head: str, title: str) -> bool:
    """Say the title of a document: by its text, its metadata, or the name of its file."""
    stated = byline.find_title(head, title) if title else None
    if stated is None and not title and source.kind in byline.PAGED:
        stated = byline.first_title(head)
    path = " ".join(source.path.split())
    if stated is not None:
        number = _cite(crystal, draft, source, stated)
        draft.say(f"The title of {path} is “{stated.value}” [{number}].")
        return True
    origin = "metadata"
    if not title:
        title, origin = _title_in_name(source), "file name"
    if not title:
        return False
    number = cite_beginning(crystal, draft, source)
    draft.say(f"The title of {path} is “{title}”, by its {origin}{_mark(number)}.")
    return True


def _author_in_name(source: SourceRow, phrase: str) -> str:
    """Read the author in a file's name such as `herman-melville_moby-dick.txt`; "" if unclear."""
    parts = _name_parts(source)
    words = set() if is_generic(phrase) else {term for term, _ in terms(phrase)}
    shared = [len(words & {term for term, _ in terms(part)}) for part in parts]
    titles = [part for part, count in zip(parts, shared, strict=True) if count and count == max(shared)]
    people = [part for part in parts if part not in titles and _is_person(part)]
    if len(parts) < 2 or not people or (people[0] != parts[0] and len(people) > 1):
        return ""
    return people[0].title()


def _title_in_name(source: SourceRow) -> str:
    """Read the title in a file's name that begins with an author's; "" if unclear."""
    parts = _name_parts(source)
    if len(parts) < 2 or not _is_person(parts[0]):
        return ""
    return parts[1][:1].upper() + parts[1][1:]


def _name_parts(source: SourceRow) -> list[str]:
    """Split the name of a file into parts such as author and title."""
    name = source.path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    return [part for piece in _FILE_JOINTS.split(stem) if (part := re.sub(r"[-.+\s]+", " ", piece).strip())]


def _is_person(part: str) -> bool:
    """Tell whether a part of a file's name reads as a person's name."""
    words = part.split()
    return 2 <= len(words) <= 4 and all(word.isalpha() for word in words) and not _NO_NAME.search(part)


def _cite(crystal: CrystalReader, draft: AnswerDraft, source: SourceRow, stated: byline.PageFact) -> int | None:
    """Cite the words that state a fact, and give the number."""
    return draft.cite(crystal.cite(source.path, stated.start, stated.end))


def _mark(number: int | None) -> str:
    return f" [{number}]" if number else ""
