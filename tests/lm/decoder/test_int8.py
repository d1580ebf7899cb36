"""Products in eight bits and attention in products: near to floating point, and a row's result its own."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from support.published import every, greedy

from crystalcli import cpu
from crystalcli.datatypes import Sampling
from crystalcli.lm import LanguageModel
from crystalcli.lm.decoder import int8
from crystalcli.lm.decoder.attention import attend, attend_by_matmul
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.int8 import Int8Linear, hadamard
from crystalcli.lm.decoder.linear import has_int4_kernel
from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.files.gguf import GGUF

pytestmark = pytest.mark.usefixtures("one_thread")

QUESTIONS = [
    "What is the capital of France?",
    "Why is the sky blue?",
    "Write a haiku about rain.",
    "Who wrote Pride and Prejudice?",
    "What is 2+2?",
    "The keeper said that the lamp burns 14 litres of oil a night. How much oil does the lamp burn in a night?",
]


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.float() - expected).norm() / expected.norm())


def rounded(matrix: torch.Tensor, dtype: torch.dtype = torch.float32) -> Int8Linear:
    return Int8Linear.quantize(*matrix.shape, lambda start, end: matrix[start:end], dtype)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 70),
    columns=st.sampled_from([32, 64, 96, 100, 192, 576]),
    count=st.integers(1, 70),
    wide=st.floats(1, 60),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    seed=st.integers(0, 1000),
)
def test_a_product_is_near_what_it_is_in_float(rows, columns, count, wide, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    matrix, x = (torch.randn(n, columns, generator=generator) for n in (rows, count))
    x[:, seed % columns] *= wide  # one channel is wider than the others, as in every transformer
    expected = x @ matrix.T
    product = rounded(matrix, dtype)
    found = product(x)
    assert found.dtype == torch.float32
    assert (found - expected).norm() < 0.03 * x.norm() * matrix.norm() / columns**0.5
    alone = torch.cat(
        [product(row[None]) for row in x]
    )  # whatever else is read with it; but turning rounds its last bit
    assert (found - alone).norm() < 0.01 * x.norm() * matrix.norm() / columns**0.5


def test_turning_makes_room_for_what_is_narrow():
    """A channel forty times as wide as the others would leave them three steps."""
    x, matrix = (torch.randn(200, 576, generator=torch.Generator().manual_seed(n)) for n in (1, 2))
    x[:, 7] *= 40
    expected = x @ matrix.T
    size = x.abs().amax(1, keepdim=True) / 127
    plain = (x / size).round() * size @ matrix.T
    assert apart(rounded(matrix)(x), expected) < apart(plain, expected) / 3


@pytest.mark.parametrize(("columns", "stretch"), [(576, 64), (1536, 64), (96, 32), (100, 4), (7, 1)])
def test_turning_changes_no_product(columns, stretch):
    matrix = hadamard(columns, torch.float32)
    assert matrix.shape == (stretch, stretch)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(stretch))


@pytest.mark.parametrize(("rows", "columns"), [(40, 64), (5000, 896), (700, 4096), (33, 7)])
def test_one_row_piece_by_piece(monkeypatch, rows, columns):
    """A row alone, whatever the pieces, is the row among a few."""
    monkeypatch.setattr(int8, "_PIECE", 1 << 18)
    matrix, x = (torch.randn(n, columns, generator=torch.Generator().manual_seed(n)) for n in (rows, 3))
    product = rounded(matrix)
    assert torch.equal(product(x[:1]), product(x)[:1])


def test_nothing_stays_nothing():
    product = rounded(torch.cat([torch.zeros(1, 64), torch.ones(3, 64)]))
    found = product(torch.cat([torch.ones(1, 64), torch.zeros(2, 64)]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 64, 64, 64], [0] * 4, [0] * 4]))


@pytest.mark.parametrize("reads_first", [True, False])
@pytest.mark.parametrize("columns", [64, 4096])
def test_few_rows_are_multiplied_as_each_alone(monkeypatch, reads_first, columns):
    monkeypatch.setattr(int8, "_PIECE", 7 * columns)  # the last piece is shorter
    monkeypatch.setattr(int8, "gains_by_reading_first", lambda: reads_first)
    generator = torch.Generator().manual_seed(1)
    product = rounded(torch.randn(40, columns, generator=generator))
    x = torch.randn(6, columns, generator=generator)
    alone = torch.cat([product(row) for row in x.split(1)])
    for count in range(1, 7):
        assert torch.equal(product(x[:count]), alone[:count])


def test_whether_to_read_first_is_tried_on_one_thread():
    torch.set_num_threads(2)
    assert int8.gains_by_reading_first.__wrapped__() in (True, False)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


@settings(max_examples=30, deadline=None)
@given(
    groups=st.integers(1, 3),
    several=st.integers(1, 4),
    head=st.sampled_from([16, 64, 80]),
    start=st.integers(0, 60),
    count=st.integers(2, 60),
)
def test_attention_in_products_is_attention(groups, several, head, start, count):
    generator = torch.Generator().manual_seed(start * count)
    both = torch.randn(count, groups * (several + 1), head, generator=generator).bfloat16()
    queries = both[:, : groups * several]  # as the decoder has them: a part of what one product gave
    keys, values = (torch.randn(groups, start + count, head, generator=generator).bfloat16() for _ in range(2))
    mask = torch.ones(count, start + count, dtype=torch.bool).tril(start)
    expected = attend(queries.float(), keys.float(), values.float(), mask)
    assert apart(attend_by_matmul(queries, keys, values, mask), expected) < 0.02


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_scores_too_large_for_bfloat16(dtype):
    queries, keys, values = (torch.randn(1, 20, 64, generator=torch.Generator().manual_seed(n)) for n in range(3))
    queries = (queries * 40).transpose(0, 1).to(dtype)
    keys, values = keys.to(dtype), values.to(dtype)
    assert torch.equal(attend_by_matmul(queries, keys, values, None), attend(queries, keys, values, None))


@pytest.fixture(scope="module")
def file(language_model_path):
    with GGUF(language_model_path) as opened:
        yield opened


@pytest.fixture(scope="module", params=["packed", "alone"])
def model(file, request):
    dtype = torch.bfloat16 if int8.has_fast_int8() else torch.float32
    return Llama(file, DecoderConfig.from_gguf(file), dtype, request.param == "packed", int8=True)


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
@torch.inference_mode()
def test_the_real_model_says_the_same_in_eight_bits(file, model, language_model_path):
    exact = Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False)
    opened = LanguageModel.open(language_model_path)
    for question in QUESTIONS:
        ids = opened.chat_prompt([{"role": "user", "content": question}])
        expected, found = every(exact, ids), every(model, ids)
        near = F.cosine_similarity(found, expected)
        assert near.mean() > (0.999 if model.int4 else 0.997)
        assert near[-1] > (0.999 if model.int4 else 0.997)
        assert greedy(model, ids, 1) == greedy(exact, ids, 1)
    rounded = {name for name, linear in model._linears.items() if linear._int8 is not None and not linear._dense}
    assert rounded == {name for name in model._linears if "gate_up" in name or not model.int4}


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
def test_eight_bits_for_any_number_of_threads_and_from_a_saved_copy(file, model):
    ids = [number * 7919 % 40_000 for number in range(40)]
    first = model.forward(ids, model.cache(40))
    torch.set_num_threads(2)
    assert torch.equal(model.forward(ids, model.cache(40)), first)
    torch.set_num_threads(1)
    saved = {f"{name}.{form}": tensor for name, one in model._linears.items() for form, tensor in one.tensors().items()}
    assert saved["blk.3.gate_up.codes"].dtype == torch.int8
    again = Llama(file, DecoderConfig.from_gguf(file), model.dtype, model.int4, saved, int8=True)
    assert again._linears["blk.3.gate_up"]._int8.matrix.codes is saved["blk.3.gate_up.codes"]
    assert again._linears["blk.3.gate_up"]._int8 is not None  # before anything is read
    assert torch.equal(again.forward(ids, again.cache(40)), first)


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
def test_who_asks_for_a_precision_gets_it(tiny_path):
    for precision in ("fp32", "bf16"):
        model = LanguageModel.open(tiny_path, precision=precision)
        list(model.generate(list(range(3, 60)), Sampling(max_tokens=2)))
        assert all(matrix._int8 is None for matrix in model.load()._linears.values())


class TestWhatTheMachineCanDo:
    @pytest.fixture(autouse=True)
    def forget(self):
        for cached in (int8.has_fast_int8, cpu.cpu_flags):
            cached.cache_clear()
        yield
        for cached in (int8.has_fast_int8, cpu.cpu_flags):
            cached.cache_clear()

    @pytest.mark.parametrize("flags", ["fpu sse4_2 avx2", ""])
    def test_no_instructions(self, monkeypatch, flags):
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: flags)
        assert not int8.has_fast_int8()

    def test_no_list_of_them(self, monkeypatch):
        def fail(*_, **__):
            raise FileNotFoundError

        monkeypatch.setattr(Path, "read_text", fail)
        assert not int8.has_fast_int8()

    def test_a_product_that_is_wrong_slow_or_missing(self, monkeypatch):
        right = torch._int_mm

        def slow(x, y):
            for _ in range(500):
                found = right(x, y)
            return found

        for other in (lambda x, y: right(x, y) + 1, slow):
            monkeypatch.setattr(torch, "_int_mm", other)
            assert not int8._works()
        monkeypatch.delattr(torch, "_int_mm")
        assert not int8._works()
