"""The encoder of a crystal: the program's own, or one in a user's folder.

A crystal records an encoder in a folder as an `EncoderId`. Its location is a hint; its weights and
its tokenizer are binding.

Knows: files of weights, tokenizers. Does not know: vectors, codes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from crystalcli import models
from crystalcli.datatypes import Chunk, Landmark
from crystalcli.errors import DamagedCrystalError, EncoderMismatchError, ModelMissingError
from crystalcli.lexical import ANALYSIS
from crystalcli.paths import expanded
from crystalcli.storage import ANALYSIS_KEY
from crystalcli.text import MAX_CHUNK_TOKENS, MIN_CHUNK_TOKENS, cut_chunks
from crystalcli.vectors import (
    WEIGHTS_FILE,
    EncoderPrompts,
    FolderTokenizer,
    WordPieceTokenizer,
    default_tokenizer,
    read_encoder_config,
    read_prompts,
    tokenizer_digest,
)

ENCODER = "all-MiniLM-L6-v2"
# Bytes at the beginning, the middle and the end of the weights, to compare encoders quickly.
_SAMPLE = 1 << 16
_COMMON_META = {"ratios": "10 5 2", "codec": "opq-32-12-4", ANALYSIS_KEY: str(ANALYSIS)}
# The table `meta` of a crystal with the program's encoder.
DEFAULT_META = {"encoder": ENCODER, "dimension": "384", **_COMMON_META}


class EncoderId(NamedTuple):
    """A crystal's record of an encoder in a folder.

    Attributes:
        name: The name of the model.
        weights: SHA-256 of `model.safetensors`, in hex.
        size: Bytes of that file.
        sample: BLAKE2b-16 of three pieces of that file, in hex.
        tokenizer: Digest of the tokenizer, see `tokenizer_digest`.
        dimension: Dimension of its vectors.
        positions: Tokens that it reads at once, special tokens included.
        limit: The most tokens of a chunk.
        location: Its folder; relative to the crystal's folder where it lies below that.
        prompts: The texts that it reads before a question and before a passage.
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
    prompts: EncoderPrompts = EncoderPrompts()

    @classmethod
    def of(cls, folder: Path, home: Path) -> EncoderId:
        """Record the encoder in a folder; this reads all of its weights.

        Args:
            folder: The encoder's folder.
            home: The crystal's folder.

        Raises:
            ModelMissingError: The folder does not hold an encoder that can be read.
            UsageError: The encoder cannot be used.
        """
        config, location = read_encoder_config(folder), folder.absolute()
        prompts = read_prompts(folder)
        room = config.positions - 2 - len(FolderTokenizer(folder, prompts).passage_prompt)
        try:
            size, sample = _sampled(folder / WEIGHTS_FILE)
            return cls(
                _name(location),
                _sha256(folder / WEIGHTS_FILE),
                size,
                sample,
                tokenizer_digest(folder),
                config.dimension,
                config.positions,
                min(MAX_CHUNK_TOKENS, room),
                str(location.relative_to(home) if location.is_relative_to(home) else location),
                prompts,
            )
        except OSError as error:
            raise ModelMissingError(f"cannot read the encoder in {folder}: {error.strerror}") from error

    @classmethod
    def read(cls, meta: Mapping[str, str]) -> EncoderId | None:
        """Read the record in a crystal's `meta`.

        Returns:
            The record; None where the crystal has the program's encoder.

        Raises:
            DamagedCrystalError: The record is incomplete, or a number in it does not parse.
        """
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
                EncoderPrompts(meta.get("query_prompt", ""), meta.get("passage_prompt", "")),
            )
        except (KeyError, ValueError) as error:
            raise DamagedCrystalError(None, f"the crystal's record of its encoder is damaged: {error}") from error

    def as_record(self) -> dict[str, str | int]:
        """Return the record with a name for each value, to be shown."""
        fields: dict[str, str | int] = {key: value for key, value in self._asdict().items() if key != "prompts"}
        return {**fields, "query_prompt": self.prompts.query, "passage_prompt": self.prompts.passage}

    def meta(self) -> dict[str, str]:
        """Return the record as rows of `meta`."""
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
            **{f"{name}_prompt": text for name, text in self.prompts._asdict().items() if text},
        }


class Encoder:
    """The encoder of a crystal.

    Attributes:
        folder: The folder of its weights; None where they are not here.
        mark: Its record; None for the program's own encoder.
        name: The name of the model.
        dimension: Dimension of its vectors.
        limit: The most tokens of a chunk.
    """

    def __init__(self, folder: Path | None, mark: EncoderId | None) -> None:
        self.folder, self.mark = folder, mark
        self.name = mark.name if mark is not None else ENCODER
        self.dimension = mark.dimension if mark is not None else 384
        self.limit = mark.limit if mark is not None else MAX_CHUNK_TOKENS

    @cached_property
    def tokenizer(self) -> WordPieceTokenizer:
        """Its tokenizer.

        Raises:
            ModelMissingError: The tokenizer is in the encoder's folder, which is not here.
        """
        if self.mark is None:
            return default_tokenizer()
        if self.folder is None:
            raise ModelMissingError(self.missing)
        return FolderTokenizer(self.folder, self.mark.prompts)

    @property
    def missing(self) -> str:
        """The message for an encoder that is needed and not here."""
        if self.mark is None:
            return f"the weights of {ENCODER} are not on this machine: run `crystal models pull {ENCODER}`"
        return (
            f"the crystal's own encoder {self.name} is not at {self.mark.location}; name its folder with --encoder DIR"
            if not _is_catalogued(self.mark)
            else f"the weights of {self.name} are not on this machine: run `crystal models pull {self.name}`"
        )

    def cut(self, texts: Iterable[str | Landmark], code: bool) -> Iterator[Chunk]:
        """Cut a document's text into chunks for this encoder, see `cut_chunks`."""
        floor = MIN_CHUNK_TOKENS * self.limit // MAX_CHUNK_TOKENS
        for chunk in cut_chunks(texts, self.tokenizer, code=code, limit=self.limit, floor=floor):
            if self.tokenizer.concatenates or not len(chunk.ids):
                yield chunk
            else:
                ((ids, ends),) = self.tokenizer.tokenize([chunk.text])
                yield Chunk(chunk.text, ids, ends) if len(ids) <= self.limit else chunk

    def verify(self) -> None:
        """Compare all of the weights with the record; `open_encoder` compares samples only.

        Raises:
            EncoderMismatchError: The weights in the folder are different.
        """
        if self.folder is None or self.folder == models.locate(ENCODER):
            return
        expected = self.mark.weights if self.mark is not None else _catalogued().sha256
        if _sha256(self.folder / WEIGHTS_FILE) != expected:
            raise EncoderMismatchError(f"the weights in {self.folder} are not those of {self.name}")


def resolve_encoder(folder: Path | None, home: Path) -> tuple[Encoder, dict[str, str]]:
    """Choose the encoder of a new crystal, and the rows of its `meta`.

    A folder that holds the weights of the program's encoder counts as the program's encoder.

    Args:
        folder: The encoder's folder; None for the program's own without its weights.
        home: The crystal's folder.

    Raises:
        ModelMissingError: As `EncoderId.of`.
        UsageError: As `EncoderId.of`.
    """
    mark = None
    if folder is not None and not _is_default(folder, whole=True):
        mark = EncoderId.of(folder, home)
    return Encoder(folder, mark), {**mark.meta(), **_COMMON_META} if mark is not None else dict(DEFAULT_META)


def open_encoder(meta: Mapping[str, str], path: Path, folder: Path | None) -> Encoder:
    """Open the encoder of a crystal.

    It compares what can be compared quickly: the size of the weights, samples of them, and the
    tokenizer.

    Args:
        meta: The crystal's `meta`.
        path: The crystal's file, for messages.
        folder: The folder to take the weights from; None opens the encoder without weights.

    Raises:
        EncoderMismatchError: The crystal was made with another encoder.
        ModelMissingError: There is no encoder in `folder`.
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
    """Find the folder of a crystal's encoder.

    $CRYSTAL_ENCODER comes first, then the recorded location. An encoder of the catalogue that is
    not there is fetched.

    Args:
        meta: The crystal's `meta`.
        home: The crystal's folder.
        fetch: Called with the name of an encoder of the catalogue; returns its folder, or None.

    Returns:
        The folder; None where there is no encoder.

    Raises:
        ModelMissingError: $CRYSTAL_ENCODER names an encoder that cannot be fetched.
    """
    if named := os.environ.get("CRYSTAL_ENCODER"):
        return find_named_encoder(named, fetch)
    mark = EncoderId.read(meta)
    if mark is None:
        return fetch(ENCODER) if meta.get("encoder", ENCODER) == ENCODER else None
    folder = home / mark.location
    if (folder / WEIGHTS_FILE).is_file():
        return folder
    return fetch(mark.name) if _is_catalogued(mark) else None


def find_named_encoder(name: str, fetch: Callable[[str], Path | None]) -> Path:
    """Find the folder of an encoder that was named.

    Args:
        name: A folder, or the name or alias of an encoder of the catalogue; a folder of that name
            comes first.
        fetch: Called with the name in the catalogue; returns its folder, or None.

    Raises:
        ModelMissingError: The encoder is not on this machine and cannot be fetched.
    """
    entry, folder = models.encoder_named(name), expanded(name)
    if entry is None or folder.is_dir():
        return folder
    found = fetch(entry.name)
    if found is None:
        raise ModelMissingError(f"{entry.name} is not on this machine: run `crystal models pull {name}`")
    return found


def _is_catalogued(mark: EncoderId) -> bool:
    """Return whether an encoder is one of the catalogue, weight by weight."""
    entry = models.encoder_named(mark.name)
    return entry is not None and mark.weights == entry.files[0].sha256


def _name(folder: Path) -> str:
    """Return the name of the model in a folder; in the Hugging Face cache, its name on the hub."""
    if folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--"):
        return folder.parent.parent.name.removeprefix("models--").replace("--", "/")
    return os.fsencode(folder.resolve().name).decode("utf-8", "backslashreplace")


def _is_default(folder: Path, *, whole: bool) -> bool:
    """Return whether a folder holds the program's encoder; unless `whole`, by its size alone."""
    if folder == models.locate(ENCODER):
        return True
    read_encoder_config(folder)
    path = folder / WEIGHTS_FILE
    return path.stat().st_size == _catalogued().size and (not whole or _sha256(path) == _catalogued().sha256)


def _catalogued() -> models.WheelMember:
    """Return the catalogue's entry for the weights of the program's encoder."""
    return models.catalogue_entry(ENCODER).files[0]


def _sampled(path: Path) -> tuple[int, str]:
    """Return a file's size, and the BLAKE2b-16, in hex, of three pieces of it."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for start in (0, max(0, size // 2), max(0, size - _SAMPLE)):
            file.seek(start)
            digest.update(file.read(_SAMPLE))
    return size, digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
