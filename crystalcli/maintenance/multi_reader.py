"""Opens several crystals to be read as one, as their merge would be.

Knows: the ledger of a merge. Does not know: how chunks are numbered, how a question is ranked.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from crystalcli.errors import CrystalError, MissingFileError, NotACrystalError
from crystalcli.index import ChunkReader, MultiLedger, MultiStore, UnitedDocument
from crystalcli.maintenance.merged_ledger import LedgerEntry, MergedLedger, common_meta
from crystalcli.storage import ANALYSIS_KEY, LANGUAGES_KEY, Store, stored_analysis, stored_languages

_NAMED = 3  # the most crystals that the name of several lists
_SUFFIX = ".crystal"


def open_several(paths: Sequence[Path], settle: Callable[[Store], None]) -> MultiStore:
    """Open several crystals as one, for reading.

    A document that two of them hold under one name with the same text is there once. Where the
    texts differ, both are, the later one's name prefixed with the name of its crystal.

    Args:
        paths: The crystals.
        settle: Decides which of the memories in all of them hold, inside a transaction.

    Raises:
        EncoderMismatchError: Their vectors are not comparable.
        CrystalError: One cannot be opened, or was made by another version of the index of words.
    """
    path = path_of_several(paths)
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(Store.open(place)) for place in paths]
        union = MultiStore(path, stores, lambda united: _united_ledger(united, path), settle)
        stack.pop_all()
        return union


def path_of_several(paths: Sequence[Path]) -> Path:
    """Give the path that stands for several crystals: no file, in the folder above all of them."""
    folder = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    names = [path.absolute().relative_to(folder).as_posix().replace("/", "-").removesuffix(_SUFFIX) for path in paths]
    return folder / f"{'+'.join(names) if len(names) <= _NAMED else '*'}{_SUFFIX}"


class _StoredText:
    """The text of a stored document: its chunks, compared by what they say.

    Args:
        reader: Reads the chunks of its crystal.
        source: Its id there.
        chunks: The number of its chunks.
    """

    def __init__(self, reader: ChunkReader, source: int, chunks: int) -> None:
        self._reader, self._source, self._chunks = reader, source, chunks

    def __len__(self) -> int:
        return self._chunks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _StoredText) and len(self) == len(other) and self._identities() == other._identities()

    __hash__ = None  # type: ignore[assignment]

    def _identities(self) -> list[bytes]:
        return [self._reader.identity(chunk) for chunk in self._reader.of(self._source)]


def _united_ledger(stores: Sequence[Store], path: Path) -> MultiLedger:
    """Take the ledgers of crystals together.

    Raises:
        EncoderMismatchError: Their vectors are not comparable.
        CrystalError: Their terms are not.
    """
    meta = common_meta(stores)
    for store in stores[1:]:
        if stored_analysis(store) != stored_analysis(stores[0]):
            raise CrystalError(
                f"{store.path} and {stores[0].path} count words differently: run `crystal compact` on the older one"
            )
    ledger: MergedLedger[_StoredText] = MergedLedger(path)
    for store in stores:
        reader = ChunkReader(store)
        ledger.add_folders(store)
        for source in store.sources():
            text = _StoredText(reader, source.id, source.chunks)
            ledger.settle(LedgerEntry(ledger.relocated(store, source), text, store, source.id))
    languages = sorted({language for store in stores for language in stored_languages(store)})
    meta |= ledger.meta_changes() | {LANGUAGES_KEY: " ".join(languages), ANALYSIS_KEY: str(stored_analysis(stores[0]))}
    numbers = {id(store): number for number, store in enumerate(stores)}
    documents = [UnitedDocument(numbers[id(entry.store)], entry.source, entry.row) for entry in ledger.entries]
    return MultiLedger(documents, meta)


def crystal_files(name: str | Path) -> list[Path]:
    """List the crystals that a name means: a file, a folder with crystals, or a glob.

    Args:
        name: A path, with `~` expanded.

    Returns:
        The crystals, in order; the path alone for a file, also where it does not exist, and for a
        name with `?` or `[` that matches no file.

    Raises:
        NotACrystalError: A folder holds no crystal.
        MissingFileError: A glob with `*` matches no file.
    """
    path = Path(name)
    if path.is_dir():
        if files := sorted(path.glob(f"*{_SUFFIX}")):
            return files
        raise NotACrystalError(f"{path} is a folder without a crystal in it")
    if path.exists() or not any(letter in str(path) for letter in "*?["):
        return [path]
    anchor = Path(path.anchor or ".")
    pattern = str(path.relative_to(path.anchor) if path.anchor else path)
    if files := sorted(place for place in anchor.glob(pattern) if place.is_file()):
        return files
    if "*" not in str(path):  # a name may have the other signs of a glob
        return [path]
    raise MissingFileError(f"no crystal matches {path}")
