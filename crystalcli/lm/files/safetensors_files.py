"""Reads safetensors files through memory maps: one file, or several with an index.

Knows: the container; the names of tensors in Hugging Face's decoders, which it turns into GGUF's
(tensor_source.py); JSON files of such a folder. Does not know: what a tensor is for. Torch and the
safetensors library are not needed to look.

The files come from outside: every length is compared with the file's size before it is used. Source
of the layout: the safetensors README.
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
from crystalcli.lm.files.gguf import drop_pages, printable
from crystalcli.lm.files.tensor_source import stat_stamp

WEIGHTS_FILE, INDEX_FILE = "model.safetensors", "model.safetensors.index.json"
_MAX_HEADER = 64 << 20  # bytes
_MAX_JSON = 256 << 20  # bytes; vocabularies take up to 35 MB
_MAX_FILES = 1024
_ALIGNMENT = 4  # bytes of the widest number that can be run
# Formats that can be run, and bytes of a number.
_KINDS = {"F32": ("F32", 4), "F16": ("F16", 2), "BF16": ("BF16", 2)}
_WIDTHS = {"F64": 8, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2}
_NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
_LAYER_NAMES = {
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
_IN_LAYER = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")
_UNUSED = re.compile(r".*\.rotary_emb\.inv_freq")  # follows from the configuration


@dataclass(frozen=True, slots=True)
class SafetensorsTensorInfo:
    """A tensor's format, shape and place.

    Attributes:
        kind: As in TensorInfo.
        shape: As in TensorInfo.
        file: Index of the file that holds it.
        start: Its first byte in the file.
        size: Bytes.
    """

    kind: str
    shape: tuple[int, ...]
    file: int
    start: int
    size: int


class SafetensorsFolder:
    """A TensorSource over the safetensors files of a folder.

    Args:
        folder: The folder.
        tied: Whether the output is the embedding; an output of its own is then ignored.

    Raises:
        ModelMissingError: There are no weights.
        CrystalError: They are damaged.
    """

    def __init__(self, folder: Path, tied: bool) -> None:
        self.path = folder
        self.tensors: dict[str, SafetensorsTensorInfo] = {}
        self._maps: list[mmap.mmap] = []
        self._stamps: list[str] = []
        try:
            for number, path in enumerate(weight_files(folder)):
                for name, info in self._read(path, number).items():
                    gguf_name = _gguf_name(name)
                    if gguf_name in self.tensors:
                        raise CrystalError(f"{folder}: the tensor {printable(name)} appears twice")
                    if gguf_name and not (tied and gguf_name == "output.weight"):
                        self.tensors[gguf_name] = info
            if not tied and "output.weight" not in self.tensors:
                raise CrystalError(f"{folder}: the tensor lm_head.weight is missing")
        except BaseException:
            self.close()
            raise

    def data(self, name: str) -> memoryview:
        """View the bytes of a tensor, straight from the map, read-only."""
        info = self.tensors[name]
        data = memoryview(self._maps[info.file])[info.start : info.start + info.size]
        # The format does not align numbers as the CPU needs them.
        return data if info.start % _ALIGNMENT == 0 else memoryview(bytes(data))

    def digest(self) -> bytes:
        """SHA-256 over all the files, 32 bytes."""
        digest = hashlib.sha256()
        for file_map in self._maps:
            digest.update(file_map)
        return digest.digest()

    def release(self, name: str) -> None:
        """Let the system drop the pages of a tensor. Views of it stay valid."""
        info = self.tensors[name]
        if self._maps:
            drop_pages(self._maps[info.file], info.start, info.start + info.size)

    def stamp(self) -> str:
        """Stamp of the files, without reading them."""
        return " ".join(self._stamps)

    def close(self) -> None:
        """Close the files. Views that `data` gave stay valid."""
        for file_map in self._maps:
            with suppress(BufferError):  # a view is still in use, and the map ends with it
                file_map.close()
        self._maps.clear()

    def _read(self, path: Path, number: int) -> dict[str, SafetensorsTensorInfo]:
        """Read the header of a file."""
        try:
            with path.open("rb") as stream:
                size = stream.seek(0, 2)
                self._stamps.append(stat_stamp([stream.fileno()]))
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else None
        except FileNotFoundError:
            raise ModelMissingError(f"the weights in {path.parent} are incomplete: {path.name} is missing") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CrystalError(f"cannot open {path}: {reason}") from None
        if data is None:
            raise CrystalError(f"{path} is empty")
        self._maps.append(data)
        length = int.from_bytes(data[:8], "little")
        if size < 8 or not 2 <= length <= min(_MAX_HEADER, size - 8):
            raise CrystalError(f"{path} is not a sound safetensors file: it does not begin with a header")
        try:
            header = json.loads(data[8 : 8 + length].decode("utf-8"))
            if not isinstance(header, dict):
                raise ValueError("its header is not an object")
            header.pop("__metadata__", None)
            return {name: _tensor_info(entry, number, 8 + length, size) for name, entry in header.items()}
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            reason = str(error) if type(error) is ValueError else "its header is damaged"
            raise CrystalError(f"{path} is not a sound safetensors file: {reason}") from None


def weight_files(folder: Path) -> list[Path]:
    """List the safetensors files of a model, in order.

    Raises:
        ModelMissingError: There are none; the message says what there is instead.
        CrystalError: Their index is damaged.
    """
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    if not (folder / INDEX_FILE).is_file():
        reason = "there is no model.safetensors"
        if any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pth")):
            reason = "what is there is a pickle, which is never read; save the model as safetensors"
        elif (folder / "adapter_config.json").is_file():
            reason = "it is an adapter; merge it into its model and save that"
        elif gguf_files := sorted(folder.glob("*.gguf")):
            reason = f"there is a GGUF file; name it: {gguf_files[0]}"
        raise ModelMissingError(f"no weights in {folder}: {reason}")
    entries = read_json(folder / INDEX_FILE).get("weight_map")
    files = list(entries.values()) if isinstance(entries, dict) else []
    names = sorted(set(files)) if all(_is_file_name(name) for name in files) else []
    if not 0 < len(names) <= _MAX_FILES:
        raise CrystalError(f"{folder / INDEX_FILE} is damaged: it does not name the files of the weights")
    return [folder / name for name in names]


def read_json(path: Path, missing: Callable[[], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Read the object in a JSON file.

    Args:
        path: The file.
        missing: Makes the object to take where the file does not exist; None where it must exist.

    Raises:
        ModelMissingError: The file does not exist and must.
        CrystalError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_JSON + 1)
        if len(content) > _MAX_JSON:
            raise CrystalError(f"{path} is too large: expected at most {_MAX_JSON >> 20} MB")
        data = json.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        if missing is not None:
            return missing()
        raise ModelMissingError(f"no model in {path.parent}: there is no {path.name}") from None
    except OSError as error:
        raise CrystalError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise CrystalError(f"{path} is damaged: expected JSON") from None
    if not isinstance(data, dict):
        raise CrystalError(f"{path} is damaged: expected a JSON object")
    return data


def _tensor_info(entry: Any, file: int, base: int, end: int) -> SafetensorsTensorInfo:
    kind, shape, (start, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, stop)) or not isinstance(kind, str):
        raise TypeError
    name, width = _KINDS.get(kind, (kind, _WIDTHS.get(kind, 1)))
    if not start <= stop <= end - base:
        raise ValueError("a tensor ends after the end of the file; it is cut short")
    if (kind in _KINDS or kind in _WIDTHS) and stop - start != prod(shape) * width:
        raise ValueError("a tensor has another size than its shape")
    return SafetensorsTensorInfo(name, shape, file, base + start, stop - start)


def _gguf_name(name: str) -> str:
    """Translate a tensor's name to GGUF's.

    "" for one that is not needed, the same name for an unknown one.
    """
    if _UNUSED.fullmatch(name):
        return ""
    if match := _IN_LAYER.fullmatch(name):
        number, part, last = match.groups()
        return f"blk.{number}.{_LAYER_NAMES[part]}.{last}" if part in _LAYER_NAMES else name
    return _NAMES.get(name, name)


def _is_file_name(name: object) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name and "\\" not in name
