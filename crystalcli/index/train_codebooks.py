"""Learns the codebooks of an encoder from any files of text, and says how well they decode:

    python -m crystalcli.index.train_codebooks TEXT... -o codebooks.npz [--encoder DIR]

Codebooks belong to the encoder, not to the text: what they learn is how its vectors are spread. Those in the package were made
by this. Without --encoder it is the program's own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crystalcli import models
from crystalcli.errors import CrystalError, UsageError
from crystalcli.index.codebook_training import build_pyramid, training_chunks
from crystalcli.index.encoder import ENCODER, resolve_encoder
from crystalcli.index.layer_encoder import LayerEncoder
from crystalcli.paths import unwritable
from crystalcli.vectors import Codec


def main(arguments: list[str] | None = None) -> int:
    """Read, encode, learn, report, write; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, metavar="DIR", help="a folder with a model of the BERT family")
    parser.add_argument("--tokens", type=int, default=3_000_000, help="how many to learn from at most")
    args = parser.parse_args(arguments)
    try:
        return _learn(args.text, args.output, args.encoder, args.tokens)
    except CrystalError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _learn(text: list[Path], output: Path, given: Path | None, tokens: int) -> int:
    from crystalcli.vectors import mean_cosines, train_codec

    if output.suffix != ".npz":
        raise UsageError(f"codebooks are written to a file that ends in .npz, and not to {output}")
    if reason := unwritable(output):  # before the work, which takes minutes
        raise CrystalError(f"cannot write {output}: {reason}")
    folder = given or models.locate(ENCODER) or models.pull(ENCODER)
    encoder, _ = resolve_encoder(folder, Path.cwd())
    layers = LayerEncoder(folder, tokenizer=encoder.tokenizer)
    pyramid = build_pyramid(training_chunks(text, encoder), layers, tokens)
    if pyramid is None:
        raise CrystalError("there is no text to learn from")
    codec = Codec.from_arrays(train_codec(*pyramid).to_arrays())
    try:
        codec.save(output)
    except OSError as error:
        raise CrystalError(f"cannot write {output}: {error.strerror}") from error
    for layer, cosine in mean_cosines(codec, *pyramid).items():
        print(f"{layer:9s} {cosine:.4f} mean cosine between vectors and what their codes decode to")
    return 0


if __name__ == "__main__":
    sys.exit(main())
