"""What an ingest would do, without doing it: which files it would read, and how many tokens, seconds and bytes that comes to.

The files are looked at as an ingest looks at them. The rest is a prediction: a few files of each kind are read and cut, some of
their chunks encoded, and all of them stored in a crystal that is thrown away; what that took stands for the others.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crystalcli.errors import SourceError
from crystalcli.memory.choices import Chosen
from crystalcli.memory.encoders import DEFAULT_META, Encoder
from crystalcli.memory.lazy import LazyEncoder
from crystalcli.memory.ledger import WHOLE
from crystalcli.memory.places import home_of, location_of, own_files
from crystalcli.memory.segments import SegmentWriter
from crystalcli.storage.rows import Source
from crystalcli.storage.store import Store
from crystalcli.text.choice import Choice
from crystalcli.text.machine_made import REASONS, by_content
from crystalcli.text.readers import open_source
from crystalcli.text.walk import Found, asked_place, walk
from crystalcli.types import LINED, Chunk
from crystalcli.vectors.codec import CODE_BYTES

_FILES = 12  # of a kind that are read at most
_SECONDS = 1.5  # for reading the files of a kind
_PATIENCE = 4.0  # for one file of a kind of which no part stands for the whole
_TEXT = 1 << 16  # characters of one file
_ENCODED = 4000  # tokens that are encoded for the speed
_STORED = 60_000  # tokens that are stored for the size
_NODES = {"atoms": 100, "clusters": 50, "units": 10}  # tokens for each


@dataclass(slots=True)
class Kind:
    """The files of one kind that would be read. tokens: predicted."""

    files: int = 0
    bytes: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Forecast:
    """What an ingest would do.

    files: (path, kind, bytes) of each file that would be read; unchanged: files that the crystal has as they are; skipped:
    (path, reason); left_out: documents whose files what is chosen leaves out. tokens, seconds, bytes: predicted, the bytes those
    that the crystal would grow by. sampled_files, sampled_tokens, encoded_tokens: what the prediction rests on; layers: whether
    there are weights to make them with.
    """

    files: list[tuple[str, str, int]] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    unchanged: int = 0
    left_out: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    tokens: int = 0
    seconds: float = 0.0
    bytes: int = 0
    sampled_files: int = 0
    sampled_tokens: int = 0
    encoded_tokens: int = 0
    layers: bool = False


def forecast(
    paths: Sequence[Path], crystal: Path, store: Store | None, encoder: Encoder, choice: Choice | None = None
) -> Forecast:
    """Looks at everything under `paths` for the crystal at `crystal`, which is open in `store` if it is there; choice: as in an ingest.

    Raises SourceError when a path does not exist, and as LayerEncoder does.
    """
    report = Forecast(layers=encoder.folder is not None)
    ledger = {row.location: row for row in store.sources()} if store is not None else {}
    by_kind = _look(paths, crystal, store, ledger, choice, report)
    sample = _Sample(encoder)
    rates = {kind: sample.read(kind, found) for kind, found in by_kind.items()}
    for kind, (tokens, seconds) in rates.items():
        report.kinds[kind].tokens = round(report.kinds[kind].bytes * tokens)
        report.seconds += report.kinds[kind].bytes * seconds
    report.tokens = sum(kind.tokens for kind in report.kinds.values())
    report.sampled_files, report.sampled_tokens = sample.files, sum(len(chunk.ids) for chunk in sample.chunks)
    if report.tokens:
        empty, store_seconds, store_bytes = sample.stored()
        report.seconds += store_seconds * report.tokens
        report.bytes = round(store_bytes * report.tokens) + (empty if store is None else 0)
    if report.tokens and report.layers:
        start, pace, report.encoded_tokens = sample.encoded()
        report.seconds += start + pace * report.tokens
        report.bytes += round(sum(CODE_BYTES[name] / each for name, each in _NODES.items()) * report.tokens)
    return report


def _look(
    paths: Sequence[Path],
    crystal: Path,
    store: Store | None,
    ledger: dict[str, Source],
    choice: Choice | None,
    report: Forecast,
) -> dict[str, list[Found]]:
    """The files that would be read, by kind; enters what there is to say of all files."""
    home, own = home_of(crystal), own_files(crystal)
    if store is not None:
        choices = Chosen(store, paths, choice).by_folder
    else:
        choices = {} if choice is None else dict.fromkeys(map(asked_place, paths), choice)
    by_kind: dict[str, list[Found]] = {}
    for each in walk(paths, exclude=own, hidden=False, choices=choices):
        row = ledger.get(location_of(each.path, home))
        held = row is not None and row.chunks > 0
        if not isinstance(each, Found):
            report.left_out += each.chosen and held
            if not (each.chosen and held):
                report.skipped.append((each.relative, each.reason))
            continue
        same = row is not None and (row.size, row.mtime_ns) == (each.size, each.mtime_ns)
        if row is not None and same and row.state == "done":
            report.unchanged += 1
            continue
        if row is not None and same and row.state == "skipped" and not (each.wanted and row.reason in REASONS):
            report.skipped.append((each.relative, row.reason))
            continue
        try:
            mark, reading = open_source(each.path)
            if reading.kind == "code" and not each.wanted and not held and (why := by_content(each.path)):
                raise SourceError(why)
        except SourceError as error:
            report.skipped.append((each.relative, str(error)))
            continue
        if row is not None and row.state in WHOLE and row.digest == mark.digest:
            report.unchanged += 1
            continue
        report.files.append((each.relative, reading.kind, each.size))
        kind = report.kinds.setdefault(reading.kind, Kind())
        kind.files, kind.bytes = kind.files + 1, kind.bytes + each.size
        by_kind.setdefault(reading.kind, []).append(each)
    return by_kind


class _Sample:
    """Some files, read and cut, and what that took."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.chunks: list[Chunk] = []
        self.files = 0

    def read(self, kind: str, found: Sequence[Found]) -> tuple[float, float]:
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
            except SourceError:
                continue
            read.append((known, part, count, time.monotonic() - last))
            last = time.monotonic()
            self.files += 1
            if last - began > _SECONDS:
                break
        read = [each for each in read if each[0]] or read  # where none was read to its end, what was read has to do
        _, sizes, tokens, seconds = zip(*read, strict=True) if read else ((), (1,), (0,), (0.0,))
        return sum(tokens) / max(1, sum(sizes)), sum(seconds) / max(1, sum(sizes))

    def _file(self, found: Found, kind: str) -> tuple[bool, int, int]:
        """Reads a file, or the beginning of a text.

        Whether its end was reached, or need not be; the bytes of the file that this stands for, and its tokens.
        """
        _, reading = open_source(found.path)
        plain = kind in LINED  # of others no bytes are those that a part of the text comes from
        deadline = time.monotonic() + (_SECONDS if plain else _PATIENCE)
        texts: list[str] = []
        whole, length = True, 0
        for piece in reading.pieces():
            if isinstance(piece, str):
                texts.append(piece[:_TEXT] if plain else piece)
                length += len(texts[-1])
                if (plain and length >= _TEXT) or time.monotonic() > deadline:
                    whole = False
                    break
        chunks = list(self._encoder.cut(texts, kind == "code"))
        self.chunks += chunks
        part = found.size if whole or not plain else min(found.size, sum(len(text.encode()) for text in texts))
        return whole or plain, part, sum(len(chunk.ids) for chunk in chunks)

    def stored(self) -> tuple[int, float, float]:
        """Bytes of an empty crystal; seconds and bytes that storing a token takes, layers aside."""
        with (
            tempfile.TemporaryDirectory(prefix="crystal-") as folder,
            Store.create(Path(folder, "forecast.crystal"), DEFAULT_META) as store,
        ):
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
