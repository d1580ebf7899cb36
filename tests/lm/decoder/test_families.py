"""Each family and each figure that changes the arithmetic, against transformers' own class on small random weights."""

import math

import numpy as np
import pytest
import torch
from support.published import apart, every, gguf_name, greedy, side_by_side
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError
from crystalcli.lm import LanguageModel
from crystalcli.lm.decoder.decoder_config import DecoderConfig, RotaryConfig
from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.decoder.rotary import frequencies
from crystalcli.lm.files.gguf import GGUF

CLASSES = {
    "llama": (LlamaConfig, LlamaForCausalLM),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "smollm3": (SmolLM3Config, SmolLM3ForCausalLM),
}
FIGURES = {
    "vocab_size": 272,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
    "initializer_range": 0.3,
    "pad_token_id": None,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
YARN_KEYS = {
    "llama__rope__scaling__type": "yarn",
    "llama__rope__scaling__factor": 4.0,
    "llama__rope__scaling__original_context_length": 32,
}
WIDE = ({"head_dim": 32}, {"llama__attention__key_length": 32, "llama__attention__value_length": 32})
VARIANTS = {  # family, what changes in the configuration, what changes in the metadata
    "llama": ("llama", {}, {}),
    "untied": ("llama", {"tie_word_embeddings": False}, {}),
    "every head its own keys": (
        "llama",
        {"num_key_value_heads": 4},
        {"llama__attention__head_count_kv": None},
    ),
    "one group": ("llama", {"num_key_value_heads": 1}, {"llama__attention__head_count_kv": 1}),
    "wide heads": ("llama", *WIDE),
    "linear scaling": (
        "llama",
        {"rope_scaling": {"rope_type": "linear", "factor": 4.0}},
        {"llama__rope__scaling__type": "linear", "llama__rope__scaling__factor": 4.0},
    ),
    "yarn": ("llama", {"rope_scaling": YARN}, YARN_KEYS),
    "another base": (
        "llama",
        {"rope_theta": 500_000.0, "rms_norm_eps": 1e-3},
        {"llama__rope__freq_base": 500_000.0, "llama__attention__layer_norm_rms_epsilon": 1e-3},
    ),
    "biases everywhere in attention": ("llama", {"attention_bias": True}, {}),
    "qwen2": ("qwen2", {}, {}),
    "qwen2 untied": ("qwen2", {"tie_word_embeddings": False}, {}),
    "qwen2 with yarn": ("qwen2", {"rope_scaling": YARN}, YARN_KEYS),
    "qwen3": ("qwen3", *WIDE),
    "qwen3 of other heads": (
        "qwen3",
        {"head_dim": 8, "num_key_value_heads": 4},
        {
            "llama__attention__key_length": 8,
            "llama__attention__value_length": 8,
            "llama__attention__head_count_kv": 4,
        },
    ),
    "smollm3": ("smollm3", {"num_hidden_layers": 5}, {"llama__block_count": 5}),
}


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pair(tmp_path_factory, write_gguf):
    """pair(family, changes, metadata): transformers' model, random in every weight, and its GGUF file."""

    def make(family, changes, metadata, more=None):
        kind, model = CLASSES[family]
        config = kind(**(FIGURES | changes))
        torch.manual_seed(1)
        reference = model(config).eval()
        with torch.no_grad():
            for weight in reference.parameters():
                if weight.ndim == 1:  # norms begin as ones, biases as zeros
                    weight.uniform_(0.5, 1.5)
        tensors = dict(more or {})
        for key, weight in reference.state_dict().items():
            if key == "lm_head.weight" and config.tie_word_embeddings:
                continue
            array = weight.float().numpy()
            if family in ("llama", "smollm3") and ("q_proj" in key or "k_proj" in key):
                array = side_by_side(array, 4 if "q_proj" in key else config.num_key_value_heads)
            tensors[gguf_name(key)] = array
        path = tmp_path_factory.mktemp(family) / "variant.gguf"
        return reference, write_gguf(path, tensors, general__architecture=family, **metadata)

    return make


@torch.inference_mode()
def hold_equal(reference, path, count=60):
    ids = np.random.default_rng(0).integers(0, 272, count).tolist()
    with GGUF(path) as file:
        model = Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False)
        expected = reference(torch.tensor([ids])).logits[0]
        assert apart(every(model, ids), expected) < 1e-4
        cache = model.cache(count)
        assert apart(torch.cat([model.forward([number], cache) for number in ids]), expected) < 1e-4
        given = torch.tensor([ids])
        said = reference.generate(
            given, attention_mask=torch.ones_like(given), max_new_tokens=12, do_sample=False, eos_token_id=None
        )[0, count:]
        assert greedy(model, ids, 12) == said.tolist()


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_as_transformers(pair, variant):
    hold_equal(*pair(*VARIANTS[variant]))


def llama3_divisors(factor: float, low: float, high: float, trained: int) -> np.ndarray:
    """What llama.cpp's converter writes for Llama 3.1, frequency by frequency, for heads of 16 and a base of 10,000."""
    found = []
    for place in range(8):
        wave = 2 * math.pi * 10_000.0 ** (2 * place / 16)
        if wave < trained / high:
            found.append(1.0)
        elif wave > trained / low:
            found.append(factor)
        else:
            smooth = (trained / wave - low) / (high - low)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(found, np.float32)


def test_the_longer_context_of_llama_3(pair):
    scaling = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
    scaling["original_max_position_embeddings"] = 64
    divisors = llama3_divisors(8.0, 1.0, 4.0, 64)
    assert len(set(divisors.tolist())) > 3  # kept, in part, divided
    hold_equal(*pair("llama", {"rope_scaling": scaling}, {}, {"rope_freqs.weight": divisors}))
    own = RotaryConfig(scaling="llama3", factor=8.0, trained_positions=64)
    torch.testing.assert_close(frequencies(RotaryConfig(), 16) / torch.from_numpy(divisors), frequencies(own, 16))


def test_yarn_beside_another_attention_factor(pair):
    keys = {**YARN_KEYS, "llama__rope__scaling__attn_factor": 2.0 / (1 + 0.1 * math.log(4.0))}
    hold_equal(*pair("llama", {"rope_scaling": {**YARN, "attention_factor": 2.0}}, keys))


@pytest.mark.parametrize("family", CLASSES)
def test_files_as_they_are_spread(pair, family):
    """A whole file through `LanguageModel`, with the prefix of its architecture on every key."""
    reference, path = pair(*VARIANTS[family])
    model = LanguageModel.open(path, precision="fp32")
    assert model.context_length == 256
    ids = model.chat_prompt([{"role": "user", "content": "the thing"}])
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[0]
    assert apart(model.logits(ids), expected) < 1e-4
    first = model._vocabulary.decode([int(expected[-1].argmax())])
    assert "".join(model.generate(ids, Sampling(max_tokens=1))) == first


def test_a_sliding_window_bounds_the_context(tmp_path, write_gguf, tiny_tensors):
    path = write_gguf(tmp_path / "window.gguf", tiny_tensors, llama__attention__sliding_window=100)
    assert LanguageModel.open(path).context_length == 100
    path = write_gguf(tmp_path / "wide.gguf", tiny_tensors, llama__attention__sliding_window=100_000)
    assert LanguageModel.open(path).context_length == 256


@pytest.mark.parametrize(
    ("family", "reason"),
    [
        ("qwen2", r"the tensor blk.0.attn_q.bias is missing"),
        ("qwen3", r"the tensor blk.0.attn_q_norm.weight is missing"),
    ],
)
def test_what_a_family_needs(tmp_path, write_gguf, tiny_tensors, family, reason):
    path = write_gguf(tmp_path / "lacking.gguf", tiny_tensors, general__architecture=family)
    with pytest.raises(CrystalError, match=reason):
        LanguageModel.open(path).load()
