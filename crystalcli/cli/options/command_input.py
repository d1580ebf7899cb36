"""Input of commands beside their options: questions, texts in files, a piped document.

Knows: standard input, limits of size, UTF-8. Does not know: what the texts are for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cli.terminal.output import output
from crystalcli.errors import SourceError, UsageError
from crystalcli.paths import expanded

if TYPE_CHECKING:
    from crystalcli.text import FoundFile

MAX_TEXT_BYTES = 100_000  # a longer text is a document, and belongs into a crystal


def join_words(words: Sequence[str] | None) -> str | None:
    """Join the words of a question that was not quoted; None for no words."""
    return " ".join(words) if words else None


def read_question() -> str:
    """Read the question in standard input.

    Raises:
        UsageError: standard input is closed, empty, too long or not text.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed: give the question as an argument")
    if sys.stdin.isatty():
        output.note("reading the question typed here, up to Ctrl-D")
    question = _decode(sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "the question in standard input").strip()
    if not question:
        raise UsageError("the question in standard input is empty")
    return question


def read_told_text(words: Sequence[str] | None) -> str:
    """Return the words of a memory, or what is in standard input for `-`.

    Raises:
        UsageError: standard input is closed, too long or not text.
    """
    if list(words or ()) != ["-"]:
        return " ".join(words or ())
    if sys.stdin is None:
        raise UsageError("standard input is closed: give the text as an argument")
    if sys.stdin.isatty():
        output.note("reading the note typed here, up to Ctrl-D")
    return _decode(sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "the note in standard input")


def read_text_or_file(value: str | None, option: str) -> str | None:
    """Return the text itself, or the text of the file named behind an @.

    Args:
        value: the option's value.
        option: its name, for messages.
    """
    if value is None or not value.startswith("@"):
        return value
    return read_text_file(Path(value[1:]), option)


def read_text_file(path: Path | None, option: str) -> str | None:
    """Return a file's text without the newlines at its end; None for no path.

    Args:
        path: the file.
        option: name of the option that names it, for messages.

    Raises:
        SourceError: the file cannot be read.
        UsageError: it is too long or not text.
    """
    if path is None:
        return None
    try:
        with expanded(path).open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    return _decode(data, f"the file of {option}").rstrip("\n")


def piped_document(
    paths: Sequence[str], name: str | None, max_bytes: int | None, ocr: bool = False
) -> AbstractContextManager[FoundFile | None]:
    """Keep standard input as a document in the block if the only path is `-`; else yield None.

    Args:
        paths: the paths to ingest.
        name: the document's name; None for the default.
        max_bytes: largest size; None for the default, 0 for no limit.
        ocr: whether letters in a picture of text are recognized.

    Raises:
        UsageError: the name or other paths do not go with `-`.
        SourceError: standard input holds nothing.
    """
    if "-" not in paths:
        if name is not None:
            raise UsageError("--name is for a document from standard input: give - as the path")
        return nullcontext()
    if len(paths) > 1:
        raise UsageError("- for standard input goes with no other path")
    if sys.stdin is None:
        raise SourceError("standard input is closed")
    from crystalcli.ingest import STDIN_NAME, spool_stream
    from crystalcli.text import DEFAULT_MAX_FILE_SIZE

    if sys.stdin.isatty():
        output.note("reading what is typed here, up to Ctrl-D")
    size = DEFAULT_MAX_FILE_SIZE if max_bytes is None else max_bytes
    return spool_stream(sys.stdin.buffer, name if name is not None else STDIN_NAME, size, ocr=ocr)


def _decode(data: bytes, what: str) -> str:
    if len(data) > MAX_TEXT_BYTES:
        raise UsageError(f"{what} has more than {MAX_TEXT_BYTES // 1000} kB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{what} is not text in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
