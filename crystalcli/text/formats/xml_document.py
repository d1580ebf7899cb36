"""Reader of documents that are one XML file, held whole and parsed when it is first needed.

Knows how such a file is read and bounded. Does not know what its elements mean: subclasses do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, parse_xml
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.source.read_request import ReadRequest

MAX_XML_BYTES = 200_000_000  # pictures included
# Pictures of a FictionBook, which may have more letters than the parser takes in one piece.
_PICTURES = re.compile(rb"<binary\b[^>]*>[^<]*</binary\s*>")


class XmlReading:
    """A document in one XML file."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self._request = request
        self._root: Element = None

    @property
    def title(self) -> str:
        """The document's own title; "" also where `pieces` will raise."""
        try:
            return heading_label(one_line(self.read_title(self._parsed())))
        except (SourceError, UnicodeDecodeError):
            return ""

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text and its landmarks.

        Raises:
            SourceError: the document cannot be read, or has no text.
        """
        root, self._root = self._parsed(), None
        composer = Composer()
        try:
            yield from self.read_fields(root).landmarks()
            for _ in self.compose(root, composer):
                yield from composer.drain()
        except UnicodeDecodeError as error:  # the parser has cut a value in the middle of a letter
            raise SourceError("damaged: a part of it is not valid XML", Reason.DAMAGED) from error
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)

    def read_title(self, root: Element) -> str:
        """Return the document's own title, or ""."""
        raise NotImplementedError

    def read_fields(self, root: Element) -> StatedFields:
        """Return what the document states of itself beside its title."""
        return StatedFields()

    def compose(self, root: Element, composer: Composer) -> Iterator[None]:
        """Write the document, and yield now and then, so that the text can be passed on."""
        raise NotImplementedError

    def _parsed(self) -> Element:
        if self._root is None:
            data = self._request.whole_file(MAX_XML_BYTES)
            self._root = parse_xml(_PICTURES.sub(b"", data), recover=True)
        return self._root
