from __future__ import annotations

import pytest

from crystalcli.lexical import accented_spellings, without_accents


@pytest.mark.parametrize(
    ("word", "spelling"), [("Andrey", "andréy"), ("helas", "hélas"), ("lodz", "łodz"), ("Čapek", "capek")]
)
def test_a_word_is_spelt_with_an_accent_more_or_without_its_own(word, spelling):
    assert spelling in accented_spellings(word)


def test_words_of_other_scripts_have_no_accents():
    assert accented_spellings("война") == []
    assert accented_spellings("日本") == []


def test_identifiers_have_no_accents():
    assert accented_spellings("flush_socket") == []
    assert accented_spellings("mp3") == []


@pytest.mark.parametrize(
    ("text", "plain"), [("Élise Dvořák", "Elise Dvorak"), ("Łódź", "Lodz"), ("日本 Øre", "日本 Ore")]
)
def test_accents_are_taken_off(text, plain):
    assert without_accents(text) == plain
