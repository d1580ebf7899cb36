"""`MemoryCrystal`: its layers, what it recalls, and what it forgets."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli import MemoryCrystal
from crystalcli.errors import UsageError
from crystalcli.neural_memory import Forgetting


def filled(tokens=1000, dimension=16, batch=None, seed=0, **options):
    generator = torch.Generator().manual_seed(seed)
    shape = (tokens, dimension) if batch is None else (batch, tokens, dimension)
    x = torch.randn(shape, generator=generator)
    memory = MemoryCrystal(dimension, **options)
    memory.crystallize(x)
    return memory, x


def cosine(query, vectors):
    return torch.nn.functional.cosine_similarity(query, vectors, dim=-1)


# --- layers -----------------------------------------------------------------------------------------------


def test_layers_have_the_ratios_and_are_means():
    memory, x = filled(1000, 768)
    units, clusters, atoms = memory.crystal_layers
    assert [len(units), len(clusters), len(atoms)] == [100, 20, 10]
    assert torch.allclose(units[3], x[30:40].mean(0), atol=1e-5)
    assert torch.allclose(clusters[2], x[100:150].mean(0), atol=1e-5)
    assert torch.allclose(atoms[9], x[900:1000].mean(0), atol=1e-5)


@given(st.lists(st.integers(0, 170), min_size=1, max_size=8), st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_any_split_gives_the_same_layers(sizes, batched, noted):
    torch.manual_seed(2)
    x = torch.randn(2, sum(sizes), 8) if batched else torch.randn(sum(sizes), 8)
    importance = torch.rand(x.shape[:-1]) if noted else torch.ones(x.shape[:-1])
    times = torch.arange(sum(sizes)) * 0.5
    split, whole, start = MemoryCrystal(8), MemoryCrystal(8), 0
    for size in sizes:
        here = slice(start, start + size)
        split.crystallize(x[..., here, :], importance=importance[..., here], times=times[here])
        start += size
    for one, two in zip(split.crystal_layers, whole.crystallize(x, importance=importance, times=times), strict=True):
        assert torch.allclose(one, two, atol=1e-6)
    assert split.tokens == whole.tokens == sum(sizes)
    assert split.now == whole.now
    for one, two in zip(split.layers, whole.layers, strict=True):
        for name, column in one.columns().items():
            assert torch.allclose(column.rows, two.columns()[name].rows, atol=1e-6), name


def test_a_node_is_the_mean_of_its_tokens_weighed_by_their_importance():
    x, importance = torch.randn(100, 8), torch.rand(100)
    memory = MemoryCrystal(8)
    units, clusters, atoms = memory.crystallize(x, importance=importance)
    weighed = x * importance[:, None]
    assert torch.allclose(units[2], weighed[20:30].sum(0) / importance[20:30].sum(), atol=1e-5)
    assert torch.allclose(clusters[1], weighed[50:].sum(0) / importance[50:].sum(), atol=1e-5)
    assert torch.allclose(atoms[0], weighed.sum(0) / importance.sum(), atol=1e-5)
    assert memory.layers[2].weights.rows[0, 0] == pytest.approx(float(importance.mean()))


def test_padding_is_passed_over():
    x = torch.randn(10, 4)
    padded = torch.cat([x[:6], torch.full((4, 4), 1e3)])
    memory = MemoryCrystal(4)
    units = memory.crystallize(padded, importance=torch.tensor([1.0] * 6 + [0.0] * 4))[0]
    assert torch.allclose(units[0], x[:6].mean(0), atol=1e-5)


def test_rows_of_a_batch_are_what_they_are_alone():
    batch, x = filled(730, 16, batch=3)
    queries = torch.randn(3, 5, 16)
    together = batch.recall(queries, k=4)
    for row in range(3):
        alone = MemoryCrystal(16)
        alone.crystallize(x[row])
        for one, two in zip(alone.crystal_layers, batch.crystal_layers, strict=True):
            assert torch.allclose(one, two[row], atol=1e-6)
        found = alone.recall(queries[row], k=4)
        for name in ("vectors", "scores", "layers", "starts", "ends", "times", "importance", "retained"):
            assert torch.allclose(getattr(found, name), getattr(together, name)[row], atol=1e-5), name


# --- recall -----------------------------------------------------------------------------------------------


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
        assert best.times[0] == best.ends[0] - 1
    assert memory.recall(torch.ones(64), depth=3, k=1).layers.tolist() == [1]
    assert memory.recall(torch.ones(64), depth=1, k=1).layers.tolist() == [3]


@given(st.integers(0, 1500), st.integers(1, 3), st.integers(1, 12), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_memories_are_nodes_with_their_cosines_and_never_overlap(tokens, depth, k, seed):
    memory, _ = filled(tokens, 8, seed=seed)
    query = torch.randn(8, generator=torch.Generator().manual_seed(seed))
    found = memory.recall(query, depth, k)
    spans = sorted(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert len(found.scores) <= k
    assert (found.layers >= 4 - depth).all()
    for index, layer in enumerate(found.layers.tolist()):
        width = (10, 50, 100)[layer - 1]
        assert found.ends[index] - found.starts[index] == width
        node = memory.crystal_layers[layer - 1][found.starts[index] // width]
        assert torch.equal(found.vectors[index], node)
        assert found.scores[index] == pytest.approx(float(cosine(query, node)), abs=1e-5)
    if tokens >= 10 and depth == 3:
        assert len(found.scores) >= 1


def test_with_room_for_everything_recall_is_the_best_of_a_search_of_all_units():
    memory, _ = filled(900, 8)
    query = torch.randn(8)
    units = cosine(query, memory.crystal_layers[0])
    best = memory.recall(query, depth=3, k=40)  # so broad that no atom is left out
    assert best.layers[0] == 1
    assert best.scores[0] == pytest.approx(float(units.max()), abs=1e-5)


def test_nodes_without_a_parent_take_part():
    memory = MemoryCrystal(8)
    x = torch.randn(1015, 8) * 0.01
    x[1000:1010] = 5.0  # one unit after the last whole cluster
    memory.crystallize(x)
    best = memory.recall(torch.ones(8), depth=3, k=1)
    assert (best.layers.item(), best.starts.item()) == (1, 1000)


def test_shapes_follow_the_query():
    flat, _ = filled(300, 8)
    assert flat.recall(torch.randn(8), k=2).vectors.shape == (2, 8)
    assert flat.recall(torch.randn(5, 8), k=2).vectors.shape == (5, 2, 8)
    batch, _ = filled(300, 8, batch=3)
    assert batch.recall(torch.randn(3, 8), k=2).scores.shape == (3, 2)
    assert batch.recall(torch.randn(3, 7, 8), k=2).layers.shape == (3, 7, 2)
    assert batch.crystal_layers[0].shape == (3, 30, 8)


def test_an_empty_memory_recalls_nothing_and_so_does_one_with_less_than_a_unit():
    memory = MemoryCrystal(8)
    assert len(memory.recall(torch.ones(8)).scores) == 0
    assert memory.recall(torch.ones(2, 3, 8)).vectors.shape == (2, 3, 0, 8)
    memory.crystallize(torch.zeros(0, 8))
    memory.crystallize(torch.ones(9, 8))
    assert len(memory.recall(torch.ones(8)).scores) == 0
    memory.crystallize(torch.ones(1, 8))
    assert memory.recall(torch.ones(8)).ends.tolist() == [10]


def test_inference_mode_leaves_a_memory_that_goes_on():
    memory = MemoryCrystal(8, forgetting=Forgetting(10.0))
    with torch.inference_mode():
        memory.crystallize(torch.randn(105, 8))
        memory.recall(torch.ones(8))
    memory.crystallize(torch.randn(105, 8))
    memory.recall(torch.ones(8))
    assert [len(layer) for layer in memory.crystal_layers] == [21, 4, 2]


@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16])
def test_the_default_dtype_changes_nothing(default):
    x, query, pins = torch.randn(2300, 16), torch.randn(16), torch.arange(2300) < 2
    found = []
    for dtype in (default, torch.float32):
        torch.set_default_dtype(dtype)
        try:
            memory = MemoryCrystal(16, forgetting=Forgetting(100.0))
            memory.crystallize(x, pinned=pins)
            found.append(memory.recall(query))
        finally:
            torch.set_default_dtype(torch.float32)
    for name in ("vectors", "scores", "importance", "retained", "times"):
        assert torch.equal(getattr(found[0], name), getattr(found[1], name)), name


def test_autocast_changes_nothing():
    memory, x = filled(2300, 16)
    query = torch.randn(16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside, other = memory.recall(query), MemoryCrystal(16)
        layers = other.crystallize(x)
    outside = memory.recall(query)
    assert torch.equal(inside.scores, outside.scores)
    assert all(torch.equal(one, two) for one, two in zip(layers, memory.crystal_layers, strict=True))


def test_gradients_come_through_when_asked_and_end_where_they_are_cut():
    x = torch.randn(100, 8, requires_grad=True)
    memory = MemoryCrystal(8)
    memory.crystallize(x, gradient=True)
    found = memory.recall(torch.ones(8), depth=1, k=1)
    found.vectors.sum().backward()
    assert torch.allclose(x.grad, torch.full_like(x, 0.01))
    memory.detach()
    assert not memory.recall(torch.ones(8)).vectors.requires_grad
    memory.crystallize(x)
    assert not any(layer.requires_grad for layer in memory.crystal_layers)


# --- forgetting -------------------------------------------------------------------------------------------


def test_of_two_alike_the_newer_is_recalled_first_and_the_pinned_before_both():
    x = torch.randn(10, 8).repeat(3, 1)
    memory = MemoryCrystal(8, forgetting=Forgetting(1.0))
    memory.crystallize(x, times=torch.tensor([0.0] * 10 + [50.0] * 10 + [90.0] * 10))
    found = memory.recall(x[:10].mean(0), k=3, now=100.0, strengthen=False)
    assert found.starts.tolist() == [20, 10, 0]
    assert found.retained.tolist() == pytest.approx(
        [memory.forgetting.retained(age, 1.0) for age in (10.0, 50.0, 100.0)], abs=1e-6
    )
    other = MemoryCrystal(8, forgetting=Forgetting(1.0))
    pins = torch.tensor([True] + [False] * 29)
    other.crystallize(x, times=torch.tensor([0.0] * 10 + [50.0] * 10 + [90.0] * 10), pinned=pins)
    found = other.recall(x[:10].mean(0), k=3, now=100.0)
    assert found.starts.tolist() == [0, 20, 10]
    assert found.retained[0] == 1


def test_the_important_fades_more_slowly():
    x = torch.randn(10, 8).repeat(2, 1)
    memory = MemoryCrystal(8, forgetting=Forgetting(1.0))
    memory.crystallize(x, importance=torch.tensor([5.0] * 10 + [1.0] * 10), times=torch.zeros(20))
    found = memory.recall(x[:10].mean(0), k=2, now=30.0)
    assert found.starts.tolist() == [0, 10]
    assert found.importance.tolist() == [5.0, 1.0]
    assert found.retained[0] > found.retained[1]


def test_a_recall_strengthens_what_is_recalled_and_what_that_is_part_of():
    memory, x = filled(200, 8, forgetting=Forgetting(100.0))
    query = x[:10].mean(0)
    before = [layer.stabilities.rows.clone() for layer in memory.layers]
    found = memory.recall(query, k=1, now=1000.0)
    assert found.starts.tolist() == [0]
    for layer, old in zip(memory.layers, before, strict=True):
        assert layer.stabilities.rows[0, 0] > old[0, 0]
        assert torch.equal(layer.stabilities.rows[:, 1:], old[:, 1:])
        assert layer.recalled.rows[0, 0] == 1000
    kept = memory.recall(query, k=1, now=2000.0, strengthen=False).retained
    assert kept > found.retained
    assert torch.equal(kept, memory.recall(query, k=1, now=2000.0, strengthen=False).retained)


@pytest.mark.parametrize(("batch", "asked"), [(None, (8,)), (None, (3, 8)), (2, (2, 8)), (2, (2, 5, 8)), (1, (8,))])
def test_what_any_query_recalled_can_be_strengthened(batch, asked):
    memory, _ = filled(300, 8, batch, forgetting=Forgetting(100.0))
    once = memory.recall(torch.randn(asked), now=1e4, strengthen=False)
    stabilities = memory.layers[0].stabilities.rows.clone()
    memory.strengthen(once, torch.zeros_like(once.layers, dtype=torch.bool), now=1e4)
    assert torch.equal(memory.layers[0].stabilities.rows, stabilities)
    memory.strengthen(once, now=1e4)
    assert (memory.layers[0].stabilities.rows > stabilities).any()


def test_what_another_memory_recalled_is_not_strengthened():
    long, short = (filled(tokens, 8, forgetting=Forgetting(10.0))[0] for tokens in (900, 300))
    pair, three = (filled(300, 8, batch, forgetting=Forgetting(10.0))[0] for batch in (2, 3))
    with pytest.raises(UsageError, match="of another memory"):
        short.strengthen(long.recall(long.crystal_layers[0][80]))
    with pytest.raises(UsageError, match="of another memory"):
        pair.strengthen(three.recall(torch.randn(3, 8)))


def test_times_need_no_gradient_and_the_least_importance_is_none():
    memory = MemoryCrystal(4, forgetting=Forgetting(10.0))
    times, tiny = torch.arange(20.0, requires_grad=True), torch.full((20,), 1e-45)
    memory.crystallize(torch.randn(20, 4), times=times, gradient=True)
    assert not memory.layers[0].times.rows.requires_grad
    memory.crystallize(torch.randn(20, 4), importance=tiny)
    assert memory.recall(torch.randn(4), k=9).ends.max() == 20


def test_nodes_that_the_dtype_cannot_hold_are_refused():
    memory = MemoryCrystal(4, dtype=torch.float16)
    with pytest.raises(UsageError, match=r"NaN or infinity in torch\.float16"):
        memory.crystallize(torch.full((100, 4), 1e5))
    large = MemoryCrystal(4)
    large.crystallize(torch.full((100, 4), 1e5))
    with pytest.raises(UsageError, match=r"NaN or infinity in torch\.float16"):
        large.to(dtype=torch.float16)
    assert large.dtype == large.crystal_layers[0].dtype == torch.float32
    assert (memory.tokens, memory.batch) == (0, None)


def test_whole_numbers_may_be_of_numpy_and_k_more_than_there_are():
    memory, _ = filled(230, 8)
    query = torch.randn(8)
    assert len(memory.recall(query, k=np.int64(2)).scores) == 2
    assert len(memory.recall(query, k=10**30).scores) <= 23
    assert memory.recall(torch.zeros(1, 0, 8)).scores.shape[:2] == (1, 0)


def test_without_a_curve_nothing_fades():
    memory, _ = filled(200, 8)
    found = memory.recall(torch.randn(8), now=1e9)
    assert (found.retained == 1).all()


def test_reset_forgets_everything():
    memory, _ = filled(205, 8, batch=2)
    memory.reset()
    assert memory.tokens == 0
    assert [len(layer) for layer in memory.crystal_layers] == [0, 0, 0]
    memory.crystallize(torch.randn(20, 8))
    assert memory.crystal_layers[0].shape == (2, 8)


@pytest.mark.parametrize("rows", [[0, 2], torch.tensor([True, False, True, False])])
def test_half_a_batch_can_be_reset(rows):
    memory, x = filled(125, 8, batch=4)
    memory.reset(rows)
    found = memory.recall(torch.randn(4, 8), k=3)
    assert (found.layers[[0, 2]] == 0).all()
    assert (found.vectors[[0, 2]] == 0).all()
    assert (found.layers[[1, 3]] > 0).all()
    more = torch.randn(4, 75, 8)
    memory.crystallize(more)
    units = memory.crystal_layers[0]
    assert torch.allclose(units[0, 12], more[0, :5].mean(0), atol=1e-5)  # nothing of the five tokens before the reset
    assert torch.allclose(units[1, 12], torch.cat([x[1, 120:], more[1, :5]]).mean(0), atol=1e-5)
    assert torch.allclose(memory.crystal_layers[2][0, 1], more[0].mean(0), atol=1e-5)
    assert (memory.recall(torch.randn(4, 8), k=1).starts[[0, 2]] >= 100).all()


# --- room -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "stated"), [(torch.float32, 402.5e6), (torch.bfloat16, 202.8e6)])
def test_a_million_tokens_take_what_is_stated(dtype, stated):
    memory = MemoryCrystal(768, dtype=dtype)
    for _ in range(100):
        memory.crystallize(torch.zeros(500, 768))
    exact = sum(column.rows.nbytes for layer in memory.layers for column in layer.columns().values())
    assert exact * 20 == pytest.approx(stated, rel=0.001)
    assert exact <= memory.bytes <= 1.125 * exact
    assert sum(nodes.vectors.nbytes for nodes in memory.waiting) <= (9 + 4 + 1) * 768 * 4


def test_a_memory_that_is_there_already_keeps_its_room_to_spare():
    memory, _ = filled(1000, 8)
    memory.crystallize(torch.randn(10, 8))
    before = memory.bytes
    assert before > sum(column.rows.nbytes for layer in memory.layers for column in layer.columns().values())
    memory.to("cpu")
    assert memory.bytes == before
    memory.to(dtype=torch.bfloat16)
    assert memory.crystal_layers[0].dtype == torch.bfloat16
    assert before / 2 < memory.bytes < before


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_rows_are_reset_in_any_dtype(dtype):
    memory, _ = filled(300, 8, batch=2, dtype=dtype)
    kept = memory.crystal_layers[0][1].clone()
    memory.reset([0])
    assert (memory.crystal_layers[0][0].float() == 0).all()
    assert torch.equal(memory.crystal_layers[0][1].float(), kept.float())


def test_a_recall_as_of_an_earlier_time_weakens_nothing():
    memory, x = filled(100, 8, forgetting=Forgetting(10.0))
    query = x[:10].mean(0)
    for earlier, later in ((0.0, 200.0), (100.0, 1000.0)):
        memory.recall(query, k=1, now=later - 1)
        before = memory.recall(query, k=1, now=later, strengthen=False).retained
        memory.recall(query, k=1, now=earlier)
        assert memory.recall(query, k=1, now=later, strengthen=False).retained >= before


def test_nodes_without_a_parent_take_part_in_the_layers_looked_at():
    memory, _ = filled(70, 8)
    query = torch.randn(8)
    assert memory.recall(query, depth=1).layers.tolist() == []
    assert memory.recall(query, depth=2).layers.tolist() == [2]
    assert memory.recall(query, depth=3, k=20).layers.min() == 1


def test_ratios_as_large_as_can_be():
    with pytest.raises(UsageError, match=r"an atom must have at most 2\^53 tokens"):
        MemoryCrystal(4, (10**7, 10**7, 10**7))
    memory = MemoryCrystal(4, (1, 1, 10**14))
    memory.crystallize(torch.randn(5, 4))
    assert memory.recall(torch.randn(4), k=9).layers.max() <= 2
