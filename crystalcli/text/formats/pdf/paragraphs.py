"""Paragraphs from lines, with an empty line between them and broken words joined.

Knows: lines and the words of the document.
Does not know: letters and their places.

A line stays a line, so that a table or a list remains one. The words of the document decide if a
hyphen at the end of a line goes: `exam-` and `ple` are joined if "example" stands elsewhere,
`well-` and `known` keep theirs if "well-known" does; if neither stands, the hyphen stays between
two words that stand alone elsewhere, and goes otherwise.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from crystalcli.text.formats.pdf.page_layout import Line

BROKEN = re.compile(r"([^\W\d_]+)[-‐]$")
GOES_ON = re.compile(r"([^\W\d_]+)")
WORD = re.compile(r"[^\W\d_]+(?:[-‐][^\W\d_]+)*")
MOST_WORDS = 400_000
LEADING = 1.35  # of the usual distance between lines; lines further apart belong to two paragraphs
INDENT = (0.7, 5.0)  # ems by which the first line of a paragraph is set in
STOPS = tuple('.!?:;”"’)]»。！？।۔؟」』')


class Words:
    """Counts of the words of a document as far as it has been read."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, lines: Sequence[str]) -> None:
        """Count the words of lines, without the halves at their ends."""
        if len(self._counts) > MOST_WORDS:
            return
        broken = False
        for line in lines:
            words = WORD.findall(line)
            if broken and words:
                words = words[1:]
            broken = BROKEN.search(line) is not None
            if broken and words:
                words = words[:-1]
            for word in words:
                self._counts[word.lower()] += 1
                if "-" in word or "‐" in word:
                    self._counts.update(part.lower() for part in re.split("[-‐]", word))

    def keeps_hyphen(self, before: str, second: str) -> bool:
        """Return true if `before-second`, broken after the hyphen, is a word with a hyphen.

        Args:
            before: the word before the break; may have hyphens already.
            second: the rest.
        """
        before, second = before.lower(), second.lower()
        first = re.split("[-‐]", before)[-1]
        whole, parted = self._counts[first + second], self._counts[f"{before}-{second}"]
        if whole or parted or before != first:
            return parted >= whole
        return len(first) > 2 and len(second) > 2 and bool(self._counts[first]) and bool(self._counts[second])


def join_lines(before: str, after: str, words: Words) -> tuple[str, str] | None:
    """Return two lines with the word that is broken between them on the first, or None."""
    broken, on = BROKEN.search(before), GOES_ON.match(after)
    if not broken or not on or not on[1][0].islower():
        return None
    tail = re.match(r"\S+", after)
    assert tail is not None  # it begins with a letter
    kept = before if words.keeps_hyphen(WORD.findall(before)[-1], on[1]) else before[:-1]
    return kept + tail[0], after[tail.end() :].lstrip(" ")


def paragraph_text(blocks: Sequence[Sequence[Line]], words: Words) -> list[tuple[float, str]]:
    """Return the lines of a page, each with its base line in points.

    A line ends in a line break, or in an empty line after a paragraph; the last in one break.

    Args:
        blocks: lines in reading order.
        words: words of the document.
    """
    out: list[tuple[float, str]] = []
    for number, block in enumerate(blocks):
        breaks = _breaks(block)
        for index, line in enumerate(block):
            apart = index in breaks or (index == 0 and number > 0 and not _flows_on(out, line))
            if out and apart:
                out[-1] = out[-1][0], out[-1][1] + "\n"
            text = line.text
            if out and not out[-1][1].endswith("\n\n") and (both := join_lines(out[-1][1].rstrip("\n"), text, words)):
                out[-1] = out[-1][0], both[0] + "\n"
                text = both[1]
            if text:
                out.append((line.y, text + "\n"))
    return out


def _flows_on(out: list[tuple[float, str]], line: Line) -> bool:
    """Return true if a sentence goes on from the foot of one column to the head of the next."""
    return bool(out) and line.text[:1].islower() and not out[-1][1].rstrip().endswith(STOPS)


def _breaks(block: Sequence[Line]) -> set[int]:
    """Return the indices of the lines of a block that begin a paragraph, except for the first."""
    steps = [before.y - line.y for before, line in pairwise(block)]
    usual = statistics.median_low([step for step in steps if step > 0] or [1.0])
    out = set()
    for index in range(1, len(block)):
        before, line = block[index - 1], block[index]
        step = before.y - line.y
        em = max(line.size, 0.1)
        # A distance is wide against the usual one, or against closer lines around.
        wide = step > LEADING * max(usual, 0.9 * em) or step < -em
        other_size = not 0.87 < line.size / max(before.size, 0.1) < 1.15 and line.cells == before.cells == 1
        after = block[index + 1] if index + 1 < len(block) else None
        set_in = (
            line.cells == 1
            and INDENT[0] * em < line.x0 - before.x0 < INDENT[1] * em
            and (after is None or INDENT[0] * em < line.x0 - after.x0 < INDENT[1] * em)
            and before.text.endswith(STOPS)
        )
        if wide or (other_size and step > 0.8 * em) or set_in:
            out.add(index)
    return out
