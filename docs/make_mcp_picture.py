"""Makes the picture of docs/MCP.md: what an assistant gets from `crystal mcp`.

    python docs/make_mcp_picture.py

It reads `samples/` into a crystal of its own, starts the server, calls its tools as an assistant
would, and draws what they answer.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mcp import Client, StdioServerParameters
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).parents[1]
WIDTH = 104  # columns
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("search", {"question": "What was stuck under the pan of the shopkeeper's scale?", "k": 1}),
    ("read", {"path": "handbook.pdf", "section": "7.3 Spills"}),
    ("mentions", {"text": "detergent"}),
    ("search", {"question": "Who won the chess world championship in 1972?", "k": 1}),
)
LINES = 8  # of each answer


async def call_all(crystal: Path) -> list[tuple[str, str]]:
    """Call the tools, each in a new line of the conversation.

    Returns:
        Each call as it is written, and the text of its answer.
    """
    server = StdioServerParameters(command=sys.executable, args=["-m", "crystalcli", "mcp", "-c", str(crystal)])
    answers = []
    async with Client(server) as client:
        for tool, arguments in CALLS:
            result = await client.call_tool(tool, arguments)
            text = "\n".join(block.text for block in result.content if block.type == "text")
            text = text.replace(f"{ROOT}/", "~/")  # the same picture from every folder
            written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
            answers.append((f"{tool}({written})", text))
    return answers


def main() -> None:
    """Make the picture."""
    with TemporaryDirectory() as folder:
        crystal = Path(folder) / "samples.crystal"
        command = [sys.executable, "-m", "crystalcli", "ingest", "-c", str(crystal), str(ROOT / "samples")]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        answers = asyncio.run(call_all(crystal))
    console = Console(record=True, width=WIDTH, file=StringIO())
    for written, text in answers:
        console.print(Text(f"▸ {written}", "bold cyan"))
        lines = re.sub(r"\n{2,}", "\n", text).splitlines()
        shown = Text("\n".join(lines[:LINES]) + ("\n…" if len(lines) > LINES else ""))
        shown.highlight_regex(r"^(Answered|Maybe|Not here).*", "bold yellow")
        shown.highlight_regex(r"^\[\d+\].*", "green")
        console.print(shown)
        console.print()
    picture = console.export_svg(title="crystal mcp", theme=MONOKAI)
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # loads nothing from elsewhere
    (ROOT / "docs" / "mcp.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
