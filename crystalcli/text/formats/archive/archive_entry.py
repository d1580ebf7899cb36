"""Entries of an archive, and the limits on unpacking them.

Knows sizes, counts and the reasons to refuse an entry. Does not know any format of archives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crystalcli.errors import Reason, Refusal, SourceError

MAX_ARCHIVE_DEPTH = 3  # archives in archives
MAX_FILES = 10_000
MAX_UNPACKED_BYTES = 2 << 30  # of an archive and all archives in it
MAX_MEMBER_BYTES = 1 << 30
# An archive is a bomb when it unpacks to more than MAX_RATIO times its size; the first bytes do not
# count.
MAX_RATIO, RATIO_FREE_BYTES = 200, 64 << 20

TOO_DEEP = Refusal(f"archives nested more than {MAX_ARCHIVE_DEPTH} deep", Reason.NESTED_TOO_DEEPLY)
TOO_MANY = Refusal(f"an archive of more than {MAX_FILES:,} files", Reason.TOO_LARGE)
TOO_LARGE = Refusal(f"an archive that unpacks to more than {MAX_UNPACKED_BYTES >> 30} GB", Reason.TOO_LARGE)
BOMB = Refusal(f"an archive that unpacks to more than {MAX_RATIO} times its size", Reason.BOMB)
TOO_LARGE_MEMBER = Refusal(f"larger than {MAX_MEMBER_BYTES >> 30} GB", Reason.TOO_LARGE)


class EntryRefusedError(Exception):
    """An entry cannot be read, while the archive goes on.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file as an archive lists it.

    Attributes:
        name: its path in the archive, unchanged.
        size: bytes, as listed; 0 where the archive does not list sizes.
        refusal: the reason why it is not read; None for a file that is.
        pieces: unpacks it. Raises EntryRefusedError.
        packed: bytes that it takes in the archive; 0 where the position in the stream tells.
    """

    name: str
    size: int
    refusal: Refusal | None
    pieces: Callable[[], Iterator[bytes]]
    packed: int = 0


class Allowance:
    """The files and bytes that may still be unpacked of an archive and of the archives in it.

    Args:
        size: bytes of the outermost archive.
    """

    def __init__(self, size: int) -> None:
        self._files = MAX_FILES
        self._limit = min(MAX_UNPACKED_BYTES, RATIO_FREE_BYTES + MAX_RATIO * size)
        self._bytes = self._limit

    def file(self) -> None:
        """Take one file more. Raises SourceError when there are too many."""
        self._files -= 1
        if self._files < 0:
            raise SourceError(*TOO_MANY)

    def fits(self, files: int, size: int) -> None:
        """Check a list of files before any of them is unpacked.

        Args:
            files: their number.
            size: bytes of all of them, unpacked.

        Raises:
            SourceError: They are too many or too large.
        """
        if files > self._files:
            raise SourceError(*TOO_MANY)
        if size > self._bytes:
            raise SourceError(*(TOO_LARGE if self._limit == MAX_UNPACKED_BYTES else BOMB))

    def take(self, size: int) -> None:
        """Take so many bytes more. Raises SourceError when there are too many."""
        self.fits(0, size)
        self._bytes -= size
