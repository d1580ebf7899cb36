"""The neural memory room: a memory, in tensors, for the states of any network.

It answers: "Of all states that this network has seen, which bear on the present one?" It does not
know text or crystal files.

    memory_crystal.py      `MemoryCrystal`: embeddings in, layers of means; recall, forgetting
    memory_transformer.py  `InfiniteMemoryTransformer`: a transformer layer with such a memory
    beam_search.py         candidates by layer, the best that do not overlap, `Recalled`
    node_store.py          nodes of a layer, and columns that grow
    forgetting_curve.py    `Forgetting`: FSRS-5's power law, for numpy and torch
    checkpoint.py          a memory as named tensors, and as a safetensors file
    argument_checks.py     checks of arguments
    hook_checks.py         checks of what overridden steps return

Names are imported when they are first used: the forgetting curve does not need torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crystalcli.neural_memory.beam_search import BeamChoice, Candidates, Recalled
    from crystalcli.neural_memory.forgetting_curve import Forgetting
    from crystalcli.neural_memory.memory_crystal import MemoryCrystal
    from crystalcli.neural_memory.memory_transformer import InfiniteMemoryTransformer
    from crystalcli.neural_memory.node_store import LayerNodes

__all__ = [
    "BeamChoice",
    "Candidates",
    "Forgetting",
    "InfiniteMemoryTransformer",
    "LayerNodes",
    "MemoryCrystal",
    "Recalled",
]

_MODULES = {
    "BeamChoice": "beam_search",
    "Candidates": "beam_search",
    "Forgetting": "forgetting_curve",
    "InfiniteMemoryTransformer": "memory_transformer",
    "LayerNodes": "node_store",
    "MemoryCrystal": "memory_crystal",
    "Recalled": "beam_search",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
