"""The lexical index of an open crystal: a term's postings and its idf.

Knows: lexicons and their blocks. Does not know: vectors, and how scores are mixed.
"""

from __future__ import annotations

from crystalcli.index.index_reader import IndexReader
from crystalcli.lexical import PackedPostings, bm25, lookup_postings, query_terms


class TermIndex:
    """Looks terms up in the lexicons of one crystal."""

    def __init__(self, index: IndexReader) -> None:
        self._store = index.store
        self._atoms = max(1, index.atoms)

    def postings(self, text: str) -> dict[str, list[PackedPostings]]:
        """Read the postings of each term of a text, a part for each lexicon that has the term."""
        return lookup_postings(self._store, query_terms(text))

    def idf(self, text: str) -> dict[str, float]:
        """Compute the inverse document frequency of each term of a text."""
        return self.idf_of(self.postings(text))

    def idf_of(self, postings: dict[str, list[PackedPostings]]) -> dict[str, float]:
        """Compute the inverse document frequency of terms from their postings, as of `postings`."""
        return {term: bm25.idf(sum(part.df for part in parts), self._atoms) for term, parts in postings.items()}
