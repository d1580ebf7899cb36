"""What one crystal holds and another does not: documents, and the passages of those that changed. Compares text, not vectors."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from crystalcli.index import ChunkReader, locate_span
from crystalcli.storage import SourceRow, Store, check_seal


@dataclass(frozen=True, slots=True)
class DiffPassage:
    """A passage (a chunk) that one of the two has: its span in the document, its place there, its first line that holds
    something.
    """

    start: int
    end: int
    place: str
    first_line: str


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that both hold, with different text: the passages that only the second has, and only the first."""

    path: str
    added: tuple[DiffPassage, ...]
    gone: tuple[DiffPassage, ...]


class DiffRename(NamedTuple):
    """A document that the second crystal holds under another name: its name in the first, and in the second."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DiffReport:
    """From the first crystal to the second: names of documents; renamed: (name in the first, name in the second), where the
    text is the same; same: how many documents are.
    """

    added: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: tuple[DiffRename, ...]
    changed: tuple[ChangedDocument, ...]
    same: int

    @property
    def any(self) -> bool:
        """Whether they differ at all."""
        return bool(self.added or self.gone or self.renamed or self.changed)


class _Side:
    """One crystal: its documents with text, by name, and the hashes of their chunks."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.chunks = ChunkReader(store)
        self.sources = {source.path: source for source in store.sources()}
        for source in self.sources.values():
            check_seal(store, source)
        self.keys = {source.path: self._keys(source.id) for source in self.sources.values()}
        self.keys = {path: keys for path, keys in self.keys.items() if keys}

    def _keys(self, source: int) -> tuple[bytes, ...]:
        return tuple(self.chunks.key(chunk) for chunk in self.chunks.of(source))

    def text_hash(self, path: str) -> bytes:
        """A hash of a document's text, however it is cut."""
        seen = hashlib.blake2b(digest_size=16)
        for chunk in self.chunks.of(self.sources[path].id):
            seen.update(self.chunks.text(chunk).encode())
        return seen.digest()

    def pieces(self, path: str, without: Sequence[bytes]) -> tuple[DiffPassage, ...]:
        """A document's passages that are not among `without`, each of which stands for one."""
        left, found = Counter(without), []
        source = self.sources[path]
        start, line = 0, 1
        for chunk, key in zip(self.chunks.of(source.id), self.keys[path], strict=True):
            text = self.chunks.text(chunk)
            if left[key]:
                left[key] -= 1
            else:
                found.append(self._piece(source, text, start, line))
            start, line = start + len(text), line + text.count("\n")
        return tuple(found)

    def _piece(self, source: SourceRow, text: str, start: int, line: int) -> DiffPassage:
        body = text.strip()
        first = start + (text.find(body) if body else 0)
        line_start = line + text.count("\n", 0, first - start)
        lines = line_start, line_start + body.count("\n")
        where = locate_span(self.store, source, first, first + len(body), lines)
        return DiffPassage(start, start + len(text), str(where), body.split("\n", 1)[0].strip())


def diff_crystals(one: Path, other: Path) -> DiffReport:
    """What there is in `other` and not in `one`, and the other way round. The crystals' encoders do not matter."""
    with Store.open(one) as first, Store.open(other) as second, first.snapshot(), second.snapshot():
        return _difference(_Side(first), _Side(second))


def _difference(one: _Side, two: _Side) -> DiffReport:
    changed, same = [], 0
    for path in sorted(one.keys.keys() & two.keys.keys()):
        if one.keys[path] == two.keys[path] or one.text_hash(path) == two.text_hash(path):
            same += 1
        else:
            added, gone = two.pieces(path, one.keys[path]), one.pieces(path, two.keys[path])
            changed.append(ChangedDocument(path, added, gone))
    gone_paths = sorted(one.keys.keys() - two.keys.keys())
    added_paths = sorted(two.keys.keys() - one.keys.keys())
    renamed = _renamed(one, two, gone_paths, added_paths)
    old_names, new_names = {old for old, _ in renamed}, {new for _, new in renamed}
    return DiffReport(
        tuple(path for path in added_paths if path not in new_names),
        tuple(path for path in gone_paths if path not in old_names),
        tuple(DiffRename(*names) for names in renamed),
        tuple(changed),
        same,
    )


def _renamed(one: _Side, two: _Side, gone: Sequence[str], added: Sequence[str]) -> list[tuple[str, str]]:
    """Documents that are gone under one name and there under another, paired in order of their names."""
    by_keys: dict[tuple[bytes, ...], list[str]] = {}
    for path in reversed(added):
        by_keys.setdefault(two.keys[path], []).append(path)
    return [(path, by_keys[one.keys[path]].pop()) for path in gone if by_keys.get(one.keys[path])]
