"""What recall keeps in memory, counted: what grows with the crystal, and the base that does not."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crystalcli.storage import PAGE_CACHE

if TYPE_CHECKING:
    from crystalcli.index import IndexReader
    from crystalcli.recall.session import CrystalReader

_SCORE = 4  # bytes, float32
_SCORES = 3  # arrays of one score an atom that a recall holds at once: BM25, atoms and their sum
_ARRAYS = _SCORES * _SCORE + 1  # bytes an atom; the one is for the comparison that chooses the best


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Something kept in memory: its name, its bytes, and whether they grow with the crystal."""

    name: str
    bytes: int
    grows: bool


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """Memory after one recall. resident, peak: of the whole process, bytes; None where the system does not say."""

    tokens: int
    parts: tuple[MemoryPart, ...]
    resident: int | None
    peak: int | None

    @property
    def grown(self) -> int:
        """Bytes that the crystal's size accounts for."""
        return sum(part.bytes for part in self.parts if part.grows)

    @property
    def per_million(self) -> float:
        """The same for every million tokens; 0 when there are none."""
        return 1e6 * self.grown / self.tokens if self.tokens else 0.0


def measure_memory(crystal: CrystalReader) -> MemoryReport:
    """Count what recall keeps in memory, after one question to `crystal`."""
    shelf = crystal.shelf
    codec = None if crystal.lexical_only else crystal.codec()
    before = resident_bytes()
    searcher = crystal.searcher()
    loaded = resident_bytes()
    searcher.recall("what is kept in memory?")
    parts = [*_growing(shelf), MemoryPart("what was read last", shelf.kept.bytes, False)]
    parts.append(MemoryPart("pages of the file, at most", PAGE_CACHE, False))
    if codec is not None:
        quantizers = (codec.atoms, codec.clusters, codec.units)
        parts.append(MemoryPart("codebooks", sum(each.nbytes for each in quantizers), False))
        if before is not None and loaded is not None:
            parts.append(MemoryPart("the question's encoder", max(0, loaded - before), False))
    return MemoryReport(sum(row.tokens for row in shelf.segments), tuple(parts), resident_bytes(), _peak())


def growing_bytes(shelf: IndexReader) -> int:
    """Bytes of what recall keeps of a crystal and that grow with it."""
    return sum(part.bytes for part in _growing(shelf))


def _growing(shelf: IndexReader) -> list[MemoryPart]:
    codes = shelf.atom_codes.nbytes if shelf.atom_codes is not None else 0
    dead = shelf.dead.nbytes if shelf.dead is not None else 0
    rows = sum(sys.getsizeof(row) + sum(map(sys.getsizeof, row)) for row in shelf.segments)
    return [
        MemoryPart("atoms' codes", codes, True),
        MemoryPart("atoms' lengths", shelf.lengths.nbytes + dead, True),
        MemoryPart("nesting", shelf.nesting.nbytes, True),
        MemoryPart("segments", rows, True),
        MemoryPart("scores during a recall", _ARRAYS * shelf.atoms, True),
    ]


def resident_bytes() -> int | None:
    """Resident bytes of this process; None where the system does not say."""
    return _status("VmRSS")


def _peak() -> int | None:
    return _status("VmHWM")


def _status(name: str) -> int | None:
    """A line of what Linux says of this process, in bytes."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - not a file to keep
            for line in file:
                if line.startswith(f"{name}:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None
