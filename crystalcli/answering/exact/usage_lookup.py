"""Usages of a name in code: every place where it stands, with the kind of each.

Complete: a name is found wherever it stands as a word of its own, its letter case included, as
`git grep -w` finds it. Its definitions are left out.

Knows: texts, the look of a call and an import. Does not know: types; a method of another class with
the same name is a usage too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from crystalcli.index import IndexReader
from crystalcli.overview import documents_with
from crystalcli.storage import SourceRow, landmarks_of

# What stands before the name of a definition.
KEYWORDS = (
    r"(?:def|class|function\*?|func|fn|struct|enum|union|trait|interface|type|impl|module|macro_rules!|record|object|"
    r"namespace|#define)"
)
CALL, RAISE, IMPORT, SUBCLASS, MENTION = "call", "raise", "import", "subclass", "mention"


@dataclass(frozen=True, slots=True)
class Usage:
    """A usage of a name.

    Attributes:
        source: The document.
        label: The definition that it stands in; "" outside of all.
        start: The first character of the name.
        line: Its line, from 1.
        line_start: The first character of the line.
        line_end: The character after its last, without the newline.
        kind: CALL, RAISE, IMPORT, SUBCLASS or MENTION.
        text: The line, without white space around it.
    """

    source: SourceRow
    label: str
    start: int
    line: int
    line_start: int
    line_end: int
    kind: str
    text: str


def find_usages(
    index: IndexReader, name: str, sources: Sequence[SourceRow], left_out: Collection[tuple[int, int]] = ()
) -> Iterator[Usage]:
    """Find every usage of a name.

    Args:
        index: The crystal's index.
        name: The name, as it is written.
        sources: The documents to search.
        left_out: Lines that are no usages, as (document, first character).

    Yields:
        The usages, document by document in the order of `sources`.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    pattern, defines = word_pattern(name), re.compile(rf"\b{KEYWORDS}[ \t]+\Z")
    for source in documents_with(index, name, sources):
        text = index.span_text(source)
        landmarks = landmarks_of(index.store, source.id, "definition") if source.kind == "code" else []
        starts = [start for start, _ in landmarks]
        line, position = 1, 0
        for match in pattern.finditer(text):
            line += text.count("\n", position, match.start())
            position = match.start()
            low = text.rfind("\n", 0, position) + 1
            high = text.find("\n", position)
            high = len(text) if high < 0 else high
            is_definition = source.kind == "code" and defines.search(text[low:position]) is not None
            if is_definition or (source.id, low) in left_out:
                continue
            index_above = bisect_right(starts, position)
            label = landmarks[index_above - 1][1] if index_above else ""
            kind = _usage_kind(text[low:high], position - low, match.end() - low)
            yield Usage(source, label, position, line, low, high, kind, text[low:high].strip())


def word_pattern(name: str) -> re.Pattern[str]:
    """Make the pattern of a name as a word of its own."""
    before = r"(?<!\w)" if name[0].isalnum() or name[0] == "_" else r"(?<![\w-])"
    return re.compile(
        rf"{before}{re.escape(name)}(?![\w-])" if name.startswith("-") else rf"{before}{re.escape(name)}(?!\w)"
    )


def _usage_kind(line: str, start: int, end: int) -> str:
    """Tell the kind of a usage from its line."""
    head = line.lstrip()
    before = line[:start]
    if re.match(r"(?:from|import|use|require|#include|export \{)\b", head):
        return IMPORT
    if head.startswith(("#", "//", "*", "/*")):
        return MENTION
    if re.search(r"\b(?:raise|throw)\s+(?:new\s+)?(?:[\w.]+\.)?\Z", before):
        return RAISE
    if re.match(r"(?:class|interface|struct|trait)\s", head) and start > line.index(head) + 6:
        return SUBCLASS
    is_call = re.match(r"\s*(?:<[^<>()]*>\s*)?\(", line[end:]) is not None
    return CALL if is_call or re.match(r"\s*@[\w.]*\Z", before) else MENTION
