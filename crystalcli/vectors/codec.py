"""Layers as codes: 32 bytes an atom, 12 a cluster, 4 a unit; 0.96 MB for the layers of a million tokens.

Product quantization (Jégou, Douze and Schmid, 2011) after a learned rotation (OPQ: Ge, He, Ke and Sun, 2013), down the
pyramid: an atom is coded as it is, a cluster by what it differs from its decoded atom, a unit from its decoded cluster.
Node vectors are brought to unit length first. The codebooks belong to the encoder and ship with the package.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.vectors.pairs import PairedCodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Codes = npt.NDArray[np.uint8]
    Parents = npt.NDArray[np.int64]

CODEBOOKS = Path(__file__).parent / "data" / "minilm-codebooks.npz"
CODE_BYTES = {"atoms": 32, "clusters": 12, "units": 4}


class Quantizer(NamedTuple):
    """One product quantizer: `rotation` float32 [dimension, dimension], `centroids` float32 [bytes, 256, dimension / bytes].

    A vector x is coded by the nearest centroid to each slice of `x @ rotation`.
    """

    rotation: FloatArray
    centroids: FloatArray

    def encode(self, vectors: FloatArray) -> Codes:
        """Codes, uint8 [n, bytes], of vectors, float32 [n, dimension]."""
        rotated = vectors @ self.rotation
        books, _, width = self.centroids.shape
        codes = np.empty((len(vectors), books), np.uint8)
        for book in range(books):
            centroids = self.centroids[book]
            products = rotated[:, book * width : (book + 1) * width] @ centroids.T
            codes[:, book] = (products - 0.5 * (centroids * centroids).sum(1)).argmax(1)
        return codes

    def decode(self, codes: Codes) -> FloatArray:
        """The vectors, float32 [n, dimension], that codes stand for."""
        rotated = self.centroids[np.arange(codes.shape[1]), codes].reshape(len(codes), -1)
        result: FloatArray = rotated @ self.rotation.T
        return result

    def table(self, query: FloatArray) -> FloatArray:
        """Products, float32 [bytes, 256], of the query's slices with every centroid: a code's score is a sum of 32 of them."""
        books, _, width = self.centroids.shape
        result: FloatArray = np.einsum("bcw,bw->bc", self.centroids, (query @ self.rotation).reshape(books, width))
        return result


class Codec:
    """The three quantizers of a pyramid."""

    def __init__(self, atoms: Quantizer, clusters: Quantizer, units: Quantizer) -> None:
        self.atoms, self.clusters, self.units = atoms, clusters, units

    @classmethod
    def load(cls, path: Path) -> Codec:
        """From an .npz file of float16 arrays `<layer>_rotation` and `<layer>_centroids`; never unpickles."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                *(
                    Quantizer(
                        file[f"{layer}_rotation"].astype(np.float32), file[f"{layer}_centroids"].astype(np.float32)
                    )
                    for layer in CODE_BYTES
                )
            )

    def save(self, path: Path) -> None:
        """Write the codebooks as `load` reads them."""
        arrays = {}
        for layer, quantizer in zip(CODE_BYTES, (self.atoms, self.clusters, self.units), strict=True):
            arrays[f"{layer}_rotation"] = quantizer.rotation.astype(np.float16)
            arrays[f"{layer}_centroids"] = quantizer.centroids.astype(np.float16)
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]

    def encode(
        self, atoms: FloatArray, clusters: FloatArray, units: FloatArray, cluster_atom: Parents, unit_cluster: Parents
    ) -> tuple[Codes, Codes, Codes]:
        """Codes of a pyramid's vectors, float32 [nodes, dimension] each; parents: int64, the row of each node's parent."""
        atom_codes = self.atoms.encode(unit_length(atoms))
        decoded_atoms = self.atoms.decode(atom_codes)
        cluster_codes = self.clusters.encode(unit_length(clusters) - decoded_atoms[cluster_atom])
        decoded_clusters = decoded_atoms[cluster_atom] + self.clusters.decode(cluster_codes)
        unit_codes = self.units.encode(unit_length(units) - decoded_clusters[unit_cluster])
        return atom_codes, cluster_codes, unit_codes

    def score_atoms(self, query: FloatArray, codes: Codes | PairedCodes) -> FloatArray:
        """Products, float32 [n], of the query with every atom, read off a table without decoding any (asymmetric distance)."""
        paired = codes if isinstance(codes, PairedCodes) else PairedCodes.of(codes)
        return paired.scores(self.atoms.table(query))


def unit_length(vectors: FloatArray) -> FloatArray:
    """Rows [n, dimension] brought to length 1; a zero row stays zero."""
    result: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result


def codes_from(data: bytes, layer: str, count: int) -> Codes:
    """Stored codes as uint8 [count, bytes]. Raises DamagedCrystalError when the size is another."""
    width = CODE_BYTES[layer]
    if len(data) != count * width:
        raise DamagedCrystalError(f"a segment's {layer} have not the size that their number says")
    return np.frombuffer(data, np.uint8).reshape(count, width)


@cache
def default_codec() -> Codec:
    """The one that belongs to the default encoder, read once."""
    return Codec.load(CODEBOOKS)
