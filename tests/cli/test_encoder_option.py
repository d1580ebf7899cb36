"""`--encoder` and what belongs to it, as a person uses them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.small_encoder import make_encoder

from crystalcli.cli.app import run


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("own") / "tiny-bert")


def test_a_crystal_finds_its_own_encoder_and_says_when_it_is_gone(tmp_path, shelf_folder, encoder, capsys, monkeypatch):
    own, file = tmp_path / "tiny", tmp_path / "m.crystal"
    shutil.copytree(encoder, own)
    code, out, err = here(
        capsys, "ingest", shelf_folder, "-c", file, "--encoder", own, "--codebooks-from", shelf_folder
    )
    assert (code, err) == (0, "")
    assert "3  documents" in out
    code, out, err = here(capsys, "ingest", shelf_folder, "-c", file, "--codebooks-from", shelf_folder)
    assert code == 0
    assert "has its codebooks already" in err
    code, out, err = here(capsys, "recall", "High water at Oldhaven", "-k", "1", "-c", file, "--json")
    assert (code, err) == (0, "")
    assert {"atom", "clusters", "units", "bm25"} <= json.loads(out)["passages"][0]["shares"].keys()
    code, out, _ = here(capsys, "inspect", "-c", file)
    for words in ("cosine", "tiny; format version 7", "48 dimensions, chunks of up to 126 tokens", "was in tiny"):
        assert words in out
    code, out, _ = here(capsys, "inspect", "-c", file, "--json")
    stats = json.loads(out)
    assert stats["own_encoder"]["location"] == "tiny"
    assert len(stats["own_encoder"]["weights"]) == 64
    assert all(0.5 < layer["cosine"] <= 1.0001 for layer in stats["layers"][1:])
    assert stats["layers"][0]["cosine"] is None
    assert 0 < stats["layer_bytes_per_million_tokens"] < 1.3e6

    moved = own.rename(tmp_path / "away")
    code, out, err = here(capsys, "recall", "High water at Oldhaven", "-c", file)
    assert code == 0
    assert "own encoder tiny is not at tiny" in err
    assert "by BM25 alone" in err
    assert "04:10" in out
    assert here(capsys, "recall", "High water", "-c", file, "--encoder", moved)[2] == ""
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", file)
    assert code == 6
    assert err == "crystal: the crystal's own encoder tiny is not at tiny; name its folder with --encoder DIR\n"
    monkeypatch.setenv("CRYSTAL_ENCODER", str(moved))
    assert here(capsys, "ask", "--extractive", "When is high water at Oldhaven?", "-c", file)[::2] == (0, "")
    assert here(capsys, "ingest", shelf_folder, "-c", file)[::2] == (0, "")


def test_wrong_encoders_get_one_line_and_a_code(tmp_path, shelf_folder, encoder, samples_crystal, capsys):
    for command in (["recall", "tides"], ["ask", "--extractive", "tides"], ["inspect"]):
        code, out, err = here(capsys, *command, "-c", samples_crystal, "--encoder", encoder)
        assert (code, out) == (2, "")
        assert "was made with the encoder all-MiniLM-L6-v2, and" in err
        assert err.count("\n") == 1
    file = tmp_path / "m.crystal"
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", file, "--encoder", tmp_path / "no")
    assert (code, err.count("\n")) == (6, 1)
    assert "the folder does not exist" in err
    (tmp_path / "mpnet").mkdir()
    (tmp_path / "mpnet" / "config.json").write_text('{"model_type": "mpnet"}')
    (tmp_path / "mpnet" / "model.safetensors").write_bytes(b"")
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", file, "--encoder", tmp_path / "mpnet")
    assert (code, err.count("\n")) == (2, 1)
    assert "a model of type mpnet" in err
    assert not file.exists()
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", file, "--codebooks-from", shelf_folder)
    assert code == 2
    assert "is for an encoder of your own" in err
    assert not file.exists()
    assert here(capsys, "ingest", shelf_folder, "-c", file, "--codebooks-from", tmp_path / "no")[0] == 3


def test_recall_with_an_own_encoder_needs_no_torch(tmp_path, shelf_folder, encoder, capsys):
    file = tmp_path / "m.crystal"
    assert here(capsys, "ingest", shelf_folder, "-c", file, "--encoder", encoder)[0] == 0
    check = (
        "import sys; from crystalcli.cli.app import run; "
        f"code = run(['recall', 'High water', '-c', {str(file)!r}]); sys.exit(code or 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, env=os.environ)
    assert (done.returncode, done.stderr) == (0, "")
    assert "04:10" in done.stdout


GERMAN = "Der Wärter des Leuchtturms schreibt in das Buch, was er gesehen hat, und niemand liest es. " * 12
FRENCH = "Le gardien du phare écrit dans le registre ce qu'il a vu, et personne ne le lit. " * 12
CHINESE = "这个城市位于河边，居民主要以捕鱼为生。" * 20
ENGLISH = "The keeper of the lighthouse writes in the ledger what he has seen, and nobody reads it. " * 12
CODE = "def count(records):\n    return {key: len(rows) for key, rows in records.items()}\n" * 20
TABLE = "id;preis;menge\n17;9,50;3\n22;1,20;8\n" * 40


@pytest.mark.parametrize(
    ("files", "noted"),
    [
        ({"a.txt": GERMAN}, "most of this is German"),
        ({"a.txt": GERMAN, "b.txt": FRENCH, "c.txt": CHINESE}, "most of this is not English"),
        ({"a.txt": GERMAN, "b.py": CODE * 4}, ""),
        ({"a.txt": ENGLISH * 2, "b.txt": GERMAN}, ""),
        ({"a.py": CODE, "b.csv": TABLE}, ""),
        ({"a.txt": GERMAN[:90]}, ""),  # too little to say so
        ({"a.txt": CHINESE}, "most of this is not English"),
    ],
)
def test_a_notice_when_most_is_not_english(tmp_path, capsys, monkeypatch, files, noted):
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for name, text in files.items():
        (shelf / name).write_text(text, encoding="utf-8")
    code, _, err = here(capsys, "ingest", shelf, "-c", tmp_path / "m.crystal")
    assert code == 0
    assert ("most of this" in err) == bool(noted)
    assert noted in err
    if noted:
        assert "`crystal ingest --encoder multilingual` finds more in it (91.2 MB, once)" in err
    assert "most of this" not in here(capsys, "ingest", shelf, "-c", tmp_path / "m.crystal")[2]


def test_no_notice_with_an_encoder_of_ones_own(tmp_path, capsys, encoder):
    (tmp_path / "a.txt").write_text(GERMAN, encoding="utf-8")
    code, _, err = here(capsys, "ingest", tmp_path / "a.txt", "-c", tmp_path / "m.crystal", "--encoder", encoder)
    assert (code, err) == (0, "")
