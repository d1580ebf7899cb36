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
    MissingFileError,
    NewerFormatError,
    NotACrystalError,
    UsageError,
)
from crystalcli.neural_memory.argument_checks import LARGEST, bounded, held_by, ratios_of, whole_number
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.node_store import Column, LayerNodes, NodeLayer

if TYPE_CHECKING:
    from crystalcli.neural_memory.memory_crystal import MemoryCrystal

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

    Nodes go to the memory's dtype. Raises DamagedCrystalError for tensors that do not fit together, and UsageError where that dtype
    cannot hold them; the memory then stays as it was.
    """
    try:
        counts, clock = tensors["counts"].tolist(), tensors["clock"].tolist()
        _hold(tensors["counts"].dtype == torch.int64, f"its counts were cast to {tensors['counts'].dtype}")
        _hold(tensors["clock"].dtype == torch.float64, f"its clock was cast to {tensors['clock'].dtype}")
        dimension, *ratios, tokens, batch, flat = counts
        now, temperature, stability, power = clock
        _hold(
            dimension == memory.dimension and tuple(ratios) == memory.ratios,
            f"they have dimension {dimension} and ratios {ratios}, not {memory.dimension} and {list(memory.ratios)}",
        )
        _hold(tokens >= 0 and batch >= 0 and flat in (0, 1) and (batch > 0 or tokens == 0), "its counts cannot be")
        _hold(flat == 0 or batch == 1, "its counts cannot be")
        _hold(abs(now) <= LARGEST and 0 <= temperature < float("inf"), "its clock cannot be")
        curve = Forgetting(stability, power) if stability or power else None
        layers, waiting, nodes = [], [], tokens
        for name, ratio in zip(LAYERS if batch else (), ratios, strict=False):
            nodes, left = divmod(nodes, ratio)
            layers.append(_layer(tensors, name, (batch, nodes, dimension)))
            waiting.append(_waiting(tensors, name, (batch, left, dimension)))
    except (KeyError, ValueError, TypeError, CrystalError) as error:
        raise DamagedCrystalError(None, f"these tensors are no whole memory: {error}") from error
    for layer in layers:
        held_by(memory.dtype, layer.vectors.rows)
        layer.vectors.to(None, memory.dtype)
    memory.tokens, memory.now, memory.temperature, memory.forgetting = tokens, now, temperature, curve
    memory.layers, memory.waiting, memory.flat = layers, waiting, bool(flat)


def save_memory(memory: MemoryCrystal, path: Path) -> None:
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


def load_memory(kind: type[Memory], path: Path, options: Mapping[str, Any]) -> Memory:
    """A memory of this class, made with these options, from a file that `save` wrote.

    Raises MissingFileError, NotACrystalError, NewerFormatError or DamagedCrystalError, and UsageError for a dtype that cannot hold it.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise MissingFileError(f"{path} does not exist")
    try:
        with safe_open(path, framework="pt") as file:
            said = file.metadata() or {}
            if said.get("format") != _FORMAT:
                raise NotACrystalError(f"{path} is not a memory: its metadata do not say so")
            version = said.get("version", "")
            if not (version.isascii() and version.isdigit()) or int(version) > VERSION:
                raise NewerFormatError(f"{path} was written by a later version of this program")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    except (SafetensorError, OSError) as error:
        raise NotACrystalError(f"{path} is not a memory: {error}") from error
    try:
        _hold(tensors["counts"].dtype == torch.int64, "its counts are no whole numbers")
        dimension, *ratios = (whole_number(each, "a count") for each in tensors["counts"][:4].tolist())
        shape = ratios_of(ratios)
        dtype = tensors["units.vectors"].dtype if "units.vectors" in tensors else torch.float32
        _hold(dtype.is_floating_point, f"its nodes are {dtype}")
    except (KeyError, ValueError, UsageError) as error:
        raise DamagedCrystalError(path, str(error)) from error
    memory = kind(dimension, shape, **{"dtype": dtype, **options})  # what a class of somebody's own raises is no damage
    try:
        restore(memory, tensors)
    except DamagedCrystalError as error:
        raise DamagedCrystalError(path, str(error)) from error
    return memory


def _layer(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int]) -> NodeLayer:
    vectors = _vectors(tensors, f"{name}.vectors", shape)
    weights, stabilities = (_figures(tensors, f"{name}.{each}", shape[:2]) for each in ("weights", "stabilities"))
    times, recalled = (_figures(tensors, f"{name}.{each}", shape[:2]) for each in ("times", "recalled"))
    return NodeLayer(*map(Column, (vectors, weights.float(), times.double(), recalled.double(), stabilities.float())))


def _waiting(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int]) -> LayerNodes:
    vectors = _vectors(tensors, f"waiting.{name}.vectors", shape).float()
    held_by(torch.float32, vectors)
    weights, times = (_figures(tensors, f"waiting.{name}.{part}", shape[:2]) for part in ("weights", "times"))
    pinned = _shaped(tensors, f"waiting.{name}.pinned", shape[:2])
    _hold(pinned.dtype == torch.bool, f"waiting.{name}.pinned is {pinned.dtype}")
    return LayerNodes(vectors, weights.float(), times.double(), pinned)


def _vectors(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    held = _shaped(tensors, name, shape)
    _hold(held.is_floating_point(), f"{name} is {held.dtype}")
    plain = held if held.element_size() > 1 else held.float()  # float8 has no isfinite
    _hold(bool(torch.isfinite(plain).all()), f"{name} holds NaN or infinity")
    return held


def _figures(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """A number for each node: times may be below 0, weights may not; a stability may be infinite, where a node is pinned."""
    held = _shaped(tensors, name, shape)
    _hold(held.dtype in (torch.float32, torch.float64), f"{name} is {held.dtype}")
    kind = name.rpartition(".")[2]
    _hold(
        not held.isnan().any() and (kind == "stabilities" or bounded(held)), f"{name} holds NaN, or what is beyond 1e30"
    )
    _hold(kind in ("times", "recalled") or bool((held >= 0).all()), f"{name} is below 0")
    return held


def _shaped(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    held = tensors[name]
    _hold(held.shape == shape, f"{name} is {list(held.shape)}, not {list(shape)}")
    return held.detach().clone()


def _hold(so: bool, otherwise: str) -> None:
    if not so:
        raise ValueError(otherwise)
