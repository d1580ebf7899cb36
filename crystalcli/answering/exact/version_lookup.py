"""Versions: the one in which a name was added or removed, and the changes of one.

Knows: `versionadded` and its like, headings with a version. Does not know: tags of a repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crystalcli.answering.exact.definition_lookup import CodeDefinition
from crystalcli.answering.exact.source_order import PROSE, source_rank
from crystalcli.answering.exact.text_lookup import TextPlace
from crystalcli.answering.exact.usage_lookup import Usage
from crystalcli.datatypes import HEADING_JOINT
from crystalcli.index import IndexReader
from crystalcli.storage import SourceRow, headings_like, landmarks_of

_VERSION = re.compile(r"\bv?\d+\.\d+")
_MAX_HEADINGS = 200  # that have a version in them
_MIN_SECTION = 20  # characters under a heading
_MAX_BLOCK = 3000  # characters of an entry of the documentation
# What a question asks for, with the directives and the words that say it.
_CHANGES = (
    (
        re.compile("remov|drop"),
        re.compile(r"versionremoved::|@removed"),
        re.compile(r"remov|drop|delet", re.IGNORECASE),
    ),
    (re.compile("deprecat"), re.compile(r"deprecated::|@deprecated"), re.compile(r"deprecat", re.IGNORECASE)),
    (re.compile("chang"), re.compile(r"versionchanged::"), re.compile(r"chang|now\b|no longer", re.IGNORECASE)),
    (
        re.compile(""),
        re.compile(r"versionadded::|@since"),
        re.compile(r"\badd|\bnew\b|introduc|support", re.IGNORECASE),
    ),
)


def find_versions(
    index: IndexReader, verb: str, definitions: Sequence[CodeDefinition], usages: Sequence[Usage]
) -> Iterator[TextPlace]:
    """Find the places that tell in which version a name was added, changed or removed.

    Args:
        index: The crystal's index.
        verb: The verb of the question: "added", "removed", ...; "" for "added".
        definitions: The definitions of the name.
        usages: Its usages.

    Yields:
        The places, the surest first: its entry in the documentation, its docstring, change logs.
    """
    _, directive, words = next(change for change in _CHANGES if change[0].search(verb))
    documents = [usage for usage in usages if source_rank(usage.source) == PROSE]
    for usage in documents:
        if usage.text.startswith(".. ") and "::" in usage.text:
            entry = index.span_text(usage.source, usage.line_start, usage.line_start + _MAX_BLOCK)
            following = re.search(r"\n\.\. [\w:]+:: ?\w", entry[: len(entry)].replace(".. version", "   version"))
            entry = entry[: following.start() if following is not None else len(entry)]
            if (match := directive.search(entry)) is not None:
                yield _lines(usage.source, usage.line_start, entry, match.start())
    for definition in definitions:
        if (match := directive.search(definition.text)) is not None:
            yield _lines(definition.source, definition.start, definition.text, match.start())
    entries = []
    for usage in documents:
        heading = index.store.landmark_before(usage.source.id, "heading", usage.start)
        if _VERSION.search(heading):
            entries.append(_bullet(index, usage))
    yield from (place for place, text in entries if words.search(text))
    yield from (place for place, text in reversed(entries) if not words.search(text))


def find_release(index: IndexReader, version: str, sources: Sequence[SourceRow]) -> list[TextPlace]:
    """Find the sections of change logs on a version, each with the sections below it.

    Args:
        index: The crystal's index.
        version: The version's number.
        sources: The documents to search.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    number = re.compile(rf"(?<![\w.]){re.escape(version)}(?!\.?\w)")
    by_id = {source.id: source for source in sources if source_rank(source) == PROSE}
    places = []
    for source, start, label in headings_like(index.store, version, _MAX_HEADINGS):
        if source in by_id and number.search(label.rpartition(HEADING_JOINT)[2].replace("v", " ")):
            below = f"{label}{HEADING_JOINT}"
            headings = landmarks_of(index.store, source, "heading")
            following = [at for at, other in headings if at > start and not other.startswith(below)]
            end = following[0] if following else by_id[source].characters
            text = index.span_text(by_id[source], start, min(end, start + _MAX_BLOCK))
            if len(text.split("\n", 1)[-1].strip()) > _MIN_SECTION:
                places.append(TextPlace(by_id[source], start, start + len(text.rstrip())))
    return places


def _lines(source: SourceRow, start: int, text: str, position: int) -> TextPlace:
    """Make a place of the lines of a text up to that of a position, or of the latter alone."""
    low = text.rfind("\n", 0, position) + 1
    high = text.find("\n", position)
    high = len(text) if high < 0 else high
    first = low if high > 1000 else 0
    return TextPlace(source, start + first, start + high)


def _bullet(index: IndexReader, usage: Usage) -> tuple[TextPlace, str]:
    """Read the item of a list that a usage stands in."""
    low = max(0, usage.line_start - 600)
    text = index.span_text(usage.source, low, usage.line_end + 600)
    line = usage.line_start - low
    starts = [match.start() for match in re.finditer(r"(?m)^[ \t]*[-*+] ", text) if match.start() <= line]
    start = starts[-1] if starts else line
    end = re.compile(r"\n[ \t]*(?:\n|[-*+] )").search(text, usage.line_end - low)
    last = end.start() if end is not None else len(text)
    return TextPlace(usage.source, low + start, low + last), text[start:last]
