"""Conversion of an encoder that is packed in four bits into a folder in Hugging Face's layout.

The packed file has a head with the shape, a unigram vocabulary with its scores, a map of characters
that the folder does not need (it is Unicode's NFKC without control characters), a directory of
tensors, and their data. Matrices are in blocks of 32 weights: a float16 scale, then 16 bytes, of
which byte `j` has weight `j` in its low half and weight `j + 16` in its high half, both less 8.
Everything else is float32. All numbers are little-endian.

The files depend on the packed file alone, to the last byte, so that their digests can be pinned.

Knows: the packed layout, names of weights. Does not know: wheels, and where models are stored.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from crystalcli.errors import CrystalError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from crystalcli.datatypes import Float16Array

FILES = ("model.safetensors", "tokenizer.json", "config.json", "config_sentence_transformers.json")
_MAGIC = b"E5S1\x01\x00\x00\x00"
_PACKED = 1  # the type of a tensor in blocks; 0 is float32
_BLOCK = 32  # weights
_BLOCK_BYTES = 18
_BLOCKS_AT_ONCE = 1 << 16
_TABLES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}

_KINDS = {"w": "weight", "b": "bias"}


class _Tensor(NamedTuple):
    """A tensor of the packed file.

    Attributes:
        name: in Hugging Face's layout.
        packed: whether it is in blocks.
        shape: of the weights.
        offset: of its data in the file, bytes.
    """

    name: str
    packed: bool
    shape: tuple[int, ...]
    offset: int

    @property
    def weights(self) -> int:
        """The number of weights."""
        count = 1
        for length in self.shape:
            count *= length
        return count


class _Shape(NamedTuple):
    """The shape of the encoder, in the order of the file's head."""

    size: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float


def convert_packed_encoder(packed: Path, folder: Path, suffix: str = "") -> None:
    """Write FILES, made of a packed encoder, into a folder.

    Args:
        packed: the packed file.
        folder: the folder, which exists.
        suffix: behind the name of each file.

    Raises:
        CrystalError: the file is not a packed encoder.
        OSError: the disk refuses.
    """
    try:
        with packed.open("rb") as file:
            shape = _read_shape(file)
            tokenizer = _read_tokenizer(file)
            tensors = _read_directory(file, shape)
            _write_weights(file, tensors, folder / f"{FILES[0]}{suffix}")
    except (struct.error, ValueError, KeyError) as error:
        raise CrystalError(f"{packed} is not a packed encoder: {error}") from error
    for name, data in zip(FILES[1:], (tokenizer, _config(shape), _PROMPTS), strict=True):
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{name}{suffix}").write_text(text, encoding="utf-8", newline="")


# The texts that the encoder was trained to find before a question and before a passage.
_PROMPTS = {"prompts": {"query": "query: ", "passage": "passage: "}, "similarity_fn_name": "cosine"}


def _read_shape(file: BinaryIO) -> _Shape:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it begins otherwise")
    *numbers, epsilon, block = _read(file, "<7ifi")
    if block != _BLOCK:
        raise ValueError(f"its blocks have {block} weights")
    size, layers, heads, inner, words, positions, types = numbers
    return _Shape(size, layers, heads, inner, words, positions, types, float(f"{epsilon:.6g}"))


def _read_tokenizer(file: BinaryIO) -> dict[str, Any]:
    """Read the vocabulary, as the content of `tokenizer.json`."""
    import numpy as np

    count, first, last, padding, unknown = _read(file, "<5i")
    (size,) = _read(file, "<Q")
    ends = np.frombuffer(_exactly(file, 4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(_exactly(file, 4 * count), "<f4").astype(np.float64).tolist()
    text = _exactly(file, size)
    pieces = [text[ends[i] : ends[i + 1]].decode() for i in range(count)]
    _, map_size = _read(file, "<iI")
    _exactly(file, map_size)
    special = [*sorted({first, padding, last, unknown}), count - 1]
    added = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    ids = {pieces[first]: first, pieces[last]: last}
    around = {piece: {"id": piece, "ids": [number], "tokens": [piece]} for piece, number in ids.items()}
    before, after = ({"SpecialToken": {"id": piece, "type_id": 0}} for piece in (pieces[first], pieces[last]))
    one, other = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": number, "content": pieces[number], **added} for number in special],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Nmt"}, {"type": "NFKC"}]},
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "WhitespaceSplit"},
                {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [before, one, after],
            "pair": [before, one, after, after, other, after],
            "special_tokens": around,
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
        "model": {"type": "Unigram", "unk_id": unknown, "vocab": list(zip(pieces, scores, strict=True))},
    }


def _read_directory(file: BinaryIO, shape: _Shape) -> list[_Tensor]:
    """Read the directory of tensors, sorted by name."""
    # By the end of the name; all others have the size of a state.
    shapes = {
        "word": (shape.words, shape.size),
        "pos": (shape.positions, shape.size),
        "type": (shape.types, shape.size),
        "fi.w": (shape.inner, shape.size),
        "fo.w": (shape.size, shape.inner),
        "fi.b": (shape.inner,),
        **{f"{part}.w": (shape.size, shape.size) for part in ("q", "k", "v", "ao")},
    }
    tensors = []
    (count,) = _read(file, "<i")
    for _ in range(count):
        (length,) = _read(file, "<H")
        short = _exactly(file, length).decode()
        kind, weights, offset, _ = _read(file, "<BIQQ")
        tensor_shape = shapes.get(short.partition(".")[2], (shape.size,))
        tensor = _Tensor(_name(short), kind == _PACKED, tensor_shape, offset)
        if tensor.weights != weights:
            raise ValueError(f"{short} has {weights} weights, expected {tensor.weights}")
        tensors.append(tensor)
    if len(tensors) != len(_TABLES) + 2 * len(_PARTS) * shape.layers:
        raise ValueError(f"it has {len(tensors)} tensors")
    return sorted(tensors)


def _name(short: str) -> str:
    """Translate a name such as `l0.q.w`. Raises KeyError or ValueError for an unknown one."""
    if short in _TABLES:
        return _TABLES[short]
    layer, part, kind = short.split(".")
    return f"encoder.layer.{int(layer[1:])}.{_PARTS[part]}.{_KINDS[kind]}"


def _write_weights(file: BinaryIO, tensors: list[_Tensor], path: Path) -> None:
    """Write the tensors as float16 in the layout of safetensors."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        begin, end = end, end + 2 * tensor.weights
        head[tensor.name] = {"dtype": "F16", "shape": tensor.shape, "data_offsets": [begin, end]}
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as target:
        target.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            file.seek(tensor.offset)
            if not tensor.packed:
                target.write(_float16(_exactly(file, 4 * tensor.weights)).tobytes())
                continue
            for start in range(0, tensor.weights // _BLOCK, _BLOCKS_AT_ONCE):
                blocks = min(_BLOCKS_AT_ONCE, tensor.weights // _BLOCK - start)
                target.write(_unpacked(_exactly(file, _BLOCK_BYTES * blocks)).tobytes())


def _float16(data: bytes) -> Float16Array:
    import numpy as np

    return np.frombuffer(data, "<f4").astype("<f2")


def _unpacked(data: bytes) -> Float16Array:
    """Unpack blocks to float16 [blocks, 32]."""
    import numpy as np

    blocks: npt.NDArray[np.void] = np.frombuffer(data, np.dtype([("scale", "<f2"), ("halves", "u1", 16)]))
    halves = np.concatenate((blocks["halves"] & 15, blocks["halves"] >> 4), axis=1)
    return ((halves.astype(np.float32) - 8) * blocks["scale"].astype(np.float32)[:, None]).astype("<f2")


def _config(shape: _Shape) -> dict[str, Any]:
    """Return the content of `config.json`."""
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.size,
        "intermediate_size": shape.inner,
        "layer_norm_eps": shape.epsilon,
        "max_position_embeddings": shape.positions,
        "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "type_vocab_size": shape.types,
        "vocab_size": shape.words,
    }


def _read(file: BinaryIO, layout: str) -> tuple[Any, ...]:
    return struct.unpack(layout, _exactly(file, struct.calcsize(layout)))


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError("it ends too early")
    return data
