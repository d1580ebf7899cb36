"""Request to read a file: the file after its survey, and the user's options.

Knows passwords and the refusals of encrypted files. Does not know how any format is decrypted.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crystalcli.errors import OPENED_BY_PASSWORD, Reason, Refusal, SourceError
from crystalcli.text.source.file_bytes import PIECE_BYTES, FileSurvey, bytes_again


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options for reading files.

    Attributes:
        password: opens encrypted files; "" for none.
        piece: bytes of a text that are held at a time.
        ocr: whether the letters in pictures of text are recognized (the extra `crystalcli[ocr]`).
        reread: whether files that have not changed are read again.
    """

    password: str = ""
    piece: int = PIECE_BYTES
    ocr: bool = False
    reread: bool = False


DEFAULT_READ_OPTIONS = ReadOptions()

# An encrypted file that a password opens, before and after one was tried, and one that none opens.
NEEDS_PASSWORD = Refusal("encrypted (a password is needed: --password)", Reason.ENCRYPTED)
WRONG_PASSWORD = Refusal("encrypted (the password is wrong)", Reason.WRONG_PASSWORD)
LOCKED = Refusal("encrypted (save it without a password)", Reason.CANNOT_DECRYPT)


def may_open(code: str, options: ReadOptions) -> bool:
    """Tell whether a file that was left out with this code may be read now, with a password."""
    return bool(options.password) and code in OPENED_BY_PASSWORD


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A file to read.

    Attributes:
        path: the file.
        seen: its survey.
        kind: its kind by name and content, a key of `readers.READERS`.
        options: the user's options.
    """

    path: Path
    seen: FileSurvey
    kind: str
    options: ReadOptions = DEFAULT_READ_OPTIONS

    def whole_file(self, limit: int) -> bytes:
        """Read all of the file again, for a format that is held in memory whole.

        Args:
            limit: bytes at most.

        Raises:
            SourceError: The file is larger, or has changed since its survey.
        """
        if self.seen.fingerprint.size > limit:
            raise SourceError(f"larger than {limit // 1_000_000} MB", Reason.TOO_LARGE)
        return b"".join(bytes_again(self.path, self.seen.fingerprint, self.options.piece))
