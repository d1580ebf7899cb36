from __future__ import annotations

import pytest

from crystalcli.text.chunking.line_shape import are_entries, is_row


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("Year: 2020; Fare: 5", True),
        ("Ferry | 2020 | 5", True),
        ("Net sales; 2023: $ 3,540; 2022: 3,393", True),
        ("Long-term debt; July 29, 2023: 1,145", True),
        ("Loss; 2022: ($9,550)", True),
        ("Issued; 2022: —", True),
        ("He waited; at the station: five trains.", False),
        ('He said; and then: "Yes."', False),
        ("It was late: nobody came.", False),
    ],
)
def test_a_row_has_cells_with_names_or_bars(line, row):
    assert is_row(line) == row


def test_rows_below_one_another_are_entries_of_one_table():
    assert are_entries("Debt; 2023: 1,145; 2022: 1,160", "Equity; 2023: 12; 2022: 14")
    assert not are_entries("Debt; 2023: 1,145; 2022: 1,160", "The rest is prose.")
