"""The score table: a row for each candidate atom, a column for each signal.

The sum of a row is the atom's score, and the row itself is its explanation. The columns, in the
order in which they are added:

    clusters      nearness of the atom's clusters to the question      layer_score.py
    units         nearness of its units, at depth 3                    layer_score.py
    bm25          its own words                                        lexical_score.py
    document      the name and the other words of its document         document_score.py
    plain         source code, where a user asks in plain words        plain_words.py
    definition    the name of its definition, in code                  name_score.py
    named         its definition, which the question names             named_definition.py
    voice         who wrote it, in chats with an assistant             voice_score.py
    exact         strings of the question as they are written          exact_score.py
    fate          deaths and endings, where the question asks for one  fate_score.py
    introduction  first mentions, where it asks who somebody is        introduction_score.py
    page          the other words of its page, in a PDF                page_score.py

Knows: names and numbers. Does not know: how a signal is computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from crystalcli.recall.query import PreparedQuery, ScoredAtom

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.datatypes import FloatArray, Int64Array

    BoolArray = npt.NDArray[np.bool_]

# Signals of what an atom stands in. A score of 0 means that they say nothing.
CONTEXT_SIGNALS = ("document", "plain", "definition", "named", "voice", "exact", "fate", "introduction", "page")


class LayerSimilarities(NamedTuple):
    """Similarities of a question to the nodes below some atoms.

    Attributes:
        best_cluster: The best cosine of an atom's clusters, float32 [n]; -1 without clusters.
        mean: The mean cosine of its units, at depth 2 of its clusters, float32 [n]; -1 without.
        max_sim: MaxSim over its units, float32 [n]; 0 at depth 2.
    """

    best_cluster: FloatArray
    mean: FloatArray
    max_sim: FloatArray


class AtomDocuments(NamedTuple):
    """The documents that some atoms stand in.

    Attributes:
        sources: The id of each atom's document, int64 [n]; 0 where no document has it.
        is_code: The atoms in source code, bool [n].
        is_lone: The atoms in source code of few definitions, bool [n].
        is_paged: The atoms in documents that are made of pages, bool [n].
        paths: The path of each document.
        kinds: The kind of each document.
        full_code: The files of source code with many definitions, rising.
    """

    sources: Int64Array
    is_code: BoolArray
    is_lone: BoolArray
    is_paged: BoolArray
    paths: dict[int, str]
    kinds: dict[int, str]
    full_code: list[int]


class CandidateAtoms(NamedTuple):
    """Atoms to score, with the facts that several signals need.

    Attributes:
        atoms: Their numbers, int64 [n], rising.
        documents: Their documents.
        layers: Their similarities to the question.
    """

    atoms: Int64Array
    documents: AtomDocuments
    layers: LayerSimilarities

    def take(self, rows: Int64Array) -> CandidateAtoms:
        """Select candidates by their rows, int64 [m]."""
        documents = self.documents
        return CandidateAtoms(
            self.atoms[rows],
            documents._replace(
                sources=documents.sources[rows],
                is_code=documents.is_code[rows],
                is_lone=documents.is_lone[rows],
                is_paged=documents.is_paged[rows],
            ),
            LayerSimilarities(*(similarities[rows] for similarities in self.layers)),
        )


class SignalScorer(Protocol):
    """Scores candidates by one signal.

    Attributes:
        name: The signal's name in the table, and in `--explain`.
    """

    name: str

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]; NaN where the signal does not apply.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        ...


class ScoreTable:
    """The scores of some atoms, by signal.

    Args:
        atoms: The candidates, int64 [n].
        coarse: The cosine of each with the question, float32 [n]. It stands in the explanation as
            "atom" because it chose the candidate; the sum does not count it.

    Attributes:
        total: The sum of all signals so far, float32 [n].
    """

    def __init__(self, atoms: Int64Array, coarse: FloatArray) -> None:
        self._atoms = atoms
        self._coarse = coarse
        self._columns: dict[str, FloatArray] = {}
        self.total: FloatArray = np.zeros(len(atoms), np.float32)

    def add(self, name: str, scores: FloatArray, rows: Int64Array | None = None) -> None:
        """Add the scores of a signal.

        Args:
            name: The signal's name.
            scores: Its scores, float32 [m]; NaN where it does not apply.
            rows: The rows that they are for, int64 [m]; None: all.
        """
        column = np.full(len(self._atoms), np.nan, np.float32)
        column[slice(None) if rows is None else rows] = scores
        self._columns[name] = column
        self.total += np.where(np.isnan(column), np.float32(0), column)

    def best(self, count: int) -> list[ScoredAtom]:
        """Give the `count` atoms of the highest sums, best first with their rows."""
        rows = np.argsort(-self.total, kind="stable")[:count]
        return [
            ScoredAtom(int(self._atoms[row]), float(self.total[row]), dict(self._signals(row))) for row in rows.tolist()
        ]

    def _signals(self, row: int) -> Iterator[tuple[str, float]]:
        yield "atom", float(self._coarse[row])
        for name, column in self._columns.items():
            score = float(column[row])
            if not np.isnan(score) and (score or name not in CONTEXT_SIGNALS):
                yield name, score
