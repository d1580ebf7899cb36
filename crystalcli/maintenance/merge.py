"""Several crystals into a new one: their documents side by side, text that they share stored once, nothing encoded again."""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crystalcli.errors import CrystalError, EncoderMismatchError, UsageError
from crystalcli.index import ChunkReader, add_fidelity, fidelity_sums
from crystalcli.ingest import (
    RULES_KEY,
    folders_asked,
    folders_noted,
    home_of,
    is_piped,
    path_at_location,
    rules_as_json,
    stored_rules,
)
from crystalcli.maintenance.compact import CrystalSize, crystal_size
from crystalcli.maintenance.copier import CrystalCopier
from crystalcli.storage import (
    SourceRow,
    Store,
    check_seal,
    copy_codebooks,
    landmark_triples,
    stored_codebooks,
    write_beside,
)
from crystalcli.text import FileFilter
from crystalcli.types import DocumentState

_ALIKE = (
    "encoder",
    "weights",
    "tokenizer",
    "limit",
    "dimension",
    "ratios",
    "codec",
)  # of `meta`: what makes vectors comparable


class RenamedDocument(NamedTuple):
    """A document of a merge whose name another one had: its crystal, its name there, and its name in the new crystal."""

    crystal: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class MergeReport:
    """The crystal that a merge made.

    Attributes:
        crystals: How many crystals went in.
        documents: The documents with text in the new crystal.
        same: The documents that an earlier crystal held with the same text, and that are there once.
        renamed: The documents of different text whose name another one had.
        size: The size of the new crystal.
        seconds: The time that it took.
    """

    crystals: int
    documents: int
    same: int
    renamed: tuple[RenamedDocument, ...]
    size: CrystalSize
    seconds: float


@dataclass(slots=True)
class _Tally:
    """The counts of a MergeReport while they grow."""

    documents: int = 0
    same: int = 0
    renamed: list[RenamedDocument] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A document of the new crystal: its row, the numbers of its chunks, and where its landmarks are to be read."""

    row: SourceRow
    numbers: array[int]
    store: Store
    source: int


def merge_crystals(
    paths: Sequence[Path], output: Path, *, force: bool = False, progress: Callable[[int, int], None] | None = None
) -> MergeReport:
    """Make a crystal at `output` of two or more; force: replace the crystal that is there.

    A document that several hold under one name with the same text is there once. Where the texts differ both stay: the later
    one's name is prefixed with the name of its crystal. Locations are rewritten, so that `ingest` finds the files again.
    progress: told tokens done and tokens in all, a document at a time. Raises EncoderMismatchError when the crystals' vectors
    are not comparable.
    """
    began = time.monotonic()
    if len(paths) < 2:
        raise UsageError("give two crystals or more")
    if output.exists() and not force:
        raise CrystalError(f"{output} exists already; --force replaces it")
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Store.open(output, writable=True)) if output.exists() else None
        stores = [stack.enter_context(Store.open(path)) for path in paths]
        for store in stores[1:]:
            _check(stores[0], store)
        meta = {key: value for store in reversed(stores) for key, value in store.meta().items()}
        meta = {key: value for key, value in meta.items() if not key.startswith("fidelity_")}
        with write_beside(output, meta, old) as new:
            copy_codebooks(stores[0], new)
            merging = _Merge(new, output)
            with contextlib.ExitStack() as snapshots:
                for store in stores:
                    snapshots.enter_context(store.snapshot())
                done, total = 0, sum(source.tokens for store in stores for source in store.sources())
                for store in stores:
                    for tokens in merging.add(store):
                        done += tokens
                        if progress is not None:
                            progress(done, total)
                merging.finish()
            for store in stores:
                store.close()  # one of them may be the file that is replaced
            tally, size = merging.tally, crystal_size(new)
    seconds = time.monotonic() - began
    return MergeReport(len(stores), tally.documents, tally.same, tuple(tally.renamed), size, seconds)


def _check(first: Store, other: Store) -> None:
    one, two = first.meta(), other.meta()
    for key in _ALIKE:
        if one.get(key) != two.get(key):
            raise EncoderMismatchError(
                f"{other.path} was made with the {key} {two.get(key, 'unknown')}, and {first.path} with "
                f"{one.get(key, 'unknown')}: their vectors cannot be compared"
            )
    if stored_codebooks(first) != stored_codebooks(other):
        raise EncoderMismatchError(
            f"{other.path} and {first.path} have different codebooks: ingest their files together"
        )


class _Merge:
    """One merge: what the new crystal's ledger will hold, by name and by location."""

    def __init__(self, new: Store, output: Path) -> None:
        self.tally = _Tally()
        self._new, self._copy = new, CrystalCopier(new)
        self._home = home_of(output)
        self._folders: set[str] = set()
        self._choices: dict[str, FileFilter] = {}
        self._fidelity: list[dict[str, tuple[int, float]]] = []
        self._encoder = ""  # where an own encoder is
        self._by_path: dict[str, _Entry] = {}
        self._by_location: dict[str, _Entry] = {}

    def add(self, store: Store) -> Iterator[int]:
        """Everything that one crystal holds, a document at a time; gives the tokens of each."""
        chunks, home = ChunkReader(store), home_of(store.path)
        self._folders |= {self._here(folder, home) for folder in folders_asked(store)}
        self._choices |= {self._here(folder, home): choice for folder, choice in stored_rules(store).items()}
        self._fidelity.append(fidelity_sums(store))
        if "location" in (meta := store.meta()):
            self._encoder = self._encoder or self._here(meta["location"], home)
        for source in store.sources():
            check_seal(store, source)
            row = source._replace(location=self._here(source.location, home), root=self._here(source.root, home))
            self._settle(_Entry(row, self._copy.copy_chunks(chunks, source.id), store, source.id))
            yield source.tokens

    def finish(self) -> None:
        """Write the ledger."""
        for entry in self._by_path.values():
            self._copy.add_document(entry.row, entry.numbers, landmark_triples(entry.store, entry.source))
            self.tally.documents += entry.row.chunks > 0
        self._copy.finish()
        with self._new.transaction():
            self._new.set_meta("folders", folders_noted(self._folders))
            if self._choices:
                self._new.set_meta(RULES_KEY, rules_as_json(self._choices))
            if self._encoder:
                self._new.set_meta("location", self._encoder)
            for found in self._fidelity:
                add_fidelity(self._new, found)

    def _settle(self, new: _Entry) -> None:
        """Find a name and a location for a document, or find that it is here already."""
        for other in (self._by_path.get(new.row.path), self._by_location.get(new.row.location)):
            if other is None:
                continue
            elsewhere = other.row.location != new.row.location
            if elsewhere and "archive" in (new.row.kind, other.row.kind):
                continue  # what is below each of them says where it is; the name will differ
            if not new.numbers:
                if other.row.kind == "archive" and other.row.digest != new.row.digest:  # to be opened again
                    other.row = other.row._replace(state=DocumentState.PARTIAL, digest=b"")
                return  # not read, where another crystal has read it or says the same
            if not other.numbers or _cut_short(other, new):
                self._drop(other)
            elif _cut_short(new, other):
                return
            elif new.numbers == other.numbers:
                self.tally.same += 1
                self._prefer(new, other)
                return
        self._put(self._renamed(self._relocated(new)))

    def _prefer(self, new: _Entry, other: _Entry) -> None:
        """Of two rows for one text, keep the one of the crystal that has seen the file where it says."""
        if other.row.state != DocumentState.DONE and new.row.state == DocumentState.DONE:
            if self._by_location.get(new.row.location, other) is not other:
                return  # another document is there
            self._drop(other)
            new.row = new.row._replace(path=other.row.path)
            self._put(new)

    def _renamed(self, new: _Entry) -> _Entry:
        """The document under a name of its own."""
        stem, name, count = new.store.path.stem, new.row.path, 1
        while name in self._by_path:
            name = f"{stem}/{new.row.path}" if count == 1 else f"{stem}~{count}/{new.row.path}"
            count += 1
        if name != new.row.path:
            self.tally.renamed.append(RenamedDocument(str(new.store.path), new.row.path, name))
            new.row = new.row._replace(path=name)
        return new

    def _relocated(self, new: _Entry) -> _Entry:
        """Of two states of one file, the younger keeps the location; the other is marked as gone, which that state is."""
        other = self._by_location.get(new.row.location)
        if other is None:
            return new
        older = new if new.row.mtime_ns <= other.row.mtime_ns else other
        location, count = f"{older.row.location} (as in {older.store.path.name})", 2
        while location in self._by_location:
            location = f"{older.row.location} (as in {older.store.path.name}, {count})"
            count += 1
        if older is other:
            self._drop(other)
        older.row = older.row._replace(location=location, state=DocumentState.GONE)
        if older is other:
            self._put(other)
        return new

    def _put(self, entry: _Entry) -> None:
        self._by_path[entry.row.path] = self._by_location[entry.row.location] = entry

    def _drop(self, entry: _Entry) -> None:
        self._by_path.pop(entry.row.path, None)
        self._by_location.pop(entry.row.location, None)

    def _here(self, location: str, home: Path) -> str:
        """A place in a ledger, as the new crystal's folder sees it."""
        if is_piped(location):  # a root too
            return location
        place = path_at_location(location, home)
        return (place.relative_to(self._home) if place.is_relative_to(self._home) else place).as_posix()


def _cut_short(one: _Entry, other: _Entry) -> bool:
    """Whether `one` is a file that was not read to its end, and `other` the same file, read."""
    return one.row.location == other.row.location and (one.row.state == DocumentState.PARTIAL) > (
        other.row.state == DocumentState.PARTIAL
    )
