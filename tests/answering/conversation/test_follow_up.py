from __future__ import annotations

import pytest

from crystalcli.answering.conversation.follow_up import LeanMark, find_lean, without_reaction

EARLIER = ["What did the Lewis and Clark expedition find?", "Who kept the ledgers?"]


@pytest.mark.parametrize(
    ("question", "mark"),
    [
        ("and before him?", LeanMark.OPENER),
        ("What about Ann?", LeanMark.OPENER),
        ("how about on the grill", LeanMark.OPENER),
        ("No, I meant the river.", LeanMark.OPENER),
        ("why?", LeanMark.BARE),
        ("Since when?", LeanMark.BARE),
        ("in Dracula?", LeanMark.FRAGMENT),
        ("Ann?", LeanMark.FRAGMENT),
        ("When was he born?", LeanMark.PRONOUN),
        ("What is their role in it?", LeanMark.PRONOUN),
        ("Did Ann see her?", LeanMark.PRONOUN),
        ("What tribes did they meet?", LeanMark.PRONOUN),
        ("Are events held there?", LeanMark.PRONOUN),
        ("What is that?", LeanMark.BARE),
        ("Tell me more about that.", LeanMark.PRONOUN),
        ("How did those traditions begin?", LeanMark.PRONOUN),
        ("What else did Ann write?", LeanMark.OTHER),
        ("Which one is heavier?", LeanMark.OTHER),
        ("What are some others?", LeanMark.OTHER),
        ("What is another name?", LeanMark.OTHER),
        ("What is the difference between the two?", LeanMark.OTHER),
        ("What did the expedition cost?", LeanMark.DEFINITE),
        ("What did the city cost?", LeanMark.DEFINITE),
        ("What are the side effects?", LeanMark.RELATION),
        ("Which is the largest in the world?", LeanMark.RELATION),
        ("What type is best for the garden?", LeanMark.RELATION),
        ("Are there visible signs?", LeanMark.SHORT),
    ],
)
def test_what_leans_on_the_questions_before(question, mark):
    assert find_lean(question, EARLIER) is mark


@pytest.mark.parametrize(
    "question",
    [
        "Who keeps the ledgers?",
        "What is a trope?",
        "who is irene adler",
        "get_real_func",
        "Where is the spare key?",
        "Where do I work?",
        "What is my blood type?",
        "Is it true that Ann left in May?",
        "What time is it in Lisbon?",
        "How long does it take to cure pancetta at home?",
        "What is Rock City, and why is it famous?",
        "What did the landlord keep from my deposit and why did he keep it?",
        "What does Ann's letter remind her of?",
        "Who was the person that Ann met?",
        "Which kind of glue did the boatwright use?",
        "How many letters are there?",
        "How do I take my coffee these days?",
        "Which chapter is the one where Darcy proposes?",
        "What is the history of the harbour?",
        "What happens in “How Do You Do It”?",
        'What does pytest mean by "import file mismatch"?',
        "Who sang Blame It on the Bossa Nova?",
    ],
)
def test_what_stands_alone(question):
    assert find_lean(question, EARLIER) is None


def test_a_noun_of_the_last_answer_is_taken_up():
    assert find_lean("Who mended the lens?", ["Why did the beacon fail?"], "The lens had cracked.") is LeanMark.DEFINITE
    assert find_lean("Who mended the lens?", ["Why did the beacon fail?"], "Nobody knows.") is None


def test_what_is_said_of_an_answer_is_not_the_question():
    assert without_reaction("That's interesting. Oh wow! Who wrote Emma?") == "Who wrote Emma?"
    assert without_reaction("That is all.") == "That is all."
    assert find_lean("That's a good one. Who wrote Emma?") is None
