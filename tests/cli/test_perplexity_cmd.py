"""`crystal perplexity` as a person runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import hugging_folders

from crystalcli.cli.app import run

ARMS = {f"{arm}{how}" for arm in ("window", "memory") for how in ("", " and copying", " and echoes")}
TEXT = "".join(f"The {number}th boat lay at the {number * 7 % 31}th buoy.\n" for number in range(60))


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def _weights(encoder_folder: Path, language_model_path: Path) -> None:
    """Weights are here before the command looks for them."""


def test_figures_for_programs_and_for_people(tmp_path, capsys, monkeypatch):
    text = tmp_path / "boats.txt"
    text.write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    code, out, err = here(capsys, "perplexity", text, "--window", "64", "--targets", "2", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["command"], found["window"], found["targets"]) == ("perplexity", 64, 2)
    assert found["arms"].keys() == ARMS
    for arm, each in found["arms"].items():
        value, low, high = each["perplexity"]
        assert 1 < low <= value <= high < 50
        assert 0 < each["bits_per_byte"][0] < 4
        assert (each["of_window"] is None) == (arm == "window")
    code, out, _ = here(capsys, "perplexity", text, "--window", "64", "--targets", "1")
    assert code == 0
    assert "1 target among" in out
    assert "half as many, and as many recalled" in out
    assert " to " not in out  # of one target there is no interval
    assert [each.name for each in tmp_path.iterdir()] == ["boats.txt"]  # no crystal is made


@pytest.mark.parametrize(
    ("name", "data", "options", "code", "said"),
    [
        ("short.txt", b"Too short.\n", (), 2, "give more text, or a smaller --window"),
        ("empty.txt", b"", (), 3, "no text to predict"),
        ("binary.bin", bytes(range(256)) * 8, (), 3, "no text to predict"),
        ("a.txt", TEXT.encode(), ("--window", "1"), 2, "invalid sizes: window=1"),
        ("a.txt", TEXT.encode(), ("--window", "64", "--targets", "0"), 2, "at least one target"),
        ("a.txt", TEXT.encode(), ("--model", "http://127.0.0.1:1/v1#x"), 2, "gives no log-probabilities"),
        ("a.txt", None, (), 3, "does not exist"),
    ],
)
def test_what_cannot_be_measured(tmp_path, capsys, name, data, options, code, said):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    found, out, err = here(capsys, "perplexity", path, *options)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no such signals")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_what_was_read_does_not_stay_behind_when_the_system_stops_it(tmp_path, number):
    model, text, temporary = tmp_path / "tiny", tmp_path / "boats.txt", tmp_path / "tmp"
    hugging_folders.save(model, "llama", max_position_embeddings=2048)
    text.write_text(TEXT * 10)
    temporary.mkdir()
    command = [sys.executable, "-m", "crystalcli", "perplexity", str(text), "--model", str(model), "--window", "1024"]
    environment = {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([*command, "--targets", "1000"], stderr=subprocess.PIPE, env=environment) as child:
        while child.poll() is None and not list(temporary.glob("crystal-*/past.crystal")):
            time.sleep(0.05)
        child.send_signal(getattr(signal, number))
        assert child.stderr is not None
        said = child.stderr.read().decode()
    assert child.returncode == 130
    assert said.splitlines()[-1].startswith("crystal: stopped after ")
    assert list(temporary.iterdir()) == []
