"""Encrypted files: left out with a reason, and read when the password is given."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crystalcli.library import Crystal


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
        assert report.skipped == [("a.pdf", "encrypted (a password is needed: --password)")]
        report = crystal.ingest([closed.parent], password="wrong")
        assert report.skipped == [("a.pdf", "encrypted (the password is wrong)")]
        assert crystal.ingest([closed.parent]).skipped == report.skipped
        report = crystal.ingest([closed.parent], password="user")
        assert (report.read, report.skipped) == (1, [])
        (passage,) = crystal.recall("brass key")
        assert (passage.text.strip(), passage.place) == ("The brass key hangs behind the lamp.", "p. 1")
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
