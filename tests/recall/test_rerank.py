from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from crystalcli import Crystal, vectors
from crystalcli.errors import ModelMissingError
from crystalcli.recall import Results
from crystalcli.recall.rerank import (
    CODE_WEIGHT,
    LEAST_LOGIT,
    LOGIT_WEIGHT,
    MISSING_WEIGHT,
    RERANK_DEPTH,
    RUNNING_WEIGHT,
    STUB,
    rerank_passages,
)


class Liking:
    """A reranker that likes texts with one word."""

    def __init__(self, word: str) -> None:
        self.word, self.read = word, 0

    def logits(self, question: str, texts: list[str]) -> np.ndarray:
        self.read += len(texts)
        return np.array([50.0 if self.word in text else -5.0 for text in texts], np.float32)


@pytest.fixture(scope="module")
def results(crystal: Crystal) -> Results:
    return crystal.recall("Who keeps the ledgers of the company?", 40)


def test_liked_passages_come_first_and_all_are_kept(results):
    word = results[20].text.split()[3]
    reranker = Liking(word)
    reranked = rerank_passages(reranker, results.query, results.passages)
    rows = sum(p.place.kind == "pdf" and 2 * len(p.best_text) < len(p.text) for p in results[:RERANK_DEPTH])
    assert reranker.read == RERANK_DEPTH + rows
    assert {(passage.path, passage.start) for passage in reranked} == {(p.path, p.start) for p in results}
    assert word in reranked[0].text
    assert [passage.logit is not None for passage in reranked] == [True] * RERANK_DEPTH + [False] * (40 - RERANK_DEPTH)


def test_a_reranker_that_opens_beside_other_work_is_opened_once(crystal: Crystal, monkeypatch):
    opened = []

    class Slow(Liking):
        def __init__(self, folder) -> None:
            time.sleep(0.2)
            opened.append(folder)
            super().__init__("ledger")

    monkeypatch.setattr(vectors, "CrossEncoder", Slow)
    with Crystal(crystal.path, reranker=crystal.path.parent) as other:
        other.preload_reranker()
        assert not opened  # the caller goes on
        assert other.reranker() is other.reranker()
        assert opened == [crystal.path.parent]


def test_a_reranker_that_cannot_be_opened_is_said_with_the_question(crystal: Crystal, tmp_path):
    with Crystal(crystal.path, reranker=tmp_path) as other:
        other.preload_reranker()
        with pytest.raises(ModelMissingError, match="reranker"):
            other.recall("Who keeps the ledgers of the company?")


def test_shares_still_add_up_to_the_score(results):
    for old, new in zip(
        sorted(results.passages[:RERANK_DEPTH], key=lambda passage: (passage.path, passage.start)),
        sorted(
            rerank_passages(Liking("ledger"), results.query, results.passages)[:RERANK_DEPTH],
            key=lambda passage: (passage.path, passage.start),
        ),
        strict=True,
    ):
        added = new.shares["reranker"] + new.shares.get("missing", 0.0)
        assert new.score == pytest.approx(old.score + added)
        running = RUNNING_WEIGHT * max(LEAST_LOGIT, new.logit) if new.place.kind == "text" else 0.0
        is_code = new.place.kind == "code"
        weight = CODE_WEIGHT if is_code else LOGIT_WEIGHT
        assert new.shares["reranker"] == pytest.approx(weight * np.log1p(np.exp(new.logit)) + running)
        assert -MISSING_WEIGHT <= new.shares.get("missing", 0.0) <= 0
        assert not (is_code and "missing" in new.shares)


def test_a_passage_without_the_rarest_word_loses_to_its_twin(results):
    query = results.query._replace(idf={"ledger": 9.0, "compani": 1.0})
    lacking = [passage for passage in results if "ledger" not in passage.text.lower()]
    without = next(passage for passage in lacking if passage.place.kind != "code")
    (passage,) = rerank_passages(Liking("x"), query, [without])
    assert passage.shares["missing"] == pytest.approx(-MISSING_WEIGHT)


def test_the_passage_that_answers_comes_before_those_that_repeat_the_question(
    tmp_path, encoder_folder, reranker_folder
):
    repeats = (
        "People who live in Berlin are many, and many people visit Berlin.",
        "Many live in Berlin without people to talk to.",
        "Berlin is well known for its museums, which many people like.",
    )
    answer = "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
    for number, text in enumerate((*repeats, answer)):
        (tmp_path / f"{number}.md").write_text(text, encoding="utf-8")
    question = "How many people live in Berlin?"
    with Crystal(tmp_path / "berlin.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path])
        ranks = [
            [passage.path for passage in crystal.recall(question, 4, rerank=flag)].index("3.md")
            for flag in (False, True)
        ]
    assert ranks[1] < ranks[0]


def test_a_crystal_without_models_ranks_by_bm25_alone(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None) as crystal:
        assert all(passage.logit is None for passage in crystal.recall("Who keeps the ledgers?", 3))


def test_by_words_alone_scores_are_on_the_scale_that_the_reranker_is_weighed_against(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None) as crystal:
        scores = [passage.score for passage in crystal.recall("May detergent be used on an oil spill in the dock?", 5)]
    assert 0 < min(scores) <= max(scores) < 2


def test_the_reranker_is_found_by_itself_named_or_switched_off(
    samples_crystal, encoder_folder, reranker_folder, monkeypatch
):
    for setting, reads in (("", True), (str(reranker_folder), True), ("off", False)):
        monkeypatch.setenv("CRYSTAL_RERANKER", setting)
        with Crystal.open(samples_crystal, encoder=encoder_folder) as crystal:
            passages = crystal.recall("Who keeps the ledgers?", 3)
        assert all((passage.logit is not None) == reads for passage in passages)


def test_a_row_of_a_page_counts_by_itself_where_it_answers_better(results):
    class Exactly(Liking):
        def logits(self, question: str, texts: list[str]) -> np.ndarray:
            self.read += len(texts)
            return np.array([5.0 if text == self.word else -5.0 for text in texts], np.float32)

    rows = "Cash; 2022: 7\n" + "Goodwill; 2022: 5\n" * 9
    place = replace(results[0].place, start=0, end=len(rows), kind="pdf")
    paged = replace(results[0], place=place, text=rows, best=(0, 13), heading="Assets")
    alike = replace(paged, place=replace(place, kind="text"))
    reranker = Exactly("Assets\nCash; 2022: 7")
    page, text = rerank_passages(reranker, results.query, [paged, alike])
    assert (page.place.kind, page.logit, text.logit, reranker.read) == ("pdf", 5.0, -5.0, 3)


@pytest.mark.parametrize(
    ("text", "stub"),
    [
        (".. automodule:: tide.tables\n\n   Tables\n   ------\n   .. autoclass:: Table\n      :members:\n", True),
        ("Tables of the tide are made once a year, by hand, and kept at the harbour office in a drawer.\n", False),
        (":class:`Table` keeps the tides of a year, and tells which of them are spring tides.\n", False),
        ("A table is read with care, line by line, from the year's first tide.\n\n.. autoclass:: Table\n", False),
    ],
)
def test_directives_of_a_manual_answer_nothing(results, text, stub):
    place = replace(results[0].place, kind="rst")
    (passage,) = rerank_passages(Liking("tide"), results.query, [replace(results[0], text=text, place=place)])
    assert passage.shares.get("stub", 0.0) == (-STUB if stub else 0.0)
