"""Verifies a crystal: every row, digest and pointer.

It starts at the file and ends at the documents. Nothing is changed. Each check continues after
damage, and names the documents that it affects. No weights are needed: codes are checked by their
digests and sizes, postings by the terms of the text.

Knows: all tables of a crystal and how they depend on one another. Does not know: repairs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import FIELDS, LANDMARKS, MEMORY_KIND, RATIOS, DocumentState
from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.index import SegmentReader, check_numbering, open_segment, read_languages
from crystalcli.maintenance.term_checksum import TermChecksum
from crystalcli.storage import (
    LexiconRow,
    RunRow,
    SegmentRow,
    SourceRow,
    StatementRow,
    StorageFault,
    Store,
    SummaryRow,
    blob_faults,
    checked_row,
    contexts_of,
    digest,
    file_faults,
    seal_faults,
    stored_analysis,
    stored_languages,
    typed_rows,
)
from crystalcli.vectors import CODE_BYTES

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array, UInt8Array

STATES = frozenset(DocumentState)
# States in which the row of a whole document counts exactly what is stored of it.
COUNTED_STATES = (DocumentState.DONE, DocumentState.FAILED)
_HASH_BYTES = 16
_LARGEST_NUMBER = 1 << 60  # of a row, a chunk or an atom


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a crystal.

    Attributes:
        message: The problem, for people.
        documents: The names of the documents that it affects.
    """

    message: str
    documents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The outcome of a verification.

    Attributes:
        problems: The problems.
        documents: The names of the documents that any problem affects.
        checked: What was checked: numbers of `sources`, `segments`, `chunks` and `bytes` of text.
        ratios: Tokens per unit, units per cluster, clusters per atom in this file.
        quick: Whether the postings were not compared with the text.
    """

    problems: tuple[Problem, ...]
    documents: tuple[str, ...]
    checked: dict[str, int]
    ratios: tuple[float, ...]
    quick: bool

    @property
    def sound(self) -> bool:
        """True if there are no problems."""
        return not self.problems


class _DocumentMap(NamedTuple):
    """The documents that refer to each chunk.

    Attributes:
        runs: int64 [runs, 3]: id of the source, first chunk, chunk after the last.
        names: The names of documents by id.
    """

    runs: Int64Array
    names: dict[int, str]

    def name(self, source: int) -> str:
        """Return the name of a document; its number if the name is lost."""
        return self.names.get(source, f"source {source}")

    def referring_to(self, first: int, end: int) -> tuple[str, ...]:
        """Return the names of the documents that refer to any chunk of `[first, end)`."""
        sources = self.runs[(self.runs[:, 1] < end) & (self.runs[:, 2] > first), 0]
        return tuple(sorted(self.name(source) for source in set(sources.tolist())))


class _SegmentContent(NamedTuple):
    """A segment, read to be checked.

    Attributes:
        row: Its row.
        reader: Its spans and its tree.
        hashes: The hashes of its chunks, 16 bytes each.
        lengths: The number of terms of each atom, at most 255, uint8 [atoms].
        contexts: The context of each chunk.
        languages: The code of each chunk's language, "" for English.
    """

    row: SegmentRow
    reader: SegmentReader
    hashes: bytes
    lengths: UInt8Array
    contexts: list[str]
    languages: list[str]


def summary_fits(summary: SummaryRow, source: SourceRow) -> bool:
    """Tell whether a summary is one of a part of a document."""
    within = summary.characters > 0 and summary.start + summary.characters <= source.characters
    return within and len(summary.digest) == _HASH_BYTES


def statement_fits(statement: StatementRow, source: SourceRow) -> bool:
    """Tell whether a statement is a sentence of a document."""
    return (
        statement.start >= 0
        and statement.characters > 0
        and statement.start + statement.characters <= source.characters
        and bool(statement.claim)
    )


def verify_crystal(
    store: Store, *, quick: bool = False, progress: Callable[[int, int], None] | None = None
) -> VerifyReport:
    """Verify a crystal. Damage is reported and not raised.

    Args:
        store: The crystal.
        quick: Do not compare the postings with the text.
        progress: Called with the bytes of text that are checked and all bytes.

    Raises:
        CrystalError: The file cannot be read for a reason other than damage, for example because
            another program keeps it busy.
    """
    with store.snapshot():
        return _Verifier(store, quick, progress or (lambda done, total: None)).run()


class _Verifier:
    """One verification of one crystal."""

    def __init__(self, store: Store, quick: bool, progress: Callable[[int, int], None]) -> None:
        """Prepare to verify a crystal; the parameters are those of `verify_crystal`."""
        self._store = store
        self._quick = quick
        self._progress = progress
        self._problems: list[Problem] = []
        self._sources: list[SourceRow] = []
        self._segments: list[SegmentRow] = []
        self._documents = _DocumentMap(np.zeros((0, 3), np.int64), {})
        # Characters, newlines and tokens of each chunk, int64 [chunks, 3]; -1 where unreadable.
        self._chunks: Int64Array = np.zeros((0, 3), np.int64)
        self._checksum: TermChecksum | None = None

    def run(self) -> VerifyReport:
        """Check the file, then segments, then the lexical index, then the documents."""
        with self._noting_damage():
            self._read_ledger()
        for storage_faults in (file_faults, seal_faults, blob_faults):
            with self._noting_damage():
                for fault in storage_faults(self._store):
                    self._note(fault.message, self._affected_by(fault))
        with self._noting_damage():
            self._check_meta()
        with self._noting_damage():
            self._segments = self._store.segments()
            check_numbering(self._store, self._segments)
            self._make_room()
        total = sum(segment.bytes for segment in self._segments)
        done = 0
        for segment in self._segments:
            with self._noting_damage(segment):
                self._check_segment(segment)
            done += segment.bytes
            self._progress(done, total)
        with self._noting_damage():
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

    # --- problems and the documents that they affect --------------------------------------------

    def _note(self, message: str, documents: Iterable[str] = ()) -> None:
        self._problems.append(Problem(message, tuple(documents)))

    def _note_segment(self, segment: SegmentRow, message: str) -> None:
        self._note(f"segment {segment.id} {message}", self._in_segment(segment))

    @contextlib.contextmanager
    def _noting_damage(self, segment: SegmentRow | None = None) -> Iterator[None]:
        """Note damage that is raised inside, and continue after the block.

        Args:
            segment: The segment that is checked, whose documents are affected.
        """
        try:
            yield
        except DamagedCrystalError as error:
            self._note(error.what, self._in_segment(segment) if segment else ())

    def _affected_by(self, fault: StorageFault) -> tuple[str, ...]:
        """Return the names of the documents that a fault in a group of rows affects."""
        table, number = fault.group
        with contextlib.suppress(CrystalError):
            if table == "source":
                return (self._documents.name(number),)
            if table in ("segment", "lexicon"):
                kind = "chunk" if table == "segment" else "atom"
                query = f"SELECT first_{kind}, {kind}s FROM {table} WHERE id = ?"
                for first, count in typed_rows(self._store.rows(query, (number,)), (int, int), self._store.path):
                    with_nodes = self._documents.referring_to if table == "segment" else self._with_atoms
                    return with_nodes(first, first + count)
        return ()

    def _in_segment(self, segment: SegmentRow) -> tuple[str, ...]:
        """Return the names of the documents in a segment."""
        return self._documents.referring_to(segment.first_chunk, segment.first_chunk + segment.chunks)

    def _with_atoms(self, first: int, end: int) -> tuple[str, ...]:
        """Return the names of the documents in segments with any atom of `[first, end)`."""
        query = "SELECT first_chunk, first_chunk + chunks FROM segment WHERE first_atom < ? AND first_atom + atoms > ?"
        rows = typed_rows(self._store.rows(query, (end, first)), (int, int), self._store.path)
        names = {name for low, high in rows for name in self._documents.referring_to(low, high)}
        return tuple(sorted(names))

    def _with_chunks(self, chunks: Iterable[int]) -> tuple[str, ...]:
        """Return the names of the documents that refer to any of some chunks."""
        return tuple(sorted({name for chunk in chunks for name in self._documents.referring_to(chunk, chunk + 1)}))

    # --- the ledger and the metadata ------------------------------------------------------------

    def _read_ledger(self) -> None:
        self._sources = self._store.sources()
        names = {source.id: source.path for source in self._sources}
        located: dict[str, str] = {}
        for source in self._sources:  # the index covers only locations that stand in their rows
            if (first := located.setdefault(source.location, source.path)) != source.path:
                self._note(f"two documents are at {source.location}", (first, source.path))
        runs = [
            (source, first, first + chunks)
            for source, first, chunks in self._store.stream("SELECT source, first_chunk, chunks FROM run NOT INDEXED")
            if all(type(number) is int and 0 <= number < _LARGEST_NUMBER for number in (source, first, chunks))
        ]
        self._documents = _DocumentMap(np.array(runs, np.int64).reshape(-1, 3), names)

    def _check_meta(self) -> None:
        meta = self._store.meta()
        for key in ("encoder", "dimension", "ratios", "codec"):
            if not meta.get(key):
                self._note(f"the table meta lacks {key}")
        expected = " ".join(map(str, RATIOS))
        if meta.get("ratios", "") not in ("", expected):
            self._note(f"the ratios of its layers are {meta['ratios']}, expected {expected}")

    # --- segments -------------------------------------------------------------------------------

    def _make_room(self) -> None:
        """Make the arrays of what is known of each chunk and of each atom."""
        chunks = sum(segment.chunks for segment in self._segments)
        self._chunks = np.full((chunks, 3), -1, np.int64)
        if not self._quick:
            self._checksum = TermChecksum(
                sum(segment.atoms for segment in self._segments), stored_analysis(self._store)
            )

    def _check_segment(self, segment: SegmentRow) -> None:
        reader = open_segment(self._store, segment)
        spans = reader.spans
        sizes = self._chunks[segment.first_chunk : segment.first_chunk + segment.chunks]
        # The lengths differ where segments do not follow one another, which is noted already.
        if len(sizes) == segment.chunks:
            sizes[:] = np.stack([spans.characters, spans.newlines, spans.tokens], 1)
        if int(spans.tokens.sum()) != segment.tokens:
            self._note_segment(segment, f"counts {segment.tokens} tokens, its chunks have {int(spans.tokens.sum())}")
        if segment.encoded not in (0, 1):
            self._note_segment(segment, f"has an invalid value in the column encoded: {segment.encoded}")
        for layer, width in CODE_BYTES.items():
            if segment.encoded and len(self._store.part(segment.id, layer)) != width * getattr(segment, layer):
                self._note_segment(segment, f"has another number of codes than of {layer}")
        lengths = np.frombuffer(self._store.part(segment.id, "lengths"), np.uint8)
        hashes = self._store.part(segment.id, "hashes")
        text = self._store.text(segment.id)
        if len(text) != segment.bytes or int(spans.bytes.sum()) != segment.bytes:
            self._note_segment(segment, f"has another number of bytes of text than {segment.bytes}")
        if len(lengths) != segment.atoms or len(hashes) != _HASH_BYTES * segment.chunks:
            self._note_segment(segment, "has another number of hashes than of chunks, or of lengths than of atoms")
        contexts, languages = contexts_of(self._store, segment), read_languages(self._store, segment)
        if lacking := set(languages) - {"", *stored_languages(self._store)}:
            self._note_segment(segment, f"has languages that the table meta lacks: {', '.join(sorted(lacking))}")
        content = _SegmentContent(segment, reader, hashes, lengths, contexts, languages)
        damaged = []
        position = 0
        for index in range(segment.chunks):
            end = position + int(spans.bytes[index])
            if not self._chunk_is_sound(content, index, text[position:end]):
                damaged.append(segment.first_chunk + index)
            position = end
        if damaged:
            self._note(
                f"segment {segment.id}: {len(damaged)} of {segment.chunks} chunks differ from what was stored, "
                f"the first is chunk {damaged[0]}",
                self._with_chunks(damaged),
            )

    def _chunk_is_sound(self, content: _SegmentContent, index: int, data: bytes) -> bool:
        """Check a chunk against its hash and its spans, and add its terms to the checksum.

        Args:
            content: The segment.
            index: The index of the chunk in the segment.
            data: The bytes of its text.
        """
        reader = content.reader
        spans = reader.spans
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return False
        low, high = int(reader.chunk_units[index]), int(reader.chunk_units[index + 1])
        if (
            digest(data) != content.hashes[_HASH_BYTES * index : _HASH_BYTES * (index + 1)]
            or len(text) != int(spans.characters[index])
            or text.count("\n") != int(spans.newlines[index])
            or int(spans.units[low:high].sum()) > len(text)
        ):
            return False
        if self._checksum is None:
            return True
        first, last = int(reader.chunk_atoms[index]), int(reader.chunk_atoms[index + 1])
        starts, _ = reader.atom_spans(index, index + 1)
        first_atom = content.row.first_atom + first
        context, language = content.contexts[index], content.languages[index]
        lengths = self._checksum.add_text(first_atom, text, starts.tolist(), context, language)
        return len(content.lengths) != content.row.atoms or content.lengths[first:last].tolist() == lengths

    # --- the lexical index ----------------------------------------------------------------------

    def _check_lexicons(self) -> None:
        atoms = sum(segment.atoms for segment in self._segments)
        position = 0
        for lexicon in self._store.lexicons():
            if lexicon.first_atom != position:
                self._note(f"lexicon {lexicon.id} does not follow the one before it", self._in_lexicon(lexicon))
            position = lexicon.first_atom + lexicon.atoms
            with self._noting_damage():
                try:
                    if self._checksum is not None and position <= atoms:
                        self._checksum.subtract_index(self._store, lexicon)
                except DamagedCrystalError as error:
                    self._note(f"lexicon {lexicon.id}: {error.what}", self._in_lexicon(lexicon))
        if position != atoms:
            documents = self._with_atoms(min(position, atoms), _LARGEST_NUMBER)
            self._note("the lexical index does not cover every atom", documents)
        if self._checksum is not None and len(differing := self._checksum.differing_atoms()):
            message = f"the lexical index differs from the text in {len(differing)} of {atoms} atoms"
            self._note(message, self._with_chunks(self._chunks_of(differing)))

    def _in_lexicon(self, lexicon: LexiconRow) -> tuple[str, ...]:
        return self._with_atoms(lexicon.first_atom, lexicon.first_atom + lexicon.atoms)

    def _chunks_of(self, atoms: Int64Array) -> list[int]:
        """Return the numbers of the chunks that hold `atoms`; note damaged segments."""
        chunks: list[int] = []
        for segment in self._segments:
            inside = atoms[(atoms >= segment.first_atom) & (atoms < segment.first_atom + segment.atoms)]
            if len(inside):
                with self._noting_damage(segment):
                    chunk_atoms = open_segment(self._store, segment).chunk_atoms
                    indices = np.searchsorted(chunk_atoms, inside - segment.first_atom, side="right") - 1
                    chunks += (segment.first_chunk + np.unique(indices)).tolist()
        return chunks

    # --- documents ------------------------------------------------------------------------------

    def _check_documents(self) -> None:
        for source in self._sources:
            with self._noting_damage():
                inconsistency = self._inconsistency(source)
                if inconsistency:
                    self._note(f"the document is inconsistent: {inconsistency}", (source.path,))

    def _inconsistency(self, source: SourceRow) -> str:
        """Compare a document's row, runs, landmarks and chunks.

        Returns:
            The first contradiction, for people; "" for a consistent document.
        """
        if source.state not in STATES:
            return f"invalid state {source.state!r}"
        if bool(source.code) != bool(source.reason):
            return "it has a reason without a code, or a code without a reason"
        counted = source.state in COUNTED_STATES and source.whole
        characters = lines = tokens = chunks = 0
        sizes_known = True
        for ordinal, run in enumerate(self._runs(source)):
            sizes = self._chunks[run.first_chunk : run.first_chunk + run.chunks]
            if run.ordinal != ordinal:
                return f"run {ordinal} is missing"
            if len(sizes) != run.chunks:
                return f"run {ordinal} refers to chunks that do not exist"
            sizes_known = sizes_known and bool((sizes >= 0).all())
            if sizes_known and (
                (run.start, run.lines) != (characters, lines)
                if counted
                else run.start < characters or run.lines < lines
            ):
                return f"run {ordinal} does not begin where the text before it ends"
            characters, lines, run_tokens = (np.array([run.start, run.lines, 0]) + sizes.sum(0)).tolist()
            tokens, chunks = tokens + run_tokens, chunks + run.chunks
        if not counted:
            return ""
        if chunks != source.chunks:
            return f"{chunks} chunks are stored, expected {source.chunks}"
        # Equal text may have been cut into one token more or less per chunk, where another document
        # was cut inside a word.
        if sizes_known and (characters != source.characters or abs(tokens - source.tokens) > chunks):
            return (
                f"its text has {characters} characters and {tokens} tokens, "
                f"expected {source.characters} and {source.tokens}"
            )
        query = (
            "SELECT count(*) FROM landmark "
            f"WHERE source = ? AND (start < 0 OR start > ? OR kind NOT IN {LANDMARKS + FIELDS})"
        )
        if self._store.rows(query, (source.id, source.characters))[0][0]:
            return "a landmark is outside its text, or of an unknown kind"
        memory = self._store.memory_of(source.id)
        if (source.kind == MEMORY_KIND) != (memory is not None):
            return "what was told of it is missing" if memory is None else "it is told, and is no memory"
        if not all(summary_fits(summary, source) for summary in self._store.summaries(source.id)):
            return "a summary is of a part outside its text"
        if not all(statement_fits(statement, source) for statement in self._store.statements(source.id)):
            return "a statement is outside its text"
        return ""

    def _runs(self, source: SourceRow) -> list[RunRow]:
        query = "SELECT * FROM run NOT INDEXED WHERE source = ? ORDER BY ordinal"
        return [checked_row(RunRow, row, self._store.path) for row in self._store.rows(query, (source.id,))]

    def _ratios(self) -> tuple[float, ...]:
        layers = ("tokens", "units", "clusters", "atoms")
        counts = [sum(getattr(segment, layer) for segment in self._segments) for layer in layers]
        return tuple(below / max(1, above) for below, above in pairwise(counts))
