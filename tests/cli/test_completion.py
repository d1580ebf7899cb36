"""Completion in shells: the real bash, and the protocol of zsh and fish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from crystalcli import Crystal

NAMES = ("Annual report 2024.txt", "annex.md", "it's (old) $5.txt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a crystal of three documents, and files to ingest."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "docs").mkdir()
    for number, name in enumerate(NAMES):
        (folder / "docs" / name).write_text(f"The lamp burns {number + 14} litres of oil.\n")
    with Crystal.create(folder / "memory.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "docs"])
    (folder / "requirements.txt").write_text("typer\n")
    (folder / "bin").mkdir()
    program = folder / "bin" / "crystal"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crystalcli "$@"\n')
    program.chmod(0o755)
    return folder


def environment(folder: Path, **variables: str) -> dict[str, str]:
    settings = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CRYSTAL_MODELS": str(folder / "models")}
    return {**os.environ, **settings, "CRYSTAL_FILE": "", "HOME": str(folder), "TERM": "dumb", **variables}


def complete(folder: Path, shell: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crystalcli"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder, _CRYSTAL_COMPLETE=f"complete_{shell}", **variables),
    )


def bash_words(folder: Path, *words: str) -> list[str]:
    result = complete(folder, "bash", COMP_WORDS="\n".join(words), COMP_CWORD=str(len(words) - 1))
    assert (result.returncode, result.stderr) == (0, "")
    return [line for line in result.stdout.split("\n") if line]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["in"], ["ingest", "inspect"]),
        (["models", "re"], ["remove"]),
        (["ask", "--fl"], ["--floor"]),
        (["search", "--dep"], ["--depth"]),
        (["ingest", "req"], []),
        (["ask", "-c", "mem"], []),
        (["export", "o"], []),
        (["export", "out", "annex"], ["annex.md"]),
        (["inspect", "ann"], ["annex.md"]),
        (["inspect", "Ann"], [r"Annual\ report\ 2024.txt"]),
        (["inspect", '"Ann'], ["Annual report 2024.txt"]),
        (["forget", "annex.md", "it"], [r"it\'s\ \(old\)\ \$5.txt"]),
        (["forget", "-c", "nowhere.crystal", "an"], []),
        (["forget", "-c", "requirements.txt", "an"], []),
        (["ask", "--model", "Smol"], ["SmolLM2-135M-Instruct"]),
        (["ask", "--model", "req"], []),
        (["perplexity", "--model", "Smol"], ["SmolLM2-135M-Instruct"]),
        (["help", "mod"], ["models"]),
        (["help", "models", "a"], ["add"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bash_is_offered(folder, words, offered):
    assert bash_words(folder, "crystal", *words) == offered


def test_zsh_and_fish_speak_their_own_protocol(folder):
    zsh = complete(folder, "zsh", _TYPER_COMPLETE_ARGS="crystal inspect Ann")
    assert zsh.stdout == "_arguments '*: :((\"Annual report 2024.txt\"))'\n"
    assert complete(folder, "zsh", _TYPER_COMPLETE_ARGS="crystal ingest req").stdout == "_files\n"
    arguments = {"_TYPER_COMPLETE_FISH_ACTION": "get-args", "_TYPER_COMPLETE_ARGS": "crystal insp"}
    summary = "Print the layers of a crystal, or one document from its atoms down to its text."
    assert complete(folder, "fish", **arguments).stdout == f"inspect\t{summary}\n"
    is_offered = {"_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert complete(folder, "fish", **is_offered, _TYPER_COMPLETE_ARGS="crystal ingest req").returncode == 1
    assert complete(folder, "fish", **is_offered, _TYPER_COMPLETE_ARGS="crystal forget an").returncode == 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_a_real_bash_completes_commands_files_documents_and_models(folder):
    bash = shutil.which("bash")
    child = pexpect.spawn(
        bash, ["--norc", "--noprofile", "-i"], encoding="utf-8", timeout=60, cwd=folder, env=environment(folder)
    )
    try:
        child.sendline("PS1='ready> '; bind 'set enable-bracketed-paste off'")
        child.expect("ready> $")
        child.sendline('eval "$(crystal --show-completion)"; complete -p crystal')
        child.expect("complete -o default -F _crystal_completion crystal")
        child.expect("ready> $")
        for typed, completed in (
            ("crystal ing", "crystal ingest "),
            ("crystal ingest req", "crystal ingest requirements.txt "),
            ("crystal inspect Ann", r"crystal inspect Annual\ report\ 2024.txt "),
            ("crystal forget anne", "crystal forget annex.md "),
            ("crystal ask --model Smo", "crystal ask --model SmolLM2-135M-Instruct "),
        ):
            child.send(typed + "\t")
            child.expect_exact(completed)
            child.sendcontrol("u")
            child.send("\n")
            child.expect("ready> $")
        child.sendline("crystal inspect --json Ann\t | head -c 300")
        child.expect('"path": "Annual report 2024.txt"')
    finally:
        child.close(force=True)


def test_completion_is_installed_for_good(folder, tmp_path):
    script = f"crystal --install-completion; grep -c crystal.sh {tmp_path}/.bashrc"
    result = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, env=environment(folder, HOME=str(tmp_path))
    )
    assert "bash completion installed" in result.stdout
    assert result.stdout.endswith("1\n")
    assert "_CRYSTAL_COMPLETE=complete_bash" in (tmp_path / ".bash_completions" / "crystal.sh").read_text()
