"""What recall keeps in memory, for a person and as a plain dictionary."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from crystalcli.cli.output import harmless, output
from crystalcli.cli.render import size

if TYPE_CHECKING:
    from crystalcli.memory.resident import MemoryReport


def memory(found: MemoryReport, path: str) -> None:
    """The parts that grow with the crystal, their sum, the parts that do not, and the process."""
    console = output.console
    console.print(Text(harmless(path), style="bold"))
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("in memory")
    for title in ("bytes", "per M tokens"):
        table.add_column(title, justify="right", no_wrap=True)

    def row(name: str, count: int, grows: bool, style: str = "") -> None:
        share = size(1e6 * count / max(1, found.tokens)) if grows else ""
        table.add_row(Text(name, style=style), size(count), share)

    for part in found.parts:
        if part.grows:
            row(part.name, part.bytes, True)
    row("grows with the crystal", found.grown, True, "bold cyan")
    for part in found.parts:
        if not part.grows:
            row(part.name, part.bytes, False)
    if found.resident is not None:
        row("the whole process", found.resident, False, "bold")
    if found.peak is not None:
        row("at its peak", found.peak, False, "bold")
    console.print(table)


def memory_json(found: MemoryReport, path: str) -> dict[str, Any]:
    """The same for programs; bytes throughout."""
    return {
        "path": path,
        "memory": {**asdict(found), "grown": found.grown, "grown_per_million_tokens": found.per_million},
    }
