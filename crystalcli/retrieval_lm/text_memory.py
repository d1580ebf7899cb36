"""Text that was read, as a crystal that grows behind the reader, and what of it is like the text that is being read.

Knows: chunks, segments, recall. Does not know: language models, windows.

Whoever reads adds text when it is behind them. So what is recalled, and every statistic that it is chosen by (how rare a word is, how
long atoms are), is of earlier text alone: what comes later is not there yet.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from crystalcli.errors import UsageError
from crystalcli.index import ENCODER, Encoder, LazyEncoder, SegmentWriter, open_encoder, resolve_encoder
from crystalcli.retrieval_lm.continuations import continuation_run, continues_in_next
from crystalcli.storage import RUN_SIZE, RunRow, SourceRow, Store, digest
from crystalcli.text import FLOOR, LIMIT
from crystalcli.types import Chunk, DocumentState

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.recall import Searcher
    from crystalcli.vectors import QuestionEncoder

AFTER = 1  # atoms that are given behind one that is recalled: what came next is what a reader wants to know
_STEP = 8  # tokens from one length of short chunks to the next: they are filled up
_RANKED = 64  # atoms that are ranked: enough to fill some thousand tokens


class RecalledText(NamedTuple):
    """Neighbouring atoms of the past as one text. atom: the number of the first; score: of the best of them."""

    text: str
    atom: int
    score: float


class ChunkNodes(NamedTuple):
    """Layer 0 in tokens of the encoder, and the nodes of layers 1 to 3."""

    tokens: int
    units: int
    clusters: int
    atoms: int


class TextMemory:
    """A crystal at `path`, or in a temporary folder, that is written as text is read. What one at `path` holds already is earlier text.

    encoder: the folder of the program's own encoder, or None: BM25 alone then. code: whether the text is source code, which is cut
    at its lines and recalled by other weights. Raises UsageError for another encoder, or for a crystal that has one of its own, whose
    codebooks would have to be learnt first; and what opening a crystal raises. Nothing is left open then.
    """

    def __init__(self, encoder: Path | None, path: Path | None = None, *, code: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crystal-") if path is None else None
        place = Path(self._folder.name, "past.crystal") if self._folder is not None else path
        assert place is not None
        with ExitStack() as undo:  # whatever is raised here, nothing stays open
            if self._folder is not None:
                undo.callback(self._folder.cleanup)
            if place.exists():
                self._store = undo.enter_context(Store.open(place, writable=True))
                self._encoder = _shipped(open_encoder(self._store.meta(), place, encoder))
            else:
                made, meta = resolve_encoder(encoder, place.absolute().parent)
                self._encoder = _shipped(made)
                self._store = undo.enter_context(Store.create(place, meta))
            self._layers: LazyEncoder | None = None
            if encoder is not None:
                from crystalcli.vectors import default_codec

                self._layers = LazyEncoder(self._encoder, default_codec())
            self._writer: SegmentWriter | None = self._new_writer()
            self._sources = max((each.id for each in self._store.sources()), default=0)
            undo.pop_all()
        self._kind = "code" if code else "text"
        self._source: tuple[SourceRow, list[RunRow]] | None = None
        self._recall: Searcher | None = None
        self._follows: npt.NDArray[np.bool_] = np.zeros(0, bool)  # of each chunk, see onward
        self._asker: QuestionEncoder | None = None
        self.characters = 0  # of all text that was added

    @property
    def path(self) -> Path:
        """The file: a crystal, which others may open and read at any time."""
        return self._store.path

    @property
    def kept(self) -> int:
        """Bytes that recall keeps in memory and that grow with the text; see `crystalcli.recall.memory_use`."""
        from crystalcli.recall import growing_bytes

        return growing_bytes(self._searcher().shelf) if self._sources else 0

    @property
    def nodes(self) -> ChunkNodes:
        """How much of each layer there is."""
        segments = self._store.segments()
        return ChunkNodes(*(sum(getattr(segment, name) for segment in segments) for name in ChunkNodes._fields))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._store.file_size()

    def warm(self) -> None:
        """Load the encoder now, and let it encode a chunk of each length once, which takes as long as 26,000 tokens of text.

        torch keeps code and room for every shape that it has met, some 100 MB in all: the process grows here and not on the way.
        """
        if self._layers is not None:
            text = "the sea " * LIMIT
            ((ids, ends),) = self._encoder.tokenizer.tokenize([text])
            lengths = (*range(_STEP, FLOOR, _STEP), *range(FLOOR, LIMIT + 1))
            self._layers.codes([Chunk(text[: int(ends[last - 1])], ids[:last], ends[:last]) for last in lengths])

    def add(self, text: str) -> None:
        """Remember a stretch of text, which comes after all that was added before. White space alone is nothing to remember.

        It is remembered whole or, where this raises, not at all, and can be added again; `characters` says which: an interruption
        that comes while it is written is raised after that.
        """
        if not text.strip():
            self.characters += len(text)
            return
        number = self._sources + 1
        try:
            self._add(text, number)
        finally:
            if self._store.has_source(number):
                self._sources, self._recall = number, None
                self.characters += len(text)
            else:
                self._writer = None  # and what waits in it

    def _add(self, text: str, source: int) -> None:
        if self._writer is None:
            self._writer = self._new_writer()
        chunks = list(self._encoder.cut([text], self._kind == "code"))
        runs: list[RunRow] = []
        characters = lines = 0
        for chunk in chunks:
            number = self._writer.add(chunk)
            run = runs[-1] if runs else None
            if run is not None and run.first_chunk + run.chunks == number and run.chunks < RUN_SIZE:
                runs[-1] = run._replace(chunks=run.chunks + 1)
            else:
                runs.append(RunRow(source, len(runs), number, 1, characters, lines))
            characters += len(chunk.text)
            lines += chunk.text.count("\n")
        name, data = continuation_run(source), text.encode()
        tokens = sum(len(chunk.ids) for chunk in chunks)
        self._source = (
            SourceRow(
                source,
                name,
                name,
                "",
                kind=self._kind,
                state=DocumentState.DONE,
                size=len(data),
                digest=digest(data),
                characters=characters,
                tokens=tokens,
                chunks=len(chunks),
            ),
            runs,
        )
        self._writer.commit()

    def _new_writer(self) -> SegmentWriter:
        return SegmentWriter(self._store, self._layers, self._write_source)

    def _write_source(self) -> None:
        if self._source is not None:
            source, runs = self._source
            self._store.put_source(source)
            self._store.add_runs(runs)
            self._source = None

    def recall(self, query: str, count: int, *, after: int = AFTER) -> list[RecalledText]:
        """The `count` stretches of the past that are most like `query`, best first; no two share any text; none of an empty past.

        Each is an atom, about 100 tokens, with the `after` next ones of its text; those that touch are one, so that there may be fewer.
        """
        if not self._sources or not query.strip():
            return []
        recall = self._searcher()
        taken: dict[int, float] = {}
        found = 0
        for scored in recall.rank(recall.prepare(query), 3, max(_RANKED, 2 * count)):
            if scored.atom in taken:
                continue
            taken[scored.atom] = scored.score
            for atom in range(scored.atom, scored.atom + after):
                if not self._goes_on(atom):
                    break
                taken.setdefault(atom + 1, scored.score)
            found += 1
            if found == count:
                break
        return [
            RecalledText("".join(self._text(atom) for atom in group), group[0], max(taken[atom] for atom in group))
            for group in sorted(self._touching(sorted(taken)), key=lambda group: -max(taken[atom] for atom in group))
        ]

    def _goes_on(self, atom: int) -> bool:
        """Whether the next atom comes next in a text that is still there."""
        assert self._recall is not None
        shelf = self._recall.shelf
        if atom + 1 == shelf.atoms:
            return False
        chunk = shelf.chunk_of(atom)
        return shelf.chunk_of(atom + 1) == chunk or bool(self._follows[chunk])

    def _touching(self, atoms: Sequence[int]) -> list[list[int]]:
        """Atoms, rising, in groups that are one text each."""
        groups: list[list[int]] = []
        for atom in atoms:
            if groups and groups[-1][-1] + 1 == atom and self._goes_on(atom - 1):
                groups[-1].append(atom)
            else:
                groups.append([atom])
        return groups

    def _text(self, atom: int) -> str:
        assert self._recall is not None
        shelf = self._recall.shelf
        place = shelf.place(atom)
        last = atom + 1 == shelf.atoms or shelf.chunk_of(atom + 1) != place.chunk
        end = len(place.text) if last else place.end  # white space behind a chunk's last word is in no atom
        return place.text[place.start : end]

    def _searcher(self) -> Searcher:
        if self._recall is None:
            from crystalcli.index import IndexReader
            from crystalcli.recall import Searcher

            shelf = IndexReader(self._store)
            self._follows = continues_in_next(self._store, len(shelf.nesting.atoms) - 1)
            if self._encoder.folder is None or shelf.atom_codes is None:
                self._recall = Searcher(shelf, None, None)
            else:
                from crystalcli.vectors import default_codec

                self._recall = Searcher(shelf, self._question(), default_codec())
        return self._recall

    def _question(self) -> QuestionEncoder:
        if self._asker is None:
            from crystalcli.vectors import QuestionEncoder

            assert self._encoder.folder is not None
            self._asker = QuestionEncoder(self._encoder.folder, self._encoder.tokenizer)
        return self._asker

    def close(self) -> None:
        """Give the file back; one in a temporary folder goes."""
        self._store.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _shipped(encoder: Encoder) -> Encoder:
    """The same, where its codebooks ship with the program. Raises UsageError."""
    if encoder.mark is not None:
        raise UsageError(f"text is remembered as it is read by {ENCODER} alone, whose codebooks ship with the program")
    return encoder
