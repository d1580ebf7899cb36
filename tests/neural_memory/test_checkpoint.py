"""A `MemoryCrystal` in a file: what comes back, and what is refused."""

import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from crystalcli import InfiniteMemoryTransformer, MemoryCrystal
from crystalcli.errors import (
    CrystalError,
    DamagedCrystalError,
    MissingFileError,
    NewerFormatError,
    NotACrystalError,
    UsageError,
)
from crystalcli.neural_memory import Forgetting


def filled(batch=None, dtype=torch.float32):
    torch.manual_seed(5)
    memory = MemoryCrystal(8, (4, 3, 2), forgetting=Forgetting(40.0, 0.4), temperature=0.2, dtype=dtype)
    shape = (101, 8) if batch is None else (batch, 101, 8)
    memory.crystallize(torch.randn(shape), times=torch.arange(101) * 2.5, pinned=torch.arange(101) < 2)
    memory.recall(torch.randn((*shape[:-2], 8)), now=300.0)
    return memory


@pytest.mark.parametrize("batch", [None, 1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_was_saved_comes_back_and_goes_on_as_it_would_have(tmp_path, batch, dtype):
    memory = filled(batch, dtype)
    memory.save(tmp_path / "memory.safetensors")
    again = MemoryCrystal.load(tmp_path / "memory.safetensors")
    assert [each.name for each in tmp_path.iterdir()] == ["memory.safetensors"]
    more = torch.randn((60, 8) if batch is None else (batch, 60, 8))
    query = torch.randn((8,) if batch is None else (batch, 8))
    for each in (memory, again):
        each.crystallize(more)
    for one, two in zip(memory.crystal_layers, again.crystal_layers, strict=True):
        assert one.dtype == two.dtype == dtype
        assert torch.equal(one, two)
    one, two = memory.recall(query), again.recall(query)
    for name in ("vectors", "scores", "layers", "starts", "times", "importance", "retained"):
        assert torch.equal(getattr(one, name), getattr(two, name))
    assert (again.ratios, again.forgetting, again.temperature) == ((4, 3, 2), Forgetting(40.0, 0.4), 0.2)


def test_an_empty_memory_comes_back_empty(tmp_path):
    MemoryCrystal(16).save(tmp_path / "m")
    again = MemoryCrystal.load(tmp_path / "m")
    assert (again.dimension, again.tokens, again.batch, again.forgetting) == (16, 0, None, None)


def test_one_that_is_there_stays_when_its_successor_cannot_be_written(tmp_path):
    memory = filled()
    memory.save(tmp_path / "m")
    before = (tmp_path / "m").read_bytes()
    (tmp_path / ".m-new").mkdir()
    with pytest.raises(CrystalError, match="cannot write"):
        memory.save(tmp_path / "m")
    assert (tmp_path / "m").read_bytes() == before
    with pytest.raises(CrystalError, match="cannot write"):
        memory.save(tmp_path / "nowhere" / "m")


def test_what_is_no_memory(tmp_path):
    with pytest.raises(MissingFileError, match="does not exist"):
        MemoryCrystal.load(tmp_path / "none")
    (tmp_path / "text").write_text("not tensors at all", encoding="utf-8")
    with pytest.raises(NotACrystalError, match="is not a memory"):
        MemoryCrystal.load(tmp_path / "text")
    save_file({"x": torch.zeros(1)}, tmp_path / "other")
    with pytest.raises(NotACrystalError, match="metadata name another format"):
        MemoryCrystal.load(tmp_path / "other")
    for version in ("2", "\N{SUPERSCRIPT TWO}", "1.5", ""):
        save_file({"x": torch.zeros(1)}, tmp_path / "newer", metadata={"format": "crystal memory", "version": version})
        with pytest.raises(NewerFormatError, match="later version"):
            MemoryCrystal.load(tmp_path / "newer")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("counts", lambda t: t[:5]),
        ("counts", lambda t: t * 0),
        ("counts", lambda t: t - torch.tensor([0, 0, 0, 0, 200, 0, 0])),
        ("counts", lambda t: t + torch.tensor([0, 0, 0, 0, 0, 1, 0])),
        ("counts", lambda t: t + torch.tensor([1, 0, 0, 0, 0, 0, 0])),
        ("counts", lambda t: t.double()),
        ("units.vectors", lambda t: t.long()),
        ("clock", lambda t: t * float("nan")),
        ("clock", lambda t: -t),
        ("units.vectors", lambda t: t[:, 1:]),
        ("atoms.vectors", lambda t: t * float("nan")),
        ("clusters.weights", lambda t: t - 5),
        ("units.stabilities", lambda t: -t),
        ("units.times", lambda t: None),
        ("waiting.units.vectors", lambda t: t[:, :0]),
        ("waiting.clusters.times", lambda t: t / 0),
        ("waiting.atoms.pinned", lambda t: None),
        ("waiting.atoms.pinned", lambda t: t.float()),
        ("waiting.units.weights", lambda t: t - 5),
        ("waiting.units.vectors", lambda t: t.to(torch.complex64)),
        ("waiting.units.vectors", lambda t: t.double() + 1e300),
        ("units.times", lambda t: t + 1e300),
        ("counts", lambda t: t + torch.tensor([0, 0, 0, 0, 0, 0, 1])),
        ("clock", lambda t: t.bool()),
        ("clock", lambda t: torch.cat([t[:1] + float("inf"), t[1:]])),
        ("clock", lambda t: torch.cat([t[:1] + 1e300, t[1:]])),
    ],
)
def test_tensors_that_do_not_fit_together_are_damage(tmp_path, name, change):
    filled(3 if name in ("counts", "clock") else None).save(tmp_path / "m")
    tensors = load_file(tmp_path / "m")
    changed = change(tensors.pop(name))
    if changed is not None:
        tensors[name] = changed.contiguous()
    save_file(tensors, tmp_path / "m", metadata={"format": "crystal memory", "version": "1"})
    with pytest.raises(DamagedCrystalError, match="is damaged"):
        MemoryCrystal.load(tmp_path / "m")


class Weighed(MemoryCrystal):
    """A memory with something of its own."""

    def __init__(self, dimension, ratios=(10, 5, 2), *, scale, dtype=torch.float32):
        super().__init__(dimension, ratios, dtype=dtype)
        self.scale = scale


def test_a_class_of_somebodys_own_is_loaded_with_what_it_needs(tmp_path):
    memory = Weighed(8, [4, 3, 2], scale=torch.ones(8))
    memory.crystallize(torch.randn(50, 8))
    memory.save(tmp_path / "m")
    again = Weighed.load(tmp_path / "m", scale=memory.scale)
    assert (type(again), again.scale is memory.scale, again.ratios) == (Weighed, True, (4, 3, 2))
    assert torch.equal(again.crystal_layers[2], memory.crystal_layers[2])
    with pytest.raises(TypeError, match="scale"):  # and not that the file is damaged
        Weighed.load(tmp_path / "m")


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float16])
def test_nodes_may_be_read_in_another_dtype(tmp_path, dtype):
    memory = filled(dtype=dtype)
    memory.save(tmp_path / "m")
    assert MemoryCrystal.load(tmp_path / "m").dtype == dtype
    again = MemoryCrystal.load(tmp_path / "m", dtype=torch.float64)
    assert torch.equal(again.crystal_layers[0], memory.crystal_layers[0].double())


def test_a_file_that_is_mapped_can_be_saved_over(tmp_path):
    memory = filled()
    memory.save(tmp_path / "m")
    with safe_open(tmp_path / "m", framework="pt") as mapped:
        before = mapped.get_tensor("units.vectors")
        memory.crystallize(torch.randn(400, 8))
        memory.save(tmp_path / "m")
        assert torch.equal(before, memory.layers[0].vectors.rows[:, : before.shape[1]])
    assert MemoryCrystal.load(tmp_path / "m").tokens == 501


def test_any_cut_of_the_file_is_refused(tmp_path):
    filled().save(tmp_path / "m")
    data = (tmp_path / "m").read_bytes()
    for length in range(0, len(data), 97):
        (tmp_path / "m").write_bytes(data[:length])
        with pytest.raises(NotACrystalError, match=re.escape(str(tmp_path / "m"))):
            MemoryCrystal.load(tmp_path / "m")


def test_nodes_that_a_narrower_dtype_cannot_hold_are_refused(tmp_path):
    memory = MemoryCrystal(4)
    memory.crystallize(torch.full((100, 4), 1e6))
    memory.save(tmp_path / "m")
    with pytest.raises(UsageError, match=r"NaN or infinity in torch\.float16"):
        MemoryCrystal.load(tmp_path / "m", dtype=torch.float16)
    layer, half = (InfiniteMemoryTransformer(4, 1, window=10) for _ in range(2))
    layer.memory.crystallize(torch.full((1, 100, 4), 1e6))
    with pytest.raises(RuntimeError, match=r"NaN or infinity in torch\.float16"):
        half.half().load_state_dict(layer.state_dict())
    assert half.memory.tokens == 0
    with pytest.raises(UsageError, match=r"NaN or infinity in torch\.float16"):
        layer.half()
    assert {each.dtype for each in layer.parameters()} == {layer.memory.dtype} == {torch.float32}
    assert layer.bfloat16().memory.dtype == layer.gate.dtype == torch.bfloat16
