"""A file's bytes: their fingerprint and their encoding.

Does not know kinds of documents, nor how an encoding is found (encoding_detector). Reads in pieces
and holds one at a time, so a file may be larger than memory.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from crystalcli.datatypes import Fingerprint
from crystalcli.errors import Reason, Refusal, SourceError, UnsteadySourceError, refusal_of
from crystalcli.text.source.encoding_detector import EncodingDetector

PIECE_BYTES = 1 << 18
HEAD_BYTES = 4096
CHANGED = Refusal("changed while it was being read", Reason.CHANGED_WHILE_READ)


@dataclass(frozen=True, slots=True)
class FileSurvey:
    """Result of one pass over a file's bytes.

    Attributes:
        fingerprint: size, time of change, and digest.
        encoding: of a text, "utf-8", "utf-8 with strays", "utf-16", "utf-16-le" and "utf-16-be"
            without a mark, "utf-32", "windows-1252" or another codec of Python; of any other file,
            "pdf", "tar", or a name in encoding_detector.MAGIC.
        head: the first 4 KB.
    """

    fingerprint: Fingerprint
    encoding: str
    head: bytes


def survey_file(path: Path, piece: int = PIECE_BYTES, *, named_pdf: bool = False) -> FileSurvey:
    """Read a file once from end to end.

    Args:
        path: the file.
        piece: bytes to hold at a time.
        named_pdf: whether its name is that of a PDF.

    Raises:
        SourceError: It cannot be read, is empty, or is of an unknown format.
    """
    with open_bytes(path) as (stream, mtime_ns):
        digest = hashlib.sha256()
        size = 0
        head = part = stream.read(HEAD_BYTES)
        detector = EncodingDetector(head, named_pdf)
        while part:
            digest.update(part)
            size += len(part)
            detector.feed(part)
            part = stream.read(piece)
    # The time is from before the first byte: a change during the pass leaves it older than the
    # file's.
    return FileSurvey(Fingerprint(size, mtime_ns, digest.digest()), detector.encoding(size), head)


def bytes_again(path: Path, fingerprint: Fingerprint, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """Read a file again, in pieces.

    Args:
        path: the file.
        fingerprint: of its bytes, when they were surveyed.
        piece: bytes of a piece at most.

    Raises:
        UnsteadySourceError: The bytes have changed; raised after the last piece.
    """
    with open_bytes(path) as (stream, _):
        yield from checked_pieces(stream, fingerprint, piece)


def checked_pieces(stream: BinaryIO, fingerprint: Fingerprint, piece: int = PIECE_BYTES) -> Iterator[bytes]:
    """The pieces of an open file from its current position on; otherwise as `bytes_again`."""
    digest = hashlib.sha256()
    size = 0
    while part := stream.read(piece):
        digest.update(part)
        size += len(part)
        if size > fingerprint.size:  # no reading to the end: a log may grow as fast as it is read
            break
        yield part
    if size != fingerprint.size or digest.digest() != fingerprint.digest:
        raise UnsteadySourceError(*CHANGED)


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file for reading.

    Yields:
        The stream, and the time of the file's last change in nanoseconds.

    Raises:
        SourceError: The path is not that of a regular file.
        UnsteadySourceError: The system refuses to open or to read it.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a named pipe would wait for a writer
            raise SourceError("a folder" if stat.S_ISDIR(mode) else "not a regular file", Reason.NOT_A_FILE)
        with path.open("rb") as stream:
            yield stream, os.fstat(stream.fileno()).st_mtime_ns
    except OSError as error:
        raise UnsteadySourceError(*refusal_of(error)) from error
