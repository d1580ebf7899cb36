"""How results look: for people as text, for programs as plain dictionaries. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from crystalcli.cli.explain import line
from crystalcli.cli.output import harmless, output
from crystalcli.text.asked import WRONG_PASSWORD
from crystalcli.text.machine_made import REASONS
from crystalcli.text.unwrap import unwrapped
from crystalcli.types import Citation, Document, Passage, Place

if TYPE_CHECKING:
    from crystalcli.memory.ingest import IngestReport
    from crystalcli.memory.inspection import ChunkView, LayerStats, NodeView, StatsReport

_BAR = 30  # columns of the longest bar
_NARROW = 72  # columns under which figures are worth more than bars
_SMALL = 100_000  # bytes of text under which the file's size says nothing yet
_REASONS = 12  # skipped files listed by name; `crystal inspect --documents` lists all


def size(count: float) -> str:
    """Bytes for a reader: 900 B, 12.3 kB, 4.5 MB."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def count(number: int, noun: str) -> str:
    """1 file, 2 files, 1,000 files."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def one_line(name: str) -> str:
    """A name made harmless, newlines included."""
    return harmless(name).replace("\n", "\N{REPLACEMENT CHARACTER}")


def location(item: Passage | Citation | Place) -> str:
    """Where to look: `path p. 3`, or `path:12-14` which an editor can open."""
    place = item if isinstance(item, Place) else item.place
    path = one_line(place.path)
    if not place.has_lines:
        return f"{path} {one_line(str(place))}".rstrip()
    lines = f"{place.line_start}" if place.line_end <= place.line_start else f"{place.line_start}-{place.line_end}"
    return f"{path}:{lines}"


def above(item: Passage | Citation) -> str:
    """What it stands under, behind its place: the path of headings, or the definition; "" for neither."""
    return "".join(f"  {one_line(each)}" for each in (item.heading, item.place.marks.get("definition", "")) if each)


# --- ingest ---------------------------------------------------------------------------------------------


def ingest(report: IngestReport, stats: StatsReport, path: str) -> None:
    """The table at the end of an ingest."""
    console = output.console
    if report.unchanged and not report.read and not report.encoded_tokens and not report.gone and not report.pruned:
        held = f"{count(report.unchanged, 'file')} as {'it is' if report.unchanged == 1 else 'they are'}"
        skipped = f", {count(len(report.skipped), 'file')} skipped as before" if report.skipped else ""
        left_out = f", {report.left_out:,} left out" if report.left_out else ""
        console.print(Text(f"nothing new: {path} holds {held}{skipped}{left_out} ({report.seconds:.1f} s)"))
        for said in skipped_lines([each for each in report.skipped if each[1] == WRONG_PASSWORD]):
            console.print(Text(f"  {said}"))
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column()
    speed = (
        f"{report.encoded_tokens / report.seconds:,.0f} tokens/s" if report.encoded_tokens and report.seconds else ""
    )
    table.add_row("read", f"{report.read:,}", f"files, {size(report.bytes)}, {report.tokens:,} tokens")
    if report.unchanged:
        table.add_row("unchanged", f"{report.unchanged:,}", "files, not read again")
    if report.gone:
        kept = "" if report.pruned else "; what was read of them stays until --prune"
        table.add_row("gone", f"{report.gone:,}", f"files are no longer there{kept}")
    if report.pruned:
        table.add_row("pruned", f"{report.pruned:,}", "documents whose files are gone")
    table.add_row(
        "encoded", f"{report.encoded_tokens:,}", f"tokens in {report.seconds:.1f} s{', ' + speed if speed else ''}"
    )
    if report.left_out:
        table.add_row(
            "left out", f"{report.left_out:,}", "files; what was read of them before stays until crystal forget"
        )
    table.add_row("skipped", f"{len(report.skipped):,}", "files")
    for said in skipped_lines(report.skipped):
        table.add_row("", "", Text(said, style="dim"))
    for folder, choice in report.chosen.items():
        table.add_row("chosen", "", Text(f"{one_line(folder)}: {choice_line(choice)}"))
    nodes = ", ".join(f"{layer.nodes:,} {layer.name}" for layer in stats.layers[1:])
    table.add_row("crystal", f"{stats.documents:,}", f"documents, {stats.tokens:,} tokens, {nodes}")
    share = f", {stats.file / stats.text_raw:.2f} of the text" if stats.text_raw >= _SMALL else ""
    table.add_row("file", "", f"{path}, {size(stats.file)}{share}")
    console.print(table)


def choice_line(choice: Mapping[str, Any]) -> str:
    """What is read of a folder, as it is remembered."""
    parts = [f"{key} {harmless(' '.join(choice[key]))}" for key in ("include", "exclude") if key in choice]
    if "max_file_size" in choice:
        limit = choice["max_file_size"]
        parts.append(f"up to {size(limit)} a file" if limit else "files of any size")
    return "; ".join(parts)


def skipped_lines(skipped: Sequence[tuple[str, str]]) -> list[str]:
    """(path, reason) for a reader: files that nobody means to read are counted, the first of the others named."""
    usual = Counter(reason for _, reason in skipped if reason in REASONS)
    others = [(name, reason) for name, reason in skipped if reason not in REASONS]
    lines = [f"{one_line(name)}: {harmless(reason)}" for name, reason in others[:_REASONS]]
    if len(others) > _REASONS:
        lines.append(f"and {len(others) - _REASONS} more: crystal inspect --documents")
    if usual:
        lines.append(", ".join(f"{number:,} {reason}" for reason, number in usual.most_common()))
    return lines


def ingest_json(report: IngestReport, stats: StatsReport) -> dict[str, Any]:
    """The same for programs."""
    data = asdict(report)
    del data["changed"]  # `crystal watch` tells
    data["skipped"] = [{"path": name, "reason": reason} for name, reason in report.skipped]
    return {**data, "crystal": stats_json(stats)}


# --- recall ---------------------------------------------------------------------------------------


def passages(found: Sequence[Passage], explain: bool = False) -> None:
    """Ranked passages with the best sentence marked; explain: and what each layer gave to their scores."""
    console = output.console
    for rank, passage in enumerate(found, 1):
        head = Text(f"{rank:>2}  ")
        head.append(harmless(location(passage)), style="bold cyan")
        head.append(f"  {passage.score:.3f}", style="dim")
        if passage.gone:
            head.append("  (the file is gone)", style="red")
        head.append(above(passage), style="dim italic")
        console.print(head)
        if explain:
            _indented(Text(line(passage), style="dim"))
        low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
        marks = ("", "") if console.is_terminal and not console.no_color else ("»", "«")
        before, best, after = unwrapped(passage.text, passage.place.kind, (low, high))
        body = Text(harmless(before))
        body.append(marks[0] + harmless(best) + marks[1], style="bold yellow")
        body.append(harmless(after))
        body.rstrip()
        _indented(body)
        if passage.also:
            _indented(Text("also in " + ", ".join(harmless(location(each)) for each in passage.also), style="dim"))
        if rank < len(found):
            console.print()


def _indented(body: Text, columns: int = 4) -> None:
    if output.console.is_terminal:
        output.console.print(Padding(body, (0, 0, 0, columns)))
    else:
        for line in body.plain.split("\n"):
            output.write(" " * columns + line + "\n")


def place_json(place: Place) -> dict[str, Any]:
    """A place for programs, where it belongs to a passage or a citation; pages are null where there are none."""
    return {
        "path": place.path,
        "start": place.start,
        "end": place.end,
        "line_start": place.line_start,
        "line_end": place.line_end,
        "page_start": place.page_start,
        "page_end": place.page_end,
        "place": str(place),
        "marks": dict(place.marks),
    }


def passage_json(passage: Passage) -> dict[str, Any]:
    """A passage for programs; offsets are characters of the document's text."""
    return {
        **place_json(passage.place),
        "score": round(passage.score, 6),
        "heading": passage.heading,
        "gone": passage.gone,
        "also": [asdict(each) for each in passage.also],
        "best": {"start": passage.best[0], "end": passage.best[1], "text": passage.best_text},
        "shares": {name: round(share, 6) for name, share in passage.shares.items()},
        "text": passage.text,
    }


# --- inspect --------------------------------------------------------------------------------------------------


def stats(found: StatsReport, path: str) -> None:
    """The layers as a person would draw them."""
    console = output.console
    console.print(Text(harmless(path), style="bold"))
    console.print()
    most = max(layer.nodes for layer in found.layers) or 1
    names = {"tokens": "0 tokens", "units": "1 units", "clusters": "2 clusters", "atoms": "3 atoms"}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("layer", no_wrap=True)
    columns = max(4, min(_BAR, console.width - 75))  # what the figures leave
    if console.width >= _NARROW:
        table.add_column("", no_wrap=True)
    for title in ("nodes", "ratio", "bytes", "per M tokens", "cosine"):
        table.add_column(title, justify="right", no_wrap=True)
    for layer in reversed(found.layers):
        table.add_row(
            names[layer.name],
            *([Text(_bar(layer.nodes, most, columns), style="cyan")] if console.width >= _NARROW else []),
            f"{layer.nodes:,}",
            f"{layer.ratio:.1f}:1" if layer.name != "tokens" and layer.nodes else "",
            size(layer.bytes),
            size(1e6 * layer.bytes / max(1, found.tokens)),
            f"{layer.cosine:.3f}" if layer.cosine is not None else "",
        )
    console.print(table)
    console.print()
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    ratio = found.text_stored / max(1, found.text_raw)
    rows.add_row("text", f"{size(found.text_raw)}, compressed to {size(found.text_stored)} ({ratio:.2f})")
    rows.add_row(
        "layers 1-3",
        f"{size(found.layer_bytes_per_million)} per million tokens; cosine: vectors with their codes decoded",
    )
    rows.add_row("lexical", f"{size(found.lexical)} of postings and lengths, {size(found.spans)} of spans and hashes")
    share = f", {found.file / found.text_raw:.2f} of the text" if found.text_raw >= _SMALL else ""
    rows.add_row("file", f"{size(found.file)}{share}")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items())
    rows.add_row("documents", f"{found.documents:,}" + (f" ({kinds})" if kinds else ""))
    others = {state: count for state, count in found.state_counts.items() if state != "done"}
    if others:
        rows.add_row("not read", ", ".join(f"{count:,} {state}" for state, count in others.items()))
    rows.add_row("encoder", f"{one_line(found.encoder)}; format version {found.format_version}")
    if found.own_encoder is not None:
        own = found.own_encoder
        rows.add_row(
            "",
            f"{own['dimension']} dimensions, chunks of up to {own['limit']} tokens, codebooks of {size(found.codebooks)}",
        )
        rows.add_row("", f"SHA-256 {one_line(str(own['weights']))[:16]}…, was in {one_line(str(own['location']))}")
    if not found.complete:
        rows.add_row("incomplete", "some of it has no layers yet or was not read to its end: run crystal ingest again")
    console.print(rows)


def _bar(nodes: int, most: int, columns: int) -> str:
    """A bar on a logarithmic scale, so that 1 : 100 stays visible."""
    from math import log2

    if nodes == 0:
        return ""
    return "█" * max(1, round(columns * log2(nodes + 1) / log2(most + 1)))


def stats_json(found: StatsReport) -> dict[str, Any]:
    """The figures for programs."""

    def layer(each: LayerStats) -> dict[str, Any]:
        return {**asdict(each), "bytes_per_million_tokens": 1e6 * each.bytes / max(1, found.tokens)}

    data = asdict(found)
    data["layers"] = [layer(each) for each in found.layers]
    return {**data, "layer_bytes_per_million_tokens": found.layer_bytes_per_million}


def documents(found: Iterable[Document]) -> None:
    """The ledger, a line a source."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title, justify in (
        ("document", "left"),
        ("kind", "left"),
        ("tokens", "right"),
        ("chunks", "right"),
        ("state", "left"),
    ):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for each in found:
        state = f"{each.state}: {harmless(each.reason)}" if each.reason else each.state
        table.add_row(Text(one_line(each.path)), each.kind, f"{each.tokens:,}", f"{each.chunks:,}", Text(state))
    output.console.print(table)


def zoom(document: Document, chunks: Iterable[ChunkView], limit: int) -> None:
    """A document's chunks, each with its atoms, clusters, units and text."""
    console = output.console
    head = Text(one_line(document.path), style="bold")
    pages = f", {document.pages} pages" if document.pages else ""
    head.append(
        f"  {document.kind}{pages}, {document.characters:,} characters, {document.tokens:,} tokens, {document.chunks} chunks"
    )
    console.print(head)
    if document.reason:
        console.print(Text(f"{document.state}: {harmless(document.reason)}"))
    for shown, chunk in enumerate(chunks):
        if shown == limit:
            console.print(Text(f"… {document.chunks - limit} more chunks: --chunks N shows more", style="dim"))
            break
        shared = ", stands elsewhere too" if chunk.shared else ""
        console.print()
        line = f"chunk {chunk.number}  line {chunk.line}, characters {chunk.start}-{chunk.end}, {chunk.tokens} tokens{shared}"
        console.print(Text(line, style="bold cyan"))
        for index, atom in enumerate(chunk.atoms):
            _node(atom, "", index == len(chunk.atoms) - 1)


def _node(node: NodeView, indent: str, last: bool) -> None:
    console = output.console
    label = f"{node.layer}"
    code = f" {node.code[:16]}{'…' if len(node.code) > 16 else ''}" if node.code else ""
    text = " ".join(harmless(node.text).split())
    room = max(20, console.width - len(indent) - len(label) - len(code) - 8)
    line = Text(f"{indent}{'└' if last else '├'} ")
    line.append(label, style={"atom": "bold", "cluster": "", "unit": "dim"}[node.layer])
    line.append(code, style="dim")
    line.append("  " + (text if len(text) <= room else text[: room - 1] + "…"))
    console.print(line, no_wrap=True, overflow="ellipsis")
    for index, child in enumerate(node.children):
        _node(child, indent + ("  " if last else "│ "), index == len(node.children) - 1)


def zoom_json(document: Document, chunks: Iterable[ChunkView]) -> dict[str, Any]:
    """The same for programs, without a limit."""
    return {"document": asdict(document), "chunks": [asdict(chunk) for chunk in chunks]}
