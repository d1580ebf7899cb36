"""What a memory in tensors refuses, before anything is changed."""

import numpy as np
import pytest
import torch

from crystalcli import MemoryCrystal
from crystalcli.errors import UsageError


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.crystallize(torch.zeros(5, 9)), r"embeddings are \[tokens, 8\]"),
        (lambda m: m.crystallize(torch.zeros(8)), r"embeddings are \[tokens, 8\]"),
        (lambda m: m.crystallize(torch.zeros(5, 8, dtype=torch.int64)), "floating point is needed, not torch.int64"),
        (lambda m: m.crystallize(np.zeros((5, 8))), "a torch tensor is needed, not ndarray"),
        (lambda m: m.recall([0.0] * 8), "the query: a torch tensor is needed, not list"),
        (lambda m: m.crystallize(torch.zeros(3, 5, 8)), "holds a batch of 2, not of 3"),
        (lambda m: m.crystallize(torch.full((2, 5, 8), float("nan"))), "NaN or infinity"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=-torch.ones(5)), "importance is 0 or more"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=torch.ones(6)), "one number for each token"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), times=torch.full((5,), float("inf"))), "the time holds NaN"),
        (lambda m: m.recall(torch.zeros(9)), r"the query is \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(8)), r"the query is \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(3, 8)), r"the query is \[2, 8\]"),
        (lambda m: m.recall(torch.zeros(3, 1, 8)), r"the query is \[2, 8\]"),
        (lambda m: m.recall(torch.full((2, 8), float("nan"))), "the query holds NaN"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=4), "depth is 1, 2 or 3"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=0), "depth is 1, 2 or 3"),
        (lambda m: m.recall(torch.zeros(2, 8), depth=3.0), "depth is 1, 2 or 3, not 3.0"),
        (lambda m: m.recall(torch.zeros(2, 8), now=float("nan")), "a time is a number"),
        (lambda m: m.recall(torch.zeros(2, 8), now="3"), "a time is a number"),
        (lambda m: m.recall(torch.zeros(2, 8, device="meta")), r"it is on meta, the memory on cpu; memory\.to"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8, device="meta")), "it is on meta, the memory on cpu"),
        (lambda m: m.crystallize(torch.zeros(0, 5, 8)), "one row of a batch, or more, not of none"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8).to_sparse()), "a dense tensor is needed"),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=2.0),
            "importance: a torch tensor is needed, not float",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), importance=torch.full((5,), 1e38)),
            "importance is 1e30 at most",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), times=[1.0] * 5),
            "the time: a torch tensor is needed, not list",
        ),
        (
            lambda m: m.crystallize(torch.zeros(2, 5, 8), times=torch.full((5,), 1e40, dtype=torch.float64)),
            "the time is 1e30 at most",
        ),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), pinned=None), "pinned: a torch tensor is needed, not NoneType"),
        (lambda m: m.crystallize(torch.zeros(2, 5, 8), pinned=torch.ones(5)), "pinned is a bool for each token"),
        (lambda m: m.strengthen(None), "what recall gave, not NoneType"),
        (lambda m: m.strengthen(m.recall(torch.ones(2, 8)), torch.ones(3) > 0), "used is a bool for each token"),
        (lambda m: m.to(dtype=torch.int8), "kept in floating point, not in torch.int8"),
        (lambda m: m.reset("first"), "numbers, or a bool for each, not 'first'"),
        (lambda m: m.reset([0.5]), "whole numbers, not torch.float32"),
        (lambda m: m.recall(torch.zeros(2, 8), k=0), "k is a whole number, 1 or more"),
        (lambda m: m.recall(torch.zeros(2, 8), k=1.5), "k is a whole number, 1 or more"),
        (lambda m: m.reset([2]), "rows 0 to 1"),
        (lambda m: m.reset(torch.tensor([True])), "2 bools"),
        (lambda m: MemoryCrystal(8).reset([0]), "no rows yet"),
        (lambda m: MemoryCrystal(0), "the dimension is a whole number, 1 or more"),
        (lambda m: MemoryCrystal("768"), "the dimension is a whole number, 1 or more, not '768'"),
        (lambda m: MemoryCrystal(8.0), "the dimension is a whole number"),
        (lambda m: MemoryCrystal(8, (10, 5)), "ratios are three whole numbers"),
        (lambda m: MemoryCrystal(8, (10, 5, 0)), "a ratio is a whole number, 1 or more, not 0"),
        (lambda m: MemoryCrystal(8, 10), "ratios are three whole numbers"),
        (lambda m: MemoryCrystal(8, forgetting=5), "forgetting is a Forgetting, or None, not 5"),
        (lambda m: MemoryCrystal(8, temperature="warm"), "the temperature is 0 or more, not 'warm'"),
        (lambda m: MemoryCrystal(8, dtype="float32"), "kept in floating point, not in float32"),
        (lambda m: MemoryCrystal(8, temperature=-1.0), "the temperature is 0 or more"),
        (lambda m: MemoryCrystal(8, dtype=torch.int8), "kept in floating point"),
    ],
)
def test_what_cannot_be(call, message):
    memory = MemoryCrystal(8)
    memory.crystallize(torch.randn(2, 40, 8))
    with pytest.raises(UsageError, match=message):
        call(memory)
    assert memory.tokens == 40
