"""Memory stays flat however long the input."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from crystalcli.vectors import VOCABULARY


def write_text(path: Path, size: int) -> None:
    """Sentences of random words, so that no chunk stands twice."""
    chosen = random.Random(size)
    words = [word for word in VOCABULARY.read_text(encoding="utf-8").split()[2000:12000] if word.isalpha()]
    written = 0
    with path.open("w", encoding="utf-8") as file:
        while written < size:
            text = " ".join(chosen.choices(words, k=chosen.randint(6, 25))).capitalize() + (
                ". " if written % 5 else ".\n\n"
            )
            written += file.write(text)


def peak(text: Path, crystal: Path, **environment: str) -> float:
    """Peak resident bytes of a whole `crystal ingest`."""
    command = [sys.executable, "-m", "crystalcli", "-q", "ingest", str(text), "-c", str(crystal)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss * 1024


def test_a_long_text_takes_no_more_memory_than_a_short_one(tmp_path):
    write_text(tmp_path / "short.txt", 700_000)
    write_text(tmp_path / "long.txt", 2_500_000)
    alone = {"CRYSTAL_MODELS": str(tmp_path / "none"), "CRYSTAL_OFFLINE": "1"}
    short = peak(tmp_path / "short.txt", tmp_path / "a.crystal", **alone)
    long = peak(tmp_path / "long.txt", tmp_path / "b.crystal", **alone)
    assert long - short < 12e6


@pytest.mark.slow
def test_thirty_megabytes_with_layers_take_no_more_memory_than_three(tmp_path, encoder_folder):
    write_text(tmp_path / "short.txt", 3_000_000)
    write_text(tmp_path / "long.txt", 30_000_000)
    short = peak(tmp_path / "short.txt", tmp_path / "a.crystal")
    assert peak(tmp_path / "long.txt", tmp_path / "b.crystal") - short < 150e6
