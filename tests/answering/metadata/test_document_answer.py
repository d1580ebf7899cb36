"""Answers about documents themselves, read back from the file that they are in."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write
from support.packed_formats import pdf

from crystalcli import Crystal
from crystalcli.errors import NotFoundError

PARAGRAPH = "{who} kept the lamp on the island, and the ferry came at six. " * 5
NOVEL = (
    "The Project Gutenberg EBook of The Harbour Lamp, by Edith Marrow\n\nTitle: The Harbour Lamp\n\nAuthor: Edith Marrow\n\n"
    "Release Date: August, 1994\n\n"
    "*** START OF THIS PROJECT GUTENBERG EBOOK THE HARBOUR LAMP ***\n\n\n\nCONTENTS\n\n"
    "VOLUME I\n\nCHAPTER I\n\nCHAPTER II\n\nVOLUME II\n\nCHAPTER I\n\n\n\n\n"
    "PREFACE\n\nI was asked to write this. It was long ago.\n\n\n\n"
    "VOLUME I\n\n\n\nCHAPTER I\n\nThe Ferry\n\nMinna came by the night boat. " + PARAGRAPH.format(who="Minna") + "\n\n\n\n"
    "CHAPTER II\n\nThe Key\n\nThe brass key was gone. " + PARAGRAPH.format(who="Josiah") + "\n\n\n\n"
    "VOLUME II\n\n\n\nCHAPTER I\n\nThe Flood\n\nWater rose over the pier. " + PARAGRAPH.format(who="Edith")
    + "And the lamp went out for ever.\n\nTHE END\n\n*** END OF THIS PROJECT GUTENBERG EBOOK THE HARBOUR LAMP ***\n\nLicence.\n"
)  # fmt: skip
STORIES = "".join(
    f"\n\n\n{title}\n\n{PARAGRAPH.format(who=who)}\n\n{PARAGRAPH.format(who=who)}"
    for title, who in (("The Red Sail", "Ann"), ("The Locked Boathouse", "Bob"), ("A Case of Rope", "Cid"))
)
FILES = {
    "lamp.txt": NOVEL,
    "maud-fenn_the-red-sail-and-other-stories.txt": STORIES,
    "garden.md": "---\ntitle: The Garden\nauthor: Maud Fenn\ndate: 2024-05-01\n---\n# The Garden\n\nBeans grow.\n\n"
    "## Peas\n\nPeas grow.\n",
    "crew.csv": "name,age\nAnn,3\nBob,4\nCid,5\n",
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A novel with a table of contents, stories, notes, a table and a paper, without vectors."""
    folder = tmp_path_factory.mktemp("facts")
    write(folder / "d", FILES)
    pages = [["Tides: How the Moon Pulls", "Ann B. Lee", "Abstract", "The moon pulls at the sea."], ["The sea rises."]]
    (folder / "d" / "p1.pdf").write_bytes(pdf(pages, "Tides: How the Moon Pulls"))
    return read_into(folder / "m.crystal", folder / "d")


@pytest.fixture
def opened(shelf: Path):
    with Crystal.open(shelf, encoder=None) as crystal:
        yield crystal


@pytest.mark.parametrize(
    ("question", "said", "quoted"),
    [
        ("Who wrote The Harbour Lamp?", "The Harbour Lamp is by Edith Marrow [1].", "Author: Edith Marrow"),
        ("When was The Harbour Lamp released?", "August, 1994", "Release Date: August, 1994"),
        ("who is the author of the garden", "The Garden is by Maud Fenn [1].", "author: Maud Fenn"),
        ("When was The Garden dated?", "gives the date 2024-05-01", "date: 2024-05-01"),
        ("Who wrote The Red Sail and Other Stories?", "is by Maud Fenn, by its file name [1].", "The Red Sail"),
        ("How many chapters does The Harbour Lamp have?", "has 3 chapters in 2 volumes, counted by its headings", "CHAPTER I"),
        ("How many stories are in The Red Sail and other stories?", "has 3 stories", "The Red Sail"),
        ("How many pages does p1.pdf have?", "Tides: How the Moon Pulls has 2 pages [1].", None),
        ("Who wrote the paper Tides?", "Tides: How the Moon Pulls is by Ann B. Lee [1].", "Ann B. Lee"),
        ("What is the title of p1.pdf?", "The title of p1.pdf is “Tides: How the Moon Pulls” [1].", "Tides"),
        ("how many rows are in crew.csv", "crew.csv has 3 rows under its header", None),
        ("How many words are in The Garden?", "words, counted in its text", None),
        ("What is the first sentence of The Harbour Lamp?", "“Minna came by the night boat.” [1]", "Minna came by the night boat."),
        ("quote the last sentence of The Harbour Lamp", "“And the lamp went out for ever.” [1]", None),
        ("What is the first sentence of chapter 2 of The Harbour Lamp?", "“The brass key was gone.” [1]", None),
        ("Which chapter is The Key?", "Chapter 2, The Key, in The Harbour Lamp [1].", "CHAPTER II"),
        ("What is chapter 2 of The Harbour Lamp called?", "Chapter 2, The Key", "CHAPTER II"),
        ("In which chapter is the brass key gone?", "Chapter 2, The Key (The Harbour Lamp): “The brass key was gone.” [1]", None),
    ],
)  # fmt: skip
def test_a_document_is_described_with_the_place_that_says_so(opened, question, said, quoted):
    answer = opened.ask(question, extractive=True, floor=0.0)
    assert said in answer.text
    assert answer.answered
    assert answer.citations
    assert all(opened.verified(citation) for citation in answer.citations)
    assert [citation.number for citation in answer.citations] == list(range(1, len(answer.citations) + 1))
    if quoted is not None:
        assert quoted in answer.citations[0].quote


def test_contents_are_listed_with_their_places(opened):
    answer = opened.ask("What chapters does The Harbour Lamp have?", extractive=True)
    assert answer.text.startswith("The Harbour Lamp has 3 chapters:")
    labels = [portion.label for portion in answer.portions]
    assert [label for label in labels if label.startswith("CHAPTER")] == [
        "CHAPTER I. The Ferry", "CHAPTER II. The Key", "CHAPTER I. The Flood",
    ]  # fmt: skip
    for portion in answer.portions:
        line = int(portion.text.removeprefix("line "))
        assert NOVEL.split("\n")[line - 1].startswith(portion.label.partition(".")[0])


@pytest.mark.parametrize("question", ["who wrote it?", "How many chapters are there?", "table of contents"])
def test_a_question_without_a_name_needs_a_crystal_of_one_document(opened, tmp_path, question):
    with suppress(NotFoundError):
        assert opened.ask(question, extractive=True, floor=0.0).evidence is not None
    (tmp_path / "lamp.txt").write_text(NOVEL, encoding="utf-8")
    with Crystal.create(tmp_path / "one.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "lamp.txt"])
        text = crystal.ask(question, extractive=True).text
    assert "is by Edith Marrow" in text or "has 3 chapters" in text


def test_a_document_that_does_not_say_is_answered_from_its_passages(opened):
    answer = opened.ask("When was The Red Sail and Other Stories published?", extractive=True, floor=0.0)
    assert answer.evidence is not None
    assert "gives the date" not in answer.text


def test_places_of_books_carry_their_chapter(opened):
    place = opened.recall("Where was the brass key?", 1)[0].place
    assert place.chapter is not None
    assert (place.chapter.number, place.chapter.title) == (2, "The Key")
    assert str(place).startswith("ch. 2 The Key, line")
    assert place.within_chapter.startswith("line")
    start = FILES["garden.md"].index("Peas grow")
    garden = opened.cite("garden.md", start, start + 9).place
    assert (garden.path, garden.chapter and garden.chapter.title) == ("garden.md", "Peas")
    assert str(garden).startswith("line")
