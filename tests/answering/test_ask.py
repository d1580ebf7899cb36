from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from support.repository import SAMPLES

from crystalcli.answering import marked_text
from crystalcli.answering.grounding import attribution
from crystalcli.answering.prompt import prompt_context
from crystalcli.datatypes import LINED
from crystalcli.errors import ModelMissingError, UsageError


def test_the_context_stays_within_its_budget(crystal, language_model):
    passages = crystal.recall("Who keeps the ledgers?", 12)
    for budget in (1, 150, 400, 900):
        taken, user = prompt_context.pack_passages("Who keeps the ledgers?", passages, language_model.count, budget)
        assert taken
        assert language_model.count(user) <= max(budget, language_model.count(passages[0].text)) + 60
        assert all(f"[{number}] {passage.path}" in user for number, passage in enumerate(taken, 1))
        assert user.endswith("Question: Who keeps the ledgers?")
    everything, _ = prompt_context.pack_passages("x", passages, language_model.count, 10**6)
    assert everything == list(passages)


def test_every_quotation_is_in_the_file_at_its_place(crystal):
    """Read without the program where it is the file's own, else out of the text layer: every fourth question of the samples."""
    count = 0
    for turn, line in enumerate((SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()[::4]):
        for floor in (0.0, 0.5) if turn % 4 == 0 else (0.0,):
            answer = crystal.ask(json.loads(line)["question"], extractive=True, floor=floor)
            assert answer.citations
            for number, citation in enumerate(answer.citations, 1):
                count += 1
                assert citation.number == number
                assert crystal.verified(citation)
                assert not answer.answered or f"“{' '.join(citation.quote.split())}” [{number}]" in answer.text
                text = crystal.shelf.span_text(crystal._store.source_named(citation.path))
                if citation.place.kind in LINED:
                    assert text == (SAMPLES / citation.path).read_bytes().decode()
                    assert text.count("\n", 0, citation.start) + 1 == citation.place.line_start
                assert text[citation.start : citation.end] == citation.quote
    assert count > 30


def test_a_quotation_that_is_not_in_the_file_is_not_shown(crystal):
    passages = crystal.recall("Who keeps the ledgers?", 3)
    forged = [replace(passage, text=re.sub(r"\w", "3", passage.text)) for passage in passages]
    said = passages[0].best_text
    sources = attribution.Sources(crystal, "Who keeps the ledgers?", forged)
    assert sources.find(re.sub(r"\w", "3", said)).citations == ()
    assert sources.replacement(said, ()) is None
    assert sources.citations == ()
    assert attribution.extract_citations(crystal, forged) == ()
    sources = attribution.Sources(crystal, "Who keeps the ledgers?", passages)
    assert sources.find(said)[:2] == ((1,), ())
    assert [citation.quote for citation in sources.citations] == [said]


def test_the_model_speaks_from_the_context(crystal, language_model_path):
    heard: list[str] = []
    answer = crystal.ask(
        "In whose name did Mr Haddow bank the surplus dues?",
        model=language_model_path,
        max_tokens=40,
        on_text=heard.append,
    )
    assert "".join(heard) == marked_text(answer)
    assert [answer.text[claim.start : claim.end] for claim in answer.claims] == [claim.text for claim in answer.claims]
    assert {number for claim in answer.claims for number in claim.citations} <= {
        each.number for each in answer.citations
    }
    assert 0 < answer.tokens["answer"] <= 40
    assert (
        answer.tokens["context"] <= prompt_context.DEFAULT_BUDGET
    )  # the few best sentences, not all that was recalled
    assert not answer.extractive
    assert answer.seconds["first"] <= answer.seconds["total"]
    assert all(crystal.verified(citation) for citation in answer.citations)


def test_what_is_quoted_unless_a_model_is_named(crystal):
    heard: list[str] = []
    answer = crystal.ask("In whose name did Mr Haddow bank the surplus dues?", on_text=heard.append)
    assert answer.extractive
    assert answer.text == "".join(heard)
    assert answer.text.count("“") >= len(answer.citations)
    assert 1 <= len(answer.citations) <= attribution.MAX_CITATIONS


def test_what_cannot_be_asked(crystal, tmp_path):
    with pytest.raises(UsageError, match="max-tokens"):
        crystal.ask("x", max_tokens=0, extractive=True)
    with pytest.raises(UsageError, match="floor: expected"):
        crystal.ask("x", floor=1.5, extractive=True)
    with pytest.raises(UsageError, match="empty"):
        crystal.ask(" ", extractive=True)
    with pytest.raises(ModelMissingError, match="no model file"):
        crystal.ask("Who keeps the ledgers?", model=tmp_path / "none.gguf")
