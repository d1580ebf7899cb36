"""A cache of converted weights, so that the next start need not convert them again.

Knows: one safetensors file for one source, one form and one machine; when it is obsolete, altered,
or one too many.
Does not know: what is in it. Imports torch, so it is imported only when weights are loaded.

    FOLDER/MODEL/DIGEST.safetensors   the converted weights, mapped while they are used
    FOLDER/MODEL/DIGEST.json          written last: of what they were made, their SHA-256, their
                                      size and time of change; its own time is that of the last use

A copy is taken at once where the files are those that were there when it was made, by size, inode
and time of change, as git's index tells it; else its digest and that of the source are computed.
The cache is a convenience: a copy that cannot be read or written is ignored, and the weights come
from their source.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from crystalcli.lm.decoder.tensor_loader import silence_read_only_warning
from crystalcli.lm.files.tensor_source import TensorSource, stat_stamp

_LAYOUT = 2  # counts up when names, shapes or meaning of the tensors change
_SUFFIX = ".safetensors"
_HEADER = 1 << 18  # bytes kept for the header, whose length is known last
_DTYPES = {
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int32: "I32",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
}
_MAX_COPIES = 4
_MAX_BYTES = 12 << 30
_ABANDONED = 3600  # seconds without a write, after which a half-written copy is a killed process's


class WeightCache:
    """The converted copies of one model.

    Args:
        folder: Folder of all models' copies.
        model: Name of the model, a folder in it.
        source: The weights that are converted.
        form: The precision and kernels that the copy is for.
    """

    def __init__(self, folder: Path, model: str, source: TensorSource, form: str) -> None:
        self._folder = folder
        self._home = folder / model
        self._source = source
        # What decides how torch packs.
        self._form = f"{_LAYOUT} {form} {torch.__version__} {torch.backends.cpu.get_cpu_capability()}"

    def load(self) -> dict[str, Tensor]:
        """Load the tensors of the copy; {} where there is no sound one.

        They are mapped from the file and must not be changed.
        """
        for record in sorted(self._home.glob("*.json")):
            entry = _read_record(record)
            if entry.get("form") == self._form and entry.get("source") == self._source.stamp():
                return self._take(record, entry)
        if not any(self._home.glob("*.json")):
            return {}
        record = self._record(self._digest())
        if not record.is_file():
            return {}
        entry = _read_record(record) | {"source": self._source.stamp()}  # the same file, elsewhere
        tensors = self._take(record, entry)
        if tensors:
            with contextlib.suppress(OSError):
                _write_record(record, entry)
        return tensors

    def writer(self) -> WeightWriter:
        """Begin a copy."""
        return WeightWriter(self._home)

    def finish(self, writer: WeightWriter) -> bool:
        """Complete a copy, and remove this model's others and those that were not used for longest.

        Returns:
            Whether there is a copy now.
        """
        if writer.is_empty:
            return False
        record = self._record(self._digest())
        target = record.with_suffix(_SUFFIX)
        digest = writer.finish(target)
        if not digest:
            return False
        entry = {"form": self._form, "source": self._source.stamp(), "copy": stat_stamp([target]), "sha256": digest}
        try:
            _write_record(record, entry)
        except OSError:
            _remove(target)
            return False
        for other in self._home.glob("*" + _SUFFIX):
            if other != target:
                _remove(other)
        _limit(self._folder)
        return True

    def _digest(self) -> bytes:
        return hashlib.sha256(self._source.digest() + self._form.encode()).digest()

    def _record(self, digest: bytes) -> Path:
        return self._home / f"{digest.hex()[:32]}.json"

    def _take(self, record: Path, entry: dict[str, object]) -> dict[str, Tensor]:
        """Map the copy of a record, once its bytes are known to be those that were written."""
        path = record.with_suffix(_SUFFIX)
        try:
            stamp = stat_stamp([path])
            if entry.get("copy") != stamp:
                if _digest_of(path) != entry.get("sha256"):
                    raise ValueError
                _write_record(record, entry | {"copy": stamp})
            tensors = _map(path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError):
            _remove(path)
            return {}
        with contextlib.suppress(OSError):
            os.utime(record)
        return tensors


class WeightWriter:
    """A copy while it is written, a few tensors at a time.

    Args:
        home: The folder it will lie in, made with the first tensor.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._header: dict[str, object] = {}
        self._size = 0  # bytes of tensors
        self._digest = hashlib.sha256()
        self._path: Path | None = None
        self._descriptor = -1
        self._failed = False

    @property
    def is_empty(self) -> bool:
        """True while there is nothing to complete."""
        return self._path is None

    def keep(self, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Append tensors to the copy.

        Args:
            name: Before their own names, with a dot.
            tensors: Names and tensors.

        Returns:
            The same tensors, mapped from the file: the given ones need no longer be held. As they
            were where the copy cannot be written.
        """
        if self._failed:
            return dict(tensors)
        start = self._size
        try:
            if self._path is None:
                self._home.mkdir(parents=True, exist_ok=True)
                self._descriptor, path = tempfile.mkstemp(dir=self._home, suffix=".part")
                self._path = Path(path)
            for form, tensor in tensors.items():
                self._append(f"{name}.{form}", tensor)
            return self._mapped(start, tensors)
        except (OSError, ValueError):  # a full disk, or a folder that may not be written to
            self._failed = True
            self.discard()
            return dict(tensors)

    def finish(self, target: Path) -> str:
        """Give the copy its header and its name.

        Returns:
            SHA-256 of the tensors and then of the header, "" where there is no copy.
        """
        header = json.dumps(self._header, separators=(",", ":")).encode()
        if self._path is None or len(header) > _HEADER - 8:
            self.discard()
            return ""
        head = (_HEADER - 8).to_bytes(8, "little") + header.ljust(_HEADER - 8)
        try:
            os.pwrite(self._descriptor, head, 0)
            os.fsync(self._descriptor)
            self._path.replace(target)
        except OSError:
            self.discard()
            return ""
        self._path = None
        self.discard()
        self._digest.update(head)
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Remove what was written, unless it is finished. Tensors that were mapped stay valid."""
        if self._path is not None:
            _remove(self._path)
            self._path = None
        if self._descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    def _append(self, label: str, tensor: Tensor) -> None:
        content = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().data
        place = _HEADER + self._size
        written = 0
        while written < len(content):
            written += os.pwrite(self._descriptor, content[written:], place + written)
        self._digest.update(content)
        self._header[label] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [self._size, self._size + len(content)],
        }
        self._size += len(content)

    def _mapped(self, start: int, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        place = _HEADER + start
        base = place // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
        length = _HEADER + self._size - base
        data = mmap.mmap(self._descriptor, length, access=mmap.ACCESS_READ, offset=base)
        place -= base
        mapped = {}
        silence_read_only_warning()
        for form, tensor in tensors.items():
            flat = torch.frombuffer(data, dtype=torch.uint8, count=tensor.nbytes, offset=place)
            mapped[form] = flat.view(tensor.dtype).view(tensor.shape)
            place += tensor.nbytes
        return mapped


def _digest_of(path: Path) -> str:
    """Digest a copy as its writer does."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        head = file.read(_HEADER)
        while block := file.read(1 << 22):
            digest.update(block)
    digest.update(head)
    return digest.hexdigest()


def _map(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError from error


def _read_record(path: Path) -> dict[str, object]:
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _write_record(path: Path, entry: Mapping[str, object]) -> None:
    """Write a record, whole or not at all. Raises OSError."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(entry), encoding="utf-8")
    fresh.replace(path)


def _limit(folder: Path) -> None:
    """Remove the copies that were not used for longest, of all models, beyond what is allowed.

    Those that a killed process left half-written go as well.
    """
    copies = []
    for path in folder.glob("*/*" + _SUFFIX):
        with contextlib.suppress(OSError):
            copies.append((path.with_suffix(".json").stat().st_mtime_ns, path.stat().st_size, path))
    for path in folder.glob("*/*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED:
                path.unlink()
    total = 0
    for number, (_, size, path) in enumerate(sorted(copies, reverse=True)):
        total += size
        if number and (number >= _MAX_COPIES or total > _MAX_BYTES):
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a copy and its record."""
    for file in (path.with_suffix(".json"), path):
        with contextlib.suppress(OSError):
            file.unlink()
