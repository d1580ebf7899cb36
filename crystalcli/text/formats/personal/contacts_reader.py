"""Reader of address books (.vcf): a paragraph for each card. Pictures and keys are left out.

Knows the properties of vCard 2.1, 3 and 4 (RFC 6350).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.outline import heading_label
from crystalcli.text.formats.personal.content_lines import ContentLine, content_lines
from crystalcli.text.formats.plain import decode_lines
from crystalcli.text.source.read_request import ReadRequest

_LABELS = {
    "NICKNAME": "Nickname", "ORG": "Organisation", "TITLE": "Title", "ROLE": "Role", "TEL": "Phone", "EMAIL": "Mail",
    "ADR": "Address", "LABEL": "Address", "BDAY": "Birthday", "ANNIVERSARY": "Anniversary", "URL": "Link", "IMPP": "Chat",
    "X-SKYPE": "Skype", "CATEGORIES": "Groups", "RELATED": "Related", "X-ABRELATEDNAMES": "Related", "NOTE": "Note",
}  # fmt: skip
_DAY = re.compile(r"(?:(\d{4})-?|--)(\d\d)-?(\d\d)(?!\d)")
_PLACES = frozenset(("home", "work", "cell", "fax", "mobile", "main", "other"))  # types worth a word


class ContactsReading:
    """An address book."""

    kind = "contacts"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each card: a "heading" landmark with its name, a line for each property.

        Raises:
            SourceError: the file has no cards.
        """
        composer, card = Composer(), list[ContentLine]()
        for line in content_lines(decode_lines(self._request)):
            if line.name == "BEGIN":
                card = []
            elif line.name == "END":
                _write(card, composer)
                card = []
                yield from composer.drain()
            else:
                card.append(line)
        _write(card, composer)
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)


def _write(card: list[ContentLine], composer: Composer) -> None:
    first = {line.name: line for line in reversed(card)}
    name = one_line(first["FN"].text) if "FN" in first else ""
    if not name and "N" in first:
        family, given, *rest = [*first["N"].parts(), "", ""]
        name = one_line(" ".join(filter(None, (*rest[1:2], given, *rest[:1], family))))
    if not name and "ORG" in first:
        name = one_line(first["ORG"].parts()[0])
    facts = [fact for line in card if line.name in _LABELS and (fact := _fact(line))]
    if not name and not facts:
        return
    composer.begin_block()
    composer.mark("heading", heading_label(name))
    composer.write_block(name)
    for fact in facts:
        composer.write_block(fact, LINE)


def _fact(line: ContentLine) -> str:
    """Return a property as a line: `Phone (cell): 555 0199`."""
    text = ", ".join(filter(None, line.parts())) if line.name in ("ADR", "ORG") else line.text
    if line.name == "CATEGORIES":
        text = ", ".join(filter(None, line.parts(",")))
    elif line.name in ("BDAY", "ANNIVERSARY") and (day := _DAY.match(text)):
        text = "-".join(part for part in day.groups() if part)
    text = text.strip() if line.name == "NOTE" else one_line(text)
    text = text.removeprefix("tel:") if line.name == "TEL" else text
    places = [place for place in line.parameters.get("TYPE", "").lower().split(",") if place in _PLACES]
    label = _LABELS[line.name] + (f" ({', '.join(places)})" if places else "")
    return f"{label}: {text}" if text else ""
