"""How well a language model foresees held-back pieces of a text, with what it recalls of the text before them and without.

Knows: which pieces, what is compared, bits and intervals. Does not know: how a text is shown to the model, how it is printed.

Every piece is foreseen from what stands before it alone. Intervals are of 95 % by the bootstrap over pieces (Efron, 1979); of a ratio,
with the same pieces on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import SourceError, UsageError
from crystalcli.memory.copying import Mixture
from crystalcli.memory.followers import APART, asked, followers, told
from crystalcli.memory.past import Past
from crystalcli.memory.recalling import RecallingModel
from crystalcli.types import BY_LINES

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.lm.model import LanguageModel

    Numbers = npt.NDArray[np.float64]

LENGTH = 128  # tokens of a target
SHARE = 0.3  # of the text, at its end, that targets are taken from
GRAM = 13  # tokens in a row that count as the same text (Brown et al., 2020)
_DRAWS = 2000


class Text(NamedTuple):
    """What is to be foreseen. code: whether most of it is source code."""

    text: str
    code: bool


class Foreseen(NamedTuple):
    """One target by one arm. start: its first token; nats: the negative log-probability of its tokens in all; copying: the same where
    copying from the last tokens takes part; echoing: where it is from many recalled stretches as well; repeated: whether 13 tokens of
    it in a row stand in what was recalled, for the model or to copy from."""

    start: int
    tokens: int
    bytes: int
    nats: float
    copying: float
    echoing: float
    repeated: bool


class Estimate(NamedTuple):
    """A figure with the interval that holds it, 95 times in 100; NaN for the bounds where there is one target alone."""

    value: float
    low: float
    high: float


class PerplexityFigures(NamedTuple):
    """What one arm came to."""

    perplexity: Estimate
    bits_per_byte: Estimate


@dataclass(frozen=True, slots=True)
class PerplexityReport:
    """The figures of a language model with memory and without.

    Attributes:
        model: The name of the model.
        window: Tokens before each target, memory included.
        tokens: Tokens of the whole text.
        targets: The pieces that were foreseen.
        arms: The figures of each arm.
        ratios: The perplexity of each arm but the first, over that of the first.
        repeated: Targets of which 13 tokens in a row stand in what was recalled.
    """

    model: str
    window: int
    tokens: int
    targets: int
    arms: dict[str, PerplexityFigures]
    ratios: dict[str, Estimate]
    repeated: int


def text_of(paths: Sequence[Path]) -> Text:
    """The text of files and folders, one after the other in order of their names.

    Raises SourceError for a path that is not there, a file named that cannot be read, and where there is no text at all.
    """
    from crystalcli.text.archive import ArchiveReading
    from crystalcli.text.readers import open_source
    from crystalcli.text.walk import Found, Skipped, walk

    found, code, reasons = [], 0, []
    for each in walk(paths, hidden=False):
        if isinstance(each, Skipped):
            reasons.append(f"{each.relative}: {each.reason}")
            if each.path in paths:
                raise SourceError(f"there is no text to foresee: {reasons[-1]}")
            continue
        assert isinstance(each, Found)
        try:
            _, reading = open_source(each.path)
            if isinstance(reading, ArchiveReading):
                raise SourceError("an archive: unpack it first")
            text = "".join(piece for piece in reading.pieces() if isinstance(piece, str))
        except SourceError as error:
            reasons.append(f"{each.relative}: {error}")
            if each.path in paths and each.size:
                raise SourceError(f"there is no text to foresee: {reasons[-1]}") from error
            continue
        found.append(text)
        code += len(text) if reading.kind in BY_LINES else 0
    whole = "\n\n".join(found)
    if not whole.strip():
        raise SourceError(f"there is no text to foresee{': ' + reasons[0] if reasons else ''}")
    return Text(whole, 2 * code > len(whole))


def held_back(tokens: int, window: int, targets: int, length: int = LENGTH) -> list[int]:
    """Where up to `targets` pieces of `length` tokens begin: spread over the last 30 % of a text of so many tokens, with a window of
    text before the first. Raises UsageError for less than one target, and a text that is too short for one."""
    if targets < 1:
        raise UsageError(f"there is at least one target, not {targets}")
    if tokens < window + length:
        raise UsageError(
            f"the text has {tokens:,} tokens; a window of {window:,} and one target of {length} behind it need {window + length:,}: "
            "give more text, or a smaller --window"
        )
    first = max(window, min(math.floor((1 - SHARE) * tokens), tokens - length))
    room = tokens - first
    count = min(targets, room // length)
    return [first + (room - length) * number // max(1, count - 1) for number in range(count)]


def foreseen(
    reader: RecallingModel, ids: Sequence[int], starts: Sequence[int], length: int = LENGTH
) -> Iterator[dict[str, Foreseen]]:
    """What `Foresight` says of each target, in the order of `starts`, rising; the text between them is read and remembered."""
    foresight = Foresight(reader)
    at = 0
    for start in starts:
        reader.skip(ids[at:start])
        at = start
        yield foresight.of(ids, start, length)


class Foresight:
    """Foresees one target after another by two arms: "window", the last tokens alone, and "memory", half of them given to what is
    recalled. The whole window is as long in both, and so is what is copied from. How far copying is believed is learnt on the way."""

    def __init__(self, reader: RecallingModel) -> None:
        self._reader = reader
        self._mixtures = {(arm, kind): Mixture() for arm in ("window", "memory") for kind in ("copies", "echoes")}

    def of(self, ids: Sequence[int], start: int, length: int = LENGTH) -> dict[str, Foreseen]:
        """Each arm's foresight of `ids[start : start + length]`, where the reader has read `ids[:start]`."""
        reader = self._reader
        target = list(ids[start : start + length])
        recalled = reader.prompt(settle=True)
        window = list(ids[max(0, start - reader.window) : start])
        memory = recalled[: len(recalled) - len(reader.local())]
        copies = followers([*window, *target], len(window))
        recollected = reader.echoes()
        repeated = repeats([*memory, APART, *recollected], target)
        echoes = [*recollected, *window]
        echoed = followers([*echoes, *target], len(echoes))
        tokens = asked(target, copies, echoed)
        size = len(reader.model.data(target))
        row = {}
        for arm, before in {"window": window, "memory": recalled}.items():
            logs = reader.judge_of(before, target, tokens)
            found, (near, far) = told(logs)
            copying = -sum(self._mixtures[arm, "copies"].mix(target, found, copies, near))
            echoing = -sum(self._mixtures[arm, "echoes"].mix(target, found, echoed, far))
            row[arm] = Foreseen(start, len(target), size, -sum(found), copying, echoing, repeated)
        return row


def repeats(memory: Sequence[int], target: Sequence[int]) -> bool:
    """Whether 13 tokens in a row of the target stand in what was recalled."""
    grams = {tuple(memory[at : at + GRAM]) for at in range(len(memory) - GRAM + 1)}
    return any(tuple(target[at : at + GRAM]) in grams for at in range(len(target) - GRAM + 1))


def figures(nats: Sequence[float], tokens: Sequence[int], sizes: Sequence[int]) -> PerplexityFigures:
    """What targets came to: their negative log-probabilities, tokens and bytes."""
    lost, counts, lengths = (np.array(each, np.float64) for each in (nats, tokens, sizes))
    return PerplexityFigures(
        _estimate(lost, counts, np.exp), _estimate(lost / math.log(2), lengths, lambda value: value)
    )


def ratio(ours: Sequence[float], theirs: Sequence[float], tokens: Sequence[int]) -> Estimate:
    """One arm's perplexity over another's on the same targets; below 1 the first foresees better."""
    difference = np.array(ours, np.float64) - np.array(theirs, np.float64)
    return _estimate(difference, np.array(tokens, np.float64), np.exp)


def measure(
    model: LanguageModel,
    text: Text,
    encoder: Path | None,
    *,
    window: int,
    targets: int,
    progress: Callable[[int, int], None] | None = None,
) -> PerplexityReport:
    """Foresee pieces of the last 30 % of a text, with what is recalled of the text before them and without.

    Args:
        model: A model that says how likely tokens are.
        text: The text.
        encoder: The folder of the program's own encoder; None: recall goes by BM25 alone.
        window: Tokens before each target, memory included.
        targets: How many pieces of LENGTH tokens.
        progress: Called with the targets done, and all.

    Raises:
        UsageError: The text is too short, or `targets` is less than 1.
    """
    ids = model.ids(text.text)
    starts = held_back(len(ids), window, targets)
    rows: list[dict[str, Foreseen]] = []
    if progress is not None:
        progress(0, len(starts))
    with Past(encoder, code=text.code) as past:
        for row in foreseen(RecallingModel(model, past, window=window), ids, starts):
            rows.append(row)
            if progress is not None:
                progress(len(rows), len(starts))
    return report_of(rows, model=model.name, window=window, tokens=len(ids))


def report_of(
    rows: Sequence[Mapping[str, Foreseen]], *, model: str, window: int, tokens: int, first: str = "window"
) -> PerplexityReport:
    """Sum up what the arms came to over the same targets: plainly, with copying and with echoes.

    Args:
        rows: Each target by each arm.
        model: The name of the model.
        window: Tokens before each target.
        tokens: Tokens of the whole text.
        first: The arm that the others are compared with.
    """
    lengths, sizes = [row[first].tokens for row in rows], [row[first].bytes for row in rows]
    nats = {arm: [row[arm].nats for row in rows] for arm in rows[0]}
    nats |= {f"{arm} and copying": [row[arm].copying for row in rows] for arm in rows[0]}
    nats |= {f"{arm} and echoes": [row[arm].echoing for row in rows] for arm in rows[0]}
    return PerplexityReport(
        model,
        window,
        tokens,
        len(rows),
        {arm: figures(lost, lengths, sizes) for arm, lost in nats.items()},
        {arm: ratio(lost, nats[first], lengths) for arm, lost in nats.items() if arm != first},
        sum(any(each.repeated for each in row.values()) for row in rows),
    )


def _estimate(sums: Numbers, counts: Numbers, of: Callable[[Numbers], Numbers]) -> Estimate:
    """`of` the mean, float64 [targets] over float64 [targets], and its interval; the draws are the same for all arms."""
    drawn = np.random.default_rng(0).integers(len(sums), size=(_DRAWS, len(sums)))
    values = of(sums[drawn].sum(1) / counts[drawn].sum(1))
    low, high = np.quantile(values, [0.025, 0.975])
    bounds = (float(low), float(high)) if len(sums) > 1 else (math.nan, math.nan)
    return Estimate(float(of(sums.sum() / counts.sum())), *bounds)
