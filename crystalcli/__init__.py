"""Crystal: a memory without end for a small local transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crystalcli.errors import CrystalError
    from crystalcli.library import Crystal
    from crystalcli.memory.tensors import MemoryCrystal
    from crystalcli.memory.transformer import InfiniteMemoryTransformer
    from crystalcli.types import Answer, Citation, Document, Passage

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "Citation",
    "Crystal",
    "CrystalError",
    "Document",
    "InfiniteMemoryTransformer",
    "MemoryCrystal",
    "Passage",
]

# Names are looked up when they are first used, so that `import crystalcli` costs nothing.
_HOMES = {
    "Answer": "crystalcli.types",
    "Citation": "crystalcli.types",
    "Crystal": "crystalcli.library",
    "CrystalError": "crystalcli.errors",
    "Document": "crystalcli.types",
    "InfiniteMemoryTransformer": "crystalcli.memory.transformer",
    "MemoryCrystal": "crystalcli.memory.tensors",
    "Passage": "crystalcli.types",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crystalcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
