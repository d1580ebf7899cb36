"""History of questions at the prompt, in a file of the user's own, a line for each question.

A file that cannot be read or written is ignored: a prompt works without its history.

Knows: one file. Does not know: the prompt.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from crystalcli.cli.terminal.output import sanitize

MAX_QUESTIONS = 1_000
_MAX_READ = 1 << 20  # bytes read, from the end of the file


class QuestionHistory:
    """The last questions, oldest first.

    Args:
        path: the file; None keeps nothing.

    Attributes:
        lines: the questions.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.lines = self._read()

    def add(self, question: str) -> bool:
        """Add a question as one line unless it repeats the last one.

        Returns:
            Whether it was added.
        """
        line = " ".join(sanitize(question).split())
        if not line or self.lines[-1:] == [line]:
            return False
        self.lines.append(line)
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                if len(self.lines) > 2 * MAX_QUESTIONS:
                    self._write()
                    return True
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
        return True

    def _read(self) -> list[str]:
        """Read the last questions; shorten a file of far more than MAX_QUESTIONS."""
        if self._path is None:
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(0, os.SEEK_END)
                size = file.tell()
                file.seek(max(0, size - _MAX_READ))
                lines = file.read(_MAX_READ).decode("utf-8", "replace").split("\n")
        except OSError:
            return []
        if size > _MAX_READ:
            lines = lines[1:]  # the first may be the end of one
        self.lines = [line for line in (" ".join(sanitize(line).split()) for line in lines) if line]
        if size > _MAX_READ or len(self.lines) > 2 * MAX_QUESTIONS:
            with contextlib.suppress(OSError):
                self._write()
        return self.lines[-MAX_QUESTIONS:]

    def _write(self) -> None:
        assert self._path is not None
        self.lines = self.lines[-MAX_QUESTIONS:]
        # A file that its owner alone can read.
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(line + "\n" for line in self.lines)
            Path(name).replace(self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
