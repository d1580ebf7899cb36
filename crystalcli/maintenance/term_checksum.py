"""Checks that postings and text agree on every atom, in eight bytes an atom.

Each posting (term, atom, frequency) is mixed into a number of 64 bits. Postings counted from the
text are added to the sum of their atom, postings read from the index are subtracted from it. Where
a sum is not 0, text and index differ. (Different postings of one sum: one in 2^64.)

Knows: terms of a text, postings. Does not know: documents, segments.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.index import count_terms
from crystalcli.lexical import Postings, decode_block
from crystalcli.storage import LexiconRow, Store, typed_rows

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.datatypes import Int64Array, UInt64Array

_CACHED_TERMS = 200_000  # terms whose hashes are kept
_LARGEST_FREQUENCY = 4  # that the index stores
_LARGEST_LENGTH = 255  # that the file stores of an atom's number of terms


class TermChecksum:
    """A sum over the postings of each atom: 0 where text and index agree."""

    def __init__(self, atoms: int, analysis: int) -> None:
        """Start with sums of 0.

        Args:
            atoms: The number of atoms; they are numbered from 0.
            analysis: The analysis that the crystal's terms were made with.
        """
        self._analysis = analysis
        self._sums: UInt64Array = np.zeros(atoms, np.uint64)
        self._hashes: dict[str, int] = {}

    def add_text(self, first_atom: int, text: str, starts: list[int], context: str, language: str) -> list[int]:
        """Add the postings of a chunk's text.

        Args:
            first_atom: The number of the chunk's first atom.
            text: The text of the chunk.
            starts: The character at which each of its atoms begins.
            context: The context of the chunk.
            language: The code of its language, "" for English.

        Returns:
            The number of terms of each atom, at most 255, as the file stores it.
        """
        counts = count_terms(text, starts, context, language, self._analysis)
        postings = [
            (self._term_hash(term), first_atom + atom, min(_LARGEST_FREQUENCY, frequency))
            for atom, bag in enumerate(counts)
            for term, frequency in bag.items()
        ]
        if postings:
            terms, atoms, frequencies = zip(*postings, strict=True)
            self._add(np.array(terms, np.uint64), np.array(atoms), np.array(frequencies))
        return [min(_LARGEST_LENGTH, bag.total()) for bag in counts]

    def subtract_index(self, store: Store, lexicon: LexiconRow) -> None:
        """Subtract the postings of a lexicon.

        Raises:
            DamagedCrystalError: Its blocks are out of order or cannot be decoded.
        """
        previous = ""
        end = lexicon.first_atom + lexicon.atoms
        query = "SELECT first_term, data FROM posting WHERE lexicon = ? ORDER BY first_term"
        for row in store.stream(query, (lexicon.id,)):
            ((first_term, data),) = typed_rows([row], (str, bytes), store.path)
            terms: list[int] = []
            parts: list[Postings] = []
            for term, posting in decode_block(data, lexicon.first_atom):
                if term <= previous or (not terms and term != first_term):
                    raise DamagedCrystalError(None, f"its terms are out of order at {term!r}")
                if not len(posting.atoms) or int(posting.atoms.max()) >= end or (np.diff(posting.atoms) <= 0).any():
                    raise DamagedCrystalError(None, f"its atoms of {term!r} do not exist or are out of order")
                previous = term
                terms.append(self._term_hash(term))
                parts.append(posting)
            sizes = [len(posting.atoms) for posting in parts]
            self._add(
                np.repeat(np.array(terms, np.uint64), sizes),
                np.concatenate([posting.atoms for posting in parts]),
                np.concatenate([posting.frequencies for posting in parts]),
                subtract=True,
            )

    def differing_atoms(self) -> Int64Array:
        """Return the atoms on which text and index differ, int64 [n], rising."""
        return np.flatnonzero(self._sums)

    def _term_hash(self, term: str) -> int:
        number = self._hashes.get(term)
        if number is None:
            if len(self._hashes) >= _CACHED_TERMS:
                self._hashes.clear()
            number = self._hashes[term] = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
        return number

    def _add(
        self, terms: UInt64Array, atoms: Int64Array, frequencies: npt.NDArray[np.generic], *, subtract: bool = False
    ) -> None:
        with np.errstate(over="ignore"):
            mixed = terms + atoms.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            mixed += frequencies.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
            # The finalizer of SplitMix64.
            for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
                mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
            mixed ^= mixed >> np.uint64(31)
            np.add.at(self._sums, atoms, np.uint64(0) - mixed if subtract else mixed)
