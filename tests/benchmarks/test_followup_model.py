from __future__ import annotations

from collections.abc import Iterator

import pytest
from followup_model import is_faithful, rewrite_by_model, rewrite_messages
from support.chat_server import DONE, Server, event, running, stream

from crystalcli import Turn, open_model

TURNS = [
    Turn("Who kept the ledgers?", "Who kept the ledgers?", "Mr Haddow kept them until 1870. [1]"),
    Turn("and the keys?", "Who kept the keys?", "“Ann Berg had the keys of the harbour office.” [1]"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as state:
        yield state


@pytest.mark.parametrize(
    ("question", "rewriting"),
    [
        ("and before her?", "Who kept the keys before Ann Berg?"),
        ("When did she leave the office?", "When did Ann Berg leave the harbour office?"),
        ("What about the other one?", "What about the ledgers?"),
        ("And after 1870?", "Who kept the ledgers after 1870?"),
    ],
)
def test_a_rewriting_from_the_conversation_is_taken(question, rewriting):
    faithful = is_faithful(rewriting, question, TURNS)
    assert faithful is (rewriting != "What about the ledgers?")  # which leans on the question before


@pytest.mark.parametrize(
    ("question", "rewriting"),
    [
        ("When did she leave the office?", ""),
        ("When did she leave the office?", "When did she leave the office?"),  # nothing is filled in
        ("When did she leave the office?", "When did Ann Berg leave?"),  # the office is lost
        ("When did she leave the office?", "When did the office leave Ann Berg?"),  # another order
        ("When did she leave the office?", "When did Clara Voss leave the office?"),  # a name from nowhere
        ("When did she leave the office?", "When did Ann Berg leave the office in 1885?"),  # a number from nowhere
        ("When did she leave the office?", "Ann Berg leave the office."),  # no question
        ("When did she leave the office?", "When did Ann Berg leave the office by the pier near the castle gate?"),
        ("and why?", "And why did Ann Berg have them?"),  # leans still
    ],
)
def test_a_rewriting_that_says_other_things_is_rejected(question, rewriting):
    assert not is_faithful(rewriting, question, TURNS)


def test_the_prompt_ends_with_the_question_and_its_topic():
    *_, last = rewrite_messages("any drawbacks? (harbour office)")
    assert last == {"role": "user", "content": "any drawbacks? (harbour office)"}


def test_a_model_puts_the_topic_into_the_sentence_unless_it_says_other_things(server):
    model = open_model(server.url)
    for said, taken in (
        ("Are there any spare ones of the keys?\nBecause", "Are there any spare ones of the keys?"),
        ("Are there any spare keys for Clara Voss?", None),
        ("", None),
    ):
        server.say(stream(event(said, role="assistant"), event(None, "stop"), DONE))
        assert rewrite_by_model("any spare ones? (keys, ledgers)", "any spare ones?", TURNS, model) == taken
