"""What each layer and BM25 gave to a passage's score, in a line or as data. Knows no formula: shares that add up are added up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crystalcli.types import Passage

_CHOICE = "atom"  # below depth 1 it says which atoms are looked at, and is no part of the score
_ROUNDING = 1e-3


def added(passage: Passage) -> Mapping[str, float]:
    """The shares that make the score, by layer."""
    below = {name: share for name, share in passage.shares.items() if name != _CHOICE}
    return below if _close(below, passage.score) else passage.shares


def line(passage: Passage) -> str:
    """`clusters 0.412 + units 0.390 + bm25 0.210 = 1.012; its atom 0.530`, so that a narrow terminal can break it anywhere."""
    shares = added(passage)
    text = " + ".join(f"{name} {share:.3f}" for name, share in shares.items())
    if len(shares) > 1 and _close(shares, passage.score):
        text += f" = {passage.score:.3f}"
    others = [f"its {name} {share:.3f}" for name, share in passage.shares.items() if name not in shares]
    return "; ".join([text, *others])


def explanation_json(passage: Passage) -> dict[str, Any]:
    """The same for programs. added: the shares whose sum is the score; chosen_by: what else led to the passage."""
    shares = added(passage)
    return {
        "added": {name: round(share, 6) for name, share in shares.items()},
        "chosen_by": {name: round(share, 6) for name, share in passage.shares.items() if name not in shares},
    }


def _close(shares: Mapping[str, float], score: float) -> bool:
    return abs(sum(shares.values()) - score) < _ROUNDING
