"""The text that a language model generates, wherever it runs.

Bounds of a request, stop strings, and thoughts before the answer.

Knows: the ranges of a `Sampling`, strings to stop at, `<think>` blocks. Does not know: models,
tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, UsageError

_THINK, _END_THINK = "<think>", "</think>"


def check_sampling(sampling: Sampling) -> None:
    """Raise UsageError for a value out of range."""
    if sampling.max_tokens < 1:
        raise UsageError(f"max_tokens must be at least 1, got {sampling.max_tokens}")
    in_range = (
        0.0 <= sampling.temperature <= 100.0
        and 0.0 < sampling.top_p <= 1.0
        and 0.01 <= sampling.repetition_penalty <= 100.0
    )
    if not in_range:
        raise UsageError(
            "temperature is from 0 to 100, top_p above 0 and up to 1, repetition_penalty from 0.01 to 100; "
            f"got {sampling.temperature}, {sampling.top_p}, {sampling.repetition_penalty}"
        )


def check_prompt_length(name: str, size: int, max_tokens: int, context_length: int, about: str = "") -> None:
    """Raise CrystalError when prompt and answer together exceed the context.

    Args:
        name: The model's name, for the message.
        size: Tokens of the prompt.
        max_tokens: Most tokens of the answer.
        context_length: Tokens that the model takes at once.
        about: "about " where `size` is an estimate.
    """
    if size + max_tokens > context_length:
        raise CrystalError(
            f"the prompt has {about}{size:,} tokens, but with {max_tokens:,} for the answer {name} can take "
            f"{max(context_length - max_tokens, 0):,} (of {context_length:,}): give it less context"
        )


def until_stop(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """Cut a stream before the first stop string, which may lie across pieces.

    The end of a piece that could begin a stop string is held back until the next piece decides.
    """
    strings = [stop] if isinstance(stop, str) else [text for text in stop if text]
    pending = ""
    for piece in pieces:
        pending += piece
        places = [place for place in map(pending.find, strings) if place >= 0]
        if places:
            pending = pending[: min(places)]
            break
        waiting = max((_overlap(pending, text) for text in strings), default=0)
        ready = pending[: len(pending) - waiting]
        if ready:
            yield ready
            pending = pending[len(ready) :]
    if pending:
        yield pending


def without_thinking(pieces: Iterator[str]) -> Iterator[str]:
    """Drop the white space before the first word, and thoughts before it.

    Thoughts are enclosed in `<think>…</think>`.
    """
    pending = ""
    for piece in pieces:
        pending = (pending + piece).lstrip()
        if pending.startswith(_THINK):
            place = pending.find(_END_THINK)
            if place < 0:
                # Thoughts are long: only their end, which may begin the closing tag, is kept.
                pending = _THINK + pending[len(_THINK) :][-len(_END_THINK) :]
                continue
            pending = pending[place + len(_END_THINK) :].lstrip()
        if pending and not _THINK.startswith(pending):
            yield pending
            yield from pieces
            return
    if pending and not pending.startswith(_THINK):
        yield pending


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
