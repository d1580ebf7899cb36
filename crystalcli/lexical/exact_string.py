"""Exact strings of a question: identifiers, quotations, numbers with units, paths.

They are looked for as they are written, beside the terms that they give. Questions of plain words
have none.

Knows: the look of code, quotation marks and units. Does not know: texts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MAX_STRINGS = 8  # of one question
_QUOTED = re.compile(r"“([^“”\n]+)”|\"([^\"\n]+)\"|«([^«»\n]+)»|`([^`\n]+)`|(?<!\w)['‘]([^'‘’\n]{3,})['’](?!\w)")
_PATH = re.compile(
    r"(?<![\w/.~])(?:~?/|\.{1,2}/)?(?:[\w@+.-]+/)+[\w@+-]*\.\w{1,8}(?!\w)|(?<![\w/])~?/[\w.@+-]+/[\w./@+-]*\w"
)
_IDENTIFIER = re.compile(
    r"(?<![\w-])--[a-z][\w-]+|"
    r"(?<![\w.])(?:[^\W\d]\w*(?:\.|::|->))*(?:"
    r"[^\W\d]\w*\(\)|"  # f()
    r"\w*[^\W_]_\w+|_+[^\W\d]\w+|"  # snake_case
    r"[^\W\d]*[a-z][A-Z]\w*|[A-Z]{2,}[a-z]{2,}\w*|"  # camelCase, HTTPServer
    r"(?<=[.:>])[^\W\d]\w+"  # a.b
    r")(?!\w)"
)
_DOTTED = re.compile(r"(?<![\w.@/-])[^\W\d]\w+(?:(?:\.|::)[^\W\d]\w+)+(?![\w@])")
_UNITS = (
    r"%|°[CF]?|‰|[kMGTPµmnc]?(?:m|g|s|l|L|W|V|A|Hz|B|bit|byte|Pa|J|N|eV|Ω|mol)|[KMGT]i?B|[kMGT]bps|min|h|hrs?|hours?|days?|weeks?|"
    r"months?|years?|ms|km/h|mph|ft|in|lbs?|oz|px|pt|dpi|bp|USD|EUR|GBP|dollars?|euros?|pounds?|miles?|metres?|meters?|tons?|tonnes?|"
    r"seconds?|minutes?|bytes?|bits?|tokens?|degrees?|percent|million|billion|trillion|thousand"
)
_MEASURE = re.compile(rf"(?<![\w.,])(?:[$€£] ?\d[\d,]*(?:\.\d+)?|(\d[\d,]*(?:\.\d+)?)([ -]?)({_UNITS})(?!\w))")
_GAP = r"[\s\-‐-―]+"


class ExactString(NamedTuple):
    """A string that is looked for as it is written.

    Attributes:
        text: The string, as the question writes it.
        pattern: Its pattern in a text.
    """

    text: str
    pattern: re.Pattern[str]


def exact_strings(question: str) -> list[ExactString]:
    """Find the exact strings of a question, in order.

    Args:
        question: The question.

    Returns:
        The strings, at most a few; empty for a question of plain words.
    """
    found: dict[str, ExactString] = {}
    rest = question
    for match in _QUOTED.finditer(question):
        text = match[match.lastindex or 0].strip()
        if text:
            found.setdefault(text, ExactString(text, _quotation_pattern(text)))
    rest = _QUOTED.sub(lambda match: " " * len(match[0]), question)
    for match in _PATH.finditer(rest):
        found.setdefault(match[0], ExactString(match[0], _as_written(match[0])))
    rest = _PATH.sub(lambda match: " " * len(match[0]), rest)
    for form in (_IDENTIFIER, _DOTTED):
        for match in form.finditer(rest):
            name = match[0].removesuffix("()")
            found.setdefault(name, ExactString(name, _as_written(name)))
        rest = form.sub(lambda match: " " * len(match[0]), rest)
    for match in _MEASURE.finditer(rest):
        pattern = _as_written(match[0])
        if match[1]:
            unit = re.escape(match[3])
            pattern = re.compile(rf"(?<![\w.,]){re.escape(match[1])}[\s-]?{unit}(?!\w)")
        found.setdefault(match[0], ExactString(match[0], pattern))
    return list(found.values())[:_MAX_STRINGS]


def _as_written(text: str) -> re.Pattern[str]:
    """Make the pattern of a string as a word of its own, its letter case included."""
    before = r"(?<!\w)" if re.match(r"\w", text) else r"(?<![\w-])" if text.startswith("-") else ""
    after = r"(?![\w-])" if text.startswith("-") else r"(?!\w)"
    return re.compile(before + re.escape(text) + after)


def _quotation_pattern(text: str) -> re.Pattern[str]:
    """Make the pattern of quoted words: any letter case and white space, any apostrophes."""
    body = _GAP.join(re.escape(word) for word in re.split(_GAP, text) if word)
    body = re.sub(r"['’]", "['’]", body)
    before, after = (r"(?<!\w)" if text[0].isalnum() else ""), (r"(?!\w)" if text[-1].isalnum() else "")
    return re.compile(before + body + after, re.IGNORECASE)
