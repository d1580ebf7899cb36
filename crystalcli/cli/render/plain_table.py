"""Tables of results: columns side by side without borders."""

from __future__ import annotations

from rich.table import Table


def plain_table(*titles: str, numbers: tuple[str, ...] = ()) -> Table:
    """Make a table without borders.

    Args:
        titles: heads of the columns; without any, columns are added by the caller and have no
            heads.
        numbers: titles of columns that are aligned to the right.
    """
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_header=bool(titles))
    for title in titles:
        table.add_column(title, justify="right" if title in numbers else "left", overflow="fold")
    return table
