"""Weights as transformers has them, brought into GGUF's names and order, and what to compare."""

from __future__ import annotations

import numpy as np
import torch

from crystalcli.lm.decoder.llama import Llama

NAMES = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(key: str) -> str:
    """The GGUF name of a weight of LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM or SmolLM3ForCausalLM."""
    whole = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    if key in whole:
        return whole[key]
    number, _, rest = key.removeprefix("model.layers.").partition(".")
    module, _, form = rest.rpartition(".")
    return f"blk.{number}.{NAMES[module]}.{form}"


def side_by_side(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of queries or keys, or their bias, in GGUF's order, as llama.cpp's converter puts them."""
    return rows.reshape(heads, 2, len(rows) // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def halves(rows: np.ndarray, heads: int) -> np.ndarray:
    """The way back."""
    return rows.reshape(heads, len(rows) // heads // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The relative error of the worst position."""
    return float(((found - expected).norm(dim=-1) / expected.norm(dim=-1)).max())


def every(model: Llama, ids: list[int]) -> torch.Tensor:
    return model.forward(ids, model.cache(len(ids)), all_logits=True)


def greedy(model: Llama, ids: list[int], count: int) -> list[int]:
    cache, found, new = model.cache(len(ids) + count), [], ids
    for _ in range(count):
        new = [int(model.forward(new, cache).argmax())]
        found += new
    return found
