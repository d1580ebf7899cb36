"""Whether a file is to be read: what the ledger says of it, and a look at its bytes where that does not settle it.

An ingest goes by this, and so does what foretells one. Reads nothing into a crystal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from crystalcli.errors import MACHINE_MADE, SourceError
from crystalcli.ingest.ledger import Ledger
from crystalcli.ingest.slack_users import SlackUsers
from crystalcli.storage import SourceRow
from crystalcli.text import FoundFile, ReadOptions, SkippedPath, by_content, may_open, open_source
from crystalcli.types import DocumentState, Fingerprint, Reading


class FileCheck(NamedTuple):
    """A file that has been looked at. before: its row in the ledger; is_held: the crystal has all of it, as it is now."""

    mark: Fingerprint
    reading: Reading
    before: SourceRow | None
    is_held: bool


class ChangeDetector:
    """What is to be read, by one ledger. options: how files are read this time."""

    def __init__(self, ledger: Ledger, options: ReadOptions) -> None:
        self._ledger, self._options = ledger, options
        self._people = SlackUsers()

    def expect(self, met: Iterable[FoundFile | SkippedPath]) -> None:
        """What a walk has met, before any of it is asked about."""
        self._people.expect(met, self._ledger)

    def is_settled(self, found: FoundFile, before: SourceRow) -> bool:
        """Whether the ledger's row of a file says all there is to know, so that it need not be opened."""
        if before.state not in (DocumentState.DONE, DocumentState.SKIPPED) or self._people.rename(found, before):
            return False
        as_it_was = (before.size, before.mtime_ns) == (found.size, found.mtime_ns)
        asked_again = found.wanted and before.code in MACHINE_MADE
        return as_it_was and not asked_again and self._ledger.is_settled(before) and not self._opens(before)

    def look_at(self, found: FoundFile, location: str) -> FileCheck:
        """Open a file and hold its bytes against the ledger. Raises SourceError for one that is not to be read."""
        mark, reading = open_source(found.path, self._options)
        known = self._ledger.at(location)
        is_new = known is None or not known.chunks
        if reading.kind == "code" and not found.wanted and is_new and (refusal := by_content(found.path)):
            raise SourceError(*refusal)
        before = known or self._ledger.moved_here(found, location, mark)
        is_held = before is not None and self._ledger.holds(before, mark) and not self._opens(before)
        if before is not None and is_held:
            is_held = not self._people.rename(found, before)
        else:
            self._people.note(found.path)
        return FileCheck(mark, reading, before, is_held)

    def _opens(self, before: SourceRow) -> bool:
        """Whether a password is given for it, or for what is in it, that was left out without one, or with another."""
        if not self._options.password:
            return False
        return any(may_open(row.code, self._options) for row in (before, *self._ledger.inside(before)))
