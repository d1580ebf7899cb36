"""Whether the lexical index says of every atom what its text says, in eight bytes an atom.

Each (term, atom, frequency) counts as one number of 64 bits, mixed from the three; what the text has is added to its atom's
sum, what the index has is taken away. Where a sum is not nought, the two differ. (Sums that meet by chance: one in 2^64.)
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

    Integers = npt.NDArray[np.int64]
    Words = npt.NDArray[np.uint64]

_KNOWN = 200_000  # terms whose numbers are kept at hand


class TermBalance:
    """Sums over `atoms` atoms, numbered from 0."""

    def __init__(self, atoms: int) -> None:
        self._sums: Words = np.zeros(atoms, np.uint64)
        self._numbers: dict[str, int] = {}

    def add_text(self, first_atom: int, text: str, starts: list[int], context: str) -> list[int]:
        """Count a chunk whose atoms begin at the characters `starts`; how many terms each has, at most 255, as the file keeps it."""
        counts = count_terms(text, starts, context)
        found = [(self._number(t), first_atom + i, min(4, n)) for i, bag in enumerate(counts) for t, n in bag.items()]
        if found:
            terms, atoms, frequencies = zip(*found, strict=True)
            self._count(np.array(terms, np.uint64), np.array(atoms), np.array(frequencies), add=True)
        return [min(255, bag.total()) for bag in counts]

    def take_index(self, store: Store, lexicon: LexiconRow) -> None:
        """Take away what a lexicon says. Raises DamagedCrystalError when its blocks are out of order or do not decode."""
        last = ""
        end = lexicon.first_atom + lexicon.atoms
        query = "SELECT first_term, data FROM posting WHERE lexicon = ? ORDER BY first_term"
        for row in store.stream(query, (lexicon.id,)):
            ((first_term, data),) = typed_rows([row], (str, bytes), store.path)
            terms: list[int] = []
            parts: list[Postings] = []
            for term, posting in decode_block(data, lexicon.first_atom):
                if term <= last or (not terms and term != first_term):
                    raise DamagedCrystalError(None, f"its terms are out of order at {term!r}")
                if not len(posting.atoms) or int(posting.atoms.max()) >= end or (np.diff(posting.atoms) <= 0).any():
                    raise DamagedCrystalError(None, f"it names atoms for {term!r} that are not there")
                last = term
                terms.append(self._number(term))
                parts.append(posting)
            sizes = [len(posting.atoms) for posting in parts]
            self._count(
                np.repeat(np.array(terms, np.uint64), sizes),
                np.concatenate([posting.atoms for posting in parts]),
                np.concatenate([posting.frequencies for posting in parts]),
                add=False,
            )

    def uneven(self) -> Integers:
        """The atoms of which text and index say different things, int64 [n], rising."""
        return np.flatnonzero(self._sums)

    def _number(self, term: str) -> int:
        number = self._numbers.get(term)
        if number is None:
            if len(self._numbers) >= _KNOWN:
                self._numbers.clear()
            number = self._numbers[term] = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
        return number

    def _count(self, terms: Words, atoms: Integers, frequencies: npt.NDArray[np.generic], *, add: bool) -> None:
        with np.errstate(over="ignore"):
            mixed = terms + atoms.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            mixed += frequencies.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
            for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # SplitMix64's finalizer
                mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
            mixed ^= mixed >> np.uint64(31)
            np.add.at(self._sums, atoms, mixed if add else np.uint64(0) - mixed)
