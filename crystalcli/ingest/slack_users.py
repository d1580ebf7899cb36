"""Which chats say other names now, although their files have not changed: exports of Slack keep who is who in a file beside them.

Knows where such a file stands. Does not know what is in it (`crystalcli.text.formats.chats.chat_reader` does).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from crystalcli.errors import CrystalError
from crystalcli.ingest.ledger import Ledger
from crystalcli.storage import SourceRow
from crystalcli.text import SLACK_USERS_FILE, FoundFile, SkippedPath, survey_file


class SlackUsers:
    """The folders whose `users.json` is another than the one that the chats in them were read with."""

    def __init__(self) -> None:
        self._folders: set[Path] = set()

    def expect(self, met: Iterable[FoundFile | SkippedPath], ledger: Ledger) -> None:
        """Look at those that a walk has met. Raises nothing: one that cannot be read says no names."""
        for each in met:
            if isinstance(each, FoundFile) and each.path.name == SLACK_USERS_FILE:
                before = ledger.at(ledger.location(each.path))
                if before is None or not _is_as_read(each, before):
                    self._folders.add(each.path.parent)

    def note(self, path: Path) -> None:
        """A file is read: where it is one of them, what is read after it in its folder may have other names."""
        if path.name == SLACK_USERS_FILE:
            self._folders.add(path.parent)

    def rename(self, found: FoundFile, before: SourceRow) -> bool:
        """Whether they say other names for those who wrote in a file that was read before."""
        folders = found.path.parent, found.path.parent.parent
        return before.kind == "chat" and not self._folders.isdisjoint(folders) and found.path.suffix.lower() == ".json"


def users_first(met: list[FoundFile | SkippedPath]) -> list[FoundFile | SkippedPath]:
    """The same with these files last: one that has been read says that all chats have been read with it."""
    return sorted(met, key=lambda each: each.path.name == SLACK_USERS_FILE)


def _is_as_read(found: FoundFile, before: SourceRow) -> bool:
    if (before.size, before.mtime_ns) == (found.size, found.mtime_ns):
        return True
    try:
        return survey_file(found.path).fingerprint.digest == before.digest
    except CrystalError:  # the chats are read with what it says now
        return False
