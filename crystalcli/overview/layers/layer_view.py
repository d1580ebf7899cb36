"""Views of layers: a scope, its bands of cells, and what a question lit in them.

Knows: the shape of a view. Does not know: how it is made or drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crystalcli.datatypes import Passage


@dataclass(frozen=True, slots=True)
class LayerScope:
    """The part of a crystal that a view shows.

    Attributes:
        folder: The folder of the documents, as it begins their names; "" for all.
        files: The first of the folder's documents, in order of their names, and the one after the
            last; None: all of them.
        document: The name of one document; None for many.
        span: Characters of the document `[start, end)`; None: all of it.
    """

    folder: str = ""
    files: tuple[int, int] | None = None
    document: str | None = None
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class LayerCell:
    """A node of a layer, or several neighbours drawn as one.

    Attributes:
        start: Its first token, counted in the view.
        end: The token after its last.
        nodes: The number of its nodes.
        read: The number of its nodes that the question was compared with; 0 without a question.
        score: The best score of these; None without one.
        light: How far the score stands out, from 0 to 1.
        label: A short name; "" without one.
        text: The beginning of its text; "" where a view shows too much to read it.
        scope: The part of the crystal to go to; None where there is nothing below.
        span: Its characters in the document; None for documents and folders.
        meaning: Its direction from the middle of the view's meaning, in turns from 0 to 1, and how
            far it is from there, from 0 to 1: similar text has a similar direction. None where that
            was not asked for, or without vectors.
    """

    start: int
    end: int
    nodes: int
    read: int = 0
    score: float | None = None
    light: float = 0.0
    label: str = ""
    text: str = ""
    scope: LayerScope | None = None
    span: tuple[int, int] | None = None
    meaning: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class LayerBand:
    """A layer of a view.

    Attributes:
        name: The layer: "folders", "documents", "sections", "atoms", "clusters" or "units".
        cells: Its cells in order; together they hold all tokens of the view.
        unit: The kind of its sections, as in `DocumentOutline`; "" for other layers.
    """

    name: str
    cells: tuple[LayerCell, ...]
    unit: str = ""

    @property
    def nodes(self) -> int:
        """The number of its nodes."""
        return sum(cell.nodes for cell in self.cells)

    @property
    def read(self) -> int:
        """The number of its nodes that the question was compared with."""
        return sum(cell.read for cell in self.cells)


@dataclass(frozen=True, slots=True)
class LitStep:
    """A step on the way down to a passage.

    Attributes:
        layer: "atoms", "clusters" or "units".
        score: The best score there; None where nothing was compared with the question.
        light: How far it stands out, from 0 to 1.
    """

    layer: str
    score: float | None
    light: float


@dataclass(frozen=True, slots=True)
class LitPassage:
    """A passage that a question found, with the way down to it.

    Attributes:
        number: Its rank, from 1.
        passage: The passage.
        steps: Its best atom, and the best cluster and the best unit below that.
        unit_text: The text of that unit; "" without one.
        scope: The best atom, to go to.
        tokens: Its first token and the one after its last, counted in the view; None outside of it.
    """

    number: int
    passage: Passage
    steps: tuple[LitStep, ...]
    unit_text: str
    scope: LayerScope
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class UnitText:
    """The text of a unit.

    Attributes:
        text: Its text, with the white space around it.
        span: Its characters in the document.
        read: Whether the question was compared with it.
        light: How far its score stands out, from 0 to 1.
        passages: The ranks of the passages that it is in.
    """

    text: str
    span: tuple[int, int]
    read: bool = False
    light: float = 0.0
    passages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerCrumb:
    """A step on the way to a view.

    Attributes:
        label: Its name; "" for the whole crystal.
        scope: The view of it.
    """

    label: str
    scope: LayerScope


@dataclass(frozen=True, slots=True)
class LayerView:
    """A picture of the layers of a part of a crystal, as data.

    Attributes:
        scope: The part.
        crumbs: The way to it, from the whole crystal, itself included.
        tokens: Its tokens.
        bands: Its layers, from coarse to fine.
        question: The question; None without one.
        passages: The passages that the question found, best first, in the whole crystal.
        compared: The nodes of the whole crystal that the question was compared with, by layer.
        text: The text by units; empty where it is longer than a page.
        before: The part of the same length before it; None at the beginning.
        after: The part of the same length after it; None at the end.
    """

    scope: LayerScope
    crumbs: tuple[LayerCrumb, ...]
    tokens: int
    bands: tuple[LayerBand, ...]
    question: str | None = None
    passages: tuple[LitPassage, ...] = ()
    compared: tuple[tuple[str, int], ...] = ()
    text: tuple[UnitText, ...] = ()
    before: LayerScope | None = None
    after: LayerScope | None = None

    @property
    def shown_passages(self) -> Iterator[LitPassage]:
        """The passages that are in the view, best first."""
        return (passage for passage in self.passages if passage.tokens is not None)
