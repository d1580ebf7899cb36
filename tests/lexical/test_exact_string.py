"""The exact strings of a question, and where they stand."""

from __future__ import annotations

import pytest

from crystalcli.lexical import exact_strings


def texts(question: str) -> list[str]:
    return [string.text for string in exact_strings(question)]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What does read_gauge do?", ["read_gauge"]),
        ("why is ExitCode raised in parseGaugeRecord?", ["ExitCode", "parseGaugeRecord"]),
        ("is harbour.gauge.read() slow?", ["harbour.gauge.read"]),
        ("what is std::vector for", ["std::vector"]),
        ("what does main() return", ["main"]),
        ("the _private name and the __init__ method", ["_private", "__init__"]),
        ("Does --dry-run write?", ["--dry-run"]),
        ("what is in src/harbour/gauge.py?", ["src/harbour/gauge.py"]),
        ("where is /etc/hosts read", ["/etc/hosts"]),
        ('who wrote "the tide is out" and “all is well”?', ["the tide is out", "all is well"]),
        ("a rope of 40 m, or 1,200 mm, for $4.5 a day", ["40 m", "1,200 mm", "$4.5"]),
        ("heated by 5 %", ["5 %"]),
    ],
)
def test_exact_strings_are_found(question, found):
    assert texts(question) == found


@pytest.mark.parametrize(
    "question",
    [
        "Who becomes the new CEO?",
        "Why did he/she and/or they leave in 1921, e.g. by ferry?",
        "What's Mr. Smith's well-known view of the U.S. navy?",
        "",
    ],
)
def test_plain_words_have_none(question):
    assert texts(question) == []


@pytest.mark.parametrize(
    ("question", "text", "stands"),
    [
        ("read_gauge", "x = read_gauge(1)", True),
        ("read_gauge", "x = Read_Gauge(1)", False),
        ("read_gauge", "x = read_gauges(1)", False),
        ('"The tide is out"', "said that the tide  is\nout again", True),
        ('"The tide is out"', "the tide is outside", False),
        ("how long are 40 m of rope", "40m of rope", True),
        ("how long are 40 m of rope", "140 m of rope", False),
        ("how long are 40 m of rope", "40 mm of rope", False),
        ("what does --dry do", "use --dry-run", False),
        ("what does --dry do", "use --dry now", True),
    ],
)
def test_a_string_stands_where_it_is_written_so(question, text, stands):
    (string,) = exact_strings(question)
    assert (string.pattern.search(text) is not None) == stands
