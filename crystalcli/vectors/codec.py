"""The codec of layers 1 to 3: 32 bytes an atom, 12 a cluster, 4 a unit.

That is 0.96 MB for a million tokens. Product quantization (Jégou, Douze and Schmid, 2011) after a
learned rotation (OPQ: Ge, He, Ke and Sun, 2013), down the pyramid: an atom is encoded as it is, a
cluster as its residual from the decoded atom, a unit as its residual from the decoded cluster. Node
vectors are normalized to unit length first. Codebooks belong to an encoder; those of the default
encoder ship with the package.

Knows: vectors, codes and codebooks. Does not know: text, chunks, or where codes are stored.
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
    from crystalcli.datatypes import Float16Array, FloatArray, Int64Array, UInt8Array

    MatMul = Callable[[FloatArray, FloatArray], FloatArray]

CODEBOOKS = Path(__file__).parent / "data" / "minilm-codebooks.npz"
CODE_BYTES = {"atoms": 32, "clusters": 12, "units": 4}
_BATCH = 1024  # vectors whose products with all centroids are in memory at a time


class ProductQuantizer:
    """A product quantizer: encodes x as the nearest centroid to each slice of `x @ rotation`.

    Args:
        rotation: float32 [dimension, books * width]. Where the number of books does not divide the
            dimension, vectors are padded with zeros, and the rotation is wider than high.
        centroids: float32 [books, 256, width]; a book is the codebook of one byte of the code.
        matmul: multiplies matrices; numpy's by default.
    """

    def __init__(self, rotation: FloatArray, centroids: FloatArray, matmul: MatMul | None = None) -> None:
        self.rotation, self.centroids = rotation, centroids
        self._matmul: MatMul = matmul or np.matmul
        self._half_norms = 0.5 * (centroids * centroids).sum(2)[:, None, :]

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.rotation.nbytes + self.centroids.nbytes

    def encode(self, vectors: FloatArray) -> UInt8Array:
        """Encode vectors, float32 [n, dimension], to codes, uint8 [n, books]."""
        books, _, width = self.centroids.shape
        codes = np.empty((len(vectors), books), np.uint8)
        for first in range(0, len(vectors), _BATCH):
            rows = vectors[first : first + _BATCH]
            slices = self._matmul(rows, self.rotation).reshape(len(rows), books, width).swapaxes(0, 1)
            products = self._matmul(slices, self.centroids.swapaxes(1, 2))  # [books, n, 256]
            codes[first : first + _BATCH] = (products - self._half_norms).argmax(2).T
        return codes

    def decode(self, codes: UInt8Array) -> FloatArray:
        """Decode codes, uint8 [n, books], to vectors, float32 [n, dimension]."""
        rotated = self.centroids[np.arange(codes.shape[1]), codes].reshape(len(codes), -1)
        return self._matmul(rotated, self.rotation.T)

    def lookup_table(self, query: FloatArray) -> FloatArray:
        """Multiply the slices of a query, float32 [dimension], by every centroid.

        Returns:
            Products, float32 [books, 256]: the score of a code is the sum of its entries, one per
            book.
        """
        table: FloatArray = self.lookup_tables(query[None])[0]
        return table

    def lookup_tables(self, queries: FloatArray) -> FloatArray:
        """Make the tables of several queries, float32 [n, dimension], at once.

        Returns:
            float32 [n, books, 256].
        """
        books, _, width = self.centroids.shape
        slices = np.matmul(queries, self.rotation).reshape(len(queries), books, width)
        products: FloatArray = np.matmul(self.centroids, slices.transpose(1, 2, 0))  # [books, 256, n]
        return np.ascontiguousarray(products.transpose(2, 0, 1))


class Codec:
    """The product quantizers of the three layers of a pyramid."""

    def __init__(self, atoms: ProductQuantizer, clusters: ProductQuantizer, units: ProductQuantizer) -> None:
        self.atoms, self.clusters, self.units = atoms, clusters, units

    def with_matmul(self, matmul: MatMul) -> Codec:
        """Return the same codec with another function that multiplies matrices."""
        quantizers = (self.atoms, self.clusters, self.units)
        return Codec(*(ProductQuantizer(quantizer.rotation, quantizer.centroids, matmul) for quantizer in quantizers))

    @classmethod
    def load(cls, path: Path) -> Codec:
        """Load an .npz file of float16 arrays `<layer>_rotation` and `<layer>_centroids`.

        Pickles are refused.
        """
        with np.load(path, allow_pickle=False) as file:
            return cls.from_arrays({name: file[name] for name in file.files})

    def save(self, path: Path) -> None:
        """Write the codebooks to a file that `load` reads."""
        np.savez_compressed(path, **self.to_arrays())  # type: ignore[arg-type]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Float16Array]) -> Codec:
        """Make a codec from the arrays of `to_arrays`."""
        rotations = [arrays[f"{layer}_rotation"].astype(np.float32) for layer in CODE_BYTES]
        centroids = [arrays[f"{layer}_centroids"].astype(np.float32) for layer in CODE_BYTES]
        return cls(*map(ProductQuantizer, rotations, centroids))

    def to_arrays(self) -> dict[str, Float16Array]:
        """Return the codebooks by name, rounded to float16 as they are stored."""
        arrays = {}
        for layer, quantizer in zip(CODE_BYTES, (self.atoms, self.clusters, self.units), strict=True):
            arrays[f"{layer}_rotation"] = quantizer.rotation.astype(np.float16)
            arrays[f"{layer}_centroids"] = quantizer.centroids.astype(np.float16)
        return arrays

    def to_blobs(self) -> dict[str, bytes]:
        """Return the codebooks by name as raw little-endian float16."""
        return {name: array.astype("<f2").tobytes() for name, array in self.to_arrays().items()}

    @classmethod
    def from_blobs(cls, blobs: Mapping[str, bytes], dimension: int) -> Codec:
        """Make a codec from the bytes of `to_blobs`.

        Args:
            blobs: the codebooks by name.
            dimension: of the vectors.

        Raises:
            DamagedCrystalError: A codebook has the wrong size, or holds NaN or infinity.
        """
        arrays = {}
        for layer, books in CODE_BYTES.items():
            width = slice_width(dimension, books)
            shapes = {f"{layer}_rotation": (dimension, books * width), f"{layer}_centroids": (books, 256, width)}
            for name, shape in shapes.items():
                data = blobs.get(name, b"")
                size = 2 * math.prod(shape)
                if len(data) != size:
                    raise _damaged(f"codebook {name}: expected {size:,} bytes, got {len(data):,}")
                arrays[name] = np.frombuffer(data, "<f2").reshape(shape)
                if not np.isfinite(arrays[name]).all():
                    raise _damaged(f"codebook {name}: a value is NaN or infinite")
        return cls.from_arrays(arrays)

    def encode(
        self,
        atoms: FloatArray,
        clusters: FloatArray,
        units: FloatArray,
        cluster_atom: Int64Array,
        unit_cluster: Int64Array,
    ) -> tuple[UInt8Array, UInt8Array, UInt8Array]:
        """Encode a pyramid.

        Args:
            atoms: vectors, float32 [atoms, dimension].
            clusters: vectors, float32 [clusters, dimension].
            units: vectors, float32 [units, dimension].
            cluster_atom: int64 [clusters], the row of each cluster's atom.
            unit_cluster: int64 [units], the row of each unit's cluster.

        Returns:
            Codes of atoms, clusters and units, uint8 [nodes, CODE_BYTES].
        """
        return self.encode_and_decode(atoms, clusters, units, cluster_atom, unit_cluster)[0]

    def encode_and_decode(
        self,
        atoms: FloatArray,
        clusters: FloatArray,
        units: FloatArray,
        cluster_atom: Int64Array,
        unit_cluster: Int64Array,
    ) -> tuple[tuple[UInt8Array, UInt8Array, UInt8Array], tuple[FloatArray, FloatArray, FloatArray]]:
        """Encode a pyramid as `encode`, and decode it as `decode`, without decoding twice.

        Returns:
            The codes, and the vectors that they stand for.
        """
        atom_codes = self.atoms.encode(unit_length(atoms))
        decoded_atoms = self.atoms.decode(atom_codes)
        cluster_codes = self.clusters.encode(unit_length(clusters) - decoded_atoms[cluster_atom])
        decoded_clusters = decoded_atoms[cluster_atom] + self.clusters.decode(cluster_codes)
        unit_codes = self.units.encode(unit_length(units) - decoded_clusters[unit_cluster])
        decoded_units = decoded_clusters[unit_cluster] + self.units.decode(unit_codes)
        return (atom_codes, cluster_codes, unit_codes), (decoded_atoms, decoded_clusters, decoded_units)

    def decode(
        self,
        atoms: UInt8Array,
        clusters: UInt8Array,
        units: UInt8Array,
        cluster_atom: Int64Array,
        unit_cluster: Int64Array,
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Decode the codes of a pyramid to vectors, float32 [nodes, dimension].

        Arguments as in `encode`.
        """
        decoded_atoms = self.atoms.decode(atoms)
        decoded_clusters = decoded_atoms[cluster_atom] + self.clusters.decode(clusters)
        return decoded_atoms, decoded_clusters, decoded_clusters[unit_cluster] + self.units.decode(units)

    def score_atoms(self, query: FloatArray, codes: UInt8Array | PairedCodes) -> FloatArray:
        """Score atoms from a lookup table, without decoding them (asymmetric distance computation).

        Args:
            query: float32 [dimension].
            codes: of the atoms, uint8 [n, 32].

        Returns:
            The product of the query with every atom, float32 [n].
        """
        paired = codes if isinstance(codes, PairedCodes) else PairedCodes.from_codes(codes)
        return paired.scores(self.atoms.lookup_table(query))


def slice_width(dimension: int, books: int) -> int:
    """Return the coordinates per byte of the code, rounded up: the last slice is padded."""
    return -(-dimension // books)


def cosines(vectors: FloatArray, decoded: FloatArray) -> FloatArray:
    """Return each vector's cosine with its decoded code, float32 [n]; 1 is lossless."""
    result: FloatArray = (unit_length(vectors) * unit_length(decoded)).sum(1)
    return result


def unit_length(vectors: FloatArray) -> FloatArray:
    """Normalize rows [n, dimension] to length 1; a zero row stays zero."""
    result: FloatArray = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result


def codes_from_bytes(data: bytes, layer: str, count: int) -> UInt8Array:
    """View stored codes as an array.

    Args:
        data: the codes of one segment.
        layer: "atoms", "clusters" or "units".
        count: number of nodes.

    Returns:
        Codes, uint8 [count, CODE_BYTES[layer]].

    Raises:
        DamagedCrystalError: The data has the wrong size.
    """
    width = CODE_BYTES[layer]
    if len(data) != count * width:
        raise _damaged(f"codes of a segment's {layer}: expected {count * width:,} bytes, got {len(data):,}")
    return np.frombuffer(data, np.uint8).reshape(count, width)


def _damaged(what: str) -> DamagedCrystalError:
    return DamagedCrystalError(None, what)


@cache
def default_codec() -> Codec:
    """Load the codec of the default encoder, once."""
    return Codec.load(CODEBOOKS)
