"""Views of recalled passages: text for people, dictionaries for programs.

Knows: `shares` that add up to a score are added up. Does not know: the formula of a score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.text import Text

from crystalcli.cli.render.place_text import (
    format_headings,
    format_location,
    format_path,
    location_text,
    place_json,
    print_location_line,
)
from crystalcli.cli.terminal.humanize import single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import Passage
from crystalcli.text import unwrap_lines

if TYPE_CHECKING:
    from crystalcli.library import Crystal

_SELECTION = "atom"  # below depth 1 it selects the atoms to look at, and is no part of the score
_ROUNDING = 1e-3
_LONGEST_LINE = 2_000  # characters before a sentence in which the beginning of its line is looked for


def print_passages(passages: Sequence[Passage], explain: bool = False) -> None:
    """Print ranked passages with the best sentence marked.

    Args:
        passages: best first.
        explain: whether each score is taken apart.
    """
    console = output.console
    for rank, passage in enumerate(passages, 1):
        head = Text(f"{rank:>2}  ")
        head.append_text(location_text(passage, "bold cyan"))
        head.append(f"  {passage.score:.3f}", style="dim")
        if passage.gone:
            head.append("  (the file is gone)", style="red")
        head.append(format_headings(passage), style="dim italic")
        print_location_line(head)
        if explain:
            _print_indented(Text(explanation_line(passage), style="dim"))
        low, high = passage.best[0] - passage.start, passage.best[1] - passage.start
        marks = ("", "") if console.is_terminal and not console.no_color else ("»", "«")
        start, best, end = unwrap_lines(
            passage.text, passage.place.kind, (low, high), passage.place.marks.get("table", "")
        )
        body = Text(sanitize(start))
        body.append(marks[0] + sanitize(best) + marks[1], style="bold yellow")
        body.append(sanitize(end))
        body.rstrip()
        _print_indented(body)
        if passage.also:
            places = ", ".join(sanitize(format_location(place)) for place in passage.also)
            _print_indented(Text(f"also in {places}", style="dim"))
        if rank < len(passages):
            console.print()


def print_files(passages: Sequence[Passage]) -> None:
    """Print the paths of the passages' files, each once, best first, as the shell has them."""
    for path in dict.fromkeys(format_path(passage.source, passage.path) for passage in passages):
        output.write(path + "\n")


def vimgrep_line(crystal: Crystal, passage: Passage) -> str:
    """Write the best sentence of a passage as editors take it: `path:line:column:sentence`.

    Columns are bytes from 1, as `grep` has them. A document without lines is given at its first,
    with its place before the sentence.
    """
    place = crystal.cite(passage.path, *passage.best).place
    path, sentence = format_path(place.source, place.path), single_line(" ".join(passage.best_text.split()))
    if not place.has_lines:
        return f"{path}:1:1:{single_line(place.within_chapter)}: {sentence}"
    before = crystal.quote(passage.path, max(0, passage.best[0] - _LONGEST_LINE), passage.best[0])
    column = len(before.rpartition("\n")[2].encode()) + 1
    return f"{path}:{place.line_start}:{column}:{sentence}"


def _print_indented(body: Text, columns: int = 4) -> None:
    if output.console.is_terminal:
        output.console.print(Padding(body, (0, 0, 0, columns)))
    else:
        for line in body.plain.split("\n"):
            output.write(" " * columns + line + "\n")


def passage_json(passage: Passage) -> dict[str, Any]:
    """Make a passage for programs; offsets are characters of the document's text."""
    return {
        **place_json(passage.place),
        "score": round(passage.score, 6),
        "logit": None if passage.logit is None else round(passage.logit, 3),
        "heading": passage.heading,
        "gone": passage.gone,
        "date": None if passage.date is None else passage.date.isoformat(),
        "also": [asdict(place) for place in passage.also],
        "best": {"start": passage.best[0], "end": passage.best[1], "text": passage.best_text},
        "shares": {name: round(share, 6) for name, share in passage.shares.items()},
        "text": passage.text,
    }


def explanation_line(passage: Passage) -> str:
    """Take a score apart in one line that a narrow terminal can break anywhere.

    As in `clusters 0.412 + units 0.390 + bm25 0.210 = 1.012; its atom 0.530`.
    """
    shares = _summands(passage)
    text = " + ".join(f"{name} {share:.3f}" for name, share in shares.items())
    if len(shares) > 1 and _add_up(shares, passage.score):
        text += f" = {passage.score:.3f}"
    others = [f"its {name} {share:.3f}" for name, share in passage.shares.items() if name not in shares]
    return "; ".join([text, *others])


def explanation_json(passage: Passage) -> dict[str, Any]:
    """Take a score apart for programs.

    Returns:
        `added`, the shares whose sum is the score, and `chosen_by`, the others that led to the
        passage.
    """
    shares = _summands(passage)
    return {
        "added": {name: round(share, 6) for name, share in shares.items()},
        "chosen_by": {name: round(share, 6) for name, share in passage.shares.items() if name not in shares},
    }


def _summands(passage: Passage) -> Mapping[str, float]:
    """Return the shares that make the score, by layer."""
    without_selection = {name: share for name, share in passage.shares.items() if name != _SELECTION}
    return without_selection if _add_up(without_selection, passage.score) else passage.shares


def _add_up(shares: Mapping[str, float], score: float) -> bool:
    return abs(sum(shares.values()) - score) < _ROUNDING
