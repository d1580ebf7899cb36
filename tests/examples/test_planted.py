"""The sentence that is put into a text, and the text it is put into."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repository import ROOT, SAMPLES

from crystalcli.examples.books import own_texts, prepare
from crystalcli.examples.planted import contains, fact, place
from crystalcli.examples.story import join_chapters, story


@pytest.fixture(scope="module")
def model(language_model):
    return language_model


def test_facts_are_many_and_the_same_for_the_same_seed():
    facts = [fact(seed) for seed in range(200)]
    assert facts == [fact(seed) for seed in range(200)]
    assert len(set(facts)) > 190
    for each in facts:
        assert contains(each.sentence, each.answer)
        assert not contains(each.question, each.answer)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("It is “Brass Otter”.", True),
        ("brass-otter", True),
        ("brass\notter!", True),
        ("otter brass", False),
        ("brass otters", False),
        ("", False),
    ],
)
def test_words_are_found_however_they_are_written(text, right):
    assert contains(text, "brass otter") is right


@given(st.text("ab .!?\n”", max_size=200), st.integers(0, 220))
def test_a_sentence_is_put_where_another_ends(text, at):
    found = place(text, at)
    assert found == len(text) or found == at or (text[found].isspace() and text[found - 1] in ".!?”")
    assert min(at, len(text)) <= found <= len(text)


def test_the_text_is_cut_to_the_tokens_behind_the_sentence(model):
    line = "The ferry left at six. Nobody spoke until the island came in sight.\n"
    prepared = prepare([("a", line * 20), ("b", line * 400), ("never", line)], model, 3_000, 5)
    assert prepared.names == ["a", "b"]
    assert prepared.behind == 3_000
    assert len(prepared.ids) == prepared.before + len(model.ids(f" {prepared.fact.sentence}")) + 3_000
    assert prepared.text.count(prepared.fact.sentence) == 1
    assert prepared.text.index(prepared.fact.sentence) == len(model.data(prepared.ids[: prepared.before]).decode()) + 1
    assert prepared.starts == [0, len(model.ids(line * 20))]
    short = prepare([("a", line * 40)], model, 100_000, 5)
    assert short.before < 100
    assert short.behind < 900
    assert short.text.replace(f" {short.fact.sentence}", "") == line * 40


def test_the_source_tree_and_an_installed_package_have_texts_enough(tmp_path, model):
    texts = list(own_texts())
    assert [name for name, _ in texts] == [
        "samples/story", "samples/handbook.pdf", "samples/tidewatch", "docs", "crystalcli"
    ]  # fmt: skip
    assert sum(model.count(text) for _, text in texts) > 102_500
    installed = tmp_path / "site-packages" / "crystalcli"
    shutil.copytree(ROOT / "crystalcli", installed, ignore=shutil.ignore_patterns("__pycache__"))
    texts = list(own_texts(installed))
    assert [name for name, _ in texts] == ["the story", "crystalcli"]
    assert sum(model.count(text) for _, text in texts) > 102_500


def test_the_story_that_ships_is_the_samples():
    assert story() == join_chapters(SAMPLES / "story")
