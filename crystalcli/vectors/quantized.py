"""The encoder stack with int8 products, for processors with native int8 or AVX2.

Weights are quantized per row, activations by scales that `calibrate.py` measured, after each
channel has been divided by a factor that evens out the channels' ranges: a few channels of a
transformer are ten times as wide as the rest, and would leave the others few of the 256 steps
(SmoothQuant: Xiao et al., 2023). The factors are part of the layer norms before the products, so
that they cost nothing. Between the widest products, where a norm is missing, values leave the first
as the 8 bits that the second reads, and the few channels with the widest ranges are cut off.
Everything else between the products stays in floating point. Scales are fixed, not taken from the
batch, so that a chunk's states depend on that chunk alone.

Chunks stand one after the other in a pack; attention alone looks at each by itself. Each is padded
to a multiple of a few positions, since kernels are made anew for each shape, and are slow for odd
ones. Products of integers are exact, so that it does not matter what shares a pack.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from crystalcli.cpu import cpu_flags
from crystalcli.vectors.chunk_attention import Attention, attend_by_powers, fastest_attention, padding_mask
from crystalcli.vectors.stack import EncoderStack

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, IntArray
    from crystalcli.vectors.encoder_config import EncoderConfig

SCALES = Path(__file__).parent / "data" / "minilm-scales.npz"
SMOOTHED = ("qkv", "up")  # products after a layer norm; the channels of "out" are alike, "down" is cut off
_MIGRATION = 0.8  # SmoothQuant's alpha: the share of a channel's range that moves to the weights
_POST = {"gelu": ("gelu", "none"), "tanh": ("gelu", "tanh"), "relu": ("relu", "")}
_NATIVE = {"avx512_vnni", "avx_vnni", "amx_int8"}  # instructions that multiply int8 and add in 32 bits
_SHORT = 128  # positions; chunks of fewer are attended to by the fused kernel, several at a time
_STEP = 16  # lengths of chunks are rounded up to a multiple of this
_KEPT = 0.99  # of the channels of "down" have their whole range; the rest are cut off at the widest of these


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
def has_int8_kernels() -> bool:
    """Check for int8 instructions (VNNI, AMX or AVX2) that torch multiplies rightly with."""
    if not cpu_flags() & {*_NATIVE, "avx2"}:
        return False
    generator = torch.Generator().manual_seed(0)
    weight, x = (torch.randn(64, 64, generator=generator) for _ in range(2))
    try:
        product = _Product(weight, torch.zeros(64), -torch.full((64,), 4.0), torch.full((64,), 4.0))
        error = (product(x) - x @ weight.T).abs().mean() / (x @ weight.T).abs().mean()
    except (RuntimeError, AttributeError, NotImplementedError, TypeError):
        return False
    return float(error) < 0.05


def _widest(weight: torch.Tensor, axis: int) -> torch.Tensor:
    """Find the greatest absolute values along an axis, in one pass over memory."""
    widest: torch.Tensor = torch.linalg.vector_norm(weight, math.inf, axis)
    return widest


def _row_scales(weight: torch.Tensor) -> torch.Tensor:
    """Choose the size of a step in each row of a weight, float32 [rows].

    AVX2 adds the products of two neighbours in 16 bits, which saturate: 255 times the sum of two
    weights of one sign must fit, so that sums of neighbours take up to 128 steps.
    """
    steps = _widest(weight, 1) / 127
    if not cpu_flags() & _NATIVE:
        even = F.pad(weight, (0, weight.shape[1] % 2)).reshape(len(weight), -1, 2)
        sums = torch.maximum(even.clamp(min=0).sum(2), (-even).clamp(min=0).sum(2))
        steps = torch.maximum(steps, sums.amax(1) / 127)  # rounding adds at most a half to each
    return steps.clamp(min=1e-14)


class QuantizedStack:
    """The layers of one model on a CPU, with int8 products.

    Args:
        config: the model's shape.
        weights: by the names of `canonical_names`.
        scales: measured on this model.
        attention: how attention is computed; None: as a trial on this processor found.

    Raises:
        KeyError: A weight is missing or has the wrong shape, or the scales belong to another model.
    """

    def __init__(
        self,
        config: EncoderConfig,
        weights: Mapping[str, torch.Tensor],
        scales: Scales,
        attention: Attention | None = None,
    ) -> None:
        self.config = config
        self._attention = attention or fastest_attention(config.heads, config.dimension // config.heads)
        stack = EncoderStack(config, weights)
        # A copy, so that the file of the weights, half of which is not needed any more, does not
        # stay mapped into memory.
        self._words, self._positions = stack.words.clone(), stack.positions
        post = {"up": _POST[config.activation]}
        products = []
        for layer, linears in enumerate(stack.linears):
            parts = {}
            for part, (weight, bias) in linears.items():
                low, high = (torch.from_numpy(bounds[layer, part]) for bounds in scales)
                if len(low) != weight.shape[1]:
                    raise KeyError("the scales belong to another model")
                if part == "qkv":  # scale q so that softmax can use powers of two
                    weight, bias = weight.clone(), bias.clone()
                    factor = math.log2(math.e) / math.sqrt(config.dimension // config.heads)
                    weight[: config.dimension] *= factor
                    bias[: config.dimension] *= factor
                if part == "down":
                    high = high.clamp(max=float(high.quantile(_KEPT)))
                parts[part] = _Product(
                    weight,
                    bias,
                    low,
                    high,
                    smooth=part in SMOOTHED,
                    post=post.get(part, ("none", "")),
                    result=self._attention.precision if part == "qkv" else torch.float32,
                )
            parts["up"].feed(parts["down"])
            products.append(parts)
        self._products = products
        # Each layer norm gives the input of the product after it, smoothed.
        even = torch.ones(config.dimension)
        before = [parts["qkv"].smoothing for parts in products] + [even]
        self._norm = _smoothed(stack.norm, before[0])
        self._norms = [
            (_smoothed(norm, parts["up"].smoothing), _smoothed(last_norm, before[layer + 1]))
            for layer, (parts, (norm, last_norm)) in enumerate(zip(products, stack.norms, strict=True))
        ]

    @torch.inference_mode()
    def __call__(self, chunks: Sequence[IntArray]) -> list[torch.Tensor]:
        """Encode a pack of chunks.

        Args:
            chunks: token ids with the special ones, int32 [n] each; in ascending order of length.

        Returns:
            Token states of each chunk, float32 [n, dimension].
        """
        size, epsilon = (self.config.dimension,), self.config.epsilon
        groups = self._groups([len(ids) for ids in chunks])
        x = self._embedded(chunks, groups)
        x = F.layer_norm(x, size, *self._norm, epsilon)
        for layer, (product, (norm, last_norm)) in enumerate(zip(self._products, self._norms, strict=True)):
            attended = self._attend(product["qkv"](x), groups, exact=layer == 0)
            x = product["out"](attended).addcmul_(x, product["qkv"].smoothing)
            x = F.layer_norm(x, size, *norm, epsilon)
            x = product["down"].of_steps(product["up"](x)).addcmul_(x, product["up"].smoothing)
            x = F.layer_norm(x, size, *last_norm, epsilon)
        rows = (row for group in groups for row in x[group.start : group.end].view(len(group.lengths), group.width, -1))
        return [row[: len(ids)] for ids, row in zip(chunks, rows, strict=True)]

    def _groups(self, lengths: Sequence[int]) -> list[_Group]:
        """Group the chunks of a pack that are attended to at once.

        A chunk is padded, and masked, by its own length alone, so that it is rounded alike in any
        company.
        """
        groups = []
        start = 0
        widths = [min(-(-length // _STEP) * _STEP, self.config.positions) for length in lengths]
        for (width, padded), pairs in groupby(
            zip(widths, lengths, strict=True), lambda pair: (pair[0], pair[0] > pair[1])
        ):
            own = [length for _, length in pairs]
            mask = padding_mask(own, width, self._attention.precision) if padded else None
            groups.append(_Group(start, width, own, mask))
            start = groups[-1].end
        return groups

    def _embedded(self, chunks: Sequence[IntArray], groups: Sequence[_Group]) -> torch.Tensor:
        """Look up the vectors of tokens and of places, float32 [positions, dimension]."""
        padded = np.zeros(groups[-1].end, np.int64)
        starts = [group.start + row * group.width for group in groups for row in range(len(group.lengths))]
        for start, ids in zip(starts, chunks, strict=True):
            padded[start : start + len(ids)] = ids
        x = F.embedding(torch.from_numpy(padded), self._words)
        for group in groups:
            x[group.start : group.end].view(len(group.lengths), group.width, -1).add_(self._positions[: group.width])
        return x

    def _attend(self, qkv: torch.Tensor, groups: Sequence[_Group], *, exact: bool) -> torch.Tensor:
        """Compute attention inside each chunk.

        Args:
            qkv: queries, keys and values of a pack, [positions, 3 * dimension].
            groups: of the pack.
            exact: whether scores are too large for the products of `attend_by_powers`.

        Returns:
            float32 [positions, dimension].
        """
        attended = torch.empty(len(qkv), self.config.dimension)
        for start, width, lengths, mask in groups:
            end = start + width * len(lengths)
            shape = (len(lengths), width, -1, self.config.heads, self.config.dimension // self.config.heads)
            q, k, v = qkv[start:end].view(shape).permute(2, 0, 3, 1, 4)
            target = attended[start:end].view(shape)[:, :, 0].transpose(1, 2)
            # The kernel gives a chunk the same states in any company; products of matrices may not.
            if exact or self._attention.fused or width < _SHORT:
                target.copy_(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=math.log(2)))
                continue
            for chunk, length in enumerate(lengths):
                query, key, value = (states[chunk, :, :length] for states in (q, k, v))
                attend_by_powers(query, key, value, out=target[chunk, :, :length])
                target[chunk, :, length:] = 0
        return attended


class _Group(NamedTuple):
    """Chunks of one padded length in a pack.

    Attributes:
        start: position of the first.
        width: positions of each, with padding.
        lengths: positions of each, without.
        mask: added to the scores of its positions; None without padding.
    """

    start: int
    width: int
    lengths: list[int]
    mask: torch.Tensor | None

    @property
    def end(self) -> int:
        """Position after the last."""
        return self.start + self.width * len(self.lengths)


def _smoothed(norm: tuple[torch.Tensor, torch.Tensor], smoothing: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Divide what a layer norm gives by the factors of its channels."""
    return norm[0] / smoothing, norm[1] / smoothing


class _Product:
    """A linear layer in int8: float32 [n, channels], already smoothed, to `result` [n, rows].

    Args:
        weight: float32 [rows, channels].
        bias: float32 [rows].
        low: the least value of each channel, float32 [channels].
        high: the greatest value of each channel, float32 [channels].
        smooth: whether to even out the channels' ranges.
        post: the activation fused into the product, and its algorithm.
        result: the dtype of the output.

    Attributes:
        smoothing: the factors by which the input must have been divided, float32 [channels].
    """

    def __init__(
        self,
        weight: torch.Tensor,
        bias: torch.Tensor,
        low: torch.Tensor,
        high: torch.Tensor,
        *,
        smooth: bool = False,
        post: tuple[str, str] = ("none", ""),
        result: torch.dtype = torch.float32,
    ) -> None:
        widest = torch.maximum(low.abs(), high.abs()).clamp(min=1e-3)
        self.smoothing = torch.ones_like(widest)
        if smooth:
            self.smoothing = widest**_MIGRATION / _widest(weight, 0).clamp(min=1e-4) ** (1 - _MIGRATION)
            self.smoothing /= self.smoothing.median()
        least, most = min(0.0, float((low / self.smoothing).min())), float((high / self.smoothing).max())
        self._scale = max(most - least, 1e-6) / 255
        self._zero = round(-least / self._scale)
        weight = weight * self.smoothing
        self._row_scales = _row_scales(weight).contiguous()
        rows = weight.div_(self._row_scales[:, None]).round_().to(torch.int8)
        self._rows = torch.ops.onednn.qlinear_prepack(rows, None)
        self._row_zeros = torch.zeros(len(weight), dtype=torch.int32)
        self._bias = bias.float().contiguous()
        self._post, self._algorithm = post
        self._result = result
        self._result_scale, self._result_zero = 1.0, 0
        self._quantize = _quantizer()

    def feed(self, product: _Product) -> None:
        """Give the result as the steps that another product reads."""
        self._result, self._result_scale, self._result_zero = torch.uint8, product._scale, product._zero

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply float32 [n, channels]."""
        return self.of_steps(self._quantize(x, self._scale, self._zero))

    def of_steps(self, steps: torch.Tensor) -> torch.Tensor:
        """Multiply what is quantized already, uint8 [n, channels]."""
        product: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            steps,
            self._scale,
            self._zero,
            self._rows,
            self._row_scales,
            self._row_zeros,
            self._bias,
            self._result_scale,
            self._result_zero,
            self._result,
            self._post,
            [],
            self._algorithm,
        )
        return product


def quantize_in_one_pass(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """Quantize float32 to uint8 in one pass over memory.

    torch names this kernel's result by a dtype of its own, and copies slowly out of it: take its
    memory as it is.
    """
    steps = torch.quantize_per_tensor(x, scale, zero, torch.quint8)
    return torch.empty(0, dtype=torch.uint8).set_(steps.untyped_storage(), 0, steps.shape, steps.stride())


def quantize_in_steps(x: torch.Tensor, scale: float, zero: int) -> torch.Tensor:
    """Quantize float32 to uint8 by ordinary operations.

    torch rounds to int8 several times as fast as to uint8: subtract 128 first, flip the sign bit
    afterwards.
    """
    steps = torch.mul(x, 1 / scale).add_(zero - 128).clamp_(-128, 127).round_().to(torch.int8)
    return steps.view(torch.uint8).bitwise_xor_(128)


@lru_cache(maxsize=1)
def _quantizer() -> Callable[[torch.Tensor, float, int], torch.Tensor]:
    """Choose how to quantize: in one pass where torch still has a kernel for it."""
    x = torch.linspace(-3, 3, 999).view(9, 111)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch will drop the kernel in a later version
        try:
            if torch.equal(quantize_in_one_pass(x, 0.02, 120), quantize_in_steps(x, 0.02, 120)):
                return quantize_in_one_pass
        except (RuntimeError, AttributeError, NotImplementedError, TypeError):
            pass
    return quantize_in_steps
