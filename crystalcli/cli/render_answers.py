"""How answers, and what models are given to answer from, look as Markdown and as data. `screen` has plain text. Decides nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from crystalcli.answering.support import quoted
from crystalcli.cli import markdown
from crystalcli.cli.render import above, location, passage_json, place_json
from crystalcli.text.unwrap import unwrapped
from crystalcli.types import BY_LINES, Answer, Citation, Passage

if TYPE_CHECKING:
    from crystalcli.answering.packed import PackedContext


def answer_json(answer: Answer) -> dict[str, Any]:
    """An answer for programs; `docs/JSON.md` says what the keys mean."""
    return {
        "question": answer.question,
        "answered": answer.answered,
        "answer": answer.text,
        "stopped": answer.stopped,
        "failure": None if answer.failure is None else str(answer.failure),
        "model": answer.model or ("extractive" if answer.extractive else ""),
        "citations": [_citation_json(citation) for citation in answer.citations],
        "claims": [asdict(claim) for claim in answer.claims],
        "evidence": None if answer.evidence is None else round(answer.evidence, 4),
        "passages": [passage_json(passage) for passage in answer.passages],
        "portions": [asdict(portion) for portion in answer.portions],
        "tokens": dict(answer.tokens),
        "seconds": {name: round(value, 4) for name, value in answer.seconds.items()},
    }


def _citation_json(citation: Citation) -> dict[str, Any]:
    return {
        "number": citation.number,
        **place_json(citation.place),
        "heading": citation.heading,
        "quote": citation.quote,
    }


def packed_json(packed: PackedContext) -> dict[str, Any]:
    """What a model would be given, for programs."""
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


def is_quotations(answer: Answer) -> bool:
    """Whether the answer says nothing but what its citations do, as an extractive one does: showing these is enough."""
    left = answer.text
    for citation in answer.citations:
        left = left.replace(f"{quoted(citation)} [{citation.number}]", "")
    return not left.strip()


def words(answer: Answer) -> str:
    """What the answer says for people, its marks included."""
    return answer.marked if answer.answered else f"{answer.text}; the nearest it has:"


def answer_markdown(answer: Answer) -> str:
    """The answer, then its sources as a numbered list of block quotes."""
    listed = ((each.number, each, " ".join(each.quote.split())) for each in answer.citations)
    said = [] if is_quotations(answer) else [markdown.escaped(words(answer))]
    return "\n\n".join([*said, *(_item(number, item, text) for number, item, text in listed)]) + "\n"


def packed_markdown(packed: PackedContext) -> str:
    """The passages as a numbered list of block quotes."""
    listed = enumerate(packed.passages, 1)
    parts = (_item(number, each, "".join(unwrapped(each.text, each.place.kind))) for number, each in listed)
    return "\n\n".join(parts) + "\n"


def _item(number: int, item: Citation | Passage, text: str) -> str:
    mark = f"{number}. "
    named = location(item) if item.place.has_lines else item.path
    place = "" if item.place.has_lines else markdown.escaped(str(item.place))
    head = " ".join(filter(None, (markdown.code(named), place, markdown.escaped(above(item).strip()))))
    block = markdown.code_quote(text) if item.place.kind in BY_LINES else markdown.quote(text)
    return f"{mark}{head}\n\n{markdown.indented(block, len(mark))}"


def tokens_line(packed: PackedContext) -> str:
    """How much of the budget is used, and who counted."""
    of = f"{packed.tokens:,} of {packed.budget:,} tokens"
    if packed.counted_by:
        return f"{of}, by the vocabulary of {packed.counted_by}"
    return f"about {of}, estimated: no model's vocabulary is here"
