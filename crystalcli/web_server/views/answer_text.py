"""Text of an answer in parts: words, links to its citations, and what the sources do not bear out.

Knows: claims, citations, marks. Does not know: HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from crystalcli.answering import is_quotations, marked_text, quotation_lines, quotation_words, without_source_end
from crystalcli.datatypes import Answer, AnswerVerdict, Citation, headings_of

_MARK = re.compile(r"\[(cf\. )?(\d{1,3})\]|\[not borne out: ([^\]]*)\]")
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A part of an answer's text.

    Attributes:
        kind: Words, a line of code, the number of a citation ("cf. 1" for one to compare with), or
            what no source bears out.
        text: The text.
        citation: The citation of a number; None for other parts, and where it is not known yet.
    """

    kind: Literal["words", "code", "number", "missing"]
    text: str
    citation: Citation | None = None


@dataclass(frozen=True, slots=True)
class SourceView:
    """A citation as it is shown.

    Attributes:
        citation: The citation.
        headings: The headings above it.
        quote: Its words.
        in_lines: Whether its lines have to stay as they are.
    """

    citation: Citation
    headings: tuple[str, ...]
    quote: str
    in_lines: bool


def answer_parts(text: str, citations: Sequence[Citation]) -> Iterator[AnswerPart]:
    """Divide a text with its marks, `[1]`, `[cf. 1]` and `[not borne out: ...]`, into parts.

    Args:
        text: The text of an answer, or a piece of it.
        citations: The citations that it may refer to.
    """
    known = {citation.number: citation for citation in citations}
    for number, stretch in enumerate(text.split(_FENCE)):
        if number % 2:
            language, newline, code = stretch.partition("\n")
            yield AnswerPart("code", code if newline and len(language.split()) < 2 else stretch)
            continue
        position = 0
        for match in _MARK.finditer(stretch):
            if match[2] is not None and int(match[2]) not in known:
                continue
            if match.start() > position:
                yield AnswerPart("words", stretch[position : match.start()])
            if match[2] is not None:
                yield AnswerPart("number", (match[1] or "") + match[2], known[int(match[2])])
            else:
                yield AnswerPart("missing", match[3])
            position = match.end()
        if position < len(stretch):
            yield AnswerPart("words", stretch[position:])


def whole_answer(answer: Answer) -> list[AnswerPart]:
    """Divide the text of a whole answer; nothing where it consists of the quotations below it."""
    if not answer.answered or is_quotations(answer):
        return []
    return list(answer_parts(without_source_end(marked_text(answer), answer.citations), answer.citations))


def verdict_line(answer: Answer) -> str:
    """Say what the answer is worth, where that has to be said."""
    if answer.verdict is AnswerVerdict.NOT_HERE:
        return "Not in this crystal." + (" The nearest it has:" if answer.citations else "")
    if answer.verdict is AnswerVerdict.MAYBE:
        return "Maybe. The nearest:" if is_quotations(answer) else "Maybe: compare it with the sources."
    return ""


def source_views(citations: Sequence[Citation]) -> list[SourceView]:
    """Show citations with their words."""
    views = []
    for citation in citations:
        lines = quotation_lines(citation)
        quote = lines or quotation_words(citation)
        views.append(SourceView(citation, headings_of(citation), quote, in_lines=bool(lines)))
    return views
