"""Measure an encoder's scales for int8 on a sample of text.

    python -m crystalcli.vectors.calibrate TEXT... -o SCALES.npz --encoder DIR

The scales that ship with the package were measured on prose, source code, papers and conversation.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from crystalcli.vectors.encoder_config import WEIGHTS_FILE, canonical_names, read_encoder_config
from crystalcli.vectors.encoder_tokenizer import CLS, SEP, default_tokenizer
from crystalcli.vectors.quantized import SCALES, Scales
from crystalcli.vectors.stack import EncoderStack

_WINDOW = 254  # tokens: the longest chunk


class CalibrationStack(EncoderStack):
    """An encoder stack that records the range of every channel of its products' inputs."""

    def __init__(self, folder: Path) -> None:
        config = read_encoder_config(folder)
        weights = load_file(str(folder / WEIGHTS_FILE))
        super().__init__(config, {short: weights[name] for short, name in canonical_names(weights).items()})
        self.scales = Scales({}, {})

    def _linear(self, layer: int, part: str, x: torch.Tensor) -> torch.Tensor:
        flat, key = x.flatten(0, -2), (layer, part)
        low, high = flat.amin(0).numpy(), flat.amax(0).numpy()
        self.scales.low[key] = np.minimum(low, self.scales.low.get(key, low))
        self.scales.high[key] = np.maximum(high, self.scales.high.get(key, high))
        return super()._linear(layer, part, x)


def calibrate(folder: Path, texts: list[str], windows: int) -> Scales:
    """Measure the scales of an encoder.

    Args:
        folder: of the encoder, in Hugging Face layout.
        texts: the sample.
        windows: of each text at most, evenly spaced.
    """
    stack = CalibrationStack(folder)
    for ids, _ in default_tokenizer().tokenize(texts):
        starts = np.arange(0, max(1, len(ids) - _WINDOW // 2), _WINDOW)
        for start in starts[:: max(1, len(starts) // windows)][:windows]:
            stack(torch.tensor([[CLS, *ids[start : start + _WINDOW].tolist(), SEP]]), None)
    return stack.scales


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", type=Path, metavar="TEXT")
    parser.add_argument("-o", "--output", type=Path, default=SCALES)
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--windows", type=int, default=40, help="windows read of each text")
    args = parser.parse_args()
    calibrate(args.encoder, [path.read_text(encoding="utf-8") for path in args.texts], args.windows).save(args.output)


if __name__ == "__main__":
    main()
