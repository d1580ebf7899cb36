"""The text that the example reads: books or the project's own text.

The books are joined one after the other, and a sentence is put into them.

Knows: where the samples and the program's own text lie, how long a text may be.
Does not know: what is done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.examples.planted import Fact, fact, place
from crystalcli.examples.story import story
from crystalcli.retrieval_lm import ScoringModel, read_text

BEFORE = 2_000  # tokens before the sentence, in a long text
_PACKAGE = Path(__file__).parents[1]
# The story comes first. Of docs/ only Markdown: make_handbook.py has the text of the handbook.
_PARTS = ("samples/story", "samples/handbook.pdf", "samples/tidewatch", "docs/*.md", "crystalcli")
_SEPARATOR = "\n\n"


class Prepared(NamedTuple):
    """A text with a sentence put into it.

    Attributes:
        names: Names of the texts that it is made of, in order.
        starts: The token at which each of them begins.
        text: The whole text, cut to length, with the sentence.
        ids: The language model's tokens of the text.
        fact: The sentence, its question and its answer.
        before: Tokens before the sentence.
        behind: Tokens after the sentence.
    """

    names: list[str]
    starts: list[int]
    text: str
    ids: Sequence[int]
    fact: Fact
    before: int
    behind: int


def own_texts(package: Path = _PACKAGE) -> Iterator[tuple[str, str]]:
    """Read the project's own texts one by one.

    In a source tree they are the samples, the documentation and the code; in an installed package
    they are the story that ships with it, and the code.

    Args:
        package: The folder of the package.

    Yields:
        The name and the text of each.
    """
    tree = package.parent
    if not (tree / "samples" / "story").is_dir():
        yield "the story", story()
        yield package.name, read_text([package]).text
        return
    for part in _PARTS:
        yield part.removesuffix("/*.md"), read_text(sorted(tree.glob(part))).text


def prepare(texts: Iterable[tuple[str, str]], model: ScoringModel, tokens: int, seed: int) -> Prepared:
    """Join the texts, and put the sentence after 2,000 tokens, or a tenth of a short text.

    Args:
        texts: Pairs of a name and a text.
        model: The language model whose tokens are counted.
        tokens: Maximum of tokens after the sentence; texts beyond it are not read.
        seed: Number of the fact.

    Returns:
        The text with the sentence.
    """
    names, starts, text, count = [], [], "", 0
    for name, part in texts:
        names.append(name)
        starts.append(count)
        text += _SEPARATOR + part if text else part
        count += len(model.ids(part))
        if count >= BEFORE + tokens:
            break
    ids = model.ids(text)[: BEFORE + tokens]
    beginning = _decode(model, ids[: min(BEFORE, len(ids) // 10)])
    position = place(text, len(beginning))
    chosen = fact(seed)
    head, planted = model.ids(text[:position]), model.ids(f" {chosen.sentence}")
    rest = model.ids(text[position:])[:tokens]
    whole = [*head, *planted, *rest]
    starts = [start + len(planted) if start > len(head) else start for start in starts]
    return Prepared(names, starts, _decode(model, whole), whole, chosen, len(head), len(rest))


def _decode(model: ScoringModel, ids: Sequence[int]) -> str:
    return model.data(ids).decode("utf-8", "ignore")
