"""Reader of subtitles (SubRip and WebVTT): cues joined into sentences, with their times.

Knows cues, their marks and their times. Does not know the film.

A cue that continues a sentence stands on the same line; a pause or another speaker begins a new
line. Lines that automatic captions repeat from one cue to the next stand once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.plain import decode_lines
from crystalcli.text.source.read_request import ReadRequest

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^}]*\}|\{[yYbBiIuUsS]:[^}]*\}")
_SENTENCE_END = re.compile(r"[.!?…。！？।۔؟♪][\"'”’»)\]」』）]*\Z")
_DASH = re.compile(r"[-–‐]\s?(?=\S)")
_PAUSE = 3.0  # seconds between cues after which a new line begins
_MAX_UNTIMED = 10.0  # seconds of a sentence after which a time is given inside it
_MAX_CUE_LINES = 1000


class _Cue(NamedTuple):
    """One cue.

    Attributes:
        start: seconds.
        end: seconds.
        turns: its lines, one for each speaker.
    """

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
        """Yield the text, and a "time" landmark where a sentence begins or goes on for long.

        Raises:
            SourceError: the file has no cues.
        """
        position, marked, ended, previous = 0, -_MAX_UNTIMED, -_PAUSE, ""
        for cue in _cues(decode_lines(self._request)):
            for number, turn in enumerate(cue.turns):
                is_new_line = number > 0 or cue.start - ended > _PAUSE or _changes_speaker(turn, previous)
                joint = "" if not position else "\n" if is_new_line else " "
                if joint:
                    yield joint
                    position += len(joint)
                is_timed = _SENTENCE_END.search(previous) or cue.start - marked >= _MAX_UNTIMED
                if (is_new_line and number == 0) or is_timed:
                    if int(cue.start) != int(marked) or not position:
                        yield Landmark(position, "time", _clock(cue.start))
                    marked = cue.start
                yield turn
                position += len(turn)
                previous = turn
            ended = cue.end
        if not position:
            raise SourceError("no subtitles in it", Reason.NO_TEXT)
        yield "\n"


def _changes_speaker(turn: str, previous: str) -> bool:
    """Tell whether a turn begins with a name or a dash after the end of a sentence."""
    name = re.match(r"(?:[A-ZÀ-Þ][A-ZÀ-Þ .'-]+|[^\s:]{1,30}(?: [^\s:]{1,30}){0,2}): ", turn)
    return bool(name or _DASH.match(turn)) and (not previous or bool(_SENTENCE_END.search(previous)))


def _cues(lines: Iterator[str]) -> Iterator[_Cue]:
    """Parse the cues one by one, without the lines that each repeats from the one before it."""
    shown: list[str] = []  # lines of the cue before, which automatic captions show again
    until = 0.0
    line: str | None = next(lines, None)
    while line is not None:
        times = _TIMES.match(line)
        if times is None:  # a number, a name, a note, a style
            line = next(lines, None)
            continue
        start, end = _seconds(times.groups()[:4]), _seconds(times.groups()[4:])
        raw: list[str] = []
        line = next(lines, None)
        while line is not None and line.strip() and not _TIMES.match(line):
            if len(raw) < _MAX_CUE_LINES:
                raw.append(line)
            line = next(lines, None)
        if line is not None and not line.strip():
            line = next(lines, None)
        elif line is not None and raw and raw[-1].strip().isdecimal():
            raw.pop()  # the number of the next cue, without an empty line before it
        spoken = [text for text in map(_plain, raw) if text]
        fresh = spoken[_overlap(shown, spoken) :] if start <= until + 0.1 else spoken
        shown, until = spoken, end
        if turns := _turns(fresh):
            yield _Cue(start, end, turns)


def _overlap(previous: list[str], lines: list[str]) -> int:
    """Count the first lines of a cue that are the last ones of the cue before it."""
    longest = min(len(previous), len(lines))
    return next((count for count in range(longest, 0, -1) if previous[-count:] == lines[:count]), 0)


def _turns(lines: list[str]) -> tuple[str, ...]:
    """Join the lines of one speaker; where several lines begin with a dash, each is a turn."""
    dashed = sum(_DASH.match(line) is not None for line in lines)
    turns: list[str] = []
    for line in lines:
        if turns and not (dashed > 1 and _DASH.match(line)):
            turns[-1] += " " + line
        else:
            turns.append(line)
    return tuple(turns)


def _plain(line: str) -> str:
    """Return the words of a line without marks, after the name of a speaker in them."""
    line = _TAG.sub("", _VOICE.sub(r"\1: ", line))
    return " ".join(html.unescape(line).replace("\u200b", "").split()).removesuffix(":")


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, rest = (part or "0" for part in parts)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + int(rest.ljust(3, "0")) / 1000


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}"
