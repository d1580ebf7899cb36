"""Link that opens a file in an editor of this machine, at a line.

Knows: the addresses that editors register. Does not know: where files are.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

_SCHEMES = {
    "code": "vscode",
    "vscode": "vscode",
    "code-insiders": "vscode-insiders",
    "codium": "vscodium",
    "vscodium": "vscodium",
    "cursor": "cursor",
    "windsurf": "windsurf",
    "zed": "zed",
}
_QUERIES = {
    "subl": "subl://open?url=file://{path}&line={line}",
    "mate": "txmt://open?url=file://{path}&line={line}",
    "idea": "idea://open?file={path}&line={line}",
    "pycharm": "pycharm://open?file={path}&line={line}",
}
EDITORS = tuple(sorted((*_SCHEMES, *_QUERIES)))


def editor_link(editor: str, file: str | None, line: int) -> str | None:
    """Write the address that opens a file at a line; None for an editor that has no addresses.

    Args:
        editor: The editor's program.
        file: The absolute path of the file; None where no file is there.
        line: The line, from 1.
    """
    if file is None:
        return None
    path = quote(Path(file).as_posix(), errors="replace")
    path = path if path.startswith("/") else f"/{path}"
    if editor in _SCHEMES:
        return f"{_SCHEMES[editor]}://file{path}:{line}"
    if editor in EDITORS:
        return _QUERIES[editor].format(path=path, line=line)
    return None
