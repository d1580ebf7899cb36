"""The index: what the numbers in a crystal mean.

The question it answers: which text, vectors and places belong to which chunk?

atom_spans.py         Characters of the atoms of a chunk, a run or a document.
byte_cache.py         What was read last, up to so many bytes: one bound for everything, so that a
                      crystal's size does not show in memory.
chunk_context.py      What a chunk stands in: the name of its document, the headings above it, the
                      definition around it.
chunk_reader.py       Chunks of a crystal one by one, as stored: text, hash, context, units, codes.
codebook_training.py  Codebooks for an encoder that the program does not know, learnt from text:
                      from files, or from what a crystal holds.
document_chunks.py    The chunks of one document as the index stores them, each with its context.
encoder.py            Which encoder a crystal goes by: the program's own, or one in a folder that
                      the user named; and whether that is it.
fidelity.py           How much of a crystal's vectors its codes keep: a mean cosine for each layer,
                      over every node that was ever encoded into it.
fill.py               Makes what a crystal lacks: layers of segments that were stored without
                      weights, and the codebooks of an own encoder.
index_reader.py       A crystal as recall sees it: which segment, chunk, document and place an atom
                      belongs to, and the codes below it.
layer_encoder.py      Chunks to the codes of layers 1 to 3: encoder, pyramid and codec in a row. The
                      one place where ingesting needs torch.
place.py              Where a span of a document stands, in the words of its kind: pages, lines,
                      sheet and row, cell, message, definition.
run_builder.py        Runs of a document, built while its chunks are numbered.
segment_reader.py     Segments by themselves: the spans and the tree of one, the numbering of all.
segment_writer.py     Collects chunks into segments and commits them: text, spans, layers and
                      lexical index in one transaction.
stats.py              What a crystal holds, counted: its layers, its text, its documents, and the
                      way down through one document.
term_index.py         The lexical index of an open crystal: a term's postings and its inverse
                      document frequency.
train_codebooks.py    Learns the codebooks of an encoder from any files of text, and says how well
                      they decode:
tree.py               Who is whose parent: for every chunk of a crystal its first atom, cluster and
                      unit, and with that every node's children.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.index.atom_spans import (
        atom_starts,
        atoms_of_documents,
        document_atoms,
        run_atom_spans,
    )
    from crystalcli.index.chunk_context import (
        CONTEXT_MARK,
        ContextTracker,
        chunk_identity,
    )
    from crystalcli.index.chunk_reader import (
        ChunkReader,
        StoredChunk,
    )
    from crystalcli.index.document_chunks import (
        chunks_of,
    )
    from crystalcli.index.encoder import (
        DEFAULT_META,
        ENCODER,
        Encoder,
        find_encoder,
        open_encoder,
        resolve_encoder,
    )
    from crystalcli.index.fidelity import (
        add_fidelity,
        fidelity_sums,
    )
    from crystalcli.index.fill import (
        codec_of,
        fill_layers,
        lacks_codebooks,
        learn_codebooks,
        make_lazy_encoder,
        make_missing_layers,
    )
    from crystalcli.index.index_reader import (
        AtomLocation,
        IndexReader,
    )
    from crystalcli.index.layer_encoder import (
        CachedEncoder,
        ChunkEncoder,
        LayerCodes,
        LazyEncoder,
    )
    from crystalcli.index.place import (
        locate_span,
    )
    from crystalcli.index.run_builder import (
        RunBuilder,
    )
    from crystalcli.index.segment_reader import (
        SegmentReader,
        check_numbering,
        open_segment,
    )
    from crystalcli.index.segment_writer import (
        SEGMENT_BYTES,
        SegmentWriter,
        build_draft,
        chunk_spans_of,
        count_terms,
        merge_tail,
        write_segment,
    )
    from crystalcli.index.stats import (
        ChunkView,
        LayerStats,
        NodeView,
        StatsReport,
        crystal_stats,
        describe_document,
        find_document,
        walk_layers,
    )
    from crystalcli.index.term_index import (
        TermIndex,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "atom_spans": (
                "atom_starts",
                "atoms_of_documents",
                "document_atoms",
                "run_atom_spans",
            ),
            "chunk_context": (
                "CONTEXT_MARK",
                "ContextTracker",
                "chunk_identity",
            ),
            "chunk_reader": (
                "ChunkReader",
                "StoredChunk",
            ),
            "document_chunks": ("chunks_of",),
            "encoder": (
                "DEFAULT_META",
                "ENCODER",
                "Encoder",
                "find_encoder",
                "open_encoder",
                "resolve_encoder",
            ),
            "fidelity": (
                "add_fidelity",
                "fidelity_sums",
            ),
            "fill": (
                "codec_of",
                "fill_layers",
                "lacks_codebooks",
                "learn_codebooks",
                "make_lazy_encoder",
                "make_missing_layers",
            ),
            "index_reader": (
                "AtomLocation",
                "IndexReader",
            ),
            "layer_encoder": (
                "CachedEncoder",
                "ChunkEncoder",
                "LayerCodes",
                "LazyEncoder",
            ),
            "place": ("locate_span",),
            "run_builder": ("RunBuilder",),
            "segment_reader": (
                "SegmentReader",
                "check_numbering",
                "open_segment",
            ),
            "segment_writer": (
                "SEGMENT_BYTES",
                "SegmentWriter",
                "build_draft",
                "chunk_spans_of",
                "count_terms",
                "merge_tail",
                "write_segment",
            ),
            "stats": (
                "ChunkView",
                "LayerStats",
                "NodeView",
                "StatsReport",
                "crystal_stats",
                "describe_document",
                "find_document",
                "walk_layers",
            ),
            "term_index": ("TermIndex",),
        },
    )

__all__ = [
    "CONTEXT_MARK",
    "DEFAULT_META",
    "ENCODER",
    "SEGMENT_BYTES",
    "AtomLocation",
    "CachedEncoder",
    "ChunkEncoder",
    "ChunkReader",
    "ChunkView",
    "ContextTracker",
    "Encoder",
    "IndexReader",
    "LayerCodes",
    "LayerStats",
    "LazyEncoder",
    "NodeView",
    "RunBuilder",
    "SegmentReader",
    "SegmentWriter",
    "StatsReport",
    "StoredChunk",
    "TermIndex",
    "add_fidelity",
    "atom_starts",
    "atoms_of_documents",
    "build_draft",
    "check_numbering",
    "chunk_identity",
    "chunk_spans_of",
    "chunks_of",
    "codec_of",
    "count_terms",
    "crystal_stats",
    "describe_document",
    "document_atoms",
    "fidelity_sums",
    "fill_layers",
    "find_document",
    "find_encoder",
    "lacks_codebooks",
    "learn_codebooks",
    "locate_span",
    "make_lazy_encoder",
    "make_missing_layers",
    "merge_tail",
    "open_encoder",
    "open_segment",
    "resolve_encoder",
    "run_atom_spans",
    "walk_layers",
    "write_segment",
]
