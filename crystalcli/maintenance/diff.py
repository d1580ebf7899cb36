"""Compares two crystals by text: their documents and changed passages.

Vectors are not compared, so the two may have different encoders.

Knows: documents, chunks and their hashes. Does not know: layers, the lexical index.
"""

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
    """A passage (a chunk) that only one of the two crystals holds.

    Attributes:
        start: Its first character in the document.
        end: The character after its last.
        place: Its place for people, such as "lines 3-9".
        first_line: Its first line that is not blank.
    """

    start: int
    end: int
    place: str
    first_line: str


@dataclass(frozen=True, slots=True)
class ChangedDocument:
    """A document that both crystals hold, with different text.

    Attributes:
        path: Its name.
        added: The passages that only the second crystal holds.
        gone: The passages that only the first crystal holds.
    """

    path: str
    added: tuple[DiffPassage, ...]
    gone: tuple[DiffPassage, ...]


class DiffRename(NamedTuple):
    """A document that both crystals hold under different names, with the same text.

    Attributes:
        old: Its name in the first crystal.
        new: Its name in the second.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class DiffReport:
    """The differences from a first crystal to a second.

    Attributes:
        added: The names of documents that only the second holds.
        gone: The names of documents that only the first holds.
        renamed: The documents with the same text under another name.
        changed: The documents with another text under the same name.
        same: The number of documents that are equal in both.
    """

    added: tuple[str, ...]
    gone: tuple[str, ...]
    renamed: tuple[DiffRename, ...]
    changed: tuple[ChangedDocument, ...]
    same: int

    @property
    def any(self) -> bool:
        """True if the crystals differ."""
        return bool(self.added or self.gone or self.renamed or self.changed)


class _DiffSide:
    """One of the two crystals.

    Attributes:
        store: The crystal.
        chunks: Its chunks.
        sources: Its documents, by name.
        keys: The hashes of the chunks of each document with text, by name.
    """

    def __init__(self, store: Store) -> None:
        """Check the seals of all documents and read the hashes of their chunks."""
        self.store = store
        self.chunks = ChunkReader(store)
        self.sources = {source.path: source for source in store.sources()}
        for source in self.sources.values():
            check_seal(store, source)
        self.keys = {source.path: self._chunk_keys(source.id) for source in self.sources.values()}
        self.keys = {path: keys for path, keys in self.keys.items() if keys}

    def _chunk_keys(self, source: int) -> tuple[bytes, ...]:
        return tuple(self.chunks.key(chunk) for chunk in self.chunks.of(source))

    def text_hash(self, path: str) -> bytes:
        """Hash a document's text, independently of its division into chunks."""
        hasher = hashlib.blake2b(digest_size=16)
        for chunk in self.chunks.of(self.sources[path].id):
            hasher.update(self.chunks.text(chunk).encode())
        return hasher.digest()

    def passages_without(self, path: str, keys: Sequence[bytes]) -> tuple[DiffPassage, ...]:
        """Return the passages of a document whose hashes are not among `keys`.

        Each of `keys` matches one passage only: of two equal passages one is returned where `keys`
        has their hash once.
        """
        unmatched, passages = Counter(keys), []
        source = self.sources[path]
        start, line = 0, 1
        for chunk, key in zip(self.chunks.of(source.id), self.keys[path], strict=True):
            text = self.chunks.text(chunk)
            if unmatched[key]:
                unmatched[key] -= 1
            else:
                passages.append(self._passage(source, text, start, line))
            start, line = start + len(text), line + text.count("\n")
        return tuple(passages)

    def _passage(self, source: SourceRow, text: str, start: int, line: int) -> DiffPassage:
        body = text.strip()
        first = start + (text.find(body) if body else 0)
        line_start = line + text.count("\n", 0, first - start)
        lines = line_start, line_start + body.count("\n")
        place = locate_span(self.store, source, first, first + len(body), lines)
        return DiffPassage(start, start + len(text), str(place), body.split("\n", 1)[0].strip())


def diff_crystals(first: Path, second: Path) -> DiffReport:
    """Compare two crystals by the text of their documents.

    Args:
        first: The crystal to compare from.
        second: The crystal to compare to.

    Raises:
        CrystalError: A crystal does not exist or cannot be read.
        DamagedCrystalError: A crystal is damaged.
    """
    with Store.open(first) as one, Store.open(second) as two, one.snapshot(), two.snapshot():
        return _diff(_DiffSide(one), _DiffSide(two))


def _diff(first: _DiffSide, second: _DiffSide) -> DiffReport:
    changed, same = [], 0
    for path in sorted(first.keys.keys() & second.keys.keys()):
        if first.keys[path] == second.keys[path] or first.text_hash(path) == second.text_hash(path):
            same += 1
        else:
            added = second.passages_without(path, first.keys[path])
            gone = first.passages_without(path, second.keys[path])
            changed.append(ChangedDocument(path, added, gone))
    gone_paths = sorted(first.keys.keys() - second.keys.keys())
    added_paths = sorted(second.keys.keys() - first.keys.keys())
    renamed = _renames(first, second, gone_paths, added_paths)
    old_names, new_names = {rename.old for rename in renamed}, {rename.new for rename in renamed}
    return DiffReport(
        tuple(path for path in added_paths if path not in new_names),
        tuple(path for path in gone_paths if path not in old_names),
        tuple(renamed),
        tuple(changed),
        same,
    )


def _renames(first: _DiffSide, second: _DiffSide, gone: Sequence[str], added: Sequence[str]) -> list[DiffRename]:
    """Pair documents of equal chunks under different names, in the order of their names."""
    by_keys: dict[tuple[bytes, ...], list[str]] = {}
    for path in reversed(added):
        by_keys.setdefault(second.keys[path], []).append(path)
    return [DiffRename(path, by_keys[first.keys[path]].pop()) for path in gone if by_keys.get(first.keys[path])]
