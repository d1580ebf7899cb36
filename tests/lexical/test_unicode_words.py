"""Words in every script: one spelling for one word, pairs of letters where words have no spaces."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.lexical import fold, fold_with_offsets, query_forms, query_terms, terms, word_spans


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (unicodedata.normalize("NFD", "Schlüsselbänder"), "schlüsselbänder"),
        (unicodedata.normalize("NFD", "한국어"), "한국어"),
        ("ＬＭＰ－７７", "lmp-77"),
        ("ﾌﾟﾛｸﾞﾗﾑ", "プログラム"),
        ("STRASSE", "Straße"),
        ("Lei\u00adter", "leiter"),
        ("eﬃgy", "effigy"),
    ],
)
def test_one_word_has_one_spelling(text: str, asked: str) -> None:
    assert query_terms(text) == query_terms(asked)
    assert fold(text) == fold(asked)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("潮水表挂在鱼市场的门上", "鱼市"),
        ("灯台守は油を蔵に入れた", "油を"),
        ("เรือจอดอยู่ที่ท่า", "จอด"),
        ("ເຮືອຈອດຢູ່ທ່າ", "ຈອດ"),
        ("ទូកចតនៅកំពង់ផែ", "ចត"),
        ("등대지기는 기름을 창고에 두었다", "창고"),
    ],
)
def test_words_are_found_inside_a_run_of_letters(text: str, asked: str) -> None:
    found = dict(terms(text))
    assert set(query_terms(asked)) <= found.keys()
    assert all(text[start] == unicodedata.normalize("NFKC", term)[0] for term, start in terms(text))
    assert len(set(found.values())) > 3  # each pair has its own place


def test_marks_stay_with_their_letters() -> None:
    assert [term for term, _ in terms("दीपक जलता")] == ["दीपक", "जलता"]
    assert "größe" not in query_terms("Größe") and query_terms("Größe") == ["grösse"]
    assert {"grösse", "metern"} <= set(query_terms("größeInMetern"))
    assert {"x", "2"} <= set(query_terms("x²"))


def test_words_of_a_question_have_their_places() -> None:
    assert [(start, end) for start, end, _ in word_spans("Müll 灯台")] == [(0, 4), (5, 6), (6, 7)]
    assert word_spans("ＡＢ cd") == [(0, 2, "ab"), (3, 5, "cd")]


@given(st.text(max_size=60))
def test_offsets_lead_back_into_the_text(text: str) -> None:
    folded, origins = fold_with_offsets(text)
    assert len(origins) == len(folded) + 1
    assert list(origins) == sorted(origins) and origins[-1] == len(text)
    assert all(0 <= start < len(text) for _, start in terms(text))
    assert [start for _, start in terms(text)] == sorted(start for _, start in terms(text))


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_plain_text_has_the_terms_that_it_ever_had(text: str) -> None:
    assert list(terms(text)) == list(terms(text, analysis=1))
    assert list(terms(text, "de")) == list(terms(text, "de", 1))


def test_a_question_to_an_old_crystal_has_the_forms_of_its_analysis() -> None:
    old = {term for term, _ in terms("Türöffner", analysis=1)}
    forms = query_forms("Wo ist der Türöffner?", ["de"], 1)
    assert old <= set(forms["türöffner"])
    assert query_forms("where is it", [], 1) == query_forms("where is it", [])
