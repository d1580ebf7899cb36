"""What a folder in Hugging Face layout says of its model: the type, the shape, and what its weights are called.

Reads `config.json` and names. Knows four types, which are one architecture under several names: BERT (Devlin et al., 2019),
DistilBERT (Sanh et al., 2019), RoBERTa (Liu et al., 2019) and XLM-RoBERTa (Conneau et al., 2020). Opens no weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from crystalcli.errors import ModelMissingError, UsageError

WEIGHTS = "model.safetensors"
TYPES = ("bert", "distilbert", "roberta", "xlm-roberta")
_OFFSET_TYPES = ("roberta", "xlm-roberta")  # their positions begin after the padding's
_SHORTEST = 16  # positions; what has fewer cannot hold a sentence
# The same function under the names that configurations have for it.
_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "tanh",
    "gelu_fast": "tanh",
    "gelu_pytorch_tanh": "tanh",
    "relu": "relu",
}
_PREFIX = re.compile(r"^(?:bert|distilbert|roberta)\.")
_DISTILBERT = (
    ("transformer.layer.", "encoder.layer."),
    ("attention.q_lin.", "attention.self.query."),
    ("attention.k_lin.", "attention.self.key."),
    ("attention.v_lin.", "attention.self.value."),
    ("attention.out_lin.", "attention.output.dense."),
    ("sa_layer_norm.", "attention.output.LayerNorm."),
    ("ffn.lin1.", "intermediate.dense."),
    ("ffn.lin2.", "output.dense."),
    ("output_layer_norm.", "output.LayerNorm."),
)


class Config(NamedTuple):
    """A model's shape.

    activation: "gelu", "tanh" (GELU by its tanh formula) or "relu". positions: how many the model has for tokens, special
    ones included; first_position: the row of the position embeddings where they begin.
    """

    type: str
    dimension: int
    layers: int
    heads: int
    epsilon: float
    activation: str
    positions: int
    first_position: int


def read_config(folder: Path) -> Config:
    """The shape of the model in `folder`.

    Raises ModelMissingError when `config.json` or `model.safetensors` is missing or cannot be read, and UsageError for a model
    of another kind than those above.
    """
    _look_for_weights(folder)
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelMissingError(f"cannot read the encoder's config.json in {folder}: {reason}") from error
    kind = data.get("model_type")
    if kind not in TYPES:
        raise UsageError(f"{folder} holds a model of type {kind}; an encoder is one of {', '.join(TYPES)}")
    try:
        config = _config(str(kind), data)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder}/config.json does not describe an encoder: {error}") from error
    if config.positions < _SHORTEST:
        raise UsageError(f"{folder} holds a model of {config.positions} positions; an encoder has {_SHORTEST} or more")
    return config


def _config(kind: str, data: Mapping[str, Any]) -> Config:
    if data.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError("its positions are not absolute")
    if data.get("is_decoder"):
        raise ValueError("it is a decoder")
    names = ("dim", "n_layers", "n_heads", "activation")
    if kind != "distilbert":
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "hidden_act")
    size, layers, heads, activation = (data[name] for name in names)
    if activation not in _ACTIVATIONS:
        raise ValueError(f"its activation is {activation}")
    first = int(data.get("pad_token_id", 1)) + 1 if kind in _OFFSET_TYPES else 0
    if min(size, layers, heads) < 1 or size % heads:
        raise ValueError(f"{heads} heads do not share {size} dimensions evenly")
    epsilon = float(data.get("layer_norm_eps", 1e-12))
    positions = int(data["max_position_embeddings"]) - first
    return Config(kind, int(size), int(layers), int(heads), epsilon, _ACTIVATIONS[activation], positions, first)


def _look_for_weights(folder: Path) -> None:
    """Raise ModelMissingError, with what is there instead, when the weights are not in one `model.safetensors`."""
    if (folder / WEIGHTS).is_file():
        return
    reason = "there is no model.safetensors" if folder.is_dir() else "there is no such folder"
    if (folder / f"{WEIGHTS}.index.json").exists():
        reason = "they lie in several files; save them as one model.safetensors"
    elif (folder / "pytorch_model.bin").exists():
        reason = "pytorch_model.bin is a pickle, which is never read; save them as model.safetensors"
    raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {reason}")


def canonical(names: Iterable[str]) -> dict[str, str]:
    """What the file calls each weight, by BERT's own name for it (`encoder.layer.0.output.dense.weight`)."""
    found = {}
    for name in names:
        short = _PREFIX.sub("", name)
        if short.startswith("transformer."):
            for theirs, ours in _DISTILBERT:
                short = short.replace(theirs, ours)
        found[short] = name
    return found
