import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.lm.decoder import linear
from crystalcli.lm.decoder.linear import BlockMatrix, Linear
from crystalcli.lm.decoder.weight_only import has_weight_only_kernel
from crystalcli.lm.files import ggml_quants
from crystalcli.lm.files.gguf import TENSOR_KINDS

WIDTHS = {name: (block, width) for name, block, width in TENSOR_KINDS.values()}


def blocks_of(kind: str, seed: int, count: int = 40) -> np.ndarray:
    """Random bytes: every scale, every code, every sign."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, WIDTHS[kind][1]), dtype=np.uint8)


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(sorted(ggml_quants.READABLE_KINDS)), seed=st.integers(0, 2**32))
def test_the_same_numbers_as_the_reference(kind, seed):
    raw = blocks_of(kind, seed)
    reference = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[kind]).reshape(-1)
    found = ggml_quants.dequantize(kind, torch.from_numpy(raw).view(-1), torch.float32).numpy()
    usual = np.isfinite(reference)  # random scales may be infinite or no number at all
    assert usual.any()
    np.testing.assert_allclose(found[usual], reference[usual], rtol=1e-6)
    assert not np.isfinite(found[~usual]).any()


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1", "Q4_K", "Q8_0"])
def test_planes_add_up(kind):
    raw = torch.from_numpy(np.clip(blocks_of(kind, 3), 0, 99)).view(-1)  # no absurd scales
    planes = ggml_quants.planes(kind, raw)
    assert len(planes) == ggml_quants.plane_count(kind)
    for codes, _, _ in planes:
        assert codes.dtype == torch.uint8
        assert int(codes.max()) <= 15
    total = sum(codes.float() * scale[:, None] + least[:, None] for codes, scale, least in planes)
    torch.testing.assert_close(total.view(-1), ggml_quants.dequantize(kind, raw, torch.float32), rtol=1e-5, atol=1e-7)


def part(kind: str, rows: int, columns: int, seed: int = 0) -> BlockMatrix:
    random = np.random.default_rng(seed)
    array = random.normal(size=(rows, columns)).astype(np.float32)
    raw = gguf.quants.quantize(array, gguf.GGMLQuantizationType[kind])
    return BlockMatrix(kind, torch.from_numpy(raw), columns)


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found.float() - expected).norm() / expected.norm())


@pytest.mark.parametrize(
    "kinds", [("Q4_1", "Q4_1"), ("Q4_0",), ("Q8_0",), ("Q4_1", "Q8_0"), ("F32",), ("F32", "F32"), ("BF16", "BF16")]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("rows", [1, 16, 17, 60])
def test_a_product_is_the_same_in_every_form(kinds, dtype, packing, rows):
    parts = [part(kind, 48 + 16 * place, 64, place) for place, kind in enumerate(kinds)]
    matrix = Linear(parts, dtype, packing and linear.has_int4_kernel())
    x = torch.randn(rows, 64, generator=torch.Generator().manual_seed(rows))
    expected = x @ torch.cat([one.dense(torch.float32) for one in parts]).T
    found = matrix(x.to(dtype))
    assert found.dtype == dtype
    assert apart(found, expected) < (1e-2 if packing or dtype is torch.bfloat16 else 1e-5)
    again = Linear(parts, dtype, packing and linear.has_int4_kernel(), matrix.tensors())
    assert torch.equal(again(x.to(dtype)), found)


@pytest.mark.parametrize(("kind", "dtype"), [("F32", torch.float32), ("BF16", torch.bfloat16)])
def test_what_can_be_used_as_it_is_is_not_copied(kind, dtype):
    one, other = part(kind, 32, 64), part(kind, 16, 64, 1)
    matrix = Linear([one, other], dtype, int4=True)
    places = [tensor.data_ptr() for tensor in matrix._dense]
    assert places == [one.data.data_ptr(), other.data.data_ptr()]
    assert matrix.tensors() == {}


@pytest.mark.skipif(not linear.has_int4_kernel(), reason="no four-bit kernel")
@pytest.mark.parametrize("kinds", [("Q4_1", "Q4_1"), ("Q4_0", "Q4_0"), ("Q8_0", "Q8_0")])
def test_packing_some_rows_at_a_time(monkeypatch, kinds):
    """What is packed in slabs, across parts, is what is packed at once."""
    parts = [part(kind, rows, 64, rows) for kind, rows in zip(kinds, (96, 208), strict=True)]
    whole = Linear(parts, torch.bfloat16, int4=True).tensors()
    monkeypatch.setattr(linear, "_PACKED_SLAB", 64 * 128)
    slabs = Linear(parts, torch.bfloat16, int4=True).tensors()
    assert whole.keys() == slabs.keys()
    assert all(torch.equal(whole[name], slabs[name]) for name in whole)


@pytest.mark.parametrize("kind", ["Q4_1", "Q8_0", "Q6_K"])
def test_keeping_the_packed_form_alone(kind):
    one = (
        part(kind, 32, 256)
        if kind != "Q6_K"
        else BlockMatrix("Q6_K", torch.from_numpy(blocks_of("Q6_K", 1, 32) % 60), 256)
    )
    kept, lean = (
        Linear([one], torch.bfloat16, linear.has_int4_kernel(), keep_dense=keeping) for keeping in (True, False)
    )
    for rows in (1, 60, 5):
        x = torch.randn(rows, 256, generator=torch.Generator().manual_seed(rows)).bfloat16()
        assert torch.equal(lean(x), kept(x))
    assert kept._dense
    # Without a packed form there is no other.
    assert bool(lean._dense) == (kind == "Q6_K" or not linear.has_int4_kernel())


def test_rows_in_another_order():
    one = part("Q4_1", 32, 64)
    order = torch.randperm(32)
    assert torch.equal(one.reorder(order).dense(torch.float32), one.dense(torch.float32)[order])
    assert torch.equal(one.pick(torch.tensor([3, 3, 0]), torch.float32), one.dense(torch.float32)[[3, 3, 0]])


def test_saved_forms_that_do_not_fit_are_made_anew():
    one = part("Q4_1", 32, 64)
    matrix = Linear([one], torch.bfloat16, linear.has_int4_kernel())
    wrong = {"codes0": torch.zeros(2, 2, dtype=torch.uint8), "pairs0": torch.zeros(1), "dense": torch.zeros(3, 3)}
    x = torch.ones(1, 64, dtype=torch.bfloat16)
    assert torch.equal(Linear([one], torch.bfloat16, linear.has_int4_kernel(), wrong)(x), matrix(x))


class TestWhatTheMachineCanDo:
    @pytest.fixture(autouse=True)
    def forget(self):
        linear.has_int4_kernel.cache_clear()
        yield
        linear.has_int4_kernel.cache_clear()

    def test_no_vectors_no_bfloat16(self, monkeypatch):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
        assert not linear.has_fast_bfloat16()
        assert not linear.has_int4_kernel()

    def test_avx2_has_no_bfloat16(self, monkeypatch):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
        assert not linear.has_fast_bfloat16()

    def test_no_mkldnn(self, monkeypatch):
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
        assert not linear.has_fast_bfloat16()

    @pytest.mark.parametrize("answer", [True, False])
    def test_torch_is_asked(self, monkeypatch, answer):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": answer}, raising=False)
        assert linear.has_fast_bfloat16() is answer
        monkeypatch.setattr(torch.cpu, "get_capabilities", None, raising=False)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: answer, raising=False)
        assert linear.has_fast_bfloat16() is answer

    def test_a_kernel_that_computes_something_else_is_not_used(self, monkeypatch):
        monkeypatch.setattr(linear, "_multiply", lambda x, packed, pairs: torch.zeros(2, 80))
        assert not linear.has_int4_kernel()

    def test_a_kernel_that_fails_is_not_used(self, monkeypatch):
        def fail(codes):
            raise RuntimeError("not implemented")

        monkeypatch.setattr(linear, "_convert", fail)
        assert not linear.has_int4_kernel()


@pytest.mark.skipif(not has_weight_only_kernel(), reason="no kernel for one byte a weight")
def test_few_rows_by_one_byte_a_weight():
    matrix = BlockMatrix("Q6_K", torch.from_numpy(blocks_of("Q6_K", 1, 32) % 60), 256)
    one = Linear([matrix], torch.float32, int4=False, weight_only=True, keep_dense=False)
    dense = matrix.dense(torch.float32)
    few, many = (torch.randn(rows, 256, generator=torch.Generator().manual_seed(rows)) for rows in (3, 40))
    assert set(one.tensors()) == {"byte_codes", "byte_scales"}
    assert not one._dense
    assert apart(one(few), few @ dense.T) < 0.02
    assert apart(one(many), many @ dense.T) < 0.02
    again = Linear([matrix], torch.float32, int4=False, saved=one.tensors(), weight_only=True, keep_dense=False)
    assert again.tensors()["byte_codes"].data_ptr() == one.tensors()["byte_codes"].data_ptr()
    assert torch.equal(again(few), one(few))
    wrong = {"byte_codes": torch.zeros(2, 2, dtype=torch.int8), "byte_scales": torch.zeros(2)}
    assert torch.equal(Linear([matrix], torch.float32, int4=False, saved=wrong, weight_only=True)(few), one(few))
