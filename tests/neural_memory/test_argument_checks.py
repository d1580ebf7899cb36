"""What a memory in tensors refuses, before anything is changed."""

import numpy as np
import pytest
import torch

from crystalcli import MemoryCrystal
from crystalcli.errors import UsageError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.crystallize(torch.zeros(5, 9)), r"embeddings: expected \[tokens, 8\]"),
        (lambda m: m.crystallize(torch.zeros(8)), r"embeddings: expected \[tokens, 8\]"),
        (
            lambda m: m.crystallize(torch.zeros(5, 8, dtype=torch.int64)),
            "expected a floating-point tensor, got torch.int64",
        ),
        (lambda m: m.crystallize(np.zeros((5, 8))), "embeddings: expected a torch tensor, got ndarray"),
        (lambda m: m.recall([0.0] * 8), "query: expected a torch tensor, got list"),
        (lambda m: m.crystallize(torch.zeros(3, 5, 8)), "holds a batch of 2, got one of 3"),
        (lambda m: m.crystallize(torch.full((2, 5, 8), float("nan"))), "NaN or infinity"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=-torch.ones(5)), "importance must be 0 or more"),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=torch.ones(6)),
            "importance: expected one number for each token",
        ),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), times=torch.full((5,), float("inf"))), "times: values hold NaN"),
        (lambda m: m.recall(torch.zeros(9)), r"query: expected \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(8)), r"query: expected \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(3, 8)), r"query: expected \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(3, 1, 8)), r"query: expected \[2, 8\]"),
        (lambda m: m.recall(torch.full((2, 8), float("nan"))), "query holds NaN"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=4), "depth must be 1, 2 or 3"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=0), "depth must be 1, 2 or 3"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=3.0), "depth must be 1, 2 or 3, got 3.0"),
        (lambda m: m.recall(torch.zeros(2, 8), now=float("nan")), "a time must be a number"),
        (lambda m: m.recall(torch.zeros(2, 8), now="3"), "a time must be a number"),
        (lambda m: m.recall(torch.zeros(2, 8, device="meta")), r"query: .* on cpu, .* got one on meta; memory\.to"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8, device="meta")), "embeddings: expected a tensor on cpu"),
        (lambda m: m.crystallize(torch.zeros(0, 5, 8)), "expected a batch of 1 row or more, got 0"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8).to_sparse()), "embeddings: expected a dense tensor"),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=2.0),
            "importance: expected a torch tensor, got float",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=torch.full((5,), 1e38)),
            "importance: values must be 1e30 at most",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), times=[1.0] * 5),
            "times: expected a torch tensor, got list",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), times=torch.full((5,), 1e40, dtype=torch.float64)),
            "times: values must be 1e30 at most",
        ),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), pinned=None), "pinned: expected a torch tensor, got NoneType"),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), pinned=torch.ones(5)),
            "pinned: expected one bool for each token",
        ),
        (lambda m: m.strengthen(None), "expected the result of recall, got NoneType"),
        (
            lambda m: m.strengthen(m.recall(torch.ones(2, 8)), torch.ones(3) > 0),
            "used: expected one bool for each token",
        ),
        (lambda m: m.to(dtype=torch.int8), "must be a floating-point dtype, got torch.int8"),
        (lambda m: m.reset("first"), "row numbers, or a bool for each row, got 'first'"),
        (lambda m: m.reset([0.5]), "rows: expected integers, got torch.float32"),
        (lambda m: m.recall(torch.zeros(2, 8), k=0), "k must be an integer of 1 or more"),
        (lambda m: m.recall(torch.zeros(2, 8), k=1.5), "k must be an integer of 1 or more"),
        (lambda m: m.reset([2]), "rows must be between 0 and 1, got"),
        (lambda m: m.reset(torch.tensor([True])), "2 bools"),
        (lambda m: MemoryCrystal(8).reset([0]), "no rows yet"),
        (lambda m: MemoryCrystal(0), "dimension must be an integer of 1 or more"),
        (lambda m: MemoryCrystal("768"), "dimension must be an integer of 1 or more, got '768'"),
        (lambda m: MemoryCrystal(8.0), "dimension must be an integer"),
        (lambda m: MemoryCrystal(8, (10, 5)), "ratios must be three integers"),
        (lambda m: MemoryCrystal(8, (10, 5, 0)), "each ratio must be an integer of 1 or more, got 0"),
        (lambda m: MemoryCrystal(8, 10), "ratios must be three integers"),
        (lambda m: MemoryCrystal(8, forgetting=5), "forgetting must be a Forgetting or None, got 5"),
        (lambda m: MemoryCrystal(8, temperature="warm"), "temperature must be 0 or more, and finite, got 'warm'"),
        (lambda m: MemoryCrystal(8, dtype="float32"), "must be a floating-point dtype, got float32"),
        (lambda m: MemoryCrystal(8, temperature=-1.0), "temperature must be 0 or more"),
        (lambda m: MemoryCrystal(8, dtype=torch.int8), "must be a floating-point dtype"),
    ],
)
def test_what_cannot_be(call, message):
    memory = MemoryCrystal(8)
    memory.crystallize(torch.randn(2, 40, 8))
    with pytest.raises(UsageError, match=message):
        call(memory)
    assert memory.tokens == 40
