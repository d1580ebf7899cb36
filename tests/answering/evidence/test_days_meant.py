from __future__ import annotations

from pathlib import Path

from crystalcli import Crystal
from crystalcli.cli.render.answer_view import answer_json, answer_markdown


def test_a_question_for_a_time_is_told_the_days_that_are_meant(tmp_path: Path, encoder_folder: Path):
    (tmp_path / "2026-05-03.md").write_text("The mare had her foal on Thursday, a chestnut filly.", encoding="utf-8")
    (tmp_path / "undated.md").write_text("The ewe had her lambs on Thursday, three of them.", encoding="utf-8")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path])
        answer = crystal.ask("When did the mare have her foal?", extractive=True)
        (foaled,) = (citation for citation in answer.citations if citation.path.endswith("2026-05-03.md"))
        assert foaled.when == ("“on Thursday” is 30 April 2026",)
        assert crystal.verified(foaled)
        assert all(not citation.when for citation in answer.citations if citation is not foaled)
        assert answer_json(answer)["citations"][foaled.number - 1]["when"] == ["“on Thursday” is 30 April 2026"]
        assert "is 30 April 2026" in answer_markdown(answer)
        other = crystal.ask("What did the mare have?", extractive=True)
        assert not any(citation.when for citation in other.citations)
