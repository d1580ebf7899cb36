"""Views of answers, and of the context of a model, as Markdown and as data.

`commands.ask.answer_screen` has plain text.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from crystalcli.answering import is_quotations, marked_text, quotation_lines, quotation_words, without_source_end
from crystalcli.cli.render.markdown_escape import block_quote, code_quote, code_span, escape_markdown, indent_block
from crystalcli.cli.render.place_text import format_headings, format_location, format_path, place_json
from crystalcli.cli.render.reading_view import reading_json, reading_line
from crystalcli.cli.render.recall_view import passage_json
from crystalcli.datatypes import BY_LINES, Answer, AnswerVerdict, Citation, Passage
from crystalcli.text import shown_text

if TYPE_CHECKING:
    from crystalcli.answering import PackedContext


MAYBE = "maybe; the nearest:"  # above quotations that may not answer
UNSURE = "maybe: compare it with the sources"  # below a model's words that they may not bear out


def answer_json(answer: Answer) -> dict[str, Any]:
    """Make an answer for programs; `docs/JSON.md` says what the keys mean."""
    return {
        "question": answer.question,
        "read_as": answer.read_as,
        "answered": answer.answered,
        "verdict": str(answer.verdict),
        "answer": answer.text,
        "stopped": answer.stopped,
        "failure": None if answer.failure is None else str(answer.failure),
        "model": answer.model or ("extractive" if answer.extractive else ""),
        "filter": reading_json(answer.reading),
        "citations": [_citation_json(citation) for citation in answer.citations],
        "claims": [asdict(claim) for claim in answer.claims],
        "evidence": None if answer.evidence is None else round(answer.evidence, 4),
        "passages": [passage_json(passage) for passage in answer.passages],
        "changes": list(answer.changes),
        "portions": [asdict(portion) for portion in answer.portions],
        "tokens": dict(answer.tokens),
        "seconds": {name: round(value, 4) for name, value in answer.seconds.items()},
    }


def _citation_json(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        **place_json(citation.place),
        "heading": citation.heading,
        "date": None if citation.date is None else citation.date.isoformat(),
        "gone": citation.gone,
        "when": list(citation.when),
        "quote": citation.quote,
        "confidence": None if citation.confidence is None else round(citation.confidence, 3),
    }


def packed_json(packed: PackedContext) -> dict[str, Any]:
    """Make the context of a model for programs."""
    return {
        "question": packed.question,
        "context": packed.context,
        "system": packed.system,
        "user": packed.user,
        "passages": [{"number": number, **passage_json(passage)} for number, passage in enumerate(packed.passages, 1)],
        "tokens": packed.tokens,
        "budget": packed.budget,
        "counted_by": packed.counted_by,
    }


def answer_text(answer: Answer) -> str:
    """Return the answer's text for people, its marks included."""
    if answer.answered:
        return marked_text(answer)
    return f"{answer.text}; the nearest it has:" if answer.citations else answer.text


def answer_markdown(answer: Answer) -> str:
    """Write the answer, then its sources as a numbered list of block quotes."""
    sources = [_list_item(each.number, each, _quotation_block(each)) for each in answer.citations]
    text = without_source_end(answer_text(answer), answer.citations)  # the sources follow
    head = [] if is_quotations(answer) else [escape_markdown(text)]
    if answer.verdict is AnswerVerdict.MAYBE:
        head = [MAYBE] if is_quotations(answer) else [*head, f"*{UNSURE}*"]
    lines = [f"read as: {answer.read_as}" if answer.read_as else "", reading_line(answer.reading)]
    head = [*(f"*{escape_markdown(line)}*" for line in lines if line), *head]
    changes = [f"*changed: {escape_markdown(line)}*" for line in answer.changes]
    return "\n\n".join([*head, *sources, *changes]) + "\n"


def _quotation_block(citation: Citation) -> str:
    """Write a quotation as a block quote; code, rows and lists in a fence."""
    lines = quotation_lines(citation)
    if lines and citation.place.marks.get("message"):
        return block_quote(lines)
    if lines or citation.place.kind in BY_LINES:
        return code_quote(lines or quotation_words(citation))
    return block_quote(quotation_words(citation))


def packed_markdown(packed: PackedContext) -> str:
    """Write the passages as a numbered list of block quotes."""
    parts = []
    for number, passage in enumerate(packed.passages, 1):
        text = shown_text(passage.text, passage.place)
        block = code_quote(text) if passage.place.kind in BY_LINES else block_quote(text)
        parts.append(_list_item(number, passage, block))
    return "\n\n".join(parts) + "\n"


def _list_item(number: int, item: Citation | Passage, block: str) -> str:
    mark = f"{number}. "
    name = format_location(item) if item.place.has_lines else format_path(item.source, item.path)
    place = "" if item.place.has_lines else escape_markdown(item.place.within_chapter)
    headings = escape_markdown(format_headings(item).strip())
    head = " ".join(filter(None, (code_span(name), place, headings)))
    when = [escape_markdown(line) for line in item.when] if isinstance(item, Citation) else []
    rest = "\n\n".join([block, *when])
    return f"{mark}{head}\n\n{indent_block(rest, len(mark))}"


def tokens_line(packed: PackedContext) -> str:
    """Format the tokens used of the budget, and by which vocabulary they were counted."""
    usage = f"{packed.tokens:,} of {packed.budget:,} tokens"
    if packed.counted_by:
        return f"{usage}, by the vocabulary of {packed.counted_by}"
    return f"about {usage}, estimated: no model's vocabulary is here"
