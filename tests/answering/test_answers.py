from __future__ import annotations

import re
from dataclasses import replace

import pytest

from crystalcli.answering import context, support
from crystalcli.errors import ModelMissingError, UsageError
from crystalcli.lm.model import LanguageModel


@pytest.fixture(scope="module")
def language_model(language_model_path):
    return LanguageModel.open(language_model_path)


def test_the_context_stays_within_its_budget(crystal, language_model):
    passages = crystal.recall("Who keeps the ledgers?", 12)
    for budget in (1, 150, 400, 900):
        taken, user = context.pack("Who keeps the ledgers?", passages, language_model.count, budget)
        assert taken
        assert language_model.count(user) <= max(budget, language_model.count(passages[0].text)) + 60
        assert all(f"[{number}] {passage.path}" in user for number, passage in enumerate(taken, 1))
        assert user.endswith("Question: Who keeps the ledgers?")
    everything, _ = context.pack("x", passages, language_model.count, 10**6)
    assert everything == passages


def test_every_quotation_is_in_the_file_at_its_place(answerable, crystal):
    for question in answerable[::3]:
        answer = crystal.ask(question["question"], extractive=True)
        assert answer.citations
        for number, citation in enumerate(answer.citations, 1):
            assert citation.number == number
            assert crystal.verified(citation)
            assert " ".join(citation.quote.split()) in answer.text
            source = crystal._store.source_named(citation.path)
            text = crystal.shelf.span_text(source)
            assert text[citation.start : citation.end] == citation.quote
            assert text.count("\n", 0, citation.start) + 1 == citation.line_start


def test_a_quotation_that_is_not_in_the_file_is_not_shown(crystal):
    passages = crystal.recall("Who keeps the ledgers?", 3)
    forged = [replace(passage, text=re.sub(r"\w", "3", passage.text)) for passage in passages]
    assert support.citations(crystal, "the ledgers", "Who keeps the ledgers?", forged) == ()
    assert support.extracts(crystal, forged) == ()
    assert support.citations(crystal, "the ledgers", "Who keeps the ledgers?", passages)


def test_the_sentence_that_holds_the_answer_is_cited(crystal):
    passages = crystal.recall("Who was the agent of the curing company?", 5)
    cited = support.citations(crystal, "Josiah Crask", "Who was the agent of the curing company?", passages)
    assert any("Crask" in citation.quote for citation in cited)


def test_the_model_speaks_from_the_context(crystal, language_model_path):
    heard: list[str] = []
    answer = crystal.ask(
        "Under what name did Mr Haddow bank the surplus money?",
        model=language_model_path,
        max_tokens=40,
        on_text=heard.append,
    )
    assert "".join(heard).strip() == answer.text
    assert 0 < answer.tokens["answer"] <= 40
    assert answer.tokens["context"] <= context.BUDGET  # the few best sentences, not all that was recalled
    assert answer.model != "extractive"
    assert answer.seconds["first"] <= answer.seconds["total"]
    assert all(crystal.verified(citation) for citation in answer.citations)


def test_what_is_quoted_unless_a_model_is_named(crystal):
    heard: list[str] = []
    answer = crystal.ask("Under what name did Mr Haddow bank the surplus money?", on_text=heard.append)
    assert answer.model == "extractive"
    assert "Owners" in answer.text
    assert answer.text == "".join(heard)
    assert answer.text.count("“") >= len(answer.citations) == support.MOST


def test_what_cannot_be_asked(crystal, tmp_path):
    with pytest.raises(UsageError, match="max-tokens"):
        crystal.ask("x", max_tokens=0, extractive=True)
    with pytest.raises(UsageError, match="empty"):
        crystal.ask(" ", extractive=True)
    with pytest.raises(ModelMissingError, match="no model file"):
        crystal.ask("x", model=tmp_path / "none.gguf")
