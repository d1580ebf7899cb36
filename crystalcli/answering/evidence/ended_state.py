"""The end of a state before the state, where a question asks how things are.

    "Do I still owe Ben money?"    Paid Ben back the 40 euros.    2026-02-20
                                   I owe Ben 40 euros.            2026-01-05

The best dated passages are looked through for a sentence of a state. What was written later is
recalled by that sentence; of all that ends the state or says it anew, the newest comes first.

Knows: passages with dates. Does not know: what ends what (`memories.state_end`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from crystalcli.answering.evidence.newest_first import is_present
from crystalcli.answering.evidence.statement_passage import author_of_memory, memory_of, passage_in_place_of
from crystalcli.datatypes import BY_LINES, MEMORY_KIND, FilterReading, Passage
from crystalcli.errors import NotFoundError
from crystalcli.memories import NamedState, ends_state, read_state, renews_state, tells_of_thing
from crystalcli.recall import CrystalReader
from crystalcli.text import sentence_spans

_LOOKED_AT = 4  # passages that may tell of the state
_LATER = 16  # passages that are recalled by it
_LONGEST = 240  # characters of a sentence that is read
_ABOUT_AS_WELL = 0.4  # the distance in score from the best passage
_AHEAD = 0.01
_LEAST_LOGIT = -7.0  # of the reranker; foreign texts have from -9 to -11
_MOST_OF_IT = 0.6  # of the words asked for, where the reranker is sure
_NOTES = ("markdown", "text")


class _Told(NamedTuple):
    """A sentence that tells of a state.

    Attributes:
        passage: Its passage.
        start: The first character, in the passage.
        end: The character behind the last.
        order: Its day; of a memory also when it was told.
        ends: Whether it ends the state.
    """

    passage: Passage
    start: int
    end: int
    order: tuple[date, int, int]
    ends: bool

    @property
    def day(self) -> date:
        return self.order[0]

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end].strip()


class StateNews(NamedTuple):
    """What was found of the state that a question asks for.

    Attributes:
        passages: All passages, with the newest of the state first.
        changes: A line that says what has changed, with both days; () where nothing has.
        has_ended: Whether the first passage says that the state has ended.
    """

    passages: list[Passage]
    changes: tuple[str, ...]
    has_ended: bool


def newest_of_state(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], reading: FilterReading
) -> StateNews:
    """Put what ends the state that is asked for before the state, or what says it anew.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages that were recalled, best first.
        reading: The filter in force.
    """
    unchanged = StateNews(list(passages), (), has_ended=False)
    if not is_present(question):
        return unchanged
    found = _state_of(crystal, question, passages)
    newest = _newest(crystal, found, passages, reading) if found is not None else None
    if found is None or newest is None:
        pair = _first_ends(crystal, question, passages)
        return unchanged if pair is None else StateNews(list(passages), (_line(*pair),), has_ended=True)
    start, end = newest.passage.start + newest.start, newest.passage.start + newest.end
    made = passage_in_place_of(passages[0], crystal, newest.passage.path, newest.passage.start, newest.passage.end)
    first = replace(made, score=passages[0].score + _AHEAD, best=(start, end))
    place = (newest.passage.path, newest.passage.start)
    others = [passage for passage in passages if (passage.path, passage.start) != place]
    return StateNews([first, *others], (_line(newest, found[0]),) if newest.ends else (), newest.ends)


def _newest(
    crystal: CrystalReader, found: tuple[_Told, NamedState], passages: Sequence[Passage], reading: FilterReading
) -> _Told | None:
    """Find the newest that was told of a state; None where it is the state itself."""
    told, state = found
    if state.is_ended:
        return None
    later = [*_recalled_later(crystal, told, reading), *passages]
    return max(_tellings(crystal, state, told, later), key=lambda each: each.order, default=None)


def _first_ends(crystal: CrystalReader, question: str, passages: Sequence[Passage]) -> tuple[_Told, _Told] | None:
    """Find the earlier state that the first passage ends, behind what ends it; None without one."""
    for passage in passages[1:]:
        found = _state_of(crystal, question, [passage])
        if found is None:
            continue
        ends = [each for each in _tellings(crystal, found[1], found[0], passages[:1]) if each.ends]
        if ends:
            return ends[0], found[0]
    return None


def _line(newer: _Told, older: _Told) -> str:
    """Say what has changed."""
    return f"{_shown(newer)} since {newer.day}; before: {_shown(older)} ({older.day})"


def _state_of(crystal: CrystalReader, question: str, passages: Sequence[Passage]) -> tuple[_Told, NamedState] | None:
    """Find the sentence of a state in the best passages."""
    for passage in passages[:_LOOKED_AT]:
        if passage.score < passages[0].score - _ABOUT_AS_WELL:
            break
        start, end = _memory(passage) or (passage.best[0] - passage.start, passage.best[1] - passage.start)
        if passage.date is None or not 0 <= start < end or end - start > _LONGEST:
            continue
        state = read_state(passage.text[start:end].strip(), question)
        if state is not None:
            return _Told(passage, start, end, _order(crystal, passage, passage.date), False), state
    return None


def _order(crystal: CrystalReader, passage: Passage, day: date) -> tuple[date, int, int]:
    """Give what passages are put in time by: of memories of one day the one told later is newer."""
    if passage.place.kind != MEMORY_KIND:
        return day, 0, 0
    with crystal.snapshot():
        row = memory_of(crystal.shelf.store, passage)
    return (day, row.told, row.source) if row is not None else (day, 0, 0)


def _memory(passage: Passage) -> tuple[int, int] | None:
    """Give the place of a short memory in its passage, without who told it: it is one sentence."""
    if passage.place.kind != MEMORY_KIND or len(passage.text) > _LONGEST:
        return None
    return len(_prefix(passage)), len(passage.text)


def _prefix(passage: Passage) -> str:
    """Give the name before a memory of somebody: "Ben: "."""
    prefix = f"{author}: " if passage.place.kind == MEMORY_KIND and (author := author_of_memory(passage)) else ""
    return prefix if passage.text.startswith(prefix) else ""


def _recalled_later(crystal: CrystalReader, told: _Told, reading: FilterReading) -> Iterable[Passage]:
    """Recall what was written from the day of a state on, by its words."""
    where = reading.recall_filter
    since = told.day if where.since is None else max(told.day, where.since)
    try:
        return crystal.recall(
            told.text, _LATER, where=replace(where, since=since, by_content=True), rerank=False
        ).passages
    except NotFoundError:
        return ()


def _tellings(crystal: CrystalReader, state: NamedState, told: _Told, later: Iterable[Passage]) -> Iterable[_Told]:
    """Give the later sentences that end a state, or say it anew."""
    for passage in later:
        if passage.date is None or passage.date < told.day:
            continue
        if passage.place.kind == MEMORY_KIND and _prefix(passage) != _prefix(told.passage):
            continue  # it is somebody else's
        memory = _memory(passage)
        for start, end in [memory] if memory else sentence_spans(passage.text, passage.place.kind in BY_LINES):
            if end - start > _LONGEST:
                continue
            text = passage.text[start:end].strip()
            ends = ends_state(state, text)
            if not ends and not renews_state(state, text) and not _is_news(state, passage, text):
                continue
            found = _Told(passage, start, end, _order(crystal, passage, passage.date), ends)
            if _is_after(found, told):
                yield found


def _is_after(later: _Told, told: _Told) -> bool:
    """Tell whether a sentence was written after another one."""
    if later.passage.path == told.passage.path:
        return later.passage.start + later.start > told.passage.start + told.start
    return later.order > told.order


def _is_news(state: NamedState, passage: Passage, text: str) -> bool:
    """Tell whether a sentence of a note that is near the question tells of the thing asked for."""
    if passage.place.kind not in (MEMORY_KIND, *_NOTES) or passage.logit is None or passage.logit < _LEAST_LOGIT:
        return False
    if state.is_of_person and not state.is_whole:
        return False
    return tells_of_thing(state, text, _MOST_OF_IT if passage.logit > 0.0 else 1.0)


def _shown(told: _Told) -> str:
    return told.text.rstrip(".")
