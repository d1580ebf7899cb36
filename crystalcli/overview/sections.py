"""Divides documents into a few sections of similar size.

One document is divided at its chapters and in its order, many documents along their folders, and
elsewhere only if neither will do. Each section knows its atoms, and the place (a chapter, a
file) of each.

Knows: headings, paths, atoms. Does not know: vectors, questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.datatypes import HEADING_JOINT
from crystalcli.index import IndexReader, atoms_of_documents, document_atoms
from crystalcli.overview.chapters import BACK_MATTER
from crystalcli.overview.resolve import DocumentRange
from crystalcli.storage import SourceRow, landmarks_of

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

# The largest distance of a chapter from the ideal end of a section, in sections, at which the
# section still ends there.
_LARGEST_SHIFT = 0.4
_FEWEST_ATOMS = 6  # of a section, on average
_LONGEST_LABEL = 60  # characters, on either side of a range
_ABSTRACTS = frozenset(("abstract", "summary", "executive summary", "overview", "synopsis", "tl;dr"))


@dataclass(frozen=True, slots=True)
class Section:
    """A section of one document, or of many.

    Attributes:
        label: Its name; "" if its headings give none.
        sources: Its documents.
        atoms: Its atoms in order, int64 [n].
        places: The number of the chapter or file of each atom, int64 [n].
        span: Its characters [start, end) in its document; None for several documents.
    """

    label: str
    sources: tuple[SourceRow, ...]
    atoms: Int64Array
    places: Int64Array
    span: tuple[int, int] | None = None


def split_sections(
    index: IndexReader, ranges: Sequence[DocumentRange], most: int, only: Int64Array | None = None
) -> list[Section]:
    """Divide ranges of documents into sections that together hold every atom.

    One range is divided in its order, many documents by folder. If there are more ranges with
    labels than `most`, each is a section.

    Args:
        index: The crystal's index.
        ranges: The ranges to divide.
        most: The most sections.
        only: Atoms, int64. The ranges are narrowed to them before they are divided, so that each
            section has its share of them.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    ranges = [part for part in ranges if part.source.chunks]
    if only is not None and len(ranges) > 1:
        atoms = atoms_of_documents(index, [part.source.id for part in ranges])
        ranges = [part for part in ranges if np.isin(atoms[part.source.id], only).any()]
    if len(ranges) == 1:
        return _split_range(index, ranges[0], most, only)
    if len(ranges) > most // 2 and not any(part.label for part in ranges):
        return _split_documents(index, [part.source for part in ranges], most, only)
    # Each of a few ranges is divided into as many sections as its length allows.
    total = sum(part.end - part.start for part in ranges)
    sections = []
    for part in ranges:
        share = max(1, most * (part.end - part.start) // max(1, total))
        path = part.source.path
        for section in _split_range(index, part, share, only):
            labelled = section.label and (share > 1 or part.label)
            sections.append(replace(section, label=f"{path}: {section.label}" if labelled else path))
    return sections


def opening_section(index: IndexReader, ranges: Sequence[DocumentRange]) -> Section | None:
    """Return the section in which a document or a folder describes itself.

    It is the abstract of one document, or the outermost README of many.

    Args:
        index: The crystal's index.
        ranges: The document, or the documents of the folder.

    Returns:
        The section; None without one, and for ranges under a heading.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    if any(part.label for part in ranges):
        return None
    if len(ranges) == 1:
        source = ranges[0].source
        headings = landmarks_of(index.store, source.id, "heading")
        for number, (start, label) in enumerate(headings):
            if label.rpartition(HEADING_JOINT)[2].strip(" .:0123456789").lower() in _ABSTRACTS:
                end = headings[number + 1][0] if number + 1 < len(headings) else source.characters
                return _single_section(index, DocumentRange(source, start, end), label)
        return None
    readmes = [part for part in ranges if part.source.path.rpartition("/")[2].partition(".")[0].lower() == "readme"]
    if not readmes:
        return None
    outermost = min(readmes, key=lambda part: (part.source.path.count("/"), part.source.path))
    return _single_section(index, outermost, outermost.source.path)


def _single_section(index: IndexReader, part: DocumentRange, label: str) -> Section | None:
    """Return a range as one section; None if it has no atoms."""
    sections = _split_range(index, part, 1, None)
    return replace(sections[0], label=label) if sections else None


# --- one document ---------------------------------------------------------------------------------


def _split_range(index: IndexReader, part: DocumentRange, most: int, only: Int64Array | None) -> list[Section]:
    """Divide a range of a document at its headings, or else at its pages."""
    source = index.vouch(part.source)
    atoms, starts = document_atoms(index, source)
    inside = (starts >= part.start) & (starts < part.end)
    headings = landmarks_of(index.store, source.id, "heading")
    paged = not headings
    headings = headings or landmarks_of(index.store, source.id, "page")
    heading_starts = [start for start, _ in headings]
    # 0 is the place before the first chapter.
    places = np.searchsorted(np.array(heading_starts, np.int64), starts, side="right")
    back_matter = np.array([False, *(_is_back_matter(label) for _, label in headings)])[places]
    if (inside & ~back_matter).any():
        inside &= ~back_matter
    if only is not None:
        inside &= np.isin(atoms, only)
    ends = np.append(starts[1:], source.characters)[inside]
    atoms, places, starts = atoms[inside], places[inside], starts[inside]
    if not len(atoms):
        return []
    depths = np.array([0, *(label.count(HEADING_JOINT) for _, label in headings)])
    cuts = _cuts(places, depths, max(1, min(most, len(atoms) // _FEWEST_ATOMS)))
    labels = []
    for low, high in pairwise(cuts):
        chapters = places[low:high][places[low:high] > 0].tolist()
        labels.append(
            _label(headings[chapters[0] - 1][1], headings[chapters[-1] - 1][1], part.label, paged) if chapters else ""
        )
    sections = []
    for number, (low, high) in enumerate(pairwise(cuts)):
        label = labels[number]
        # Several sections of one chapter are numbered.
        if len(labels) > 1 and labels.count(label) > 1:
            same = [other for other, other_label in enumerate(labels) if other_label == label]
            label = f"{label}{', ' if label else ''}part {same.index(number) + 1} of {len(same)}"
        span = max(part.start, int(starts[low])), min(part.end, int(ends[high - 1]))
        sections.append(Section(label, (source,), atoms[low:high], places[low:high], span))
    return sections


def _cuts(places: Int64Array, depths: Int64Array, count: int) -> list[int]:
    """Choose the atoms at which sections begin: of similar lengths, at chapters if possible.

    Args:
        places: The number of the chapter of each atom, int64 [n], rising.
        depths: The depth of each chapter, by its number. Where a section could begin at several
            chapters, it begins at the outermost.
        count: The number of sections to aim for.

    Returns:
        The first atom of each section, and n.
    """
    atoms = len(places)
    chapter_starts = np.flatnonzero(np.diff(places)) + 1
    chapter_depths = depths[places[chapter_starts]]
    cuts = [0]
    for number in range(1, count):
        target = number * atoms / count
        shifts = np.abs(chapter_starts - target) / (atoms / count)
        possible = np.flatnonzero((shifts <= _LARGEST_SHIFT) & (chapter_starts > cuts[-1]))
        if len(possible):
            outermost = possible[chapter_depths[possible] == chapter_depths[possible].min()]
            cuts.append(int(chapter_starts[outermost[shifts[outermost].argmin()]]))
        elif (atom := round(target)) > cuts[-1]:
            cuts.append(atom)
    return [*cuts, atoms]


def _is_back_matter(label: str) -> bool:
    return any(step.strip(" .").lower() in BACK_MATTER for step in label.split(HEADING_JOINT))


def _label(first: str, last: str, above: str, paged: bool) -> str:
    """Make the label of a section; the headings that both ends share are written once.

    Args:
        first: The first heading, or the first page.
        last: The last heading, or the last page.
        above: The label of the range that is divided, whose headings are left out.
        paged: Whether `first` and `last` are pages.
    """
    if paged:
        return f"p. {first}" if first == last else f"pp. {first or 1}-{last}"
    first_steps, last_steps = ([step for step in label.split(HEADING_JOINT) if step] for label in (first, last))
    shared = _common_steps(first_steps, last_steps)
    common = [step for step in first_steps[:shared] if not above or step not in above.split(HEADING_JOINT)]
    begin, end = (_shortened(HEADING_JOINT.join(steps[shared:])) for steps in (first_steps, last_steps))
    span = f"{begin} – {end}" if begin and end else begin or end
    return HEADING_JOINT.join(filter(None, (_shortened(HEADING_JOINT.join(common)), span))) or _shortened(above)


def _shortened(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1].rstrip()}…"


# --- many documents -------------------------------------------------------------------------------


def _split_documents(index: IndexReader, sources: list[SourceRow], most: int, only: Int64Array | None) -> list[Section]:
    """Divide documents, in the order of their paths, where a folder ends: the outermost first."""
    atoms_by_id = atoms_of_documents(index, [source.id for source in sources])
    if only is not None:
        atoms_by_id = {source: numbers[np.isin(numbers, only)] for source, numbers in atoms_by_id.items()}
    ordered = sorted((source for source in sources if len(atoms_by_id[source.id])), key=lambda source: source.path)
    if not ordered:
        return []
    atoms = np.concatenate([atoms_by_id[source.id] for source in ordered])
    files = np.repeat(np.arange(1, len(ordered) + 1), [len(atoms_by_id[source.id]) for source in ordered])
    folders = [source.path.split("/")[:-1] for source in ordered]
    depths = [0, *(_common_steps(*pair) for pair in pairwise([[], *folders]))]
    # If there are no more files than sections, each is one.
    cuts = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), len(files)]
    if len(ordered) > most:
        cuts = _cuts(files, np.array(depths), most)
    sections = []
    for low, high in pairwise(cuts):
        members = ordered[int(files[low]) - 1 : int(files[high - 1])]
        span = (0, members[0].characters) if len(members) == 1 else None
        sections.append(Section(_files_label(members), tuple(members), atoms[low:high], files[low:high], span))
    return sections


def _files_label(sources: Sequence[SourceRow]) -> str:
    """Make the label of several files: the folder that they share, the first and the last."""
    if len(sources) == 1:
        return sources[0].path
    first, last = (source.path.split("/") for source in (sources[0], sources[-1]))
    shared = _common_steps(first[:-1], last[:-1])
    span = " – ".join(_shortened("/".join(path[shared:])) for path in (first, last))
    return f"{''.join(f'{step}/' for step in first[:shared])}{{{span}}} ({len(sources)} files)"


def _common_steps(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the steps that two paths share from their beginning."""
    shortest = min(len(one), len(other))
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), shortest)
