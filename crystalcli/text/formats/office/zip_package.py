"""Package: a zip file that is one document, as EPUB, Office and OpenDocument files are.

Knows zip, and bounds on what is unpacked. Does not know the content of the parts. Any error in
them, or in a damaged zip, becomes one SourceError. Parts are never written to a disk.
"""

from __future__ import annotations

import errno
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, Refusal, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.source.file_bytes import checked_pieces, open_bytes
from crystalcli.text.source.read_request import LOCKED, ReadRequest
from crystalcli.text.source.unforeseen import unforeseen

MAX_UNPACKED_BYTES = 500_000_000  # of all parts of one file
MAX_PART_BYTES = 64_000_000  # of a part that is held whole
MAX_RATIO = 200  # unpacked to packed; a part above it is made to fill memory
SMALL_PART_BYTES = 4_000_000  # up to which the ratio of a part does not matter
MAX_PARTS = 20_000
TOO_LARGE = Refusal("a part of it is too large", Reason.TOO_LARGE)
BOMB = Refusal("unpacks to far more than it holds", Reason.BOMB)
NAMES = {
    "epub": "EPUB", "docx": "Word file", "pptx": "PowerPoint file", "xlsx": "Excel file", "odt": "OpenDocument file",
    "ods": "OpenDocument file", "odp": "OpenDocument file",
}  # fmt: skip
# Kinds of documents by the part `mimetype` of an EPUB or an OpenDocument file, and by the content
# type of the main part of an Office file.
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
    """An open zip file.

    Attributes:
        unpacked: bytes of all parts unpacked so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._zip = zipfile.ZipFile(stream)
        self._parts = {info.filename: info for info in self._zip.infolist()}
        self._folded = {name.casefold(): name for name in self._parts}
        self.unpacked = 0
        if len(self._parts) > MAX_PARTS:
            raise SourceError(f"more than {MAX_PARTS:,} parts", Reason.TOO_LARGE)

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def find(self, name: str) -> str:
        """Return the stored name of a part, which may differ in the case of its letters; or ""."""
        return name if name in self._parts else self._folded.get(name.casefold(), "")

    def ending(self, suffix: str) -> str:
        """Return the name of the first part with this ending, in any case; or ""."""
        return next((part for part in self._parts if part.lower().endswith(suffix)), "")

    @contextmanager
    def open(self, name: str, *, is_counted: bool = True) -> Iterator[BinaryIO]:
        """Open a part as a stream.

        Args:
            name: of the part.
            is_counted: its bytes count as unpacked; not so for a part that is also read otherwise.

        Raises:
            SourceError: the part is missing or encrypted, or, while it is read, unpacks to too
                much.
        """
        info = self._parts.get(name)
        if info is None:
            raise SourceError(f"damaged: {name} is missing", Reason.DAMAGED)
        if info.flag_bits & 1:
            raise SourceError(*LOCKED)
        with self._zip.open(info) as stream:
            yield cast("BinaryIO", _BoundedPart(self if is_counted else None, stream, info.compress_size))

    def read(self, name: str, max_bytes: int = MAX_PART_BYTES) -> bytes:
        """Read a whole part.

        Raises:
            SourceError: as from `open`, or the part has more than `max_bytes`.
        """
        with self.open(name) as stream:
            data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise SourceError(*TOO_LARGE)
        return data


class _BoundedPart(io.RawIOBase):
    """The unpacked bytes of a part, counted so that a bomb is stopped."""

    def __init__(self, package: Package | None, stream: object, packed: int) -> None:
        self._package = package
        self._stream = cast("BinaryIO", stream)
        self._max_bytes = max(SMALL_PART_BYTES, MAX_RATIO * packed)
        self._unpacked = 0

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(min(size, MAX_UNPACKED_BYTES) if size >= 0 else MAX_UNPACKED_BYTES)
        self._unpacked += len(data)
        if self._package is not None:
            self._package.unpacked += len(data)
        unpacked = self._unpacked if self._package is None else self._package.unpacked
        if self._unpacked > self._max_bytes or unpacked > MAX_UNPACKED_BYTES:
            raise SourceError(*BOMB)
        return data


def kind_inside(path: Path) -> str:
    """Return the kind of the document that a zip file is, or "" for another zip file.

    A zip file that cannot be opened has the kind of its suffix.

    Raises:
        SourceError: the file cannot be read, or is a bomb.
    """
    try:
        with open_bytes(path) as (stream, _):
            package = Package(stream)
            if "mimetype" in package:
                mimetype = package.read("mimetype", 200).decode("ascii", "replace").strip().removesuffix("-template")
                if mimetype in _MIMETYPES:
                    return _MIMETYPES[mimetype]
            if "[Content_Types].xml" in package:
                types = package.read("[Content_Types].xml", SMALL_PART_BYTES)
                return next((kind for name, kind in _CONTENT_TYPES if name in types), "")
            return "epub" if "META-INF/container.xml" in package else ""
    except SourceError:
        raise
    except Exception:  # not a whole zip file
        return path.suffix[1:].lower() if path.suffix[1:].lower() in NAMES else ""


@contextmanager
def open_package(request: ReadRequest) -> Iterator[Package]:
    """Open the package of a requested file.

    Raises:
        SourceError: anything in it cannot be read.
        UnsteadySourceError: the file changed since it was surveyed.
    """
    with open_bytes(request.path) as (stream, _):
        try:
            with _translate_errors(request.kind):
                yield Package(stream)
        except SourceError:
            _verify(stream, request)  # if the file changed, that is the better reason
            raise
        _verify(stream, request)


def _verify(stream: BinaryIO, request: ReadRequest) -> None:
    stream.seek(0)
    for _ in checked_pieces(stream, request.seen.fingerprint):
        pass


@contextmanager
def _translate_errors(kind: str) -> Iterator[None]:
    """Turn any error of zipfile, zlib, lxml or a reader into a SourceError with the format."""
    what = NAMES[kind]
    try:
        yield
    except SourceError as error:
        raise SourceError(str(error).replace("damaged:", f"damaged {what}:", 1), error.code) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # of the disk: `open_bytes` names it
            raise
        raise SourceError(f"damaged {what}: it points outside itself", Reason.DAMAGED) from error
    except zipfile.BadZipFile as error:
        raise SourceError(f"damaged {what}: not a whole zip file", Reason.DAMAGED) from error
    except SyntaxError as error:  # the base class of lxml's parse errors
        raise SourceError(f"damaged {what}: a part of it is not valid XML", Reason.DAMAGED) from error
    except Exception as error:
        raise unforeseen(error, what) from error


class PackageReading:
    """A document in a package, opened when its title or its pieces are first read."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self._request = request
        self._title: str | None = None

    @property
    def title(self) -> str:
        """The document's own title; "" also where `pieces` will raise."""
        if self._title is None:
            try:
                with open_package(self._request) as package:
                    self._title = heading_label(one_line(self.read_title(package)))
            except SourceError:
                self._title = ""
        return self._title

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text and its landmarks.

        Raises:
            SourceError: the document cannot be read, or has no text.
        """
        yield from self._stated().landmarks()
        composer = Composer()
        with open_package(self._request) as package:
            for _ in self.compose(package, composer):
                yield from composer.drain()
            composer.end_line()
            yield from composer.drain()
            if not composer.start:
                raise SourceError("no text in it", Reason.NO_TEXT)

    def _stated(self) -> StatedFields:
        """Return the stated fields; none where the part that has them is damaged."""
        try:
            with open_package(self._request) as package:
                return self.read_fields(package)
        except SourceError:
            return StatedFields()

    def read_title(self, package: Package) -> str:
        """Return the document's own title, or ""."""
        raise NotImplementedError

    def read_fields(self, package: Package) -> StatedFields:
        """Return what the document states of itself beside its title."""
        return StatedFields()

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the document, and yield now and then, so that the text can be passed on."""
        raise NotImplementedError
