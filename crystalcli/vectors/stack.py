"""The encoder stack in torch: token ids to token states.

Knows: weights. Does not know: chunks or batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from crystalcli.vectors.encoder_config import EncoderConfig

# A layer's four products, and the names of their weights; the first concatenates three.
LINEAR = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
}
_NORMS = ("attention.output.LayerNorm", "output.LayerNorm")


class EncoderStack:
    """The layers of one model, in one floating-point precision, on one device.

    Args:
        config: the model's shape.
        weights: by the names of `canonical_names`.
        device: by default the one that the weights are on.
        precision: a floating-point dtype.

    Raises:
        KeyError: A weight is missing or has the wrong shape.
    """

    def __init__(
        self,
        config: EncoderConfig,
        weights: Mapping[str, torch.Tensor],
        device: torch.device | None = None,
        precision: torch.dtype = torch.float32,
    ) -> None:
        self.config = config

        def take(*names: str) -> tuple[torch.Tensor, torch.Tensor]:
            weight, bias = (torch.cat([weights[f"{name}.{kind}"] for name in names]) for kind in ("weight", "bias"))
            return weight.to(device, precision).contiguous(), bias.to(device, precision).contiguous()

        self.words = weights["embeddings.word_embeddings.weight"].to(device, precision)
        positions = weights["embeddings.position_embeddings.weight"][config.first_position :]
        if "embeddings.token_type_embeddings.weight" in weights:
            positions = positions + weights["embeddings.token_type_embeddings.weight"][0]
        self.positions = positions.to(device, precision)
        self.norm = take("embeddings.LayerNorm")
        shapes = {"word": self.words.shape[1], "position": self.positions.shape[1]}
        if set(shapes.values()) != {config.dimension} or len(self.positions) < config.positions:
            raise KeyError("their shape does not match config.json")
        prefixes = [f"encoder.layer.{layer}." for layer in range(config.layers)]
        self.linears = [
            {part: take(*(prefix + name for name in names)) for part, names in LINEAR.items()} for prefix in prefixes
        ]
        self.norms = [[take(prefix + name) for name in _NORMS] for prefix in prefixes]

    @torch.inference_mode()
    def __call__(self, ids: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Encode token ids.

        Args:
            ids: int64 [batch, positions].
            mask: bool [batch, 1, 1, positions], true at tokens, false at padding; None without
                padding.

        Returns:
            Token states [batch, positions, dimension].
        """
        batch, length = ids.shape
        size, heads, epsilon = (self.config.dimension,), self.config.heads, self.config.epsilon
        x = F.layer_norm(F.embedding(ids, self.words) + self.positions[:length], size, *self.norm, epsilon)
        for layer, (norm, last_norm) in enumerate(self.norms):
            # [batch, positions, 3·dimension] -> three of [batch, heads, positions, dimension /
            # heads]
            q, k, v = self._linear(layer, "qkv", x).view(batch, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
            attended = self._attend(layer, q, k, v, mask).transpose(1, 2).reshape(batch, length, -1)
            x = F.layer_norm(x + self._linear(layer, "out", attended), size, *norm, epsilon)
            inner = self._activate(self._linear(layer, "up", x))
            x = F.layer_norm(x + self._linear(layer, "down", inner), size, *last_norm, epsilon)
        return x

    def _linear(self, layer: int, part: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, *self.linears[layer][part])

    def _attend(
        self, layer: int, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        if self.config.activation == "relu":
            return F.relu(x)
        return F.gelu(x, approximate="tanh" if self.config.activation == "tanh" else "none")
