"""Parser of RTF: the text of a document and where its paragraphs, cells and notes end.

Knows control words, groups, code pages and Unicode of the Rich Text Format, version 1.9.1. Does not
know how a paragraph is written down (rtf_reader).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.text.source.stated_encoding import codec_of_label
from crystalcli.text.source.text_decoder import Decoder

_TOKEN = re.compile(
    rb"\\(?P<word>[A-Za-z]{1,40})(?P<number>-?\d{1,10})? ?|\\'(?P<hex>[0-9A-Fa-f]{2})|\\(?P<symbol>[^A-Za-z])"
    rb"|(?P<brace>[{}])|(?P<text>[^\\{}\r\n]+)|[\r\n]+|."
)
_MAX_DEPTH = 2000  # nested groups; deeper ones are left out
# Groups that hold no text of the document, also without the mark `\*` of those that may be skipped.
_SILENT = frozenset((
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "header", "headerl", "headerr", "headerf", "footer", "footerl",
    "footerr", "footerf", "ftnsep", "ftnsepc", "ftncn", "aftnsep", "aftnsepc", "aftncn", "xe", "tc", "tcn", "txe", "rxe",
    "bkmkstart", "bkmkend", "fldinst", "nonshppict", "themedata", "colorschememapping", "datastore", "latentstyles",
    "listtable", "listoverridetable", "revtbl", "rsidtbl", "objdata", "objclass", "sp", "template", "private", "pntxta",
    "pntxtb", "pnseclvl", "pgptbl", "filetbl", "annotation", "atnid", "atnauthor", "atnref", "falt", "panose", "operator",
))  # fmt: skip
_SPOKEN = frozenset(("shpinst", "shptxt", "ud", "htmltag", "result"))  # groups with text in spite of `\*`
_CHARACTERS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}"}
# Words that end a paragraph, a cell, a row.
_BREAKS = {
    "par": "par",
    "sect": "par",
    "page": "par",
    "cell": "cell",
    "nestcell": "cell",
    "row": "row",
    "nestrow": "row",
}
_BREAK_SYMBOLS = {b"\n": "par", b"\r": "par"}
_CODE_PAGES = {"ansi": "windows-1252", "mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
# The code page of a font by its character set.
_CHARACTER_SETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gb18030", 136: "big5hkscs", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip
_SYMBOL_SET = 2
_INFO = frozenset(("title", "author", "keywords"))  # groups in the document's information
_INFO_DATES = frozenset(("creatim", "revtim"))
_SURROGATES = re.compile("[\ud800-\udfff]+")


class RtfBreak(NamedTuple):
    """The end of a part of the text.

    Attributes:
        kind: "par", "cell" or "row"; "note" and "end note" around a footnote; "item" before the
            number or the bullet of a list's item, and "end item" behind it.
        style: the number of the paragraph's style; -1 without one.
        level: the paragraph's outline level, from 0; -1 without one.
    """

    kind: str
    style: int = -1
    level: int = -1


class _Group(NamedTuple):
    """The state of a group, which a group inside it begins with."""

    is_silent: bool = False
    is_hidden: bool = False
    is_html_text: bool = True
    codec: str = ""
    unicode_skip: int = 1
    destination: str = ""


class RtfParser:
    """A document in RTF.

    Args:
        data: all of it.

    Attributes:
        properties: `title`, `author` and `keywords`, where the document has them; `revtim` and
            `creatim`, the days of the last change and of its making.
        styles: names of paragraph styles by their numbers, in lower case.
        style_levels: outline levels of paragraph styles by their numbers.
        is_html: whether the text is HTML in the clothes of RTF, as Outlook writes it.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._codec = "windows-1252"
        self._fonts: dict[int, str] = {}
        self._font = self._style = self._level = -1
        self._group = _Group()
        self._bytes = bytearray()
        self._to_skip = 0  # characters that stand for the last one in Unicode
        self._table: dict[str, str] = {}  # text of groups that are tables
        self.properties: dict[str, str] = {}
        self.styles: dict[int, str] = {}
        self.style_levels: dict[int, int] = {}
        self.is_html = b"\\fromhtml1" in data[:4096]

    def events(self) -> Iterator[str | RtfBreak]:
        """Yield the text in pieces, and breaks between them."""
        stack: list[_Group] = []
        position, data = 0, self._data
        may_skip = False  # the group may be skipped by those who do not know it
        while match := _TOKEN.match(data, position):
            position = match.end()
            if text := match["text"]:
                self._take(text)
                continue
            if match["hex"]:
                self._take(bytes.fromhex(match["hex"].decode()))
                continue
            yield from self._flush()
            if brace := match["brace"]:
                if brace == b"{" and len(stack) < _MAX_DEPTH:
                    stack.append(self._group)
                elif brace == b"}" and stack:
                    yield from self._close(stack.pop())
                self._to_skip, may_skip = 0, False
            elif symbol := match["symbol"]:
                if symbol == b"*":
                    may_skip = True
                elif symbol in _BREAK_SYMBOLS:
                    yield from self._break("par")
                else:
                    yield from self._say(_SYMBOLS.get(symbol, ""))
            elif match["word"]:
                word, number = match["word"].decode(), int(match["number"]) if match["number"] else None
                if word == "bin":
                    position += max(0, number or 0)
                yield from self._word(word, number, may_skip)
                may_skip = False
        yield from self._flush()
        yield from self._break("par")

    def _word(self, word: str, number: int | None, may_skip: bool) -> Iterator[str | RtfBreak]:
        group = self._group
        if word == "u" and number is not None:
            yield from self._say(chr(number & 0xFFFF))
            self._to_skip = group.unicode_skip
        elif word in _CHARACTERS:
            yield from self._say(_CHARACTERS[word])
        elif word in _BREAKS:
            yield from self._break(_BREAKS[word])
        elif word in _SILENT or (may_skip and word not in _SPOKEN) or (word == "object" and may_skip):
            self._group = group._replace(is_silent=True, destination=word)
        elif word in _INFO or word in _INFO_DATES or word in ("yr", "mo", "dy"):
            self._information(word, number)
        elif word in ("s", "outlinelevel", "pard", "plain", "f", "fcharset", "cpg"):
            self._property(word, number)
        elif word == "upr":  # a text without Unicode, before the same with it
            self._group = group._replace(is_silent=True, destination=word)
        elif word == "ud":
            self._group = group._replace(is_silent=False, destination=word)
        elif word in ("footnote", "listtext", "pntext", "htmltag"):
            self._group = group._replace(destination=word)
            if not group.is_silent and word != "htmltag":
                yield RtfBreak("note" if word == "footnote" else "item")
        elif word in ("v", "deleted"):
            self._group = group._replace(is_hidden=number != 0)
        elif word == "htmlrtf":
            self._group = group._replace(is_html_text=number == 0)
        elif word == "uc":
            self._group = group._replace(unicode_skip=max(0, min(number or 0, 16)))
        elif word in _CODE_PAGES:
            self._codec = _CODE_PAGES[word]
        elif word == "ansicpg" and number:
            self._codec = codec_of_label(f"cp{number}") or self._codec

    def _information(self, word: str, number: int | None) -> None:
        """Take note of the title, an author, keywords, or a part of a date."""
        destination = self._group.destination
        if word in _INFO or word in _INFO_DATES:
            if destination == "info":
                self._group = self._group._replace(destination=word)
        elif destination in _INFO_DATES and number is not None:
            day = self.properties.get(destination, "")
            if len(day) < len("2026-08-17"):
                self.properties[destination] = f"{day}-{number:02d}" if day else f"{number:04d}"

    def _property(self, word: str, number: int | None) -> None:
        """Take note of a font or a style."""
        group = self._group
        value = -1 if number is None else number
        if word == "plain":
            self._group = group._replace(is_hidden=False, codec="")
        elif word == "pard":
            self._style = self._level = -1
        elif word in ("s", "outlinelevel"):
            if group.destination == "stylesheet" and word == "outlinelevel":
                self.style_levels[self._style] = value
            elif word == "s":
                self._style = value
            else:
                self._level = value
        elif group.destination == "fonttbl":
            if word == "f":
                self._font = value
            elif word == "cpg":
                self._fonts[self._font] = codec_of_label(f"cp{value}")
            else:
                self._fonts[self._font] = "symbol" if value == _SYMBOL_SET else _CHARACTER_SETS.get(value, "")
        elif word == "f":
            self._group = group._replace(codec=self._fonts.get(value, ""))

    def _close(self, outer: _Group) -> Iterator[str | RtfBreak]:
        """End a group."""
        inner, self._group = self._group, outer
        if inner.destination != outer.destination and not outer.is_silent:
            if inner.destination == "footnote":
                yield RtfBreak("end note")
            elif inner.destination in ("listtext", "pntext"):
                yield RtfBreak("end item")
        if inner.destination == "stylesheet" and (name := self._table.pop("stylesheet", "")):
            self.styles[self._style] = name.strip().rstrip(";").lower()
            self._style = -1
        elif inner.destination in _INFO and outer.destination != inner.destination:
            self.properties.setdefault(inner.destination, self._table.pop(inner.destination, ""))
        elif inner.destination == "fonttbl":
            self._table.pop("fonttbl", "")

    def _take(self, data: bytes) -> None:
        """Take bytes in the code page of the font."""
        skipped = min(self._to_skip, len(data))
        self._to_skip -= skipped
        self._bytes += data[skipped:]

    def _flush(self) -> Iterator[str | RtfBreak]:
        """Decode the bytes so far."""
        if self._bytes:
            data = bytes(self._bytes)
            self._bytes.clear()
            codec = self._group.codec or self._codec
            if codec == "symbol":
                text = "".join("•" if byte in b"\xb7\xa7o" else chr(byte) if byte < 128 else "" for byte in data)
            else:
                text = data.decode() if data.isascii() else Decoder(codec, "replace").decode(data, final=True)
            yield from self._say(text)

    def _say(self, text: str) -> Iterator[str]:
        """Yield text unless it is hidden, or belongs to a table."""
        group = self._group
        if group.destination == "stylesheet" or group.destination in _INFO:
            self._table[group.destination] = self._table.get(group.destination, "") + text
        elif text and not (group.is_silent or group.is_hidden) and self._counts(group):
            yield text

    def _counts(self, group: _Group) -> bool:
        """Tell whether a group's text counts where the document is HTML inside."""
        return not self.is_html or group.destination == "htmltag" or group.is_html_text

    def _break(self, kind: str) -> Iterator[str | RtfBreak]:
        group = self._group
        if group.is_silent:
            return
        if self.is_html:
            if group.is_html_text:
                yield "\n"
        else:
            yield RtfBreak(kind, self._style, self._level)


def join_surrogates(text: str) -> str:
    """Join halves of characters, which RTF writes one by one."""
    if text.isascii():
        return text
    return _SURROGATES.sub(
        lambda halves: halves[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), text
    )
