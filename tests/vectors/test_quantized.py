"""The encoder in 8-bit integers: near to what it is in floating point, and the same for a chunk in any company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from crystalcli.errors import ModelMissingError
from crystalcli.vectors import (
    Bert,
    Scales,
    best_precision,
    build_pyramid,
    default_scales,
    default_tokenizer,
    has_int8_kernels,
    pyramid_layout,
)
from crystalcli.vectors.calibrate import calibrate
from crystalcli.vectors.chunk_attention import WAYS, attend_by_powers, possible_ways
from crystalcli.vectors.encoder_config import canonical_names
from crystalcli.vectors.quantized import QuantizedStack, _Product, quantize_in_one_pass, quantize_in_steps

needs_int8 = pytest.mark.skipif(not has_int8_kernels(), reason="this processor has no matrix instructions for int8")

TEXTS = [
    "The keeper lit the lamp at dusk, and counted the boats that were still out beyond the bar. " * 8,
    "def read(path):\n    with open(path) as stream:\n        return [line.strip() for line in stream]\n" * 6,
    "Revenue rose by 12.4 % to $ 3,017 million; operating income was $ 512 million (2021: $ 498 million). " * 5,
    "Wo wohnt der Hund? Он вошёл в комнату. 我们在这里讨论编码问题。 ☃ ",
    "x",
]


@pytest.fixture(scope="module")
def chunks() -> list[np.ndarray]:
    return [ids[:254] for ids, _ in default_tokenizer().tokenize(TEXTS)]


@pytest.fixture(scope="module")
def quantized(encoder_folder) -> Bert:
    return Bert(encoder_folder, precision=torch.int8, scales=default_scales(), device="cpu")


@needs_int8
def test_every_unit_is_near_what_it_is_in_floating_point(chunks, quantized, encoder_folder):
    exact = Bert(encoder_folder, precision=torch.float32, device="cpu").states(chunks)
    layouts = [pyramid_layout(len(ids)) for ids in chunks]
    for one, other in zip(build_pyramid(exact, layouts), build_pyramid(quantized.states(chunks), layouts), strict=True):
        near = F.cosine_similarity(one, other)
        assert near.mean() > 0.99
        assert near.min() > 0.95


@needs_int8
def test_a_chunk_has_the_same_states_in_any_company(chunks, quantized):
    # 46 tokens fill a multiple of 16 positions with the special ones; the others are padded
    pack = [*chunks, *(chunks[number % 3][:length] for number, length in enumerate((40, 45, 46, 46, 38)))]
    together = quantized.states(pack)
    start = 0
    for ids in pack:
        assert torch.equal(quantized.states([ids]), together[start : start + len(ids)])
        start += len(ids)


@needs_int8
@pytest.mark.parametrize("ids", [[1012] * 250, [0] * 7, [100], list(range(20_000, 20_254))])
def test_what_no_one_writes_is_finite(ids, quantized):
    assert torch.isfinite(quantized.states([np.array(ids, np.int32)])).all()


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_sums_that_leave_the_range_are_made_again_in_full(precision):
    generator = torch.Generator().manual_seed(3)
    for factor in (1, 60, -60):
        q, k, v = (torch.randn(2, 5, 8, generator=generator).to(precision) for _ in range(3))
        q *= factor
        (expected,) = F.scaled_dot_product_attention(q[None].float(), k[None].float(), v[None].float(), scale=np.log(2))
        attended = attend_by_powers(q, k, v)
        assert torch.allclose(attended, expected, atol=1e-5 if abs(factor) > 1 else 0.05)
        apart = torch.zeros(5, 2, 8).transpose(0, 1)  # heads beside one another, as in a pack
        attend_by_powers(q, k, v, out=apart)
        assert torch.equal(apart, attended)


@needs_int8
@pytest.mark.parametrize("way", possible_ways())
def test_every_way_to_attend_gives_the_same_states(way, chunks, quantized, encoder_folder):
    weights = load_file(str(encoder_folder / "model.safetensors"))
    weights = {short: weights[name] for short, name in canonical_names(weights).items()}
    stack = QuantizedStack(quantized.config, weights, default_scales(), WAYS[way])
    pack = [chunks[4], chunks[0], chunks[0]]
    _, states, same = stack(pack)
    assert torch.equal(states, same)
    _, wanted, _ = quantized._stack(pack)
    assert F.cosine_similarity(states, wanted).mean() > 0.998


@needs_int8
def test_products_are_exact_where_activations_and_weights_are_largest():
    """AVX2 adds two products in 16 bits."""
    weight = torch.randn(32, 64, generator=torch.Generator().manual_seed(4))
    weight[0] = 1.0
    weight[1, ::2] = 1.0
    weight[2] = -1.0
    linear = _Product(weight, torch.zeros(32), torch.full((64,), -1.0), torch.full((64,), 1.0))
    x = torch.cat([torch.ones(1, 64), -torch.ones(1, 64), torch.sign(weight)])
    assert torch.allclose(linear(x), x @ weight.T, atol=1.0, rtol=0.02)


def test_both_ways_to_quantize_give_the_same_steps():
    x = torch.randn(50, 40, generator=torch.Generator().manual_seed(5))
    assert torch.equal(quantize_in_one_pass(x, 0.02, 131), quantize_in_steps(x, 0.02, 131))
    assert quantize_in_steps(torch.tensor([[-9.0, 9.0]]), 0.02, 131).tolist() == [[0, 255]]


def test_scales_are_read_as_they_were_written(encoder_folder, tmp_path):
    scales = calibrate(encoder_folder, TEXTS[:2], windows=1)
    scales.save(tmp_path / "scales.npz")
    read = Scales.load(tmp_path / "scales.npz")
    assert (
        read.low.keys()
        == default_scales().low.keys()
        == {(n, p) for n in range(6) for p in ("qkv", "out", "up", "down")}
    )
    for key, low in scales.low.items():
        assert np.allclose(read.low[key], low, rtol=1e-3, atol=1e-3)
        assert (read.low[key] <= read.high[key]).all()


def test_int8_is_for_encoders_whose_scales_are_known(encoder_folder, monkeypatch):
    assert best_precision(torch.device("cpu")) != torch.int8
    monkeypatch.setattr("crystalcli.vectors.bert.has_int8_kernels", lambda: False)
    assert best_precision(torch.device("cpu"), scales=True) != torch.int8
    assert Bert(encoder_folder, scales=default_scales(), device="cpu").precision != torch.int8


@needs_int8
def test_scales_of_another_model_are_refused(encoder_folder):
    scales = default_scales()
    wrong = Scales({key: low[:10] for key, low in scales.low.items()}, scales.high)
    with pytest.raises(ModelMissingError, match="scales belong to another model"):
        Bert(encoder_folder, precision=torch.int8, scales=wrong, device="cpu")
