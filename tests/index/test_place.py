"""Where a span stands, in the words of its kind, from the landmarks before it."""

from __future__ import annotations

import pytest

from crystalcli.index.place import locate_span
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import SourceRow

MARKS = [
    (0, "sheet", "Ships"),
    (0, "row", "0"),  # line 1 is row 1
    (300, "row", "4"),  # rows 31 to 34 are empty
    (600, "sheet", "Lamps"),
    (600, "row", "-60"),
    (900, "sheet", ""),
    (900, "row", ""),
]


@pytest.mark.parametrize(
    ("span", "place"),
    [
        ((0, 10), "sheet Ships, row 1"),
        ((20, 50), "sheet Ships, rows 3-5"),
        ((290, 320), "sheet Ships, rows 30-36"),  # what is added differs from its begin to its end
        ((300, 310), "sheet Ships, row 35"),
        ((580, 640), "sheet Ships, row 63"),  # goes on in another sheet, whose rows count from 1 again
        ((600, 640), "sheet Lamps, rows 1-4"),
        ((890, 950), "sheet Lamps, row 30"),
        ((900, 950), ""),
    ],
)
def test_rows_are_those_of_the_sheet(tmp_path, span, place):
    """Every line has ten characters."""
    start, end = span
    source = SourceRow(0, "a.xlsx", "a.xlsx", ".", "xlsx", "", "done", "", "", 5, 1, b"x" * 32, 1000, 1, 1)
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            source = source._replace(id=store.put_source(source))
            store.add_landmarks(source.id, MARKS)
        assert locate_span(store, source, start, end, (start // 10 + 1, (end - 1) // 10 + 1)).__str__() == place


def test_lines_are_those_of_the_file_at_both_ends(tmp_path):
    source = SourceRow(0, "a.html", "a.html", ".", "html", "", "done", "", "", 5, 1, b"x" * 32, 1000, 1, 1)
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            source = source._replace(id=store.put_source(source))
            store.add_landmarks(source.id, [(0, "line", "7"), (100, "line", "5")])
        found = locate_span(store, source, 50, 150, (6, 15))
        assert (str(found), found.line_start, found.line_end) == ("lines 13-20", 13, 20)
        found = locate_span(store, source, 90, 110, (10, 11))  # below in the file stands what is read before
        assert (str(found), found.line_start, found.line_end) == ("line 17", 17, 17)
