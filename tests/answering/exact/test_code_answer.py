"""Questions about source code, answered from definitions and the text as it stands."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.datatypes import Answer

FILES = {
    "src/harbour/__init__.py": "from .gauge import Gauge as Gauge\nfrom .gauge import read_gauge as read_gauge\n",
    "src/harbour/gauge.py": '''"""Gauges of the tide."""

import typing as t

LIMIT = 40
DEFAULTS = {
    "MAX_DEPTH": 12_500,
}


class Base:
    """A thing on a quay."""

    def moor(self, rope: str) -> None:
        """Make it fast with a rope."""
        self.rope = rope


class Gauge(Base):
    """A gauge that shows the height of the tide."""

    def read(self) -> int:
        return read_gauge(self, strict=True)


@t.overload
def read_gauge(gauge: Gauge) -> int: ...


@t.overload
def read_gauge(gauge: Gauge, strict: bool) -> int: ...


def read_gauge(
    gauge: Gauge,
    strict: bool = False,
) -> int:
    """Read the height of the tide.

    :param gauge: the gauge.
    :param strict: raise an error where the gauge
        is dry, and do not guess.
    """

    def height() -> int:
        return LIMIT

    if strict and height() > LIMIT:
        raise ValueError(
            f"The gauge '{gauge}' is dry, so that no "
            "height can be read from it."
        )
    return height()


def _hidden() -> int:
    return read_gauge(Gauge())
''',
    "src/harbour/cli.py": """from harbour.gauge import read_gauge


def add_options(parser):
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="read nothing",
    )
    parser.read_gauges = 1


def main():
    print(read_gauge(None))  # read_gauge once
    print(read_gauge(None))
""",
    "tests/test_gauge.py": """from harbour import read_gauge


def test_read_gauge_in_a_storm():
    def inner():
        return read_gauge(None)

    assert inner()


def test_other():
    assert read_gauge


class Gauge:
    '''A copy for tests, which is longer than the class that it copies.'''

    a = 1
    b = 2
    c = 3
    d = 4
""",
    "docs/guide.md": "# Guide\n\nCall `read_gauge` once a day. A gauge is read by hand.\n",
    "CHANGES.md": "# Changes\n\n## Version 2.1\n\n- Changed `read_gauge`.\n\n"
    "## Version 2.0\n\n- Added `read_gauge`,\n  which is new.\n- Added nothing else.\n\n"
    "## Version 1.4\n\n### Incompatible changes\n\n- Ropes are given in metres.\n\n## Version 1.3\n\n- Nothing.\n",
    "docs/api.rst": "API\n===\n\n.. data:: LIMIT\n\n   The limit.\n\n   .. versionadded:: 1.4\n\n"
    ".. data:: OTHER\n\n   .. versionadded:: 3.0\n",
    "README.md": "# Port\n\nThe session of the harbour board is on Monday.\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    for name, text in FILES.items():
        path = folder / "port" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "port"])
    return folder


@pytest.fixture
def crystal(folder: Path):
    with Crystal.open(folder / "m.crystal", encoder=None) as opened:
        yield opened


def listed(answer: Answer) -> list[tuple[str, int]]:
    """The lines that an answer lists, in its order."""
    found = []
    for portion in answer.portions:
        lines = re.match(r"lines? ([\d, ]+):", portion.text)
        assert lines is not None
        found += [(portion.label.partition(" › ")[0], int(line)) for line in lines[1].split(",")]
    return found


def git_grep(folder: Path, name: str) -> set[tuple[str, int]]:
    done = subprocess.run(
        ["git", "grep", "--no-index", "-nwIF", "-e", name, "--", "."],
        cwd=folder / "port",
        capture_output=True,
        text=True,
        check=True,
    )
    return {(path, int(line)) for path, line, _ in (row.split(":", 2) for row in done.stdout.splitlines())}


def line_of(name: str, text: str) -> int:
    return FILES[name][: FILES[name].index(text)].count("\n") + 1


@pytest.mark.parametrize(
    "question", ["read_gauge", "read_gauge()", "Where is read_gauge defined?", "show me the code of read_gauge"]
)
def test_a_definition_is_quoted_with_its_signature_and_docstring_not_an_overload(crystal, question):
    answer = crystal.ask(question)
    first = answer.citations[0]
    assert first.quote.startswith("def read_gauge(\n    gauge: Gauge,\n    strict")
    assert "Read the height of the tide." in first.quote
    assert first.place.line_start == line_of("src/harbour/gauge.py", "def read_gauge(\n")
    assert crystal.verified(first)
    assert answer.answered and answer.extractive


def test_source_comes_before_tests(crystal):
    answer = crystal.ask("Where is Gauge defined?")
    assert [citation.path for citation in answer.citations] == ["src/harbour/gauge.py", "tests/test_gauge.py"]


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Gauge.read", "def read(self)"),
        ("harbour.gauge.Base", "class Base"),
        ("where is Gauge.moor defined?", "def moor(self, rope"),  # inherited
        ("gauge.moor", "def moor(self, rope"),
        ("LIMIT", "LIMIT = 40"),
        ("What is the default of MAX_DEPTH?", '"MAX_DEPTH": 12_500'),
        ("In which file is the --dry-run option added?", 'parser.add_argument(\n        "--dry-run"'),
        ("harbour/gauge.py", "Gauges of the tide"),
        ("gauge.py", "Gauges of the tide"),
        ("harbour.cli", "from harbour.gauge import"),
        ("Since which version is there a read_gauge?", "- Added `read_gauge`,\n  which is new."),
        ("What was added in 2.0?", "- Added `read_gauge`,\n  which is new.\n- Added nothing else."),
        ("What changed in version 2.1?", "- Changed `read_gauge`."),
        ("What is backwards incompatible in port 1.4?", "### Incompatible changes\n\n- Ropes are given in metres."),
        ("the harbour board is on Monday", "The session of the harbour board"),
        ("In which version was LIMIT added?", ".. versionadded:: 1.4"),
        ("What does strict do in read_gauge?", "raise an error where the gauge\n        is dry"),
        ("ValueError: The gauge 'north' is dry, so that no height can be read from it.", "is dry, so that no"),
        ('What does "no height can be read from it" mean?', "is dry, so that no"),
    ],
)
def test_the_first_citation_is_what_was_asked_for(crystal, question, quote):
    answer = crystal.ask(question)
    assert quote in answer.citations[0].quote
    assert all(map(crystal.verified, answer.citations))


@pytest.mark.parametrize("name", ["read_gauge", "Gauge", "LIMIT", "height"])
def test_usages_are_complete_against_git_grep(crystal, folder, name):
    definitions = {
        (path, number)
        for path, number in git_grep(folder, name)
        if re.match(
            rf"\s*(?:def|class) {name}\b|{name} = ", (folder / "port" / path).read_text().splitlines()[number - 1]
        )
    }
    found = listed(crystal.ask(f"Where is {name} used?"))
    assert set(found) == git_grep(folder, name) - definitions


def test_callers_are_listed_source_first_then_tests_then_prose(crystal):
    answer = crystal.ask("What calls read_gauge?")
    folders = [path.split("/")[0] for path, _ in listed(answer)]
    assert folders == sorted(folders, key=["src", "tests", "CHANGES.md", "docs"].index)
    assert "› Gauge.read, line" in answer.text and "› main, lines 14, 15" in answer.text
    assert answer.text.startswith("`read_gauge` is called 4 times in source, 1 time in tests")


def test_a_scope_limits_the_list(crystal):
    paths = {path for path, _ in listed(crystal.ask("What calls read_gauge in tests?"))}
    assert paths == {"tests/test_gauge.py"}


def test_tests_are_named_by_the_test_and_the_one_named_after_it_comes_first(crystal):
    answer = crystal.ask("Which tests cover read_gauge?")
    labels = [portion.label.partition(" › ")[2] for portion in answer.portions]
    assert labels == ["test_read_gauge_in_a_storm", "test_other"]


def test_without_a_test_those_of_the_callers_are_listed(crystal):
    answer = crystal.ask("Which tests cover height?")
    assert answer.text.startswith("No test names `height`.")
    assert "test_read_gauge_in_a_storm" in answer.text


def test_a_name_that_is_used_nowhere_is_said_to_be(crystal):
    answer = crystal.ask("what calls _hidden?")
    assert answer.answered and "used nowhere else" in answer.text
    assert "def _hidden" in answer.citations[0].quote


@pytest.mark.parametrize(
    "question", ["Where is read_gaugee defined?", "What calls flush_tide?", "which tests cover the --wet-run option?"]
)
def test_a_name_that_stands_nowhere_is_refused(crystal, question):
    answer = crystal.ask(question)
    assert not answer.answered and answer.text.startswith("not in this crystal")


def test_the_nearest_names_are_offered(crystal):
    answer = crystal.ask("Where is read_gaugee defined?")
    assert "def read_gauge(" in answer.citations[0].quote


def test_a_word_of_prose_is_no_name(crystal):
    answer = crystal.ask("session", floor=0)
    assert answer.citations[0].path == "README.md"


def test_no_broad_answers_from_passages(crystal):
    answer = crystal.ask("What calls read_gauge?", broad=False, floor=0)
    assert not answer.portions


def test_prose_alone_has_no_exact_answers(tmp_path):
    (tmp_path / "note.md").write_text("# Notes\n\nThe read_gauge is old.\n", encoding="utf-8")
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "note.md"])
        assert crystal.ask("read_gauge", floor=0).citations[0].quote == "The read_gauge is old."


def test_the_command_shows_code_in_its_lines(folder, capsys):
    code = run(["ask", "-c", str(folder / "m.crystal"), "Gauge.read"])
    out = capsys.readouterr().out
    assert code == 0
    assert "src/harbour/gauge.py:22  Gauge.read" in out
    assert "    def read(self) -> int:\n        return read_gauge(self, strict=True)\n" in out
