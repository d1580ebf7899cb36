"""Names of the user's own models: what is remembered, what is refused, what a damaged list says."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest

from crystalcli.errors import CrystalError, UsageError
from crystalcli.models import (
    RegisteredModel,
    Registry,
    file_stamp,
    read_registry,
    register_model,
    registry_path,
    remember_offer,
    set_default_model,
    suggest_name,
    unregister_model,
)


def made(folder: Path, name: str = "own") -> RegisteredModel:
    file = folder / f"{name}.gguf"
    file.write_bytes(b"GGUF" + name.encode())
    return RegisteredModel(name, "gguf", str(file), *file_stamp(file))


def test_remembered_and_forgotten(models, tmp_path):
    assert read_registry() == Registry({})
    assert not models.exists()  # looking makes nothing
    assert unregister_model("own") is None
    assert not models.exists()
    own = made(tmp_path)
    server = RegisteredModel("qwen3:4b", "server", "http://127.0.0.1:1/v1#qwen3:4b")
    register_model(own)
    register_model(server)
    assert read_registry().models == {"own": own, "qwen3:4b": server}
    assert (own.state, server.state) == ("here", "server")
    register_model(own)  # the same again
    assert unregister_model("own") == own
    assert Path(own.target).exists()
    assert list(read_registry().models) == ["qwen3:4b"]
    assert [path.name for path in models.iterdir() if path.suffix == ".new"] == []


def test_what_has_become_of_it(models, tmp_path):
    own = made(tmp_path)
    register_model(own)
    Path(own.target).write_bytes(b"GGUF, another")
    assert read_registry().models["own"].state == "changed"
    register_model(made(tmp_path))
    assert read_registry().models["own"].state == "here"
    Path(own.target).unlink()
    assert read_registry().models["own"].state == "missing"
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=re.escape(str(folder))):
        file_stamp(folder)
    (folder / "config.json").write_text("{}")
    (folder / ".hidden").write_text("not counted")
    assert file_stamp(folder)[0] == 2


def test_the_default(models, tmp_path):
    register_model(made(tmp_path))
    set_default_model("own")
    assert read_registry().default == "own"
    set_default_model("SmolLM2-135M-Instruct")
    set_default_model("own")
    unregister_model("own")
    assert read_registry().default == ""
    with pytest.raises(
        UsageError, match=r"unknown language model 'own': expected one of SmolLM2-135M-Instruct, Qwen2\.5-"
    ):
        set_default_model("own")
    with pytest.raises(UsageError, match="all-MiniLM-L6-v2 is an encoder, not a language model"):
        set_default_model("all-MiniLM-L6-v2")


@pytest.mark.parametrize("name", ["", "a b", "-x", ".x", "a/b", "..", "ä", "x" * 101, "a\nb"])
def test_names_that_are_none(models, tmp_path, name):
    with pytest.raises(UsageError, match=r"^invalid name "):
        register_model(RegisteredModel(name, "gguf", str(tmp_path)))
    assert read_registry().models == {}


def test_names_that_are_taken(models, tmp_path):
    register_model(made(tmp_path))
    with pytest.raises(UsageError, match=r"the name own belongs to .*own\.gguf: set another with --name"):
        register_model(RegisteredModel("own", "gguf", str(tmp_path / "other.gguf")))
    with pytest.raises(UsageError, match="belongs to one of crystal's own models"):
        register_model(RegisteredModel("SmolLM2-135M-Instruct", "gguf", str(tmp_path)))


@pytest.mark.parametrize(
    ("told", "name"),
    [("qwen3:4b", "qwen3:4b"), ("hf.co/a/b", "b"), ("My Model", "My-Model"), ("C:\\x\\y.gguf", "y.gguf")],
)
def test_names_for_what_is_called_something_elsewhere(told, name):
    assert suggest_name(told) == name


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
    registry_path().write_bytes(data)
    for act in (read_registry, lambda: register_model(made(tmp_path)), lambda: unregister_model("own")):
        with pytest.raises(
            CrystalError, match=r"the list of models is damaged: repair .*registry\.json, or delete it"
        ) as caught:
            act()
        assert "\n" not in str(caught.value)
    assert registry_path().read_bytes() == data


def test_a_list_that_cannot_be_read_or_written(models, tmp_path):
    models.mkdir()
    registry_path().mkdir()
    with pytest.raises(CrystalError, match="the list of models cannot be read"):
        read_registry()
    registry_path().rmdir()
    models.rmdir()
    models.write_text("a file in the way")
    with pytest.raises(CrystalError, match=r"cannot be read|the models folder cannot be used"):
        register_model(made(tmp_path))


def test_several_at_once_lose_nothing(models, tmp_path):
    own = [made(tmp_path, f"m{number}") for number in range(12)]
    workers = [threading.Thread(target=register_model, args=(each,)) for each in own]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(read_registry().models) == {each.name for each in own}


def test_what_became_of_an_offer(models, tmp_path):
    register_model(made(tmp_path))
    remember_offer("no")
    registry = read_registry()
    assert registry.offer == "no" and registry.offered > 1_700_000_000 and set(registry.models) == {"own"}
    set_default_model("own")
    assert read_registry().offer == "no"  # the rest of the file stays
    remember_offer("")
    assert (read_registry().offer, read_registry().offered, read_registry().default) == ("", 0, "own")
    data = json.loads(registry_path().read_text())
    registry_path().write_text(json.dumps({**data, "offer": "perhaps"}))
    with pytest.raises(CrystalError, match="the list of models is damaged"):
        read_registry()
