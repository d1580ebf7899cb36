"""The reading: a text streams through a small window into a crystal.

Along the way the model is measured. Every token goes through the window into the crystal. The model
itself reads the window only where it is measured: it reads some hundred tokens a second, and all of
them would take too long to watch.

Knows: when the model is measured, what is remembered, how much memory the process takes.
Does not know: what the text is, how any of it is shown.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crystalcli.errors import UsageError
from crystalcli.examples.schedule import Schedule
from crystalcli.recall import resident_bytes
from crystalcli.retrieval_lm import TARGET_TOKENS, ChunkNodes, RecallingModel, TargetScore, TargetScorer

WINDOW = 512  # tokens before the model, memory included
MAX_STRIDES = 24  # that are measured, if there is time
# Times that the model reads a window in a stride; the half is for recall and copying.
_ARMS = 2.5
_NONE = ChunkNodes(0, 0, 0, 0)
_PORTION = 1024  # tokens from one sample of the process to the next


class Sample(NamedTuple):
    """The memory of the process at one moment.

    Attributes:
        tokens: Tokens read so far.
        resident: Resident bytes of the process; None if the system does not tell.
        kept: Bytes that recall keeps of the text.
    """

    tokens: int
    resident: int | None
    kept: int


@dataclass
class State:
    """The state of the reading.

    Attributes:
        total: Tokens of the text.
        tokens: Tokens read so far.
        seconds: Seconds since the beginning.
        left: Estimate of the seconds left.
        nodes: Nodes of each layer of the crystal.
        rows: The measurements, one for each stride.
        samples: The memory of the process after each portion.
        base: The sample after the first stride, when both models are loaded; None before.
        recent: The last words read.
        recalled: The passage that is recalled by them.
    """

    total: int
    tokens: int = 0
    seconds: float = 0.0
    left: float = 0.0
    nodes: ChunkNodes = _NONE
    rows: list[dict[str, TargetScore]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    base: Sample | None = None
    recent: str = ""
    recalled: str = ""

    @property
    def grown(self) -> int | None:
        """Growth of the process since `base` in bytes; None if the system does not tell."""
        return growth(self.base, self.samples[-1]) if self.base is not None else None

    def perplexity(self, with_memory: bool) -> float:
        """Compute the perplexity over all strides so far.

        Args:
            with_memory: True with copying from the recalled passages, False for the window alone.
        """
        nats = sum(row["window"].echoing if with_memory else row["window"].nats for row in self.rows)
        return math.exp(nats / sum(row["window"].tokens for row in self.rows))


def growth(first: Sample, last: Sample) -> int | None:
    """Compute the growth between two samples in bytes; None if the system does not tell."""
    if first.resident is None or last.resident is None:
        return None
    return last.resident - first.resident


def check(ids: Sequence[int], cut: int | None = None) -> None:
    """Refuse a text that is too short.

    Args:
        ids: Tokens of the text.
        cut: The --tokens that cut the text; None if it is whole.

    Raises:
        UsageError: The text is shorter than a window and a stride after it.
    """
    if len(ids) < WINDOW + TARGET_TOKENS:
        subject = "the text is too short" if cut is None else f"--tokens {cut} leaves too little text"
        raise UsageError(
            f"{subject}: expected {WINDOW + TARGET_TOKENS} tokens at least"
            f" (a window of {WINDOW} and {TARGET_TOKENS} after it), got {len(ids):,}"
        )


def warm_up(reader: RecallingModel, ids: Sequence[int]) -> float:
    """Load both models and run them, so that the process has its full size.

    Args:
        reader: The language model with its memory.
        ids: Tokens to run on, a window and a stride at least.

    Returns:
        The expected seconds of a stride.
    """
    reader.past.warm()
    reader.log_probabilities(ids[:TARGET_TOKENS], ids[TARGET_TOKENS : 2 * TARGET_TOKENS])  # loads the weights
    start = time.monotonic()
    reader.log_probabilities(ids[:WINDOW], ids[WINDOW : WINDOW + TARGET_TOKENS])
    return _ARMS * (time.monotonic() - start)


def read(reader: RecallingModel, ids: Sequence[int], seconds: float, start_time: float, cost: float) -> Iterator[State]:
    """Read a text, measuring the model along the way.

    Args:
        reader: The language model with its memory.
        ids: The text's tokens.
        seconds: Approximate time limit.
        start_time: Beginning of that time, by `time.monotonic`.
        cost: The expected seconds of a stride, from `warm_up`.

    Yields:
        The same state, after each portion.
    """
    schedule = Schedule(WINDOW, len(ids) - TARGET_TOKENS, MAX_STRIDES, seconds, cost)
    scorer = TargetScorer(reader)
    state = State(len(ids))
    portion = min(_PORTION, max(TARGET_TOKENS, len(ids) // 100))
    while state.tokens < len(ids):
        if schedule.due(state.tokens, time.monotonic() - start_time):
            start = time.monotonic()
            state.rows.append(scorer.score(ids, state.tokens))
            state.recalled = "".join(passage.text for passage in reader.recall(1))
            schedule.measured(state.tokens, time.monotonic() - start)
            _sample(state, reader)
            state.base = state.base or state.samples[-1]
        start = time.monotonic()
        end = min(state.tokens + portion, len(ids))
        if state.tokens < schedule.last:
            end = min(end, schedule.last)
        reader.skip(ids[state.tokens : end])
        schedule.read(end - state.tokens, time.monotonic() - start)
        state.tokens = end
        if end == len(ids):
            reader.prompt(flush=True)
        state.recent = reader.model.data(reader.local(64)).decode("utf-8", "ignore")
        _sample(state, reader)
        state.seconds = time.monotonic() - start_time
        state.left = schedule.left(min(end, schedule.last), state.seconds)
        yield state


def _sample(state: State, reader: RecallingModel) -> None:
    """Note the nodes of the crystal and the memory of the process."""
    state.nodes = reader.past.nodes
    state.samples.append(Sample(state.tokens, resident_bytes(), reader.past.kept))
