"""Lines of JSON: a record in each.

Knows lines, records, and how a record is written as one line of text. Does not know what the
records are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import Landmark
from crystalcli.text.document.composer import one_line

_MAX_LINE_LENGTH = 64 << 20  # characters of a record; a longer line is taken in parts
_MAX_DEPTH = 12  # nested objects of a record


def json_lines(pieces: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text that are not blank, with their numbers from 1.

    Args:
        pieces: the text.
    """
    number, parts, size = 1, [""], 0
    for piece in pieces:
        first, *rest = piece.split("\n")
        parts.append(first)
        size += len(first)
        for line in rest:
            if (whole := "".join(parts)).strip():
                yield number, whole
            number, parts, size = number + 1, [line], len(line)
        if size > _MAX_LINE_LENGTH:
            yield number, "".join(parts)
            parts, size = [], 0
    if (whole := "".join(parts)).strip():
        yield number, whole


def parse_record(line: str) -> object:
    """Return the record of a line; None for a line that is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def write_records(lines: Iterable[tuple[int, str]]) -> Iterator[str | Landmark]:
    """Yield records as text, a line each: `name: Wren; length: 9.2`.

    Yields:
        A "row" landmark wherever the numbers of lines and of records part, and the lines.
    """
    position, row, offset = 0, 1, 0
    for number, line in lines:
        record = parse_record(line)
        text = "; ".join(_fields(record, "", _MAX_DEPTH)) if isinstance(record, dict | list) else one_line(line)
        if number - row != offset or not position:
            offset = number - row
            yield Landmark(position, "row", str(offset))
        yield text + "\n"
        position += len(text) + 1
        row += 1


def _fields(value: object, name: str, depth: int) -> Iterator[str]:
    """Yield the values in a record with their names, those inside others as `boat.name`."""
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield from _fields(inner, f"{name}.{key}" if name else str(key), depth - 1)
    elif isinstance(value, list) and depth:
        if all(not isinstance(inner, dict | list) for inner in value):
            if value:
                yield _field(name, ", ".join(map(_shown, value)))
            return
        for inner in value:
            yield from _fields(inner, name, depth - 1)
    elif value is not None and value != "":
        yield _field(name, _shown(value))


def _field(name: str, text: str) -> str:
    return f"{one_line(name)}: {text}" if name else text


def _shown(value: object) -> str:
    if isinstance(value, str):
        return one_line(value)
    return json.dumps(value, ensure_ascii=False)
