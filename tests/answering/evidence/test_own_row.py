"""Lists are judged by the row of the one whom a question names."""

from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.own_row import OTHERS_ROW, with_own_rows
from crystalcli.datatypes import Passage, Place

LIST = "- Ann: shoe size 38, paints boats\n- Cid: keeps bees\n- **Dee**: two children\n"


def passage(text: str, logit: float | None = 5.0) -> Passage:
    """A passage of a text, as recall gives it."""
    return Passage(Place("people.md", 10, 10 + len(text), 3, 5, kind="markdown"), text, 1.0, logit=logit)


def test_of_a_list_only_the_row_of_the_one_asked_about_counts():
    other = passage("Ann kept the lamp.")
    read = []
    cut, kept = with_own_rows([passage(LIST), other], ["cid", "shoe"], lambda texts: read.extend(texts) or [-7.0])
    assert (cut.text, cut.logit) == ("- Cid: keeps bees", -7.0)
    assert (cut.start, cut.end) == (10 + LIST.index("- Cid"), 10 + LIST.index("- Cid") + len("- Cid: keeps bees"))
    assert read == ["- Cid: keeps bees"]
    assert kept is other


@pytest.mark.parametrize(
    ("topic", "is_others"),
    [
        (["cid", "shoe"], True),
        (["cid", "bee"], False),  # his own row has it
        (["cid", "salary"], False),  # no row has it
        (["cid", "shoe", "salary", "harbour"], False),  # another row has a third of it
        (["cid"], False),
    ],
)  # fmt: skip
def test_what_stands_in_others_rows_alone_is_marked(topic, is_others):
    (cut,) = with_own_rows([passage(LIST)], topic, None)
    assert cut.text == "- Cid: keeps bees"
    assert (OTHERS_ROW in cut.shares) is is_others
    assert cut.logit == 5.0


def test_a_line_elsewhere_that_has_name_and_word_takes_the_mark_away():
    passages = [passage(LIST), passage("[2031-01-02] Cid: my other shoe is wet")]
    assert OTHERS_ROW not in with_own_rows(passages, ["cid", "shoe"], None)[0].shares


@pytest.mark.parametrize("text", ["- Cid: keeps bees\n", "Cid keeps bees.\n- Ann: paints boats\n", "- bees\n- Cid\n"])
def test_other_passages_stay_as_they_are(text):
    whole = passage(text)
    assert with_own_rows([whole], ["cid", "boat"], None)[0] is whole


def test_what_another_row_says_is_no_answer(tmp_path: Path):
    (tmp_path / "people.md").write_text(f"# People\n\n{LIST}", encoding="utf-8")
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "people.md"])
        own, others = (crystal.ask(f"What is {name}'s shoe size?", extractive=True) for name in ("Ann", "Cid"))
    assert own.evidence > 0.5 > others.evidence
    assert others.citations[0].quote.startswith("- Ann")
