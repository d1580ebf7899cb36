"""Training of an encoder's codec by OPQ (Ge, He, Ke and Sun, 2013), from a sample of its vectors.

Knows: vectors. Does not know: the files that a sample comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from crystalcli.cpu import one_thread_of
from crystalcli.vectors.codec import CODE_BYTES, Codec, ProductQuantizer, cosines, slice_width, unit_length

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array


# With fewer atoms, clusters and units are added to the sample: 64 vectors per centroid.
MIN_ATOMS = 16_384
MAX_SAMPLE = 65_536  # vectors that a quantizer is trained on at most: 256 per centroid


def train_quantizer(vectors: FloatArray, books: int, *, rounds: int = 16, seed: int = 0) -> ProductQuantizer:
    """Train a product quantizer by non-parametric OPQ.

    Alternates between k-means in each slice and the best rotation (orthogonal Procrustes). The
    first rotation distributes the principal axes so that every slice holds about the same variance.
    Matrices are decomposed in float64: residuals of vectors that the codebook above has memorized
    are mere rounding errors, whose squares underflow in float32.

    Args:
        vectors: float32 [n, dimension], n at least 1. With fewer vectors than centroids, some
            centroids are equal. Vectors are padded with zeros where `books` does not divide the
            dimension.
        books: bytes of a code.
        rounds: of k-means and rotation.
        seed: of the random generator.
    """
    x = torch.from_numpy(vectors).float()
    generator = torch.Generator().manual_seed(seed)
    if len(x) > MAX_SAMPLE:
        x = x[torch.randperm(len(x), generator=generator)[:MAX_SAMPLE]]
    dimension = x.shape[1]
    width = slice_width(dimension, books)
    x = F.pad(x, (0, books * width - dimension))
    values, axes = (part.float() for part in torch.linalg.eigh((x.T @ x / len(x)).double()))
    order = _balanced(values.flip(0).clamp(min=1e-12).log().tolist(), books, width)
    rotation = axes.flip(1)[:, order].contiguous()
    rotated = x @ rotation
    start = torch.randperm(len(x), generator=generator)[:256].repeat(-(-256 // len(x)))[:256]
    centroids = rotated[start].view(256, books, width).transpose(0, 1).contiguous()
    for _ in range(rounds):
        rotated = x @ rotation
        decoded = torch.empty_like(rotated)
        for book in range(books):
            part = rotated[:, book * width : (book + 1) * width]
            centroids[book], codes = _lloyd(part, centroids[book], generator)
            decoded[:, book * width : (book + 1) * width] = centroids[book][codes]
        left, _, right = torch.linalg.svd((x.T @ decoded).double())
        rotation = (left @ right).float()
    return ProductQuantizer(rotation[:dimension].contiguous().numpy(), centroids.contiguous().numpy())


def _lloyd(
    points: torch.Tensor, centroids: torch.Tensor, generator: torch.Generator, rounds: int = 2
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run Lloyd's k-means: new centroids, and the code of each point."""
    for _ in range(rounds):
        codes = (points @ centroids.T - 0.5 * (centroids * centroids).sum(1)).argmax(1)
        counts = torch.bincount(codes, minlength=256)
        sums = torch.zeros_like(centroids).index_add_(0, codes, points)
        centroids = sums / counts.clamp(min=1)[:, None]
        empty = counts == 0
        if empty.any():
            centroids[empty] = points[torch.randint(len(points), (int(empty.sum()),), generator=generator)]
    codes = (points @ centroids.T - 0.5 * (centroids * centroids).sum(1)).argmax(1)
    return centroids, codes


def _balanced(log_variances: list[float], books: int, width: int) -> list[int]:
    """Order the axes, largest variance first, so that the slices' variances have like products."""
    slices: list[list[int]] = [[] for _ in range(books)]
    sums = [0.0] * books
    for axis, value in enumerate(log_variances):
        open_slices = [book for book in range(books) if len(slices[book]) < width]
        book = min(open_slices, key=lambda b: (sums[b], b))
        slices[book].append(axis)
        sums[book] += value - log_variances[-1]
    return [axis for axes in slices for axis in axes]


def train_codec(
    atoms: FloatArray,
    clusters: FloatArray,
    units: FloatArray,
    cluster_atom: Int64Array,
    unit_cluster: Int64Array,
) -> Codec:
    """Train a codec on a sample pyramid.

    If atoms are few, their quantizer is trained on clusters and units too: they are distributed as
    atoms are, only wider, and a quantizer that memorized a few atoms would not generalize. They are
    taken evenly from the whole sample, clusters first. Runs in one thread, so that sums are
    reproducible.

    Args:
        atoms: vectors, float32 [atoms, dimension].
        clusters: vectors, float32 [clusters, dimension].
        units: vectors, float32 [units, dimension].
        cluster_atom: int64 [clusters], the row of each cluster's atom.
        unit_cluster: int64 [units], the row of each unit's cluster.
    """
    with one_thread_of(torch):
        return _train(atoms, clusters, units, cluster_atom, unit_cluster)


def _train(
    atoms: FloatArray, clusters: FloatArray, units: FloatArray, cluster_atom: Int64Array, unit_cluster: Int64Array
) -> Codec:
    sample = atoms
    if len(atoms) < MIN_ATOMS:
        for wider in (clusters, units):
            sample = np.concatenate([sample, _evenly(wider, MIN_ATOMS - len(sample))])
    quantizers = [train_quantizer(unit_length(sample), CODE_BYTES["atoms"])]
    decoded = quantizers[0].decode(quantizers[0].encode(unit_length(atoms)))
    for layer, vectors, parents in (("clusters", clusters, cluster_atom), ("units", units, unit_cluster)):
        residuals = unit_length(vectors) - decoded[parents]
        quantizers.append(train_quantizer(residuals, CODE_BYTES[layer]))
        decoded = decoded[parents] + quantizers[-1].decode(quantizers[-1].encode(residuals))
    return Codec(*quantizers)


def _evenly(vectors: FloatArray, count: int) -> FloatArray:
    """Take at most `count` of the vectors, evenly spaced."""
    return vectors[np.arange(count) * len(vectors) // count] if len(vectors) > count else vectors


def mean_cosines(
    codec: Codec,
    atoms: FloatArray,
    clusters: FloatArray,
    units: FloatArray,
    cluster_atom: Int64Array,
    unit_cluster: Int64Array,
) -> dict[str, float]:
    """Return the mean cosine between each layer's vectors and their decoded codes.

    Arguments as in `train_codec`.
    """
    _, decoded = codec.encode_and_decode(atoms, clusters, units, cluster_atom, unit_cluster)
    pairs = zip(CODE_BYTES, (atoms, clusters, units), decoded, strict=True)
    return {name: float(cosines(vectors, coded).mean()) for name, vectors, coded in pairs}
