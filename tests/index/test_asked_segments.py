"""Text without layers that recalls have met gets its layers first: real crystals, real encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support import faults

from crystalcli.datatypes import Progress
from crystalcli.index import fill_layers, segment_writer
from crystalcli.index.asked_segments import ASKED_KEY, note_asked, read_asked, segments_met
from crystalcli.library import Crystal
from crystalcli.storage import Store

PLACES = ("mole", "quay", "tower", "chapel", "mill", "ferry")


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(segment_writer, "SEGMENT_BYTES", faults.SEGMENT_BYTES)


@pytest.fixture
def path(tmp_path: Path, encoder_folder: Path) -> Path:
    """A crystal without layers: six documents of several segments each, with one word of their own."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, place in enumerate(PLACES):
        entries = (f"Entry {i} of volume {number}: the value is {i * 31 + number}.\n\n" for i in range(150))
        (docs / f"{number}.txt").write_text(f"The beacon of the {place} is green.\n\n" + "".join(entries))
    file = tmp_path / "m.crystal"
    with Crystal(file, encoder=encoder_folder) as crystal:
        assert crystal.ingest([docs], layers=False).layer_share == 0.0
        assert len(crystal.stats().layers) > 0
    return file


def segments_of(path: Path, document: str, character: int = 0) -> list[int]:
    with Crystal(path, mode="read", encoder=None) as crystal:
        return segments_met(crystal.shelf, [(document, character)])


def asked(path: Path) -> dict[int, float]:
    with Store.open(path) as store:
        return read_asked(store)


def order_of_layers(path: Path, before: Callable[[Store, int], object] = lambda *_: None) -> list[int]:
    """Make all layers; return the ids of the segments, in the order in which they got them."""
    order: list[int] = []

    def look(_: Progress) -> None:
        order.extend(each.id for each in store.segments() if each.encoded and each.id not in order)
        before(store, len(order))

    with Store.open(path, writable=True) as store:
        fill_layers(store, faults.HashEncoder(), look)
    return order


def test_a_span_is_in_the_segment_that_holds_its_first_character(path):
    with Store.open(path) as store:
        segments = store.segments()
        assert len(segments) > len(PLACES)
    with Crystal(path, mode="read", encoder=None) as crystal:
        index, length = crystal.shelf, crystal.documents()[0].characters
        firsts = [segments_met(index, [("0.txt", character)]) for character in range(0, length, 97)]
        assert firsts == sorted(firsts)
        assert firsts[0] != firsts[-1]
        assert {number for (number,) in firsts} <= {segment.id for segment in segments}
        assert segments_met(index, [("0.txt", length - 1), ("0.txt", 0), ("0.txt", 1)]) == [*firsts[-1], *firsts[0]]
        assert segments_met(index, [("nothing.txt", 0)]) == []


def test_what_was_asked_gets_its_layers_first_and_then_the_newest(path, encoder_folder):
    wanted = segments_of(path, "1.txt")[0]
    with Crystal(path, encoder=encoder_folder) as crystal:
        crystal.recall("beacon of the quay", 1)
    assert asked(path) == {wanted: 1.0}
    order = order_of_layers(path)
    assert order[0] == wanted
    assert order[1:] == sorted(order[1:], reverse=True)
    with Store.open(path) as store:
        assert ASKED_KEY not in store.meta()  # it goes with the last missing layer
        assert store.layer_share() == 1.0


def test_what_is_asked_while_layers_are_made_comes_after_the_segment_that_is_begun(path):
    wanted = segments_of(path, "2.txt")[0]

    def ask(store: Store, made: int) -> None:
        if made == 1:
            note_asked(store, [[wanted]])

    assert order_of_layers(path, ask)[2] == wanted


def test_an_answer_is_noted_before_the_crystal_is_closed(path, encoder_folder):
    with Crystal(path, encoder=encoder_folder) as crystal:
        answer = crystal.ask("Which colour has the beacon of the tower?", extractive=True, floor=0.0)
        assert answer.citations
        assert asked(path)[segments_of(path, answer.citations[0].path)[0]] >= 1.0


def test_shares_add_up_by_the_rank_of_the_passage(path):
    with Store.open(path, writable=True) as store:
        one, two, three = [segment.id for segment in store.segments()][:3]
        note_asked(store, [[one, two], [two]])
        note_asked(store, [[three, 999]])
        assert read_asked(store) == {one: 1.0, two: 1.5, three: 1.0}
        store.mark_encoded(two)
        note_asked(store, [[two]])
        assert read_asked(store) == {one: 1.0, three: 1.0}  # no segment that has its layers
        note_asked(store, [[one]])
        assert read_asked(store) == {one: 2.0, three: 1.0}


@pytest.mark.parametrize("broken", ["", "[]", '{"x": 1}', '{"1": "y"}', "7", "{"])
def test_a_row_that_cannot_be_read_is_none(path, broken):
    with Store.open(path, writable=True) as store:
        with store.transaction():
            store.set_meta(ASKED_KEY, broken)
        assert read_asked(store) == {}
    assert order_of_layers(path)


def test_nothing_is_noted_where_that_is_not_wanted_or_of_no_use(path, encoder_folder, tmp_path):
    before = path.read_bytes()
    with Crystal(path, encoder=encoder_folder, strengthen=False) as crystal:
        crystal.recall("beacon of the quay", 1)
    with Crystal(path, mode="read", encoder=encoder_folder) as crystal:
        crystal.recall("beacon of the quay", 1)
    with Crystal(path, encoder=None) as crystal:  # without weights
        crystal.recall("beacon of the quay", 1)
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"question": "beacon of the quay", "answers": ["green"]}) + "\n")
    with Crystal(path, encoder=encoder_folder) as crystal:  # a test
        crystal.evaluate(questions, extractive=True)
    assert path.read_bytes() == before


def test_a_compact_drops_what_goes_by_the_old_ids(path, encoder_folder):
    with Crystal(path, encoder=encoder_folder) as crystal:
        crystal.recall("beacon of the quay", 1)
        crystal.compact()
    assert asked(path) == {}
