"""The tool `remember`: a note becomes a memory, a dated document of its own.

Knows: the tool's parameters. Does not know: how a memory is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.mcp_server.tool_spec import Arguments, Parameter, ToolSpec

if TYPE_CHECKING:
    from crystalcli.library import Crystal


def _remember(crystal: Crystal, arguments: Arguments) -> str:
    """Keep a text, with its title above it."""
    text, title = arguments["text"].strip(), " ".join(arguments["title"].split())
    memory = crystal.remember(
        f"{title}\n\n{text}" if title and text else text,
        by=arguments["by"],
        at=arguments["date"] or None,
        tags=[tag for tag in arguments["tags"].replace(",", " ").split() if tag],
    )
    return f"Remembered as {memory.document or memory.id}."


REMEMBER = ToolSpec(
    "remember",
    "Keep a note in the crystal, as a dated document. Only when the user asks to remember something.",
    (
        Parameter("text", "string", "The note, complete in itself, in Markdown.", None),
        Parameter("title", "string", "A few words that name it.", ""),
        Parameter("by", "string", "Who says it, if not the user.", ""),
        Parameter("date", "string", "The day that it speaks of: 2026-09-20, yesterday; now by default.", ""),
        Parameter("tags", "string", "Tags, such as home, garden.", ""),
    ),
    _remember,
    writes=True,
)
