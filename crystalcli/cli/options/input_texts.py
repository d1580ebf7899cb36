"""Texts that come with a question: the question itself through a pipe, a system message, a template. Not what they are for."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from crystalcli.cli.terminal.output import output
from crystalcli.errors import SourceError, UsageError
from crystalcli.paths import expanded

LONGEST = 100_000  # bytes: more is a document, and belongs into a crystal


def from_stdin() -> str:
    """The question that stands in standard input. Raises UsageError where there is none that can be asked."""
    if sys.stdin is None:
        raise UsageError("standard input is closed: give the question as an argument")
    if sys.stdin.isatty():
        output.note("reading the question typed here, up to Ctrl-D")
    question = _text(sys.stdin.buffer.read(LONGEST + 1), "the question in standard input").strip()
    if not question:
        raise UsageError("the question in standard input is empty")
    return question


def text_or_file(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The text itself, or what the file holds that stands after an @."""
    if value is None or not value.startswith("@"):
        return value
    return _file(Path(value[1:]), f"the file of {parameter.opts[0]}")


def text_of_file(context: click.Context, parameter: click.Parameter, value: Path | None) -> str | None:
    """What the file holds."""
    return None if value is None else _file(value, f"the file of {parameter.opts[0]}")


def _file(path: Path, what: str) -> str:
    try:
        with expanded(path).open("rb") as file:
            data = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    return _text(data, what).rstrip("\n")


def _text(data: bytes, what: str) -> str:
    if len(data) > LONGEST:
        raise UsageError(f"{what} has more than {LONGEST // 1000} kB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise UsageError(f"{what} is not text in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
