"""An open crystal, read: recalled from, cited, looked into. All that answers need of one.

Knows: the snapshot of a commit, and a file that another has replaced. Does not know: how a crystal is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import NotFoundError
from crystalcli.index import LazyEncoder, codec_of, lacks_codebooks, open_encoder
from crystalcli.storage import Store
from crystalcli.types import Citation, Document, HalfLife, Passage

if TYPE_CHECKING:
    from crystalcli.index import ChunkView, IndexReader, StatsReport
    from crystalcli.recall.query import Results
    from crystalcli.recall.searcher import Searcher
    from crystalcli.storage import SourceRow
    from crystalcli.vectors import Codec


class CrystalReader:
    """The reading half of an open crystal.

    Args:
        store: The open file, which is closed when this raises.
        encoder: The folder with the encoder's weights; None: recall goes by BM25 alone.

    Raises:
        EncoderMismatchError: The crystal's vectors were made by another encoder.
    """

    def __init__(self, store: Store, encoder: Path | None) -> None:
        self._store = store
        self._shelf: IndexReader | None = None
        self._searcher: Searcher | None = None
        self._version = -1
        try:
            self._encoder = open_encoder(store.meta(), store.path, encoder)
        except BaseException:
            store.close()
            raise

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._store.path

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # --- the file as of one commit ----------------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[None]:
        """Read everything inside the block as of one commit, while another program writes."""
        self._follow()
        return self._store.snapshot()

    @property
    def shelf(self) -> IndexReader:
        """The resident index of the last commit."""
        from crystalcli.index import IndexReader

        with self.snapshot():
            version = self._store.version()
            if self._shelf is None or version != self._version:
                self._shelf, self._searcher, self._version = IndexReader(self._store), None, version
            return self._shelf

    def _follow(self) -> None:
        """Open the file anew where another program has replaced it, as `compact` does."""
        if not self._store.writable and not self._store.reading and self._store.replaced():
            self._store = Store.open(self.path)
            self._drop_index()

    def _drop_index(self) -> None:
        """Forget the resident index, which is made again when it is next needed."""
        self._shelf = self._searcher = None

    # --- the encoder ------------------------------------------------------------------------------------

    @property
    def lexical_only(self) -> bool:
        """Whether recall goes by BM25 alone: no weights here, or none when the crystal was made."""
        return self._encoder.folder is None or self.shelf.atom_codes is None

    @property
    def own_encoder(self) -> bool:
        """Whether the crystal was made with an encoder that the user named."""
        return self._encoder.mark is not None

    @property
    def encoder_missing(self) -> str | None:
        """The message for an own encoder that is not here; None where nothing is missing."""
        return self._encoder.missing if self._encoder.folder is None and self.own_encoder else None

    @property
    def lacks_codebooks(self) -> bool:
        """Whether the codebooks of its own encoder are still to be learnt."""
        return lacks_codebooks(self._store, self._encoder)

    def codec(self) -> Codec | None:
        """The codec of its vectors; None while its codebooks are still to be learnt."""
        return codec_of(self._store, self._encoder)

    # --- recall -----------------------------------------------------------------------------------------

    def searcher(self) -> Searcher:
        """The searcher over the crystal as of its last commit."""
        from crystalcli.recall.searcher import Searcher
        from crystalcli.vectors import QuestionEncoder

        with self.snapshot():
            shelf, encoder = self.shelf, self._encoder
            if self._searcher is None:
                if encoder.folder is None or shelf.atom_codes is None:
                    self._searcher = Searcher(shelf, None, None)
                else:
                    question, codec = QuestionEncoder(encoder.folder, encoder.tokenizer), self.codec()
                    self._searcher = Searcher(shelf, question, codec, LazyEncoder(encoder, codec).layers)
            return self._searcher

    def recall(
        self,
        question: str,
        k: int = 5,
        *,
        depth: int = 3,
        reencode: int = 0,
        half_life: HalfLife = "auto",
        now: float | None = None,
    ) -> Results:
        """Find the passages that answer a question best.

        Args:
            question: The question, in words.
            k: How many passages, at most.
            depth: Layers to use: 1 atoms, 2 and clusters, 3 and units.
            reencode: How many of the best candidates to encode again from their text, so that exact vectors put them in
                order. That needs torch, and about a second for 32 of them on two cores.
            half_life: The days after which half is left of a dated message, by which it loses in score; "auto": a year,
                counted from the newest message that could answer; "off": no message loses. Only dated messages lose
                (docs/INFINITE_MEMORY.md).
            now: The time from which ages count, in seconds since 1970; None: the system's where days are given.

        Returns:
            The passages, best first, and the prepared question.

        Raises:
            UsageError: The question is empty, or an option is out of range.
        """
        from crystalcli.recall.recency import recency_of

        recency = recency_of(half_life, now)
        with self.snapshot():
            return self.searcher().recall(question, k, depth, reencode, recency)

    def idf(self, text: str) -> dict[str, float]:
        """Compute the inverse document frequency of each term of a text."""
        with self.snapshot():
            return self.searcher().terms.idf(text)

    # --- texts and places -------------------------------------------------------------------------------

    def quote(self, path: str, start: int, end: int) -> str:
        """Read a document's characters `[start, end)` back from the file. Raises NotFoundError."""
        with self.snapshot():
            return self.shelf.span_text(self._named(path), start, end)

    def cite(self, path: str, start: int, end: int) -> Citation:
        """Read a document's characters `[start, end)` back as a citation whose number is 0. Raises NotFoundError."""
        from crystalcli.recall.citation import cite_span

        with self.snapshot():
            return cite_span(self.shelf, self._named(path), start, end)

    def with_place(self, passage: Passage) -> Passage:
        """Give a passage, or a part of one, the place of just its own span. Raises NotFoundError."""
        return replace(passage, place=self.cite(passage.path, passage.start, passage.end).place)

    def _named(self, path: str) -> SourceRow:
        source = self._store.source_named(path)
        if source is None:
            raise NotFoundError(f"no document {path} in this crystal")
        return self.shelf.vouch(source)

    def verified(self, citation: Citation) -> bool:
        """Whether the quotation is the document's text at its place."""
        return self.quote(citation.path, citation.start, citation.end) == citation.quote

    # --- contents ---------------------------------------------------------------------------------------

    def documents(self) -> list[Document]:
        """List every source of the ledger, read or not."""
        from crystalcli.index import describe_document

        with self.snapshot():
            return [describe_document(self._store, source) for source in self._store.sources()]

    def stats(self) -> StatsReport:
        """Count documents, tokens, nodes of each layer, and bytes."""
        from crystalcli.index import crystal_stats

        with self.snapshot():
            return crystal_stats(self._store)

    def zoom(self, name: str) -> tuple[Document, Iterator[ChunkView]]:
        """Give a document and its chunks, each down to its units. Raises NotFoundError."""
        from crystalcli.index import describe_document, find_document, walk_layers

        with self.snapshot():
            source = self.shelf.vouch(find_document(self._store, name))
            return describe_document(self._store, source), walk_layers(self.shelf, source)
