"""Logistic model and floor of answerability, fitted to the questions of `not_here.py`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from crystalcli.answering.evidence.answerability import AnswerSigns, FloorWeights

CODE = ("cosqa", "docstring_search")
USED = {  # signs, by whether all layers speak and whether the best passage is code
    (True, False): ("score", "similar", "length", "nowhere"),
    (True, True): ("score", "covered", "rarity", "nowhere"),
    (False, False): ("share", "length", "nowhere"),
    (False, True): ("share", "sentence", "nowhere"),
}
# Instead, of prose with all layers that a reranker has read.
RERANKED = ("similar", "length", "nowhere", "logit")
# Instead, of prose with all layers, for PDFs: here these are the filings.
PAGES = ("score", "length", "nowhere")
SHARE = 0.9  # of answerable questions that are to be answered
# More where a refusal is seldom right: functions are alike, and in small crystals a lower floor
# costs little.
MORE, GENEROUS = 0.95, ("few", "repository", "filing")


class Row(NamedTuple):
    """A question that was asked.

    Some attributes: `kind` of the crystal; `full`, with all layers; `code`, the best passage is
    code; `hit`, a gold span was recalled, or, without the document, a known answer is in the
    recalled text.
    """

    set: str
    kind: str
    answerable: bool
    full: bool
    code: bool
    hit: bool
    atoms: int
    signs: AnswerSigns


def fitted(rows: list[Row], names: Sequence[str]) -> FloorWeights:
    """Fit a logistic model by Newton's method, with a little L2 regularization.

    Every set, kind of crystal and outcome has the same weight. The weight of the crystal's size is
    chosen afterwards, so that in each kind of crystal the wanted share of answerable questions is
    above the floor: within a kind the size carries no information.
    """
    signs = np.array([[getattr(row.signs, name) for name in names] for row in rows])
    middle, deviation = signs.mean(0), signs.std(0) + 1e-9
    x = np.column_stack([np.ones(len(rows)), (signs - middle) / deviation])
    y = np.array([row.answerable for row in rows], float)
    groups = [(row.set, row.kind, row.answerable) for row in rows]
    sizes = {group: groups.count(group) for group in set(groups)}
    weight = np.array([1 / sizes[group] for group in groups])
    weight *= len(rows) / weight.sum()
    found = np.zeros(x.shape[1])
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ found))
        slope = x.T @ (weight * (y - p)) - found * (np.arange(len(found)) > 0)
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag((np.arange(len(found)) > 0).astype(float))
        found += np.linalg.solve(bend, slope)
    by_sign = found[1:] / deviation
    constant = float(found[0] - middle @ by_sign)
    weights = FloorWeights(constant, 0.0, dict(zip(names, by_sign.tolist(), strict=True)))
    weights = FloorWeights(constant, 0.0, dict(zip(names, by_sign.tolist(), strict=True)))
    weights = weights._replace(size=_size(weights, rows))
    # So that the floor is one half.
    return weights._replace(constant=constant - _floor(weights, rows))


def _size(weights: FloorWeights, rows: list[Row]) -> float:
    """Fit the weight of ln(atoms + 1) that puts the floor right in each kind of crystal."""
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for name, kind in sorted({(row.set, row.kind) for row in rows}):
        some = [row for row in rows if (row.set, row.kind, row.answerable) == (name, kind, True)]
        if some:
            edge = float(np.quantile([logit(weights, row) for row in some], 1 - _share(some[0])))
            places[name].append((float(np.mean([math.log(row.atoms + 1) for row in some])), edge))
    centred = []
    for found in places.values():
        points = np.array(found)
        centred.append(points - points.mean(0))
    sizes, edges = np.concatenate(centred).T
    return float(-(sizes @ edges) / max(sizes @ sizes, 1e-9))


def logit(weights: FloorWeights, row: Row) -> float:
    """Return the logit of an answer; the floor is 0."""
    return (
        weights.constant
        + weights.size * math.log(row.atoms + 1)
        + sum(weight * getattr(row.signs, name) for name, weight in weights.signs.items())
        + row.signs.speaker_term
    )


def _floor(weights: FloorWeights, rows: list[Row]) -> float:
    """Return the logit that the wanted share of answerable questions exceeds."""
    by: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        if row.answerable:
            by[row.set, row.kind].append(logit(weights, row))
    wanted = float(
        np.mean([_share(row) for row in {(row.set, row.kind): row for row in rows if row.answerable}.values()])
    )
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        answered = float(np.mean([np.mean(np.array(some) >= middle) for some in by.values()]))
        low, high = (middle, high) if answered >= wanted else (low, middle)
    return low


def _share(row: Row) -> float:
    return MORE if row.set in CODE or row.kind in GENEROUS else SHARE


def for_fit(rows: list[Row], code: bool) -> list[Row]:
    """Return the rows that one of the models is fitted to.

    Other functions of a library may do the same as the one that is left out: of crystals that lack
    a function, the small ones alone count.
    """
    kept = [
        row for row in rows if not row.set.endswith("nobody") and (row.set in CODE or row.kind == "repository") == code
    ]
    return [row for row in kept if not code or row.answerable or row.kind in ("few", "repository")]
