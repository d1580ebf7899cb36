from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.answering.evidence.answer_span import answer_spans, cite_spans
from crystalcli.datatypes import Passage

LONG = " ".join(
    f"The {word} lamp of the harbour burned all night without a pause." for word in ("red", "green", "blue") * 8
)
MODULE = '''"""Lamps."""


def trim_wick(lamp):
    """Trim the wick of a lamp, so that it does not smoke."""
    lamp.wick = lamp.wick[:10]
    return lamp
'''
CHAT = """[2026-05-01 10:00] Ann: Which lamp shall I take to the pier?
[2026-05-01 10:01] Ben: The blue one, its wick is new.
[2026-05-01 10:02] Ann: Good, I will fetch it.
"""


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path, reranker_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("lamps")
    (folder / "lamps.py").write_text(MODULE, encoding="utf-8")
    (folder / "long.md").write_text(LONG, encoding="utf-8")
    (folder / "chat.txt").write_text(CHAT, encoding="utf-8")
    (folder / "short.md").write_text("The keeper is Tom Haddow.\n\nHe came in 1871. He never left.\n", encoding="utf-8")
    crystal = Crystal(folder / "lamps.crystal", encoder=encoder_folder, reranker=reranker_folder)
    crystal.ingest([folder])
    return crystal


def quotations(crystal: Crystal, question: str) -> list[str]:
    return [
        citation.quote
        for citation in cite_spans(crystal, answer_spans(crystal, question, crystal.recall(question, 5), 3))
    ]


def test_quotations_stand_in_the_file_and_do_not_overlap(reranked_crystal, answerable):
    for question in answerable[::14]:
        spans = answer_spans(
            reranked_crystal, question["question"], reranked_crystal.recall(question["question"], 5), 3
        )
        citations = cite_spans(reranked_crystal, spans, 0.8)
        assert 1 <= len(citations) <= 3
        assert [citation.number for citation in citations] == list(range(1, len(citations) + 1))
        for citation in citations:
            assert reranked_crystal.verified(citation)
            assert len(citation.quote) <= 1300
            assert 0 < citation.confidence <= 0.8
            assert not any(
                other is not citation
                and other.path == citation.path
                and other.start < citation.end
                and citation.start < other.end
                for other in citations
            )


def test_a_function_is_quoted_with_its_head_and_docstring(lamps):
    first = quotations(lamps, "How is the wick of a lamp trimmed?")[0]
    assert 'def trim_wick(lamp):\n    """Trim the wick of a lamp' in first


def test_a_short_passage_is_quoted_whole(lamps):
    first = quotations(lamps, "Who is the keeper?")[0]
    assert "The keeper is Tom Haddow." in first


def test_a_long_passage_is_narrowed_to_whole_sentences(lamps):
    for quote in quotations(lamps, "Which lamp of the harbour burned all night?"):
        assert len(quote) <= 1000
        assert quote.rstrip()[-1] in ".?!"


def as_one_passage(crystal: Crystal, name: str, text: str) -> Passage:
    """Ingest a text as a document, and give all of it as one passage."""
    (crystal.path.parent / name).write_text(text, encoding="utf-8")
    crystal.ingest([crystal.path.parent / name])
    some = next(passage for passage in crystal.recall(text[:60], 5) if passage.path.endswith(name))
    return replace(some, place=replace(some.place, start=0, end=len(text)), text=text, best=(0, 20))


def test_the_end_of_a_long_passage_is_quoted_with_what_leads_to_it(lamps):
    steps = [f"In the watch {n:02} the crew of the cutter rowed on and saw no land." for n in range(12)]
    passage = as_one_passage(
        lamps, "cutter.md", " ".join([*steps, "At last the crew of the cutter saw Fair Isle ahead."])
    )
    (span,) = answer_spans(lamps, "Which land did the crew of the cutter see at last?", [passage], 1)
    assert "Fair Isle" in passage.text[span.start : span.end]
    assert span.end - span.start > 500


def test_the_number_of_an_item_stays_with_the_item(lamps):
    rules = "\n".join(f"{n}. The keeper of lamp {n} writes the hour into the book of the tower." for n in range(1, 20))
    passage = as_one_passage(lamps, "rules.md", rules)
    (span,) = answer_spans(lamps, "What does the keeper write into the book?", [passage], 1)
    assert rules[span.start].isdigit()
    assert rules[span.start : span.end].endswith("tower.")


def test_source_code_is_quoted_in_whole_statements_however_deep_it_is(lamps):
    lines = "".join(f"            self.store(lamp, {n}, wick={n * 7})\n" for n in range(40))
    head = "    def light_lamps(\n        self,\n        lamps,\n    ):\n        for lamp in lamps:\n"
    code = f"import os\nimport re\nimport sys\n\n\nclass Tower:\n{head}{lines}"
    passage = as_one_passage(lamps, "tower.py", code)
    (span,) = answer_spans(lamps, "What is stored of a lamp of the tower?", [passage], 1)
    quote = code[span.start : span.end]
    assert 500 < len(quote) <= 1000
    assert "import" not in quote
    assert "    def light_lamps(\n        self," in quote
    middle = code.index("            self.store(lamp, 8,")
    end = replace(
        passage, place=replace(passage.place, start=middle), text=code[middle:], best=(len(code) - 30, len(code))
    )
    (span,) = answer_spans(lamps, "What is stored of a lamp of the tower?", [end], 1)
    assert code[span.start : span.end].startswith("            self.store(lamp, ")
    (span,) = answer_spans(lamps, "How does one light the lamps?", [end], 1)
    assert code[span.start : span.end].startswith(head)


def test_a_head_alone_comes_with_the_rest_of_its_definition(lamps):
    body = "    lamp.fill()\n    lamp.light()\n    return lamp\n"
    code = f"def prepare_lamp(lamp):\n{body}\n\ndef other(lamp):\n    return None\n"
    passage = as_one_passage(lamps, "prepare.py", code)
    head = replace(passage, place=replace(passage.place, end=23), text=code[:23], best=(0, 23))
    (span,) = answer_spans(lamps, "What does preparing a lamp do?", [head], 1)
    assert code[span.start : span.end] == f"def prepare_lamp(lamp):\n{body}".rstrip()


def test_the_head_of_a_function_is_no_entry_of_a_table(lamps):
    code = "    def open_lamp(self, tower: Tower) -> Lamp | None:\n        lamp = tower.lamp\n        return lamp or None\n"
    passage = as_one_passage(lamps, "opened.py", code)
    head = replace(passage, best=(4, code.index("\n")))
    (span,) = answer_spans(lamps, "How is a lamp opened?", [head], 1)
    assert code[span.start : span.end] == code.rstrip()


def test_imports_add_nothing_to_a_source(lamps):
    code = "import lamps\nimport harbour\nimport wick\nfrom tower import keeper\n"
    passage = as_one_passage(lamps, "imports.py", code)
    first = as_one_passage(lamps, "quay.md", "The clock of the quay is slow by an hour.")
    assert (
        len(answer_spans(lamps, "How slow is the clock of the quay?", [first, replace(passage, score=first.score)], 2))
        == 1
    )
    asked = "What imports the keeper of the tower?"
    assert len(answer_spans(lamps, asked, [first, replace(passage, score=first.score)], 2)) == 2


def test_a_message_comes_with_the_one_before(lamps):
    first = next(quote for quote in quotations(lamps, "Which lamp has a new wick, says Ben?") if "Ben" in quote)
    assert "Which lamp shall I take" in first


def test_an_entry_of_a_log_or_a_table_is_quoted_alone(tmp_path: Path, encoder_folder: Path) -> None:
    log = "".join(
        f"2031-05-02 04:{n:02}:00 INFO  [main] pump.Gauge - {'weir' if n == 17 else 'sluice'} {n} level {n + 40} mm\n"
        for n in range(40)
    )
    rows = "".join(
        f"<tr><td>B{n:02}</td><td>{'Phalarope' if n == 23 else 'Tern'}</td><td>{n + 1}.5 m</td><td>to be moved before June</td></tr>"
        for n in range(40)
    )
    head = "<tr><th>Berth</th><th>Hull</th><th>Length</th><th>Remark</th></tr>"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "gauge.log").write_text(log)
    (tmp_path / "docs" / "berths.html").write_text(f"<!DOCTYPE html><h1>Berths</h1><table>{head}{rows}</table>")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path / "docs"])
        assert quotations(crystal, "What level did the weir have?")[0] == log.splitlines()[17]
        assert quotations(crystal, "What is the length of Phalarope?")[0] == (
            "Berth: B23; Hull: Phalarope; Length: 24.5 m; Remark: to be moved before June"
        )


def test_further_sources_are_left_out_where_they_add_nothing(lamps):
    sure = quotations(lamps, "Who is the keeper, Tom Haddow?")
    assert len(sure) == 1


def test_a_source_that_repeats_another_one_is_left_out(tmp_path):
    said = "The lamp of the harbour burns 14 litres of oil a night, and the keeper trims its wick at nine and at two."
    for name, more in (("a.txt", ""), ("b.txt", " The oil is bought in autumn."), ("c.txt", "")):
        (tmp_path / name).write_text(f"{said}{more}\n", encoding="utf-8")
    (tmp_path / "d.txt").write_text(
        "How much oil the lamp of the harbour burns is said in the log.\n", encoding="utf-8"
    )
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path])
        question = "How much oil does the lamp of the harbour burn a night?"
        passages = [replace(passage, score=1.0) for passage in crystal.recall(question, 5)]
        spans = answer_spans(crystal, question, passages, 3)
    texts = [span.passage.text for span in spans]
    assert [said in text for text in texts].count(True) == 1
    assert len(texts) == 2


def test_quotations_need_no_reranker(samples_crystal, encoder_folder):
    with Crystal.open(samples_crystal, encoder=encoder_folder, reranker=None) as plain:
        passages = plain.recall("Who keeps the ledgers?", 5)
        spans = answer_spans(plain, "Who keeps the ledgers?", passages, 3)
        assert all(0 < span.likelihood <= 1 for span in spans)
        assert all(citation.confidence is None for citation in cite_spans(plain, spans))
        assert all(plain.quote(span.passage.path, span.start, span.end).strip() for span in spans)


def test_a_quotation_does_not_begin_amid_the_row_above(lamps):
    rows = [f"Lamp {number}; 2023: {number},145; 2022: {number},160" for number in range(10, 70)]
    (lamps.path.parent / "oil.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    lamps.ingest([lamps.path.parent / "oil.md"])
    starts = {row[:7] for row in rows}
    for citation in cite_spans(lamps, answer_spans(lamps, "Lamp 44 in 2023", lamps.recall("Lamp 44 2023", 5), 3)):
        if citation.path.endswith("oil.md"):
            assert citation.quote[:7] in starts


def test_what_is_less_likely_is_quoted_in_fewer_words(lamps):
    (lamps.path.parent / "moth.md").write_text(LONG.replace("lamp", "moth")[:500], encoding="utf-8")
    lamps.ingest([lamps.path.parent / "moth.md"])
    question = "Which moths of the harbour burned all night?"
    best, *others = lamps.recall(question, 5)
    assert best.path.endswith("moth.md")
    (whole,) = answer_spans(lamps, question, [best], 1)
    passages = [replace(others[0], score=best.score), replace(best, score=best.score - 0.5)]
    short = answer_spans(lamps, question, passages, 3)[1]
    assert whole.end - whole.start > 400
    assert short.end - short.start <= 350
    (refused,) = answer_spans(lamps, question, [best], 1, is_refused=True)
    assert refused.end - refused.start <= 350


def test_of_code_that_does_not_answer_a_few_lines_are_quoted(tmp_path, encoder_folder, reranker_folder):
    words = LONG.split()[:90]
    rows = [" ".join(words[at : at + 9]) for at in range(0, 90, 9)]
    body = "\n".join(f"    if gauge.level > {number}:\n        print({row!r})" for number, row in enumerate(rows))
    (tmp_path / "tide.py").write_text(f"def levels(gauge):\n{body}\n", encoding="utf-8")
    with Crystal(tmp_path / "t.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path / "tide.py"])
        question = "Which levels of the basin are read?"
        passages = crystal.recall(question, 1)
        (whole,) = answer_spans(crystal, question, passages, 1)
        (refused,) = answer_spans(crystal, question, passages, 1, is_refused=True)
        assert whole.end - whole.start > 600
        assert refused.end - refused.start <= 350


def test_front_matter_is_not_quoted_but_for_a_field_of_ones_own(tmp_path, encoder_folder, reranker_folder):
    matter = "---\ntitle: Rules of the boathouse\ndate: 2026-08-18\ntags: [boats]\n{}---\n\n"
    (tmp_path / "rules.md").write_text(matter.format("") + "Oars are hung up wet side out.\n", encoding="utf-8")
    (tmp_path / "review.md").write_text(
        matter.format("varnish: linseed oil from the chandler\n") + "Sanded the hull.\n", encoding="utf-8"
    )
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path])
        assert quotations(crystal, "How are oars hung up?")[0] == "Oars are hung up wet side out."
        assert any("linseed oil" in quote for quote in quotations(crystal, "Which varnish: linseed oil or tar?"))


def test_a_question_for_a_former_value_quotes_further_sources(lamps):
    passages = lamps.recall("Who is the keeper?", 3)
    weaker = [passages[0], *(replace(passage, score=passages[0].score - 1.2, logit=0.0) for passage in passages[1:])]
    assert len(answer_spans(lamps, "Who is the keeper?", weaker, 3)) == 1
    question = "Who is the keeper, and who was it before?"
    assert len(answer_spans(lamps, question, weaker, 3)) > 1
    others = [passages[0], *(replace(passage, logit=-9.0) for passage in weaker[1:])]
    assert len(answer_spans(lamps, question, others, 3)) == 1


def test_what_one_person_said_begins_at_the_head_of_the_message(tmp_path, encoder_folder, reranker_folder):
    (tmp_path / "chat.txt").write_text(
        "[2026-05-01 10:00] Ann: Hm?\n"
        "[2026-05-01 10:01] Ben: The hull is larch. It sweats resin. So take linseed oil, three thin coats.\n"
        "[2026-05-01 10:02] Ann: Good.\n[2026-05-01 10:03] Ben: Bring a brush.\n[2026-05-01 10:04] Ann: Two.\n",
        encoding="utf-8",
    )
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path])
        for question in ("Why linseed oil?", "What is said of larch?"):
            (citation,) = crystal.ask(question, extractive=True, where=RecallFilter(people=("Ben",))).citations
            assert "The hull is larch" in citation.quote and "linseed oil" in citation.quote
            assert "Ann" not in citation.quote


def test_a_quotation_of_a_chat_does_not_begin_with_what_the_program_says(tmp_path, encoder_folder):
    (tmp_path / "WhatsApp Chat.txt").write_text(
        "04/11/2025, 21:09 - Messages and calls are end-to-end encrypted. Tap to learn more.\n"
        "14/11/2025, 21:10 - Ann: The boat is in Skarn until spring.\n"
    )
    with Crystal(tmp_path / "c.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest(tmp_path)
        quote = crystal.ask("Where is the boat?", extractive=True, floor=0.0).citations[0].quote
        assert quote.strip() == "[2025-11-14 21:10] Ann: The boat is in Skarn until spring."
