"""Words of which only the beginning is typed, completed from the terms of a crystal."""

from __future__ import annotations

import pytest

from crystalcli.index import TermIndex
from crystalcli.library import Crystal


@pytest.fixture(scope="module")
def terms(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    (folder / "one.md").write_text("The tide and the tides. Detergents are used.\n", encoding="utf-8")
    (folder / "two.md").write_text("A tidy harbour at low tide.\n", encoding="utf-8")
    with Crystal.create(folder / "words.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
        with crystal.snapshot():
            yield TermIndex(crystal.shelf)


def test_the_most_frequent_terms_come_first(terms):
    assert terms.completions("tid", 5) == ["tide", "tidi"]
    assert terms.completions("tid", 1) == ["tide"]
    assert terms.completions("Harb", 5) == ["harbour"]


def test_a_stem_that_is_shorter_than_the_beginning_counts(terms):
    assert terms.completions("detergen", 5) == ["deterg"]


@pytest.mark.parametrize("beginning", ["zz", "tidewatch", "\U0010ffff"])
def test_nothing_begins_so(terms, beginning):
    assert "tidi" not in terms.completions(beginning, 5)
