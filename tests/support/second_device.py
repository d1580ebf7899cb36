"""A second device for PyTorch, played on the CPU: as strict about where tensors are as a GPU is.

An operation whose tensors lie in two places fails, unless the odd ones are single numbers; nothing becomes NumPy before it was
brought back. It is told to PyTorch once, for the whole process, so that tests use it in a process of their own.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_iter, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "second"


class Second(torch.Tensor):
    """A tensor of the second device around the one of the CPU that holds its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Second:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=f"{NAME}:0",
        )
        made.held = held
        return made

    def tolist(self) -> Any:  # PyTorch has none for classes like this
        return self.held.tolist()

    def __repr__(self) -> str:
        return f"{self.held!r} on {self.device}"

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, op: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return carried_out(op, *args, **(kwargs or {}))


def carried_out(op: Any, *args: Any, **kwargs: Any) -> Any:
    """An operation's results, on the device that its tensors or its `device` say."""
    given = [each for each in tree_iter((args, kwargs)) if isinstance(each, torch.Tensor)]
    moves = op in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    here = [isinstance(each, Second) for each in given]
    if any(here) and not moves:
        for each in given:
            if not isinstance(each, Second) and each.dim():
                raise RuntimeError(
                    f"{op}: expected all tensors to be on the same device, but found {NAME}:0 and {each.device}"
                )
    wanted = kwargs.get("device")
    if wanted is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
        away = torch.device(wanted).type == NAME
    else:
        away = any(here)
    if op is torch.ops.aten.copy_.default:
        away = isinstance(args[0], Second)
    outer = {id(each.held): each for each in given if isinstance(each, Second)}
    args, kwargs = tree_map(lambda each: each.held if isinstance(each, Second) else each, (args, kwargs))
    with torch.inference_mode(False):  # views of what was made outside of it need tensors that count their versions
        found = op(*args, **kwargs)
    if any(each.shape != outer[id(each)].shape for each in tree_iter((args, kwargs)) if id(each) in outer):
        raise NotImplementedError(f"{op} changes a tensor's size")

    def placed(each: Any) -> Any:
        if not isinstance(each, torch.Tensor) or not away:
            return each
        return outer[id(each)] if id(each) in outer else Second(each)

    with torch.inference_mode(False):
        return tree_map(placed, found)


def tell() -> None:
    """PyTorch of the device, once."""
    _setup_privateuseone_for_python_backend(NAME)
    library = torch.library.Library("_", "IMPL")
    library.fallback(carried_out, "PrivateUse1")
    operations = torch.library.Library("aten", "IMPL")
    for overload in ("arange", "arange.start", "arange.start_step"):  # else made empty, and given their size afterwards
        name, _, which = overload.partition(".")
        own = getattr(getattr(torch.ops.aten, name), which or "default")
        operations.impl(overload, partial(carried_out, own), "PrivateUse1")
    tell.held = library, operations  # type: ignore[attr-defined]  # as long as the process lives
