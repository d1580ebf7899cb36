"""Every mention of a word or a phrase, listed by chapter, page, file or function.

Each place of the list has the line of its first mention, and the first places have it quoted.

Knows: mentions, and the landmarks that they stand under. Does not know: language models; none
speaks here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crystalcli.answering.broad.broad_plan import BroadPlan
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.datatypes import BY_LINES, DocumentState, Passage, Portion
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, locate_span
from crystalcli.overview import Mention, find_mentions
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow, landmarks_of
from crystalcli.text import sentence_spans

MAX_QUOTED = 20  # places whose first mention is quoted: a longer list is read for its places
_AROUND = 400  # characters on either side in which the sentence of a mention is looked for
_MAX_FORMS = 4  # other forms of a word that are named
# Landmarks that come again where another one inside of them ends.
_BY_NAME = frozenset(("definition", "message", "sheet"))
_PLURAL = {
    "heading": "chapters", "page": "pages", "document": "documents", "definition": "functions and classes", "message": "messages",
    "slide": "slides", "sheet": "sheets",
}  # fmt: skip
_SINGULAR = {**{unit: plural[:-1] for unit, plural in _PLURAL.items()}, "definition": "function or class"}


@dataclass(slots=True)
class _MentionGroup:
    """The mentions in one place of a list: a chapter, a page, a file.

    Attributes:
        label: The label of the place; "" for mentions outside of all places.
        source: The document.
        mentions: The mentions, in order.
    """

    label: str
    source: SourceRow
    mentions: list[Mention] = field(default_factory=list)


def answer_mentions(crystal: CrystalReader, plan: BroadPlan, draft: AnswerDraft) -> None:
    """Say where, and how often, the subject of a plan is mentioned.

    Args:
        crystal: The crystal, inside a snapshot.
        plan: The plan.
        draft: The answer to add to.

    Raises:
        NotFoundError: It is not mentioned.
    """
    shelf, phrase = crystal.shelf, plan.intent.subject
    unit = plan.intent.unit or _default_unit(shelf, plan.sources)
    if unit != "document" and not any(shelf.store.landmark_count(source.id, unit) for source in plan.sources):
        draft.say(f"{plan.scope} has no known {_PLURAL[unit]}.\n")
        unit = "document"
    groups: list[_MentionGroup] = []
    forms: Counter[str] = Counter()
    for in_document in find_mentions(shelf, phrase, plan.sources):
        source = in_document.source
        spans = [(part.start, part.end) for part in plan.ranges if part.source.id == source.id]
        mentions = [mention for mention in in_document.found if _is_inside(spans, mention.start)]
        forms.update(form for position, form in in_document.others if _is_inside(spans, position))
        groups += _group_mentions(shelf, source, mentions, unit)
    if not groups:
        raise NotFoundError(f"“{phrase}” does not occur in {plan.scope}")
    draft.say(f"“{phrase}” occurs {_summary(shelf, plan, groups, unit)}{_format_forms(forms)}:\n")
    one_document = len({group.source.id for group in groups}) == 1
    for index, group in enumerate(groups):
        _say_group(crystal, draft, group, unit, one_document=one_document, is_quoted=index < MAX_QUOTED)
    draft.seconds_to_passages = draft.seconds_to_text


def _summary(shelf: IndexReader, plan: BroadPlan, groups: Sequence[_MentionGroup], unit: str) -> str:
    """Format how often the subject is mentioned, and in how many places."""
    places = 0
    if unit == "document":
        places = len(plan.sources)
    elif len(plan.sources) == 1:
        places = _count_places(shelf, plan, unit)
    total = sum(len(group.mentions) for group in groups)
    inside = len(groups) if unit == "document" else sum(bool(group.label) for group in groups)
    of_scope = "" if unit == "document" and places > 1 else f" of {plan.scope}"
    text = f"in {_format_places(inside, places, unit)}{of_scope}" if inside else f"in {plan.scope}"
    if inside < len(groups):
        text += f", {'and ' if inside else ''}outside of {'them' if inside else f'its {_PLURAL[unit]}'}"
    return f"{_format_times(total)} {text}"


def _say_group(
    crystal: CrystalReader,
    draft: AnswerDraft,
    group: _MentionGroup,
    unit: str,
    *,
    one_document: bool,
    is_quoted: bool,
) -> None:
    """Add one place of the list.

    Args:
        crystal: The crystal.
        draft: The answer to add to.
        group: The place and its mentions.
        unit: The unit of the list.
        one_document: Whether all places are in one document, which need not be named.
        is_quoted: Whether the first mention is quoted.
    """
    first = group.mentions[0]
    label = " ".join(group.label.split())
    if unit == "document":
        name = group.source.path
    else:
        label = label or f"outside of {_PLURAL[unit]}"
        name = label if one_document else f"{group.source.path} › {label}"
    number = None
    if is_quoted:
        passage = _passage_of(crystal.shelf, group.source, first)
        citations = attribution.extract_citations(crystal, [passage])
        draft.passages.append(passage)
        number = draft.cite(citations[0] if citations else None)
    lines = (first.line, first.line)
    place = locate_span(crystal.shelf.store, group.source, first.start, first.end, lines).within_chapter
    text = _format_times(len(group.mentions))
    if place:
        text += f", {'first ' if len(group.mentions) > 1 else ''}{place}"
    draft.say(f"\n- {name}: {text}{f' [{number}]' if number else ''}")
    draft.portions.append(Portion(name, text, number, len(group.mentions)))


def _default_unit(shelf: IndexReader, sources: Sequence[SourceRow]) -> str:
    """Choose the unit of a list: documents of many, else chapters, pages or definitions of one."""
    if len(sources) > 1:
        return "document"
    for kind in ("heading", "definition", "page", "message", "slide", "sheet"):
        if shelf.store.landmark_count(sources[0].id, kind):
            return kind
    return "document"


def _group_mentions(
    shelf: IndexReader, source: SourceRow, mentions: Sequence[Mention], unit: str
) -> list[_MentionGroup]:
    """Group a document's mentions by place, in order; all in one where it has no such places."""
    landmarks = landmarks_of(shelf.store, source.id, unit) if unit != "document" else []
    starts = [start for start, _ in landmarks]
    groups: dict[int, _MentionGroup] = {}
    for mention in mentions:
        index = bisect_right(starts, mention.start)
        label = landmarks[index - 1][1] if index else ""
        if unit == "page" and label:
            label = f"p. {label}"
        groups.setdefault(index, _MentionGroup(label, source)).mentions.append(mention)
    if unit in _BY_NAME:
        by_label: dict[str, _MentionGroup] = {}
        for group in groups.values():
            by_label.setdefault(group.label, _MentionGroup(group.label, source)).mentions.extend(group.mentions)
        return list(by_label.values())
    return list(groups.values())


def _count_places(shelf: IndexReader, plan: BroadPlan, unit: str) -> int:
    """Count the places of a unit in the ranges of a plan's one document."""
    source, spans = plan.sources[0], [(part.start, part.end) for part in plan.ranges]
    landmarks = landmarks_of(shelf.store, source.id, unit)
    inside = [(start, label) for start, label in landmarks if label and _is_inside(spans, start)]
    return len({label if unit in _BY_NAME else start for start, label in inside})


def _is_inside(spans: Sequence[tuple[int, int]], position: int) -> bool:
    """Tell whether a character lies in one of the spans `[start, end)`."""
    return any(start <= position < end for start, end in spans)


def _passage_of(shelf: IndexReader, source: SourceRow, mention: Mention) -> Passage:
    """Give the sentence, or the line, that has a mention, as a passage."""
    low = max(0, mention.start - _AROUND)
    text = shelf.span_text(source, low, min(source.characters, mention.end + _AROUND))
    position = mention.start - low
    spans = [span for span in sentence_spans(text, source.kind in BY_LINES) if span[0] <= position < span[1]]
    start, end = spans[0] if spans else (position, mention.end - low)
    quote = text[start:end]
    line = mention.line - text.count("\n", start, position)
    place = locate_span(shelf.store, source, low + start, low + end, (line, line + quote.count("\n")))
    heading = shelf.store.landmark_before(source.id, "heading", mention.start) or None
    is_gone = source.state == DocumentState.GONE
    return Passage(place, quote, 1.0, heading, (place.start, place.end), gone=is_gone)


def _format_times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"


def _format_places(count: int, total: int, unit: str) -> str:
    """Format "4 of 10 chapters", or "4 chapters" where the total is unknown."""
    if total >= count > 0 and total > 1:
        return f"{count:,} of {total:,} {_PLURAL[unit]}"
    return f"{count:,} {_SINGULAR[unit] if count == 1 else _PLURAL[unit]}"


def _format_forms(forms: Counter[str]) -> str:
    """Format the other forms of the word, the most frequent first."""
    listed = ", ".join(f"“{word}” {count:,}" for word, count in forms.most_common(_MAX_FORMS))
    return f" (and as {listed})" if listed else ""
