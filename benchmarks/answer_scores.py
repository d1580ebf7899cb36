"""Scores of answers against known ones, and confidence intervals of their means.

Normalization, exact match and token F1 are SQuAD's (Rajpurkar et al., 2016): lower case, no
punctuation, no articles, white space as one space; F1 over the bag of words, the best over the
known answers. Containment: the words of a known answer occur consecutively in the answer. Figures
are compared with their unit words ("$1.2 billion" is 1,200 million), within a tolerance. Intervals
are percentiles of bootstrap samples over questions (Efron, 1979).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

import numpy as np

TOLERANCE = 0.01  # relative, of a figure: the error of rounding to three digits
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_FIGURE = re.compile(
    r"(?<![\w.])(?P<minus>[-−(]?)\s?(?:US)?[$€£]?\s?(?P<minus2>-?)(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)\s?"
    r"(?P<unit>%|percent|billion|bn\b|B\b|million|mn\b|M\b|thousand|k\b)?",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}\b(?!\.\d|,\d)"
)
_SCALE = {"billion": 1e9, "bn": 1e9, "b": 1e9, "million": 1e6, "mn": 1e6, "m": 1e6, "thousand": 1e3, "k": 1e3}
_SAMPLES = 2000


def normalized(text: str) -> str:
    """Normalize a text as SQuAD does."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(answer: str, known: Sequence[str]) -> float:
    """Return 1 for an exact match with a known answer, else 0."""
    return float(any(normalized(answer) == normalized(each) for each in known))


def f1(answer: str, known: Sequence[str]) -> float:
    """Return the best harmonic mean of precision and recall of words."""
    return max((_f1(normalized(answer).split(), normalized(each).split()) for each in known), default=0.0)


def _f1(said: list[str], known: list[str]) -> float:
    common = sum((Counter(said) & Counter(known)).values())
    return 2 * common / (len(said) + len(known)) if common else 0.0


def contains(answer: str, known: Sequence[str]) -> float:
    """Return 1 if the answer contains a known answer, word by word, else 0."""
    said = f" {normalized(answer)} "
    return float(any(f" {normalized(each)} " in said for each in known if normalized(each)))


def figures(text: str) -> list[tuple[float, bool]]:
    """Return the figures of a text, unit words multiplied in, and whether each is a percentage.

    Years and days of months are left out.
    """
    found = []
    for match in _FIGURE.finditer(_DATE.sub(" ", text)):
        unit = (match["unit"] or "").lower()
        digits = match["digits"].replace(",", "")
        if not unit and re.fullmatch(r"(?:19|20)\d\d", digits):
            continue
        sign = -1.0 if match["minus"] in ("-", "−", "(") or match["minus2"] else 1.0
        found.append((sign * float(digits) * _SCALE.get(unit, 1.0), unit in ("%", "percent")))
    return found


def numeric(answer: str, known: Sequence[str], question: str) -> float | None:
    """Return 1 if the answer's first figure is among the first two of a known answer, else 0.

    Figures of the question do not count. A unit word of the known answer may be implied ("in
    millions"): a figure is right at its own scale, too.

    Returns:
        0 or 1; None if no known answer has a figure that is not in the question.
    """
    given = {value for value, _ in figures(question)}
    gold = [[each for each in figures(text) if each[0] not in given][:2] for text in known]
    if not any(gold):
        return None
    said = [each for each in figures(answer) if each[0] not in given][:1]
    return float(any(_same(one, other) for one in said for each in gold for other in each))


def _same(one: tuple[float, bool], other: tuple[float, bool]) -> bool:
    scales = (1.0,) if one[1] or other[1] else (1.0, 1e3, 1e6, 1e9, 1e-3, 1e-6, 1e-9)
    return any(abs(abs(one[0]) * scale - abs(other[0])) <= TOLERANCE * abs(other[0]) for scale in scales)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean of `values`."""
    if not values:
        return (float("nan"), float("nan"))
    array = np.array(values, float)
    means = array[_draws(len(array))].mean(1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def paired(one: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """Compare two systems over the same questions.

    Returns:
        The difference of their means and the ratio of their means, each with its 95 % bootstrap
        interval.
    """
    a, b = np.array(one, float), np.array(other, float)
    draws = _draws(len(a))
    ours, theirs = a[draws].mean(1), b[draws].mean(1)
    difference = np.percentile(ours - theirs, [2.5, 97.5])
    # A sample in which the other system gets nothing right has no ratio.
    held = theirs > 0
    ratio = np.percentile(ours[held] / theirs[held], [2.5, 97.5]) if held.any() else np.full(2, np.nan)
    return {
        "difference": float(a.mean() - b.mean()),
        "difference_low": float(difference[0]),
        "difference_high": float(difference[1]),
        "ratio": float(a.mean() / b.mean()) if b.mean() else float("nan"),
        "ratio_low": float(ratio[0]),
        "ratio_high": float(ratio[1]),
    }


def _draws(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, size, (_SAMPLES, size))
