"""Help, versions, second names, and advice on command lines that are wrong."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from crystalcli.cli.app import app, run
from crystalcli.cli.parsing.command_page import PANELS, CommandPage, walk_commands
from crystalcli.cli.parsing.help_text import render_help
from crystalcli.cli.reference import generated_files, main

ROOT = Path(__file__).parents[2]
GROUP = typer.main.get_command(app)
PAGES = list(walk_commands(GROUP, "crystal"))


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(argument) for argument in arguments])
    texts = capsys.readouterr()
    return code, texts.out, texts.err


def words(text: str) -> list[str]:
    return re.findall(r"\S+", text.replace("\\\n", " "))


def test_help_is_grouped(capsys):
    code, out, err = here(capsys, "--help")
    assert (code, err) == (0, "")
    titles = re.findall(r"^(\w[\w ]*):$", out, re.MULTILINE)
    assert titles == [*PANELS, "Options", "Examples"]
    for page in PAGES[1:]:
        if page.path.count(" ") == 1:
            assert page.summary in " ".join(words(out))
    assert here(capsys) == (0, out, "")
    assert here(capsys, "-h") == here(capsys, "help") == (0, out, "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_help_is_cut_at_any_width(page: CommandPage, columns):
    text = render_help(page, columns)
    shown = words(text)
    for part in (page.usage, *page.paragraphs, *(word for row in page.options for word in row)):
        assert " ".join(words(part)) in " ".join(shown)
    assert "…" not in text.replace("message", "")
    longest = max((len(line) for line in text.splitlines() if " " in line.strip()), default=0)
    assert longest <= 100
    if columns >= 80:
        assert longest <= columns


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_each_command_has_a_sentence_and_three_examples(page: CommandPage):
    assert re.match(r"[A-Z][a-z]+ .*\.$", page.summary), "verb and object"
    assert not re.match(r"(What|Whether|Which|Where|How|When)\b", page.summary)
    assert len(page.examples) == 3
    for example in page.examples:
        assert example.purpose.endswith(".")
        assert "crystal" in example.line
    for declaration, text in page.options:
        assert text.endswith("."), declaration


@pytest.mark.parametrize("line", [example.line for page in PAGES for example in page.examples])
def test_each_example_is_a_command_line_that_parses(line):
    for command in re.split(r"&&|\|\||\||;", line):
        parts = shlex.split(command.partition(">>")[0])
        while parts and re.fullmatch(r"[A-Z_]+=.*", parts[0]):
            parts = parts[1:]
        if parts[:1] != ["crystal"]:
            continue
        command, context, rest = GROUP, GROUP.make_context("crystal", ["-q"], resilient_parsing=True), parts[1:]
        while hasattr(command, "commands") and rest:
            name, command, rest = command.resolve_command(context, rest)
            rest = ["a.crystal", "b.crystal", *rest[1:]] if rest[:1] == ["*.crystal"] else rest
            if not hasattr(command, "commands"):
                command.make_context(name, rest, parent=context)
            else:
                context = command.make_context(name, rest[:1], parent=context, resilient_parsing=True)


def test_help_of_a_command_by_its_name(capsys):
    for names in (["ask"], ["models", "add"], ["models"]):
        code, out, err = here(capsys, "help", *names)
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: crystal {' '.join(names)} [OPTIONS]")
        assert out == here(capsys, *names, "--help")[1]
    assert here(capsys, "help", "search")[1] == here(capsys, "recall", "-h")[1]
    assert here(capsys, "help", "list")[1] == here(capsys, "inspect", "-h")[1]
    code, _, err = here(capsys, "help", "asq")
    assert (code, "did you mean 'ask'?" in err) == (2, True)


def test_version(capsys):
    code, out, _ = here(capsys, "-V")
    assert code == 0
    assert re.fullmatch(r"crystal \d+\.\d+\.\d+\n", out)
    assert here(capsys, "--version")[1] == out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["insepct"], "'insepct' is not a command; did you mean 'inspect'? See `crystal --help`."),
        (["serch", "x"], "did you mean 'search'?"),
        (["models", "pul"], "did you mean 'pull'? See `crystal models --help`."),
        (["zzz"], "'zzz' is not a command. See `crystal --help`."),
        (["who keeps the ledgers"], "'who keeps the ledgers' is not a command; to ask it: crystal ask 'who keeps"),
        (["ask", "--nonsense"], "--nonsense"),
        (["recall"], "give one question, or --questions FILE. See `crystal recall --help`."),
        (["recall", "x", "-k", "many"], "See `crystal recall --help`."),
        (["ask", "x", "--half-life", "soon"], "invalid --half-life 'soon': expected a number of days, or off. See"),
        (["ingest"], "PATH"),
        (["models", "add"], "See `crystal models add --help`."),
        (["export"], "give a folder to write to, or --jsonl FILE. See `crystal export --help`."),
        (["merge", "a.crystal"], "See `crystal merge --help`."),
        (["-q"], "See `crystal --help`."),
    ],
)
def test_wrong_usage_points_to_the_help(capsys, samples_crystal, monkeypatch, arguments, message):
    monkeypatch.setenv("CRYSTAL_FILE", str(samples_crystal))
    code, out, err = here(capsys, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert re.search(r"See `crystal( [a-z]+)* --help`\.\n$", err)


def test_an_unquoted_question_is_joined(capsys, samples_crystal, encoder_folder):
    arguments = ("-c", samples_crystal, "--json")
    for command in ("recall", "search"):
        _, quoted, _ = here(capsys, command, "who keeps the ledgers", "-k", "2", *arguments)
        assert here(capsys, command, "who", "keeps", "-k", "2", "the", "ledgers", *arguments)[1] == quoted
    _, out, _ = here(capsys, "ask", "who", "keeps", "the", "ledgers", "--context-only", "--json", "-c", samples_crystal)
    assert '"question": "who keeps the ledgers"' in out


def test_list_lists_the_documents(capsys, samples_crystal):
    code, out, _ = here(capsys, "list", "-c", samples_crystal)
    assert (code, out) == here(capsys, "inspect", "--documents", "-c", samples_crystal)[:2]
    assert "handbook.pdf" in out


def test_man_pages_and_the_document_of_commands_are_what_the_program_says():
    assert main([str(ROOT), "--check"]) == 0
    assert {name for name in generated_files() if name.endswith(".1")} == {
        f"man/{page.path.replace(' ', '-')}.1" for page in PAGES
    }


def test_files_that_are_old_or_left_over_are_named(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    assert main([str(tmp_path), "--check"]) == 0
    (tmp_path / "man" / "crystal-old.1").write_text("old")
    (tmp_path / "docs" / "COMMANDS.md").unlink()
    assert main([str(tmp_path), "--check"]) == 1
    assert "docs/COMMANDS.md, man/crystal-old.1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"numpy", "torch", "rich", "sqlite3", "pydantic", "click", "markdown_it"}),
        (["help", "ask"], {"numpy", "torch", "rich", "sqlite3", "pydantic", "click", "markdown_it"}),
        (["--version"], {"numpy", "torch", "rich", "sqlite3", "pydantic", "click", "crystalcli.cli.commands.ask"}),
    ],
)
def test_help_imports_nothing_heavy(arguments, absent):
    code = f"import sys; from crystalcli.cli.app import run; run({arguments!r})"
    code += f"; sys.stderr.write(repr({absent!r} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr == "set()"


def test_a_command_loads_no_other_command():
    code = (
        "import sys; from crystalcli.cli.app import run; run(['recall', 'x', '-c', 'nowhere.crystal']); "
        "print([name for name in sys.modules if name.startswith('crystalcli.cli.commands.')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "['crystalcli.cli.commands.recall_cmd']"


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_help_in_a_pipe_is_plain_text(columns):
    environment = {**os.environ, "COLUMNS": columns, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "crystalcli", "ingest", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (result.returncode, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= min(int(columns), 100)
