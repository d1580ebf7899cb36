"""List of layers: the cells of a view that have words, as entries inside of one another.

It says what the picture shows, for screen readers and narrow screens.

Knows: views of layers. Does not know: addresses.
"""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.overview import LayerBand, LayerCell, LayerView

_MOST_ENTRIES = 90


@dataclass(frozen=True, slots=True)
class LayerEntry:
    """A cell as an entry of a list.

    Attributes:
        cell: The cell.
        name: Its label, or the beginning of its text.
        entries: The cells below it.
    """

    cell: LayerCell
    name: str
    entries: tuple[LayerEntry, ...]


def list_layers(view: LayerView) -> tuple[LayerEntry, ...]:
    """List the cells of the first layers whose cells have words."""
    levels: list[LayerBand] = []
    for band in view.bands:
        entries = sum(len(level.cells) for level in levels) + len(band.cells)
        if entries <= _MOST_ENTRIES and any(cell.text or cell.label for cell in band.cells):
            levels.append(band)
    if len(levels) > 1 and len(levels[0].cells) == 1:
        del levels[0]  # the whole view
    return _entries(levels, 0, view.tokens)


def _entries(levels: list[LayerBand], start: int, end: int) -> tuple[LayerEntry, ...]:
    """List the cells of the first level that begin among the tokens `[start, end)`."""
    if not levels:
        return ()
    cells = [cell for cell in levels[0].cells if start <= cell.start < end]
    return tuple(LayerEntry(cell, _name_of(cell), _entries(levels[1:], cell.start, cell.end)) for cell in cells)


def _name_of(cell: LayerCell) -> str:
    return cell.text or cell.label or "the beginning"
