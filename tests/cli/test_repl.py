"""The prompt of `crystal ask`, at a terminal of its own."""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from support.waiting import GUARD

PROMPT = "crystal> "


@pytest.fixture
def typed(samples_crystal: Path, encoder_folder: Path, tmp_path: Path) -> Iterator[pexpect.spawn]:
    """A prompt that quotes, which is quick."""
    yield from _prompt(samples_crystal, tmp_path, ["--extractive"])


def _prompt(crystal: Path, home: Path, options: list[str], **environment: str) -> Iterator[pexpect.spawn]:
    crystal = Path(shutil.copy(crystal, home / "own.crystal"))  # what is said at the prompt is kept in it
    own = {"TERM": "xterm-256color", "CRYSTAL_HISTORY": str(home / "history"), "CRYSTAL_DEBUG": "0", **environment}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "crystalcli", "chat", "-c", str(crystal), *options],
        encoding="utf-8",
        timeout=GUARD,
        dimensions=(50, 100),
        env={**os.environ, **own},
    )
    child.expect("A question, or /help; Ctrl-D leaves")
    child.expect(PROMPT)
    yield child
    child.close(force=True)


def leave(child: pexpect.spawn) -> int:
    child.sendeof()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus is not None
    return child.exitstatus


def test_questions_one_after_the_other(typed, tmp_path):
    typed.sendline("Who keeps the ledgers?")
    typed.expect(r"\[1\].*“")
    typed.expect(PROMPT)
    typed.sendline("/sources")
    typed.expect(r"0\.\d\d\d")  # a score
    typed.expect(PROMPT)
    typed.send("\x1b[A")  # the arrow up brings it back
    typed.expect("Who keeps the ledgers?")
    typed.sendintr()  # and Ctrl-C drops what is being typed
    typed.expect(PROMPT)
    assert leave(typed) == 0
    history = tmp_path / "history"
    assert history.read_text(encoding="utf-8") == "Who keeps the ledgers?\n"
    assert stat.S_IMODE(history.stat().st_mode) == 0o600


def test_what_is_pasted_is_one_question(typed, tmp_path):
    typed.send("Under what name\ndid Mr Haddow\r\nbank the surplus money?\n")
    typed.expect(r"\[1\].*“")
    typed.expect(PROMPT)
    typed.send("\x1b[200~one\ntwo\n\x1b[201~\n")  # as a terminal says it that knows of pasting
    typed.expect(r"\[1\].*“")
    typed.expect(PROMPT)
    assert leave(typed) == 0
    asked = (tmp_path / "history").read_text(encoding="utf-8").splitlines()
    assert asked == ["Under what name did Mr Haddow bank the surplus money?", "one two"]


def test_commands(typed, tmp_path):
    for line, said in (
        ("/help", "shown as it was understood"),
        ("/new", "a new topic"),
        ("/sources", "no question was answered yet"),
        ("/model", "what answers best is quoted"),
        ("/model other.gguf", "no model file at"),
        ("/model ~nosuchuser/other.gguf", "at ~nosuchuser/other.gguf"),
        (f"/model {'a' * 300}", "File name too long"),
        ("/model", "what answers best is quoted"),  # still: what cannot be opened changes nothing
        ("/nonsense", "/nonsense is not a command here: /help lists them"),
        ("   ", ""),
    ):
        typed.sendline(line)
        typed.expect(said)
        typed.expect(PROMPT)
    typed.sendline("/quit")
    typed.expect(pexpect.EOF)
    typed.close()
    assert typed.exitstatus == 0
    assert not (tmp_path / "history").exists()


def test_a_follow_up_is_shown_as_it_was_understood(typed, tmp_path):
    typed.sendline("Who keeps the ledgers?")
    typed.expect(PROMPT)
    assert "read as" not in typed.before
    typed.sendline("and the cash box?")
    typed.expect(r"\x1b\[2mread as: Who keeps the cash box\?\x1b\[0m")
    typed.expect(r"\[1\]")
    typed.expect(PROMPT)
    typed.sendline("/new")
    typed.expect("a new topic")
    typed.expect(PROMPT)
    typed.sendline("and the cash box?")
    typed.expect(r"\[1\]|the nearest")
    typed.expect(PROMPT)
    assert "read as" not in typed.before
    assert leave(typed) == 0
    asked = (tmp_path / "history").read_text(encoding="utf-8").splitlines()
    assert asked == ["Who keeps the ledgers?", "and the cash box?"]  # as they were typed


@pytest.mark.parametrize("word", ["exit", "quit", ":q", "/exit", "Quit"])
def test_words_that_leave(typed, tmp_path, word):
    typed.sendline(word)
    typed.expect(pexpect.EOF)
    typed.close()
    assert typed.exitstatus == 0
    assert not (tmp_path / "history").exists()


def test_with_a_model_an_answer_can_be_stopped_and_the_next_one_asked(samples_crystal, language_model_path, tmp_path):
    template = tmp_path / "long.txt"
    template.write_text(
        "{context}\n\n{question} Write down the whole alphabet, ten words for each letter, and do not stop."
    )
    long = ["--system", "", "--template", str(template), "--max-tokens", "600", "--budget", "60"]
    for child in _prompt(samples_crystal, tmp_path, long):
        child.sendline("/model nowhere.gguf")
        child.expect("no model file at")
        child.expect(PROMPT)
        child.sendline("tides")
        child.expect("reads the passages")
        child.expect(r"\r\x1b\[2K")  # it speaks
        child.expect(r"\w+ \w+ ")
        child.sendintr()
        child.expect(r"\[1\]")
        child.expect("stopped")
        child.expect(PROMPT)
        child.sendline("/model")
        child.expect("SmolLM2")
        child.expect(PROMPT)
        child.sendline("/quote")
        child.expect("what answers best is quoted")
        child.expect(PROMPT)
        child.sendline("Under what name did Mr Haddow bank the surplus money?")
        child.expect(r"\[1\].*“")
        child.expect(PROMPT)
        child.sendline("/model SmolLM2-135M-Instruct")
        child.expect("SmolLM2")
        child.expect(PROMPT)
        assert leave(child) == 0


def test_the_prompt_is_not_among_the_results(own_samples_crystal, encoder_folder, tmp_path):
    command = f"{sys.executable} -m crystalcli ask --extractive --format json -c {own_samples_crystal} > {tmp_path}/out"
    child = pexpect.spawn(
        "bash",
        ["-c", command],
        encoding="utf-8",
        timeout=GUARD,
        env={**os.environ, "CRYSTAL_HISTORY": str(tmp_path / "h")},
    )
    child.expect(PROMPT)
    child.sendline("Who keeps the ledgers?")
    child.expect(PROMPT)
    assert leave(child) == 0
    import json

    assert json.loads((tmp_path / "out").read_text())["question"] == "Who keeps the ledgers?"
    assert not (tmp_path / "h").exists()


def test_a_plain_terminal_gets_plain_text(samples_crystal, encoder_folder, tmp_path):
    for child in _prompt(samples_crystal, tmp_path, ["--extractive"], TERM="dumb", NO_COLOR="1"):
        child.sendline("Who keeps the ledgers?")
        child.expect(r"\[1\].*“")
        child.expect(PROMPT)
        assert "\x1b" not in child.before
        assert leave(child) == 0


@pytest.mark.parametrize("columns", [40, 60, 140])
def test_lines_fit_the_terminal(samples_crystal, encoder_folder, tmp_path, columns):
    for child in _prompt(samples_crystal, tmp_path, ["--extractive"], NO_COLOR="1"):
        child.setwinsize(50, columns)
        child.sendline("Who keeps the ledgers and why?")
        child.expect(r"\[1\]")
        child.expect(PROMPT)
        lines = [line.rstrip() for line in re.sub(r"\x1b\[[\d;?]*\w", "", child.before).split("\r\n")]
        # A path that is wider than the terminal stays one path.
        lines = [line for line in lines if max(map(len, line.split()), default=0) <= columns]
        assert max(map(len, lines)) <= min(columns, 100)
        assert max(map(len, lines)) > min(columns, 100) - 20
        assert leave(child) == 0
