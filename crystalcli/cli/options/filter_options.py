"""Options that select the files of a folder, for `ingest` and `watch`.

Knows: the options and their syntax. Does not know: how a folder is walked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

if TYPE_CHECKING:
    from crystalcli.text import FileFilter

IncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--include",
        metavar="GLOB",
        help="Read only matching files; patterns as in .gitignore, relative to the folder. Can be repeated.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Leave out matching files and folders, even if --include matches them. Can be repeated.",
    ),
]
MaxFileSizeOption = Annotated[
    str | None,
    typer.Option(
        "--max-file-size",
        metavar="SIZE",
        help="Leave out larger files: 500k, 10M, 1.5GB; 0 for no limit. Default: 100 MB.",
    ),
]
AsUsualOption = Annotated[
    bool,
    typer.Option(
        "--as-usual",
        help="Forget the earlier --include, --exclude and --max-file-size of these folders.",
    ),
]
OcrOption = Annotated[
    bool | None,
    typer.Option(
        "--ocr/--no-ocr",
        help="Recognize the letters in scans and pictures, from now on.",
        show_default=False,
    ),
]


def parse_size(text: str | None) -> int | None:
    """Parse a size in bytes: 250000, 10M, 1.5GB or 64KiB.

    Raises:
        UsageError: the text is not a size.
    """
    from crystalcli.errors import UsageError

    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,9})?)\s*([kmgt]?)(i?)b?\s*", text.lower())
    if match is None or (match[3] and not match[2]):
        raise UsageError(f"invalid --max-file-size {text!r}: write a size like 500k, 10M or 1.5GB")
    power = "kmgt".index(match[2]) + 1 if match[2] else 0
    return round(float(match[1]) * float((1024 if match[3] else 1000) ** power))


def file_filter(
    include: Sequence[str] | None, exclude: Sequence[str] | None, max_file_size: int | None, as_usual: bool
) -> FileFilter | None:
    """Make the filter that the options describe.

    Args:
        include: values of --include.
        exclude: values of --exclude.
        max_file_size: --max-file-size in bytes, 0 for no limit.
        as_usual: whether --as-usual is set.

    Returns:
        The filter; None if no option is set, so that the folder's remembered filter stays in force.

    Raises:
        UsageError: --as-usual goes with another of them.
    """
    from crystalcli.errors import UsageError
    from crystalcli.library import file_filter_of

    choice = file_filter_of(include or None, exclude or None, max_file_size)
    if as_usual and choice is not None:
        raise UsageError("--as-usual cannot be used with --include, --exclude or --max-file-size")
    return file_filter_of(exclude=()) if as_usual else choice


class FilterArguments(TypedDict):
    """The filters as arguments of the methods of `Crystal`."""

    include: Sequence[str] | None
    exclude: Sequence[str] | None
    max_file_size: int | None


def filter_arguments(
    include: Sequence[str] | None, exclude: Sequence[str] | None, max_file_size: int | None, as_usual: bool
) -> FilterArguments:
    """Make the arguments of `Crystal.watch` and `Crystal.forecast`; see `file_filter`."""
    return {
        "include": include or None,
        "exclude": () if as_usual else exclude or None,
        "max_file_size": max_file_size,
    }
