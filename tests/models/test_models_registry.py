"""Names of the user's own models: what is remembered, what is refused, what a damaged list says."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from crystalcli.errors import CrystalError, UsageError
from crystalcli.models import registry
from crystalcli.models.registry import Registered


def made(folder: Path, name: str = "own") -> Registered:
    file = folder / f"{name}.gguf"
    file.write_bytes(b"GGUF" + name.encode())
    return Registered(name, "gguf", str(file), *registry.measured(file))


def test_remembered_and_forgotten(models, tmp_path):
    assert registry.read() == registry.Registry({})
    assert not models.exists()  # looking makes nothing
    assert registry.remove("own") is None
    assert not models.exists()
    own = made(tmp_path)
    server = Registered("qwen3:4b", "server", "http://127.0.0.1:1/v1#qwen3:4b")
    registry.add(own)
    registry.add(server)
    assert registry.read().models == {"own": own, "qwen3:4b": server}
    assert (own.state, server.state) == ("here", "server")
    registry.add(own)  # the same again
    assert registry.remove("own") == own
    assert Path(own.target).exists()
    assert list(registry.read().models) == ["qwen3:4b"]
    assert [path.name for path in models.iterdir() if path.suffix == ".new"] == []


def test_what_has_become_of_it(models, tmp_path):
    own = made(tmp_path)
    registry.add(own)
    Path(own.target).write_bytes(b"GGUF, another")
    assert registry.read().models["own"].state == "changed"
    registry.add(made(tmp_path))
    assert registry.read().models["own"].state == "here"
    Path(own.target).unlink()
    assert registry.read().models["own"].state == "missing"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=re.escape(str(folder))):
        registry.measured(folder)
    (folder / "config.json").write_text("{}")
    (folder / ".hidden").write_text("not counted")
    assert registry.measured(folder)[0] == 2


def test_the_default(models, tmp_path):
    registry.add(made(tmp_path))
    registry.choose("own")
    assert registry.read().default == "own"
    registry.choose("SmolLM2-135M-Instruct")
    registry.choose("own")
    registry.remove("own")
    assert registry.read().default == ""
    with pytest.raises(UsageError, match="no language model is called 'own': there are SmolLM2-135M-Instruct;"):
        registry.choose("own")
    with pytest.raises(UsageError, match="all-MiniLM-L6-v2 is an encoder, not a language model"):
        registry.choose("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["", "a b", "-x", ".x", "a/b", "..", "ä", "x" * 101, "a\nb"])
def test_names_that_are_none(models, tmp_path, name):
    with pytest.raises(UsageError, match=r"is no name for a model"):
        registry.add(Registered(name, "gguf", str(tmp_path)))
    assert registry.read().models == {}


def test_names_that_are_taken(models, tmp_path):
    registry.add(made(tmp_path))
    with pytest.raises(UsageError, match=r"own is .*own\.gguf already: give another name"):
        registry.add(Registered("own", "gguf", str(tmp_path / "other.gguf")))
    with pytest.raises(UsageError, match="is one of crystal's own models"):
        registry.add(Registered("SmolLM2-135M-Instruct", "gguf", str(tmp_path)))


@pytest.mark.parametrize(
    ("told", "name"),
    [("qwen3:4b", "qwen3:4b"), ("hf.co/a/b", "b"), ("My Model", "My-Model"), ("C:\\x\\y.gguf", "y.gguf")],
)
def test_names_for_what_is_called_something_elsewhere(told, name):
    assert registry.suggested(told) == name


ROW = {"kind": "gguf", "target": "/x", "size": 1, "mtime_ns": 1}
DAMAGED = {
    "no JSON": "{",
    "no object": "[]",
    "another layout": json.dumps({"layout": 2, "default": "", "models": {}}),
    "no models": json.dumps({"layout": 1, "default": "", "models": []}),
    "no default": json.dumps({"layout": 1, "default": None, "models": {}}),
    "no name": json.dumps({"layout": 1, "default": "", "models": {"../x": ROW}}),
    "no kind": json.dumps({"layout": 1, "default": "", "models": {"x": ROW | {"kind": "pickle"}}}),
    "no target": json.dumps({"layout": 1, "default": "", "models": {"x": ROW | {"target": ""}}}),
    "no path": json.dumps({"layout": 1, "default": "", "models": {"x": ROW | {"target": "/a\0b"}}}),
    "no size": json.dumps({"layout": 1, "default": "", "models": {"x": ROW | {"size": "1"}}}),
    "nested without end": "[" * 100_000,
    "far too long": " " * (2 << 20),
    "no UTF-8": b"\xff\xfe",
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_list_is_said_and_left_alone(models, tmp_path, case):
    models.mkdir()
    data = DAMAGED[case] if isinstance(DAMAGED[case], bytes) else DAMAGED[case].encode()
    registry.path().write_bytes(data)
    for act in (registry.read, lambda: registry.add(made(tmp_path)), lambda: registry.remove("own")):
        with pytest.raises(
            CrystalError, match=r"the list of models is damaged: mend .*registry\.json, or delete it"
        ) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert registry.path().read_bytes() == data


def test_a_list_that_cannot_be_read_or_written(models, tmp_path):
    models.mkdir()
    registry.path().mkdir()
    with pytest.raises(CrystalError, match="the list of models cannot be read"):
        registry.read()
    registry.path().rmdir()
    models.rmdir()
    models.write_text("a file in the way")
    with pytest.raises(CrystalError, match=r"cannot be read|the models folder cannot be used"):
        registry.add(made(tmp_path))


def test_several_at_once_lose_nothing(models, tmp_path):
    own = [made(tmp_path, f"m{number}") for number in range(12)]
    workers = [threading.Thread(target=registry.add, args=(each,)) for each in own]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(registry.read().models) == {each.name for each in own}
