"""Many questions at once: JSON lines in, JSON lines out, in the order they came."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cli import render
from crystalcli.cli.output import output
from crystalcli.errors import SourceError, UsageError
from crystalcli.types import HalfLife

if TYPE_CHECKING:
    from crystalcli.library import Crystal


def answer_all(
    crystal: Crystal, path: Path, k: int, depth: int, reencode: int = 0, half_life: HalfLife = "auto"
) -> None:
    """For each line `{"qid", "question"}` one line `{"qid", "passages"}`. Raises SourceError and UsageError."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        lines = text.splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            qid, question = row["qid"], str(row["question"])
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path}, line {number}: not a JSON object with qid and question") from error
        try:
            found = crystal.recall(question, k, depth=depth, reencode=reencode, half_life=half_life)
        except UsageError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        passages = [render.passage_json(passage) for passage in found]
        output.write(json.dumps({"qid": qid, "passages": passages}, ensure_ascii=True) + "\n")
