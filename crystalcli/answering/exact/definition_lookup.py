"""Definitions by name: functions, classes, methods, constants, options, modules and files.

Functions and classes are the landmarks of a document; a constant, a key or an option is the line
that gives it a value. Of equal names source comes before tests, and the outer before the inner.

Knows: landmarks, the look of an assignment. Does not know: questions, answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from crystalcli.answering.exact.source_order import SOURCE, is_code, is_config, source_rank
from crystalcli.answering.exact.usage_lookup import KEYWORDS, word_pattern
from crystalcli.datatypes import LINED
from crystalcli.index import IndexReader
from crystalcli.overview import documents_with
from crystalcli.recall import DEFINITION_JOINTS, module_parts
from crystalcli.storage import SourceRow, definitions_named, landmarks_of

MAX_LINES = 15  # of a definition that is quoted
_MAX_READ = 200  # definitions of one name whose documents are looked at
_MAX_SIGNATURE = 40  # lines
_MAX_PREFACE = 4  # lines of decorators and comments above a signature that are quoted with it
_MAX_BASES = 6  # classes that a method is inherited through
_SURE = 2  # the highest rank of a line that gives a value for certain
_WITHOUT = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|(?<!\S)#[\s:!].*|//.*")  # strings and comments, without their brackets
# A call that makes something of the name in its arguments.
_MAKER = re.compile(
    r"\b(?:add|register|define|declare|create|new|signal|option|field|argument|setting|config)\w*\(", re.IGNORECASE
)
_TYPES = r"(?:[\w:<>\[\],*&?]+[ \t]+)*"  # `export const`, `static const char *`
# A comment at the top of a file that says nothing of it.
_LICENCE = re.compile(
    r"\s*(?:/\*(?:(?!\*/)[\s\S])*?(?:copyright|licen[cs]e)[\s\S]*?\*/|(?:(?:#|//)[^\n]*\n)*?(?:#|//)[^\n]*(?:copyright|licen[cs]e)"
    r"[^\n]*\n(?:(?:#|//)[^\n]*\n)*)",
    re.IGNORECASE,
)
_COMMENT = ("# ", "#:", "#!", "//", "/*", "*", "--", ";", '"""', "'''")


@dataclass(frozen=True)
class CodeDefinition:
    """A definition in a document.

    Attributes:
        source: The document.
        label: Its name with those of the classes around it; the path of a file.
        start: Its first character, that of a decorator or comment above it.
        header: The first character of the line that names it.
        end: The character after its last.
        text: Its text from `start`.
    """

    source: SourceRow
    label: str
    start: int
    header: int
    end: int
    text: str

    @property
    def name(self) -> str:
        """The last part of the label."""
        return DEFINITION_JOINTS.split(self.label)[-1]

    @property
    def is_at_margin(self) -> bool:
        """True if the line that names it is not indented."""
        return not self.text[self.header - self.start :][:1].isspace()

    @cached_property
    def quote_span(self) -> tuple[int, int]:
        """The signature with its docstring, or with the beginning of the body."""
        start, end = _quote_lines(self.text, self.header - self.start, self.source.path)
        return self.start + start, self.start + end

    @cached_property
    def signature_span(self) -> tuple[int, int]:
        """The signature alone."""
        first = self.header - self.start
        return self.header, self.start + _signature_end(self.text, first)


def find_code_definitions(index: IndexReader, name: str, sources: Sequence[SourceRow]) -> list[CodeDefinition]:
    """Find the definitions of a name, the likeliest first.

    Args:
        index: The crystal's index.
        name: An identifier, `Class.method`, a dotted module, a path, an option.
        sources: The documents to search.

    Returns:
        Its definitions; empty without any.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    if not name.startswith("-"):
        if "/" not in name and (found := _landmark_definitions(index, name, sources)):
            if source_rank(found[0].source) == SOURCE:
                return found
            # A constant of the source, such as `exit = _Exit()`, goes before a function of a test.
            assigned = find_assignments(index, name, sources)
            return [each for each in assigned if source_rank(each.source) == SOURCE and each.is_at_margin] + found
        if found := _files_named(index, name, sources):
            return found
    return find_assignments(index, name, sources)


def find_assignments(index: IndexReader, name: str, sources: Sequence[SourceRow]) -> list[CodeDefinition]:
    """Find the lines that give a constant, a key or an option its value, the likeliest first.

    Args:
        index: The crystal's index.
        name: The name.
        sources: The documents to search.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    last = DEFINITION_JOINTS.split(name)[-1] if not name.startswith("-") else name
    if not last.strip("-_"):
        return []
    word, pattern = word_pattern(last), _assignment_pattern(last)
    ranked = []
    for source in documents_with(index, last, [source for source in sources if is_code(source)]):
        text = index.span_text(source)
        starts = dict.fromkeys(text.rfind("\n", 0, found.start()) + 1 for found in word.finditer(text))
        for start in starts:
            line = text[start : _line_end(text, start)]
            match = pattern.match(line)
            if match is None or line.lstrip().startswith(_COMMENT) or _is_import(line):
                continue
            kind = _assignment_rank(match, line, text, start, is_option=name.startswith("-"))
            if kind is not None and (last == name or _is_of(index, source, start, name)):
                rank = (
                    source_rank(source),
                    is_config(source),
                    kind,
                    len(match["margin"].expandtabs()),
                    source.path,
                    start,
                )
                ranked.append((rank, source, start, text))
    ranked.sort(key=lambda item: item[0])
    worst = max(_SURE, ranked[0][0][2]) if ranked else 0
    return [_assignment(source, last, start, text) for rank, source, start, text in ranked if rank[2] <= worst]


# --- landmarks ------------------------------------------------------------------------------------


def _landmark_definitions(index: IndexReader, name: str, sources: Sequence[SourceRow]) -> list[CodeDefinition]:
    """Find the functions and classes of a name."""
    *qualifiers, last = [part for part in DEFINITION_JOINTS.split(name) if part] or [name]
    by_id = {source.id: source for source in sources}
    sites = [
        (by_id[source], start, label)
        for source, start, label in definitions_named(index.store, last)
        if source in by_id
    ]
    if qualifiers:
        sites = _qualified(sites, qualifiers) or _inherited(index, sites, qualifiers, sources)
    sites.sort(key=lambda site: (source_rank(site[0]), len(DEFINITION_JOINTS.split(site[2]))))
    found: dict[tuple[int, str], CodeDefinition] = {}
    landmarks: dict[int, list[tuple[int, str]]] = {}
    for source, start, label in sites[:_MAX_READ]:
        if source.id not in landmarks:
            landmarks[source.id] = landmarks_of(index.store, source.id, "definition")
        definition = _definition_at(index, source, landmarks[source.id], start, label)
        if definition is None:
            continue
        other = found.get((source.id, label))
        if other is None or (_is_stub(other) and not _is_stub(definition)):
            found[source.id, label] = definition
    return sorted(found.values(), key=_definition_rank)


def _definition_rank(definition: CodeDefinition) -> tuple[int, bool, int, int, str, int]:
    """Rank a definition: source first, code before stubs, outer before inner, the longer."""
    source, label = definition.source, definition.label
    return (
        source_rank(source),
        source.path.endswith(".pyi"),
        len(DEFINITION_JOINTS.split(label)),
        -(definition.end - definition.start),
        source.path,
        definition.start,
    )


def _definition_at(
    index: IndexReader, source: SourceRow, landmarks: Sequence[tuple[int, str]], start: int, label: str
) -> CodeDefinition | None:
    """Make the definition that begins at a landmark; None where one only goes on there."""
    position = next(i for i, (at, _) in enumerate(landmarks) if at == start)
    if position and _is_inside(landmarks[position - 1][1], label):
        return None
    end = source.characters
    for at, other in landmarks[position + 1 :]:
        previous_inside = _is_inside(landmarks[position][1], label)
        position += 1
        if not (_is_inside(other, label) or (other == label and previous_inside)):
            end = at
            break
    text = index.span_text(source, start, end)
    return CodeDefinition(source, label, start, start + _header(text, DEFINITION_JOINTS.split(label)[-1]), end, text)


def _is_inside(label: str, outer: str) -> bool:
    return label.startswith((f"{outer}.", f"{outer}::"))


def _header(text: str, name: str) -> int:
    """Find the first character of the line that names a definition."""
    word = re.escape(name)
    match = re.search(
        rf"^[^\n#]*?\b{KEYWORDS}[ \t]+(?:\([^)\n]*\)[ \t]*)?(?:[\w.:<>]+[.:])?{word}(?!\w)", text, re.MULTILINE
    )
    if match is not None:
        return match.start()
    code = [
        (low, text[low:high])
        for low, high in islice(_lines_from(text, 0), MAX_LINES)
        if text[low:high].strip() and not text[low:high].lstrip().startswith((*_COMMENT, "@"))
    ]
    named = [low for low, line in code[:_MAX_PREFACE] if re.search(rf"(?<!\w){word}(?!\w)", line)]
    return next(iter(named or [low for low, _ in code]), 0)


def _is_stub(definition: CodeDefinition) -> bool:
    """Tell whether a definition is only a declaration, as an overload is."""
    above = definition.text[: definition.header - definition.start]
    return "overload" in above or definition.text.rstrip().endswith(("...", ";"))


def _qualified(
    sites: Sequence[tuple[SourceRow, int, str]], qualifiers: Sequence[str]
) -> list[tuple[SourceRow, int, str]]:
    """Select the definitions whose class, module or folders have the names before a name."""
    exact, loose = [], []
    for site in sites:
        around = [*module_parts(site[0].path), *DEFINITION_JOINTS.split(site[2])[:-1]]
        if around[-len(qualifiers) :] == list(qualifiers):
            exact.append(site)
        else:
            rest = iter(part.lower() for part in around)
            if all(any(part == qualifier.lower() for part in rest) for qualifier in qualifiers):
                loose.append(site)
    return exact or loose


def _inherited(
    index: IndexReader,
    sites: Sequence[tuple[SourceRow, int, str]],
    qualifiers: Sequence[str],
    sources: Sequence[SourceRow],
) -> list[tuple[SourceRow, int, str]]:
    """Select the definitions in the base classes of the class before a name."""
    tried: set[str] = set()
    classes = [qualifiers[-1], "".join(part.capitalize() for part in qualifiers[-1].split("_"))]
    while classes and len(tried) < _MAX_BASES:
        name = classes.pop(0)
        if name in tried:
            continue
        tried.add(name)
        if own := [site for site in sites if DEFINITION_JOINTS.split(site[2])[-2:-1] == [name]]:
            return own
        for definition in _landmark_definitions(index, name, sources)[:1]:
            signature = definition.source, definition.text[slice(*_relative(definition))]
            bases = re.search(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)|\b(?:extends|implements|:)\s+([^{]+)", signature[1])
            if bases is not None:
                classes += re.findall(r"\w+(?=\s*(?:,|\Z|\[|<|\)))", (bases[1] or bases[2] or "").strip())
    return []


def _relative(definition: CodeDefinition) -> tuple[int, int]:
    """Give the span of a definition's signature in its own text."""
    start, end = definition.signature_span
    return start - definition.start, end - definition.start


# --- files and modules ----------------------------------------------------------------------------


def _files_named(index: IndexReader, name: str, sources: Sequence[SourceRow]) -> list[CodeDefinition]:
    """Find the files that a path, a file's name or a dotted module means."""
    lined = [source for source in sources if source.kind in LINED]
    wanted = name.strip("/").removeprefix("./")
    found = [source for source in lined if f"/{source.path}".endswith(f"/{wanted}")]
    parts = name.split(".")
    if not found and "/" not in name and len(parts) > 1:
        found = [source for source in lined if is_code(source) and module_parts(source.path)[-len(parts) :] == parts]
    found.sort(key=lambda source: (source_rank(source), source.path.count("/"), source.path))
    return [_first_lines(index, source) for source in found]


def _first_lines(index: IndexReader, source: SourceRow) -> CodeDefinition:
    """Make the definition of a file: its first lines."""
    text = index.span_text(source, 0, min(source.characters, 4000))
    licence = _LICENCE.match(text)
    first = len(text) - len(text[licence.end() if licence is not None else 0 :].lstrip())
    return CodeDefinition(source, source.path, 0, first, source.characters, text)


# --- assignments ----------------------------------------------------------------------------------


def _assignment_pattern(name: str) -> re.Pattern[str]:
    """Make the pattern of the beginning of a line that gives a name its value."""
    word = re.escape(name)
    return re.compile(
        rf"(?P<margin>[ \t]*)(?:"
        rf"(?P<value>(?!(?:case|return|if|for|while|assert|del|else|elif|yield|await)\b){_TYPES}{word}[ \t]*(?::[^=\n]+)?=(?![=~>])|"
        rf"\#[ \t]*define[ \t]+{word}\b|typedef\b[^;(){{}}]*[\s*]{word}\s*;)|"
        rf"(?P<field>{word}[ \t]*:[ \t]*(?!:)\S)|"
        rf"(?P<own>(?:self|this|cls)\.{word}[ \t]*(?::[^=\n]+)?=(?![=~>]))|"
        rf"(?P<key>.*?(?<![\w-])[\"']{word}[\"'][ \t]*[:,=\])])|"
        rf"(?P<table>\[+[\w.\"-]*{word}\]))"
    )


def _is_import(line: str) -> bool:
    return re.match(r"\s*(?:from|import|use|require|#include)\b", line) is not None


def _is_of(index: IndexReader, source: SourceRow, position: int, name: str) -> bool:
    """Tell whether a line is in the class or module that a dotted name has before its last part."""
    label = index.store.landmark_before(source.id, "definition", position)
    *qualifiers, last = DEFINITION_JOINTS.split(name)
    return bool(_qualified([(source, position, f"{label}.{last}" if label else last)], qualifiers))


def _assignment_rank(match: re.Match[str], line: str, text: str, start: int, *, is_option: bool) -> int | None:
    """Rank a line that gives a value: 0 the surest; None where it only passes one on.

    Args:
        match: The match of `_assignment_pattern`.
        line: The line.
        text: The text of the document.
        start: The first character of the line.
        is_option: Whether the name is an option, of which any place in quotes is better than none.
    """
    is_last = line.rstrip().endswith(",")
    if match["value"] is not None:
        if not match["margin"]:
            return 0
        return 1 if not is_last else None
    if match["table"] is not None:
        return 1
    if match["field"] is not None:
        return 2 if not is_last or match["margin"] else None
    if match["own"] is not None:
        return 2
    key = match["key"]
    if key.rstrip().endswith(":"):  # a key with its value
        return 1
    call = text[_opening_line(text, start) : start + match.end()]
    if _MAKER.search(call):
        return 1
    return 3 if is_option else None


def _assignment(source: SourceRow, name: str, start: int, text: str) -> CodeDefinition:
    """Make the definition of an assignment, with the comments right above it."""
    opened = _opening_line(text, start)
    end = _statement_end(text, opened)
    first = opened
    for _ in range(_MAX_PREFACE):
        before = text.rfind("\n", 0, max(0, first - 1)) + 1 if first else 0
        if first == 0 or not text[before:first].lstrip().startswith(_COMMENT):
            break
        first = before
    return CodeDefinition(source, name, first, start, end, text[first:end])


# --- lines ----------------------------------------------------------------------------------------


def _line_end(text: str, position: int) -> int:
    """Find the end of a line, without its newline."""
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _lines_from(text: str, position: int) -> Iterator[tuple[int, int]]:
    """Generate the spans of lines from one on."""
    while position < len(text):
        end = _line_end(text, position)
        yield position, end
        position = end + 1


def _opening_line(text: str, start: int) -> int:
    """Find the call that an argument on a line of its own belongs to; `start` for other lines."""
    line = text[start : _line_end(text, start)]
    if not re.match(r"\s*[\"'][^\"']+[\"'],?\s*\Z", line):
        return start
    low = start
    for _ in range(_MAX_PREFACE):
        above = text.rfind("\n", 0, max(0, low - 1)) + 1
        if low == 0 or not text[above:low].strip():
            return start
        low = above
        if text[low : _line_end(text, low)].rstrip().endswith("("):
            return low
    return start


def _statement_end(text: str, start: int) -> int:
    """Find the end of a statement: of the first line after which no bracket is open."""
    depth = 0
    for number, (low, high) in enumerate(_lines_from(text, start)):
        line = _WITHOUT.sub("", text[low:high])
        depth += sum(map(line.count, "([{")) - sum(map(line.count, ")]}"))
        if depth <= 0 or number + 1 >= MAX_LINES:
            return high
    return len(text)


def _signature_end(text: str, start: int) -> int:
    """Find the end of a signature: of the first line after which its brackets are closed."""
    depth = 0
    end = start
    for number, (low, high) in enumerate(_lines_from(text, start)):
        line = _WITHOUT.sub("", text[low:high])
        depth += sum(map(line.count, "([")) - sum(map(line.count, ")]"))
        end = high
        if (depth <= 0 and line.strip()) or line.rstrip().endswith("{") or number + 1 >= _MAX_SIGNATURE:
            break
    return end


def _quote_lines(text: str, header: int, path: str) -> tuple[int, int]:
    """Choose the span of a definition's text that is quoted."""
    start = 0
    preface = text[:header].count("\n")
    is_python = path.endswith((".py", ".pyi"))
    if preface > (_MAX_PREFACE if is_python else MAX_LINES):
        start = header
    signature_end = _signature_end(text, header)
    lines = list(_lines_from(text, start))
    signature = sum(low < signature_end for low, _ in lines)
    budget = max(MAX_LINES, signature + _MAX_PREFACE)
    if len(text[start:].rstrip().splitlines()) > budget and is_python:
        docstring_end = _docstring_end(text, signature_end)
        if docstring_end > signature_end:
            lines = [line for line in lines if line[0] < docstring_end]
    kept = lines[:budget]
    if len(lines) > budget:  # end between paragraphs, if one ends far enough down
        empty = [
            i for i, (low, high) in enumerate(kept) if i > max(signature, budget // 2) and not text[low:high].strip()
        ]
        kept = kept[: empty[-1]] if empty else kept
    while len(kept) > 1 and not text[slice(*kept[-1])].strip():
        kept.pop()
    return start, kept[-1][1] if kept else len(text)


def _docstring_end(text: str, position: int) -> int:
    """Find the end of the docstring that follows a signature; `position` without one."""
    opening = re.compile(r"\s*[rRuU]?(\"\"\"|'''|\"|')").match(text, position)
    if opening is None:
        return position
    closing = text.find(opening[1], opening.end())
    return position if closing < 0 else closing + len(opening[1])
