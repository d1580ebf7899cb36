"""Headings and headers of tables in a Markdown text.

Knows the two ways to write a heading (`# so`, or underlined with `===` or `---`), and the places
where a line only looks like one: fenced code, comments, the front matter. Does not know files, and
does not render: a heading's text stays as written, links reduced to their words. A landmark carries
the headings above it too, by their levels; another one the names of a table's columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.datatypes import TABLE_JOINT, Landmark
from crystalcli.text.document.markdown_row import is_table_rule, row_cells
from crystalcli.text.document.outline import MAX_LABEL_LENGTH, Outline, scanned_parts, split_at_landmarks

NEWLINE = re.compile(r"\r\n?|\n")
HASHES = re.compile(r" {0,3}#{1,6}(?:[ \t]+|$)")
UNDERLINE = re.compile(r" {0,3}(?:=+|-{2,})[ \t]*$")
FENCE = re.compile(r" {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$")
COMMENT = re.compile(r" {0,3}<!--")
# Attributes behind a heading, as Pandoc, Quarto and kramdown write them: `{#sec-ice .unnumbered}`.
_ATTRIBUTES = re.compile(r"\s*\{(?::?\s*[#.][^{}]{0,200}|-)\}$")
# Lines that an underline does not make a heading of: indented code, quotes, tables, tags, lists,
# rules and underlines themselves.
NO_PARAGRAPH = re.compile(r" {4}|\t| {0,3}(?:[>|<]|[-+*](?:[ \t]|$)|\d+[.)][ \t]|(?:[-*_=][ \t]*)+$)")
FRONT_MATTER = re.compile(r"(?:[\w.-]+\s*[:=]|[ \t#}\]]|- |$)")
FRONT_TITLE = re.compile(r"""title\s*[:=]\s*(["']?)(.+?)\1\s*$""")
LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
MAX_FRONT_MATTER = 4_000  # lines; one that does not end by then was a rule and some text
MAX_LINE_LENGTH = 1 << 16  # characters; a longer line is passed on before its end is seen

Heading = tuple[int, int, str]  # offset, level from 1, and text; level 0: the names of a table's columns


def with_headings(texts: Iterable[str], outline: Outline | None = None) -> Iterator[str | Landmark]:
    """Yield the same text, split so that a Landmark stands before the line of each heading.

    Args:
        texts: a document in pieces.
        outline: the headings before it. None: it begins without.
    """
    outline = outline or Outline()
    for part, headings, start in scanned_parts(texts, _Scanner().scan):
        yield from _split(part, headings, start, outline)


def markdown_title(head: str, whole: bool) -> str:
    """Return the title in the front matter, or else the first heading.

    Args:
        head: the beginning of the document.
        whole: the document ends with it.
    """
    scanner = _Scanner()
    headings, _ = scanner.scan(head, final=whole)
    return scanner.title or next((label for _, level, label in headings if level), "")


def _split(text: str, headings: list[Heading], start: int, outline: Outline) -> Iterator[str | Landmark]:
    marks = (
        (offset, "heading", outline.enter(level, label)) if level else (offset, "table", label)
        for offset, level, label in headings
    )
    return split_at_landmarks(text, marks, start)


class _Scanner:
    """A pass through a text, line by line, that remembers the block around each line."""

    def __init__(self) -> None:
        self.title = ""  # from the front matter
        self._matter = ""  # the line that ends the front matter, while in it
        self._matter_lines = -1  # lines of it that were seen; -1 before the first line
        self._is_blank = False  # the line of front matter above is empty
        self._fence = ""  # the marks that opened a block of code, while in it
        self._in_comment = False
        self._in_paragraph = False
        self._in_long_line = False
        self._line_above = ""
        self._is_at_names = False  # the line above is the rule below them
        self._names = ""  # of the columns of the table that the line above may be in

    def scan(self, text: str, *, final: bool) -> tuple[list[Heading], int]:
        """Find the headings in the lines that can be judged.

        A line without its end cannot be judged yet, nor the one before it if an underline may
        follow. The next call takes these, and more.

        Args:
            text: the part of the document that is not judged yet.
            final: the document ends with it.

        Returns:
            The headings, and the characters judged.
        """
        headings: list[Heading] = []
        ends = [newline.end() for newline in NEWLINE.finditer(text)]
        ended = ends[-1] if ends else 0
        lines = list(zip([0, *ends], ends, strict=False))
        if final and ended < len(text):
            lines.append((ended, len(text)))
        is_long = not final and len(text) - ended > (0 if self._in_long_line and not lines else MAX_LINE_LENGTH)
        for index, (start, end) in enumerate(lines):
            if self._in_long_line:  # this is its end
                self._in_long_line = False
                continue
            line = text[start:end].rstrip("\r\n")
            is_aside = self._is_aside(line)
            if self._names or "|" in line:
                headings += self._table_mark(start, "" if is_aside else line)
            above, self._line_above = self._line_above, line
            if is_aside:
                self._in_paragraph = False
            elif (hashes := HASHES.match(line)) is not None:
                self._in_paragraph = False
                if label := _label(line[hashes.end() :], closed=True):
                    headings.append((start, line.count("#", 0, len(line) - len(line.lstrip(" #"))), label))
            elif not line.strip() or NO_PARAGRAPH.match(line):
                self._in_paragraph = False
            elif not self._in_paragraph:
                if index + 1 < len(lines):
                    below_start, below_end = lines[index + 1]
                    if UNDERLINE.match(below := text[below_start:below_end].rstrip("\r\n")):
                        headings.append((start, 1 if "=" in below else 2, _label(line)))
                        continue
                elif not (final or is_long):
                    self._line_above = above
                    return headings, start
                self._in_paragraph = True
        if is_long:
            self._in_long_line = True
            self._in_paragraph = False
        return headings, len(text) if final or is_long else ended

    def _table_mark(self, start: int, line: str) -> Iterator[Heading]:
        """Yield the names of a table's columns above its first row, and "" behind its last."""
        if "|" in line and is_table_rule(line):
            names = row_cells(self._line_above)
            if len(names) == len(row_cells(line)) > 1 and any(names):
                self._names = TABLE_JOINT.join(name.replace("\\|", "/") for name in names)
                self._is_at_names = True
        elif self._names and "|" in line and line.strip():
            if self._is_at_names:
                yield start, 0, self._names
            self._is_at_names = False
        elif self._names:
            if not self._is_at_names:
                yield start, 0, ""
            self._names = ""

    def _is_aside(self, line: str) -> bool:
        """Tell whether a line is part of front matter, a block of code or a comment."""
        bare = line.rstrip()
        self._matter_lines += 1
        if self._matter_lines == 0 and bare in ("---", "+++"):
            self._matter = bare
            return True
        if self._matter:
            if bare in (self._matter, "..."):
                self._matter = ""
                return True
            # Two empty lines are in no front matter: it was a rule and some text.
            is_over = not bare and self._is_blank
            self._is_blank = not bare
            if self._matter_lines < MAX_FRONT_MATTER and not is_over and FRONT_MATTER.match(line):
                if (title := FRONT_TITLE.match(line)) is not None and not self.title:
                    self.title = _label(title[2])
                return True
            self._matter = ""
        if self._in_comment:
            self._in_comment = "-->" not in line
            return True
        if self._fence:
            marks = bare.lstrip(" ")
            if len(bare) - len(marks) <= 3 and len(marks) >= len(self._fence) and not marks.strip(self._fence[0]):
                self._fence = ""
            return True
        if (fence := FENCE.match(line)) is not None:
            self._fence = fence[1] or fence[2]
            return True
        if COMMENT.match(line):
            self._in_comment = "-->" not in line
            return True
        return False


def _label(text: str, closed: bool = False) -> str:
    text = text.strip()
    if closed:  # `# so #`, but not `# C#`
        without = text.rstrip("#")
        if not without or without[-1] in " \t":
            text = without
    text = _ATTRIBUTES.sub("", text)
    return " ".join(LINK.sub(r"\1", text).split())[:MAX_LABEL_LENGTH].rstrip()
