"""Converted copies of weights: listed, deleted with their model, and otherwise left alone."""

import pytest

from crystalcli.errors import CrystalError
from crystalcli.models import converted_folder, delete_converted, list_converted


@pytest.fixture
def copies(models):
    for name, size in (("big.q4", 3000), ("small", 10)):
        folder = converted_folder() / name
        folder.mkdir(parents=True)
        (folder / "00ff.safetensors").write_bytes(bytes(size))
        (folder / "00ff.json").write_text("{}")
    return converted_folder()


def test_nothing_was_converted(models):
    assert list_converted() == []
    assert delete_converted("big.q4") == 0


def test_what_there_is(copies, models):
    assert copies.is_relative_to(models)
    assert [(copy.name, copy.bytes, copy.path.is_file()) for copy in list_converted()] == [
        ("big.q4", 3000, True),
        ("small", 10, True),
    ]


def test_deleting_those_of_one_model(copies):
    assert delete_converted("big.q4") == 3000
    assert [path.name for path in copies.iterdir()] == ["small"]
    assert {path.suffix for path in (copies / "small").iterdir()} == {".safetensors", ".json"}


def test_what_cannot_be_deleted(copies):
    (copies / "small" / "00ff.json").unlink()
    (copies / "small" / "00ff.json").mkdir()
    with pytest.raises(CrystalError, match="cannot be used"):
        delete_converted("small")
