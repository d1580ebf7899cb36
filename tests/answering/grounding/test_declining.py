from __future__ import annotations

import pytest

from crystalcli.answering.grounding.declining import declines, without_decline


@pytest.mark.parametrize(
    "said",
    [
        "The passages do not say.",
        "The passage doesn't mention his wife.",
        "Based on the passages, there is no information about it.",
        "There is no mention of a passport.",
        "I cannot find it.",
        "I'm sorry, but I can't answer that.",
        "None of the passages names her.",
        "No information is given.",
        "The given context does not state who it was.",
        "Not stated.",
    ],
)
def test_a_model_declines(said):
    assert declines(said)
    assert list(without_decline([said])) == []
    assert "".join(without_decline(said)) == ""


@pytest.mark.parametrize(
    "said",
    [
        "Detergent is never used.",
        "No, the ferry does not run on Sundays.",
        "There is no ferry on Sundays.",
        "I do not eat meat any more, you wrote.",
        "The note says that he left.",
        "She is not named after her aunt.",
        "Notes are written by hand.",
        "7",
    ],
)
def test_a_model_answers(said):
    assert not declines(said)
    assert "".join(without_decline(said)) == said


def test_an_answer_is_shown_from_its_first_words_on():
    for said, shown in (
        ("Mary Haddow keeps it.", "Mary "),
        ("The lamp is lit at dusk.", "The lamp "),
        ("7 boats.", "7 "),
    ):
        assert next(iter(without_decline(said))) == shown
    late = "The year is not mentioned in the passages."
    assert declines(late)
    assert "".join(without_decline(late)) == late  # it has been shown
