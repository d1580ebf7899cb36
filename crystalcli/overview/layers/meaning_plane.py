"""The plane of meaning of a view: similar atoms lie in similar directions from its middle.

It is spanned by the two principal components of the atoms' vectors (Pearson, 1901), so that as much
of what sets them apart as two numbers can say is kept.

Knows: vectors, widths in tokens. Does not know: documents, colours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.overview.layers.layer_view import LayerBand
from crystalcli.vectors import Codec

if TYPE_CHECKING:
    from crystalcli.datatypes import Float64Array, Int64Array, UInt8Array

_FEWEST = 8  # atoms whose differences say something
_SAMPLE = 2000  # atoms that the components are computed from, at most
_FAR = 80  # percentile of the distances from the middle that counts as far


class MeaningPlane(NamedTuple):
    """The places of consecutive atoms on the plane.

    Attributes:
        bounds: The first token of each atom and, last, the token after them all, int64 [n + 1].
        sums: Sums of the two coordinates over all tokens before each bound, float64 [2, n + 1].
        scale: The distance from the middle that counts as far.
    """

    bounds: Int64Array
    sums: Float64Array
    scale: float

    def place(self, starts: Int64Array, ends: Int64Array) -> Float64Array:
        """Average the coordinates over ranges of tokens, float64 [2, ranges]."""
        widths = np.maximum(1, ends - starts)
        return np.stack(
            [(np.interp(ends, self.bounds, sums) - np.interp(starts, self.bounds, sums)) / widths for sums in self.sums]
        )


def meaning_plane(codec: Codec, codes: UInt8Array, bounds: Int64Array) -> MeaningPlane | None:
    """Find the plane of consecutive atoms; None for a few, which it would say nothing of.

    Args:
        codec: Decodes the vectors.
        codes: The codes of the atoms, uint8 [n, 32].
        bounds: The first token of each and, last, the token after them all, int64 [n + 1].
    """
    if len(codes) < _FEWEST:
        return None
    rows = np.unique(np.linspace(0, len(codes) - 1, _SAMPLE).astype(np.int64))
    vectors = codec.atoms.decode(codes[rows])
    middle = vectors.mean(0)
    components = np.linalg.eigh(np.cov(vectors - middle, rowvar=False))[1][:, [-1, -2]].T.astype(np.float32)
    # A component has no sign of its own: the same text gets the same one.
    components *= np.sign(components[np.arange(2), np.abs(components).argmax(1)])[:, None]
    places = np.stack([codec.score_atoms(component, codes) - middle @ component for component in components])
    distances = np.hypot(*places)
    sums = np.concatenate([np.zeros((2, 1)), np.cumsum(places * np.diff(bounds), axis=1)], axis=1)
    return MeaningPlane(bounds, sums, max(1e-6, float(np.percentile(distances, _FAR))))


def place_bands(bands: list[LayerBand], plane: MeaningPlane) -> list[LayerBand]:
    """Give the cells of bands their directions on the plane."""
    placed = []
    for band in bands:
        starts, ends = (np.array([getattr(cell, side) for cell in band.cells]) for side in ("start", "end"))
        across, up = plane.place(starts, ends)
        turns = (np.arctan2(up, across) / (2 * np.pi)) % 1
        distances = np.minimum(1, np.hypot(across, up) / plane.scale)
        meanings = zip(turns.tolist(), distances.tolist(), strict=True)
        cells = tuple(replace(cell, meaning=meaning) for cell, meaning in zip(band.cells, meanings, strict=True))
        placed.append(replace(band, cells=cells))
    return placed
