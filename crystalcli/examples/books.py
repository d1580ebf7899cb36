"""The text that the example reads: books that were named, or the project's own, one after the other, with a sentence put in.

Knows: where the samples and the program's own text lie, how long a text may be. Does not know: what is done with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.examples.planted import Fact, fact, place
from crystalcli.examples.story import story
from crystalcli.retrieval_lm import ScoringModel, read_text

BEFORE = 2_000  # tokens before the sentence, of a long text
_PACKAGE = Path(__file__).parents[1]
# The story comes first. docs/ has a file with the text of the handbook, which would be there twice.
_PARTS = ("samples/story", "samples/handbook.pdf", "samples/tidewatch", "docs/*.md", "crystalcli")
_BETWEEN = "\n\n"


class Prepared(NamedTuple):
    """A text with a sentence put into it.

    Attributes:
        names: The texts that it is made of, one after the other.
        starts: The token that each of them begins at.
        text: All of it, the sentence included, as far as it was cut.
        ids: Its tokens, for the language model.
        fact: The sentence, its question and its answer.
        before: Tokens before the sentence.
        behind: Tokens behind it.
    """

    names: list[str]
    starts: list[int]
    text: str
    ids: Sequence[int]
    fact: Fact
    before: int
    behind: int


def own_texts(package: Path = _PACKAGE) -> Iterator[tuple[str, str]]:
    """Read the project's own texts, each with its name, when it is asked for.

    In a source tree they are its samples, documentation and code; of an installed package the story that ships with it, and its code.

    Args:
        package: The folder of the package.
    """
    tree = package.parent
    if not (tree / "samples" / "story").is_dir():
        yield "the story", story()
        yield package.name, read_text([package]).text
        return
    for part in _PARTS:
        yield part.removesuffix("/*.md"), read_text(sorted(tree.glob(part))).text


def prepare(texts: Iterable[tuple[str, str]], model: ScoringModel, tokens: int, seed: int) -> Prepared:
    """Join the texts, and put the sentence behind 2,000 tokens, or behind a tenth of a short text.

    Args:
        texts: Pairs of a name and a text.
        model: The language model whose tokens are counted.
        tokens: Tokens behind the sentence at most; texts after that are not read.
        seed: The number of the fact.
    """
    names, starts, text, count = [], [], "", 0
    for name, part in texts:
        names.append(name)
        starts.append(count)
        text += _BETWEEN + part if text else part
        count += len(model.ids(part))
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


def _text(model: ScoringModel, ids: Sequence[int]) -> str:
    return model.data(ids).decode("utf-8", "ignore")
