"""Calendars, address books and notes: what is written in them, and no pictures."""

from __future__ import annotations

import base64
import json
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.readings import read

from crystalcli.errors import SourceError
from crystalcli.text.formats.mail.mail_message import parse_mail
from crystalcli.text.formats.personal.content_lines import content_lines
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

RACE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Oslo\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1\r\n"
    "DTSTART;TZID=Europe/Oslo:20260609T100000\r\nDTEND;TZID=Europe/Oslo:20260609T123000\r\nSUMMARY:Regatta\\, round two\r\n"
    "LOCATION:Pier 4\r\nORGANIZER;CN=Ann Marsh:mailto:ann@example.org\r\nATTENDEE;CN=\"Bo; Li\":mailto:bo@example.org\r\n"
    "ATTENDEE:mailto:cy@example.org\r\nRRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;UNTIL=20260901\r\n"
    "DESCRIPTION:Bring the long oars.\\nThe gate opens at nin\r\n e.\r\nBEGIN:VALARM\r\nDESCRIPTION:Alarm\r\nEND:VALARM\r\n"
    "END:VEVENT\r\nBEGIN:VTODO\r\nDUE;VALUE=DATE:20260610\r\nSUMMARY:Wash the sails\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)  # fmt: skip


def test_a_calendar(tmp_path: Path) -> None:
    found = read(tmp_path / "club.ics", RACE)
    assert found.kind == "calendar"
    assert found.text == (
        "Regatta, round two\nWhen: 2026-06-09 10:00 to 12:30 (Europe/Oslo)\nWhere: Pier 4\nOrganizer: Ann Marsh\n"
        "With: Bo; Li, cy@example.org\nRepeats: weekly, every 2 weeks, Tue, until 2026-09-01\n"
        "Bring the long oars.\nThe gate opens at nine.\n\nWash the sails\nDue: 2026-06-10\n"
    )
    assert [label for _, label in found.marks["heading"]] == ["Regatta, round two", "Wash the sails"]
    assert [label for _, label in found.marks["message"]] == ["2026-06-09 10:00", "2026-06-10"]


def test_a_calendar_that_is_cut_off_and_days_of_the_month(tmp_path: Path) -> None:
    found = read(
        tmp_path / "club.ics",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Tea\nCATEGORIES:Club,Fun\\, games\nRRULE:FREQ=MONTHLY;BYDAY=-1FR,2MO\nDTSTART:2026",
    )
    assert found.text == "Tea\nCategories: Club, Fun, games\nRepeats: monthly, last Fri, second Mon\n"


def test_an_invitation_in_a_mail() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Ann <ann@example.org>", "Invitation"
    message.set_content("Will you come?\n")
    message.add_alternative(RACE, subtype="calendar")
    text = parse_mail(message.as_bytes()).text
    assert "Will you come?" in text
    assert "When: 2026-06-09 10:00 to 12:30 (Europe/Oslo)" in text


def test_an_address_book(tmp_path: Path) -> None:
    photo = base64.b64encode(bytes(range(256)) * 20).decode()
    folded = "\r\n ".join(photo[at : at + 70] for at in range(0, len(photo), 70))
    found = read(
        tmp_path / "crew.vcf",
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Jörg Møller\r\nN:Møller;Jörg;;;\r\nORG:Boat Club;Rowing\r\nitem1.TEL;TYPE=CELL:+47 555\r\n"
        f"EMAIL;TYPE=work:j@example.org\r\nADR;TYPE=HOME:;;Pier 4;Oslo;;0150;Norway\r\nNOTE:Owns the ketch Wren\\, and\\nan oar.\r\n"
        f"PHOTO;ENCODING=b;TYPE=JPEG:{folded}\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Bj=C3=B6rk;=C3=85sa\r\n"
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Kommer med b=E5ten =\r\np=E5 tisdag\r\nTEL;HOME:5521\r\nEND:VCARD\r\n",
    )
    assert found.kind == "contacts"
    assert found.text == (
        "Jörg Møller\nOrganisation: Boat Club, Rowing\nPhone (cell): +47 555\nMail (work): j@example.org\n"
        "Address (home): Pier 4, Oslo, 0150, Norway\nNote: Owns the ketch Wren, and\nan oar.\n\n"
        "Åsa Björk\nNote: Kommer med båten på tisdag\nPhone (home): 5521\n"
    )
    assert [label for _, label in found.marks["heading"]] == ["Jörg Møller", "Åsa Björk"]


def test_days_and_organisations_of_address_books(tmp_path: Path) -> None:
    cards = (
        "BEGIN:VCARD\nFN:Ann\nBDAY:--0412\nANNIVERSARY:20100503\nCATEGORIES:crew,friends\nEND:VCARD\n"
        "BEGIN:VCARD\nN:;;;;\nORG:Harbour Office;Berths\nBDAY:1990-01-02T00:00:00Z\nEND:VCARD\n"
    )
    found = read(tmp_path / "a.vcf", cards)
    assert found.text == (
        "Ann\nBirthday: 04-12\nAnniversary: 2010-05-03\nGroups: crew, friends\n\n"
        "Harbour Office\nOrganisation: Harbour Office, Berths\nBirthday: 1990-01-02\n"
    )
    assert [label for _, label in found.marks["heading"]] == ["Ann", "Harbour Office"]


def enex() -> bytes:
    page = (
        '<?xml version="1.0"?><!DOCTYPE en-note SYSTEM "http://xml.evernote.com/pub/enml2.dtd"><en-note><h2>Wick</h2>'
        '<div>Trim it to three millimetres.</div><div><en-todo checked="true"/>oil</div><div><en-todo/>glass</div>'
        '<div>Key: <en-crypt hint="x">UkM0</en-crypt></div>'
        '<en-media type="image/png" hash="x"/></en-note>'
    )
    files = "".join(
        f'<resource><data encoding="base64">\n{base64.encodebytes(data).decode()}</data><mime>{mime}</mime>'
        f"<resource-attributes><file-name>{name}</file-name></resource-attributes></resource>"
        for name, mime, data in (
            ("plan.txt", "text/plain", b"Nine piles."),
            ("lamp.png", "image/png", b"\x89PNG" * 900),
        )
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE en-export SYSTEM "http://xml.evernote.com/pub/evernote-export3.dtd">\n'
        f"<en-export><note><title>Lamp &amp; care</title><created>20260505T090000Z</created><tag>boat</tag><tag>light</tag>"
        f"<note-attributes><author>Ann</author><source-url>https://example.org/lamp</source-url></note-attributes>"
        f"<content><![CDATA[{page}]]></content>{files}</note>\n"
        "<note><title>Second</title><content><![CDATA[<en-note>Größe neun.</en-note>]]></content></note></en-export>"
    ).encode()


def test_notes_of_evernote(tmp_path: Path) -> None:
    found = read(tmp_path / "notes.enex", enex())
    assert found.kind == "notes"
    assert found.text == (
        "Lamp & care\nTags: boat, light\nLink: https://example.org/lamp\n\nWick\n\nTrim it to three millimetres.\n\n"
        "[x] oil\n\n[ ] glass\n\nKey: [Encrypted text]\n\nSecond\n\nGröße neun.\n"
    )
    assert [label for _, label in found.marks["heading"]] == ["Lamp & care", "Lamp & care › Wick", "Second"]
    assert found.marks["message"][0][1] == "Ann, 2026-05-05 09:00 UTC"
    assert "iVBOR" not in found.text
    for ocr, picture in ((False, None), (True, b"\x89PNG" * 900)):
        _, reading = open_source(tmp_path / "notes.enex", ReadOptions(ocr=ocr))
        list(reading.pieces())
        members = [
            (member.name, member.path and member.path.read_bytes())
            for member in reading.members()  # type: ignore[attr-defined]
        ]
        assert members == [("plan.txt", b"Nine piles."), ("lamp.png", picture)]


def test_a_note_of_google_keep(tmp_path: Path) -> None:
    base = {
        "color": "DEFAULT",
        "isTrashed": False,
        "userEditedTimestampUsec": 1777971600000000,
        "createdTimestampUsec": 1,
    }
    note = {**base, "title": "Lamp", "textContent": "Trim the wick.\nGröße drei.", "labels": [{"name": "boat"}]}
    found = read(tmp_path / "Lamp.json", json.dumps(note))
    assert (found.kind, found.title, found.text) == (
        "notes",
        "Lamp",
        "Lamp\nTags: boat\n\nTrim the wick.\nGröße drei.\n",
    )
    assert found.marks == {
        "heading": [("Lamp", "Lamp")],
        "message": [("Lamp", "2026-05-05 09:00 UTC")],
        "date": [("Lamp", "2026-05-05")],
        "tags": [("Lamp", "boat")],
    }
    note["annotations"] = [{"title": "Tides", "url": "https://t.example"}, {"url": "https://u.example"}, {"title": "x"}]
    text = read(tmp_path / "Lamp.json", json.dumps(note)).text
    assert text.endswith("drei.\nLink: Tides (https://t.example)\nLink: https://u.example\n")
    items = {
        **base,
        "title": "",
        "listContent": [{"text": "oil", "isChecked": True}, {"text": "glass", "isChecked": False}],
    }
    assert read(tmp_path / "x.json", json.dumps(items)).text == "[x] oil\n[ ] glass\n"


@pytest.mark.parametrize("name", ["a.ics", "a.vcf", "a.enex"])
def test_files_without_entries(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match=r"^no text in it$"):
        read(tmp_path / name, "BEGIN:VCARD\nEND:VCARD\n<en-export></en-export>\n")


@relaxed
@example(["Aé: 1"])
@given(st.lists(st.text(st.sampled_from('AN:;=\\",\n \té'), max_size=30), max_size=20))
def test_any_lines_are_read(lines: list[str]) -> None:
    for line in content_lines(lines):
        assert line.name.isascii()
        assert isinstance(line.text, str)
        line.parts()
