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

# What is said of an encrypted file that a password opens, and of one that none does.
NEEDS_PASSWORD = "encrypted (a password is needed: --password)"
WRONG_PASSWORD = "encrypted (the password is wrong)"
LOCKED = "encrypted (save it without a password)"


def may_open(reason: str, options: Options) -> bool:
    """Whether a file that was left out for this reason may be read now, since a password is given."""
    return bool(options.password) and reason.startswith(("encrypted (a password is needed", WRONG_PASSWORD))


@dataclass(frozen=True, slots=True)
class Asked:
    """One file to read. kind: what it was taken for."""

    path: Path
    seen: Survey
    kind: str
    options: Options = PLAINLY
