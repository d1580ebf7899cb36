"""A decoder's configuration from the `config.json` of a folder in Hugging Face's layout.

Knows: which families crystal's own decoder runs, their defaults (those of transformers'
configurations), the names of the values.
Does not know: weights, tokens. Reads no file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.decoder_config import DecoderConfig, RotaryConfig, yarn_attention_factor
from crystalcli.lm.files.gguf import printable

_UNBOUNDED = 2**24  # more positions than any context


@dataclass(frozen=True, slots=True)
class _Family:
    """Values that a configuration may leave out.

    Attributes:
        context_length: Positions.
        qkv_bias: As in DecoderConfig.
        qk_norm: As in DecoderConfig.
        tied: Whether the output is the embedding.
        head_dim: Dimensions of a head; None: hidden size over heads.
        base: As in RotaryConfig.
        no_rope_interval: As in RotaryConfig.
        window: Length of the sliding window, 0 where there is none.
    """

    context_length: int
    qkv_bias: bool = False
    qk_norm: bool = False
    tied: bool = False
    head_dim: int | None = None
    base: float = 10_000.0
    no_rope_interval: int = 0
    window: int = 0


_FAMILIES = {
    "LlamaForCausalLM": _Family(2048),
    "MistralForCausalLM": _Family(131_072, window=4096),
    "Qwen2ForCausalLM": _Family(32_768, qkv_bias=True),
    "Qwen3ForCausalLM": _Family(32_768, qk_norm=True, head_dim=128),
    "SmolLM3ForCausalLM": _Family(32_768, tied=True, base=2_000_000.0, no_rope_interval=4),
}
SUPPORTED_ARCHITECTURES = tuple(_FAMILIES)
"""The architectures that crystal's own decoder runs."""


def architecture(config: Mapping[str, Any], folder: Path) -> str:
    """Read the name of the model's class.

    Raises:
        CrystalError: It is missing, or the class is not a language model.
    """
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    if not isinstance(name, str):
        raise CrystalError(f"{folder}/config.json does not say what it is of (`architectures`)")
    if not name.endswith(("CausalLM", "LMHeadModel", "ConditionalGeneration")):
        raise CrystalError(f"{folder} holds a {printable(name)}, not a language model")
    return name


def context_length_of(config: Mapping[str, Any]) -> int:
    """Read the number of positions of a model of any family; 0 where it is missing.

    Families have several keys for it.
    """
    text_config = config.get("text_config")
    for section in (config, text_config if isinstance(text_config, dict) else {}):
        for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"):
            if type(value := section.get(key)) is int and 0 < value <= _UNBOUNDED:
                return value
    return 0


def has_tied_embeddings(config: Mapping[str, Any]) -> bool:
    """Tell whether the output is the embedding."""
    tied = config.get("tie_word_embeddings")
    return tied if isinstance(tied, bool) else _FAMILIES[config["architectures"][0]].tied


def config_from_hf(config: Mapping[str, Any], folder: Path) -> DecoderConfig:
    """Read the configuration of a family in SUPPORTED_ARCHITECTURES.

    Behind a sliding window the context is as long as the window: within it the model sees what it
    would see.

    Raises:
        CrystalError: A value is out of range, or the decoder cannot do what it asks for.
    """
    values = _Values(config, folder)
    family = _FAMILIES[config["architectures"][0]]
    if config.get("quantization_config"):
        raise CrystalError(f"{folder}: quantised weights of this kind are not supported; a GGUF file of the model is")
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise values.invalid("hidden_act")
    heads, hidden_size = values.integer("num_attention_heads", 1024), values.integer("hidden_size", 65_536)
    kv_heads = values.integer("num_key_value_heads", 1024, heads)
    head_dim = values.integer("head_dim", 1024, family.head_dim or max(hidden_size // heads, 1))
    if heads % kv_heads or head_dim % 2:
        raise CrystalError(f"{folder}: {heads} heads of {head_dim} over {kv_heads} groups are not supported")
    context_length = values.integer("max_position_embeddings", _UNBOUNDED, family.context_length)
    layers = values.integer("num_hidden_layers", 1024)
    return DecoderConfig(
        layers=layers,
        hidden_size=hidden_size,
        ffn_size=values.integer("intermediate_size", 1_048_576),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=values.integer("vocab_size", 2**24),
        context_length=min(context_length, _window(values, family)),
        epsilon=values.number("rms_norm_eps", 1e-6),
        rotary=_rotary(values, family, context_length, layers),
        qkv_bias=family.qkv_bias,
        qk_norm=family.qk_norm,
    )


class _Values:
    """Values of the configuration, each checked against its range. null counts as missing."""

    def __init__(self, config: Mapping[str, Any], folder: Path, section: str = "") -> None:
        self.config = config
        self.folder = folder
        self._section = section

    def get(self, key: str) -> Any:
        return self.config.get(key)

    def integer(self, key: str, most: int, default: int | None = None) -> int:
        value = self.config.get(key)
        value = default if value is None else value
        if type(value) is not int or not 1 <= value <= most:
            raise self.invalid(key)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        value = self.config.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise self.invalid(key)
        return float(value)

    def invalid(self, key: str) -> CrystalError:
        value = printable(str(self.config.get(key)))
        return CrystalError(f"{self.folder}/config.json: {self._section}{key} cannot be {value}")

    def section(self, key: str, values: Mapping[str, Any]) -> _Values:
        return _Values(values, self.folder, f"{key}.")


def _window(values: _Values, family: _Family) -> int:
    """Length of the sliding window, where any layer has one; else more than any context."""
    kinds = values.get("layer_types")
    slides = family.window > 0
    if isinstance(flag := values.get("use_sliding_window"), bool):
        slides = flag
    if isinstance(kinds, list):
        if not set(map(str, kinds)) <= {"full_attention", "sliding_attention"}:
            raise values.invalid("layer_types")
        slides = "sliding_attention" in kinds
    if not slides or values.config.get("sliding_window", family.window) is None:
        return _UNBOUNDED
    return values.integer("sliding_window", _UNBOUNDED, family.window or None)


def _rotary(values: _Values, family: _Family, context_length: int, layers: int) -> RotaryConfig:
    new, old = values.get("rope_parameters"), values.get("rope_scaling")
    key = "rope_parameters" if new is not None else "rope_scaling"
    rope = new if new is not None else old if old is not None else {}
    if not isinstance(rope, dict):
        raise values.invalid(key)
    section = values.section(key, rope)
    base = section.number("rope_theta", values.number("rope_theta", family.base))
    kind = rope.get("rope_type") or rope.get("type") or "default"
    partial = rope.get("partial_rotary_factor", values.get("partial_rotary_factor"))
    if base <= 1.0 or partial not in (None, 1, 1.0) or kind not in ("default", "linear", "dynamic", "yarn", "llama3"):
        raise CrystalError(f"{values.folder}: rotary positions of the kind {printable(str(kind))} are not supported")
    interval = _no_rope_interval(values, family, layers)
    if kind in ("default", "dynamic"):  # the latter changes only beyond the trained positions
        return RotaryConfig(base=base, no_rope_interval=interval)
    factor = section.number("factor")
    if kind == "linear":
        return RotaryConfig(base=base, scaling="linear", factor=factor, no_rope_interval=interval)
    trained_positions = section.integer("original_max_position_embeddings", _UNBOUNDED, context_length)
    if kind == "llama3":
        return RotaryConfig(
            base=base,
            scaling="llama3",
            factor=factor,
            trained_positions=trained_positions,
            low_freq_factor=section.number("low_freq_factor"),
            high_freq_factor=section.number("high_freq_factor"),
            no_rope_interval=interval,
        )
    if rope.get("truncate") is False:
        raise section.invalid("truncate")
    attention_factor = yarn_attention_factor(factor)
    if rope.get("attention_factor") is not None:
        attention_factor = section.number("attention_factor")
    elif rope.get("mscale") and rope.get("mscale_all_dim"):
        scales = [1.0 + 0.1 * section.number(key) * math.log(max(factor, 1.0)) for key in ("mscale", "mscale_all_dim")]
        attention_factor = scales[0] / scales[1]
    return RotaryConfig(
        base=base,
        scaling="yarn",
        factor=factor,
        trained_positions=trained_positions,
        beta_fast=section.number("beta_fast", 32.0),
        beta_slow=section.number("beta_slow", 1.0),
        attention_factor=attention_factor,
        no_rope_interval=interval,
    )


def _no_rope_interval(values: _Values, family: _Family, layers: int) -> int:
    """Interval of the layers without positions; 0: all have positions."""
    if not family.no_rope_interval:
        return 0
    interval = values.integer("no_rope_layer_interval", 1024, family.no_rope_interval)
    listed = values.get("no_rope_layers")
    if listed is not None and listed != [int((number + 1) % interval != 0) for number in range(layers)]:
        raise values.invalid("no_rope_layers")
    return interval
