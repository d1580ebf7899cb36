"""Crystals as the first version of the format wrote them stay readable, and damage to them keeps its name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError, NewerFormatError
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.storage.store import Store

HERE = Path(__file__).parent


@pytest.fixture(params=sorted(path.stem for path in HERE.glob("v*.json")))
def golden(request, tmp_path) -> tuple[Path, dict]:
    said = json.loads((HERE / f"{request.param}.json").read_text(encoding="utf-8"))
    return Path(shutil.copy(HERE / f"{request.param}.crystal", tmp_path)), said


def test_it_gives_what_it_gave(golden, encoder_folder):
    path, said = golden
    before = path.read_bytes()
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        assert {each.path: each.kind for each in crystal.documents()} == said["documents"]
        assert {each.path: each.code for each in crystal.documents() if each.code} == said.get("codes", {})
        for name, text in said["texts"].items():
            assert crystal.quote(name, 0, len(text)) == text
        assert crystal.shelf.atom_codes[0].tobytes().hex() == said["atoms"]
        assert {each: crystal.recall(each, 1)[0].path for each in said["recalled"]} == said["recalled"]
        told = [[m.id, m.dated, m.author, list(m.tags), m.pinned, m.text] for m in crystal.memories()]
        assert told == said.get("memories", [])
        conflicts = [[each.subject, each.older.value, each.newer.value] for each in crystal.conflicts()]
        assert conflicts == said.get("conflicts", [])
    with Store.open(path) as store:
        assert not verify_crystal(store).problems
        kept = [[row.model, row.text] for source in store.sources() for row in store.summaries(source.id)]
        assert kept == said.get("summaries", [])
    assert path.read_bytes() == before


def test_it_takes_more(golden, tmp_path, encoder_folder):
    path, said = golden
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "more.txt").write_text("The bell of Skarn weighs two hundredweight.\n", encoding="utf-8")
    with Crystal.open(path, writable=True, encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path / "more"])
        assert crystal.recall("What does the bell weigh?", 1)[0].path == "more.txt"
        assert {each: crystal.recall(each, 1)[0].path for each in said["recalled"]} == said["recalled"]


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        ("blob", DamagedCrystalError, "damaged"),
        ("short", DamagedCrystalError, "damaged"),
        ("newer", NewerFormatError, "upgrade"),
    ],
)
def test_damage_keeps_its_name(golden, tmp_path, damage, error, message):
    path, said = golden
    hurt = shutil.copy(HERE / f"{path.stem}-{damage}.crystal", tmp_path)
    with pytest.raises(error, match=message), Crystal.open(hurt, encoder=None) as crystal:
        for name, text in said["texts"].items():
            crystal.quote(name, 0, len(text))
