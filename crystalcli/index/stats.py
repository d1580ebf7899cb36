"""Figures of a crystal, and a walk through the layers of one document.

Knows: counts and sizes of all parts, the tree. Does not know: how figures are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from crystalcli.datatypes import FIELD_JOINT, Document, DocumentState, Doubt
from crystalcli.index.encoder import EncoderId
from crystalcli.index.fidelity import mean_fidelity
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.name_dates import name_day
from crystalcli.storage import CONTEXTS_PART, LANGUAGES_PART, RunRow, SourceRow, Store, landmarks_of, stored_codebooks


@dataclass(frozen=True, slots=True)
class LayerStats:
    """The figures of one layer.

    Attributes:
        name: Its name.
        nodes: The number of its nodes.
        ratio: The nodes of the layer below for each node, on average.
        bytes: Its bytes in the file.
        cosine: The cosine between vectors and their decoded codes, mean over all nodes; None where
            it was not measured.
    """

    name: str
    nodes: int
    ratio: float
    bytes: int
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class StatsReport:
    """The figures of a crystal. Sizes are bytes.

    Attributes:
        format_version: The version of the file format.
        encoder: The name of the encoder.
        own_encoder: The record of the user's own encoder, as of `EncoderId`; None for the program's
            own.
        codebooks: Size of the codebooks of the user's own encoder.
        complete: Whether every segment has layers and every document was read to its end.
        layer_share: The share of the tokens that have layers, 0 to 1.
        documents: Documents with text.
        state_counts: Rows of the ledger, by state.
        kinds: Documents with text, by kind.
        tokens: Tokens of the text; text that is stored once counts once.
        chunks: Chunks of the text.
        layers: The figures of layers 0 to 3.
        text_raw: Size of the text before compression.
        text_stored: Size of the text after compression.
        lexical: Size of the lexical index.
        spans: Size of spans, hashes and contexts.
        file: Size of the whole file.
    """

    format_version: int
    encoder: str
    own_encoder: dict[str, str | int] | None
    codebooks: int
    complete: bool
    layer_share: float
    documents: int
    state_counts: dict[str, int]
    kinds: dict[str, int]
    tokens: int
    chunks: int
    layers: tuple[LayerStats, ...]
    text_raw: int
    text_stored: int
    lexical: int
    spans: int
    file: int

    @property
    def layer_bytes_per_million(self) -> float:
        """Bytes of layers 1 to 3 for each million tokens."""
        return 1e6 * sum(layer.bytes for layer in self.layers[1:]) / max(1, self.tokens)


def crystal_stats(store: Store) -> StatsReport:
    """Count and measure everything in a crystal."""
    segments = store.segments()
    sizes = store.part_sizes()
    sources = store.sources()
    tokens = sum(segment.tokens for segment in segments)
    encoded = [segment for segment in segments if segment.encoded]
    counts = {name: sum(getattr(segment, name) for segment in encoded) for name in ("units", "clusters", "atoms")}
    below, layers = sum(segment.tokens for segment in encoded), []
    cosines = mean_fidelity(store)
    meta = store.meta()
    mark = EncoderId.read(meta)
    text_stored, text_raw = sizes.get("text", (0, 0))
    layers.append(LayerStats("tokens", tokens, 1.0, text_stored))
    for name in ("units", "clusters", "atoms"):
        stored, _ = sizes.get(name, (0, 0))
        layers.append(LayerStats(name, counts[name], below / max(1, counts[name]), stored, cosines.get(name)))
        below = counts[name]
    states = Counter(source.state for source in sources)
    return StatsReport(
        format_version=store.format,
        encoder=meta.get("encoder", ""),
        own_encoder=mark.as_record() if mark is not None else None,
        codebooks=sum(map(len, stored_codebooks(store).values())),
        complete=len(encoded) == len(segments) and not (states.keys() & {DocumentState.PARTIAL, DocumentState.FAILED}),
        layer_share=store.layer_share(),
        documents=sum(1 for source in sources if source.chunks),
        state_counts=dict(sorted(states.items())),
        kinds=dict(Counter(source.kind for source in sources if source.chunks).most_common()),
        tokens=tokens,
        chunks=sum(segment.chunks for segment in segments),
        layers=tuple(layers),
        text_raw=text_raw,
        text_stored=text_stored,
        lexical=store.lexical_size() + sizes.get("lengths", (0, 0))[0],
        spans=sum(sizes.get(name, (0, 0))[0] for name in ("spans", "hashes", CONTEXTS_PART, LANGUAGES_PART)),
        file=store.file_size(),
    )


def describe_document(store: Store, source: SourceRow) -> Document:
    """Convert a row of the ledger to a Document."""
    named = name_day(source.path, source.kind, strict=True)
    return Document(
        path=source.path,
        kind=source.kind,
        title=source.title or None,
        state=source.state,
        reason=source.reason or None,
        code=source.code or None,
        size=source.size,
        characters=source.characters,
        tokens=source.tokens,
        chunks=source.chunks,
        pages=store.landmark_count(source.id, "page") if source.kind == "pdf" else None,
        author=store.landmark_before(source.id, "author", 0) or None,
        date=store.landmark_before(source.id, "date", 0) or (str(named) if named is not None else None),
        tags=tuple(filter(None, store.landmark_before(source.id, "tags", 0).split(FIELD_JOINT))),
        doubts=doubts_of(store, source.id),
    )


def doubts_of(store: Store, source: int) -> tuple[Doubt, ...]:
    """Read what of a document was read with a doubt."""
    labels = (label for _, label in landmarks_of(store, source, "doubt"))
    return tuple(doubt for label in labels for doubt in Doubt.parse(label))


@dataclass(frozen=True, slots=True)
class ChunkView:
    """One chunk of a document.

    Attributes:
        number: Its number in the crystal.
        start: Its first character, in the document.
        end: The character after its last.
        line: Its first line, from 1.
        tokens: Its number of tokens.
        shared: Whether its text also occurs elsewhere.
        atoms: Its atoms.
    """

    number: int
    start: int
    end: int
    line: int
    tokens: int
    shared: bool
    atoms: tuple[NodeView, ...]


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node of the pyramid.

    Attributes:
        layer: "atom", "cluster" or "unit".
        start: The first character of its text, in the document.
        end: The character after the last.
        code: Its code in hex; "" without layers.
        text: Its text.
        children: Its children; empty for a unit.
    """

    layer: str
    start: int
    end: int
    code: str
    text: str
    children: tuple[NodeView, ...]


def walk_layers(index: IndexReader, source: SourceRow) -> Iterator[ChunkView]:
    """Go through a document's chunks in order, each with its atoms, clusters, units and text."""
    # The runs are read now, as of the index's commit, not when the first chunk is taken.
    return _chunks(index, index.store.runs_of(source.id))


def _chunks(index: IndexReader, runs: list[RunRow]) -> Iterator[ChunkView]:
    for run in runs:
        offset, lines = run.start, run.lines
        for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
            text = index.chunk_text(chunk)
            yield _chunk(index, chunk, text, offset, lines + 1)
            offset += len(text)
            lines += text.count("\n")


def _chunk(index: IndexReader, chunk: int, text: str, offset: int, line: int) -> ChunkView:
    """Build the view of a chunk.

    Args:
        index: The crystal's index.
        chunk: The number of the chunk.
        text: Its text.
        offset: Its first character, in the document.
        line: Its first line, from 1.
    """
    number = index.segment_with(chunk)
    segment = index.view(number)
    local = chunk - segment.row.first_chunk
    low, bounds = int(segment.chunk_units[local]), segment.unit_bounds(local).tolist()
    cluster_codes, unit_codes = index.codes(number) if segment.row.encoded else (None, None)

    def node(layer: str, first: int, last: int, code: str, children: list[NodeView]) -> NodeView:
        start, end = bounds[first - low], bounds[last - low]
        return NodeView(layer, offset + start, offset + end, code, text[start:end], tuple(children))

    atoms = []
    for atom in range(int(segment.chunk_atoms[local]), int(segment.chunk_atoms[local + 1])):
        clusters = []
        for cluster in range(int(segment.atom_clusters[atom]), int(segment.atom_clusters[atom + 1])):
            first, last = int(segment.cluster_units[cluster]), int(segment.cluster_units[cluster + 1])
            units = [
                node("unit", unit, unit + 1, unit_codes[unit].tobytes().hex() if unit_codes is not None else "", [])
                for unit in range(first, last)
            ]
            code = cluster_codes[cluster].tobytes().hex() if cluster_codes is not None else ""
            clusters.append(node("cluster", first, last, code, units))
        first = int(segment.cluster_units[segment.atom_clusters[atom]])
        last = int(segment.cluster_units[segment.atom_clusters[atom + 1]])
        code = ""
        if index.atom_codes is not None and segment.row.encoded:
            code = index.atom_codes[segment.row.first_atom + atom].tobytes().hex()
        atoms.append(node("atom", first, last, code, clusters))
    shared = len(index.store.runs_over(chunk)) > 1
    return ChunkView(chunk, offset, offset + len(text), line, int(segment.spans.tokens[local]), shared, tuple(atoms))
