"""The tool `remember`: a note becomes a dated document of its own.

Knows: names of notes. Does not know: how documents are read.
"""

from __future__ import annotations

import re
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

from crystalcli.errors import UsageError
from crystalcli.mcp_server.tool_spec import Arguments, Parameter, ToolSpec

if TYPE_CHECKING:
    from crystalcli.library import Crystal

_FOLDER = "remembered"
_MAX_TITLE = 60  # characters of a name


def _remember(crystal: Crystal, arguments: Arguments) -> str:
    """Store a text as a Markdown document that is named by its date and title."""
    text, title = arguments["text"].strip(), " ".join(arguments["title"].split())
    if not text:
        raise UsageError("remember: the text is empty")
    words = re.sub(r"[^\w-]+", "-", title.lower()).strip("-")[:_MAX_TITLE].strip("-")
    stem = f"{_FOLDER}/{datetime.now().astimezone():%Y-%m-%d-%H%M%S}{f'-{words}' if words else ''}"
    taken = {document.path for document in crystal.documents()}
    names = (f"{stem}{f'-{number}' if number > 1 else ''}.md" for number in range(1, len(taken) + 2))
    name = next(name for name in names if name not in taken)
    crystal.ingest_stream(BytesIO(f"# {title}\n\n{text}\n".encode() if title else f"{text}\n".encode()), name)
    return f"Remembered as {name}."


REMEMBER = ToolSpec(
    "remember",
    "Keep a note in the crystal, as a dated document. Only when the user asks to remember something.",
    (
        Parameter("text", "string", "The note, complete in itself, in Markdown.", None),
        Parameter("title", "string", "A few words that name it.", ""),
    ),
    _remember,
    writes=True,
)
