"""What every language model's words have in common, wherever it runs: what may be asked for, where they begin and end.

Knows: figures that a sampler takes, strings to stop at, thoughts that come before the answer.
Does not know: models, tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crystalcli.errors import CrystalError, UsageError

_OPENED, _CLOSED = "<think>", "</think>"


def check_figures(max_tokens: int, temperature: float, top_p: float, repetition_penalty: float) -> None:
    """Raises UsageError for figures out of range."""
    if max_tokens < 1:
        raise UsageError(f"max_tokens is at least 1, not {max_tokens}")
    if not 0.0 <= temperature <= 100.0 or not 0.0 < top_p <= 1.0 or not 0.01 <= repetition_penalty <= 100.0:
        raise UsageError(
            "temperature is from 0 to 100, top_p above 0 and up to 1, repetition_penalty from 0.01 to 100: "
            f"not {temperature}, {top_p}, {repetition_penalty}"
        )


def check_length(name: str, size: int, max_tokens: int, context_length: int, about: str = "") -> None:
    """Raises CrystalError when a prompt of `size` tokens leaves no room for `max_tokens` more. about: "about " for an estimate."""
    if size + max_tokens > context_length:
        raise CrystalError(
            f"the prompt has {about}{size:,} tokens, but with {max_tokens:,} for the answer {name} can take "
            f"{max(context_length - max_tokens, 0):,} (of {context_length:,}): give it less context"
        )


def until(pieces: Iterator[str], stop: Sequence[str]) -> Iterator[str]:
    """The pieces up to the first of the `stop` strings, which may lie across pieces: what could begin one waits."""
    strings = [stop] if isinstance(stop, str) else [text for text in stop if text]
    held = ""
    for piece in pieces:
        held += piece
        places = [place for place in map(held.find, strings) if place >= 0]
        if places:
            held = held[: min(places)]
            break
        waiting = max((_overlap(held, text) for text in strings), default=0)
        ready = held[: len(held) - waiting]
        if ready:
            yield ready
            held = held[len(ready) :]
    if held:
        yield held


def spoken(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces without white space before the first word, and without thoughts (`<think>…</think>`) that come before it."""
    held = ""
    for piece in pieces:
        held = (held + piece).lstrip()
        if held.startswith(_OPENED):
            place = held.find(_CLOSED)
            if place < 0:
                held = _OPENED + held[len(_OPENED) :][-len(_CLOSED) :]  # thoughts are long: only their end is kept
                continue
            held = held[place + len(_CLOSED) :].lstrip()
        if held and not _OPENED.startswith(held):
            yield held
            yield from pieces
            return
    if held and not held.startswith(_OPENED):
        yield held


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that begins `stop`."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
