"""Outlines: the parts of documents, with ids that find them again."""

from __future__ import annotations

import json

import pytest

from crystalcli.errors import NotFoundError
from crystalcli.library import Crystal

CODE = """\
import math


class Tide:
    \"\"\"Heights.\"\"\"

    def height(self):
        def inner():
            return 3
        return inner()

    def __repr__(self):
        return "tide"


def spring():
    return Tide()
"""
BOOK = (
    "CHAPTER I\n\nThe ferry left at six.\n\n"
    + "Nobody spoke. " * 40
    + "\n\nCHAPTER II\n\nThe lamp burned low.\n"
    + "It rained. " * 60
)


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outline")
    (folder / "tide.py").write_text(CODE, encoding="utf-8")
    (folder / "ferry.txt").write_text(BOOK, encoding="utf-8")
    (folder / "plain.txt").write_text("No headings here.\n", encoding="utf-8")
    (folder / "rows.csv").write_text("year,rain\n2020,3\n2021,4\n", encoding="utf-8")
    messages = [
        {"author": "Ann", "time": f"2026-{month:02}-{day:02}T10:00", "text": f"Message of day {day}."}
        for month in (1, 2, 4)
        for day in (3, 9)
    ]
    (folder / "chat.json").write_text(json.dumps(messages), encoding="utf-8")
    path = tmp_path_factory.mktemp("crystals") / "outline.crystal"
    with Crystal.create(path, encoder=None) as made:
        made.ingest([folder])
        yield made


def shown(crystal, name):
    return [(entry.id, entry.depth, entry.label, str(entry.place)) for entry in crystal.outline(name).entries]


def test_definitions_go_on_after_those_inside_of_them(crystal):
    assert crystal.outline("tide.py").unit == "definition"
    assert shown(crystal, "tide.py") == [
        ("s1", 0, "Tide", "lines 4-13"),
        ("s2", 1, "Tide.height", "lines 7-10"),
        ("s3", 2, "Tide.height.inner", "lines 8-9"),
        ("s4", 1, "Tide.__repr__", "lines 12-13"),
        ("s5", 0, "spring", "lines 16-17"),
    ]


def test_headings_of_a_book_are_its_parts(crystal):
    outline = crystal.outline("ferry.txt")
    assert outline.unit == "heading"
    assert [entry.label for entry in outline.entries] == ["CHAPTER I", "CHAPTER II"]
    assert [entry.place.within_chapter for entry in outline.entries] == ["line 1", "line 7"]
    assert outline.document.path == "ferry.txt"


def test_months_are_the_parts_of_a_conversation(crystal):
    assert crystal.outline("chat.json").unit == "month"
    assert [label for _, _, label, _ in shown(crystal, "chat.json")] == ["2026-01", "2026-02", "2026-04"]
    assert crystal.read("chat.json", section="2026-02").text.count("Message of day") == 2


def test_a_document_without_parts_has_none(crystal):
    outline = crystal.outline("plain.txt")
    assert (outline.unit, outline.entries) == (None, ())
    with pytest.raises(NotFoundError, match=r"plain\.txt has no sections"):
        crystal.read("plain.txt", section="s1")


def test_every_id_and_every_label_finds_its_part(crystal):
    for name in ("tide.py", "ferry.txt", "chat.json"):
        for entry in crystal.outline(name).entries:
            for section in (entry.id, entry.label, entry.label.upper()):
                excerpt = crystal.read(name, section=section, limit=10_000)
                assert excerpt.wanted == (entry.place.start, entry.place.end)
    assert crystal.read("ferry.txt", section="chapter 2").text.startswith("CHAPTER II")


def test_pages_are_the_parts_where_there_is_no_outline(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None) as samples:
        outline = samples.outline("handbook.pdf")
        assert outline.unit == "heading"
        assert outline.entries[0].place.page_start is not None
        excerpt = samples.read("handbook.pdf", pages=(2, 3))
        assert (excerpt.citation.place.page_start, excerpt.wanted[1]) == (
            2,
            samples.read("handbook.pdf", pages=(4, 4)).wanted[0],
        )
        with pytest.raises(NotFoundError, match=r"handbook\.pdf has \d+ pages; page 999 is behind its end"):
            samples.read("handbook.pdf", pages=(999, None))
