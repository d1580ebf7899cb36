"""Layers made by several processes, and files that are parsed ahead."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from support.lexical_crystals import inside, write
from support.waiting import until

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.datatypes import Phase, Progress
from crystalcli.index import segment_writer
from crystalcli.ingest import ingester, layer_maker
from crystalcli.text.read_ahead import ReadAhead
from crystalcli.text.source.read_request import DEFAULT_READ_OPTIONS

SENTENCES = (
    "The keeper of the lamp writes the hours of each tide into a ledger. ",
    "A pilot from the upper harbour knows the rocks below the chapel. ",
    "Salt for the winter came by the ferry, and rope for the anchor. ",
    "Before a storm the bell is rung from the tower of the customs house. ",
    "In March the chart was drawn anew, with the wreck of the Adela on it. ",
)


@pytest.fixture
def text_crystal(tmp_path: Path, encoder_folder: Path) -> Path:
    """A crystal of five segments without layers."""
    path = tmp_path / "text.crystal"
    for number, sentence in enumerate(SENTENCES):
        folder = write(tmp_path / "docs" / str(number), {f"{number}.txt": f"{number}. {sentence}" * (20 + number)})
        with Crystal(path, encoder=encoder_folder) as crystal:
            crystal.ingest([folder], layers=False)
    return path


@pytest.fixture(autouse=True)
def _processes_for_little_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layer_maker, "_LEAST_SEGMENTS", 1)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


def test_two_processes_make_the_crystal_that_one_makes(text_crystal, encoder_folder, tmp_path):
    one, two = (Path(shutil.copy(text_crystal, tmp_path / f"{name}.crystal")) for name in ("one", "two"))
    before = len(children())
    with Crystal(one, encoder=encoder_folder) as crystal:
        tokens = crystal.make_layers(jobs=1).encoded_tokens
    seen = []
    with Crystal(two, encoder=encoder_folder) as crystal:
        report = crystal.make_layers(jobs=2, progress=lambda progress: seen.append((progress.done, len(children()))))
        assert (report.encoded_tokens, report.layer_share) == (tokens, 1.0)
        assert crystal.make_layers(jobs=2).encoded_tokens == 0
    assert max(processes for _, processes in seen) == before + 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert inside(one) == inside(two)
    with Crystal(one, encoder=encoder_folder) as first, Crystal(two, encoder=encoder_folder) as second:
        assert first.stats().layers == second.stats().layers
    assert len(children()) == before


def test_of_a_process_that_is_killed_the_segment_is_encoded_by_another(text_crystal, encoder_folder, tmp_path):
    whole = Path(shutil.copy(text_crystal, tmp_path / "whole.crystal"))
    with Crystal(whole, encoder=encoder_folder) as crystal:
        crystal.make_layers(jobs=1)
    others, killed = children(), []

    def kill_one(_: object) -> None:
        new = [child for child in children() if child not in others]
        if new and len(killed) < 2:
            killed.append(new[0].pid)
            os.kill(new[0].pid, signal.SIGKILL)

    with Crystal(text_crystal, encoder=encoder_folder) as crystal:
        assert crystal.make_layers(jobs=2, progress=kill_one).layer_share == 1.0
    assert len(killed) == 2
    assert inside(text_crystal) == inside(whole)


def test_ctrl_c_keeps_what_processes_have_made_and_ends_them(text_crystal, encoder_folder):
    others = children()

    def stop(progress):
        if progress.encoded_tokens:
            raise KeyboardInterrupt

    with Crystal(text_crystal, encoder=encoder_folder) as crystal:
        with pytest.raises(KeyboardInterrupt):
            crystal.make_layers(jobs=2, progress=stop)
        assert 0.0 < crystal.layer_share < 1.0
        until(lambda: not [child for child in children() if child not in others])
        assert crystal.make_layers(jobs=2).layer_share == 1.0


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not imported torch, on two processors, with a longer text."""
    monkeypatch.setattr(ingester, "sys", SimpleNamespace(modules={}))
    monkeypatch.setattr(ingester, "_CHILD_TOKENS", 1)
    for module in (ingester, layer_maker):
        monkeypatch.setattr(module, "available_processors", lambda: 2)
    monkeypatch.setattr(segment_writer, "SEGMENT_BYTES", 2000)


@pytest.fixture
def tales(tmp_path: Path) -> Path:
    lines = {f"{number}.txt": f"{number}. {sentence}" * (40 + number) for number, sentence in enumerate(SENTENCES)}
    return write(tmp_path / "tales", lines)


def test_a_process_that_is_begun_beside_the_text_makes_the_same_crystal(early, tales, encoder_folder, tmp_path):
    one, two = tmp_path / "one.crystal", tmp_path / "two.crystal"
    with Crystal(one, encoder=encoder_folder) as crystal:
        tokens = crystal.ingest([tales], jobs=1).encoded_tokens
    before, seen = len(children()), []
    with Crystal(two, encoder=encoder_folder) as crystal:
        report = crystal.ingest([tales], progress=lambda progress: seen.append((progress.phase, len(children()))))
        assert (report.encoded_tokens, report.layer_share) == (tokens, 1.0)
        assert crystal.ingest([tales]).encoded_tokens == 0
    assert (Phase.LAYERS, before + 1) in seen
    assert max(processes for phase, processes in seen if phase is not Phase.LAYERS) == before + 1
    assert inside(one) == inside(two)
    with Crystal(one, encoder=encoder_folder) as first, Crystal(two, encoder=encoder_folder) as second:
        assert first.stats().layers == second.stats().layers
    assert len(children()) == before


def test_what_a_killed_process_has_left_is_made_here(early, tales, encoder_folder, tmp_path):
    with Crystal(tmp_path / "whole.crystal", encoder=encoder_folder) as crystal:
        tokens = crystal.ingest([tales], jobs=1).encoded_tokens
    others, killed = children(), []

    def kill(progress: Progress) -> None:
        new = [child for child in children() if child not in others]
        if progress.encoded_tokens and new and not killed:
            killed.append(new[0].pid)
            os.kill(new[0].pid, signal.SIGKILL)

    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([tales], progress=kill)
        assert (report.encoded_tokens, report.layer_share) == (tokens, 1.0)
    assert len(killed) == 1
    assert inside(tmp_path / "m.crystal") == inside(tmp_path / "whole.crystal")


@pytest.mark.parametrize("phase", ["text", "layers"])
def test_ctrl_c_ends_the_process_that_was_begun_beside_the_text(early, tales, encoder_folder, tmp_path, phase):
    others = children()

    def stop(progress: Progress) -> None:
        if progress.encoded_tokens if phase == "layers" else len(children()) > len(others):
            raise KeyboardInterrupt

    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        with pytest.raises(KeyboardInterrupt):
            crystal.ingest([tales], progress=stop)
        assert not [child for child in children() if child not in others]
        assert crystal.layer_share < 1.0
        assert (crystal.layer_share > 0.0) == (phase == "layers")
        assert crystal.ingest([tales]).layer_share == 1.0


def test_an_encoder_that_cannot_be_loaded_is_one_clear_error(text_crystal, encoder_folder, tmp_path, capsys):
    broken = shutil.copytree(encoder_folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes((broken / "model.safetensors").read_bytes()[:4000])
    code = run(["ingest", "--layers", "--jobs", "2", "-c", str(text_crystal), "--encoder", str(broken)])
    said = capsys.readouterr()
    assert code != 0
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err


def test_files_that_are_parsed_ahead_make_the_same_crystal(tmp_path):
    handbook = Path(__file__).parents[2] / "samples" / "handbook.pdf"
    folder = write(tmp_path / "docs", {"m.txt": "The rope is new.\n"})
    for name in ("a.pdf", "b.pdf", "z.pdf"):
        shutil.copy(handbook, folder / name)
    (folder / "b.pdf").write_bytes(handbook.read_bytes()[:3000])  # damaged
    reports = []
    for jobs in (1, 3):
        with Crystal(tmp_path / f"{jobs}.crystal", encoder=None) as crystal:
            reports.append(crystal.ingest([folder], jobs=jobs))
    assert inside(tmp_path / "1.crystal") == inside(tmp_path / "3.crystal")
    assert [(r.read, r.tokens, r.skipped) for r in reports[:1]] == [(r.read, r.tokens, r.skipped) for r in reports[1:]]


def test_no_more_files_are_begun_than_there_are_jobs_and_all_are_stopped():
    handbook = Path(__file__).parents[2] / "samples" / "handbook.pdf"
    before = len(children())
    ahead = ReadAhead(DEFAULT_READ_OPTIONS, 2)
    assert ahead.is_worthwhile(handbook)
    assert not ahead.is_worthwhile(Path("notes.txt"))
    ahead.begin(handbook, ocr=False)
    assert ahead.room == 0
    assert not ahead.is_worthwhile(handbook)
    fingerprint, reading = ahead.open(handbook, ocr=False)
    assert fingerprint.size == handbook.stat().st_size
    assert sum(len(piece) for piece in reading.pieces() if isinstance(piece, str)) > 1000
    ahead.begin(handbook, ocr=False)
    ahead.close()
    assert len(children()) <= before + 1  # one may wait for the next file
