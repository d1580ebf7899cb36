"""What a crystal holds, counted: its layers, its text, its documents, and the way down through one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from crystalcli.errors import NotFoundError
from crystalcli.index.encoder import EncoderId
from crystalcli.index.fidelity import mean_fidelity
from crystalcli.index.index_reader import IndexReader
from crystalcli.storage import CONTEXTS_PART, RunRow, SourceRow, Store, stored_codebooks
from crystalcli.types import Document, DocumentState


@dataclass(frozen=True, slots=True)
class LayerStats:
    """One layer: its name, its nodes, how many nodes of the layer below each stands for on average, its bytes in the file.

    cosine: between its vectors and what their codes decode to, mean over all nodes; None where it was not measured.
    """

    name: str
    nodes: int
    ratio: float
    bytes: int
    cosine: float | None = None


@dataclass(frozen=True, slots=True)
class StatsReport:
    """A crystal in figures. Sizes are bytes. text_stored: the compressed text; file: the whole file.

    own_encoder: what is recorded of an encoder that the user named: name, SHA-256 of its weights, place, dimension and so on;
    None for the program's own. codebooks: bytes of the codebooks that it brought into the file.
    tokens counts stored text once; state_counts: documents by state; kinds: documents read, by kind.
    """

    format_version: int
    encoder: str
    own_encoder: dict[str, str | int] | None
    codebooks: int
    complete: bool
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
        """Bytes of layers 1 to 3 for every million tokens."""
        return 1e6 * sum(layer.bytes for layer in self.layers[1:]) / max(1, self.tokens)


def crystal_stats(store: Store) -> StatsReport:
    """Count everything."""
    segments = store.segments()
    sizes = store.part_sizes()
    sources = store.sources()
    tokens = sum(segment.tokens for segment in segments)
    encoded = [segment for segment in segments if segment.encoded]
    counts = {name: sum(getattr(segment, name) for segment in encoded) for name in ("units", "clusters", "atoms")}
    below, layers = sum(segment.tokens for segment in encoded), []
    kept = mean_fidelity(store)
    meta = store.meta()
    mark = EncoderId.read(meta)
    text_stored, text_raw = sizes.get("text", (0, 0))
    layers.append(LayerStats("tokens", tokens, 1.0, text_stored))
    for name in ("units", "clusters", "atoms"):
        stored, _ = sizes.get(name, (0, 0))
        layers.append(LayerStats(name, counts[name], below / max(1, counts[name]), stored, kept.get(name)))
        below = counts[name]
    states = Counter(source.state for source in sources)
    return StatsReport(
        format_version=store.format,
        encoder=meta.get("encoder", ""),
        own_encoder=mark._asdict() if mark is not None else None,
        codebooks=sum(map(len, stored_codebooks(store).values())),
        complete=len(encoded) == len(segments) and not (states.keys() & {DocumentState.PARTIAL, DocumentState.FAILED}),
        documents=sum(1 for source in sources if source.chunks),
        state_counts=dict(sorted(states.items())),
        kinds=dict(Counter(source.kind for source in sources if source.chunks).most_common()),
        tokens=tokens,
        chunks=sum(segment.chunks for segment in segments),
        layers=tuple(layers),
        text_raw=text_raw,
        text_stored=text_stored,
        lexical=store.lexical_size() + sizes.get("lengths", (0, 0))[0],
        spans=sum(sizes.get(name, (0, 0))[0] for name in ("spans", "hashes", CONTEXTS_PART)),
        file=store.file_size(),
    )


def describe_document(store: Store, source: SourceRow) -> Document:
    """A ledger row as the public noun."""
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
    )


def find_document(store: Store, name: str) -> SourceRow:
    """The document cited as `name`, or the only one whose path ends so. Raises NotFoundError."""
    exact = store.source_named(name)
    if exact is not None:
        return exact
    ending = [
        source
        for source in store.sources()
        if source.path.endswith("/" + name.lstrip("/")) or source.path.split("/")[-1] == name
    ]
    if not ending:  # the way to the file, as a shell completes it
        ending = [source for source in store.sources() if name.endswith("/" + source.path)]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise NotFoundError(f"{len(ending)} documents end in {name}: say which, for example {ending[0].path}")
    raise NotFoundError(f"no document {name} in this crystal; `crystal inspect --documents` lists them")


@dataclass(frozen=True, slots=True)
class ChunkView:
    """One chunk of a document: its span, its first line, its tokens, and its atoms; `shared`: stands elsewhere too."""

    number: int
    start: int
    end: int
    line: int
    tokens: int
    shared: bool
    atoms: tuple[NodeView, ...]


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node of the pyramid: its layer, its text's span in the document, its code in hex, and its children."""

    layer: str
    start: int
    end: int
    code: str
    text: str
    children: tuple[NodeView, ...]


def walk_layers(shelf: IndexReader, source: SourceRow) -> Iterator[ChunkView]:
    """A document's chunks in order, each with the way from its atoms down to clusters, units and text."""
    return _chunks(shelf, shelf.store.runs_of(source.id))  # where they are is read now, as of the shelf's commit


def _chunks(shelf: IndexReader, runs: list[RunRow]) -> Iterator[ChunkView]:
    for run in runs:
        offset, lines = run.start, run.lines
        for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
            text = shelf.chunk_text(chunk)
            yield _chunk(shelf, chunk, text, offset, lines + 1)
            offset += len(text)
            lines += text.count("\n")


def _chunk(shelf: IndexReader, chunk: int, text: str, offset: int, line: int) -> ChunkView:
    index = shelf.segment_with(chunk)
    view = shelf.view(index)
    local = chunk - view.row.first_chunk
    low, bounds = int(view.chunk_units[local]), view.unit_bounds(local).tolist()
    cluster_codes, unit_codes = shelf.codes(index) if view.row.encoded else (None, None)

    def node(layer: str, first: int, last: int, code: str, children: list[NodeView]) -> NodeView:
        start, end = bounds[first - low], bounds[last - low]
        return NodeView(layer, offset + start, offset + end, code, text[start:end], tuple(children))

    atoms = []
    for atom in range(int(view.chunk_atoms[local]), int(view.chunk_atoms[local + 1])):
        clusters = []
        for cluster in range(int(view.atom_clusters[atom]), int(view.atom_clusters[atom + 1])):
            first, last = int(view.cluster_units[cluster]), int(view.cluster_units[cluster + 1])
            units = [
                node("unit", unit, unit + 1, unit_codes[unit].tobytes().hex() if unit_codes is not None else "", [])
                for unit in range(first, last)
            ]
            code = cluster_codes[cluster].tobytes().hex() if cluster_codes is not None else ""
            clusters.append(node("cluster", first, last, code, units))
        first = int(view.cluster_units[view.atom_clusters[atom]])
        last = int(view.cluster_units[view.atom_clusters[atom + 1]])
        code = ""
        if shelf.atom_codes is not None and view.row.encoded:
            code = shelf.atom_codes[view.row.first_atom + atom].tobytes().hex()
        atoms.append(node("atom", first, last, code, clusters))
    shared = len(shelf.store.runs_over(chunk)) > 1
    return ChunkView(chunk, offset, offset + len(text), line, int(view.spans.tokens[local]), shared, tuple(atoms))
