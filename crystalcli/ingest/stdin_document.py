"""A document from standard input, in a temporary file while it is read.

Readers go over a file twice, so a stream must be kept.

Knows: valid names of such a document. Does not know: the ledger
(`crystalcli.ingest.locations.PIPED` marks it there).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from crystalcli.errors import Reason, SourceError, UsageError
from crystalcli.text import FoundFile, ReadOptions, format_limit, open_source

STDIN_NAME = "stdin"  # the name without --name
_PIECE_BYTES = 1 << 20
_MAX_PART_BYTES = 200  # of each part of a name


def check_document_name(name: str) -> str:
    """Return a name that can be cited: one or more parts with `/` between them.

    Raises:
        UsageError: A part is empty, `.`, `..`, not printable, padded with spaces or too long.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or part != part.strip() for part in parts) or not name.isprintable():
        raise UsageError(f"invalid document name: {name!r}; give a name like minutes.txt or talks/minutes.txt")
    if any(len(part.encode()) > _MAX_PART_BYTES for part in parts):
        raise UsageError(f"invalid document name: a part between slashes has more than {_MAX_PART_BYTES} bytes")
    return name


@contextmanager
def spool_stream(stream: BinaryIO, name: str, max_bytes: int, *, ocr: bool = False) -> Iterator[FoundFile]:
    """Copy a stream into a temporary file that is deleted when the block ends.

    Args:
        stream: The bytes.
        name: The name that the document is cited by.
        max_bytes: The most bytes that the stream may have; 0 for any number.
        ocr: Whether letters in a picture of text are recognized.

    Yields:
        The file.

    Raises:
        UsageError: The name is invalid.
        SourceError: The stream is empty, too long, or of no format that can be read.
    """
    relative = check_document_name(name)
    with tempfile.TemporaryDirectory(prefix="crystal-") as folder:
        path = Path(folder, PurePosixPath(relative).name)  # readers use the suffix
        size = 0
        with path.open("wb") as file:
            while piece := stream.read(_PIECE_BYTES):
                size += len(piece)
                if max_bytes and size > max_bytes:
                    raise SourceError(
                        f"standard input is longer than {format_limit(max_bytes)}; raise the limit with --max-file-size",
                        Reason.TOO_LARGE,
                    )
                file.write(piece)
        yield spooled_file(path, relative, "in standard input", ocr=ocr)


def spooled_file(path: Path, name: str, place: str, *, ocr: bool) -> FoundFile:
    """Return a temporary file as the document that it holds.

    Args:
        path: The file.
        name: The name that the document is cited by.
        place: Where the document is from, for an error: "in standard input".
        ocr: Whether letters in a picture of text are recognized.

    Raises:
        SourceError: It is of no format that can be read.
    """
    try:
        open_source(path, ReadOptions(ocr=ocr))
    except SourceError as error:
        raise SourceError(f"nothing to read {place}: {error}", error.code) from None
    return FoundFile(path, Path(STDIN_NAME), name, path.stat().st_size, time.time_ns(), True, ocr)
