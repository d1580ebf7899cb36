"""Conversations, and what their last question is understood as."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.answering import understand_question
from crystalcli.datatypes import Turn

HADDOW = ("Who kept the ledgers?", "The ledgers were kept by Mr Haddow until 1870. [1]")
TENT = ("What did Ann say about the tent?", "“The tent is dry again.” [1]")
BEACON = ("When did the beacon fail?", "In November 1868. [1]")


def understood(*conversation: tuple[str, str] | str) -> str:
    """The last question, after those before it with their answers."""
    turns: list[Turn] = []
    *earlier, last = conversation
    for question, answer in earlier:
        turns.append(Turn(question, understand_question(question, turns), answer))
    return understand_question(str(last), turns)


@pytest.mark.parametrize(
    ("turn", "question", "meant"),
    [
        # Another piece in the last question.
        (TENT, "what about Bob?", "What did Bob say about the tent?"),
        (TENT, "and Bob?", "What did Bob say about the tent?"),
        (TENT, "Bob?", "What did Bob say about the tent?"),
        (("Who is the villain in Dracula?", ""), "and in Frankenstein?", "Who is the villain in Frankenstein?"),
        (("How many planes did Boeing sell in 2022?", ""), "and in 2021?", "How many planes did Boeing sell in 2021?"),
        (("Which chapters mention Ahab?", ""), "and Pip?", "Which chapters mention Pip?"),
        (("who keeps the ledgers", ""), "and the keys?", "who keeps the keys?"),
        (HADDOW, "and before him?", "Who kept the ledgers before Mr Haddow?"),
        # The last question with another question word.
        (BEACON, "why?", "Why did the beacon fail?"),
        (("Did the beacon fail in 1868?", ""), "And how?", "How did the beacon fail in 1868?"),
        (HADDOW, "why?", "Who kept the ledgers? Why?"),
        (HADDOW, "who else?", "Who else kept the ledgers?"),
        (("Where do I work?", ""), "since when?", "Where do I work? Since when?"),
        # Pronouns.
        (HADDOW, "when did he die?", "when did Mr Haddow die?"),
        (("Who is Queequeg?", "Ishmael calls him a friend."), "How did he die?", "How did Queequeg die?"),
        (("Who is my dentist?", "Dr Molnar, since May."), "What is her number?", "What is Dr Molnar's number?"),
        (("Who wrote Emma?", "Emma is by Jane Austen."), "When was it published?", "When was Emma published?"),
        (("Where is read_gauge defined?", ""), "What calls it?", "What calls read_gauge?"),
        (("What are supertankers?", ""), "Who built them?", "Who built supertankers?"),
        (("Tell me about the spring tides.", ""), "Why are they high?", "Why are the spring tides high?"),
        (("How old is the light at Orford?", ""), "Who lives there?", "Who lives in Orford?"),
        (("What is a virtual machine?", ""), "It's slow, isn't it?", "a virtual machine is slow, isn't it?"),
        # The topic in brackets.
        (("What is a virtual machine?", ""), "any drawbacks?", "any drawbacks? (virtual machine)"),
        (TENT, "when did she say that?", "when did Ann say that? (tent)"),
        (
            ("What are the benefits of yoga?", ""),
            "What are the main types?",
            "What are the main types? (yoga, benefits)",
        ),
    ],
)
def test_a_follow_up_stands_alone(turn, question, meant):
    got = understood(turn, question)
    assert (got if meant[0].isupper() else got[0].lower() + got[1:]) == meant


def test_a_topic_is_carried_on():
    conversation = [("What is the Galileo system?", ""), ("Why did it create tension?", ""), ("Who paid for it?", "")]
    assert understood(*conversation, "and when was it finished?") == "when was the Galileo system finished?"
    assert understood(*conversation, "What are the advantages?") == "What are the advantages? (Galileo system, tension)"


def test_a_topic_ends_with_a_question_of_another():
    assert understood(HADDOW, ("What is yoga?", ""), "What are the types?") == "What are the types? (yoga)"
    assert understood(HADDOW, ("Who read the ledgers?", ""), "When did she do it?") == "When did she do it? (ledgers)"


@pytest.mark.parametrize(
    ("turn", "question"),
    [
        (HADDOW, "Where is the spare key?"),
        (HADDOW, "Carthage?"),  # a name that is asked for by itself
        (HADDOW, "   "),
        (("Wer führte die Bücher?", "Herr Haddow."), "und warum?"),
        (("Wer führte die Bücher?", "Herr Haddow."), "Wer war er?"),
        (("¿Quién es Ana?", ""), "¿y por qué?"),
        (("Qui tenait le registre ?", ""), "et pourquoi ?"),
        (("Кто вёл книги?", "Хэддоу."), "а почему?"),
        (HADDOW, "und warum?"),
        (HADDOW, "And why? " + "It was long ago. " * 50),
    ],
)
def test_what_stands_alone_or_is_no_english_stays_as_it_is(turn, question):
    assert understood(turn, question) == question


def test_the_first_question_stays_as_it_is():
    assert understand_question("and before him?", []) == "and before him?"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), max_size=3), st.text(max_size=80))
def test_any_text_is_understood_as_a_text(conversation, question):
    got = understood(*conversation, question)
    assert got == question or got.strip()


WORDS = [
    "and",
    "what",
    "about",
    "Ann",
    "he",
    "it",
    "the",
    "tent",
    "why",
    "in",
    "?",
    "them",
    "did",
    "other",
    "one",
    "(x)",
    "'s",
]


@settings(max_examples=40)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), min_size=2, max_size=4))
def test_any_english_words_are_understood_as_a_text(questions):
    got = understood(*((question, "Bob said so.") for question in questions[:-1]), questions[-1])
    assert got == questions[-1] or got.strip()


def test_a_long_conversation_takes_no_time():
    words = "the old light of Orford and what Ann said about it there " * 6
    turns = [Turn(words, words, words)] * 400
    began = time.process_time()
    understand_question(f"and why did he leave it for them {words[:300]}", turns)
    assert time.process_time() - began < 2
