"""Encoded data in texts: pictures and keys in base64, which have letters and no words.

They are told by their alphabet and its mixture, or by `base64,` before them. Knows a stream of
text. Does not know chunks nor tokens.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import Landmark

_MIN_LINE = 50  # characters of a line of such data, but for the last
_MIN_STATED = 128  # characters of data behind `base64,`
_MIN_LENGTH = 256  # characters of data that nothing announces
_DECIDED = 1 << 13  # characters of a run that need not end to be judged
SLICE = 1 << 14  # characters of data in one piece
_LETTERS = string.ascii_letters + string.digits + "+/_-"
_LETTER = "[A-Za-z0-9+/_-]"
# No possessive group: Python before 3.11.5 takes a line too much (python/cpython#106052).
_LINES = rf"(?:\r?\n[ \t]?{_LETTER}{{{_MIN_LINE},}}+={{0,2}})*(?:\r?\n[ \t]?{_LETTER}{{1,{_MIN_LINE - 1}}}={{1,2}})?"
_IS_LETTER = bytes(chr(byte) in _LETTERS for byte in range(256))
_LONG_WORD = b"\1" * _MIN_LINE
_RUN = re.compile(rf"(?<!{_LETTER}){_LETTER}{{{_MIN_LINE},}}+={{0,2}}{_LINES}")
_REST_OF_RUN = re.compile(rf"{_LETTER}*+={{0,2}}{_LINES}")
_END = 3 + _MIN_LINE + 2  # characters behind a run that show whether another line of it follows
_STATED = re.compile(r"base64,\s{0,4}\Z|ENCODING=B(?:ASE64)?\b[^:\n]{0,60}:\s{0,4}\Z", re.IGNORECASE)
_STATED_LENGTH = 100  # characters before a run in which that is said
_HEX = re.compile(r"[0-9a-fA-F\s]*\Z")
_TURN = re.compile(r"[a-z][A-Z0-9]|[A-Z0-9][a-z]")


class EncodedText(str):
    """A piece of encoded data."""

    __slots__ = ()


def split_encoded(texts: Iterable[str | Landmark]) -> Iterator[str | EncodedText | Landmark]:
    """Pass on a stream of text, with encoded data in pieces of its own.

    The pieces in which the text comes do not matter. A landmark ends the data before it.

    Args:
        texts: a reading's pieces.
    """
    run = _Run()
    for text in texts:
        if isinstance(text, Landmark):
            yield from run.feed("", final=True)
            yield text
        else:
            yield from run.feed(text, final=False)
    yield from run.feed("", final=True)


class _Run:
    """A scanner of a stream, with what cannot be judged yet."""

    def __init__(self) -> None:
        self._rest = ""
        self._before = ""  # the end of the text that was passed on
        self._is_data: bool | None = None  # of the run in which the rest begins; None: in none

    def feed(self, text: str, *, final: bool) -> Iterator[str | EncodedText]:
        """Yield what can be judged of the text so far.

        Args:
            text: more of it.
            final: nothing of it follows.
        """
        text = self._rest + text
        start = 0
        if self._is_data is None and not _has_long_word(text):
            start = len(text) if final else _last_word(text)
            yield from self._passed(text[:start])
        while start < len(text) or (final and self._is_data is not None):
            match = _REST_OF_RUN.match(text, start) if self._is_data is not None else _RUN.search(text, start)
            if match is None:
                end = len(text) if final else max(start, _last_word(text))
                yield from self._passed(text[start:end])
                start = end
                break
            if self._is_data is None:
                yield from self._passed(text[start : match.start()])
                start = match.start()
            has_ended = final or match.end() + _END < len(text)
            if not has_ended and (self._is_data is None and match.end() - start < _DECIDED):
                break
            if self._is_data is None:
                self._is_data = _is_data(match[0], self._before)
            end = match.end() if has_ended else max(start, match.end() - _END)
            if self._is_data:
                while end - start >= SLICE or (has_ended and start < end):
                    yield EncodedText(text[start : min(end, start + SLICE)])
                    start = min(end, start + SLICE)
                if start == end or has_ended:
                    self._before = ""
            else:
                yield from self._passed(text[start:end])
                start = end
            if not has_ended:
                break
            self._is_data = None
        self._rest = text[start:]

    def _passed(self, text: str) -> Iterator[str]:
        if text:
            self._before = (self._before + text)[-_STATED_LENGTH:]
            yield text


def _is_data(run: str, before: str) -> bool:
    """Tell whether a run of letters is encoded data.

    Args:
        run: of its alphabet, at least the first characters.
        before: the text before it.
    """
    if _STATED.search(before) and len(run) >= _MIN_STATED:
        return True
    head = run[:_MIN_LENGTH]
    if len(head) < _MIN_LENGTH:
        return False
    if _HEX.match(head) and len(set(head)) > 8 and not head.isdecimal():
        return True
    upper, lower, digits = (sum(map(test, head)) for test in (str.isupper, str.islower, str.isdecimal))
    is_mixed = min(upper, lower) > len(head) // 10 and digits > len(head) // 40
    return is_mixed and len(_TURN.findall(head)) > len(head) // 10


def _has_long_word(text: str) -> bool:
    return _LONG_WORD in text.encode("ascii", "replace").translate(_IS_LETTER)  # fifty times a regex's speed


def _last_word(text: str) -> int:
    """Return the offset of the last word, which may go on; of a long one, of its last letters."""
    low = max(text.rfind(space) for space in " \n\t\r") + 1
    return low if len(text) - low < _DECIDED else max(low, len(text.rstrip(_LETTERS)))
