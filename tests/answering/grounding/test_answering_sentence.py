from __future__ import annotations

from dataclasses import replace

from crystalcli.answering.grounding.answering_sentence import answering_sentence
from crystalcli.library import Crystal

TIDES = "The harbour is deep. Low water is at 10:20 by the wall. High water is at 04:10 by the pier.\n"


def test_the_sentence_that_answers_is_quoted_with_the_number_of_its_source(tmp_path):
    (tmp_path / "tides.txt").write_text(TIDES, encoding="utf-8")
    with Crystal.create(tmp_path / "tides.crystal", encoder=None) as crystal:
        crystal.ingest(tmp_path / "tides.txt")
        whole = replace(crystal.cite(crystal.documents()[0].path, 0, len(TIDES.rstrip())), number=2)
        sentence = answering_sentence(crystal, "When is high water by the pier?", whole)
        assert sentence is not None
        assert (sentence.number, sentence.quote) == (2, "High water is at 04:10 by the pier.")
        assert crystal.verified(sentence)
        code = replace(whole, place=replace(whole.place, kind="code"))
        assert answering_sentence(crystal, "When is high water?", code) is None
