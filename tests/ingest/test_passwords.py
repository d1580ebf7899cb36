"""Encrypted files: left out with a reason, and read when the password is given."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.locked_zip import locked

from crystalcli.library import Crystal

NEEDED = ("encrypted (a password is needed: --password)", "encrypted")
WRONG = ("encrypted (the password is wrong)", "wrong_password")


def zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return held.getvalue()


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(datetime(2024, 1, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=12)
    pdf.add_page()
    pdf.multi_cell(0, 8, "The brass key hangs behind the lamp.")
    pdf.set_encryption(owner_password="owner", user_password="user")
    (tmp_path / "papers").mkdir()
    path = tmp_path / "papers" / "a.pdf"
    path.write_bytes(bytes(pdf.output()))
    return path


def test_a_password_opens_what_was_left_out(tmp_path: Path, closed: Path) -> None:
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as crystal:
        report = crystal.ingest([closed.parent])
        assert list(report.skipped) == [("a.pdf", *NEEDED)]
        report = crystal.ingest([closed.parent], password="wrong")
        assert list(report.skipped) == [("a.pdf", *WRONG)]
        assert crystal.ingest([closed.parent]).skipped == report.skipped
        report = crystal.ingest([closed.parent], password="user")
        assert (report.read, list(report.skipped)) == (1, [])
        (passage,) = crystal.recall("brass key")
        assert (passage.text.strip(), str(passage.place)) == ("The brass key hangs behind the lamp.", "p. 1")
        assert crystal.ingest([closed.parent]).unchanged == 1


def test_the_password_comes_from_the_option_or_the_environment(
    tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crystalcli.cli.app import run

    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "none"))
    ingest = ["ingest", str(closed.parent), "-c", str(tmp_path / "y.crystal")]
    assert run(ingest) == 3
    assert "encrypted (a password is needed: --password)" in capsys.readouterr().err
    assert run([*ingest, "--password", "user"]) == 0
    monkeypatch.setenv("CRYSTAL_PASSWORD", "owner")
    assert run(["ingest", str(closed.parent), "-c", str(tmp_path / "z.crystal")]) == 0


def test_a_password_given_later_opens_what_is_in_an_archive_that_has_not_changed(tmp_path: Path, closed: Path) -> None:
    note = locked("note.txt", b"The spare key lies under the third step.\n", b"step")
    inner = zipped({"deep.pdf": closed.read_bytes(), "open.txt": b"The door is green.\n"})
    folder = tmp_path / "archives"
    folder.mkdir()
    (folder / "a.zip").write_bytes(zipped({"inner.zip": inner, "locked.zip": note}))
    names = ["a.zip/inner.zip/deep.pdf", "a.zip/locked.zip/note.txt"]
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as crystal:
        assert sorted(crystal.ingest([folder]).skipped) == [(name, *NEEDED) for name in names]
        assert sorted(crystal.ingest([folder], password="none").skipped) == [(name, *WRONG) for name in names]
        assert sorted(crystal.ingest([folder]).skipped) == [(name, *WRONG) for name in names]
        report = crystal.ingest([folder], password="step")
        assert (report.read, report.unchanged, list(report.skipped)) == (1, 1, [(names[0], *WRONG)])
        report = crystal.ingest([folder], password="user")
        assert (report.read, report.unchanged, list(report.skipped)) == (1, 2, [])
        (passage,) = crystal.recall("spare key third step", 1)
        assert passage.path == names[1]
        assert (crystal.ingest([folder], password="user").read, crystal.ingest([folder]).unchanged) == (0, 3)


def test_a_dry_run_takes_a_password_too(tmp_path: Path, closed: Path) -> None:
    told = Crystal.forecast(tmp_path / "x.crystal", [closed.parent], encoder=None)
    assert (told.files, told.kinds, list(told.skipped), told.tokens) == ((), {}, [("a.pdf", *NEEDED)], 0)
    told = Crystal.forecast(tmp_path / "x.crystal", [closed.parent], encoder=None, password="user")
    with Crystal.create(tmp_path / "x.crystal", encoder=None) as crystal:
        crystal.ingest([closed.parent])
        assert Crystal.forecast(tmp_path / "x.crystal", [closed.parent], encoder=None).skipped == (("a.pdf", *NEEDED),)
        again = Crystal.forecast(tmp_path / "x.crystal", [closed.parent], encoder=None, password="user")
        assert [path for path, _, _ in again.files] == ["a.pdf"]
        assert told.tokens == again.tokens == crystal.ingest([closed.parent], password="user").tokens > 0


def test_a_wrong_password_is_said_where_nothing_else_is_new(
    tmp_path: Path, closed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from crystalcli.cli.app import run

    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "none"))
    (closed.parent / "b.txt").write_text("The door is green.\n")
    ingest = ["ingest", str(closed.parent), "-c", str(tmp_path / "y.crystal")]
    assert run(ingest) == 0
    capsys.readouterr()
    assert run([*ingest, "--password", "nobody's"]) == 0
    assert f"a.pdf: {WRONG[0]}" in capsys.readouterr().out
