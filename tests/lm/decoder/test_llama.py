"""The decoder against transformers' own, on the real weights and on small random ones of other shapes."""

import gguf
import numpy as np
import pytest
import torch
from support.published import apart, every, gguf_name, greedy, halves
from transformers import LlamaConfig, LlamaForCausalLM

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.linear import has_int4_kernel
from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.tokenizer.from_gguf import vocabulary_from_gguf

PROMPTS = [
    "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
    "The keeper of the lighthouse at Oldhaven said that the lamp burns 14 litres of oil a night, and",
    "def fibonacci(n: int) -> int:\n    if n < 2:\n        return n\n    return",
    "x",
    "1 2 3 4 5 6 7 8 9 10 11 12 " * 5,
]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def reference(language_model_path):
    """SmolLM2 in transformers, filled with what the `gguf` package reads from the same file."""
    config = LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        rms_norm_eps=1e-5,
        rope_theta=100_000.0,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
    )
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    with GGUF(language_model_path) as file:
        state = {}
        for key in model.state_dict():
            info = file.tensors[gguf_name("model.embed_tokens.weight" if key == "lm_head.weight" else key)]
            raw = np.frombuffer(file.data(info.name), np.uint8).reshape(info.shape[0], -1)
            kind = gguf.GGMLQuantizationType[info.kind]
            weight = gguf.quants.dequantize(raw, kind).reshape(info.shape)
            if "q_proj" in key or "k_proj" in key:
                weight = halves(weight, 9 if "q_proj" in key else 3)
            state[key] = torch.from_numpy(weight.copy())
    model.load_state_dict(state, assign=True)
    model.tie_weights()
    model.model.rotary_emb = type(model.model.rotary_emb)(config)  # its frequencies are no weights
    return model.eval()


@pytest.fixture(scope="module")
def file(language_model_path):
    with GGUF(language_model_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def prompts(file):
    vocabulary = vocabulary_from_gguf(file)
    return [vocabulary.encode_template(prompt) for prompt in PROMPTS]


@pytest.fixture(scope="module")
def exact(file):
    return Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False)


@pytest.fixture(scope="module")
def quick(file):
    return Llama(file, DecoderConfig.from_gguf(file), torch.bfloat16, has_int4_kernel())


def test_the_figures_of_the_model(file):
    shape = DecoderConfig.from_gguf(file)
    assert (shape.layers, shape.hidden_size, shape.ffn_size, shape.heads, shape.kv_heads, shape.head_dim) == (
        30,
        576,
        1536,
        9,
        3,
        64,
    )
    assert (shape.vocab_size, shape.context_length, shape.rotary.base, shape.rotary.scaling) == (
        49_152,
        8192,
        100_000.0,
        "none",
    )


@torch.inference_mode()
def test_the_same_logits_as_transformers(reference, exact, prompts):
    for ids in prompts:
        expected = reference(torch.tensor([ids])).logits[0].float()
        found = every(exact, ids)
        assert apart(found, expected) < 1e-4
        assert torch.equal(found.argmax(-1), expected.argmax(-1))


@torch.inference_mode()
def test_the_same_words_as_transformers(reference, exact, prompts):
    for ids in prompts[:2]:
        expected = reference.generate(
            torch.tensor([ids]), max_new_tokens=20, do_sample=False, eos_token_id=None, pad_token_id=0
        )[0, len(ids) :]
        assert greedy(exact, ids, 20) == expected.tolist()


def test_step_by_step_equals_all_at_once(exact, prompts):
    ids = prompts[0]
    whole = every(exact, ids)
    cache = exact.cache(len(ids))
    steps = torch.cat([exact.forward([number], cache) for number in ids])
    assert apart(steps, whole) < 1e-4
    cache = exact.cache(len(ids))
    pieces = torch.cat(
        [exact.forward(ids[start : start + 5], cache, all_logits=True) for start in range(0, len(ids), 5)]
    )
    assert apart(pieces, whole) < 1e-4


def test_the_last_position_alone(exact, prompts):
    for ids in prompts:
        assert apart(exact.forward(ids, exact.cache(len(ids))), every(exact, ids)[-1:]) < 1e-4


def test_bfloat16_is_near(exact, quick, prompts):
    expected = torch.cat([every(exact, ids) for ids in prompts])
    at_once = torch.cat([every(quick, ids) for ids in prompts])
    steps = []
    for ids in prompts:
        cache = quick.cache(len(ids))
        steps += [quick.forward([number], cache) for number in ids]
    for found in (at_once, torch.cat(steps)):
        assert (found - expected).norm() / expected.norm() < 0.03
        assert (found.argmax(-1) == expected.argmax(-1)).float().mean() > 0.95
        # The leading logits are worked out in float32, so that equal ones are next to impossible.
        first, second = found.topk(2).values.unbind(-1)
        assert (first > second).all()


def test_divisors_of_the_frequencies(tmp_path, write_gguf, tiny_tensors):
    """Llama 3.1's way: every frequency over 4 is the same as positions scaled by 4."""
    one = write_gguf(
        tmp_path / "one.gguf", tiny_tensors, llama__rope__scaling__type="linear", llama__rope__scaling__factor=4.0
    )
    other = write_gguf(tmp_path / "other.gguf", tiny_tensors | {"rope_freqs.weight": np.full(8, 4.0, np.float32)})
    found = []
    for path in (one, other):
        with GGUF(path) as file:
            found.append(every(Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False), list(range(40))))
    torch.testing.assert_close(*found)


REFUSED = {
    "another architecture": (
        {"general__architecture": "mamba"},
        {},
        "its architecture is 'mamba'; those that can be run: llama, qwen2, qwen3, smollm3",
    ),
    "no layers": ({"llama__block_count": 0}, {}, "llama.block_count cannot be '0'"),
    "layers without end": ({"llama__block_count": 2**31}, {}, "llama.block_count cannot be '2147483648'"),
    "no width": ({"llama__embedding_length": None}, {}, "llama.embedding_length cannot be 'None'"),
    "odd groups": ({"llama__attention__head_count_kv": 3}, {}, "4 heads of 16 over 3 groups are not supported"),
    "no epsilon": ({"llama__attention__layer_norm_rms_epsilon": 0.0}, {}, "layer_norm_rms_epsilon cannot be '0.0'"),
    "experts": ({"llama__expert_count": 8}, {}, "mixtures of experts are not supported"),
    "unknown scaling": ({"llama__rope__scaling__type": "longrope"}, {}, "rope.scaling.type cannot be 'longrope'"),
    "a missing tensor": ({}, {"blk.1.ffn_up.weight": None}, "the tensor blk.1.ffn_up.weight is missing"),
    "no embedding": ({}, {"token_embd.weight": None}, "token_embd.weight is missing or not of width 64"),
    "another shape": (
        {},
        {"blk.0.attn_k.weight": np.zeros((64, 64), np.float32)},
        r"blk.0.attn_k.weight is \(64, 64\) where \(32, 64\) is needed",
    ),
    "an adapter": (
        {},
        {"blk.0.attn_q.lora_a": np.zeros(64, np.float32)},
        "1 tensors are unknown .*'blk.0.attn_q.lora_a'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_named(tmp_path, write_gguf, tiny_tensors, case):
    metadata, changes, reason = REFUSED[case]
    tensors = {name: tensor for name, tensor in (tiny_tensors | changes).items() if tensor is not None}
    with (
        GGUF(write_gguf(tmp_path / "refused.gguf", tensors, **metadata)) as file,
        pytest.raises(CrystalError, match=reason) as caught,
    ):
        Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_packed_figures_do_not_depend_on_threads(file, dtype):
    """The number of threads may change while a text is made, and the text must not."""
    model = Llama(file, DecoderConfig.from_gguf(file), dtype, int4=True)
    ids = [number * 7919 % 40_000 for number in range(40)]
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        cache = model.cache(43)
        found.append(torch.cat([model.forward(ids, cache), *(model.forward([number], cache) for number in (5, 6, 7))]))
    torch.set_num_threads(1)
    assert torch.equal(found[0], found[1])
