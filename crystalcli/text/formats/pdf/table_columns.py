"""Columns of a table on a page: which cells of its rows stand below one another, and their names.

Knows: places of cells and the look of values. Values stand in line on their left or right, or lie
below one another.
Does not know: which rows are a table (page_tables), rules that a page draws (ruled_tables).
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.formats.pdf.glyphs import Fragment
from crystalcli.text.formats.pdf.page_layout import line_of
from crystalcli.text.formats.pdf.short_columns import CELL_GAP
from crystalcli.text.formats.pdf.special_rows import Row

IN_LINE = 3.0  # points, between cells that begin or end below one another
LABEL_EDGE = 4.0  # ems from the left end of a table, in which its first column begins
OVERLAP = 0.2  # of the narrower of two cells, for one to stand below the other
FEWEST_ALIKE = 0.5  # of the rows that have a cell in each column
COVERED = 0.5  # of a column's width, for a name to stand over it
BESIDE = 12.0  # points, between a column and its name at most
HALF_WAY = 1.5  # how much further away a column may be than another, for a name over both
CENTERED = 0.12  # of the width of columns, by which a name over all of them may be off their middle
MOST_COLUMNS = 64
MOST_PARTS = 32  # fragments of a cell that may be cut
NAMED = 0.75  # of the columns of values, at least
_SIGNS = "$€£¥"
_CURRENCY = re.compile(rf"(?:[A-Z]{{2,3}})?[{_SIGNS}]")
# A sign at the end of a cell belongs to the value in the next.
_SIGN_BEHIND = re.compile(rf"(.*[\d)%—–-])\s*([{_SIGNS}])")
_SIGN_APART = re.compile(rf"(\(?[{_SIGNS}])\s+(?=[\d.(—–-])")
_BELONGS_BEFORE = re.compile(r"[%)]{1,2}")
_VALUE = re.compile(
    rf"[-−–—+~<>]?\s?\(?\s?(?:[A-Z]{{0,3}}[{_SIGNS}])?\s?[-−–—+(]?\s?(?:\d[\d.,'’]*|\.\d+)\s?[)%‰°x]{{0,3}}\s?[)%]?"
    rf"(?:\s?[{_SIGNS}])?"
    rf"(?:\s?(?:\[\d+\]|\(\d\)|[*†‡]))?|[{_SIGNS}]?\s?[-−–—]{{1,3}}\s?%?|\*{{1,3}}|n/?[am]|n\.[am]\.|nil",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}|[\u3040-\u9fff\uac00-\ud7af]|%")
_PERIOD = re.compile(r"\b(?:ended|ending|months?|weeks?|days?|quarters?|years?|halves|half)\b", re.IGNORECASE)
_HAS_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
# What stands among the names of columns and names none.
_NO_NAME = re.compile(
    r"\(?[^()]*\b(?:in|of) (?:thousands|millions|billions)\b.*|\((?:un)?audited\)|[_\W]*", re.IGNORECASE
)
_YEAR = re.compile(r"(?:fy\s?)?(?:19|20)\d\d[ae]?", re.IGNORECASE)


class PlacedCell(NamedTuple):
    """A cell of a row.

    Attributes:
        x0: left end, in points; of a value without its currency.
        x1: right end.
        text: what it says.
        parts: its fragments.
    """

    x0: float
    x1: float
    text: str
    parts: tuple[Fragment, ...] = ()


Spans = Sequence[tuple[float, float]]  # left and right ends of columns, in points


def cells_of(row: Row) -> list[PlacedCell]:
    """Return the cells of a row; signs of currency and percent are with their numbers."""
    groups: list[Row] = [[row[0]]]
    end = row[0].x1
    for before, fragment in pairwise(row):
        if fragment.x0 - end > CELL_GAP * min(before.size, fragment.size):
            groups.append([fragment])
        else:
            groups[-1].append(fragment)
        end = max(end, fragment.x1)
    return _with_signs([_cell_of(group) for group in groups])


def _cell_of(parts: Row) -> PlacedCell:
    return PlacedCell(parts[0].x0, max(part.x1 for part in parts), line_of(parts).text, tuple(parts))


def _with_signs(cells: Sequence[PlacedCell]) -> list[PlacedCell]:
    out: list[PlacedCell] = []
    sign = ""
    for cell in cells:
        if _CURRENCY.fullmatch(cell.text) and not sign:
            sign = cell.text
            continue
        if out and not sign and _BELONGS_BEFORE.fullmatch(cell.text):
            out[-1] = out[-1]._replace(x1=cell.x1, text=out[-1].text + cell.text)
            continue
        text, x1, next_sign = cell.text, cell.x1, ""
        if behind := _SIGN_BEHIND.fullmatch(text):
            x1 -= (cell.x1 - cell.x0) * (1 - len(behind[1]) / len(text))
            text, next_sign = behind[1], behind[2]
        out.append(cell._replace(x1=x1, text=_SIGN_APART.sub(r"\1", sign + (" " if len(sign) > 1 else "") + text)))
        sign = next_sign
    if sign and out:
        out[-1] = out[-1]._replace(text=f"{out[-1].text} {sign}")
    return out or list(cells)


def is_value(text: str) -> bool:
    """Tell whether a cell holds a number, an amount, a share, or a sign that there is no such."""
    return _VALUE.fullmatch(text) is not None


def is_year(text: str) -> bool:
    """Tell whether a cell is a year, which may name a column of numbers."""
    return _YEAR.fullmatch(text) is not None


class Columns:
    """The columns of a table.

    Attributes:
        spans: left and right ends of each, from the left.
        has_label: the first column says what a row is about.
    """

    def __init__(self, spans: Spans, *, has_label: bool) -> None:
        self.spans = spans
        self.has_label = has_label

    @property
    def first_value(self) -> int:
        """The number of the first column that is no label."""
        return int(self.has_label)

    def place(self, cells: Sequence[PlacedCell]) -> dict[int, str] | None:
        """Return the text in each column by its number, or None if cells do not fit.

        A cell that reaches into further columns is cut where a part of it stands in line with one.
        """
        out: dict[int, str] = {}
        for column, text in self._placed(cells):
            if column in out:
                return None
            out[column] = text
        return dict(sorted(out.items()))

    def _placed(self, cells: Sequence[PlacedCell]) -> Iterator[tuple[int, str]]:
        for index, cell in enumerate(cells):
            if self.has_label and index == 0 and self._is_label(cell):
                yield from self._cut(cell, 0)
            else:
                yield from self._cut(cell, self._column(cell))

    def _is_label(self, cell: PlacedCell) -> bool:
        left, right = self.spans[0]
        return cell.x0 < right and not (is_value(cell.text) and cell.x0 > left + IN_LINE)

    def _cut(self, cell: PlacedCell, column: int) -> Iterator[tuple[int, str]]:
        for at in range(1, len(cell.parts) if len(cell.parts) <= MOST_PARTS else 0):
            part = cell.parts[at]
            later = self._column(_cell_of(list(cell.parts[at:])))
            left, right = self.spans[later]
            in_line = abs(part.x0 - left) < IN_LINE or abs(cell.x1 - right) < IN_LINE
            if later > column and in_line:
                yield column, line_of(list(cell.parts[:at])).text
                yield from self._cut(_cell_of(list(cell.parts[at:])), later)
                return
        yield column, cell.text

    def _column(self, cell: PlacedCell) -> int:
        """Return the column in line with a cell, or else the one that it overlaps most."""
        first = self.first_value
        for column, (left, right) in enumerate(self.spans[first:], first):
            if abs(cell.x0 - left) < IN_LINE or abs(cell.x1 - right) < IN_LINE:
                return column
        return max(range(first, len(self.spans)), key=lambda column: _shared(cell, self.spans[column]))

    def names_over(self, header: Sequence[Sequence[PlacedCell]]) -> tuple[dict[int, str], list[str]]:
        """Return the names of value columns that header rows give, and those of the label column.

        Args:
            header: cells of each row, the upper first.
        """
        over = [[cell for at, cell in enumerate(row) if not self._is_over_label(cell, at)] for row in header]
        labels = [row[0].text for row, values in zip(header, over, strict=True) if len(values) < len(row)]
        over = [[cell for cell in row if not _NO_NAME.fullmatch(cell.text)] for row in over]
        fullest = max(range(len(over)), key=lambda number: (len(over[number]), number), default=0)
        over = [
            [part for cell in row for part in self._names_in(cell, may_part_words=number >= fullest)]
            for number, row in enumerate(over)
        ]
        names: dict[int, list[str]] = {}
        # From the row next to the values upwards: names show how wide columns are, values may not.
        columns = self
        for number in range(len(over) - 1, -1, -1):
            row, below = over[number], over[number + 1] if number + 1 < len(over) else []
            if not row:
                continue
            groups = columns._groups_below(row) if columns._may_span(over, number) else None
            named = [columns._overlapped(cell, must_touch=number >= fullest) for cell in row]
            if groups and not _is_stack(row, groups, below):
                named = groups
            for cell, found in zip(row, named, strict=True):
                for column in found:
                    names.setdefault(column, []).insert(0, cell.text)
            columns = columns._widened(row, named)
        return {column: " ".join(parts) for column, parts in sorted(names.items())}, labels

    def _widened(self, cells: Sequence[PlacedCell], named: Sequence[range]) -> Columns:
        """Return the columns as wide as their names, as far as these do not meet."""
        spans = list(self.spans)
        for cell, columns in zip(cells, named, strict=True):
            if len(columns) != 1:
                continue
            column = columns.start
            left, right = spans[column]
            before = spans[column - 1][1] if column else cell.x0
            after = spans[column + 1][0] if column + 1 < len(spans) else cell.x1
            spans[column] = min(left, max(cell.x0, before)), max(right, min(cell.x1, after))
        return Columns(spans, has_label=self.has_label)

    def _is_over_label(self, cell: PlacedCell, at: int) -> bool:
        """Tell whether the cell of a header row is the name of the first column.

        Args:
            cell: the cell.
            at: its number in the row.
        """
        if not self.has_label or at or len(self.spans) < 2 or any(_overlaps(cell, span) for span in self.spans[1:]):
            return False
        left, right = self.spans[0]
        is_at_left = cell.x0 - left < LABEL_EDGE * (cell.parts[0].size if cell.parts else 10.0)
        return is_at_left or (cell.x1 < self.spans[1][0] and abs(left + right - cell.x0 - cell.x1) < right - left)

    def _names_in(self, cell: PlacedCell, *, may_part_words: bool) -> list[PlacedCell]:
        """Return a cell over several columns as a name for each, if its parts stand over one each.

        Args:
            cell: the cell of a header row.
            may_part_words: its words may be the parts, if there is one for each column.
        """
        columns = self._overlapped(cell)
        if len(columns) < 2 or len(cell.parts) > MOST_PARTS:
            return [cell]
        parts = [_cell_of([part]) for part in cell.parts]
        if len(parts) < len(columns) and may_part_words and len(words := cell.text.split()) == len(columns) > 2:
            parts = list(_words_of(cell, words))
        below = [self._overlapped(part) for part in parts]
        is_each_over_one = all(len(found) == 1 for found in below) and {found.start for found in below} == set(columns)
        return parts if is_each_over_one else [cell]

    def _may_span(self, rows: Sequence[Sequence[PlacedCell]], number: int) -> bool:
        """Tell whether names of a row may stand over several columns: another row names each."""
        row = rows[number]
        if all(_HAS_YEAR.search(cell.text) for cell in row):
            return True
        full = NAMED * (len(self.spans) - self.first_value)
        if len(row) > 1:
            return max(map(len, rows)) >= full
        if number == len(rows) - 1:
            return number > 0 and len(rows[number - 1]) >= full
        below = rows[number + 1]
        # The first line of a name is in line with its second; one over all columns may be as well.
        is_in_line = any(_is_in_line(row[0], cell) for cell in below)
        return number == 0 and len(below) >= full and (not is_in_line or _PERIOD.search(row[0].text) is not None)

    def _groups_below(self, cells: Sequence[PlacedCell]) -> list[range] | None:
        """Return the columns that each name stands over the middle of, all of them together."""
        if from_left := self._groups_from_left(cells):
            return from_left
        below = [self._overlapped(cell) for cell in cells]
        if not all(below) or any(one.stop > other.start for one, other in pairwise(below)):
            return None
        # The boundaries between groups of columns: the least sum of what names are off the middle.
        first, count = self.first_value, len(self.spans)
        groups: dict[int, tuple[float, tuple[range, ...]]] = {first: (0.0, ())}
        for cell, found, after in zip(cells, below, [*below[1:], None], strict=True):
            ends = range(found.stop, after.start + 1) if after is not None else (count,)
            further: dict[int, tuple[float, tuple[range, ...]]] = {}
            for start, (cost, before) in groups.items():
                for stop in ends:
                    if start <= found.start and (off := self._off_middle(cell, range(start, stop))) is not None:
                        option = (cost + off, (*before, range(start, stop)))
                        further[stop] = min(further.get(stop, option), option, key=lambda one: one[0])
            groups = further
        return list(groups[count][1]) if count in groups else None

    def _groups_from_left(self, cells: Sequence[PlacedCell]) -> list[range] | None:
        """Return groups of as many columns each, which years or periods begin in line with."""
        first, count = self.first_value, len(self.spans)
        size, rest = divmod(count - first, len(cells))
        if size < 2 or rest or not all(_HAS_YEAR.search(cell.text) or _PERIOD.search(cell.text) for cell in cells):
            return None
        groups = [range(start, start + size) for start in range(first, count, size)]
        is_in_line = all(
            abs(cell.x0 - self.spans[one.start][0]) < IN_LINE for cell, one in zip(cells, groups, strict=True)
        )
        return groups if is_in_line else None

    def _off_middle(self, cell: PlacedCell, columns: range) -> float | None:
        """Return how far a name is off the middle of columns, in points; None if too far."""
        left, right = self.spans[columns.start][0], self.spans[columns.stop - 1][1]
        off = abs(left + right - cell.x0 - cell.x1) / 2
        return off if len(columns) == 1 or off <= max(CENTERED * (right - left), IN_LINE) else None

    def _overlapped(self, cell: PlacedCell, *, must_touch: bool = False) -> range:
        """Return the column that the middle of a name stands over, and those around that it covers.

        Args:
            cell: the name.
            must_touch: a name beside all columns is that of one without values.
        """
        first, middle = self.first_value, (cell.x0 + cell.x1) / 2
        nearest = min(range(first, len(self.spans)), key=lambda column: _distance(middle, self.spans[column]))
        covered = {
            column
            for column in range(first, len(self.spans))
            if _shared(cell, self.spans[column]) > COVERED * (self.spans[column][1] - self.spans[column][0])
        } | {nearest}
        left, right = self.spans[nearest]
        if covered != {nearest} or left <= middle <= right:
            return range(min(covered), max(covered) + 1)
        if must_touch or len(self.spans) - first < 2:
            return range(nearest, nearest + (-_shared(cell, self.spans[nearest]) < BESIDE))
        other = nearest + 1 if middle > right else nearest - 1
        if first <= other < len(self.spans):
            if _distance(middle, self.spans[other]) < HALF_WAY * _distance(middle, self.spans[nearest]):
                covered.add(other)  # over the gap between two
        elif _distance(middle, self.spans[nearest]) > 2 * (cell.x1 - cell.x0) + (right - left):
            return range(0)
        return range(min(covered), max(covered) + 1)


def columns_of(rows: Sequence[Sequence[PlacedCell]]) -> Columns | None:
    """Return the columns of rows of cells; None if the cells do not stand below one another."""
    left = min(row[0].x0 for row in rows)
    em = statistics.median(cell.parts[0].size for row in rows for cell in row if cell.parts)
    labels = [row[0] for row in rows if not is_value(row[0].text) and row[0].x0 - left < LABEL_EDGE * em]
    has_label = 2 * len(labels) > len(rows)
    is_labelled = [has_label and row[0].x0 - left < LABEL_EDGE * em and not is_value(row[0].text) for row in rows]
    spans = _lying_below([row[is_label:] for row, is_label in zip(rows, is_labelled, strict=True)])
    if spans is not None:
        label = (left, max((one.x1 for one in labels), default=left))
        return Columns([label, *spans] if has_label else spans, has_label=has_label)
    spans = _in_line(rows)
    return None if spans is None else Columns(spans, has_label=has_label)


def _lying_below(rows: Sequence[Sequence[PlacedCell]]) -> list[tuple[float, float]] | None:
    """Return columns of cells that overlap those below, if no row has two cells in one."""
    spans: list[tuple[float, float]] = []
    cells = sorted((cell for row in rows for cell in row), key=lambda cell: cell.x0)
    for cell in cells:
        if spans and _overlaps(cell, spans[-1]):
            spans[-1] = spans[-1][0], max(spans[-1][1], cell.x1)
        else:
            spans.append((cell.x0, cell.x1))
    if not 0 < len(spans) <= MOST_COLUMNS:
        return None
    for row in rows:
        columns = [next(index for index, span in enumerate(spans) if _overlaps(cell, span)) for cell in row]
        if len(set(columns)) < len(columns):
            return None
    return spans


def _in_line(rows: Sequence[Sequence[PlacedCell]]) -> list[tuple[float, float]] | None:
    """Return columns of cells that begin or end in line, by the rows that have one in each."""
    count, times = Counter(map(len, rows)).most_common(1)[0]
    if not 2 <= count <= MOST_COLUMNS or times < FEWEST_ALIKE * len(rows):
        return None
    full = [row for row in rows if len(row) == count]
    spans: list[tuple[float, float]] = []
    for number in range(count):
        lefts, rights = [row[number].x0 for row in full], [row[number].x1 for row in full]
        left, right = statistics.median(lefts), statistics.median(rights)
        near = max(sum(abs(one - left) < IN_LINE for one in lefts), sum(abs(one - right) < IN_LINE for one in rights))
        if near < 0.8 * len(full):
            return None
        spans.append((min(lefts), max(rights)))
    for number, (one, other) in enumerate(pairwise(spans)):
        spans[number] = one[0], max(one[0], min(one[1], other[0]))
    return spans


def _is_stack(row: Sequence[PlacedCell], groups: Sequence[range], below: Sequence[PlacedCell]) -> bool:
    """Tell whether a header row is first lines of names, which go on below, not names of groups."""
    if all(_HAS_YEAR.search(cell.text) for cell in row):
        return False
    for cell, columns in zip(row, groups, strict=True):
        if len(columns) > 1 and any(_is_in_line(cell, one) for one in below) and len(set(map(len, groups))) > 1:
            return True
    return False


def _is_in_line(cell: PlacedCell, other: PlacedCell) -> bool:
    """Tell whether the middles of two cells stand below one another."""
    return abs(cell.x0 + cell.x1 - other.x0 - other.x1) / 2 < IN_LINE


def _words_of(cell: PlacedCell, words: Sequence[str]) -> Iterator[PlacedCell]:
    """Yield the words of a cell, each where it stands if all letters are equally wide."""
    letter = (cell.x1 - cell.x0) / max(len(cell.text), 1)
    start = 0
    for word in words:
        start = cell.text.index(word, start)
        yield PlacedCell(cell.x0 + letter * start, cell.x0 + letter * (start + len(word)), word, cell.parts)
        start += len(word)


def _shared(cell: PlacedCell, span: tuple[float, float]) -> float:
    return min(cell.x1, span[1]) - max(cell.x0, span[0])


def _overlaps(cell: PlacedCell, span: tuple[float, float]) -> bool:
    return _shared(cell, span) > OVERLAP * min(cell.x1 - cell.x0, span[1] - span[0])


def _distance(x: float, span: tuple[float, float]) -> float:
    return max(span[0] - x, x - span[1], 0.0)


def are_names(names: Mapping[int, str], columns: Columns) -> bool:
    """Tell whether nearly all columns of values have names, which are words or years and differ."""
    count = len(columns.spans) - columns.first_value
    if len(names) < NAMED * count or 2 * len(set(names.values())) <= len(names) > 1:
        return False
    return sum(is_name(name) for name in names.values()) >= NAMED * len(names)


def is_name(text: str) -> bool:
    """Tell whether a text may be the name of a column: words, more than signs, or a year."""
    if is_year(text):
        return True
    letters = sum(map(str.isalpha, text))
    return _WORD.search(text) is not None and 2 * letters >= len(text.replace(" ", "")) - sum(map(str.isdigit, text))
