"""Passages in models that can take little."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from support import hugging_folders

from crystalcli.answering.prompt import context_fit, prompt_context
from crystalcli.errors import CrystalError
from crystalcli.lm import open_model_at

QUESTION = "Who was the agent of the curing company?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("hugging") / "Tiny"
    hugging_folders.save(place, "llama", max_position_embeddings=4096)
    return place


@dataclass
class Narrow:
    """A model that says it can take less than it does."""

    model: object
    context_length: int

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)


def write(some, room, count):
    taken, user = prompt_context.pack_passages(QUESTION, some, count, room)
    return taken, prompt_context.chat_messages(user)


def test_what_fits_is_taken_and_no_more(crystal, folder):
    model = open_model_at(folder)
    passages = crystal.recall(QUESTION, 8)
    taken_before = 0
    for length in range(420, 4000, 60):
        narrow = Narrow(model, length)
        taken, conversation = context_fit.fit_context(
            narrow, passages, 32, 10**6, lambda some, room: write(some, room, model.count)
        )
        assert model.prompt_size(conversation) + 32 <= length
        assert taken
        assert all(each in passages for each in taken)
        assert len(taken) >= min(taken_before, 1)
        taken_before = len(taken)
    everything, _ = context_fit.fit_context(
        Narrow(model, 10**6), passages, 32, 10**6, lambda some, room: write(some, room, model.count)
    )
    assert everything == list(passages)


def test_a_passage_is_cut_before_none_is_given(crystal, folder):
    model = open_model_at(folder)
    passages = crystal.recall(QUESTION, 3)
    least = model.prompt_size(prompt_context.chat_messages(prompt_context.pack_passages(QUESTION, [], model.count)[1]))
    narrow = Narrow(model, least + 32 + 100)
    taken, conversation = context_fit.fit_context(
        narrow, passages, 32, 900, lambda some, room: write(some, room, model.count)
    )
    assert taken == [passages[0]]
    assert model.count(passages[0].text) > 100
    assert passages[0].text[:20] in conversation[-1]["content"]
    assert conversation[-1]["content"].endswith(QUESTION)
    assert model.prompt_size(conversation) <= least + 100


@pytest.mark.parametrize("length", [1, 64, 128, 200])
def test_a_model_too_small_for_the_question(crystal, folder, length):
    narrow = Narrow(open_model_at(folder), length)
    heard: list[str] = []
    with pytest.raises(
        CrystalError, match=rf"^Tiny can take {length} tokens; the question, with 128 for the answer"
    ) as caught:
        crystal.ask(QUESTION, model=narrow, floor=0, on_text=heard.append)
    assert "\n" not in str(caught.value)
    assert heard == []


def test_an_answer_through_a_narrow_window(crystal, folder):
    model = open_model_at(folder)
    least = model.prompt_size(prompt_context.chat_messages(prompt_context.pack_passages(QUESTION, [], model.count)[1]))
    answer = crystal.ask(QUESTION, model=Narrow(model, least + 160), max_tokens=8, floor=0)
    assert answer.tokens["prompt"] + 8 <= least + 160
    assert answer.tokens["context"] > 0
    assert all(crystal.verified(citation) for citation in answer.citations)
