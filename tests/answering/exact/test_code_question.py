"""The intent of a question about source code, by its words."""

from __future__ import annotations

import pytest

from crystalcli.answering.exact.code_question import (
    _MAY_BE_CODE,
    CALLERS,
    DEFINITION,
    PARAMETER,
    RELEASE,
    TESTS,
    TEXT,
    VALUE,
    VERSION,
    code_intents,
    looks_like_code,
)


def first(question: str) -> tuple[str, str]:
    intent = code_intents(question)[0]
    return intent.kind, intent.name


@pytest.mark.parametrize(
    ("question", "kind", "name"),
    [
        ("read_gauge", DEFINITION, "read_gauge"),
        ("`read_gauge()`", DEFINITION, "read_gauge"),
        ("Gauge", DEFINITION, "Gauge"),
        ("class Gauge:", DEFINITION, "Gauge"),
        ("the function read_gauge", DEFINITION, "read_gauge"),
        ("where is read_gauge defined?", DEFINITION, "read_gauge"),
        ("Where's the Gauge class defined?", DEFINITION, "Gauge"),
        ("In which file is the --dry-run option added?", DEFINITION, "--dry-run"),
        ("Which module defines Gauge.read?", DEFINITION, "Gauge.read"),
        ("where does the harbour package define LIMIT", DEFINITION, "LIMIT"),
        ("show me the source code of harbour.gauge", DEFINITION, "harbour.gauge"),
        ("signature of read_gauge", DEFINITION, "read_gauge"),
        ("what does read_gauge return?", DEFINITION, "read_gauge"),
        ("src/harbour/gauge.py", DEFINITION, "src/harbour/gauge.py"),
        ("What is the default of MAX_DEPTH?", VALUE, "MAX_DEPTH"),
        ("which file sets the default for MAX_DEPTH", VALUE, "MAX_DEPTH"),
        ("What calls read_gauge?", CALLERS, "read_gauge"),
        ("who uses Gauge", CALLERS, "Gauge"),
        ("Where is read_gauge called?", CALLERS, "read_gauge"),
        ("where does the harbour raise GaugeError?", CALLERS, "GaugeError"),
        ("all usages of read_gauge", CALLERS, "read_gauge"),
        ("which functions call read_gauge", CALLERS, "read_gauge"),
        ("Which tests cover read_gauge?", TESTS, "read_gauge"),
        ("where is Gauge tested", TESTS, "Gauge"),
        ("tests for read_gauge", TESTS, "read_gauge"),
        ("what does strict do in read_gauge?", PARAMETER, "read_gauge"),
        ("What is the strict argument of read_gauge for?", PARAMETER, "read_gauge"),
        ('why do I get "the gauge is not moored here"?', TEXT, "the gauge is not moored here"),
        ("GaugeError: the gauge is not moored. How do I fix this?", TEXT, "the gauge is not moored"),
        ("the gauge is not moored here", TEXT, "the gauge is not moored here"),
        ('Where in gauge does the "Missing mooring." message come from?', TEXT, "Missing mooring."),
        ("What is backwards incompatible in gauge 26.1.0?", RELEASE, "26.1.0"),
        ("breaking changes in 3.1", RELEASE, "3.1"),
    ],
)
def test_a_form_gives_its_kind_and_name(question, kind, name):
    assert first(question) == (kind, name)


def test_a_scope_is_told_apart_from_the_name():
    intent = code_intents("Where is ExitCode defined in src/harbour?")[0]
    assert (intent.name, intent.scope) == ("ExitCode", "src/harbour")


def test_the_verb_and_the_parameter_are_kept():
    assert code_intents("what imports read_gauge?")[0].verb == "imports"
    assert code_intents("what does the strict option do in read_gauge?")[0].parameter == "strict"


@pytest.mark.parametrize(
    "question",
    [
        "Who becomes the new CEO?",
        "Why did the keeper leave the island in August?",
        "How do I run a function before every request?",
        "Where is the treasure buried?",
        "What is the harbour?",
        "Which chapters mention Minna?",
        'How do I use "flask run" behind a proxy with certificates of our own?',
        "",
    ],
)
def test_other_questions_have_no_intent(question):
    assert code_intents(question) == []


def test_no_form_is_compiled_for_a_question_without_a_word_of_code():
    for question in ("Who becomes the new CEO?", "why did the keeper leave the island"):
        assert _MAY_BE_CODE.search(question) is None


def test_a_plain_word_is_not_sure_to_be_a_name():
    assert not code_intents("session")[0].sure
    assert code_intents("session_key")[0].sure
    assert code_intents("where is session defined")[0].sure


@pytest.mark.parametrize(
    "name", ["a_b", "camelCase", "ExitCode", "a.b", "a::b", "f()", "--option", "_private", "src/a.py"]
)
def test_names_that_are_no_words_look_like_code(name):
    assert looks_like_code(name)


@pytest.mark.parametrize("name", ["session", "Flask", "NASA", "well-known"])
def test_words_do_not_look_like_code(name):
    assert not looks_like_code(name)


@pytest.mark.parametrize(
    ("question", "kind", "name"),
    [
        ("since which version is there a read_gauge function?", VERSION, "read_gauge"),
        ("In which version was read_gauge added to the harbour?", VERSION, "read_gauge"),
        ("What was fixed in Harbour 2.1.1?", RELEASE, "2.1.1"),
        ("what's new in version 2.1", RELEASE, "2.1"),
        ("release notes for 2.1", RELEASE, "2.1"),
        ("when was read_gauge removed?", VERSION, "read_gauge"),
        ("Which file is Gauge in?", DEFINITION, "Gauge"),
        ("In what module does Gauge live?", DEFINITION, "Gauge"),
        ("which file handles the --dry-run option", DEFINITION, "--dry-run"),
        ("What class does Gauge inherit from?", DEFINITION, "Gauge"),
        ("where in harbour is GaugeError raised?", CALLERS, "GaugeError"),
        ("what are the usages of read_gauge", CALLERS, "read_gauge"),
        ("What is strict in read_gauge for?", PARAMETER, "read_gauge"),
        ("which file contains the class Gauge?", DEFINITION, "Gauge"),
        ("what is read_gauge for?", DEFINITION, "read_gauge"),
        ("what are the subclasses of Base?", CALLERS, "Base"),
        ("who are the callers of read_gauge", CALLERS, "read_gauge"),
        ("where is read_gauge called from?", CALLERS, "read_gauge"),
        ("strict parameter of read_gauge", PARAMETER, "read_gauge"),
        ("What does the strict argument of read_gauge do?", PARAMETER, "read_gauge"),
        ("what is the default of strict in read_gauge?", PARAMETER, "read_gauge"),
        ("What does the error the gauge is dry mean?", TEXT, "the gauge is dry"),
        ('why "GaugeError: the gauge is dry"?', TEXT, "the gauge is dry"),
    ],
)
def test_a_rarer_form_gives_its_kind_and_name(question, kind, name):
    assert first(question) == (kind, name)
