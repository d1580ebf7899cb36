"""Answers from the whole of a document, and lists of every mention."""

from __future__ import annotations

import dataclasses
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write
from support.waiting import GUARD

from crystalcli import Crystal
from crystalcli.answering import marked_text
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.cli.app import run
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.lm import LanguageModel

TALE = (
    "Chapter {n}\n\n"
    + "{who} kept the lamp on the island, and the ferry came at six. " * 6
    + "The tide was low in the harbour on day {n}. " * 6
    + "\n\n\n"
)
SLACK_USERS_FILE = ("Marta", "Josiah", "Marta", "Minna", "Josiah", "Marta", "Edith", "Minna", "Marta", "Edith")
BOOK = "".join(TALE.format(n=n, who=who) for n, who in enumerate(SLACK_USERS_FILE, 1))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book, notes and code, without vectors."""
    folder = tmp_path_factory.mktemp("broad")
    files = {
        "books/the-keeper.txt": BOOK,
        "books/rope.txt": "A rope is made of yarn. " * 30,
        "notes/monday.md": "# Monday\n\nThe bell rang.\n",
        "code/bell.py": "def ring_bell(times):\n    return ['ding'] * times\n\n\ndef main():\n    ring_bell(3)\n",
    }
    return read_into(folder / "m.crystal", write(folder / "d", files))


@pytest.fixture
def opened(shelf: Path):
    with Crystal.open(shelf, encoder=None) as crystal:
        yield crystal


# --- what it is about -----------------------------------------------------------------------------------


def test_every_part_of_a_book_has_its_share(opened):
    answer = opened.ask("What is The Keeper about?", extractive=True)
    assert len(answer.portions) >= 3
    assert {citation.path for citation in answer.citations} == {"books/the-keeper.txt"}
    assert {passage.path for passage in answer.passages} == {"books/the-keeper.txt"}
    begins = [*(BOOK.index(f"Chapter {n}\n") for n in range(1, 11)), len(BOOK)]
    reached = {n for n in range(10) for one in answer.passages if one.start < begins[n + 1] and one.end > begins[n]}
    assert len(reached) >= 8
    assert len(answer.citations) == 2 * len(answer.portions)
    starts = [citation.start for citation in answer.citations]
    assert starts == sorted(starts)
    for number, citation in enumerate(answer.citations):
        portion = answer.portions[number // 2]
        assert portion.citation == 2 * (number // 2) + 1
        assert opened.verified(citation)
        assert BOOK[citation.start : citation.end] == citation.quote
        assert " ".join(citation.quote.split()) in portion.text
        assert f"“{' '.join(citation.quote.split())}” [{number + 1}]" in answer.text
        assert f"\n- {portion.label}: “" in answer.text


def test_all_documents_when_the_question_names_none(opened):
    answer = opened.ask("What are these documents about?", extractive=True)
    assert {citation.path for citation in answer.citations} == {
        "books/the-keeper.txt", "books/rope.txt", "notes/monday.md", "code/bell.py",
    }  # fmt: skip
    assert answer.text.startswith("4 documents, in ")
    assert all(opened.verified(citation) for citation in answer.citations)


def test_a_chapter_and_a_folder(opened):
    chapter = opened.ask("Summarize chapter 4 of The Keeper", extractive=True)
    low, high = BOOK.index("Chapter 4"), BOOK.index("Chapter 5")
    assert chapter.text.startswith("Chapter 4, books/the-keeper.txt")
    assert all(low <= citation.start < high for citation in chapter.citations)
    folder = opened.ask("Give me an overview of the notes folder", extractive=True)
    assert [portion.label for portion in folder.portions] == ["Monday"]
    assert {citation.path for citation in folder.citations} == {"notes/monday.md"}


@pytest.mark.parametrize(
    "question",
    ["What is Ulysses about?", "what is ulysses about", "Summarize “The Rope”s End”", "What is code/gone.py about?",
     "How often is Marta mentioned in Ulysses?"],
)  # fmt: skip
def test_a_book_that_is_not_there_is_not_answered_with_another(opened, question):
    with pytest.raises(NotFoundError, match="this crystal has no document"):
        opened.ask(question, extractive=True)


def test_the_nearest_names_are_said(opened):
    with pytest.raises(NotFoundError, match=r"nearest: books/the-keeper\.txt"):
        opened.ask("What is The Keeper of Secrets about?", extractive=True)


def test_a_topic_is_gone_through_in_order(opened):
    answer = opened.ask("What does Marta do on the island?", extractive=True, broad=True)
    assert answer.portions
    assert all(opened.verified(citation) for citation in answer.citations)
    assert "Marta" in answer.text
    with pytest.raises(NotFoundError, match="this crystal does not mention"):
        opened.ask("What does the book say about xylophones?", extractive=True)


def test_who_asks_decides(opened):
    assert opened.ask("What is the tide about?", extractive=True, broad=False).portions == ()
    assert opened.ask("Which chapters mention Marta?", extractive=True, broad=False).portions == ()
    assert opened.ask("When did the bell ring?", extractive=True).portions == ()
    assert opened.ask("When did the bell ring?", extractive=True, broad=True).portions
    # By themselves these are for facts, and are no documents.
    for question in (
        "How does the ferry work?",
        "Describe the harbour",
        "What happened in the harbour?",
        "Where does Marta appear in Venice?",
        "How many times did the tide occur in Venice?",
    ):
        assert opened.ask(question, extractive=True).portions == (), question


def test_one_chunk_and_no_chunk(tmp_path):
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        with pytest.raises(NotFoundError, match="holds no text yet"):
            crystal.ask("What is this book about?", extractive=True)
        (tmp_path / "a.txt").write_text("The ferry left Oldhaven at six.\n")
        crystal.ingest([tmp_path / "a.txt"])
        answer = crystal.ask("What is this book about?", extractive=True)
        assert [citation.quote for citation in answer.citations] == ["The ferry left Oldhaven at six."]
        assert answer.text == "a.txt, in 1 part:\n\n- “The ferry left Oldhaven at six.” [1]"


def test_a_text_in_two_books_is_quoted_from_the_one_that_was_asked_about(tmp_path):
    same = "The keeper wrote nothing down, and the lamp burned all night. " * 40
    for name in ("first.txt", "second.txt"):
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / name).write_text(same)
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "d"])
        answer = crystal.ask("What is second.txt about?", extractive=True)
        assert {citation.path for citation in answer.citations} == {"second.txt"}


def test_with_vectors_the_parts_are_chosen_by_them(crystal):
    answer = crystal.ask("What is the story about?", extractive=True)
    assert len(answer.portions) == 8
    assert all(crystal.verified(citation) for citation in answer.citations)
    story = crystal.ask("Summarize the story folder", extractive=True)
    assert len({passage.path for passage in story.passages}) >= 10  # of twelve chapters, a file each
    assert all("spread" in passage.shares for passage in story.passages)


# --- lists ------------------------------------------------------------------------------------------------


def test_a_list_of_chapters_is_exact(opened):
    answer = opened.ask("Which chapters of The Keeper mention Marta?")  # and needs no language model
    assert answer.extractive
    assert [(portion.label, portion.count) for portion in answer.portions] == [
        (f"Chapter {n}", 6) for n, who in enumerate(SLACK_USERS_FILE, 1) if who == "Marta"
    ]
    assert answer.text.startswith("“Marta” occurs 24 times in 4 of 10 chapters of books/the-keeper.txt:")
    for citation in answer.citations:
        assert opened.verified(citation)
        assert "Marta" in citation.quote
    assert [citation.start for citation in answer.citations] == [
        match.start() for match in re.finditer(r"(?<=\n\n)Marta", BOOK)
    ]


def test_lists_by_file_and_by_function(opened):
    files = opened.ask("In which files is ring_bell used?")
    assert [(portion.label, portion.count) for portion in files.portions] == [("code/bell.py", 2)]
    functions = opened.ask("Which functions mention ring_bell?")
    assert [portion.label for portion in functions.portions] == ["ring_bell", "main"]
    assert "once in 1 of 4 documents" in opened.ask("Which documents mention the bell?").text


def test_what_stands_in_no_chapter_and_in_no_function_is_said_apart(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "sea.md").write_text(
        "A whale first.\n\n# Chapter 1\n\nA whale, whales.\n\n# Chapter 2\n\nNone; whales, whales.\n"
    )
    (folder / "paths.py").write_text(
        "import os\n\nROOT = os.sep\n\n\ndef first():\n    return os.name\n\n\ndef second():\n    return 1\n"
    )
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
        answer = crystal.ask("Which chapters of sea.md mention whale?")
        assert answer.text.startswith(
            "“whale” occurs twice in 1 of 2 chapters of sea.md, and outside of them (and as “whales” 3):"
        )
        assert [(each.label, each.count) for each in answer.portions] == [("outside of chapters", 1), ("Chapter 1", 1)]
        assert (
            "“whale” occurs once in 1 chapter of Chapter 1, sea.md (and as “whales” 1):"
            in crystal.ask("How often is whale mentioned in chapter 1 of sea.md?").text
        )
        answer = crystal.ask("Which functions of paths.py use os?")
        assert "3 times in 1 of 2 functions and classes of paths.py, and outside of them:" in answer.text
        answer = crystal.ask("Which functions of paths.py use ROOT?")
        assert "“ROOT” occurs once in paths.py, outside of its functions and classes:" in answer.text
        answer = crystal.ask("Which pages of sea.md mention whale?")
        assert answer.text.startswith("sea.md has no known pages.\n“whale” occurs twice in 1 document of sea.md")
        assert [(each.label, each.count) for each in answer.portions] == [("sea.md", 2)]


def test_counts(opened):
    assert "occurs 24 times" in opened.ask("How often is Marta mentioned?").text
    assert "occurs 6 times in 1 of 1 chapters" in opened.ask(
        "How often is Marta mentioned in chapter 3 of The Keeper?"
    ).text or (
        "occurs 6 times in 1 chapter" in opened.ask("How often is Marta mentioned in chapter 3 of The Keeper?").text
    )
    assert (
        "occurs 24 times" in opened.ask("How many times does Marta appear in The Keeper?").text
    )  # which is a document
    with pytest.raises(NotFoundError, match="“Ishmael” does not occur in 4 documents"):
        opened.ask("How many times is Ishmael mentioned?")


# --- with a language model ----------------------------------------------------------------------------------


def test_a_model_speaks_of_each_part_within_what_the_part_says(opened, language_model):
    heard: list[str] = []
    shown: list[int] = []
    progress: list[tuple[int, int, str]] = []
    answer = opened.ask(
        "Summarize the books folder", model=language_model, max_tokens=12, time=600, on_text=heard.append,
        on_evidence=lambda cited: shown.append(len(cited)),
        progress=lambda state: progress.append((state.done, state.total, state.unit)),
    )  # fmt: skip
    assert "".join(heard).strip() == marked_text(answer)
    for claim in answer.claims:
        assert answer.text[claim.start : claim.end] == claim.text
        assert claim.supported
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    assert all(portion.citation for portion in answer.portions)
    assert shown == [0]  # quoted part by part
    assert progress == [(number, len(answer.portions), "parts") for number in range(len(answer.portions))]
    assert not answer.extractive
    assert answer.seconds["recall"] <= answer.seconds["first"] <= answer.seconds["total"]
    assert answer.tokens["answer"] > 0
    assert all(opened.verified(citation) for citation in answer.citations)


@dataclasses.dataclass
class Reciting:
    """A model that says the same of everything, and counts how often."""

    model: LanguageModel
    words: str
    asked: int = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def say(self, messages, sampling):
        self.asked += 1
        yield from re.findall(r"\S+\s*", self.words)


@pytest.fixture
def reciting(language_model):
    return lambda words: Reciting(language_model, words)


def test_a_sentence_stays_where_its_part_bears_it_out(opened, reciting):
    answer = opened.ask("What is The Keeper about?", model=reciting("Marta kept the lamp on the island."), time=600)
    said = [portion for portion in answer.portions if portion.text == "Marta kept the lamp on the island."]
    assert 0 < len(said) < len(answer.portions)  # there are parts without her
    assert [claim.text for claim in answer.claims] == [portion.text for portion in said]
    for portion in said:
        assert "Marta kept the lamp on the island" in answer.citations[portion.citation - 1].quote
    assert all(portion.text.startswith("“") for portion in answer.portions if portion not in said)


@pytest.mark.parametrize(
    "words",
    [
        "Marta kept the lamp in 1893.",
        "And so Ahab saw the ferry.",
        "Marta never kept the lamp on the island.",
        "Marta lit a fire and burnt the house.",
        "The lamp on the island kept Marta.",
        "Marta kept the lamp on the",
    ],
)
def test_what_no_part_bears_out_is_not_said(opened, reciting, words):
    answer = opened.ask("What is The Keeper about?", model=reciting(words), time=600)
    assert answer.claims == ()
    assert all(portion.text.startswith("“") for portion in answer.portions)
    assert all(opened.verified(answer.citations[portion.citation - 1]) for portion in answer.portions)


def test_a_part_is_summed_up_in_view_of_a_question(opened, reciting):
    model = reciting("Marta kept the lamp on the island.")
    answer = opened.ask("What are the main themes of The Keeper?", model=model, time=600)
    assert "Marta kept the lamp on the island." in {portion.text for portion in answer.portions}


def test_what_the_model_has_no_time_for_is_quoted(opened, reciting):
    model = reciting("Marta kept the lamp on the island.")
    answer = opened.ask("What is The Keeper about?", model=model, time=0.001)
    assert model.asked == 0
    assert all(portion.text.startswith("“") for portion in answer.portions)
    with pytest.raises(UsageError, match="time: expected seconds above 0"):
        opened.ask("What is The Keeper about?", extractive=True, time=0)


# --- comparisons --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "Compare The Keeper and rope.txt",
        "What is the difference between The Keeper and rope.txt?",
        "How does The Keeper differ from rope.txt?",
        "the-keeper.txt vs. rope.txt",
        "What do The Keeper and the book rope.txt have in common?",
    ],
)
def test_two_documents_are_told_and_compared(opened, question):
    answer = opened.ask(question, extractive=True)
    assert re.findall(r"(?m)^(?:books|More in)\S* ?\S*", answer.text) == [
        "books/the-keeper.txt:", "books/rope.txt:", "More in books/the-keeper.txt:", "More in books/rope.txt:",
    ]  # fmt: skip
    apart = dict(re.findall(r"More in (\S+): (.*)\.", answer.text))
    assert "island" in apart["books/the-keeper.txt"] and "yarn" in apart["books/rope.txt"]
    assert {citation.path for citation in answer.citations} == {"books/the-keeper.txt", "books/rope.txt"}
    assert all(opened.verified(citation) for citation in answer.citations)


def test_only_two_documents_are_compared(opened):
    for question in ("Compare the ferry and the bell", "How does the lamp differ from the tide?", "rope vs. yarn"):
        assert opened.ask(question, extractive=True, floor=0).portions == (), question


def test_a_stop_keeps_what_was_said(opened):
    heard: list[str] = []

    def stop_at_the_third(piece: str) -> None:
        heard.append(piece)
        if "".join(heard).count("\n- ") == 3:
            raise KeyboardInterrupt

    question = "What is The Keeper about?"
    evidence: list[object] = []
    answer = opened.ask(
        question, AskOptions(extractive=True, stoppable=True), on_text=stop_at_the_third, on_evidence=evidence.append
    )
    assert not evidence  # and no model is opened
    assert answer.stopped
    heard.clear()
    with pytest.raises(KeyboardInterrupt):
        opened.ask(question, extractive=True, on_text=stop_at_the_third)
    assert [portion.citation for portion in answer.portions] == [1, 3]
    assert len(answer.citations) == 4
    assert all(opened.verified(citation) for citation in answer.citations)


# --- on the command line --------------------------------------------------------------------------------------


def test_the_command_line(shelf, capsys):
    assert run(["ask", "-c", str(shelf), "What is The Keeper about?", "--extractive", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    numbers = [cited["number"] for cited in told["citations"]]
    assert [portion["citation"] for portion in told["portions"]] == numbers[::2]
    assert run(["ask", "-c", str(shelf), "What is Ulysses about?", "--extractive"]) == 7
    assert "this crystal has no document “Ulysses”" in capsys.readouterr().err
    assert run(["ask", "-c", str(shelf), "Which chapters mention Minna?"]) == 0  # no model is fetched or opened
    assert "Minna” occurs 12 times in 2 " in capsys.readouterr().out
    assert run(["ask", "-c", str(shelf), "What is the tide about?", "--no-broad", "--floor", "0"]) == 0
    assert " parts:" not in capsys.readouterr().out


def test_ctrl_c_shows_what_was_said_with_its_sources(shelf, language_model_path):
    asked = ["ask", "-c", str(shelf), "What is The Keeper about?", "--model", str(language_model_path)]
    command = [sys.executable, "-m", "crystalcli", *asked]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    said = ""
    while said.count("\n- ") < 2 and (more := child.stdout.read(1)):
        said += more
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=GUARD)
    assert child.returncode == 130
    assert re.search(r"\[1\] \S*books/the-keeper\.txt:", said + out)
    assert err.endswith("crystal: stopped\n")
