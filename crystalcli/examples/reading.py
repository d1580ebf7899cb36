"""A text streams through a small window; what leaves it is crystallized; along the way the model is measured.

Knows: when the model is measured, what is remembered, how much memory the process takes. Does not know: what the text is, how any of
it is shown.

Every token goes through the window into the crystal. The model itself reads the window only where it is measured: it reads some
hundred tokens a second, and all of them would take it longer than anybody watches.
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
MOST = 24  # strides that are measured where there is time
_ARMS = 2.5  # times that the model reads a window in a stride; the half is for recall and copying
_NONE = ChunkNodes(0, 0, 0, 0)
_PORTION = 1024  # tokens from one look at the process to the next


class Sample(NamedTuple):
    """The memory of the process at one moment.

    Attributes:
        tokens: Tokens read so far.
        resident: Bytes of the process; None where the system does not say.
        kept: Bytes that recall keeps of the text.
    """

    tokens: int
    resident: int | None
    kept: int


@dataclass
class State:
    """How far the reading has come.

    Attributes:
        total: Tokens of the text.
        tokens: Tokens read so far.
        seconds: Seconds since the beginning.
        left: Seconds that are left, as far as can be foreseen.
        nodes: Nodes of each layer of the crystal.
        rows: The measurements, one for each stride.
        samples: The memory of the process after each portion.
        base: The sample after the first stride, when both models are at work.
        recent: The last words read.
        recalled: The passage that they bring to mind.
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
        """Bytes that the process has grown by since `base`; None where the system does not say."""
        return grown(self.base, self.samples[-1]) if self.base is not None else None

    def perplexity(self, remembering: bool) -> float:
        """Compute the perplexity over all strides so far, of the last tokens alone or with copying from the passages recalled.

        Args:
            remembering: With copying.
        """
        nats = sum(row["window"].echoing if remembering else row["window"].nats for row in self.rows)
        return math.exp(nats / sum(row["window"].tokens for row in self.rows))


def grown(before: Sample, after: Sample) -> int | None:
    """Compute the bytes that the process grew by between two samples; None where the system does not say."""
    return after.resident - before.resident if after.resident is not None and before.resident is not None else None


def check(ids: Sequence[int], cut: int | None = None) -> None:
    """Refuse a text that is too short.

    Args:
        ids: Its tokens.
        cut: The --tokens by which it is shorter than it was.

    Raises:
        UsageError: When it is shorter than a window and a stride behind it.
    """
    if len(ids) < WINDOW + TARGET_TOKENS:
        subject = "the text has" if cut is None else f"--tokens {cut} leaves of the text"
        raise UsageError(
            f"{subject} {len(ids):,} tokens; a window of {WINDOW} and {TARGET_TOKENS} tokens behind it need {WINDOW + TARGET_TOKENS}"
        )


def warmed(reader: RecallingModel, ids: Sequence[int]) -> float:
    """Load both models and let them work, so that the process has its size.

    Args:
        reader: The language model with its memory.
        ids: Tokens to work on, a window and a stride at least.

    Returns:
        The seconds that a stride is expected to take.
    """
    reader.past.warm()
    reader.log_probabilities(ids[:TARGET_TOKENS], ids[TARGET_TOKENS : 2 * TARGET_TOKENS])  # brings the weights
    began = time.monotonic()
    reader.log_probabilities(ids[:WINDOW], ids[WINDOW : WINDOW + TARGET_TOKENS])
    return _ARMS * (time.monotonic() - began)


def read(reader: RecallingModel, ids: Sequence[int], seconds: float, began: float, cost: float) -> Iterator[State]:
    """Read a text, measuring the model along the way.

    Args:
        reader: The language model with its memory.
        ids: The text's tokens.
        seconds: About how long it may take.
        began: When that time began, by `time.monotonic`.
        cost: The seconds that a stride is expected to take, as `warmed` gives them.

    Yields:
        The same state, after each portion.
    """
    schedule = Schedule(WINDOW, len(ids) - TARGET_TOKENS, MOST, seconds, cost)
    scorer = TargetScorer(reader)
    state = State(len(ids))
    portion = min(_PORTION, max(TARGET_TOKENS, len(ids) // 100))
    while state.tokens < len(ids):
        if schedule.due(state.tokens, time.monotonic() - began):
            start = time.monotonic()
            state.rows.append(scorer.score(ids, state.tokens))
            state.recalled = "".join(passage.text for passage in reader.recall(1))
            schedule.measured(state.tokens, time.monotonic() - start)
            _look(state, reader)
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
        _look(state, reader)
        state.seconds = time.monotonic() - began
        state.left = schedule.left(min(end, schedule.last), state.seconds)
        yield state


def _look(state: State, reader: RecallingModel) -> None:
    state.nodes = reader.past.nodes
    state.samples.append(Sample(state.tokens, resident_bytes(), reader.past.kept))
