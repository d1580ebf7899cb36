"""Zip, tar and compressed files as lists of entries, unpacked in pieces. Nothing here writes a file.

Knows zipfile, tarfile and the four decompressors, and what a hostile file can make them hold in memory. Does not know which
entries are read, nor what their names may be.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.formats.archive.archive_reader import (
    BOMB,
    FILES,
    FLOOR,
    RATIO,
    TOO_MANY,
    Allowance,
    ArchiveEntry,
    LeftError,
)
from crystalcli.text.formats.chats.chat_json import PEOPLE
from crystalcli.text.source.file_bytes import PIECE
from crystalcli.text.source.read_request import NEEDS_PASSWORD, WRONG_PASSWORD
from crystalcli.text.source.unforeseen import unforeseen

if TYPE_CHECKING:
    from zstandard import ZstdDecompressionObj

UNKNOWN_CIPHER = Refusal("encrypted in a way that is not supported (AES)", Reason.CANNOT_DECRYPT)
DAMAGED_MEMBER = Refusal("damaged in its archive", Reason.DAMAGED)
LINK = Refusal("a link", Reason.NOT_A_FILE)
TOO_LARGE_PART = Refusal("damaged archive: a part of it is too large", Reason.DAMAGED)
SLOW = Refusal(
    f"encrypted, and larger than {FLOOR >> 20} MB", Reason.TOO_LARGE
)  # Python's own decryption takes a second for each MB
_AES = 99  # what stands for the method of compression then
_DIRECTORY = FILES * 2000  # bytes of a zip's list of files: zipfile reads all of it into memory at once
_LARGEST_HEADER = 1 << 20  # bytes of what tar says of one file beyond its header: likewise
_XZ_MEMORY = 256 << 20
_ZSTD_WINDOW = 128 << 20
_ZSTD_STEP = 512  # bytes: each three may become 128 KB
_TAR_BLOCK = 512
_BEFORE = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def archive_entries(
    stream: BinaryIO, encoding: str, name: str, allowance: Allowance, password: str = ""
) -> Iterator[ArchiveEntry]:
    """Everything but the folders in an archive. encoding: as in Survey; name: the archive's own; password: for what is encrypted in
    a zip. Raises SourceError and what `trouble_named` names."""
    if encoding == "zip":
        yield from _zip(stream, allowance, password)
    elif encoding == "tar":
        yield from _tar(_Bounded(stream, stream, allowance))
    else:
        unpacked = _Bounded(_DECOMPRESSORS[encoding](stream), stream, allowance)
        first = unpacked.peek(_TAR_BLOCK)
        if _is_tar(first):
            yield from _tar(unpacked)
        else:
            stem, _, ending = name.rpartition(".")
            inner = stem if stem and ending.lower() in ("gz", "z", "bz2", "xz", "zst") else name
            yield ArchiveEntry(inner, 0, None, partial(_all_of, unpacked))


@contextmanager
def archive_trouble() -> Iterator[None]:
    """Turns whatever the libraries raise, and on a broken file that may be anything, into one SourceError."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        if isinstance(error, EOFError | tarfile.ReadError) and "end" in str(error).lower():
            raise SourceError("damaged archive: it ends too early", Reason.DAMAGED) from error
        if isinstance(error, _known_errors()) or (isinstance(error, OSError) and error.errno is None):
            raise SourceError("damaged archive", Reason.DAMAGED) from error
        raise unforeseen(error, "archive") from error


def _known_errors() -> tuple[type[Exception], ...]:
    """What the libraries raise on a damaged archive."""
    known = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError)
    zstandard = sys.modules.get("zstandard")  # it is imported where a file needs it
    return known if zstandard is None else (*known, zstandard.ZstdError)


# --- zip --------------------------------------------------------------------------------------------


def _zip(stream: BinaryIO, allowance: Allowance, password: str) -> Iterator[ArchiveEntry]:
    # What zipfile goes by, and nothing else, says how much it is about to hold.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end and end[5] > _DIRECTORY:
        raise SourceError(*TOO_MANY)
    with zipfile.ZipFile(stream) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        allowance.fits(len(infos), sum(info.file_size for info in infos))
        listed = sorted(((_name_in(info), number, info) for number, info in enumerate(infos)), key=_order)
        for name, _, info in listed:
            size = info.file_size
            unzipped = partial(_unzipped, archive, info, allowance, password)
            yield ArchiveEntry(name, size, _zip_refusal(info, password), unzipped, info.compress_size)


def _order(each: tuple[str, int, zipfile.ZipInfo]) -> tuple[bool, list[str], int]:
    """As a walk goes, but for who is who, which those who read the others look for."""
    parts = each[0].split("/")
    return parts[-1] != PEOPLE, parts, each[1]


def _name_in(info: zipfile.ZipInfo) -> str:
    name = info.filename
    if not info.flag_bits & 0x800:  # zipfile takes it for the alphabet of DOS, and most of what makes zips writes UTF-8
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    return name.replace("\\", "/")


def _zip_refusal(info: zipfile.ZipInfo, password: str) -> Refusal | None:
    mode = info.external_attr >> 28 if info.create_system == 3 else 0
    if mode == 0o12:
        return LINK
    if mode not in (0, 0o10):
        return Refusal("not a file", Reason.NOT_A_FILE)
    if info.flag_bits & 1:
        if info.compress_type == _AES or info.flag_bits & 0x40:
            return UNKNOWN_CIPHER
        if not password:
            return NEEDS_PASSWORD
        if info.file_size > FLOOR:
            return SLOW
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return Refusal(f"compressed by a method that is not known ({info.compress_type})", Reason.UNSUPPORTED)
    return BOMB if info.file_size > FLOOR + RATIO * info.compress_size else None


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance, password: str) -> Iterator[bytes]:
    # Of a wrong password one byte in the file tells; where that happens to fit, what comes out is no data that could be unpacked.
    trouble = WRONG_PASSWORD if info.flag_bits & 1 else DAMAGED_MEMBER
    try:
        word = password.encode() if info.flag_bits & 1 else None
        with archive.open(info, pwd=word) as file:  # it gives no more than the size that is listed
            while piece := file.read(PIECE):
                allowance.take(len(piece))
                yield piece
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError, RuntimeError):
        raise LeftError(trouble) from None
    except OSError as error:
        if error.errno is None:
            raise LeftError(trouble) from None
        raise


# --- tar, and files compressed whole ----------------------------------------------------------------


class _Bounded:
    """A stream that is unpacked, counted as it goes: an end is put to a bomb long before the allowance is used up."""

    def __init__(self, unpacked: _Readable, packed: BinaryIO, allowance: Allowance) -> None:
        self._unpacked, self._packed, self._allowance = unpacked, packed, allowance
        self._given = 0
        self._held = b""

    def peek(self, size: int) -> bytes:
        """The first bytes, which `read` gives again."""
        while len(self._held) < size and (more := self._next(size - len(self._held))):
            self._held += more
        return self._held

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end."""
        if self._held:
            data, self._held = self._held[:size], self._held[size:]
            return data
        return self._next(size)

    def _next(self, size: int) -> bytes:
        data = self._unpacked.read(min(size, PIECE))
        self._given += len(data)
        self._allowance.take(len(data))
        if self._given > FLOOR + RATIO * self._packed.tell():
            raise SourceError(*BOMB)
        return data


class _Xz:
    """What `lzma.LZMAFile` is, with a limit to the memory that a file may ask for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decompressor = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read(self, size: int, /) -> bytes:
        while True:
            data = b""
            if self._decompressor.eof:
                data = (self._decompressor.unused_data or self._stream.read(PIECE)).lstrip(b"\0")
                if not data:
                    return b""
                self._decompressor = self._new()
            elif self._decompressor.needs_input and not (data := self._stream.read(PIECE)):
                raise EOFError("it ends too early")
            if unpacked := self._decompressor.decompress(data, size):
                return unpacked


class _Zstd:
    """Frames of zstd. Given so little at a time that what comes of it stays small; a stream of the library's would not say that one
    ends too early."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decompressor = self._new()
        self._held = memoryview(b"")

    def _new(self) -> ZstdDecompressionObj:
        from zstandard import ZstdDecompressor

        return ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()

    def read(self, size: int, /) -> bytes:
        while not self._held:
            if self._decompressor.eof:
                if not (data := self._decompressor.unused_data or self._stream.read(_ZSTD_STEP)):
                    return b""
                self._decompressor = self._new()
            elif not (data := self._stream.read(_ZSTD_STEP)):
                raise EOFError("it ends too early")
            self._held = memoryview(self._decompressor.decompress(data))
        out, self._held = bytes(self._held[:size]), self._held[size:]
        return out


_DECOMPRESSORS: dict[str, Callable[[BinaryIO], _Readable]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream),
    "bzip2": bz2.BZ2File,
    "xz": _Xz,
    "zstd": _Zstd,
}


def _all_of(stream: _Readable) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


def _is_tar(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


class _Header(tarfile.TarInfo):
    """One that does not read names of any size into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _BEFORE and self.size > _LARGEST_HEADER:
            raise SourceError(*TOO_LARGE_PART)
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _tar(stream: _Bounded) -> Iterator[ArchiveEntry]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
        count = 0
        while (info := archive.next()) is not None:
            archive.members.clear()  # it would keep all of them
            count += 1
            if count > FILES * 2:  # folders are counted here, and nowhere else
                raise SourceError(*TOO_MANY)
            if not info.isdir():
                yield ArchiveEntry(info.name, info.size, _tar_refusal(info), partial(_untarred, archive, info))


def _tar_refusal(info: tarfile.TarInfo) -> Refusal | None:
    if info.issym() or info.islnk():
        return LINK
    if info.issparse():
        return Refusal("a file with holes", Reason.UNSUPPORTED)
    return None if info.isreg() else Refusal("not a file but a device", Reason.NOT_A_FILE)


def _untarred(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Iterator[bytes]:
    file = archive.extractfile(info)
    if file is not None:
        with file:
            while piece := file.read(PIECE):
                yield piece
