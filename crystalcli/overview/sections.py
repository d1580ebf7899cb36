"""A document, or many, divided into a few parts of like size: at its chapters, along its folders, and nowhere else if it can be helped.

Each part knows its atoms and the place that each of them belongs to (a chapter, a file). Knows nothing of vectors or questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import IndexReader, atoms_of_documents, document_atoms
from crystalcli.overview.resolve import DocumentRange
from crystalcli.storage import SourceRow, landmarks_of
from crystalcli.types import HEADING_JOINT

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_NEAR = 0.4  # of a part's length: how far from where a part should end a chapter may begin, for it to end there
_LEAST = 6  # atoms of a document that are worth a part
_LABEL = 60  # characters of a part's label at either end
# Under these a document says nothing of what it is about; they stand apart where there is anything else.
_APART = frozenset(
    (
        "project gutenberg header", "project gutenberg licence", "contents", "table of contents", "index", "endnotes", "footnotes",
        "notes", "glossary", "bibliography", "references", "colophon", "imprint", "uncopyright", "acknowledgements", "acknowledgments",
        "license", "licence", "list of illustrations", "copyright",
    )
)  # fmt: skip
_ABSTRACTS = frozenset(("abstract", "summary", "executive summary", "overview", "synopsis", "tl;dr"))


@dataclass(frozen=True, slots=True)
class Section:
    """Some of what a question is about. label: what it is called, "" where nothing says.

    atoms: its atoms in order, int64 [n]; places: which chapter or file each is in, int64 [n]. sources: the documents it is of.
    """

    label: str
    sources: tuple[SourceRow, ...]
    atoms: Integers
    places: Integers


def split_sections(
    shelf: IndexReader, stretches: Sequence[DocumentRange], most: int, only: Integers | None = None
) -> list[Section]:
    """Up to `most` parts that hold every atom of `stretches`; of one document in its order, of many by folder.

    only: atoms, int64, to which they are to be narrowed before they are divided, so that each part has its share of those.
    Where there are more stretches with names of their own than `most`, each is a part. Raises DamagedCrystalError.
    """
    held = [each for each in stretches if each.source.chunks]
    if only is not None and len(held) > 1:
        atoms = atoms_of_documents(shelf, [each.source.id for each in held])
        held = [each for each in held if np.isin(atoms[each.source.id], only).any()]
    if len(held) == 1:
        return _of_one(shelf, held[0], most, only)
    if len(held) > most // 2 and not any(each.label for each in held):
        return _of_many(shelf, [each.source for each in held], most, only)
    # A few books: each has as many parts as its share allows.
    total = sum(each.end - each.start for each in held)
    found = []
    for each in held:
        share = max(1, most * (each.end - each.start) // max(1, total))
        for part in _of_one(shelf, each, share, only):
            label = (
                f"{each.source.path}: {part.label}" if part.label and (share > 1 or each.label) else each.source.path
            )
            found.append(replace(part, label=label))
    return found


def opening_section(shelf: IndexReader, stretches: Sequence[DocumentRange]) -> Section | None:
    """What a document, or a folder, says of itself: its abstract, or the README that is the furthest out; None where it has none."""
    if any(each.label for each in stretches):
        return None
    if len(stretches) == 1:
        source = stretches[0].source
        headings = landmarks_of(shelf.store, source.id, "heading")
        for number, (start, label) in enumerate(headings):
            if label.rpartition(HEADING_JOINT)[2].strip(" .:0123456789").lower() in _ABSTRACTS:
                end = headings[number + 1][0] if number + 1 < len(headings) else source.characters
                found = _of_one(shelf, DocumentRange(source, start, end), 1, None)
                return replace(found[0], label=label) if found else None
        return None
    named = [each for each in stretches if each.source.path.rpartition("/")[2].partition(".")[0].lower() == "readme"]
    if not named:
        return None
    outermost = min(named, key=lambda each: (each.source.path.count("/"), each.source.path))
    found = _of_one(shelf, outermost, 1, None)
    return replace(found[0], label=outermost.source.path) if found else None


# --- one document -------------------------------------------------------------------------------------


def _of_one(shelf: IndexReader, stretch: DocumentRange, most: int, only: Integers | None) -> list[Section]:
    source = shelf.vouch(stretch.source)
    atoms, starts = document_atoms(shelf, source)
    inside = (starts >= stretch.start) & (starts < stretch.end)
    headings = landmarks_of(shelf.store, source.id, "heading")
    paged = not headings
    headings = headings or landmarks_of(shelf.store, source.id, "page")
    begins = [at for at, _ in headings]
    places = np.searchsorted(np.array(begins, np.int64), starts, side="right")
    apart = np.array([False, *(_stands_apart(label) for _, label in headings)])[places]
    if (inside & ~apart).any():
        inside &= ~apart
    if only is not None:
        inside &= np.isin(atoms, only)
    atoms, places = atoms[inside], places[inside]
    if not len(atoms):
        return []
    depths = np.array([0, *(label.count(HEADING_JOINT) for _, label in headings)])
    cuts = _cuts(places, depths, max(1, min(most, len(atoms) // _LEAST)))
    labels = []
    for low, high in pairwise(cuts):
        named = places[low:high][places[low:high] > 0].tolist()  # what stands before the first chapter has no name
        labels.append(
            _label(headings[named[0] - 1][1], headings[named[-1] - 1][1], stretch.label, paged) if named else ""
        )
    parts = []
    for number, (low, high) in enumerate(pairwise(cuts)):
        label = labels[number]
        if len(labels) > 1 and labels.count(label) > 1:  # one chapter in several parts
            same = [other for other, each in enumerate(labels) if each == label]
            label = f"{label}{', ' if label else ''}part {same.index(number) + 1} of {len(same)}"
        parts.append(Section(label, (source,), atoms[low:high], places[low:high]))
    return parts


def _cuts(places: Integers, depths: Integers, wanted: int) -> list[int]:
    """Where parts begin and end among atoms whose chapters are `places`, rising: near equal lengths, if possible between chapters.

    depths: of each chapter, by its number; where several could begin a part, the outermost does.
    """
    count = len(places)
    changes = np.flatnonzero(np.diff(places)) + 1  # atoms with which another chapter begins
    depth = depths[places[changes]]
    cuts = [0]
    for number in range(1, wanted):
        target = number * count / wanted
        far = np.abs(changes - target) / (count / wanted)
        possible = np.flatnonzero((far <= _NEAR) & (changes > cuts[-1]))
        if len(possible):
            outer = possible[depth[possible] == depth[possible].min()]
            cuts.append(int(changes[outer[far[outer].argmin()]]))
        elif (place := round(target)) > cuts[-1]:
            cuts.append(place)
    return [*cuts, count]


def _stands_apart(label: str) -> bool:
    return any(step.strip(" .").lower() in _APART for step in label.split(HEADING_JOINT))


def _label(first: str, last: str, under: str, paged: bool) -> str:
    """What a part from one heading to another is called; what both stand under is said once."""
    if paged:
        return f"p. {first}" if first == last else f"pp. {first or 1}-{last}"
    one, other = ([step for step in label.split(HEADING_JOINT) if step] for label in (first, last))
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    above = [step for step in one[:shared] if not under or step not in under.split(HEADING_JOINT)]
    begin, end = (_short(HEADING_JOINT.join(steps[shared:])) for steps in (one, other))
    span = f"{begin} – {end}" if begin and end else begin or end
    return HEADING_JOINT.join(filter(None, (_short(HEADING_JOINT.join(above)), span))) or _short(under)


def _short(label: str) -> str:
    return label if len(label) <= _LABEL else f"{label[: _LABEL - 1].rstrip()}…"


# --- many documents -----------------------------------------------------------------------------------


def _of_many(shelf: IndexReader, sources: list[SourceRow], most: int, only: Integers | None) -> list[Section]:
    """Documents in the order of their paths, divided where another folder begins, the further out the better."""
    held = atoms_of_documents(shelf, [source.id for source in sources])
    if only is not None:
        held = {source: numbers[np.isin(numbers, only)] for source, numbers in held.items()}
    ordered = sorted((source for source in sources if len(held[source.id])), key=lambda source: source.path)
    if not ordered:
        return []
    atoms = np.concatenate([held[source.id] for source in ordered])
    files = np.repeat(np.arange(1, len(ordered) + 1), [len(held[source.id]) for source in ordered])
    folders = [source.path.split("/")[:-1] for source in ordered]
    shared = [0, *(_shared(*pair) for pair in pairwise([[], *folders]))]
    # As many files as there may be parts: each is one.
    cuts = [0, *(np.flatnonzero(np.diff(files)) + 1).tolist(), len(files)]
    if len(ordered) > most:
        cuts = _cuts(files, np.array(shared), most)
    found = []
    for low, high in pairwise(cuts):
        of_it = ordered[int(files[low]) - 1 : int(files[high - 1])]
        found.append(Section(_named(of_it), tuple(of_it), atoms[low:high], files[low:high]))
    return found


def _named(sources: Sequence[SourceRow]) -> str:
    """What several files are called together: the folder they share, the first and the last."""
    if len(sources) == 1:
        return sources[0].path
    first, last = (source.path.split("/") for source in (sources[0], sources[-1]))
    shared = _shared(first[:-1], last[:-1])
    span = " – ".join(_short("/".join(path[shared:])) for path in (first, last))
    return f"{''.join(f'{step}/' for step in first[:shared])}{{{span}}} ({len(sources)} files)"


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many steps two paths have in common from their beginning."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
