"""Renamed users of Slack exports, whose chats must be read again.

An export keeps the names of users in a file beside the chats, so that a chat's text changes
although its file does not.

Knows: the path of the users file. Does not know: its contents
(`crystalcli.text.formats.chats.chat_reader` does).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.ingest.ledger import Ledger, has_same_stat
from crystalcli.storage import SourceRow
from crystalcli.text import SLACK_USERS_FILE, FoundFile, SkippedPath, survey_file


class SlackUsers:
    """The folders whose `users.json` has changed since the chats in them were read."""

    def __init__(self) -> None:
        """Start with no folders."""
        self._folders: set[Path] = set()

    def note_walk(self, entries: Iterable[FoundFile | SkippedPath], ledger: Ledger) -> None:
        """Compare users files of a walk with the ledger; an unreadable one counts as changed."""
        for entry in entries:
            if isinstance(entry, FoundFile) and entry.path.name == SLACK_USERS_FILE:
                row = ledger.row_at(ledger.location(entry.path))
                if row is None or not _is_as_read(entry, row):
                    self._folders.add(entry.path.parent)

    def note_read(self, path: Path) -> None:
        """Note that a file is read; after a users file, names in its folder may have changed."""
        if path.name == SLACK_USERS_FILE:
            self._folders.add(path.parent)

    def changes_names(self, file: FoundFile, row: SourceRow) -> bool:
        """Tell whether names may have changed in a chat.

        Args:
            file: The file.
            row: Its row in the ledger.
        """
        folders = file.path.parent, file.path.parent.parent
        return row.kind == "chat" and not self._folders.isdisjoint(folders) and file.path.suffix.lower() == ".json"


def users_last(entries: Iterable[FoundFile | SkippedPath]) -> list[FoundFile | SkippedPath]:
    """Sort the users files of a walk to its end: one that is `done` vouches for all its chats."""
    return sorted(entries, key=lambda entry: entry.path.name == SLACK_USERS_FILE)


def _is_as_read(file: FoundFile, row: SourceRow) -> bool:
    if has_same_stat(row, file.size, file.mtime_ns):
        return True
    try:
        return survey_file(file.path).fingerprint.digest == row.digest
    except CrystalError:  # the chats are read with its present contents
        return False
