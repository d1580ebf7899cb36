"""A dry run says what an ingest then does, and changes nothing."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from support.repository import SAMPLES

from crystalcli.errors import SourceError
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.index.encoder import resolve_encoder
from crystalcli.ingest.dry_run import _Sample
from crystalcli.library import Crystal
from crystalcli.storage.store import Store
from crystalcli.text.discover.walk import FoundFile
from crystalcli.text.source.read_request import DEFAULT_READ_OPTIONS


def prose(number: int, paragraphs: int) -> str:
    lines = (f"Paragraph {i} of {number} tells of ship {i * 7919 % 1000} and of her crew." for i in range(paragraphs))
    return "\n\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    root.mkdir()
    for number in range(30):
        (root / f"{number:02d}.txt").write_text(prose(number, 40 + 5 * number))
    (root / "a.md").write_text("# Notes\n\n" + prose(99, 50))
    (root / "x.py").write_text("".join(f"def name_{i}(a, b):\n    return a * {i} + b\n\n\n" for i in range(200)))
    (root / "poetry.lock").write_text("x\n")
    (root / "empty.txt").write_text("")
    (root / "out.log").write_text("left out\n")
    return root


def test_it_names_what_an_ingest_reads_and_comes_near_its_figures(tmp_path, folder):
    file, before = tmp_path / "m.crystal", sorted(tmp_path.rglob("*"))
    told = Crystal.forecast(file, [folder], encoder=None, exclude=["*.log"])
    assert sorted(tmp_path.rglob("*")) == before
    with Crystal.create(file, encoder=None) as crystal:
        report = crystal.ingest([folder], exclude=["*.log"])
        kinds = {document.path: document.kind for document in crystal.documents() if document.chunks}
        grown = crystal.stats().file
    assert {path: kind for path, kind, _ in told.files} == kinds
    assert sorted(told.skipped) == sorted(report.skipped)
    assert {name: kind.files for name, kind in told.kinds.items()} == {"text": 30, "markdown": 1, "code": 1}
    assert sum(kind.bytes for kind in told.kinds.values()) == report.bytes
    assert told.tokens == pytest.approx(report.tokens, rel=0.05)
    assert told.bytes == pytest.approx(grown, rel=0.25)
    assert told.seconds > 0
    assert (told.sampled_files, told.encoded_tokens, told.layers) == (14, 0, False)
    assert 0 < told.sampled_tokens < report.tokens


def test_what_the_crystal_has_is_no_work(tmp_path, folder):
    file = tmp_path / "m.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder], exclude=["*.log"])
    (folder / "00.txt").write_text("It is another text now.\n")
    (folder / "new.txt").write_text("A new one.\n")
    os.utime(folder / "01.txt", (1, 1))
    before = file.read_bytes()
    told = Crystal.forecast(file, [folder], encoder=None)  # as chosen before
    assert [path for path, _, _ in told.files] == ["00.txt", "new.txt"]
    assert (told.unchanged, told.left_out) == (31, 0)
    assert sorted(told.skipped) == [("empty.txt", "empty", "empty"), ("poetry.lock", "lock file", "lock_file")]
    assert file.read_bytes() == before
    with Crystal.open(file, writable=True, encoder=None) as crystal:
        crystal.ingest([folder])
    told = Crystal.forecast(file, [folder], encoder=None)
    assert (list(told.files), told.unchanged, told.tokens, told.seconds, told.bytes) == ([], 33, 0, 0.0, 0)
    assert [path for path, _, _ in Crystal.forecast(file, [folder], encoder=None, exclude=[]).files] == ["out.log"]


def test_with_weights_it_encodes_a_few_chunks(tmp_path, folder, encoder_folder):
    told = Crystal.forecast(tmp_path / "m.crystal", [folder / "a.md", folder / "x.py"], encoder=encoder_folder)
    bare = Crystal.forecast(tmp_path / "m.crystal", [folder / "a.md", folder / "x.py"], encoder=None)
    assert told.layers
    assert 0 < told.encoded_tokens <= told.sampled_tokens
    assert told.tokens == bare.tokens
    assert told.bytes - bare.bytes == pytest.approx(0.96 * told.tokens, rel=0.01)
    assert told.seconds > bare.seconds


def test_pdf_is_predicted_from_whole_files(tmp_path):
    pdfs = sorted(SAMPLES.rglob("*.pdf"))
    assert pdfs
    told = Crystal.forecast(tmp_path / "m.crystal", pdfs, encoder=None)
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        assert told.tokens == pytest.approx(crystal.ingest(pdfs).tokens, rel=0.02)


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        Crystal.forecast(tmp_path / "m.crystal", [tmp_path / "nothing"], encoder=None)


def test_what_is_in_archives_counts_and_is_known_again(tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    folder.mkdir()
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w:gz") as archive:
        data = prose(7, 200).encode()
        info = tarfile.TarInfo("deep.txt")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for number in range(10):
            packed.writestr(f"{number}.txt", prose(number, 60))
        packed.writestr("inner.tar.gz", inner.getvalue())
        packed.writestr("empty.txt", "")
    told = Crystal.forecast(tmp_path / "m.crystal", [folder], encoder=None)
    assert [(path, kind) for path, kind, _ in told.files] == [("a.zip", "archive")]
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        report = crystal.ingest([folder])
    assert told.tokens == told.kinds["archive"].tokens == pytest.approx(report.tokens, rel=0.02)
    again = Crystal.forecast(tmp_path / "m.crystal", [folder], encoder=None)
    assert (again.files, again.unchanged, list(again.skipped)) == ((), 11, [("a.zip/empty.txt", "empty", "empty")])


def test_sheets_are_cut_and_code_stands_in_its_context_as_in_an_ingest(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    rows = "".join(f"ship {n},{n * 7919 % 1000},she carries salt and rope and oil\n" for n in range(200))
    (folder / "a.csv").write_text("name,number,cargo\n" + rows)
    (folder / "b.py").write_text("".join(f"def name_{i}(a):\n    return a + {i}\n\n\n" for i in range(60)))
    sample = _Sample(resolve_encoder(None, tmp_path)[0], DEFAULT_READ_OPTIONS)
    for kind, name in (("csv", "a.csv"), ("code", "b.py")):
        status = (folder / name).stat()
        sample.read(kind, [FoundFile(folder / name, folder, name, status.st_size, status.st_mtime_ns)])
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
    with Store.open(tmp_path / "m.crystal") as store:
        held = ChunkReader(store)
        chunks = [held.get(each) for row in store.sources() for each in held.of(row.id)]
    assert [(each.text, each.context) for each in sample.chunks] == [(each.text, each.context) for each in chunks]


def test_it_says_what_is_gone_and_knows_a_folder_that_was_moved(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "m.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder], exclude=["*.log"])
    (folder / "00.txt").unlink()
    assert Crystal.forecast(file, [folder], encoder=None).gone == 1
    moved = folder.rename(tmp_path / "moved")
    told = Crystal.forecast(file, [moved], encoder=None, exclude=["*.log"])
    with Crystal.open(file, writable=True, encoder=None) as crystal:
        report = crystal.ingest([moved], exclude=["*.log"])
    assert (list(told.files), told.unchanged) == ([], report.unchanged)


def test_a_file_that_is_back_after_it_was_gone_is_unchanged(tmp_path: Path, folder: Path) -> None:
    file, target = tmp_path / "m.crystal", folder / "00.txt"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder])
        kept = target.rename(tmp_path / "kept.txt")
        assert crystal.ingest([folder]).gone == 1
    kept.rename(target)
    told = Crystal.forecast(file, [folder], encoder=None)
    with Crystal.open(file, writable=True, encoder=None) as crystal:
        report = crystal.ingest([folder])
    assert (list(told.files), told.unchanged) == ([], report.unchanged)
    assert report.read == 0
