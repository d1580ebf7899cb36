"""`recall --explain` and `inspect --memory`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from support.waiting import GUARD

from crystalcli import Crystal, Passage, Place
from crystalcli.cli.app import run
from crystalcli.cli.render.recall_view import explanation_json, explanation_line

QUESTION = "Who keeps the ledger?"


def here(capsys, *arguments) -> tuple[int, str, str]:
    code = run([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def passage(score: float, **shares: float) -> Passage:
    return Passage(Place("a.txt", 0, 1, 1, 1), "x", score, best=(0, 1), shares=shares)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (passage(5.5, atom=2.25, bm25=3.25), "atom 2.250 + bm25 3.250 = 5.500"),
        (passage(1.0, atom=0.5, clusters=0.7, bm25=0.3), "clusters 0.700 + bm25 0.300 = 1.000; its atom 0.500"),
        (passage(0.6, atom=0.5, clusters=0.7, bm25=-0.1), "clusters 0.700 + bm25 -0.100 = 0.600; its atom 0.500"),
        (passage(7.25, bm25=7.25), "bm25 7.250"),
        (
            passage(9.0, clusters=0.7, bm25=0.3),
            "clusters 0.700 + bm25 0.300",
        ),  # a sum is not claimed where there is none
    ],
)
def test_a_line_adds_up_what_adds_up(found, wanted):
    assert explanation_line(found) == wanted


@pytest.mark.parametrize(
    ("depth", "layers"), [(1, ["atom", "bm25"]), (2, ["clusters", "bm25"]), (3, ["clusters", "units", "bm25"])]
)
def test_every_passage_says_what_each_layer_gave(samples_crystal, capsys, depth, layers):
    arguments = ("recall", QUESTION, "-k", 3, "--depth", depth, "-c", samples_crystal, "--no-rerank")
    code, out, _ = here(capsys, *arguments, "--explain", "--json")
    assert code == 0
    rows = json.loads(out)["passages"]
    assert len(rows) == 3
    for row in rows:
        explanation = row["explanation"]
        given = [name for name in explanation["added"] if name != "document"]
        # In code the mean over units stands for the best cluster.
        assert given == [name for name in layers if name != "clusters" or depth != 3 or not row["path"].endswith(".py")]
        assert sum(explanation["added"].values()) == pytest.approx(row["score"], abs=1e-4)
        assert list(explanation["chosen_by"]) == ([] if depth == 1 else ["atom"])
    code, out, _ = here(capsys, *arguments, "--explain")
    for row in rows:
        names = row["explanation"]["added"]
        terms = " + ".join(rf"{name} -?\d+\.\d{{3}}" for name in names).replace(" + ", r" \+ ")
        assert re.search(rf"^    {terms} = {row['score']:.3f}", out, re.MULTILINE)
    assert "explanation" not in here(capsys, *arguments, "--json")[1]
    assert " + " not in here(capsys, *arguments)[1]


def test_without_vectors_bm25_gives_everything(samples_crystal):
    with Crystal.open(samples_crystal, encoder=None) as crystal:
        (found,) = crystal.recall(QUESTION, 1)
    assert explanation_json(found) == {"added": {"bm25": round(found.score, 6)}, "chosen_by": {}}


def test_a_narrow_terminal_breaks_the_line(samples_crystal):
    import pexpect

    command = f"{sys.executable} -m crystalcli recall '{QUESTION}' -k 1 --explain -c {samples_crystal}"
    environment = {**os.environ, "COLUMNS": "32", "TERM": "xterm"}
    said = pexpect.run(command, env=environment, timeout=GUARD, encoding="utf-8")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said).splitlines()
    assert max(len(line) for line in plain if line.startswith("    ")) <= 32  # a path is not broken
    assert re.search(r"clusters -?\d\.\d{3} \+\s+units -?\d\.\d{3}", " ".join(each.strip() for each in plain))


def test_many_questions_are_not_explained(samples_crystal, tmp_path, capsys):
    (tmp_path / "q.jsonl").write_text('{"qid": 1, "question": "x"}\n')
    code, _, err = here(capsys, "recall", "--questions", tmp_path / "q.jsonl", "--explain", "-c", samples_crystal)
    assert (code, "--explain is for one question" in err) == (2, True)


def test_inspect_says_what_is_kept_in_memory(samples_crystal, capsys):
    code, out, _ = here(capsys, "inspect", "--memory", "--json", "-c", samples_crystal)
    assert code == 0
    found = json.loads(out)["memory"]
    grown = [part["bytes"] for part in found["parts"] if part["grows"]]
    assert found["grown"] == sum(grown) > 0
    assert found["grown_per_million_tokens"] == pytest.approx(1e6 * sum(grown) / found["tokens"])
    code, out, _ = here(capsys, "inspect", "--memory", "-c", samples_crystal)
    for part in found["parts"]:
        assert part["name"] in out
    assert "grows with the crystal" in out
    code, _, err = here(capsys, "inspect", "--memory", "--documents", "-c", samples_crystal)
    assert (code, "one of DOCUMENT" in err) == (2, True)


def test_a_cold_recall_never_imports_torch(samples_crystal):
    code = f"""
import sys
from crystalcli.cli.app import run
assert run(["recall", {QUESTION!r}, "-c", {str(samples_crystal)!r}]) == 0
assert "crystalcli.vectors.question_encoder" in sys.modules, "the encoder was not used"
sys.exit(repr({{"torch", "tiktoken", "pypdfium2"}} & sys.modules.keys()) if "torch" in sys.modules else 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ledger" in done.stdout
