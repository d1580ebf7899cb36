from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crystalcli.answering.grounding.attribution import SourceMatch, Sources
from crystalcli.answering.grounding.row_label import labelled_rows
from crystalcli.library import Crystal

NOTES = {
    "people.md": "# People\n\n- Ann: birthday 4 October\n- Jonas: plays drums, lives in Tollgate Street\n- **Phone**: 555 0192\n",
    "NORTHWIND_2022_report.txt": "Total revenue was $17,606 million. Costs were lower than in the year before.\n",
    "crossing.txt": "Captain Haddow sailed from Lamberhaven.\n\nHe reached the island on the ninth day, with water for two more.\n",
    "2026-01-25.md": "The piano tuner was here yesterday.\n",
    "baking.md": "Fermentation is slow at 19 °C; 24 to 26 °C is better.\n",
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
        os.utime(folder / name, (datetime(2026, 11, 1, tzinfo=UTC).timestamp(),) * 2)
    with Crystal.create(folder / "notes.crystal", encoder=None) as crystal:
        crystal.ingest(folder)
        yield crystal


def support(notes: Crystal, question: str, said: str) -> tuple[SourceMatch, list[str]]:
    """The support for a sentence among all notes, and the files that it cites."""
    passages = [notes.recall(words, 1)[0] for words in ("Ann Jonas", "revenue", "island", "piano", "fermentation")]
    sources = Sources(notes, question, passages)
    match = sources.find(said)
    return match, [sources.citations[number - 1].path for number in match.citations]


@pytest.mark.parametrize(
    ("question", "said", "missing", "cited"),
    [
        ("When is Jonas's birthday?", "Jonas's birthday is on 4 October.", True, []),
        ("When is Ann's birthday?", "Ann's birthday is on 4 October.", False, ["people.md"]),
        ("Where did I live in March?", "You lived in Tollgate Street.", True, []),
        ("Where does Jonas live?", "He lives in Tollgate Street.", False, ["people.md"]),
        ("What is my phone number?", "It is 555 0192.", False, ["people.md"]),
    ],
)
def test_a_row_of_a_list_bears_out_what_is_said_of_its_label(notes, question, said, missing, cited):
    match, paths = support(notes, question, said)
    assert (bool(match.missing), [path.rpartition("/")[2] for path in paths]) == (missing, cited)


def test_a_year_of_the_question_must_stand_in_what_is_cited_or_in_its_name(notes):
    for year, missing in ((2022, ()), (2026, ("2026",))):
        question, said = (
            f"What was Northwind's revenue in {year}?",
            f"Northwind's revenue in {year} was $17,606 million.",
        )
        match, paths = support(notes, question, said)
        assert match.missing == missing
        assert paths[0].endswith("NORTHWIND_2022_report.txt")


def test_a_name_of_the_question_may_stand_before_the_passage(notes):
    whole = NOTES["crossing.txt"]
    (passage,) = [each for each in notes.recall("island ninth day", 3) if each.path.endswith("crossing.txt")]
    cut = whole.index("He reached")
    later = replace(
        passage, text=whole[cut:].rstrip(), place=replace(passage.place, start=cut, end=len(whole.rstrip()))
    )
    sources = Sources(notes, "When did Haddow reach the island?", [later])
    assert sources.find("Haddow reached the island on the ninth day.")[:2] == ((1,), ())
    assert Sources(notes, "When did Crask reach the island?", [later]).find(
        "Crask reached the island on the ninth day."
    ) == SourceMatch((1,), ("Crask",))


def test_a_date_that_the_name_of_a_file_gives_is_cited_with_the_words_beside_it(notes):
    match, paths = support(notes, "Which day did the piano tuner come?", "The piano tuner came on 24 January 2026.")
    assert match.missing == ()
    assert [path.rpartition("/")[2] for path in paths] == ["2026-01-25.md"]


def test_rows_begin_with_a_mark_and_a_label():
    text = "- Ann: birthday\n* **Two words**: yes\nNote: not a row\n- see http://example.org\n- 12: no\n"
    assert [label for _, _, label in labelled_rows(text)] == ["Ann", "Two words"]


@pytest.mark.parametrize(
    ("question", "said", "borne_out"),
    [
        ("When is Ann's birthday?", "Ann's birthday is on 4 October.", True),
        ("What is fermentation like at 19 °C?", "Fermentation is slow at 19 °C.", True),
        ("Which day did the piano tuner come?", "The piano tuner was there on 24 January 2026.", True),  # "yesterday"
        ("Summarise the crossing", "Captain Haddow reached the island on the ninth day with water.", False),
        ("Summarise the crossing", "He reached the island on the ninth day, with water for two more.", True),
        ("Is fermentation fast at 19 °C?", "No.", False),  # it may deny what stands there
        ("What is fermentation like at 19 °C?", "Fermentation is dangerous at 19 °C.", False),
        ("Who sailed from Lamberhaven?", "Ann sailed from Lamberhaven on the ninth day.", False),  # from two sentences
        ("What was the cost of the piano?", "It was lower than in the year before.", False),  # of other costs
        (
            "Did Haddow do it on the ninth day?",
            "Haddow reached the island on the ninth day.",
            True,
        ),  # the sentence before
        ("Did Jonas do it on the ninth day?", "Jonas reached the island on the ninth day.", False),
        ("Is fermentation fast at 19 °C?", "Fermentation is not slow at 19 °C.", False),
    ],
)
def test_a_number_stands_where_one_sentence_has_the_words(notes, question, said, borne_out):
    match, _ = support(notes, question, said)
    assert match.borne_out == borne_out


def test_a_sentence_that_sets_itself_against_the_one_before_is_about_something_else(tmp_path):
    for number, turn in enumerate(("However, scans", "Scans")):
        text = f"# Stem rot\n\nIt hides from all tests. {turn} find broken bark.\n"
        (tmp_path / f"{number}.md").write_text(text, "utf-8")
        with Crystal.create(tmp_path / f"{number}.crystal", encoder=None) as crystal:
            crystal.ingest(tmp_path / f"{number}.md")
            sources = Sources(
                crystal, "What finds stem rot in broken bark?", crystal.recall("scans find broken bark", 1)
            )
            assert sources.find("Scans find stem rot in broken bark.").borne_out == (turn == "Scans")


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("The new address is 7 Ropewalk, ground floor.", ()),
        ("The new address is 12 Mill Lane, ground floor.", ("12", "Mill", "Lane")),
    ],
)
def test_a_clause_of_a_source_may_have_no_word_of_the_question(tmp_path, said, missing):
    (tmp_path / "people.md").write_text(
        "# People\n\n- Jonas: plays drums, lives in Tollgate Street\n", encoding="utf-8"
    )
    (tmp_path / "move.md").write_text("Moved! New address: 7 Ropewalk, ground floor.\n", encoding="utf-8")
    question = "Where do I live now?"
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "people.md", tmp_path / "move.md"])
        passages = [crystal.recall(words, 1)[0] for words in ("Jonas lives", "new address")]
        match = Sources(crystal, question, passages).find(said)
    assert match.missing == missing
    assert match.borne_out == (not missing)


@pytest.mark.parametrize(
    ("question", "said", "missing"),
    [
        ("When was the piano tuner here?", "Captain Haddow was the piano tuner here.", ("Captain", "Haddow")),
        ("Who reached the island on the ninth day?", "Captain Haddow reached the island on the ninth day.", ()),
        ("How slow is fermentation at 19 °C?", "Fermentation at 19 °C is slow, as Jonas says.", ("Jonas",)),
        ("Wer ist gesegelt?", "Haddow.", ()),  # no passage has words of the question
    ],
)
def test_a_name_from_a_passage_about_something_else_is_marked(notes, question, said, missing):
    assert support(notes, question, said)[0].missing == missing
