"""Blocks of terms in both layouts give the same entries, whole and term by term."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import build_blocks, decode_block, plain_block
from crystalcli.lexical.block_layout import find_in_block, open_block

GOLDEN = Path(__file__).parent.parent / "golden"
_words = st.text(st.characters(min_codepoint=97, max_codepoint=0x17F, categories=["L"]), min_size=1, max_size=6)
_bags = st.lists(st.dictionaries(_words, st.integers(1, 6), max_size=8), min_size=1, max_size=40)


def blocks_of(path: Path) -> list[tuple[str, bytes]]:
    db = sqlite3.connect(path)
    rows = db.execute(
        "SELECT first_term, data FROM posting JOIN lexicon ON lexicon = id ORDER BY first_atom, first_term"
    )
    found = rows.fetchall()
    db.close()
    return found


@settings(max_examples=60, deadline=None)
@given(_bags)
def test_both_layouts_have_the_same_entries(bags):
    for _, packed in build_blocks(bags, 3):
        plain = plain_block(packed)
        assert plain[:2] != packed[:2] == b"\0\0"
        entries = list(open_block(packed).entries())
        assert list(open_block(plain).entries()) == entries
        for place, (term, count, postings) in enumerate(entries):
            assert find_in_block(packed, term) == find_in_block(plain, term) == (count, postings)
            assert open_block(packed).postings(place) == open_block(plain).postings(place) == postings
        for absent in ("", "zzzzzzzz", entries[0][0] + "\n", entries[-1][0] + "a"):
            assert find_in_block(packed, absent) is find_in_block(plain, absent) is None


def test_old_and_new_crystals_index_the_same_text_alike():
    old, new = blocks_of(GOLDEN / "v6.crystal"), blocks_of(GOLDEN / "v7.crystal")
    entries = [
        {term: (atoms.tolist(), often.tolist()) for _, data in blocks for term, (atoms, often) in decode_block(data, 0)}
        for blocks in (old[:1], new[:1])
    ]
    assert old[0][1][:2] != new[0][1][:2] == b"\0\0"
    shared = entries[0].keys() & entries[1].keys()
    assert len(shared) > 50
    assert all(entries[0][term][0][0] == entries[1][term][0][0] for term in shared)


@pytest.mark.parametrize("layout", ["packed", "plain"])
def test_any_flipped_byte_is_damage_or_changes_values_alone(layout):
    (_, block), *_ = build_blocks([{"alpha": 1, "beta": 2, "gamma": 1 + number % 4} for number in range(300)], 0)
    data = block if layout == "packed" else plain_block(block)
    for at in range(len(data)):
        broken = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        for read in (lambda: list(open_block(broken).entries()), lambda: find_in_block(broken, "gamma")):  # noqa: B023
            try:
                read()
            except DamagedCrystalError as error:
                assert "lexical index" in str(error)
