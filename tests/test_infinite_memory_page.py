"""What `docs/INFINITE_MEMORY.md` shows in Python runs as it stands there."""

import re

import pytest
import torch
from support.repository import DOCS

from crystalcli import MemoryCrystal


def example(name):
    """The Python of the page that has this name in it."""
    page = DOCS / "INFINITE_MEMORY.md"
    found = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (one,) = [each for each in found if name in each]
    return one


def test_a_memory_with_attention_in_the_place_of_means(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there: dict = {}
    exec(example("Pooled"), there)
    memory, again = there["memory"], there["again"]
    assert memory.scorer.weight.grad.abs().sum() > 0
    assert [len(layer) for layer in again.crystal_layers] == [100, 20, 10]
    assert torch.equal(again.crystal_layers[2], memory.crystal_layers[2])
    unscored = there["Pooled"](8, scorer=lambda groups: torch.zeros(*groups.shape[:-1], 1))
    plain, x, importance = MemoryCrystal(8), torch.randn(300, 8), torch.rand(300)
    for one, two in zip(
        unscored.crystallize(x, importance=importance), plain.crystallize(x, importance=importance), strict=True
    ):
        assert torch.allclose(one, two, atol=1e-5)  # without scores it is the mean by importance
    query = torch.randn(8)
    best = unscored.recall(query, k=1)
    assert best.scores.item() == pytest.approx(float(best.vectors[0] @ query), abs=1e-5)


def test_a_layer_is_trained():
    there: dict = {}
    torch.manual_seed(0)
    exec(example("optimizer = "), there)
    assert there["layer"].gate.abs().sum() > 0
    assert there["layer"].importance.weight.abs().sum() > 0  # so the gradient came through the memory
    memory = there["layer"].memory
    assert memory.tokens == 3 * 320  # three steps, each behind the last
    assert not memory.crystal_layers[2].requires_grad
    assert memory.crystal_layers[2].abs().sum((1, 2)).bool().tolist() == [row not in (0, 3) for row in range(8)]
