"""A dry run: the files that an ingest would read, and predicted tokens, seconds and bytes.

The files are compared with the ledger as an ingest compares them (staleness.py), and the ledger's
changes are never written. The rest is a prediction from a sample: a few files of each kind are read
and cut, some of their chunks encoded, and all of them stored in a temporary crystal.

Knows: the ledger, the sample and its timings. Does not know: how a report is shown.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import LINED, Chunk, DocumentState, Landmark, Reading, SkippedFile
from crystalcli.errors import SourceError
from crystalcli.index import DEFAULT_META, Encoder, LazyEncoder, SegmentWriter, chunks_of
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.ledger import Ledger
from crystalcli.ingest.locations import own_files
from crystalcli.ingest.staleness import ChangeDetector, Verdict
from crystalcli.storage import SourceRow, Store
from crystalcli.text import (
    DEFAULT_READ_OPTIONS,
    MAX_ARCHIVE_DEPTH,
    Allowance,
    ArchiveMember,
    ArchiveReading,
    FileFilter,
    FoundFile,
    ReadingWithFiles,
    ReadOptions,
    SkippedPath,
    check_ocr_installed,
    open_source,
    walk_files,
)
from crystalcli.vectors import CODE_BYTES

_MAX_FILES = 12  # files of a kind in the sample
_MAX_SECONDS = 1.5  # for reading the files of a kind
_MAX_FILE_SECONDS = 4.0  # for one file of a kind that must be read whole
_MAX_CHARACTERS = 1 << 16  # of one file
_ENCODED_TOKENS = 4000  # tokens that the speed of the encoder is measured on
_STORED_TOKENS = 60_000  # tokens that the size of the file is measured on
_TOKENS_PER_NODE = {"atoms": 100, "clusters": 50, "units": 10}


class ForecastFile(NamedTuple):
    """A file that would be read.

    Attributes:
        path: The name that it would be cited by.
        kind: Its kind.
        size: Its size in bytes.
    """

    path: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class KindForecast:
    """The files of one kind that would be read.

    Attributes:
        files: Their number.
        bytes: Their size.
        tokens: Their tokens, predicted.
    """

    files: int
    bytes: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """The predicted outcome of an ingest.

    An archive is one file here, with the tokens of its members. Damaged and encrypted files are
    known only for the files of the sample.

    Attributes:
        files: The files that would be read.
        kinds: Files, bytes and predicted tokens for each kind.
        unchanged: Files that the crystal holds already as they are.
        left_out: Documents whose files the filters leave out.
        gone: Documents whose files are no longer there.
        skipped: The files that would not be read.
        tokens: Tokens, predicted.
        text_seconds: Seconds until all text is stored, predicted.
        seconds: Seconds until layers are made too, predicted.
        bytes: Bytes that the crystal would grow by, predicted.
        sampled_files: Files of the sample.
        sampled_tokens: Tokens of the sample.
        encoded_tokens: Tokens that were encoded for the prediction.
        layers: Whether there are weights to make layers with.
    """

    files: tuple[ForecastFile, ...]
    kinds: dict[str, KindForecast]
    unchanged: int
    left_out: int
    gone: int
    skipped: tuple[SkippedFile, ...]
    tokens: int
    text_seconds: float
    seconds: float
    bytes: int
    sampled_files: int
    sampled_tokens: int
    encoded_tokens: int
    layers: bool


@dataclass(slots=True)
class _KindTally:
    """The counts of a KindForecast."""

    files: int = 0
    bytes: int = 0
    tokens: int = 0


@dataclass(slots=True)
class _Tally:
    """The counts of a ForecastReport."""

    files: list[ForecastFile] = field(default_factory=list)
    kinds: dict[str, _KindTally] = field(default_factory=dict)
    unchanged: int = 0
    left_out: int = 0
    gone: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)
    tokens: int = 0
    text_seconds: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    sampled_files: int = 0
    sampled_tokens: int = 0
    encoded_tokens: int = 0
    layers: bool = False

    def report(self) -> ForecastReport:
        kinds = {name: KindForecast(kind.files, kind.bytes, kind.tokens) for name, kind in self.kinds.items()}
        return ForecastReport(
            tuple(self.files), kinds, self.unchanged, self.left_out, self.gone, tuple(self.skipped), self.tokens,
            self.text_seconds, self.seconds, self.bytes, self.sampled_files, self.sampled_tokens, self.encoded_tokens, self.layers,
        )  # fmt: skip


def forecast_ingest(
    paths: Sequence[Path],
    crystal: Path,
    store: Store | None,
    encoder: Encoder,
    file_filter: FileFilter | None = None,
    options: ReadOptions = DEFAULT_READ_OPTIONS,
    ocr: bool | None = None,
) -> ForecastReport:
    """Predict an ingest of everything under `paths`.

    Args:
        paths: Files and folders.
        crystal: The path of the crystal, which need not exist.
        store: The open crystal; None if it does not exist.
        encoder: Its encoder.
        file_filter: The filter of the folders; None: the remembered ones.
        options: How files are read.
        ocr: Whether letters in pictures of text are recognized; None: as remembered.

    Raises:
        SourceError: A path does not exist.
        CrystalError: Pictures are to be read, and the extra for it is not installed.
        ModelMissingError: The encoder's weights cannot be read.
        EncoderMismatchError: The encoder's weights are not those of the crystal.
    """
    tally = _Tally(layers=encoder.folder is not None)
    own = own_files(crystal)
    if store is not None:
        stale = _compare(paths, own, store, file_filter, options, ocr, tally)
    else:
        with _temporary_crystal() as empty:
            stale = _compare(paths, own, empty, file_filter, options, ocr, tally)
    sample = _Sample(encoder, options)
    rates = {kind: sample.read(kind, files) for kind, files in stale.items()}
    for file, kind, error in sample.failed:
        tally.files.remove(ForecastFile(file.relative, kind, file.size))
        tally.skipped.append(SkippedFile(file.relative, str(error), error.code))
        tally.kinds[kind].files -= 1
        tally.kinds[kind].bytes -= file.size
    tally.kinds = {kind: counts for kind, counts in tally.kinds.items() if counts.files}
    for kind, counts in tally.kinds.items():
        tokens_per_byte, seconds_per_byte = rates[kind]
        counts.tokens = round(counts.bytes * tokens_per_byte)
        tally.seconds += counts.bytes * seconds_per_byte
    tally.tokens = sum(counts.tokens for counts in tally.kinds.values())
    tally.sampled_files, tally.sampled_tokens = sample.files, sum(len(chunk.ids) for chunk in sample.chunks)
    if tally.tokens:
        empty_bytes, store_seconds, store_bytes = sample.measure_storing()
        tally.seconds += store_seconds * tally.tokens
        tally.bytes = round(store_bytes * tally.tokens) + (empty_bytes if store is None else 0)
    tally.text_seconds = tally.seconds
    if tally.tokens and tally.layers:
        start_seconds, encode_seconds, tally.encoded_tokens = sample.measure_encoding()
        tally.seconds += start_seconds + encode_seconds * tally.tokens
        code_bytes = sum(CODE_BYTES[layer] / tokens for layer, tokens in _TOKENS_PER_NODE.items())
        tally.bytes += round(code_bytes * tally.tokens)
    return tally.report()


@contextmanager
def _temporary_crystal() -> Iterator[Store]:
    """Open an empty crystal that is deleted when the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="crystal-") as folder,
        Store.create(Path(folder, "forecast.crystal"), DEFAULT_META) as store,
    ):
        yield store


def _compare(
    paths: Sequence[Path],
    own: Collection[Path],
    store: Store,
    file_filter: FileFilter | None,
    options: ReadOptions,
    ocr: bool | None,
    tally: _Tally,
) -> dict[str, list[FoundFile]]:
    """Compare files and folders with the ledger.

    Args:
        paths: Files and folders.
        own: The files of the crystal itself, which are passed over.
        store: The crystal.
        file_filter: The filter of the folders; None: the remembered ones.
        options: How files are read.
        ocr: Whether letters in pictures of text are recognized; None: as remembered.
        tally: Where all files are counted.

    Returns:
        The files that would be read, by kind.
    """
    ledger, rules = Ledger(store), FolderRules(store, paths, file_filter, ocr)
    if rules.reads_pictures:
        check_ocr_installed()
    detector = ChangeDetector(ledger, options)
    stale: dict[str, list[FoundFile]] = {}
    entries = list(walk_files(paths, exclude=own, hidden=False, choices=rules.by_folder))
    for entry, location, row, verdict in detector.judge(entries):
        if isinstance(entry, SkippedPath):
            if verdict is Verdict.LEFT_OUT:
                tally.left_out += 1
            else:
                tally.skipped.append(SkippedFile(entry.relative, entry.reason, entry.code))
            continue
        if row is not None and verdict is Verdict.SETTLED:
            _keep(row, ledger, tally)
            continue
        try:
            _, reading, row, is_held = detector.open_file(entry, location)
        except SourceError as error:
            tally.skipped.append(SkippedFile(entry.relative, str(error), error.code))
            continue
        if row is not None and is_held:
            _keep(row, ledger, tally)
            continue
        tally.files.append(ForecastFile(entry.relative, reading.kind, entry.size))
        counts = tally.kinds.setdefault(reading.kind, _KindTally())
        counts.files, counts.bytes = counts.files + 1, counts.bytes + entry.size
        stale.setdefault(reading.kind, []).append(entry)
    ledger.mark_gone(paths, entries, rules, None)
    tally.left_out += ledger.left_out
    tally.gone = len(ledger.gone)
    return stale


def _keep(row: SourceRow, ledger: Ledger, tally: _Tally) -> None:
    """Count a file that would stay as it is, or the members of an archive."""
    for kept in ledger.kept_documents(row):
        if kept.state == DocumentState.SKIPPED:
            tally.skipped.append(SkippedFile(kept.path, kept.reason, kept.code))
        else:
            tally.unchanged += 1


class _ReadPart(NamedTuple):
    """The part of a file that was read for the sample.

    Attributes:
        is_measured: Whether it is known how many bytes of the file the part stands for.
        size: These bytes.
        tokens: The tokens of the part.
    """

    is_measured: bool
    size: int
    tokens: int


class _Sample:
    """Some files, read and cut, and the time that it took.

    Attributes:
        chunks: The chunks of all files.
        failed: The files that cannot be read: file, kind, error.
        files: The number of files that were read.
    """

    def __init__(self, encoder: Encoder, options: ReadOptions) -> None:
        self._encoder, self._options = encoder, options
        self.chunks: list[Chunk] = []
        self.failed: list[tuple[FoundFile, str, SourceError]] = []
        self.files = 0

    def read(self, kind: str, files: Sequence[FoundFile]) -> tuple[float, float]:
        """Read and cut some files of a kind, chosen by the hashes of their names.

        Returns:
            Tokens a byte of the files, and seconds a byte.
        """
        chosen = sorted(files, key=lambda file: _hash_key(file.relative))[:_MAX_FILES]
        parts: list[tuple[_ReadPart, float]] = []  # with seconds
        self._encoder.tokenizer.tokenize(["warm"])
        began = last = time.monotonic()
        for file in chosen:
            try:
                part = self._read_file(file, kind)
            except SourceError as error:
                self.failed.append((file, kind, error))
                continue
            parts.append((part, time.monotonic() - last))
            last = time.monotonic()
            self.files += 1
            if last - began > _MAX_SECONDS:
                break
        parts = [each for each in parts if each[0].is_measured] or parts
        size = max(1, sum(part.size for part, _ in parts))
        return sum(part.tokens for part, _ in parts) / size, sum(seconds for _, seconds in parts) / size

    def _read_file(self, file: FoundFile, kind: str) -> _ReadPart:
        """Read a file, or the beginning of a text or an archive.

        Raises:
            SourceError: It cannot be read.
        """
        is_plain = kind in LINED  # of other kinds a part of the text has no known bytes
        deadline = time.monotonic() + (_MAX_SECONDS if is_plain else _MAX_FILE_SECONDS)
        _, reading = open_source(file.path, replace(self._options, ocr=file.ocr))
        if isinstance(reading, ArchiveReading):
            with closing(reading.members(allowance := Allowance(file.size))) as members:
                tokens = self._read_members(members, file.relative, allowance, 1, deadline)
            return _ReadPart(reading.met > 0, max(1, round(reading.met * file.size)), tokens)
        is_whole, size, tokens = self._read_text(reading, file.relative, deadline)
        if isinstance(reading, ReadingWithFiles):
            with closing(reading.members()) as members:
                tokens += self._read_members(members, file.relative, Allowance(file.size), 1, deadline)
        return _ReadPart(is_whole or is_plain, file.size if is_whole or not is_plain else min(file.size, size), tokens)

    def _read_members(
        self, members: Iterable[ArchiveMember], name: str, allowance: Allowance, depth: int, deadline: float
    ) -> int:
        """Read the members of an archive or a mail up to the deadline, and return their tokens.

        Args:
            members: The members.
            name: The name of the archive or the mail.
            allowance: The bytes that may be unpacked.
            depth: How many archives the members are in.
            deadline: The time to stop at, by `time.monotonic`.
        """
        tokens = 0
        for member in members:
            if member.path is not None:
                try:
                    _, reading = open_source(member.path, self._options)
                    inner = f"{name}/{member.name}"
                    inside: Iterable[ArchiveMember] = ()
                    if not isinstance(reading, ArchiveReading):
                        tokens += self._read_text(reading, inner, deadline)[2]
                        inside = reading.members() if isinstance(reading, ReadingWithFiles) else ()
                    elif depth < MAX_ARCHIVE_DEPTH:
                        inside = reading.members(allowance)
                    tokens += self._read_members(inside, inner, allowance, depth + 1, deadline)
                except SourceError:
                    continue
            if time.monotonic() > deadline:
                break
        return tokens

    def _read_text(self, reading: Reading, name: str, deadline: float) -> tuple[bool, int, int]:
        """Cut a text, or its beginning, as an ingest does.

        Args:
            reading: The text.
            name: Its name.
            deadline: The time to stop at, by `time.monotonic`.

        Returns:
            Whether all of it was read, its bytes in UTF-8, and its tokens.
        """
        is_plain = reading.kind in LINED
        pieces: list[str | Landmark] = []
        is_whole, characters = True, 0
        for piece in reading.pieces():
            pieces.append(piece[:_MAX_CHARACTERS] if is_plain and isinstance(piece, str) else piece)
            characters += len(piece) if isinstance(piece, str) else 0
            if (is_plain and characters >= _MAX_CHARACTERS) or time.monotonic() > deadline:
                is_whole = False
                break
        chunks = list(chunks_of(reading, name, self._encoder, pieces))
        self.chunks += chunks
        size = sum(len(piece.encode()) for piece in pieces if isinstance(piece, str))
        return is_whole, size, sum(len(chunk.ids) for chunk in chunks)

    def measure_storing(self) -> tuple[int, float, float]:
        """Store chunks of the sample in a temporary crystal, without layers.

        Returns:
            Bytes of an empty crystal, seconds a token, and bytes a token.
        """
        with _temporary_crystal() as store:
            empty_bytes = store.file_size()
            writer = SegmentWriter(store, None, lambda: None)
            tokens, began = 0, time.monotonic()
            for chunk in self.chunks:
                writer.add(chunk)
                tokens += len(chunk.ids)
                if writer.full:
                    writer.commit()
                if tokens >= _STORED_TOKENS:
                    break
            writer.commit()
            seconds, grown = time.monotonic() - began, store.file_size() - empty_bytes
        return empty_bytes, seconds / max(1, tokens), grown / max(1, tokens)

    def measure_encoding(self) -> tuple[float, float, int]:
        """Load the encoder and encode some chunks of the sample, chosen by their hashes.

        Returns:
            Seconds until the encoder is loaded, seconds a token from then on, and the number of
            tokens that were encoded.
        """
        began = time.monotonic()
        layers = LazyEncoder(self._encoder, None).layers()
        layers.vectors(self.chunks[:1])
        start_seconds = time.monotonic() - began
        chosen: list[Chunk] = []
        tokens = 0
        for chunk in sorted(self.chunks, key=lambda chunk: _hash_key(chunk.text)):
            chosen.append(chunk)
            tokens += len(chunk.ids)
            if tokens >= _ENCODED_TOKENS:
                break
        began = time.monotonic()
        layers.vectors(chosen)
        return start_seconds, (time.monotonic() - began) / max(1, tokens), tokens


def _hash_key(text: str) -> bytes:
    """Return a key that sorts texts in an arbitrary order, always the same."""
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
