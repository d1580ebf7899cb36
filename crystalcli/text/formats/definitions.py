"""Where the definitions of source code begin and end, and what they are called: tree-sitter's grammars over a whole file.

A definition takes its decorators, and the comments right above it, along. Knows syntax trees. Knows nothing of files, of tokens, nor
of how text is cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count as count_from
from time import thread_time
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.text.formats.grammars import FUNCTIONS, GRAMMARS, WITH_BODY, Grammar
from crystalcli.types import Landmark

if TYPE_CHECKING:
    from tree_sitter import Language, Node

# The parser asks now and then whether to go on. Counting that, and the nodes looked at, bounds the work and gives the same answer
# each time: a file takes about five askings and half a thousand nodes a kilobyte. But a text that was made to be hard can make
# each step slow, so there is a clock behind it, of the thread's own time, which no file takes that is truly code.
LONGEST_PARSE = 20_000  # askings
LONGEST_LOOK = 3_000_000  # nodes
LONGEST_TIME = 5.0  # seconds; a megabyte takes a third of one
DEEPEST = 8  # definitions in one another; what is deeper is part of the one around it
_LONGEST_NAME = 120  # characters of a part of a name
_READ = 1 << 16  # bytes the parser is given at a time
_SLASHES, _HASH = (
    re.compile(rf"[ \t;,)]*(?:{comment})?\r?(?:\n|\Z)") for comment in (r"//[^\n]*|/\*[^\n]*\*/[ \t]*", r"#[^\n]*")
)  # the rest of a line on which a definition ended
_NO_NAMES = frozenset(
    ("if", "for", "while", "switch", "return", "else", "do", "catch")
)  # what broken C may be taken for


class _Found(NamedTuple):
    """A definition, or a scope, `[start, end)`: first in bytes, then in characters."""

    start: int
    end: int
    name: str
    is_scope: bool = False
    at_margin: bool = False  # whether it is one only where its line begins at the margin


def find_definitions(text: str, language: str) -> list[Landmark]:
    """The landmarks of the definitions in `text`; none where the parser gives up.

    language: a name in GRAMMARS. Each definition's landmark stands at the start of its line, or of what is above it; where one ends
    and no other begins at once, there is a landmark of the definition around it, or of none.
    """
    grammar = GRAMMARS[language]
    source = text.encode("utf-8", "replace")
    found, above = _look(source, language, grammar)
    offsets = _Offsets(
        text,
        source,
        [*(offset for each in found for offset in each[:2]), *(offset for span in above for offset in span)],
    )
    joined = _joined_above(text, ((offsets[start], offsets[end]) for start, end in above))
    rest_of_line = _HASH if language in ("python", "ruby", "bash") else _SLASHES
    whole = [
        _whole(text, each._replace(start=offsets[each.start], end=offsets[each.end]), joined, rest_of_line)
        for each in found
    ]
    kept = [each for each in whole if not (each.at_margin and text[each.start].isspace())]
    return _landmarks(text, sorted(kept, key=lambda each: (each.start, -each.end)), grammar.joint)


def _look(source: bytes, language: str, grammar: Grammar) -> tuple[list[_Found], list[tuple[int, int]]]:
    """Definitions and scopes, and the spans of what may stand above one, in bytes; nothing where that takes too long."""
    from tree_sitter import Parser

    steps, limit = 0, thread_time() + LONGEST_TIME

    def read(offset: int, point: object) -> bytes:
        return source[offset : offset + _READ]

    def give_up(offset: int, failed: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > LONGEST_PARSE or thread_time() > limit

    try:
        tree = Parser(_rules(language)).parse(read, progress_callback=give_up)
    except ValueError:  # it gave up
        return [], []
    found: list[_Found] = []
    above: list[tuple[int, int]] = []
    wanted = grammar.definitions.keys() | grammar.values.keys() | grammar.scopes.keys() | grammar.above
    cursor = tree.walk()
    part = -1  # where the type begins that a typedef gives a name to
    for count in count_from(1):
        node = cursor.node
        kind = node.type if node is not None else ""
        if node is not None and kind in wanted:
            if kind in grammar.above:
                above.append((node.start_byte, node.end_byte))
            elif node.start_byte != part or kind not in WITH_BODY:
                if (each := _definition(node, kind, grammar)) is not None:
                    found.append(each)
                if kind == "type_definition" and (inner := node.child_by_field_name("type")) is not None:
                    part = inner.start_byte
        if count > LONGEST_LOOK:
            return [], []
        if not cursor.goto_first_child():
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return found, above
    return found, above


@cache
def _rules(language: str) -> Language:
    from importlib import import_module

    from tree_sitter import Language

    grammar = GRAMMARS[language]
    return Language(getattr(import_module(grammar.package), grammar.function)())


def _definition(node: Node, kind: str, grammar: Grammar) -> _Found | None:
    """What a node of a kind that may be a definition, or a scope, is."""
    at_margin = False
    if kind in grammar.values:
        field, value_field = grammar.values[kind]
        value = node.child_by_field_name(value_field)
        if value is None:
            return None
        if value.type not in FUNCTIONS:  # but a value of several lines may be worth a name, as a table of routes is
            at_margin = kind == "variable_declarator" and node.start_point.row < node.end_point.row
            if not at_margin:
                return None
    else:
        field = grammar.scopes.get(kind) or grammar.definitions[kind]
    if kind == "type_definition":
        inner = node.child_by_field_name("type")
        if inner is None or inner.child_by_field_name("body") is None:
            return None
    elif kind in WITH_BODY and node.child_by_field_name("body") is None:
        return None
    named = node.child_by_field_name(field)
    if field == "declarator":
        named = _declared(named)
    name = _name(named) if named is not None else ""
    if kind == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        name = f"{_receiver(receiver)}.{name}"
    if not name or name in _NO_NAMES:
        return None
    return _Found(node.start_byte, node.end_byte, name[:_LONGEST_NAME], kind in grammar.scopes, at_margin)


def _name(node: Node) -> str:
    """What a node says, in one line."""
    name = " ".join((node.text or b"").decode("utf-8", "replace").split())
    if node.type == "string":  # a key in quotes
        return name.strip("\"'")
    return name.split("<")[0] if node.type == "generic_type" else name


def _receiver(node: Node) -> str:
    """The type that a method in Go belongs to: of `(s *Server[T])` it is `Server`."""
    inner = node.named_children[0].child_by_field_name("type") if node.named_children else None
    return _name(inner or node).strip("*() ").split("[")[0]


def _declared(node: Node | None) -> Node | None:
    """The name inside a declarator of C: of `(*f)(int)` it is `f`."""
    for _ in range(32):
        if node is None or node.type in ("identifier", "field_identifier", "type_identifier", "qualified_identifier"):
            break
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("parenthesized_declarator", "reference_declarator", "attributed_declarator"):
            inner = node.named_children[0] if node.named_children else None
        if inner is None:
            break
        node = inner
    return node


def _whole(text: str, found: _Found, joined: dict[int, int], rest_of_line: re.Pattern[str]) -> _Found:
    """The definition with its line, what belongs to it above, and the rest of its last line."""
    start, end = found.start, found.end
    line = _line_start(text, start)
    if not any(mark in text[line:start] for mark in "{};,"):
        start = line
        while start in joined:
            start = joined[start]
    if text[end - 1 : end] != "\n" and (rest := rest_of_line.match(text, end)):
        end = rest.end()
    return found._replace(start=start, end=end)


class _Offsets:
    """Characters before each of some bytes."""

    def __init__(self, text: str, source: bytes, wanted: list[int]) -> None:
        self._known: dict[int, int] | None = None
        if len(text) != len(source):
            self._known = {0: 0}
            before = characters = 0
            for offset in sorted(set(wanted)):
                characters += len(source[before:offset].decode("utf-8", "replace"))
                self._known[offset] = characters
                before = offset

    def __getitem__(self, offset: int) -> int:
        return offset if self._known is None else self._known[offset]


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _joined_above(text: str, spans: Iterable[tuple[int, int]]) -> dict[int, int]:
    """From the start of the line after a comment that has its lines for itself to the start of its first line."""
    joined = {}
    for start, end in spans:
        line = _line_start(text, start)
        if text[end - 1 : end] != "\n":
            after = text.find("\n", end) + 1
            if not after or (not text[end : after - 1].isspace() and end < after - 1):
                continue
            end = after
        if text[line:start].strip() in ("", "template"):
            joined[end] = line
    return joined


def _landmarks(text: str, found: Sequence[_Found], joint: str) -> list[Landmark]:
    """Landmarks where the innermost definition changes."""
    marks: list[Landmark] = []
    opened: list[_Found] = []
    ended = False  # whether the last landmark stands where something ended

    def mark(start: int, is_end: bool) -> None:
        nonlocal ended
        inside = [each for each in opened if not each.is_scope]
        label = joint.join(each.name for each in opened) if inside else ""
        depth = len(inside) - (not is_end)
        if marks and (marks[-1].start == start or (ended and not text[marks[-1].start : start].strip())):
            depth = min(depth, marks.pop().depth)
        marks.append(Landmark(start, "definition", label, depth))
        ended = is_end

    def close(until: int) -> None:
        while opened and opened[-1].end <= until:
            last = opened.pop()
            if not last.is_scope:
                mark(last.end, True)

    for each in found:
        close(each.start)
        if opened and each.end > opened[-1].end:
            each = each._replace(end=opened[-1].end)
        if marks and each.start < marks[-1].start:
            each = each._replace(start=marks[-1].start)
        if len(opened) < DEEPEST and each.start < each.end:
            opened.append(each)
            if not each.is_scope:
                mark(each.start, False)
    close(len(text))
    if marks and not text[marks[-1].start :].strip():
        marks.pop()
    return marks
