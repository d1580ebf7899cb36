"""The figures of a decoder, as `config.json` of a folder in Hugging Face's layout has them.

Knows: which families crystal's own decoder runs, what they leave unsaid, the names of the figures. Reads no file.
Does not know: weights, tokens. The defaults are those of transformers' configurations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.decoder_config import Rotary, Shape, yarn_magnitude
from crystalcli.lm.files.gguf import show


@dataclass(frozen=True, slots=True)
class _Family:
    """What a configuration may leave unsaid.

    tied: whether the output is the embedding; head: dimensions of a head; window: what the model slides, if it does.
    """

    context: int
    biased: bool = False
    normed: bool = False
    tied: bool = False
    head: int | None = None
    base: float = 10_000.0
    skipped: int = 0
    window: int = 0


_FAMILIES = {
    "LlamaForCausalLM": _Family(2048),
    "MistralForCausalLM": _Family(131_072, window=4096),
    "Qwen2ForCausalLM": _Family(32_768, biased=True),
    "Qwen3ForCausalLM": _Family(32_768, normed=True, head=128),
    "SmolLM3ForCausalLM": _Family(32_768, tied=True, base=2_000_000.0, skipped=4),
}
OWN = tuple(_FAMILIES)
"""The architectures that crystal's own decoder runs."""


def architecture(config: Mapping[str, Any], folder: Path) -> str:
    """The name of the model's class. Raises CrystalError where it is no language model's."""
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names else None
    if not isinstance(name, str):
        raise CrystalError(f"{folder}/config.json does not say what it is of (`architectures`)")
    if not name.endswith(("CausalLM", "LMHeadModel", "ConditionalGeneration")):
        raise CrystalError(f"{folder} holds a {show(name)}, which is no language model")
    return name


def context_of(config: Mapping[str, Any]) -> int:
    """How many positions a model of any family says it has, by the names that families have for it; 0 where none does."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, dict) else {}):
        for key in ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"):
            if type(value := part.get(key)) is int and 0 < value <= 2**24:
                return value
    return 0


def is_tied(config: Mapping[str, Any]) -> bool:
    """Whether the output is the embedding."""
    told = config.get("tie_word_embeddings")
    return told if isinstance(told, bool) else _FAMILIES[config["architectures"][0]].tied


def shape_of(config: Mapping[str, Any], folder: Path) -> Shape:
    """The figures of a family in OWN.

    Behind a sliding window the context is as long as the window: within it the model sees what it would see.
    Raises CrystalError for absurd figures and for what the decoder does not do.
    """
    figures = _Figures(config, folder)
    family = _FAMILIES[config["architectures"][0]]
    if config.get("quantization_config"):
        raise CrystalError(f"{folder}: quantised weights of this kind are not supported; a GGUF file of the model is")
    if config.get("hidden_act", "silu") not in ("silu", "swish"):
        raise figures.absurd("hidden_act")
    heads, width = figures.whole("num_attention_heads", 1024), figures.whole("hidden_size", 65_536)
    groups = figures.whole("num_key_value_heads", 1024, heads)
    head = figures.whole("head_dim", 1024, family.head or max(width // heads, 1))
    if heads % groups or head % 2:
        raise CrystalError(f"{folder}: {heads} heads of {head} over {groups} groups are not supported")
    context = figures.whole("max_position_embeddings", 2**24, family.context)
    layers = figures.whole("num_hidden_layers", 1024)
    return Shape(
        layers=layers,
        width=width,
        hidden=figures.whole("intermediate_size", 1_048_576),
        heads=heads,
        groups=groups,
        head=head,
        vocabulary=figures.whole("vocab_size", 2**24),
        context=min(context, _window(figures, family)),
        epsilon=figures.real("rms_norm_eps", 1e-6),
        rotary=_rotary(figures, family, context, layers),
        biased=family.biased,
        normed=family.normed,
    )


class _Figures:
    """Takes figures out of the configuration, each within its bounds. null is what is not said."""

    def __init__(self, config: Mapping[str, Any], folder: Path, where: str = "") -> None:
        self.config = config
        self._folder = folder
        self._where = where

    def get(self, key: str) -> Any:
        return self.config.get(key)

    def whole(self, key: str, most: int, default: int | None = None) -> int:
        value = self.config.get(key)
        value = default if value is None else value
        if type(value) is not int or not 1 <= value <= most:
            raise self.absurd(key)
        return value

    def real(self, key: str, default: float | None = None) -> float:
        value = self.config.get(key)
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
            raise self.absurd(key)
        return float(value)

    def absurd(self, key: str) -> CrystalError:
        value = show(str(self.config.get(key)))
        return CrystalError(f"{self._folder}/config.json: {self._where}{key} cannot be {value}")

    def inside(self, key: str, values: Mapping[str, Any]) -> _Figures:
        return _Figures(values, self._folder, f"{key}.")


def _window(figures: _Figures, family: _Family) -> int:
    """The length of the sliding window, where any layer has one; else more than any context."""
    kinds = figures.get("layer_types")
    slides = family.window > 0
    if isinstance(told := figures.get("use_sliding_window"), bool):
        slides = told
    if isinstance(kinds, list):
        if not set(map(str, kinds)) <= {"full_attention", "sliding_attention"}:
            raise figures.absurd("layer_types")
        slides = "sliding_attention" in kinds
    if not slides or figures.config.get("sliding_window", family.window) is None:
        return 2**24
    return figures.whole("sliding_window", 2**24, family.window or None)


def _rotary(figures: _Figures, family: _Family, context: int, layers: int) -> Rotary:
    new, old = figures.get("rope_parameters"), figures.get("rope_scaling")
    rope = new if new is not None else old if old is not None else {}
    if not isinstance(rope, dict):
        raise figures.absurd("rope_parameters" if new is not None else "rope_scaling")
    told = figures.inside("rope_parameters" if new is not None else "rope_scaling", rope)
    base = told.real("rope_theta", figures.real("rope_theta", family.base))
    kind = rope.get("rope_type") or rope.get("type") or "default"
    partial = rope.get("partial_rotary_factor", figures.get("partial_rotary_factor"))
    if base <= 1.0 or partial not in (None, 1, 1.0) or kind not in ("default", "linear", "dynamic", "yarn", "llama3"):
        raise CrystalError(f"{figures._folder}: rotary positions of the kind {show(str(kind))} are not supported")
    skipped = _skipped(figures, family, layers)
    if kind in ("default", "dynamic"):  # the latter changes beyond the positions trained only
        return Rotary(base=base, skipped=skipped)
    factor = told.real("factor")
    if kind == "linear":
        return Rotary(base=base, scaling="linear", factor=factor, skipped=skipped)
    trained = told.whole("original_max_position_embeddings", 2**24, context)
    if kind == "llama3":
        return Rotary(
            base=base,
            scaling="llama3",
            factor=factor,
            trained=trained,
            low=told.real("low_freq_factor"),
            high=told.real("high_freq_factor"),
            skipped=skipped,
        )
    if rope.get("truncate") is False:
        raise told.absurd("truncate")
    magnitude = yarn_magnitude(factor)
    if rope.get("attention_factor") is not None:
        magnitude = told.real("attention_factor")
    elif rope.get("mscale") and rope.get("mscale_all_dim"):
        sizes = [1.0 + 0.1 * told.real(key) * math.log(max(factor, 1.0)) for key in ("mscale", "mscale_all_dim")]
        magnitude = sizes[0] / sizes[1]
    return Rotary(
        base=base,
        scaling="yarn",
        factor=factor,
        trained=trained,
        fast=told.real("beta_fast", 32.0),
        slow=told.real("beta_slow", 1.0),
        magnitude=magnitude,
        skipped=skipped,
    )


def _skipped(figures: _Figures, family: _Family, layers: int) -> int:
    """Every so manieth layer has no positions; 0: all have."""
    if not family.skipped:
        return 0
    every = figures.whole("no_rope_layer_interval", 1024, family.skipped)
    told = figures.get("no_rope_layers")
    if told is not None and told != [int((number + 1) % every != 0) for number in range(layers)]:
        raise figures.absurd("no_rope_layers")
    return every
