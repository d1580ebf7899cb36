"""The scores of `benchmarks/conversations.py`."""

from __future__ import annotations

from conversations import Bm25, first_characters, first_read, is_found


def test_a_budget_cuts_the_span_that_overflows():
    assert first_characters([(10, 40), (100, 200), (300, 310)], 50) == [(10, 40), (100, 120)]


def test_a_message_is_found_by_its_head_or_by_half_of_it():
    assert is_found((100, 1000), [(90, 300)])
    assert not is_found((100, 1000), [(110, 310)])
    assert is_found((100, 1000), [(110, 400), (500, 700)])
    assert is_found((100, 150), [(100, 150)])


def test_the_statement_of_an_update_that_is_read_first():
    question = {"gold": [(0, 50), (100, 150)], "parts": ["original_info", "updated_info"]}
    assert first_read(question, [(0, 60), (100, 150)]) == "older"
    assert first_read(question, [(100, 150)]) == "newer"
    assert first_read(question, [(0, 150)]) == ""
    assert first_read({"gold": [(0, 50)], "parts": [""]}, [(0, 60)]) == ""


def test_bm25_ranks_by_rare_words_and_short_spans():
    text = "The mast is tall. The mast of the boat is of spruce and of pine. The sea is calm."
    spans = [(0, 17), (18, 64), (65, len(text))]
    assert Bm25(text, spans).best("mast") == spans[:2]
    assert Bm25(text, spans).best("spruce")[0] == spans[1]
    assert Bm25(text, spans).best("anchor") == []
