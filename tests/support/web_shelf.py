"""A shelf to look at in a browser: documents of many kinds, hostile ones among them, and a server of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crystalcli.library import Crystal
from support.repository import SAMPLES, environment

NOTE = "# Shed\n\nWhere things are.\n\n## Ropes\n\nThe blue rope hangs behind the door.\n\n## Lamps\n\nThe lamp burns oil.\n"
CODE = 'class Tide:\n    """A tide."""\n\n    def height(self):\n        return 3\n\n\ndef spring_tide():\n    return Tide().height()\n'
CHAT = [
    ("Ann Berg", "2025-03-02T10:00", "The tent is with Henrik."),
    ("<b>Sam</b>", "2026-06-05T10:00", "The tent is torn now."),
]
EVIL_NAME = "<img src=x onerror=\"window.hacked='name'\">.md"
EVIL_TEXT = (
    "# <script>window.hacked='heading'</script>\n\nPirates bury </mark><script>window.hacked='text'</script> treasure.\n\n"
    "<img src=http://evil.example/x.png onerror=\"window.hacked='image'\"> [link](javascript:alert(1)) {{ 1001*7919 }} \u202eturned\n"
)
EVIL_PAGE = "<html><title><script>window.hacked='title'</script>Maps</title><body><p>The map of the cove is torn.</p></body></html>"
LONG_LINE = "The tide came in and went out over line {number} of the log, and nobody wrote down why.\n"
NEEDLE = "The harpoon is under the third plank.\n"


def make_folder(folder: Path, *, long: int = 0) -> Path:
    """Write the documents.

    Args:
        long: Bytes of one long text, with a sentence to find in its middle; 0: none.
    """
    (folder / "notes").mkdir(parents=True)
    (folder / "notes/shed.md").write_text(NOTE, encoding="utf-8")
    (folder / "tide.py").write_text(CODE, encoding="utf-8")
    (folder / "chat.json").write_text(
        json.dumps([{"author": author, "time": time, "text": text} for author, time, text in CHAT]), encoding="utf-8"
    )
    (folder / EVIL_NAME).write_text(EVIL_TEXT, encoding="utf-8")
    (folder / "map.html").write_text(EVIL_PAGE, encoding="utf-8")
    (folder / "empty.md").write_text("", encoding="utf-8")
    shutil.copy(SAMPLES / "handbook.pdf", folder / "handbook.pdf")
    if long:
        lines = [LONG_LINE.format(number=number) for number in range(long // len(LONG_LINE))]
        lines.insert(len(lines) // 2, NEEDLE)
        (folder / "log.txt").write_text("".join(lines), encoding="utf-8")
    return folder


def make_shelf(folder: Path, file: Path, *, long: int = 0) -> Path:
    """Make the crystal, without an encoder."""
    make_folder(folder, long=long)
    with Crystal.create(file, encoder=None) as crystal:
        crystal.ingest([folder])
    return file


@contextmanager
def serving(path: Path, *options: str, **variables: str) -> Iterator[str]:
    """Serve a crystal in a process of its own; the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "crystalcli", "serve", "-c", str(path), "--port", "0", "--no-open", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said: list[str] = []
    listener = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    listener.start()
    try:
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), said
        yield address
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
        listener.join()
        process.stderr.close()
