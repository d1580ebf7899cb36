"""`crystal models`, and `crystal ask --model`, on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from support import hugging_folders
from support.chat_server import PARIS, running

from crystalcli.cli.app import run
from crystalcli.language_models import open_model
from crystalcli.library import Crystal
from crystalcli.models import (
    CATALOGUE,
    converted_folder,
    list_converted,
    read_registry,
    registry_path,
    remember_offer,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("hugging") / "Tiny"
    hugging_folders.save(place, "qwen2", max_position_embeddings=1024)
    return place


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, shelf_folder) -> Path:
    """A folder of its own with a crystal without vectors, and an empty models folder."""
    for name in ("CRYSTAL_MODEL", "CRYSTAL_API_KEY", "CRYSTAL_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with Crystal.create("memory.crystal", encoder=None) as crystal:
        crystal.ingest([shelf_folder])
    return tmp_path


@pytest.fixture
def crystal(capsys):
    """Runs a command line: exit code, stdout, stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        sys.stdout.flush()
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_from_adding_to_forgetting(crystal, folder, monkeypatch):
    code, out, err = crystal("models", "add", str(folder), "--name", "mine")
    assert (code, out) == (0, "")
    assert err == f"crystal: mine is {folder}; `crystal ask --model mine` asks it\n"
    assert crystal("models", "default") == (0, "SmolLM2-135M-Instruct\n", "")
    assert crystal("models", "default", "mine") == (0, "mine\n", "")
    assert json.loads(crystal("models", "default", "--json")[1])["default"] == "mine"
    code, out, _ = crystal("models", "list")
    lines = [line.split() for line in out.splitlines()]
    assert [line[1] for line in lines if line[0] == "*"] == ["mine"]
    rows = json.loads(crystal("models", "list", "--json")[1])["models"]
    assert [each["name"] for each in rows] == [*CATALOGUE, "mine"]
    assert all(set(each) == set(rows[0]) for each in rows)
    assert [each["name"] for each in rows if each["default"]] == ["mine"]
    assert (rows[-1]["kind"], rows[-1]["path"], rows[-1]["state"]) == ("folder", str(folder), "here")
    answer = json.loads(crystal("ask", "When is high water?", "--max-tokens", "4", "--json")[1])
    assert answer["model"] == "Tiny"
    code, out, err = crystal("models", "remove", "mine")
    assert (code, err) == (0, f"crystal: mine: forgotten; {folder} stays as it is\n")
    assert (folder / "config.json").exists()
    code, out, err = crystal("models", "remove", "mine")
    assert code == 2
    assert "unknown language model 'mine'" in err


def test_adding_with_json_and_a_file_that_goes_away(crystal, folder, here):
    copy = here / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    code, out, err = crystal("models", "add", "copy", "--json")
    assert (code, err) == (0, "")
    model = json.loads(out)["model"]
    assert (model["name"], model["path"], model["state"]) == ("copy", str(copy), "here")
    assert model["bytes"] == sum(file.stat().st_size for file in copy.iterdir())
    for file in copy.iterdir():
        file.unlink()
    assert "missing!" in crystal("models", "list")[1]
    code, _, err = crystal("ask", "When is high water?", "--model", "copy")
    assert code == 6
    assert "copy is not at" in err


def test_a_damaged_list(crystal, here):
    (here / "models").mkdir()
    registry_path().write_text("{")
    code, out, err = crystal("models", "list")
    assert code == 0
    assert "SmolLM2-135M-Instruct" in out
    assert err.count("\n") == 1
    assert "the list of models is damaged" in err
    assert {each["name"] for each in json.loads(crystal("models", "list", "--json")[1])["models"]} == set(CATALOGUE)
    for command in (["models", "add", "memory.crystal"], ["models", "default"], ["models", "remove", "x"]):
        code, _, err = crystal(*command)
        assert code == 1
        assert err.count("\n") == 1
    assert crystal("ask", "--extractive", "When is high water?")[0] == 0


@pytest.mark.parametrize(
    ("model", "code", "reason"),
    [
        ("nobody", 6, "no model file at nobody, and no folder or model of that name"),
        ("no/where", 6, "no model file or folder at no/where"),
        ("memory.crystal", 1, "is not a usable GGUF model: it does not begin with `GGUF`"),
        ("shelf", 6, "no model in shelf: there is no config.json"),
        ("all-MiniLM-L6-v2", 2, "is an encoder, not a language model"),
        ("http://127.0.0.1:1/v1", 1, "nothing is listening there"),
        ("http://192.0.2.1/v1", 2, "192.0.2.1 is not this machine"),
        ("ftp://127.0.0.1/", 2, "invalid server URL"),
    ],
)
def test_a_wrong_model_is_said_first_and_in_one_line(crystal, model, code, reason, monkeypatch):
    found = crystal("ask", "When is high water?", "--model", model, "-c", "no.crystal")  # which is not looked at
    assert (found[0], found[1]) == (code, "")
    assert reason in found[2]
    assert found[2].count("\n") == 1
    monkeypatch.setenv("CRYSTAL_MODEL", model)
    assert crystal("ask", "When is high water?")[0] == code
    assert crystal("ask", "When is high water?", "--extractive")[0] == 0


def test_a_server(crystal):
    with running() as server:
        server.say(PARIS)
        code, out, _ = crystal("ask", "When is high water?", "--model", server.url)
        assert code == 0
        assert "\n\nIt is Paris. [not borne out: Paris]\n\n" in out
        assert crystal("models", "add", server.url)[0] == 0
        assert json.loads(crystal("models", "list", "--json")[1])["models"][-1]["state"] == "server"
        assert crystal("ask", "When is high water?", "--model", "tiny")[1] == out
        server.say((500, {"error": {"message": "out of\x1b[31m memory"}}))
        code, out, err = crystal("ask", "When is high water?", "--model", server.url)
        assert code == 1
        assert "\x1b" not in err
        assert err.splitlines()[-1].endswith("refuses (500): out of\N{REPLACEMENT CHARACTER}[31m memory")


def test_pulling_nothing_lists_what_there_is(crystal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "260")
    code, out, err = crystal("models", "pull")
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert list(rows) == list(CATALOGUE)
    for entry in CATALOGUE.values():
        row = rows[entry.name]
        assert entry.licence in row and entry.use in row and f" {entry.alias} " in row and " no " in row
    assert "491.4 MB" in rows["Qwen2.5-Coder-0.5B-Instruct"] and "1.1 GB" in rows["Qwen2.5-Coder-1.5B-Instruct"]


@pytest.mark.parametrize("names", [["qwen-1.5b"], ["QWEN-1.5B", "minilm"], ["owner/repo/file.gguf"], ["--needed"]])
def test_without_a_network_pulling_says_why_in_one_line(crystal, names):
    code, out, err = crystal("models", "pull", *names)
    assert (code, out) == (6, "")
    assert "CRYSTAL_OFFLINE forbids to fetch it" in err
    assert err.count("\n") == 1


def test_a_short_name_is_the_same_model(crystal):
    assert crystal("models", "default", "smollm2") == (0, "SmolLM2-135M-Instruct\n", "")
    remember_offer("yes")
    code, _, err = crystal("models", "remove", "Qwen-0.5B")
    assert read_registry().offer == ""  # it is offered again, and not fetched unasked
    assert (code, err) == (0, "crystal: Qwen2.5-Coder-0.5B-Instruct: 0 B given back\n")
    code, _, err = crystal("models", "add", "memory.crystal", "--name", "minilm")
    assert code != 0 and err.count("\n") == 1
    assert "unknown model 'qwen'" in crystal("models", "pull", "qwen")[2]


def test_converted_weights_are_listed_and_go_with_their_model(crystal, folder):
    assert crystal("models", "add", str(folder), "--name", "mine")[0] == 0
    copy = converted_folder() / folder.name / "00ff.safetensors"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(bytes(5))
    expected = [{"name": folder.name, "bytes": 5, "path": str(copy)}]
    assert json.loads(crystal("models", "list", "--json")[1])["converted"] == expected
    (line,) = [line for line in crystal("models", "list")[1].splitlines() if " converted " in line]
    assert line.split()[0] == folder.name
    assert crystal("models", "remove", "mine")[0] == 0
    assert json.loads(crystal("models", "list", "--json")[1])["converted"] == []


def test_opening_by_name_keeps_a_converted_copy(language_model_path):
    model = open_model(language_model_path)
    model.load()
    (copy,) = list_converted()
    assert copy.name == model.name
    decoder = open_model(language_model_path).load()
    ids = list(range(300, 340))
    assert torch.equal(decoder.forward(ids, decoder.cache(40)), model.load().forward(ids, decoder.cache(40)))
