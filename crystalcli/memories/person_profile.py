"""Profiles: what people have said of themselves, each line a quotation with its date and place.

Memories, chats, mails, sessions of agents and notes are read; answers of assistants are not. What
the crystal's owner says has no name there ("user", a memory without `--by`, a diary), and belongs
to the one who is "me". Lines that say the same are one; of those that claim the same of something
that has one value at a time, the newest holds and the others are folded below it, as are superseded
memories.

Knows: messages and their authors, memories and what supersedes them, notes with dates. Does not
know: how a statement is recognized; nothing is put in other words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from crystalcli.datatypes import CONVERSATION_KIND, MEMORY_KIND, NOTES, Citation, DocumentState
from crystalcli.errors import NotFoundError
from crystalcli.memories.claim import ToldClaim, read_claim
from crystalcli.memories.conversation_turn import ANSWERER
from crystalcli.memories.plan_date import planned_day
from crystalcli.memories.self_statement import StatementGroup, read_self_statement
from crystalcli.memories.supersession import HOLDS
from crystalcli.recall import CrystalReader, day_at, document_day, is_author, is_same_person, message_of
from crystalcli.storage import SourceRow, landmarks_of
from crystalcli.text import is_assistant, is_chat_owner, label_length, sentence_spans

OWNER = ""  # the person whose crystal it is, where no name is said
_YOU = "you"  # the owner in conversations of `crystal chat`
_NOBODY = frozenset(("system", "developer", ANSWERER.lower()))
_FIRST_PERSON = re.compile(r"\bI\b|\b[Mm]y\b")
# From here on a mail quotes another: "On 19 Nov 2025, Ann wrote:", "-----Original Message-----".
_QUOTED_MAIL = re.compile(
    r"^(?:On .{5,120}(?:\n.{0,80})?wrote:|-{2,} ?(?:Original|Forwarded) .*|_{10,}|From: .*|-- )$", re.MULTILINE
)
_HEADER_END = re.compile(r"\n[ \t]*\n")
_SAME = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class ProfileLine:
    """What a person said of themselves, as it was said.

    Attributes:
        group: What it tells.
        person: Who said it, by the name in the source; "" for the crystal's owner.
        citation: The quotation, with its place and its date.
        times: How often it was said in the same words.
        planned: The day that a plan names; None without one.
        before: What was said of the same before, the newest first, which no longer holds.
    """

    group: StatementGroup
    person: str
    citation: Citation
    times: int = 1
    planned: date | None = None
    before: tuple[ProfileLine, ...] = ()

    @property
    def quote(self) -> str:
        """The words, in one line."""
        return " ".join(self.citation.quote.split())


@dataclass(frozen=True, slots=True)
class ProfileReport:
    """The profile of a person.

    Attributes:
        name: The name that was asked for; "" for the crystal's owner.
        me: The name of the crystal's owner; "" where that was not said.
        lines: What was said, the newest first in each group.
        people: Everyone who said something of themselves, with the number of lines; "" is the
            crystal's owner.
    """

    name: str
    me: str
    lines: tuple[ProfileLine, ...]
    people: dict[str, int] = field(default_factory=dict)

    def of_group(self, group: StatementGroup) -> list[ProfileLine]:
        """List the lines of a group, the newest first."""
        return [line for line in self.lines if line.group is group]


class _Said(NamedTuple):
    """A statement, before it is cited."""

    person: str
    group: StatementGroup
    key: str
    source: SourceRow
    start: int
    end: int
    text: str
    day: date | None
    memory: str = ""  # the id of a memory
    successor: str = ""  # of a memory that is superseded
    times: int = 1


def make_profile(crystal: CrystalReader, name: str = "") -> ProfileReport:
    """Gather what a person has said of themselves.

    Args:
        crystal: The crystal.
        name: The person, by the words of the name; "" for the crystal's owner.

    Raises:
        NotFoundError: Nobody of the name has said anything of themselves.
        DamagedCrystalError: The crystal is damaged.
    """
    with crystal.snapshot():
        said, me = list(_statements(crystal)), crystal.me
        is_owner = not name or is_same_person(name, me)
        mine = [each for each in said if _is_by(each.person, name, me, is_owner=is_owner)]
        people = Counter(each.person for each in said)
        if name and not mine:
            known = ", ".join(person for person, _ in people.most_common(8) if person)
            raise NotFoundError(f"nobody named {name} says anything of themselves here" + f"; {known} do" * bool(known))
        lines = [_line(crystal, each, before) for each, before in _folded(mine)]
    lines.sort(key=lambda line: (line.citation.date is not None, line.citation.date or date.min), reverse=True)
    return ProfileReport(name, me, tuple(lines), dict(people.most_common()))


def _is_by(person: str, name: str, me: str, *, is_owner: bool) -> bool:
    if person == OWNER:
        return is_owner
    return is_author(name, person) if name else bool(me) and is_author(me, person)


# --- what is read ---------------------------------------------------------------------------------


class _Passage(NamedTuple):
    """A stretch of a document by one person."""

    person: str
    start: int
    text: str


def _statements(crystal: CrystalReader) -> Iterator[_Said]:
    """Yield the statements of everyone, in the order of the documents."""
    store = crystal.shelf.store
    sources = [source for source in store.sources() if source.chunks and source.state != DocumentState.GONE]
    diaries = _diaries(crystal, sources)
    for source in sources:
        labels = landmarks_of(store, source.id, "message")
        if not labels and source.id not in diaries:
            continue
        memory = store.memory_of(source.id) if source.kind == MEMORY_KIND else None
        for passage in _passages(crystal, source, labels):
            for start, end in sentence_spans(passage.text):
                text = passage.text[start:end]
                statement = read_self_statement(text, in_diary=not labels)
                if statement is None:
                    continue
                successor = memory.successor if memory is not None and memory.successor != HOLDS else ""
                yield _Said(
                    passage.person, statement.group, statement.key, source, passage.start + start, passage.start + end, text,
                    day_at(crystal.shelf, source, passage.start + start),
                    memory.id if memory is not None else "", successor,
                )  # fmt: skip


def _passages(crystal: CrystalReader, source: SourceRow, labels: Sequence[tuple[int, str]]) -> Iterator[_Passage]:
    """Yield the parts of a document that people wrote, without labels, headers and quoted mail."""
    if not labels:
        yield _Passage(_note_author(crystal, source), 0, crystal.shelf.span_text(source, 0, source.characters))
        return
    ends = [start for start, _ in labels[1:]] + [source.characters]
    for (start, label), end in zip(labels, ends, strict=True):
        author = message_of(label).author
        if is_assistant(author) or author.lower() in _NOBODY:
            continue
        text = crystal.shelf.span_text(source, start, end)
        if not _FIRST_PERSON.search(text):
            continue
        begin = 0
        if source.kind == "mail":
            begin = match.end() if (match := _HEADER_END.search(text)) else 0
            if quoted := _QUOTED_MAIL.search(text, begin):
                text = text[: quoted.start()]
        elif author:
            begin = label_length(text)
        yield _Passage(person_of(author, source.kind), start + begin, text[begin:])


def person_of(author: str, kind: str) -> str:
    """Name the person behind the author of a message; "" for the crystal's owner."""
    is_you = kind == CONVERSATION_KIND and author.lower() == _YOU
    return OWNER if is_you or is_chat_owner(author) else author


def _diaries(crystal: CrystalReader, sources: Sequence[SourceRow]) -> set[int]:
    """Find the notes and diaries: text with a date of its own, and what stands in their folders.

    Books and documentation also say "I"; they have no date in their names.
    """
    plain = [source for source in sources if source.kind in NOTES and source.kind not in ("chat", "mail")]
    dated = {source.id for source in plain if document_day(crystal.shelf, source, by_content=True) is not None}
    folders = {source.path.rpartition("/")[0] for source in plain if source.id in dated} - {""}
    return dated | {source.id for source in plain if any(source.path.startswith(f"{folder}/") for folder in folders)}


def _note_author(crystal: CrystalReader, source: SourceRow) -> str:
    """Name the author that a note states; "" for the crystal's owner."""
    return crystal.shelf.store.landmark_before(source.id, "author", 0)


# --- lines ----------------------------------------------------------------------------------------


def _folded(said: Sequence[_Said]) -> list[tuple[_Said, list[_Said]]]:
    """Join what one person said several times, and fold what no longer holds below what does.

    Returns:
        The statements that hold, each with those that it replaced, the newest first.
    """
    newest: dict[tuple[str, str], _Said] = {}
    for each in sorted(said, key=lambda each: (each.day or date.min, each.source.id, each.start)):
        words = each.group.value, _SAME.sub(" ", each.text).strip().lower()
        times = newest.pop(words).times + 1 if words in newest else 1
        newest[words] = each._replace(times=times)
    rows = list(newest.values())
    by_memory = {row.memory: number for number, row in enumerate(rows) if row.memory}
    newer = {number: by_memory[row.successor] for number, row in enumerate(rows) if row.successor in by_memory}
    last: dict[str, tuple[int, ToldClaim]] = {}
    for number, row in enumerate(rows):
        claim = read_claim(row.text) if row.day is not None else None
        if claim is None and row.key and row.day is not None:
            claim = ToldClaim(row.key, row.text.lower())
        if claim is None:
            continue
        older, known = last.get(claim.key, (number, claim))
        # Among memories it was decided when they were told, maybe by hand.
        if not known.agrees(claim) and not (row.memory and rows[older].memory):
            newer.setdefault(older, number)
        last[claim.key] = number, claim
    before: dict[int, list[_Said]] = {}
    for number in newer:
        before.setdefault(_holding(number, newer), []).append(rows[number])
    holding = [number for number in range(len(rows)) if number not in newer]
    return [(rows[number], before.get(number, [])[::-1]) for number in holding]


def _holding(number: int, newer: Mapping[int, int]) -> int:
    """Follow a statement to the one that holds in its place."""
    seen = {number}
    while number in newer and newer[number] not in seen:
        number = newer[number]
        seen.add(number)
    return number


def _line(crystal: CrystalReader, said: _Said, before: Sequence[_Said]) -> ProfileLine:
    citation = crystal.cite(said.source.path, said.start, said.end)
    planned = planned_day(said.text, said.day) if said.group is StatementGroup.PLAN and said.day is not None else None
    folded = tuple(_line(crystal, each, ()) for each in before)
    return ProfileLine(said.group, said.person, replace(citation, date=said.day), said.times, planned, folded)
