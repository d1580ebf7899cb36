"""Mails and mailboxes: headers, what is said, what is attached, and where one mail ends."""

from __future__ import annotations

import email.policy
import mailbox
import random
import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.readings import read

from crystalcli.errors import SourceError
from crystalcli.text.formats.mail import mail_body
from crystalcli.text.formats.mail.mail_message import parse_mail

relaxed = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANN = "Ann <ann@example.org>"
ODD = ["", "From me to you", ">From me", "From a Wed May  1 10:30:00 2024"]
words = st.text(
    st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\u0085\u2028"), min_size=1, max_size=60
).map(lambda text: " ".join(text.split()) or "x")


def mail(subject: str = "Ferry", said: str = "It leaves at six.\n", day: int = 1, sender: str = ANN) -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, sender, "bob@example.org"
    message["Date"] = f"Wed, {day:02} May 2024 10:30:00 +0200"
    message.set_content(said)
    return message


def test_a_mail(tmp_path: Path) -> None:
    message = mail(
        "Fähre um sechs", "Grüße.\n\n> When does it leave?\n> Bob\n\nAt six.\n", sender="Ann Müller <ann@example.org>"
    )
    message.add_alternative("<p>Never <b>read</b></p>", subtype="html")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Fährplan.pdf")
    found = read(tmp_path / "a.eml", message.as_bytes(policy=email.policy.SMTP))
    assert (found.kind, found.title) == ("mail", "Fähre um sechs")
    assert found.text == (
        "Subject: Fähre um sechs\nFrom: Ann Müller <ann@example.org>\nTo: bob@example.org\n"
        "Date: Wed, 01 May 2024 10:30:00 +0200\n\nGrüße.\n\n> When does it leave?\n> Bob\n\nAt six.\n\n[Attachment: Fährplan.pdf]\n\n"
    )
    assert found.marks == {
        "heading": [("Subject: Fähre um sechs", "Fähre um sechs")],
        "message": [("Subject: Fähre um sechs", "Ann Müller, 2024-05-01 10:30")],
        "author": [("Subject: Fähre um sechs", "Ann Müller")],
        "date": [("Subject: Fähre um sechs", "2024-05-01")],
    }


def test_html_where_there_is_nothing_plain(tmp_path: Path) -> None:
    message = mail()
    message.set_content(
        "<html><head><title>x</title><style>p { a: b }</style></head><body><!-- <p>gone --><p>One &amp; <b>two</b>\nthree</p>"
        "<blockquote>Quoted<br>twice</blockquote><table><tr><td>a<td>b</tr></table><script>if (a < b) {}</script>end</body>",
        subtype="html",
    )
    text = read(tmp_path / "a.eml", message.as_bytes()).text
    assert text.split("\n\n", 1)[1] == "One & two three\n\n> Quoted\n> twice\n\na b\n\nend\n\n"


def test_a_mail_in_a_mail(tmp_path: Path) -> None:
    outer = mail("Fwd: Ferry", "See below.\n")
    outer.add_attachment(mail("Ferry", "It leaves at six.\n", sender="Eve <eve@example.org>"))
    text = read(tmp_path / "a.eml", outer.as_bytes()).text
    assert "[Forwarded mail]\nSubject: Ferry\nFrom: Eve <eve@example.org>" in text
    assert "It leaves at six." in text


@relaxed
@given(st.lists(st.tuples(words, st.lists(words | st.sampled_from(ODD))), min_size=1, max_size=4))
def test_a_mailbox_holds_its_mails(tmp_path: Path, mails: list[tuple[str, list[str]]]) -> None:
    path = tmp_path / "box.mbox"
    path.unlink(missing_ok=True)
    box = mailbox.mbox(path)
    for day, (subject, lines) in enumerate(mails, 1):
        message = mail("s " + subject, "\n".join(["Begin.", *lines, "End."]) + "\n", day)
        del message["Content-Transfer-Encoding"]
        message.set_payload("\n".join(["Begin.", *lines, "End."]).encode("utf-8"))
        message["Content-Transfer-Encoding"] = "8bit"
        box.add(mailbox.mboxMessage(message.as_bytes().replace(b"\r", b"")))
    box.close()
    found = read(path, path.read_bytes())
    assert [label for _, label in found.marks["message"]] == [
        f"Ann, 2024-05-{day:02} 10:30" for day in range(1, len(mails) + 1)
    ]
    assert found.text.count("Subject: s ") >= len(mails)
    assert found.title == ""


def test_a_maildir(tmp_path: Path) -> None:
    found = read(tmp_path / "Mail/cur/1714550400.M1P2.host:2,S", mail().as_bytes())
    assert (found.kind, found.title) == ("mail", "Ferry")
    assert read(tmp_path / "Mail/new/1714550400.M1P2.host", mail().as_bytes()).kind == "mail"
    assert read(tmp_path / "Mail/notes/1714550400.M1P2.host:2,S", mail().as_bytes()).kind == "text"
    assert read(tmp_path / "cur/notes", "A note: nothing more.\n").kind == "text"


@pytest.mark.parametrize(
    ("content", "label", "said"),
    [
        (b"Date: nonsense\n\nText.\n", "nonsense", "Text."),
        (b"From: a@b.example\n\nText.\n", "a@b.example", "Text."),
        (b"From: =?utf-8?q?=FF?= <a@b.example>\nSubject: =?nope?q?x?=\n\n\xe4\n", None, "ä"),
        (b"Content-Type: text/plain; charset=nope\n\nT\xe4xt.\n", "", "Täxt."),
        (b"Content-Type: multipart/mixed\n\nText.\n", "", "Text."),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText.\n", "", "Text."),
        (b"Content-Transfer-Encoding: base64\n\n!!!\n", "", ""),
        (b"From: x\nnot a header\n\nText.\n", "x", "Text."),
    ],
)
def test_broken_mails_are_read_as_far_as_they_go(content: bytes, label: str | None, said: str) -> None:
    found = parse_mail(content)
    assert said in found.text
    assert label is None or ", ".join(filter(None, (found.author, found.time))) == label


@relaxed
@given(st.data())
def test_no_damage_ends_the_reading(data: st.DataObject) -> None:
    whole = mail()
    whole.add_alternative("<p>x</p>", subtype="html")
    whole.add_attachment(mail("Inner"), filename="inner.eml")
    content = bytearray(whole.as_bytes())
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(1, 255))
    found = parse_mail(bytes(content[: data.draw(st.integers(0, len(content)))]))
    assert "\n" not in found.subject + found.author + found.time
    assert "\0" not in found.text


def test_hostile_mails_take_no_longer() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000))
    start = time.process_time()
    assert parse_mail(nested + b"x\n" * 20_000).text
    for page in (
        "<" * 300_000,
        "<!--" * 80_000,
        "<style>" * 40_000,
        "<a " * 100_000,
        "<blockquote>" * 30_000 + "x",
        "&" * 300_000,
    ):
        mail_body.mail_body_text(page)
    parse_mail(b"Subject: " + b"=?utf-8?q?a?= " * 20_000 + b"\n\nx")
    parse_mail(b"From: " + b"(" * 100_000 + b"\n\nx")
    assert time.process_time() - start < 5


def test_a_file_without_a_mail(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="empty"):
        read(tmp_path / "a.eml", "\n\n")


def test_large_attachments_are_not_held(tmp_path: Path) -> None:
    message = mail()
    message.add_attachment(random.Random(1).randbytes(1 << 16), maintype="image", subtype="png", filename="a.png")
    assert read(tmp_path / "a.eml", message.as_bytes(), 1 << 16).text.endswith(
        "It leaves at six.\n\n[Attachment: a.png]\n\n"
    )
