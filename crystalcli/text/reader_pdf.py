"""The text layer of a PDF, page by page.

Knows pypdf, and that a PDF may be broken in any way: whatever goes wrong in there is one SourceError, or one empty
page. Does not know pictures: a page without a text layer is an empty page, and nothing is recognised from its image.

What it gives is what the text layer says, less what is no text: control characters (glyphs that the file does not
explain) go, and the ligatures that typesetting put in (`ﬁ`) become their letters again, as no one searches for them.
"""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from crystalcli.errors import SourceError, UnsteadySourceError
from crystalcli.text.asked import Asked
from crystalcli.text.reader_bytes import CHANGED, checked, open_bytes
from crystalcli.types import Landmark

if TYPE_CHECKING:
    from pypdf import PdfReader

ENCRYPTED = "encrypted (a password is needed)"
ENCRYPTED_AES = "encrypted with AES (install the `cryptography` package to read it)"
NO_TEXT = "no text layer (scanned pages?)"
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
LONGEST_TITLE = 300


class PdfReading:
    """A PDF. It is opened when its title or its pieces are asked for, and not before."""

    kind = "pdf"

    def __init__(self, asked: Asked) -> None:
        self._path = asked.path
        self._fingerprint = asked.seen.fingerprint
        self._title: str | None = None
        self._open: tuple[ExitStack, BinaryIO, PdfReader] | None = None

    @property
    def title(self) -> str:
        """What the file says its title is, or nothing. That it cannot be read is for `pieces` to say."""
        if self._title is None:
            try:
                self._opened()
            except SourceError:
                self._title = ""
        return self._title or ""

    def pieces(self) -> Iterator[str | Landmark]:
        """One Landmark for every page, and after it the page's text, which ends in an empty line.

        Before the first of them it is certain that the file can be opened and that some page has text.
        """
        opened, stream, reader = self._opened()
        with opened:
            try:
                yield from _pages(reader)
            except SourceError:
                self._verify(stream)  # that it changed is the better reason
                raise
            self._verify(stream)

    def _verify(self, stream: BinaryIO) -> None:
        stream.seek(0)
        for _ in checked(stream, self._fingerprint):
            pass

    def _opened(self) -> tuple[ExitStack, BinaryIO, PdfReader]:
        if self._open is None:
            with ExitStack() as opened:
                stream, _ = opened.enter_context(open_bytes(self._path))
                if os.fstat(stream.fileno()).st_size != self._fingerprint.size:
                    raise UnsteadySourceError(CHANGED)
                try:
                    with _trouble_named():
                        reader = _reader_of(stream)
                except SourceError:
                    self._verify(stream)
                    raise
                if self._title is None:
                    self._title = _title_in(reader)
                self._open = opened.pop_all(), stream, reader
        return self._open


@contextmanager
def _trouble_named() -> Iterator[None]:
    """Turns whatever pypdf raises, and on a broken file that may be anything, into one SourceError."""
    from pypdf.errors import DependencyError, FileNotDecryptedError

    try:
        yield
    except SourceError:
        raise
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's doing, and named where the file was opened
            raise
        raise SourceError("damaged PDF: it points outside itself") from error
    except FileNotDecryptedError:
        raise SourceError(ENCRYPTED) from None
    except DependencyError as error:
        raise SourceError(ENCRYPTED_AES if "AES" in str(error) else f"cannot be read: {_brief(error)}") from None
    except Exception as error:
        raise SourceError(f"damaged PDF: {_brief(error)}") from error


def _brief(error: Exception) -> str:
    from pypdf.errors import PyPdfError

    if isinstance(error, RecursionError):
        return "it refers to itself"
    if isinstance(error, MemoryError):
        return "a part of it is too large"
    line = " ".join(re.split(": | starting with ", _clean(str(error)))[0].split())
    # What Python says of a wrong index or type means nothing to anyone here; what pypdf says does.
    return line[:80] if line and isinstance(error, PyPdfError) else f"{type(error).__name__} in its structure"


def _reader_of(stream: BinaryIO) -> PdfReader:
    from pypdf import PasswordType, PdfReader

    # It reports every flaw that it repairs, as a warning of its own or through `logging`: thousands in some files.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)
    reader = PdfReader(stream)
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise SourceError(ENCRYPTED)
    return reader


def _title_in(reader: PdfReader) -> str:
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:  # as in _trouble_named, but the text may be whole all the same
        return ""
    title = " ".join(_clean(title).split()) if isinstance(title, str) else ""
    return "" if title.lower() == "untitled" else title[:LONGEST_TITLE]


def _labels_of(reader: PdfReader, count: int) -> list[str]:
    """What is printed on the pages, as far as the file says so, or else their numbers."""
    numbers = [str(number + 1) for number in range(count)]
    try:
        labels = [" ".join(_clean(str(label)).split()) for label in reader.page_labels]
    except Exception:  # as above
        return numbers
    return [label or number for label, number in zip(labels, numbers, strict=True)] if len(labels) == count else numbers


def _pages(reader: PdfReader) -> Iterator[str | Landmark]:
    with _trouble_named():
        count = len(reader.pages)
    labels = _labels_of(reader, count)
    start = 0
    blank: list[Landmark] = []  # pages before the first that has text: perhaps none has
    trouble: SourceError | None = None
    for number in range(count):
        held = len(reader.resolved_objects)
        page = Landmark(start, "page", labels[number])
        text = ""
        try:
            with _trouble_named():
                text = _clean(reader.pages[number].extract_text())
            _forget_streams(reader, held)
        except SourceError as error:
            if str(error) in (ENCRYPTED, ENCRYPTED_AES):
                raise
            trouble = trouble or error
        if not text.strip():
            if start:
                yield page
            else:
                blank.append(page)
            continue
        text += "" if text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        yield from blank
        blank.clear()
        yield page
        yield text
        start += len(text)
    if not start:
        raise trouble or SourceError(NO_TEXT if count else "damaged PDF: it has no pages")


def _forget_streams(reader: PdfReader, held: int) -> None:
    """Lets go of the contents, images and fonts that a page brought in; pypdf keeps all it ever resolved.

    `held`: how many objects were there before the page. Dictionaries stay: they are small, and shared.
    """
    from pypdf.generic import StreamObject

    objects = reader.resolved_objects
    streams = [key for key in islice(reversed(objects), len(objects) - held) if isinstance(objects[key], StreamObject)]
    for key in streams:
        del objects[key]


def _clean(text: str) -> str:
    # Pairs of surrogates become the characters they mean, and single ones a replacement character.
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return CONTROLS.sub("", text).translate(LIGATURES)
