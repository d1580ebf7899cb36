"""Signal of a named definition: the function or class that a question calls by its name.

    "how does asyncio.gather handle exceptions?"   gather, in a file or folder asyncio
    "how does heapq merge work?"                   merge, in heapq

    score of an atom   NAMED · 1 in the text under that name, NESTED in that of its methods

A name has the look of code, or a capital within the sentence, or beside it in the question stands
the class, the file or the folder that it is in. One that many definitions share, or that the folder
has as well, tells nothing.

Knows: the look of names, landmarks of definitions. Does not know: vectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index import IndexReader, run_atom_spans
from crystalcli.lexical import query_terms
from crystalcli.recall.document_score import CODE_KIND, TEST_TERMS, terms_of_path
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms
from crystalcli.storage import landmarks_of_kind

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray

NAMED, NESTED = 0.15, 0.5
DEFINITION_JOINTS = re.compile(r"\.|::|#|->")  # between the names of a definition
_MOST_NAMED = 6  # definitions of one name; more share a name that says little
_CODE_NAME = re.compile(
    r"(?<![\w.`/-])(?:[^\W\d]\w*(?:\.|::|->))*(?:"
    r"[^\W\d]\w*(?=\(\))|"  # f()
    r"\w*[^\W_]_\w+|_+[^\W\d]\w+|"  # snake_case
    r"[^\W\d]*[a-z][A-Z]\w*|"  # camelCase
    r"(?<=[.:>])[^\W\d]\w+|"  # a.b
    r"(?<=\s)[A-Z][a-z]\w+"  # Barrier
    r")(?![\w/-])"
)
_WORD = re.compile(r"[^\W\d]\w*")
_OF = frozenset(("in", "of", "from"))


class DefinitionName(NamedTuple):
    """A name that a question may mean a definition by.

    Attributes:
        last: The definition's own name.
        around: The names of the classes and modules around it, the outer first.
        is_exact: Whether its letter case counts.
    """

    last: str
    around: tuple[str, ...]
    is_exact: bool


class NamedDefinitionScorer:
    """Scores atoms of source code that belong to a definition which the question names.

    Args:
        index: The resident index.
    """

    name = "named"

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]; 0 outside of the definitions that are named.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        scores = np.zeros(len(candidates.atoms), np.float32)
        documents = candidates.documents
        code = sorted(
            source
            for source, kind in documents.kinds.items()
            if kind == CODE_KIND and TEST_TERMS.isdisjoint(terms_of_path(documents.paths[source]))
        )
        if not code or not (names := definition_names(query.text)):
            return scores
        for source, spans in _named_spans(self._index, names, code, documents.paths).items():
            for run in self._index.store.runs_of(source):
                atoms, starts, ends = run_atom_spans(self._index, run)
                for start, end, weight in spans:
                    inside = atoms[(starts < end) & (ends > start)]
                    rows = np.flatnonzero(np.isin(candidates.atoms, inside))
                    scores[rows] = np.maximum(scores[rows], NAMED * weight)
        return scores


def definition_names(question: str) -> list[DefinitionName]:
    """Find the names in a question that may be those of definitions."""
    names = []
    for match in _CODE_NAME.finditer(question):
        *around, last = [part for part in DEFINITION_JOINTS.split(match[0]) if part]
        names.append(DefinitionName(last, tuple(around), is_exact=True))
    rest = _CODE_NAME.sub(" . ", question)
    words = [match[0] for match in _WORD.finditer(rest)]
    pairs = [(around, last) for around, last in pairwise(words)]
    pairs += [(words[at + 2], words[at]) for at in range(len(words) - 2) if words[at + 1] in _OF]
    pairs += [(words[at + 3], words[at]) for at in range(len(words) - 3) if words[at + 2] in _OF]
    names += [
        DefinitionName(last, (around,), is_exact=False)
        for around, last in pairs
        if query_terms(last) and query_terms(around)
    ]
    return names


def module_parts(path: str) -> list[str]:
    """Split a path into the parts of the module that it is."""
    parts = path.split("/")
    parts[-1] = parts[-1].partition(".")[0]
    return parts[:-1] if parts[-1] in ("__init__", "mod", "index") else parts


def _named_spans(
    index: IndexReader, names: Sequence[DefinitionName], sources: Sequence[int], paths: dict[int, str]
) -> dict[int, list[tuple[int, int, float]]]:
    """Find the spans of the definitions that are named, with the weight of each, by document."""
    found: dict[DefinitionName, dict[tuple[int, str], list[tuple[int, int, float]]]] = {name: {} for name in names}
    wanted = {name.last.casefold() for name in names}
    for source, rows in groupby(landmarks_of_kind(index.store, sources, "definition"), key=lambda row: row[0]):
        modules = module_parts(paths[source])
        for start, end, label in _stretches([(start, label) for _, start, label in rows]):
            parts = DEFINITION_JOINTS.split(label)
            for name in names if not wanted.isdisjoint(map(str.casefold, parts)) else ():
                at = _place_of(name, modules, parts)
                if at is not None:
                    weight = 1.0 if at == len(parts) - 1 else NESTED
                    found[name].setdefault((source, ".".join(parts[: at + 1])), []).append((start, end, weight))
    spans: dict[int, list[tuple[int, int, float]]] = {}
    for by_definition in found.values():
        if len(by_definition) <= _MOST_NAMED:
            for (source, _), stretches in by_definition.items():
                spans.setdefault(source, []).extend(stretches)
    return spans


def _stretches(landmarks: Sequence[tuple[int, str]]) -> Iterator[tuple[int, int, str]]:
    """Generate the stretches from one landmark of a document to the next, with their labels."""
    ends = [start for start, _ in landmarks[1:]]
    for (start, label), end in zip(landmarks, [*ends, 2**62], strict=True):
        if label:
            yield start, end, label


def _place_of(name: DefinitionName, modules: Sequence[str], parts: Sequence[str]) -> int | None:
    """Find which part of a label is the one that a name means; None where it means another."""
    last = name.last if name.is_exact else name.last.casefold()
    for at, part in enumerate(parts):
        if part != last and (name.is_exact or part.casefold() != last):
            continue
        around = [each.casefold() for each in (*modules, *parts[:at])]
        if part.casefold() in around:
            continue
        rest = iter(around)
        if all(any(each == wanted.casefold() for each in rest) for wanted in name.around):
            return at
    return None
