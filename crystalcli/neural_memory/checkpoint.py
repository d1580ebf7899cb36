"""Checkpoints: the state of a memory as named tensors, and these as a safetensors file.

    counts                      int64 [7]    dimension, three ratios, tokens read, batch, and 1
                                             where the memory is flat
    clock                       float64 [4]  now, temperature, stability and power of the
                                             forgetting curve, 0 without one
    units.vectors, ...          the columns of a NodeLayer, for units, clusters and atoms
    waiting.units.vectors, ...  the tensors of LayerNodes that fill no unit yet; so for clusters and
                                atoms

The last two kinds are missing where nothing was read. A memory is flat where the embeddings that it
read first had no batch dimension. The file's metadata has `format` "crystal memory" and `version`
"1". Nothing is pickled, and nothing that is read is trusted.

Knows: the attributes that make up a memory's state, names and shapes of tensors, the file.
Does not know: how a memory is filled or searched.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch

from crystalcli.errors import (
    CrystalError,
    DamagedCrystalError,
    MissingFileError,
    NewerFormatError,
    NotACrystalError,
    UsageError,
)
from crystalcli.neural_memory.argument_checks import (
    MAX_VALUE,
    check_castable,
    check_integer,
    check_ratios,
    within_limit,
)
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.node_store import Column, LayerNodes, NodeLayer

LAYERS = ("units", "clusters", "atoms")
VERSION = 1
_FORMAT = "crystal memory"


class Checkpointed(Protocol):
    """The state of a memory; `MemoryCrystal` documents the attributes."""

    dimension: int
    ratios: tuple[int, int, int]
    dtype: torch.dtype
    forgetting: Forgetting | None
    temperature: float
    tokens: int
    now: float
    flat: bool
    layers: list[NodeLayer]
    waiting: list[LayerNodes]

    @property
    def batch(self) -> int | None: ...  # noqa: D102


Memory = TypeVar("Memory", bound=Checkpointed)


def state_tensors(memory: Checkpointed) -> dict[str, torch.Tensor]:
    """Return the whole state of a memory by name; copies, without gradients."""
    curve = memory.forgetting
    clock = [memory.now, memory.temperature, curve.stability if curve else 0.0, curve.power if curve else 0.0]
    counts = [memory.dimension, *memory.ratios, memory.tokens, memory.batch or 0, int(memory.flat)]
    tensors = {"counts": torch.tensor(counts), "clock": torch.tensor(clock, dtype=torch.float64)}
    for name, layer, waiting in zip(LAYERS, memory.layers, memory.waiting, strict=False):
        tensors |= {f"{name}.{column}": values.rows for column, values in layer.columns().items()}
        tensors |= {f"waiting.{name}.{column}": values for column, values in waiting._asdict().items()}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def load_state(memory: Checkpointed, tensors: Mapping[str, torch.Tensor]) -> None:
    """Replace the state of a memory; it stays as it was where this raises.

    Args:
        memory: of the same dimension and ratios. Nodes are cast to its dtype.
        tensors: as `state_tensors` returned them.

    Raises:
        DamagedCrystalError: the tensors do not fit together, or do not fit the memory.
        UsageError: the memory's dtype cannot hold the nodes.
    """
    try:
        counts, clock = tensors["counts"].tolist(), tensors["clock"].tolist()
        _require(tensors["counts"].dtype == torch.int64, f"counts were cast to {tensors['counts'].dtype}")
        _require(tensors["clock"].dtype == torch.float64, f"the clock was cast to {tensors['clock'].dtype}")
        dimension, *ratios, tokens, batch, flat = counts
        now, temperature, stability, power = clock
        _require(
            dimension == memory.dimension and tuple(ratios) == memory.ratios,
            f"expected dimension {memory.dimension} and ratios {list(memory.ratios)}, got {dimension} and {ratios}",
        )
        _require(tokens >= 0 and batch >= 0 and flat in (0, 1) and (batch > 0 or tokens == 0), "invalid counts")
        _require(flat == 0 or batch == 1, "invalid counts")
        _require(abs(now) <= MAX_VALUE and 0 <= temperature < float("inf"), "invalid clock")
        curve = Forgetting(stability, power) if stability or power else None
        layers, waiting, nodes = [], [], tokens
        for name, ratio in zip(LAYERS if batch else (), ratios, strict=False):
            nodes, left = divmod(nodes, ratio)
            layers.append(_layer(tensors, name, (batch, nodes, dimension)))
            waiting.append(_waiting(tensors, name, (batch, left, dimension)))
    except (KeyError, ValueError, TypeError, CrystalError) as error:
        raise DamagedCrystalError(None, f"not the whole state of a memory: {error}") from error
    for layer in layers:
        check_castable(memory.dtype, layer.vectors.rows)
        layer.vectors.to(None, memory.dtype)
    memory.tokens, memory.now, memory.temperature, memory.forgetting = tokens, now, temperature, curve
    memory.layers, memory.waiting, memory.flat = layers, waiting, bool(flat)


def save_memory(memory: Checkpointed, path: Path) -> None:
    """Write a memory to a new file beside `path`, then put it in place.

    Raises:
        CrystalError: the file cannot be written; a file that was at `path` stays as it was.
    """
    from safetensors.torch import save_file

    new = path.with_name(f".{path.name}-new")
    try:
        tensors = {name: tensor.contiguous().cpu() for name, tensor in state_tensors(memory).items()}
        save_file(tensors, new, metadata={"format": _FORMAT, "version": str(VERSION)})
        with new.open("r+b") as file:
            os.fsync(file.fileno())
        new.replace(path)
    except Exception as error:  # safetensors raises errors of its own, of more than one kind
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise CrystalError(f"cannot write {path}: {reason}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def load_memory(kind: Callable[..., Memory], path: Path, options: Mapping[str, Any]) -> Memory:
    """Make a memory from a file that `save_memory` wrote.

    Args:
        kind: the class, called as `kind(dimension, ratios, dtype=..., **options)`.
        path: the file.
        options: arguments of the class; a dtype here replaces that of the file.

    Raises:
        MissingFileError: `path` does not exist.
        NotACrystalError: the file is not a memory.
        NewerFormatError: a later version of the program wrote it.
        DamagedCrystalError: its tensors do not fit together.
        UsageError: the dtype cannot hold the nodes.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise MissingFileError(f"{path} does not exist")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise NotACrystalError(f"{path} is not a memory: its metadata name another format")
            version = metadata.get("version", "")
            if not (version.isascii() and version.isdigit()) or int(version) > VERSION:
                raise NewerFormatError(f"{path} was written by a later version of this program")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise NotACrystalError(f"{path} is not a memory: {error}") from error
    try:
        _require(tensors["counts"].dtype == torch.int64, f"counts are {tensors['counts'].dtype}, not int64")
        dimension, *ratios = (check_integer(count, "each count") for count in tensors["counts"][:4].tolist())
        checked_ratios = check_ratios(ratios)
        dtype = tensors["units.vectors"].dtype if "units.vectors" in tensors else torch.float32
        _require(dtype.is_floating_point, f"nodes are {dtype}, not floating point")
    except (KeyError, ValueError, UsageError) as error:
        raise DamagedCrystalError(path, str(error)) from error
    # Outside of the try block: errors of a subclass's constructor are not file damage.
    memory = kind(dimension, checked_ratios, **{"dtype": dtype, **options})
    try:
        load_state(memory, tensors)
    except DamagedCrystalError as error:
        raise DamagedCrystalError(path, str(error)) from error
    return memory


def _layer(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int]) -> NodeLayer:
    vectors = _vectors(tensors, f"{name}.vectors", shape)
    weights, stabilities = (_numbers(tensors, f"{name}.{part}", shape[:2]) for part in ("weights", "stabilities"))
    times, recalled = (_numbers(tensors, f"{name}.{part}", shape[:2]) for part in ("times", "recalled"))
    return NodeLayer(*map(Column, (vectors, weights.float(), times.double(), recalled.double(), stabilities.float())))


def _waiting(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, int, int]) -> LayerNodes:
    vectors = _vectors(tensors, f"waiting.{name}.vectors", shape).float()
    check_castable(torch.float32, vectors)
    weights, times = (_numbers(tensors, f"waiting.{name}.{part}", shape[:2]) for part in ("weights", "times"))
    pinned = _tensor(tensors, f"waiting.{name}.pinned", shape[:2])
    _require(pinned.dtype == torch.bool, f"waiting.{name}.pinned is {pinned.dtype}, not bool")
    return LayerNodes(vectors, weights.float(), times.double(), pinned)


def _vectors(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a copy of the vectors of nodes, which are finite."""
    values = _tensor(tensors, name, shape)
    _require(values.is_floating_point(), f"{name} is {values.dtype}, not floating point")
    wide = values if values.element_size() > 1 else values.float()  # float8 has no isfinite
    _require(bool(torch.isfinite(wide).all()), f"{name} holds NaN or infinity")
    return values


def _numbers(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a copy of one number for each node.

    Times may be below 0, weights may not; a stability may be infinite, where a node is pinned.
    """
    values = _tensor(tensors, name, shape)
    _require(values.dtype in (torch.float32, torch.float64), f"{name} is {values.dtype}, not float32 or float64")
    column = name.rpartition(".")[2]
    _require(
        not values.isnan().any() and (column == "stabilities" or within_limit(values)),
        f"{name} holds NaN, or numbers beyond 1e30",
    )
    _require(column in ("times", "recalled") or bool((values >= 0).all()), f"{name} holds numbers below 0")
    return values


def _tensor(tensors: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a copy of a tensor of this shape."""
    values = tensors[name]
    _require(values.shape == shape, f"{name} is {list(values.shape)}, not {list(shape)}")
    return values.detach().clone()


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
