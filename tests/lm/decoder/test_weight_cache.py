"""Converted copies: the same tensors back, one a model, few in all, and never a damaged or a foreign one."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch

from crystalcli.lm.decoder import weight_cache
from crystalcli.lm.decoder.weight_cache import WeightCache
from crystalcli.lm.files.tensor_source import stat_stamp

TENSORS = {
    "codes": torch.arange(48, dtype=torch.int8).view(6, 8),
    "scales": torch.rand(6),
    "sums": torch.arange(6).int(),
}


class Source:
    """A file that stands for weights; counts how often it is read."""

    def __init__(self, path: Path, content: bytes = b"weights") -> None:
        if not path.exists():
            path.write_bytes(content)
        self.path, self.tensors, self.read = path, {}, 0

    def stamp(self) -> str:
        return stat_stamp([self.path])

    def digest(self) -> bytes:
        self.read += 1
        return hashlib.sha256(self.path.read_bytes()).digest()


def write(cache: WeightCache, tensors: dict[str, torch.Tensor] = TENSORS) -> bool:
    writer = cache.writer()
    for name in ("head", "blk.0.down"):
        mapped = writer.keep(name, tensors)
        assert all(torch.equal(mapped[form], tensors[form]) for form in tensors)
        assert all(mapped[form].dtype == tensors[form].dtype for form in tensors)
    return cache.finish(writer)


def copies(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.safetensors"))


def test_round_trip_without_reading_the_source(tmp_path):
    source = Source(tmp_path / "model")
    assert WeightCache(tmp_path / "new", "m", source, "int8").load() == {}
    assert write(WeightCache(tmp_path / "new", "m", source, "int8"))
    source.read = 0
    found = WeightCache(tmp_path / "new", "m", source, "int8").load()
    assert source.read == 0
    assert found.keys() == {f"{name}.{form}" for name in ("head", "blk.0.down") for form in TENSORS}
    assert all(torch.equal(tensor, TENSORS[name.rpartition(".")[2]]) for name, tensor in found.items())


def test_the_same_weights_elsewhere(tmp_path):
    write(WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8"))
    moved = Source(tmp_path / "other")
    assert WeightCache(tmp_path / "new", "m", moved, "int8").load()
    assert WeightCache(tmp_path / "new", "m", moved, "int8").load()
    assert moved.read == 1  # then its stamp is known


@pytest.mark.parametrize("change", ["weights", "form", "torch"])
def test_what_was_made_of_something_else_is_not_used(tmp_path, monkeypatch, change):
    source = Source(tmp_path / "model")
    write(WeightCache(tmp_path / "new", "m", source, "int8"))
    if change == "weights":
        source.path.write_bytes(b"others")
    if change == "torch":
        monkeypatch.setattr(torch, "__version__", "99.0")
    cache = WeightCache(tmp_path / "new", "m", source, "bf16" if change == "form" else "int8")
    assert cache.load() == {}
    assert write(cache)
    assert len(copies(tmp_path / "new")) == 1


def test_an_altered_copy_is_removed(tmp_path):
    cache = WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8")
    write(cache)
    (copy,) = copies(tmp_path / "new")
    content = bytearray(copy.read_bytes())
    content[-5] ^= 1
    copy.write_bytes(content)
    assert cache.load() == {}
    assert list(copy.parent.iterdir()) == []


def test_a_copy_that_was_only_touched_is_checked_once(tmp_path):
    cache = WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8")
    write(cache)
    (copy,) = copies(tmp_path / "new")
    os.utime(copy, ns=(1, 1))
    assert cache.load()
    record = json.loads(copy.with_suffix(".json").read_text())
    assert record["copy"] == stat_stamp([copy])


@pytest.mark.parametrize("size", [0, 5, 60, 300_000])
def test_a_short_copy_is_passed_over(tmp_path, size):
    cache = WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8")
    write(cache)
    (copy,) = copies(tmp_path / "new")
    copy.write_bytes(copy.read_bytes()[:size] if size < copy.stat().st_size else b"x" * size)
    assert cache.load() == {}


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"form": 3}'])
def test_a_damaged_record_is_passed_over(tmp_path, text):
    cache = WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8")
    write(cache)
    (record,) = (tmp_path / "new" / "m").glob("*.json")
    record.write_text(text)
    assert cache.load() == {}


def test_few_copies_in_all(tmp_path, monkeypatch):
    source = Source(tmp_path / "model")
    monkeypatch.setattr(weight_cache, "_MAX_COPIES", 2)
    for number, name in enumerate("abc"):
        write(WeightCache(tmp_path / "new", name, source, "int8"))
        (record,) = (tmp_path / "new" / name).glob("*.json")
        os.utime(record, ns=(number, number))
    assert [path.parent.name for path in copies(tmp_path / "new")] == ["b", "c"]
    assert WeightCache(tmp_path / "new", "b", source, "int8").load()  # used, so that "c" goes next
    monkeypatch.setattr(weight_cache, "_MAX_BYTES", 2 * copies(tmp_path / "new")[0].stat().st_size)
    write(WeightCache(tmp_path / "new", "d", source, "int8"))
    assert [path.parent.name for path in copies(tmp_path / "new")] == ["b", "d"]


def test_no_folder_to_write_to(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert not write(WeightCache(tmp_path / "file", "m", Source(tmp_path / "model"), "int8"))


def test_an_unfinished_copy_leaves_nothing(tmp_path):
    cache = WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8")
    writer = cache.writer()
    mapped = writer.keep("head", TENSORS)
    writer.discard()
    assert list((tmp_path / "new" / "m").iterdir()) == []
    assert torch.equal(mapped["codes"], TENSORS["codes"])
    assert not cache.finish(writer)


def test_what_a_killed_process_left_is_removed_in_time(tmp_path):
    home = tmp_path / "new" / "m"
    home.mkdir(parents=True)
    for name, age in (("old", 10**9), ("young", 0)):
        (home / f"{name}.part").write_bytes(bytes(9))
        if age:
            os.utime(home / f"{name}.part", ns=(age, age))
    write(WeightCache(tmp_path / "new", "m", Source(tmp_path / "model"), "int8"))
    assert [path.name for path in home.glob("*.part")] == ["young.part"]
