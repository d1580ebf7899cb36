"""A text memory: a crystal that grows as text is read, and is searched for similar passages.

The reader adds text once it has left its window. So passages, and every statistic that they are
chosen by (how rare a word is, how long atoms are), come from earlier text alone: later text is not
stored yet.

Knows: chunks, segments, recall, the order in which texts were read.
Does not know: language models, windows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from crystalcli.datatypes import Chunk, DocumentState
from crystalcli.errors import UsageError
from crystalcli.index import ENCODER, Encoder, LazyEncoder, RunBuilder, SegmentWriter, open_encoder, resolve_encoder
from crystalcli.storage import RunRow, SourceRow, Store, digest, runs_in_order
from crystalcli.text import MAX_CHUNK_TOKENS, MIN_CHUNK_TOKENS

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.recall import Searcher
    from crystalcli.vectors import QuestionEncoder

AFTER = 1  # atoms that follow a recalled one and come with it: a reader wants to know what came next
# Each text that is added is a document, named by this and its number; it continues in the next one.
_NAME_PREFIX = "read/"
_WARM_UP_STEP = 8  # tokens from one length of short chunks to the next: chunks are padded to it
_RANKED = 64  # atoms that are ranked at least: enough to fill some thousand tokens


class RecalledText(NamedTuple):
    """Consecutive atoms of the memory as one text.

    Attributes:
        text: of all of them.
        atom: the number of the first.
        score: of the best.
    """

    text: str
    atom: int
    score: float


class ChunkNodes(NamedTuple):
    """The size of each layer.

    Attributes:
        tokens: layer 0, in tokens of the encoder.
        units: nodes of layer 1.
        clusters: nodes of layer 2.
        atoms: nodes of layer 3.
    """

    tokens: int
    units: int
    clusters: int
    atoms: int


class TextMemory:
    """A crystal that is written as text is read.

    Attributes:
        characters: the length of all text that was added.
    """

    def __init__(self, encoder: Path | None, path: Path | None = None, *, code: bool = False) -> None:
        """Open or create the crystal; where this raises, nothing stays open.

        Args:
            encoder: the folder of the program's own encoder; None for BM25 alone.
            path: the crystal, whose text counts as earlier text; None for one in a temporary
                folder, until `close`.
            code: whether the text is source code, which is cut at its lines and ranked by other
                weights.

        Raises:
            UsageError: another encoder, or a crystal with an encoder of its own, whose codebooks
                would have to be learnt first.
            CrystalError: the crystal cannot be opened or created.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="crystal-") if path is None else None
        crystal = Path(self._folder.name, "past.crystal") if self._folder is not None else path
        assert crystal is not None
        with ExitStack() as undo:  # an error below closes all that was opened
            if self._folder is not None:
                undo.callback(self._folder.cleanup)
            if crystal.exists():
                self._store = undo.enter_context(Store.open(crystal, writable=True))
                self._encoder = _require_shipped(open_encoder(self._store.meta(), crystal, encoder))
            else:
                resolved, meta = resolve_encoder(encoder, crystal.absolute().parent)
                self._encoder = _require_shipped(resolved)
                self._store = undo.enter_context(Store.create(crystal, meta))
            self._chunk_encoder: LazyEncoder | None = None
            if encoder is not None:
                from crystalcli.vectors import default_codec

                self._chunk_encoder = LazyEncoder(self._encoder, default_codec())
            self._writer: SegmentWriter | None = self._new_writer()
            self._sources = max((source.id for source in self._store.sources()), default=0)
            undo.pop_all()
        self._kind = "code" if code else "text"
        self._source: tuple[SourceRow, list[RunRow]] | None = None
        self._searcher: Searcher | None = None
        # Of each chunk, whether it continues in the next.
        self._continues: npt.NDArray[np.bool_] = np.zeros(0, bool)
        self._question_encoder: QuestionEncoder | None = None
        self.characters = 0

    @property
    def path(self) -> Path:
        """The crystal's file; other processes may open and read it at any time."""
        return self._store.path

    @property
    def kept(self) -> int:
        """Bytes of recall in memory that grow with the text; see `crystalcli.recall.memory_use`."""
        from crystalcli.recall import growing_bytes

        return growing_bytes(self._open_searcher().shelf) if self._sources else 0

    @property
    def nodes(self) -> ChunkNodes:
        """The size of each layer."""
        segments = self._store.segments()
        return ChunkNodes(*(sum(getattr(segment, name) for segment in segments) for name in ChunkNodes._fields))

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self._store.file_size()

    def warm(self) -> None:
        """Load the encoder now, and encode a chunk of each length once.

        This takes as long as 26,000 tokens of text. torch keeps code and buffers for every shape
        that it has met, some 100 MB in all: the process grows by them here, and not while text is
        read.
        """
        if self._chunk_encoder is not None:
            text = "the sea " * MAX_CHUNK_TOKENS
            ((ids, ends),) = self._encoder.tokenizer.tokenize([text])
            lengths = (
                *range(_WARM_UP_STEP, MIN_CHUNK_TOKENS, _WARM_UP_STEP),
                *range(MIN_CHUNK_TOKENS, MAX_CHUNK_TOKENS + 1),
            )
            self._chunk_encoder.codes([Chunk(text[: int(ends[last - 1])], ids[:last], ends[:last]) for last in lengths])

    def add(self, text: str) -> None:
        """Remember text that follows all text added before; white space alone is skipped.

        The text is remembered whole or, where this raises, not at all, and can then be added again.
        `characters` tells which: an interruption during the write is raised after the write.
        """
        if not text.strip():
            self.characters += len(text)
            return
        number = self._sources + 1
        try:
            self._add(text, number)
        finally:
            if self._store.has_source(number):
                self._sources, self._searcher = number, None
                self.characters += len(text)
            else:
                self._writer = None  # with the chunks that it had collected

    def _add(self, text: str, source: int) -> None:
        """Write text as a document of this number."""
        if self._writer is None:
            self._writer = self._new_writer()
        chunks = list(self._encoder.cut([text], self._kind == "code"))
        runs = RunBuilder(source)
        for chunk in chunks:
            runs.add(self._writer.add(chunk), len(chunk.text), chunk.text.count("\n"))
        name, data = _document_name(source), text.encode()
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
                characters=runs.characters,
                tokens=tokens,
                chunks=len(chunks),
            ),
            runs.take(),
        )
        self._writer.commit()

    def _new_writer(self) -> SegmentWriter:
        return SegmentWriter(self._store, self._chunk_encoder, self._write_source)

    def _write_source(self) -> None:
        if self._source is not None:
            source, runs = self._source
            self._store.put_source(source)
            self._store.add_runs(runs)
            self._source = None

    def recall(self, query: str, count: int, *, after: int = AFTER) -> list[RecalledText]:
        """Recall the passages most like a query, best first; no two share any text.

        A passage is an atom, about 100 tokens, with the next atoms of its text. Passages that touch
        are joined, so there may be fewer.

        Args:
            query: text; an empty one recalls nothing.
            count: the most passages.
            after: the atoms that come with each.
        """
        if not self._sources or not query.strip():
            return []
        searcher = self._open_searcher()
        scores: dict[int, float] = {}
        passages = 0
        for scored in searcher.rank(searcher.prepare(query), 3, max(_RANKED, 2 * count)):
            if scored.atom in scores:
                continue
            scores[scored.atom] = scored.score
            for atom in range(scored.atom, scored.atom + after):
                if not self._continues_in_next(atom):
                    break
                scores.setdefault(atom + 1, scored.score)
            passages += 1
            if passages == count:
                break
        return [
            RecalledText("".join(self._text(atom) for atom in group), group[0], max(scores[atom] for atom in group))
            for group in sorted(self._join(sorted(scores)), key=lambda group: -max(scores[atom] for atom in group))
        ]

    def _continues_in_next(self, atom: int) -> bool:
        """Return whether an atom continues in the next one, in a document that still exists."""
        assert self._searcher is not None
        shelf = self._searcher.shelf
        if atom + 1 == shelf.atoms:
            return False
        chunk = shelf.chunk_of(atom)
        return shelf.chunk_of(atom + 1) == chunk or bool(self._continues[chunk])

    def _join(self, atoms: Sequence[int]) -> list[list[int]]:
        """Group ascending atoms into runs of one text each."""
        groups: list[list[int]] = []
        for atom in atoms:
            if groups and groups[-1][-1] + 1 == atom and self._continues_in_next(atom - 1):
                groups[-1].append(atom)
            else:
                groups.append([atom])
        return groups

    def _text(self, atom: int) -> str:
        """Return an atom's text; the last of a chunk comes with the white space at the chunk's end.

        That white space is in no atom.
        """
        assert self._searcher is not None
        shelf = self._searcher.shelf
        place = shelf.place(atom)
        last = atom + 1 == shelf.atoms or shelf.chunk_of(atom + 1) != place.chunk
        end = len(place.text) if last else place.end
        return place.text[place.start : end]

    def _open_searcher(self) -> Searcher:
        """Return the searcher over the crystal as it is now."""
        if self._searcher is None:
            from crystalcli.index import IndexReader
            from crystalcli.recall import Searcher

            shelf = IndexReader(self._store)
            self._continues = continues_in_next(self._store, len(shelf.nesting.atoms) - 1)
            if self._encoder.folder is None or shelf.atom_codes is None:
                self._searcher = Searcher(shelf, None, None)
            else:
                from crystalcli.vectors import default_codec

                self._searcher = Searcher(shelf, self._load_question_encoder(), default_codec())
        return self._searcher

    def _load_question_encoder(self) -> QuestionEncoder:
        if self._question_encoder is None:
            from crystalcli.vectors import QuestionEncoder

            assert self._encoder.folder is not None
            self._question_encoder = QuestionEncoder(self._encoder.folder, self._encoder.tokenizer)
        return self._question_encoder

    def close(self) -> None:
        """Close the file, and delete it if it is in a temporary folder."""
        self._store.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def continues_in_next(store: Store, chunks: int) -> npt.NDArray[np.bool_]:
    """Find the chunks that continue in the next stored chunk.

    Neighbours in the file need not be neighbours in a document. A chunk continues where some
    document has both in order, or where one added text ends and the next begins.

    Args:
        store: the crystal.
        chunks: the number of its chunks.

    Returns:
        bool [chunks].
    """
    continues = np.zeros(chunks, bool)
    last_path, last_end = "", -1  # of the run before
    for path, ordinal, first, count in runs_in_order(store):
        end = min(first + count, chunks)
        continues[first : max(first, end - 1)] = True
        if first == last_end and 0 < first < chunks and (ordinal or _next_document(last_path) == path):
            continues[first - 1] = True
        last_path, last_end = path, end
    return continues


def _document_name(number: int) -> str:
    """Return the name of the document of an added text."""
    return f"{_NAME_PREFIX}{number:08}"


def _next_document(path: str) -> str | None:
    """Return the name of the added text after one, or None for any other document."""
    number = path.removeprefix(_NAME_PREFIX)
    return _document_name(int(number) + 1) if number.isdecimal() and path == _document_name(int(number)) else None


def _require_shipped(encoder: Encoder) -> Encoder:
    """Return the encoder, if its codebooks ship with the program; raises UsageError otherwise."""
    if encoder.mark is not None:
        raise UsageError(f"a text memory needs codebooks that ship with the program: expected {ENCODER}, or no encoder")
    return encoder
