"""Whether a file is to be read: what the ledger says of it, and a look at its bytes where that does not settle it.

An ingest goes by this, and so does what foretells one. Reads nothing into a crystal.
"""

from __future__ import annotations

from typing import NamedTuple

from crystalcli.errors import SourceError
from crystalcli.memory.ledger import Ledger
from crystalcli.storage.rows import Source
from crystalcli.text.asked import Options, may_open
from crystalcli.text.machine_made import REASONS, by_content
from crystalcli.text.readers import open_source
from crystalcli.text.walk import Found
from crystalcli.types import Fingerprint, Reading


class Look(NamedTuple):
    """A file that has been looked at. before: its row in the ledger; is_held: the crystal has all of it, as it is now."""

    mark: Fingerprint
    reading: Reading
    before: Source | None
    is_held: bool


def is_settled(ledger: Ledger, found: Found, before: Source | None, options: Options) -> bool:
    """Whether the ledger's row of a file says all there is to know, so that it need not be opened."""
    if before is None or before.state not in ("done", "skipped"):
        return False
    as_it_was = (before.size, before.mtime_ns) == (found.size, found.mtime_ns)
    asked_again = found.wanted and before.reason in REASONS
    return as_it_was and not asked_again and ledger.is_settled(before) and not _opens(ledger, before, options)


def look_at(ledger: Ledger, found: Found, location: str, options: Options) -> Look:
    """Open a file and hold its bytes against the ledger. Raises SourceError for one that is not to be read."""
    mark, reading = open_source(found.path, options)
    known = ledger.at(location)
    is_new = known is None or not known.chunks
    if reading.kind == "code" and not found.wanted and is_new and (why := by_content(found.path)):
        raise SourceError(why)
    before = known or ledger.moved_here(found, location, mark)
    is_held = before is not None and ledger.holds(before, mark) and not _opens(ledger, before, options)
    return Look(mark, reading, before, is_held)


def _opens(ledger: Ledger, before: Source, options: Options) -> bool:
    """Whether a password is given for it, or for what is in it, that was left out without one, or with another."""
    return bool(options.password) and any(may_open(row.reason, options) for row in (before, *ledger.inside(before)))
