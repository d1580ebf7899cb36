from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.answering.grounding.facts import FactIndex, find_facts, find_quotations
from crystalcli.answering.grounding.number_words import find_numbers


def stated(sentence: str) -> list[str]:
    return [fact.text for fact in find_facts(sentence)]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,200 men", 1200, ""),
        ("12 hundred", 1200, ""),
        ("three hundred and eleven people", 311, ""),
        ("eighteen thousand pounds", 18000, ""),
        ("£18,000", 18000, "£"),
        ("$1.2 million", 1_200_000, "$"),
        ("€5bn", 5_000_000_000, "€"),
        ("in nineteen eighty-four", 1984, ""),
        ("in twenty fifteen", 2015, ""),
        ("twenty-one", 21, ""),
        ("the 1990s", 1990, ""),
        ("the 3rd", 3, ""),
        ("the third", 3, ""),
        ("12 %", 12, "%"),
        ("twelve per cent", 12, "%"),
        ("3.50", 3.5, ""),
        ("4 p.m.", 16, ""),
        ("two million three hundred thousand and six", 2_300_006, ""),
    ],
)
def test_a_number_is_read_whatever_it_is_written_as(text, value, unit):
    (number,) = find_numbers(text)
    assert Decimal(str(value)) in number.values
    assert number.unit == unit


@given(st.integers(0, 10**12))
def test_digits_are_read_with_and_without_commas(value):
    for text in (f"{value}", f"{value:,}", f"about {value:,}."):
        (number,) = find_numbers(text)
        assert Decimal(value) in number.values


@given(st.text(max_size=200))
def test_any_text_has_facts_that_stand_in_it(text):
    known = FactIndex([text])
    for fact in find_facts(text):
        assert fact.text in text
        assert known.holds(fact), fact
    for number in find_numbers(text):
        assert text[number.start : number.end].strip()


def test_what_a_sentence_states():
    assert stated("Josiah Crask was paid £18,000 in 1893 by Mr Haddow.") == [
        "Josiah",
        "Crask",
        "£18,000",
        "1893",
        "Haddow",
    ]
    assert stated("However, the ferry left on Monday.") == ["Monday"]
    assert stated("It calls `parse_gauge()` and os.path.join with --strict.") == [
        "parse_gauge()",
        "os.path.join",
        "--strict",
    ]
    assert stated("The WHO warned of COVID-19 and H1N1.") == ["WHO", "COVID-19", "H1N1"]
    assert stated('One of the keepers said "nobody saw Marta".') == ["nobody saw Marta"]
    assert stated("They had no idea, and one of them left at once.") == []
    assert stated("I said that I'd go.") == []


def test_quotations_are_found_in_every_form_and_when_they_are_not_closed():
    text = "“one” \"two\" «three» „four“ ‘five six’ it's 'seven' the boys' “eight"
    assert [said for _, said in find_quotations(text)] == ["one", "two", "three", "four", "five six", "seven", "eight"]
    assert all(text[start:].startswith(said) for start, said in find_quotations(text))
    assert list(find_quotations('"" “ ” "..."')) == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("There were three hundred and eleven of them.", "It had 311 people."),
        ("They offered eighteen thousand pounds.", "They offered £18,000."),
        ("the 2024-05-03 meeting", "It met on May 3, 2024."),
        ("We met on 3 May 2024.", "It was 2024-05-03."),
        ("a share of 12 per cent", "The share was 12%."),
        ("| share (%) | 12 |", "The share was 12%."),
        ("the Germans came", "It was a German ship, and the Germans' own."),
        ("U.S. law", "It is US law."),
        ("the COVID 19 virus", "It was COVID-19."),
        ("“Nobody’s here,” he said", 'He said "nobody\'s here".'),
        ("a line that\nis wrapped", 'It says "that is wrapped".'),
        ("os.path.join(a, b)", "It calls `os.path.join()`."),
        ("(in millions) 2017: 11,692.7; 1,093", "Cash was $1,093 million."),
        ("departs 06.55", "It leaves at 06:55 AM."),
    ],
)
def test_what_is_there_in_another_form_is_found(text, sentence):
    assert find_facts(sentence)
    assert [fact.text for fact in find_facts(sentence) if not FactIndex([text]).holds(fact)] == []


@pytest.mark.parametrize(
    ("text", "sentence", "missing"),
    [
        ("It had 311 people in 1951.", "It had 312 people in 1951.", ["312"]),
        ("The share was 12%.", "The sum was $12.", ["$12"]),
        ("They paid €5.", "They paid $5.", ["$5"]),
        ("Crask was the agent.", "The agent was Josiah Crask.", ["Josiah"]),
        ("Nobody was here.", 'He said "somebody was here".', ["somebody was here"]),
        ("Nobody was hereabouts.", 'He said "nobody was here".', ["nobody was here"]),
        ("def parse(x):", "It calls parse_gauge().", ["parse_gauge"]),
        ("in May", "It was June.", ["June"]),
        ("in millions: 12", "It was 12 billion.", ["12 billion"]),
        ("departs 06.55", "It leaves at 06:45.", ["45"]),
    ],
)
def test_what_is_not_there_is_missed(text, sentence, missing):
    assert [fact.text for fact in find_facts(sentence) if not FactIndex([text]).holds(fact)] == missing
