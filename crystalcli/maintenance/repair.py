"""Repairs a damaged crystal: all that can be read goes into a new file.

The new file then takes the old one's place. Text is kept; layers, postings and hashes are made
again from it. A document that has lost anything is marked `partial` with the reason, so that the
next ingest reads its file again. Data is trusted only if a digest or a seal matches it.

Knows: segments, runs, rows of the ledger, damage. Does not know: the files of documents.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crystalcli.datatypes import FIELDS, LANDMARKS, DocumentState
from crystalcli.errors import DamagedCrystalError, Reason
from crystalcli.index import (
    ASKED_KEY,
    DEFAULT_META,
    RunBuilder,
    count_terms,
    make_missing_layers,
    merge_tail,
    open_encoder,
    open_segment,
    read_languages,
    settle_tail,
)
from crystalcli.lexical import ANALYSIS, build_blocks, identify_language, stored_code, varint
from crystalcli.maintenance.recover_segment import RecoveredChunks, SalvagedPart, recover_chunks, sound_spans
from crystalcli.maintenance.verify import (
    COUNTED_STATES,
    STATES,
    statement_fits,
    summary_fits,
    verify_crystal,
)
from crystalcli.storage import (
    ANALYSIS_KEY,
    CONTEXTS_PART,
    LANGUAGES_PART,
    DamagedFile,
    MemoryRow,
    RunRow,
    SegmentRow,
    SourceRow,
    StatementRow,
    Store,
    SummaryRow,
    add_contexts,
    add_languages,
    checked_row,
    contexts_of,
    digest,
    insert_rows,
    lock_beside,
    lock_for_telling,
    put_in_place,
    real_path,
    reason_code_of,
    release_lock,
    sealed_tables,
    without_reader,
)
from crystalcli.vectors import node_counts

# Tables that a repair writes itself; rows of the others are copied as they are.
_REBUILT_TABLES = frozenset((
    "meta", "source", "run", "landmark", "segment", "part", "lexicon", "posting", "summary", "memory", "statement",
    "statement_reading", "folder",
))  # fmt: skip
_WAIT = 10.0  # seconds, for a program that tells a memory


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The outcome of a repair.

    Attributes:
        changed: Whether the crystal was damaged, and is now repaired.
        problems: The number of problems that `verify` found.
        made_again: The parts that were made again from the text.
        lost: The parts that could not be kept.
        to_read_again: The documents that have lost something, which the next ingest reads again.
        backup: The path of the damaged file; None if it was not kept.
    """

    changed: bool = False
    problems: int = 0
    made_again: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    to_read_again: tuple[str, ...] = ()
    backup: str | None = None


@dataclass(slots=True)
class _RepairTally:
    """The lists of a RepairReport while they grow."""

    made_again: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    to_read_again: list[str] = field(default_factory=list)

    def report(self, problems: int, backup: Path | None) -> RepairReport:
        made_again, lost, to_read_again = map(tuple, (self.made_again, self.lost, self.to_read_again))
        return RepairReport(True, problems, made_again, lost, to_read_again, None if backup is None else str(backup))


def repair_crystal(
    path: Path,
    *,
    encoder: Callable[[Mapping[str, str], Path], Path | None] = lambda meta, home: None,
    backup: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> RepairReport:
    """Repair a crystal. A sound one is left as it is.

    Args:
        path: The crystal.
        encoder: Called when layers have to be made, with the metadata of the crystal and the folder
            that it is in; returns the folder of the weights, or None to leave layers to the next
            ingest.
        backup: Keep the damaged file beside the repaired one.
        progress: Called with the bytes that are checked and all bytes.

    Raises:
        NotACrystalError: The file is not a crystal.
        NewerFormatError: The crystal has a newer format version.
        DamagedCrystalError: Nothing can be read.
        CrystalError: The file does not exist, another program writes it, or it cannot be written.
            The file is then as it was.
    """
    if not path.is_file():
        Store.open(path)  # raises the error that fits
    lock, telling = lock_beside(path), None
    try:
        telling = lock_for_telling(path, _WAIT)
        problems = 1
        with contextlib.suppress(DamagedCrystalError), Store.open(path) as store:
            problems = len(verify_crystal(store, progress=progress).problems)
        if not problems:
            return RepairReport()
        original = real_path(path)
        target = original.with_name(original.name + "-repair")
        try:
            tally = _rebuild(original, target, encoder)
            backup_path = put_in_place(target, original, backup)
        finally:
            for suffix in ("", "-wal", "-shm", "-copy", "-copy-wal", "-copy-shm", "-copy-journal"):
                Path(f"{target}{suffix}").unlink(missing_ok=True)
        return tally.report(problems, backup_path)
    finally:
        release_lock(telling)
        release_lock(lock)


def _rebuild(path: Path, target: Path, encoder: Callable[[Mapping[str, str], Path], Path | None]) -> _RepairTally:
    """Write what can be read of a crystal into a new one at `target`, and verify it."""
    # A repair that was killed leaves its files.
    for suffix in ("", "-wal", "-shm"):
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    damaged = DamagedFile(path)
    try:
        with Store.create(target, {}) as store:
            repair = _Repair(damaged, store)
            repair.run()
            missing = [segment for segment in store.segments() if not segment.encoded]
            if missing and (folder := encoder(store.meta(), path.parent)) is not None:
                make_missing_layers(store, open_encoder(store.meta(), path, folder))
                repair.tally.made_again.append(f"the layers of {_counted(len(missing), 'segment')}")
            elif missing:
                repair.tally.made_again.append(
                    f"all but the layers of {_counted(len(missing), 'segment')}: the next ingest with weights makes them"
                )
            problems = verify_crystal(store).problems
        if problems:
            raise DamagedCrystalError(path, f"it could not be repaired: {problems[0].message}")
        return repair.tally
    finally:
        damaged.close()


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


class _Repair:
    """One repair: from a damaged file into an empty crystal.

    Attributes:
        tally: The lists for the report.
    """

    def __init__(self, damaged: DamagedFile, store: Store) -> None:
        """Start with an empty crystal.

        Args:
            damaged: The file to read from.
            store: The crystal to write into.
        """
        self._damaged = damaged
        self._store = store
        self._seals = damaged.seals()
        self.tally = _RepairTally()
        # By the old number of a chunk: its new number; its characters, newlines and tokens.
        self._new_numbers: dict[int, int] = {}
        self._sizes: dict[int, tuple[int, int, int]] = {}

    def run(self) -> None:
        """Recover metadata, then segments, then the documents, whose runs need the new chunks."""
        with self._store.transaction():
            self._recover_meta()
        self._recover_segments()
        with self._store.transaction():
            settle_tail(self._store)
            self._recover_documents()
            self._recover_summaries()
            self._recover_memories()
            self._recover_statements()
            for name in sealed_tables():
                if name not in _REBUILT_TABLES:
                    insert_rows(self._store, name, self._damaged.table(name))
        self.tally.made_again.append("the lexical index")
        for name in sorted(self._damaged.unreadable - {"lexicon", "posting", "seal"}):
            self.tally.lost.append(f"rows of the table {name} that could not be read")

    def _recover_meta(self) -> None:
        """Copy the table `meta`.

        Where it is damaged, the values of the program's own encoder fill it. The values of another
        encoder are kept as they are: they cannot be made up.
        """
        rows = {row["key"]: row["value"] for row in self._damaged.table("meta")}
        trusted = self._seals.get(("meta", 0), False)
        own_encoder = "weights" in rows
        readable = {key: value for key, value in rows.items() if trusted or own_encoder or key not in DEFAULT_META}
        if not trusted:
            self.tally.made_again.append("the metadata of the crystal (the table meta)")
        for key, value in {**({} if own_encoder else DEFAULT_META), **readable}.items():
            if isinstance(key, str) and isinstance(value, str) and key != ASKED_KEY:  # segments get new ids
                self._store.set_meta(key, value)
        self._store.set_meta(ANALYSIS_KEY, str(ANALYSIS))  # all terms are made again

    # --- segments -------------------------------------------------------------------------------

    def _recover_segments(self) -> None:
        """Recover each segment that has a row or a blob.

        Runs refer to chunks by number, so the old number of each segment's first chunk must be
        known. It is the row's, or follows from the segments before; while it does not follow (a
        segment is missing, or its number of chunks is unknown), a row is trusted without its seal.
        """
        rows: dict[int, SegmentRow] = {}
        for row in self._damaged.table("segment"):
            row.pop("rowid")
            with contextlib.suppress(DamagedCrystalError):
                segment = checked_row(SegmentRow, tuple(row.values()), self._damaged.path)
                rows[segment.id] = segment
        parts: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        for row in self._damaged.table("part", without="data"):
            if type(row["segment"]) is int and isinstance(row["name"], str):
                parts[row["segment"]][row["name"]] = row
        first_chunk = 0
        certain = True
        previous = 0
        for number in sorted(rows.keys() | parts.keys()):
            segment_row = rows.get(number)
            certain = certain and number == previous + 1
            previous = number
            if segment_row is not None and (self._seals.get(("segment", number), False) or not certain):
                first_chunk, certain = segment_row.first_chunk, True
            count = self._recover_segment(number, segment_row, parts[number], first_chunk)
            if count is None:
                certain = False
            else:
                first_chunk += count

    def _recover_segment(
        self, number: int, row: SegmentRow | None, part_rows: dict[str, dict[str, Any]], first_chunk: int
    ) -> int | None:
        """Recover what can be read of a segment.

        Args:
            number: The id of the segment.
            row: Its row; None if that is lost.
            part_rows: The rows of its blobs by name, without the blobs.
            first_chunk: The old number of its first chunk.

        Returns:
            The number of chunks that it had; None if that is unknown.
        """
        parts = {}
        for name, part_row in part_rows.items():
            data = self._damaged.cell("part", "data", part_row["rowid"])
            if isinstance(data, bytes):
                size = part_row["size"] if type(part_row["size"]) is int else len(data)
                parts[name] = SalvagedPart(data, size, digest(data) == part_row["digest"])
        chunks = row.chunks if row is not None else None
        if (spans := sound_spans(parts, chunks)) is not None:
            columns = zip(spans.characters.tolist(), spans.newlines.tolist(), spans.tokens.tolist(), strict=True)
            self._sizes.update(enumerate(columns, first_chunk))
            chunks = len(spans.bytes)
        recovered = self._recover_text(number, row, parts, first_chunk) if "text" in parts else None
        if recovered is None:
            self.tally.lost.append(
                f"the text of segment {number}, {chunks if chunks is not None else 'unknown'} chunks"
            )
            return chunks
        if len(recovered.texts) < recovered.total:
            lost = recovered.total - len(recovered.texts)
            self.tally.lost.append(f"{lost} of {recovered.total} chunks of segment {number}")
        self.tally.made_again += [f"{what} in segment {number}" for what in recovered.rebuilt]
        return recovered.total

    def _recover_text(
        self, number: int, row: SegmentRow | None, parts: dict[str, SalvagedPart], first_chunk: int
    ) -> RecoveredChunks | None:
        """Write the readable chunks of a segment as a new segment.

        Args:
            number: The id of the segment.
            row: Its row; None if that is lost.
            parts: Its blobs by name, `text` among them.
            first_chunk: The old number of its first chunk.

        Returns:
            The chunks; None if the text cannot be read, or nothing tells where chunks end.
        """
        segments = self._store.segments()
        new_chunk = segments[-1].first_chunk + segments[-1].chunks if segments else 0
        new_atom = segments[-1].first_atom + segments[-1].atoms if segments else 0
        sizes = {parts["text"].size, row.bytes if row is not None else parts["text"].size}
        with self._store.transaction():
            # A segment for a moment, by which the store decompresses and checks.
            temporary = self._store.add_segment(SegmentRow(0, new_chunk, 0, new_atom, 0, 0, 0, 0, 0, 0))
            text = None
            for size in sizes:
                self._store.add_part(temporary, "text", parts["text"].data, size)
                with contextlib.suppress(DamagedCrystalError):
                    text = self._store.text(temporary)
                    break
            chunks = row.chunks if row is not None else None
            recovered = recover_chunks(text, parts, chunks) if text is not None else None
            contexts = self._recover_contexts(temporary, number, parts, recovered) if recovered is not None else []
            languages = self._recover_languages(temporary, number, parts, recovered) if recovered is not None else []
            self._store.rows("DELETE FROM part WHERE segment = ?", (temporary,))
            self._store.rows("DELETE FROM segment WHERE id = ?", (temporary,))
            if recovered is None or not recovered.texts:
                return recovered
            whole_text = parts["text"] if b"".join(recovered.texts) == text else None
            self._write_segment(recovered, contexts, languages, new_chunk, new_atom, whole_text, len(text or b""))
        spans = recovered.spans
        for index, position in enumerate(recovered.positions.tolist()):
            self._new_numbers[first_chunk + position] = new_chunk + index
            characters = int(spans.characters[index])
            self._sizes[first_chunk + position] = (characters, int(spans.newlines[index]), int(spans.tokens[index]))
        return recovered

    def _recover_contexts(
        self, temporary: int, number: int, parts: dict[str, SalvagedPart], recovered: RecoveredChunks
    ) -> list[str]:
        """Read the contexts of a segment's readable chunks.

        Where they are lost, the codes are dropped: they were made with the contexts.

        Args:
            temporary: The id of a segment of the new crystal to read them by.
            number: The id of the damaged segment.
            parts: Its blobs by name.
            recovered: Its readable chunks; loses its codes together with the contexts.
        """
        part = parts.get(CONTEXTS_PART)
        if part is None:
            return [""] * len(recovered.texts)
        with contextlib.suppress(DamagedCrystalError):
            if part.sound:
                self._store.add_part(temporary, CONTEXTS_PART, part.data, part.size)
                contexts = contexts_of(self._store, SegmentRow(temporary, 0, recovered.total, 0, 0, 0, 0, 0, 0, 0))
                return [contexts[position] for position in recovered.positions.tolist()]
        self.tally.lost.append(f"the contexts (file and headings) of the chunks of segment {number}")
        recovered.codes.clear()
        return [""] * len(recovered.texts)

    def _recover_languages(
        self, temporary: int, number: int, parts: dict[str, SalvagedPart], recovered: RecoveredChunks
    ) -> list[str]:
        """Read the languages of a segment's readable chunks; detect them again where they are lost.

        Args:
            temporary: The id of a segment of the new crystal to read them by.
            number: The id of the damaged segment.
            parts: Its blobs by name.
            recovered: Its readable chunks.
        """
        part = parts.get(LANGUAGES_PART)
        if part is None:
            return [""] * len(recovered.texts)
        with contextlib.suppress(DamagedCrystalError):
            if part.sound:
                self._store.add_part(temporary, LANGUAGES_PART, part.data, part.size)
                row = SegmentRow(temporary, 0, recovered.total, 0, 0, 0, 0, 0, 0, 0)
                languages = read_languages(self._store, row)
                return [languages[position] for position in recovered.positions.tolist()]
        self.tally.made_again.append(f"the languages of chunks in segment {number}")
        return [stored_code(identify_language(text.decode())) for text in recovered.texts]

    def _write_segment(
        self,
        recovered: RecoveredChunks,
        contexts: list[str],
        languages: list[str],
        first_chunk: int,
        first_atom: int,
        text: SalvagedPart | None,
        size: int,
    ) -> None:
        """Write a new segment, inside a transaction.

        Args:
            recovered: Its chunks.
            contexts: The context of each.
            languages: The code of the language of each.
            first_chunk: The number of its first chunk.
            first_atom: The number of its first atom.
            text: The compressed text, if it holds these chunks and no others.
            size: The bytes of that text once decompressed.
        """
        store, spans = self._store, recovered.spans
        units, clusters, atoms = (int(count.sum()) for count in node_counts(spans.tokens))
        segment = SegmentRow(
            0, first_chunk, len(recovered.texts), first_atom, atoms, clusters, units,
            int(spans.tokens.sum()), int(spans.bytes.sum()), int(bool(recovered.codes)),
        )  # fmt: skip
        segment = segment._replace(id=store.add_segment(segment))
        if text is not None:
            store.add_part(segment.id, "text", text.data, size)
        else:
            store.add_text(segment.id, b"".join(recovered.texts))
        store.add_part(segment.id, "spans", varint.encode(spans.flat()))
        store.add_part(segment.id, "hashes", b"".join(map(digest, recovered.texts)))
        add_contexts(store, segment.id, contexts)
        add_languages(store, segment.id, languages)
        for name, data in recovered.codes.items():
            store.add_part(segment.id, name, data)
        reader = open_segment(store, segment)
        counts = []
        for index, data in enumerate(recovered.texts):
            starts, _ = reader.atom_spans(index, index + 1)
            counts += count_terms(data.decode(), starts.tolist(), contexts[index], languages[index])
        lengths = np.array([min(255, count.total()) for count in counts], np.uint8)
        store.add_part(segment.id, "lengths", lengths.tobytes())
        store.add_lexicon(0, first_atom, atoms, build_blocks(counts, first_atom))
        merge_tail(store)

    # --- documents ------------------------------------------------------------------------------

    def _recover_documents(self) -> None:
        """Write every document that has a row, a run or a landmark, inside a transaction."""
        runs: defaultdict[int, list[RunRow]] = defaultdict(list)
        for row in self._damaged.table("run"):
            with contextlib.suppress(DamagedCrystalError):
                run = checked_row(RunRow, tuple(row.values()), self._damaged.path)
                runs[run.source].append(run)
        landmarks: defaultdict[int, list[tuple[int, str, str]]] = defaultdict(list)
        for row in self._damaged.table("landmark"):
            landmark = (row["start"], row["kind"], row["label"])
            types = tuple(map(type, (row["source"], *landmark)))
            if types == (int, int, str, str) and landmark[0] >= 0 and landmark[1] in LANDMARKS + FIELDS:
                landmarks[row["source"]].append(landmark)
        sources: dict[int, SourceRow] = {}
        for row in self._damaged.sources():
            with contextlib.suppress(DamagedCrystalError):
                # Versions 1 and 2 of the format have no codes of reasons.
                row.setdefault("code", reason_code_of(str(row["reason"])))
                source = checked_row(SourceRow, tuple(row[name] for name in SourceRow._fields), self._damaged.path)
                others, reader = without_reader(landmarks[source.id])
                landmarks[source.id] = others
                sources[source.id] = source._replace(reader=source.reader or reader)
        sources.pop(0, None)  # SQLite gives no row that number
        taken: set[tuple[str, str]] = set()  # (column, value)
        for number in sorted(sources.keys() | runs.keys() | landmarks.keys()):
            in_order = sorted(runs[number], key=lambda run: run.ordinal)
            self._recover_document(number, sources.get(number), in_order, landmarks[number], taken)

    def _recover_memories(self) -> None:
        """Copy what was told; a memory whose document is lost is indexed again from its text."""
        memories = []
        for row in self._damaged.table("memory"):
            row.pop("rowid", None)
            with contextlib.suppress(DamagedCrystalError):
                memory = checked_row(MemoryRow, tuple(row.values()), self._damaged.path)
                if not self._store.has_source(memory.source):
                    memory = memory._replace(source=0)
                memories.append(memory)
        self._store.put_memories(memories)

    def _recover_statements(self) -> None:
        """Copy the statements of documents that are there; the next ingest looks for others anew.

        What was decided by hand is kept with them.
        """
        statements = []
        for row in self._damaged.table("statement"):
            with contextlib.suppress(DamagedCrystalError):
                statement = checked_row(StatementRow, tuple(row.values()), self._damaged.path)
                if self._store.has_source(statement.source) and statement_fits(
                    statement, self._store.source(statement.source)
                ):
                    statements.append(statement)
        self._store.put_statements(statements)

    def _recover_summaries(self) -> None:
        """Copy the summaries of documents that are there; others of the same part may be made."""
        summaries = []
        for row in self._damaged.table("summary"):
            with contextlib.suppress(DamagedCrystalError):
                summary = checked_row(SummaryRow, tuple(row.values()), self._damaged.path)
                if self._store.has_source(summary.source) and summary_fits(summary, self._store.source(summary.source)):
                    summaries.append(summary)
        self._store.add_summaries(summaries)

    def _recover_document(
        self,
        number: int,
        row: SourceRow | None,
        runs: list[RunRow],
        landmarks: list[tuple[int, str, str]],
        taken: set[tuple[str, str]],
    ) -> None:
        """Write a document, marked as partial if it has lost anything.

        Args:
            number: Its id.
            row: Its row; None if that is lost.
            runs: Its runs, in order.
            landmarks: Its landmarks: (start, kind, label).
            taken: Names and locations that other documents have, as (column, value).
        """
        new_runs, end = self._renumbered(number, runs, row.characters if row is not None else None)
        stored = sum(run.chunks for run in new_runs)
        if row is None:
            if not new_runs:
                self.tally.lost.append(f"source {number}: only its number could be read")
                return
            name = f"recovered/{number}"
            row = SourceRow(
                number,
                name,
                name,
                "",
                kind="text",
                state=DocumentState.GONE,
                reason="its row in the ledger was lost",
                code=Reason.LOST_ROW,
                characters=end,
                chunks=stored,
            )
            self.tally.lost.append(f"the name of a document, which is now {name}")
        elif loss := self._loss(number, row, runs, stored):
            self.tally.lost.append(f"{row.path}: {loss}")
            self.tally.to_read_again.append(row.path)
            state = DocumentState.GONE if row.state == DocumentState.GONE else DocumentState.PARTIAL
            row = row._replace(state=state, reason=f"damaged: {loss}", code=Reason.LOST_TEXT, digest=b"")
        while ("path", row.path) in taken or ("location", row.location) in taken:
            row = row._replace(path=f"{row.path} ({number})", location=f"{row.location} ({number})")
        taken |= {("path", row.path), ("location", row.location)}
        self._store.put_source(row)
        self._store.add_runs(new_runs)
        inside = [landmark for landmark in landmarks if landmark[0] <= row.characters or not row.chunks]
        self._store.add_landmarks(number, inside)

    def _loss(self, number: int, row: SourceRow, runs: list[RunRow], stored: int) -> str:
        """Say what a document has lost; "" for a whole one.

        Args:
            number: Its id.
            row: Its row.
            runs: Its runs, in order.
            stored: The number of its chunks that were recovered.
        """
        referenced = sum(run.chunks for run in runs)
        expected = max(referenced, row.chunks if row.state in (*COUNTED_STATES, DocumentState.GONE) else 0)
        if stored < expected:
            return f"{expected - stored} of {expected} chunks were lost"
        if row.state not in STATES or not self._seals.get(("source", number), True):
            return "its row in the ledger was altered"
        characters = lines = 0
        for ordinal, run in enumerate(runs):
            if row.state in COUNTED_STATES and (run.ordinal, run.start, run.lines) != (ordinal, characters, lines):
                return "the start of its text was altered"
            sizes = [self._sizes[chunk] for chunk in range(run.first_chunk, run.first_chunk + run.chunks)]
            characters += sum(size[0] for size in sizes)
            lines += sum(size[1] for size in sizes)
        if row.state in COUNTED_STATES and characters != row.characters:
            return "its length in the ledger was altered"
        return ""

    def _renumbered(self, number: int, runs: list[RunRow], characters: int | None) -> tuple[list[RunRow], int]:
        """Make the runs of a document over the recovered chunks.

        Each begins at the same character as before.

        Args:
            number: The id of the document.
            runs: Its old runs, in order.
            characters: The length of the document; None if that is lost.

        Returns:
            The runs, and the character at which the last one ends.
        """
        new_runs: list[RunRow] = []
        end = end_lines = 0
        for index, run in enumerate(runs):
            following = runs[index + 1] if index + 1 < len(runs) else None
            after = following.start if following is not None else characters
            for piece in self._pieces(run, after, following.lines if following is not None else None):
                (row,) = piece.runs
                # A run that overlaps the text before it has an altered start.
                if row.start < end or row.lines < end_lines:
                    continue
                new_runs.append(row._replace(source=number, ordinal=len(new_runs)))
                end, end_lines = piece.characters, piece.lines
        return new_runs, end

    def _pieces(self, run: RunRow, after: int | None, lines_after: int | None) -> list[RunBuilder]:
        """Divide a run into pieces of recovered chunks with consecutive new numbers.

        Args:
            run: The old run.
            after: The character at which it ends; None if that is unknown.
            lines_after: The newlines before that character; None if that is unknown.

        Returns:
            The pieces, each as one run.
        """
        chunks = list(range(run.first_chunk, run.first_chunk + run.chunks))
        positions: dict[int, tuple[int, int]] = {}
        position, line = run.start, run.lines
        for chunk in chunks:
            positions[chunk] = (position, line)
            if chunk not in self._sizes:
                break
            position, line = position + self._sizes[chunk][0], line + self._sizes[chunk][1]
        # After a chunk of unknown size, count from the end of the run.
        position_from_end, line_from_end = after, lines_after
        for chunk in reversed(chunks):
            if chunk in positions or chunk not in self._sizes or position_from_end is None:
                break
            position_from_end -= self._sizes[chunk][0]
            line_from_end = max(line, line_from_end - self._sizes[chunk][1]) if line_from_end is not None else None
            positions[chunk] = (position_from_end, line_from_end if line_from_end is not None else line)
        pieces: list[RunBuilder] = []
        for chunk in chunks:
            if chunk not in self._new_numbers or chunk not in positions:
                continue
            number = self._new_numbers[chunk]
            characters, newlines, _ = self._sizes[chunk]
            start, lines = positions[chunk]
            last = pieces[-1] if pieces else None
            if last is None or not last.continues(number) or (last.characters, last.lines) != (start, lines):
                last = RunBuilder(run.source, start, lines)
                pieces.append(last)
            last.add(number, characters, newlines)
        return pieces
