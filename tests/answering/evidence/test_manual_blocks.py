from __future__ import annotations

import pytest

from crystalcli.answering.evidence.answer_span import answer_spans, cite_spans
from crystalcli.answering.evidence.manual_blocks import block_rest, trailing_matter
from crystalcli.library import Crystal


@pytest.mark.parametrize(
    ("quoted", "following", "taken"),
    [
        ("It works like this:\n\n1. Lift the lid.", "\n2. Pour.\n   Slowly.\n3. Close it.\n\nDone.\n", 3),
        ("- Lift the lid.", "\n- Pour\nslowly.\n\nThen wait.\n", 2),
        ("- Lift the lid.", "\n\nThen wait.\n", 0),
        ("Trim the wick::", "\n\n    trim()\n    light()\n\n    watch()\n\nThen wait.\n", 5),
        ("Call it so:", "\n\n    trim()\n\nThen wait.\n", 2),
        ("Call it so.", "\n\n    trim()\n", 0),
        ("Use a lamp.\n\n.. code-block:: text", "\n\n   $ trim\n\nThen wait.\n", 2),
        ("    from lamps import trim\n\n    def main():", "\n        trim()\n\nThen wait.\n", 1),
        ("You need:", "\n\n* oil\n* a wick\n\nThen wait.\n", 3),
        ("The keeper slept.", "\nNobody spoke.\n", 0),
    ],
)
def test_a_list_or_an_example_is_quoted_to_its_end(quoted, following, taken):
    lines = following.splitlines(keepends=True)[: taken + 1]
    assert following[: block_rest(quoted, following)] == ("".join(lines).rstrip() if taken else "")


@pytest.mark.parametrize(
    ("quoted", "kept"),
    [
        ("Trim it.\n\n.. _lamps:\n\nLamps\n-----\n", "Trim it."),
        ("Trim it.\n\n## Lamps\n", "Trim it."),
        ("Lamps\n-----", "Lamps\n-----"),
        ("Trim it.\nLight it.", "Trim it.\nLight it."),
    ],
)
def test_the_next_heading_is_left_out(quoted, kept):
    assert quoted[: len(quoted) - trailing_matter(quoted)] == kept


def test_an_example_is_quoted_with_its_indentation(tmp_path):
    example = "    from lamps import trim, light\n\n    def evening():\n        trim()\n        light()\n"
    (tmp_path / "lamps.rst").write_text(
        f"Lamps\n=====\n\nTo light the lamp in the evening, trim the wick before you light it::\n\n{example}\n"
        "Oil\n---\n\nThe oil is bought in autumn.\n",
        encoding="utf-8",
    )
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "lamps.rst"])
        question = "How do I light the lamp in the evening?"
        first = cite_spans(crystal, answer_spans(crystal, question, crystal.recall(question, 3), 1))[0]
        assert example.rstrip() in first.quote
        answer = crystal.ask(question, extractive=True, floor=0.0)
        assert example.rstrip() in answer.citations[0].quote
