"""Merges crystals into a new one; text that they share is stored once.

Nothing is read or encoded again.

Knows: ledgers, what makes vectors comparable. Does not know: files on this machine.
"""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import DocumentState
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
from crystalcli.lexical import ANALYSIS
from crystalcli.maintenance.compact import CrystalSize, crystal_size
from crystalcli.maintenance.copier import CrystalCopier
from crystalcli.storage import (
    ANALYSIS_KEY,
    LANGUAGES_KEY,
    MemoryRow,
    SourceRow,
    Store,
    check_seal,
    copy_codebooks,
    landmark_triples,
    stored_codebooks,
    write_beside,
)
from crystalcli.text import FileFilter

# Keys of the table `meta` that decide whether the vectors of two crystals are comparable.
_ENCODER_KEYS = (
    *("encoder", "weights", "tokenizer", "limit", "dimension", "ratios", "codec"),
    *("query_prompt", "passage_prompt"),
)


class RenamedDocument(NamedTuple):
    """A document of a merge that was renamed, because another one had its name.

    Attributes:
        crystal: The path of its crystal.
        old: Its name there.
        new: Its name in the new crystal.
    """

    crystal: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class MergeReport:
    """The outcome of a merge.

    Attributes:
        crystals: The number of crystals that were merged.
        documents: The number of documents with text in the new crystal.
        same: The number of documents that were kept once, because an earlier crystal held them with
            the same text.
        renamed: The documents that were renamed, because a document of other text had their name.
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
class _MergeTally:
    """The counts of a MergeReport while they grow."""

    documents: int = 0
    same: int = 0
    renamed: list[RenamedDocument] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A document of the new crystal.

    Attributes:
        row: Its row of the ledger.
        numbers: The numbers of its chunks in the new crystal.
        store: The crystal that it is from, for its landmarks and summaries.
        source: Its id there.
    """

    row: SourceRow
    numbers: array[int]
    store: Store
    source: int


def merge_crystals(
    paths: Sequence[Path], output: Path, *, force: bool = False, progress: Callable[[int, int], None] | None = None
) -> MergeReport:
    """Merge two or more crystals into a new one.

    A document that several crystals hold under one name with the same text is kept once. Where the
    texts differ, both are kept: the later one's name is prefixed with the name of its crystal.
    Locations are rewritten, so that `ingest` finds the files again.

    Args:
        paths: The crystals.
        output: The crystal to make.
        force: Replace the crystal at `output`.
        progress: Called after each document with the tokens that are done and all tokens.

    Raises:
        UsageError: There are fewer than two crystals.
        EncoderMismatchError: The vectors of the crystals are not comparable.
        CrystalError: `output` exists and `force` is False, or it cannot be written.
        DamagedCrystalError: A crystal is damaged.
    """
    started = time.monotonic()
    if len(paths) < 2:
        raise UsageError("give two crystals or more")
    if output.exists() and not force:
        raise CrystalError(f"{output} exists already; --force replaces it")
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(Store.open(output, writable=True)) if output.exists() else None
        stores = [stack.enter_context(Store.open(path)) for path in paths]
        for store in stores[1:]:
            _check_comparable(stores[0], store)
        meta = {key: value for store in reversed(stores) for key, value in store.meta().items()}
        meta = {k: value for k, value in meta.items() if k != LANGUAGES_KEY and not k.startswith("fidelity_")}
        meta[ANALYSIS_KEY] = str(ANALYSIS)
        with write_beside(output, meta, old) as new:
            copy_codebooks(stores[0], new)
            merger = _Merger(new, output)
            with contextlib.ExitStack() as snapshots:
                for store in stores:
                    snapshots.enter_context(store.snapshot())
                done, total = 0, sum(source.tokens for store in stores for source in store.sources())
                for store in stores:
                    for tokens in merger.add(store):
                        done += tokens
                        if progress is not None:
                            progress(done, total)
                merger.finish()
            # One of them may be the file that is replaced.
            for store in stores:
                store.close()
            tally, size = merger.tally, crystal_size(new)
    seconds = time.monotonic() - started
    return MergeReport(len(stores), tally.documents, tally.same, tuple(tally.renamed), size, seconds)


def _check_comparable(first: Store, other: Store) -> None:
    """Raise EncoderMismatchError unless the vectors of two crystals are comparable."""
    first_meta, other_meta = first.meta(), other.meta()
    for key in _ENCODER_KEYS:
        if first_meta.get(key) != other_meta.get(key):
            raise EncoderMismatchError(
                f"{other.path} was made with the {key} {other_meta.get(key, 'unknown')}, and {first.path} with "
                f"{first_meta.get(key, 'unknown')}: their vectors cannot be compared"
            )
    if stored_codebooks(first) != stored_codebooks(other):
        raise EncoderMismatchError(
            f"{other.path} and {first.path} have different codebooks: ingest their files together"
        )


class _Merger:
    """The ledger of the new crystal while crystals are added.

    Attributes:
        tally: The counts for the report.
    """

    def __init__(self, new: Store, output: Path) -> None:
        """Start with an empty crystal.

        Args:
            new: The crystal to write into.
            output: Its path in the end, which locations are relative to.
        """
        self.tally = _MergeTally()
        self._new, self._copier = new, CrystalCopier(new)
        self._home = home_of(output)
        self._folders: set[str] = set()
        self._rules: dict[str, FileFilter] = {}
        self._fidelity: list[dict[str, tuple[int, float]]] = []
        self._waiting: list[MemoryRow] = []
        self._encoder_location = ""  # of an encoder that is not the program's own
        self._by_path: dict[str, _Entry] = {}
        self._by_location: dict[str, _Entry] = {}

    def add(self, store: Store) -> Iterator[int]:
        """Add the documents of a crystal.

        Yields:
            The tokens of each document, after it was added.
        """
        chunks, home = ChunkReader(store), home_of(store.path)
        self._folders |= {self._relocate(folder, home) for folder in folders_asked(store)}
        self._rules |= {self._relocate(folder, home): rules for folder, rules in stored_rules(store).items()}
        self._fidelity.append(fidelity_sums(store))
        if "location" in (meta := store.meta()):
            self._encoder_location = self._encoder_location or self._relocate(meta["location"], home)
        for source in store.sources():
            check_seal(store, source)
            location, root = self._relocate(source.location, home), self._relocate(source.root, home)
            row = source._replace(location=location, root=root)
            self._settle(_Entry(row, self._copier.copy_chunks(chunks, source.id), store, source.id))
            yield source.tokens
        self._waiting += store.waiting_memories()

    def finish(self) -> None:
        """Write the ledger, and the metadata of all crystals."""
        for entry in self._by_path.values():
            landmarks, summaries = landmark_triples(entry.store, entry.source), entry.store.summaries(entry.source)
            memory = entry.store.memory_of(entry.source)
            self._copier.add_document(entry.row, entry.numbers, landmarks, summaries, memory)
            self.tally.documents += entry.row.chunks > 0
        self._copier.finish()
        self._copier.add_waiting(self._waiting)
        with self._new.transaction():
            self._new.set_meta("folders", folders_noted(self._folders))
            if self._rules:
                self._new.set_meta(RULES_KEY, rules_as_json(self._rules))
            if self._encoder_location:
                self._new.set_meta("location", self._encoder_location)
            for sums in self._fidelity:
                add_fidelity(self._new, sums)

    def _settle(self, new: _Entry) -> None:
        """Add a document under a free name and location, unless it is in the ledger already.

        It is compared with the entry of the same name, then with the entry of the same location.
        The first case that applies decides:

        | case                                                | new document | earlier entry     |
        | --------------------------------------------------- | ------------ | ----------------- |
        | other location, and one of the two is an archive    | compare on   | stays             |
        | new has no text                                     | left out     | stays; an archive |
        |                                                     |              | that differs will |
        |                                                     |              | be opened again   |
        | earlier has no text, or is new's file, read in part | compare on   | removed           |
        | new is earlier's file, read in part                 | left out     | stays             |
        | same text                                           | left out     | stays (`_prefer`) |
        | different texts                                     | compare on   | stays             |

        After the last comparison the document is added. If its location is taken, the older of the
        two is marked as gone (`_give_location`); if its name is taken, it is renamed
        (`_give_name`). Documents in archives of one name get different names in this way.
        """
        for earlier in (self._by_path.get(new.row.path), self._by_location.get(new.row.location)):
            if earlier is None:
                continue
            same_location = earlier.row.location == new.row.location
            if not same_location and "archive" in (new.row.kind, earlier.row.kind):
                continue
            if not new.numbers:
                if earlier.row.kind == "archive" and earlier.row.digest != new.row.digest:
                    earlier.row = earlier.row._replace(state=DocumentState.PARTIAL, digest=b"")
                return
            if not earlier.numbers or _is_partial_of(earlier, new):
                self._remove(earlier)
            elif _is_partial_of(new, earlier):
                return
            elif new.numbers == earlier.numbers:
                self.tally.same += 1
                self._prefer(new, earlier)
                return
        self._give_location(new)
        self._give_name(new)
        self._put(new)

    def _prefer(self, new: _Entry, earlier: _Entry) -> None:
        """Keep one of two rows of the same text: the one whose file was read to the end.

        The new row replaces the earlier one if only the new one's file was, and no other document
        has its location.
        """
        if earlier.row.state != DocumentState.DONE and new.row.state == DocumentState.DONE:
            if self._by_location.get(new.row.location, earlier) is not earlier:
                return
            self._remove(earlier)
            new.row = new.row._replace(path=earlier.row.path)
            self._put(new)

    def _give_name(self, new: _Entry) -> None:
        """Rename a document whose name is taken."""
        stem, name, count = new.store.path.stem, new.row.path, 1
        while name in self._by_path:
            name = f"{stem}/{new.row.path}" if count == 1 else f"{stem}~{count}/{new.row.path}"
            count += 1
        if name != new.row.path:
            self.tally.renamed.append(RenamedDocument(str(new.store.path), new.row.path, name))
            new.row = new.row._replace(path=name)

    def _give_location(self, new: _Entry) -> None:
        """Leave a location that is taken to the younger of two states of one file.

        The older one gets a location of its own and is marked as gone: the file no longer has its
        text.
        """
        earlier = self._by_location.get(new.row.location)
        if earlier is None:
            return
        older = new if new.row.mtime_ns <= earlier.row.mtime_ns else earlier
        location, count = f"{older.row.location} (as in {older.store.path.name})", 2
        while location in self._by_location:
            location = f"{older.row.location} (as in {older.store.path.name}, {count})"
            count += 1
        if older is earlier:
            self._remove(earlier)
        older.row = older.row._replace(location=location, state=DocumentState.GONE)
        if older is earlier:
            self._put(earlier)

    def _put(self, entry: _Entry) -> None:
        self._by_path[entry.row.path] = self._by_location[entry.row.location] = entry

    def _remove(self, entry: _Entry) -> None:
        self._by_path.pop(entry.row.path, None)
        self._by_location.pop(entry.row.location, None)

    def _relocate(self, location: str, home: Path) -> str:
        """Rewrite a location, or a root, relative to the new crystal's folder.

        Args:
            location: A location in a ledger.
            home: The folder that it is relative to.
        """
        if is_piped(location):
            return location
        path = path_at_location(location, home)
        return (path.relative_to(self._home) if path.is_relative_to(self._home) else path).as_posix()


def _is_partial_of(one: _Entry, other: _Entry) -> bool:
    """Return whether `one` is a part of a file that `other` has to its end."""
    return one.row.location == other.row.location and (one.row.state == DocumentState.PARTIAL) > (
        other.row.state == DocumentState.PARTIAL
    )
