"""A decoder's configuration, and its reading from the metadata of a GGUF file.

Knows: which families can be run and how they differ; the range of each value.
Does not know: weights, torch. Reading takes the header of a file and nothing else.

Sources: llama.cpp's names of keys (docs/gguf.md); Su et al. 2021 (rotary positions), Peng et
al. 2023 (YaRN).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, printable


@dataclass(frozen=True, slots=True)
class RotaryConfig:
    """Rotation of queries and keys by their positions.

    Attributes:
        base: Base of the frequencies (theta).
        scaling: "none"; "linear": positions divided by `factor`; "yarn": slow frequencies divided
            by `factor`, those between `beta_fast` and `beta_slow` turns in `trained_positions` in
            part; "llama3": the same idea, between `low_freq_factor` and `high_freq_factor`.
        factor: How far positions are stretched.
        trained_positions: Positions that the model was trained on before they were stretched.
        beta_fast: Turns above which YaRN keeps a frequency.
        beta_slow: Turns below which YaRN divides it whole.
        low_freq_factor: Turns below which Llama 3.1 divides a frequency whole.
        high_freq_factor: Turns above which Llama 3.1 keeps it.
        attention_factor: Multiplies sines and cosines.
        interleaved: Whether the two rows of a rotated pair follow one another in the source, as
            GGUF has Llama's; elsewhere they are half a head apart.
        no_rope_interval: Every so many layers one has no positions; 0: all have.
    """

    base: float = 10_000.0
    scaling: str = "none"
    factor: float = 1.0
    trained_positions: int = 0
    beta_fast: float = 32.0
    beta_slow: float = 1.0
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    attention_factor: float = 1.0
    interleaved: bool = False
    no_rope_interval: int = 0


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The sizes of a decoder and what its family does differently.

    Attributes:
        layers: Number of layers.
        hidden_size: Width of the residual stream.
        ffn_size: Width inside the feed-forward network.
        heads: Query heads.
        kv_heads: Key and value heads; each is shared by a group of query heads.
        head_dim: Dimensions of a head.
        vocab_size: Rows of the embedding.
        context_length: Positions.
        epsilon: Added to the mean square in RMSNorm.
        rotary: How positions rotate queries and keys.
        qkv_bias: Whether queries, keys and values need a bias; where not, they may have one.
        qk_norm: Whether each head of queries and keys is normalised before it is rotated.
    """

    layers: int
    hidden_size: int
    ffn_size: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    context_length: int
    epsilon: float
    rotary: RotaryConfig
    qkv_bias: bool = False
    qk_norm: bool = False

    @classmethod
    def from_gguf(cls, file: GGUF) -> DecoderConfig:
        """Read the configuration from the metadata of a file.

        Behind a sliding window the context is as long as the window: within it the model sees what
        it would see.

        Raises:
            CrystalError: The family cannot be run, or a value is out of range.
        """
        metadata = _Metadata(file)
        family = _FAMILIES[metadata.prefix]
        heads = metadata.integer("attention.head_count", 1024)
        hidden_size = metadata.integer("embedding_length", 65_536)
        kv_heads = metadata.integer("attention.head_count_kv", 1024, heads)
        head_dim = metadata.integer("attention.key_length", 1024, max(hidden_size // heads, 1))
        if (
            heads % kv_heads
            or head_dim % 2
            or metadata.integer("rope.dimension_count", 1024, head_dim) != head_dim
            or metadata.integer("attention.value_length", 1024, head_dim) != head_dim
        ):
            raise CrystalError(f"{file.path}: {heads} heads of {head_dim} over {kv_heads} groups are not supported")
        if metadata.raw("expert_count"):
            raise CrystalError(f"{file.path}: mixtures of experts are not supported")
        embedding = file.tensors.get("token_embd.weight")
        if embedding is None or len(embedding.shape) != 2 or embedding.shape[1] != hidden_size:
            raise CrystalError(f"{file.path}: token_embd.weight is missing or not of width {hidden_size}")
        context_length = metadata.integer("context_length", 2**24)
        if metadata.raw("attention.sliding_window"):
            context_length = min(context_length, metadata.integer("attention.sliding_window", 2**24))
        return cls(
            layers=metadata.integer("block_count", 1024),
            hidden_size=hidden_size,
            ffn_size=metadata.integer("feed_forward_length", 1_048_576),
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vocab_size=embedding.shape[0],
            context_length=context_length,
            epsilon=metadata.number("attention.layer_norm_rms_epsilon", 1e-5),
            rotary=_rotary(metadata, family, context_length),
            qkv_bias=family.qkv_bias,
            qk_norm=family.qk_norm,
        )


@dataclass(frozen=True, slots=True)
class _Family:
    """Values that the metadata leaves out.

    The fields are those of DecoderConfig and RotaryConfig.
    """

    interleaved: bool = False
    qkv_bias: bool = False
    qk_norm: bool = False
    no_rope_interval: int = 0


_FAMILIES = {
    "llama": _Family(interleaved=True),
    "qwen2": _Family(qkv_bias=True),
    "qwen3": _Family(qk_norm=True),
    "smollm3": _Family(interleaved=True, no_rope_interval=4),
}


def yarn_attention_factor(factor: float) -> float:
    """Compute YaRN's multiplier of sines and cosines for positions stretched by `factor`."""
    return 1.0 + 0.1 * math.log(factor) if factor > 1.0 else 1.0


class _Metadata:
    """Values of the metadata under the architecture's prefix, checked against their ranges."""

    def __init__(self, file: GGUF) -> None:
        self._file = file
        self.prefix = str(file.metadata.get("general.architecture"))
        if self.prefix not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise CrystalError(
                f"{file.path}: its architecture is {printable(self.prefix)}; those that can be run: {known}"
            )

    def raw(self, key: str) -> object:
        return self._file.metadata.get(f"{self.prefix}.{key}")

    def integer(self, key: str, most: int, default: int | None = None) -> int:
        value = self._file.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int) or not 1 <= value <= most:
            raise self.invalid(key, value)
        return value

    def number(self, key: str, default: float) -> float:
        value = self._file.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int | float) or not 0 < value < 1e12:
            raise self.invalid(key, value)
        return float(value)

    def invalid(self, key: str, value: object) -> CrystalError:
        return CrystalError(f"{self._file.path}: {self.prefix}.{key} cannot be {printable(str(value))}")


def _rotary(metadata: _Metadata, family: _Family, context_length: int) -> RotaryConfig:
    scaling = metadata.raw("rope.scaling.type")
    scaling = "none" if scaling is None else scaling
    if not isinstance(scaling, str) or scaling not in ("none", "linear", "yarn"):
        raise metadata.invalid("rope.scaling.type", scaling)
    factor = 1.0 if scaling == "none" else metadata.number("rope.scaling.factor", 1.0)
    attention_factor = 1.0
    if scaling == "yarn":
        attention_factor = yarn_attention_factor(factor) * metadata.number("rope.scaling.attn_factor", 1.0)
    base = metadata.number("rope.freq_base", 10_000.0)
    if base <= 1.0:
        raise metadata.invalid("rope.freq_base", base)
    return RotaryConfig(
        base=base,
        scaling=scaling,
        factor=factor,
        trained_positions=metadata.integer("rope.scaling.original_context_length", 2**24, context_length),
        beta_fast=metadata.number("rope.scaling.yarn_beta_fast", 32.0),
        beta_slow=metadata.number("rope.scaling.yarn_beta_slow", 1.0),
        attention_factor=attention_factor,
        interleaved=family.interleaved,
        no_rope_interval=family.no_rope_interval,
    )
