"""Fields that documents state of themselves: authors, dates, tags; and what was read with a doubt."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from crystalcli.datatypes import Landmark
from crystalcli.text.document.stated_fields import StatedFields, iso_day
from crystalcli.text.readers import open_source
from tests.support.documents import docx, odf

CORE = """<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">
 <dc:title>Tides</dc:title><dc:creator>Ann Lee</dc:creator><cp:keywords>Harbour; Spring tide</cp:keywords>
 <dcterms:created>2021-01-02T03:04:05Z</dcterms:created><dcterms:modified>2022-05-06T07:08:09Z</dcterms:modified>
</cp:coreProperties>"""
META = """<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta>
 <meta:initial-creator>Bo Roe</meta:initial-creator><dc:creator>Ann Lee</dc:creator><dc:date>2023-02-03T10:00:00</dc:date>
 <meta:keyword>harbour</meta:keyword><meta:keyword>rope</meta:keyword></office:meta></office:document-meta>"""


def fields(path: Path) -> dict[str, str]:
    _, reading = open_source(path)
    kinds = ("author", "date", "tags", "doubt")
    return {
        piece.kind: piece.label for piece in reading.pieces() if isinstance(piece, Landmark) and piece.kind in kinds
    }


def with_part(path: Path, name: str, content: str, relation: str = "") -> Path:
    """Return a package with one more part, and a relation to it."""
    with zipfile.ZipFile(path) as package:
        parts = {item: package.read(item) for item in package.namelist() if item != name}
    if relation:
        rels = parts["_rels/.rels"].decode()
        parts["_rels/.rels"] = rels.replace(
            "</Relationships>", f'<Relationship Id="c" Type="{relation}" Target="{name}"/></Relationships>'
        ).encode()
    with zipfile.ZipFile(path, "w") as package:
        for item, data in {**parts, name: content.encode()}.items():
            package.writestr(item, data)
    return path


CORE_RELATION = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"


def test_word_files_state_author_date_and_tags(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.docx", "<w:p><w:r><w:t>The lamp is lit at dusk.</w:t></w:r></w:p>")
    assert fields(path) == {}
    stated = fields(with_part(path, "docProps/core.xml", CORE, CORE_RELATION))
    assert stated == {"author": "Ann Lee", "date": "2022-05-06", "tags": "harbour; spring tide"}
    assert fields(with_part(path, "docProps/core.xml", CORE[:200])) == {}  # damaged properties cost no text


def test_opendocument_files_state_them(tmp_path: Path) -> None:
    body = "<office:text><text:p>The lamp is lit at dusk.</text:p></office:text>"
    path = with_part(odf(tmp_path / "a.odt", body), "meta.xml", META)
    assert fields(path) == {"author": "Bo Roe", "date": "2023-02-03", "tags": "harbour; rope"}


def test_pdfs_state_them(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from fpdf import FPDF

    document = FPDF()
    document.set_author("Ann Lee")
    document.set_keywords("Harbour, tide")
    document.set_creation_date(datetime(2020, 3, 4, 12, tzinfo=UTC))
    document.add_page()
    document.set_font("Helvetica")
    document.text(20, 20, "The lamp is lit at dusk.")
    path = tmp_path / "a.pdf"
    path.write_bytes(bytes(document.output()))
    assert fields(path) == {"author": "Ann Lee", "date": "2020-03-04", "tags": "harbour; tide"}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2022-05-06T07:08:09Z", "2022-05-06"),
        ("D:20220506070809+01'00'", "2022-05-06"),
        ("20220506", "2022-05-06"),
        ("2022", ""),
        ("2022-05", ""),
        ("2022-13-40", ""),
        ("in May", ""),
        ("", ""),
    ],
)
def test_whole_dates_are_dates(written: str, day: str) -> None:
    assert iso_day(written) == day


def test_names_of_programs_are_no_authors() -> None:
    assert list(StatedFields(("Admin", " "), "", (" ; ,",)).landmarks()) == []
    many = StatedFields(("x" * 9000,), "", tuple(f"tag {n}" for n in range(900)))
    assert max(len(mark.label) for mark in many.landmarks()) < 3000


def test_a_guessed_encoding_is_a_doubt(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Der Müller mahlt täglich früh für die Bäcker im Dörfchen.\n".encode("cp1252") * 9)
    assert fields(path)["doubt"].startswith("guessed_encoding: read as ")
    path.write_text("Der Müller mahlt täglich.\n", encoding="utf-8")
    assert fields(path) == {}
    path.write_bytes("Der Müller mahlt täglich früh. ".encode() * 9 + b"\xff\xfe\n")
    assert fields(path)["doubt"].startswith("invalid_bytes: ")


def test_tables_without_names_are_a_doubt(tmp_path: Path) -> None:
    from fpdf import FPDF

    document = FPDF()
    document.add_page()
    document.set_font("Helvetica", size=10)
    for row in range(9):
        for x, cell in ((20, f"Boat {row}"), (80, f"{row}.5"), (120, f"{row + 7}")):
            document.text(x, 30 + 6 * row, cell)
    path = tmp_path / "a.pdf"
    path.write_bytes(bytes(document.output()))
    assert fields(path)["doubt"] == "no_header: 1 table without a header"


ALL = {"author": "Ann Lee; Bo Roe", "date": "2026-08-17", "tags": "harbour; spring tide"}
EVERY = "author date tags"
LD_JSON = (
    '{"@graph": [{"@type": "NewsArticle", "datePublished": "2026-08-17T10:00:00Z", "keywords": ["Harbour", "spring tide"],'
    ' "author": [{"@type": "Person", "name": "Ann Lee"}, {"name": "Bo Roe"}]}]}'
)
FB2 = (
    '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><description><title-info>'
    "<author><first-name>Ann</first-name><last-name>Lee</last-name></author><author><nickname>Bo Roe</nickname></author>"
    '<book-title>Tides</book-title><date value="2026-08-17">August</date><keywords>harbour, spring tide</keywords>'
    "</title-info></description><body><section><p>Text.</p></section></body></FictionBook>"
)
NOTEBOOK = (
    '{"nbformat": 4, "metadata": {"authors": [{"name": "Ann Lee"}, {"name": "Bo Roe"}], "date": "2026-08-17",'
    ' "tags": ["harbour", "spring tide"]}, "cells": [{"cell_type": "markdown", "source": "Text."}]}'
)
KEEP = '{"userEditedTimestampUsec": 1786960800000000, "textContent": "x", "labels": [{"name": "harbour"}, {"name": "spring tide"}]}'


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("a.md", "---\nauthors: [Ann Lee, Bo Roe]\ndate: 17 August 2026\ntags: [Harbour, spring tide]\n---\nText.", EVERY),
        ("a.rst", "Tides\n=====\n\n:Authors: Ann Lee; Bo Roe\n:Date: 2026-08-17\n:Keywords: harbour, spring tide\n\nText.", EVERY),
        ("a.org", "#+AUTHOR: Ann Lee; Bo Roe\n#+DATE: <2026-08-17 Mon>\n#+KEYWORDS: harbour, spring tide\n", EVERY),
        ("a.adoc", "= Tides\nAnn Lee <a@example.org>; Bo Roe\nv1.2, 2026-08-17\n:keywords: harbour, spring tide\n\nText.", EVERY),
        ("a.tex", "\\author{Ann Lee\\thanks{x} \\and Bo Roe\\\\H}\n\\date{August 17, 2026}\n\\keywords{harbour, spring tide}\n", EVERY),
        ("a.typ", '#set document(author: ("Ann Lee", "Bo Roe"), date: datetime(year: 2026, month: 8, day: 17), '
                  'keywords: ("harbour", "spring tide"))\n', EVERY),
        ("tide.1", '.TH TIDE 1 "2026-08-17"\n.SH NAME\ntide\n', "date"),
        ("a.html", "<meta name=author content='Ann Lee'><meta name=Author content='Bo Roe'><meta property='article:published_time' "
                   "content='2026-08-17T10:00Z'><meta name=keywords content='harbour, Spring tide'><p>Text.", EVERY),
        ("b.html", f'<script type="application/ld+json">{LD_JSON}</script><p>Text.', EVERY),
        ("a.fb2", FB2, EVERY),
        ("a.ipynb", NOTEBOOK, EVERY),
        ("a.json", KEEP, "date tags"),
        ("a.rtf", r"{\rtf1{\info{\author Ann Lee; Bo Roe}{\creatim\yr2020\mo1\dy2}{\revtim\yr2026\mo8\dy17\hr9}"
                  r"{\keywords harbour, spring tide}}Text.\par}", EVERY),
        ("a.opml", "<opml><head><ownerName>Ann Lee; Bo Roe</ownerName><dateModified>Mon, 17 Aug 2026 12:11:44 GMT</dateModified>"
                   "</head><body><outline text='x'/></body></opml>", "author date"),
        ("a.eml", "From: \"Ann Lee; Bo Roe\" <a@example.org>\nDate: Mon, 17 Aug 2026 10:00:00 +0000\n\nText.\n", "author date"),
    ],
)  # fmt: skip
def test_fields_of(tmp_path: Path, name: str, text: str, kinds: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    stated = fields(path)
    stated = {kind: label.replace("Ann Lee, Bo Roe", "Ann Lee; Bo Roe") for kind, label in stated.items()}
    assert stated == {kind: ALL[kind] for kind in kinds.split()}


def test_a_mailbox_states_nothing_of_one_mail(tmp_path: Path) -> None:
    path = tmp_path / "a.mbox"
    path.write_text("From a@example.org Mon Aug 17 10:00:00 2026\nFrom: Ann <a@example.org>\nSubject: x\n\nText.\n")
    assert fields(path) == {}


def test_bytes_that_are_no_utf_8_cost_one_letter_of_an_outline(tmp_path: Path) -> None:
    path = tmp_path / "a.opml"
    path.write_bytes(b'<opml><body><outline text="Trim the wick \xff here"/></body></opml>')
    text = "".join(piece for piece in open_source(path)[1].pieces() if isinstance(piece, str))
    assert text == "- Trim the wick \ufffd here\n"
