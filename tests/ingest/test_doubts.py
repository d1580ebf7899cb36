"""Documents that state tags and dates are found by them, and doubts are told."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.datatypes import RecallFilter
from crystalcli.errors import NotFoundError
from tests.support.documents import docx
from tests.text.formats.test_stated_fields import CORE, CORE_RELATION, with_part

LAMP = "<w:p><w:r><w:t>The lamp of the harbour is lit at dusk, and put out at dawn.</w:t></w:r></w:p>"


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    with_part(docx(folder / "tides.docx", LAMP), "docProps/core.xml", CORE, CORE_RELATION)
    docx(folder / "plain.docx", LAMP.replace("dusk", "noon"))
    (folder / "old.txt").write_bytes("Der Müller mahlt täglich früh für die Bäcker im Dörfchen.\n".encode("cp1252") * 9)
    path = folder.parent / "shelf.crystal"
    with Crystal.create(path, encoder=None) as made:
        report = made.ingest([folder])
        assert [(file.path, file.code) for file in report.doubtful] == [("old.txt", "guessed_encoding")]
    return path


def test_documents_are_found_by_the_tags_that_they_state(crystal: Path) -> None:
    with Crystal.open(crystal, encoder=None) as opened:
        results = opened.recall("when is the lamp lit?", where=RecallFilter(tags=("Spring tide",)))
        assert {passage.place.path for passage in results.passages} == {"tides.docx"}
        with pytest.raises(NotFoundError, match="spring tide"):
            opened.recall("when is the lamp lit?", where=RecallFilter(tags=("sprong tide",)))


def test_documents_are_found_by_the_day_that_they_state(crystal: Path) -> None:
    with Crystal.open(crystal, encoder=None) as opened:
        results = opened.recall("when is the lamp lit?", where=RecallFilter(until=date(2022, 12, 31)))
        assert {passage.place.path for passage in results.passages} == {"tides.docx"}


def test_fields_and_doubts_are_told(crystal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["inspect", "tides.docx", "-c", str(crystal), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)["document"]
    assert (document["author"], document["date"]) == ("Ann Lee", "2022-05-06")
    assert document["tags"] == ["harbour", "spring tide"]
    assert run(["inspect", "tides.docx", "-c", str(crystal)]) == 0
    assert "author Ann Lee" in capsys.readouterr().out
    run(["status", "-c", str(crystal), "--json"])
    sources = {entry["path"]: entry["doubts"] for entry in json.loads(capsys.readouterr().out)["sources"]}
    assert sources["plain.docx"] == []
    assert [doubt["code"] for doubt in sources["old.txt"]] == ["guessed_encoding"]
    run(["status", "-c", str(crystal)])
    assert "doubt    old.txt: read as " in capsys.readouterr().out
    with Crystal.open(crystal, encoder=None) as opened:
        assert opened.verify().sound
