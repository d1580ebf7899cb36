"""What a reader is given: a file that has been looked through once, and what the user said of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crystalcli.errors import OPENED_BY_PASSWORD, Reason, Refusal
from crystalcli.text.source.file_bytes import PIECE, FileSurvey


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are to be read. password: for files that are encrypted. piece: how many bytes of a text are held at a time."""

    password: str = ""
    piece: int = PIECE


PLAINLY = ReadOptions()

# What is said of an encrypted file that a password opens, and of one that none does.
NEEDS_PASSWORD = Refusal("encrypted (a password is needed: --password)", Reason.ENCRYPTED)
WRONG_PASSWORD = Refusal("encrypted (the password is wrong)", Reason.WRONG_PASSWORD)
LOCKED = Refusal("encrypted (save it without a password)", Reason.CANNOT_DECRYPT)


def may_open(code: str, options: ReadOptions) -> bool:
    """Tell whether a file that was left out with this reason code may be read now, since a password is given."""
    return bool(options.password) and code in OPENED_BY_PASSWORD


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """One file to read. kind: what it was taken for."""

    path: Path
    seen: FileSurvey
    kind: str
    options: ReadOptions = PLAINLY
