"""Text from anywhere as Markdown that means that text: nothing in it is a heading, a link, HTML, or the end of its own quote.

Knows CommonMark and what GitHub adds to it. Knows nothing of answers.
"""

from __future__ import annotations

import re

from crystalcli.cli.terminal.output import harmless

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_SIGNS = re.compile(r"[&<>\\`*_\[\]|~$]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_BEGINNING = re.compile(r"[-+=#]|\d{1,9}(?=[.)])")  # of a line: a list, a rule, a heading or the line under one
_LINE_ENDS = re.compile("[\u2028\u2029]")
_TICKS = re.compile("`+")


def escaped(text: str) -> str:
    """The text on as many lines as it has, each as words and nothing else."""
    return "\n".join(map(_line, _clean(text).split("\n")))


def code(text: str) -> str:
    """The text in one line, as a name in a program."""
    plain = _clean(text).replace("\n", "\N{REPLACEMENT CHARACTER}")
    ticks = "`" * (max(map(len, _TICKS.findall(plain)), default=0) + 1)
    room = " " if plain[:1] in ("`", " ") or plain[-1:] in ("`", " ") else ""
    return f"{ticks}{room}{plain}{room}{ticks}"


def quote(text: str) -> str:
    """Prose in a block quote; its lines stay lines."""
    lines = [_line(line) for line in _clean(text).strip().split("\n")]
    broken = [f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n".join(f"> {line}".rstrip() for line in broken)


def code_quote(text: str) -> str:
    """Lines that stand as they are, in a block quote."""
    plain = _clean(text).strip("\n")
    fence = "`" * max(3, max(map(len, _TICKS.findall(plain)), default=0) + 1)
    return "\n".join(f"> {line}".rstrip() for line in (fence, *plain.split("\n"), fence))


def indented(block: str, columns: int) -> str:
    """The block as a part of a list's item. columns: what the item's number takes."""
    return "\n".join(" " * columns + line if line else "" for line in block.split("\n"))


def _clean(text: str) -> str:
    return _LINE_ENDS.sub(" ", harmless(text))


def _line(line: str) -> str:
    line = line.strip().replace("\t", " ")
    line = _SIGNS.sub(lambda sign: _ENTITIES.get(sign[0], "\\" + sign[0]), line)
    found = _BEGINNING.match(line)
    if found is None:
        return line
    begins = found[0]
    rest = line[len(begins) :]
    return f"{begins}\\{rest}" if begins.isdigit() else f"\\{begins}{rest}"
