"""Filters by options and by words, at the command line, over notes and a chat without vectors."""

from __future__ import annotations

import json

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.cli.app import run

CHAT = [
    ("Ann", "2026-03-02T10:00", "The blue tent is with Henrik in the cellar."),
    ("Sam", "2026-06-05T10:00", "Nobody has seen the blue tent for weeks."),
    ("Ann", "2026-11-20T10:00", "The blue tent is torn, we need another one."),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("where")
    (folder / "notes").mkdir()
    messages = [{"author": author, "time": time, "text": text} for author, time, text in CHAT]
    (folder / "chat.json").write_text(json.dumps(messages), encoding="utf-8")
    (folder / "notes/2026-03-14.md").write_text("The dentist is Dr Solberg, in Mill Lane.", encoding="utf-8")
    (folder / "notes/2026-09-01.md").write_text("The dentist is Dr Wiik, in Ropewalk.", encoding="utf-8")
    (folder / "notes/shed.md").write_text("---\ntags: [wood]\n---\nThe saw hangs in the shed.", encoding="utf-8")
    with Crystal.create(folder / "c.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "notes", folder / "chat.json"])
    return folder


def printed(capsys, folder, command: str, *words: str, code: int = 0) -> dict:
    assert run([command, *words, "-c", str(folder / "c.crystal"), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def result(capsys, folder, command: str, *words: str, code: int = 0) -> dict:
    data = printed(capsys, folder, command, *words, code=code)
    return data.get("result", data)


def quotes(answer: dict) -> str:
    return "\n".join(citation["quote"] for citation in answer["citations"])


@pytest.mark.parametrize(
    ("options", "found", "missing"),
    [
        (("--by", "ann", "blue tent"), "cellar", "weeks"),
        (("--since", "2026-06", "--until", "june", "blue tent"), "weeks", "cellar"),
        (("--since", "10d", "blue tent"), "torn", "weeks"),
        (("--since", "7d", "--today", "2026-06-07", "--until", "2026-06-30", "blue tent"), "weeks", "torn"),
        (("--in", "notes", "dentist or tent"), "Wiik", "torn"),
        (("--kind", "chat", "dentist or tent"), "cellar", "Wiik"),
        (("--tag", "#wood", "saw or dentist"), "saw", "Wiik"),
    ],
)
def test_options_select_passages(capsys, folder, options, found, missing):
    data = result(capsys, folder, "recall", *options)
    text = "\n".join(
        passage["text"][start - passage["start"] : end - passage["start"]]
        for passage in data["passages"]
        for start, end in [(passage["best"]["start"], passage["best"]["end"])]
    )
    assert found in text and missing not in text
    assert data["filter"]["from_words"] is False


@pytest.mark.parametrize("command", ["recall", "ask"])
def test_words_are_read_and_shown(capsys, folder, command):
    question = "What did Ann say about the blue tent since October?"
    data = result(capsys, folder, command, question, *(("--floor", "0") if command == "ask" else ()))
    assert data["filter"] == {
        "read_as": "messages by Ann, since 2026-10-01",
        "from_words": True,
        "dropped": False,
        "in": [],
        "kinds": [],
        "since": "2026-10-01",
        "until": None,
        "by": ["Ann"],
        "tags": [],
        "me": None,
    }
    assert {passage["date"] for passage in data["passages"]} == {"2026-11-20"}
    assert run([command, question, "-c", str(folder / "c.crystal")]) in (0, 7)
    assert capsys.readouterr().out.startswith("read as: messages by Ann, since 2026-10-01\n")


def test_words_that_lead_nowhere_are_dropped(capsys, folder):
    answer = result(capsys, folder, "ask", "Who is the dentist of Ropewalk, according to Sam?", "--floor", "0.01")
    assert answer["filter"]["read_as"] == "messages by Sam" or answer["filter"] is None
    question = "Who was seen with the blue tent in 2019?"
    answer = result(capsys, folder, "ask", question, "--floor", "0")
    assert answer["filter"]["dropped"] is True and "tent" in quotes(answer)
    assert run(["ask", question, "--floor", "0", "-c", str(folder / "c.crystal")]) == 0
    assert "; nothing there, looked everywhere" in capsys.readouterr().out


def test_options_stay_when_words_are_dropped(capsys, folder):
    answer = result(capsys, folder, "ask", "What did Ann say of Dr Wiik in 2019?", "--in", "notes", "--floor", "0")
    assert answer["filter"]["dropped"] is True
    assert all("dentist" in citation["quote"] or "shed" in citation["quote"] for citation in answer["citations"])


def test_the_newest_comes_first_and_says_what_was_before(capsys, folder):
    answer = result(capsys, folder, "ask", "Who is the dentist now?", "--floor", "0")
    assert answer["citations"][0]["date"] == "2026-09-01"
    assert run(["ask", "Who is the dentist now?", "--floor", "0", "-c", str(folder / "c.crystal")]) == 0
    assert "before: Dr Solberg, in Mill Lane (2026-03-14)" in capsys.readouterr().out


def test_what_supersedes_nothing_is_marked_as_older(capsys, tmp_path):
    (tmp_path / "2026-02-02.md").write_text("We asked for the ferry's timetable at the kiosk.", encoding="utf-8")
    (tmp_path / "2026-08-08.md").write_text("We asked for the ferry's timetable and got one.", encoding="utf-8")
    with Crystal.create(tmp_path / "c.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path])
    question = "Where did we ask for the ferry's timetable now?"
    assert run(["ask", question, "--quote", "--floor", "0", "-c", str(tmp_path / "c.crystal")]) == 0
    out = capsys.readouterr().out
    assert out.index("2026-08-08.md") < out.index("(older, of 2026-02-02)")


def test_a_day_without_words_is_answered_with_its_entries(capsys, folder):
    answer = result(capsys, folder, "ask", "What happened in September 2026?")
    assert answer["answered"] and answer["evidence"] is None and "Wiik" in quotes(answer)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--by", "Anne"), 7, "no messages by Anne in this crystal; nearest: Ann"),
        (("--in", "nots"), 7, "no document matches nots; nearest: notes"),
        (("--kind", "pdf"), 7, "its kinds: chat, markdown"),
        (("--tag", "woods"), 7, "nearest: wood"),
        (("--since", "2031"), 7, "nothing in this crystal is since 2031-01-01"),
        (("--since", "soon"), 2, "invalid --since 'soon'"),
        (("--today", "soon"), 2, "invalid --today 'soon'"),
        (("--since", "2026-03", "--until", "2026-02"), 2, "is after the last"),
    ],
)
def test_an_option_that_matches_nothing_is_one_clear_error(capsys, folder, options, code, words):
    for command in ("recall", "ask"):
        assert run([command, "tent", *options, "-c", str(folder / "c.crystal")]) == code
        assert words in capsys.readouterr().err


def test_broad_answers_keep_to_the_filter(capsys, folder):
    answer = result(capsys, folder, "ask", "Which files mention dentist?", "--since", "2026-08")
    assert [portion["label"] for portion in answer["portions"]] == ["2026-09-01.md"]


def test_files_that_are_gone_are_quoted_last_and_marked(capsys, tmp_path):
    (tmp_path / "old.txt").write_text("The lamp of the harbour is lit by gas.", encoding="utf-8")
    (tmp_path / "new.txt").write_text("The lamp of the harbour is lit by oil.", encoding="utf-8")
    (tmp_path / "gone.txt").write_text("The crane lifts nine tons of herring.", encoding="utf-8")
    with Crystal.create(tmp_path / "c.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path])
        (tmp_path / "old.txt").unlink()
        (tmp_path / "gone.txt").unlink()
        crystal.ingest([tmp_path])
        answer = crystal.ask("How is the lamp of the harbour lit?", floor=0.0)
        assert {citation.path for citation in answer.citations} == {"new.txt"}
    assert run(["ask", "How many tons of herring does the crane lift?", "-c", str(tmp_path / "c.crystal")]) == 0
    assert "gone.txt:1  (the file is gone)" in capsys.readouterr().out


def test_the_library_takes_the_same_filter(folder):
    with Crystal.open(folder / "c.crystal", encoder=None) as crystal:
        where = RecallFilter(people=("Ann",))
        results = crystal.recall("blue tent", where=where)
        assert results.reading is not None and results.reading.recall_filter == where
        answer = crystal.ask("blue tent", where=where, floor=0.0)
        assert str(answer.reading) == "messages by Ann"
        assert "with Henrik" in str(crystal.pack_context("Where is the blue tent?", where=where))
        assert crystal.authors() == {"Ann": 2, "Sam": 1} and crystal.tags() == ["wood"]
