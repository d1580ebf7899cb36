"""Views of a crystal, its documents and its memory: text for people, dictionaries for programs.

Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.place_text import format_location, format_path
from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_share, format_size, single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import Document, Place

if TYPE_CHECKING:
    from crystalcli.index import ChunkView, LayerStats, NodeView, StatsReport
    from crystalcli.recall import MemoryReport

SMALL_TEXT = 100_000  # bytes of text under which the file's size says nothing yet
_BAR = 30  # columns of the longest bar
_NARROW = 72  # columns under which figures are worth more than bars


# --- the layers -----------------------------------------------------------------------------------


def print_stats(stats: StatsReport, path: str) -> None:
    """Print the layers as a person would draw them, and what they take."""
    console = output.console
    console.print(Text(sanitize(path), style="bold"))
    console.print()
    most_nodes = max(layer.nodes for layer in stats.layers) or 1
    names = {"tokens": "0 tokens", "units": "1 units", "clusters": "2 clusters", "atoms": "3 atoms"}
    table = plain_table()
    table.show_header = True
    table.add_column("layer", no_wrap=True)
    columns = max(4, min(_BAR, console.width - 75))  # what the figures leave
    if console.width >= _NARROW:
        table.add_column("", no_wrap=True)
    for title in ("nodes", "ratio", "bytes", "per M tokens", "cosine"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in reversed(stats.layers):
        table.add_row(
            names[layer.name],
            *([Text(_bar(layer.nodes, most_nodes, columns), style="cyan")] if console.width >= _NARROW else []),
            f"{layer.nodes:,}",
            f"{layer.ratio:.1f}:1" if layer.name != "tokens" and layer.nodes else "",
            format_size(layer.bytes),
            format_size(1e6 * layer.bytes / max(1, stats.tokens)),
            f"{layer.cosine:.3f}" if layer.cosine is not None else "",
        )
    console.print(table)
    console.print()
    rows = plain_table()
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    ratio = stats.text_stored / max(1, stats.text_raw)
    rows.add_row("text", f"{format_size(stats.text_raw)}, compressed to {format_size(stats.text_stored)} ({ratio:.2f})")
    rows.add_row(
        "layers 1-3",
        f"{format_size(stats.layer_bytes_per_million)} per million tokens; cosine: vectors with their codes decoded",
    )
    lexical = f"{format_size(stats.lexical)} of postings and lengths"
    rows.add_row("lexical", f"{lexical}, {format_size(stats.spans)} of spans and hashes")
    share = f", {stats.file / stats.text_raw:.2f} of the text" if stats.text_raw >= SMALL_TEXT else ""
    rows.add_row("file", f"{format_size(stats.file)}{share}")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in stats.kinds.items())
    rows.add_row("documents", f"{stats.documents:,}" + (f" ({kinds})" if kinds else ""))
    not_done = {state: count for state, count in stats.state_counts.items() if state != "done"}
    if not_done:
        rows.add_row("not read", ", ".join(f"{count:,} {state}" for state, count in not_done.items()))
    rows.add_row("encoder", f"{single_line(stats.encoder)}; format version {stats.format_version}")
    if stats.own_encoder is not None:
        own = stats.own_encoder
        codebooks = f"codebooks of {format_size(stats.codebooks)}"
        rows.add_row("", f"{own['dimension']} dimensions, chunks of up to {own['limit']} tokens, {codebooks}")
        rows.add_row(
            "", f"SHA-256 {single_line(str(own['weights']))[:16]}…, was in {single_line(str(own['location']))}"
        )
    if stats.layer_share < 1.0:
        rows.add_row("layers", f"of {format_share(stats.layer_share)}: crystal ingest --layers makes the rest")
    elif not stats.complete:
        rows.add_row("incomplete", "some of it was not read to its end: run crystal ingest again")
    console.print(rows)


def _bar(nodes: int, most: int, columns: int) -> str:
    """Draw a bar on a logarithmic scale, so that 1 : 100 stays visible."""
    from math import log2

    if nodes == 0:
        return ""
    return "█" * max(1, round(columns * log2(nodes + 1) / log2(most + 1)))


def stats_json(stats: StatsReport) -> dict[str, Any]:
    """Make the figures for programs."""

    def layer_json(layer: LayerStats) -> dict[str, Any]:
        return {**asdict(layer), "bytes_per_million_tokens": 1e6 * layer.bytes / max(1, stats.tokens)}

    data = asdict(stats)
    data["layers"] = [layer_json(layer) for layer in stats.layers]
    return {**data, "layer_bytes_per_million_tokens": stats.layer_bytes_per_million}


# --- the documents --------------------------------------------------------------------------------


def print_documents(documents: Iterable[Document]) -> None:
    """Print the ledger, a line a source."""
    table = plain_table("document", "kind", "tokens", "chunks", "state", numbers=("tokens", "chunks"))
    for document in documents:
        state = f"{document.state}: {sanitize(document.reason)}" if document.reason else document.state
        name = Text(single_line(document.path))
        table.add_row(name, document.kind, f"{document.tokens:,}", f"{document.chunks:,}", Text(state))
    output.console.print(table)


def print_document(
    document: Document,
    chunks: Iterable[ChunkView],
    limit: int,
    file: Path | None,
    place_of: Callable[[int, int], Place],
    changes: Sequence[str] = (),
) -> None:
    """Print a document's chunks, each with its atoms, clusters, units and text.

    Args:
        document: the document.
        chunks: its chunks in order.
        limit: how many of them are printed.
        file: its file; None where no file is there.
        place_of: gives the place of a span of the document.
        changes: what has changed of what it states, each in a line.
    """
    console = output.console
    head = Text(format_path(file, document.path), style="bold")
    pages = f", {document.pages} pages" if document.pages else ""
    size = f"{document.characters:,} characters, {document.tokens:,} tokens, {document.chunks} chunks"
    head.append(f"  {document.kind}{pages}, {size}")
    console.print(head)
    if document.reason:
        console.print(Text(f"{document.state}: {sanitize(document.reason)}"))
    fields = (("title", document.title), ("author", document.author), ("date", document.date))
    for name, value in (*fields, ("tags", ", ".join(document.tags))):
        if value:
            console.print(Text(f"{name:<7}{single_line(value)}"))
    for doubt in document.doubts:
        console.print(Text(f"doubt  {single_line(doubt.detail)}"))
    for line in changes:
        console.print(Text(f"changed: {single_line(line)}"))
    for index, chunk in enumerate(chunks):
        if index == limit:
            console.print(Text(f"… {document.chunks - limit} more chunks: --chunks N shows more", style="dim"))
            break
        console.print()
        shared = ", stands elsewhere too" if chunk.shared else ""
        location = format_location(place_of(chunk.start, chunk.end))
        place = f"{location}, characters {chunk.start}-{chunk.end}, {chunk.tokens} tokens{shared}"
        console.print(Text(f"chunk {chunk.number}  {place}", style="bold cyan"))
        for number, atom in enumerate(chunk.atoms, 1):
            _print_node(atom, "", number == len(chunk.atoms))


def _print_node(node: NodeView, indent: str, last: bool) -> None:
    console = output.console
    label = f"{node.layer}"
    code = f" {node.code[:16]}{'…' if len(node.code) > 16 else ''}" if node.code else ""
    text = " ".join(sanitize(node.text).split())
    columns = max(20, console.width - len(indent) - len(label) - len(code) - 8)
    line = Text(f"{indent}{'└' if last else '├'} ")
    line.append(label, style={"atom": "bold", "cluster": "", "unit": "dim"}[node.layer])
    line.append(code, style="dim")
    line.append("  " + (text if len(text) <= columns else text[: columns - 1] + "…"))
    console.print(line, no_wrap=True, overflow="ellipsis")
    for number, child in enumerate(node.children, 1):
        _print_node(child, indent + ("  " if last else "│ "), number == len(node.children))


def document_json(
    document: Document, chunks: Iterable[ChunkView], file: Path | None, changes: Sequence[str]
) -> dict[str, Any]:
    """Make the same for programs, with all chunks."""
    return {
        "document": asdict(document),
        "source": None if file is None else str(file),
        "changes": list(changes),
        "chunks": [asdict(chunk) for chunk in chunks],
    }


# --- the memory -----------------------------------------------------------------------------------


def print_memory(use: MemoryReport, path: str) -> None:
    """Print the parts in memory that grow with the crystal, their sum, the rest, the process."""
    console = output.console
    console.print(Text(sanitize(path), style="bold"))
    console.print()
    table = plain_table("in memory", "bytes", "per M tokens", numbers=("bytes", "per M tokens"))

    def add_row(name: str, size: int, grows: bool, style: str = "") -> None:
        share = format_size(1e6 * size / max(1, use.tokens)) if grows else ""
        table.add_row(Text(name, style=style), format_size(size), share)

    for part in use.parts:
        if part.grows:
            add_row(part.name, part.bytes, True)
    add_row("grows with the crystal", use.grown, True, "bold cyan")
    for part in use.parts:
        if not part.grows:
            add_row(part.name, part.bytes, False)
    if use.resident is not None:
        add_row("the whole process", use.resident, False, "bold")
    if use.peak is not None:
        add_row("at its peak", use.peak, False, "bold")
    console.print(table)


def memory_json(use: MemoryReport, path: str) -> dict[str, Any]:
    """Make the same for programs; bytes throughout."""
    return {
        "path": path,
        "memory": {**asdict(use), "grown": use.grown, "grown_per_million_tokens": use.per_million},
    }
