"""The examples of `docs/PYTHON.md` and of the README run as they stand there, twice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crystalcli import Crystal

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with `samples` in it, and nothing that names a model."""
    (tmp_path / "samples").symlink_to(ROOT / "samples", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for name in ("CRYSTAL_MODEL", "CRYSTAL_ENCODER", "CRYSTAL_FILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


def test_the_page_of_the_library_runs(encoder_folder, capsys):
    first, *others = examples("docs/PYTHON.md")
    for _ in range(2):
        exec(compile(first, "docs/PYTHON.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "0 files read" in shown
    assert "ledgers" in shown
    with Crystal("shelf.crystal", encoder=encoder_folder) as crystal:
        names = {"crystal": crystal}
        for example in others:
            exec(compile(example, "docs/PYTHON.md", "exec"), names)


def test_the_example_of_the_readme_can_be_run_twice(encoder_folder, capsys):
    (example,) = (each for each in examples("README.md") if "Crystal(" in each)
    for _ in range(2):
        exec(compile(example, "README.md", "exec"), {})
    assert capsys.readouterr().out.strip()
