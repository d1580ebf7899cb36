"""The configuration of an encoder in Hugging Face layout: shape, names of weights, prompts.

Knows: `config.json`, prompts, and four model types that are one architecture under several names:
BERT (Devlin et al., 2019), DistilBERT (Sanh et al., 2019), RoBERTa (Liu et al., 2019) and
XLM-RoBERTa (Conneau et al., 2020). Does not know: the values of weights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from crystalcli.errors import ModelMissingError, UsageError

WEIGHTS_FILE = "model.safetensors"
PROMPTS_FILE = "config_sentence_transformers.json"
MODEL_TYPES = ("bert", "distilbert", "roberta", "xlm-roberta")
_OFFSET_TYPES = ("roberta", "xlm-roberta")  # their positions begin after the padding token's
_MIN_POSITIONS = 16  # fewer do not hold a sentence
# Activation functions by the names that configurations give them.
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


# E5 (Wang et al., 2022) was trained with these, and most copies of it do not say so.
_E5 = re.compile(r"(?:^|[-_/])e5[-_](?!.*instruct)")
_E5_PROMPTS = ("query: ", "passage: ")


class EncoderPrompts(NamedTuple):
    """The texts that an encoder was trained to find before others; "" for none.

    Attributes:
        query: before a question.
        passage: before a passage.
    """

    query: str = ""
    passage: str = ""


class EncoderConfig(NamedTuple):
    """The shape of an encoder.

    Attributes:
        type: one of MODEL_TYPES.
        dimension: of token states.
        layers: number of layers.
        heads: attention heads of a layer.
        epsilon: of layer normalization.
        activation: "gelu", "tanh" (GELU by its tanh approximation) or "relu".
        positions: greatest number of tokens, special tokens included.
        first_position: row of the position embeddings at which positions begin.
    """

    type: str
    dimension: int
    layers: int
    heads: int
    epsilon: float
    activation: str
    positions: int
    first_position: int


def read_encoder_config(folder: Path) -> EncoderConfig:
    """Read the shape of the model in a folder.

    Raises:
        ModelMissingError: `config.json` or `model.safetensors` is missing or cannot be read.
        UsageError: The model is not an encoder of one of MODEL_TYPES.
    """
    _check_weights_file(folder)
    try:
        data = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("expected a JSON object")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelMissingError(f"cannot read the encoder's config.json in {folder}: {reason}") from error
    kind = data.get("model_type")
    if kind not in MODEL_TYPES:
        raise UsageError(f"{folder} holds a model of type {kind}; expected one of {', '.join(MODEL_TYPES)}")
    try:
        config = _config(str(kind), data)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder}/config.json does not describe an encoder: {error}") from error
    if config.positions < _MIN_POSITIONS:
        raise UsageError(f"{folder} holds a model of {config.positions} positions; expected {_MIN_POSITIONS} or more")
    return config


def read_prompts(folder: Path) -> EncoderPrompts:
    """Read the prompts of the model in a folder, as sentence-transformers stores them.

    A model of the E5 family has its own where the folder has none.

    Raises:
        ModelMissingError: The file with the prompts cannot be read.
    """
    path = folder / PROMPTS_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"cannot read the encoder's {PROMPTS_FILE} in {folder}: {error}") from error
    stored = data.get("prompts") if isinstance(data, dict) else None
    prompts = {name: text for name, text in stored.items() if isinstance(text, str)} if isinstance(stored, dict) else {}
    passage = prompts.get("passage") or prompts.get("document") or ""
    if passage or prompts.get("query"):
        return EncoderPrompts(prompts.get("query", ""), passage)
    place = folder.absolute()  # in the Hugging Face cache the name is two folders above
    names = (place.parent.parent.name if place.parent.name == "snapshots" else place.name, config.get("_name_or_path"))
    if any(isinstance(name, str) and _E5.search(name) for name in names):
        return EncoderPrompts(*_E5_PROMPTS)
    return EncoderPrompts()


def _config(kind: str, data: Mapping[str, Any]) -> EncoderConfig:
    """Take the shape from the JSON of `config.json`. Raises KeyError, TypeError or ValueError."""
    if data.get("position_embedding_type", "absolute") != "absolute":
        raise ValueError("its positions are not absolute")
    if data.get("is_decoder"):
        raise ValueError("it is a decoder")
    names = ("dim", "n_layers", "n_heads", "activation")
    if kind != "distilbert":
        names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "hidden_act")
    size, layers, heads, activation = (data[name] for name in names)
    if activation not in _ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}")
    first = int(data.get("pad_token_id", 1)) + 1 if kind in _OFFSET_TYPES else 0
    if min(size, layers, heads) < 1 or size % heads:
        raise ValueError(f"{size} dimensions cannot be divided by {heads} heads")
    epsilon = float(data.get("layer_norm_eps", 1e-12))
    positions = int(data["max_position_embeddings"]) - first
    return EncoderConfig(kind, int(size), int(layers), int(heads), epsilon, _ACTIVATIONS[activation], positions, first)


def _check_weights_file(folder: Path) -> None:
    """Raise ModelMissingError, with a reason, unless `model.safetensors` exists."""
    if (folder / WEIGHTS_FILE).is_file():
        return
    reason = "model.safetensors does not exist" if folder.is_dir() else "the folder does not exist"
    if (folder / f"{WEIGHTS_FILE}.index.json").exists():
        reason = "they are split over several files; save them as one model.safetensors"
    elif (folder / "pytorch_model.bin").exists():
        reason = "pytorch_model.bin is a pickle, which is never read; save them as model.safetensors"
    raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {reason}")


def canonical_names(names: Iterable[str]) -> dict[str, str]:
    """Map BERT's name of each weight, `encoder.layer.0.output.dense.weight`, to the file's."""
    canonical = {}
    for name in names:
        short = _PREFIX.sub("", name)
        if short.startswith("transformer."):
            for theirs, ours in _DISTILBERT:
                short = short.replace(theirs, ours)
        canonical[short] = name
    return canonical
