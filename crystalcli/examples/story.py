"""The story that ships with the package, for the example without a book.

    python -m crystalcli.examples.story samples/story

writes it anew from the chapters of a source tree. They were written for this project and are under
its licence, Apache-2.0.

Knows: how the story is packed. Does not know: who reads it.
"""

from __future__ import annotations

import lzma
import sys
from importlib import resources
from pathlib import Path

_FILE = resources.files("crystalcli.examples") / "data" / "story.txt.xz"


def story() -> str:
    """Unpack the story: twelve chapters in Markdown, some 28,000 tokens."""
    return lzma.decompress(_FILE.read_bytes()).decode("utf-8")


def join_chapters(folder: Path) -> str:
    """Join the chapters of a folder in the order of their names, with empty lines between them."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md")))


if __name__ == "__main__":
    Path(str(_FILE)).write_bytes(lzma.compress(join_chapters(Path(sys.argv[1])).encode("utf-8"), preset=9))
