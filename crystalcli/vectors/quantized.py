"""BERT's layers with the products in 8-bit integers, for processors that multiply those faster than anything else.

Weights are rounded per row, activations by scales that were measured beforehand (`calibrate`), after each channel has been divided
by what makes its range like the others': a few channels of a transformer are ten times as wide as the rest, and would leave
these few of the 256 steps (SmoothQuant: Xiao et al., 2023). Everything between the products stays in floating point. Scales are fixed,
not taken from what is encoded, so that a chunk's states depend on that chunk alone.
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
from crystalcli.vectors.stack import Stack

if TYPE_CHECKING:
    from crystalcli.types import FloatArray
    from crystalcli.vectors.config import Config

SCALES = Path(__file__).parent / "data" / "minilm-scales.npz"
SMOOTHED = ("qkv", "up", "down")  # the products whose channels are evened out; in "out" they are alike
_MIGRATION = 0.8  # SmoothQuant's alpha: how much of a channel's range goes to the weights
_POST = {"gelu": ("gelu", "none"), "tanh": ("gelu", "tanh"), "relu": ("relu", "")}
# Sums of powers of two that are safe to divide by; outside them, softmax with its maximum taken off.
_SAFE = (2.0**-100, 2.0**48)


class Scales(NamedTuple):
    """The least and the greatest value that each channel of each product's input had in a sample: float32 [channels] each, by
    (layer, part)."""

    low: dict[tuple[int, str], FloatArray]
    high: dict[tuple[int, str], FloatArray]

    def save(self, path: Path) -> None:
        """Write to a file of numpy's."""
        arrays = {
            f"{part}.{layer}": np.stack([self.low[layer, part], self.high[layer, part]]) for layer, part in self.low
        }
        np.savez_compressed(path, **{name: array.astype(np.float16) for name, array in arrays.items()})  # type: ignore[arg-type]

    @staticmethod
    def load(path: Path) -> Scales:
        """Read what `save` wrote."""
        scales = Scales({}, {})
        with np.load(path, allow_pickle=False) as arrays:
            for name in arrays.files:
                part, layer = name.split(".")
                scales.low[int(layer), part], scales.high[int(layer), part] = arrays[name].astype(np.float32)
        return scales


@lru_cache(maxsize=1)
def default_scales() -> Scales:
    """Those of the program's own encoder."""
    return Scales.load(SCALES)


@lru_cache(maxsize=1)
def native_int8() -> bool:
    """Whether this processor has matrix instructions for 8-bit integers (VNNI or AMX), and torch's build uses them rightly."""
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


class QuantizedStack(Stack):
    """The layers of one model on a CPU. Parameters as of Stack. Raises KeyError as Stack does, and for scales that are not its."""

    def __init__(self, config: Config, weights: Mapping[str, torch.Tensor], scales: Scales) -> None:
        super().__init__(config, weights)
        self._products = []
        post = {"up": _POST[config.activation]}
        for layer, linears in enumerate(self._linears):
            products = {}
            for part, (weight, bias) in linears.items():
                low, high = (torch.from_numpy(each[layer, part]) for each in scales)
                if len(low) != weight.shape[1]:
                    raise KeyError("the scales are of another model")
                if part == "qkv":  # softmax of q · k / sqrt(d) as powers of two
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
        return x  # the product did it

    def _attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        if layer == 0:  # its scores reach 110 in every text, where bfloat16 has steps of a half
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=math.log(2)).float()
        scores = torch.matmul(q, k.transpose(-1, -2))
        if mask is not None:
            scores.masked_fill_(~mask, -math.inf)
        powers = torch.exp2(scores)
        total = powers.sum(-1, keepdim=True, dtype=torch.float32)
        attended = torch.matmul(powers, v).float().div_(total)
        # Without the maximum taken off first, as softmax does, a sum may leave the range of floating point: seldom, and seen here.
        unsafe = ~((total > _SAFE[0]) & (total < _SAFE[1])).flatten(1).all(1)
        if unsafe.any():
            query, key, value = (each[unsafe].float() for each in (q, k, v))
            where = None if mask is None else mask[unsafe]
            attended[unsafe] = F.scaled_dot_product_attention(query, key, value, attn_mask=where, scale=math.log(2))
        return attended


class _Product:
    """A linear layer in 8 bits: float32 [..., channels] to `result` [..., rows]. low, high: the range of each channel."""

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
        evening = torch.ones_like(widest)
        if smooth:
            evening = widest**_MIGRATION / weight.abs().amax(0).clamp(min=1e-4) ** (1 - _MIGRATION)
            evening /= evening.median()
        least, most = min(0.0, float((low / evening).min())), float((high / evening).max())
        self._scale = max(most - least, 1e-6) / 255
        self._zero = round(-least / self._scale)
        # Rounding by way of int8, which is several times as fast as to uint8: less 128 before, the sign bit turned over after.
        self._factor = (1 / (evening * self._scale)).contiguous()
        self._shift = torch.full_like(self._factor, self._zero - 128.0)
        weight = weight * evening
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
