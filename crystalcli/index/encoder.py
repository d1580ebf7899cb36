"""Which encoder a crystal goes by: the program's own, or one in a folder that the user named; and whether that is it.

What the crystal records of a named one is a `Mark`. Its place is a hint; its weights and its tokenizer are not. Knows neither
vectors nor codes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from crystalcli import models
from crystalcli.errors import DamagedCrystalError, EncoderMismatchError, ModelMissingError
from crystalcli.paths import expanded
from crystalcli.text import MAX_CHUNK_TOKENS, MIN_CHUNK_TOKENS, cut_chunks
from crystalcli.types import Chunk, Landmark
from crystalcli.vectors import (
    WEIGHTS_FILE,
    FolderTokenizer,
    WordPieceTokenizer,
    default_tokenizer,
    read_encoder_config,
    tokenizer_digest,
)

ENCODER = "all-MiniLM-L6-v2"
_SAMPLE = 1 << 16  # bytes at the beginning, the middle and the end of the weights that tell them from others at once
_COMMON_META = {"ratios": "10 5 2", "codec": "opq-32-12-4"}
DEFAULT_META = {"encoder": ENCODER, "dimension": "384", **_COMMON_META}  # of a crystal with the program's encoder


class EncoderId(NamedTuple):
    """What a crystal records of an encoder in a folder.

    weights: SHA-256 of `model.safetensors` in hex; size: its bytes; sample: BLAKE2b-16 of three pieces of it; tokenizer: see
    `tokenizer_digest`; limit: the tokens of a chunk at most; location: its folder, relative to the crystal's where it lies below.
    """

    name: str
    weights: str
    size: int
    sample: str
    tokenizer: str
    dimension: int
    positions: int
    limit: int
    location: str

    @classmethod
    def of(cls, folder: Path, home: Path) -> EncoderId:
        """Look at the encoder in `folder`, all of its weights included; home: the crystal's folder.

        Raises ModelMissingError or UsageError when it is none that can be used.
        """
        config, place = read_encoder_config(folder), folder.absolute()
        FolderTokenizer(folder)
        try:
            size, sample = _sampled(folder / WEIGHTS_FILE)
            mark = cls(
                _name(place),
                _sha256(folder / WEIGHTS_FILE),
                size,
                sample,
                tokenizer_digest(folder),
                config.dimension,
                config.positions,
                min(MAX_CHUNK_TOKENS, config.positions - 2),
                str(place.relative_to(home) if place.is_relative_to(home) else place),
            )
        except OSError as error:
            raise ModelMissingError(f"cannot read the encoder in {folder}: {error.strerror}") from error
        return mark

    @classmethod
    def read(cls, meta: Mapping[str, str]) -> EncoderId | None:
        """What a crystal's `meta` records, or None where it goes by the program's encoder."""
        if "weights" not in meta:
            return None
        try:
            return cls(
                meta["encoder"],
                meta["weights"],
                int(meta["weights_size"]),
                meta["weights_sample"],
                meta["tokenizer"],
                int(meta["dimension"]),
                int(meta["positions"]),
                int(meta["limit"]),
                meta["location"],
            )
        except (KeyError, ValueError) as error:
            raise DamagedCrystalError(None, f"what the crystal records of its encoder is damaged: {error}") from error

    def meta(self) -> dict[str, str]:
        """The same as rows of `meta`."""
        return {
            "encoder": self.name,
            "weights": self.weights,
            "weights_size": str(self.size),
            "weights_sample": self.sample,
            "tokenizer": self.tokenizer,
            "dimension": str(self.dimension),
            "positions": str(self.positions),
            "limit": str(self.limit),
            "location": self.location,
        }


class Encoder:
    """The encoder that a crystal goes by. folder: where its weights are, or None; mark: None for the program's own."""

    def __init__(self, folder: Path | None, mark: EncoderId | None) -> None:
        self.folder, self.mark = folder, mark
        self.name = mark.name if mark is not None else ENCODER
        self.dimension = mark.dimension if mark is not None else 384
        self.limit = mark.limit if mark is not None else MAX_CHUNK_TOKENS

    @cached_property
    def tokenizer(self) -> WordPieceTokenizer:
        """What cuts text into this encoder's tokens. Raises ModelMissingError when it came with a folder that is not here."""
        if self.mark is None:
            return default_tokenizer()
        if self.folder is None:
            raise ModelMissingError(self.missing)
        return FolderTokenizer(self.folder)

    @property
    def missing(self) -> str:
        """What to say where it is wanted and not here."""
        if self.mark is None:
            return f"the weights of {ENCODER} are not on this machine: run `crystal models pull {ENCODER}`"
        return f"the crystal's own encoder {self.name} is not at {self.mark.location}; --encoder DIR says where it is"

    def cut(self, texts: Iterable[str | Landmark], code: bool) -> Iterator[Chunk]:
        """Chunks for this encoder; see `crystalcli.text.chunking.chunker.cut`."""
        floor = MIN_CHUNK_TOKENS * self.limit // MAX_CHUNK_TOKENS
        for chunk in cut_chunks(texts, self.tokenizer, code=code, limit=self.limit, floor=floor):
            if self.tokenizer.concatenates:
                yield chunk
            else:
                ((ids, ends),) = self.tokenizer.tokenize([chunk.text])
                yield Chunk(chunk.text, ids, ends) if len(ids) <= self.limit else chunk

    def verify(self) -> None:
        """Read all of the weights and compare. Raises EncoderMismatchError; see `opened` for what is compared at once."""
        if self.folder is None or self.folder == models.locate(ENCODER):
            return
        wanted = self.mark.weights if self.mark is not None else _catalogued().sha256
        if _sha256(self.folder / WEIGHTS_FILE) != wanted:
            raise EncoderMismatchError(f"the weights in {self.folder} are not those of {self.name}")


def resolve_encoder(folder: Path | None, home: Path) -> tuple[Encoder, dict[str, str]]:
    """The encoder for a new crystal in the folder `home`, and what its `meta` says.

    A folder whose weights are those of the program's encoder is the program's encoder. Raises as `Mark.of` does.
    """
    mark = None
    if folder is not None and not _is_default(folder, whole=True):
        mark = EncoderId.of(folder, home)
    return Encoder(folder, mark), {**mark.meta(), **_COMMON_META} if mark is not None else dict(DEFAULT_META)


def open_encoder(meta: Mapping[str, str], path: Path, folder: Path | None) -> Encoder:
    """The encoder of the crystal at `path`, whose weights are said to be in `folder`.

    Compares what can be compared at once: the size of the weights, samples of them, the tokenizer. Raises EncoderMismatchError
    for another encoder, and ModelMissingError when there is none in `folder`.
    """
    mark = EncoderId.read(meta)
    name = meta.get("encoder", "")
    if mark is None and name != ENCODER:
        raise EncoderMismatchError(
            f"{path} was made with the encoder {name or 'unknown'}, and this program has {ENCODER}"
        )
    if folder is not None:
        if mark is None:
            same = _is_default(folder, whole=False)
        else:
            read_encoder_config(folder)
            same = (
                _sampled(folder / WEIGHTS_FILE) == (mark.size, mark.sample)
                and tokenizer_digest(folder) == mark.tokenizer
            )
        if not same:
            raise EncoderMismatchError(f"{path} was made with the encoder {name}, and {folder} holds another")
    return Encoder(folder, mark)


def find_encoder(meta: Mapping[str, str], home: Path, fetch: Callable[[str], Path | None]) -> Path | None:
    """Where a crystal's encoder is: what $CRYSTAL_ENCODER says, else the recorded place; for the program's own, what `fetch` says.

    home: the crystal's folder.
    """
    said = os.environ.get("CRYSTAL_ENCODER")
    if said:
        return expanded(said)
    mark = EncoderId.read(meta)
    if mark is None:
        return fetch(ENCODER) if meta.get("encoder", ENCODER) == ENCODER else None
    place = home / mark.location
    return place if (place / WEIGHTS_FILE).is_file() else None


def _name(folder: Path) -> str:
    """What the folder calls the model; for a snapshot in the cache of the Hugging Face hub, what the hub calls it."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/")
    return os.fsencode(folder.resolve().name).decode("utf-8", "backslashreplace")


def _is_default(folder: Path, *, whole: bool) -> bool:
    if folder == models.locate(ENCODER):
        return True
    read_encoder_config(folder)
    path = folder / WEIGHTS_FILE
    return path.stat().st_size == _catalogued().size and (not whole or _sha256(path) == _catalogued().sha256)


def _catalogued() -> models.WheelMember:
    entry = models.catalogue_entry(ENCODER)
    return next(member for member in entry.wheel_members.values() if member.file == entry.main)


def _sampled(path: Path) -> tuple[int, str]:
    """Size and BLAKE2b-16 in hex of three pieces."""
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for start in (0, max(0, size // 2), max(0, size - _SAMPLE)):
            file.seek(start)
            found.update(file.read(_SAMPLE))
    return size, found.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
