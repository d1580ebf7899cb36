"""A question prepared for ranking, ranked atoms, and the results of a recall.

Knows: the shape of the data between searcher, scorers and answers.
Does not know: how any of it is computed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from crystalcli.datatypes import Passage
from crystalcli.lexical import PackedPostings, terms, terms_in
from crystalcli.vectors import EncodedQuestion

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from crystalcli.datatypes import FilterReading, FloatArray


class SimilarityScale(NamedTuple):
    """The scale of similarities to a question.

    The weights of signals suit the program's own encoder. The cosines of others may all be near 0.8
    and differ little; they are brought to its scale.

    Attributes:
        mean: Subtracted first.
        gain: The factor of the rest.
    """

    mean: float = 0.0
    gain: float = 1.0

    def apply(self, similarities: FloatArray) -> FloatArray:
        """Scale similarities, float32 of any shape."""
        if self == SAME_SCALE:
            return similarities
        scaled: FloatArray = ((similarities - self.mean) * self.gain).astype(np.float32)
        return scaled


SAME_SCALE = SimilarityScale()


class PreparedQuery(NamedTuple):
    """A question prepared for ranking at any depth.

    Attributes:
        text: The question.
        idf: The inverse document frequency of each of its terms.
        bm25: BM25 of each atom, float32 [atoms].
        encoded: Its vector and its tokens' states; None without the encoder's weights.
        token_weights: The weight of each token in MaxSim, float32 [tokens].
        postings: The postings of each term, a part for each lexicon of the file.
        allowed: Whether each atom may answer, bool [atoms]; None: all may.
        forms: The forms of each term in the languages of the crystal.
        languages: Codes of these languages, besides English.
        scale: The scale of similarities to it.
        wants_answers: Whether it asks what an assistant said.
        me: The name of the person who asks, whose own words are preferred; "" for nobody.
        with_lines: The question with the lines of statements that it asks for without naming them,
            by its terms alone; None: it asks for none.
    """

    text: str
    idf: dict[str, float]
    bm25: FloatArray
    encoded: EncodedQuestion | None
    token_weights: FloatArray
    postings: Mapping[str, Sequence[PackedPostings]] = MappingProxyType({})
    allowed: npt.NDArray[np.bool_] | None = None
    forms: Mapping[str, Sequence[str]] = MappingProxyType({})
    languages: Sequence[str] = ()
    scale: SimilarityScale = SAME_SCALE
    wants_answers: bool = False
    me: str = ""
    with_lines: PreparedQuery | None = None

    def masked(self, allowed: npt.NDArray[np.bool_]) -> PreparedQuery:
        """Give the question for a part of the atoms: others get no score by BM25."""
        lines = self.with_lines.masked(allowed) if self.with_lines is not None else None
        return self._replace(bm25=self.bm25 * allowed, allowed=allowed, with_lines=lines)

    @property
    def total_idf(self) -> float:
        """The sum of the idf of its terms; above 0, so that one can divide by it."""
        return max(sum(self.idf.values()), 1e-6)

    def terms_in(self, text: str) -> set[str]:
        """Find the terms that a text has, in any of their forms in the crystal's languages."""
        if not self.languages and all(len(known) == 1 for known in self.forms.values()):
            return {term for term, _ in terms(text)} & self.idf.keys()
        return terms_in(text, self.forms, self.languages) & self.idf.keys()


class ScoredAtom(NamedTuple):
    """An atom with its score.

    Attributes:
        atom: Its number.
        score: The score that it is ranked by.
        signals: Its row of the score table: the score that each signal gave, by name.
        others: Atoms with the same text elsewhere.
        recency: The part of the score that the age of a dated message took off: 0 or less.
    """

    atom: int
    score: float
    signals: dict[str, float]
    others: tuple[int, ...] = ()
    recency: float = 0.0


@dataclass(frozen=True, slots=True, repr=False)
class Results(Sequence[Passage]):
    """The passages of a recall, best first, and their query. A sequence of its passages.

    Attributes:
        query: The prepared question.
        passages: The passages, best first.
        depth: The deepest layer that was used: 1 atoms, 2 clusters, 3 units.
        reading: The filter of the question, and whether it was dropped; None without one.
        in_order: Whether they are messages in order of time, instead of best first.
    """

    query: PreparedQuery
    passages: tuple[Passage, ...]
    depth: int = 3
    reading: FilterReading | None = None
    in_order: bool = False

    @property
    def question(self) -> str:
        """The question."""
        return self.query.text

    @property
    def by_vectors(self) -> bool:
        """True if vectors took part in the scores, False for BM25 alone."""
        return self.query.encoded is not None

    def __len__(self) -> int:
        return len(self.passages)

    @overload
    def __getitem__(self, index: int) -> Passage: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Passage, ...]: ...

    def __getitem__(self, index: int | slice) -> Passage | tuple[Passage, ...]:
        return self.passages[index]

    def __iter__(self) -> Iterator[Passage]:
        return iter(self.passages)

    def __repr__(self) -> str:
        places = ", ".join(f"{passage.path} {passage.place}".rstrip() for passage in self.passages[:3])
        more = ", ..." if len(self.passages) > 3 else ""
        return f"<Results for {self.question!r}: {len(self)} passages ({places}{more})>"
