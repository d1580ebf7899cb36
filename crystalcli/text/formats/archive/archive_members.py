"""Zip, tar and compressed files as lists of entries, unpacked in pieces and never to a disk.

Knows zipfile, tarfile and the four decompressors, and how much memory a hostile file can make them
take. Does not know which entries are read, nor which names they may have.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, BinaryIO, Protocol

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.formats.archive.archive_entry import (
    BOMB,
    MAX_FILES,
    MAX_RATIO,
    RATIO_FREE_BYTES,
    TOO_MANY,
    Allowance,
    ArchiveEntry,
    EntryRefusedError,
)
from crystalcli.text.source.file_bytes import PIECE_BYTES
from crystalcli.text.source.legacy_encodings import guess_name_encoding
from crystalcli.text.source.read_request import NEEDS_PASSWORD, WRONG_PASSWORD
from crystalcli.text.source.sniff_messages import SLACK_USERS_FILE
from crystalcli.text.source.text_decoder import Decoder
from crystalcli.text.source.unforeseen import contained_errors

if TYPE_CHECKING:
    from zstandard import ZstdDecompressionObj

UNKNOWN_CIPHER = Refusal("encrypted in a way that is not supported (AES)", Reason.CANNOT_DECRYPT)
DAMAGED_MEMBER = Refusal("damaged in its archive", Reason.DAMAGED)
LINK = Refusal("a link", Reason.NOT_A_FILE)
TOO_LARGE_PART = Refusal("damaged archive: a part of it is too large", Reason.DAMAGED)
# Python's own decryption takes a second for each MB.
SLOW = Refusal(f"encrypted, and larger than {RATIO_FREE_BYTES >> 20} MB", Reason.TOO_LARGE)
_UNICODE_PATH = 0x7075  # of an extra field with a name in UTF-8
_AES = 99  # in place of the method of compression
_MAX_DIRECTORY_BYTES = MAX_FILES * 2000  # of a zip's list of files, which zipfile reads at once
_MAX_TAR_EXTENSION_BYTES = 1 << 20  # of a tar's extended header of one file, read at once as well
_XZ_MEMORY_BYTES = 256 << 20
_ZSTD_WINDOW_BYTES = 128 << 20
_ZSTD_STEP_BYTES = 512  # each three bytes may become 128 KB
_TAR_BLOCK_BYTES = 512
_TAR_EXTENSIONS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class _Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes: ...


def archive_entries(
    stream: BinaryIO, encoding: str, name: str, allowance: Allowance, password: str = ""
) -> Iterator[ArchiveEntry]:
    """List the files of an archive.

    Args:
        stream: the archive.
        encoding: as in FileSurvey.
        name: the archive's own name.
        allowance: the files and bytes that may still be unpacked.
        password: opens encrypted files of a zip.

    Yields:
        The entries, without folders.

    Raises:
        SourceError: The archive cannot be read, or not further.
        Exception: An error of the libraries, for `contained_archive_errors`.
    """
    if encoding == "zip":
        yield from _zip(stream, allowance, password)
    elif encoding == "tar":
        yield from _tar(_Bounded(stream, stream, allowance))
    else:
        unpacked = _Bounded(_DECOMPRESSORS[encoding](stream), stream, allowance)
        first = unpacked.peek(_TAR_BLOCK_BYTES)
        if _is_tar(first):
            yield from _tar(unpacked)
        else:
            stem, _, ending = name.rpartition(".")
            inner = stem if stem and ending.lower() in ("gz", "z", "bz2", "xz", "zst") else name
            yield ArchiveEntry(inner, 0, None, partial(_read_pieces, unpacked))


@contextmanager
def contained_archive_errors() -> Iterator[None]:
    """Turn errors of the libraries, which may be of any class, into a SourceError.

    Raises:
        SourceError: The block raised an error.
    """
    with contained_errors("archive"):
        try:
            yield
        except Exception as error:
            if isinstance(error, EOFError | tarfile.ReadError) and "end" in str(error).lower():
                raise SourceError("damaged archive: it ends too early", Reason.DAMAGED) from error
            if isinstance(error, _damage_errors()) or (isinstance(error, OSError) and error.errno is None):
                raise SourceError("damaged archive", Reason.DAMAGED) from error
            raise


def _damage_errors() -> tuple[type[Exception], ...]:
    """The errors that the libraries raise on a damaged archive."""
    errors = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, ValueError)
    zstandard = sys.modules.get("zstandard")  # imported when a file needs it
    return errors if zstandard is None else (*errors, zstandard.ZstdError)


# --- zip ------------------------------------------------------------------------------------------


def _zip(stream: BinaryIO, allowance: Allowance, password: str) -> Iterator[ArchiveEntry]:
    # zipfile's own record of the directory is the only one that tells how much zipfile is going to
    # hold.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end and end[5] > _MAX_DIRECTORY_BYTES:
        raise SourceError(*TOO_MANY)
    with zipfile.ZipFile(stream) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        allowance.fits(len(infos), sum(info.file_size for info in infos))
        listed = sorted(zip(_decoded_names(infos), range(len(infos)), infos, strict=True), key=_walk_order)
        for name, _, info in listed:
            size = info.file_size
            unzipped = partial(_unzipped, archive, info, allowance, password)
            yield ArchiveEntry(name, size, _zip_refusal(info, password), unzipped, info.compress_size)


def _walk_order(listed: tuple[str, int, zipfile.ZipInfo]) -> tuple[bool, list[str], int]:
    """Walk order, except that `users.json` comes first: chat readers look up names in it."""
    name, number, _ = listed
    parts = name.split("/")
    return parts[-1] != SLACK_USERS_FILE, parts, number


def _decoded_names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """Return the names of files as their author saw them, with slashes."""
    names = [_unicode_name(info) for info in infos]
    raw = {number: infos[number].filename.encode("cp437") for number, name in enumerate(names) if name is None}
    if raw:
        encoding = guess_name_encoding(list(raw.values()))
        for number, data in raw.items():
            names[number] = Decoder(encoding, "replace").decode(data, final=True)
    return [(name or "").replace("\\", "/") for name in names]


def _unicode_name(info: zipfile.ZipInfo) -> str | None:
    """Return a name that is in Unicode; None for one in another encoding.

    Without a flag for Unicode zipfile decodes a name as the alphabet of DOS, but most programs
    write UTF-8, and some write the name a second time.
    """
    if info.flag_bits & 0x800 or info.filename.isascii():
        return info.filename
    try:
        data = info.filename.encode("cp437")
    except UnicodeError:
        return info.filename
    extra = info.extra
    while len(extra) >= 4:
        number, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if number == _UNICODE_PATH and field[:1] == b"\1" and field[1:5] == struct.pack("<I", zlib.crc32(data)):
            return field[5:].decode("utf-8", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeError:
        return None


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
        if info.file_size > RATIO_FREE_BYTES:
            return SLOW
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        return Refusal(f"compressed by a method that is not known ({info.compress_type})", Reason.UNSUPPORTED)
    return BOMB if info.file_size > RATIO_FREE_BYTES + MAX_RATIO * info.compress_size else None


def _unzipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, allowance: Allowance, password: str) -> Iterator[bytes]:
    # One byte in the file reveals a wrong password; where it happens to fit, the decrypted data
    # cannot be unpacked.
    refusal = WRONG_PASSWORD if info.flag_bits & 1 else DAMAGED_MEMBER
    try:
        password_bytes = password.encode() if info.flag_bits & 1 else None
        with archive.open(info, pwd=password_bytes) as file:  # it yields at most the listed size
            while piece := file.read(PIECE_BYTES):
                allowance.take(len(piece))
                yield piece
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, NotImplementedError, RuntimeError):
        raise EntryRefusedError(refusal) from None
    except OSError as error:
        if error.errno is None:
            raise EntryRefusedError(refusal) from None
        raise


# --- tar, and files compressed whole --------------------------------------------------------------


class _Bounded:
    """An unpacked stream whose bytes are counted.

    So a bomb is stopped long before the allowance is used up.

    Args:
        unpacked: the decompressor's stream.
        packed: the stream that it reads, whose position counts.
        allowance: the bytes that may still be unpacked.
    """

    def __init__(self, unpacked: _Readable, packed: BinaryIO, allowance: Allowance) -> None:
        self._unpacked, self._packed, self._allowance = unpacked, packed, allowance
        self._read_bytes = 0
        self._peeked = b""

    def peek(self, size: int) -> bytes:
        """The first `size` bytes, which `read` returns again."""
        while len(self._peeked) < size and (more := self._next(size - len(self._peeked))):
            self._peeked += more
        return self._peeked

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        if self._peeked:
            data, self._peeked = self._peeked[:size], self._peeked[size:]
            return data
        return self._next(size)

    def _next(self, size: int) -> bytes:
        data = self._unpacked.read(min(size, PIECE_BYTES))
        self._read_bytes += len(data)
        self._allowance.take(len(data))
        if self._read_bytes > RATIO_FREE_BYTES + MAX_RATIO * self._packed.tell():
            raise SourceError(*BOMB)
        return data


class _Xz:
    """Like `lzma.LZMAFile`, with a limit on the memory that a file may ask for.

    Args:
        stream: the packed bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decompressor = self._new()

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        while True:
            data = b""
            if self._decompressor.eof:
                data = (self._decompressor.unused_data or self._stream.read(PIECE_BYTES)).lstrip(b"\0")
                if not data:
                    return b""
                self._decompressor = self._new()
            elif self._decompressor.needs_input and not (data := self._stream.read(PIECE_BYTES)):
                raise EOFError("it ends too early")
            if unpacked := self._decompressor.decompress(data, size):
                return unpacked


class _Zstd:
    """Frames of zstd, as a stream.

    It feeds so few bytes at a time that the unpacked data stays small. The library's own stream
    does not report a frame that ends too early.

    Args:
        stream: the packed bytes.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decompressor = self._new()
        self._unread = memoryview(b"")

    def _new(self) -> ZstdDecompressionObj:
        from zstandard import ZstdDecompressor

        return ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; b"" at the end."""
        while not self._unread:
            if self._decompressor.eof:
                if not (data := self._decompressor.unused_data or self._stream.read(_ZSTD_STEP_BYTES)):
                    return b""
                self._decompressor = self._new()
            elif not (data := self._stream.read(_ZSTD_STEP_BYTES)):
                raise EOFError("it ends too early")
            self._unread = memoryview(self._decompressor.decompress(data))
        piece, self._unread = bytes(self._unread[:size]), self._unread[size:]
        return piece


_DECOMPRESSORS: dict[str, Callable[[BinaryIO], _Readable]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream),
    "bzip2": bz2.BZ2File,
    "xz": _Xz,
    "zstd": _Zstd,
}


def _read_pieces(stream: _Readable) -> Iterator[bytes]:
    while piece := stream.read(PIECE_BYTES):
        yield piece


def _is_tar(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


class _Header(tarfile.TarInfo):
    """A header of tar that does not read names of any size into memory."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _TAR_EXTENSIONS and self.size > _MAX_TAR_EXTENSION_BYTES:
            raise SourceError(*TOO_LARGE_PART)
        return super()._proc_member(archive)  # type: ignore[misc,no-any-return]


def _tar(stream: _Bounded) -> Iterator[ArchiveEntry]:
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:  # type: ignore[call-overload]
        count = 0
        while (info := archive.next()) is not None:
            archive.members.clear()  # otherwise it keeps all of them
            count += 1
            if count > MAX_FILES * 2:  # folders count here, and nowhere else
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
            while piece := file.read(PIECE_BYTES):
                yield piece
