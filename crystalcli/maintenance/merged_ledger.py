"""The ledger of several crystals taken together, as a merge writes it.

Knows: ledgers, what makes vectors comparable. Does not know: chunks, where the ledger is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from crystalcli.datatypes import DocumentState
from crystalcli.errors import EncoderMismatchError
from crystalcli.index import ASKED_KEY
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
from crystalcli.storage import LANGUAGES_KEY, SourceRow, Store, stored_codebooks
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


TextT = TypeVar("TextT", bound=Sized)


@dataclass(slots=True)
class LedgerEntry(Generic[TextT]):
    """A document of the ledger.

    Attributes:
        row: Its row.
        text: Its chunks; equal to those of another crystal where the texts are.
        store: The crystal that it is from.
        source: Its id there.
    """

    row: SourceRow
    text: TextT
    store: Store
    source: int


class MergedLedger(Generic[TextT]):
    """The ledger of crystals while they are added.

    Attributes:
        same: Documents that were left out, because an earlier crystal held them with the same text.
        renamed: Documents that were renamed.
    """

    def __init__(self, output: Path) -> None:
        """Start with an empty ledger.

        Args:
            output: The path of the crystal that stands for all, which locations are relative to.
        """
        self.same = 0
        self.renamed: list[RenamedDocument] = []
        self._home = home_of(output)
        self._folders: set[str] = set()
        self._rules: dict[str, FileFilter] = {}
        self._encoder_location = ""  # of an encoder that is not the program's own
        self._by_path: dict[str, LedgerEntry[TextT]] = {}
        self._by_location: dict[str, LedgerEntry[TextT]] = {}

    @property
    def entries(self) -> Sequence[LedgerEntry[TextT]]:
        """The documents, in order."""
        return list(self._by_path.values())

    def add_folders(self, store: Store) -> None:
        """Add the folders of a crystal, with their filters, and where its encoder is."""
        home = home_of(store.path)
        self._folders |= {self._relocate(folder, home) for folder in folders_asked(store)}
        self._rules |= {self._relocate(folder, home): rules for folder, rules in stored_rules(store).items()}
        if "location" in (meta := store.meta()):
            self._encoder_location = self._encoder_location or self._relocate(meta["location"], home)

    def relocated(self, store: Store, source: SourceRow) -> SourceRow:
        """Rewrite the location and the root of a row relative to the new crystal's folder."""
        home = home_of(store.path)
        return source._replace(location=self._relocate(source.location, home), root=self._relocate(source.root, home))

    def meta_changes(self) -> dict[str, str]:
        """Give the rows of `meta` that name folders, filters, and the encoder's place."""
        changes = {"folders": folders_noted(self._folders)}
        if self._rules:
            changes[RULES_KEY] = rules_as_json(self._rules)
        if self._encoder_location:
            changes["location"] = self._encoder_location
        return changes

    def settle(self, new: LedgerEntry[TextT]) -> None:
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
            if not new.text:
                if earlier.row.kind == "archive" and earlier.row.digest != new.row.digest:
                    earlier.row = earlier.row._replace(state=DocumentState.PARTIAL, digest=b"")
                return
            if not earlier.text or _is_partial_of(earlier, new):
                self._remove(earlier)
            elif _is_partial_of(new, earlier):
                return
            elif new.text == earlier.text:
                self.same += 1
                self._prefer(new, earlier)
                return
        self._give_location(new)
        self._give_name(new)
        self._put(new)

    def _prefer(self, new: LedgerEntry[TextT], earlier: LedgerEntry[TextT]) -> None:
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

    def _give_name(self, new: LedgerEntry[TextT]) -> None:
        """Rename a document whose name is taken."""
        stem, name, count = new.store.path.stem, new.row.path, 1
        while name in self._by_path:
            name = f"{stem}/{new.row.path}" if count == 1 else f"{stem}~{count}/{new.row.path}"
            count += 1
        if name != new.row.path:
            self.renamed.append(RenamedDocument(str(new.store.path), new.row.path, name))
            new.row = new.row._replace(path=name)

    def _give_location(self, new: LedgerEntry[TextT]) -> None:
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

    def _put(self, entry: LedgerEntry[TextT]) -> None:
        self._by_path[entry.row.path] = self._by_location[entry.row.location] = entry

    def _remove(self, entry: LedgerEntry[TextT]) -> None:
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


def common_meta(stores: Sequence[Store]) -> dict[str, str]:
    """Give the rows of `meta` that hold for several crystals together.

    Folders, languages and fidelity are left to the caller. Segments get new ids, so that what was
    asked of the old ones is dropped.

    Raises:
        EncoderMismatchError: Their vectors are not comparable.
    """
    for store in stores[1:]:
        _check_comparable(stores[0], store)
    meta: Mapping[str, str] = {key: value for store in reversed(stores) for key, value in store.meta().items()}
    left = (LANGUAGES_KEY, ASKED_KEY)
    return {k: value for k, value in meta.items() if k not in left and not k.startswith("fidelity_")}


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


def _is_partial_of(one: LedgerEntry[TextT], other: LedgerEntry[TextT]) -> bool:
    """Return whether `one` is a part of a file that `other` has to its end."""
    return one.row.location == other.row.location and (one.row.state == DocumentState.PARTIAL) > (
        other.row.state == DocumentState.PARTIAL
    )
