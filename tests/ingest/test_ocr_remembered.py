"""`--ocr` of files and folders: what it reads, what it reads again, and how long it is remembered."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from email.message import EmailMessage
from pathlib import Path

from crystalcli.cli.app import run
from crystalcli.library import Crystal
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions
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


def test_pictures_in_mails_and_archives_are_tried_too(tmp_path: Path) -> None:
    scan = saved(page_of(LAMP[:1], height=120), tmp_path / "scan.png").read_bytes()
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Date"] = "Ann <ann@example.org>", "Lamp", "Mon, 3 Mar 2025 10:00:00 +0100"
    mail.set_content("The scan is attached.")
    # As Gmail attaches a file, as Apple Mail shows one, and the sign of a firm in its text.
    mail.add_attachment(scan, maintype="image", subtype="png", filename="scan.png", cid="<f_1>")
    mail.add_attachment(scan, maintype="image", subtype="png", filename="shown.png", disposition="inline")
    mail.add_attachment(scan, maintype="image", subtype="png", filename="sign.png", disposition="inline", cid="<s@1>")
    path = tmp_path / "mail.eml"
    path.write_bytes(bytes(mail))
    for ocr in (False, True):
        _, reading = open_source(path, ReadOptions(ocr=ocr))
        list(reading.pieces())
        given = [(member.name, member.path is not None) for member in reading.members()]  # type: ignore[attr-defined]
        assert given == [("scan.png", ocr), ("shown.png", ocr)]
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "Ann <ann@example.org>", "Lamp"
    mail.set_content("The scan is attached.")
    mail.add_attachment(scan[:300], maintype="image", subtype="png", filename="scan.png")  # soon tried
    with zipfile.ZipFile(tmp_path / "post.zip", "w") as archive:
        archive.writestr("mail.eml", bytes(mail))
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as crystal:
        report = crystal.ingest(tmp_path / "post.zip")
        name = "post.zip/mail.eml/scan.png"
        assert [(file.path, file.code) for file in report.skipped] == [(name, "image")]
        report = crystal.ingest(tmp_path / "post.zip", ocr=True)
        assert [(file.path, file.code) for file in report.skipped] == [(name, "damaged")]
        assert crystal.ingest(tmp_path / "post.zip").read == 0
