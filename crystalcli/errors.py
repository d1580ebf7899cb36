"""The errors of this package, and the reasons why a file is not read.

An error's message is one line that says what is wrong and what to do; its class carries the exit
code of the command.

CrystalError                      1   something failed
├── UsageError                    2   the command line or the question is wrong
│   └── EncoderMismatchError      2   the crystal's vectors come from another encoder
├── SourceError                   3   a source does not exist, cannot be read, or is empty
│   └── UnsteadySourceError       3   a source cannot be read now; the next try may succeed
├── LockedError                   1   another program is writing the crystal
├── MissingFileError              3   a crystal or a memory file does not exist
├── NotACrystalError              4   the file is not a crystal
│   └── DamagedCrystalError       4   the crystal is damaged
├── NewerFormatError              5   the crystal was made by a newer version of this program
├── ModelMissingError             6   model weights are missing and cannot be fetched
├── NotFoundError                 7   not found in this crystal
└── StoppedError                130   stopped with Ctrl-C, or by the system (SIGTERM, SIGHUP)

A file that the user names and that does not exist is exit code 3, whatever it was to be. Exit code
7 speaks of what is in a crystal that was opened.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class Reason(StrEnum):
    """The code of the reason why a file is not read, or not whole.

    The codes are stored in crystals (`source.code`, docs/FORMAT.md) and printed with `--json`
    (docs/JSON.md): a code never changes its meaning. Programs go by the code; the sentence is for
    people.
    """

    # A password or a key is missing.
    ENCRYPTED = "encrypted"  # a password opens it
    WRONG_PASSWORD = "wrong_password"
    CANNOT_DECRYPT = "cannot_decrypt"  # no password opens it: copy protection, unknown cipher

    # Made by a machine, or not text by its name. Such files are read when they are named.
    LOCK_FILE = "lock_file"
    MINIFIED = "minified"
    GENERATED = "generated"
    INSTALLED_PACKAGES = "installed_packages"
    EDITOR_COPY = "editor_copy"
    IMAGE = "image"
    SOUND = "sound"
    VIDEO = "video"
    FONT = "font"
    COMPILED_PROGRAM = "compiled_program"
    PACKED_PROGRAM = "packed_program"
    SOURCE_MAP = "source_map"
    CREDENTIALS = "credentials"  # keys of the user's own, at their usual place

    # The content cannot be read.
    EMPTY = "empty"
    NO_TEXT = "no_text"  # a document without text in it
    NOT_TEXT = "not_text"  # binary, or bytes that are not text in the encoding they claim
    UNSUPPORTED = "unsupported"  # a known format or compression that has no reader here
    PICTURE = "picture"  # a picture that is named; OCR reads the text in it
    NO_LETTERS = "no_letters"  # pictures, or pages of them, in which OCR finds no letters
    DAMAGED = "damaged"
    NESTED_TOO_DEEPLY = "nested_too_deeply"
    TOO_LARGE = "too_large"
    BOMB = "bomb"  # unpacks to far more than its size
    OUT_OF_TIME = "out_of_time"
    OUT_OF_MEMORY = "out_of_memory"
    READER_CRASHED = "reader_crashed"
    UNEXPECTED = "unexpected"  # an error that no reader foresaw

    # Read, but with a doubt.
    GUESSED_ENCODING = "guessed_encoding"  # the file does not say which, its letters do
    INVALID_BYTES = "invalid_bytes"  # a few that are no text
    ILLEGIBLE = "illegible"  # pages whose fonts do not tell which letters they draw
    NO_HEADER = "no_header"  # tables whose columns have no names
    SCANNED = "scanned"  # pages that are pictures, and were not read
    OCR = "ocr"  # letters that were recognized in pictures, and may be others

    # The file, or its place.
    NOT_FOUND = "not_found"
    PERMISSION_DENIED = "permission_denied"
    UNREADABLE = "unreadable"  # the system refuses; the sentence has its message
    CHANGED_WHILE_READ = "changed_while_read"
    NOT_A_FILE = "not_a_file"  # a folder, a device, a pipe, a link in an archive
    BROKEN_LINK = "broken_link"
    LINK_OUTSIDE = "link_outside"  # the link leads out of the folder that is read
    BAD_NAME = "bad_name"  # too long, not valid Unicode, or leads out of its archive
    DUPLICATE_NAME = "duplicate_name"  # a second file of that name in an archive

    # Written by `crystal repair`.
    LOST_TEXT = "lost_text"
    LOST_ROW = "lost_row"


MACHINE_MADE = frozenset((
    Reason.LOCK_FILE, Reason.MINIFIED, Reason.GENERATED, Reason.INSTALLED_PACKAGES, Reason.EDITOR_COPY, Reason.IMAGE,
    Reason.SOUND, Reason.VIDEO, Reason.FONT, Reason.COMPILED_PROGRAM, Reason.PACKED_PROGRAM, Reason.SOURCE_MAP,
    Reason.CREDENTIALS,
))  # fmt: skip
"""Reasons of files that are left out by rule, counted, not listed, and read when they are named."""

OPENED_BY_PASSWORD = frozenset((Reason.ENCRYPTED, Reason.WRONG_PASSWORD))
"""Reasons of files that are tried again when a password is given."""

READ_BY_OCR = frozenset((Reason.NO_TEXT, Reason.PICTURE, Reason.ILLEGIBLE, Reason.SCANNED))
"""Reasons and doubts of files that are tried again with OCR."""


class Refusal(NamedTuple):
    """The reason why a file is not read.

    Attributes:
        message: A few words for people, without the path.
        code: The same for programs.
    """

    message: str
    code: Reason


def refusal_of(error: OSError) -> Refusal:
    """Name the reason why the system refused a file, without its path."""
    if isinstance(error, PermissionError):
        return Refusal("permission denied", Reason.PERMISSION_DENIED)
    if isinstance(error, FileNotFoundError):
        return Refusal("no longer there", Reason.NOT_FOUND)
    return Refusal((error.strerror or type(error).__name__).lower(), Reason.UNREADABLE)


class CrystalError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class LockedError(CrystalError):
    """Another program is writing the crystal."""


class UsageError(CrystalError):
    """The request cannot be carried out as it stands."""

    exit_code = 2


class EncoderMismatchError(UsageError):
    """The crystal's vectors were made with another encoder than the one offered."""


class SourceError(CrystalError):
    """A source cannot be read.

    Attributes:
        code: The reason, for programs; the message says it to people.
    """

    exit_code = 3

    def __init__(self, message: str, code: Reason = Reason.UNREADABLE) -> None:
        super().__init__(message)
        self.code = code


class UnsteadySourceError(SourceError):
    """A source could not be read now; the next try may succeed.

    It says nothing about the content of the source.
    """


class MissingFileError(CrystalError):
    """A crystal or a memory file that was named does not exist."""

    exit_code = 3


class NotACrystalError(CrystalError):
    """The file is not a crystal."""

    exit_code = 4


class DamagedCrystalError(NotACrystalError):
    """The file is a crystal and part of it is missing or altered.

    Attributes:
        path: The crystal; None if bytes were decoded without a file.
        what: The damage in words, without the path.
    """

    def __init__(self, path: Path | None, what: str) -> None:
        super().__init__(what if path is None else f"{path} is damaged: {what}")
        self.path = path
        self.what = what


class NewerFormatError(CrystalError):
    """The crystal's format version is newer than this program."""

    exit_code = 5


class ModelMissingError(CrystalError):
    """Model weights are missing and could not be fetched."""

    exit_code = 6


class NotFoundError(CrystalError):
    """The document, or the text, is not in the crystal."""

    exit_code = 7


class StoppedError(CrystalError):
    """The user or the system stopped the command; the message says what is done so far."""

    exit_code = 130
