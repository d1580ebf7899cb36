"""The questions asked at the prompt, kept from one time to the next in a file of the user's own.

A line holds one question. What cannot be read or written is passed over: a prompt works without its history.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from crystalcli.cli.terminal.output import harmless
from crystalcli.paths import expanded

KEPT = 1_000  # questions
_LONGEST = 1 << 20  # bytes of a file that is looked at, from its end


class History:
    """path: the file; None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.lines = self._read()

    def add(self, question: str) -> bool:
        """Keep a question, in one line, unless it is the one before. Tells whether it is new."""
        line = " ".join(harmless(question).split())
        if not line or self.lines[-1:] == [line]:
            return False
        self.lines.append(line)
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if len(self.lines) > 2 * KEPT:
                    self._write()
                    return True
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
        return True

    def _read(self) -> list[str]:
        """The last questions; the file is made shorter when it has become much longer than what is kept."""
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                size = file.tell()
                file.seek(max(0, size - _LONGEST))
                lines = file.read(_LONGEST).decode("utf-8", "replace").split("\n")
        except OSError:
            return []
        if size > _LONGEST:
            lines = lines[1:]  # the first may be the end of one
        self.lines = [line for line in (" ".join(harmless(line).split()) for line in lines) if line]
        if size > _LONGEST or len(self.lines) > 2 * KEPT:
            with contextlib.suppress(OSError):
                self._write()
        return self.lines[-KEPT:]

    def _write(self) -> None:
        assert self._path is not None
        self.lines = self.lines[-KEPT:]
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)  # readable by its owner alone
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in self.lines)
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def place() -> Path | None:
    """`$CRYSTAL_HISTORY`, else `history` in the user's data folder for `crystal`; None when the variable is empty."""
    chosen = os.environ.get("CRYSTAL_HISTORY")
    if chosen is not None:
        return expanded(chosen) if chosen else None
    import platformdirs

    return platformdirs.user_data_path("crystal", appauthor=False) / "history"
