"""Definitions of source code, their names and extents, by tree-sitter's grammars.

Decorators and the comments right above a definition are a part of it. Knows syntax trees of whole
files. Does not know files, tokens or chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import count as count_from
from time import thread_time
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.datatypes import Landmark
from crystalcli.text.formats.definition_names import NAMERS
from crystalcli.text.formats.grammars import FUNCTIONS, GRAMMARS, WITH_BODY, Grammar

if TYPE_CHECKING:
    from tree_sitter import Language, Node

# The parser asks now and then whether to go on. Counting that, and the nodes visited, bounds the
# work and gives the same answer each time: a file takes about five steps and half a thousand nodes
# a kilobyte. A text that was made to be hard can make each step slow; so a clock of the thread's
# own time stands behind it, which real code never reaches.
MAX_PARSE_STEPS = 20_000
MAX_NODES = 3_000_000
MAX_SECONDS = 5.0  # a megabyte takes a third of one
MAX_DEPTH = 8  # nested definitions; a deeper one is part of the one around it
_MAX_NAME_LENGTH = 120  # characters of one part of a name
_READ_BYTES = 1 << 16  # that the parser gets at a time
# The rest of a line on which a definition ended.
_SLASHES, _HASH, _DASHES = (
    re.compile(rf"[ \t;,)]*(?:{comment})?\r?(?:\n|\Z)")
    for comment in (r"//[^\n]*|/\*[^\n]*\*/[ \t]*", r"#[^\n]*", r"--[^\n]*")
)
_REST_OF_LINE = {
    **dict.fromkeys(("python", "ruby", "bash", "elixir", "julia"), _HASH),
    **dict.fromkeys(("lua", "sql"), _DASHES),
}
# Keywords that the parser may take for a name in broken C.
_NO_NAMES = frozenset(("if", "for", "while", "switch", "return", "else", "do", "catch"))


class _Definition(NamedTuple):
    """A definition or a scope.

    Attributes:
        start: first in bytes, then in characters.
        end: exclusive, in the same unit.
        name: one part of the whole name.
        is_scope: it names the definitions in it, and is not one itself.
        at_margin: it counts only if its line begins at the margin.
    """

    start: int
    end: int
    name: str
    is_scope: bool = False
    at_margin: bool = False


def find_definitions(text: str, language: str) -> list[Landmark]:
    """Find the definitions in source code.

    Args:
        text: a whole file.
        language: a name in GRAMMARS.

    Returns:
        Landmarks: one at the first line of each definition and of its comments and decorators; one
        of the outer definition, or with the label "", at the end of each, unless another begins
        there. Empty if the parser gives up.
    """
    grammar = GRAMMARS[language]
    source = text.encode("utf-8", "replace")
    definitions, above = _parse(source, language, grammar)
    offsets = _Offsets(
        text,
        source,
        [*(offset for item in definitions for offset in item[:2]), *(offset for span in above for offset in span)],
    )
    joined = _joined_above(text, ((offsets[start], offsets[end]) for start, end in above))
    rest_of_line = _REST_OF_LINE.get(language, _SLASHES)
    whole = [
        _whole_lines(text, item._replace(start=offsets[item.start], end=offsets[item.end]), joined, rest_of_line)
        for item in definitions
    ]
    kept = [item for item in whole if not (item.at_margin and text[item.start].isspace())]
    return _landmarks(text, sorted(kept, key=lambda item: (item.start, -item.end)), grammar.joint)


def _parse(source: bytes, language: str, grammar: Grammar) -> tuple[list[_Definition], list[tuple[int, int]]]:
    """Return definitions and scopes, and the spans of comments and decorators, in bytes.

    Both are empty if the parser takes too long, or its grammar cannot be loaded.
    """
    from tree_sitter import Parser

    steps, limit = 0, thread_time() + MAX_SECONDS

    def read(offset: int, point: object) -> bytes:
        return source[offset : offset + _READ_BYTES]

    def give_up(offset: int, failed: bool) -> bool:
        nonlocal steps
        steps += 1
        return steps > MAX_PARSE_STEPS or thread_time() > limit

    loaded = _load_grammar(language)
    if loaded is None:
        return [], []
    try:
        tree = Parser(loaded).parse(read, progress_callback=give_up)
    except ValueError:  # it gave up
        return [], []
    definitions: list[_Definition] = []
    above: list[tuple[int, int]] = []
    wanted = grammar.definitions.keys() | grammar.values.keys() | grammar.scopes.keys() | grammar.above
    cursor = tree.walk()
    typedef_body = -1  # start of the type that a typedef names
    for count in count_from(1):
        node = cursor.node
        kind = node.type if node is not None else ""
        if node is not None and kind in wanted:
            if kind in grammar.above:
                above.append((node.start_byte, node.end_byte))
            elif node.start_byte != typedef_body or kind not in WITH_BODY:
                if (definition := _definition_at(node, kind, grammar)) is not None:
                    definitions.append(definition)
                if kind == "type_definition" and (inner := node.child_by_field_name("type")) is not None:
                    typedef_body = inner.start_byte
        if count > MAX_NODES:
            return [], []
        if not cursor.goto_first_child():
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return definitions, above
    return definitions, above


@cache
def _load_grammar(language: str) -> Language | None:
    """Load a grammar; None for one that its package cannot unpack."""
    from importlib import import_module

    from tree_sitter import Language

    grammar = GRAMMARS[language]
    function = getattr(import_module(grammar.package), grammar.function)
    if not grammar.argument:
        return Language(function())
    try:
        loaded: Language = function(grammar.argument)
    except Exception:  # of its own classes: a cache that cannot be written, another processor
        return None
    return loaded


def _definition_at(node: Node, kind: str, grammar: Grammar) -> _Definition | None:
    """Return the definition or scope at a node, or None if the node only looks like one."""
    at_margin = False
    if kind in grammar.values:
        field, value_field = grammar.values[kind]
        value = node.child_by_field_name(value_field)
        if value is None:
            return None
        if value.type not in FUNCTIONS:
            # A value of several lines, such as a table of routes, is worth a name at the margin.
            at_margin = kind == "variable_declarator" and node.start_point.row < node.end_point.row
            if not at_margin:
                return None
    else:
        field = grammar.scopes.get(kind) or grammar.definitions[kind]
    if kind == "type_definition":  # of C
        inner = node.child_by_field_name("type")
        if inner is None or inner.child_by_field_name("body") is None:
            return None
    elif kind in WITH_BODY and node.child_by_field_name("body") is None:
        return None
    if field in NAMERS:
        name = NAMERS[field](node)
        return _Definition(node.start_byte, node.end_byte, name[:_MAX_NAME_LENGTH]) if name else None
    name_node = node.child_by_field_name(field)
    if field == "declarator":
        name_node = _declared(name_node)
    name = _name(name_node) if name_node is not None else ""
    if kind == "method_declaration" and (receiver := node.child_by_field_name("receiver")) is not None:
        name = f"{_receiver(receiver)}.{name}"
    if not name or name in _NO_NAMES:
        return None
    return _Definition(node.start_byte, node.end_byte, name[:_MAX_NAME_LENGTH], kind in grammar.scopes, at_margin)


def _name(node: Node) -> str:
    """Return the text of a name's node on one line, without quotes and type parameters."""
    name = " ".join((node.text or b"").decode("utf-8", "replace").split())
    if node.type == "string":  # a key in quotes
        return name.strip("\"'")
    return name.split("<")[0] if node.type == "generic_type" else name


def _receiver(node: Node) -> str:
    """Return the type that a method in Go belongs to: of `(s *Server[T])` it is `Server`."""
    inner = node.named_children[0].child_by_field_name("type") if node.named_children else None
    return _name(inner or node).strip("*() ").split("[")[0]


def _declared(node: Node | None) -> Node | None:
    """Return the name inside a declarator of C: of `(*f)(int)` it is `f`."""
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


def _whole_lines(
    text: str, definition: _Definition, joined: dict[int, int], rest_of_line: re.Pattern[str]
) -> _Definition:
    """Widen a definition to whole lines, with its comments and decorators.

    Args:
        text: the file.
        definition: in characters.
        joined: as from `_joined_above`.
        rest_of_line: matches the rest of a last line that belongs to the definition.
    """
    start, end = definition.start, definition.end
    line = _line_start(text, start)
    if not any(mark in text[line:start] for mark in "{};,"):
        start = line
        while start in joined:
            start = joined[start]
    if text[end - 1 : end] != "\n" and (rest := rest_of_line.match(text, end)):
        end = rest.end()
    return definition._replace(start=start, end=end)


class _Offsets:
    """Offsets in characters of given offsets in bytes."""

    def __init__(self, text: str, source: bytes, wanted: list[int]) -> None:
        self._known: dict[int, int] | None = None
        if len(text) != len(source):
            self._known = {0: 0}
            previous = characters = 0
            for offset in sorted(set(wanted)):
                characters += len(source[previous:offset].decode("utf-8", "replace"))
                self._known[offset] = characters
                previous = offset

    def __getitem__(self, offset: int) -> int:
        return offset if self._known is None else self._known[offset]


def _line_start(text: str, offset: int) -> int:
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def _joined_above(text: str, spans: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Map the start of a line to the start of the comment or decorator that ends right above it.

    Args:
        text: the file.
        spans: of comments and decorators, in characters. One that shares its lines with code is
            left out.
    """
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


def _landmarks(text: str, definitions: Sequence[_Definition], joint: str) -> list[Landmark]:
    """Set a landmark wherever the innermost definition changes.

    Args:
        text: the file.
        definitions: in characters, sorted, the outer before the inner.
        joint: between the parts of a name.
    """
    marks: list[Landmark] = []
    opened: list[_Definition] = []
    is_at_end = False  # the last landmark stands at the end of a definition

    def mark(start: int, is_end: bool) -> None:
        nonlocal is_at_end
        inside = [item for item in opened if not item.is_scope]
        label = joint.join(item.name for item in opened) if inside else ""
        depth = len(inside) - (not is_end)
        if marks and (marks[-1].start == start or (is_at_end and not text[marks[-1].start : start].strip())):
            depth = min(depth, marks.pop().depth)
        marks.append(Landmark(start, "definition", label, depth))
        is_at_end = is_end

    def close(until: int) -> None:
        while opened and opened[-1].end <= until:
            last = opened.pop()
            if not last.is_scope:
                mark(last.end, True)

    for item in definitions:
        close(item.start)
        if opened and item.end > opened[-1].end:
            item = item._replace(end=opened[-1].end)
        if marks and item.start < marks[-1].start:
            item = item._replace(start=marks[-1].start)
        if len(opened) < MAX_DEPTH and item.start < item.end:
            opened.append(item)
            if not item.is_scope:
                mark(item.start, False)
    close(len(text))
    if marks and not text[marks[-1].start :].strip():
        marks.pop()
    return marks
