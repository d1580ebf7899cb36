"""The mask of a filter: the atoms that a question may be answered from, and the parts of documents.

The mask is made before candidates are chosen. It is a bool for each atom: of documents that are in
as a whole the ranges of their runs are set, of others the atoms that touch an allowed part.

Knows: names, kinds, dates, authors and tags of documents. Does not know: questions, scores.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.datatypes import CONVERSATION_KIND, FIELD_JOINT, DocumentState, RecallFilter
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.index import IndexReader, TermIndex, glob_to_regex, run_atom_spans
from crystalcli.lexical import query_terms
from crystalcli.recall.content_dates import document_day, heading_day, message_of
from crystalcli.storage import SourceRow, landmarks_of_kind, runs_of_all
from crystalcli.text import tags_of

if TYPE_CHECKING:
    from datetime import date

    import numpy.typing as npt

    from crystalcli.datatypes import Int64Array

_END = 1 << 62  # the end, in characters, of the last part of a document
_MOST_NAMES = 3  # nearest names in an error
_GLOB_CHARACTERS = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class FilterMask:
    """What a filter lets through.

    Attributes:
        atoms: Whether each atom may answer, bool [atoms].
        whole: Ids of the documents that are in as a whole.
        parts: The allowed parts of the others, by id: characters `[start, end)`, int64 [n, 2],
            rising, one not touching the next.
        of_people: Whether authors of messages were chosen, who may be assistants.
    """

    atoms: npt.NDArray[np.bool_]
    whole: frozenset[int]
    parts: dict[int, Int64Array]
    of_people: bool = False

    def allows(self, source: int) -> bool:
        """Tell whether any of a document may answer."""
        return source in self.whole or source in self.parts

    def clip(self, source: int, start: int, end: int) -> list[tuple[int, int]]:
        """Give the allowed parts of the characters `[start, end)` of a document, in order."""
        if source in self.whole:
            return [(start, end)]
        parts = self.parts.get(source)
        if parts is None:
            return []
        first, last = int(np.searchsorted(parts[:, 1], start, "right")), int(np.searchsorted(parts[:, 0], end))
        return [(max(start, low), min(end, high)) for low, high in parts[first:last].tolist()]


def make_filter_mask(
    index: IndexReader, recall_filter: RecallFilter, among: Collection[int] | None = None
) -> FilterMask:
    """Make the mask of a filter.

    Args:
        index: The resident index.
        recall_filter: The filter.
        among: Ids of the documents that it may let through; None: all.

    Raises:
        NotFoundError: A name, kind, author or tag is nowhere in the crystal.
        UsageError: The first day is after the last, a name is empty, or a glob is invalid.
        DamagedCrystalError: The crystal is damaged.
    """
    since, until = recall_filter.since, recall_filter.last_day
    if since is not None and until is not None and since > until:
        raise UsageError(f"the first day, {since}, is after the last, {until}")
    sources = _select_sources(index, recall_filter)
    if among is not None:
        sources = [source for source in sources if source.id in among]
    whole = {source.id: source for source in sources}
    parts: dict[int, list[tuple[int, int]]] = {}
    if recall_filter.people:
        _check_people(index, recall_filter.people)
    if recall_filter.people or since is not None or until is not None:
        parts = _allowed_parts(index, sources, recall_filter)
        whole = {number: source for number, source in whole.items() if parts.get(number) == [(0, _END)]}
    partial = {number: np.array(spans, np.int64) for number, spans in parts.items() if spans and number not in whole}
    atoms = _atoms_of(index, list(whole), partial)
    return FilterMask(atoms, frozenset(whole), partial, bool(recall_filter.people))


def has_gone(index: IndexReader) -> bool:
    """Tell whether the files of some documents are gone."""
    return any(state == DocumentState.GONE for _, state in index.kinds_and_states)


def has_told_conversations(index: IndexReader) -> bool:
    """Tell whether the crystal holds conversations of `crystal chat`."""
    return any(kind == CONVERSATION_KIND for kind, _ in index.kinds_and_states)


def authors_of(index: IndexReader) -> dict[str, int]:
    """Count the messages of each author.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    counts: dict[str, int] = {}
    sources = [source.id for source in index.store.sources() if source.chunks]
    for _, _, label in landmarks_of_kind(index.store, sources, "message"):
        if author := message_of(label).author:
            counts[author] = counts.get(author, 0) + 1
    return counts


def is_author(name: str, author: str) -> bool:
    """Tell whether a name means an author: all of its words are words of the author's name.

    "" means messages and memories that name no author.
    """
    if not name:
        return not author
    words = _name_words(name)
    return bool(words) and words <= _name_words(author)


def is_same_person(name: str, other: str) -> bool:
    """Tell whether two names may be one person's: one has all words of the other."""
    return bool(name and other) and (is_author(name, other) or is_author(other, name))


# --- documents ------------------------------------------------------------------------------------


def _select_sources(index: IndexReader, recall_filter: RecallFilter) -> list[SourceRow]:
    """Select the documents by name, kind, state and tags."""
    sources = [source for source in index.store.sources() if source.chunks]
    selected = set[int]() if recall_filter.within else {source.id for source in sources}
    for name in recall_filter.within:
        selected |= {source.id for source in documents_named(index, sources, name)}
    known_kinds = {source.kind for source in sources}
    for kind in recall_filter.kinds:
        if kind not in known_kinds:
            raise NotFoundError(
                f"no document of kind {kind} in this crystal; its kinds: {', '.join(sorted(known_kinds))}"
            )
    chosen = [
        source
        for source in sources
        if source.id in selected
        and (source.kind != CONVERSATION_KIND or recall_filter.asks_conversations)
        and (not recall_filter.kinds or source.kind in recall_filter.kinds)
        and not (recall_filter.present and source.state == DocumentState.GONE)
    ]
    for tag in recall_filter.tags:
        tagged = _with_tag(index, chosen, tag)
        if not tagged and not _with_tag(index, sources, tag):
            raise NotFoundError(_no_tag(index, sources, tag))
        chosen = tagged
    return chosen


def documents_named(index: IndexReader, sources: Sequence[SourceRow], name: str) -> list[SourceRow]:
    """Find the documents that a name, a folder, a path or a glob means.

    Args:
        index: The resident index.
        sources: The documents to choose from.
        name: The name: all of a document's, of a folder's or the end of one; or a glob, which
            without `/` is matched with the names of files.

    Raises:
        NotFoundError: It means no document.
        UsageError: It is empty, or an invalid glob.
    """
    bare = name.strip().removeprefix("./").rstrip("/")
    if not bare:
        raise UsageError("the name of a document is empty")
    folded = bare.casefold()
    matches = [source for source in sources if source.path.casefold() == folded or _is_below(rooted(source), folded)]
    if not matches and not _GLOB_CHARACTERS.isdisjoint(bare):
        pattern = glob_to_regex(bare if "/" in bare else f"**/{bare}")
        matches = [source for source in sources if pattern.fullmatch(source.path) or pattern.fullmatch(rooted(source))]
    if not matches:
        matches = [source for source in sources if f"/{source.path.casefold()}".endswith(f"/{folded.lstrip('/')}")]
    if not matches:
        home = index.store.path.absolute().parent
        target = os.path.normpath(Path(bare).expanduser().absolute())
        paths = [(source, os.path.normpath(home / source.location)) for source in sources]
        matches = [source for source, path in paths if path == target or path.startswith(target + os.sep)]
    if not matches:
        folders = {folder for source in sources for folder in rooted(source).split("/")[:-1]}
        near = _nearest(bare, [*(source.path for source in sources), *sorted(folders)])
        raise NotFoundError(f"no document matches {name}{near or '; `crystal inspect --documents` lists them'}")
    return matches


def rooted(source: SourceRow) -> str:
    """Give a document's name below the name of the folder that was ingested."""
    return f"{source.root.rpartition('/')[2]}/{source.path}"


def _is_below(path: str, folder: str) -> bool:
    return f"/{folder}/" in f"/{path.casefold()}"


def _with_tag(index: IndexReader, sources: Sequence[SourceRow], tag: str) -> list[SourceRow]:
    """Select the documents that state a tag, and Markdown documents and memories with it.

    Only Markdown documents that hold its words are read.
    """
    wanted = tag.lstrip("#").lower()
    told = {memory.source for memory in index.store.memories(tags=[wanted])}
    stated = {number for number, tags in _stated_tags(index, sources).items() if wanted in tags}
    markdown = [source for source in sources if source.kind == "markdown"]
    holders = _sources_with_words(index, [source.id for source in markdown], wanted)
    tagged = {source.id for source in markdown if source.id in holders and wanted in tags_of(index.span_text(source))}
    return [source for source in sources if source.id in tagged | told | stated]


def _stated_tags(index: IndexReader, sources: Sequence[SourceRow]) -> dict[int, list[str]]:
    """Read the tags that documents state in their properties, by the id of the document."""
    rows = landmarks_of_kind(index.store, [source.id for source in sources], "tags")
    return {number: label.split(FIELD_JOINT) for number, _, label in rows}


def _sources_with_words(index: IndexReader, sources: list[int], text: str) -> set[int]:
    """Select the documents that hold all words of a text, by the lexical index."""
    words = query_terms(text)
    if not words:
        return set(sources)
    postings = TermIndex(index).postings(text)
    holders = set(sources)
    owners, firsts, ends = _run_atoms(index, sources).T
    for word in words:
        has_word = np.zeros(len(owners), bool)
        for packed in postings.get(word, ()):
            for posting in packed.pieces():
                has_word |= np.searchsorted(posting.atoms, ends) > np.searchsorted(posting.atoms, firsts)
        holders &= set(owners[has_word].tolist())
    return holders


def all_tags(index: IndexReader) -> list[str]:
    """List the tags of Markdown documents and memories, and those that others state, in order.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    sources = [source for source in index.store.sources() if source.chunks]
    told = {tag for memory in index.store.memories() for tag in memory.tags.split()}
    told |= {tag for source in sources if source.kind == "markdown" for tag in tags_of(index.span_text(source))}
    return sorted(told.union(*_stated_tags(index, sources).values()))


def _no_tag(index: IndexReader, sources: Sequence[SourceRow], tag: str) -> str:
    known = all_tags(index)
    if not known and not any(source.kind == "markdown" for source in sources):
        return f"no tag #{tag.lstrip('#')}: this crystal has no Markdown documents, and no document states tags"
    near = _nearest(tag.lstrip("#").lower(), known) or (f"; its tags: {', '.join(known[:20])}" if known else "")
    return f"no document and no memory in this crystal has the tag #{tag.lstrip('#')}{near}"


# --- parts of documents ---------------------------------------------------------------------------


def _stated_authors(index: IndexReader, sources: Sequence[SourceRow]) -> dict[int, list[str]]:
    """Read the authors that documents state, by the id of the document."""
    rows = landmarks_of_kind(index.store, [source.id for source in sources], "author")
    return {number: label.split(FIELD_JOINT) for number, _, label in rows}


def _check_people(index: IndexReader, people: Sequence[str]) -> None:
    authors = authors_of(index)
    documents = [source for source in index.store.sources() if source.chunks]
    for names in _stated_authors(index, documents).values():
        for name in names:
            authors.setdefault(name, 0)
    for name in filter(None, people):
        if not any(is_author(name, author) for author in authors):
            if not authors:
                raise NotFoundError(f"no messages by {name}: this crystal holds no chats, no mail and no authors")
            by_count = sorted(authors, key=lambda author: -authors[author])
            near = _nearest(name, by_count) or f"; those who wrote most: {', '.join(by_count[:_MOST_NAMES])}"
            raise NotFoundError(f"no messages by {name} in this crystal{near}")


def _allowed_parts(
    index: IndexReader, sources: Sequence[SourceRow], recall_filter: RecallFilter
) -> dict[int, list[tuple[int, int]]]:
    """Find the parts of documents of the people and days of a filter, by the id of the document."""
    numbers = [source.id for source in sources]
    parts: dict[int, list[tuple[int, int]]] = {}
    people = recall_filter.people
    is_wanted: dict[str, bool] = {}
    for number, rows in groupby(landmarks_of_kind(index.store, numbers, "message"), key=lambda row: row[0]):
        allowed = []
        for _, start, label in rows:
            author, day = message_of(label)
            if author not in is_wanted:
                is_wanted[author] = not people or any(is_author(name, author) for name in people)
            allowed.append((start, is_wanted[author] and _is_inside(day, recall_filter)))
        parts[number] = _joined(allowed)
    rest = [source for source in sources if source.id not in parts]
    if people:
        stated = _stated_authors(index, rest)
        rest = [source for source in rest if _is_by(people, stated.get(source.id, ()))]
    headings = {
        number: [(start, label) for _, start, label in rows]
        for number, rows in groupby(
            landmarks_of_kind(index.store, [source.id for source in rest], "heading"), key=lambda row: row[0]
        )
    }
    for source in rest:
        otherwise = _is_inside(document_day(index, source, by_content=recall_filter.by_content), recall_filter)
        days = [(start, heading_day(label, source)) for start, label in headings.get(source.id, ())]
        sections = [(start, otherwise if day is None else _is_inside(day, recall_filter)) for start, day in days]
        parts[source.id] = _joined([(0, otherwise), *sections])
    return parts


def _is_by(people: Sequence[str], authors: Sequence[str]) -> bool:
    """Tell whether one of some people is one of some authors."""
    return any(is_author(name, author) for name in people for author in authors)


def _is_inside(day: date | None, recall_filter: RecallFilter) -> bool:
    """Tell whether a day is in the period of a filter; without a period every one is."""
    since, until = recall_filter.since, recall_filter.last_day
    if since is None and until is None:
        return True
    return day is not None and (since is None or since <= day) and (until is None or day <= until)


def _joined(starts: Iterable[tuple[int, bool]]) -> list[tuple[int, int]]:
    """Join the allowed ones of neighbouring parts, each (start, allowed); the last has no end."""
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    for start, is_allowed in starts:
        if is_allowed and begin is None:
            begin = start
        elif not is_allowed and begin is not None:
            spans += [(begin, start)] if start > begin else []
            begin = None
    return spans if begin is None else [*spans, (begin, _END)]


def _atoms_of(index: IndexReader, whole: list[int], parts: dict[int, Int64Array]) -> npt.NDArray[np.bool_]:
    """Find the atoms of whole documents, and of parts of documents."""
    mask = np.zeros(index.atoms, bool)
    for _, first, end in _run_atoms(index, whole).tolist():
        mask[first:end] = True
    for source, spans in parts.items():
        for run in index.store.runs_of(source):
            atoms, starts, ends = run_atom_spans(index, run)
            following = np.searchsorted(spans[:, 1], starts, "right")
            touches = following < len(spans)
            touches[touches] = spans[following[touches], 0] < ends[touches]
            mask[atoms[touches]] = True
    return mask


def _run_atoms(index: IndexReader, sources: Sequence[int]) -> Int64Array:
    """Find the atoms of the runs of documents.

    Returns:
        For each run the id of its document, its first atom, and the one after its last, int64
        [runs, 3].
    """
    runs = np.array(runs_of_all(index.store, sources), np.int64).reshape(-1, 3)
    chunks = len(index.nesting.atoms) - 1
    first, end = runs[:, 1], runs[:, 1] + runs[:, 2]
    if not ((first >= 0) & (first < end) & (end <= chunks)).all():
        raise index.store.damaged("a document refers to chunks that are not there")
    return np.stack([runs[:, 0], index.nesting.atoms[first], index.nesting.atoms[end]], axis=1).astype(np.int64)


# --- names ----------------------------------------------------------------------------------------


def _name_words(name: str) -> set[str]:
    return set("".join(letter if letter.isalnum() else " " for letter in name.casefold()).split())


def _nearest(name: str, known: Sequence[str]) -> str:
    """Name the nearest of the known names, as the end of an error's message; "" without one."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    leaves = {candidate.rpartition("/")[2]: candidate for candidate in reversed(by_fold)}
    near = get_close_matches(name.casefold(), list(by_fold), _MOST_NAMES, 0.5)
    near += [leaves[leaf] for leaf in get_close_matches(name.casefold(), list(leaves), _MOST_NAMES, 0.5)]
    near += [candidate for candidate in by_fold if name.casefold() in candidate]
    shown = [by_fold[candidate] for candidate in dict.fromkeys(near)][:_MOST_NAMES]
    return f"; nearest: {', '.join(shown)}" if shown else ""
