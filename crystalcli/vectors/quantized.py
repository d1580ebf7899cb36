"""The encoder stack with int8 products, for processors with native int8.

Weights are quantized per row, activations by scales that `calibrate.py` measured, after each
channel has been divided by a factor that evens out the channels' ranges: a few channels of a
transformer are ten times as wide as the rest, and would leave the others few of the 256 steps
(SmoothQuant: Xiao et al., 2023). Everything between the products stays in floating point. Scales
are fixed, not taken from the batch, so that a chunk's states depend on that chunk alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from crystalcli.cpu import cpu_flags
from crystalcli.vectors.stack import EncoderStack

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray
    from crystalcli.vectors.encoder_config import EncoderConfig

SCALES = Path(__file__).parent / "data" / "minilm-scales.npz"
SMOOTHED = ("qkv", "up", "down")  # products whose channels are evened out; those of "out" are alike
_MIGRATION = 0.8  # SmoothQuant's alpha: the share of a channel's range that moves to the weights
_POST = {"gelu": ("gelu", "none"), "tanh": ("gelu", "tanh"), "relu": ("relu", "")}
# The range of sums that are safe to divide by; outside of it, softmax subtracts its maximum first.
_SAFE = (2.0**-100, 2.0**48)


class Scales(NamedTuple):
    """The range of each channel of each product's input in a sample of text, by (layer, product).

    Attributes:
        low: least values, float32 [channels].
        high: greatest values, float32 [channels].
    """

    low: dict[tuple[int, str], FloatArray]
    high: dict[tuple[int, str], FloatArray]

    def save(self, path: Path) -> None:
        """Write the scales, rounded to float16, to an .npz file."""
        arrays = {
            f"{part}.{layer}": np.stack([self.low[layer, part], self.high[layer, part]]) for layer, part in self.low
        }
        np.savez_compressed(path, **{name: array.astype(np.float16) for name, array in arrays.items()})  # type: ignore[arg-type]

    @staticmethod
    def load(path: Path) -> Scales:
        """Read a file of `save`."""
        scales = Scales({}, {})
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                part, layer = name.split(".")
                scales.low[int(layer), part], scales.high[int(layer), part] = arrays[name].astype(np.float32)
        return scales


@lru_cache(maxsize=1)
def default_scales() -> Scales:
    """Load the scales of the default encoder, once."""
    return Scales.load(SCALES)


@lru_cache(maxsize=1)
def has_native_int8() -> bool:
    """Check for int8 matrix instructions (VNNI or AMX) that torch multiplies rightly with."""
    if not cpu_flags() & {"avx512_vnni", "avx_vnni", "amx_int8"}:
        return False
    generator = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(64, 64, generator=generator) for _ in range(2))
    try:
        product = _Product(weight, torch.zeros(64), -torch.full((64,), 4.0), torch.full((64,), 4.0), smooth=False)
        error = (product(x) - x @ weight.T).abs().mean() / (x @ weight.T).abs().mean()
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False
    return float(error) < 0.05


class QuantizedStack(EncoderStack):
    """The layers of one model on a CPU, with int8 products.

    Args:
        config: the model's shape.
        weights: by the names of `canonical_names`.
        scales: measured on this model.

    Raises:
        KeyError: A weight is missing or has the wrong shape, or the scales belong to another model.
    """

    def __init__(self, config: EncoderConfig, weights: Mapping[str, torch.Tensor], scales: Scales) -> None:
        super().__init__(config, weights)
        self._products = []
        post = {"up": _POST[config.activation]}
        for layer, linears in enumerate(self._linears):
            products = {}
            for part, (weight, bias) in linears.items():
                low, high = (torch.from_numpy(bounds[layer, part]) for bounds in scales)
                if len(low) != weight.shape[1]:
                    raise KeyError("the scales belong to another model")
                if part == "qkv":  # scale q so that softmax can use powers of two
                    weight, bias = weight.clone(), bias.clone()
                    factor = math.log2(math.e) / math.sqrt(config.dimension // config.heads)
                    weight[: config.dimension] *= factor
                    bias[: config.dimension] *= factor
                products[part] = _Product(
                    weight,
                    bias,
                    low,
                    high,
                    smooth=part in SMOOTHED,
                    post=post.get(part, ("none", "")),
                    result=torch.bfloat16 if part == "qkv" else torch.float32,
                )
            self._products.append(products)
        self._linears = []

    def _linear(self, layer: int, part: str, x: torch.Tensor) -> torch.Tensor:
        return self._products[layer][part](x)

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        return x  # fused into the product

    def _attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        if layer == 0:  # its scores reach 110 in every text, where bfloat16 resolves only 0.5
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=math.log(2)).float()
        scores = torch.matmul(q, k.transpose(-1, -2))
        if mask is not None:
            scores.masked_fill_(~mask, -math.inf)
        powers = torch.exp2(scores)
        total = powers.sum(-1, keepdim=True, dtype=torch.float32)
        attended = torch.matmul(powers, v).float().div_(total)
        # The maximum was not subtracted first, as softmax does: a sum may leave the range of
        # floating point.
        unsafe = ~((total > _SAFE[0]) & (total < _SAFE[1])).flatten(1).all(1)
        if unsafe.any():
            query, key, value = (states[unsafe].float() for states in (q, k, v))
            unsafe_mask = None if mask is None else mask[unsafe]
            attended[unsafe] = F.scaled_dot_product_attention(
                query, key, value, attn_mask=unsafe_mask, scale=math.log(2)
            )
        return attended


class _Product:
    """A linear layer in int8: float32 [..., channels] to `result` [..., rows].

    Args:
        weight: float32 [rows, channels].
        bias: float32 [rows].
        low: the least value of each channel, float32 [channels].
        high: the greatest value of each channel, float32 [channels].
        smooth: whether to even out the channels' ranges.
        post: the activation fused into the product, and its algorithm.
        result: the dtype of the output.
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        low: torch.Tensor,
        high: torch.Tensor,
        *,
        smooth: bool,
        post: tuple[str, str] = ("none", ""),
        result: torch.dtype = torch.float32,
    ) -> None:
        widest = torch.maximum(low.abs(), high.abs()).clamp(min=1e-3)
        smoothing = torch.ones_like(widest)
        if smooth:
            smoothing = widest**_MIGRATION / weight.abs().amax(0).clamp(min=1e-4) ** (1 - _MIGRATION)
            smoothing /= smoothing.median()
        least, most = min(0.0, float((low / smoothing).min())), float((high / smoothing).max())
        self._scale = max(most - least, 1e-6) / 255
        self._zero = round(-least / self._scale)
        # torch rounds to int8 several times as fast as to uint8: subtract 128 first, flip the sign
        # bit afterwards.
        self._factor = (1 / (smoothing * self._scale)).contiguous()
        self._shift = torch.full_like(self._factor, self._zero - 128.0)
        weight = weight * smoothing
        self._row_scales = (weight.abs().amax(1).clamp(min=1e-12) / 127).contiguous()
        rows = (weight / self._row_scales[:, None]).round().to(torch.int8)
        self._rows = torch.ops.onednn.qlinear_prepack(rows, None)
        self._row_zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = bias.float().contiguous()
        self._post, self._algorithm = post
        self._result = result

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        steps = torch.addcmul(self._shift, x, self._factor).clamp_(-128, 127).round_().to(torch.int8)
        product: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            steps.view(torch.uint8).bitwise_xor_(128),
            self._scale,
            self._zero,
            self._rows,
            self._row_scales,
            self._row_zeros,
            self._bias,
            1.0,
            0,
            self._result,
            self._post,
            [],
            self._algorithm,
        )
        return product
