"""A small random model, written as GGUF by the `gguf` package; a model server, played in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest
from support.chat_server import Server, running
from support.tiny import TEMPLATE, tiny_vocabulary


@pytest.fixture(scope="session")
def write_gguf() -> Callable[..., Path]:
    """write_gguf(path, tensors, **metadata): a GGUF file of a tiny Llama with the tiny vocabulary.

    tensors: name -> array, or (array of uint8, its quantisation). metadata: replaces keys (dots as __), None leaves out;
    keys of llama are those of the architecture that `general__architecture` names.
    """

    def write(path: Path, tensors: dict[str, object], **changes: object) -> Path:
        tokens, merges, kinds = tiny_vocabulary()
        metadata: dict[str, object] = {
            "general.name": "tiny",
            "llama.context_length": 256,
            "llama.embedding_length": 64,
            "llama.block_count": 2,
            "llama.feed_forward_length": 128,
            "llama.attention.head_count": 4,
            "llama.attention.head_count_kv": 2,
            "llama.attention.layer_norm_rms_epsilon": 1e-5,
            "llama.rope.freq_base": 10_000.0,
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "smollm",
            "tokenizer.ggml.tokens": tokens,
            "tokenizer.ggml.merges": merges,
            "tokenizer.ggml.token_type": kinds,
            "tokenizer.ggml.bos_token_id": 1,
            "tokenizer.ggml.eos_token_id": 2,
            "tokenizer.chat_template": TEMPLATE,
        }
        metadata |= {key.replace("__", "."): value for key, value in changes.items()}
        family = str(metadata.pop("general.architecture", "llama"))
        metadata = {key.replace("llama.", family + ".", key.startswith("llama.")): metadata[key] for key in metadata}
        writer = gguf.GGUFWriter(path, family)
        for key, value in metadata.items():
            if isinstance(value, bool):
                writer.add_bool(key, value)
            elif isinstance(value, int):
                writer.add_uint32(key, value)
            elif isinstance(value, float):
                writer.add_float32(key, value)
            elif isinstance(value, str):
                writer.add_string(key, value)
            elif value is not None:
                writer.add_array(key, value)
        for name, tensor in tensors.items():
            if isinstance(tensor, tuple):
                writer.add_tensor(name, tensor[0], raw_dtype=tensor[1])
            else:
                writer.add_tensor(name, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    return write


@pytest.fixture(scope="session")
def tiny_tensors() -> dict[str, np.ndarray]:
    """Random weights of the tiny model, tied."""
    random = np.random.default_rng(7)

    def matrix(*shape: int) -> np.ndarray:
        return (random.normal(size=shape) / np.sqrt(shape[-1])).astype(np.float32)

    tensors = {"token_embd.weight": matrix(272, 64), "output_norm.weight": np.ones(64, np.float32)}
    for number in range(2):
        name = f"blk.{number}."
        for norm in ("attn_norm", "ffn_norm"):
            tensors[f"{name}{norm}.weight"] = random.uniform(0.5, 1.5, 64).astype(np.float32)
        shapes = {
            "attn_q": (64, 64),
            "attn_k": (32, 64),
            "attn_v": (32, 64),
            "attn_output": (64, 64),
            "ffn_gate": (128, 64),
            "ffn_up": (128, 64),
            "ffn_down": (64, 128),
        }
        for part, shape in shapes.items():
            tensors[f"{name}{part}.weight"] = matrix(*shape)
    return tensors


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory, write_gguf, tiny_tensors) -> Path:
    """The tiny model's file, as the real one is made: four-bit matrices, an eight-bit embedding."""
    tensors = {}
    for name, array in tiny_tensors.items():
        if array.ndim == 1:
            tensors[name] = array
        else:
            kind = gguf.GGMLQuantizationType.Q8_0 if "token_embd" in name else gguf.GGMLQuantizationType.Q4_1
            tensors[name] = (gguf.quants.quantize(array, kind), kind)
    return write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", tensors)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that says what it is told to; nothing in the environment is about servers."""
    monkeypatch.delenv("CRYSTAL_API_KEY", raising=False)
    monkeypatch.delenv("CRYSTAL_OFFLINE", raising=False)
    with running() as made:
        yield made
