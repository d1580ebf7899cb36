"""The figures of a decoder, and how they stand in the metadata of a GGUF file.

Knows: which families can be run and in what they differ; which figures are absurd.
Does not know: weights, torch. Reading them takes the header of a file and nothing else.

Sources: llama.cpp's names of keys (docs/gguf.md); Su et al. 2021 (rotary positions), Peng et al. 2023 (YaRN).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, show


@dataclass(frozen=True, slots=True)
class Rotary:
    """How positions turn queries and keys.

    scaling: "none"; "linear": positions divided by `factor`; "yarn": slow frequencies divided by `factor`, those between
    `fast` and `slow` turns in `trained` positions in part; "llama3": the same idea, between `low` and `high`.
    magnitude: what sines and cosines are multiplied by. side_by_side: whether the two rows of a pair that is turned
    follow one another in the source, as GGUF has Llama's, or stand half a head apart, as everywhere else.
    skipped: every so manieth layer turns nothing; 0: all do.
    """

    base: float = 10_000.0
    scaling: str = "none"
    factor: float = 1.0
    trained: int = 0
    fast: float = 32.0
    slow: float = 1.0
    low: float = 1.0
    high: float = 4.0
    magnitude: float = 1.0
    side_by_side: bool = False
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Shape:
    """The figures of a model. width: of the residual stream; hidden: of the feed-forward; context: positions.

    biased: queries, keys and values need a bias (where they do not, they may have one). normed: each head of queries and
    keys is normalised before it is turned.
    """

    layers: int
    width: int
    hidden: int
    heads: int
    groups: int  # of query heads: each shares one key and value head
    head: int  # dimensions of a head
    vocabulary: int  # rows of the embedding
    context: int
    epsilon: float
    rotary: Rotary
    biased: bool = False
    normed: bool = False

    @classmethod
    def of(cls, file: GGUF) -> Shape:
        """Reads the figures from the metadata. Raises CrystalError for a family that cannot be run or absurd figures.

        Behind a sliding window the context is as long as the window: within it the model sees what it would see.
        """
        figures = _Figures(file)
        family = _FAMILIES[figures.prefix]
        heads, width = figures.whole("attention.head_count", 1024), figures.whole("embedding_length", 65_536)
        groups = figures.whole("attention.head_count_kv", 1024, heads)
        head = figures.whole("attention.key_length", 1024, max(width // heads, 1))
        if (
            heads % groups
            or head % 2
            or figures.whole("rope.dimension_count", 1024, head) != head
            or figures.whole("attention.value_length", 1024, head) != head
        ):
            raise CrystalError(f"{file.path}: {heads} heads of {head} over {groups} groups are not supported")
        if figures.raw("expert_count"):
            raise CrystalError(f"{file.path}: mixtures of experts are not supported")
        embedding = file.tensors.get("token_embd.weight")
        if embedding is None or len(embedding.shape) != 2 or embedding.shape[1] != width:
            raise CrystalError(f"{file.path}: token_embd.weight is missing or not of width {width}")
        context = figures.whole("context_length", 2**24)
        if figures.raw("attention.sliding_window"):
            context = min(context, figures.whole("attention.sliding_window", 2**24))
        return cls(
            layers=figures.whole("block_count", 1024),
            width=width,
            hidden=figures.whole("feed_forward_length", 1_048_576),
            heads=heads,
            groups=groups,
            head=head,
            vocabulary=embedding.shape[0],
            context=context,
            epsilon=figures.real("attention.layer_norm_rms_epsilon", 1e-5),
            rotary=_rotary(figures, family, context),
            biased=family.biased,
            normed=family.normed,
        )


@dataclass(frozen=True, slots=True)
class _Family:
    """What is not said in the metadata. The fields are those of Shape and Rotary."""

    side_by_side: bool = False
    biased: bool = False
    normed: bool = False
    skipped: int = 0


_FAMILIES = {
    "llama": _Family(side_by_side=True),
    "qwen2": _Family(biased=True),
    "qwen3": _Family(normed=True),
    "smollm3": _Family(side_by_side=True, skipped=4),
}


def yarn_magnitude(factor: float) -> float:
    """What YaRN multiplies sines and cosines by for positions stretched by `factor`."""
    return 1.0 + 0.1 * math.log(factor) if factor > 1.0 else 1.0


class _Figures:
    """Takes figures out of the metadata, under the prefix of the architecture, each within its bounds."""

    def __init__(self, file: GGUF) -> None:
        self._file = file
        self.prefix = str(file.metadata.get("general.architecture"))
        if self.prefix not in _FAMILIES:
            known = ", ".join(_FAMILIES)
            raise CrystalError(f"{file.path}: its architecture is {show(self.prefix)}; those that can be run: {known}")

    def raw(self, key: str) -> object:
        return self._file.metadata.get(f"{self.prefix}.{key}")

    def whole(self, key: str, most: int, default: int | None = None) -> int:
        value = self._file.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int) or not 1 <= value <= most:
            raise self.absurd(key, value)
        return value

    def real(self, key: str, default: float) -> float:
        value = self._file.metadata.get(f"{self.prefix}.{key}", default)
        if not isinstance(value, int | float) or not 0 < value < 1e12:
            raise self.absurd(key, value)
        return float(value)

    def absurd(self, key: str, value: object) -> CrystalError:
        return CrystalError(f"{self._file.path}: {self.prefix}.{key} cannot be {show(str(value))}")


def _rotary(figures: _Figures, family: _Family, context: int) -> Rotary:
    scaling = figures.raw("rope.scaling.type")
    scaling = "none" if scaling is None else scaling
    if not isinstance(scaling, str) or scaling not in ("none", "linear", "yarn"):
        raise figures.absurd("rope.scaling.type", scaling)
    factor = 1.0 if scaling == "none" else figures.real("rope.scaling.factor", 1.0)
    magnitude = 1.0
    if scaling == "yarn":
        magnitude = yarn_magnitude(factor) * figures.real("rope.scaling.attn_factor", 1.0)
    base = figures.real("rope.freq_base", 10_000.0)
    if base <= 1.0:
        raise figures.absurd("rope.freq_base", base)
    return Rotary(
        base=base,
        scaling=scaling,
        factor=factor,
        trained=figures.whole("rope.scaling.original_context_length", 2**24, context),
        fast=figures.real("rope.scaling.yarn_beta_fast", 32.0),
        slow=figures.real("rope.scaling.yarn_beta_slow", 1.0),
        magnitude=magnitude,
        side_by_side=family.side_by_side,
        skipped=family.skipped,
    )
