"""How much of a crystal's vectors its codes keep: a mean cosine for each layer, over every node that was ever encoded into it.

It is measured while encoding, when the vectors are at hand; later there are only codes. Kept in `meta`, as nodes and mean.
"""

from __future__ import annotations

from collections.abc import Mapping

from crystalcli.storage import Store


def add_fidelity(store: Store, found: Mapping[str, tuple[int, float]]) -> None:
    """Reckon in what was encoded now, inside a transaction. found: by layer, nodes and the sum of their cosines."""
    held = _held(store)
    for layer, (nodes, total) in found.items():
        before, mean = held.get(layer, (0, 0.0))
        if nodes:
            store.set_meta(f"fidelity_{layer}", f"{before + nodes} {(before * mean + total) / (before + nodes):.6f}")


def fidelity_sums(store: Store) -> dict[str, tuple[int, float]]:
    """By layer, nodes and the sum of their cosines: what another crystal reckons in when it takes the codes over."""
    return {layer: (nodes, nodes * mean) for layer, (nodes, mean) in _held(store).items()}


def mean_fidelity(store: Store) -> dict[str, float]:
    """By layer, the mean cosine between vectors and what their codes decode to; none where it was never measured."""
    return {layer: mean for layer, (_, mean) in _held(store).items()}


def _held(store: Store) -> dict[str, tuple[int, float]]:
    found = {}
    for key, value in store.meta().items():
        if key.startswith("fidelity_"):
            nodes, _, mean = value.partition(" ")
            try:
                found[key.removeprefix("fidelity_")] = int(nodes), float(mean)
            except ValueError as error:
                raise store.damaged(f"{key} is {value!r}") from error
    return found
