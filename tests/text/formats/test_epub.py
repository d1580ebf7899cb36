"""Books: reading order, chapters from the contents or from the text, pages, and what is encrypted."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import epub, read

from crystalcli.errors import SourceError
from crystalcli.text.readers import open_source

CHAPTERS = {
    "two.xhtml": "<h1>CHAPTER ONE</h1><p>It began at six.<a epub:type='noteref' href='#n'>1</a></p><h2>Later</h2><p>It went on.</p>",
    "a%20b.xhtml".replace("%20", " "): "<section id='x'><h2>The second</h2><p>Then it ended.</p></section>"
    "<p>Between.</p><p id='y'>The last scene.</p>",
}
NAV = (
    '<li><span>Part I</span><ol><li><a href="two.xhtml">Chapter One</a></li></ol></li>'
    '<li><a href="a%20b.xhtml#x">Chapter Two</a><ol><li><a href="a%20b.xhtml#y">Coda</a></li></ol></li>'
)
NCX = (
    "<navPoint><navLabel><text>Chapter One</text></navLabel><content src='two.xhtml'/></navPoint>"
    "<navPoint><navLabel><text>Chapter Two</text></navLabel><content src='a%20b.xhtml#x'/>"
    "<navPoint><navLabel><text>Coda</text></navLabel><content src='a%20b.xhtml#y'/></navPoint></navPoint>"
)
READ = """CHAPTER ONE

It began at six.[1]

Later

It went on.

The second

Then it ended.

Between.

The last scene.
"""


def test_a_book_with_contents(tmp_path: Path) -> None:
    found = read(epub(tmp_path / "a.epub", CHAPTERS, nav=NAV))
    assert (found.kind, found.title, found.text) == ("epub", "The Ferry — Ann Writer", READ)
    assert found.at("It began")["heading"] == "Part I › Chapter One"
    assert found.at("It went on")["heading"] == "Part I › Chapter One › Later"
    assert found.at("The second")["heading"] == found.at("Between")["heading"] == "Chapter Two"
    assert found.at("The last scene")["heading"] == "Chapter Two › Coda"


def test_a_book_of_the_second_version(tmp_path: Path) -> None:
    found = read(epub(tmp_path / "a.epub", CHAPTERS, ncx=NCX))
    assert found.text == READ
    assert found.labels("heading") == ["Chapter One", "Chapter One › Later", "Chapter Two", "Chapter Two › Coda"]
    both = read(epub(tmp_path / "b.epub", CHAPTERS, ncx=NCX, nav=NAV))
    assert both.labels("heading")[0] == "Part I › Chapter One"


def test_a_book_without_contents_has_the_headings_of_its_text(tmp_path: Path) -> None:
    for more in ({}, {"nav": "", "ncx": ""}):
        found = read(epub(tmp_path / "a.epub", CHAPTERS, **more))
        assert found.labels("heading") == ["CHAPTER ONE", "CHAPTER ONE › Later", "CHAPTER ONE › The second"]


def test_pages_of_the_printed_book(tmp_path: Path) -> None:
    body = '<p><span epub:type="pagebreak" title="12">12</span>On this page.</p>'
    body += '<hr epub:type="pagebreak" aria-label="p. 13"/><p>On the next.</p>'
    found = read(epub(tmp_path / "a.epub", {"a.xhtml": body}))
    assert found.text == "On this page.\n\nOn the next.\n"
    assert (found.at("On this")["page"], found.at("On the next")["page"]) == ("12", "p. 13")


def encryption(algorithm: str, part: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#">'
        f'<enc:EncryptedData><enc:EncryptionMethod Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="{part}"/>'
        "</enc:CipherData></enc:EncryptedData></encryption>"
    )


def test_encrypted_books(tmp_path: Path) -> None:
    closed = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "OPS/two.xhtml")
    path = epub(tmp_path / "a.epub", CHAPTERS, **{"META-INF/encryption.xml": closed})
    with pytest.raises(SourceError, match=r"^encrypted \(copy protection\)$"):
        list(open_source(path)[1].pieces())
    fonts = encryption("http://www.idpf.org/2008/embedding", "OPS/font.otf")
    assert read(epub(path, CHAPTERS, **{"META-INF/encryption.xml": fonts})).text == READ


def test_a_book_that_lacks_chapters(tmp_path: Path) -> None:
    opf = '<package><manifest><item id="a" href="gone.xhtml" media-type="application/xhtml+xml"/></manifest>'
    opf += '<spine><itemref idref="a"/></spine></package>'
    path = epub(tmp_path / "a.epub", CHAPTERS, **{"OPS/book.opf": opf})
    with pytest.raises(SourceError, match=r"^damaged EPUB: its chapters are missing$"):
        list(open_source(path)[1].pieces())


def test_a_chapter_that_is_not_well_formed_is_read_as_browsers_do(tmp_path: Path) -> None:
    assert (
        read(epub(tmp_path / "a.epub", {"a.xhtml": "<p>One<br>two<p>three &nbsp; four"})).text
        == "One\ntwo\n\nthree four\n"
    )


DTD = '<!DOCTYPE {0} PUBLIC "-//NISO//DTD {0} 2005-1//EN" "http://www.daisy.org/z3986/2005/{0}-2005-1.dtd">\n'
BEACON = {"OPS/b.xhtml": "<html><body><h1>I</h1><p>The beacon was lit in 1688.</p></body></html>"}
POINT = "<navPoint id='p'><navLabel><text>{}</text></navLabel><content src='b.xhtml'/></navPoint>"


def _book(path: Path, opf: str = "", ncx: str = "", **parts: str) -> Path:
    """A book of one chapter, with a package document and contents as given."""
    opf = opf or (
        "<package xmlns='http://www.idpf.org/2007/opf'><metadata/><manifest>"
        "<item id='b' href='b.xhtml' media-type='application/xhtml+xml'/>"
        "<item id='n' href='toc.ncx' media-type='application/x-dtbncx+xml'/></manifest>"
        "<spine toc='n'><itemref idref='b'/></spine></package>"
    )
    return epub(path, {}, **{**BEACON, "OPS/book.opf": opf, "OPS/toc.ncx": ncx, **parts})


@pytest.mark.parametrize(
    ("ncx", "chapter"),
    [
        (DTD.format("ncx") + f"<ncx><navMap>{POINT.format('Lights')}</navMap></ncx>", "Lights"),
        (DTD.format("ncx") + f"<ncx><navMap>{POINT.format('Caf&eacute;')}</navMap></ncx>", "Café"),
        (f"\n<?xml version='1.0'?><ncx><navMap>{POINT.format('Rocks & Shoals')}</navMap></ncx>", "Rocks & Shoals"),
        (f"<ncx><head><meta name='uid'></head><navMap>{POINT.format('Lights')}", "Lights"),
        ("<ncx><navMap><nav", "I"),
        ("", "I"),
        ("not XML at all", "I"),
        ("<!DOCTYPE ncx [<!ENTITY a 'b'>]><ncx><navMap/></ncx>", "I"),
    ],
)
def test_contents_are_a_help_and_no_condition(tmp_path: Path, ncx: str, chapter: str) -> None:
    found = read(_book(tmp_path / "a.epub", ncx=ncx))
    assert found.at("The beacon was lit in 1688.")["heading"] == chapter


@pytest.mark.parametrize(
    "opf",
    [
        DTD.format("package") + "<package><manifest><item id='b' href='b.xhtml' media-type='text/x-oeb1-document'/>"
        "</manifest><spine><itemref idref='b'/></spine></package>",
        " \n<?xml version='1.0'?><package><metadata><dc:title xmlns:dc='d'>Rocks & Shoals</dc:title></metadata>"
        "<manifest><item id='b' href='B.XHTML' media-type='application/octet-stream'/></manifest>"
        "<spine><itemref idref='b'/></spine></package>",
        "<package><manifest><item id='b' href='b.xhtml' media-type='application/xhtml+xml'/></manifest></package>",
    ],
)
def test_a_package_document_with_faults(tmp_path: Path, opf: str) -> None:
    assert read(_book(tmp_path / "a.epub", opf)).text == "I\n\nThe beacon was lit in 1688.\n"


def test_entities_that_a_chapter_declares_are_no_text_of_it(tmp_path: Path) -> None:
    doctype = """<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.1//EN' 'xhtml11.dtd' [<!ENTITY nbsp "&#160;">\n<!ENTITY x "y">]>"""
    page = f"<?xml version='1.0'?>{doctype}<html xmlns='http://www.w3.org/1999/xhtml'><head><title>t</title></head><body>{{}}</body></html>"
    found = read(
        _book(tmp_path / "a.epub", **{"OPS/b.xhtml": page.format("<h1>K&ouml;nig&nbsp;I</h1><p>One &mdash; two.</p>")})
    )
    assert found.text == "König I\n\nOne — two.\n"


def test_a_container_that_names_nothing(tmp_path: Path) -> None:
    path = _book(tmp_path / "a.epub", **{"META-INF/container.xml": "<container><rootfiles>"})
    assert read(path).text == "I\n\nThe beacon was lit in 1688.\n"


def test_the_letters_of_a_page_that_is_drawn(tmp_path: Path) -> None:
    opf = (
        "<package><manifest><item id='b' href='b.svg' media-type='image/svg+xml'/></manifest>"
        "<spine><itemref idref='b'/></spine></package>"
    )
    drawn = (
        "<svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/><text>Chart of the <tspan>Sound</tspan></text></svg>"
    )
    assert read(_book(tmp_path / "a.epub", opf, **{"OPS/b.svg": drawn})).text == "Chart of the Sound\n"
