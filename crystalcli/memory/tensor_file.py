"""A `MemoryCrystal` as named tensors, and these as a safetensors file. Nothing is pickled, and nothing that is read is trusted.

    counts                   int64 [7]    dimension, three ratios, tokens read, batch, 1 where there was none
    clock                    float64 [4]  now, temperature, stability and power of the forgetting curve, 0 where there is none
    units.vectors, ...       the columns of nodes.Layer, for units, clusters and atoms
    waiting.units.vectors, ...  the tensors of nodes.Nodes that fill no unit yet; so for clusters and atoms

The last two kinds are missing where nothing was read. The file's metadata has `format` "crystal memory" and `version` "1".
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from crystalcli.errors import (
    CrystalError,
    DamagedCrystalError,
    NewerFormatError,
    NotACrystalError,
    NotFoundError,
    UsageError,
)
from crystalcli.memory.decay import Forgetting
from crystalcli.memory.given import ratios_of, whole
from crystalcli.memory.nodes import Column, Layer, Nodes

if TYPE_CHECKING:
    from crystalcli.memory.tensors import MemoryCrystal

    Memory = TypeVar("Memory", bound=MemoryCrystal)

LAYERS = ("units", "clusters", "atoms")
VERSION = 1
_FORMAT = "crystal memory"


def tensors_of(memory: MemoryCrystal) -> dict[str, torch.Tensor]:
    """All that a memory holds, by name; copies, without gradients."""
    curve = memory.forgetting
    figures = [memory.now, memory.temperature, curve.stability if curve else 0.0, curve.power if curve else 0.0]
    counts = [memory.dimension, *memory.ratios, memory.tokens, memory.batch or 0, int(memory.flat)]
    found = {"counts": torch.tensor(counts), "clock": torch.tensor(figures, dtype=torch.float64)}
    for name, layer, waiting in zip(LAYERS, memory.layers, memory.waiting, strict=False):
        found |= {f"{name}.{column}": held.rows for column, held in layer.columns().items()}
        found |= {f"waiting.{name}.{column}": held for column, held in waiting._asdict().items()}
    return {name: tensor.detach().clone() for name, tensor in found.items()}


def restore(memory: MemoryCrystal, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put what `tensors_of` gave into a memory of the same dimension and ratios, in the place of what it held.

    Nodes go to the memory's dtype. Raises DamagedCrystalError for tensors that do not fit together; the memory then stays as it was.
    """
    try:
        counts, clock = tensors["counts"].tolist(), tensors["clock"].tolist()
        _hold(tensors["counts"].dtype == torch.int64, f"its counts were cast to {tensors['counts'].dtype}")
        dimension, *ratios, tokens, batch, flat = counts
        now, temperature, stability, power = clock
        _hold(
            dimension == memory.dimension and tuple(ratios) == memory.ratios,
            f"they have dimension {dimension} and ratios {ratios}, not {memory.dimension} and {list(memory.ratios)}",
        )
        _hold(tokens >= 0 and batch >= 0 and flat in (0, 1) and (batch > 0 or tokens == 0), "its counts cannot be")
        _hold(now == now and 0 <= temperature < float("inf"), "its clock cannot be")
        curve = Forgetting(stability, power) if stability or power else None
        layers, waiting, nodes = [], [], tokens
        for name, ratio in zip(LAYERS if batch else (), ratios, strict=False):
            nodes, left = divmod(nodes, ratio)
            layers.append(_layer(tensors, name, (batch, nodes, dimension), memory.dtype))
            waiting.append(_waiting(tensors, name, (batch, left, dimension)))
    except (KeyError, ValueError, TypeError, CrystalError) as error:
        raise DamagedCrystalError(f"these tensors are no whole memory: {error}") from error
    memory.tokens, memory.now, memory.temperature, memory.forgetting = tokens, now, temperature, curve
    memory.layers, memory.waiting, memory.flat = layers, waiting, bool(flat)


def save(memory: MemoryCrystal, path: Path) -> None:
    """Write a memory beside its place, which it takes when it is whole. Raises CrystalError when it cannot be written."""
    from safetensors.torch import save_file

    beside = path.with_name(f".{path.name}-new")
    try:
        tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors_of(memory).items()}
        save_file(tensors, beside, metadata={"format": _FORMAT, "version": str(VERSION)})
        with beside.open("r+b") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except Exception as error:  # safetensors has errors of its own, of more than one kind
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CrystalError(f"cannot write {path}: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def load(kind: type[Memory], path: Path, options: Mapping[str, Any]) -> Memory:
    """A memory of this class, made with these options, from a file that `save` wrote.

    Raises NotFoundError, NotACrystalError, NewerFormatError or DamagedCrystalError.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            if said.get("format") != _FORMAT:
                raise NotACrystalError(f"{path} is not a memory: its metadata do not say so")
            if not said.get("version", "").isdigit() or int(said["version"]) > VERSION:
                raise NewerFormatError(f"{path} was written by a later version of this program")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise NotACrystalError(f"{path} is not a memory: {error}") from error
    try:
        _hold(tensors["counts"].dtype == torch.int64, "its counts are no whole numbers")
        dimension, *ratios = (whole(each, "a count") for each in tensors["counts"][:4].tolist())
        shape = ratios_of(ratios)
        dtype = tensors["units.vectors"].dtype if "units.vectors" in tensors else torch.float32
        _hold(dtype.is_floating_point, f"its nodes are {dtype}")
    except (KeyError, ValueError, UsageError) as error:
        raise DamagedCrystalError(f"{path} is damaged: {error}") from error
    memory = kind(dimension, shape, **{"dtype": dtype, **options})  # what a class of somebody's own raises is no damage
    try:
        restore(memory, tensors)
    except CrystalError as error:
        raise DamagedCrystalError(f"{path} is damaged: {error}") from error
    return memory


def _layer(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int], dtype: torch.dtype) -> Layer:
    parts = {}
    for column in Layer.__slots__:
        vectors = column == "vectors"
        kind = dtype if vectors else torch.float32 if column in ("weights", "stabilities") else torch.float64
        held = _whole(tensors, f"{name}.{column}", shape if vectors else shape[:2])
        parts[column] = Column(held.to(kind))
    _hold(
        bool((parts["weights"].rows >= 0).all() and (parts["stabilities"].rows >= 0).all()),
        f"{name} have negative weights",
    )
    return Layer(**parts)


def _waiting(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int]) -> Nodes:
    vectors = _whole(tensors, f"waiting.{name}.vectors", shape).float()
    weights, times, pinned = (_whole(tensors, f"waiting.{name}.{part}", shape[:2]) for part in Nodes._fields[1:])
    return Nodes(vectors, weights.float(), times.double(), pinned.bool())


def _whole(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    held = tensors[name]
    _hold(held.shape == shape, f"{name} is {list(held.shape)}, not {list(shape)}")
    plain = held if held.element_size() > 1 else held.float()  # float8 has no isfinite
    unbounded = name.endswith("stabilities")  # infinite where a node is pinned
    _hold(bool((~held.isnan()).all() if unbounded else torch.isfinite(plain).all()), f"{name} holds NaN or infinity")
    return held.detach().clone()


def _hold(so: bool, otherwise: str) -> None:
    if not so:
        raise ValueError(otherwise)
