"""Where a word or a phrase stands, everywhere: counted in the text that the index points to, by chapter, page, file or function.

No language model. Each place of the list has the line of its first mention, and the first ones have it quoted.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crystalcli.answering.broad.broad_plan import Plan, called
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, locate_span
from crystalcli.overview import Mention, find_mentions
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow, landmarks_of
from crystalcli.text import sentence_spans
from crystalcli.types import BY_LINES, Passage, Portion

QUOTED = 20  # places whose first mention is quoted: a longer list is read for its places
_AROUND = 400  # characters on either side in which the sentence of a mention is looked for
_FORMS = 4  # other forms of a word that are named
_BY_NAME = frozenset(
    ("definition", "message", "sheet")
)  # landmarks that come again where another ends that lay in them
_PLURAL = {
    "heading": "chapters", "page": "pages", "document": "documents", "definition": "functions and classes", "message": "messages",
    "slide": "slides", "sheet": "sheets",
}  # fmt: skip


@dataclass(slots=True)
class _Place:
    """One place of a list: a chapter, a page, a file, with its mentions in order. label: "" for what stands in none of them."""

    label: str
    source: SourceRow
    found: list[Mention] = field(default_factory=list)


def answer_mentions(crystal: CrystalReader, plan: Plan, draft: AnswerDraft) -> None:
    """Say where, and how often, what the plan asks for stands. Raises NotFoundError where it stands nowhere."""
    shelf, phrase = crystal.shelf, plan.intent.subject
    unit = plan.intent.unit or _usual(shelf, plan.sources)
    places: list[_Place] = []
    if unit != "document" and not any(shelf.store.landmark_count(each.id, unit) for each in plan.sources):
        draft.say(f"{called(plan.sources, plan.stretches)} has no {_PLURAL[unit]} that are known.\n")
        unit = "document"
    others: Counter[str] = Counter()
    among = 0
    for each in find_mentions(shelf, phrase, plan.sources):
        spans = [(one.start, one.end) for one in plan.stretches if one.source.id == each.source.id]
        found = [one for one in each.found if _within(spans, one.start)]
        others.update(form for at, form in each.others if _within(spans, at))
        places += _grouped(shelf, each.source, found, unit)
    if not places:
        raise NotFoundError(f"“{phrase}” stands nowhere in {called(plan.sources, plan.stretches)}")
    if unit == "document":
        among = len(plan.sources)
    elif len(plan.sources) == 1:
        among = _all_of(shelf, plan, unit)
    total = sum(len(place.found) for place in places)
    where = "" if unit == "document" and among > 1 else f" of {called(plan.sources, plan.stretches)}"
    inside = len(places) if unit == "document" else sum(bool(place.label) for place in places)
    told = f"in {_of(inside, among, unit)}{where}" if inside else f"in {called(plan.sources, plan.stretches)}"
    if inside < len(places):
        told += f", {'and ' if inside else ''}outside of {'them' if inside else f'its {_PLURAL[unit]}'}"
    draft.say(f"“{phrase}” stands {_times(total)} {told}{_also(others)}:\n")
    alone = len({place.source.id for place in places}) == 1
    for number, place in enumerate(places):
        _say_place(crystal, draft, place, unit, alone=alone, quoted=number < QUOTED)
    draft.recalled = draft.first


def _say_place(
    crystal: CrystalReader, draft: AnswerDraft, place: _Place, unit: str, *, alone: bool, quoted: bool
) -> None:
    label = " ".join(place.label.split())
    if unit == "document":
        name = place.source.path
    else:
        label = label or f"outside of {_PLURAL[unit]}"
        name = label if alone else f"{place.source.path} › {label}"
    passage = _passage(crystal.shelf, place.source, place.found[0])
    cited = attribution.extract_citations(crystal, [passage]) if quoted else ()
    draft.passages += [passage] if quoted else []
    number = draft.cite(cited[0] if cited else None)
    first = place.found[0]
    where = str(locate_span(crystal.shelf.store, place.source, first.start, first.end, (first.line, first.line)))
    text = _times(len(place.found)) + (f", {'first ' if len(place.found) > 1 else ''}{where}" if where else "")
    draft.say(f"\n- {name}: {text}{f' [{number}]' if number else ''}")
    draft.portions.append(Portion(name, text, number, len(place.found)))


def _usual(shelf: IndexReader, sources: Sequence[SourceRow]) -> str:
    """What a list goes by when the question does not say: files of many, else the chapters, pages or definitions of one."""
    if len(sources) > 1:
        return "document"
    for kind in ("heading", "definition", "page", "message", "slide", "sheet"):
        if shelf.store.landmark_count(sources[0].id, kind):
            return kind
    return "document"


def _grouped(shelf: IndexReader, source: SourceRow, found: Sequence[Mention], unit: str) -> list[_Place]:
    """A document's mentions by place, in order; all in one where it has no such places."""
    marks = landmarks_of(shelf.store, source.id, unit) if unit != "document" else []
    starts = [start for start, _ in marks]
    places: dict[int, _Place] = {}
    for each in found:
        at = bisect_right(starts, each.start)
        label = marks[at - 1][1] if at else ""
        if unit == "page" and label:
            label = f"p. {label}"
        places.setdefault(at, _Place(label, source)).found.append(each)
    if unit in _BY_NAME:
        by_label: dict[str, _Place] = {}
        for place in places.values():
            by_label.setdefault(place.label, _Place(place.label, source)).found.extend(place.found)
        return list(by_label.values())
    return list(places.values())


def _all_of(shelf: IndexReader, plan: Plan, unit: str) -> int:
    """How many places of a unit the one document has in what was gone through."""
    source, spans = plan.sources[0], [(each.start, each.end) for each in plan.stretches]
    marks = landmarks_of(shelf.store, source.id, unit)
    inside = [(start, label) for start, label in marks if label and _within(spans, start)]
    return len({label if unit in _BY_NAME else start for start, label in inside})


def _within(spans: Sequence[tuple[int, int]], place: int) -> bool:
    """Whether a character lies in one of the spans `[start, end)`."""
    return any(start <= place < end for start, end in spans)


def _passage(shelf: IndexReader, source: SourceRow, mention: Mention) -> Passage:
    """The sentence, or the line, that a mention stands in."""
    low = max(0, mention.start - _AROUND)
    text = shelf.span_text(source, low, min(source.characters, mention.end + _AROUND))
    at = mention.start - low
    spans = [span for span in sentence_spans(text, source.kind in BY_LINES) if span[0] <= at < span[1]]
    start, end = spans[0] if spans else (at, mention.end - low)
    quote = text[start:end]
    line = mention.line - text.count("\n", start, at)
    here = locate_span(shelf.store, source, low + start, low + end, (line, line + quote.count("\n")))
    heading = shelf.store.landmark_before(source.id, "heading", mention.start) or None
    return Passage(here, quote, 1.0, heading, (here.start, here.end), gone=source.state == "gone")


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count:,} times"


def _of(count: int, among: int, unit: str) -> str:
    one = {**{kind: name[:-1] for kind, name in _PLURAL.items()}, "definition": "function or class"}[unit]
    if among >= count > 0 and among > 1:
        return f"{count:,} of {among:,} {_PLURAL[unit]}"
    return f"{count:,} {one if count == 1 else _PLURAL[unit]}"


def _also(others: Counter[str]) -> str:
    named = ", ".join(f"“{word}” {count:,}" for word, count in others.most_common(_FORMS))
    return f" (and as {named})" if named else ""
