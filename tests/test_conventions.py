"""Rules that hold for the tests themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repository import TESTS

# Errors without words of their own.
WORDLESS = frozenset(("KeyboardInterrupt", "SystemExit"))
# What tells the time; `support/waiting.py` alone may ask, so that a test that hangs fails.
CLOCKS = frozenset(("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "time", "time_ns"))
GUARDS = frozenset(("support/waiting.py", "support/faults.py", "ingest/test_bad_files.py"))
MODULES = sorted(TESTS.rglob("*.py"))


def name_of(module: Path) -> str:
    return module.relative_to(TESTS).as_posix()


def raises_of(tree: ast.Module) -> Iterator[tuple[ast.With, ast.withitem, ast.Call]]:
    """Every `with pytest.raises(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.raises":
                    yield node, item, call


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_an_error_that_is_expected_is_known_by_its_words(module: Path) -> None:
    """`match=` says what an error must say, or the error is kept and looked at."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for _, item, call in raises_of(tree):
        matched = any(keyword.arg == "match" for keyword in call.keywords)
        kept = isinstance(item.optional_vars, ast.Name) and item.optional_vars.id in used
        assert matched or kept or ast.unparse(call.args[0]) in WORDLESS, f"{name_of(module)}:{call.lineno}"


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_no_test_reads_the_clock(module: Path) -> None:
    if name_of(module) in GUARDS:
        return
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            asked = isinstance(node.func.value, ast.Name) and node.func.value.id == "time" and node.func.attr in CLOCKS
            assert not asked, f"{name_of(module)}:{node.lineno} asks the clock"
