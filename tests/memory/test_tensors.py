import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli import MemoryCrystal
from crystalcli.errors import UsageError


def test_layers_have_the_ratios_and_are_means():
    torch.manual_seed(0)
    x = torch.randn(1000, 768)
    memory = MemoryCrystal(dimension=768)
    units, clusters, atoms = memory.crystallize(x)
    assert [len(units), len(clusters), len(atoms)] == [100, 20, 10]
    assert torch.allclose(units[3], x[30:40].mean(0), atol=1e-5)
    assert torch.allclose(clusters[2], x[100:150].mean(0), atol=1e-5)
    assert torch.allclose(atoms[9], x[900:1000].mean(0), atol=1e-5)


@given(st.lists(st.integers(0, 170), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_any_split_gives_the_same_layers(sizes):
    torch.manual_seed(2)
    x = torch.randn(sum(sizes), 16)
    split, whole, start = MemoryCrystal(16), MemoryCrystal(16), 0
    for size in sizes:
        split.crystallize(x[start : start + size])
        start += size
    for one, two in zip(split.crystal_layers, whole.crystallize(x), strict=True):
        assert torch.allclose(one, two, atol=1e-6)
    assert split.tokens == whole.tokens == sum(sizes)


def test_recall_finds_what_was_planted_at_every_depth():
    torch.manual_seed(3)
    x = torch.randn(5000, 64)
    x[2310:2320] += 3 * torch.ones(64)
    memory = MemoryCrystal(64)
    memory.crystallize(x)
    for depth in (1, 2, 3):
        best = memory.recall(torch.ones(64), depth=depth, k=3)
        assert best.starts[0] <= 2310
        assert best.ends[0] >= 2320
        assert best.scores.tolist() == sorted(best.scores.tolist(), reverse=True)
    assert memory.recall(torch.ones(64), depth=3, k=1).layers.tolist() == [1]
    assert memory.recall(torch.ones(64), depth=1, k=1).layers.tolist() == [3]


def test_nodes_without_a_parent_take_part():
    memory = MemoryCrystal(8)
    x = torch.randn(1015, 8) * 0.01
    x[1000:1010] = 5.0  # one unit after the last whole cluster
    memory.crystallize(x)
    best = memory.recall(torch.ones(8), depth=3, k=1)
    assert (best.layers.item(), best.starts.item()) == (1, 1000)


def test_an_empty_memory_recalls_nothing_and_reset_forgets():
    memory = MemoryCrystal(8)
    assert len(memory.recall(torch.ones(8)).scores) == 0
    memory.crystallize(torch.randn(200, 8))
    memory.reset()
    assert memory.tokens == 0
    assert [len(layer) for layer in memory.crystal_layers] == [0, 0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.crystallize(torch.zeros(5, 9)), r"embeddings are \[tokens, 8\]"),
        (lambda m: m.crystallize(torch.full((5, 8), float("nan"))), "NaN or infinity"),
        (lambda m: m.recall(torch.zeros(9)), r"the query is \[8\]"),
        (lambda m: m.recall(torch.zeros(8), depth=4), "depth is 1, 2 or 3"),
        (lambda m: m.recall(torch.zeros(8), k=0), "k is 1 or more"),
        (lambda m: MemoryCrystal(0), "1 or more"),
    ],
)
def test_what_cannot_be(call, message):
    with pytest.raises(UsageError, match=message):
        call(MemoryCrystal(8))
