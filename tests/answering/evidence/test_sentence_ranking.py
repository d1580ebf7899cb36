from __future__ import annotations

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.evidence.question_type import expected_answer_type, shows_answer_type
from crystalcli.lexical import query_terms
from crystalcli.text.chunking.boundaries import sentence_spans

QUESTION = "Under what name did Mr Haddow bank the surplus money?"


def words(text: str) -> int:
    return len(text.split())


def test_sentences_are_whole_and_where_they_say(crystal):
    passages = crystal.recall(QUESTION, 5)
    ranked = sentence_ranking.read_passages(crystal.searcher().encoder, passages.query, passages).sentences
    assert sum(len(sentence_spans(each.text)) for each in passages) == len(ranked)  # all of them are prose
    assert [each.score for each in ranked] == sorted((each.score for each in ranked), reverse=True)
    for each in ranked:
        assert each.text == crystal.quote(each.passage.path, each.start, each.end)
        assert each.passage == passages[each.rank]
    assert any("Owners" in each.text for each in ranked[:5])


def test_the_answer_is_among_the_first_three_quotations_of_most_questions(crystal, answerable):
    """28 of all 56; one sentence of each passage gave 18."""
    held = 0
    some = answerable[::4]
    for each in some:
        passages = crystal.recall(each["question"], 5)
        best = sentence_ranking.read_passages(crystal.searcher().encoder, passages.query, passages).sentences[:3]
        held += any(answer.lower() in sentence.text.lower() for answer in each["answers"] for sentence in best)
    assert held / len(some) > 0.4


def test_words_alone_decide_without_an_encoder(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None) as lexical:
        passages = lexical.recall(QUESTION, 5)
        ranked = sentence_ranking.read_passages(lexical.searcher().encoder, passages.query, passages).sentences
    asked_for = set(query_terms(QUESTION))
    assert asked_for & set(query_terms(ranked[0].text))
    assert "Owners" in " ".join(each.text for each in ranked[:3])


def test_states_are_those_of_the_encoder_where_one_window_is_enough(crystal):
    encoder = crystal.searcher().encoder
    text = "The agent of the company kept the ledgers. " * 3
    ids, ends = encoder.tokens(text)
    states, stops = sentence_ranking._states(encoder, text)
    np.testing.assert_array_equal(stops, ends)
    np.testing.assert_array_equal(states, encoder.encode(ids.tolist()).states)


def test_a_text_longer_than_a_window_is_read_to_its_end(crystal):
    encoder = crystal.searcher().encoder
    text = "The agent of the company kept the ledgers. " * 60
    states, stops = sentence_ranking._states(encoder, text)
    assert len(states) == len(stops) > encoder.max_tokens
    assert (np.diff(stops) > 0).all() and stops[-1] == len(text.rstrip())


@pytest.mark.parametrize(
    ("question", "kind", "yes", "no"),
    [
        ("How many lamps burn?", "number", "Twelve lamps burn.", "Many lamps burn."),
        ("What percentage of the 30 boats came back?", "number", "Of the 30, 80 % did.", "Of the 30 most did."),
        ("When was it lit?", "time", "It was lit in March.", "It was lit by the keeper."),
        ("Who keeps the light?", "name", "Then it fell to Mary.", "The keeper keeps it."),
        ("Why did it go out?", "reason", "It went out because of the wind.", "It went out."),
        ("Is it lit?", "", "", "It is."),
    ],
)
def test_what_a_question_asks_for(question, kind, yes, no):
    assert expected_answer_type(question) == kind
    if yes:
        assert shows_answer_type(kind, yes, question)
    assert not shows_answer_type(kind, no, question)
