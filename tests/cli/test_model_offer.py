"""A language model that is offered, fetched and asked: at a terminal, through pipes, without a network."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from support.file_server import FILE, PLACE, FileServer
from support.waiting import GUARD

from crystalcli.library import Crystal
from crystalcli.models import read_registry

QUESTION = "When is high water at Oldhaven?"
# The program with one model that answers by itself: the weights of the smallest under another name.
PROGRAM = """
import sys
from crystalcli.models import CATALOGUE, CatalogueEntry, WheelMember, WheelPiece
for name in [name for name, entry in CATALOGUE.items() if entry.free_memory is not None]:
    del CATALOGUE[name]
CATALOGUE["Answerer"] = CatalogueEntry(
    name="Answerer", role="language", requirement="", licence="CC0-1.0", description="", use="tests", alias="a",
    wheel_members={{"{file}": WheelMember("{file}", "{sha256}", {size})}},
    upstream="{place}", pieces=(WheelPiece("crystal-none==1.0", "x", "{sha256}", {size}),), free_memory=0,
)
from crystalcli.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def weights(language_model_path: Path) -> bytes:
    return language_model_path.read_bytes()


@pytest.fixture
def server(weights: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """Hugging Face with the model's file, and no package index."""
    files = FileServer(content=weights, block=1 << 20)
    running = files.start()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", f"{files.url}/simple/")
    monkeypatch.setenv("HF_ENDPOINT", files.url)
    yield files
    running.shutdown()
    running.server_close()


@pytest.fixture
def line(
    server: FileServer,
    weights: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shelf_folder: Path,
    encoder_folder: Path,
) -> list[str]:
    """The beginning of a command line, in a folder with a crystal and a models folder that has the encoder alone."""
    for name in ("CRYSTAL_MODEL", "CRYSTAL_OFFLINE", "CRYSTAL_FETCH", "CRYSTAL_FILE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("CRYSTAL_DEBUG", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # two threads wait for one another on a busy machine
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / encoder_folder.name).symlink_to(encoder_folder, target_is_directory=True)
    with Crystal.create("memory.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
    program = PROGRAM.format(file=FILE, place=PLACE, sha256=hashlib.sha256(weights).hexdigest(), size=len(weights))
    (tmp_path / "program.py").write_text(program)
    return [sys.executable, str(tmp_path / "program.py")]


def piped(line: list[str], *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ask = [*line, "ask", QUESTION, "--max-tokens", "4", *arguments]
    return subprocess.run(ask, capture_output=True, text=True, timeout=GUARD, env={**os.environ, **environment})


def typed(line: list[str], *arguments: str) -> pexpect.spawn:
    ask = [*line[1:], "ask", QUESTION, "--max-tokens", "4", *arguments]
    environment = {**os.environ, "TERM": "xterm-256color"}
    return pexpect.spawn(line[0], ask, encoding="utf-8", timeout=GUARD, dimensions=(50, 120), env=environment)


def end(child: pexpect.spawn) -> tuple[int | None, str]:
    """The exit code, and what came since."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before


def is_here(tmp_path: Path) -> bool:
    return (tmp_path / "models" / "Answerer" / "record.json").exists()


def test_yes_shows_the_evidence_first_then_the_offer_then_the_answer(line, tmp_path):
    child = typed(line)
    child.expect("04:10")
    child.expect(
        r"Answerer can put answers in words, on this machine: 98\.4 MB once, about\s+\d+\s+s\s+at\s+\d+\.\d\s+[kMG]B/s"
    )
    child.expect(re.escape("Fetch it now? [yes/no/never] "))
    child.sendline("perhaps")
    child.expect(re.escape("Fetch it now? [yes/no/never] "))
    child.sendline("yes")
    child.expect(r"\[1\] .*, quoted above")
    code, rest = end(child)
    assert code == 0
    assert "04:10" not in rest  # the evidence stands above
    assert is_here(tmp_path) and read_registry().offer == "yes"
    answer = json.loads(piped(line, "--json").stdout)  # and from now on without a question
    assert answer["model"] != "extractive"
    quoted = piped(line, "--quote", "--json")
    assert json.loads(quoted.stdout)["model"] == "extractive"
    assert (
        json.loads(piped(line, "--extractive", "--json").stdout)["citations"] == json.loads(quoted.stdout)["citations"]
    )


def test_what_was_said_is_remembered(line, tmp_path):
    child = typed(line)
    child.expect(re.escape("[yes/no/never] "))
    child.sendline("never")
    assert end(child)[0] == 0
    registry = read_registry()
    assert registry.offer == "never" and registry.offered > 1_700_000_000
    child = typed(line)
    child.expect("04:10")
    code, rest = end(child)
    assert code == 0
    assert "Fetch it now?" not in rest
    assert not is_here(tmp_path)


def test_ctrl_c_at_the_question_is_no_answer(line, tmp_path):
    child = typed(line)
    child.expect(re.escape("[yes/no/never] "))
    child.sendintr()
    code, rest = end(child)
    assert code == 130 and "crystal: stopped" in rest
    assert read_registry().offer == ""


def test_a_fetch_that_was_stopped_goes_on_with_the_next_question(line, server, tmp_path):
    server.pace = 0.3  # 3 MB a second
    child = typed(line)
    child.expect(re.escape("[yes/no/never] "))
    child.sendline("y")
    child.expect("fetching Answerer")
    child.expect(r"\d\d\.\d/98\.4 MB")
    child.sendintr()
    code, rest = end(child)
    assert code == 130 and "crystal: stopped" in rest and "Traceback" not in rest
    assert not is_here(tmp_path)
    assert (tmp_path / "models" / f"{FILE}.part").stat().st_size > 1 << 20
    server.pace = 0.0
    server.log.clear()
    child = typed(line)
    child.expect("04:10")
    child.expect("fetching Answerer")
    assert end(child)[0] == 0
    assert is_here(tmp_path)
    assert [status for _, _, status in server.log] == [206]


def test_without_a_terminal_it_is_said_once(line, server, tmp_path):
    first, second = piped(line), piped(line)
    assert (first.returncode, second.returncode, second.stderr) == (0, 0, "")
    assert first.stderr.count("\n") == 1
    assert re.match(r"crystal: answers are quotations: .* --fetch or `crystal models pull Answerer`", first.stderr)
    assert first.stdout == second.stdout and "04:10" in first.stdout
    assert not server.log  # nobody was asked


@pytest.mark.parametrize(("arguments", "environment"), [(["--quote"], {}), ([], {"CRYSTAL_FETCH": "0"})])
def test_who_wants_quotations_is_told_nothing(line, arguments, environment):
    asked = piped(line, *arguments, **environment)
    assert (asked.returncode, asked.stderr) == (0, "")


def test_fetched_unasked(line, tmp_path):
    asked = piped(line, "--fetch")
    assert asked.returncode == 0, asked.stderr
    assert is_here(tmp_path)
    assert asked.stdout.startswith("│ ") and asked.stdout.count("04:10") == 1
    assert asked.stderr.startswith("crystal: fetching Answerer (98.4 MB, once) into")
    assert asked.stderr.count("\n") == 1
    assert subprocess.run([*line, "models", "remove", "a"], capture_output=True).returncode == 0
    asked = piped(line, "--json", CRYSTAL_FETCH="1")
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["model"] not in ("", "extractive")


def test_without_a_network_it_quotes_and_says_why_in_one_line(line, server, tmp_path):
    server.hub_status = 404
    asked = piped(line, "--fetch")
    assert asked.returncode == 0
    assert "04:10" in asked.stdout
    assert "does not have it, and the package index does not have crystal-none==1.0" in asked.stderr
    assert asked.stderr.count("\n") == 2  # that it is fetched, and why not
    child = typed(line)
    child.expect("04:10")
    child.expect("answers are quotations: no language model is here")
    assert end(child)[0] == 0
    assert read_registry().offer == "failed"


def test_any_file_by_its_place(line, server, tmp_path):
    def models(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*line, "models", *arguments], capture_output=True, text=True, timeout=GUARD)

    pulled = models("pull", PLACE)
    path = tmp_path / "models" / "owner--repo" / FILE
    assert pulled.returncode == 0, pulled.stderr
    assert f"whole is {path}; SHA-256 {hashlib.sha256(server.content).hexdigest()}, as its server told" in pulled.stderr
    (row,) = [row for row in json.loads(models("list", "--json").stdout)["models"] if row["name"] == "whole"]
    assert (row["path"], row["state"], row["size"]) == (str(path), "here", len(server.content))
    assert models("pull", PLACE).returncode == 0
    assert server.names == [FILE]
    assert "whole: 98.4 MB given back" in models("remove", "whole").stderr
    assert not path.parent.exists()
    server.content = b"GGUF of another kind"
    pulled = models("pull", PLACE)
    assert pulled.returncode == 1
    assert pulled.stderr.count("\n") == 1 and "is not a usable GGUF model" in pulled.stderr
    assert not path.parent.exists()
