"""A file of questions is read line by line; a bad line is named, with what is expected."""

from __future__ import annotations

import json

import pytest

from crystalcli.errors import SourceError, UsageError
from crystalcli.evaluation import EvaluationQuestion, GoldPlace, read_questions


def test_every_way_to_know_an_answer_is_read(tmp_path):
    rows = [
        {"question": "Who?", "answers": ["Ida Trent", "Trent"], "qid": "other keys do not matter"},
        {"question": "When?", "patterns": [r"\b18\d\d\b"], "places": [{"path": "a.md", "line": 3}, "b.md"]},
        {"question": "Where?", "places": [{"path": "c.pdf", "page": 2}, {"path": "d", "start": 0, "end": 9}]},
        {"question": "Why?", "answers": []},
        {"question": "How?", "refuse": True},
    ]
    path = tmp_path / "q.jsonl"
    path.write_text("\ufeff\n" + "\n\n".join(map(json.dumps, rows)) + "\n", encoding="utf-8")
    questions = read_questions(path)
    assert questions == [
        EvaluationQuestion("Who?", ("Ida Trent", "Trent"), line=2),
        EvaluationQuestion("When?", (), (r"\b18\d\d\b",), (GoldPlace("a.md", 3), GoldPlace("b.md")), 4),
        EvaluationQuestion("Where?", places=(GoldPlace("c.pdf", page=2), GoldPlace("d", start=0, end=9)), line=6),
        EvaluationQuestion("Why?", line=8),
        EvaluationQuestion("How?", line=10),
    ]
    assert [question.refuse for question in questions] == [False, False, False, True, True]
    assert list(map(str, questions[1].places + questions[2].places)) == [
        "a.md:3",
        "b.md",
        "c.pdf p. 2",
        "d characters 0-9",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1]", "expected a JSON object"),
        ('{"answers": ["x"]}', "question: expected a text"),
        ('{"question": " "}', "question: expected a text"),
        ('{"question": "Who?"}', "expected answers, patterns, places"),
        ('{"question": "Who?", "answers": "Ann"}', "answers: expected a list of texts"),
        ('{"question": "Who?", "answers": ["?!"]}', "answers: expected words, got '?!'"),
        ('{"question": "Who?", "patterns": ["("]}', "patterns: '(' is not a regular expression"),
        ('{"question": "Who?", "places": {"path": "a"}}', "places: expected a list"),
        ('{"question": "Who?", "places": [{"line": 3}]}', "places: expected objects with a path"),
        ('{"question": "Who?", "places": [{"path": "a", "line": "3"}]}', "line: expected a number, got '3'"),
        ('{"question": "Who?", "places": [{"path": "a", "start": 3}]}', "expected start and a greater end"),
        ('{"question": "Who?", "refuse": "yes"}', "refuse: expected true or false"),
        ('{"question": "Who?", "refuse": true, "answers": ["Ann"]}', "refuse: true goes with no answers"),
        ('{"question": "Who?", "refuse": false}', "refuse: false needs answers"),
    ],
)
def test_a_bad_line_is_named_with_what_is_expected(tmp_path, line, said):
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"question": "Good?", "answers": ["yes"]}}\n{line}\n', encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read_questions(path)
    assert str(raised.value).startswith(f"{path}, line 2: ")
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("data", "said"), [(b"", "holds no question"), (b"\xff\xfe\xff", "cannot read"), (None, "No such")]
)
def test_a_file_that_is_no_text_or_holds_nothing_is_refused(tmp_path, data, said):
    path = tmp_path / "q.jsonl"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SourceError, match=said):
        read_questions(path)
