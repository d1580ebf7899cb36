"""Staleness of files: which must be read, judged by the ledger and, if need be, by their bytes.

Used by ingest, by the dry run and by `status`. Never writes to the crystal.

Knows: rows of the ledger, sizes, times and digests of files. Does not know: chunks, segments.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import DocumentState, FileState, Fingerprint, Reading
from crystalcli.errors import MACHINE_MADE, READ_BY_OCR, Reason, SourceError
from crystalcli.ingest.ledger import Ledger, has_same_stat
from crystalcli.ingest.slack_users import SlackUsers
from crystalcli.storage import SourceRow
from crystalcli.text import (
    FileFilter,
    FoundFile,
    ReadAhead,
    ReadOptions,
    SkippedPath,
    by_content,
    may_open,
)

_LOOK_AHEAD = 32  # files of a walk that are looked at for the next to parse


class Verdict(Enum):
    """The judgement on a file of a walk, before it is opened."""

    SETTLED = "settled"  # the row says everything; the file need not be opened
    STALE = "stale"  # to be opened: its bytes decide
    LEFT_OUT = "left out"  # by a filter; the text of an earlier ingest stays
    REFUSED = "refused"  # by the walk, and the crystal has no text of it


class WalkedFile(NamedTuple):
    """A file of a walk, judged by the ledger.

    Attributes:
        entry: The file as the walk met it; a FoundFile if the verdict is SETTLED or STALE, else a
            SkippedPath.
        location: Its location.
        row: Its row in the ledger; never None if the verdict is SETTLED.
        verdict: The judgement.
    """

    entry: FoundFile | SkippedPath
    location: str
    row: SourceRow | None
    verdict: Verdict


class FileCheck(NamedTuple):
    """A file that has been opened.

    Attributes:
        fingerprint: Its bytes.
        reading: The way to its text.
        row: Its row in the ledger, or that of the file that it was before its folder was moved.
        is_held: Whether the crystal holds all of it as it is now.
    """

    fingerprint: Fingerprint
    reading: Reading
    row: SourceRow | None
    is_held: bool


class ChangeDetector:
    """Decides which files must be read, by one ledger."""

    def __init__(self, ledger: Ledger, options: ReadOptions, jobs: int = 1) -> None:
        """Start a run.

        Args:
            ledger: The ledger, which may change during the run.
            options: How files are read in this run.
            jobs: The number of files that are parsed at a time.
        """
        self._ledger, self._options = ledger, options
        self._ahead = ReadAhead(options, jobs)
        self._users = SlackUsers()

    def judge(self, entries: Sequence[FoundFile | SkippedPath]) -> Iterator[WalkedFile]:
        """Judge the files of a walk, in their order, none of them opened.

        Each file is judged when it is asked for, by the ledger as it is then.
        """
        self._users.note_walk(entries, self._ledger)
        try:
            for number, entry in enumerate(entries):
                location = self._ledger.location(entry.path)
                row = self._ledger.row_at(location)
                verdict = self._verdict(entry, row)
                if verdict is Verdict.STALE:
                    self._parse_ahead(entries[number + 1 : number + 1 + _LOOK_AHEAD])
                yield WalkedFile(entry, location, row, verdict)
        finally:
            self._ahead.close()

    def _parse_ahead(self, entries: Sequence[FoundFile | SkippedPath]) -> None:
        """Begin to parse the next of some files that are stale as well."""
        for entry in entries if self._ahead.room > 0 else ():
            if isinstance(entry, FoundFile) and self._ahead.is_worthwhile(entry.path):
                row = self._ledger.row_at(self._ledger.location(entry.path))
                if self._verdict(entry, row) is Verdict.STALE:
                    self._ahead.begin(entry.path, ocr=entry.ocr)
                    if self._ahead.room <= 0:
                        return

    def open_file(self, file: FoundFile, location: str) -> FileCheck:
        """Open a file and compare its bytes with the ledger.

        Args:
            file: The file.
            location: Its location.

        Raises:
            SourceError: The file cannot be read, or is not to be read for its contents.
        """
        fingerprint, reading = self._ahead.open(file.path, ocr=file.ocr)
        known = self._ledger.row_at(location)
        is_new = known is None or not known.chunks
        if reading.kind == "code" and not file.wanted and is_new and (refusal := by_content(file.path)):
            raise SourceError(*refusal)
        row = known or self._ledger.claim_moved(file, location, fingerprint)
        is_held = row is not None and self._ledger.holds(row, fingerprint) and not self._reads_more(file, row)
        if row is not None and is_held:
            is_held = not self._users.changes_names(file, row)
        else:
            self._users.note_read(file.path)
        return FileCheck(fingerprint, reading, row, is_held)

    def _verdict(self, entry: FoundFile | SkippedPath, row: SourceRow | None) -> Verdict:
        if isinstance(entry, SkippedPath):
            is_left_out = entry.chosen and row is not None and row.chunks > 0
            return Verdict.LEFT_OUT if is_left_out else Verdict.REFUSED
        return Verdict.SETTLED if row is not None and self._is_settled(entry, row) else Verdict.STALE

    def _is_settled(self, file: FoundFile, row: SourceRow) -> bool:
        if row.state not in (DocumentState.DONE, DocumentState.SKIPPED) or self._users.changes_names(file, row):
            return False
        is_reconsidered = file.wanted and row.code in MACHINE_MADE
        return (
            has_same_stat(row, file.size, file.mtime_ns)
            and not is_reconsidered
            and self._ledger.has_settled_members(row)
            and not self._reads_more(file, row)
        )

    def _reads_more(self, file: FoundFile, row: SourceRow) -> bool:
        """Tell whether the options or readers of this run may read more of a file than before."""
        return (
            self._unlocks(row)
            or (file.ocr and self._awaits_ocr(row))
            or self._ledger.may_be_read_better(row, reread=self._options.reread)
            or self._ledger.may_gain_reader(row)
        )

    def _awaits_ocr(self, row: SourceRow) -> bool:
        """Tell whether a file, or a member of it, is a picture of text that was not read as one.

        Pictures in mails and notes were left out by their names.
        """
        members = self._ledger.members_of(row)
        return any(member.code == Reason.IMAGE for member in members) or any(
            one.code in READ_BY_OCR or (one.kind == "pdf" and self._ledger.has_doubt(one, READ_BY_OCR))
            for one in (row, *members)
        )

    def _unlocks(self, row: SourceRow) -> bool:
        """Tell whether the password may open a file or member that was left out as encrypted."""
        if not self._options.password:
            return False
        return any(may_open(member.code, self._options) for member in (row, *self._ledger.members_of(row)))


def file_state(
    row: SourceRow, path: Path, entry: FoundFile | SkippedPath | None, root: Path | None, file_filter: FileFilter
) -> FileState:
    """Compare a source with its file, as a walk of its folder met it.

    A file whose size and time are those of the row is taken as the same; of others the bytes are
    hashed.

    Args:
        row: The row of the source.
        path: The path of its file.
        entry: The file as the walk met it; None if it did not.
        root: The folder of the source, if it was walked; None otherwise, and the file is looked up.
        file_filter: The filter of that folder.
    """
    if isinstance(entry, SkippedPath):
        if row.state == DocumentState.SKIPPED:
            return FileState.SAME
        return FileState.LEFT_OUT if entry.chosen else FileState.CHANGED
    if entry is None and root is not None:
        relative = os.path.relpath(path, root).replace(os.sep, "/")
        is_left_out = file_filter.leaves_out(relative) and os.path.lexists(path)
        return FileState.LEFT_OUT if is_left_out else FileState.GONE
    try:
        stat = path.stat()
        if not path.is_file():
            return FileState.GONE
        if has_same_stat(row, stat.st_size, stat.st_mtime_ns):
            return FileState.SAME
        is_same = row.digest and _sha256(path) == row.digest
        return FileState.SAME if is_same else FileState.CHANGED
    except (FileNotFoundError, NotADirectoryError):
        return FileState.GONE
    except (OSError, ValueError):
        return FileState.UNREADABLE


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
