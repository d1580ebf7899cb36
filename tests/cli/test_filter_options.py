"""What is read, as the command line has it: --include and --exclude, sizes, standard input, --dry-run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.waiting import GUARD

from crystalcli.cli.app import run
from crystalcli.cli.render.ingest_view import skipped_lines
from crystalcli.cli.terminal.humanize import format_duration, round_to_two_figures
from crystalcli.datatypes import SkippedFile
from crystalcli.errors import Reason

CRYSTAL = [sys.executable, "-m", "crystalcli"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to read and, beside it, the one that commands run in; there are no weights."""
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "none"))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("Alpha stands here.\n")
    (docs / "b.log").write_text("Beta stands there.\n" * 100)
    (docs / "uv.lock").write_text("version = 1\n")
    return docs


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(each) for each in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def report(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, object]:
    code, out, err = here(capsys, "-q", *arguments, "--json")
    assert code == 0, err
    return dict(json.loads(out))


def test_what_is_chosen_is_shown_and_forgotten_with_as_usual(folder, capsys):
    found = report(capsys, "ingest", folder, "--exclude", "*.log")
    assert (found["read"], found["chosen"]) == (1, {"docs": {"exclude": ["*.log"]}})
    assert "changed" not in found
    (folder / "c.md").write_text("Gamma.\n")
    code, out, _ = here(capsys, "ingest", folder)
    assert code == 0
    assert "docs: exclude *.log" in out
    assert "1 lock file" in out
    found = report(capsys, "ingest", folder, "--as-usual")
    assert (found["read"], found["chosen"]) == (1, {})
    found = report(capsys, "ingest", folder, "--include", "*.md", "--include", "*.lock", "--max-file-size", "1.5k")
    assert (found["read"], found["left_out"]) == (1, 1)
    _, out, _ = here(capsys, "ingest", folder)
    assert "1 left out" in out


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("0", 0),
        ("250000", 250_000),
        ("500k", 500_000),
        ("10M", 10**7),
        ("1.5GB", 15 * 10**8),
        ("64KiB", 65_536),
        ("2 tb", 2 * 10**12),
    ],
)
def test_sizes(folder, capsys, said, meant):
    found = report(capsys, "ingest", folder, "--max-file-size", said)
    assert found["chosen"] == {"docs": {"max_file_size": meant}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "docs", "--max-file-size", "10X"], "'10X': write a size like"),
        (["ingest", "docs", "--max-file-size", "-1"], "'-1': write a size like"),
        (["ingest", "docs", "--include", ""], "invalid pattern '': expected one as in .gitignore"),
        (["ingest", "docs", "--include", "*", "--as-usual"], "--as-usual cannot be used with"),
        (["ingest", "-", "docs"], "goes with no other path"),
        (["ingest", "docs", "--name", "x"], "give - as the path"),
        (["ingest", "-", "--dry-run"], "--dry-run is for files and folders"),
        (["ingest", "docs", "--verbose"], "--verbose for --dry-run"),
        (["watch"], "Missing argument"),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(folder, capsys, arguments, said):
    code, out, err = here(capsys, *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not Path("memory.crystal").exists()


def test_standard_input_through_a_real_pipe(folder, tmp_path):
    def pipe(text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [*CRYSTAL, "-q", "ingest", "-", *arguments]
        return subprocess.run(command, input=text, capture_output=True, env=dict(os.environ), timeout=GUARD)

    made = pipe(b"The meeting chose gamma.\n", "--name", "minutes.txt", "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["read"] == 1
    assert b"nothing new" in pipe(b"The meeting chose gamma.\n", "--name", "minutes.txt").stdout
    assert json.loads(pipe(b"The meeting chose delta.\n", "--name", "minutes.txt", "--json").stdout)["read"] == 1
    recalled = subprocess.run([*CRYSTAL, "-q", "recall", "meeting"], capture_output=True, text=True, timeout=GUARD)
    assert "minutes.txt:1" in recalled.stdout
    assert "gamma" not in recalled.stdout
    unnamed = pipe(b"No name was given.\n", "--json")
    assert json.loads(unnamed.stdout)["crystal"]["documents"] == 2
    for text, arguments, code, said in (
        (b"", (), 3, b"nothing to read in standard input: empty"),
        (b"x" * 11, ("--max-file-size", "10"), 3, b"standard input is longer than 10 bytes"),
        (b"x", ("--name", "../x"), 2, b"invalid document name"),
    ):
        failed = pipe(text, *arguments)
        assert (failed.returncode, failed.stdout) == (code, b"")
        assert said in failed.stderr
        assert failed.stderr.count(b"\n") == 1


def test_nothing_in_standard_input_leaves_no_crystal(folder):
    failed = subprocess.run([*CRYSTAL, "ingest", "-"], input=b"", capture_output=True, timeout=GUARD)
    assert failed.returncode == 3
    assert not list(Path().glob("*.crystal*"))


def test_a_dry_run_says_what_would_be_read_and_makes_nothing(folder, capsys):
    code, out, _ = here(capsys, "ingest", folder, "--dry-run", "--verbose", "--exclude", "*.log")
    assert code == 0
    assert "a.md  (markdown, 19 B)" in out
    assert "uv.lock  (not: lock file)" in out
    assert "b.log" not in out
    assert "without layers" in out
    assert not list(Path().glob("*.crystal*"))
    found = report(capsys, "ingest", folder, "--dry-run")
    assert found["dry_run"] is True
    assert found["files"] == [
        {"path": "a.md", "kind": "markdown", "size": 19},
        {"path": "b.log", "kind": "text", "size": 1900},
    ]
    assert found["skipped"] == [{"path": "uv.lock", "reason": "lock file", "code": "lock_file"}]
    assert found["kinds"]["text"]["tokens"] > found["kinds"]["markdown"]["tokens"] > 0
    report(capsys, "ingest", folder)
    assert report(capsys, "ingest", folder, "--dry-run")["unchanged"] == 2


def test_thousands_of_images_take_one_line():
    skipped = [SkippedFile(f"{number}.png", "image", Reason.IMAGE) for number in range(3000)] + [
        SkippedFile("a.bin", "binary file", Reason.NOT_TEXT),
        SkippedFile("x.lock", "lock file", Reason.LOCK_FILE),
    ]
    assert skipped_lines(skipped) == ["a.bin: binary file", "3,000 image, 1 lock file"]
    many = skipped_lines([SkippedFile(f"{number}.bin", "binary file", Reason.NOT_TEXT) for number in range(100)])
    assert many[-1] == "and 88 more: crystal inspect --documents"


def test_predictions_are_said_as_roughly_as_they_are_known():
    assert [round_to_two_figures(number) for number in (0, 7, 99, 123, 98765, 1_449_000)] == [
        0,
        7,
        99,
        120,
        99000,
        1_400_000,
    ]
    assert [format_duration(seconds) for seconds in (0.2, 40.4, 300, 30_000)] == ["1 s", "40 s", "5 min", "8.3 h"]
