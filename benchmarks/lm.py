"""Speed of the default language model in crystal's decoder and transformers' `generate`.

    python benchmarks/lm.py [--model FILE] [--rounds N] [--busy] [--against DTYPE] [--json FILE]

The same weights, the same prompt of about 900 tokens, 64 new tokens, greedy. transformers runs once
in float32 and once in bfloat16, and from then on in the faster of the two, or in --against. Rounds
alternate, since the machine may be shared; figures are medians, and ratios are medians of each
round's ratio. The first token of the prompt differs by round, so that caches do not help. --busy is
for a busy machine: one thread on both sides, and processor seconds instead of elapsed ones.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from common import machine, write_json
from transformers import LlamaConfig, LlamaForCausalLM

from crystalcli import models
from crystalcli.library import LANGUAGE_MODEL
from crystalcli.lm import LanguageModel
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.tensor_loader import TensorLoader
from crystalcli.lm.files.gguf import GGUF

PROMPT = 900  # tokens
NEW = 64
NAMES = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


seconds = time.perf_counter  # or process_time, when others want the processor too


class Clock:
    """A streamer for `generate` that records the time of the prompt and of each token."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: Any) -> None:
        """Take a token, or first the prompt."""
        self.times.append(seconds())

    def end(self) -> None:
        """Do nothing at the end of the stream."""


def reference(path: Path, dtype: torch.dtype) -> LlamaForCausalLM:
    """Load the weights of the file into a transformers model."""
    with GGUF(path) as file:
        shape, tensors = DecoderConfig.from_gguf(file), TensorLoader(file)
        config = LlamaConfig(
            vocab_size=shape.vocab_size,
            hidden_size=shape.hidden_size,
            intermediate_size=shape.ffn_size,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.kv_heads,
            head_dim=shape.head_dim,
            rms_norm_eps=shape.epsilon,
            rope_theta=shape.rotary.base,
            max_position_embeddings=shape.context_length,
            tie_word_embeddings="output.weight" not in file.tensors,
        )
        state = {}
        for name, info in file.tensors.items():
            vector = len(info.shape) == 1
            weight = (
                tensors.vector(name, *info.shape) if vector else tensors.matrix(name, *info.shape).dense(torch.float32)
            )
            if "attn_q" in name or "attn_k" in name:  # rows of a pair stand side by side in GGUF
                weight = (
                    weight.view(-1, shape.head_dim // 2, 2, shape.hidden_size).transpose(1, 2).reshape(weight.shape)
                )
            state[published(name)] = weight.to(dtype)
    model = LlamaForCausalLM(config).to(dtype)
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    return model.eval()


def published(name: str) -> str:
    """Return transformers' name of a GGUF tensor."""
    whole = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
    if name in whole or name == "output.weight":
        return whole.get(name, "lm_head.weight")
    _, number, part, form = name.split(".")
    return f"model.layers.{number}.{NAMES[part]}.{form}"


@torch.inference_mode()
def of_transformers(model: LlamaForCausalLM, ids: list[int]) -> tuple[float, float, list[int]]:
    """Return tokens per second of the prompt and of the output, and the output, by transformers."""
    given, clock = torch.tensor([ids]), Clock()
    found = model.generate(
        given,
        attention_mask=torch.ones_like(given),
        max_new_tokens=NEW,
        min_new_tokens=NEW,
        do_sample=False,
        streamer=clock,
        pad_token_id=0,
    )
    taken, first, *_, last = clock.times
    return len(ids) / (first - taken), (NEW - 1) / (last - first), found[0, len(ids) :].tolist()


def of_crystal(model: LanguageModel, ids: list[int]) -> tuple[float, float, list[int]]:
    """Return the same by crystal's decoder."""
    began = seconds()
    times, found = [], []
    tokens: Iterator[int] = model._continue(ids, NEW, (0.0, 1.0, 0, 1.0))  # before they become text
    for token in tokens:
        times.append(seconds())
        found.append(token)
    return len(ids) / (times[0] - began), (NEW - 1) / (times[-1] - times[0]), found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a GGUF file of the Llama family; default: crystal's own model")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--against", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    if options.busy:
        global seconds
        seconds = time.process_time
        torch.set_num_threads(1)
    path = options.model
    if path is None:
        folder = models.locate(LANGUAGE_MODEL) or models.pull(LANGUAGE_MODEL)
        path = folder / models.catalogue_entry(LANGUAGE_MODEL).main
    threads = torch.get_num_threads()
    crystal = LanguageModel.open(path)
    vocabulary = crystal._vocabulary
    vocabulary.frame = replace(vocabulary.frame, ends=frozenset())  # go on to the last token
    text = Path(__file__).with_name("common.py").read_text(encoding="utf-8") + (__doc__ or "")
    prompts = [[number + 300, *(vocabulary.encode(text) * 3)[: PROMPT - 1]] for number in range(options.rounds + 1)]

    both = {name: reference(path, getattr(torch, name)) for name in ("float32", "bfloat16")}
    took = {}
    for name, model in both.items():
        of_transformers(model, prompts[-1])
        prefill, decode, _ = of_transformers(model, prompts[-1])
        took[name] = PROMPT / prefill + NEW / decode
        print(f"transformers in {name}: prompt {prefill:.0f}, words {decode:.1f} tokens/s")
    chosen = options.against or min(took, key=took.__getitem__)
    other = both.pop(chosen)
    both.clear()
    of_crystal(crystal, prompts[-1])

    rows = []
    for number in range(options.rounds):
        row = {}
        for name, (prefill, decode, said) in (
            ("crystal", of_crystal(crystal, prompts[number])),
            ("transformers", of_transformers(other, prompts[number])),
        ):
            row |= {f"{name} prompt": prefill, f"{name} words": decode, f"{name} said": said}
        torch.set_num_threads(threads)
        rows.append(row)
    figures = {
        f"{name} {what}": statistics.median(row[f"{name} {what}"] for row in rows)
        for name in ("crystal", "transformers")
        for what in ("prompt", "words")
    }
    for what in ("prompt", "words"):
        figures[f"ratio {what}"] = statistics.median(
            row[f"crystal {what}"] / row[f"transformers {what}"] for row in rows
        )
    same = [sum(a == b for a, b in zip(row["crystal said"], row["transformers said"], strict=True)) for row in rows]
    print(f"{path.name}, {threads} threads, {machine()}; transformers in {chosen}; {options.rounds} rounds")
    for name in ("crystal", "transformers", "ratio"):
        print(f"{name:13} prompt {figures[f'{name} prompt']:8.2f}   words {figures[f'{name} words']:8.2f}")
    print(f"equal tokens: {same} of {NEW}")
    write_json(options.json, {"model": path.name, "threads": threads, "transformers": chosen, "same": same, **figures})


if __name__ == "__main__":
    main()
