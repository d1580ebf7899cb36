from __future__ import annotations

import pytest

from crystalcli.answering.prompt.answer_form import form_request
from crystalcli.datatypes import Passage, Place

PROSE = Passage(Place("a.txt", 0, 9, 1, 1), "The ferry runs on weekdays.", 1.0)
SHELL = Passage(Place("a.md", 0, 9, 1, 1), "Run it:\n\n    gauge --read\n", 1.0)


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("Does the ferry run on Sundays?", " Begin with yes or no."),
        ("Isn't it late?", " Begin with yes or no."),
        ("Which ships does the Pequod meet?", " If there are several, name all."),
        ("List the lamps", " If there are several, name all."),
        ("Who is richer, Ann or Bo, and what do they have?", " Say it of each of them."),
        ("Compare the two lamps", " Say it of each of them."),
        ("What is the name of the ship?", ""),
        ("Who keeps the ledgers?", ""),
        ("Did sales go up or down?", ""),
        ("can no longer be called on the blueprint", ""),
        ("What was the keeper at Styles arrested for?", ""),
        ("Which file sets the default?", ""),
        ("Which class represents the lamp?", ""),
        ("How do I read the gauge?", ""),
        ("Warum darf man das nicht mit dem Mittel machen, und wer hat es gesagt?", " Answer in German."),
    ],
)
def test_the_form_that_is_asked_for(question, form):
    assert form_request(question, [PROSE]) == form


def test_code_is_asked_for_where_there_is_some():
    asked = " Give code or a command from the passages unchanged, in a fence."
    assert form_request("How do I read the gauge?", [PROSE, SHELL]) == asked
    assert form_request("Show me how the gauge is read", [SHELL]) == asked
    assert form_request("How did it sink?", [SHELL]) == ""
