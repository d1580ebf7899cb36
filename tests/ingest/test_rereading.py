"""Files that have not changed are read again when their reader has become better, or on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from support.packed_formats import zipped

from crystalcli import Crystal
from crystalcli.errors import Reason
from crystalcli.ingest import IngestReport
from crystalcli.text import read_ahead
from crystalcli.text.readers import READER_VERSIONS, open_source
from crystalcli.text.source.read_request import ReadOptions

READ = ["a.md", "b.txt", "c.zip/x.md", "c.zip/y.txt", "d.eml", "d.eml/z.md"]


@pytest.fixture
def crystal(tmp_path: Path) -> Iterator[Crystal]:
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\nThe lamp is lit.\n")
    (folder / "b.txt").write_text("The lamp is out.\n")
    (folder / "c.zip").write_bytes(zipped({"x.md": "# X\n\nOil.\n", "y.txt": "Wick.\n"}))
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ann@example.org", "Glass"
    mail.set_content("The glass is here.")
    mail.add_attachment("# Z\n\nGlass.\n", filename="z.md")
    (folder / "d.eml").write_bytes(mail.as_bytes())
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as opened:
        assert names(opened.ingest([folder])) == READ
        yield opened


def names(report: IngestReport) -> list[str]:
    return sorted(change.path for change in report.changed)


def test_a_better_reader_reads_its_documents_again_once(
    crystal: Crystal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (names(crystal.ingest([tmp_path / "shelf"])), crystal.status().older_readers) == ([], 0)
    monkeypatch.setitem(READER_VERSIONS, "markdown", 9)
    assert (crystal.status().older_readers, crystal.status().complete) == (3, False)
    # The mail is read again for the sake of its attachment, and the archive is opened.
    assert names(crystal.ingest([tmp_path / "shelf"])) == ["a.md", "c.zip/x.md", "d.eml", "d.eml/z.md"]
    assert crystal.status().older_readers == 0
    assert names(crystal.ingest([tmp_path / "shelf"])) == []
    assert crystal.verify().problems == ()


def test_all_is_read_again_on_request_and_nothing_is_encoded_twice(crystal: Crystal, tmp_path: Path) -> None:
    chunks = crystal.stats().chunks
    assert names(crystal.ingest([tmp_path / "shelf"], reread=True)) == READ
    assert crystal.stats().chunks == chunks
    forecast = Crystal.forecast(tmp_path / "m.crystal", [tmp_path / "shelf"], encoder=None, reread=True)
    assert [file.path for file in forecast.files] == ["a.md", "b.txt", "c.zip", "d.eml"]


def test_documents_of_programs_that_kept_no_version_are_left_alone(crystal: Crystal, tmp_path: Path) -> None:
    with crystal._store.transaction():
        crystal._store.rows("UPDATE source SET reader = 0")
    assert (names(crystal.ingest([tmp_path / "shelf"])), crystal.status().older_readers) == ([], 0)


def test_what_no_reader_could_read_is_tried_once_more_with_others(
    crystal: Crystal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shelf"
    (shelf / "e.sketch").write_bytes(bytes(range(256)) * 8)
    (shelf / "f.zip").write_bytes(zipped({"g.sketch": bytes(range(256)) * 8}))
    for path in shelf.iterdir():
        os.utime(path, (1e9, 1e9))  # a file of this moment is looked at once more
    crystal.ingest([shelf])
    assert [skipped.code for skipped in crystal.ingest([shelf]).skipped] == [Reason.NOT_TEXT] * 2
    opened: list[str] = []

    def spy(path: Path, options: ReadOptions) -> object:
        opened.append(path.suffix)
        return open_source(path, options)

    monkeypatch.setattr(read_ahead, "open_source", spy)
    crystal.ingest([shelf])
    assert opened == []
    monkeypatch.setitem(READER_VERSIONS, "sketch", 1)  # a reader that was not there before
    crystal.ingest([shelf])
    assert sorted(opened) == [".sketch", ".sketch", ".zip"]
    crystal.ingest([shelf])
    assert len(opened) == 3


def test_a_mail_that_is_named_is_not_read_again_for_what_cannot_be_read_in_it(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ann@example.org", "Glass"
    mail.set_content("The glass is here.")
    mail.add_attachment(b"\0\1\2" * 99, "application", "octet-stream", filename="z.bin")
    for name, data in (("d.eml", bytes(mail)), ("d.zip", zipped({"d.eml": bytes(mail)}))):
        (tmp_path / name).write_bytes(data)
        with Crystal.create(tmp_path / f"{name}.crystal", encoder=None) as crystal:
            report = crystal.ingest(tmp_path / name)
            assert [file.code for file in report.skipped] == [Reason.NOT_TEXT]
            assert [crystal.ingest(tmp_path / name).read for _ in range(2)] == [0, 0]
