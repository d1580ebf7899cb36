"""Content lines of calendars and address books (RFC 5545, RFC 6350, and vCard 2.1 before them).

Knows folded lines, parameters, escapes and encodings. Does not know what a property means.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crystalcli.text.source.text_decoder import decode_labelled

_LINE = re.compile(r"(?:[\w-]+\.)?([A-Za-z][A-Za-z0-9_-]{0,60})((?:;[^:;\"]*(?:\"[^\"]*\"[^:;\"]*)*)*):(.*)", re.DOTALL)
_PARAMETER = re.compile(r";([\w-]{1,60})(?:=((?:\"[^\"]*\"|[^;\"]*)*))?")
_ESCAPE = re.compile(r"\\([\\;,:nN])")
_MAX_VALUE_LENGTH = 1 << 20  # characters; longer values are pictures


class ContentLine(NamedTuple):
    """A property.

    Attributes:
        name: in capitals.
        parameters: values by names in capitals; a bare parameter of vCard 2.1 is a TYPE.
        value: as written, decoded but with its escapes.
    """

    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value as text, without escapes."""
        return unescape(self.value).strip()

    def parts(self, separator: str = ";") -> list[str]:
        """Return the parts of the value, without escapes."""
        return [unescape(part).strip() for part in re.split(rf"(?<!\\){separator}", self.value)]


def content_lines(lines: Iterable[str]) -> Iterator[ContentLine]:
    """Yield the properties of a file.

    Args:
        lines: of the file, without their ends.
    """
    folded: list[str] = []
    size = 0
    for line in lines:
        if line[:1] in (" ", "\t") and folded:
            folded.append(line[1:])
        elif folded and folded[-1].endswith("=") and _is_quoted_printable(folded[0]):
            folded[-1] = folded[-1][:-1]
            folded.append(line)
        else:
            if folded and (property_ := _parsed("".join(folded))):
                yield property_
            folded, size = [line], 0
        size += len(line)
        if size > _MAX_VALUE_LENGTH:
            folded[1:] = []
    if folded and (property_ := _parsed("".join(folded))):
        yield property_


def unescape(text: str) -> str:
    r"""Return a value without its escapes: `\n`, `\,`, `\;`."""
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] in "nN" else escape[1], text) if "\\" in text else text


def _is_quoted_printable(line: str) -> bool:
    return "QUOTED-PRINTABLE" in line.partition(":")[0].upper()


def _parsed(line: str) -> ContentLine | None:
    match = _LINE.fullmatch(line.strip("\ufeff"))
    if match is None:
        return None
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(match[2]):
        key, text = (name.upper(), value.strip('"')) if value else ("TYPE", name)
        parameters[key] = f"{parameters[key]},{text}" if key in parameters else text
    value = match[3]
    if "QUOTED-PRINTABLE" in f"{parameters.get('ENCODING', '')},{parameters.get('TYPE', '')}".upper():
        value = decode_labelled(binascii.a2b_qp(value.encode("utf-8", "replace")), parameters.get("CHARSET", ""))
    return ContentLine(match[1].upper(), parameters, value)
