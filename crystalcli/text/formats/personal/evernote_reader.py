"""Reader of notes in Evernote's exports (.enex): each note with its title, its tags and its time.

Knows how notes stand in the file, and which of their files are pictures. Does not know HTML
(web.html_blocks). Holds one note at a time.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice

from lxml import etree

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.markup import Element, descendants, parse_html
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.formats.archive.archive_reader import ArchiveMember, attached_members
from crystalcli.text.formats.web.html_blocks import HtmlBlocks
from crystalcli.text.source.file_bytes import bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.text_decoder import decode_labelled

_MAX_NOTE_BYTES = 256 << 20  # with its files, which are held in memory
_MAX_FILES = 10_000  # of all notes that are read
_NOTE_START, _NOTE_END = b"<note>", b"</note>"
_RESOURCE = re.compile(rb"<resource\b.*?</resource>", re.DOTALL)
_DATA = re.compile(rb"<data\b[^>]*>(.*?)</data>", re.DOTALL)
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ")
_ENCRYPTED = re.compile(r"<en-crypt\b[^>]*>[^<]*(?:</en-crypt>)?")
_TO_DO = re.compile(r"<en-todo\b([^>]*)>(?:</en-todo>)?")


class EvernoteReading:
    """An export of notes."""

    kind = "notes"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each note: a "heading" landmark with its title, a "message" one with its time.

        Raises:
            SourceError: the file holds no notes, or a damaged one.
        """
        composer = Composer()
        for data in self._notes():
            _write(_without_files(data), composer)
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)

    def members(self) -> Generator[ArchiveMember, None, None]:
        """Yield the files in the notes that are no sounds or films."""
        files = (file for data in self._notes() for file in _files(data))
        yield from attached_members(islice(files, _MAX_FILES), pictures=self._request.options.ocr)

    def _notes(self) -> Iterator[bytes]:
        """Yield the XML of each note."""
        seen, rest = self._request.seen.fingerprint, bytearray()
        for piece in bytes_again(self._request.path, seen, self._request.options.piece):
            # Searched from where the last piece ended: a file in a note may be large.
            searched = max(0, len(rest) - len(_NOTE_END))
            rest += piece
            while (end := rest.find(_NOTE_END, searched)) >= 0:
                yield bytes(rest[max(0, rest.find(_NOTE_START)) : end + len(_NOTE_END)])
                del rest[: end + len(_NOTE_END)]
                searched = 0
            if len(rest) > _MAX_NOTE_BYTES:
                raise SourceError("damaged: a note in it does not end", Reason.DAMAGED)


def _without_files(note: bytes) -> bytes:
    return _RESOURCE.sub(b"", note)


def _write(note: bytes, composer: Composer) -> None:
    """Write a note; one that is no XML is left out."""
    try:
        root = etree.fromstring(note, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    except etree.XMLSyntaxError:
        return
    if root is None:
        return
    title, content = _first(root, "title"), _first(root, "content")
    match = _TIME.match(_first(root, "updated") or _first(root, "created"))
    composer.begin_block()
    composer.mark("heading", heading_label(one_line(title)))
    author = one_line(_first(root, "author"))
    time = f"{match[1]}-{match[2]}-{match[3]} {match[4]}:{match[5]} UTC" if match else ""
    composer.mark("message", ", ".join(filter(None, (author, time))))
    composer.write_block(one_line(title))
    if tags := ", ".join(one_line(tag.text or "") for tag in descendants(root, "tag")):
        composer.write_block(f"Tags: {tags}", LINE)
    if source := one_line(_first(root, "source-url")):
        composer.write_block(f"Link: {source}", LINE)
    content = _ENCRYPTED.sub("[Encrypted text]", content)
    page = parse_html(_TO_DO.sub(lambda box: "[x] " if 'checked="true"' in box[1] else "[ ] ", content))
    if page is not None:
        for _ in HtmlBlocks(composer, outline=Outline(heading_label(one_line(title)))).write(page):
            pass


def _first(root: Element, name: str) -> str:
    element = next(descendants(root, name), None)
    return element.text or "" if element is not None else ""


def _files(note: bytes) -> Iterator[tuple[str, partial[bytes]]]:
    """Yield the name of each file in a note, and a function that returns its bytes."""
    for resource in _RESOURCE.findall(note):
        fields = {name: _field(resource, name) for name in ("mime", "file-name")}
        data = _DATA.search(resource)
        if data is None or fields["mime"].startswith(("audio/", "video/")):
            continue
        name = fields["file-name"].replace("/", "_").replace("\\", "_").strip(". ")
        yield name or "attachment" + (mimetypes.guess_extension(fields["mime"]) or ""), partial(_decoded, data[1])


def _field(resource: bytes, name: str) -> str:
    match = re.search(rb"<%b>([^<]{0,500})</%b>" % (name.encode(), name.encode()), resource)
    return one_line(decode_labelled(match[1])) if match else ""


def _decoded(data: bytes) -> bytes:
    try:
        return base64.b64decode(data)
    except (ValueError, binascii.Error):
        return b""
