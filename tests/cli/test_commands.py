"""The commands as a person runs them: whole processes, real weights, real exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support.repository import ROOT
from support.waiting import GUARD, until

from crystalcli import models
from crystalcli.cli.app import run
from crystalcli.cli.parsing.command_group import command_app
from crystalcli.storage.store import Store


def crystal(*arguments: str | Path, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crystalcli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "CRYSTAL_DEBUG": "0", **environment},
        timeout=GUARD,
    )


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    """The same without a new process."""
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(autouse=True)
def _weights(encoder_folder: Path) -> None:
    """Weights are here before a command looks for them."""


def test_the_main_job(tmp_path, shelf_folder):
    made = crystal("ingest", shelf_folder, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert made.stderr == ""
    assert "3 documents" in " ".join(made.stdout.split())
    again = crystal("ingest", shelf_folder, cwd=tmp_path)
    assert "nothing new" in again.stdout
    assert "3 files as they are" in again.stdout
    deeper = tmp_path / "x" / "y"
    deeper.mkdir(parents=True)
    found = crystal("recall", "When is high water?", "-k", "2", cwd=deeper)
    assert found.returncode == 0
    assert f"{shelf_folder}/notes.md:1  " in found.stdout  # not below the working directory
    below = crystal("recall", "When is high water?", "-k", "2", cwd=tmp_path)
    assert f" {shelf_folder.name}/notes.md:1  " in below.stdout
    assert "»High water at Oldhaven is at 04:10.«" in found.stdout
    asked = crystal("ask", "--extractive", "How much oil does the lamp burn?", cwd=tmp_path)
    assert "14 litres of oil" in asked.stdout
    assert re.search(rf"^\[1\] {shelf_folder.name}/tale\.txt:\d", asked.stdout, re.MULTILINE)
    seen = crystal("inspect", cwd=tmp_path)
    for word in ("atoms", "clusters", "units", "tokens", ":1", "all-MiniLM-L6-v2"):
        assert word in seen.stdout


def test_json_has_stable_keys(tmp_path, shelf_folder, capsys):
    file = tmp_path / "m.crystal"
    code, out, _ = here(capsys, "ingest", shelf_folder, "-c", file, "--json")
    made = json.loads(out)
    assert code == 0
    assert (made["schema"], made["command"], made["read"], made["skipped"]) == (1, "ingest", 3, [])
    code, out, _ = here(capsys, "recall", "When is high water?", "-c", file, "--json")
    (first, *_) = json.loads(out)["passages"]
    assert {
        "path",
        "start",
        "end",
        "score",
        "line_start",
        "line_end",
        "page_start",
        "best",
        "text",
        "shares",
        "heading",
    } <= first.keys()
    assert first["text"] == (shelf_folder / first["path"]).read_text()[first["start"] : first["end"]]
    assert first["heading"] == "Notes › Tides"
    code, out, _ = here(capsys, "ask", "When is high water?", "-c", file, "--json", "--extractive")
    answer = json.loads(out)
    assert {"question", "answer", "citations", "passages", "tokens", "seconds", "model"} <= answer.keys()
    assert {"answered", "claims", "evidence"} <= answer.keys()
    citation = answer["citations"][0]
    assert citation["quote"] == (shelf_folder / citation["path"]).read_text()[citation["start"] : citation["end"]]
    code, out, _ = here(capsys, "inspect", "-c", file, "--json")
    stats = json.loads(out)
    assert [layer["name"] for layer in stats["layers"]] == ["tokens", "units", "clusters", "atoms"]
    assert stats["kinds"] == {"text": 1, "markdown": 1, "code": 1}
    code, out, _ = here(capsys, "inspect", "tale.txt", "-c", file, "--json")
    zoomed = json.loads(out)
    atom = zoomed["chunks"][0]["atoms"][0]
    text = (shelf_folder / "tale.txt").read_text()
    assert text[atom["start"] : atom["end"]] == atom["text"] == "".join(child["text"] for child in atom["children"])
    assert len(bytes.fromhex(atom["code"])) == 32
    code, out, _ = here(capsys, "inspect", "--documents", "-c", file, "--json")
    assert {each["state"] for each in json.loads(out)["documents"]} == {"done"}
    code, out, _ = here(capsys, "models", "list", "--json")
    assert {each["name"] for each in json.loads(out)["models"]} == set(models.CATALOGUE)


def test_many_questions_at_once(tmp_path, samples_crystal, capsys):
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        '{"qid": "a", "question": "Who keeps the ledger?"}\n\n{"qid": 2, "question": "What is a spike?"}\n'
    )
    code, out, _ = here(capsys, "recall", "--questions", questions, "-k", "3", "-c", samples_crystal)
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["qid"] for row in rows] == ["a", 2]
    assert all(
        len(row["passages"]) == 3 and {"path", "start", "end", "score"} <= row["passages"][0].keys() for row in rows
    )
    questions.write_text('{"qid": 1, "question": "x"}\n{"qid": 2, "question": ""}\n')
    code, _, err = here(capsys, "recall", "--questions", questions, "-c", samples_crystal)
    assert (code, "line 2: the question is empty" in err) == (2, True)
    questions.write_text('{"qid": "a"}\n')
    assert here(capsys, "recall", "--questions", questions, "-c", samples_crystal)[0] == 2
    assert here(capsys, "recall", "--questions", tmp_path / "none", "-c", samples_crystal)[0] == 3


def test_ask_answers_with_the_language_model(samples_crystal, language_model_path, tmp_path):
    question = "Why may detergent not be used on an oil spill in the harbour?"
    told = crystal("ask", "--generate", "-c", samples_crystal, question, "--json", "--max-tokens", "24")
    assert told.returncode == 0, told.stderr
    one = json.loads(told.stdout)
    assert one["model"].startswith("SmolLM2") or "mol" in one["model"]
    assert 0 < one["tokens"]["answer"] <= 24
    assert one["tokens"]["context"] < one["tokens"]["prompt"]
    assert one["citations"]
    assert one["seconds"]["recall"] < one["seconds"]["first"] <= one["seconds"]["total"]
    shown = crystal("ask", "-c", samples_crystal, question, "--max-tokens", "24", "--model", language_model_path)
    assert shown.stdout.startswith("│ ")
    assert "\n[1] " in shown.stdout
    assert "".join(one["answer"].split())[:40] in "".join(shown.stdout.replace("│", "").split())  # the same words again


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["recall"], 2, "give one question"),
        (["recall", ""], 2, "the question is empty"),
        (["recall", "x", "--depth", "4"], 2, "depth: expected 1"),
        (["recall", "x", "-k", "0"], 2, "k: expected 1 or more"),
        (["ask", "x", "-k", "0"], 2, "k: expected 1 or more, got 0"),
        (["ask", "x", "-k", "-3"], 2, "k: expected 1 or more, got -3"),
        (["ask", "x", "--seed", "99999999999999999999999"], 2, "seed must fit in 64 bits"),
        (["recall", "x", "-k", "many"], 2, "-k"),
        (["nonsense"], 2, "nonsense"),
        (["ingest"], 2, "PATH"),
        (["ask", "x", "--max-tokens", "0", "--extractive"], 2, "max-tokens"),
        (["ask", "x", "--floor", "0", "--model", "nowhere.gguf"], 6, "no model file at nowhere.gguf"),
        (["inspect", "no-such-document"], 7, "no document no-such-document"),
        (["models", "pull", "gpt-5"], 2, "gpt-5"),
        (["models", "remove", "gpt-5"], 2, "gpt-5"),
        (["models", "rm", "gpt-5"], 2, "gpt-5"),
    ],
)
def test_wrong_requests_get_one_line_and_a_code(samples_crystal, monkeypatch, capsys, arguments, code, message):
    monkeypatch.setenv("CRYSTAL_FILE", str(samples_crystal))
    got, out, err = here(capsys, *arguments)
    assert got == code
    assert message in err
    assert err.count("\n") == 1
    assert out == ""


def test_files_that_are_no_crystal(tmp_path, samples_crystal, capsys):
    def refused(path: Path) -> tuple[int, str]:
        for command in (["recall", "x"], ["inspect"], ["ingest", str(ROOT / "samples")], ["ask", "x", "--extractive"]):
            code, out, err = here(capsys, *command, "-c", path)
            assert err.count("\n") == 1
            assert out == ""
            assert code != 0
        return code, err

    (tmp_path / "text.crystal").write_text("not a crystal\n" * 50)
    assert refused(tmp_path / "text.crystal")[0] == 4
    (tmp_path / "cut.crystal").write_bytes(samples_crystal.read_bytes()[:30_000])
    assert refused(tmp_path / "cut.crystal")[0] == 4
    newer = Path(shutil.copy(samples_crystal, tmp_path / "newer.crystal"))
    raw = sqlite3.connect(newer)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    code, err = refused(newer)
    assert (code, "format version 99" in err) == (5, True)
    Store.create(tmp_path / "other.crystal", {"encoder": "another-model"}).close()
    code, _, err = here(capsys, "recall", "x", "-c", tmp_path / "other.crystal")
    assert (code, "another-model" in err) == (2, True)
    code, _, err = here(capsys, "recall", "x", "-c", tmp_path / "missing.crystal")
    assert (code, "crystal ingest" in err) == (3, True)


def test_nothing_to_read(tmp_path, capsys):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "a.bin").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "bin" / "b.bin").write_bytes(b"\0" * 1000)
    code, out, err = here(capsys, "ingest", tmp_path / "bin", "-c", tmp_path / "m.crystal")
    assert (code, "nothing to read" in err) == (3, True)
    assert "a.bin: binary" in out
    (tmp_path / "void").mkdir()
    assert here(capsys, "ingest", tmp_path / "void", "-c", tmp_path / "n.crystal")[0] == 3
    code, _, err = here(capsys, "ingest", tmp_path / "nowhere", "-c", tmp_path / "o.crystal")
    assert (code, "does not exist" in err) == (3, True)
    assert not (tmp_path / "o.crystal").exists()


def test_a_place_that_cannot_be_written(tmp_path, shelf_folder, capsys):
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", tmp_path / "missing" / "m.crystal")
    assert (code, "missing does not exist" in err) == (1, True)
    code, _, err = here(capsys, "ingest", shelf_folder, "-c", tmp_path)
    assert code == 4


def test_a_crystal_on_a_read_only_medium_can_be_asked(tmp_path, own_samples_crystal, capsys):
    own_samples_crystal.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        assert here(capsys, "recall", "Who keeps the ledger?", "-c", own_samples_crystal)[0] == 0
    finally:
        tmp_path.chmod(0o755)


def test_control_sequences_in_documents_are_harmless(tmp_path, capsys):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "evil\x1b[2Jname.txt").write_text("The password is \x1b]0;owned\x07 swordfish \u202e reversed.\n")
    file = tmp_path / "m.crystal"
    for arguments in (
        ["ingest", folder],
        ["recall", "What is the password?"],
        ["ask", "What is the password?", "--extractive"],
        ["inspect", "--documents"],
        ["inspect", "evil\x1b[2Jname.txt"],
    ):
        code, out, err = here(capsys, *arguments, "-c", file)
        assert code == 0, err
        assert not {"\x1b", "\x07", "\u202e"} & set(out + err)
    assert "swordfish" in here(capsys, "recall", "password", "-c", file)[1]


def test_ctrl_c_during_ingest_keeps_what_was_committed(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(12):
        text = "".join(f"Volume {number}, entry {i}: the value is {i * 31 + number}.\n\n" for i in range(2500))
        (folder / f"{number:02d}.txt").write_text(text)
    file = tmp_path / "m.crystal"
    child = subprocess.Popen(
        [sys.executable, "-m", "crystalcli", "ingest", str(folder), "-c", str(file)], stderr=subprocess.PIPE, text=True
    )
    until(lambda: child.poll() is not None or (file.exists() and _committed(file)))
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=GUARD)
    assert child.returncode == 130, err
    assert "what was read stays" in err
    assert err.strip().count("\n") == 0
    with Store.open(file) as store:
        assert store.segments()
    found = crystal("recall", "Volume 0 entry 7", "-c", file)
    assert "Volume 0, entry 7:" in found.stdout


def _committed(file: Path) -> bool:
    try:
        with Store.open(file) as store:
            return bool(store.segments())
    except Exception:
        return False


def test_with_weights_nothing_touches_the_network(tmp_path, shelf_folder, language_model_path, monkeypatch, capsys):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    file = tmp_path / "m.crystal"
    assert here(capsys, "ingest", shelf_folder, "-c", file)[0] == 0
    assert here(capsys, "recall", "When is high water?", "-c", file)[0] == 0
    assert here(capsys, "ask", "--generate", "When is high water?", "-c", file, "--max-tokens", "8")[0] == 0


def test_without_weights_and_network_bm25_alone_works(tmp_path, shelf_folder):
    alone = {"CRYSTAL_MODELS": str(tmp_path / "models"), "CRYSTAL_OFFLINE": "1"}
    made = crystal("ingest", shelf_folder, cwd=tmp_path, **alone)
    assert made.returncode == 0
    assert "lexical index only" in made.stderr
    found = crystal("recall", "When is high water at Oldhaven?", cwd=tmp_path, **alone)
    assert found.returncode == 0
    assert "04:10" in found.stdout
    assert "BM25 alone" in found.stderr
    asked = crystal("ask", "--generate", "When is high water?", cwd=tmp_path, **alone)
    assert asked.returncode == 6
    assert "crystal models pull" in asked.stderr
    for choice in ([], ["--extractive"]):  # quotations need no language model
        quoted = crystal("ask", *choice, "When is high water?", cwd=tmp_path, **alone)
        assert quoted.returncode == 0
        assert "04:10" in quoted.stdout


def test_a_reader_that_goes_away_is_no_error(samples_crystal):
    command = f"{sys.executable} -m crystalcli inspect --documents -c {samples_crystal} | head -n 1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_progress_is_drawn_on_a_terminal(tmp_path, shelf_folder):
    import pexpect

    child = pexpect.spawn(
        sys.executable,
        ["-m", "crystalcli", "ingest", str(shelf_folder), "-c", str(tmp_path / "m.crystal")],
        encoding="utf-8",
        timeout=GUARD,
        dimensions=(30, 110),
        env={**os.environ, "TERM": "xterm-256color", "CRYSTAL_DEBUG": "0"},
    )
    child.expect("files")
    child.expect("left")
    child.expect("documents")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


def test_two_programs_that_make_the_same_crystal_do_not_meet(tmp_path, shelf_folder):
    command = [sys.executable, "-m", "crystalcli", "ingest", str(shelf_folder), "-c", str(tmp_path / "m.crystal")]
    both = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [child.communicate(timeout=GUARD)[1] for child in both]
    assert 0 in {child.returncode for child in both}
    for child, err in zip(both, said, strict=True):
        assert child.returncode == 0 or (child.returncode == 1 and "another program is writing" in err), err
    assert "documents   3 (" in crystal("inspect", "-c", tmp_path / "m.crystal").stdout


def test_a_long_place_is_whole_in_a_pipe(tmp_path, capsys):
    folder = tmp_path / "docs" / ("long-name-" * 12) / ("longer-name-" * 12)
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# A heading that stands above\n\nThe lamp burns oil.\n")
    target = tmp_path / "m.crystal"
    assert here(capsys, "ingest", tmp_path / "docs", "-c", target)[0] == 0
    path = folder / "a.md"
    first = here(capsys, "recall", "lamp oil", "-c", target)[1].splitlines()[0]
    assert f"{path}:1  " in first
    assert first.endswith("A heading that stands above")
    assert any(
        line.startswith(f"[1] {path}:3  A heading")
        for line in here(capsys, "ask", "What burns oil?", "-c", target)[1].splitlines()
    )
    name = path.relative_to(tmp_path / "docs")
    assert str(path) in here(capsys, "inspect", name, "-c", target)[1].split()


@pytest.mark.parametrize("take", [torch.empty, bytearray], ids=["torch", "python"])
def test_too_little_memory_is_said_in_one_line(capsys, monkeypatch, take):
    monkeypatch.setenv("CRYSTAL_DEBUG", "0")
    program = command_app()
    program.command("fill")(lambda: take(1 << 50))
    assert run([], program) == 1
    assert capsys.readouterr().err == "crystal: out of memory\n"


def test_a_process_that_has_imported_torch_ends_without_taking_it_apart(tmp_path):
    program = (
        "import atexit, sys, types\n"
        "class Apart:\n    def __del__(self): print('taken apart', flush=True)\n"
        "sys.modules['torch'] = types.ModuleType('torch')\n"
        "sys.modules['torch'].apart = Apart()\n"
        "atexit.register(print, 'at the end')\n"
        "sys.argv = ['crystal', 'inspect', '-c', 'none.crystal']\n"
        "from crystalcli.cli import main\nmain()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (3, "at the end\n")
    assert "none.crystal" in ended.stderr
