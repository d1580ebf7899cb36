"""The ledger of a crystal while an ingest changes it.

Rows that are entered wait for `write`, which belongs into the transaction that writes the text that
they describe.

Knows: rows of `source`, names, locations, which files have moved and which are gone. Does not know:
contents of files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Sequence
from pathlib import Path

from crystalcli.datatypes import Change, DocumentState, Doubt, Fingerprint
from crystalcli.errors import Reason
from crystalcli.ingest.folder_rules import FolderRules
from crystalcli.ingest.locations import PIPED, home_of, is_piped, location_of, parent_locations, path_at_location
from crystalcli.storage import PACKED_SINCE, SourceRow, Store, landmarks_of_kind
from crystalcli.text import ChangedPaths, FoundFile, SkippedPath, asked_place, reader_version, readers_digest

HOLDERS = frozenset(("archive", "mail", "notes"))  # kinds of documents that hold files
READERS_KEY = "readers"  # of `meta`: the digest of the readers of the last ingest of folders
# Reasons why a file was not read that may not hold for other readers.
_MAY_BE_READ_LATER = frozenset((Reason.UNSUPPORTED, Reason.NOT_TEXT, Reason.NO_TEXT, Reason.DAMAGED))
# States in which `digest` is that of the text that the crystal holds, if it holds any.
_WHOLE = (DocumentState.DONE, DocumentState.GONE, DocumentState.FAILED)


class Ledger:
    """The ledger of one crystal, by location and by name.

    Attributes:
        gone: The documents that this run has found to be gone, as (path, Change.GONE).
        left_out: The number of documents that stay as they were read, since filters leave their
            files out now.
        meta_changes: The values to write into `meta` at the next commit.
        piped: The names of documents without a file of their own, by the temporary file: those from
            standard input, and from web addresses.
    """

    def __init__(self, store: Store) -> None:
        """Load the rows of a crystal."""
        self.gone: list[tuple[str, Change]] = []
        self.left_out = 0
        self.meta_changes: dict[str, str] = {}
        self.piped: dict[Path, str] = {}
        self._store = store
        self._home = home_of(store.path)
        self._by_location = {row.location: row for row in store.sources()}
        self._names = {row.path: row.location for row in self._by_location.values()}
        self._pending: list[SourceRow] = []  # rows for the next commit
        # Locations of all members of each archive or mail, at any depth, by its location.
        self._members: dict[str, set[str]] = {}
        holders = {row.location for row in self._by_location.values() if row.kind in HOLDERS}
        for location in self._by_location if holders else ():
            for folder in parent_locations(location):
                if folder in holders:
                    self._members.setdefault(folder, set()).add(location)
        self._old_readers = read_by_older_readers(store, list(self._by_location.values()))
        self._read_now: set[int] = set()
        self._readers = readers_digest()
        self._tried_with = _digests_noted(store.meta().get(READERS_KEY, ""))
        self._next_id = 1 + max((row.id for row in self._by_location.values()), default=0)

    @property
    def has_pending(self) -> bool:
        """True if rows wait to be written."""
        return bool(self._pending)

    def row_at(self, location: str) -> SourceRow | None:
        """Return the row of a location; None without one."""
        return self._by_location.get(location)

    def location(self, path: Path) -> str:
        """Return the location of a path, which may be a temporary file."""
        if path in self.piped:
            return PIPED + self.piped[path]
        return location_of(path, self._home)

    def new_row(self, entry: FoundFile | SkippedPath, location: str) -> SourceRow:
        """Make a row with a unique name for a file without one; it has no id and is not entered."""
        name = self._unique_name(entry, location)
        root = PIPED if is_piped(location) else self.location(entry.root)
        return SourceRow(0, name, location, root, state=DocumentState.SKIPPED)

    def with_id(self, row: SourceRow) -> SourceRow:
        """Return the row with an id: its own, or the next free one."""
        if not row.id:
            row = row._replace(id=self._next_id)
            self._next_id += 1
        return row

    def new_id(self) -> int:
        """Take the next free id, for a document that is written without being entered."""
        return self.with_id(SourceRow(0, "", "", "")).id

    def is_taken(self, name: str) -> bool:
        """Tell whether a document has a name, or will have it at the next commit."""
        return name in self._names

    def learn(self, row: SourceRow) -> None:
        """Note a row that was written without being entered."""
        self._by_location[row.location] = row
        self._names[row.path] = row.location

    def enter(self, row: SourceRow) -> SourceRow:
        """Enter a row, which the next commit writes, and return it with its id."""
        row = self.with_id(row)
        if self._by_location.get(row.location) != row:  # thousands of images are skipped again
            self._by_location[row.location] = row
            self._pending.append(row)
        return row

    def remember(self, row: SourceRow) -> None:
        """Note the present state of a row that the caller writes, or takes back."""
        self._by_location[row.location] = row

    def write(self) -> None:
        """Write everything that waits, inside a transaction."""
        for key, value in self.meta_changes.items():
            self._store.set_meta(key, value)
        self.meta_changes.clear()
        for row in self._pending:
            self._store.put_source(row)
        self._pending.clear()

    # --- readers ----------------------------------------------------------------------------------

    def note_read(self, number: int) -> None:
        """Note that a source is read in this run."""
        self._read_now.add(number)

    def may_be_read_better(self, row: SourceRow, *, reread: bool = False) -> bool:
        """Tell whether a file, or one in it, was read by an older reader and not in this run.

        Args:
            row: The row of the file.
            reread: Whether all files count as read by an older reader, also those that could not be
                read.
        """
        numbers = {one.id for one in self._with_members(row) if reread or one.id in self._old_readers}
        return not numbers <= self._read_now

    def may_gain_reader(self, row: SourceRow) -> bool:
        """Tell whether a file, or one in it, could not be read by those of the last ingest."""
        if self._tried_with.get(row.root) == self._readers or not self._has_unread(row):
            return False
        places = (row.location, *parent_locations(row.location))
        return all(self._tried_with.get(place) != self._readers for place in places)

    def _has_unread(self, row: SourceRow) -> bool:
        """Tell whether a file, or one in it, could not be read, and other readers may read it."""
        return any(
            one.state == DocumentState.SKIPPED and one.code in _MAY_BE_READ_LATER for one in self._with_members(row)
        )

    def _with_members(self, row: SourceRow) -> tuple[SourceRow, ...]:
        return (row, *self.members_of(row)) if row.kind in HOLDERS else (row,)

    def note_readers(self, paths: Sequence[Path]) -> None:
        """Note that all files of the folders of a walk have been tried with these readers.

        Also the archives and mails that were named, and hold files that could not be read: they are
        not read again for these.
        """
        roots = {self.location(asked_place(path)) for path in paths if path.is_dir()}
        for path in paths:
            row = self._by_location.get(self.location(asked_place(path)))
            if row is not None and row.kind in HOLDERS and self._has_unread(row):
                roots.add(row.location)
        noted = self._tried_with | dict.fromkeys(sorted(roots), self._readers)
        if noted != self._tried_with:
            self.meta_changes[READERS_KEY] = json.dumps(noted, ensure_ascii=False)

    # --- archives ---------------------------------------------------------------------------------

    def members_of(self, archive: SourceRow) -> list[SourceRow]:
        """Return the rows in an archive or a mail, at any depth, archives among them."""
        members = self._members.get(archive.location, set())
        return [self._by_location[member] for member in sorted(members) if member in self._by_location]

    def kept_documents(self, row: SourceRow) -> list[SourceRow]:
        """Return the rows to count for a file that stays: those with text, its members' too."""
        if row.kind not in HOLDERS or row.state == DocumentState.SKIPPED:
            return [row]
        return [
            kept
            for kept in (row, *self.members_of(row))
            if kept.state == DocumentState.SKIPPED or (kept.state == DocumentState.DONE and kept.kind != "archive")
        ]

    def note_members(self, location: str, seen: set[str]) -> list[str]:
        """Remember the members that an archive has now.

        Args:
            location: The location of the archive.
            seen: The locations of its members, of which those in archives below it may be absent.

        Returns:
            The locations of former members that it no longer has, sorted.
        """
        known = self._members.setdefault(location, set())
        removed = [member for member in known - seen if seen.isdisjoint(parent_locations(member))]
        known |= seen
        for member in seen:
            known |= self._members.get(member, set())
        return sorted(removed)

    def has_settled_members(self, row: SourceRow) -> bool:
        """Tell whether no member waits to be read again; True for a file without members."""
        settled = (DocumentState.DONE, DocumentState.SKIPPED, DocumentState.GONE)
        return all(member.state in settled for member in self.members_of(row))

    def has_doubt(self, row: SourceRow, codes: Collection[str]) -> bool:
        """Tell whether a document was read with one of some doubts."""
        labels = landmarks_of_kind(self._store, [row.id], "doubt") if row.chunks else []
        return any(doubt.code in codes for _, _, label in labels for doubt in Doubt.parse(label))

    def holds(self, row: SourceRow, fingerprint: Fingerprint) -> bool:
        """Tell whether the crystal holds all of a file.

        Args:
            row: The row of the file.
            fingerprint: The file's present bytes.
        """
        if row.state not in _WHOLE or row.digest != fingerprint.digest:
            return False
        # The ledger does not say which members a gone archive had when it went.
        has_members = row.kind == "archive" or bool(self.members_of(row))
        return not has_members or (row.state == DocumentState.DONE and self.has_settled_members(row))

    # --- gone and moved files ---------------------------------------------------------------------

    def mark_gone(
        self,
        paths: Sequence[Path],
        entries: Sequence[FoundFile | SkippedPath],
        rules: FolderRules,
        changed_paths: ChangedPaths | None,
    ) -> None:
        """Mark sources that a walk should have met and did not, unless it could not look there.

        Args:
            paths: The files and folders of the walk.
            entries: Everything that it met.
            rules: The filters of the folders; a file that they leave out is not gone.
            changed_paths: The only paths that the walk looked at; None: it looked at all.
        """
        roots = tuple(_prefix(asked_place(path)) for path in paths if path.is_dir())
        unreadable = tuple(
            _prefix(entry.path)
            for entry in entries
            if isinstance(entry, SkippedPath)
            and (not entry.chosen or entry.code == Reason.INSTALLED_PACKAGES)
            and not os.path.islink(entry.path)  # noqa: PTH114
        )
        present = {self.location(entry.path) for entry in entries}
        for location, row in list(self._by_location.items()):
            path = str(path_at_location(location, self._home))
            if (
                row.state != DocumentState.GONE
                and location not in present
                and (path.startswith(roots) or (changed_paths is not None and path in changed_paths.named))
                and not path.startswith(unreadable)
                and not _is_hidden(path, roots)
                and not is_piped(location)
                and (changed_paths is None or changed_paths.holds(path))
                and not any(archive.location in present for archive in self._archives_over(location))
            ):
                if rules.leaves_out(path):
                    self.left_out += row.chunks > 0
                else:
                    self.mark_gone_at(location)

    def mark_gone_at(self, location: str) -> None:
        """Mark the source of a location as gone; its text stays."""
        row = self._by_location[location]
        if row.state != DocumentState.GONE:
            if row.kind != "archive":
                self.gone.append((row.path, Change.GONE))
            self.enter(unread_row(row, DocumentState.GONE))

    def claim_moved(self, file: FoundFile, location: str, fingerprint: Fingerprint) -> SourceRow | None:
        """Take over the row of a file whose folder was moved, its members with it.

        That is the row of the same name and bytes, if its file is no longer where it was.

        Args:
            file: The file at its new place.
            location: The location there, which has no row.
            fingerprint: Its bytes.

        Returns:
            The row at its new location, not entered; None if the file was not moved.
        """
        old = self._by_location.get(self._names.get(file.relative, ""))
        if is_piped(location) or old is None or old.digest != fingerprint.digest:
            return None
        if old.state not in _WHOLE or not self._vanished(old):
            return None
        del self._by_location[old.location]
        self._names[old.path] = location
        root = self.location(file.root)
        if old.root in self._tried_with:  # what could not be read there cannot here
            self._tried_with.setdefault(root, self._tried_with[old.root])
        for member in self.members_of(old):
            moved = member._replace(location=location + member.location.removeprefix(old.location), root=root)
            if moved.location not in self._by_location:
                del self._by_location[member.location]
                self._names[member.path] = moved.location
                self._members.setdefault(location, set()).add(moved.location)
                self.enter(moved)
        return old._replace(location=location, root=root)

    def prune(self, rules: FolderRules) -> int:
        """Drop documents of gone files, forget gone folders, and return the number of documents."""
        pruned = 0
        with self._store.transaction():
            for key, value in rules.meta_without_missing().items():
                self._store.set_meta(key, value)
            for row in self._store.sources():
                if row.state == DocumentState.GONE:
                    self._store.clear_source(row.id)
                    self._store.drop_source(row.id)
                    pruned += 1
        return pruned

    # --- names ------------------------------------------------------------------------------------

    def _unique_name(self, entry: FoundFile | SkippedPath, location: str) -> str:
        """Take a name for a file: its path under its root, with the root's name if need be."""
        name, count = entry.relative, 1
        while self._names.get(name, location) != location:
            owner = self._by_location.get(self._names[name])
            if owner is not None and self._vanished(owner):
                self._free_name(owner)
                break
            name = (
                f"{entry.root.name}/{entry.relative}" if count == 1 else f"{entry.root.name}~{count}/{entry.relative}"
            )
            count += 1
        self._names[name] = location
        return name

    def _free_name(self, old: SourceRow) -> None:
        """Rename the document of a gone file, whose name another takes; its text stays."""
        if old.state != DocumentState.GONE:
            self.gone.append((old.path, Change.GONE))
        freed = unread_row(old, DocumentState.GONE)._replace(path=f"{old.path} (gone, {old.id})")
        self._names[freed.path] = freed.location
        self.enter(freed)

    def _vanished(self, row: SourceRow) -> bool:
        """Tell whether a source's file is certainly no longer where it was."""
        if is_piped(row.location):
            return False
        try:
            path_at_location(row.location, self._home).lstat()
        except FileNotFoundError:
            return True
        except NotADirectoryError:
            # A member exists while its archive does, until the archive has been read without it.
            archives = self._archives_over(row.location)
            return row.state == DocumentState.GONE or not archives or self._vanished(archives[-1])
        except OSError:
            pass  # unknown
        return False

    def _archives_over(self, location: str) -> list[SourceRow]:
        """Return the archives and mails that a location is in, innermost first."""
        rows = (self._by_location.get(parent) for parent in parent_locations(location))
        return [row for row in rows if row is not None and row.kind in HOLDERS]


def read_by_older_readers(store: Store, sources: Sequence[SourceRow]) -> frozenset[int]:
    """Return the ids of documents that were read by older readers than those of this program.

    Documents without a version, of programs that wrote none, are not among them.
    """
    kinds = {source.id: source.kind for source in sources if source.chunks}
    versions = {source.id: source.reader for source in sources if source.chunks and source.reader}
    if store.format < PACKED_SINCE:
        labels = landmarks_of_kind(store, list(kinds), "reader")
        versions |= {number: int(label) for number, _, label in labels if label.isdecimal()}
    return frozenset(number for number, version in versions.items() if version < reader_version(kinds[number]))


def _digests_noted(value: str) -> dict[str, str]:
    """Parse what `meta` says of readers; what it does not say is found out by trying again."""
    try:
        noted = json.loads(value) if value else {}
    except (ValueError, RecursionError):
        noted = {}
    return noted if isinstance(noted, dict) else {}


def has_same_stat(row: SourceRow, size: int, mtime_ns: int) -> bool:
    """Tell whether a file's size and time of modification are those of its row."""
    return (row.size, row.mtime_ns) == (size, mtime_ns)


def unread_row(row: SourceRow, state: DocumentState) -> SourceRow:
    """Return the row of a source whose file cannot be read, in a new state.

    Without a digest if the source was never read to its end: its text is not that of the digest.
    """
    return row._replace(state=state, digest=b"" if row.state == DocumentState.PARTIAL else row.digest)


def _is_hidden(path: str, roots: tuple[str, ...]) -> bool:
    """Tell whether a walk passes a path over, since it is in a hidden folder that it did not name.

    Args:
        path: The path.
        roots: The folders of the walk, as of `_prefix`.
    """
    root = max((root for root in roots if path.startswith(root)), key=len, default=path)
    return any(part.startswith(".") for part in Path(path[len(root) :]).parts)


def _prefix(folder: Path) -> str:
    """Return the string that the paths of everything in a folder begin with."""
    return os.path.join(os.path.normpath(folder.absolute()), "")  # noqa: PTH118 - one slash at its end
