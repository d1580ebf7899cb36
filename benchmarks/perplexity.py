"""Perplexity of later parts of long texts by what precedes them, at an equal number of tokens.

    python benchmarks/perplexity.py KIND=TEXT... [--targets N] [--budgets 512 1024 2048] [--arms
    ARM...]
                                    [--model FILE] --keep results/perplexity.jsonl
                                    [--json results/perplexity.json]

TEXT is a file (also .gz), a folder, or a .tar.gz, of which source code is read; KIND groups
figures. Targets are 128 tokens each in the last 30 %; as many tokens as the budget precede each:

    window    the last tokens alone
    half      half as many, and nothing else
    random    half as many, and as many of random earlier passages
    bm25      the same by BM25, over passages of 256 tokens that begin every 128
    dense     the same by the cosine of all-MiniLM-L6-v2's sentence vectors
    crystal   the same by a crystal of the earlier text
    echo      the last tokens alone for the model, and copying from what a crystal recalls
    lexical   the same with copying from as many tokens of the best passages by BM25
    past      the same with copying from the last 262,144 tokens: a bound for better recall
    oracle    the best for the target of 16 recalled passages: a bound for better ranking
    native    as many of the last tokens as the model can take, whatever the budget

All arms recall by the last 64 tokens, once per target, from the text before the half window alone:
later text is not in the crystal yet, and idf counts earlier passages. `copying` mixes in
continuations of earlier occurrences; `crystal` and `echo` copy from 200 recalled stretches and the
whole window, the others, except `lexical` and `past`, from what they show the model. Each row is
written at once, and its arrays in a folder beside the file; the same command resumes, and
`--report` computes the mixtures again without the model. `without repeats` leaves out targets that
share 13 consecutive tokens with what any arm showed the model or copied from. Intervals are paired
bootstraps over targets.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tarfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from common import machine, write_json
from flat import K1, B, words

from crystalcli import models
from crystalcli.index.encoder import ENCODER
from crystalcli.language_models import LANGUAGE_MODEL
from crystalcli.retrieval_lm import (
    NO_TOKEN,
    QUERY_TOKENS,
    TARGET_TOKENS,
    CopyMixture,
    NgramTable,
    RecalledText,
    RecallingModel,
    ScoringModel,
    TextMemory,
    arm_perplexity,
    candidate_tokens,
    held_out_targets,
    ngram_followers,
    open_scoring_model,
    perplexity_ratio,
    read_text,
    shares_ngram,
    split_logprobs,
)
from crystalcli.vectors import QuestionEncoder, default_tokenizer

ARMS = ("window", "half", "random", "bm25", "dense", "crystal", "echo", "lexical", "past", "oracle", "native")
SAME = ("window", "echo", "lexical", "past")  # arms that show the model the same text
CODE = (".py", ".c", ".h", ".ts", ".tsx", ".js")
STEP = 128  # tokens between the beginnings of flat passages
PASSAGE = 256  # tokens of one (as in In-Context RALM)
CANDIDATES = 16  # for the oracle
COPIED = 150  # passages that `lexical` copies from
PAST = 262_144  # tokens

Row = dict[str, Any]
Kept = dict[str, Any]  # arrays: the target, its followers, and what the model holds of these


class Flat:
    """Passages of a growing prefix of a text, ranked by BM25, by vectors or at random."""

    def __init__(self, model: ScoringModel, ids: Sequence[int], encoder: Path | None) -> None:
        self._model, self._ids = model, ids
        self._encoder = QuestionEncoder(encoder) if encoder is not None else None
        self._vectors: list[np.ndarray] = []
        self._counts: list[Counter[str]] = []
        self._df: Counter[str] = Counter()

    def advance(self, end: int) -> None:
        """Take in the text before token `end`."""
        while (start := len(self._counts) * STEP) + PASSAGE <= end:
            text = self.text(start)
            counts = Counter(words(text))
            self._counts.append(counts)
            self._df.update(counts.keys())
            if self._encoder is not None:
                self._vectors.append(self._encoded(text))

    def text(self, start: int) -> str:
        """Return the passage at token `start`."""
        return self._model.data(self._ids[start : start + PASSAGE]).decode("utf-8", "ignore")

    def _encoded(self, text: str) -> np.ndarray:
        assert self._encoder is not None
        tokens, _ = default_tokenizer().tokenize([text])[0]
        vector: np.ndarray = self._encoder.encode(tokens[:254].tolist()).vector
        return vector

    def best(self, arm: str, query: str, count: int, lot: random.Random) -> list[RecalledText]:
        """Return the `count` best passages by an arm, best first, without overlaps."""
        size = len(self._counts)
        if arm == "random":
            scores = np.array([lot.random() for _ in range(size)])
        elif arm == "dense":
            scores = np.stack(self._vectors) @ self._encoded(query) if size else np.zeros(0)
        else:
            average = sum(counts.total() for counts in self._counts) / max(1, size)
            idf = {term: np.log(1 + (size - self._df[term] + 0.5) / (self._df[term] + 0.5)) for term in words(query)}
            scores = np.zeros(size)
            for number, counts in enumerate(self._counts):
                norm = K1 * (1 - B + B * counts.total() / average)
                scores[number] = sum(
                    weight * counts[term] * (K1 + 1) / (counts[term] + norm)
                    for term, weight in idf.items()
                    if term in counts
                )
        found: list[int] = []
        for number in np.argsort(-scores, kind="stable").tolist():
            if all(abs(number - other) * STEP >= PASSAGE for other in found):
                found.append(number)
            if len(found) == count:
                break
        return [RecalledText(self.text(number * STEP), number, float(scores[number])) for number in found]


def read(path: Path) -> tuple[str, bool]:
    """Read a text, and whether it is code."""
    if path.name.endswith((".tar.gz", ".tgz")):
        with tarfile.open(path) as archive:
            members = sorted(
                (each for each in archive if each.isfile() and each.name.endswith(CODE)), key=lambda each: each.name
            )
            files = [archive.extractfile(each) for each in members]
            return "\n\n".join(file.read().decode("utf-8", "replace") for file in files if file is not None), True
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode(), False
    found = read_text([path])
    return found.text, found.code


def judged(
    reader: RecallingModel,
    before: Sequence[int],
    target: Sequence[int],
    memory: Sequence[int],
    *sources: Sequence[int],
) -> list[tuple[Row, Kept]]:
    """Return what is kept of a target after `before`, for each copy source.

    By default `before` itself.
    """
    sources = sources or (before,)
    found = [ngram_followers([*source, *target], len(source)) for source in sources]
    began = time.perf_counter()
    own, sets = split_logprobs(reader.log_probabilities_of(before, target, candidate_tokens(target, *found)))
    seconds = time.perf_counter() - began
    row = {
        "bytes": len(reader.model.data(target)),
        "log_probabilities": [round(each, 4) for each in own],
        "memory": len(memory),
        "seconds": round(seconds, 3),
    }
    kept = []
    for source, each, known in zip(sources, found, sets, strict=True):
        repeated = shares_ngram([*memory, NO_TOKEN, *source], target)
        kept.append(({**row, "repeated": repeated}, {"logs": known, "target": target, **each._asdict()}))
    return kept


def measure(
    model: ScoringModel,
    encoder: Path | None,
    name: str,
    path: Path,
    budget: int,
    arms: Sequence[str],
    targets: int,
    known: set[tuple[Any, ...]],
) -> Iterator[tuple[Row, Kept]]:
    """Measure the missing rows of one text at one budget."""
    text, code = read(path)
    ids = model.ids(text)
    starts = held_out_targets(len(ids), budget, targets)
    wanted = {(start, arm) for start in starts for arm in arms if (name, budget, arm, start) not in known}
    if not wanted:
        return
    flat = Flat(model, ids, encoder if "dense" in arms else None)
    at = 0
    with RecallingModel(model, TextMemory(encoder, code=code), window=budget) as reader:
        for start in starts:
            reader.skip(ids[at:start])
            at = start
            target = ids[start : start + TARGET_TOKENS]
            window = ids[start - budget : start]
            local = window[reader.memory :]
            query = model.data(ids[start - QUERY_TOKENS : start]).decode("utf-8", "ignore")
            lot = random.Random(start)
            here = [arm for arm in arms if (start, arm) in wanted]
            alike = [arm for arm in here if arm in SAME]
            for group in filter(None, [alike, *([arm] for arm in here if arm not in SAME)]):
                arm = group[0]
                began = time.perf_counter()
                if arm in SAME:
                    sources = []
                    for each in group:
                        if each == "echo":
                            reader.prompt(flush=True)
                            sources.append([*reader.copy_source(), *window])
                        elif each == "lexical":
                            flat.advance(start - len(local))
                            found = flat.best("bm25", query, COPIED, lot)
                            said = [token for one in reversed(found) for token in (*model.ids(one.text), NO_TOKEN)]
                            sources.append([*said, *window])
                        else:
                            sources.append(window if each == "window" else ids[max(0, start - PAST) : start])
                    rows = judged(reader, window, target, (), *sources)
                elif arm in ("half", "native"):
                    before = (
                        local if arm == "half" else ids[max(0, start - model.context_length + TARGET_TOKENS) : start]
                    )
                    rows = judged(reader, before, target, ())
                elif arm == "oracle":
                    reader.prompt(flush=True)
                    tried = []
                    for one in reader.recall(CANDIDATES):
                        memory = reader.memory_prefix([one])
                        tried += judged(reader, memory + local, target, memory)
                    rows = [max(tried, key=lambda pair: sum(pair[0]["log_probabilities"]))]
                elif arm == "crystal":
                    before = reader.prompt(flush=True)
                    memory = before[: len(before) - len(local)]
                    rows = judged(reader, before, target, memory, [*reader.copy_source(), *window])
                else:
                    flat.advance(start - len(local))
                    memory = reader.memory_prefix(flat.best(arm, query, -(-reader.memory // PASSAGE), lot))
                    rows = judged(reader, memory + local, target, memory)
                seconds = round(time.perf_counter() - began, 3)
                for each, (row, kept) in zip(group, rows, strict=True):
                    place = {"text": name, "budget": budget, "arm": each, "start": start}
                    yield {**place, **row, "all_seconds": seconds}, kept


def folder_of(keep: Path) -> Path:
    """Return the folder of the arrays beside the JSON Lines file."""
    return keep.with_suffix("")


def file_of(folder: Path, row: Row) -> Path:
    """Return the file of a row's arrays."""
    return folder / f"{row['text']}-{row['budget']}-{row['arm']}-{row['start']}.npz"


def report(rows: list[Row], kinds: dict[str, str], folder: Path) -> list[Row]:
    """Return figures by kind and budget, over the targets that all arms have.

    Ratios to `window`, with intervals.
    """
    groups: dict[tuple[str, int], dict[str, dict[tuple[str, int], Row]]] = defaultdict(lambda: defaultdict(dict))
    for row in sorted(rows, key=lambda row: (row["text"], row["start"])):
        if row["text"] in kinds:
            groups[kinds[row["text"]], row["budget"]][row["arm"]][row["text"], row["start"]] = row
    found = []
    for (kind, budget), arms in sorted(groups.items()):
        places = sorted(set.intersection(*(set(each) for each in arms.values())))
        if not places:
            continue
        fresh = [place for place in places if not any(each[place]["repeated"] for each in arms.values())]
        mixed = {arm: mixtures(each, places, folder) for arm, each in arms.items()}
        for arm, each in sorted(arms.items(), key=lambda pair: ARMS.index(pair[0])):
            line: Row = {"kind": kind, "budget": budget, "arm": arm, "targets": len(places), "fresh": len(fresh)}
            for label, chosen in (("", places), (" fresh", fresh)):
                if not chosen:
                    continue
                own = [-sum(each[place]["log_probabilities"]) for place in chosen]
                tokens = [len(each[place]["log_probabilities"]) for place in chosen]
                came = arm_perplexity(own, tokens, [each[place]["bytes"] for place in chosen])
                line[f"perplexity{label}"], line[f"bits{label}"] = came.perplexity, came.bits_per_byte
                if "window" in arms:
                    base = [-sum(arms["window"][place]["log_probabilities"]) for place in chosen]
                    line[f"of window{label}"] = perplexity_ratio(own, base, tokens)
                    line[f"copying of window{label}"] = perplexity_ratio(
                        [mixed[arm][place] for place in chosen], base, tokens
                    )
                    if "window" in mixed and arm != "window":
                        also = [mixed["window"][place] for place in chosen]
                        line[f"copying of copying{label}"] = perplexity_ratio(
                            [mixed[arm][place] for place in chosen], also, tokens
                        )
            line["seconds"] = float(np.median([each[place]["seconds"] for place in places]))
            line["all seconds"] = float(np.median([each[place]["all_seconds"] for place in places]))
            found.append(line)
    return found


def mixtures(
    rows: dict[tuple[str, int], Row], places: Sequence[tuple[str, int]], folder: Path
) -> dict[tuple[str, int], float]:
    """Return the nats of each target with copying.

    The mixture weights start anew with every text.
    """
    found, mixture, last = {}, CopyMixture(), ""
    for place in places:
        if place[0] != last:
            mixture, last = CopyMixture(), place[0]
        row = rows[place]
        with np.load(file_of(folder, row)) as kept:
            what = NgramTable(*(kept[name] for name in NgramTable._fields))
            mixed = mixture.mix(kept["target"].tolist(), row["log_probabilities"], what, kept["logs"])
        found[place] = -sum(mixed)
    return found


def said(line: Row, name: str, digits: int) -> str:
    """Format a figure with its interval, or nothing."""
    figure = line.get(name)
    return f"{figure[0]:.{digits}f} [{figure[1]:.{digits}f}, {figure[2]:.{digits}f}]" if figure else "-"


def texts_named(texts: Sequence[str]) -> dict[str, tuple[str, Path]]:
    """Return the texts by name, under which their rows are kept; names are unique."""
    named: dict[str, tuple[str, Path]] = {}
    for kind, _, path in (each.partition("=") for each in texts):
        name = Path(path).name
        if name in named:
            raise SystemExit(f"two texts are named {name}, and rows are kept by name: rename one")
        named[name] = kind, Path(path)
    return named


def rows_kept(keep: Path) -> list[Row]:
    """Read the rows; an incomplete last line of an interrupted run does not count."""
    lines = keep.read_text(encoding="utf-8").splitlines() if keep.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def appending(keep: Path) -> TextIO:
    """Open the file for appending on a new line: an interrupted run may have left part of one."""
    half = keep.exists() and keep.stat().st_size > 0 and not keep.read_bytes().endswith(b"\n")
    file = keep.open("a", encoding="utf-8")
    file.write("\n" if half else "")
    return file


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="+", metavar="KIND=TEXT")
    parser.add_argument("--targets", type=int, default=40, help="targets of each text")
    parser.add_argument("--budgets", type=int, nargs="+", default=[1024])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=["window", "bm25", "crystal"])
    parser.add_argument("--model", type=Path, help="a GGUF file or a folder; default: crystal's own model")
    parser.add_argument(
        "--keep",
        type=Path,
        required=True,
        help="JSON Lines file, one line per target and arm; appended to, like the folder of that name",
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--report", action="store_true", help="only report the rows known so far of these arms and budgets"
    )
    args = parser.parse_args()
    named = texts_named(args.texts)
    rows = rows_kept(args.keep)
    if not args.report:
        folder = models.locate(LANGUAGE_MODEL) or models.pull(LANGUAGE_MODEL)
        model = open_scoring_model(args.model or folder / models.catalogue_entry(LANGUAGE_MODEL).main)
        encoder = models.locate(ENCODER) or models.pull(ENCODER)
        known = {(row["text"], row["budget"], row["arm"], row["start"]) for row in rows}
        folder_of(args.keep).mkdir(parents=True, exist_ok=True)
        with appending(args.keep) as file:
            for budget in args.budgets:
                for name, (_, path) in named.items():
                    for row, kept in measure(model, encoder, name, path, budget, args.arms, args.targets, known):
                        np.savez_compressed(file_of(folder_of(args.keep), row), **kept)
                        file.write(json.dumps(row) + "\n")
                        file.flush()
                        rows.append(row)
    rows = [row for row in rows if row["arm"] in args.arms and row["budget"] in args.budgets]
    lines = report(rows, {name: kind for name, (kind, _) in named.items()}, folder_of(args.keep))
    print(machine())
    for line in lines:
        print(
            f"{line['kind']:14} {line['budget']:5} {line['arm']:8} n={line['targets']:<4}"
            f" perplexity {said(line, 'perplexity', 2):24} bits/byte {said(line, 'bits', 4):26}"
            f" of window {said(line, 'of window', 4):26} copying {said(line, 'copying of window', 4):26}"
            f" copying/copying {said(line, 'copying of copying', 4):26}"
            f" without repeats (n={line['fresh']}) {said(line, 'of window fresh', 4):26}"
            f" copying {said(line, 'copying of window fresh', 4):26}"
            f" {line['seconds']:.2f} s of {line['all seconds']:.2f} s"
        )
    write_json(args.json, {"lines": lines})


if __name__ == "__main__":
    main()
