from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.answering.grounding.attribution import SourceMatch, Sources
from crystalcli.answering.grounding.claim_marks import claim_mark, marked_text
from crystalcli.answering.grounding.claim_stream import ClaimStream
from crystalcli.datatypes import Answer

QUESTION = "Under what name did Mr Haddow bank the surplus money?"
SAID = (
    'Mr Haddow banked it under the name "The Owners" [1]. He was paid £4,500 by Josiah Crask in 1893. '
    "It was on the Lamberhaven Penny Bank, number 4408.\n\nHe said that it was “a bold move. I saw it”. It is so."
)


def spoken(sources: Sources, text: str, *, strict: bool = False) -> ClaimStream:
    """An answer that is complete already."""
    made = ClaimStream(sources, strict=strict)
    for _ in (*made.feed(text), *made.finish()):
        pass
    return made


@pytest.fixture(scope="module")
def passages(crystal):
    return crystal.recall(QUESTION, 5)


@pytest.fixture
def sources(crystal, passages):
    return Sources(crystal, QUESTION, passages)


def test_each_sentence_is_looked_up_in_the_passages(crystal, sources):
    owners, paid, bank, bold, so = spoken(sources, SAID).claims
    assert (owners.text, owners.supported, owners.missing) == (
        'Mr Haddow banked it under the name "The Owners".',
        True,
        (),
    )
    assert (paid.supported, paid.missing) == (False, ("£4,500", "1893"))
    assert bank.supported
    assert (bold.supported, bold.missing) == (False, ("a bold move. I saw it",))
    assert (so.supported, so.citations) == (True, ())
    cited = {citation.number: citation for citation in sources.citations}
    assert all(crystal.verified(citation) for citation in cited.values())
    assert "The Owners" in cited[owners.citations[0]].quote
    assert any("4408" in cited[number].quote for number in bank.citations)
    assert sorted(cited) == list(range(1, len(cited) + 1))


@settings(max_examples=10)
@given(st.lists(st.integers(1, len(SAID)), max_size=12))
def test_what_is_heard_does_not_depend_on_the_pieces_it_comes_in(crystal, passages, cuts):
    ends = [0, *sorted(set(cuts)), len(SAID)]
    for strict in (False, True):
        sources = Sources(crystal, QUESTION, passages)
        made = ClaimStream(sources, strict=strict)
        heard = []
        for start, end in pairwise(ends):
            heard += made.feed(SAID[start:end])
        heard += made.finish()
        whole = spoken(Sources(crystal, QUESTION, passages), SAID, strict=strict)
        assert (made.text, made.claims) == (whole.text, whole.claims)
        assert "".join(heard) == marked_text(Answer("", made.text, (), (), claims=made.claims))
        assert [made.text[claim.start : claim.end] for claim in made.claims] == [claim.text for claim in made.claims]


@settings(max_examples=50)
@given(st.text(alphabet="aA1 .!?\"“”[]\n`'", max_size=60))
def test_anything_may_be_said(crystal, passages, text):
    made = ClaimStream(Sources(crystal, QUESTION, passages))
    shown = "".join([piece for letter in text for piece in made.feed(letter)] + list(made.finish()))
    assert shown == marked_text(Answer("", made.text, (), (), claims=made.claims))
    assert made.text == spoken(Sources(crystal, QUESTION, passages), text).text
    assert [made.text[claim.start : claim.end] for claim in made.claims] == [claim.text for claim in made.claims]
    assert "[1]" not in made.text or "`" in text


def test_a_label_of_the_models_own_is_not_a_citation(sources):
    assert (
        spoken(sources, "It was so [1]. And so [2, 3], as passage [9] says.").text
        == "It was so. And so, as passage [9] says."
    )
    for said in ("It is `items[1]`.", "Use `items[1]` for it, and `items[2]`."):
        assert spoken(sources, said).text == said
        made = ClaimStream(sources)
        shown = "".join([piece for letter in said for piece in made.feed(letter)] + list(made.finish()))
        assert (made.text, shown[: len(said)]) == (said, said)
    made = ClaimStream(sources)
    for piece in ("The `longname` is", " it so [1]."):
        list(made.feed(piece))
    list(made.finish())
    assert made.text == "The `longname` is it so."


def test_a_word_that_was_cut_in_two_is_not_looked_up(sources):
    for said, missing in (
        ("He was paid by Josiah Pick", ()),
        ("He was paid by Pickering…", ()),
        ("He was paid by Pickering.", ("Pickering",)),
        ("He was paid £4,500 by Jos", ("£4,500",)),
    ):
        made = ClaimStream(sources)
        list(made.feed(said))
        list(made.finish(stopped=True))
        assert made.claims[0].missing == missing


def test_a_strict_answer_says_nothing_that_is_not_there(crystal, sources, passages):
    made = spoken(sources, SAID, strict=True)
    assert "£4,500" not in made.text
    assert "bold" not in made.text
    assert all(claim.supported for claim in made.claims)
    quotes = [claim for claim in made.claims if claim.replaces]
    assert quotes[0].replaces == "He was paid £4,500 by Josiah Crask in 1893."
    cited = {citation.number: citation for citation in sources.citations}
    for quote in quotes:
        (number,) = quote.citations
        assert quote.text == f"“{' '.join(cited[number].quote.split())}”"
        assert crystal.verified(cited[number])
    assert len({quote.text for quote in quotes}) == len(quotes)


def test_an_answer_shows_its_marks(sources):
    made = spoken(sources, "It was the Penny Bank. Crask had £9,999.")
    first, second = made.claims
    shown = marked_text(Answer("", made.text, (), (), claims=made.claims))
    assert shown == f"It was the Penny Bank.{claim_mark(first)} Crask had £9,999.{claim_mark(second)}"
    assert claim_mark(second).endswith(" [not borne out: £9,999]")


def test_facts_of_the_question_stand_in_some_passage(crystal, passages):
    asked = Sources(crystal, "What three things did Mr Haddow do with Ulysses in 1066?", passages)
    assert asked.find("Haddow did three things.").missing == ()
    assert asked.find("Haddow did nothing in 1066.").missing == ("1066",)
    assert asked.find("It was done by Ulysses in 1067.").missing == ("Ulysses", "1067")


def test_the_day_that_a_passage_is_dated_is_known(crystal, passages):
    dated = Sources(crystal, "When did he bank it?", [replace(passages[0], date=date(2026, 5, 3))])
    assert dated.find("Mr Haddow banked it on 3 May 2026.").missing == ()
    assert dated.find("Mr Haddow banked it on 17 May 2026.").missing == ("17",)


def test_without_passages_nothing_is_borne_out(crystal):
    alone = Sources(crystal, QUESTION, [])
    assert alone.find("It was Crask.") == SourceMatch((), ("Crask",))
    assert alone.citations == ()


def test_a_passage_is_known_by_its_place_too(crystal, passages):
    place = replace(passages[0].place, kind="chat", marks={"message": "Ann, 2024-05-01 10:30"})
    dated = [replace(passages[0], place=place)]
    assert Sources(crystal, QUESTION, dated).find("Ann wrote it in May 2024.").missing == ()


def test_code_in_a_fence_is_one_sentence_and_stands_unchanged(crystal):
    passages = [each for each in crystal.recall("gauge reading code", 12) if each.place.kind == "code"][:1]
    lines = [line for line in passages[0].text.splitlines() if line.strip()][:3]
    block = "\n".join(["```python", *lines, "invented = [1]", "```"])
    said = f"So it is read:\n\n{block}\n\nThat is all of it."
    for size in (1, 5, len(said)):
        sources = Sources(crystal, "How is it read?", passages)
        made = ClaimStream(sources)
        heard = [piece for at in range(0, len(said), size) for piece in made.feed(said[at : at + size])]
        heard += made.finish()
        code = next(claim for claim in made.claims if claim.text.startswith("```"))
        assert code.text == block
        (number,) = code.citations
        assert lines[0] in sources.citations[number - 1].quote
        assert (code.missing, code.supported) == (("invented = [1]",), False)
        assert f"{block}\n[cf. {number}]\n[not borne out: invented = [1]]" in "".join(heard)
