"""What a class of somebody's own puts in the place of a memory's steps."""

import pytest
import torch

from crystalcli import MemoryCrystal
from crystalcli.errors import CrystalError
from crystalcli.neural_memory import Forgetting
from crystalcli.neural_memory.checkpoint import state_tensors


def test_what_a_researcher_overrides_is_used():
    class Largest(MemoryCrystal):
        def hierarchical_compress(self, children, ratio):
            shape = (len(children.vectors), -1, ratio)
            nodes = super().hierarchical_compress(children, ratio)
            return nodes._replace(vectors=children.vectors.reshape(*shape, self.dimension).amax(2))

        def compute_relevance(self, queries, vectors):
            return -super().compute_relevance(queries, vectors)

    x = torch.randn(400, 6)
    memory = Largest(6)
    atoms = memory.crystallize(x)[2]
    assert torch.equal(atoms[1], x[100:200].amax(0))
    scores = torch.nn.functional.cosine_similarity(torch.ones(6), atoms, dim=-1)
    assert memory.recall(torch.ones(6), depth=1, k=1).starts.item() == 100 * int(scores.argmin())


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda children, ratio: children, "hierarchical_compress must return shapes"),
        (
            lambda children, ratio: children.vectors[:, ::ratio],
            "hierarchical_compress must return LayerNodes, got Tensor",
        ),
        (
            lambda children, ratio: children.mapped(lambda each: each[:, ::ratio])._replace(weights=children.weights),
            "hierarchical_compress must return shapes",
        ),
        (
            lambda children, ratio: children.mapped(lambda each: each[:, ::ratio])._replace(
                vectors=children.vectors[:, ::ratio] * (torch.inf if ratio == 2 else 1)
            ),
            "NaN or infinity",
        ),
    ],
)
def test_an_override_that_fails_leaves_the_memory_as_it_was(made, message):
    memory, x = MemoryCrystal(6), torch.randn(95, 6)
    memory.crystallize(x)

    class Broken(MemoryCrystal):
        def hierarchical_compress(self, children, ratio):
            return made(children, ratio)

    memory.__class__ = Broken
    before = [layer.clone() for layer in memory.crystal_layers]
    with pytest.raises(CrystalError, match=message):
        memory.crystallize(torch.randn(40, 6))
    memory.__class__ = MemoryCrystal
    assert (memory.tokens, memory.now) == (95, 94.0)
    assert all(torch.equal(one, two) for one, two in zip(before, memory.crystal_layers, strict=True))
    memory.crystallize(x[:5])
    assert torch.allclose(memory.crystal_layers[2][0], torch.cat([x, x[:5]]).mean(0), atol=1e-5)


def test_relevance_may_be_a_dot_product_in_any_precision_but_has_one_score_for_each_node():
    class Product(MemoryCrystal):
        def compute_relevance(self, queries, vectors):
            return torch.einsum("bqd,b...nd->bqn" if vectors.dim() == 3 else "bqd,bqnd->bqn", queries, vectors).double()

    class Wrong(MemoryCrystal):
        def compute_relevance(self, queries, vectors):
            return queries @ vectors[:, :1].transpose(-1, -2)

    x = torch.randn(6000, 6)
    memory, wrong = Product(6), Wrong(6)
    memory.crystallize(x)
    wrong.crystallize(x)
    query = torch.randn(6)
    best = memory.recall(query, k=1)
    assert best.scores.dtype == torch.float32
    assert best.scores.item() == pytest.approx(float(best.vectors[0] @ query), abs=1e-5)
    with pytest.raises(CrystalError, match=r"compute_relevance must return \[1, 1, 60\] .*, got \[1, 1, 1\]"):
        wrong.recall(query)


def replaced(step, change):
    """A class with a step that gives something else than its own would."""
    made = getattr(MemoryCrystal, step)
    return type("Changed", (MemoryCrystal,), {step: lambda self, *given: change(made(self, *given))})


NAN = float("nan")


@pytest.mark.parametrize(
    ("step", "change"),
    [
        ("hierarchical_compress", lambda made: made._replace(weights=made.weights * NAN)),
        ("hierarchical_compress", lambda made: made._replace(weights=-made.weights)),
        ("hierarchical_compress", lambda made: made._replace(times=made.times * float("inf"))),
        ("hierarchical_compress", lambda made: made._replace(vectors=made.vectors * NAN)),
        ("hierarchical_compress", lambda made: made._replace(pinned=made.weights)),
        ("compute_relevance", lambda made: made * NAN),
        ("compute_relevance", lambda made: made.masked_fill(made == made.amax(), float("inf"))),
        ("compute_relevance", lambda made: made.tolist()),
        ("extract_memories", lambda made: []),
        ("extract_memories", lambda made: [made[0]._replace(scores=made[0].scores * NAN)]),
        ("extract_memories", lambda made: [made[0]._replace(scores=made[0].scores[..., 1:])]),
        ("merge_memories", lambda made: made._replace(scores=made.scores * NAN)),
        ("merge_memories", lambda made: made._replace(rows=made.rows[..., :1])),
        ("merge_memories", lambda made: made._replace(rows=made.rows + 1000)),
        ("merge_memories", lambda made: made._replace(layers=made.layers + 3)),
        ("merge_memories", lambda made: tuple(made)),
    ],
)
def test_a_step_that_makes_what_cannot_be_is_named(step, change):
    memory, x, query = MemoryCrystal(8, forgetting=Forgetting(10.0)), torch.randn(230, 8), torch.randn(8)
    memory.crystallize(x)
    before = {name: tensor.clone() for name, tensor in state_tensors(memory).items()}
    memory.__class__ = replaced(step, change)
    with pytest.raises(CrystalError, match=step):
        if step == "hierarchical_compress":
            memory.crystallize(x)
        memory.recall(query, k=3, now=500.0)
    assert all(torch.equal(before[name], tensor) for name, tensor in state_tensors(memory).items())


def test_scores_of_what_was_forgotten_may_be_anything():
    class Divided(MemoryCrystal):
        def compute_relevance(self, queries, vectors):
            return super().compute_relevance(queries, vectors) / vectors.norm(dim=-1).pow(2)[:, None] ** 0.5

    memory = Divided(8)
    memory.crystallize(torch.randn(2, 40, 8))
    memory.reset([0])
    assert memory.recall(torch.randn(2, 8), k=2).layers[0].tolist() == [0, 0]
