"""Records of a Palm database, the container of Mobipocket's and Kindle's books.

Knows the header and the list of records (Palm File Format Specification). Does not know books.
"""

from __future__ import annotations

import struct

from crystalcli.errors import Reason, SourceError

_HEADER = 78  # bytes before the list of records
_ENTRY = 8  # bytes of an entry of the list


class PalmRecords:
    """The records of a database.

    Attributes:
        kind: type and creator, b"BOOKMOBI" or b"TEXtREAd".
        name: the name of the database.
    """

    def __init__(self, data: bytes) -> None:
        """Read the list of records.

        Args:
            data: the file.

        Raises:
            SourceError: the list is damaged.
        """
        self._data = data
        self.kind = data[60:68]
        self.name = data[:32].split(b"\0")[0]
        if len(data) < _HEADER:
            raise SourceError("damaged: its list of records is cut off", Reason.DAMAGED)
        (count,) = struct.unpack_from(">H", data, 76)
        if len(data) < _HEADER + _ENTRY * count:
            raise SourceError("damaged: its list of records is cut off", Reason.DAMAGED)
        starts = [struct.unpack_from(">L", data, _HEADER + _ENTRY * number)[0] for number in range(count)]
        self._ends = [*starts[1:], len(data)]
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> bytes:
        """Return a record; b"" for one that does not exist."""
        if not 0 <= number < len(self._starts):
            return b""
        return self._data[self._starts[number] : self._ends[number]]
