"""Layers as codes: 32 bytes an atom, 12 a cluster, 4 a unit; 0.96 MB for the layers of a million tokens.

Product quantization (Jégou, Douze and Schmid, 2011) after a learned rotation (OPQ: Ge, He, Ke and Sun, 2013), down the
pyramid: an atom is coded as it is, a cluster by what it differs from its decoded atom, a unit from its decoded cluster.
Node vectors are brought to unit length first. The codebooks belong to the encoder; the default one's ship with the package.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.vectors.paired_codes import PairedCodes

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Product = Callable[[FloatArray, FloatArray], FloatArray]
    Codes = npt.NDArray[np.uint8]
    Parents = npt.NDArray[np.int64]

CODEBOOKS = Path(__file__).parent / "data" / "minilm-codebooks.npz"
CODE_BYTES = {"atoms": 32, "clusters": 12, "units": 4}
_AT_ONCE = 1024  # vectors whose products with all centroids are held at a time


class Quantizer:
    """One product quantizer.

    rotation: float32 [dimension, bytes * width]; where the bytes do not divide the dimension the vectors are padded with zeros,
    of which nothing is seen but that the rotation is wider than high. centroids: float32 [bytes, 256, width]. A vector x is
    coded by the nearest centroid to each slice of `x @ rotation`. product: how matrices are multiplied.
    """

    def __init__(self, rotation: FloatArray, centroids: FloatArray, product: Product | None = None) -> None:
        self.rotation, self.centroids = rotation, centroids
        self._product: Product = product or np.matmul
        self._halves = 0.5 * (centroids * centroids).sum(2)[:, None, :]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.rotation.nbytes + self.centroids.nbytes

    def encode(self, vectors: FloatArray) -> Codes:
        """Codes, uint8 [n, bytes], of vectors, float32 [n, dimension]."""
        books, _, width = self.centroids.shape
        codes = np.empty((len(vectors), books), np.uint8)
        for first in range(0, len(vectors), _AT_ONCE):
            rows = vectors[first : first + _AT_ONCE]
            slices = self._product(rows, self.rotation).reshape(len(rows), books, width).swapaxes(0, 1)
            products = self._product(slices, self.centroids.swapaxes(1, 2))  # [bytes, n, 256]
            codes[first : first + _AT_ONCE] = (products - self._halves).argmax(2).T
        return codes

    def decode(self, codes: Codes) -> FloatArray:
        """The vectors, float32 [n, dimension], that codes stand for."""
        rotated = self.centroids[np.arange(codes.shape[1]), codes].reshape(len(codes), -1)
        return self._product(rotated, self.rotation.T)

    def table(self, query: FloatArray) -> FloatArray:
        """Products, float32 [bytes, 256], of the query's slices with every centroid: a code's score is a sum of 32 of them."""
        books, _, width = self.centroids.shape
        result: FloatArray = np.einsum("bcw,bw->bc", self.centroids, (query @ self.rotation).reshape(books, width))
        return result


class Codec:
    """The three quantizers of a pyramid."""

    def __init__(self, atoms: Quantizer, clusters: Quantizer, units: Quantizer) -> None:
        self.atoms, self.clusters, self.units = atoms, clusters, units

    def multiplied_by(self, product: Product) -> Codec:
        """The same codec with another way to multiply matrices."""
        quantizers = (self.atoms, self.clusters, self.units)
        return Codec(*(Quantizer(each.rotation, each.centroids, product) for each in quantizers))

    @classmethod
    def load(cls, path: Path) -> Codec:
        """From an .npz file of float16 arrays `<layer>_rotation` and `<layer>_centroids`; never unpickles."""
        with np.load(path, allow_pickle=False) as file:
            return cls.of({name: file[name] for name in file.files})

    def save(self, path: Path) -> None:
        """Write the codebooks as `load` reads them."""
        np.savez_compressed(path, **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[np.float16]]) -> Codec:
        """From the arrays that `arrays` gives."""
        rotations = [arrays[f"{layer}_rotation"].astype(np.float32) for layer in CODE_BYTES]
        centroids = [arrays[f"{layer}_centroids"].astype(np.float32) for layer in CODE_BYTES]
        return cls(*map(Quantizer, rotations, centroids))

    def arrays(self) -> dict[str, npt.NDArray[np.float16]]:
        """The codebooks by name, float16: what is kept of them, wherever."""
        found = {}
        for layer, quantizer in zip(CODE_BYTES, (self.atoms, self.clusters, self.units), strict=True):
            found[f"{layer}_rotation"] = quantizer.rotation.astype(np.float16)
            found[f"{layer}_centroids"] = quantizer.centroids.astype(np.float16)
        return found

    def blobs(self) -> dict[str, bytes]:
        """The same as raw little-endian bytes."""
        return {name: array.astype("<f2").tobytes() for name, array in self.arrays().items()}

    @classmethod
    def from_blobs(cls, blobs: Mapping[str, bytes], dimension: int) -> Codec:
        """The inverse, for vectors of `dimension`. Raises DamagedCrystalError for another size or a number that is none."""
        arrays = {}
        for layer, books in CODE_BYTES.items():
            width = slice_width(dimension, books)
            shapes = {f"{layer}_rotation": (dimension, books * width), f"{layer}_centroids": (books, 256, width)}
            for name, shape in shapes.items():
                data = blobs.get(name, b"")
                if len(data) != 2 * math.prod(shape):
                    raise DamagedCrystalError(
                        None, f"the codebook {name} has not the size that {dimension} dimensions ask for"
                    )
                arrays[name] = np.frombuffer(data, "<f2").reshape(shape)
                if not np.isfinite(arrays[name]).all():
                    raise DamagedCrystalError(None, f"the codebook {name} holds what is no number")
        return cls.of(arrays)

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

    def decode(
        self, atoms: Codes, clusters: Codes, units: Codes, cluster_atom: Parents, unit_cluster: Parents
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The vectors, float32 [nodes, dimension], that a pyramid's codes stand for."""
        decoded_atoms = self.atoms.decode(atoms)
        decoded_clusters = decoded_atoms[cluster_atom] + self.clusters.decode(clusters)
        return decoded_atoms, decoded_clusters, decoded_clusters[unit_cluster] + self.units.decode(units)

    def score_atoms(self, query: FloatArray, codes: Codes | PairedCodes) -> FloatArray:
        """Products, float32 [n], of the query with every atom, read off a table without decoding any (asymmetric distance)."""
        paired = codes if isinstance(codes, PairedCodes) else PairedCodes.of(codes)
        return paired.scores(self.atoms.table(query))


def slice_width(dimension: int, books: int) -> int:
    """Coordinates to a byte of the code, the last ones padding where they do not share out evenly."""
    return -(-dimension // books)


def cosines(vectors: FloatArray, decoded: FloatArray) -> FloatArray:
    """How near each row is to what its code decodes to, float32 [n]: 1 where nothing is lost."""
    result: FloatArray = (unit_length(vectors) * unit_length(decoded)).sum(1)
    return result


def unit_length(vectors: FloatArray) -> FloatArray:
    """Rows [n, dimension] brought to length 1; a zero row stays zero."""
    result: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result


def codes_from(data: bytes, layer: str, count: int) -> Codes:
    """Stored codes as uint8 [count, bytes]. Raises DamagedCrystalError when the size is another."""
    width = CODE_BYTES[layer]
    if len(data) != count * width:
        raise DamagedCrystalError(None, f"a segment's {layer} have not the size that their number says")
    return np.frombuffer(data, np.uint8).reshape(count, width)


@cache
def default_codec() -> Codec:
    """The one that belongs to the default encoder, read once."""
    return Codec.load(CODEBOOKS)
