"""A zip file that is one document: EPUB, Office and OpenDocument files. Its parts are read within bounds.

Knows zip. Does not know what stands in the parts. What goes wrong in there, and in a broken file that may be anything, is one
SourceError. A part is never written to a disk.
"""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.outline import heading_label
from crystalcli.text.source.file_bytes import checked_pieces, open_bytes
from crystalcli.text.source.read_request import LOCKED, ReadRequest
from crystalcli.text.source.unforeseen import unforeseen
from crystalcli.types import Landmark

MOST = 500_000_000  # bytes that are unpacked of one file, in all
LARGEST = 64_000_000  # bytes of a part that is held whole
RATIO = 200  # to one: what compresses better is made to fill memory
SMALL = 4_000_000  # bytes of a part that may compress as well as it likes
PARTS = 20_000
TOO_LARGE = Refusal("a part of it is too large", Reason.TOO_LARGE)
BOMB = Refusal("unpacks to far more than it holds", Reason.BOMB)
NAMES = {
    "epub": "EPUB", "docx": "Word file", "pptx": "PowerPoint file", "xlsx": "Excel file", "odt": "OpenDocument file",
    "ods": "OpenDocument file", "odp": "OpenDocument file",
}  # fmt: skip
# What `mimetype` says in an EPUB or an OpenDocument file, and what a kind of the parts says in an Office file.
_MIMETYPES = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
_CONTENT_TYPES = (
    (b"wordprocessingml.document.main+xml", "docx"),
    (b"wordprocessingml.template.main+xml", "docx"),
    (b"ms-word.document.macroEnabled.main+xml", "docx"),
    (b"spreadsheetml.sheet.main+xml", "xlsx"),
    (b"spreadsheetml.template.main+xml", "xlsx"),
    (b"ms-excel.sheet.macroEnabled.main+xml", "xlsx"),
    (b"presentationml.presentation.main+xml", "pptx"),
    (b"presentationml.slideshow.main+xml", "pptx"),
    (b"presentationml.template.main+xml", "pptx"),
    (b"ms-powerpoint.presentation.macroEnabled.main+xml", "pptx"),
)


class Package:
    """An open zip file."""

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream)
        self._parts = {info.filename: info for info in self._zip.infolist()}
        self.unpacked = 0
        if len(self._parts) > PARTS:
            raise SourceError(f"more than {PARTS:,} parts", Reason.TOO_LARGE)

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A part as a stream. Raises SourceError where it is not there, and while it is read where it unpacks to too much."""
        info = self._parts.get(name)
        if info is None:
            raise SourceError(f"damaged: it has no {name}", Reason.DAMAGED)
        if info.flag_bits & 1:
            raise SourceError(*LOCKED)
        with self._zip.open(info) as stream:
            yield cast("BinaryIO", _Bounded(self, stream, info.compress_size))

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """A part, whole. Raises SourceError as `open` does, and for one over `most` bytes."""
        with self.open(name) as stream:
            data = stream.read(most + 1)
        if len(data) > most:
            raise SourceError(*TOO_LARGE)
        return data


class _Bounded(io.RawIOBase):
    """What is unpacked of a part, counted."""

    def __init__(self, package: Package, stream: object, packed: int) -> None:
        self._package = package
        self._stream = cast("BinaryIO", stream)
        self._most = max(SMALL, RATIO * packed)
        self._given = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(min(size, MOST) if size >= 0 else MOST)
        self._given += len(data)
        self._package.unpacked += len(data)
        if self._given > self._most or self._package.unpacked > MOST:
            raise SourceError(*BOMB)
        return data


def kind_inside(path: Path) -> str:
    """The kind of the document that a zip file is, or "" when it is none."""
    try:
        with open_bytes(path) as (stream, _):
            package = Package(stream)
            if "mimetype" in package:
                said = package.read("mimetype", 200).decode("ascii", "replace").strip().removesuffix("-template")
                if said in _MIMETYPES:
                    return _MIMETYPES[said]
            if "[Content_Types].xml" in package:
                types = package.read("[Content_Types].xml", SMALL)
                return next((kind for name, kind in _CONTENT_TYPES if name in types), "")
            return "epub" if "META-INF/container.xml" in package else ""
    except SourceError:
        raise
    except Exception:  # not a whole zip file: what its name says is what it was meant to be
        return path.suffix[1:].lower() if path.suffix[1:].lower() in NAMES else ""


@contextmanager
def open_package(request: ReadRequest) -> Iterator[Package]:
    """The package, while it is still the file that was request for. Raises SourceError, UnsteadySourceError when it is not."""
    with open_bytes(request.path) as (stream, _):
        try:
            with _trouble_named(request.kind):
                yield Package(stream)
        except SourceError:
            _verify(stream, request)  # that it changed is the better reason
            raise
        _verify(stream, request)


def _verify(stream: BinaryIO, request: ReadRequest) -> None:
    stream.seek(0)
    for _ in checked_pieces(stream, request.seen.fingerprint):
        pass


@contextmanager
def _trouble_named(kind: str) -> Iterator[None]:
    """Turns whatever zipfile, zlib, lxml or a reader meets in a broken file into one SourceError."""
    what = NAMES[kind]
    try:
        yield
    except SourceError as error:
        raise SourceError(str(error).replace("damaged:", f"damaged {what}:", 1), error.code) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's doing, and named where the file was opened
            raise
        raise SourceError(f"damaged {what}: it points outside itself", Reason.DAMAGED) from error
    except zipfile.BadZipFile as error:
        raise SourceError(f"damaged {what}: not a whole zip file", Reason.DAMAGED) from error
    except SyntaxError as error:  # lxml's errors of parsing are of this class
        raise SourceError(f"damaged {what}: a part of it is not valid XML", Reason.DAMAGED) from error
    except Exception as error:
        raise unforeseen(error, what) from error


class PackageReading:
    """A document in a package. It is opened when its title or its pieces are request for, and not before."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self._request = request
        self._title: str | None = None

    @property
    def title(self) -> str:
        """What the document calls itself. That it cannot be read is for `pieces` to say."""
        if self._title is None:
            try:
                with open_package(self._request) as package:
                    self._title = heading_label(one_line(self.read_title(package)))
            except SourceError:
                self._title = ""
        return self._title

    def pieces(self) -> Iterator[str | Landmark]:
        """The text and its landmarks. Raises SourceError when there is none."""
        composer = Composer()
        with open_package(self._request) as package:
            for _ in self.compose(package, composer):
                yield from composer.drain()
            composer.end_line()
            yield from composer.drain()
            if not composer.start:
                raise SourceError("no text in it", Reason.NO_TEXT)

    def read_title(self, package: Package) -> str:
        """The title, or ""."""
        raise NotImplementedError

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the document, and yield now and then so that what is written can be passed on."""
        raise NotImplementedError
