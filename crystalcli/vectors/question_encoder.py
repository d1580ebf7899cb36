"""The encoder in numpy, for a question: 10 tokens take less time than importing torch.

Weights are memory-mapped, so only the rows of the embedding table that the question uses are read.
Chunks are encoded in torch, by `bert.py`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from crystalcli.cpu import one_blas_thread
from crystalcli.errors import ModelMissingError
from crystalcli.vectors.encoder_config import WEIGHTS_FILE, canonical_names, read_encoder_config
from crystalcli.vectors.encoder_tokenizer import WordPieceTokenizer, default_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crystalcli.datatypes import FloatArray, IntArray


class EncodedQuestion(NamedTuple):
    """An encoded question; all vectors have unit length.

    Attributes:
        vector: the embedding, float32 [dimension].
        states: the token states, float32 [tokens, dimension].
    """

    vector: FloatArray
    states: FloatArray


class QuestionEncoder:
    """BERT for one short text at a time, in float32.

    Args:
        folder: holds `config.json` and `model.safetensors`.
        tokenizer: of the encoder; by default the default encoder's.
        passages: whether texts are passages to be found, and not questions.

    Attributes:
        max_tokens: the greatest number of tokens of a text, without special tokens and prompt.

    Raises:
        ModelMissingError: The weights cannot be read.
        UsageError: The model is not an encoder of a supported type.
    """

    def __init__(self, folder: Path, tokenizer: WordPieceTokenizer | None = None, *, passages: bool = False) -> None:
        from safetensors import SafetensorError

        self.config = read_encoder_config(folder)
        self._tokenizer = tokenizer or default_tokenizer()
        prompt = self._tokenizer.passage_prompt if passages else self._tokenizer.query_prompt
        self._prompt: list[int] = prompt.tolist()
        self.max_tokens = self.config.positions - 2 - len(self._prompt)
        try:
            self._open(folder / WEIGHTS_FILE)
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

    def _open(self, path: Path) -> None:
        """Map the weights. Raises KeyError for a missing weight, ValueError for a wrong shape."""
        import safetensors

        file: Any = safetensors.safe_open(str(path), framework="numpy")
        names = canonical_names(file.keys())
        # Numpy has no bfloat16.
        if any(file.get_slice(name).get_dtype() == "BF16" for name in names.values()):
            deserialize: Any = safetensors.deserialize
            tensors = {name: _from_bfloat16(entry) for name, entry in deserialize(path.read_bytes())}
            self._weights = {short: tensors[name] for short, name in names.items()}
            self._words: Any = self._weights.pop("embeddings.word_embeddings.weight")
        else:
            self._words = file.get_slice(names.pop("embeddings.word_embeddings.weight"))
            self._weights = {
                short: file.get_tensor(name).astype(np.float32, copy=False) for short, name in names.items()
            }
        rows = len(self._weights["embeddings.position_embeddings.weight"])
        last = f"encoder.layer.{self.config.layers - 1}.output.dense.weight"
        if rows < self.config.first_position + self.config.positions or last not in self._weights:
            raise ValueError("their shape does not match config.json")

    def tokens(self, text: str) -> tuple[IntArray, IntArray]:
        """Tokenize a text, truncated to `max_tokens`.

        Returns:
            Token ids, int32 [n], and the character offset at which each token ends, int32 [n].
        """
        ids, ends = self._tokenizer.tokenize([text])[0]
        return ids[: self.max_tokens], ends[: self.max_tokens]

    def encode(self, ids: Sequence[int]) -> EncodedQuestion:
        """Encode a text of at most `max_tokens` token ids, without special tokens and prompt."""
        with one_blas_thread():
            x = self._forward(ids)
        return EncodedQuestion(_unit(x.mean(0)), _unit(x[1 + len(self._prompt) : -1]))

    def states(self, ids: Sequence[int]) -> FloatArray:
        """Compute the states of a text's tokens, float32 [tokens, dimension], not normalized."""
        with one_blas_thread():
            return self._forward(ids)[1 + len(self._prompt) : -1]

    def _forward(self, ids: Sequence[int]) -> FloatArray:
        """Compute the states of all tokens, with those before and after the text."""
        first, last = self._tokenizer.special
        tokens = (first, *self._prompt, *ids, last)
        x = np.concatenate([self._words[token : token + 1] for token in tokens]).astype(np.float32)
        weights, start = self._weights, self.config.first_position
        x = x + weights["embeddings.position_embeddings.weight"][start : start + len(x)]
        if "embeddings.token_type_embeddings.weight" in weights:
            x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x, "embeddings.LayerNorm")
        for layer in range(self.config.layers):
            x = self._layer(x, f"encoder.layer.{layer}.")
        return x

    def _layer(self, x: FloatArray, prefix: str) -> FloatArray:
        (length, size), heads = x.shape, self.config.heads
        q, k, v = (
            self._linear(x, f"{prefix}attention.self.{part}").reshape(length, heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        logits = q @ k.swapaxes(1, 2) / math.sqrt(size // heads)
        logits = np.exp(logits - logits.max(-1, keepdims=True))
        attended = (logits / logits.sum(-1, keepdims=True)) @ v
        attended = attended.swapaxes(0, 1).reshape(length, size)
        x = self._norm(
            x + self._linear(attended, f"{prefix}attention.output.dense"), f"{prefix}attention.output.LayerNorm"
        )
        inner = _ACTIVATIONS[self.config.activation](self._linear(x, f"{prefix}intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")

    def _linear(self, x: FloatArray, name: str) -> FloatArray:
        result: FloatArray = x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return result

    def _norm(self, x: FloatArray, name: str) -> FloatArray:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.config.epsilon))
        result: FloatArray = x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result


def _from_bfloat16(entry: Any) -> FloatArray:
    """Convert a tensor from bfloat16, the upper half of float32's bits, to float32."""
    if entry["dtype"] != "BF16":
        raise ValueError("some are bfloat16 and some are not")
    bits = np.frombuffer(entry["data"], "<u2").astype(np.uint32) << 16
    result: FloatArray = bits.view(np.float32).reshape(entry["shape"])
    return result


def _unit(x: FloatArray) -> FloatArray:
    result: FloatArray = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return result


def _gelu(x: FloatArray) -> FloatArray:
    """GELU, x·Φ(x), with erf by Abramowitz and Stegun 7.1.26.

    Its absolute error, under 1.5e-7, is below float32's noise here.
    """
    z = np.abs(x) * np.float32(math.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * z)
    poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    erf = np.sign(x) * (1 - poly * np.exp(-z * z))
    result: FloatArray = (0.5 * x * (1 + erf)).astype(np.float32)
    return result


def _gelu_tanh(x: FloatArray) -> FloatArray:
    result: FloatArray = 0.5 * x * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x**3)))
    return result


def _relu(x: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(x, np.float32(0))
    return result


_ACTIVATIONS = {"gelu": _gelu, "tanh": _gelu_tanh, "relu": _relu}
