"""The tree of errors is the one that `errors.py` draws, and exit codes are said the same everywhere."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from crystalcli import errors
from crystalcli.cli.reference import EXIT_CODES
from crystalcli.errors import CrystalError, DamagedCrystalError, Reason, SourceError

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def drawn() -> list[tuple[str, str, int]]:
    """(class, its parent, exit code) of each line of the tree in the module's docstring."""
    tree, above = [], {}
    for lead, name, code in re.findall(r"^([│├└─ ]*)(\w+Error) +(\d+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(lead) // 4
        above[depth] = name
        tree.append((name, above.get(depth - 1, "Exception"), int(code)))
    return tree


def test_the_drawn_tree_is_the_tree():
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CrystalError)]
    assert sorted(drawn()) == sorted((kind.__name__, kind.__base__.__name__, kind.exit_code) for kind in classes)


def test_the_manual_and_the_readme_have_every_exit_code():
    codes = ["0", *dict.fromkeys(str(code) for _, _, code in sorted(drawn(), key=lambda line: line[2]))]
    assert [code for code, _ in EXIT_CODES] == codes
    (sentence,) = re.findall(r"Exit codes: (.*?)\.", README, re.DOTALL)
    assert re.findall(r"\d+", sentence) == codes


def test_damage_knows_its_file():
    error = DamagedCrystalError(Path("a.crystal"), "source 1 is missing")
    assert (error.path, error.what) == (Path("a.crystal"), "source 1 is missing")
    assert str(error) == "a.crystal is damaged: source 1 is missing"
    assert str(DamagedCrystalError(None, "a gap is too wide")) == "a gap is too wide"


def test_a_source_error_has_a_code():
    assert SourceError("empty", Reason.EMPTY).code == "empty"
    assert SourceError("some reason").code is Reason.UNREADABLE
