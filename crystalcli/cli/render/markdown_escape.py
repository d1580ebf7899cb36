"""Escapes that make Markdown show any text as it is, without heading, link or HTML.

Knows: CommonMark and what GitHub adds to it. Does not know: answers.
"""

from __future__ import annotations

import re

from crystalcli.cli.terminal.output import sanitize

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SIGNS = re.compile(r"[&<>\\`*_\[\]|~$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
# The beginning of a line that is a list, a rule, a heading or the line under one.
_BEGINNING = re.compile(r"[-+=#]|\d{1,9}(?=[.)])")
_LINE_ENDS = re.compile("[\u2028\u2029]")
_TICKS = re.compile("`+")


def escape_markdown(text: str) -> str:
    """Escape a text line by line, so that each line shows its words and nothing else."""
    return "\n".join(map(_line, _clean(text).split("\n")))


def code_span(text: str) -> str:
    """Write a text in one line as code."""
    plain = _clean(text).replace("\n", "\N{REPLACEMENT CHARACTER}")
    ticks = "`" * (max(map(len, _TICKS.findall(plain)), default=0) + 1)
    room = " " if plain[:1] in ("`", " ") or plain[-1:] in ("`", " ") else ""
    return f"{ticks}{room}{plain}{room}{ticks}"


def block_quote(text: str) -> str:
    """Write prose as a block quote; its lines stay lines."""
    lines = [_line(line) for line in _clean(text).strip().split("\n")]
    broken = [f"{line}\\" if line and later else line for line, later in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {line}".rstrip() for line in broken)


def code_quote(text: str) -> str:
    """Write lines as they are in a block quote."""
    plain = _clean(text).strip("\n")
    fence = "`" * max(3, max(map(len, _TICKS.findall(plain)), default=0) + 1)
    return "\n".join(f"> {line}".rstrip() for line in (fence, *plain.split("\n"), fence))


def indent_block(block: str, columns: int) -> str:
    """Indent a block as a part of a list's item.

    Args:
        block: Markdown.
        columns: width of the item's number.
    """
    return "\n".join(" " * columns + line if line else "" for line in block.split("\n"))


def _clean(text: str) -> str:
    return _LINE_ENDS.sub(" ", sanitize(text))


def _line(line: str) -> str:
    line = line.strip().replace("\t", " ")
    line = _SIGNS.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), line)
    match = _BEGINNING.match(line)
    if match is None:
        return line
    head = match[0]
    rest = line[len(head) :]
    return f"{head}\\{rest}" if head.isdigit() else f"\\{head}{rest}"
