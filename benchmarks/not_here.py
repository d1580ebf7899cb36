"""Abstention: how often a crystal knows that it does not hold the answer.

    python benchmarks/not_here.py POOL --crystal FILE [--data DATA] [--repo NAME=FILE...]
                                  [--filing NAME=FILE...] [--limit N] [--keep FILE]
                                  [--json results/not_here.json]

POOL holds `files/` and `questions.jsonl`, as for `recall.py`; FILE is a crystal of POOL/files. Each
question is asked of crystals with its document and of the same crystals without it: the whole pool,
the files of its set alone, and some twenty files of its set. A document that is left out does not
count in the idf. If an article has several files with one title (medquad, xquad_en, nq_passages),
all are left out. If the recalled text still holds a known answer, another document answers the
question, and it does not count.

--data: the folder of evaluation sets; LoCoMo's unanswerable questions, and sets whose documents are
not in the pool, are asked of the pool. --repo: a crystal of a repository; it is asked SWE-QA's
questions about it and about others, and some of the pool's. --filing: a crystal of a filing; it is
asked FinanceBench's questions about it and about others. --keep: a file that keeps the features
between runs.

Prints, for each set, the result of the weights fitted to all other sets, with the floor at the
wanted share of those sets' answerable questions, and its whole curve; then the weights fitted to
all sets. Answered: of the answerable questions. Recalled: of the answerable ones whose evidence was
recalled. False: of the unanswerable ones. All sets have the same weight, and so have all kinds of
crystal. LoCoMo's unanswerable questions and foreign ones are not used for fitting.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from answer_scores import contains
from common import machine, write_json
from floor_weights import CODE, PAGES, RERANKED, USED, Row, fitted, for_fit, logit

from crystalcli import Crystal
from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.evidence.answerability import AnswerSigns, answer_signs
from crystalcli.answering.evidence.speaker_match import speaker_match
from crystalcli.lexical import bm25
from crystalcli.recall.passages import PassageBuilder
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.rerank import RERANK_DEPTH, rerank_passages
from crystalcli.recall.searcher import Searcher, _token_weights
from crystalcli.storage.tables.runs import runs_of_all

# Files of a small crystal; of all other sets 20.
FEW = {"fairytaleqa": 5, "covidqa": 5, "locomo": 2}
# Sets whose files begin with the title of their article.
ARTICLES = ("medquad", "xquad_en", "nq_passages")
SHORTEST = 4  # characters of a known answer that is unlikely to occur by chance
FOREIGN = (
    "qa/leval_tpo", "qa/leval_quality", "qa/leval_scientific_qa", "qa/bamboo_meetingqa_4k",
    "retrieval/cranfield", "pdf/financebench",
)  # fmt: skip
# Passages are recalled with and without the documents left out: each is read once.
sentence_ranking._states = lru_cache(maxsize=4096)(sentence_ranking._states)


# --- asking ---------------------------------------------------------------------------------------


class RememberingReranker:
    """The reranker of a crystal, which reads a passage once for a question."""

    def __init__(self, crystal: Crystal) -> None:
        self._reranker = crystal.reranker()
        self._question, self._logits = "", {}

    def logits(self, question: str, texts: Sequence[str]) -> Any:
        """Score texts for a question, float32 [texts]."""
        if question != self._question:
            self._question, self._logits = question, {}
        new = [text for text in dict.fromkeys(texts) if text not in self._logits]
        if new:
            self._logits.update(zip(new, self._reranker.logits(question, new).tolist(), strict=True))
        return np.array([self._logits[text] for text in texts], np.float32)


class Partly:
    """A crystal without some of its atoms, as if they had never been ingested."""

    def __init__(self, crystal: Crystal) -> None:
        self.crystal = crystal
        self.shelf = crystal.shelf
        self.recallers = {True: crystal.searcher(), False: Searcher(self.shelf, None, None)}
        self.reranker = RememberingReranker(crystal)
        self.sources = {source.path: source.id for source in crystal._store.sources() if source.chunks}
        self.runs: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for source, first, count in runs_of_all(crystal._store, list(self.sources.values())):
            self.runs[source].append((first, count))

    def mask(self, paths: Sequence[str]) -> Any:
        """Return the atoms of the documents at `paths`, bool [atoms]."""
        chosen, firsts = np.zeros(self.shelf.atoms, bool), self.shelf.nesting.atoms
        for path in paths:
            for first, count in self.runs[self.sources[path]]:
                chosen[firsts[first] : firsts[first + count]] = True
        return chosen

    def prepare(self, question: str) -> tuple[PreparedQuery, list[int], dict[str, list[Any]]]:
        """Prepare a question: everything that does not depend on the atoms left out."""
        self.shelf.dead = None
        recaller = self.recallers[True]
        query = recaller.prepare(question)
        assert recaller._encoder is not None
        ends = recaller._encoder.tokens(question)[1][:254].tolist()
        atoms = {
            term: [np.concatenate([piece.atoms for piece in part.pieces()]) for part in parts]
            for term, parts in query.postings.items()
        }
        return query, ends, atoms

    def ask(
        self,
        prepared: tuple[PreparedQuery, list[int], dict[str, list[Any]]],
        dead: Any,
        full: bool,
        gold: Any,
        answers: Sequence[str] = (),
    ) -> tuple[Any, ...]:
        """Recall five passages without the atoms `dead`.

        Returns:
            Whether the first is code, whether gold or one of `answers` is in them, the number of
            living atoms, and the features; () if nothing is recalled.
        """
        query, ends, atoms = prepared
        alive = int((~dead).sum())
        idf = {
            term: bm25.idf(sum(int((~dead[some]).sum()) for some in parts), max(1, alive))
            for term, parts in atoms.items()
        }
        scores = bm25.score(query.postings, self.shelf.lengths, idf)
        scores[dead] = 0
        rarest = bm25.idf(0, max(1, alive))
        weights = _token_weights(query.text, ends, idf, rarest) if full else np.zeros(0, np.float32)
        query = query._replace(idf=idf, bm25=scores, token_weights=weights, encoded=query.encoded if full else None)
        self.shelf.dead = dead
        recaller = self.recallers[full]
        maker = PassageBuilder(self.shelf, recaller._codec, query, by_units=full)
        passages = maker.make(recaller.rank(query, 3, 4 * RERANK_DEPTH), RERANK_DEPTH)
        self.shelf.dead = None
        if not passages:
            return ()
        passages = rerank_passages(self.reranker, query, passages)[:5]
        reading = sentence_ranking.read_passages(recaller.encoder, query, passages)
        heard = speaker_match(query.text, reading.sentences, self.crystal.quote)
        hit = any(p.path == g["path"] and p.start < g["end"] and p.end > g["start"] for p in passages for g in gold)
        known = [answer for answer in answers if len(answer) >= SHORTEST]
        hit = hit or contains("\n".join(p.text for p in passages), known) > 0
        return (
            passages[0].place.kind == "code",
            hit,
            alive,
            answer_signs(query.text, idf, alive, passages, reading.similar, heard),
        )


def ask_pool(pool: Path, crystal: Crystal, data: Path | None, limit: int) -> Iterator[Row]:
    """Ask every question of the pool, of each kind of crystal, with and without its document.

    Unanswerable questions come last.
    """
    questions = [json.loads(line) for line in (pool / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
    partly, chance = Partly(crystal), random.Random(1)
    files: dict[str, list[str]] = defaultdict(list)
    for path in partly.sources:
        files[path.split("/")[0]].append(path)
    titles = {path: f"{name}: {_first_line(pool / 'files' / path)}" for name in ARTICLES for path in files[name]}
    masks = {name: partly.mask(paths) for name, paths in files.items()}
    nothing = np.zeros(partly.shelf.atoms, bool)
    count: dict[str, int] = defaultdict(int)
    for question in questions:
        name = question["set"]
        count[name] += 1
        if count[name] > limit:
            continue
        gold = {each["path"] for each in question["gold"]}
        gold |= {path for path, title in titles.items() if title in {titles.get(each) for each in gold}}
        without, prepared = partly.mask(sorted(gold)), partly.prepare(question["question"])
        others = sorted(set(files[name]) - gold)
        some = partly.mask(chance.sample(others, min(len(others), FEW.get(name, 20))))
        for kind, with_it, without_it in (
            ("pool", nothing, without),
            ("set", ~masks[name], ~masks[name] | without),
            ("few", ~(some | without), ~some | without),
        ):
            for full in (True, False):
                for answerable, dead in ((True, with_it), (False, without_it)):
                    known = () if answerable else question.get("answers", ())
                    if found := partly.ask(prepared, dead, full, question["gold"] if answerable else (), known):
                        yield Row(name, kind, answerable, full, *found)
    if data is not None:
        for name in ("conversation/locomo", *FOREIGN):
            queries = [query for query in _read(data, name) if name in FOREIGN or query.get("unanswerable")]
            random.Random(0).shuffle(queries)
            for query in queries[:limit]:
                prepared = partly.prepare(query["question"])
                for full in (True, False):
                    if found := partly.ask(prepared, nothing, full, ()):
                        yield Row(f"{name.split('/')[1]}, nobody", "pool", False, full, *found)


def ask_repository(pool: Path, name: str, crystal: Crystal, data: Path, limit: int) -> Iterator[Row]:
    """Ask SWE-QA's questions about this repository and others, and some not about code."""
    asked = [(query["question"], query["doc_id"].endswith(name)) for query in _read(data, "code/sweqa")]
    count: dict[str, int] = defaultdict(int)
    for line in (pool / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        count[question["set"]] += 1
        if question["set"] not in CODE and count[question["set"]] <= min(20, limit):
            asked.append((question["question"], False))
    yield from ask_one(f"sweqa {name}", "repository", crystal, asked)


def ask_filing(name: str, crystal: Crystal, data: Path) -> Iterator[Row]:
    """Ask FinanceBench's questions about this filing and about others."""
    asked = [(query["question"], name in query["doc_id"]) for query in _read(data, "pdf/financebench")]
    yield from ask_one("financebench", "filing", crystal, asked)


def ask_one(name: str, kind: str, crystal: Crystal, asked: list[tuple[str, bool]]) -> Iterator[Row]:
    """Ask a whole crystal questions, each with whether it is answerable."""
    partly = Partly(crystal)
    for text, about in asked:
        prepared = partly.prepare(text)
        for full in (True, False):
            if found := partly.ask(prepared, np.zeros(partly.shelf.atoms, bool), full, ()):
                yield Row(name, kind, about, full, *found)


def _first_line(path: Path) -> str:
    with path.open(encoding="utf-8") as lines:
        return lines.readline().strip()


def _read(data: Path, name: str) -> list[dict[str, Any]]:
    for path in (data / f"{name}.queries.jsonl", data / f"{name}.queries.jsonl.gz"):
        if path.exists():
            opener = gzip.open if path.suffix == ".gz" else open
            with opener(path, "rt", encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]
    return []


# --- figures --------------------------------------------------------------------------------------


def signs_used(full: bool, code: bool) -> Sequence[str]:
    """Return the signs that weights are fitted to: with all layers the reranker has read prose."""
    return RERANKED if full and not code else USED[full, code]


def left_out(rows: list[Row], full: bool, code: bool) -> dict[str, dict[str, float]]:
    """Return the results of each set with weights and a floor fitted to the other sets."""
    found = {}
    fit = for_fit([row for row in rows if row.full == full], code)
    for name in sorted({row.set for row in fit}):
        paged = full and not code and any(row.kind == "filing" for row in rows if row.set == name)
        weights = fitted([row for row in fit if row.set != name], PAGES if paged else signs_used(full, code))
        kinds = {
            kind: [row for row in rows if (row.set, row.kind, row.full) == (name, kind, full)]
            for kind in {row.kind for row in rows if row.set == name}
        }
        nobody = [row for row in rows if (row.set, row.full) == (f"{name}, nobody", full)]
        kinds["nobody"] = [row for row in kinds.get("pool", []) if row.answerable] + nobody
        for kind, some in sorted(kinds.items()):
            yes = np.array([logit(weights, row) for row in some if row.answerable])
            no = np.array([logit(weights, row) for row in some if not row.answerable])
            if len(yes) and len(no):
                hits = np.array([row.hit for row in some if row.answerable])
                found[f"{name}, {kind}"] = {
                    "answered": float((yes >= 0).mean()),
                    "answered_recalled": float((yes[hits] >= 0).mean()) if hits.any() else math.nan,
                    "false": float((no >= 0).mean()),
                    "false_at_90": _at(yes, no, 0.9),
                    **{f"curve {step}": _at(yes, no, step / 100) for step in CURVE},
                }
    return found


CURVE = (50, 60, 70, 80, 85, 90, 95, 99)  # percent answered


def _at(yes: Any, no: Any, share: float) -> float:
    return float((no >= np.quantile(yes, 1 - share)).mean())


def unseen(rows: list[Row], full: bool) -> dict[str, float]:
    """Return the share answered of the unanswerable questions that were not used for fitting."""
    models = {
        code: fitted(for_fit([row for row in rows if row.full == full], code), signs_used(full, code))
        for code in (False, True)
        if for_fit(rows, code)
    }
    names = sorted({row.set for row in rows if row.set.endswith("nobody")})
    return {
        name: float(
            np.mean(
                [
                    logit(models[row.code and True in models], row) >= 0
                    for row in rows
                    if (row.set, row.full) == (name, full)
                ]
            )
        )
        for name in names
    }


def show(title: str, found: dict[str, dict[str, float]]) -> None:
    """Print a row for each set and kind of crystal, and their means."""
    print(f"\n{title}")
    columns = ("answered", "answered_recalled", "false", "false_at_90")
    steps = "  ".join(f"{step}%" for step in CURVE)
    print(f"{'set left out':36s}{'answered':>10s}{'recalled':>10s}{'false':>8s}   false at answered {steps}")
    kinds = sorted({name.split(", ")[1] for name in found})
    means = {
        f"mean, {kind}": {
            key: float(np.nanmean([row[key] for name, row in found.items() if name.endswith(kind)]))
            for key in (*columns, *(f"curve {step}" for step in CURVE))
        }
        for kind in kinds
    }
    for name, row in {**found, **means}.items():
        curve = " ".join(f"{row[f'curve {step}']:.2f}" for step in CURVE)
        print(f"{name:36s}{row['answered']:10.2f}{row['answered_recalled']:10.2f}{row['false']:8.2f}{'':21s}{curve}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pool", type=Path)
    parser.add_argument("--crystal", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--repo", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--filing", nargs="*", default=[], metavar="NAME=FILE")
    parser.add_argument("--limit", type=int, default=250, help="questions of each set")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        rows = [_row(json.loads(line)) for line in args.keep.read_text(encoding="utf-8").splitlines()]
    else:
        with Crystal.open(args.crystal) as crystal:
            rows = list(ask_pool(args.pool, crystal, args.data, args.limit))
        for each in args.repo if args.data else []:
            name, _, file = each.partition("=")
            with Crystal.open(file) as crystal:
                rows += ask_repository(args.pool, name, crystal, args.data, args.limit)
        for each in args.filing if args.data else []:
            name, _, file = each.partition("=")
            with Crystal.open(file) as crystal:
                rows += ask_filing(name, crystal, args.data)
        if args.keep:
            args.keep.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    elsewhere = [row for row in rows if row.hit and not row.answerable]
    print(f"{len(elsewhere)} questions without their document are answered by another document and do not count")
    rows = [row for row in rows if row.answerable or not row.hit]
    report: dict[str, Any] = {}
    for full in (True, False):
        for code in (False, True):
            if not for_fit(rows, code):
                continue
            title = f"{'all layers' if full else 'BM25 alone'}, {'code' if code else 'prose'}"
            found = left_out(rows, full, code)
            show(title, found)
            weights = fitted(for_fit([row for row in rows if row.full == full], code), signs_used(full, code))
            if full and not code:
                pages = fitted(for_fit([row for row in rows if row.full], False), PAGES)
                rounded = {name: round(weight, 2) for name, weight in pages.signs.items()}
                print(f"PAGES = Weights({pages.constant:.2f}, {pages.size:.2f}, {rounded})")
            rounded = {name: round(weight, 2) for name, weight in weights.signs.items()}
            print(f"({full}, {code}): Weights({weights.constant:.2f}, {weights.size:.2f}, {rounded}),")
            report[title] = {"left_out": found, "weights": weights._asdict()}
        report[f"nobody can answer, {full}"] = others = unseen(rows, full)
        for name, share in others.items():
            print(f"{name:48s} answered {share:.2f}")
    print(f"{len(rows):,} questions asked; {machine()}")
    write_json(args.json, report)


def _row(values: list[Any]) -> Row:
    return Row(*values[:-1], AnswerSigns(*values[-1]))


if __name__ == "__main__":
    main()
