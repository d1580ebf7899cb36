"""Reads safetensors files: where each tensor lies, through memory maps. One file, or several with an index.

Knows: the container, and the names Hugging Face's decoders give their tensors, which it turns into GGUF's (source.py).
Does not know: what a tensor is for. Torch and the safetensors library are not needed to look.

The files come from outside: every length is compared with what the file holds before anything is made of it. Source of the
layout: the safetensors README.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.lm.files.gguf import show

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_LARGEST_HEADER = 64 << 20  # bytes
_LARGEST_JSON = 256 << 20  # bytes; vocabularies take up to 35 MB
_MOST_FILES = 1024
_WIDEST = 4  # bytes of a number that can be run
_KINDS = {"F32": ("F32", 4), "F16": ("F16", 2), "BF16": ("BF16", 2)}  # what can be run; others keep their names
_WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2}
_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")
_LEFT_OUT = re.compile(r".*\.rotary_emb\.inv_freq")  # follows from the configuration


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where one tensor lies. kind, shape: as of source.Stored; file: which map; start, size: bytes in it."""

    kind: str
    shape: tuple[int, ...]
    file: int
    start: int
    size: int


class TensorFolder:
    """A Source (source.py) over the safetensors files of a folder. tied: the output is the embedding, whatever else lies there.

    Raises ModelMissingError when there are none, CrystalError when they are damaged or their weights are no plain numbers.
    """

    def __init__(self, folder: Path, tied: bool) -> None:
        self.path = folder
        self.tensors: dict[str, StoredTensor] = {}
        self._maps: list[mmap.mmap] = []
        try:
            for number, path in enumerate(weight_files(folder)):
                for name, tensor in self._read(path, number).items():
                    ours = _ours(name)
                    if ours in self.tensors:
                        raise CrystalError(f"{folder}: the tensor {show(name)} appears twice")
                    if ours and not (tied and ours == "output.weight"):
                        self.tensors[ours] = tensor
            if not tied and "output.weight" not in self.tensors:
                raise CrystalError(f"{folder}: the tensor lm_head.weight is missing")
        except BaseException:
            self.close()
            raise

    def data(self, name: str) -> memoryview:
        """The bytes of a tensor, straight from the map; not to be written to."""
        found = self.tensors[name]
        data = memoryview(self._maps[found.file])[found.start : found.start + found.size]
        # No rule of the format has numbers begin where the processor would have them.
        return data if found.start % _WIDEST == 0 else memoryview(bytes(data))

    def digest(self) -> bytes:
        """SHA-256 over all the files, 32 bytes."""
        digest = hashlib.sha256()
        for each in self._maps:
            digest.update(each)
        return digest.digest()

    def close(self) -> None:
        """Let go of the files. Views that `data` gave stay good."""
        for each in self._maps:
            with suppress(BufferError):  # a view is still alive, and the map ends with it
                each.close()
        self._maps.clear()

    def _read(self, path: Path, number: int) -> dict[str, StoredTensor]:
        try:
            with path.open("rb") as stream:
                size = stream.seek(0, 2)
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        except FileNotFoundError:
            raise ModelMissingError(f"the weights in {path.parent} are not whole: there is no {path.name}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CrystalError(f"cannot open {path}: {reason}") from None
        if data is None:
            raise CrystalError(f"{path} is empty")
        self._maps.append(data)
        length = int.from_bytes(data[:8], "little")
        if size < 8 or not 2 <= length <= min(_LARGEST_HEADER, size - 8):
            raise CrystalError(f"{path} is not a sound safetensors file: it does not begin with a header")
        try:
            header = json.loads(data[8 : 8 + length].decode("utf-8"))
            if not isinstance(header, dict):
                raise ValueError("its header is no object")
            header.pop("__metadata__", None)
            return {name: _tensor(entry, number, 8 + length, size) for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = str(error) if type(error) is ValueError else "its header is damaged"
            raise CrystalError(f"{path} is not a sound safetensors file: {reason}") from None


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a model, in order.

    Raises ModelMissingError when there are none, with what is there instead; CrystalError when their index is damaged.
    """
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if not (folder / INDEX).is_file():
        reason = "there is no model.safetensors"
        if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
            reason = "what is there is a pickle, which is never read; save the model as safetensors"
        elif (folder / "adapter_config.json").is_file():
            reason = "it is an adapter; merge it into its model and save that"
        elif gguf := sorted(folder.glob("*.gguf")):
            reason = f"there is a GGUF file; name it: {gguf[0]}"
        raise ModelMissingError(f"no weights in {folder}: {reason}")
    entries = read_json(folder / INDEX).get("weight_map")
    named = list(entries.values()) if isinstance(entries, dict) else []
    names = sorted(set(named)) if all(_is_file_name(name) for name in named) else []
    if not 0 < len(names) <= _MOST_FILES:
        raise CrystalError(f"{folder / INDEX} is damaged: it does not name the files of the weights")
    return [folder / name for name in names]


def read_json(path: Path, missing: Callable[[], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The object in a JSON file; missing: what there is instead where the file is not.

    Raises ModelMissingError when it is missing and may not be, CrystalError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            found = file.read(_LARGEST_JSON + 1)
        if len(found) > _LARGEST_JSON:
            raise CrystalError(f"{path} is far too large for what it is")
        data = json.loads(found.decode("utf-8-sig"))
    except FileNotFoundError:
        if missing is not None:
            return missing()
        raise ModelMissingError(f"no model in {path.parent}: there is no {path.name}") from None
    except OSError as error:
        raise CrystalError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise CrystalError(f"{path} is damaged: it is no JSON") from None
    if not isinstance(data, dict):
        raise CrystalError(f"{path} is damaged: it holds no JSON object")
    return data


def _tensor(entry: Any, file: int, base: int, end: int) -> StoredTensor:
    kind, shape, (start, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if not all(type(each) is int and each >= 0 for each in (*shape, start, stop)) or not isinstance(kind, str):
        raise TypeError
    name, width = _KINDS.get(kind, (kind, _WIDTHS.get(kind, 1)))
    if not start <= stop <= end - base:
        raise ValueError("a tensor ends after the end of the file; it is cut short")
    if (kind in _KINDS or kind in _WIDTHS) and stop - start != prod(shape) * width:
        raise ValueError("a tensor has another size than its shape")
    return StoredTensor(name, shape, file, base + start, stop - start)


def _ours(name: str) -> str:
    """GGUF's name for a tensor; "" for one that is not needed, and its own for one that nobody knows."""
    if _LEFT_OUT.fullmatch(name):
        return ""
    if found := _LAYER.fullmatch(name):
        number, part, last = found.groups()
        return f"blk.{number}.{_PARTS[part]}.{last}" if part in _PARTS else name
    return _NAMES.get(name, name)


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name and "\\" not in name
