"""What is read: the books that were named, or the texts of a source tree, one after the other, with a sentence put in.

Knows: where the samples and the program's own text lie, how long a text may be. Does not know: what is done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.errors import UsageError
from crystalcli.examples.planted import Fact, fact, place
from crystalcli.memory.perplexity import text_of
from crystalcli.memory.recalling import Judge

BEFORE = 2_000  # tokens before the sentence, of a long text
_TREE = Path(__file__).parents[2]
# The story comes first. docs/ has a file with the text of the handbook, which would be there twice.
_PARTS = ("samples/story", "samples/handbook.pdf", "samples/tidewatch", "docs/*.md", "crystalcli")
_BETWEEN = "\n\n"


class Prepared(NamedTuple):
    """names: of the texts in it, one after the other; starts: the token that each begins at. text: with the sentence in it, and what it
    was cut to; ids: its tokens. before: tokens that stand before the sentence; behind: those that stand behind it."""

    names: list[str]
    starts: list[int]
    text: str
    ids: Sequence[int]
    fact: Fact
    before: int
    behind: int


def own_texts(tree: Path = _TREE) -> Iterator[tuple[str, str]]:
    """Each text of a source tree with its name, read when it is asked for.

    Raises UsageError where there is none, as beside an installed package.
    """
    if not (tree / "samples" / "story").is_dir():
        raise UsageError("name a book to read: there are no samples beside the installed package")
    for part in _PARTS:
        yield part.removesuffix("/*.md"), text_of(sorted(tree.glob(part))).text


def prepare(texts: Iterable[tuple[str, str]], model: Judge, tokens: int, seed: int) -> Prepared:
    """The texts, each with its name, up to `tokens` behind the sentence; it stands behind 2,000 tokens, or a tenth of a short text."""
    names, starts, text, count = [], [], "", 0
    for name, piece in texts:
        names.append(name)
        starts.append(count)
        text += _BETWEEN + piece if text else piece
        count += len(model.ids(piece))
        if count >= BEFORE + tokens:
            break
    ids = model.ids(text)[: BEFORE + tokens]
    before = _text(model, ids[: min(BEFORE, len(ids) // 10)])
    at = place(text, len(before))
    chosen = fact(seed)
    head, planted = model.ids(text[:at]), model.ids(f" {chosen.sentence}")
    rest = model.ids(text[at:])[:tokens]
    whole = [*head, *planted, *rest]
    starts = [start + len(planted) if start > len(head) else start for start in starts]
    return Prepared(names, starts, _text(model, whole), whole, chosen, len(head), len(rest))


def _text(model: Judge, ids: Sequence[int]) -> str:
    return model.data(ids).decode("utf-8", "ignore")
