"""The memory budget: what a decoder takes in the form it will be used in, and what is available.

Knows: sizes of matrices in each form and of caches.
Does not know: how anything is computed. Nothing is allocated to ask: shapes and formats are enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.free_memory import available_memory
from crystalcli.lm.decoder.linear import int4_planes, packs_as_one, rounds_to_int8
from crystalcli.lm.decoder.llama import BLOCK_SIZE
from crystalcli.lm.files.tensor_source import TensorSource

# A weight in one four-bit plane: the code, and two bfloat16 for 32 of them.
_PLANE_BYTES = 0.5 + 4 / 32
_LINEARS = {
    "qkv": ("attn_q", "attn_k", "attn_v"),
    "out": ("attn_output",),
    "up": ("ffn_gate", "ffn_up"),
    "down": ("ffn_down",),
}


def weight_bytes(
    source: TensorSource, width: int, int4: bool, keep_dense: bool, int8: bool = False, weight_only: bool = False
) -> int:
    """Compute the bytes that the matrices take.

    Args:
        source: The tensors.
        width: Bytes of a number, 2 for bfloat16, 4 for float32.
        int4: As in `Llama`.
        keep_dense: As in `Linear`.
        int8: As in `Llama`.
        weight_only: As in `Linear`.
    """
    native_kind = {2: "BF16", 4: "F32"}[width]
    total = largest = 0.0
    for names in _linears(source, int4):
        infos = [source.tensors[name] for name in names]
        kinds, count = [info.kind for info in infos], sum(math.prod(info.shape) for info in infos)
        rows = sum(info.shape[0] for info in infos)
        planes = int4_planes(kinds, rows) if int4 else 0
        total += count * planes * _PLANE_BYTES
        if int8 and rounds_to_int8(kinds) and (not int4 or names[0].endswith(("ffn_gate.weight", "ffn_up.weight"))):
            total += count + 8 * rows  # a byte a weight, a scale and a sum a row
            continue
        in_bytes = weight_only and not planes and rounds_to_int8(kinds)
        if in_bytes:
            total += count + 4 * rows  # a byte a weight, a scale a row
        head = names[0] in ("output.weight", "token_embd.weight")
        is_small = planes or in_bytes
        if not is_small or (keep_dense and not head):  # the head meets one row at a time
            total += count * width
        elif not head and not in_bytes and set(kinds) != {native_kind}:
            largest = max(largest, count * width)  # made anew for each block
    return int(total + largest)


def prompt_bytes(config: DecoderConfig, width: int, positions: int) -> int:
    """Compute the bytes that a prompt takes.

    These are the keys and values of `positions`, and the activations of a block while it is read.
    """
    cache = 2 * config.layers * config.kv_heads * config.head_dim * width * positions
    heads = (config.heads + 2 * config.kv_heads) * config.head_dim
    activations = 4 * (3 * config.ffn_size + 3 * heads + 4 * config.hidden_size)
    return cache + min(positions, BLOCK_SIZE) * activations + 8 * config.vocab_size


def check_memory(needed: int, name: str, advice: str) -> None:
    """Raise CrystalError when less than `needed` bytes are available.

    The message ends with `advice`.
    """
    free = available_memory()
    if free is not None and needed > free:
        raise CrystalError(
            f"{name} needs about {_format_size(needed)} of memory and this machine has {_format_size(free)} free: {advice}"
        )


def fits_in_memory(needed: int) -> bool:
    """Tell whether `needed` bytes are available, as far as the system tells."""
    free = available_memory()
    return free is None or needed <= free


def _linears(source: TensorSource, int4: bool) -> Iterator[list[str]]:
    """The tensor names of each linear layer that the source has, grouped as `Llama` groups them."""
    layers = {name.split(".")[1] for name in source.tensors if name.startswith("blk.") and name.count(".") > 2}
    groups = [[f"blk.{layer}.{part}.weight" for part in parts] for layer in layers for parts in _LINEARS.values()]
    groups.append(["output.weight" if "output.weight" in source.tensors else "token_embd.weight"])
    for group in groups:
        names = [name for name in group if name in source.tensors]
        infos = [source.tensors[name] for name in names]
        kinds, rows = [info.kind for info in infos], [info.shape[0] for info in infos]
        if int4 and not packs_as_one(kinds, rows):
            yield from ([name] for name in names)
        elif names:
            yield names


def _format_size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
