from __future__ import annotations

import datetime
from dataclasses import replace

from crystalcli.answering import marked_text
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.grounding.source_words import source_introduction, source_words, without_source_end
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.cli.commands.ask.answer_screen import AnswerScreen
from crystalcli.datatypes import HEADING_JOINT, Citation, Place

PROSE = Citation(
    1, Place("notes.md", 0, 40, line_start=3, line_end=4), "High water\nis at 04:10.", date=datetime.date(2026, 3, 2)
)
CODE = Citation(2, Place("tide.py", 0, 40, line_start=1, line_end=2, kind="code"), "\ndef tide():\n    return 410\n")


def test_prose_is_quoted_on_one_line_with_its_place_and_day():
    assert source_words(PROSE) == "“High water is at 04:10.” [1]"
    assert source_introduction(PROSE) == "\n\nIn notes.md, lines 3-4, 2 March 2026: "
    under_headings = replace(PROSE, heading=f"Harbour{HEADING_JOINT}Tides")
    assert source_introduction(under_headings) == "\n\nIn notes.md, Tides, lines 3-4, 2 March 2026: "


def test_code_is_fenced_and_unchanged():
    assert source_words(CODE) == "```\ndef tide():\n    return 410\n```\n[2]"


def test_what_is_heard_is_the_answer_with_its_marks():
    for citation in (PROSE, CODE):
        heard: list[str] = []
        draft = AnswerDraft("When?", AskOptions(), heard.append)
        draft.say("At noon.")
        draft.quote(citation)
        answer = draft.answer()
        assert "".join(heard) == marked_text(answer)
        claim = answer.claims[-1]
        assert answer.text[claim.start : claim.end] == claim.text
        assert (claim.citations, claim.borne_out) == ((citation.number,), True)
        assert without_source_end(marked_text(answer), [citation]) == "At noon."
        assert without_source_end(marked_text(answer), []) == marked_text(answer)


def test_a_terminal_does_not_quote_again_what_it_has_shown(capsys):
    for citation in (PROSE, CODE):
        for is_shown in (True, False):
            screen = AnswerScreen()
            if is_shown:
                screen.show_evidence([citation])
                shown = capsys.readouterr().out
                assert all(f"│ {line}\n" in shown for line in citation.quote.split("\n") if line) == (citation is CODE)
            draft = AnswerDraft("When?", AskOptions(), screen.add_text)
            screen.add_text("At noon.")
            draft.quote(citation)
            screen.finish(draft.answer())
            said = capsys.readouterr().out
            assert said.startswith("At noon.\n\n")
            assert ("04:10" in said or "410" in said) is not is_shown
