"""Reads GGUF files, versions 2 and 3: metadata, and the place of each tensor.

One memory map; nothing is copied but names.

Knows: the container and the sizes of ggml's block formats.
Does not know: what the metadata means, how a block becomes numbers (ggml_quants.py), any model.

The file comes from outside: every length is compared with the rest of the file before memory is
allocated for it, and every inconsistency ends in one CrystalError. Source of the layout: ggml's
docs/gguf.md.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.lm.files.tensor_source import stat_stamp

# Several times what any real file needs; a file beyond them is damaged or hostile.
_MAX_KEYS = 65_536
_MAX_TENSORS = 65_536
_MAX_NAME = 65_535  # bytes; the format's own limit for keys
_MAX_TEXT = 16 * 1024 * 1024  # bytes of one string value
_MAX_ITEMS = 8_000_000  # of one array
_MAX_DIMENSIONS = 4
_MAX_EXTENT = 2**31  # of one dimension
_DIGESTED = 1 << 26  # bytes digested before their pages are given back

Value: TypeAlias = "int | float | bool | str | array[int] | array[float] | list[bytes]"
"""A metadata value; arrays of numbers as `array.array`, arrays of strings as undecoded bytes."""

_NUMBERS = {  # type number -> struct code (also array.array's)
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    10: "Q",
    11: "q",
    12: "d",
}
_BOOL, _STRING, _ARRAY = 7, 8, 9

# ggml type number -> name, elements a block, bytes a block.
TENSOR_KINDS: dict[int, tuple[str, int, int]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    30: ("BF16", 1, 2),
}
_OTHER_KINDS = {  # formats of ggml that are not read here, for messages
    9: "Q8_1",
    15: "Q8_K",
    16: "IQ2_XXS",
    17: "IQ2_XS",
    18: "IQ3_XXS",
    19: "IQ1_S",
    20: "IQ4_NL",
    21: "IQ3_S",
    22: "IQ2_S",
    23: "IQ4_XS",
    24: "I8",
    25: "I16",
    26: "I32",
    27: "I64",
    28: "F64",
    29: "IQ1_M",
    34: "TQ1_0",
    35: "TQ2_0",
    39: "MXFP4",
}


@dataclass(frozen=True, slots=True)
class GGUFTensorInfo:
    """A tensor's format, shape and place.

    Attributes:
        name: Its name.
        kind: Its format, by ggml's name.
        shape: Rows first, as torch has it.
        start: Its first byte in the file.
        size: Bytes.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    start: int
    size: int


class GGUF:
    """An open GGUF file; a TensorSource.

    Attributes:
        path: The file.
        size: Its bytes.
        version: Of the format, 2 or 3.
        metadata: Values by key.
        tensors: Format, shape and place of each tensor, by name.

    Raises:
        ModelMissingError: The file does not exist.
        CrystalError: It is not a complete, sound GGUF file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as stream:
                self.size = stream.seek(0, 2)
                self._stamp = stat_stamp([stream.fileno()])
                # An empty file cannot be mapped.
                self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if self.size else None
        except FileNotFoundError:
            raise ModelMissingError(f"no language model at {path}: run `crystal models pull`") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CrystalError(f"cannot open the language model {path}: {reason}") from None
        try:
            self._read()
        except _Unsound as unsound:
            self.close()
            raise CrystalError(f"{path} is not a usable GGUF model: {unsound}") from None
        except BaseException:
            self.close()
            raise

    def _read(self) -> None:
        cursor = _Cursor(self._map if self._map is not None else b"", self.size)
        if cursor.take(4, "signature") != b"GGUF":
            raise _Unsound("it does not begin with `GGUF`")
        self.version = cursor.number("I", "version")
        if self.version not in (2, 3):
            if int.from_bytes(self.version.to_bytes(4, "little"), "big") in (2, 3):
                raise _Unsound("it is written in big-endian byte order")
            raise _Unsound(f"its version is {self.version}; versions 2 and 3 can be read")
        tensors = cursor.count("Q", _MAX_TENSORS, 24, "number of tensors")
        keys = cursor.count("Q", _MAX_KEYS, 13, "number of metadata keys")
        metadata: dict[str, Value] = {}
        for _ in range(keys):
            key = cursor.text(_MAX_NAME, "metadata key")
            if key in metadata:
                raise _Unsound(f"metadata key {printable(key)} appears twice")
            metadata[key] = cursor.value(key)
        self.metadata: Mapping[str, Value] = metadata
        self.tensors: Mapping[str, GGUFTensorInfo] = self._tensors(cursor, tensors)

    def _tensors(self, cursor: _Cursor, count: int) -> dict[str, GGUFTensorInfo]:
        headers: list[tuple[str, str, tuple[int, ...], int, int]] = []
        for _ in range(count):
            name = cursor.text(_MAX_NAME, "tensor name")
            dimensions = cursor.number("I", f"tensor {printable(name)}")
            if not 1 <= dimensions <= _MAX_DIMENSIONS:
                raise _Unsound(f"tensor {printable(name)} has {dimensions} dimensions")
            shape = tuple(cursor.number("Q", f"tensor {printable(name)}") for _ in range(dimensions))
            number = cursor.number("I", f"tensor {printable(name)}")
            offset = cursor.number("Q", f"tensor {printable(name)}")
            if number in _OTHER_KINDS:
                known = ", ".join(kind for kind, _, _ in TENSOR_KINDS.values())
                raise _Unsound(
                    f"tensor {printable(name)} is in {_OTHER_KINDS[number]}; formats that can be read: {known}"
                )
            if number not in TENSOR_KINDS:
                raise _Unsound(f"tensor {printable(name)} has the unknown type {number}")
            kind, block, width = TENSOR_KINDS[number]
            elements = 1
            for extent in shape:
                if not 0 < extent <= _MAX_EXTENT:
                    raise _Unsound(f"tensor {printable(name)} has a dimension of {extent}")
                elements *= extent
            if shape[0] % block:
                raise _Unsound(f"tensor {printable(name)}: rows of {shape[0]} do not fill {kind} blocks of {block}")
            headers.append((name, kind, shape[::-1], offset, elements // block * width))
        alignment = self.metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or not 8 <= alignment <= 65_536 or alignment & (alignment - 1):
            raise _Unsound(f"alignment {printable(str(alignment))} is not a power of two")
        base = -(-cursor.position // alignment) * alignment
        tensors: dict[str, GGUFTensorInfo] = {}
        for name, kind, shape, offset, size in headers:
            if offset % alignment:
                raise _Unsound(f"tensor {printable(name)} is not aligned to a multiple of {alignment} bytes")
            if base + offset + size > self.size:
                missing = base + offset + size - self.size
                raise _Unsound(
                    f"tensor {printable(name)} ends {missing:,} bytes after the end of the file; it is cut short"
                )
            if name in tensors:
                raise _Unsound(f"tensor {printable(name)} appears twice")
            tensors[name] = GGUFTensorInfo(name, kind, shape, base + offset, size)
        return tensors

    def data(self, name: str) -> memoryview:
        """View the bytes of a tensor, uint8 [size], straight from the map, read-only."""
        if self._map is None:
            raise CrystalError(f"{self.path} is closed")
        info = self.tensors[name]
        return memoryview(self._map)[info.start : info.start + info.size]

    def digest(self) -> bytes:
        """SHA-256 over the whole file, 32 bytes."""
        if self._map is None:
            raise CrystalError(f"{self.path} is closed")
        digest = hashlib.sha256()
        for start in range(0, self.size, _DIGESTED):
            end = min(start + _DIGESTED, self.size)
            with memoryview(self._map) as content:
                digest.update(content[start:end])
            drop_pages(self._map, start, end)
        return digest.digest()

    def release(self, name: str) -> None:
        """Let the system drop the pages of a tensor. Views of it stay valid."""
        if self._map is not None:
            info = self.tensors[name]
            drop_pages(self._map, info.start, info.start + info.size)

    def stamp(self) -> str:
        """Stamp of the file, without reading it."""
        return self._stamp

    def close(self) -> None:
        """Close the file.

        Views that `data` gave stay valid: the map then ends with the last of them.
        """
        if self._map is not None:
            with contextlib.suppress(BufferError):  # a view is still in use
                self._map.close()
            self._map = None

    def __enter__(self) -> GGUF:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def drop_pages(file_map: mmap.mmap, start: int, end: int) -> None:
    """Let the system drop the pages of a read-only map that lie between two bytes."""
    if hasattr(mmap, "MADV_DONTNEED"):
        first = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        length = end // mmap.PAGESIZE * mmap.PAGESIZE - first
        if length > 0:
            file_map.madvise(mmap.MADV_DONTNEED, first, length)


def printable(text: str) -> str:
    """Quote a string from outside for a message.

    The result is short, and holds nothing that a terminal would obey.
    """
    return ascii(text if len(text) <= 60 else text[:57] + "...")


class _Unsound(Exception):
    """The reason why the file cannot be used; becomes a CrystalError with the path."""


class _Cursor:
    """A position in the header; every read is checked against the file's end first."""

    def __init__(self, data: mmap.mmap | bytes, size: int) -> None:
        self.data = data
        self.size = size
        self.position = 0

    def take(self, length: int, what: str) -> bytes:
        end = self.position + length
        if end > self.size:
            raise _Unsound(f"it ends in the middle of the {what}")
        content = self.data[self.position : end]
        self.position = end
        return content

    def number(self, code: str, what: str) -> int:
        form = "<" + code
        number: int = struct.unpack(form, self.take(struct.calcsize(form), what))[0]
        return number

    def count(self, code: str, most: int, least_bytes: int, what: str) -> int:
        """Read a number of items that follow, each of at least `least_bytes`."""
        count = self.number(code, what)
        if count > most or count * least_bytes > self.size - self.position:
            raise _Unsound(f"its {what} cannot be {count:,}")
        return count

    def text(self, most: int, what: str) -> str:
        length = self.count("Q", most, 1, f"length of a {what}")
        try:
            return self.take(length, what).decode("utf-8")
        except UnicodeDecodeError:
            raise _Unsound(f"a {what} is not UTF-8") from None

    def value(self, key: str) -> Value:
        kind = self.number("I", f"type of {printable(key)}")
        if kind == _STRING:
            return self.text(_MAX_TEXT, f"value of {printable(key)}")
        if kind == _BOOL:
            return bool(self.take(1, f"value of {printable(key)}")[0])
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind], f"value of {printable(key)}")
        if kind == _ARRAY:
            return self.array(key)
        raise _Unsound(f"metadata {printable(key)} has the unknown type {kind}")

    def array(self, key: str) -> Value:
        kind = self.number("I", f"type of {printable(key)}")
        if kind == _STRING:
            return self.strings(key, self.count("Q", _MAX_ITEMS, 8, f"number of items in {printable(key)}"))
        code = "B" if kind == _BOOL else _NUMBERS.get(kind)
        if code is None:
            raise _Unsound(f"metadata {printable(key)} is an array of the unsupported type {kind}")
        width = struct.calcsize("<" + code)
        count = self.count("Q", _MAX_ITEMS, width, f"number of items in {printable(key)}")
        numbers: array[int] = array(code)
        if numbers.itemsize != width:  # a platform whose C types differ
            return array("q", struct.unpack(f"<{count}{code}", self.take(count * width, printable(key))))
        numbers.frombytes(self.take(count * width, printable(key)))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def strings(self, key: str, count: int) -> list[bytes]:
        """Read `count` strings, each behind its length (uint64).

        The vocabulary is long: a plain loop, as short as it can be.
        """
        data, place, size = self.data, self.position, self.size
        length_at = struct.Struct("<Q").unpack_from
        strings: list[bytes] = []
        for _ in range(count):
            start = place + 8
            if start > size:
                raise _Unsound(f"it ends in the middle of {printable(key)}")
            place = start + length_at(data, place)[0]
            if place > size:
                raise _Unsound(f"it ends in the middle of {printable(key)}")
            strings.append(data[start:place])
        self.position = place
        return strings
