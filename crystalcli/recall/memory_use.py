"""Memory of recall: the parts that grow with the crystal, and the base.

Knows: the resident index, the codec, Linux's `/proc/self/status`. Does not know: how it is shown.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crystalcli.storage import PAGE_CACHE

if TYPE_CHECKING:
    from crystalcli.index import IndexReader
    from crystalcli.recall.session import CrystalReader

_SCORE_BYTES = 4  # float32
_SCORE_ARRAYS = 3  # scores of every atom that a recall holds at once: BM25, atoms, and their sum
_MASK_BYTES = 1  # an atom, in the comparison that chooses the best
_BYTES_PER_ATOM = _SCORE_ARRAYS * _SCORE_BYTES + _MASK_BYTES


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """A part of the memory.

    Attributes:
        name: Its name.
        bytes: Its size.
        grows: True if it grows with the crystal.
    """

    name: str
    bytes: int
    grows: bool


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """Memory after one recall.

    Attributes:
        tokens: Tokens in the crystal.
        parts: The parts that were counted.
        resident: Resident bytes of the whole process; None where the system does not say.
        peak: Their peak; None where the system does not say.
    """

    tokens: int
    parts: tuple[MemoryPart, ...]
    resident: int | None
    peak: int | None

    @property
    def grown(self) -> int:
        """Bytes of the parts that grow with the crystal."""
        return sum(part.bytes for part in self.parts if part.grows)

    @property
    def per_million(self) -> float:
        """The same for each million tokens; 0 without tokens."""
        return 1e6 * self.grown / self.tokens if self.tokens else 0.0


def measure_memory(crystal: CrystalReader) -> MemoryReport:
    """Count the memory of recall, after one question to `crystal`."""
    index = crystal.shelf
    codec = None if crystal.lexical_only else crystal.codec()
    bytes_before_loading = resident_bytes()
    searcher = crystal.searcher()
    bytes_after_loading = resident_bytes()
    searcher.recall("what is kept in memory?")
    parts = [
        *_growing_parts(index),
        MemoryPart("what was read last", index.kept.bytes, False),
        MemoryPart("pages of the file, at most", PAGE_CACHE, False),
    ]
    if codec is not None:
        quantizers = (codec.atoms, codec.clusters, codec.units)
        parts.append(MemoryPart("codebooks", sum(quantizer.nbytes for quantizer in quantizers), False))
        if bytes_before_loading is not None and bytes_after_loading is not None:
            encoder_bytes = max(0, bytes_after_loading - bytes_before_loading)
            parts.append(MemoryPart("the question's encoder", encoder_bytes, False))
    tokens = sum(segment.tokens for segment in index.segments)
    return MemoryReport(tokens, tuple(parts), resident_bytes(), _peak_bytes())


def growing_bytes(index: IndexReader) -> int:
    """Count the bytes of recall's memory that grow with the crystal."""
    return sum(part.bytes for part in _growing_parts(index))


def _growing_parts(index: IndexReader) -> list[MemoryPart]:
    codes = index.atom_codes.nbytes if index.atom_codes is not None else 0
    dead = index.dead.nbytes if index.dead is not None else 0
    rows = sum(sys.getsizeof(row) + sum(map(sys.getsizeof, row)) for row in index.segments)
    return [
        MemoryPart("atoms' codes", codes, True),
        MemoryPart("atoms' lengths", index.lengths.nbytes + dead, True),
        MemoryPart("nesting", index.nesting.nbytes, True),
        MemoryPart("segments", rows, True),
        MemoryPart("scores during a recall", _BYTES_PER_ATOM * index.atoms, True),
    ]


def resident_bytes() -> int | None:
    """Read the resident bytes of this process; None where the system does not say."""
    return _read_status("VmRSS")


def _peak_bytes() -> int | None:
    return _read_status("VmHWM")


def _read_status(name: str) -> int | None:
    """Read a line of Linux's status of this process, in bytes; None on other systems."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - not a file to keep
            for line in file:
                if line.startswith(f"{name}:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None
