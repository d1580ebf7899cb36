"""A command's help as plain text of any width: lines are wrapped, and none is cut.

Knows: nothing but the page and the number of columns.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Sequence

from crystalcli.cli.parsing.command_page import CommandPage

_WIDEST = 100  # columns of text
_NARROWEST = 20
_PIPED = 80  # columns where no terminal and no $COLUMNS says how many there are
_SIDE_BY_SIDE = 60  # columns from which names and their help stand side by side
_NAMES = 26  # columns that names may take then; help of a longer one begins on the next line


def render_help(page: CommandPage, columns: int | None = None) -> str:
    """Write a command's page as its help.

    Args:
        page: the command's page.
        columns: width of a line; None: that of the terminal.
    """
    width = max(_NARROWEST, min(_WIDEST, columns or _columns()))
    parts = [_wrapped(f"Usage: {page.path} {page.usage}", width, hanging=7)]
    parts += [_wrapped(paragraph, width) for paragraph in page.paragraphs]
    tables = (("Arguments", page.arguments), *page.panels, ("Options", page.options))
    commands = max((len(name) for _, rows in page.panels for name, _ in rows), default=0)
    parts += [f"{title}:\n{_table(rows, width, commands)}" for title, rows in tables if rows]
    if page.examples:
        blocks = (
            f"{_wrapped(example.purpose, width, 2)}\n{_command_line(example.line, width)}" for example in page.examples
        )
        parts.append("Examples:\n" + "\n".join(blocks))
    return "\n\n".join(parts) + "\n"


def _columns() -> int:
    return shutil.get_terminal_size((_PIPED, 24)).columns if os.environ.get("COLUMNS") or _on_terminal() else _PIPED


def _on_terminal() -> bool:
    try:
        return os.isatty(1)
    except OSError:
        return False


def _wrapped(text: str, width: int, indent: int = 0, hanging: int = 0) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _table(rows: Sequence[tuple[str, str]], width: int, least: int) -> str:
    """Write names with their help, side by side where there is room, else one below the other.

    Args:
        rows: name and help of each.
        width: columns of a line.
        least: columns for names at least, so that the commands of all panels are aligned.
    """
    if width < _SIDE_BY_SIDE:
        return "\n".join(f"{_wrapped(name, width, 2, 4)}\n{_wrapped(text, width, 6)}" for name, text in rows)
    column = 2 + max(least, *(min(len(name), _NAMES) for name, _ in rows)) + 2
    lines = []
    for name, text in rows:
        help_lines = _wrapped(text, width, column)
        if len(name) <= column - 4:
            lines.append(f"  {name}".ljust(column) + help_lines[column:])
        else:
            lines.append(f"{_wrapped(name, width, 2, 4)}\n{help_lines}")
    return "\n".join(lines)


def _command_line(line: str, width: int) -> str:
    """Indent a command line; break a long one behind a backslash, so that it can be copied."""
    lines = textwrap.wrap(line, width - 6, break_long_words=False, break_on_hyphens=False)
    # A quoted argument stays whole.
    if any(part.count('"') % 2 or part.count("'") % 2 for part in lines):
        lines = [line]
    return "\n".join(
        " " * (4 if number == 0 else 6) + part for number, part in enumerate(" \\\n".join(lines).split("\n"))
    )
