"""Perplexity of held-out pieces of a text, with the passages that a model recalls and without.

Every piece, a target, is predicted from the text before it alone. Intervals are of 95 % by the
bootstrap over targets (Efron, 1979); for a ratio, with the same targets on both sides.

Knows: targets, arms that are compared, bits and intervals.
Does not know: how text is put before the model, how results are printed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import BY_LINES
from crystalcli.errors import Reason, SourceError, UsageError
from crystalcli.retrieval_lm.copy_mixture import CopyMixture
from crystalcli.retrieval_lm.ngrams import NO_TOKEN, candidate_tokens, ngram_followers, split_logprobs
from crystalcli.retrieval_lm.recalling_model import RecallingModel
from crystalcli.retrieval_lm.text_memory import TextMemory

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.lm import LanguageModel

    Numbers = npt.NDArray[np.float64]

TARGET_TOKENS = 128
_TARGET_SHARE = 0.3  # of the text, at its end, that targets are taken from
_REPEAT_TOKENS = 13  # tokens in a row that count as the same text (Brown et al., 2020)
_RESAMPLES = 2000  # of the bootstrap


class HeldOutText(NamedTuple):
    """A text to predict.

    Attributes:
        text: all of it.
        code: whether most of it is source code.
    """

    text: str
    code: bool


class TargetScore(NamedTuple):
    """The score of one target by one arm. Nats are negative natural log-probabilities, summed.

    Attributes:
        start: the number of its first token.
        tokens: its length.
        bytes: of its text.
        nats: by the model alone.
        copying: nats with copying from the last tokens.
        echoing: nats with copying from many recalled passages as well.
        repeated: whether 13 of its tokens in a row are in the recalled text, shown or copied from.
    """

    start: int
    tokens: int
    bytes: int
    nats: float
    copying: float
    echoing: float
    repeated: bool


class Estimate(NamedTuple):
    """A value with its 95 % interval; the bounds are NaN for a single target."""

    value: float
    low: float
    high: float


class ArmPerplexity(NamedTuple):
    """The perplexity of one arm, and its bits per byte."""

    perplexity: Estimate
    bits_per_byte: Estimate


@dataclass(frozen=True, slots=True)
class PerplexityReport:
    """The perplexity of a language model with memory and without, over the same targets.

    Attributes:
        model: the name of the model.
        window: tokens before each target, memory included.
        tokens: of the whole text.
        targets: the number of pieces that were predicted.
        arms: each arm's perplexity, by name.
        ratios: the perplexity of each arm but the first over that of the first.
        repeated: the number of targets of which 13 tokens in a row are in the recalled text.
    """

    model: str
    window: int
    tokens: int
    targets: int
    arms: dict[str, ArmPerplexity]
    ratios: dict[str, Estimate]
    repeated: int


def read_text(paths: Sequence[Path]) -> HeldOutText:
    """Read the text of files and folders, one after the other in order of their names.

    Raises:
        SourceError: a path does not exist, a named file cannot be read, or there is no text at all.
    """
    from crystalcli.text import ArchiveReading, FoundFile, SkippedPath, open_source, walk_files

    texts, code, reasons = [], 0, []
    for file in walk_files(paths, hidden=False):
        if isinstance(file, SkippedPath):
            reasons.append(f"{file.relative}: {file.reason}")
            if file.path in paths:
                raise SourceError(f"no text to predict: {reasons[-1]}", file.code)
            continue
        assert isinstance(file, FoundFile)
        try:
            _, reading = open_source(file.path)
            if isinstance(reading, ArchiveReading):
                raise SourceError("an archive: unpack it first", Reason.UNSUPPORTED)
            text = "".join(piece for piece in reading.pieces() if isinstance(piece, str))
        except SourceError as error:
            reasons.append(f"{file.relative}: {error}")
            if file.path in paths and file.size:
                raise SourceError(f"no text to predict: {reasons[-1]}", error.code) from error
            continue
        texts.append(text)
        code += len(text) if reading.kind in BY_LINES else 0
    whole = "\n\n".join(texts)
    if not whole.strip():
        raise SourceError(f"no text to predict{': ' + reasons[0] if reasons else ''}", Reason.NO_TEXT)
    return HeldOutText(whole, 2 * code > len(whole))


def held_out_targets(tokens: int, window: int, targets: int, length: int = TARGET_TOKENS) -> list[int]:
    """Choose the starts of targets, spread over the last 30 % of a text.

    Args:
        tokens: of the text.
        window: tokens before the first target at least.
        targets: the most targets.
        length: tokens of a target.

    Raises:
        UsageError: less than one target, or a text that is too short for one.
    """
    if targets < 1:
        raise UsageError(f"expected at least one target, got {targets}")
    if tokens < window + length:
        raise UsageError(
            f"the text has {tokens:,} tokens; a window of {window:,} and one target of {length} "
            f"need {window + length:,}: give more text, or a smaller --window"
        )
    first = max(window, min(math.floor((1 - _TARGET_SHARE) * tokens), tokens - length))
    room = tokens - first
    count = min(targets, room // length)
    return [first + (room - length) * number // max(1, count - 1) for number in range(count)]


def score_targets(
    reader: RecallingModel, ids: Sequence[int], starts: Sequence[int], length: int = TARGET_TOKENS
) -> Iterator[dict[str, TargetScore]]:
    """Score each target by both arms of `TargetScorer`, and remember the text in between.

    Args:
        reader: the model, which has read nothing yet.
        ids: of the whole text.
        starts: of the targets, ascending.
        length: tokens of a target.

    Yields:
        For each target, the scores by arm.
    """
    scorer = TargetScorer(reader)
    at = 0
    for start in starts:
        reader.skip(ids[at:start])
        at = start
        yield scorer.score(ids, start, length)


class TargetScorer:
    """Scores targets one after the other by two arms.

    "window" has the last tokens before the model, "memory" half as many and recalled text in the
    place of the other half. Both windows are equally long, and both arms copy from the same tokens.
    The weights of copying are learnt on the way.
    """

    def __init__(self, reader: RecallingModel) -> None:
        """Score with the model of `reader`."""
        self._reader = reader
        self._mixtures = {(arm, kind): CopyMixture() for arm in ("window", "memory") for kind in ("copies", "echoes")}

    def score(self, ids: Sequence[int], start: int, length: int = TARGET_TOKENS) -> dict[str, TargetScore]:
        """Score `ids[start : start + length]`, where the reader has read `ids[:start]`.

        Returns:
            The scores by arm.
        """
        reader = self._reader
        target = list(ids[start : start + length])
        prompt = reader.prompt(flush=True)
        window = list(ids[max(0, start - reader.window) : start])
        memory = prompt[: len(prompt) - len(reader.local())]
        window_table = ngram_followers([*window, *target], len(window))
        recalled = reader.copy_source()
        repeated = shares_ngram([*memory, NO_TOKEN, *recalled], target)
        source = [*recalled, *window]
        recalled_table = ngram_followers([*source, *target], len(source))
        candidates = candidate_tokens(target, window_table, recalled_table)
        size = len(reader.model.data(target))
        scores = {}
        for arm, before in {"window": window, "memory": prompt}.items():
            logs = reader.log_probabilities_of(before, target, candidates)
            own, (window_logs, recalled_logs) = split_logprobs(logs)
            copying = -sum(self._mixtures[arm, "copies"].mix(target, own, window_table, window_logs))
            echoing = -sum(self._mixtures[arm, "echoes"].mix(target, own, recalled_table, recalled_logs))
            scores[arm] = TargetScore(start, len(target), size, -sum(own), copying, echoing, repeated)
        return scores


def shares_ngram(memory: Sequence[int], target: Sequence[int]) -> bool:
    """Return whether 13 tokens in a row of the target are in the recalled text."""
    size = _REPEAT_TOKENS
    grams = {tuple(memory[at : at + size]) for at in range(len(memory) - size + 1)}
    return any(tuple(target[at : at + size]) in grams for at in range(len(target) - size + 1))


def arm_perplexity(nats: Sequence[float], tokens: Sequence[int], sizes: Sequence[int]) -> ArmPerplexity:
    """Estimate perplexity and bits per byte over targets.

    Args:
        nats: the negative log-probability of each target.
        tokens: of each target.
        sizes: bytes of each target.
    """
    losses, counts, lengths = (np.array(values, np.float64) for values in (nats, tokens, sizes))
    return ArmPerplexity(
        _estimate(losses, counts, np.exp), _estimate(losses / math.log(2), lengths, lambda value: value)
    )


def perplexity_ratio(ours: Sequence[float], theirs: Sequence[float], tokens: Sequence[int]) -> Estimate:
    """Estimate one arm's perplexity over another's; below 1 the first predicts better.

    Args:
        ours: nats of each target by the first arm.
        theirs: nats of the same targets by the other.
        tokens: of each target.
    """
    difference = np.array(ours, np.float64) - np.array(theirs, np.float64)
    return _estimate(difference, np.array(tokens, np.float64), np.exp)


def measure_perplexity(
    model: LanguageModel,
    text: HeldOutText,
    encoder: Path | None,
    *,
    window: int,
    targets: int,
    progress: Callable[[int, int], None] | None = None,
) -> PerplexityReport:
    """Predict pieces of the last 30 % of a text, with and without passages of the text before.

    Args:
        model: a model that gives log-probabilities.
        text: the text.
        encoder: the folder of the program's own encoder; None for recall by BM25 alone.
        window: tokens before each target, memory included.
        targets: the number of pieces of TARGET_TOKENS tokens.
        progress: called with the targets done and all of them.

    Raises:
        UsageError: the text is too short, or `targets` is less than 1.
    """
    ids = model.ids(text.text)
    starts = held_out_targets(len(ids), window, targets)
    scores: list[dict[str, TargetScore]] = []
    if progress is not None:
        progress(0, len(starts))
    with TextMemory(encoder, code=text.code) as memory:
        for row in score_targets(RecallingModel(model, memory, window=window), ids, starts):
            scores.append(row)
            if progress is not None:
                progress(len(scores), len(starts))
    return perplexity_report(scores, model=model.name, window=window, tokens=len(ids))


def perplexity_report(
    scores: Sequence[Mapping[str, TargetScore]], *, model: str, window: int, tokens: int, first: str = "window"
) -> PerplexityReport:
    """Compare arms over the same targets: by themselves, with copying and with echoes.

    Args:
        scores: for each target, the scores by arm.
        model: the name of the model.
        window: tokens before each target.
        tokens: of the whole text.
        first: the arm that ratios are to.
    """
    lengths, sizes = [row[first].tokens for row in scores], [row[first].bytes for row in scores]
    nats = {arm: [row[arm].nats for row in scores] for arm in scores[0]}
    nats |= {f"{arm} and copying": [row[arm].copying for row in scores] for arm in scores[0]}
    nats |= {f"{arm} and echoes": [row[arm].echoing for row in scores] for arm in scores[0]}
    return PerplexityReport(
        model,
        window,
        tokens,
        len(scores),
        {arm: arm_perplexity(losses, lengths, sizes) for arm, losses in nats.items()},
        {arm: perplexity_ratio(losses, nats[first], lengths) for arm, losses in nats.items() if arm != first},
        sum(any(score.repeated for score in row.values()) for row in scores),
    )


def _estimate(sums: Numbers, counts: Numbers, transform: Callable[[Numbers], Numbers]) -> Estimate:
    """Estimate `transform` of a mean, with its interval; all arms share the same resamples.

    Args:
        sums: float64 [targets].
        counts: float64 [targets], that the sums are divided by.
        transform: of the mean.
    """
    resamples = np.random.default_rng(0).integers(len(sums), size=(_RESAMPLES, len(sums)))
    values = transform(sums[resamples].sum(1) / counts[resamples].sum(1))
    low, high = np.quantile(values, [0.025, 0.975])
    bounds = (float(low), float(high)) if len(sums) > 1 else (math.nan, math.nan)
    return Estimate(float(transform(sums.sum() / counts.sum())), *bounds)
