"""Follow-ups: how well questions that lean on those before them are seen, rewritten and answered.

    python benchmarks/followups.py DATA [--half test|dev] [--part seen|kept|recall ...]
                                   [--model NAME] [--sample N] [--keep FOLDER] [--json FILE]

DATA is the folder of evaluation sets. Conversations are split in two by the digest of their name;
the rules were made on the half "dev". Each question is asked after those before it, which are
understood as the prompt would have understood them, one after the other.

seen: precision and recall of "this question needs the ones before" (cast_followups: rewritten by
people; mtrag_followups: rewritten by a model), and how many questions that stand alone are taken
for follow-ups: the people's own rewritings, and the questions of other sets one after the other.
kept: the share of the rewriting's content words that are there, and word F1 with it, over the
questions that were rewritten: as asked, rewritten by rule, behind the last question, behind all
questions. recall: the share of a question's passages among the first 5 and 10 recalled (mtragun),
of these four; and of questions that stand alone, asked after another conversation. --model adds
rewritings by a language model over N questions of each set whose topic the rules leave in brackets,
with the seconds that they take and the share that the guard lets through. --keep keeps the crystal
and what was recalled between runs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from answer_scores import f1, interval, paired
from answer_sets import rows
from common import machine, write_json
from followup_model import rewrite_by_model

from crystalcli import Crystal, Turn, open_model
from crystalcli.answering import understand_question
from crystalcli.answering.conversation.rule_rewrite import split_topic
from crystalcli.datatypes import ChatModel
from crystalcli.lexical import query_terms

SETS = ("cast_followups", "mtrag_followups")
ALONE = ("people/questions", "retrieval/nq_passages", "retrieval/medquad", "conversation/locomo", "qa/fairytaleqa")
MOST_ALONE = 300  # questions of a set
DEEP = (5, 10)  # passages
LONGEST = 1_500  # characters of a question


class Replay:
    """Conversations as the prompt would have understood them."""

    def __init__(self) -> None:
        self._understood: dict[tuple[str, ...], str] = {}

    def turns(self, row: dict[str, Any]) -> list[Turn]:
        """Give the turns before a question."""
        turns: list[Turn] = []
        asked: tuple[str, ...] = ()
        for message in row["history"]:
            asked = (*asked, message["text"])
            if message["role"] == "user":
                if asked not in self._understood:
                    self._understood[asked] = understand_question(message["text"], turns)
                turns.append(Turn(message["text"], self._understood[asked]))
            elif turns:
                last = turns.pop()
                turns.append(Turn(last.question, last.read_as, f"{last.answer} {message['text']}".strip()))
        return turns


def read_half(data: Path, name: str, half: str) -> list[dict[str, Any]]:
    """Read the questions of one half of the conversations."""
    found = rows(data, f"conversation/{name}.queries.jsonl")
    return [row for row in found if _half(row.get("conversation") or row["qid"].rsplit(":", 1)[0]) == half]


def _half(conversation: str) -> str:
    return "dev" if int(hashlib.sha256(conversation.encode()).hexdigest(), 16) % 2 == 0 else "test"


# --- seen ---------------------------------------------------------------------------------------


def measure_seen(data: Path, half: str) -> dict[str, Any]:
    """Measure how well follow-ups are told from questions that stand alone."""
    replay, result = Replay(), {}
    for name in SETS:
        pairs, alone = [], []
        for row in read_half(data, name, half):
            if turns := replay.turns(row):
                needs = bool(row["rewrite_differs"])
                pairs.append((understand_question(row["question"], turns) != row["question"], needs))
                if needs:
                    alone.append(understand_question(row["rewrite"], turns) != row["rewrite"])
        hits = sum(seen and needs for seen, needs in pairs)
        result[name] = {
            "questions": len(pairs),
            "need it": sum(needs for _, needs in pairs),
            "precision": hits / max(1, sum(seen for seen, _ in pairs)),
            "recall": hits / max(1, sum(needs for _, needs in pairs)),
            "rewritings taken for follow-ups": sum(alone) / max(1, len(alone)),
        }
    for name in ALONE:
        questions = [row["question"] for row in rows(data, f"{name}.{'' if 'people' in name else 'queries.'}jsonl")]
        random.Random(1).shuffle(questions)
        follow = [
            understand_question(question, [Turn(last, last)]) != question
            for last, question in pairwise(questions[: MOST_ALONE + 1])
        ]
        result[name] = {"questions": len(follow), "taken for follow-ups": sum(follow) / len(follow)}
    return result


# --- kept ---------------------------------------------------------------------------------------


def forms(row: dict[str, Any], turns: Sequence[Turn]) -> dict[str, str]:
    """Give the forms of a question that are compared."""
    question = row["question"]
    return {
        "as asked": question,
        "by rule": understand_question(question, turns),
        "behind the last": f"{turns[-1].question} {question}",
        "behind all": " ".join([*(turn.question for turn in turns), question])[-LONGEST:],
    }


def measure_kept(data: Path, half: str, models: Sequence[ChatModel], sample: int) -> dict[str, Any]:
    """Measure what of the rewritings is kept."""
    result = {}
    for name in SETS:
        replay = Replay()
        asked = [row for row in read_half(data, name, half) if row["history"] and row["rewrite_differs"]]
        result[name] = _kept([(row, forms(row, replay.turns(row))) for row in asked])
        few = _in_brackets(asked, replay, sample)
        for model in models:
            cases, told = _by_model(few, model)
            result[f"{name}, {len(few)} with {model.name}"] = _kept(cases) | told
    return result


def _in_brackets(asked: list[dict[str, Any]], replay: Replay, sample: int) -> list[tuple[dict[str, Any], list[Turn]]]:
    """Draw questions whose topic the rules leave in brackets, which a model is asked about."""
    random.Random(1).shuffle(asked)
    drawn = ((row, replay.turns(row)) for row in asked)
    few = ((row, turns) for row, turns in drawn if split_topic(understand_question(row["question"], turns))[1])
    return list(islice(few, sample))


def _kept(cases: Sequence[tuple[dict[str, Any], dict[str, str]]]) -> dict[str, Any]:
    shares, scores = defaultdict(list), defaultdict(list)
    for row, texts in cases:
        wanted = set(query_terms(row["rewrite"]))
        for form, text in texts.items():
            shares[form].append(len(wanted & set(query_terms(text))) / max(1, len(wanted)))
            scores[form].append(f1(text, [row["rewrite"]]))
    return {"questions": len(cases)} | {
        form: {"kept": _mean(shares[form]), "kept interval": interval(shares[form]), "f1": _mean(scores[form])}
        for form in shares
    }


def _by_model(
    cases: Sequence[tuple[dict[str, Any], list[Turn]]], model: ChatModel
) -> tuple[list[tuple[dict[str, Any], dict[str, str]]], dict[str, float]]:
    """Let a model put the topic into the sentence; where its guard says no, the rule's stays."""
    found, seconds, passed = [], [], []
    for row, turns in cases:
        texts = forms(row, turns)
        began = time.perf_counter()
        rewriting = rewrite_by_model(texts["by rule"], row["question"], turns, model)
        seconds.append(time.perf_counter() - began)
        passed.append(rewriting is not None)
        texts["by model"] = rewriting or texts["by rule"]
        found.append((row, texts))
    return found, {"guard": _mean(passed), "seconds": _mean(seconds)}


# --- recall ---------------------------------------------------------------------------------------


class Pool:
    """The passages of mtragun as a crystal."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._cache = folder / "recalled.json"
        self._known: dict[str, list[str]] = json.loads(self._cache.read_text()) if self._cache.exists() else {}
        path = folder / "mtragun.crystal"
        if not path.exists():
            files = folder / "files"
            files.mkdir(exist_ok=True)
            for row in rows(data, "conversation/mtragun.docs.jsonl"):
                (files / f"{_name(row['doc_id'])}.txt").write_text(row["text"], encoding="utf-8")
            with Crystal(path) as crystal:
                crystal.ingest([files])
        self._crystal = Crystal.open(path)

    def recall(self, question: str) -> list[str]:
        """Give the names of the documents recalled, best first, each once."""
        if question not in self._known:
            passages = self._crystal.recall(question, max(DEEP) + 2).passages
            self._known[question] = list(dict.fromkeys(Path(passage.path).stem for passage in passages))
            self._cache.write_text(json.dumps(self._known))
        return self._known[question]


def _name(doc_id: str) -> str:
    return doc_id.replace(":", "_").replace("/", "_")


def measure_recall(data: Path, half: str, folder: Path, models: Sequence[ChatModel], sample: int) -> dict[str, Any]:
    """Measure the recall of passages for questions in conversations."""
    pool, replay = Pool(data, folder), Replay()
    asked = [row for row in read_half(data, "mtragun", half) if row["history"] and row["evidence"]]
    cases = [(row, forms(row, replay.turns(row))) for row in asked]
    result = dict(_recalled(pool, cases))
    result["after another conversation"] = dict(_recalled(pool, list(_displaced(asked, replay))))["all"]
    drawn = _in_brackets(asked, replay, sample)
    for model in models:
        few, told = _by_model(drawn, model)
        result[f"{len(few)} with {model.name}"] = dict(_recalled(pool, few))["all"] | told
    return result


def _displaced(asked: list[dict[str, Any]], replay: Replay) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Give the questions that stand alone by the rules, after the turns of another conversation."""
    alone = [row for row in asked if understand_question(row["question"], replay.turns(row)) == row["question"]]
    for row, other in zip(alone, [*alone[1:], *alone[:1]], strict=True):
        texts = forms(row, replay.turns(other))
        yield row, {form: texts[form] for form in ("as asked", "by rule", "behind the last")}


def _recalled(pool: Pool, cases: Sequence[tuple[dict[str, Any], dict[str, str]]]) -> Iterator[tuple[str, Any]]:
    """Give the recall of each form, over all questions and over those that the rule rewrites."""
    for group in ("all", "rewritten"):
        some = [(row, texts) for row, texts in cases if group == "all" or texts["by rule"] != texts["as asked"]]
        shares: dict[tuple[str, int], list[float]] = defaultdict(list)
        for row, texts in some:
            gold = {_name(each["doc_id"]) for each in row["evidence"]}
            for form, text in texts.items():
                found = pool.recall(text)
                for k in DEEP:
                    shares[form, k].append(len(gold.intersection(found[:k])) / min(k, len(gold)))
        figures: dict[str, Any] = {"questions": len(some)}
        for form in dict.fromkeys(form for form, _ in shares):
            figures[form] = {f"recall{k}": _mean(shares[form, k]) for k in DEEP}
            if form != "as asked":
                difference = paired(shares[form, DEEP[0]], shares["as asked", DEEP[0]])
                figures[form]["more5"] = [difference["difference_low"], difference["difference_high"]]
        yield group, figures


def _mean(values: Sequence[float | bool]) -> float:
    return sum(values) / max(1, len(values))


# --- output -------------------------------------------------------------------------------------


def show(figures: dict[str, Any], indent: int = 0) -> None:
    """Print figures, a line for each group."""
    plain = {key: value for key, value in figures.items() if not isinstance(value, dict)}
    if plain:
        print("  " * indent + ", ".join(f"{key} {_form(value)}" for key, value in plain.items()))
    for key, value in figures.items():
        if isinstance(value, dict):
            if all(not isinstance(inner, dict) for inner in value.values()):
                print("  " * indent + f"{key:18} " + ", ".join(f"{k} {_form(v)}" for k, v in value.items()))
            else:
                print("  " * indent + key)
                show(value, indent + 1)


def _form(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{value[0]:+.3f} to {value[1]:+.3f}]"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--half", choices=("test", "dev"), default="test")
    parser.add_argument("--part", choices=("seen", "kept", "recall"), nargs="+", default=["seen", "kept", "recall"])
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--sample", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    models = [open_model(name) for name in arguments.model]
    result: dict[str, Any] = {"half": arguments.half}
    print(machine())
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if "seen" in arguments.part:
            result["seen"] = measure_seen(arguments.data, arguments.half)
        if "kept" in arguments.part:
            result["kept"] = measure_kept(arguments.data, arguments.half, models, arguments.sample)
        if "recall" in arguments.part:
            result["recall"] = measure_recall(arguments.data, arguments.half, folder, models, arguments.sample)
    show(result)
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
