"""Terminals that are not UTF-8: every result is written, and every question is read."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.lexical_crystals import read_into

from crystalcli.cli.app import run

SAID = "Die Fähre fährt um sechs – “pünktlich”. 潮が満ちる。\n"


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("encodings")
    (folder / "docs").mkdir()
    (folder / "docs" / "Fähre.txt").write_text(SAID, encoding="utf-8")
    return read_into(folder / "m.crystal", folder / "docs")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Runs a command whose output has an encoding, and gives its exit code and what it wrote."""

    def command(encoding: str, *arguments: str) -> tuple[int, str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        code = run(list(arguments))
        assert isinstance(out.buffer, io.BytesIO)
        return code, out.buffer.getvalue().decode(encoding)

    return command


@pytest.mark.parametrize("encoding", ["cp1252", "cp932", "cp437", "cp850", "ascii", "utf-8"])
@pytest.mark.parametrize(
    "command", [["recall", "Wann fährt die Fähre?"], ["inspect", "--documents"], ["ask", "--quote", "Fähre?"]]
)
def test_a_result_is_written_in_any_encoding(
    crystal: Path, written: Callable[..., tuple[int, str]], encoding: str, command: list[str]
) -> None:
    code, text = written(encoding, command[0], "-c", str(crystal), *command[1:])
    assert code == 0
    assert "hre" in text
    if command[0] == "recall":
        fits = encoding in ("cp1252", "cp850", "cp437", "utf-8")
        assert ("Fähre fährt um sechs" if fits else "Fahre fahrt um sechs") in text
        assert ("潮が満ちる" if encoding in ("cp932", "utf-8") else r"\u6f6e\u304c") in text


def test_a_question_in_another_encoding_is_read(crystal: Path, written: Callable[..., tuple[int, str]]) -> None:
    question = "Wann fährt die Fähre?".encode("cp1252").decode("utf-8", "surrogateescape")
    code, text = written("utf-8", "recall", "-c", str(crystal), question)
    assert code == 0
    assert "Fähre fährt um sechs" in text
