"""The end of a quotation from a manual: the rest of its list or example, without what comes next.

Knows: items of lists, indented blocks and what announces them, headings, targets of links. Does not
know: crystals.
"""

from __future__ import annotations

import re

from crystalcli.text import is_item

_ANNOUNCES = re.compile(r":\s*\Z|\A\s*\.\. [\w-]+::")  # "like this:", ".. code-block:: python"
_BLOCK = 4  # columns by which an example is indented
# At the end: a target, a heading, one with a line below it, white space.
_TRAILING = re.compile(r"\n(?:[ \t]*\.\. _[^\n]*|#{1,6} [^\n]*|[^\n]+\n([=~^#*\"'+.-])\1{3,}[ \t]*|[ \t]*)\Z")


def trailing_matter(quoted: str) -> int:
    """Count the characters of headings and targets that a quotation ends with."""
    end = len(quoted)
    while (match := _TRAILING.search(quoted[:end])) is not None and quoted[: match.start()].strip():
        end = match.start()
    return len(quoted) - end


def block_rest(quoted: str, following: str) -> int:
    """Count the characters behind a quotation that belong to the list or example it ends in.

    Args:
        quoted: The quotation, which ends with a sentence or a line.
        following: What follows it, in whole lines, as far as it may be widened.
    """
    paragraph = re.split(r"\n[ \t]*\n", quoted.rstrip())[-1].splitlines()
    items = [line for line in paragraph if is_item(line)]
    if items:
        return _taken(following, _indent(items[-1]), in_list=True)
    next_line = next((line for line in following.splitlines()[1:] if line.strip()), "")
    is_announced = not following.partition("\n")[0].strip() and _ANNOUNCES.search(paragraph[-1] if paragraph else "")
    if is_announced and _indent(next_line) > _indent(paragraph[-1]):
        return _taken(following, _indent(next_line), in_list=False)
    if is_announced and is_item(next_line):
        return _taken(following, _indent(next_line), in_list=True)
    if len(paragraph) > 1 and _indent(paragraph[-1]) >= _BLOCK <= _indent(next_line):
        return _taken(following, min(_indent(paragraph[-1]), _indent(next_line)), in_list=False)
    return 0


def _taken(following: str, indent: int, *, in_list: bool) -> int:
    """Count the characters up to the first line that is no part of the block."""
    end = position = 0
    is_apart = False  # a blank line has ended the paragraph
    for number, line in enumerate(following.splitlines(keepends=True)):
        position += len(line)
        if not line.strip():
            is_apart = is_apart or number > 0
            continue
        is_part = number == 0 or _indent(line) > indent
        is_part = is_part or (_indent(line) == indent and (not in_list or is_item(line)))
        is_part = is_part or (in_list and not is_apart)  # a line that is wrapped to the margin
        if not is_part:
            break
        end, is_apart = position, False
    return len(following[:end].rstrip())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))
