"""Subtitles (SubRip and WebVTT) as running text: cues joined into sentences, with the times at which they are spoken.

Knows cues, their marks and their times. Does not know which film they belong to.

A cue that goes on with a sentence stands on the same line; a pause, or someone else who speaks, begins a new line. What
automatic captions repeat from one cue to the next stands once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.line_index import piece_lines
from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}|\{[yYbBiIuUsS]:[^}]*\}")
_SENTENCE_END = re.compile(r"[.!?…。！？♪][\"'”’»)\]]*\Z")
_DASH = re.compile(r"[-–‐]\s?(?=\S)")
_PAUSE = 3.0  # seconds between cues: what comes then is said anew
_STRETCH = 10.0  # seconds of talk without the end of a sentence, after which a time is given all the same
_LONGEST = 1000  # lines of a cue


class _Cue(NamedTuple):
    """start, end: seconds. turns: what is said, each by someone else."""

    start: float
    end: float
    turns: tuple[str, ...]


class SubtitlesReading:
    """A file of cues."""

    kind = "subtitles"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """The text, and a "time" landmark where a sentence begins, or after some seconds of one. Raises SourceError."""
        position, marked, ended, before = 0, -_STRETCH, -_PAUSE, ""
        for cue in _cues(piece_lines(decode_pieces(self._request))):
            for number, turn in enumerate(cue.turns):
                is_anew = number > 0 or cue.start - ended > _PAUSE or _is_spoken_by_another(turn, before)
                joint = "" if not position else "\n" if is_anew else " "
                if joint:
                    yield joint
                    position += len(joint)
                if (is_anew and number == 0) or _SENTENCE_END.search(before) or cue.start - marked >= _STRETCH:
                    if int(cue.start) != int(marked) or not position:
                        yield Landmark(position, "time", _clock(cue.start))
                    marked = cue.start
                yield turn
                position += len(turn)
                before = turn
            ended = cue.end
        if not position:
            raise SourceError("no subtitles in it", Reason.NO_TEXT)
        yield "\n"


def _is_spoken_by_another(turn: str, before: str) -> bool:
    """Whether a turn says whose it is, or begins with a dash, where what comes before it has ended."""
    named = re.match(r"(?:[A-ZÀ-Þ][A-ZÀ-Þ .'-]+|[^\s:]{1,30}(?: [^\s:]{1,30}){0,2}): ", turn)
    return bool(named or _DASH.match(turn)) and (not before or bool(_SENTENCE_END.search(before)))


def _cues(lines: Iterator[str]) -> Iterator[_Cue]:
    shown: list[str] = []  # the lines of the cue before, as automatic captions show them again
    until = 0.0
    line: str | None = next(lines, None)
    while line is not None:
        times = _TIMES.match(line)
        if times is None:  # a number, a name, a note, a style
            line = next(lines, None)
            continue
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        held: list[str] = []
        line = next(lines, None)
        while line is not None and line.strip() and not _TIMES.match(line):
            if len(held) < _LONGEST:
                held.append(line)
            line = next(lines, None)
        if line is not None and not line.strip():
            line = next(lines, None)
        elif line is not None and held and held[-1].strip().isdecimal():
            held.pop()  # no empty line between two cues: the number of the next
        said = [text for text in map(_plain, held) if text]
        fresh = said[_overlap(shown, said) :] if start <= until + 0.1 else said
        shown, until = said, end
        if turns := _turns(fresh):
            yield _Cue(start, end, turns)


def _overlap(before: list[str], now: list[str]) -> int:
    """How many lines at the beginning of a cue are the last ones of the cue before it."""
    return next((count for count in range(min(len(before), len(now)), 0, -1) if before[-count:] == now[:count]), 0)


def _turns(lines: list[str]) -> tuple[str, ...]:
    """The lines as one, but for those that begin with a dash where several do: each of them is another's."""
    dashed = sum(_DASH.match(line) is not None for line in lines)
    turns: list[str] = []
    for line in lines:
        if turns and not (dashed > 1 and _DASH.match(line)):
            turns[-1] += " " + line
        else:
            turns.append(line)
    return tuple(turns)


def _plain(line: str) -> str:
    """What is said: without marks, and with who says it, where the marks tell."""
    line = _TAG.sub("", _VOICE.sub(r"\1: ", line))
    return " ".join(html.unescape(line).replace("\u200b", "").split()).removesuffix(":")


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, rest = (part or "0" for part in parts)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int(rest.ljust(3, "0")) / 1000


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
