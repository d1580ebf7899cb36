"""`--ocr` of files and folders: what it reads, what it reads again, and how long it is remembered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crystalcli.cli.app import run
from crystalcli.library import Crystal
from tests.text.formats.test_ocr import LAMP, TIDE, page_of, saved


def paths_of(crystal: Crystal) -> list[str]:
    return sorted(document.path for document in crystal.documents() if document.characters)


def test_scans_are_read_once_ocr_is_asked_for_and_remembered(tmp_path: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    saved(page_of(LAMP), folder / "a.pdf")
    saved(page_of([]), folder / "empty.pdf")
    saved(page_of(TIDE), folder / "photo.png")
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as crystal:
        assert {file.path: file.code for file in crystal.ingest(folder).skipped} == {
            "a.pdf": "no_text",
            "empty.pdf": "no_text",
            "photo.png": "image",
        }
        report = crystal.ingest(folder, ocr=True)
        assert (report.read, [(file.path, file.code) for file in report.doubtful]) == (1, [("a.pdf", "ocr")])
        assert {file.path: file.code for file in report.skipped} == {"empty.pdf": "no_letters", "photo.png": "image"}
        assert report.chosen == {"papers": {"ocr": True}}
        (passage,) = crystal.recall("litres of oil")
        assert (str(passage.place), passage.text.split()) == ("p. 1", " ".join(LAMP).split())
        # Nothing is recognized twice, and the next scan needs no option.
        report = crystal.ingest(folder)
        assert (report.read, report.unchanged) == (0, 1)
        saved(page_of(TIDE), folder / "b.pdf")
        assert crystal.ingest(folder).read == 1
        # A filter of the folder leaves that as it is; --no-ocr forgets it, and keeps what was read.
        report = crystal.ingest(folder, include=["*.pdf", "*.png"])
        assert (report.read, report.chosen["papers"]) == (1, {"include": ["*.pdf", "*.png"], "ocr": True})
        assert paths_of(crystal) == ["a.pdf", "b.pdf", "photo.png"]
        report = crystal.ingest(folder, ocr=False)
        assert (report.read, report.chosen["papers"]) == (0, {"include": ["*.pdf", "*.png"]})
        assert paths_of(crystal) == ["a.pdf", "b.pdf", "photo.png"]


def test_a_picture_that_is_named_is_read_and_stays_so(tmp_path: Path, capsys) -> None:
    picture = saved(page_of(LAMP), tmp_path / "note.png")
    command = ["ingest", str(picture), "-c", str(tmp_path / "y.crystal"), "--wait-for", "text"]
    assert run(command) == 3
    assert "a picture (--ocr reads the text in it)" in capsys.readouterr().err
    assert run([*command, "--ocr"]) == 0
    assert "note.png: read by OCR, letters may be wrong" in " ".join(capsys.readouterr().out.split())
    saved(page_of(TIDE), picture)
    assert run(command) == 0
    with Crystal.open(tmp_path / "y.crystal", encoder=None) as crystal:
        assert crystal.recall("full moon").passages
    assert run(["status", "-c", str(tmp_path / "y.crystal"), "--json"]) == 1  # it has no layers yet
    assert '"code": "ocr"' in capsys.readouterr().out


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    picture = saved(page_of(LAMP), tmp_path / "note.png")
    program = "import sys; sys.modules['rapidocr'] = None; from crystalcli.cli import main; main()"
    command = [sys.executable, "-c", program, "ingest", str(picture), "-c", str(tmp_path / "z.crystal"), "--ocr"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["crystal: --ocr: rapidocr is not installed: pip install 'crystalcli[ocr]'"]
    assert not (tmp_path / "z.crystal").exists()
