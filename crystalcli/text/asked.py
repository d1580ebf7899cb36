"""What a reader is given: a file that has been looked through once, and what the user said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crystalcli.text.reader_bytes import PIECE, Survey


@dataclass(frozen=True, slots=True)
class Options:
    """How files are to be read. password: for files that are encrypted. piece: how many bytes of a text are held at a time."""

    password: str = ""
    piece: int = PIECE


PLAINLY = Options()


@dataclass(frozen=True, slots=True)
class Asked:
    """One file to read. kind: what it was taken for."""

    path: Path
    seen: Survey
    kind: str
    options: Options = PLAINLY
