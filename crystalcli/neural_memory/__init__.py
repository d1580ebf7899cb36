"""The neural memory room: a memory, in tensors, for the states of any network.

It answers: "Of all states that this network has seen, which bear on the present one?" It does not
know text or crystal files.

Names are imported when they are first used: the forgetting curve does not need torch.

argument_checks.py     Checks of the arguments that a memory in tensors is given, or a layer that
                       has one.
beam_search.py         Beam search down a pyramid of nodes in tensors: candidates by layer, and the
                       best of them.
checkpoint.py          Checkpoints: the state of a memory as named tensors, and these as a
                       safetensors file.
forgetting_curve.py    The forgetting curve of memories: a power law, for floats, numpy arrays and
                       torch tensors alike.
hook_checks.py         Checks of what the overridable steps of a memory return; a subclass may have
                       replaced them.
memory_crystal.py      `MemoryCrystal`: the pyramid as a memory for the embeddings of any model, in
                       tensors.
memory_transformer.py  `InfiniteMemoryTransformer`: a layer over windows, with a memory of all
                       windows before.
node_store.py          Nodes of a layer in tensors, and layers that grow by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

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

if not TYPE_CHECKING:
    __getattr__ = lazy_names(
        __name__,
        {
            "beam_search": (
                "BeamChoice",
                "Candidates",
                "Recalled",
            ),
            "forgetting_curve": ("Forgetting",),
            "memory_crystal": ("MemoryCrystal",),
            "memory_transformer": ("InfiniteMemoryTransformer",),
            "node_store": ("LayerNodes",),
        },
    )


def __dir__() -> list[str]:
    return sorted(__all__)
