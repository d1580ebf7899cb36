from __future__ import annotations

import pytest

from crystalcli.answering.question.sentence_form import SentenceForms

FORMS = SentenceForms({"DOC": r"(?P<document><NAME>)", "NAME": r"[a-z ]+", "UNIT2": "pages?"})


@pytest.mark.parametrize(
    ("form", "text", "document"),
    [
        ("who wrote <DOC>", "Who wrote the book", "the book"),
        ("how many <UNIT2> has <DOC>", "how many pages has it", "it"),
        ("who wrote <DOC>", "who wrote", None),
        ("who wrote <DOC>", "so who wrote the book", None),
    ],
)
def test_a_form_fits_a_whole_text_with_its_gaps_filled(form, text, document):
    for _ in range(2):
        match = FORMS.match(form, text)
        assert (None if match is None else match["document"]) == document


def test_a_gap_without_a_piece_is_a_mistake():
    with pytest.raises(KeyError, match="BOOK"):
        FORMS.match("who wrote <BOOK>", "who wrote it")
