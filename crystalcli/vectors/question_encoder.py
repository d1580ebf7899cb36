"""The encoder in numpy, for a question: 10 tokens take less time than importing torch.

Weights are memory-mapped, so only the rows of the embedding table that the question uses are read.
Chunks are encoded in torch, by `bert.py`.
"""

from __future__ import annotations

import json
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

    import numpy.typing as npt

    from crystalcli.datatypes import FloatArray, IntArray

# Multiplications that OpenBLAS does without copying a matrix first, and the fewest rows of a weight
# for which it pays to cut a product into pieces of so many.
_SMALL_PRODUCT, _FEWEST_ROWS = 1_000_000, 16
_BLOCK = 1 << 15  # numbers whose activation is computed at a time


_TYPES = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}


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
        self.config = read_encoder_config(folder)
        self._tokenizer = tokenizer or default_tokenizer()
        prompt = self._tokenizer.passage_prompt if passages else self._tokenizer.query_prompt
        self._prompt: list[int] = prompt.tolist()
        self.max_tokens = self.config.positions - 2 - len(self._prompt)
        try:
            self._open(folder / WEIGHTS_FILE)
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelMissingError(f"cannot read the encoder's weights in {folder}: {error}") from error

    def _open(self, path: Path) -> None:
        """Map the weights. Raises KeyError for a missing weight, ValueError for a wrong shape."""
        tensors = _mapped_tensors(path)
        names = canonical_names(tensors.keys())
        self._words = tensors[names.pop("embeddings.word_embeddings.weight")]
        self._weights = {short: _as_float32(tensors[name]) for short, name in names.items()}
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
        x = _as_float32(self._words[np.array(tokens)])
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
        # A product of `_linear` lies in memory column by column, and so each head is in one piece.
        q, k, v = (
            self._linear(x, f"{prefix}attention.self.{part}").T.reshape(heads, -1, length)
            for part in ("query", "key", "value")
        )
        attended = _attention(q, k, v).reshape(size, length).T
        x = self._norm(
            x + self._linear(attended, f"{prefix}attention.output.dense"), f"{prefix}attention.output.LayerNorm"
        )
        inner = _ACTIVATIONS[self.config.activation](self._linear(x, f"{prefix}intermediate.dense"))
        return self._norm(x + self._linear(inner, f"{prefix}output.dense"), f"{prefix}output.LayerNorm")

    def _linear(self, x: FloatArray, name: str) -> FloatArray:
        return _times_weight(x, self._weights[f"{name}.weight"]) + self._weights[f"{name}.bias"]

    def _norm(self, x: FloatArray, name: str) -> FloatArray:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self.config.epsilon))
        result: FloatArray = x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return result


def _times_weight(x: FloatArray, weight: FloatArray) -> FloatArray:
    """Multiply a few states with a weight: `x @ weight.T`, in half the time.

    OpenBLAS copies a matrix into the order that its kernel reads before it multiplies, which for a
    few rows takes longer than the product. Small products are made without the copy.

    Args:
        x: States, float32 [tokens, inputs].
        weight: float32 [outputs, inputs].

    Returns:
        float32 [tokens, outputs].
    """
    columns = np.ascontiguousarray(x.T)
    rows = _SMALL_PRODUCT // max(1, columns.size)
    if rows < _FEWEST_ROWS:
        result: FloatArray = (weight @ columns).T
        return result
    rows = 1 << rows.bit_length() - 1
    product = np.empty((len(weight), columns.shape[1]), np.float32)
    for start in range(0, len(weight), rows):
        np.matmul(weight[start : start + rows], columns, out=product[start : start + rows])
    return product.T


def _mapped_tensors(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Map the tensors of a file in safetensors' format, which lie in it as they are in memory.

    The library copies each.

    Returns:
        The tensors by name, without those of types that numpy does not have; bfloat16 as the upper
        half of float32's bits, uint16.

    Raises:
        ValueError: The file is not in this format.
    """
    data = np.memmap(path, np.uint8, "r")
    size = int.from_bytes(data[:8].tobytes(), "little")
    head = json.loads(data[8 : 8 + size].tobytes())
    tensors: dict[str, npt.NDArray[Any]] = {}
    for name, entry in head.items():
        if (kind := _TYPES.get(entry.get("dtype"))) is not None:
            first, end = entry["data_offsets"]
            tensors[name] = data[8 + size + first : 8 + size + end].view(kind).view(np.ndarray).reshape(entry["shape"])
    return tensors


def _as_float32(tensor: npt.NDArray[Any]) -> FloatArray:
    """Convert a tensor of `_mapped_tensors` to float32; one of float32 is not copied."""
    if tensor.dtype == np.uint16:
        result: FloatArray = (tensor.astype(np.uint32) << 16).view(np.float32)
        return result
    return tensor.astype(np.float32, copy=False)


def _unit(x: FloatArray) -> FloatArray:
    result: FloatArray = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return result


def _attention(q: FloatArray, k: FloatArray, v: FloatArray) -> FloatArray:
    """Attend from each token to all tokens.

    The weights are made in place, and their sums divide what is attended to: a matrix of this size
    takes as long to be written as to be computed.

    Args:
        q: Queries, float32 [heads, size of a head, tokens].
        k: Keys, of the same shape.
        v: Values, of the same shape.

    Returns:
        What is attended to, of the same shape.
    """
    weights = k.swapaxes(1, 2) @ (q * np.float32(1 / math.sqrt(q.shape[1])))  # [heads, attended to, attending]
    weights -= weights.max(1, keepdims=True)
    np.exp(weights, out=weights)
    attended: FloatArray = v @ weights
    attended /= weights.sum(1, keepdims=True)
    return attended


def _gelu(x: FloatArray) -> FloatArray:
    """GELU, x·Φ(x), with erf by Abramowitz and Stegun 7.1.26.

    Its absolute error, under 1.5e-7, is below float32's noise here. It is computed in blocks that
    stay in the processor's cache, four times as fast.
    """
    result = np.empty_like(x)
    values, results = x.ravel("K"), result.ravel("K")
    for start in range(0, values.size, _BLOCK):
        part = values[start : start + _BLOCK]
        z = np.abs(part) * np.float32(math.sqrt(0.5))
        t = np.float32(1) / (1 + np.float32(0.3275911) * z)
        rest = t * np.float32(1.061405429)
        for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            rest += np.float32(coefficient)
            rest *= t
        z *= -z
        rest *= np.exp(z, out=z)  # 1 - erf(|x|/√2)
        rest *= np.abs(part, out=z)
        rest *= np.float32(0.5)
        np.subtract(np.maximum(part, 0, out=t), rest, out=results[start : start + _BLOCK])
    return result


def _gelu_tanh(x: FloatArray) -> FloatArray:
    result: FloatArray = 0.5 * x * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x**3)))
    return result


def _relu(x: FloatArray) -> FloatArray:
    result: FloatArray = np.maximum(x, np.float32(0))
    return result


_ACTIVATIONS = {"gelu": _gelu, "tanh": _gelu_tanh, "relu": _relu}
