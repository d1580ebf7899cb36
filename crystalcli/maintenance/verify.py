"""Whether a crystal holds together: every row, digest and pointer, from the file through layers and postings to the documents.

Nothing is changed. Each check goes on where another has failed, and says which documents it is about. Needs no weights:
codes are checked by their digests and their number, postings against the terms of the text.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.index import SegmentReader, check_numbering, open_segment
from crystalcli.maintenance.term_checksum import TermChecksum
from crystalcli.storage import (
    LexiconRow,
    RunRow,
    SegmentRow,
    SourceRow,
    StorageFault,
    Store,
    blob_faults,
    checked_row,
    contexts_of,
    digest,
    file_faults,
    seal_faults,
    typed_rows,
)
from crystalcli.types import LANDMARKS, RATIOS, DocumentState
from crystalcli.vectors import CODE_BYTES

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

STATES = frozenset(DocumentState)
# States in which the row of a source that is whole counts exactly what is stored of it.
COUNTED_STATES = (DocumentState.DONE, DocumentState.FAILED)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that does not hold, and the documents that it touches."""

    message: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a check found. ratios: tokens to a unit, units to a cluster, clusters to an atom, as they are in this file."""

    problems: tuple[Problem, ...]
    documents: tuple[str, ...]  # that any problem touches
    checked: dict[str, int]
    ratios: tuple[float, ...]
    quick: bool

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


class _Places(NamedTuple):
    """Where each source's text lies, by rows of one array, int64 [runs, 3]: source, first chunk, chunk after the last."""

    runs: Integers
    names: dict[int, str]

    def over(self, first: int, end: int) -> tuple[str, ...]:
        """The documents that stand on any chunk of `[first, end)`."""
        met = self.runs[(self.runs[:, 1] < end) & (self.runs[:, 2] > first), 0]
        return tuple(sorted(self.names.get(number, f"source {number}") for number in set(met.tolist())))


def verify_crystal(
    store: Store, *, quick: bool = False, progress: Callable[[int, int], None] | None = None
) -> VerifyReport:
    """Check everything; with `quick`, all but the postings against the text. progress: told bytes done and bytes in all.

    Raises CrystalError only for what is no damage, such as a file that another program keeps busy.
    """
    with store.snapshot():
        return _Check(store, quick, progress or (lambda done, total: None)).run()


class _Check:
    """One check of one store."""

    def __init__(self, store: Store, quick: bool, progress: Callable[[int, int], None]) -> None:
        self._store = store
        self._quick = quick
        self._progress = progress
        self._problems: list[Problem] = []
        self._sources: list[SourceRow] = []
        self._segments: list[SegmentRow] = []
        self._places = _Places(np.zeros((0, 3), np.int64), {})
        # What is known of each chunk, int64 [chunks, 3]: characters, newlines, tokens; -1 where it cannot be read.
        self._chunks: Integers = np.zeros((0, 3), np.int64)
        self._balance: TermChecksum | None = None

    def run(self) -> VerifyReport:
        """Every check, from the file up to the documents."""
        with self._noting():
            self._read_ledger()
        for faults in (file_faults, seal_faults, blob_faults):
            with self._noting():
                for fault in faults(self._store):
                    self._note(fault.message, self._touched(fault))
        with self._noting():
            self._check_meta()
        with self._noting():
            self._segments = self._store.segments()
            check_numbering(self._store, self._segments)
            self._start_chunks()
        total = sum(segment.bytes for segment in self._segments)
        done = 0
        for segment in self._segments:
            with self._noting(segment):
                self._check_segment(segment)
            done += segment.bytes
            self._progress(done, total)
        with self._noting():
            self._check_lexicons()
        self._check_documents()
        documents = {name for problem in self._problems for name in problem.documents}
        return VerifyReport(
            tuple(dict.fromkeys(self._problems)),
            tuple(sorted(documents)),
            {
                "sources": len(self._sources),
                "segments": len(self._segments),
                "chunks": len(self._chunks),
                "bytes": total,
            },
            self._ratios(),
            self._quick,
        )

    # --- notes ----------------------------------------------------------------------------------------

    def _note(self, message: str, documents: tuple[str, ...] = ()) -> None:
        self._problems.append(Problem(message, documents))

    @contextlib.contextmanager
    def _noting(self, segment: SegmentRow | None = None) -> Iterator[None]:
        """Damage that is met inside is noted, and the check goes on behind."""
        try:
            yield
        except DamagedCrystalError as error:
            where = self._places.over(segment.first_chunk, segment.first_chunk + segment.chunks) if segment else ()
            self._note(error.what, where)

    def _touched(self, fault: StorageFault) -> tuple[str, ...]:
        """The documents that a fault in a group of rows touches."""
        name, number = fault.group
        with contextlib.suppress(CrystalError):
            if name == "source":
                return (self._places.names.get(number, f"source {number}"),)
            if name in ("segment", "lexicon"):
                kind = "chunk" if name == "segment" else "atom"
                query = f"SELECT first_{kind}, {kind}s FROM {name} WHERE id = ?"
                for first, count in typed_rows(self._store.rows(query, (number,)), (int, int), self._store.path):
                    over = self._places.over if name == "segment" else self._over_atoms
                    return over(first, first + count)
        return ()

    def _over_atoms(self, first: int, end: int) -> tuple[str, ...]:
        """The documents in the segments that hold any atom of `[first, end)`."""
        query = "SELECT first_chunk, first_chunk + chunks FROM segment WHERE first_atom < ? AND first_atom + atoms > ?"
        rows = typed_rows(self._store.rows(query, (end, first)), (int, int), self._store.path)
        found = {name for low, high in rows for name in self._places.over(low, high)}
        return tuple(sorted(found))

    # --- the parts ------------------------------------------------------------------------------------

    def _read_ledger(self) -> None:
        self._sources = self._store.sources()
        names = {source.id: source.path for source in self._sources}
        runs = [
            (source, first, first + chunks)
            for source, first, chunks in self._store.stream("SELECT source, first_chunk, chunks FROM run NOT INDEXED")
            if all(type(each) is int and 0 <= each < 1 << 60 for each in (source, first, chunks))
        ]
        self._places = _Places(np.array(runs, np.int64).reshape(-1, 3), names)

    def _check_meta(self) -> None:
        meta = self._store.meta()
        for key in ("encoder", "dimension", "ratios", "codec"):
            if not meta.get(key):
                self._note(f"the table meta lacks {key}")
        if meta.get("ratios", "") not in ("", " ".join(map(str, RATIOS))):
            self._note(f"its layers have other ratios than {RATIOS}")

    def _start_chunks(self) -> None:
        chunks = sum(segment.chunks for segment in self._segments)
        self._chunks = np.full((chunks, 3), -1, np.int64)
        if not self._quick:
            self._balance = TermChecksum(sum(segment.atoms for segment in self._segments))

    def _check_segment(self, segment: SegmentRow) -> None:
        view = open_segment(self._store, segment)
        spans = view.spans
        here = self._chunks[segment.first_chunk : segment.first_chunk + segment.chunks]
        if len(here) == segment.chunks:  # else the segments do not follow one another, which is noted already
            here[:] = np.stack([spans.characters, spans.newlines, spans.tokens], 1)
        if int(spans.tokens.sum()) != segment.tokens:
            self._say(segment, "counts other tokens than its chunks have")
        if segment.encoded not in (0, 1):
            self._say(segment, "does not say whether it has layers")
        for layer, width in CODE_BYTES.items():
            if segment.encoded and len(self._store.part(segment.id, layer)) != width * getattr(segment, layer):
                self._say(segment, f"has not as many codes as {layer}")
        lengths = np.frombuffer(self._store.part(segment.id, "lengths"), np.uint8)
        hashes = self._store.part(segment.id, "hashes")
        text = self._store.text(segment.id)
        if len(text) != segment.bytes or int(spans.bytes.sum()) != segment.bytes:
            self._say(segment, "has not as much text as it counts")
        if len(lengths) != segment.atoms or len(hashes) != 16 * segment.chunks:
            self._say(segment, "has not as many hashes as chunks, or lengths as atoms")
        contexts = contexts_of(self._store, segment)
        position = 0
        wrong = []
        for index in range(segment.chunks):
            data = text[position : position + int(spans.bytes[index])]
            position += int(spans.bytes[index])
            key = hashes[16 * index : 16 * index + 16]
            if not self._chunk_holds(segment, view, index, data, key, contexts[index], lengths):
                wrong.append(index)
        if wrong:
            self._note(
                f"segment {segment.id}: {len(wrong)} of {segment.chunks} chunks are not the text that was stored, "
                f"the first is chunk {segment.first_chunk + wrong[0]}",
                tuple(
                    sorted(
                        {
                            name
                            for index in wrong
                            for name in self._places.over(segment.first_chunk + index, segment.first_chunk + index + 1)
                        }
                    )
                ),
            )

    def _chunk_holds(
        self,
        segment: SegmentRow,
        view: SegmentReader,
        index: int,
        data: bytes,
        key: bytes,
        context: str,
        lengths: npt.NDArray[np.uint8],
    ) -> bool:
        spans = view.spans
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return False
        low, high = int(view.chunk_units[index]), int(view.chunk_units[index + 1])
        if (
            digest(data) != key
            or len(text) != int(spans.characters[index])
            or text.count("\n") != int(spans.newlines[index])
            or int(spans.units[low:high].sum()) > len(text)
        ):
            return False
        if self._balance is None:
            return True
        first, last = int(view.chunk_atoms[index]), int(view.chunk_atoms[index + 1])
        starts, _ = view.atom_spans(index, index + 1)
        counted = self._balance.add_text(segment.first_atom + first, text, starts.tolist(), context)
        return len(lengths) != segment.atoms or lengths[first:last].tolist() == counted

    def _say(self, segment: SegmentRow, what: str) -> None:
        where = self._places.over(segment.first_chunk, segment.first_chunk + segment.chunks)
        self._note(f"segment {segment.id} {what}", where)

    # --- the lexical index ----------------------------------------------------------------------------

    def _check_lexicons(self) -> None:
        atoms = sum(segment.atoms for segment in self._segments)
        position = 0
        for lexicon in self._store.lexicons():
            if lexicon.first_atom != position:
                self._note(f"lexicon {lexicon.id} does not follow the one before it", self._over_lexicon(lexicon))
            position = lexicon.first_atom + lexicon.atoms
            with self._noting():
                try:
                    if self._balance is not None and position <= atoms:
                        self._balance.subtract_index(self._store, lexicon)
                except DamagedCrystalError as error:
                    self._note(f"lexicon {lexicon.id}: {error.what}", self._over_lexicon(lexicon))
        if position != atoms:
            self._note("the lexical index does not cover every atom", self._over_atoms(min(position, atoms), 1 << 60))
        if self._balance is not None and len(wrong := self._balance.differing_atoms()):
            documents: set[str] = set()
            for segment in self._segments:
                inside = wrong[(wrong >= segment.first_atom) & (wrong < segment.first_atom + segment.atoms)]
                if len(inside):
                    with self._noting(segment):
                        chunk_atoms = open_segment(self._store, segment).chunk_atoms
                        for chunk in np.unique(
                            np.searchsorted(chunk_atoms, inside - segment.first_atom, side="right") - 1
                        ):
                            number = segment.first_chunk + int(chunk)
                            documents.update(self._places.over(number, number + 1))
            self._note(
                f"the lexical index says something else than the text about {len(wrong)} of {atoms} atoms",
                tuple(sorted(documents)),
            )

    def _over_lexicon(self, lexicon: LexiconRow) -> tuple[str, ...]:
        return self._over_atoms(lexicon.first_atom, lexicon.first_atom + lexicon.atoms)

    # --- the documents --------------------------------------------------------------------------------

    def _check_documents(self) -> None:
        for source in self._sources:
            with self._noting():
                wrong = self._document_fault(source)
                if wrong:
                    self._note(f"the document does not hold together: {wrong}", (source.path,))

    def _document_fault(self, source: SourceRow) -> str:
        if source.state not in STATES:
            return f"its state is {source.state!r}"
        if bool(source.code) != bool(source.reason):
            return "it has a reason without a code, or a code without a reason"
        whole = source.state in COUNTED_STATES and source.whole
        characters = lines = tokens = chunks = 0
        known = True
        for ordinal, run in enumerate(self._runs(source)):
            found = self._chunks[run.first_chunk : run.first_chunk + run.chunks]
            if run.ordinal != ordinal:
                return f"run {ordinal} is missing"
            if len(found) != run.chunks:
                return f"run {ordinal} points to chunks that are not there"
            known = known and bool((found >= 0).all())
            if known and (
                (run.start, run.lines) != (characters, lines) if whole else run.start < characters or run.lines < lines
            ):
                return f"run {ordinal} does not begin where the text before it ends"
            characters, lines, more = (np.array([run.start, run.lines, 0]) + found.sum(0)).tolist()
            tokens, chunks = tokens + more, chunks + run.chunks
        if not whole:
            return ""
        if chunks != source.chunks:
            return f"{chunks} of its {source.chunks} chunks are there"
        # The same text may have been cut into a token more or less where another document was cut inside a word.
        if known and (characters != source.characters or abs(tokens - source.tokens) > chunks):
            return "it has not as much text as the ledger says"
        query = (
            f"SELECT count(*) FROM landmark WHERE source = ? AND (start < 0 OR start > ? OR kind NOT IN {LANDMARKS})"
        )
        if self._store.rows(query, (source.id, source.characters))[0][0]:
            return "a landmark stands outside its text"
        return ""

    def _runs(self, source: SourceRow) -> list[RunRow]:
        query = "SELECT * FROM run NOT INDEXED WHERE source = ? ORDER BY ordinal"
        return [checked_row(RunRow, row, self._store.path) for row in self._store.rows(query, (source.id,))]

    def _ratios(self) -> tuple[float, ...]:
        counts = [sum(getattr(s, name) for s in self._segments) for name in ("tokens", "units", "clusters", "atoms")]
        return tuple(below / max(1, above) for below, above in pairwise(counts))
