"""The reading half of an open crystal: recall, citations, contents.

Knows: snapshots of a commit, files that were replaced. Does not know: how a crystal is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cpu import one_blas_thread
from crystalcli.datatypes import Citation, Document, FilterReading, HalfLife, Passage, RecallFilter
from crystalcli.errors import NotFoundError
from crystalcli.index import LazyEncoder, codec_of, lacks_codebooks, open_encoder
from crystalcli.storage import Store

if TYPE_CHECKING:
    from datetime import date

    from crystalcli.datatypes import Tokenizer
    from crystalcli.index import ChunkView, IndexReader, StatsReport
    from crystalcli.recall.filter_mask import FilterMask
    from crystalcli.recall.query import Results
    from crystalcli.recall.searcher import Searcher
    from crystalcli.storage import SourceRow
    from crystalcli.vectors import Codec, CrossEncoder

ME_KEY = "me"  # in the table `meta`: the name of the crystal's owner


class CrystalReader:
    """The reading half of an open crystal.

    Args:
        store: The open file. The reader closes it, also when the constructor raises.
        encoder: The folder with the encoder's weights; None: BM25 alone ranks.
        find_reranker: Finds the folder with the reranker's weights, and gives None where they are
            not here; called when a question is to be reranked. None: passages keep their order.

    Raises:
        EncoderMismatchError: The crystal's vectors were made by another encoder.
    """

    def __init__(
        self, store: Store, encoder: Path | None, find_reranker: Callable[[], Path | None] | None = None
    ) -> None:
        self._store = store
        self._find_reranker = find_reranker
        self._index: IndexReader | None = None
        self._searcher: Searcher | None = None
        self._version = -1
        self._reranker: CrossEncoder | None = None
        self._opening_reranker = threading.Lock()
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

    # --- the file as of one commit ----------------------------------------------------------------

    def snapshot(self) -> AbstractContextManager[None]:
        """Open a context that reads as of one commit while other programs write."""
        self._follow()
        return self._store.snapshot()

    @property
    def shelf(self) -> IndexReader:
        """The resident index of the last commit."""
        from crystalcli.index import IndexReader

        with self.snapshot():
            version = self._store.version()
            if self._index is None or version != self._version:
                self._index, self._searcher, self._version = IndexReader(self._store), None, version
            return self._index

    def _follow(self) -> None:
        """Open the file again if another program has replaced it, as `compact` does."""
        if not self._store.writable and not self._store.reading and self._store.replaced():
            self._store = self._store.reopened()
            self._drop_index()

    def _drop_index(self) -> None:
        """Drop the resident index; it is read again at the next use."""
        self._index = self._searcher = None

    # --- the encoder ------------------------------------------------------------------------------

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the crystal's encoder."""
        return self._encoder.tokenizer

    @property
    def lexical_only(self) -> bool:
        """True if BM25 alone ranks: without weights here, or without vectors in the crystal."""
        return self._encoder.folder is None or self.shelf.atom_codes is None

    @property
    def has_weights(self) -> bool:
        """True if the encoder's weights are here."""
        return self._encoder.folder is not None

    @property
    def layer_share(self) -> float:
        """The share of the crystal's tokens that have layers, 0 to 1."""
        with self.snapshot():
            return self._store.layer_share()

    @property
    def own_encoder(self) -> bool:
        """True if the crystal was made with an encoder that the user named."""
        return self._encoder.mark is not None

    @property
    def encoder_missing(self) -> str | None:
        """The message for a missing encoder that the user named; None if it is here."""
        return self._encoder.missing if self._encoder.folder is None and self.own_encoder else None

    @property
    def lacks_codebooks(self) -> bool:
        """True while the codebooks of an encoder that the user named are still to be learnt."""
        return lacks_codebooks(self._store, self._encoder)

    def codec(self) -> Codec | None:
        """Read the codec of the vectors; None while the codebooks are still to be learnt."""
        return codec_of(self._store, self._encoder)

    # --- recall -----------------------------------------------------------------------------------

    def searcher(self) -> Searcher:
        """Open the searcher over the crystal as of its last commit."""
        from crystalcli.recall.searcher import Searcher
        from crystalcli.vectors import QuestionEncoder

        with self.snapshot():
            index, encoder = self.shelf, self._encoder
            if self._searcher is None:
                if encoder.folder is None or index.atom_codes is None:
                    self._searcher = Searcher(index, None, None, reranker=self.reranker)
                else:
                    question_encoder, codec = QuestionEncoder(encoder.folder, encoder.tokenizer), self.codec()
                    layers, own = LazyEncoder(encoder, codec).layers, self.own_encoder
                    self._searcher = Searcher(index, question_encoder, codec, layers, self.reranker, rescale=own)
            return self._searcher

    def reranker(self) -> CrossEncoder | None:
        """Open the reranker, once; None where its weights are not here."""
        from crystalcli.vectors import CrossEncoder

        with self._opening_reranker:
            if self._reranker is None and self._find_reranker is not None:
                folder = self._find_reranker()
                self._reranker = CrossEncoder(folder) if folder is not None else None
            return self._reranker

    def preload_reranker(self) -> None:
        """Begin to open the reranker in a thread, so that the first question waits less for it.

        It takes a fifth of a second, most of it outside of Python. An error comes again with that
        question.
        """

        def load() -> None:
            with suppress(Exception):
                self.reranker()

        # No daemon: a thread inside of onnxruntime must not outlive the interpreter.
        threading.Thread(target=load, name="loading").start()

    def recall(
        self,
        question: str,
        k: int = 5,
        *,
        depth: int = 3,
        reencode: int = 0,
        half_life: HalfLife = "auto",
        now: float | None = None,
        rerank: bool = True,
        where: RecallFilter | FilterReading | None = None,
    ) -> Results:
        """Find the passages that answer a question best.

        Args:
            question: The question, in words.
            k: How many passages, at most.
            depth: Deepest layer to use: 1 atoms, 2 clusters, 3 units.
            reencode: How many of the best candidates to encode again from their text, and to order
                by exact vectors. Needs torch, and about a second for 32 of them on two cores.
            half_life: Half-life in days by which dated messages lose score; "auto": 365 days,
                counted from the newest message that could answer; "off": messages keep their
                scores. Other text keeps its score (docs/INFINITE_MEMORY.md).
            now: The time from which ages count, in seconds since 1970; None: the system's clock for
                a half-life in days.
            rerank: Whether the reranker reads the best passages; without its weights they keep
                their order.
            where: The documents, times and people to answer from; None: all. It is applied before
                candidates are chosen. A `FilterReading` says too whether the newest is asked for.

        Returns:
            The passages, best first, and the prepared question.

        Raises:
            UsageError: The question is empty, or an option is out of range.
            NotFoundError: The filter names a document, kind, author or tag that is nowhere.
            DamagedCrystalError: The crystal is damaged.
        """
        from crystalcli.recall.recency import recency_of

        reading = where if isinstance(where, FilterReading) else None
        recall_filter = where if isinstance(where, RecallFilter) else reading and reading.recall_filter
        recency = recency_of(half_life, now, newest=reading is not None and reading.newest)
        with self.snapshot(), one_blas_thread():
            mask = self.filter_mask(recall_filter or RecallFilter())
            question = question if reading is None else reading.searched_for(question)
            me = reading.me if reading is not None else ""
            results = self.searcher().recall(question, k, depth, reencode, recency, rerank, mask, me)
            return results if reading is None else replace(results, reading=reading)

    def filter_mask(self, recall_filter: RecallFilter) -> FilterMask | None:
        """Make the mask of a filter; None where it lets everything through.

        Conversations of `crystal chat` are left out unless the filter may mean them.

        Raises:
            NotFoundError: It lets nothing through, or names what is nowhere in the crystal.
            UsageError: Its first day is after its last, a name is empty, or a glob is invalid.
        """
        from crystalcli.recall.filter_mask import has_gone, has_told_conversations, make_filter_mask

        with self.snapshot():
            hides = not recall_filter.asks_conversations and has_told_conversations(self.shelf)
            if not recall_filter.selects and not hides and not (recall_filter.present and has_gone(self.shelf)):
                return None
            mask = make_filter_mask(self.shelf, recall_filter)
            if recall_filter.selects and not mask.atoms.any():
                raise NotFoundError(
                    f"nothing in this crystal is {recall_filter}".replace("is messages", "is of messages")
                )
            return mask

    @property
    def me(self) -> str:
        """The name of the crystal's owner, who says "I" and "my" in questions; "" if not known."""
        with self.snapshot():
            return self._store.meta().get(ME_KEY, "")

    def tags(self) -> list[str]:
        """List the tags of the Markdown documents and memories, in order."""
        from crystalcli.recall.filter_mask import all_tags

        with self.snapshot():
            return all_tags(self.shelf)

    def has_memories(self) -> bool:
        """Tell whether the crystal holds memories that can be recalled."""
        with self.snapshot():
            return bool(self._store.memories(limit=1))

    def has_statements(self) -> bool:
        """Tell whether memories or documents state what has one value at a time.

        Without any, the rules of statements need not be loaded, which takes long.
        """
        with self.snapshot():
            return bool(self._store.memories(limit=1)) or self._store.has_statements()

    def memory_authors(self) -> frozenset[str]:
        """Name those who told memories; "" stands for the person without a name."""
        with self.snapshot():
            return self._store.memory_authors()

    def has_gone_files(self) -> bool:
        """Tell whether the files of some documents were gone at the last ingest."""
        from crystalcli.recall.filter_mask import has_gone

        with self.snapshot():
            return has_gone(self.shelf)

    def day_at(self, path: str, position: int) -> date | None:
        """Find the date at a character of a document: of its message, section or name.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        from crystalcli.recall.content_dates import day_at

        with self.snapshot():
            return day_at(self.shelf, self._source_named(path), position)

    def newest_day(self, *, by_content: bool = False) -> date | None:
        """Find the newest date in the crystal: of messages, sections and names, else of files.

        Args:
            by_content: Whether times of files are left out.
        """
        from crystalcli.recall.content_dates import newest_day

        with self.snapshot():
            return newest_day(self.shelf, by_content=by_content)

    def document_days(self, names: Sequence[str]) -> dict[str, date]:
        """Find the newest date of documents: of their messages, sections or name, else of the file.

        Args:
            names: The documents, as they are cited; those that the crystal does not hold are left
                out.
        """
        from crystalcli.recall.content_dates import newest_days

        with self.snapshot():
            wanted = frozenset(names)
            return newest_days(self.shelf, [source for source in self._store.sources() if source.path in wanted])

    def authors(self) -> dict[str, int]:
        """Count the messages of each author."""
        from crystalcli.recall.filter_mask import authors_of

        with self.snapshot():
            return authors_of(self.shelf)

    def idf(self, text: str) -> dict[str, float]:
        """Compute the inverse document frequency of each term of a text."""
        with self.snapshot():
            return self.searcher().terms.idf(text)

    # --- texts and places -------------------------------------------------------------------------

    def quote(self, path: str, start: int, end: int) -> str:
        """Read the characters `[start, end)` of a document back from the file.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        with self.snapshot():
            return self.shelf.span_text(self._source_named(path), start, end)

    def cite(self, path: str, start: int, end: int) -> Citation:
        """Cite the characters `[start, end)` of a document, with 0 for the citation's number.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        from crystalcli.recall.citation import cite_span

        with self.snapshot():
            return cite_span(self.shelf, self._source_named(path), start, end)

    def find_file(self, path: str) -> Path | None:
        """Find the file that a document was read from.

        Args:
            path: The name of the document.

        Returns:
            Its absolute path; None where no file is there now.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        from crystalcli.index import find_file

        with self.snapshot():
            file = find_file(self._store, self._source_named(path))
        return Path(file) if file is not None else None

    def with_place(self, passage: Passage) -> Passage:
        """Give a part of a passage the place of its own span.

        Raises:
            NotFoundError: The crystal does not hold the document.
        """
        return replace(passage, place=self.cite(passage.path, passage.start, passage.end).place)

    def _source_named(self, path: str) -> SourceRow:
        source = self._store.source_named(path)
        if source is None:
            raise NotFoundError(f"no document {path} in this crystal")
        return self.shelf.vouch(source)

    def verified(self, citation: Citation) -> bool:
        """Compare a quotation with the document's text at its place."""
        return self.quote(citation.path, citation.start, citation.end) == citation.quote

    # --- contents ---------------------------------------------------------------------------------

    def documents(self, name: str | None = None, *, as_of: date | None = None) -> list[Document]:
        """List the documents of the ledger, read or not.

        Args:
            name: A document, a folder, a path or a glob; None: all documents.
            as_of: Only documents with text of that day or earlier, by the dates in them, else by
                the time of the file; None: all.

        Raises:
            NotFoundError: It means no document.
            UsageError: It is empty, or an invalid glob.
        """
        from crystalcli.index import describe_document
        from crystalcli.recall.filter_mask import documents_named, make_filter_mask

        with self.snapshot():
            sources = self._store.sources()
            if name is not None:
                sources = documents_named(self.shelf, sources, name)
            if as_of is not None:
                mask = make_filter_mask(self.shelf, RecallFilter(as_of=as_of, kinds=tuple(self._store.kinds())))
                sources = [source for source in sources if mask.allows(source.id)]
            return [describe_document(self._store, source) for source in sources]

    def find_document(self, name: str) -> Document:
        """Find the one document that a name, the end of a path, a path or a glob means.

        Raises:
            NotFoundError: It means no document, or several, or one without text.
            UsageError: It is empty, or an invalid glob.
        """
        from crystalcli.index import describe_document
        from crystalcli.recall.filter_mask import documents_named

        with self.snapshot():
            exact = self._store.source_named(name)
            matches = [exact] if exact is not None else documents_named(self.shelf, self._store.sources(), name)
            matches = [source for source in matches if source.chunks] or matches
            if len(matches) > 1:
                some = ", ".join(source.path for source in matches[:3])
                raise NotFoundError(f"{len(matches)} documents match {name}: give one of them, for example {some}")
            document = describe_document(self._store, self.shelf.vouch(matches[0]))
        if not document.chunks:
            reason = f": {document.reason}" if document.reason else ""
            raise NotFoundError(f"{document.path} has no text in this crystal{reason}")
        return document

    def stats(self) -> StatsReport:
        """Count documents, tokens, nodes of each layer, and bytes."""
        from crystalcli.index import crystal_stats

        with self.snapshot():
            return crystal_stats(self._store)

    def zoom(self, name: str, *, as_of: date | None = None) -> tuple[Document, Iterator[ChunkView]]:
        """Read a document layer by layer.

        Args:
            name: The document.
            as_of: The day after which nothing counts; None: all of it.

        Returns:
            The document, and its chunks, each with its atoms, clusters and units.

        Raises:
            NotFoundError: The crystal does not hold the document, or all of it is later.
        """
        from crystalcli.index import describe_document, find_document, walk_layers
        from crystalcli.recall.filter_mask import make_filter_mask

        with self.snapshot():
            source = self.shelf.vouch(find_document(self._store, name))
            chunks = walk_layers(self.shelf, source)
            if as_of is not None:
                mask = make_filter_mask(self.shelf, RecallFilter(as_of=as_of, within=(source.path,)))
                if not mask.allows(source.id):
                    raise NotFoundError(f"nothing in {source.path} is dated {as_of} or earlier")
                chunks = (chunk for chunk in chunks if mask.clip(source.id, chunk.start, chunk.end))
            return describe_document(self._store, source), chunks
