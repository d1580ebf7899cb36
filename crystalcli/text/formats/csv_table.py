"""Reader of comma- or tab-separated values: every row becomes a line that carries its header.

Knows delimiters and quotes. Does not know encodings (source.file_bytes) nor headers
(document.table_rows).
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.table_header import Cell, Row
from crystalcli.text.document.table_rows import row_lines
from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.source.read_request import ReadRequest

DELIMITERS = (",", ";", "\t", "|")
# Characters of a quoted record that runs over lines; in a longer one the quotation mark was text.
MAX_RECORD_LENGTH = 100_000
MAX_LINE_LENGTH = 120_000  # characters, under the bound that the csv module has for a cell
_ESCAPED_LINES = 50  # of a record in which `\\"` may be a quotation mark
_BEHIND_QUOTATION = re.compile(r'"(?:[^"\\]|""|\\.)*" *([^\w ])')
_SAMPLE_LINES = 200  # from which the delimiter is detected


class CsvReading:
    """A table in a text file."""

    kind = "csv"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield a line for every filled row, with "row" landmarks.

        Raises:
            SourceError: no row is filled.
        """
        composer = Composer()
        for number, line in row_lines(_rows(_lines(decode_pieces(self._request)))):
            composer.begin_block(LINE)
            composer.mark_row(number)
            composer.write_block(line, LINE)
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the lines without their ends; one of more than MAX_LINE_LENGTH comes in parts."""
    rest = ""
    for piece in pieces:
        rest += piece.replace("\r\n", "\n").replace("\r", "\n")  # a piece never ends inside `\r\n`
        *lines, rest = rest.split("\n")
        for line in lines:
            yield from _parts(line)
        while len(rest) > MAX_LINE_LENGTH:
            yield rest[:MAX_LINE_LENGTH]
            rest = rest[MAX_LINE_LENGTH:]
    if rest:
        yield from _parts(rest)


def _parts(line: str) -> Iterator[str]:
    for start in range(0, max(1, len(line)), MAX_LINE_LENGTH):
        yield line[start : start + MAX_LINE_LENGTH]


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, Row]]:
    """Yield every record with its number, from 1."""
    sample = [line for _, line in zip(range(_SAMPLE_LINES), lines, strict=False)]
    delimiter = ""
    number = 0
    # Excel names the delimiter in a first line `sep=;`.
    if sample and sample[0][:4].lower() == "sep=" and len(sample[0].strip()) == 5:
        delimiter = sample.pop(0)[4]
        number = 1
    delimiter = delimiter or detect_delimiter(sample)
    for record in _records(_chained(sample, lines), delimiter):
        number += 1
        cells = ((column, one_line(text)) for column, text in enumerate(record))
        yield number, {column: Cell(text) for column, text in cells if text}


def _chained(sample: list[str], lines: Iterator[str]) -> Iterator[str]:
    yield from sample
    sample.clear()
    yield from lines


def _records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each record, which may run over lines where a cell is quoted.

    A quotation mark that is never closed is text.
    """
    record: list[str] = []
    size = quotes = escaped = 0
    for line in lines:
        record.append(line)
        size += len(line)
        quotes += line.count('"')
        escaped += line.count('\\"')
        if escaped and len(record) <= _ESCAPED_LINES:
            cells = _escaped_cells("\n".join(record), delimiter)
            if cells is None and (quotes + escaped) % 2:
                continue  # its quotation goes on
        else:
            cells = None
        if cells is not None:
            yield from cells
        elif quotes % 2 == 0:
            yield from _cells("\n".join(record), delimiter)
        elif size > MAX_RECORD_LENGTH:
            for part in record:
                yield part.split(delimiter)
        else:
            continue
        record, size, quotes, escaped = [], 0, 0, 0
    for part in record:
        yield part.split(delimiter)


def _cells(record: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of a record, or of several where the quotation marks are text."""
    if '"' not in record:
        yield record.split(delimiter)
    else:
        yield from csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, skipinitialspace=True)


def _escaped_cells(record: str, delimiter: str) -> list[list[str]] | None:
    r"""Return the cells of a record in which `\"` stands: a quotation mark, or the end of a cell.

    None: the record is not whole, or its quotation marks are text.
    """
    for text in (record, record.replace('\\"', '""')):
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
        with suppress(csv.Error):
            return list(lines)
    return None


def detect_delimiter(lines: list[str]) -> str:
    """Return the delimiter that gives the most records the same number of cells, at least two.

    Args:
        lines: the beginning of the table.

    Returns:
        One of DELIMITERS; a comma where all of them leave one cell a line.
    """
    best_score, best_delimiter = (0.0, 0), ","
    filled = [line for line in lines if line.strip()]
    behind = Counter(match[1] for line in filled if (match := _BEHIND_QUOTATION.match(line)))
    if behind and 2 * behind.total() > len(filled) and (first := behind.most_common(1)[0][0]) in DELIMITERS:
        return first
    for delimiter in DELIMITERS:
        counts = Counter(len(record) for record in _records(filled, delimiter))
        width, times = max(counts.items(), key=lambda item: (item[1] if item[0] > 1 else 0, item[0]), default=(1, 0))
        score = (times / max(1, counts.total()), width)
        if width > 1 and score > best_score:
            best_score, best_delimiter = score, delimiter
    return best_delimiter
