"""A document that comes through a pipe: kept in a temporary file while it is read, since readers go over a file twice.

Knows what such a document may be called. Does not know the ledger: `crystalcli.ingest.locations.PIPED` says how it stands there.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from crystalcli.errors import Reason, SourceError, UsageError
from crystalcli.text import FoundFile, format_limit, open_source

STDIN_NAME = "stdin"  # what it is called when nothing is said
_PIECE = 1 << 20
_LONGEST = 200  # bytes of each part of a name


def check_document_name(name: str) -> str:
    """A name as it will be cited: one or more parts with `/` between them. Raises UsageError for what is none."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or part != part.strip() for part in parts) or not name.isprintable():
        raise UsageError(f"{name!r} is no name for a document: give one like minutes.txt or talks/minutes.txt")
    if any(len(part.encode()) > _LONGEST for part in parts):
        raise UsageError(f"a document's name may have {_LONGEST} bytes between two slashes")
    return name


@contextmanager
def spool_stream(stream: BinaryIO, name: str, largest: int) -> Iterator[FoundFile]:
    """What `stream` holds, as a file that goes when the block ends. largest: bytes it may have, 0 for any number.

    Raises UsageError for a bad name, SourceError when the stream is longer, empty, or holds nothing that can be read.
    """
    relative = check_document_name(name)
    with tempfile.TemporaryDirectory(prefix="crystal-") as folder:
        path = Path(folder, PurePosixPath(relative).name)  # readers look at the name as well
        size = 0
        with path.open("wb") as file:
            while piece := stream.read(_PIECE):
                size += len(piece)
                if largest and size > largest:
                    raise SourceError(
                        f"standard input is longer than {format_limit(largest)}; --max-file-size says how long it may be",
                        Reason.TOO_LARGE,
                    )
                file.write(piece)
        try:
            open_source(path)
        except SourceError as error:
            raise SourceError(f"nothing to read in standard input: {error}", error.code) from None
        yield FoundFile(path, Path(STDIN_NAME), relative, size, time.time_ns(), True)
