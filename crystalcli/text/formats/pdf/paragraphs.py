"""From lines to running text: paragraphs apart by an empty line, words whole again that were broken over two lines.

Knows lines and the words of the document. Does not know pages' letters. A line stays a line, so that what is a table or a list
remains one. A hyphen at the end of a line goes or stays by what the document itself says: `exam-` and `ple` are joined where
"example" stands elsewhere in it, `well-` and `known` keep theirs where "well-known" does; where it says neither, the hyphen stays
between two words that stand alone elsewhere, and goes otherwise.
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
LEADING = 1.35  # of the usual distance between lines; what is further apart is another paragraph
INDENT = (0.7, 5.0)  # ems by which the first line of a paragraph is set in
STOPS = tuple('.!?:;”"’)]»')


class Words:
    """The words of a document as far as it has been read."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, lines: Sequence[str]) -> None:
        """Note the words of some lines, but not the halves at their ends."""
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
        """Whether `before-second`, broken after the hyphen, is a word with one. `before` may have hyphens already."""
        before, second = before.lower(), second.lower()
        first = re.split("[-‐]", before)[-1]
        whole, parted = self._counts[first + second], self._counts[f"{before}-{second}"]
        if whole or parted or before != first:
            return parted >= whole
        return len(first) > 2 and len(second) > 2 and bool(self._counts[first]) and bool(self._counts[second])


def join_lines(before: str, after: str, words: Words) -> tuple[str, str] | None:
    """The end of one line and the beginning of the next when a word is broken between them: the word goes to the first."""
    broken, on = BROKEN.search(before), GOES_ON.match(after)
    if not broken or not on or not on[1][0].islower():
        return None
    tail = re.match(r"\S+", after)
    assert tail is not None  # it begins with a letter
    kept = before if words.keeps_hyphen(WORD.findall(before)[-1], on[1]) else before[:-1]
    return kept + tail[0], after[tail.end() :].lstrip(" ")


def paragraph_text(blocks: Sequence[Sequence[Line]], words: Words) -> list[tuple[float, str]]:
    """The lines of a page, each with its base line and the line break or the empty line that ends it. The last ends in one break."""
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
    """Whether a sentence goes on from the foot of one column to the head of the next."""
    return bool(out) and line.text[:1].islower() and not out[-1][1].rstrip().endswith(STOPS)


def _breaks(block: Sequence[Line]) -> set[int]:
    """The lines of a block before which a paragraph ends."""
    steps = [before.y - line.y for before, line in pairwise(block)]
    usual = statistics.median_low([step for step in steps if step > 0] or [1.0])
    out = set()
    for index in range(1, len(block)):
        before, line = block[index - 1], block[index]
        step = before.y - line.y
        em = max(line.size, 0.1)
        # A distance is wide against the usual one, or against the lines around where those are closer.
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
