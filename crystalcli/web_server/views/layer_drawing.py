"""Drawing of layers: a view of layers as rows of shapes, one below the other.

Widths are shares of the picture's width, so that it fits every screen, and heights are pixels, so
that its text is never scaled. Colours are classes of the style sheet.

Knows: views of layers, places and words of a picture. Does not know: addresses, SVG.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from crystalcli.overview import LayerBand, LayerCell, LayerView, LitPassage

LIGHT_STEPS = 9  # classes of light, "lit-1" to "lit-9"; "lit-0" is dark
HUES = 24  # classes of colour, "hue-0" to "hue-23", around the circle
VIVID_STEPS = 4  # classes of strength, "vivid-0" to "vivid-4"
_CAPTION = 24  # pixels of the line above a band
_GAP = 10  # pixels below a band
_HEIGHTS = {"folders": 30, "documents": 46, "sections": 46, "atoms": 38, "clusters": 32, "units": 26}
_LABELLED = 76  # pixels of a band of nodes whose texts can be read
_PIN = 26  # pixels of a row of pins
_FEW = 24  # cells of a band whose texts can be read
_LATE = 60.0  # percent of the width behind which a pin's label stands before it
_DENSE = 70  # cells of a band from which on they have no borders
_UPRIGHT = 120  # pixels of a band of narrow sections, whose labels run from top to bottom
_FEW_UPRIGHT = 4  # narrow cells from which on it is worth it
_LABEL_SHARES = ((16.0, "wide"), (8.0, "middle"), (4.5, "slim"))  # least percent of the width for a label
_TALL = {"slim": "upright"}  # classes of labels that have more room in a band of that height
_UPRIGHT_SHARE = 1.25  # the same for a label that runs from top to bottom
_SIZES = {"atoms": "about 100 tokens each", "clusters": "about 50", "units": "about 10"}
_SECTIONS = {
    "heading": ("Section", "Sections"),
    "definition": ("Definition", "Definitions"),
    "slide": ("Slide", "Slides"),
    "sheet": ("Sheet", "Sheets"),
    "cell": ("Cell", "Cells"),
    "month": ("Month", "Months"),
    "page": ("Page", "Pages"),
}
_NAMES = {
    "folders": ("Folder", "Folders"),
    "documents": ("Document", "Documents"),
    "atoms": ("Atom", "Atoms"),
    "clusters": ("Cluster", "Clusters"),
    "units": ("Unit", "Units"),
}


@dataclass(frozen=True, slots=True)
class CellShape:
    """A cell as a rectangle.

    Attributes:
        cell: The cell.
        left: Its left edge, in percent of the width.
        width: Its width, in percent.
        light: The step of its light, from 0 to LIGHT_STEPS.
        colour: The classes of the colour of its meaning; "" without one.
        is_read: False where a question was asked, and compared with nothing here.
        label_class: The class of its label by its width; "" without one.
        label: Its label.
        description: What it is, in words.
    """

    cell: LayerCell
    left: str
    width: str
    light: int
    colour: str
    is_read: bool
    label_class: str
    label: str
    description: str


@dataclass(frozen=True, slots=True)
class BandShape:
    """A band as a row of rectangles below a caption.

    Attributes:
        name: The name of the layer, which is its class.
        title: Its title.
        note: What the title leaves open.
        caption: The line of the caption, in pixels from the top.
        top: The upper edge of its rectangles.
        height: The height of its rectangles.
        is_dense: Whether there are too many for borders.
        cells: The rectangles.
    """

    name: str
    title: str
    note: str
    caption: int
    top: int
    height: int
    is_dense: bool
    cells: tuple[CellShape, ...]


class PinShape(NamedTuple):
    """A passage as a pin below the bands.

    Attributes:
        passage: The passage.
        left: Its middle, in percent of the width.
        top: The top of the pin's line, in pixels.
        middle: The middle of the pin's head.
        is_late: Whether its label stands before it, as there is no room behind it.
        label: Where the passage stands.
    """

    passage: LitPassage
    left: str
    top: int
    middle: int
    is_late: bool
    label: str


@dataclass(frozen=True, slots=True)
class LayerDrawing:
    """A picture of layers.

    Attributes:
        bands: Its bands from the top.
        pins: The passages of the question.
        height: Its height in pixels.
    """

    bands: tuple[BandShape, ...]
    pins: tuple[PinShape, ...]
    height: int


def draw_layer_view(view: LayerView) -> LayerDrawing:
    """Draw a view."""
    bands, top = [], 0
    for band in view.bands:
        shape = _draw_band(view, band, top)
        bands.append(shape)
        top = shape.top + shape.height + _GAP
    pins = _draw_pins(view, bands, top) if bands else []
    bottom = max((pin.middle + _PIN // 2 for pin in pins), default=top - _GAP)
    return LayerDrawing(tuple(bands), tuple(pins), max(0, bottom) + 4)


def band_title(band: LayerBand) -> str:
    """Name a layer with the number of its nodes: "2,883 atoms" is "Atoms · 2,883"."""
    return f"{_names_of(band)[1]} · {band.nodes:,}"


def _names_of(band: LayerBand) -> tuple[str, str]:
    if band.name == "folders" and not all(cell.label.endswith("/") for cell in band.cells):
        return "folder or document", "Folders and documents"
    if band.name == "sections":
        return _SECTIONS.get(band.unit, ("Section", "Sections"))
    return _NAMES[band.name]


def _draw_band(view: LayerView, band: LayerBand, top: int) -> BandShape:
    cells = tuple(_draw_cell(view, band, cell) for cell in band.cells)
    height = _HEIGHTS[band.name]
    if band.name in _SIZES and 1 < len(cells) <= _FEW and any(cell.label for cell in cells):
        height = _LABELLED
    elif sum(cell.label_class == "upright" for cell in cells) >= _FEW_UPRIGHT:
        height = _UPRIGHT
        cells = tuple(replace(cell, label_class=_TALL.get(cell.label_class, cell.label_class)) for cell in cells)
    return BandShape(
        name=band.name,
        title=band_title(band),
        note=_note(view, band),
        caption=top + _CAPTION - 8,
        top=top + _CAPTION,
        height=height,
        is_dense=len(band.cells) > _DENSE,
        cells=cells,
    )


def _note(view: LayerView, band: LayerBand) -> str:
    size = _SIZES.get(band.name, "")
    if view.question is None or not size:
        return size
    if band.name == "atoms":
        return (
            f"{size}; all compared with the question" if band.read == band.nodes else f"{size}; {band.read:,} compared"
        )
    return f"{size}; {band.read:,} read, below the nearest atoms" if band.read else f"{size}; none read"


def _draw_cell(view: LayerView, band: LayerBand, cell: LayerCell) -> CellShape:
    width = 100 * (cell.end - cell.start) / max(1, view.tokens)
    label_class = next((name for least, name in _LABEL_SHARES if width >= least), "") if cell.label else ""
    if cell.label and band.name in ("documents", "sections") and not label_class and width >= _UPRIGHT_SHARE:
        label_class = "upright"
    return CellShape(
        cell=cell,
        left=_percent(100 * cell.start / max(1, view.tokens)),
        width=_percent(width),
        light=light_step(cell.light),
        colour=_colour_of(cell),
        is_read=view.question is None or cell.read > 0,
        label_class=label_class,
        label=cell.label if label_class else "",
        description=describe_cell(view, band, cell),
    )


def _colour_of(cell: LayerCell) -> str:
    """Give the classes of a colour: the hue is the direction of the meaning; far ones are vivid."""
    if cell.meaning is None:
        return ""
    turn, distance = cell.meaning
    return f" hue-{int(HUES * turn) % HUES} vivid-{round(VIVID_STEPS * distance)}"


def light_step(light: float) -> int:
    """Give the class of a light: 0 is dark, LIGHT_STEPS the brightest."""
    return min(LIGHT_STEPS, round(LIGHT_STEPS * light))


def describe_cell(view: LayerView, band: LayerBand, cell: LayerCell) -> str:
    """Describe a cell in words: what it is, how long, how near to the question."""
    one, many = (name.lower() for name in _names_of(band))
    what = one if cell.nodes == 1 else f"{cell.nodes:,} {many}"
    name = cell.label if band.name not in _SIZES else cell.text or cell.label
    words = [f"{name} ({what})" if name else what.capitalize(), f"{cell.end - cell.start:,} tokens"]
    if view.question is not None:
        if cell.score is None:
            words.append("not read: the atoms above are too far from the question")
        else:
            best = "nearness" if cell.nodes == 1 else "best nearness"
            words.append(f"{best} {round(100 * cell.light)} of 100 (score {cell.score:.2f})")
    return ", ".join(words)


def _draw_pins(view: LayerView, bands: list[BandShape], top: int) -> list[PinShape]:
    """Place the pins of the passages, the best first, in a row for each."""
    first = next((band for band in bands if band.name == "atoms"), bands[0])
    pins = []
    for row, lit in enumerate(view.shown_passages):
        low, high = lit.tokens or (0, 0)
        middle = min(99.0, max(1.0, 50 * (low + high) / max(1, view.tokens)))
        pins.append(
            PinShape(
                passage=lit,
                left=_percent(middle),
                top=first.top,
                middle=top + 8 + row * _PIN + _PIN // 2,
                is_late=middle > _LATE,
                label=_place_of(view, lit),
            )
        )
    return pins


def _place_of(view: LayerView, lit: LitPassage) -> str:
    """Name the place of a passage, without what is above the view."""
    place = str(lit.passage.place)
    if view.scope.document is not None:
        return place
    document = lit.passage.path.rpartition("/")[2]
    return f"{document}, {place}" if place else document


def _percent(share: float) -> str:
    return f"{share:.3f}%"
