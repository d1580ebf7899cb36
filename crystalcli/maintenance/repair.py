"""Makes a damaged crystal whole again: everything that can be read goes into a new file, which then takes its place.

Text is kept; layers, postings and hashes are made again from it. A document that has lost anything is marked `partial` with
the reason, so that the next ingest reads its file again. Nothing is believed that neither a digest nor a seal vouches for.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crystalcli.errors import DamagedCrystalError, Reason
from crystalcli.index import (
    DEFAULT_META,
    RunBuilder,
    count_terms,
    make_missing_layers,
    merge_tail,
    open_encoder,
    open_segment,
)
from crystalcli.lexical import build_blocks, varint
from crystalcli.maintenance.recover_segment import RecoveredChunks, SalvagedPart, recover_chunks, sound_spans
from crystalcli.maintenance.verify import COUNTED, verify_crystal
from crystalcli.storage import (
    CONTEXTS_PART,
    DamagedFile,
    RunRow,
    SegmentRow,
    SourceRow,
    Store,
    add_contexts,
    checked_row,
    contexts_of,
    crystal_path,
    digest,
    insert_rows,
    lock_beside,
    put_in_place,
    reason_code_of,
    release_lock,
    sealed_tables,
)
from crystalcli.types import LANDMARKS, DocumentState
from crystalcli.vectors import node_counts

_OURS = frozenset(("meta", "source", "run", "landmark", "segment", "part", "lexicon", "posting"))


@dataclass(frozen=True, slots=True)
class RepairReport:
    """The outcome of a repair.

    Attributes:
        changed: Whether there was anything to repair.
        problems: How many problems `verify` found.
        made_again: The parts that were made again from the text.
        lost: The parts that could not be kept.
        to_read_again: The documents that have lost something, which the next ingest reads again.
        backup: The path of the damaged file; None where it was not kept.
    """

    changed: bool = False
    problems: int = 0
    made_again: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    to_read_again: tuple[str, ...] = ()
    backup: str | None = None


@dataclass(slots=True)
class _Tally:
    """The parts of a RepairReport while they are found."""

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
    """Repair the crystal at `path`, if it needs it. encoder: asked, when layers have to be made, for the weights' folder,
    with what the crystal says of its encoder and the folder it lies in.

    Raises NotACrystalError or NewerFormatError for what is no crystal of this version, DamagedCrystalError when nothing can be
    read, and CrystalError when it cannot be written or another program writes it. The file is then as it was.
    """
    if not path.is_file():
        Store.open(path)  # says what it is instead
    lock = lock_beside(path)
    try:
        problems = 1
        with contextlib.suppress(DamagedCrystalError), Store.open(path) as store:
            problems = len(verify_crystal(store, progress=progress).problems)
        if not problems:
            return RepairReport()
        real = crystal_path(path)
        target = real.with_name(real.name + "-repair")
        try:
            tally = _rebuild(real, target, encoder)
            kept = put_in_place(target, real, backup)
        finally:
            for suffix in ("", "-wal", "-shm", "-copy", "-copy-wal", "-copy-shm", "-copy-journal"):
                Path(f"{target}{suffix}").unlink(missing_ok=True)
        return tally.report(problems, kept)
    finally:
        release_lock(lock)


def _rebuild(path: Path, target: Path, encoder: Callable[[Mapping[str, str], Path], Path | None]) -> _Tally:
    for suffix in ("", "-wal", "-shm"):  # of a repair that was killed
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    wreck = DamagedFile(path)
    try:
        with Store.create(target, {}) as store:
            work = _Repair(wreck, store)
            work.run()
            missing = [segment for segment in store.segments() if not segment.encoded]
            if missing and (folder := encoder(store.meta(), path.parent)) is not None:
                make_missing_layers(store, open_encoder(store.meta(), path, folder))
                work.tally.made_again.append(f"the layers of {len(missing)} segments")
            elif missing:
                work.tally.made_again.append(
                    f"nothing of the layers of {len(missing)} segments: the next ingest with weights makes them"
                )
            left = verify_crystal(store).problems
        if left:
            raise DamagedCrystalError(path, f"it could not be repaired: {left[0].message}")
        return work.tally
    finally:
        wreck.close()


class _Repair:
    """One repair, from a wreck into a new store."""

    def __init__(self, wreck: DamagedFile, store: Store) -> None:
        self._wreck = wreck
        self._store = store
        self._seals = wreck.seals()
        self.tally = _Tally()
        self._new: dict[int, int] = {}  # a chunk's old number: its new one
        self._sizes: dict[int, tuple[int, int, int]] = {}  # a chunk's old number: characters, newlines, tokens

    def run(self) -> None:
        """Everything, in an order in which each step knows what it needs."""
        with self._store.transaction():
            self._meta()
        self._segments()
        with self._store.transaction():
            self._documents()
            for name in sealed_tables():
                if name not in _OURS:
                    insert_rows(self._store, name, self._wreck.table(name))
        self.tally.made_again.append("the lexical index")
        for name in sorted(self._wreck.unreadable - {"lexicon", "posting", "seal"}):
            self.tally.lost.append(f"rows of the table {name} that could not be read")

    def _meta(self) -> None:
        rows = {row["key"]: row["value"] for row in self._wreck.table("meta")}
        believed = self._seals.get(("meta", 0), False)
        own = "weights" in rows  # of an encoder of its own nothing can be made up
        kept = {key: value for key, value in rows.items() if believed or own or key not in DEFAULT_META}
        if not believed:
            self.tally.made_again.append("what the crystal says of itself (the table meta)")
        for key, value in {**({} if own else DEFAULT_META), **kept}.items():
            if isinstance(key, str) and isinstance(value, str):
                self._store.set_meta(key, value)

    # --- segments -------------------------------------------------------------------------------------

    def _segments(self) -> None:
        rows: dict[int, SegmentRow] = {}
        for row in self._wreck.table("segment"):
            row.pop("rowid")
            with contextlib.suppress(DamagedCrystalError):
                segment = checked_row(SegmentRow, tuple(row.values()), self._wreck.path)
                rows[segment.id] = segment
        parts: defaultdict[int, dict[str, dict[str, Any]]] = defaultdict(dict)
        for row in self._wreck.table("part", without="data"):
            if type(row["segment"]) is int and isinstance(row["name"], str):
                parts[row["segment"]][row["name"]] = row
        first = 0  # the old number of the next segment's first chunk, as far as segments follow one another
        certain = True
        before = 0
        for number in sorted(rows.keys() | parts.keys()):
            known = rows.get(number)
            certain = certain and number == before + 1
            before = number
            if known is not None and (self._seals.get(("segment", number), False) or not certain):
                first, certain = known.first_chunk, True
            count = self._segment(number, known, parts[number], first)
            if count is None:
                certain = False
            else:
                first += count

    def _segment(self, number: int, row: SegmentRow | None, found: dict[str, dict[str, Any]], first: int) -> int | None:
        """Keep what there is of one segment; how many chunks it had, None when there is no saying."""
        parts = {}
        for name, each in found.items():
            data = self._wreck.cell("part", "data", each["rowid"])
            if isinstance(data, bytes):
                size = each["size"] if type(each["size"]) is int else len(data)
                parts[name] = SalvagedPart(data, size, digest(data) == each["digest"])
        chunks = row.chunks if row is not None else None
        if (spans := sound_spans(parts, chunks)) is not None:
            columns = zip(spans.characters.tolist(), spans.newlines.tolist(), spans.tokens.tolist(), strict=True)
            self._sizes.update(enumerate(columns, first))
            chunks = len(spans.bytes)
        kept = self._keep(number, row, parts, first) if "text" in parts else None
        if kept is None:
            self.tally.lost.append(
                f"the text of segment {number}, {chunks if chunks is not None else 'unknown'} chunks"
            )
            return chunks
        if len(kept.texts) < kept.chunks:
            self.tally.lost.append(f"{kept.chunks - len(kept.texts)} of {kept.chunks} chunks of segment {number}")
        self.tally.made_again += [f"{note} in segment {number}" for note in kept.notes]
        return kept.chunks

    def _keep(
        self, number: int, row: SegmentRow | None, parts: dict[str, SalvagedPart], first: int
    ) -> RecoveredChunks | None:
        before = self._store.segments()
        first_chunk = before[-1].first_chunk + before[-1].chunks if before else 0
        first_atom = before[-1].first_atom + before[-1].atoms if before else 0
        sizes = {parts["text"].size, row.bytes if row is not None else parts["text"].size}
        with self._store.transaction():
            made = self._store.add_segment(SegmentRow(0, first_chunk, 0, first_atom, 0, 0, 0, 0, 0, 0))
            text = None
            for size in sizes:
                self._store.add_part(made, "text", parts["text"].data, size)
                with contextlib.suppress(DamagedCrystalError):
                    text = self._store.text(made)
                    break
            kept = recover_chunks(text, parts, row.chunks if row is not None else None) if text is not None else None
            contexts = self._contexts(made, number, parts, kept) if kept is not None else []
            self._store.rows("DELETE FROM part WHERE segment = ?", (made,))
            self._store.rows("DELETE FROM segment WHERE id = ?", (made,))
            if kept is None or not kept.texts:
                return kept
            whole = parts["text"] if b"".join(kept.texts) == text else None
            self._write(kept, contexts, first_chunk, first_atom, whole, len(text or b""))
        for new, place in enumerate(kept.places.tolist()):
            self._new[first + place] = first_chunk + new
            characters = int(kept.spans.characters[new])
            self._sizes[first + place] = (characters, int(kept.spans.newlines[new]), int(kept.spans.tokens[new]))
        return kept

    def _contexts(self, made: int, number: int, parts: dict[str, SalvagedPart], kept: RecoveredChunks) -> list[str]:
        """What the kept chunks of a segment stand in. Where that is lost, their codes would be of another context: they go."""
        part = parts.get(CONTEXTS_PART)
        if part is None:
            return [""] * len(kept.texts)
        with contextlib.suppress(DamagedCrystalError):
            if part.sound:
                self._store.add_part(made, CONTEXTS_PART, part.data, part.size)
                lines = contexts_of(self._store, SegmentRow(made, 0, kept.chunks, 0, 0, 0, 0, 0, 0, 0))
                return [lines[place] for place in kept.places.tolist()]
        self.tally.lost.append(f"in which files and under which headings the chunks of segment {number} were found")
        kept.codes.clear()
        return [""] * len(kept.texts)

    def _write(
        self,
        kept: RecoveredChunks,
        contexts: list[str],
        first_chunk: int,
        first_atom: int,
        text: SalvagedPart | None,
        size: int,
    ) -> None:
        """A new segment, inside a transaction."""
        store, spans = self._store, kept.spans
        units, clusters, atoms = (int(count.sum()) for count in node_counts(spans.tokens))
        segment = SegmentRow(
            0, first_chunk, len(kept.texts), first_atom, atoms, clusters, units,
            int(spans.tokens.sum()), int(spans.bytes.sum()), int(bool(kept.codes)),
        )  # fmt: skip
        segment = segment._replace(id=store.add_segment(segment))
        if text is not None:
            store.add_part(segment.id, "text", text.data, size)
        else:
            store.add_text(segment.id, b"".join(kept.texts))
        store.add_part(segment.id, "spans", varint.encode(spans.flat()))
        store.add_part(segment.id, "hashes", b"".join(map(digest, kept.texts)))
        add_contexts(store, segment.id, contexts)
        for name, data in kept.codes.items():
            store.add_part(segment.id, name, data)
        view = open_segment(store, segment)
        counts = []
        for index, data in enumerate(kept.texts):
            starts, _ = view.atom_spans(index, index + 1)
            counts += count_terms(data.decode(), starts.tolist(), contexts[index])
        lengths = np.array([min(255, count.total()) for count in counts], np.uint8)
        store.add_part(segment.id, "lengths", lengths.tobytes())
        store.add_lexicon(0, first_atom, atoms, build_blocks(counts, first_atom))
        merge_tail(store)

    # --- documents ------------------------------------------------------------------------------------

    def _documents(self) -> None:
        runs: defaultdict[int, list[RunRow]] = defaultdict(list)
        for row in self._wreck.table("run"):
            with contextlib.suppress(DamagedCrystalError):
                run = checked_row(RunRow, tuple(row.values()), self._wreck.path)
                runs[run.source].append(run)
        landmarks: defaultdict[int, list[tuple[int, str, str]]] = defaultdict(list)
        for row in self._wreck.table("landmark"):
            where = (row["start"], row["kind"], row["label"])
            if (
                tuple(map(type, (row["source"], *where))) == (int, int, str, str)
                and where[0] >= 0
                and where[1] in LANDMARKS
            ):
                landmarks[row["source"]].append(where)
        taken: set[tuple[str, str]] = set()  # (column, value)
        sources: dict[int, SourceRow] = {}
        for row in self._wreck.table("source"):
            row.pop("rowid")
            with contextlib.suppress(DamagedCrystalError):
                row.setdefault("code", reason_code_of(str(row["reason"])))  # versions 1 and 2 have none
                source = checked_row(SourceRow, tuple(row[name] for name in SourceRow._fields), self._wreck.path)
                sources[source.id] = source
        sources.pop(0, None)  # SQLite gives no row that number
        for number in sorted(sources.keys() | runs.keys() | landmarks.keys()):
            held = sorted(runs[number], key=lambda run: run.ordinal)
            self._document(number, sources.get(number), held, landmarks[number], taken)

    def _document(
        self,
        number: int,
        row: SourceRow | None,
        runs: list[RunRow],
        landmarks: list[tuple[int, str, str]],
        taken: set[tuple[str, str]],
    ) -> None:
        placed, end = self._placed(number, runs, row.characters if row is not None else None)
        stored = sum(run.chunks for run in placed)
        if row is None:
            if not placed:
                self.tally.lost.append(f"source {number}, of which nothing but its number is left")
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
            self.tally.lost.append(f"the name of a document, kept as {name}")
        elif wrong := self._wrong(number, row, runs, stored):
            self.tally.lost.append(f"{row.path}: {wrong}")
            self.tally.to_read_again.append(row.path)
            state = DocumentState.GONE if row.state == DocumentState.GONE else DocumentState.PARTIAL
            row = row._replace(state=state, reason=f"damaged: {wrong}", code=Reason.LOST_TEXT, digest=b"")
        while ("path", row.path) in taken or ("location", row.location) in taken:
            row = row._replace(path=f"{row.path} ({number})", location=f"{row.location} ({number})")
        taken |= {("path", row.path), ("location", row.location)}
        self._store.put_source(row)
        self._store.add_runs(placed)
        self._store.add_landmarks(number, [each for each in landmarks if each[0] <= row.characters or not row.chunks])

    def _wrong(self, number: int, row: SourceRow, runs: list[RunRow], stored: int) -> str:
        """What a document has lost; "" when it is as it was."""
        held = sum(run.chunks for run in runs)
        expected = max(held, row.chunks if row.state in (*COUNTED, DocumentState.GONE) else 0)
        if stored < expected:
            return f"{expected - stored} of {expected} chunks were lost"
        if row.state not in frozenset(DocumentState) or not self._seals.get(("source", number), True):
            return "what the ledger says of it was altered"
        characters = lines = 0
        for ordinal, run in enumerate(runs):
            if row.state in COUNTED and (run.ordinal, run.start, run.lines) != (ordinal, characters, lines):
                return "where its text begins was altered"
            sizes = [self._sizes[chunk] for chunk in range(run.first_chunk, run.first_chunk + run.chunks)]
            characters += sum(size[0] for size in sizes)
            lines += sum(size[1] for size in sizes)
        if row.state in COUNTED and characters != row.characters:
            return "its length in the ledger was altered"
        return ""

    def _placed(self, number: int, runs: list[RunRow], characters: int | None) -> tuple[list[RunRow], int]:
        """A document's runs over the chunks that are kept, with their new numbers, and where the last one ends.

        They begin where they began.
        """
        placed: list[RunRow] = []
        end = end_lines = 0
        for index, run in enumerate(runs):
            following = runs[index + 1] if index + 1 < len(runs) else None
            after = following.start if following is not None else characters
            for piece in self._pieces(run, after, following.lines if following is not None else None):
                (row,) = piece.runs
                if row.start < end or row.lines < end_lines:
                    continue  # it would stand on the text before it: where it begins was altered
                placed.append(row._replace(source=number, ordinal=len(placed)))
                end, end_lines = piece.characters, piece.lines
        return placed, end

    def _pieces(self, run: RunRow, after: int | None, lines_after: int | None) -> list[RunBuilder]:
        """Stretches of a run that are kept, each as one run of new chunks."""
        chunks = list(range(run.first_chunk, run.first_chunk + run.chunks))
        positions: dict[int, tuple[int, int]] = {}
        at, line = run.start, run.lines
        for chunk in chunks:
            positions[chunk] = (at, line)
            if chunk not in self._sizes:
                break
            at, line = at + self._sizes[chunk][0], line + self._sizes[chunk][1]
        at_end, line_end = after, lines_after
        for chunk in reversed(chunks):  # behind a chunk of unknown length, count from the end
            if chunk in positions or chunk not in self._sizes or at_end is None:
                break
            at_end -= self._sizes[chunk][0]
            line_end = max(line, line_end - self._sizes[chunk][1]) if line_end is not None else None
            positions[chunk] = (at_end, line_end if line_end is not None else line)
        pieces: list[RunBuilder] = []
        for chunk in chunks:
            if chunk not in self._new or chunk not in positions:
                continue
            characters, newlines, _ = self._sizes[chunk]
            start, lines = positions[chunk]
            last = pieces[-1] if pieces else None
            if last is None or not last.continues(self._new[chunk]) or (last.characters, last.lines) != (start, lines):
                last = RunBuilder(run.source, start, lines)
                pieces.append(last)
            last.add(self._new[chunk], characters, newlines)
        return pieces
