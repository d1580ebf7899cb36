"""Mails as programs really write them: encodings, people, placeholders, signatures, Outlook's and Apple's files."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.outlook import compound_file, message_streams, rtf_literally, winmail
from support.readings import read

from crystalcli.errors import SourceError
from crystalcli.text.formats.archive.archive_reader import ArchiveMember
from crystalcli.text.formats.mail.mail_message import parse_mail
from crystalcli.text.formats.mail.outlook_rtf import unpack_rtf
from crystalcli.text.formats.mail.signed_mail import signed_content
from crystalcli.text.formats.mail.tnef import tnef_parts
from crystalcli.text.readers import open_source

relaxed = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEADERS = b"From: Ann Marsh <ann@example.org>\nSubject: Rope\nDate: Tue, 5 May 2026 09:15:00 +0200\nMIME-Version: 1.0\n"


def body_of(data: bytes) -> str:
    return parse_mail(data).text.split("\n\n", 1)[1].strip()


# --- encodings ----------------------------------------------------------------------------------------


def test_a_guessed_encoding_is_told(tmp_path: Path) -> None:
    body = "Ключи у сторожа, лодка у причала."
    stated = HEADERS + b"Content-Type: text/plain; charset=koi8-r\n\n" + body.encode("koi8-r")
    silent = HEADERS + b"\n" + body.encode("koi8-r")
    for name, data, doubts in (
        ("a.eml", silent, ["guessed_encoding: read as koi8-u, by its letters"]),
        ("b.eml", stated, []),
        ("c.eml", HEADERS + b"\n" + body.encode(), []),
        (
            "d.mbox",
            b"From a Tue May  5 09:15:00 2026\n" + silent,
            ["guessed_encoding: some mails read as koi8-u, by their letters"],
        ),
    ):
        found = read(tmp_path / name, data)
        assert body in found.text
        assert [label for _, label in found.marks.get("doubt", [])] == doubts


@pytest.mark.parametrize(
    ("text", "charset", "codec"),
    [
        ("灯塔的钥匙在朱镕手里，喆哥五点来。", "gb2312", "gbk"),
        ("등대 열쇠는 서랍에 있습니다. 똠얌꿍은 펲시와 함께.", "ks_c_5601-1987", "cp949"),
        ("鍵は①番の棚、㈱髙田の受付です。", "shift_jis", "cp932"),
        ("It’s “free” – 5 € only…", "iso-8859-1", "cp1252"),
        ("Ключи у сторожа, лодка у причала.", "koi8-r", "koi8-r"),
        ("Фонарь горит до утра, сторож спит у причала.", "", "cp1251"),
        ("Łódź jest gotowa, żagle są suche; płyń o świcie.", "", "iso8859-2"),
        ("Der Schlüssel hängt über der Tür.", "us-ascii", "cp1252"),
    ],
)
@pytest.mark.parametrize("transfer", ["8bit", "base64"])
def test_the_text_of_a_mail_in_any_encoding(text: str, charset: str, codec: str, transfer: str) -> None:
    kind = f"Content-Type: text/plain{f'; charset={charset}' if charset else ''}\nContent-Transfer-Encoding: {transfer}\n\n"
    data = text.encode(codec)
    data = base64.encodebytes(data) if transfer == "base64" else data
    if transfer == "base64" and not charset:
        return  # nothing of it shows in the bytes of the mail
    assert body_of(HEADERS + kind.encode() + data) == text


def test_one_bad_byte_costs_one_letter() -> None:
    text = "Grüße. Die Brücke ist für Fußgänger gesperrt."
    data = text.encode().replace("ß".encode(), b"\xc3", 1)
    assert body_of(HEADERS + b"Content-Type: text/plain; charset=utf-8\n\n" + data) == text.replace("ß", "\ufffd", 1)


def test_a_page_says_its_own_encoding() -> None:
    page = '<html><head><meta charset="windows-1251"></head><body><p>Ключ у сторожа</p></body></html>'
    assert body_of(HEADERS + b"Content-Type: text/html\n\n" + page.encode("cp1251")) == "Ключ у сторожа"


HALVES = [base64.b64encode("Schlüssel".encode()[part]) for part in (slice(5), slice(5, None))]


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (b"=?gb2312?B?" + base64.b64encode("朱镕路钥匙".encode("gbk")) + b"?=", "朱镕路钥匙"),
        (b"=?UTF-8?B?4piD?= =?UTF-8?B?IHNub3c=?=", "☃ snow"),
        (b"=?utf-8?B?" + HALVES[0] + b"?=\n =?utf-8?B?" + HALVES[1] + b"?=", "Schlüssel"),
        (b"=?utf-8*de?Q?F=C3=A4hre?= at six", "Fähre at six"),
        ("Ключи у сторожа".encode("koi8-r"), "Ключи у сторожа"),
        ("Fähre".encode(), "Fähre"),
        (b"=?nope?Q?plain?=", "plain"),
    ],
)  # fmt: skip
def test_subjects(subject: bytes, shown: str) -> None:
    body = "\n\nВстреча в пятницу у северных ворот порта.\n".encode("koi8-r") if b"\xeb" in subject else b"\n\nText.\n"
    assert parse_mail(b"From: a@example.org\nSubject: " + subject + body).subject == shown


# --- people -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "author"),
    [
        ("=?utf-8?Q?M=C3=B8ller=2C_Kn=C3=BAt?= <k@example.org>", "Møller, Knút"),
        ('"Marsh, Ann" <ann@example.org>', "Marsh, Ann"),
        ('"=?utf-8?B?TWFyc2gsIEFubg==?=" <ann@example.org>', "Marsh, Ann"),
        ("=?utf-8?Q?Ann_Marsh_=3Cann=40example=2Eorg=3E?=", "Ann Marsh"),
        ("Marsh, Ann <ann@example.org>", "Marsh, Ann"),
        ("ann@example.org (Ann Marsh)", "Ann Marsh"),
        ("Ann <ann@example.org>, Bo <bo@example.org>", "Ann"),
        ("<ann@example.org>", "ann@example.org"),
        ('"Ann \\"Rope\\" Marsh" <ann@example.org>', 'Ann "Rope" Marsh'),
        ("", ""),
    ],
)
def test_authors(sender: str, author: str) -> None:
    assert parse_mail(f"From: {sender}\nSubject: x\n\nText.\n".encode()).author == author


# --- placeholders -------------------------------------------------------------------------------------


def alternative(plain: str, page: str) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "Shop <shop@example.org>", "Order"
    message.set_content(plain)
    message.add_alternative(page, subtype="html")
    return message.as_bytes()


PAGE = "<p>Your rope of <b>forty metres</b> leaves the yard on Monday 9 March and costs 88.20.</p>"


@pytest.mark.parametrize(
    "plain",
    [
        "This e-mail is in HTML.\n",
        "Please enable HTML to view this message, or open it in your browser: https://example.org/view?id=123456\n",
        "Your mail program cannot show this message. Use one that knows HTML, or ask us for a copy on paper.\n",
        "\n",
    ],
)
def test_a_plain_text_that_only_stands_for_another(plain: str) -> None:
    assert (
        body_of(alternative(plain, PAGE))
        == "Your rope of forty metres leaves the yard on Monday 9 March and costs 88.20."
    )


@pytest.mark.parametrize(
    "plain",
    [
        "Your rope of forty metres leaves the yard on Monday 9 March and costs 88.20.\n",
        "Your *rope* leaves the yard on Monday 9 March.\n\nhttps://example.org/a/very/long/address\n",
    ],
)
def test_a_plain_text_that_says_it_too_is_kept(plain: str) -> None:
    assert body_of(alternative(plain, PAGE)) == plain.strip()


# --- signatures and winmail.dat -------------------------------------------------------------------------


def der(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = bytes((len(content),)) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")
    return bytes((tag,)) + size + content


def signed(content: bytes, *, in_pieces: bool = False) -> bytes:
    pieces = [der(4, content[at : at + 20]) for at in range(0, len(content), 20)]
    octets = b"\x24\x80" + b"".join(pieces) + b"\0\0" if in_pieces else der(4, content)
    data = der(0x30, der(6, bytes.fromhex("2a864886f70d010701")), der(0xA0, octets))
    inner = der(0x30, der(2, b"\1"), der(0x31), data, der(0x31))
    return der(0x30, der(6, bytes.fromhex("2a864886f70d010702")), der(0xA0, inner))


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_signed_mail_is_read(in_pieces: bool) -> None:
    inner = "Content-Type: text/plain; charset=utf-8\r\n\r\nThe safe opens on 3 June. Grüße.\r\n".encode()
    data = signed(inner, in_pieces=in_pieces)
    assert signed_content(data) == inner
    head = HEADERS + b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\n"
    mail = head + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    assert body_of(mail) == "The safe opens on 3 June. Grüße."


def test_an_encrypted_mail_says_so() -> None:
    data = der(0x30, der(6, bytes.fromhex("2a864886f70d010703")), der(0xA0, b"\0" * 50))
    head = HEADERS + b"Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n"
    assert body_of(head + base64.encodebytes(data)) == "[Encrypted mail]"


def test_winmail_dat_is_opened() -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "Bo <bo@example.org>", "Plans"
    message.set_content("See the plan.\n")
    data = winmail("The same again.", {"plan.txt": b"Nine piles.", "b.txt": b"Two."})
    message.add_attachment(data, maintype="application", subtype="ms-tnef", filename="winmail.dat")
    found = parse_mail(message.as_bytes())
    assert found.text.endswith("See the plan.\n\n[Attachment: plan.txt]\n\n[Attachment: b.txt]\n\n")
    assert [attachment.load() for attachment in found.attachments] == [b"Nine piles.", b"Two."]
    alone = EmailMessage()
    alone.set_content(data, maintype="application", subtype="ms-tnef")
    assert "The same again." in parse_mail(alone.as_bytes()).text


@relaxed
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damaged_parts_end_quietly(noise: bytes, at: int, byte: int) -> None:
    for whole in (signed(b"Content-Type: text/plain\n\nx"), winmail("x", {"a": b"b"}), rtf_literally(b"{\\rtf1 x}")):
        data = bytearray(whole + noise)
        data[at % len(data)] = byte
        signed_content(bytes(data))
        tnef_parts(bytes(data))
        unpack_rtf(bytes(data))


def test_hostile_parts_take_no_longer() -> None:
    assert signed_content(b"\x30\x80" * 100_000) == b""
    assert signed_content(b"\x30\x84\xff\xff\xff\xff" * 1000) == b""
    assert tnef_parts(b"\x78\x9f\x3e\x22\1\0" + b"\1\3\x90\6\0\xff\xff\xff\x7f" + b"\xff" * 1000) == []
    assert len(unpack_rtf(b"\xff" * 8 + b"LZFu" + bytes(4) + b"\x00\x0f\x0f" * 50_000)) < 1 << 21


# --- Outlook, Apple Mail, saved pages --------------------------------------------------------------------

HTML_IN_RTF = (
    b"{\\*\\htmltag <p>}Forty{\\*\\htmltag <b>}\\htmlrtf \\b\\htmlrtf0  metres{\\*\\htmltag </b>}{\\*\\htmltag </p>}}"
)
SENT = (datetime(2026, 5, 1, 8, 35) - datetime(1601, 1, 1)) // timedelta(microseconds=1) * 10


def members_of(path: Path) -> dict[str, bytes | str]:
    _, reading = open_source(path)
    for _ in reading.pieces():
        pass
    members: dict[str, bytes | str] = {}
    for member in reading.members():  # type: ignore[attr-defined]
        assert isinstance(member, ArchiveMember)
        members[member.name] = (
            member.path.read_bytes() if member.path else str(member.refusal and member.refusal.message)
        )
    return members


def test_a_mail_of_outlook(tmp_path: Path) -> None:
    inner = message_streams({"0037": "Inner", "0C1A": "Eve", "1000": "Inside.\r\n"}, {"c.txt": b"c"}, is_top=False)
    streams = message_streams(
        {
            "0037": "Größe der Leine",
            "0C1A": "Ann Marsh",
            "5D01": "ann@example.org",
            "0E04": "Bo; Cy",
            "1000": "Forty metres.\r\n",
        },
        {"plan.txt": b"Nine piles.", "big.bin": b"x" * 9000, "photo.jpg": b"\xff\xd8"},
        inner,
        SENT,
    )
    path = tmp_path / "rope.msg"
    found = read(path, compound_file(streams))
    assert (found.kind, found.title) == ("mail", "Größe der Leine")
    assert found.text == (
        "Subject: Größe der Leine\nFrom: Ann Marsh <ann@example.org>\nTo: Bo; Cy\nDate: 2026-05-01 08:35 UTC\n\n"
        "Forty metres.\n\n[Attachment: plan.txt]\n\n[Attachment: big.bin]\n\n[Attachment: photo.jpg]\n\n"
        "[Forwarded mail]\nSubject: Inner\nFrom: Eve\n\nInside.\n\n[Attachment: c.txt]\n\n"
    )
    assert found.marks["message"] == [("Subject: Größe der Leine", "Ann Marsh, 2026-05-01 08:35 UTC")]
    assert members_of(path) == {"plan.txt": b"Nine piles.", "big.bin": b"x" * 9000, "photo.jpg": "image", "c.txt": b"c"}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1013", b"<html><meta charset=utf-8><p>Forty <b>metres</b></p></html>"),
        ("1009", rtf_literally(b"{\\rtf1\\ansi Forty \\b metres\\b0\\par}")),
        ("1009", rtf_literally(b"{\\rtf1\\ansi\\fromhtml1" + HTML_IN_RTF)),
    ],
)  # fmt: skip
def test_the_text_of_an_outlook_mail_may_be_elsewhere(tmp_path: Path, number: str, text: bytes) -> None:
    found = read(tmp_path / "a.msg", compound_file(message_streams({"0037": "S", number: text})))
    assert found.text == "Subject: S\n\nForty metres\n\n"


def test_other_compound_files_are_no_mail(tmp_path: Path) -> None:
    for name, data in (
        ("a.msg", compound_file({("WordDocument",): b"x"})),
        ("b.msg", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600),
    ):
        with pytest.raises(SourceError, match="damaged"):
            read(tmp_path / name, data)


@relaxed
@given(st.data())
def test_damaged_compound_files_end_quietly(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(compound_file(message_streams({"0037": "S", "1000": "Text."}, {"a.txt": b"x" * 5000})))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "a.msg").write_bytes(content[: data.draw(st.integers(512, len(content)))])
    try:
        list(open_source(tmp_path / "a.msg")[1].pieces())
    except SourceError as error:
        assert "damaged" in str(error)


def test_a_mail_of_apple(tmp_path: Path) -> None:
    mail = (
        HEADERS
        + b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes("Grüße aus dem Hafen.".encode())
    )
    found = read(
        tmp_path / "42.emlx",
        b"%-10d\n" % len(mail) + mail + b'<?xml version="1.0"?>\n<plist><key>flags</key></plist>\n',
    )
    assert (found.kind, found.title) == ("mail", "Rope")
    assert found.text.endswith("Grüße aus dem Hafen.\n\n")
    assert "plist" not in found.text


@pytest.mark.parametrize("name", ["Rope.mhtml", "rope.mht"])
def test_a_saved_page(tmp_path: Path, name: str) -> None:
    page = (
        '<!DOCTYPE html><html><head><meta charset=3D"utf-8"><title>Ropes</title></head><body><main><h1>Ropes</h1>'
        "<h2>Hemp</h2><p>Wash =\nit in brine; gr=C3=BCn ones too, and dry them in the shade of the northern wall.</p>"
        "</main></body></html>"
    )
    head = "From: <Saved by Blink>\r\nSubject: Ropes\r\nMIME-Version: 1.0\r\n"
    head += 'Content-Type: multipart/related; type="text/html"; boundary="--b"\r\n\r\n'
    part = f"----b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{page}\r\n"
    picture = f"----b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n{'iVBORw0KGgo' * 500}\r\n----b--\r\n"
    found = read(tmp_path / name, head + part + picture)
    assert (found.kind, found.title) == ("html", "Ropes")
    assert "Wash it in brine; grün ones too" in found.text
    assert "iVBOR" not in found.text
    assert found.marks["heading"][-1][1] == "Ropes › Hemp"


# --- mailboxes ----------------------------------------------------------------------------------------------


def test_a_postmark_counts_where_a_header_follows(tmp_path: Path) -> None:
    box = (
        "From ann@example.org Tue May  5 09:15:00 2026\nFrom: Ann <ann@example.org>\nSubject: One\n\nA quotation:\n\n"
        "From bo@example.org Tue May  5 08:00:00 2026\nis a line of a log, and no mail.\n\n"
        "From bo@example.org Wed May  6 09:15:00 2026\nX-Status: R\nFrom: Bo <bo@example.org>\nSubject: Two\n\nEnd.\n"
    )
    found = read(tmp_path / "a.mbox", box)
    assert [label for _, label in found.marks["message"]] == ["Ann", "Bo"]
    assert "From bo@example.org Tue May  5 08:00:00 2026\nis a line of a log" in found.text


def test_attachments_of_a_mailbox_have_names_of_their_own(tmp_path: Path) -> None:
    mails = []
    for day in (1, 2):
        message = EmailMessage()
        message["From"], message["Subject"] = "Ann <ann@example.org>", f"Day {day}"
        message.set_content("See it.\n")
        message.add_attachment(f"Day {day}".encode(), maintype="text", subtype="plain", filename="log.txt")
        message.add_attachment(b"x", maintype="application", subtype="pdf", filename="../up.pdf")
        mails.append(b"From ann@example.org Tue May  5 09:15:00 2026\n" + message.as_bytes() + b"\n")
    (tmp_path / "a.mbox").write_bytes(b"".join(mails))
    assert members_of(tmp_path / "a.mbox") == {
        "log.txt": b"Day 1", "_up.pdf": b"x", "log (2).txt": b"Day 2", "_up (2).pdf": b"x",
    }  # fmt: skip
