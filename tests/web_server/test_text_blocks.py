"""Texts in blocks, as pages show them, with a passage marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crystalcli.datatypes import Landmark
from crystalcli.web_server.views.text_blocks import TextBlock, text_blocks


def words(block: TextBlock) -> str:
    return "".join(piece.text for piece in block.pieces)


def marked(blocks: list[TextBlock]) -> str:
    return "|".join(piece.text for block in blocks for piece in block.pieces if piece.marked)


def test_headings_stand_apart_and_the_passage_is_marked_across_paragraphs():
    text = "# Shed\n\nOne two.\n\n## Ropes\n\nThree\nfour.\n\nFive.\n"
    landmarks = [Landmark(100, "heading", "Shed"), Landmark(118, "heading", "Shed › Ropes")]
    start = 100 + text.index("two")
    blocks = text_blocks(text, 100, "markdown", landmarks, (start, 100 + text.index("four")))
    assert [(block.kind, block.level) for block in blocks] == [
        ("heading", 1), ("prose", 0), ("heading", 2), ("prose", 0), ("prose", 0),
    ]  # fmt: skip
    assert words(blocks[2]) == "Ropes"
    assert marked(blocks) == "two.|Ropes|Three\n"


def test_a_message_has_its_author_and_time_once():
    text = "[2026-04-12 10:16] Mum: Party at 3.\n\n[2026-04-12 10:20] Sam: I make the cake.\n"
    second = text.index("[2026-04-12 10:20]")
    landmarks = [Landmark(0, "message", "Mum, 2026-04-12 10:16"), Landmark(second, "message", "Sam, 2026-04-12 10:20")]
    blocks = text_blocks(text, 0, "chat", landmarks, (second, len(text)))
    assert [(block.label, block.time) for block in blocks if block.kind == "message"] == [
        ("Mum", "2026-04-12 10:16"), ("Sam", "2026-04-12 10:20"),
    ]  # fmt: skip
    assert [words(block) for block in blocks if block.kind == "prose"] == ["Party at 3.", "I make the cake."]
    assert marked(blocks) == "I make the cake."


@given(st.text(" \n#|a", max_size=60), st.integers(0, 60), st.integers(0, 60), st.sets(st.integers(0, 59), max_size=4))
def test_no_letter_is_lost_or_shown_twice(text, start, end, places):
    landmarks = [Landmark(place, "page", "1") for place in sorted(places) if place < len(text)]
    blocks = text_blocks(text, 0, "markdown", landmarks, (start, max(start, end)))
    shown = "".join(words(block) for block in blocks if block.kind != "label")
    assert "".join(shown.split()) == "".join(text.split())
