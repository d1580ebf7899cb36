"""What a reader gives for a file, for the tests of readers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import FIELDS, LANDMARKS, Landmark
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions


class Read(NamedTuple):
    """A file's kind and title, its text, and its landmarks by kind: (what the text goes on with, label)."""

    kind: str
    title: str
    text: str
    marks: dict[str, list[tuple[str, str]]]


def read(path: Path, content: bytes | str, piece: int = 1 << 18) -> Read:
    """Write a file and read it; landmarks stand where they say, and the pieces in which it is read do not matter."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    first = _read(path, piece)
    assert first == _read(path, 7)
    return first


def _read(path: Path, piece: int) -> Read:
    _, reading = open_source(path, ReadOptions(piece=piece))
    text, marks = "", []
    for each in reading.pieces():
        if isinstance(each, Landmark):
            assert each.start == len(text)
            assert each.kind in LANDMARKS + FIELDS
            marks.append(each)
        else:
            assert each
            text += each
    assert len({(mark.kind, mark.start) for mark in marks}) == len(marks)
    assert all(mark.start < len(text) for mark in marks)
    kinds: dict[str, list[tuple[str, str]]] = {}
    for mark in marks:
        kinds.setdefault(mark.kind, []).append((text[mark.start :].split("\n", 1)[0][:24], mark.label))
    return Read(reading.kind, reading.title, text, kinds)
