"""What the tools say, on a small crystal of notes, a chat, code and a book, without vectors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from crystalcli.errors import CrystalError, NotFoundError, UsageError
from crystalcli.library import Crystal
from crystalcli.mcp_server.toolbox import Toolbox

FILLER = "The harbour lay still and nobody spoke of it. "
CHAT = [
    ("Ann Berg", "2026-03-02T10:00", "The tent is with Henrik."),
    ("Sam", "2026-06-05T10:00", "The tent is torn now."),
]
CODE = "class Tide:\n    def height(self):\n        return 3\n\n\ndef spring_tide():\n    return Tide().height()\n"


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    (folder / "notes").mkdir()
    (folder / "chat.json").write_text(
        json.dumps([{"author": author, "time": time, "text": text} for author, time, text in CHAT]), encoding="utf-8"
    )
    (folder / "notes/2026-03-14.md").write_text("# Shed\n\nThe tent smells of smoke.\n", encoding="utf-8")
    (folder / "notes/long.md").write_text(
        "# Top\n\nHead.\n\n## Ropes\n\nBuy rope.\n\n" + f"{FILLER}\n" * 300 + "\n## Lamps\n\nThe lamp burns oil.\n",
        encoding="utf-8",
    )
    (folder / "tide.py").write_text(CODE, encoding="utf-8")
    (folder / "empty.md").write_text("", encoding="utf-8")
    file = tmp_path_factory.mktemp("crystals") / "shelf.crystal"
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder])
    return file


@pytest.fixture(scope="module")
def say(path):
    with Crystal.open(path, encoder=None) as crystal:
        yield lambda tool, **arguments: Toolbox(write=False).call(crystal, tool, arguments)


def test_search_gives_a_verdict_and_passages_with_their_places(say):
    text = say("search", question="Who has the tent?", k=2)
    first, *_ = text.split("\n")
    assert re.match(r"(Answered|Maybe|Not here) \(evidence 0\.\d\d of 1\)", first)
    assert "(Found by words alone" in text
    assert re.search(r"^\[1\] .+ \| score \d\.\d\d \| at=\d+$", text, re.MULTILINE)
    assert re.search(r"^\[2\] ", text, re.MULTILINE)
    assert not re.search(r"^\[3\] ", text, re.MULTILINE)


def test_search_says_when_it_may_not_be_here(say):
    text = say("search", question="Who sold the harbour to the smoke company of Henrik?")
    assert re.match(r"(Maybe|Not here) \(evidence 0\.", text)
    assert re.search(r"^\[1\] ", text, re.MULTILINE)
    with pytest.raises(NotFoundError, match="nothing in this crystal answers"):
        say("search", question="What is the boiling point of tungsten in Kelvin?")


def test_search_keeps_to_its_filters(say):
    assert "notes/2026-03-14.md:1-3 | Shed | 2026-03-14" in say("search", question="tent", **{"in": "notes"})
    chat = say("search", question="tent", person="sam")
    assert "chat.json Sam, 2026-06-05 10:00" in chat and "Henrik" not in chat
    assert "torn" not in say("search", question="tent", kind="chat, markdown", until="2026-04")
    assert "smoke" not in say("search", question="tent", since="2026-05")


def test_search_answers_exactly_where_it_can(say):
    text = say("search", question="Where is spring_tide defined?")
    assert "tide.py:6-7 | spring_tide" in text
    text = say("search", question="How often is the tent mentioned?")
    assert "occurs 3 times" in text and re.search(r"^\[1\] chat.json ", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"question": " "}, "the question is empty"),
        ({"question": "x", "k": 0}, "search: k has to be from 1 to 20, got 0"),
        ({"question": "tent", "in": "nots"}, "no document matches nots; nearest: notes"),
        (
            {"question": "tent", "kind": "pfd"},
            "no document of kind pfd in this crystal; its kinds: chat, code, markdown",
        ),
        ({"question": "tent", "since": "soon"}, "invalid since 'soon': expected a date such as 2026"),
        ({"question": "tent", "person": "Samm"}, "no messages by Samm in this crystal; nearest: Sam"),
    ],
)
def test_what_is_wrong_with_a_search_is_said_with_the_nearest_names(say, arguments, message):
    with pytest.raises(CrystalError, match=re.escape(message)):
        say("search", **arguments)


def test_read_begins_at_the_beginning_and_says_how_to_read_on(say):
    text = say("read", path="long.md")
    assert text.startswith("notes/long.md:1-")
    assert "\nfile: /" in text
    windows = 0
    while match := re.search(r"\[.*read on with at=(\d+)", text):
        text = say("read", path="notes/long.md", at=match[1])
        windows += 1
    assert text.endswith("The lamp burns oil.\n\n" + text.rpartition("\n\n")[2])
    assert windows == 3  # 13,000 characters in windows of 4,000
    assert "before this: at=" in text


def test_windows_follow_one_another_without_a_gap(say):
    first, second = say("read", path="notes/long.md"), ""
    at = re.search(r"read on with at=(\d+)", first)
    second = say("read", path="notes/long.md", at=at[1])
    last_line = re.match(r"notes/long\.md:\d+-(\d+)", first)[1]
    assert re.match(r"notes/long\.md:(\d+)-", second)[1] == str(int(last_line) + 1)
    back = re.search(r"before this: at=(\d+)", second)[1]
    assert say("read", path="notes/long.md", at=back).startswith("notes/long.md:1-")


def test_read_takes_lines_sections_and_what_search_writes_behind_a_path(say):
    assert say("read", path="tide.py", lines="6-7").endswith(
        "def spring_tide():\n    return Tide().height()\n\n[before this: at=800]"
    )
    assert "Buy rope." in say("read", path="notes/long.md", section="ropes")
    assert "The lamp burns oil." in say("read", path="notes/long.md", section="s3")
    assert "return 3" in say("read", path="tide.py", section="Tide.height")
    assert say("read", path="notes/long.md:150").startswith("notes/long.md:1")
    assert "The lamp" in say("read", path="notes/long.md", lines="300-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "lung.md"}, "no document matches lung.md; nearest: notes/long.md"),
        ({"path": "md"}, "no document matches md"),
        ({"path": "*.md"}, "2 documents match *.md: give one of them, for example notes/2026-03-14.md, notes/long.md"),
        ({"path": "empty.md"}, "empty.md has no text in this crystal: empty"),
        ({"path": "tide.py", "lines": "9-12"}, "tide.py has 7 lines; line 9 is behind its end"),
        ({"path": "tide.py", "lines": "first"}, "read: lines has to be a range such as 3-5, got 'first'"),
        ({"path": "tide.py", "lines": "5-2"}, "invalid lines: expected a range such as 3-5, counted from 1, got 5-2"),
        ({"path": "tide.py", "pages": "1"}, "tide.py has no pages"),
        ({"path": "chat.json", "lines": "1"}, "chat.json has no lines to count: its kind is chat"),
        ({"path": "notes/long.md", "section": "Rops"}, "notes/long.md has no section Rops; nearest: Ropes"),
        ({"path": "notes/long.md", "section": "s9"}, "notes/long.md has no section s9; its first: Top, Ropes, Lamps"),
        ({"path": "tide.py", "lines": "1", "at": 0}, "read takes one of lines, pages, section and at, not several"),
    ],
)
def test_what_is_wrong_with_a_reading_is_said(say, arguments, message):
    with pytest.raises(CrystalError, match=re.escape(message)):
        say("read", **arguments)


def test_outline_gives_the_parts_with_ids(say):
    assert say("outline", path="tide.py").split("\n")[1:] == [
        "s1 Tide | lines 1-3", "s2   Tide.height | lines 2-3", "s3 spring_tide | lines 6-7"
    ]  # fmt: skip
    assert say("outline", path="notes/long.md").split("\n")[1:] == [
        "s1 Top | line 1", "s2   Ropes | line 5", "s3   Lamps | line 310"
    ]  # fmt: skip
    assert say("outline", path="chat.json").split("\n")[1:] == [
        "s1 2026-03 | Ann Berg, 2026-03-02 10:00", "s2 2026-06 | Sam, 2026-06-05 10:00"
    ]  # fmt: skip


def test_list_gives_kind_date_and_size(say):
    lines = say("list").split("\n")
    assert lines[0] == "5 documents"
    assert "chat.json | chat | 2026-06-05 | " in "\n".join(lines)
    assert "empty.md | not read: empty" in lines
    assert say("list", glob="2026*").split("\n") == ["1 document", lines[3]]
    with pytest.raises(NotFoundError, match="no document matches nots; nearest: notes"):
        say("list", glob="nots")


def test_mentions_are_counted_by_file_and_by_part(say):
    assert say("mentions", text="tent").split("\n")[:3] == [
        "“tent” occurs 3 times in 2 of 4 documents:",
        "- chat.json: twice, first Ann Berg, 2026-03-02 10:00",
        "- notes/2026-03-14.md: once, line 3",
    ]
    text = say("mentions", text="harbour", by="chapter", **{"in": "long.md"})
    assert text.startswith("“harbour” occurs 300 times in 1 of 3 chapters of notes/long.md:\n- Top › Ropes: 300 times")
    with pytest.raises(NotFoundError, match="“zebra” does not occur in 4 documents"):
        say("mentions", text="zebra")
    with pytest.raises(UsageError, match="unknown unit 'paragraph': expected chapter, page, file, function"):
        say("mentions", text="tent", by="paragraph")
    with pytest.raises(UsageError, match="the phrase to count is empty"):
        say("mentions", text=" ")


def test_remember_makes_a_dated_document(path, tmp_path):
    file = tmp_path / "own.crystal"
    file.write_bytes(path.read_bytes())
    with Crystal(file, encoder=None) as crystal:
        tools = Toolbox(write=True)
        said = [
            tools.call(crystal, "remember", {"text": "The key is under the pot.", "title": "Key / shed"}) for _ in "12"
        ]
        names = [text.removeprefix("Remembered as ").removesuffix(".") for text in said]
        assert len(set(names)) == 2
        assert re.fullmatch(r"memories/20\d\d-\d\d-\d\d-[0-9a-f]{8}", names[0])
        assert crystal.read(names[0]).text == "Key / shed\n\nThe key is under the pot.\n"
        options = {"by": "Ann", "date": "2026-09-20", "tags": "home, #shed"}
        tools.call(crystal, "remember", {"text": "The shed is sold.", **options})
        (memory,) = crystal.memories(tags=["shed"])
        assert (memory.author, memory.dated, memory.tags) == ("Ann", "2026-09-20", ("home", "shed"))
        assert names[0][9:19] in tools.call(crystal, "search", {"question": "Where is the key?"})
        with pytest.raises(UsageError, match="the text is empty"):
            tools.call(crystal, "remember", {"text": " "})
