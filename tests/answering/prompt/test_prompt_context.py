"""How many tokens of passages a question is given."""

from __future__ import annotations

import pytest

from crystalcli import AskOptions
from crystalcli.answering.prompt.prompt_context import DEFAULT_BUDGET, build_prompt
from crystalcli.datatypes import Passage, Place


class Wide:
    """A model that takes all there is, and whose tokens are words."""

    context_length = 1 << 20

    def prompt_size(self, messages) -> int:
        return sum(count(message["content"]) for message in messages)


def count(text: str) -> int:
    return len(text.split())


PASSAGES = [Passage(Place(f"{number}.txt", 0, 400, 1, 1), "the lamp was lit " * 25, 1.0) for number in range(10)]


@pytest.mark.parametrize(
    ("question", "model", "budget", "most"),
    [
        ("Who lit the lamp?", Wide(), None, 600),
        ("Which lamps were lit?", Wide(), None, DEFAULT_BUDGET),
        ("Compare the lamp and the bell.", Wide(), None, DEFAULT_BUDGET),
        ("Who lit the lamp?", None, None, DEFAULT_BUDGET),
        ("Who lit the lamp?", Wide(), 250, 250),
    ],
)
def test_a_question_after_one_thing_is_given_less(question, model, budget, most):
    prompt = build_prompt(question, PASSAGES, AskOptions(budget=budget), model, count)
    size = count(prompt.context)
    assert most - 110 < size <= most  # one more passage would be too much
    assert prompt.passages == PASSAGES[: len(prompt.passages)]
