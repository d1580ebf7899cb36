"""What an ingest would do, without doing it: which files it would read, and how many tokens, seconds and bytes that comes to.

The files are looked at as an ingest looks at them (due), and the ledger that it keeps while it looks is never written. The rest is a
prediction: a few files of each kind are read and cut, some of their chunks encoded, and all of them stored in a crystal that is
thrown away; what that took stands for the others.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crystalcli.errors import SourceError
from crystalcli.index import DEFAULT_META, ContextTracker, Encoder, LazyEncoder, SegmentWriter
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.ledger import Ledger
from crystalcli.ingest.locations import own_files
from crystalcli.ingest.staleness import ChangeDetector
from crystalcli.storage import SourceRow, Store
from crystalcli.text import (
    DEFAULT_READ_OPTIONS,
    MAX_ARCHIVE_DEPTH,
    Allowance,
    ArchiveReading,
    FileFilter,
    FoundFile,
    ReadOptions,
    open_source,
    walk_files,
)
from crystalcli.types import BY_LINES, LINED, Chunk, DocumentState, Landmark, Reading, SkippedFile
from crystalcli.vectors import CODE_BYTES

_FILES = 12  # of a kind that are read at most
_SECONDS = 1.5  # for reading the files of a kind
_PATIENCE = 4.0  # for one file of a kind of which no part stands for the whole
_TEXT = 1 << 16  # characters of one file
_ENCODED = 4000  # tokens that are encoded for the speed
_STORED = 60_000  # tokens that are stored for the size
_NODES = {"atoms": 100, "clusters": 50, "units": 10}  # tokens for each


class ForecastFile(NamedTuple):
    """A file that would be read: its path, its kind, and its size in bytes."""

    path: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class KindForecast:
    """The files of one kind that would be read. tokens: predicted."""

    files: int
    bytes: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """The predicted outcome of an ingest.

    An archive is one file here, and its members count for its tokens. A damaged or encrypted file may show only when it is
    read; it is foretold of the files alone that the prediction rests on.

    Attributes:
        files: The files that would be read.
        kinds: Files, bytes and predicted tokens for each kind.
        unchanged: Files that the crystal has as they are.
        left_out: Documents whose files the filters leave out.
        gone: Documents whose files are no longer there.
        skipped: The files that would not be read.
        tokens: Tokens, predicted.
        seconds: Seconds, predicted.
        bytes: Bytes that the crystal would grow by, predicted.
        sampled_files: Files that were read for the prediction.
        sampled_tokens: Their tokens.
        encoded_tokens: Tokens that were encoded for it.
        layers: Whether there are weights to make layers with.
    """

    files: tuple[ForecastFile, ...]
    kinds: dict[str, KindForecast]
    unchanged: int
    left_out: int
    gone: int
    skipped: tuple[SkippedFile, ...]
    tokens: int
    seconds: float
    bytes: int
    sampled_files: int
    sampled_tokens: int
    encoded_tokens: int
    layers: bool


@dataclass(slots=True)
class _KindTally:
    """A KindForecast while it is counted."""

    files: int = 0
    bytes: int = 0
    tokens: int = 0


@dataclass(slots=True)
class _Tally:
    """A ForecastReport while it is counted."""

    files: list[ForecastFile] = field(default_factory=list)
    kinds: dict[str, _KindTally] = field(default_factory=dict)
    unchanged: int = 0
    left_out: int = 0
    gone: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    bytes: int = 0
    sampled_files: int = 0
    sampled_tokens: int = 0
    encoded_tokens: int = 0
    layers: bool = False

    def report(self) -> ForecastReport:
        kinds = {name: KindForecast(kind.files, kind.bytes, kind.tokens) for name, kind in self.kinds.items()}
        return ForecastReport(
            tuple(self.files), kinds, self.unchanged, self.left_out, self.gone, tuple(self.skipped), self.tokens, self.seconds,
            self.bytes, self.sampled_files, self.sampled_tokens, self.encoded_tokens, self.layers,
        )  # fmt: skip


def forecast_ingest(
    paths: Sequence[Path],
    crystal: Path,
    store: Store | None,
    encoder: Encoder,
    choice: FileFilter | None = None,
    options: ReadOptions = DEFAULT_READ_OPTIONS,
) -> ForecastReport:
    """Looks at everything under `paths` for the crystal at `crystal`, which is open in `store` if it is there.

    choice, options: as in an ingest. Raises SourceError when a path does not exist, and as LayerEncoder does.
    """
    tally = _Tally(layers=encoder.folder is not None)
    own = own_files(crystal)
    if store is not None:
        by_kind = _look(paths, own, store, choice, options, tally)
    else:
        with _empty() as nothing:
            by_kind = _look(paths, own, nothing, choice, options, tally)
    sample = _Sample(encoder, options)
    rates = {kind: sample.read(kind, found) for kind, found in by_kind.items()}
    for found, kind, error in sample.failed:
        tally.files.remove(ForecastFile(found.relative, kind, found.size))
        tally.skipped.append(SkippedFile(found.relative, str(error), error.code))
        tally.kinds[kind].files -= 1
        tally.kinds[kind].bytes -= found.size
    tally.kinds = {name: kind for name, kind in tally.kinds.items() if kind.files}
    for name, files in tally.kinds.items():
        tokens, seconds = rates[name]
        files.tokens = round(files.bytes * tokens)
        tally.seconds += files.bytes * seconds
    tally.tokens = sum(kind.tokens for kind in tally.kinds.values())
    tally.sampled_files, tally.sampled_tokens = sample.files, sum(len(chunk.ids) for chunk in sample.chunks)
    if tally.tokens:
        empty, store_seconds, store_bytes = sample.stored()
        tally.seconds += store_seconds * tally.tokens
        tally.bytes = round(store_bytes * tally.tokens) + (empty if store is None else 0)
    if tally.tokens and tally.layers:
        start, pace, tally.encoded_tokens = sample.encoded()
        tally.seconds += start + pace * tally.tokens
        tally.bytes += round(sum(CODE_BYTES[name] / each for name, each in _NODES.items()) * tally.tokens)
    return tally.report()


@contextmanager
def _empty() -> Iterator[Store]:
    """A crystal that holds nothing and is thrown away."""
    with (
        tempfile.TemporaryDirectory(prefix="crystal-") as folder,
        Store.create(Path(folder, "forecast.crystal"), DEFAULT_META) as store,
    ):
        yield store


def _look(
    paths: Sequence[Path],
    own: Collection[Path],
    store: Store,
    choice: FileFilter | None,
    options: ReadOptions,
    tally: _Tally,
) -> dict[str, list[FoundFile]]:
    """The files that would be read, by kind; enters what there is to say of all files. own: those of the crystal itself."""
    ledger, chosen = Ledger(store), FolderRules(store, paths, choice)
    due = ChangeDetector(ledger, options)
    by_kind: dict[str, list[FoundFile]] = {}
    met = list(walk_files(paths, exclude=own, hidden=False, choices=chosen.by_folder))
    due.expect(met)
    for each in met:
        location = ledger.location(each.path)
        before = ledger.at(location)
        if not isinstance(each, FoundFile):
            held = each.chosen and before is not None and before.chunks > 0
            tally.left_out += held
            if not held:
                tally.skipped.append(SkippedFile(each.relative, each.reason, each.code))
            continue
        if before is not None and due.is_settled(each, before):
            _keep(before, ledger, tally)
            continue
        try:
            _, reading, before, is_held = due.look_at(each, location)
        except SourceError as error:
            tally.skipped.append(SkippedFile(each.relative, str(error), error.code))
            continue
        if before is not None and is_held:
            _keep(before, ledger, tally)
            continue
        tally.files.append(ForecastFile(each.relative, reading.kind, each.size))
        kind = tally.kinds.setdefault(reading.kind, _KindTally())
        kind.files, kind.bytes = kind.files + 1, kind.bytes + each.size
        by_kind.setdefault(reading.kind, []).append(each)
    ledger.mark_gone(paths, met, chosen, None)
    tally.left_out += ledger.left_out
    tally.gone = len(ledger.gone)
    return by_kind


def _keep(before: SourceRow, ledger: Ledger, tally: _Tally) -> None:
    """Count what would stay as it is: a file, or what is in an archive."""
    rows = ledger.inside(before) if before.kind == "archive" else [before]
    for row in rows:
        if row.state == DocumentState.SKIPPED:
            tally.skipped.append(SkippedFile(row.path, row.reason, row.code))
        else:
            tally.unchanged += row.state != DocumentState.GONE and row.kind != "archive"


class _Sample:
    """Some files, read and cut, and what that took. failed: those of them that cannot be read, their kind, and why."""

    def __init__(self, encoder: Encoder, options: ReadOptions) -> None:
        self._encoder, self._options = encoder, options
        self.chunks: list[Chunk] = []
        self.failed: list[tuple[FoundFile, str, SourceError]] = []
        self.files = 0

    def read(self, kind: str, found: Sequence[FoundFile]) -> tuple[float, float]:
        """Tokens, and seconds for reading and cutting, for each byte of the files of a kind. Which are read their names decide."""
        chosen = sorted(found, key=lambda each: hashlib.blake2b(each.relative.encode(), digest_size=8).digest())[
            :_FILES
        ]
        read: list[tuple[bool, int, int, float]] = []  # whether it is known what its bytes hold; bytes, tokens, seconds
        self._encoder.tokenizer.tokenize(["warm"])
        began = last = time.monotonic()
        for each in chosen:
            try:
                known, part, count = self._file(each, kind)
            except SourceError as error:
                self.failed.append((each, kind, error))
                continue
            read.append((known, part, count, time.monotonic() - last))
            last = time.monotonic()
            self.files += 1
            if last - began > _SECONDS:
                break
        read = [each for each in read if each[0]] or read  # where none was read to its end, what was read has to do
        _, sizes, tokens, seconds = zip(*read, strict=True) if read else ((), (1,), (0,), (0.0,))
        return sum(tokens) / max(1, sum(sizes)), sum(seconds) / max(1, sum(sizes))

    def _file(self, found: FoundFile, kind: str) -> tuple[bool, int, int]:
        """Reads a file, or the beginning of a text, or of an archive.

        Whether its end was reached, or need not be; the bytes of the file that this stands for, and its tokens.
        """
        plain = kind in LINED  # of others no bytes are those that a part of the text comes from
        deadline = time.monotonic() + (_SECONDS if plain else _PATIENCE)
        _, reading = open_source(found.path, self._options)
        if isinstance(reading, ArchiveReading):
            tokens = self._archive(reading, found.relative, Allowance(found.size), 1, deadline)
            return reading.met > 0, max(1, round(reading.met * found.size)), tokens
        whole, length, tokens = self._text(reading, found.relative, deadline)
        return whole or plain, found.size if whole or not plain else min(found.size, length), tokens

    def _archive(self, archive: ArchiveReading, name: str, allowance: Allowance, depth: int, deadline: float) -> int:
        """The tokens of an archive's members, up to the deadline."""
        tokens = 0
        with closing(archive.members(allowance)) as members:
            for member in members:
                if member.path is not None:
                    try:
                        _, reading = open_source(member.path, self._options)
                        inner = f"{name}/{member.name}"
                        if not isinstance(reading, ArchiveReading):
                            tokens += self._text(reading, inner, deadline)[2]
                        elif depth < MAX_ARCHIVE_DEPTH:
                            tokens += self._archive(reading, inner, allowance, depth + 1, deadline)
                    except SourceError:
                        continue
                if time.monotonic() > deadline:
                    break
        return tokens

    def _text(self, reading: Reading, name: str, deadline: float) -> tuple[bool, int, int]:
        """Cuts a text, or its beginning, as an ingest does: whether that is all of it, its bytes in UTF-8, and its tokens."""
        plain = reading.kind in LINED
        contexts = ContextTracker(name, reading.kind)
        pieces: list[str | Landmark] = []
        whole, length = True, 0
        for piece in contexts.noted(reading.pieces()):
            pieces.append(piece[:_TEXT] if plain and isinstance(piece, str) else piece)
            length += len(piece) if isinstance(piece, str) else 0
            if (plain and length >= _TEXT) or time.monotonic() > deadline:
                whole = False
                break
        chunks = list(contexts.given(self._encoder.cut(iter(pieces), reading.kind in BY_LINES)))
        self.chunks += chunks
        size = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
        return whole, size, sum(len(chunk.ids) for chunk in chunks)

    def stored(self) -> tuple[int, float, float]:
        """Bytes of an empty crystal; seconds and bytes that storing a token takes, layers aside."""
        with _empty() as store:
            empty = store.file_size()
            writer = SegmentWriter(store, None, lambda: None)
            tokens, began = 0, time.monotonic()
            for chunk in self.chunks:
                writer.add(chunk)
                tokens += len(chunk.ids)
                if writer.full:
                    writer.commit()
                if tokens >= _STORED:
                    break
            writer.commit()
            took, grown = time.monotonic() - began, store.file_size() - empty
        return empty, took / max(1, tokens), grown / max(1, tokens)

    def encoded(self) -> tuple[float, float, int]:
        """Seconds until the encoder is there, seconds for each token then, and how many tokens that was measured on."""
        began = time.monotonic()
        layers = LazyEncoder(self._encoder, None).layers()
        layers.vectors(self.chunks[:1])
        start = time.monotonic() - began
        chosen: list[Chunk] = []
        tokens = 0
        for chunk in sorted(self.chunks, key=lambda each: hashlib.blake2b(each.text.encode(), digest_size=8).digest()):
            chosen.append(chunk)
            tokens += len(chunk.ids)
            if tokens >= _ENCODED:
                break
        began = time.monotonic()
        layers.vectors(chosen)
        return start, (time.monotonic() - began) / max(1, tokens), tokens
