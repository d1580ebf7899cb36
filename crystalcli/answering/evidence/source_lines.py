"""Lines of source code as they are quoted: whole ones, with what they open, without imports.

Knows: lines, brackets, names, statements of import of common languages. Does not know: crystals.
"""

from __future__ import annotations

import re

from crystalcli.answering.question.phrases import stems

_OPENING, _CLOSING = "([{", ")]}"
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'")
_IMPORT = re.compile(
    r"\s*(?:import\b|from\s+\S+\s+import\b|export\s.*\bfrom\s|use\s+[\w:]+|using\s+[\w.]+\s*;|package\s+[\w.]+"
    r"|#\s*include\b|require(?:_relative)?\b|(?:const|let|var)\s.*=\s*require\()"
)
_COMMENT = re.compile(r"\s*(?:/\*|\*|//|#|--|;|@)")
_ASKS_FOR_IMPORTS = re.compile(r"\b(?:import|includ|depend|requir)\w*", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GOES_ON = re.compile(r"\s*(?:(?:#:?|//+|\*)\s+)?[a-z][\w'’-]*[,;)]?(?: [\w*`(\"'][^=;{}]*){3,}$")
_ENDS = re.compile(r"[.:!?;{(\[]\s*$")
_SENTENCE_WITHIN = re.compile(r"[.!?]\)?\s+[A-Z*`]")
_CODE_SIGNS = re.compile(r"[={}\[\]]|\b(?:return|def|if .*:|for .*:)\s*$")
_FEWEST_WORDS = 4  # of a line of prose
_MOST_REST = 6  # lines in which a statement that began before ends
_FEWEST = 3  # lines of imports that are left out: one or two may be part of an example


def whole_lines(before: str, quoted: str, after: str) -> tuple[int, int]:
    """Tell how much of the text around a quotation makes its lines whole.

    Args:
        before: The text before it.
        quoted: The quotation.
        after: The text after it, as far as it may be widened.

    Returns:
        The characters to add before it, its first line's indentation; and behind it, the rest of
        its last line and the lines that close what it opens. 0 where that is not all in sight.
    """
    indentation = before[before.rfind("\n") + 1 :]
    lead = len(indentation) if not indentation.strip() else 0
    rest = after.partition("\n")[0]
    depth, _ = _brackets(quoted + rest)
    position = len(rest)
    while depth > 0 and position < len(after):
        line = after[position + 1 :].partition("\n")[0]
        depth, _ = _brackets(line, depth)
        position += 1 + len(line)
    return lead, len(after[: position if depth == 0 else len(rest)].rstrip())


def imports_end(text: str, question: str) -> int:
    """Find the first character after the imports that a stretch of source code begins with.

    Args:
        text: The source code.
        question: The question; one about imports is answered by them.

    Returns:
        The beginning of a line, or the end of the text; 0 with few imports.
    """
    if _ASKS_FOR_IMPORTS.search(question):
        return 0
    imports = depth = end = 0
    for line in text.splitlines(keepends=True):
        is_import = bool(depth or _IMPORT.match(line))
        if line.strip() and not is_import:
            break
        if is_import:
            depth, _ = _brackets(line, depth)
            imports += 1
        end += len(line)
    return end if imports >= _FEWEST else 0


def statement_start(text: str) -> int:
    """Find the first line of a stretch of source code that is not inside of brackets opened before.

    Returns:
        The beginning of the line; 0 where brackets are closed only further below, or nothing else
        follows.
    """
    depth = position = start = 0
    for line in text.splitlines(keepends=True)[:_MOST_REST]:
        position += len(line)
        depth, unopened = _brackets(line, depth)
        if unopened:
            start = position
    return start if text[start:].strip() else 0


def prose_lead(text: str, start: int) -> int:
    """Count the characters that lead to the sentence which the lines of a comment go on with.

    Args:
        text: The text around a quotation, as far back as it may be widened.
        start: The first character of the quotation.

    Returns:
        The characters from the beginning of a line above; 0 where the quotation begins a sentence,
        or is no prose, or where its beginning is not in sight.
    """
    line_start = text.rfind("\n", 0, start) + 1
    if text[line_start:start].strip():
        return 0
    first = text[line_start:].partition("\n")[0]
    lines = text[:line_start].splitlines(keepends=True)
    lead = start - line_start
    while _GOES_ON.match(first):
        above = lines.pop() if lines else ""
        if not lines or not _is_prose(above) or _indentation(above) != _indentation(first):
            return 0
        lead += len(above)
        if _SENTENCE_WITHIN.search(above):
            break
        first = above
    return lead if lead > start - line_start else 0


def _is_prose(line: str) -> bool:
    """Tell whether a line is of words, and ends amid a sentence."""
    words = line.split()
    return len(words) >= _FEWEST_WORDS and not _ENDS.search(line) and not _CODE_SIGNS.search(line)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def definition_rest(text: str) -> int:
    """Find the end of what may be quoted of the rest of a definition.

    Args:
        text: The text behind the quotation, up to the next definition or as far as there is room.

    Returns:
        The end of a line, before comments that may be of the next definition; 0 without any.
    """
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()  # it may be a part of a line
    while lines and (not lines[-1].strip() or _COMMENT.match(lines[-1])):
        lines.pop()
    return len("".join(lines).rstrip())


def is_named_in(name: str, question: str) -> bool:
    """Tell whether a question has all words of a name of several, `set_cookie` or `setCookie`."""
    words = stems(_HUMP.sub(" ", name.rpartition(".")[2]))
    return len(words) > 1 and set(words) <= set(stems(_HUMP.sub(" ", question)))


def _brackets(text: str, depth: int = 0) -> tuple[int, int]:
    """Count the brackets that are open after a text; those within a line's strings do not count.

    Args:
        text: The text.
        depth: The brackets that are open before it.

    Returns:
        The brackets that are open; and those that it closes though they were not opened.
    """
    unopened = 0
    for sign in _STRING.sub("", text):
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING and depth:
            depth -= 1
        elif sign in _CLOSING:
            unopened += 1
    return depth, unopened
