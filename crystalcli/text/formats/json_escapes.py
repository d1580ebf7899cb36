r"""Letters in JSON that are written as escapes: a backslash and `u00fc` are ü.

Only letters and signs beyond ASCII are put in their place; `\n`, `\"` and the like stay, so that
the text keeps its lines and is JSON still.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

ESCAPED_SUFFIXES = frozenset((
    ".json", ".json5", ".jsonc", ".jsonl", ".ndjson", ".geojson", ".har", ".webmanifest", ".properties",
))  # fmt: skip
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(?s:.))")
_LONGEST = len(r"\ud83d\ude00")
_FIRST = 0xA0  # the first character that is not a control beyond ASCII


def with_letters(texts: Iterable[str]) -> Iterator[str]:
    """Yield the same text, with letters in place of their escapes.

    Args:
        texts: a document in pieces.
    """
    rest = ""
    for text in texts:
        text = rest + text
        cut = _end_of_escapes(text)
        rest = text[cut:]
        if cut:
            yield _ESCAPE.sub(_letter, text[:cut]) if "\\u" in text else text[:cut]
    if rest:
        yield _ESCAPE.sub(_letter, rest)


def _end_of_escapes(text: str) -> int:
    """Return the offset of an escape that may go on behind the text; else the text's length."""
    if text.find("\\", max(0, len(text) - _LONGEST)) < 0:
        return len(text)
    end = 0
    for match in _ESCAPE.finditer(text):  # from the beginning: a backslash in `\\u0041` begins none
        if match.start() > len(text) - _LONGEST:
            return match.start()
        end = match.end()
    start = text.find("\\", end)
    return start if start >= 0 else len(text)


def _letter(escape: re.Match[str]) -> str:
    high, low, single = escape.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    code = int(single, 16) if single is not None else 0
    return chr(code) if code >= _FIRST and not 0xD800 <= code < 0xE000 else escape[0]
