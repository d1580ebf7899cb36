"""The tools `read`, `outline`, `list` and `mentions`: what stands in documents, and where.

Knows: documents, their parts and places. Does not know: questions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crystalcli.datatypes import Document, RecallFilter
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.mcp_server.place_line import place_name, source_line
from crystalcli.mcp_server.search_tool import IN_PARAMETER
from crystalcli.mcp_server.tool_spec import Arguments, Parameter, ToolSpec

if TYPE_CHECKING:
    from datetime import date

    from crystalcli.library import Crystal
    from crystalcli.overview import Excerpt

_WINDOW = 4_000  # characters of a window, and of a document's beginning
_MAX_RANGE = 20_000  # of lines, pages or a section
_MAX_ENTRIES = 200  # of an outline
_MAX_DOCUMENTS = 100  # of a list
_MAX_FOLDERS = 20
_MAX_PLACES = 60  # of a count
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?:(-|–|to|\.\.)\s*(\d{1,9})?\s*)?")
# What search writes behind a path: `:12-18`, ` p. 3`, ` pp. iv (4-5)`.
_LINE_BEHIND = re.compile(r"(.+):(\d{1,9})(?:-\d{1,9})?", re.DOTALL)
_PAGE_BEHIND = re.compile(r"(.+) pp?\. (?:\S+ \()?(\d{1,9})(?:-\d{1,9})?\)?", re.DOTALL)
_PATH = Parameter("path", "string", "The document, as search or list names it.", None)


# --- read -----------------------------------------------------------------------------------------


def _read(crystal: Crystal, arguments: Arguments) -> str:
    """Read a part of a document, with its place and how to read on."""
    path, lines, pages, section, at = (arguments[name] for name in ("path", "lines", "pages", "section", "at"))
    if sum(part not in ("", -1) for part in (lines, pages, section, at)) > 1:
        raise UsageError("read takes one of lines, pages, section and at, not several")
    if lines:
        excerpt = crystal.read(path, lines=_range_of("lines", lines), limit=_MAX_RANGE)
    elif pages:
        excerpt = crystal.read(path, pages=_range_of("pages", pages), limit=_MAX_RANGE)
    elif section:
        excerpt = crystal.read(path, section=section, limit=_MAX_RANGE)
    elif at >= 0:
        excerpt = crystal.read(path, around=at, limit=_WINDOW)
    else:
        excerpt = _read_hit(crystal, path)
    return _excerpt_text(excerpt)


def _read_hit(crystal: Crystal, path: str) -> Excerpt:
    """Read around the line or page behind a path, as search names it; else from the beginning."""
    try:
        return crystal.read(path, limit=_WINDOW)
    except NotFoundError:
        if match := _LINE_BEHIND.fullmatch(path):
            number = int(match[2])
            hit = crystal.read(match[1], lines=(number, number), limit=_WINDOW)
            return crystal.read(match[1], around=hit.wanted[0], limit=_WINDOW)
        if match := _PAGE_BEHIND.fullmatch(path):
            return crystal.read(match[1], pages=(int(match[2]), int(match[2])), limit=_MAX_RANGE)
        raise


def _range_of(name: str, text: str) -> tuple[int, int | None]:
    """Parse "12", "3-5" or "3-"."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"read: {name} has to be a range such as 3-5, got {text!r:.60}")
    first = int(match[1])
    return first, int(match[3]) if match[3] else None if match[2] else first


def _excerpt_text(excerpt: Excerpt) -> str:
    citation, document = excerpt.citation, excerpt.document
    head = source_line(citation, f"{document.characters:,} characters in all")
    file = f"\nfile: {citation.source}" if citation.source is not None else ""
    before, after = excerpt.preceding(_WINDOW), excerpt.following
    rest = []
    if citation.end < excerpt.wanted[1]:
        rest.append(f"cut after {citation.end - citation.start:,} characters")
    if after is not None:
        rest.append(f"read on with at={after}")
    if before is not None:
        rest.append(f"before this: at={before}")
    foot = f"\n\n[{'; '.join(rest)}]" if rest else ""
    body = citation.quote.strip("\n")
    return f"{head}{file}\n\n{body}{foot}"


READ = ToolSpec(
    "read",
    "Read text around a hit, or any part of a document. Give one of lines, pages, section or at; without them "
    "the window around a path such as notes.md:12, or the beginning.",
    (
        _PATH,
        Parameter("lines", "string", "Lines, such as 120-180.", ""),
        Parameter("pages", "string", "Pages, such as 3-5.", ""),
        Parameter("section", "string", "An id of outline (s12), a heading, or 'chapter 3'.", ""),
        Parameter("at", "integer", "The position that search gives as at=.", -1),
    ),
    _read,
)


# --- outline --------------------------------------------------------------------------------------


def _outline(crystal: Crystal, arguments: Arguments) -> str:
    """List the parts of a document with their ids."""
    outline = crystal.outline(arguments["path"])
    document = outline.document
    head = _document_line(document, None)
    if not outline.entries:
        return f"{head}\nIt has no headings, pages or other parts: read it with at=0 and on."
    entries = outline.entries
    deepest = max(entry.depth for entry in entries)
    while len(entries) > _MAX_ENTRIES and deepest > 0:
        deepest -= 1
        entries = tuple(entry for entry in outline.entries if entry.depth <= deepest)
    lines = [
        f"{entry.id} {'  ' * entry.depth}{' '.join(entry.label.split())} | {entry.place.within_chapter}".rstrip(" |")
        for entry in entries[:_MAX_ENTRIES]
    ]
    left_out = len(outline.entries) - len(lines)
    rest = f"\n({left_out:,} more, deeper or further on; each can be read by its name or id)" if left_out else ""
    return f"{head}\n" + "\n".join(lines) + rest


OUTLINE = ToolSpec(
    "outline",
    "List the headings, chapters, definitions, slides or pages of a document, with ids that read takes as section.",
    (_PATH,),
    _outline,
)


# --- list -----------------------------------------------------------------------------------------


def _list(crystal: Crystal, arguments: Arguments) -> str:
    """List documents with kind, date and size; of many also the folders."""
    documents = [item for item in crystal.documents(arguments["glob"] or None) if item.kind != "archive"]
    documents.sort(key=lambda item: item.path)
    shown = documents[:_MAX_DOCUMENTS]
    days = crystal.document_days([item.path for item in shown])
    head = f"{len(documents):,} {'document' if len(documents) == 1 else 'documents'}"
    if len(documents) > len(shown):
        head += f", the first {len(shown)} of them; narrow the glob. Folders: {_folders(documents)}"
    return "\n".join([head, *(_document_line(item, days.get(item.path)) for item in shown)])


def _folders(documents: list[Document]) -> str:
    """Count the documents of each outermost folder that is not the only one."""
    depth, counts = 0, dict[str, int]()
    while len(counts) < 2 and depth < 5:
        depth += 1
        counts = {}
        for document in documents:
            folder = "/".join(document.path.split("/")[:-1][:depth])
            counts[folder] = counts.get(folder, 0) + 1
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MAX_FOLDERS]
    return ", ".join(f"{folder or '.'}/ {count:,}" for folder, count in largest)


def _document_line(document: Document, day: date | None) -> str:
    if not document.chunks:
        return f"{document.path} | not read: {document.reason or document.state}"
    pages = f"{document.pages:,} pages" if document.pages else ""
    said = (
        document.path,
        document.kind,
        "" if day is None else day.isoformat(),
        pages,
        f"{document.characters:,} characters",
        document.title or "",
    )
    return " | ".join(" ".join(part.split()) for part in said if part)


LIST = ToolSpec(
    "list",
    "List the documents with kind, date and size.",
    (Parameter("glob", "string", "A glob, folder or name: *.pdf, notes/**; all by default.", ""),),
    _list,
)


# --- mentions -------------------------------------------------------------------------------------


def _mentions(crystal: Crystal, arguments: Arguments) -> str:
    """Count an exact word or phrase by document or by part, with quotations of the first places."""
    where = RecallFilter(within=(arguments["in"],)) if arguments["in"] else None
    answer = crystal.mentions(arguments["text"], unit=arguments["by"], where=where)
    head, _, _ = answer.text.partition("\n\n- ")
    portions = [f"- {portion.label}: {portion.text}" for portion in answer.portions[:_MAX_PLACES]]
    if len(answer.portions) > _MAX_PLACES:
        portions.append(f"- and {len(answer.portions) - _MAX_PLACES:,} more; narrow it with in")
    quotes = [
        f"[{citation.number}] {place_name(citation.place)}: {' '.join(citation.quote.split())}"
        for citation in answer.citations[:_MAX_PLACES]
    ]
    return "\n".join([head.strip(), *portions, "", *quotes]).rstrip()


MENTIONS = ToolSpec(
    "mentions",
    "Count every mention of an exact word or phrase, by file or by chapter, with the first ones quoted. "
    "Complete, unlike search.",
    (
        Parameter("text", "string", "The word or phrase, as written.", None),
        IN_PARAMETER,
        Parameter("by", "string", "file, chapter, page, function or message.", ""),
    ),
    _mentions,
)
