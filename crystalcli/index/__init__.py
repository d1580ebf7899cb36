"""The index: what the numbers in a crystal mean.

The question it answers: which text, vectors and places belong to which chunk?

asked_segments.py      Segments without layers that recalls have found passages in: their layers are
                       made first.
atom_spans.py          Characters of the atoms of a chunk, a run or a document.
byte_cache.py          A least-recently-used cache bounded in bytes.
chapter.py             The chapter that a heading names: its number, in figures or words, and its
                       title.
chunk_context.py       The context of a chunk: document name, headings, enclosing definition.
chunk_language.py      The language of a chunk: that of its text, else that of the document so far.
chunk_reader.py        Stored chunks one by one: text, hash, context, language, units, codes.
chunk_union.py         Numbers of the chunks and atoms of several crystals that are read as one.
codebook_training.py   Codebooks of the user's own encoder, learned from text.
document_chunks.py     The chunks of one document as the index stores them, each with its context
                       and language.
document_lookup.py     Finds one document by its name or by the end of its path.
encoder.py             The encoder of a crystal: the program's own, or one in a user's folder.
encoder_processes.py   Layers made by several processes, each with one thread and weights of its
                       own.
fidelity.py            The fidelity of codes: their mean cosine to the vectors, per layer.
fill.py                Missing parts of a crystal, made after its text: layers and codebooks.
glob_pattern.py        Globs over the names of documents, as regular expressions.
index_reader.py        The resident index of a crystal: the segment, chunk and codes of each atom.
layer_encoder.py       Encoding of chunks to the codes of layers 1 to 3.
ledger_summary.py      Summary of a crystal's ledger: how many documents of which kinds are in which
                       folders.
multi_store.py         Several crystals read as one, as Lucene's MultiReader reads several indexes.
name_dates.py          Dates in the names of documents: `2026-03-16.md`, `2026/03/16.md`, `2026-03
                       notes.txt`.
node_spans.py          Nodes of one layer of a document, in its order, with their places in its
                       text.
place.py               The place of a span: its file, chapter, pages, lines, sheet and row, message.
run_builder.py         Runs of a document, built while its chunks are numbered.
segment_reader.py      Single segments: their spans, their trees, and their numbering.
segment_writer.py      Segments, collected from chunks and committed: text, spans, codes, terms.
short_text_encoder.py  Layers of a few short chunks, by the encoder in numpy: no torch has to be
                       imported.
small_segments.py      Small segments: a few chunks are appended as a segment, and small neighbours
                       become one.
stats.py               Figures of a crystal, and a walk through the layers of one document.
term_index.py          The lexical index of an open crystal: a term's postings and its idf.
train_codebooks.py     A script that learns the codebooks of an encoder from files of text.
tree.py                The tree of a crystal's nodes: each chunk's first atom, cluster and unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.index.asked_segments import (
        ASKED_KEY,
        note_asked,
        segments_met,
    )
    from crystalcli.index.atom_spans import (
        atom_starts,
        atoms_of_documents,
        document_atoms,
        run_atom_spans,
        spans_of_atoms,
    )
    from crystalcli.index.chapter import (
        CHAPTER_KEYS,
        CHAPTERED,
        VOLUME_KEYS,
        chapter_under,
        parse_heading,
        parse_number,
    )
    from crystalcli.index.chunk_context import (
        CONTEXT_MARK,
        ContextTracker,
        chunk_identity,
    )
    from crystalcli.index.chunk_language import (
        read_languages,
    )
    from crystalcli.index.chunk_reader import (
        ChunkReader,
        StoredChunk,
    )
    from crystalcli.index.document_chunks import (
        chunks_of,
    )
    from crystalcli.index.document_lookup import (
        document_with_suffix,
        find_document,
        missing_document,
    )
    from crystalcli.index.encoder import (
        DEFAULT_META,
        ENCODER,
        Encoder,
        find_encoder,
        find_named_encoder,
        open_encoder,
        resolve_encoder,
    )
    from crystalcli.index.encoder_processes import (
        CHILD_MEMORY,
        EncoderProcesses,
        begin_early_encoder,
        dismiss_early_encoder,
        fill_layers_by_child,
        fill_layers_by_processes,
        take_early_encoder,
    )
    from crystalcli.index.fidelity import (
        add_fidelity,
        fidelity_sums,
    )
    from crystalcli.index.fill import (
        codec_of,
        fill_layers,
        fill_layers_in_turns,
        lacks_codebooks,
        learn_codebooks,
        make_lazy_encoder,
        make_missing_layers,
    )
    from crystalcli.index.glob_pattern import (
        glob_to_regex,
    )
    from crystalcli.index.index_reader import (
        AtomLocation,
        IndexReader,
        Subtree,
    )
    from crystalcli.index.layer_encoder import (
        CachedEncoder,
        ChunkEncoder,
        LayerCodes,
        LazyEncoder,
        begin_import,
    )
    from crystalcli.index.ledger_summary import (
        LedgerSummary,
        summarize_ledger,
    )
    from crystalcli.index.multi_store import (
        MultiLedger,
        MultiStore,
        UnitedDocument,
    )
    from crystalcli.index.name_dates import (
        name_day,
    )
    from crystalcli.index.node_spans import (
        LAYER_NAMES,
        LayerName,
        NodeSpans,
        layer_nodes,
    )
    from crystalcli.index.place import (
        find_file,
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
        settle_tail,
        write_segment,
    )
    from crystalcli.index.short_text_encoder import (
        encode_short_chunks,
    )
    from crystalcli.index.small_segments import (
        append_chunks,
    )
    from crystalcli.index.stats import (
        ChunkView,
        LayerStats,
        NodeView,
        StatsReport,
        crystal_stats,
        describe_document,
        walk_layers,
    )
    from crystalcli.index.term_index import (
        TermIndex,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "asked_segments": ("ASKED_KEY", "note_asked", "segments_met"),
            "atom_spans": (
                "atom_starts",
                "atoms_of_documents",
                "document_atoms",
                "run_atom_spans",
                "spans_of_atoms",
            ),
            "chapter": (
                "CHAPTERED",
                "CHAPTER_KEYS",
                "VOLUME_KEYS",
                "chapter_under",
                "parse_heading",
                "parse_number",
            ),
            "chunk_context": (
                "CONTEXT_MARK",
                "ContextTracker",
                "chunk_identity",
            ),
            "chunk_language": ("read_languages",),
            "chunk_reader": (
                "ChunkReader",
                "StoredChunk",
            ),
            "document_chunks": ("chunks_of",),
            "document_lookup": (
                "document_with_suffix",
                "find_document",
                "missing_document",
            ),
            "encoder": (
                "DEFAULT_META",
                "ENCODER",
                "Encoder",
                "find_encoder",
                "find_named_encoder",
                "open_encoder",
                "resolve_encoder",
            ),
            "encoder_processes": (
                "begin_early_encoder",
                "dismiss_early_encoder",
                "fill_layers_by_child",
                "fill_layers_by_processes",
                "take_early_encoder",
                "EncoderProcesses",
                "CHILD_MEMORY",
            ),
            "fidelity": (
                "add_fidelity",
                "append_chunks",
                "fidelity_sums",
            ),
            "fill": (
                "codec_of",
                "fill_layers",
                "fill_layers_in_turns",
                "fill_layers_in_turns",
                "lacks_codebooks",
                "learn_codebooks",
                "make_lazy_encoder",
                "make_missing_layers",
            ),
            "glob_pattern": ("glob_to_regex",),
            "index_reader": (
                "AtomLocation",
                "IndexReader",
                "Subtree",
            ),
            "layer_encoder": (
                "CachedEncoder",
                "ChunkEncoder",
                "LayerCodes",
                "LazyEncoder",
                "begin_import",
            ),
            "ledger_summary": (
                "LedgerSummary",
                "summarize_ledger",
            ),
            "name_dates": ("name_day",),
            "multi_store": (
                "UnitedDocument",
                "MultiStore",
                "MultiLedger",
            ),
            "node_spans": (
                "LAYER_NAMES",
                "LayerName",
                "NodeSpans",
                "layer_nodes",
            ),
            "place": (
                "find_file",
                "locate_span",
            ),
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
                "settle_tail",
                "write_segment",
            ),
            "short_text_encoder": ("encode_short_chunks",),
            "small_segments": ("append_chunks",),
            "stats": (
                "ChunkView",
                "LayerStats",
                "NodeView",
                "StatsReport",
                "crystal_stats",
                "describe_document",
                "walk_layers",
            ),
            "term_index": ("TermIndex",),
        },
    )

__all__ = [
    "ASKED_KEY",
    "CHAPTERED",
    "CHAPTER_KEYS",
    "CHILD_MEMORY",
    "CONTEXT_MARK",
    "DEFAULT_META",
    "ENCODER",
    "LAYER_NAMES",
    "SEGMENT_BYTES",
    "VOLUME_KEYS",
    "AtomLocation",
    "CachedEncoder",
    "ChunkEncoder",
    "ChunkReader",
    "ChunkView",
    "ContextTracker",
    "Encoder",
    "EncoderProcesses",
    "IndexReader",
    "LayerCodes",
    "LayerName",
    "LayerStats",
    "LazyEncoder",
    "LedgerSummary",
    "MultiLedger",
    "MultiStore",
    "NodeSpans",
    "NodeView",
    "RunBuilder",
    "SegmentReader",
    "SegmentWriter",
    "StatsReport",
    "StoredChunk",
    "Subtree",
    "TermIndex",
    "UnitedDocument",
    "add_fidelity",
    "append_chunks",
    "atom_starts",
    "atoms_of_documents",
    "begin_early_encoder",
    "begin_import",
    "build_draft",
    "chapter_under",
    "check_numbering",
    "chunk_identity",
    "chunk_spans_of",
    "chunks_of",
    "codec_of",
    "count_terms",
    "crystal_stats",
    "describe_document",
    "dismiss_early_encoder",
    "document_atoms",
    "document_with_suffix",
    "encode_short_chunks",
    "fidelity_sums",
    "fill_layers",
    "fill_layers_by_child",
    "fill_layers_by_processes",
    "fill_layers_in_turns",
    "find_document",
    "find_encoder",
    "find_file",
    "find_named_encoder",
    "glob_to_regex",
    "lacks_codebooks",
    "layer_nodes",
    "learn_codebooks",
    "locate_span",
    "make_lazy_encoder",
    "make_missing_layers",
    "merge_tail",
    "missing_document",
    "name_day",
    "note_asked",
    "open_encoder",
    "open_segment",
    "parse_heading",
    "parse_number",
    "read_languages",
    "resolve_encoder",
    "run_atom_spans",
    "segments_met",
    "settle_tail",
    "spans_of_atoms",
    "summarize_ledger",
    "take_early_encoder",
    "walk_layers",
    "write_segment",
]
