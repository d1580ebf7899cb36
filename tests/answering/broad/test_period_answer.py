"""A question for a period alone is answered by what is dated in it, in order of time."""

from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli import Crystal

NOTES = {
    "2026-05-30.md": "Sold the old dinghy to the baker.",
    "2026-06-02.md": "---\ntags: [boat]\n---\n\nPainted the hull of the new boat, two coats.",
    "2026-06-09.md": "Ingrid came by with a compass. " + "We tried it on the water for hours. " * 12,
    "2026-06-20.md": "First night at sea.",
    "2026-07-01.md": "Repaired the pump.",
}
CHAT = "[{}] Ann: {}\n[{}] Ben: Good.\n"


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path, reranker_folder: Path):
    folder = tmp_path_factory.mktemp("period")
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "chat.txt").write_text(
        CHAT.format("2026-06-12 10:00", "The sails are here, four of them.", "2026-06-12 10:01")
        + CHAT.format("2026-07-02 10:00", "The pump leaks again.", "2026-07-02 10:01"),
        encoding="utf-8",
    )
    with Crystal(folder / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as opened:
        opened.ingest([folder])
        yield opened


@pytest.mark.parametrize("question", ["What happened in June 2026?", "What did I do in June 2026?"])
def test_what_is_dated_in_the_period_is_listed_in_order_of_time(crystal, question):
    answer = crystal.ask(question, extractive=True)
    said = [portion.text for portion in answer.portions]
    assert [text[1:12] for text in said] == ["Painted the", "Ingrid came", "[2026-06-12", "First night"]
    assert [portion.label for portion in answer.portions[:2]] == [
        "2 June 2026, 2026-06-02.md",
        "9 June 2026, 2026-06-09.md",
    ]
    assert "sails" in said[2]
    assert len(said[1]) < 220
    assert [portion.citation for portion in answer.portions] == [citation.number for citation in answer.citations]
    assert all(crystal.verified(citation) for citation in answer.citations)
    assert answer.model is None


@pytest.mark.parametrize(
    "question",
    ["What happened in July 2026?", "What happened to the pump in June 2026?", "What happened?", "What leaks again?"],
)
def test_too_little_or_another_question_is_no_list(crystal, question):
    assert crystal.ask(question, extractive=True, floor=0.0).portions == ()
