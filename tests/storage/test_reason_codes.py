"""Codes of files of versions 1 and 2 follow from their sentences; no other sentence decides anything."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import crystalcli
from crystalcli.errors import MACHINE_MADE, OPENED_BY_PASSWORD, Reason, Refusal
from crystalcli.storage.tables.reason_codes import reason_code_of
from crystalcli.text.discover import skip_rules
from crystalcli.text.formats import epub
from crystalcli.text.formats.archive import archive_entry, archive_members, archive_reader
from crystalcli.text.formats.office import zip_package
from crystalcli.text.source import file_bytes, read_request

PACKAGE = Path(crystalcli.__file__).parent
DOCS = Path(__file__).parents[2] / "docs"
ROOMS = (archive_entry, archive_reader, archive_members, read_request, skip_rules, zip_package, file_bytes, epub)
METHODS = ("startswith", "endswith", "removeprefix", "removesuffix", "find", "index")  # that take a sentence apart
REFUSALS = {
    *(value for room in ROOMS for value in vars(room).values() if isinstance(value, Refusal)),
    *skip_rules._KINDS.values(),
}


@pytest.mark.parametrize("refusal", sorted(REFUSALS), ids=lambda refusal: refusal.message[:40])
def test_the_code_of_a_sentence_is_the_code_beside_it(refusal):
    assert reason_code_of(refusal.message) == refusal.code


def test_every_code_that_steers_something_is_found_in_an_old_file():
    assert {refusal.code for refusal in REFUSALS} >= MACHINE_MADE | OPENED_BY_PASSWORD


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", ""),
        ("permission denied", Reason.PERMISSION_DENIED),
        ("input/output error", Reason.UNREADABLE),
        ("larger than 2,000 bytes", Reason.TOO_LARGE),
        ("damaged EPUB: it has none of its chapters", Reason.DAMAGED),
        ("damaged: 3 of 9 chunks were lost", Reason.LOST_TEXT),
        ("its row in the ledger was lost", Reason.LOST_ROW),
        ("no text layer (scanned pages?)", Reason.NO_TEXT),
        ("a 7z archive (of archives zip and tar are read)", Reason.UNSUPPORTED),
        ("takes too long to read (stopped after 60 s)", Reason.OUT_OF_TIME),
        ("not a file but a named pipe", Reason.NOT_A_FILE),
        ("its name is not valid Unicode", Reason.BAD_NAME),
        ("a sentence of a later program", Reason.UNREADABLE),
    ],
)
def test_sentences_that_are_put_together(reason, code):
    assert reason_code_of(reason) == code


def test_every_code_is_written_down():
    for name in ("FORMAT.md", "JSON.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        section = text[text.index("Reason codes") :]
        assert {code for code in Reason if f"`{code}`" in section} == set(Reason), name


def test_no_sentence_is_compared():
    """No module compares, searches or takes apart why a file was not read, but for reason_codes.py."""
    sentence = re.compile(r"\breason$|\brefusal\.message$")
    for path in PACKAGE.rglob("*.py"):
        if path.name == "reason_codes.py" or path.relative_to(PACKAGE).parts[0] in ("lm", "models"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Compare():
                    operands = [node.left, *node.comparators]
                case ast.Call(func=ast.Attribute(attr=method)) if method in METHODS:
                    operands = [node.func.value]
                case _:
                    operands = []
            for operand in operands:
                assert not sentence.search(ast.unparse(operand)), f"{path}:{node.lineno}"
