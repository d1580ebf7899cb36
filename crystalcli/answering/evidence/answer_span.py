"""The spans of passages that are quoted as an answer, each with how sure it is.

    a short passage            all of it, in running text with the sentences around it
    a longer one               the stretch of whole sentences that the reranker finds best
    in source code             from the head of the definition, where that is near
    in a conversation          whole turns, with the one before the answer
    in a table                 the row

A span that begins or ends amid a sentence is widened to all of it, so that no quotation is cut at
the end of a PDF's line.

Knows: sentences, turns, definitions, logits. Does not know: the question's words.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from crystalcli.answering.evidence.figure_row import is_named_row
from crystalcli.answering.evidence.manual_blocks import block_rest, trailing_matter
from crystalcli.answering.evidence.question_type import asks_for_several
from crystalcli.answering.evidence.source_lines import (
    definition_rest,
    imports_end,
    is_named_in,
    prose_lead,
    statement_start,
    whole_lines,
)
from crystalcli.answering.evidence.surroundings import with_surroundings
from crystalcli.datatypes import BOOKS, BY_LINES, HEADING_JOINT, Citation, Passage
from crystalcli.recall import PAGED_KIND, message_of, sentences_within
from crystalcli.storage import landmark_span
from crystalcli.text import (
    FULL_STOPS,
    are_entries,
    front_matter_end,
    has_own_fields,
    is_flowing,
    sentence_spans,
    stands_in_lines,
)

if TYPE_CHECKING:
    from crystalcli.recall import CrystalReader

# Characters of a quotation, in prose; in source code, tables and PDFs, which have tables too; and
# in running text, of which a passage is several paragraphs.
_LONGEST, _LONGEST_BY_LINES, _LONGEST_RUNNING = 700, 1000, 1000
# Characters of a quotation that is less likely than this, against the first: nobody reads a page
# for a guess.
_DOUBTFUL, _LONGEST_IF_DOUBTFUL, _LONGEST_CODE_IF_DOUBTFUL = 0.5, 350, 500
_REACH = 250  # characters in which the rest of a sentence or of a statement is looked for
_LEAST_ROOM = 40  # characters that are worth filling with more of a definition
_KEPT = 0.6  # the part of a stretch of source code that is quoted at least, if its head is
_MOST_NEWLINES = 3  # between sentences or lines that follow one another
_RUN, _SAME = 5, 0.5  # words of a run; the part of them that makes a source a repetition
_STEPS = 4  # stretches of a passage that are compared, at most
# The difference in score that makes a passage e times as likely to be the one that answers, and the
# least likelihood, against that of the first, of a further source that is quoted.
_SHARPNESS, _ADDS = 0.3, 0.1
# The same where the question asks for several things, and the least logit of these.
_ADDS_TO_SEVERAL, _ADDS_BY_LOGIT = 0.005, -5.0
_SENTENCE_END = re.compile(rf"[.!?…:][\"'”’»)\]*_]*\s|[{FULL_STOPS}][\"'”’»)\]*_」』）]*\s?|\n\s*\n")
_ITEM_NUMBER = re.compile(r"\(?\d{1,3}[.)]")
_WIDE_LETTERS = 3  # letters of other scripts that say as much as a letter of Chinese or Japanese

# Finds a landmark of a kind around a character: its label, its start, and its end, as of
# `storage.landmark_span`.
_Landmarks: TypeAlias = Callable[[str, int], tuple[str, int, int | None]]


class AnswerSpan(NamedTuple):
    """A span to quote.

    Attributes:
        passage: The passage that it is in, or begins in.
        start: The first character, in the document's text.
        end: The character after the last.
        likelihood: How likely its passage is the one that answers, against the first: 1 or less.
    """

    passage: Passage
    start: int
    end: int
    likelihood: float


def answer_spans(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], count: int, *, is_refused: bool = False
) -> list[AnswerSpan]:
    """Choose what to quote of the best passages.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        count: How many spans, at most.
        is_refused: Whether they do not seem to answer, so that a few lines of each are enough.

    Returns:
        The spans, best first. Of the second and later passages those alone that may add something.
    """
    spans: list[AnswerSpan] = []
    quoted: set[tuple[str, ...]] = set()
    least = _ADDS_TO_SEVERAL if asks_for_several(question) else _ADDS
    for passage in passages:
        if len(spans) == count:
            break
        likelihood = math.exp(min(0.0, passage.score - passages[0].score) / _SHARPNESS)
        if likelihood < least:
            break
        if likelihood < _ADDS and passage.logit is not None and passage.logit < _ADDS_BY_LOGIT:
            continue
        is_doubtful = is_refused or likelihood < _DOUBTFUL
        longest = _longest(passage, is_doubtful=is_doubtful, is_refused=is_refused)
        if spans and passage.place.kind == "code" and _matches_by_imports(passage, question):
            continue
        start, end = _span_of(crystal, question, passage, longest)
        if not is_doubtful and _is_running_text(passage):
            taken = [(other.start, other.end) for other in passages if other.path == passage.path and other != passage]
            taken += [(span.start, span.end) for span in spans if span.passage.path == passage.path]
            start, end = with_surroundings(crystal, passage.path, (start, end), _LONGEST, taken)
        if any(span.passage.path == passage.path and start < span.end and end > span.start for span in spans):
            continue
        runs = _runs_of_words(crystal.quote(passage.path, start, end))
        if runs and len(runs & quoted) > _SAME * len(runs):
            continue
        quoted |= runs
        spans.append(AnswerSpan(passage, start, end, likelihood))
    return spans


def _runs_of_words(text: str) -> set[tuple[str, ...]]:
    """Give the runs of a few words of a text, by which repeated text is known."""
    words = text.split()
    return {tuple(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}


def cite_spans(
    crystal: CrystalReader, spans: Sequence[AnswerSpan], evidence: float | None = None
) -> tuple[Citation, ...]:
    """Cite spans, read back from the file, numbered from 1.

    Args:
        crystal: The crystal.
        spans: The spans, best first.
        evidence: The probability that the passages hold an answer, which is shared out among the
            citations by the likelihood of each; None: they have no confidence.
    """
    total = sum(span.likelihood for span in spans)
    citations = []
    for number, span in enumerate(spans, 1):
        citation = crystal.cite(span.passage.path, span.start, span.end)
        if citation.place.page_start is None and span.start <= span.passage.best[0] < span.end:
            # Author, time, heading and definition are those of the answer, not of what leads to it.
            answer = crystal.cite(span.passage.path, *span.passage.best)
            place = replace(citation.place, marks=answer.place.marks)
            citation = replace(citation, place=place, heading=answer.heading, date=answer.date)
        sureness = None if evidence is None else evidence * span.likelihood / total
        citations.append(replace(citation, number=number, confidence=sureness))
    return tuple(citations)


def _longest(passage: Passage, *, is_doubtful: bool, is_refused: bool) -> int:
    """Give the most characters to quote of a passage."""
    kind = passage.place.kind
    longest = _LONGEST_BY_LINES if kind in ("code", PAGED_KIND) else _LONGEST
    if _is_running_text(passage):
        longest = _LONGEST_RUNNING
    if is_refused or is_doubtful:
        longest = _LONGEST_CODE_IF_DOUBTFUL if kind == "code" and not is_refused else _LONGEST_IF_DOUBTFUL
    if not passage.text.isascii():
        wide = sum(unicodedata.east_asian_width(letter) == "W" for letter in passage.text)
        longest = round(longest / (1 + (_WIDE_LETTERS - 1) * wide / len(passage.text)))
    return longest


def _span_of(crystal: CrystalReader, question: str, passage: Passage, longest: int) -> tuple[int, int]:
    """Give the span to quote of a passage, in characters of the document."""
    kind = passage.place.kind
    is_plain = kind not in ("code", PAGED_KIND) and not passage.place.marks.get("message")
    if kind in BY_LINES - {"code"} or (is_plain and _is_entry(passage)) or is_named_row(passage.text):
        return passage.best  # a row of a table, or an entry of a log
    low, high = _stretch(crystal, question, passage, longest)
    if kind == "code" or passage.place.marks.get("message"):
        store = crystal.shelf.store
        source = store.source_named(passage.path)
        if source is None:
            return low, high
        around = partial(landmark_span, store, source.id)
        if passage.allowed:
            return (low, high) if kind == "code" else _from_head(around, low, high)
        if kind == "code":
            return _from_definition(crystal, around, question, passage, (low, high), longest)
        return _with_turns(around, passage, low, high)
    if passage.allowed:
        return low, high  # what is beside it may be of another time
    return _whole_blocks(crystal, passage, _whole_sentences(crystal, passage, low, high), longest)


def _matches_by_imports(passage: Passage, question: str) -> bool:
    """Tell whether what recall found in source code is one of the imports that it begins with."""
    return passage.best[0] - passage.start < imports_end(passage.text, question)


def _is_running_text(passage: Passage) -> bool:
    """Tell whether the sentences around a passage may be quoted with it."""
    place = passage.place
    return place.kind in BOOKS and not (passage.allowed or place.marks.get("message") or _is_entry(passage))


def _is_entry(passage: Passage) -> bool:
    """Tell whether the best sentence of a passage is a row of a table, or a line of a log."""
    low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
    line, above = passage.text[low:high], passage.text[:low].rstrip("\n").rpartition("\n")[2]
    below = passage.text[high:].strip("\n").partition("\n")[0]
    return "\n" not in line and (are_entries(above, line) or (are_entries(line, below) and are_entries(below, line)))


def _stretch(crystal: CrystalReader, question: str, passage: Passage, longest: int) -> tuple[int, int]:
    """Give a passage's best stretch of whole sentences or lines, of at most so many characters."""
    text = passage.text
    low, high = _after_headings(passage, _after_front_matter(passage)), len(text.rstrip())
    if passage.place.kind == "code":
        behind = low + imports_end(text[low:], question)
        low = behind if text[behind:].strip() else low
    if high - low <= longest and not passage.allowed:
        return passage.start + low, passage.start + max(low, high)
    spans = [span for span in _sentences(text, passage.place.kind in BY_LINES) if span[0] >= low]
    if passage.allowed:
        spans = sentences_within(spans, passage.allowed_inside)
    spans = spans or [(low, high)]
    windows = _windows(text, spans, longest)
    reranker = crystal.searcher().reranker
    if reranker is not None and len(windows) > 1:
        logits = reranker.logits(question, [text[start:end] for start, end in windows]).tolist()
        start, end = windows[logits.index(max(logits))]
    else:  # the first that holds the sentence that recall found
        best = passage.best[0] - passage.start, passage.best[1] - passage.start
        start, end = next((window for window in windows if window[0] <= best[0] and best[1] <= window[1]), windows[0])
    return passage.start + min(_after_headings(passage, start), end - 1), passage.start + end


def _after_front_matter(passage: Passage) -> int:
    """Find the first character after the front matter that a text begins with.

    Its title, date and tags are the document's, and no answer; a field of one's own may be one.
    """
    end = front_matter_end(passage.text) if passage.place.kind == "markdown" and passage.start == 0 else 0
    if not passage.text[end:].strip():
        return 0
    low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
    return 0 if low < end and has_own_fields(passage.text[low : min(high, end)]) else end


def _after_headings(passage: Passage, start: int) -> int:
    """Find the first character after the headings that a text begins with: its place has them.

    Args:
        passage: The passage.
        start: The first character of the text, in the passage.

    Returns:
        The character, in the passage; `start` where nothing else follows.
    """
    position, rest = start, passage.text[start:]
    labels = set((passage.heading or "").split(HEADING_JOINT))
    for line in rest.splitlines(keepends=True):
        words = line.strip()
        is_underline = set(words) <= set("=-")
        if words and not is_underline and words.strip("#=* ") not in labels and words.lstrip("# ") not in labels:
            break
        position += len(line)
    rest = passage.text[position:]
    return position + len(rest) - len(rest.lstrip()) if rest.strip() else start


def _sentences(text: str, by_lines: bool) -> list[tuple[int, int]]:
    """Give the spans of a text's sentences or lines; the number of a list's item is part of it."""
    spans: list[tuple[int, int]] = []
    for start, end in sentence_spans(text, by_lines):
        if spans and not by_lines and _ITEM_NUMBER.fullmatch(text, *spans[-1]):
            start, _ = spans.pop()
        spans.append((start, end))
    return spans


def _windows(text: str, spans: Sequence[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """Give the stretches to compare, at most _STEPS, from the first to the last.

    A stretch within the one before is not compared: the end of a passage would win without what
    leads to it.
    """
    windows = [_window(text, spans, 0, longest)]
    for first in range(1, len(spans)):
        if (window := _window(text, spans, first, longest))[1] > windows[-1][1]:
            windows.append(window)
    last = len(windows) - 1
    return windows if last < _STEPS else [windows[round(step * last / (_STEPS - 1))] for step in range(_STEPS)]


def _window(text: str, spans: Sequence[tuple[int, int]], first: int, longest: int) -> tuple[int, int]:
    """Take sentences from the first on, one at least, while they fit and follow one another."""
    start, end = spans[first]
    for following_start, following_end in spans[first + 1 :]:
        between = text[end:following_start]
        if following_end - start > longest or between.strip() or between.count("\n") > _MOST_NEWLINES:
            break
        end = following_end
    return start, end


def _from_definition(
    crystal: CrystalReader,
    around: _Landmarks,
    question: str,
    passage: Passage,
    span: tuple[int, int],
    longest: int,
) -> tuple[int, int]:
    """Give whole lines, from the head of the definition around where it is near or asked for.

    Where there is room, more of that definition follows.
    """
    low, high = span
    name, start, _ = around("definition", low)
    is_near = low + _KEPT * (high - low) < start + longest and passage.best[1] <= start + longest
    if name and high - start <= longest:
        low = start
    elif name and (is_near or is_named_in(name, question)):
        text = crystal.quote(passage.path, start, start + longest)
        low, high = start, start + len(text.rpartition("\n")[0].rstrip())
    else:
        rest = statement_start(passage.text[low - passage.start : high - passage.start])
        low += rest if low + rest <= passage.best[0] else 0
        low -= prose_lead(crystal.quote(passage.path, max(start, low - _REACH), high), min(_REACH, low - start))
    room, (_, _, end) = low + longest - high, around("definition", high - 1)
    first = max(0, low - _REACH)
    text = crystal.quote(passage.path, first, high + max(0, room) + _REACH)
    if name and room >= _LEAST_ROOM and (end is None or end > high):
        following = text[high - first :][: room if end is None else min(room, end - high)]
        high += definition_rest(following)
    after = text[high - first :][:_REACH]
    lead, behind = whole_lines(text[: low - first], text[low - first : high - first], after)
    return low - lead, high + behind


def _from_head(around: _Landmarks, low: int, high: int) -> tuple[int, int]:
    """Begin at the head of the message: what is beside it may be by another person."""
    _, head, _ = around("message", low)
    return (head, high) if high - head <= _LONGEST else (low, high)


def _with_turns(around: _Landmarks, passage: Passage, low: int, high: int) -> tuple[int, int]:
    """Begin at the head of the turn before the answer where that fits; keep to one mail."""
    _, start, end = around("message", passage.best[0])
    if passage.place.kind == "mail":
        return max(low, start), high if end is None else min(high, end)
    if low >= start:  # the stretch has no turn before that of the answer
        before = around("message", start - 1)[1] if start else start
        low = before if high - before <= _LONGEST else start if high - start <= _LONGEST else low
    else:
        _, head, _ = around("message", low)
        low = head if high - head <= _LONGEST else low
    # What the program says ("Messages are end-to-end encrypted") has no author, and leads nowhere.
    label, _, end = around("message", low)
    while label and not message_of(label).author and end is not None and end <= passage.best[0]:
        low = end
        label, _, end = around("message", low)
    return low, high


def _whole_sentences(crystal: CrystalReader, passage: Passage, low: int, high: int) -> tuple[int, int]:
    """Widen a span to the ends of the sentences that it cuts, if they are near."""
    before = crystal.quote(passage.path, max(0, low - _REACH), low)
    after = crystal.quote(passage.path, high - 1, high + _REACH)
    if before and not before[-1:].isspace():
        return low, high  # amid a word: the text has no sentences
    line_before = (before.rstrip().splitlines() or [""])[-1].strip()
    is_under_heading = line_before.lstrip("# ") in (passage.heading or "").split(HEADING_JOINT)
    first_line = crystal.quote(passage.path, low, low + _REACH).partition("\n")[0]
    is_row = before.endswith("\n") and are_entries(line_before, first_line)
    if before.strip() and not is_under_heading and not is_row and not _is_closed(before):
        ends = [match.end() for match in _SENTENCE_END.finditer(before)]
        if ends:
            low -= len(before) - ends[-1]
    if not _is_closed(after[:1] + " "):
        match = _SENTENCE_END.search(after)
        if match is not None:
            high += max(0, len(after[: match.end()].rstrip()) - 1)
    return low, high


def _whole_blocks(crystal: CrystalReader, passage: Passage, span: tuple[int, int], longest: int) -> tuple[int, int]:
    """Widen a span by its first line's indentation, and to the end of the list or example it is in.

    The heading that comes next is left out.
    """
    low, high = span
    first = max(0, low - _REACH)
    text = crystal.quote(passage.path, first, max(high, low + longest))
    quoted = text[low - first : high - first]
    lead = text[: low - first].rpartition("\n")[2]
    if not lead.strip() and stands_in_lines(quoted, passage.place):
        low, quoted = low - len(lead), lead + quoted
    room = low + longest - high
    if room <= 0 or is_flowing(passage.place):
        return low, high
    following = text[high - first :][:room]
    if len(following) == room:
        following = following[: following.rfind("\n") + 1]  # no line in part
    added = block_rest(quoted, following)
    return low, high + (added or -trailing_matter(quoted))


def _is_closed(text: str) -> bool:
    """Tell whether a text ends with a sentence, a paragraph or a line that stands alone."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return bool(ends) and not text[ends[-1] :].strip()
