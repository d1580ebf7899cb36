"""Learns an encoder's codebooks from a sample of its vectors. `crystalcli.memory.codebooks` makes the sample from files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from crystalcli.vectors.codec import CODE_BYTES, Codec, Quantizer, cosines, slice_width, unit_length

if TYPE_CHECKING:
    from crystalcli.types import FloatArray


FEW = 16_384  # atoms below which theirs is learnt from clusters and units too: 64 for each centroid
SAMPLE = 65_536  # vectors a quantizer learns from at most: 256 for each of its centroids


def train_quantizer(vectors: FloatArray, books: int, *, rounds: int = 16, seed: int = 0) -> Quantizer:
    """A product quantizer of `books` bytes for vectors, float32 [n, dimension], n at least 1.

    Fewer vectors than centroids leave some centroids to say the same. Vectors are padded with zeros where the bytes do not
    divide the dimension.

    Non-parametric OPQ: k-means in each slice and the rotation that fits best (orthogonal Procrustes), in turn. The first
    rotation deals the principal axes out so that every slice holds about the same variance. Decomposed in float64: where a codebook
    before this one knows the few vectors there are by heart, only rounding is left, and float32's square of it underflows.
    """
    x = torch.from_numpy(vectors).float()
    generator = torch.Generator().manual_seed(seed)
    if len(x) > SAMPLE:
        x = x[torch.randperm(len(x), generator=generator)[:SAMPLE]]
    dimension = x.shape[1]
    width = slice_width(dimension, books)
    x = F.pad(x, (0, books * width - dimension))
    values, axes = (found.float() for found in torch.linalg.eigh((x.T @ x / len(x)).double()))
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
    return Quantizer(rotation[:dimension].contiguous().numpy(), centroids.contiguous().numpy())


def _lloyd(
    points: torch.Tensor, centroids: torch.Tensor, generator: torch.Generator, rounds: int = 2
) -> tuple[torch.Tensor, torch.Tensor]:
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
    """An order of the axes, largest variance first, that makes the products of the slices' variances alike."""
    slices: list[list[int]] = [[] for _ in range(books)]
    sums = [0.0] * books
    for axis, value in enumerate(log_variances):
        open_slices = [book for book in range(books) if len(slices[book]) < width]
        book = min(open_slices, key=lambda b: (sums[b], b))
        slices[book].append(axis)
        sums[book] += value - log_variances[-1]
    return [axis for axes in slices for axis in axes]


def train(
    atoms: FloatArray, clusters: FloatArray, units: FloatArray, cluster_atom: np.ndarray, unit_cluster: np.ndarray
) -> Codec:
    """A codec from a sample pyramid's vectors, float32 [nodes, dimension], and parents, int64 [nodes].

    Where atoms are few, theirs is learnt from clusters and units too: these lie where atoms lie, only wider, and a quantizer that
    has learnt a few atoms by heart is of little use to others. They are taken from all of the sample, clusters first. One thread, so
    that the sums are the same at each time.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(atoms, clusters, units, cluster_atom, unit_cluster)
    finally:
        torch.set_num_threads(threads)


def _train(
    atoms: FloatArray, clusters: FloatArray, units: FloatArray, cluster_atom: np.ndarray, unit_cluster: np.ndarray
) -> Codec:
    first = atoms
    if len(atoms) < FEW:
        for wider in (clusters, units):
            first = np.concatenate([first, _spread(wider, FEW - len(first))])
    quantizers = [train_quantizer(unit_length(first), CODE_BYTES["atoms"])]
    decoded = quantizers[0].decode(quantizers[0].encode(unit_length(atoms)))
    for layer, vectors, parents in (("clusters", clusters, cluster_atom), ("units", units, unit_cluster)):
        residuals = unit_length(vectors) - decoded[parents]
        quantizers.append(train_quantizer(residuals, CODE_BYTES[layer]))
        decoded = decoded[parents] + quantizers[-1].decode(quantizers[-1].encode(residuals))
    return Codec(*quantizers)


def _spread(vectors: FloatArray, count: int) -> FloatArray:
    """At most `count` of the vectors, as far apart from one another as they can be."""
    return vectors[np.arange(count) * len(vectors) // count] if len(vectors) > count else vectors


def report(
    codec: Codec,
    atoms: FloatArray,
    clusters: FloatArray,
    units: FloatArray,
    cluster_atom: np.ndarray,
    unit_cluster: np.ndarray,
) -> dict[str, float]:
    """Mean cosine between each layer's vectors and what their codes decode to."""
    parents = (cluster_atom, unit_cluster)
    decoded = codec.decode(*codec.encode(atoms, clusters, units, *parents), *parents)
    pairs = zip(CODE_BYTES, (atoms, clusters, units), decoded, strict=True)
    return {name: float(cosines(vectors, coded).mean()) for name, vectors, coded in pairs}
