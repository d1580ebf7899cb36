"""The ledger while an ingest writes it: where files are, what they are cited as, which have moved and which are gone.

Knows rows of `source`, names and locations. Does not know what is in a file. Rows that are entered wait for `write`,
which belongs into the transaction that writes the text they speak of.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from crystalcli.errors import Reason
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.locations import PIPED, home_of, is_piped, location_of, parent_locations, path_at_location
from crystalcli.storage import SourceRow, Store
from crystalcli.text import ChangedPaths, FoundFile, SkippedPath, asked_place
from crystalcli.types import Change, DocumentState, Fingerprint

# States in which `digest` is that of the text which is held, if any is.
WHOLE = (DocumentState.DONE, DocumentState.GONE, DocumentState.FAILED)


class Ledger:
    """The ledger of one crystal, by location and by name.

    Attributes:
        gone: the documents that this run has found to be gone, as (path, Change.GONE).
        left_out: documents that stay as they were read, since the present choice leaves their files out.
        notes: what is to be written into `meta`.
        piped: the file that holds what came through standard input.
    """

    def __init__(self, store: Store) -> None:
        self.gone: list[tuple[str, Change]] = []
        self.left_out = 0
        self.notes: dict[str, str] = {}
        self.piped: FoundFile | None = None
        self._store = store
        self._home = home_of(store.path)
        self._by_location = {source.location: source for source in store.sources()}
        self._names = {source.path: source.location for source in self._by_location.values()}
        self._rows: list[SourceRow] = []  # that wait for the next commit
        self._inside: dict[str, set[str]] = {}  # for each archive, the locations of what it holds, at any depth
        archives = {source.location for source in self._by_location.values() if source.kind == "archive"}
        for location in self._by_location if archives else ():
            for folder in parent_locations(location):
                if folder in archives:
                    self._inside.setdefault(folder, set()).add(location)
        self._next = 1 + max((source.id for source in self._by_location.values()), default=0)

    @property
    def waits(self) -> bool:
        """Whether rows wait to be written."""
        return bool(self._rows)

    def at(self, location: str) -> SourceRow | None:
        """The row of what was read from `location`."""
        return self._by_location.get(location)

    def location(self, path: Path) -> str:
        """How a place is written in the ledger: relative to the crystal's folder where it lies below it, else absolute."""
        if self.piped is not None and path == self.piped.path:
            return PIPED + self.piped.relative
        return location_of(path, self._home)

    def row(self, each: FoundFile | SkippedPath, location: str) -> SourceRow:
        """A row for what has none yet, under a name of its own."""
        name = self._name(each, location)
        root = PIPED if is_piped(location) else self.location(each.root)
        return SourceRow(0, name, location, root, state=DocumentState.SKIPPED)

    def numbered(self, row: SourceRow) -> SourceRow:
        """The row with a number of its own."""
        if not row.id:
            row = row._replace(id=self._next)
            self._next += 1
        return row

    def enter(self, row: SourceRow) -> SourceRow:
        """Enter a row, with a number of its own; the next commit writes it."""
        row = self.numbered(row)
        if self._by_location.get(row.location) != row:  # thousands of images are skipped as they were before
            self._by_location[row.location] = row
            self._rows.append(row)
        return row

    def note(self, row: SourceRow) -> None:
        """Remember how a row stands that another hand writes, or takes back."""
        self._by_location[row.location] = row

    def write(self) -> None:
        """Write what waits, inside a transaction."""
        for key, value in self.notes.items():
            self._store.set_meta(key, value)
        self.notes.clear()
        for row in self._rows:
            self._store.put_source(row)
        self._rows.clear()

    # --- archives -------------------------------------------------------------------------------------

    def inside(self, archive: SourceRow) -> list[SourceRow]:
        """The rows of what an archive holds, archives in it and what they hold among them."""
        held = self._inside.get(archive.location, set())
        return [self._by_location[each] for each in sorted(held) if each in self._by_location]

    def note_inside(self, location: str, met: set[str]) -> list[str]:
        """Remember that these were met in an archive, and give the locations of those that once were and now are not."""
        known = self._inside.setdefault(location, set())
        gone = [each for each in known - met if met.isdisjoint(parent_locations(each))]
        known |= met
        for each in met:
            known |= self._inside.get(each, set())
        return sorted(gone)

    def is_settled(self, row: SourceRow) -> bool:
        """Whether nothing in it waits to be read again; of what is no archive, nothing does."""
        return all(
            each.state in (DocumentState.DONE, DocumentState.SKIPPED, DocumentState.GONE) for each in self.inside(row)
        )

    def holds(self, row: SourceRow, mark: Fingerprint) -> bool:
        """Whether the crystal has all of a file with these bytes that this row is of."""
        if row.state not in WHOLE or row.digest != mark.digest:
            return False
        # Which members of an archive that was gone were in it when it went, the ledger does not say.
        return row.kind != "archive" or (row.state == DocumentState.DONE and self.is_settled(row))

    # --- what is gone, and what has moved -------------------------------------------------------------

    def mark_gone(
        self,
        paths: Sequence[Path],
        met: Sequence[FoundFile | SkippedPath],
        chosen: FolderRules,
        near: ChangedPaths | None,
    ) -> None:
        """Sources under the folders asked for that the walk no longer met, unless it could not look where they were."""
        asked = tuple(self._below(asked_place(path)) for path in paths if path.is_dir())
        closed = tuple(
            self._below(each.path)
            for each in met
            if isinstance(each, SkippedPath)
            and (not each.chosen or each.code == Reason.INSTALLED_PACKAGES)
            and not os.path.islink(each.path)  # noqa: PTH114
        )
        here = {self.location(each.path) for each in met}
        for location, source in list(self._by_location.items()):
            place = str(path_at_location(location, self._home))
            if (
                source.state != DocumentState.GONE
                and location not in here
                and (place.startswith(asked) or (near is not None and place in near.named))
                and not place.startswith(closed)
                and not is_piped(location)
                and (near is None or near.holds(place))
                and not any(each.location in here for each in self._archives_over(location))
            ):
                if chosen.leaves_out(place):
                    self.left_out += source.chunks > 0
                else:
                    self.mark_gone_at(location)

    def mark_gone_at(self, location: str) -> None:
        """What was read from there is no longer there."""
        source = self._by_location[location]
        if source.state != DocumentState.GONE:
            if source.kind != "archive":
                self.gone.append((source.path, Change.GONE))
            self.enter(no_longer_read(source, DocumentState.GONE))

    def moved_here(self, found: FoundFile, location: str, mark: Fingerprint) -> SourceRow | None:
        """The source of that name with the same bytes, when its file is no longer where it was: the folder has been moved."""
        old = self._by_location.get(self._names.get(found.relative, ""))
        if is_piped(location) or old is None or old.digest != mark.digest:
            return None
        if old.state not in WHOLE or not self._vanished(old):
            return None
        del self._by_location[old.location]
        self._names[old.path] = location
        root = self.location(found.root)
        for each in self.inside(old):
            moved = each._replace(location=location + each.location.removeprefix(old.location), root=root)
            if moved.location not in self._by_location:
                del self._by_location[each.location]
                self._names[each.path] = moved.location
                self._inside.setdefault(location, set()).add(moved.location)
                self.enter(moved)
        return old._replace(location=location, root=root)

    def prune(self, chosen: FolderRules) -> int:
        """Drop the documents whose files are gone, wherever they were, and forget the folders that are; how many."""
        pruned = 0
        with self._store.transaction():
            for key, value in chosen.notes_without_missing().items():
                self._store.set_meta(key, value)
            for source in self._store.sources():
                if source.state == DocumentState.GONE:
                    self._store.clear_source(source.id)
                    self._store.drop_source(source.id)
                    pruned += 1
        return pruned

    # --- names and places -----------------------------------------------------------------------------

    def _name(self, each: FoundFile | SkippedPath, location: str) -> str:
        """What the file is cited as: its path under the folder that was asked for, made unique by that folder's name."""
        name, count = each.relative, 1
        while self._names.get(name, location) != location:
            taken = self._by_location.get(self._names[name])
            if taken is not None and self._vanished(taken):
                self._free_name(taken)
                break
            name = f"{each.root.name}/{each.relative}" if count == 1 else f"{each.root.name}~{count}/{each.relative}"
            count += 1
        self._names[name] = location
        return name

    def _free_name(self, old: SourceRow) -> None:
        """A file that is gone leaves its name to the one that now has it; what was read of it stays until it is pruned."""
        if old.state != DocumentState.GONE:
            self.gone.append((old.path, Change.GONE))
        freed = no_longer_read(old, DocumentState.GONE)._replace(path=f"{old.path} (gone, {old.id})")
        self._names[freed.path] = freed.location
        self.enter(freed)

    def _vanished(self, source: SourceRow) -> bool:
        if is_piped(source.location):
            return False
        try:
            path_at_location(source.location, self._home).lstat()
        except FileNotFoundError:
            return True
        except (
            NotADirectoryError
        ):  # what is in an archive is there while the archive is, until that has been found to lack it
            archives = self._archives_over(source.location)
            return source.state == DocumentState.GONE or not archives or self._vanished(archives[-1])
        except OSError:
            pass  # who knows
        return False

    def _archives_over(self, location: str) -> list[SourceRow]:
        """The archives that a file is in, innermost first."""
        rows = (self._by_location.get(each) for each in parent_locations(location))
        return [row for row in rows if row is not None and row.kind == "archive"]

    def _below(self, folder: Path) -> str:
        """How the path of everything in a folder begins."""
        return os.path.join(os.path.normpath(folder.absolute()), "")  # noqa: PTH118 - one slash at its end


def no_longer_read(source: SourceRow, state: DocumentState) -> SourceRow:
    """The row of a source whose file cannot be read. Of one that was never read to its end, the digest would say too much."""
    return source._replace(state=state, digest=b"" if source.state == DocumentState.PARTIAL else source.digest)
