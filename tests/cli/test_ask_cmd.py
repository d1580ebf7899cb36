"""`crystal ask` as programs and people use it: through pipes, in every form, stopped, and with a reader that goes away."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.chat_server import event, running, stream
from support.repository import ROOT
from support.waiting import GUARD, until

from crystalcli import Crystal
from crystalcli.answering import is_quotations
from crystalcli.answering.prompt.prompt_context import DEFAULT_BUDGET
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.cli.app import run
from crystalcli.cli.commands.ask.answer_screen import AnswerScreen
from crystalcli.datatypes import Answer, Citation, Place
from crystalcli.lm import ServerRefusedError

CRYSTAL = [sys.executable, "-m", "crystalcli"]
ENVIRONMENT = {**os.environ, "CRYSTAL_DEBUG": "0"}
HINT = "See `crystal ask --help`."
QUESTION = "In whose name did Mr Haddow bank the surplus dues?"


@pytest.fixture(autouse=True)
def _here(samples_crystal, language_model_path, monkeypatch):
    monkeypatch.setenv("CRYSTAL_FILE", str(samples_crystal))
    monkeypatch.setitem(ENVIRONMENT, "CRYSTAL_FILE", str(samples_crystal))


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run(["ask", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def piped(data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*CRYSTAL, "ask", *arguments], input=data, capture_output=True, env=ENVIRONMENT, timeout=GUARD
    )


class _Stdin:
    """Standard input as a pipe that holds some bytes."""

    def __init__(self, data: bytes) -> None:
        import io

        self.buffer = io.BytesIO(data)

    def isatty(self) -> bool:
        return False


# --- where the question comes from ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        QUESTION.encode(),
        b"\xef\xbb\xbf" + QUESTION.encode() + b"\r\n",
        b"\r\n  " + QUESTION.replace(" Haddow", "\r\nHaddow").encode() + b"\n\n",
    ],
    ids=["plain", "mark", "lines"],
)
def test_a_question_comes_through_a_pipe(capsys, monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", _Stdin(data))
    code, out, err = here(capsys, "-", "--extractive", "--json")
    assert (code, err) == (0, "")
    asked = json.loads(out)
    assert " ".join(asked["question"].split()) == QUESTION
    assert "\r" not in asked["question"]
    assert any("Haddow" in passage["text"] for passage in asked["passages"])


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "the question in standard input is empty"),
        (b" \r\n\t\n", "the question in standard input is empty"),
        (b"\xef\xbb\xbf", "the question in standard input is empty"),
        (b"\x7fELF\0\0\1\2 what", "the question in standard input is not text in UTF-8"),
        ("Wie heißt er?".encode("latin-1"), "the question in standard input is not text in UTF-8"),
        ("Who?".encode("utf-16"), "the question in standard input is not text in UTF-8"),
        (b"x" * 100_001, "the question in standard input has more than 100 kB"),
    ],
)
def test_what_is_no_question_is_said_in_one_line(capsys, monkeypatch, data, line):
    monkeypatch.setattr(sys, "stdin", _Stdin(data))
    assert here(capsys, "-", "--extractive") == (2, "", f"crystal: {line}. {HINT}\n")


def test_without_a_question_and_a_terminal_the_way_is_shown(capsys, monkeypatch):
    asked = piped(b"Who?\n")
    assert (asked.returncode, asked.stdout) == (2, b"")
    assert asked.stderr == f"crystal: give a question, or - to read it from standard input. {HINT}\n".encode()
    monkeypatch.setattr(sys, "stdin", None)
    assert here(capsys)[0] == 2
    closed = "standard input is closed: give the question as an argument"
    assert here(capsys, "-") == (2, "", f"crystal: {closed}. {HINT}\n")


# --- forms --------------------------------------------------------------------------------------------------------------


def test_json_has_the_keys_that_are_promised(capsys):
    code, out, _ = here(capsys, QUESTION, "--extractive", "--json")
    assert code == 0
    found = json.loads(out)
    assert out == json.dumps(found, indent=2) + "\n"
    answer = [
        "schema",
        "command",
        "question",
        "read_as",
        "answered",
        "verdict",
        "answer",
        "stopped",
        "failure",
        "model",
        "filter",
        "citations",
        "claims",
        "evidence",
        "passages",
        "changes",
        "portions",
        "tokens",
        "seconds",
        "layer_share",
    ]
    citation = [
        "number",
        "path",
        "source",
        "start",
        "end",
        "line_start",
        "line_end",
        "page_start",
        "page_end",
        "place",
        "chapter",
        "heading",
        "marks",
        "crystal",
        "date",
        "gone",
        "when",
        "confidence",
        "quote",
    ]
    passage = [
        *(
            "path",
            "source",
            "start",
            "end",
            "score",
            "line_start",
            "line_end",
            "page_start",
            "page_end",
            "place",
            "chapter",
            "heading",
            "marks",
            "crystal",
        ),
        *("logit", "gone", "date", "also", "best", "shares", "text"),
    ]
    packed = [
        "schema",
        "command",
        "question",
        "context",
        "system",
        "user",
        "passages",
        "tokens",
        "budget",
        "counted_by",
    ]
    assert list(found) == answer
    assert sorted(found["citations"][0]) == sorted(citation)
    assert sorted(found["passages"][0]) == sorted(passage)
    assert list(found["passages"][0]["best"]) == ["start", "end", "text"]
    assert list(found["seconds"]) == ["recall", "first", "total"]
    same = json.loads(here(capsys, QUESTION, "--extractive", "--format", "json")[1])
    assert {**same, "seconds": 0} == {**found, "seconds": 0}
    code, out, _ = here(capsys, QUESTION, "--context-only", "--json")
    context = json.loads(out)
    assert list(context) == packed
    assert sorted(context["passages"][0]) == sorted(["number", *passage])
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "JSON.md").read_text(encoding="utf-8")))
    assert documented >= {
        *answer,
        *citation,
        *passage,
        *packed,
        "recall",
        "first",
        "total",
        "context",
        "prompt",
        "answer",
    }


def test_a_failure_is_an_object_where_json_was_asked_for(capsys):
    for arguments, code in (
        (["x", "--json", "-c", "nowhere.crystal"], 3),
        (["", "--extractive", "--format", "json"], 2),
        (["x", "--format=json", "--model", "nowhere.gguf"], 6),
        (["x", "--json", "--no-such-option"], 2),
        (["x", "--json", "--format", "plain"], 2),
    ):
        got, out, err = here(capsys, *arguments)
        found = json.loads(out)
        assert (got, found["error"]["code"], found["schema"]) == (code, code, 1)
        assert err == f"crystal: {found['error']['message']}\n"
        assert list(found) == ["schema", "error"]
    got, out, _ = here(capsys, "--extractive", "-c", "nowhere.crystal", "--", "--json")
    assert (got, out) == (3, "")  # a question, and no option


def test_markdown_has_the_sources_as_a_list_of_quotes(capsys):
    code, out, _ = here(capsys, QUESTION, "--generate", "--format", "markdown", "--max-tokens", "24", "-k", "1")
    assert code == 0
    said, *rest = out.split("\n\n")
    assert said.strip()
    if re.match(r"In \S+, (Chapter .*, )?lines? [\d-]+: \\\[1\\\]", rest[0]):  # the source itself follows
        rest.pop(0)
    rest = rest[rest[0].startswith("*maybe: ") :]
    assert re.fullmatch(r"1\. `[\w/.-]+:\d+` Chapter \d.*", rest[0])
    assert rest[1].startswith("   > ")
    quoted = here(capsys, QUESTION, "--format", "markdown", "--extractive")[1]
    assert re.match(r"(maybe; the nearest:\n\n)?1\. `\S*samples/story/", quoted)
    assert 1 <= len(re.findall(r"^\d\. ", quoted, re.MULTILINE)) <= 3


def test_plain_text_shows_the_evidence_then_the_answer_and_nothing_twice(capsys):
    code, out, err = here(capsys, QUESTION, "--generate", "--max-tokens", "24")
    assert (code, err) == (0, "")
    evidence, said = re.fullmatch(r"((?:│ “[^\n]*”\n│ [^\n]*\n\n)+)(.*)\Z", out, re.DOTALL).groups()
    answer, sources = said.split("\n\n", 1)
    assert answer.strip()
    assert 1 <= evidence.count("│ “") <= 3
    places = re.findall(r"^│ (?!“)(.*)$", evidence, re.MULTILINE)
    for source, place in re.findall(r"^(\[\d\] (.*?)(?:, quoted above)?)$", sources, re.MULTILINE):
        # A sentence of what was quoted is not quoted again.
        files = {place.partition(":")[0] for place in places}
        assert place.partition(":")[0] in files or not source.endswith("quoted above")
    assert [line for line in sources.splitlines() if line.startswith("    “") and line in evidence] == []
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) > 100  # nothing is broken to the width of a terminal that is not there


def test_an_extractive_answer_is_its_sources(capsys):
    _, out, _ = here(capsys, QUESTION, "--extractive")
    sources = r"(\[\d\] \S+:\d+  Chapter .*  \d+% sure\n    “.*”\n){1,3}"
    assert re.fullmatch(r"(maybe; the nearest:\n)?" + sources, out)


# --- for other models -----------------------------------------------------------------------------------------------------


def test_the_context_alone(capsys, tmp_path, language_model_path):
    code, out, err = here(capsys, QUESTION, "--context-only", "--budget", "300")
    assert code == 0
    assert re.fullmatch(r"crystal: \d+ of 300 tokens, by the vocabulary of \S*SmolLM2\S*\n", err)
    assert re.match(r"\[1\] story/\S+, lines [\d-]+:\n", out)
    template = tmp_path / "template.txt"
    template.write_text("Frage: {question}\n{{}} {context}\n", encoding="utf-8")
    _, filled, _ = here(capsys, QUESTION, "--context-only", "--budget", "300", "--template", template)
    assert filled == f"Frage: {QUESTION}\n{{{{}}}} {out}"
    _, listed, _ = here(capsys, QUESTION, "--context-only", "--budget", "300", "--format", "markdown")
    assert re.match(r"1\. `\S*samples/story/", listed)
    assert "   > " in listed
    assert here(capsys, QUESTION, "--context-only", "--budget", "0")[0] == 2


def test_the_context_needs_no_language_model(tmp_path):
    alone = {**ENVIRONMENT, "CRYSTAL_MODELS": str(tmp_path), "CRYSTAL_OFFLINE": "1"}
    command = [*CRYSTAL, "ask", QUESTION, "--context-only", "--json"]
    asked = subprocess.run(command, capture_output=True, text=True, env=alone, timeout=GUARD)
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["counted_by"] is None
    assert re.search(rf"about \d+ of {DEFAULT_BUDGET} tokens, estimated: no model's vocabulary is here", asked.stderr)


def test_messages_from_files(capsys, tmp_path):
    (tmp_path / "system.txt").write_bytes(b"\xef\xbb\xbfYou are terse.\r\nVery.\r\n")
    _, out, _ = here(capsys, QUESTION, "--context-only", "--json", "--system", f"@{tmp_path}/system.txt")
    assert json.loads(out)["system"] == "You are terse.\nVery."
    _, out, _ = here(capsys, QUESTION, "--context-only", "--json", "--system", "")
    assert json.loads(out)["system"] is None
    (tmp_path / "no.txt").write_text("{context} only")
    (tmp_path / "bin").write_bytes(b"\0{context}{question}")
    for arguments, code, line in (
        (["--template", tmp_path / "no.txt"], 2, "the template does not say where {question} goes"),
        (["--template", tmp_path / "bin"], 2, "the file of --template is not text in UTF-8"),
        (["--template", tmp_path / "none"], 3, f"cannot read {tmp_path}/none: No such file or directory"),
        (["--system", f"@{tmp_path}"], 3, f"cannot read {tmp_path}: Is a directory"),
    ):
        hint = f". {HINT}" if code == 2 else ""
        assert here(capsys, QUESTION, *arguments) == (code, "", f"crystal: {line}{hint}\n")


# --- stopped ----------------------------------------------------------------------------------------------------------------


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """An answer that goes on for long."""
    template = tmp_path / "long.txt"
    template.write_text(
        "{context}\n\n{question} Write down the whole alphabet, one letter after the other, each with ten words that begin "
        "with it, and do not stop."
    )
    long = ["--system", "", "--template", str(template), "--max-tokens", "900", "--budget", "60", *arguments]
    command = [*CRYSTAL, "ask", "tides", *long]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)


def until_it_speaks(child: subprocess.Popen[bytes]) -> bytes:
    """What came up to some words of the answer."""
    assert child.stdout is not None
    got = b""
    while True:
        got += os.read(child.stdout.fileno(), 4096)
        said = [line for line in got.decode("utf-8", "ignore").split("\n") if line and not line.startswith("│")]
        if len(" ".join(said)) > 20:
            return got


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_said_and_shows_its_sources(tmp_path, number):
    child = start(tmp_path)
    got = until_it_speaks(child)
    child.send_signal(number)
    rest, err = child.communicate(timeout=GUARD)
    assert child.returncode == 130
    assert err.decode().strip() == "crystal: stopped"
    assert re.search(r"\n\n\[1\] ", (got + rest).decode())


def test_ctrl_c_before_the_first_word_leaves_the_evidence(tmp_path):
    for _ in range(3):  # on a busy machine the first word may come before the signal
        child = start(tmp_path)
        assert child.stdout is not None
        got = os.read(child.stdout.fileno(), 4096)
        child.send_signal(signal.SIGINT)
        rest, err = child.communicate(timeout=GUARD)
        assert (child.returncode, err.decode().strip()) == (130, "crystal: stopped")
        assert (got + rest).decode().startswith("│ ")
        if "[1]" not in (got + rest).decode():
            return
    raise AssertionError("each time the answer had begun")


def test_ctrl_c_while_the_model_loads_leaves_an_object(tmp_path):
    child = start(tmp_path, "--json")
    until(lambda: "libtorch" in Path(f"/proc/{child.pid}/maps").read_text())
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=GUARD)
    assert (child.returncode, err.decode().strip()) == (130, "crystal: stopped")
    found = json.loads(out)
    assert found.get("stopped") or found["error"] == {"code": 130, "message": "stopped"}


BREAKS = stream(event("He banked it as Alfred"), event(" Moss. And then"), event(" he"), whole=False)


def test_a_server_that_breaks_off_keeps_what_it_said_with_its_sources(capsys):
    with running() as server:
        server.say(BREAKS)
        code, out, err = here(capsys, QUESTION, "--model", server.url)
        assert (code, err.splitlines()[-1]) == (
            1,
            f"crystal: {server.url}/chat/completions broke off in the middle of its answer",
        )
        assert re.search(r"\n\nHe banked it as Alfred Moss\. ?\[.+\] And then he\n\nmaybe: [^\n]*\n\n\[1\] ", out)
        code, out, _ = here(capsys, QUESTION, "--model", server.url, "--json")
        found = json.loads(out)
        assert (code, found["stopped"], found["tokens"]["answer"] > 3) == (1, True, True)
        assert found["failure"].endswith("broke off in the middle of its answer")
        assert [each["text"] for each in found["claims"]] == ["He banked it as Alfred Moss.", "And then he"]
        code, out, _ = here(capsys, "What is this story about?", "--model", server.url, "--json")
        found = json.loads(out)
        assert (code, found["stopped"]) == (1, True)
        assert found["answer"].startswith("29 documents, in 9 parts:")  # half a sentence is not borne out
        code, out, _ = here(capsys, QUESTION, "--model", server.url, "--json", "--strict")
        assert (code, json.loads(out)["stopped"]) == (1, True)
        for nothing in (stream(whole=False), (500, {"error": {"message": "no memory"}})):
            server.say(nothing)
            for question in (QUESTION, "What is this story about?"):
                code, out, _ = here(capsys, question, "--model", server.url, "--json")
                assert (code, list(json.loads(out))) == (1, ["schema", "error"])


def test_an_answer_can_be_copied_whatever_ended_it(samples_crystal):
    with running() as server, Crystal.open(samples_crystal) as crystal:
        server.say(stream(event("It"), event(" is"), b'data: {"error": {"message": "gone"}}\n\n'))
        answer = crystal.ask(QUESTION, AskOptions(stoppable=True), model=server.url)
        assert str(copy.deepcopy(answer).failure) == str(answer.failure) != "None"
    refused = ServerRefusedError("no", 500, "why")
    assert vars(pickle.loads(pickle.dumps(refused))) == vars(refused)


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    child = start(tmp_path)
    until_it_speaks(child)
    assert child.stdout is not None and child.stderr is not None
    child.stdout.close()
    assert child.stderr.read() == b""
    assert child.wait(60) == 0
    for form in ("plain", "json", "markdown"):
        command = f"{' '.join(CRYSTAL)} ask --extractive --format {form} ledgers | head -n 1"
        result = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, env=ENVIRONMENT
        )
        assert (result.returncode, result.stderr) == (0, "")
        assert result.stdout.count("\n") == 1
    command = f"{' '.join(CRYSTAL)} ask --json -c nowhere x | true"
    assert (
        subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=ENVIRONMENT).stderr.count("\n") == 1
    )


def answered(text: str, *quotes: str) -> Answer:
    cited = tuple(
        Citation(number, Place("a.txt", 0, 9, number, number), quote) for number, quote in enumerate(quotes, 1)
    )
    return Answer("?", text, cited, (), model="m")


@pytest.mark.parametrize(
    ("answer", "whether"),
    [
        (answered("“a b” [1]\n“c” [2]", "a\n b", "c"), True),
        (answered(""), True),
        (answered("“a” [1] and so “c” [2]", "a", "c"), False),
        (answered("“a” [1]\n“c” [2]", "a"), False),
        (answered("not here", "a"), False),
    ],
)
def test_an_answer_that_is_more_than_its_quotations_is_shown(capsys, answer, whether):
    assert is_quotations(answer) == whether
    AnswerScreen().finish(answer)
    out = capsys.readouterr().out
    assert out.startswith(answer.text + "\n\n") != whether
    assert out.count("[1] a.txt:1\n") == bool(answer.citations)
    assert out.count("“a") <= 1
