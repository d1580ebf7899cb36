"""Learns the codebooks of the encoder from any files of text, and says how well they decode:

    python -m crystalcli.memory.codebooks TEXT... -o codebooks.npz

Codebooks belong to the encoder, not to the text: what they learn is how its vectors are spread.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from crystalcli import models
from crystalcli.memory.crystal import ENCODER
from crystalcli.memory.layers import LayerEncoder, parents
from crystalcli.text.cut import cut
from crystalcli.text.readers import open_source
from crystalcli.text.walk import Found, walk
from crystalcli.types import Chunk
from crystalcli.vectors import train
from crystalcli.vectors.pyramid import Layout, layout
from crystalcli.vectors.tokenizer import default_tokenizer

_AT_ONCE = 256  # chunks


def chunks_of(paths: Sequence[Path]) -> Iterator[Chunk]:
    """The chunks of every file under `paths`."""
    for found in walk(paths, hidden=False):
        if isinstance(found, Found):
            _, reading = open_source(found.path)
            texts = (piece for piece in reading.pieces() if isinstance(piece, str))
            yield from (
                chunk for chunk in cut(texts, default_tokenizer(), code=reading.kind == "code") if len(chunk.ids)
            )


def sample(paths: Sequence[Path], encoder: LayerEncoder, tokens: int) -> tuple[list[np.ndarray], list[Layout]]:
    """The vectors of units, clusters and atoms, float16 [nodes, 384] each, of up to `tokens` tokens, and their layouts."""
    parts: list[list[np.ndarray]] = [[], [], []]
    layouts: list[Layout] = []
    held: list[Chunk] = []
    read = 0

    def encode() -> None:
        made = [layout(len(chunk.ids)) for chunk in held]
        for layer, vectors in zip(parts, encoder.levels(held, made), strict=True):
            layer.append(vectors.numpy().astype(np.float16))
        layouts.extend(made)
        held.clear()

    for chunk in chunks_of(paths):
        held.append(chunk)
        read += len(chunk.ids)
        if len(held) == _AT_ONCE:
            encode()
        if read >= tokens:
            break
    if held:
        encode()
    return [np.concatenate(layer) for layer in parts], layouts


def main() -> None:
    """Read, encode, learn, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=3_000_000, help="how many to learn from at most")
    args = parser.parse_args()
    encoder = LayerEncoder(models.locate(ENCODER) or models.pull(ENCODER))
    (units, clusters, atoms), layouts = sample(args.text, encoder, args.tokens)
    pyramid = (atoms.astype(np.float32), clusters.astype(np.float32), units.astype(np.float32), *parents(layouts))
    codec = train.train(*pyramid)
    codec.save(args.output)
    for layer, cosine in train.report(codec, *pyramid).items():
        print(f"{layer:9s} {cosine:.4f} mean cosine between vectors and what their codes decode to")


if __name__ == "__main__":
    main()
