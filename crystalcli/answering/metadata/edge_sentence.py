"""The first or the last sentence of a document, or of one of its chapters.

The story counts: headings, prefaces, notes, references and "The End" are passed over.

Knows: chapters, sentences. Does not know: the words of questions.
"""

from __future__ import annotations

import re

from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.document_question import DocumentFact, DocumentQuestion
from crystalcli.datatypes import HEADING_JOINT
from crystalcli.overview import DocumentRange, list_chapters
from crystalcli.recall import CrystalReader
from crystalcli.text import sentence_spans

_READ = 6000  # characters at an edge in which the sentence is looked for
_WINDOWS = 8  # of so many characters that are read at most
_LEAST_WORDS = 3  # of a sentence; fewer are a label, unless they end as one
_THE_END = re.compile(r"\W*(?:the end|finis|fin|end of .{1,60})\W*", re.IGNORECASE)
_REFERENCES = re.compile(
    r"^[ \t#]*(?:\d+\.? )?(?:references|bibliography|works cited|acknowledge?ments)[ \t]*$", re.I | re.M
)
_ABSTRACT = re.compile(r"abstract[.:—-]*\s*", re.IGNORECASE)
_MARGIN = re.compile(r"[A-ZÀ-Þ\"“‘'(]")
_CLOSED = re.compile(r"[.!?…][\"”’')\]*_]*\d{0,3}$")


def answer_edge(crystal: CrystalReader, draft: AnswerDraft, asked: DocumentQuestion, part: DocumentRange) -> bool:
    """Quote the first or the last sentence, line or paragraph.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to add to.
        asked: The question.
        part: The document, or a part of one.

    Returns:
        Whether there is one.
    """
    start, end = _story(crystal, part)
    is_first = asked.fact is DocumentFact.FIRST
    for turn in range(_WINDOWS):  # lists and tables at the edge may be longer than what is read
        if is_first:
            low, high = start + turn * _READ, min(end, start + (turn + 1) * _READ)
        else:
            low, high = max(start, end - (turn + 1) * _READ), end - turn * _READ
        if low >= high:
            break
        text = crystal.shelf.span_text(part.source, low, high)
        label = crystal.shelf.store.landmark_before(part.source.id, "heading", low) if low == start else ""
        skipped = _after_headings(text, label) if label else 0
        span = _edge_span(text, skipped, asked.unit, is_first=is_first, by_lines=part.source.kind == "code")
        if span is not None:
            citation = crystal.cite(part.source.path, low + span[0], low + span[1])
            number = draft.cite(citation)
            draft.say(f"{attribution.quotation_line(citation)} [{number}]")
            return True
    return False


def _story(crystal: CrystalReader, part: DocumentRange) -> tuple[int, int]:
    """Give the span from the first chapter to the end of the last, or that of the part itself."""
    if part.label:
        return part.start, part.end
    body = list_chapters(crystal.shelf.store, part.source).body
    if body:
        return body[0].start, body[-1].end
    tail = crystal.shelf.span_text(part.source, part.end // 2, part.end)
    references = list(_REFERENCES.finditer(tail))
    return part.start, part.end // 2 + references[0].start() if references else part.end


def _after_headings(text: str, path: str) -> int:
    """Skip the paragraphs at the start of a text that are a part of the headings above it."""
    words = re.findall(r"\w+", path.replace(HEADING_JOINT, " ").lower())
    position = 0
    for match in re.finditer(r"[^\s].*(?:\n[ \t]*\S.*)*", text):
        paragraph = re.findall(r"\w+", match[0].lower())
        if not paragraph or any(word not in words for word in paragraph):
            break
        position = match.end()
    return position


def _edge_span(text: str, skipped: int, unit: str, *, is_first: bool, by_lines: bool) -> tuple[int, int] | None:
    """Find the first or the last sentence, line or paragraph of a text.

    Args:
        text: The text at an edge.
        skipped: The characters at its start that are headings.
        unit: "sentence", "line" or "paragraph".
        is_first: Whether the first is wanted.
        by_lines: Whether the text is code.
    """
    body = text[skipped:]
    if unit == "sentence":
        spans = sentence_spans(body, by_lines) if by_lines else _whole_sentences(body)
    else:
        form = r"\S.*" if unit == "line" else r"\S.*(?:\n[ \t]*\S.*)*"
        spans = [(match.start(), match.start() + len(match[0].rstrip())) for match in re.finditer(form, body)]
    if not is_first:
        spans.reverse()
    for low, high in spans:
        abstract = _ABSTRACT.match(body, low, high) if is_first else None
        low = abstract.end() if abstract is not None and abstract.end() < high else low
        piece = body[low:high]
        if _THE_END.fullmatch(piece) or not _is_prose(piece, unit):
            continue
        return skipped + low, skipped + high
    return None


def _whole_sentences(body: str) -> list[tuple[int, int]]:
    """Give the spans of sentences, joined where a line began like a label: "size: petabytes"."""
    spans: list[tuple[int, int]] = []
    for low, high in sentence_spans(body):
        is_rest = spans and body[low].islower() and not _CLOSED.search(body, *spans[-1])
        if is_rest and body.count("\n", spans[-1][1], low) == 1:
            spans[-1] = (spans[-1][0], high)
        else:
            spans.append((low, high))
    return spans


def _is_prose(piece: str, unit: str) -> bool:
    """Tell whether a piece reads as a sentence, or a line of a text, and not as a label."""
    words = re.findall(r"[^\W\d_]+", piece)
    if unit != "sentence":
        return bool(words)
    return len(words) >= _LEAST_WORDS and _CLOSED.search(piece) is not None and _MARGIN.match(piece) is not None
