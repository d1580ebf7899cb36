"""Truth of a model's sentences: how many carry a number, and how many of these are borne out.

    python benchmarks/truth.py QUESTIONS CRYSTAL [--model NAME] [--unread FILE] [--limit N]

QUESTIONS is JSON Lines with `id` and `question`, CRYSTAL the crystal that is asked. Each sentence
of an answer is looked up in data/read_claims.jsonl, which one reader judged beside its sources:

    set, id    the question
    said       the sentence
    true       whether what it cited says so
    numbered   whether it carried a number then; else it was marked to be compared with
    round      of sentences read on 2026-11-30 and later, all numbered: the rules that gave it. No
               rules knew the sentences of their own round; those of the next were made on them.
               1 to 4: most words, or a whole stretch; 5, 6: every word in one sentence of the
               source. One that both 4 and 5 or 6 gave a number is of the later round. 7: clauses of
               a source by themselves, too; 8: names, joints, items and repeated words compared.

The plain alternative is a number behind each sentence that cites anything. Sentences that nobody
has read are counted apart and written to FILE with their sources, to be read and added.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from answer_scores import interval
from own_words import own_claims

from crystalcli import Crystal, open_model

READ = Path(__file__).parent / "data" / "read_claims.jsonl"


def known_claims() -> dict[tuple[str, str], bool]:
    """Read what is known of sentences: whether each is true, by its question and its words."""
    rows = map(json.loads, READ.read_text("utf-8").splitlines())
    return {(row["id"], row["said"]): row["true"] for row in rows}


def share(values: Sequence[bool]) -> str:
    """Format the share of false ones, with its 95 % interval."""
    if not values:
        return "-"
    false = [float(not value) for value in values]
    low, high = interval(false)
    return f"{sum(false) / len(false):.3f} [{low:.2f}, {high:.2f}] of {len(false)}"


def main() -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("crystal", type=Path)
    parser.add_argument("--model", default="qwen-1.5b")
    parser.add_argument("--unread", type=Path, metavar="FILE", help="write the sentences that nobody has read")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N questions alone")
    options = parser.parse_args()
    known = known_claims()
    numbered: list[bool] = []
    cited: list[bool] = []
    unread: list[dict[str, Any]] = []
    sentences = 0
    rows = [json.loads(line) for line in options.questions.read_text("utf-8").splitlines() if line.strip()]
    model = open_model(options.model)
    with Crystal.open(options.crystal) as crystal:
        for row in rows[: options.limit]:
            answer = crystal.ask(row["question"], model=model)
            for claim in own_claims(answer):
                sentences += 1
                if not claim.citations or claim.missing:
                    continue
                is_true = known.get((row["id"], claim.text))
                if is_true is None:
                    quotes = [each.quote for each in answer.citations if each.number in claim.citations]
                    unread.append({"id": row["id"], "said": claim.text, "numbered": claim.borne_out, "cited": quotes})
                    continue
                cited.append(is_true)
                if claim.borne_out:
                    numbered.append(is_true)
    print(f"sentences {sentences}, with a source {len(cited) + len(unread)}, of these not read {len(unread)}")
    print(f"false, of those with a source      {share(cited)}")
    print(f"false, of those with a number      {share(numbered)}")
    if options.unread is not None:
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in unread)
        options.unread.write_text(lines, "utf-8")


if __name__ == "__main__":
    main()
