"""Zip files that are documents: what tells them, what is refused, and that no damage gets out of them."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.documents import docx, epub, odf, pptx, read, xlsx, zipped

from crystalcli.errors import SourceError
from crystalcli.text.formats.office import zip_package
from crystalcli.text.readers import open_source

PARAGRAPH = "<w:p><w:r><w:t>The ferry leaves at six.</w:t></w:r></w:p>"
ROW = '<row><c t="inlineStr"><is><t>The ferry leaves at six.</t></is></c></row>'
SHAPE = "<p:sp><p:txBody><a:p><a:r><a:t>The ferry leaves at six.</a:t></a:r></a:p></p:txBody></p:sp>"
TEXT = "<text:p>The ferry leaves at six.</text:p>"
CELL = f'<table:table table:name="A"><table:table-row><table:table-cell>{TEXT}</table:table-cell></table:table-row></table:table>'
PAGE = f"<draw:page><draw:frame><draw:text-box>{TEXT}</draw:text-box></draw:frame></draw:page>"
MAKERS: dict[str, Callable[[Path], Path]] = {
    "docx": lambda path: docx(path, PARAGRAPH * 5),
    "xlsx": lambda path: xlsx(path, {"A": ROW * 5}),
    "pptx": lambda path: pptx(path, [SHAPE] * 5),
    "odt": lambda path: odf(path, TEXT * 5),
    "ods": lambda path: odf(path, CELL),
    "odp": lambda path: odf(path, PAGE),
    "epub": lambda path: epub(path, {f"{n}.xhtml": "<p>The ferry leaves at six.</p>" for n in range(3)}),
}
kinds = pytest.mark.parametrize("kind", list(MAKERS))


def reason(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        list(open_source(path)[1].pieces())
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 100
    return said


@kinds
def test_a_document_is_known_by_what_is_in_it(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    assert read(path).kind == kind
    for name in ("a", "a.zip", "a.bin"):
        assert read(path.rename(tmp_path / name)).kind == kind
        path = (tmp_path / name).rename(tmp_path / f"a.{kind}")


@kinds
def test_cut_short(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    whole = path.read_bytes()
    for size in range(4, len(whole), len(whole) // 12):
        path.write_bytes(whole[:size])
        assert reason(path).startswith(f"damaged {zip_package.NAMES[kind]}: ")


@kinds
def test_wrong_bytes(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    whole, dice, fine = path.read_bytes(), random.Random(kind), 0
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 5, 50))):
            data[dice.randrange(4, len(data))] = dice.randrange(256)
        path.write_bytes(data)
        try:
            _, reading = open_source(path)
            _ = reading.title
            fine += "ferry" in "".join(piece for piece in reading.pieces() if isinstance(piece, str))
        except SourceError as error:
            assert len(str(error)) < 100
    assert fine < 40


@kinds
def test_parts_with_wrong_bytes(tmp_path: Path, kind: str) -> None:
    """Damage that the checksums of the zip file know nothing of."""
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    dice = random.Random(kind)
    for _ in range(40):
        name = dice.choice([each for each in parts if each not in ("mimetype", "[Content_Types].xml")])
        data = bytearray(parts[name])
        for _ in range(dice.choice((1, 3, 20))):
            start = dice.randrange(len(data))
            data[start : start + dice.choice((1, 8))] = dice.choice((b"", b"<", b">", b"&x;", b"9" * 9, b"\xff", b'"'))
            data = data or bytearray(b" ")
        zipped(path, parts | {name: bytes(data)})
        try:
            _, reading = open_source(path)
            _ = reading.title
            list(reading.pieces())
        except SourceError as error:
            assert len(str(error)) < 120


@kinds
def test_a_file_that_changes(tmp_path: Path, kind: str) -> None:
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    _, reading = open_source(path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        list(reading.pieces())


def zeros(size: int) -> bytes:
    return b" " * size


@pytest.mark.parametrize(
    ("kind", "part"), [("docx", "word/document.xml"), ("xlsx", "xl/worksheets/0.xml"), ("odt", "content.xml")]
)
def test_bombs_are_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, part: str) -> None:
    path = MAKERS[kind](tmp_path / f"a.{kind}")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    head, tail = parts[part][: parts[part].index(b">") + 1], b"</x>"
    zipped(path, parts | {part: head + zeros(50_000_000) + tail})
    read, unpacked = zipfile.ZipExtFile.read, []

    def counted(stream: zipfile.ZipExtFile, size: int | None = -1) -> bytes:
        data = read(stream, size)
        unpacked.append(len(data))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", counted)
    assert reason(path) == zip_package.BOMB.message
    assert 0 < sum(unpacked) < 12_000_000


def test_entities_are_refused(tmp_path: Path) -> None:
    grown = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    for entities in (f'<!ENTITY a "ha">{grown}', '<!ENTITY i SYSTEM "file:///etc/hostname">'):
        root = '<office:document-content xmlns:office="o"><office:text>&i;</office:text></office:document-content>'
        content = f'<?xml version="1.0"?><!DOCTYPE x [{entities}]>{root}'
        said = reason(
            zipped(tmp_path / "a.odt", {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content})
        )
        assert said.startswith("damaged OpenDocument file: ")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    deep = "<w:sdt><w:sdtContent>" * 50_000
    assert reason(docx(tmp_path / "a.docx", deep)) == "damaged Word file: a part of it is not valid XML"
    nav = "<li><a href='a.xhtml'>x</a><ol>" * 100 + "</ol></li>" * 100
    assert read(epub(tmp_path / "a.epub", {"a.xhtml": "<p>x</p>"}, nav=nav)).text == "x\n"


def test_encrypted_and_old_files(tmp_path: Path) -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    for name, said in (
        ("a.docx", "encrypted (save it without a password)"),
        ("a.xls", "an Office file from before 2007 (save it as .docx, .xlsx or .pptx)"),
        ("a.msi", "binary file"),
    ):
        (tmp_path / name).write_bytes(ole)
        with pytest.raises(SourceError) as caught:
            open_source(tmp_path / name)
        assert str(caught.value) == said
    path = odf(tmp_path / "a.odt", TEXT)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    manifest = '<m:manifest xmlns:m="urn:m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
    assert reason(zipped(path, parts | {"META-INF/manifest.xml": manifest})) == "encrypted (save it without a password)"
    flagged = bytearray(zipped(path, parts).read_bytes())
    directory = flagged.index(b"PK\x01\x02", flagged.index(b"PK\x01\x02") + 1)  # that of content.xml
    flagged[directory + 8] |= 1
    path.write_bytes(flagged)
    assert reason(path) == "encrypted (save it without a password)"


def test_any_other_zip_file_is_none(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.txt": "text"})
    assert zip_package.kind_inside(path) == ""
    assert zip_package.kind_inside(zipped(path, {"[Content_Types].xml": "<Types/>"})) == ""
    path.write_bytes(b"PK\x03\x04 and nothing more")
    assert zip_package.kind_inside(path) == ""


def test_too_many_parts(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(zip_package.MAX_PARTS + 1):
            archive.writestr(f"{number}", b"")
    path = tmp_path / "a.epub"
    path.write_bytes(out.getvalue())
    with pytest.raises(SourceError, match=r"^more than 20,000 parts$"):
        open_source(path)
