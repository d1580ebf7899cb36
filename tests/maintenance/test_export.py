from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.damage import reseal
from support.lexical_crystals import folders, read_into, write

from crystalcli import Crystal
from crystalcli.errors import CrystalError, DamagedCrystalError, NotFoundError
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.export import export_parts, refusal


def under(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def renamed_inside(path: Path, old: str, new: str) -> None:
    raw = sqlite3.connect(path)
    assert raw.execute("UPDATE source SET path = ? WHERE path = ?", (new, old)).rowcount == 1
    raw.commit()
    raw.close()
    reseal(path)


@settings(max_examples=10, deadline=None)
@given(
    files=folders, ends=st.sampled_from(["\n", "\r\n", "\r"]), last=st.sampled_from(["", "\f", " \t", "ç🙂", "\x1b[2J"])
)
def test_utf8_comes_back_byte_for_byte_and_passages_join_to_it(files, ends, last):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        files = {path: text.replace("\n", ends) + last for path, text in files.items()}
        path = read_into(home / "m.crystal", write(home / "docs", files))
        with Crystal.open(path, encoder=None) as crystal:
            report = crystal.export(home / "out")
            rows = list(crystal.passages())
        assert under(home / "out") == under(home / "docs")
        assert (report.files, report.exact, list(report.refused), list(report.partial)) == (
            len(files),
            len(files),
            [],
            [],
        )
        assert report.bytes == sum(len(text.encode()) for text in files.values())
        for document, text in files.items():
            own = [row for row in rows if row["path"] == document]
            assert "".join(row["text"] for row in own) == text
            for row in own:
                assert text[row["start"] : row["end"]] == row["text"]
                low = row["start"] + len(row["text"]) - len(row["text"].lstrip())
                assert row["line_start"] == text.count("\n", 0, low) + 1 <= row["line_end"]


def test_what_was_not_utf8_comes_back_as_its_text_in_utf8(tmp_path):
    write(tmp_path / "docs", {"plain.txt": "The keeper's café.\r\n"})
    (tmp_path / "docs" / "mark.txt").write_bytes(b"\xef\xbb\xbfThe lamp.\n")
    (tmp_path / "docs" / "latin.txt").write_bytes("Der Türmer läutet zweimal.\n".encode("cp1252"))
    (tmp_path / "docs" / "wide.txt").write_bytes("The bell.\n".encode("utf-16"))
    path = read_into(tmp_path / "m.crystal", tmp_path / "docs")
    with Crystal.open(path, encoder=None) as crystal:
        report = crystal.export(tmp_path / "out")
    assert (report.files, report.exact) == (4, 1)
    assert under(tmp_path / "out") == {
        "plain.txt": "The keeper's café.\r\n".encode(),
        "mark.txt": b"The lamp.\n",
        "latin.txt": "Der Türmer läutet zweimal.\n".encode(),
        "wide.txt": b"The bell.\n",
    }


def test_a_pdf_becomes_its_text_and_its_passages_have_pages_and_headings(samples_crystal, tmp_path):
    with Crystal.open(samples_crystal, encoder=None) as crystal:
        pdfs = [document for document in crystal.documents() if document.kind == "pdf"]
        report = crystal.export(tmp_path / "out", ["**/*.pdf", "story/03-the-agent.md"])
        rows = list(crystal.passages(["*.pdf", "story"]))
        assert report.files == len(pdfs) + 1
        assert report.exact == 1
        for document in pdfs:
            text = (tmp_path / "out" / f"{document.path}.txt").read_bytes().decode()
            assert text == crystal.quote(document.path, 0, document.characters)
            own = [row for row in rows if row["path"] == document.path]
            assert "".join(row["text"] for row in own) == text
            assert own[0]["page_start"] == 1
            assert own[-1]["page_end"] == document.pages
            pages = [page for row in own for page in (row["page_start"], row["page_end"])]
            assert pages == sorted(pages)
            assert sum(row["tokens"] for row in own) == document.tokens
    (first, *_) = [row for row in rows if row["path"] == "story/03-the-agent.md"]
    assert (first["heading"], first["title"], first["page_start"]) == ("Chapter 3: The Agent",) * 2 + (None,)
    assert json.loads(json.dumps(rows)) == rows


HOSTILE = {
    "../escaped.txt": "leads upward",
    "c/../../escaped.txt": "leads upward",
    "..": "leads upward",
    "/tmp/crystal-escaped.txt": "absolute",
    "C:/escaped.txt": "absolute",
    "C:escaped.txt": "absolute",
    "c:\\escaped.txt": "absolute",
    "\\\\host\\share\\x.txt": "ambiguous",
    "c\\..\\..\\x.txt": "ambiguous",
    "./a.txt": "ambiguous",
    "a//b.txt": "ambiguous",
    "a/": "ambiguous",
    "": "ambiguous",
    "evil\x1b[2J.txt": "control characters",
    "nul\0.txt": "control characters",
    "a\nb.txt": "control characters",
    "gpj\u202etxt.exe": "control characters",
    "d/" * 1500 + "x.txt": "too long",
}


@pytest.mark.parametrize(("name", "reason"), HOSTILE.items(), ids=range(len(HOSTILE)))
def test_no_name_leads_out_of_the_folder_and_the_others_are_written(tmp_path, name, reason):
    files = {"bad.txt": "The bait.\n", "good.txt": "The lamp burns oil.\n"}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", files))
    renamed_inside(path, "bad.txt", name)
    before = sorted(tmp_path.rglob("*"))
    with Crystal.open(path, encoder=None) as crystal:
        report = crystal.export(tmp_path / "deep" / "out", force=True)
    assert under(tmp_path / "deep" / "out") == {"good.txt": b"The lamp burns oil.\n"}
    ((refused, why),) = report.refused
    assert refused == name
    assert reason in why
    new = set(tmp_path.rglob("*")) - set(before)
    assert new == {tmp_path / "deep", tmp_path / "deep" / "out", tmp_path / "deep" / "out" / "good.txt"}
    assert not Path("/tmp/crystal-escaped.txt").exists()


def test_a_name_that_is_too_long_is_cut(tmp_path: Path) -> None:
    names = {
        "x" * 251 + ".txt": 255,
        "ü" * 125 + ".csv": 255,
        "y" * 247 + ".csv": 255,
        "z" * 248 + ".csv": 255,
        "d" * 300 + "/a.md": 4,
    }
    for name, size in names.items():
        parts = export_parts(name, "csv" if name.endswith("csv") else "text")
        assert len(parts[-1].encode()) == size or name.startswith("ü")
        assert all(len(part.encode()) <= 255 for part in parts)
        assert parts[-1].endswith(".csv.txt" if name.endswith("csv") else name[-3:])
    assert export_parts("x" * 251 + ".txt", "text") == ("x" * 251 + ".txt",)
    assert export_parts("a" * 300, "text") != export_parts("a" * 301, "text")
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"w" * 247 + ".csv": "Boat,Oars\nWren,4\n"}))
    with Crystal.open(path, encoder=None) as crystal:
        assert not crystal.export(tmp_path / "out").refused
    (name,) = under(tmp_path / "out")
    assert name.endswith(".csv.txt")


def test_names_that_one_system_reserves_are_refused_there():
    reserved = [
        "CON",
        "con.txt",
        "a/nul.tar.gz",
        "aux",
        "COM1",
        "lpt9.log",
        "a./b",
        "b ",
        "ab:stream",
        "what?.md",
        "com¹",
    ]
    assert all(refusal(name, windows=True) for name in reserved)
    assert not any(refusal(name, windows=False) for name in reserved)
    assert not any(
        refusal(name, windows=True) for name in ["console.py", "a/auxiliary.c", "com.txt", ".hidden", "a b.md"]
    )


@given(st.text(max_size=12))
def test_a_name_that_is_not_refused_stays_under_the_folder(name):
    for windows in (False, True):
        if not refusal(name, windows=windows):
            place = os.path.normpath(os.path.join("/out", name))  # noqa: PTH118
            assert place.startswith("/out/")
            assert place == f"/out/{name}"


def test_links_are_neither_followed_nor_written_through(tmp_path):
    files = {"a/x.txt": "The lamp.\n", "b.txt": "The bell.\n", "c.txt": "The rope.\n"}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", files))
    outside = write(tmp_path / "outside", {"b.txt": "untouched\n"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to(outside)
    (tmp_path / "out" / "b.txt").symlink_to(outside / "b.txt")
    with Crystal.open(path, encoder=None) as crystal:
        with pytest.raises(CrystalError, match=r"b\.txt exists already; --force replaces"):
            crystal.export(tmp_path / "out")
        assert not (tmp_path / "out" / "c.txt").exists()
        report = crystal.export(tmp_path / "out", force=True)
    assert list(report.refused) == [("a/x.txt", "a link or a file has the name of its folder")]
    assert under(outside) == {"b.txt": b"untouched\n"}
    assert not (tmp_path / "out" / "b.txt").is_symlink()
    assert (tmp_path / "out" / "b.txt").read_text() == "The bell.\n"


def test_documents_that_would_take_one_name_do_not_overwrite_one_another(tmp_path):
    files = {"a": "The lamp.\n", "b.txt": "The bell.\n", "c.txt": "The rope.\n", "d.txt": "The salt.\n"}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", files))
    renamed_inside(path, "b.txt", "a/b.txt")
    renamed_inside(path, "c.txt", "x.pdf.txt")
    renamed_inside(path, "d.txt", "x.pdf")
    raw = sqlite3.connect(path)
    raw.execute("UPDATE source SET kind = 'pdf' WHERE path = 'x.pdf'")
    raw.commit()
    raw.close()
    reseal(path)
    with Crystal.open(path, encoder=None) as crystal:
        report = crystal.export(tmp_path / "out", force=True)
    assert under(tmp_path / "out") == {"a": b"The lamp.\n", "x.pdf.txt": b"The rope.\n"}
    assert [name for name, _ in report.refused] == ["a/b.txt", "x.pdf"]


def test_files_that_are_there_stop_it_before_anything_is_written(tmp_path):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp.\n", "b.txt": "The bell.\n"}))
    write(tmp_path / "out", {"b.txt": "mine\n"})
    with Crystal.open(path, encoder=None) as crystal:
        with pytest.raises(CrystalError, match=r"b\.txt exists already"):
            crystal.export(tmp_path / "out")
        assert under(tmp_path / "out") == {"b.txt": b"mine\n"}
        assert crystal.export(tmp_path / "out", ["a.txt"]).files == 1
        with pytest.raises(CrystalError, match=r"a\.txt and 1 more exist already"):
            crystal.export(tmp_path / "out")
        assert crystal.export(tmp_path / "out", force=True).files == 2
        assert under(tmp_path / "out") == under(tmp_path / "docs")
        with pytest.raises(CrystalError, match="cannot write"):
            crystal.export(tmp_path / "out" / "a.txt")
        with pytest.raises(NotFoundError, match="no document z"):
            crystal.export(tmp_path / "out", ["z"])


def test_what_is_not_all_there_is_not_written(tmp_path):
    files = {"a.txt": "The lamp.\n", "b.txt": "The bell.\n", "c.bin": "\0" * 99}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", files))
    with Crystal.open(path, encoder=None) as crystal, pytest.raises(NotFoundError, match="hold no text"):
        crystal.export(tmp_path / "out", ["c.bin"])
    raw = sqlite3.connect(path)
    raw.execute("UPDATE source SET state = 'partial' WHERE path = 'a.txt'")
    raw.commit()
    reseal(path)
    with Crystal.open(path, encoder=None) as crystal:
        assert list(crystal.export(tmp_path / "out").partial) == ["a.txt"]
    raw.execute("UPDATE source SET characters = characters + 1 WHERE path = 'b.txt'")
    raw.commit()
    raw.close()
    reseal(path)
    with (
        Crystal.open(path, encoder=None) as crystal,
        pytest.raises(DamagedCrystalError, match=r"b\.txt has \d+ characters, expected \d+"),
    ):
        crystal.export(tmp_path / "out", force=True)
    # The file of the first export, and no piece of another.
    assert under(tmp_path / "out") == {"b.txt": b"The bell.\n"}


def test_an_export_is_of_one_moment_whatever_is_written_or_replaced_meanwhile(tmp_path):
    files = {f"{number:02}.txt": f"The lamp {number} burns oil.\n" * 40 for number in range(20)}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", files))
    with Crystal.open(path, encoder=None) as crystal:
        with Crystal.open(path, writable=True, encoder=None) as writer:
            writer.ingest([tmp_path / "docs"])
            passages = crystal.passages()
            rows = [next(passages)]
        compact_crystal(path)
        with Crystal.open(path, writable=True, encoder=None) as writer:
            writer.forget(["0*.txt"])
            writer.ingest([write(tmp_path / "more", {"rope.txt": "The rope is new.\n" * 400})])
            rows += passages
        assert {name: "".join(row["text"] for row in rows if row["path"] == name) for name in files} == files
        assert {row["path"] for row in rows} == files.keys()
        assert {row["path"] for row in crystal.passages()} == {name for name in files if name[0] != "0"} | {"rope.txt"}
