"""A script that learns the codebooks of an encoder from files of text.

    python -m crystalcli.index.train_codebooks TEXT... -o codebooks.npz [--encoder DIR]

It prints how well the codebooks decode. Codebooks belong to the encoder, not to the text: they
depend on the distribution of its vectors. Those in the package were made by this script. Without
--encoder it takes the program's own encoder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from crystalcli import models
from crystalcli.errors import CrystalError, UsageError
from crystalcli.index.codebook_training import encode_for_training, training_chunks
from crystalcli.index.encoder import ENCODER, resolve_encoder
from crystalcli.index.layer_encoder import LayerEncoder
from crystalcli.paths import unwritable
from crystalcli.vectors import Codec


def main(arguments: list[str] | None = None) -> int:
    """Read text, encode it, learn codebooks, write them, and print their fidelity.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path, nargs="+", help="files and folders to learn from")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--encoder", type=Path, metavar="DIR", help="a folder with a model of the BERT family")
    parser.add_argument("--tokens", type=int, default=3_000_000, help="the most tokens to learn from")
    args = parser.parse_args(arguments)
    try:
        return _learn(args.text, args.output, args.encoder, args.tokens)
    except CrystalError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _learn(text: list[Path], output: Path, folder: Path | None, tokens: int) -> int:
    from crystalcli.vectors import mean_cosines, train_codec

    if output.suffix != ".npz":
        raise UsageError(f"the name of the output must end in .npz: {output}")
    if reason := unwritable(output):  # before the work, which takes minutes
        raise CrystalError(f"cannot write {output}: {reason}")
    folder = folder or models.locate(ENCODER) or models.pull(ENCODER)
    encoder, _ = resolve_encoder(folder, Path.cwd())
    layers = LayerEncoder(folder, tokenizer=encoder.tokenizer)
    vectors = encode_for_training(training_chunks(text, encoder), layers, tokens)
    if vectors is None:
        raise CrystalError("there is no text to learn from")
    codec = Codec.from_arrays(train_codec(*vectors).to_arrays())
    try:
        codec.save(output)
    except OSError as error:
        raise CrystalError(f"cannot write {output}: {error.strerror}") from error
    for layer, cosine in mean_cosines(codec, *vectors).items():
        print(f"{layer:9s} {cosine:.4f} mean cosine between vectors and what their codes decode to")
    return 0


if __name__ == "__main__":
    sys.exit(main())
