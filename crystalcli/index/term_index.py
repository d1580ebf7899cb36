"""The lexical index of an open crystal: a term's postings and its idf.

Knows: lexicons and their blocks. Does not know: vectors, and how scores are mixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from crystalcli.index.index_reader import IndexReader
from crystalcli.lexical import (
    LANGUAGES,
    PackedPostings,
    accented_spellings,
    bm25,
    fold,
    lookup_postings,
    query_forms,
    terms_with_prefix,
    word_spans,
)
from crystalcli.storage import FIRST_ANALYSIS, stored_analysis, stored_languages

_PREFIX_BLOCKS = 4  # of a lexicon that are read for a prefix; more hold terms that hardly narrow it
_SHORTEST_STEM, _LONGEST_ENDING = 4, 4  # letters
# Letters of a word that other spellings are looked up for, and atoms that may hold it itself.
_SHORTEST_ACCENTED, _RARE = 4, 3


class TermIndex:
    """Looks terms up in the lexicons of one crystal.

    A term stands for a word of the question: in texts of other languages than English its form may
    be another, and the postings of a term are those of all forms.

    Attributes:
        languages: Codes of the languages of the crystal's texts, besides English.
        folds_unicode: Whether its terms know one spelling of a word from another by Unicode alone.
    """

    def __init__(self, index: IndexReader) -> None:
        self._store = index.store
        self._atoms = max(1, index.atoms)
        self._analysis = stored_analysis(self._store)
        self.folds_unicode = self._analysis != FIRST_ANALYSIS
        self.languages = [code for code in stored_languages(self._store) if code in LANGUAGES]

    def forms(self, text: str) -> dict[str, tuple[str, ...]]:
        """Give the forms of each term of a text; none for a stop word of the text's language."""
        return query_forms(text, self.languages, self._analysis)

    def postings(self, text: str) -> dict[str, list[PackedPostings]]:
        """Read the postings of each term of a text, a part for each lexicon that has a form of it.

        Stop words of the text's own language are left out.
        """
        return self._postings_of(self.forms(text))

    def _postings_of(self, forms: Mapping[str, Sequence[str]]) -> dict[str, list[PackedPostings]]:
        """Read the postings of terms by their forms, but for terms without one."""
        forms = {term: known for term, known in forms.items() if known}
        found = lookup_postings(self._store, dict.fromkeys(form for known in forms.values() for form in known))
        return {term: [part for form in known for part in found[form]] for term, known in forms.items()}

    def look_up(self, text: str) -> tuple[dict[str, tuple[str, ...]], dict[str, list[PackedPostings]]]:
        """Give the forms and the postings of each term of a text, in the accents that texts have.

        A word that stands hardly anywhere is looked up with an accent more, or without its own.

        Returns:
            As of `forms`, and as of `postings`.
        """
        forms = self.forms(text)
        postings = self._postings_of(forms)
        for start, end, term in word_spans(text):
            if term not in postings or end - start < _SHORTEST_ACCENTED:
                continue
            if sum(part.df for part in postings[term]) <= _RARE:
                found = self.postings(" ".join(accented_spellings(text[start:end])))
                others = [other for other, parts in found.items() if parts and other not in forms[term]]
                forms[term] = (*forms[term], *others)
                postings[term] = [*postings[term], *(part for other in others for part in found[other])]
        return forms, postings

    def completions(self, beginning: str, count: int) -> list[str]:
        """Give the terms that a word may become of which only the beginning is known.

        Terms are stems: one that is a little shorter than the beginning counts, too.

        Args:
            beginning: The beginning of the word.
            count: The most terms to give.

        Returns:
            The terms, those that the most atoms hold first.

        Raises:
            DamagedCrystalError: A part that is read is damaged.
        """
        prefix = fold(beginning)
        stems = {prefix[:length] for length in range(max(_SHORTEST_STEM, len(prefix) - _LONGEST_ENDING), len(prefix))}
        frequency: Counter[str] = Counter()
        for segment in self._store.lexicons():
            for block in self._store.blocks_with_prefix(segment.id, prefix, _PREFIX_BLOCKS):
                frequency.update(terms_with_prefix(block, prefix))
        for stem, parts in lookup_postings(self._store, sorted(stems)).items():
            frequency[stem] += sum(part.df for part in parts)
        return [term for term, held in frequency.most_common(count) if held]

    def idf(self, text: str) -> dict[str, float]:
        """Compute the inverse document frequency of each term of a text."""
        return self.idf_of(self.postings(text))

    def idf_of(self, postings: dict[str, list[PackedPostings]]) -> dict[str, float]:
        """Compute the inverse document frequency of terms from their postings, as of `postings`."""
        return {term: bm25.idf(sum(part.df for part in parts), self._atoms) for term, parts in postings.items()}
