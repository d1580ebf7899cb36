"""Tables in text files: comma- or tab-separated values and their kin. Every row becomes a line that carries its header.

Knows delimiters and quotes. Does not know encodings (reader_bytes) nor what a header looks like (rows).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.table_rows import Row, guess_cell, row_lines
from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

DELIMITERS = (",", ";", "\t", "|")
LONGEST_RECORD = 100_000  # characters that a quotation mark may run over lines; then it was one by itself
LONGEST_LINE = 120_000  # under the bound that the csv module has for a cell
_SAMPLE = 200  # lines that the delimiter is told from


class CsvReading:
    """A table."""

    kind = "csv"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """A line for every row that holds something, with "row" landmarks. Raises SourceError when there is none."""
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
    """Lines without their ends; one that is endless comes in parts."""
    rest = ""
    for piece in pieces:
        rest += piece.replace("\r\n", "\n").replace("\r", "\n")  # a piece never ends inside a newline
        *lines, rest = rest.split("\n")
        for line in lines:
            yield from _parts(line)
        while len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE]
            rest = rest[LONGEST_LINE:]
    if rest:
        yield from _parts(rest)


def _parts(line: str) -> Iterator[str]:
    for start in range(0, max(1, len(line)), LONGEST_LINE):
        yield line[start : start + LONGEST_LINE]


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, Row]]:
    """Every record with its number, from 1."""
    sample = [line for _, line in zip(range(_SAMPLE), lines, strict=False)]
    delimiter = ""
    number = 0
    if sample and sample[0][:4].lower() == "sep=" and len(sample[0].strip()) == 5:  # Excel's own way to say it
        delimiter = sample.pop(0)[4]
        number = 1
    delimiter = delimiter or detect_delimiter(sample)
    for record in _records(_chained(sample, lines), delimiter):
        number += 1
        found = ((column, one_line(text)) for column, text in enumerate(record))
        yield number, {column: guess_cell(text) for column, text in found if text}


def _chained(sample: list[str], lines: Iterator[str]) -> Iterator[str]:
    yield from sample
    sample.clear()
    yield from lines


def _records(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """Records, which may run over lines where a cell is quoted. A quotation mark that is never closed is taken as it stands."""
    held: list[str] = []
    size = quotes = 0
    for line in lines:
        held.append(line)
        size += len(line)
        quotes += line.count('"')
        if quotes % 2 == 0:
            yield from _cells("\n".join(held), delimiter)
        elif size > LONGEST_RECORD:
            for each in held:
                yield each.split(delimiter)
        else:
            continue
        held, size, quotes = [], 0, 0
    for each in held:
        yield each.split(delimiter)


def _cells(record: str, delimiter: str) -> Iterator[list[str]]:
    """The cells of a record, or of several where the quotation marks in them quote nothing."""
    if '"' not in record:
        yield record.split(delimiter)
    else:
        yield from csv.reader(io.StringIO(record, newline=""), delimiter=delimiter, skipinitialspace=True)


def detect_delimiter(lines: list[str]) -> str:
    """What separates the cells: what gives the most lines the same number of them, at least two; a comma where nothing does."""
    best, chosen = (0.0, 0), ","
    held = [line for line in lines if line.strip()]
    for delimiter in DELIMITERS:
        counts = Counter(len(record) for record in _records(held, delimiter))
        width, times = max(counts.items(), key=lambda each: (each[1] if each[0] > 1 else 0, each[0]), default=(1, 0))
        key = (times / max(1, counts.total()), width)
        if width > 1 and key > best:
            best, chosen = key, delimiter
    return chosen
