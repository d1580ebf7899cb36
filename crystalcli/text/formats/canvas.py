"""Reader of canvases (JSON Canvas, as Obsidian writes them): cards by their places, and arrows.

Knows nodes, groups and edges. A card's text is Markdown and stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.reading_order import Box, order_on_plane
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.text_decoder import Decoder

MAX_CANVAS_BYTES = 50_000_000
_MAX_GROUPS = 500  # of a canvas with more, cards are not told by their groups
_MAX_NAME = 60  # characters of a card's text that stand for it beside an arrow

Node = dict[str, Any]


class CanvasReading:
    """A canvas."""

    kind = "canvas"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the groups with their cards, then the arrows with a label.

        Raises:
            SourceError: the file is not a canvas, is too large, or holds no text.
        """
        nodes, edges = self._parsed()
        composer = Composer()
        groups = [node for node in nodes if node.get("type") == "group" and _box(node) is not None]
        cards = [node for node in nodes if node.get("type") != "group"]
        members: dict[int, list[Node]] = {}  # cards by their group; the innermost is the last one
        for card in cards:
            inside = [group for group in groups if _is_inside(card, group)] if len(groups) <= _MAX_GROUPS else []
            members.setdefault(id(inside[-1]) if inside else 0, []).append(card)
        _write(members.get(0, []), "", composer)
        for group in order_on_plane([(_box(group) or Box(0, 0, 0, 0), group) for group in groups]):
            _write(members.get(id(group), []), _text_of(group), composer)
        names = {str(node.get("id")): _name_of(node) for node in nodes}
        composer.begin_block()
        composer.mark("heading", "")
        for edge in edges:
            label = one_line(str(edge.get("label") or ""))
            ends = names.get(str(edge.get("fromNode")), ""), names.get(str(edge.get("toNode")), "")
            if all(ends):
                composer.write_block(f"{ends[0]} → {ends[1]}{': ' if label else ''}{label}", LINE)
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)

    def _parsed(self) -> tuple[list[Node], list[Node]]:
        data = self._request.whole_file(MAX_CANVAS_BYTES)
        try:
            canvas = json.loads(Decoder(self._request.seen.encoding).decode(data, final=True))
        except (ValueError, RecursionError) as error:
            raise SourceError("damaged canvas: invalid JSON", Reason.DAMAGED) from error
        lists = [canvas.get(name) if isinstance(canvas, dict) else None for name in ("nodes", "edges")]
        nodes, edges = (
            [item for item in found if isinstance(item, dict)] if isinstance(found, list) else [] for found in lists
        )
        return nodes, edges


def _write(cards: list[Node], group: str, composer: Composer) -> None:
    """Write the cards of a group, or those outside of all groups."""
    composer.begin_block()
    composer.mark("heading", heading_label(group))
    composer.write_block(group)
    for card in order_on_plane([(_box(card) or Box(0, 0, 0, 0), card) for card in cards]):
        composer.write_block(_text_of(card))


def _text_of(node: Node) -> str:
    """Return what a card shows: its text, the name of its file, its address, or its label."""
    if node.get("type") == "file":
        return f"[[{node.get('file') or ''}{node.get('subpath') or ''}]]"
    return str(node.get("text") or node.get("url") or node.get("label") or "")


def _name_of(node: Node) -> str:
    """Return the first line of a card, or its beginning."""
    line = next((line for line in _text_of(node).splitlines() if line.strip(" #")), "")
    return one_line(line.lstrip("# "))[:_MAX_NAME].rstrip()


def _box(node: Node) -> Box | None:
    place = [node.get(name) for name in ("x", "y", "width", "height")]
    if not all(isinstance(value, int | float) and abs(value) < 1e12 for value in place):
        return None
    left, top, width, height = (int(value) for value in place if isinstance(value, int | float))
    return Box(left, top, left + width, top + height)


def _is_inside(card: Node, group: Node) -> bool:
    inner, outer = _box(card), _box(group)
    if inner is None or outer is None:
        return False
    x, y = (inner.left + inner.right) // 2, (inner.top + inner.bottom) // 2
    return outer.left <= x <= outer.right and outer.top <= y <= outer.bottom
