"""The fidelity of codes: their mean cosine to the vectors, per layer.

It is the mean over every node that was ever encoded into the crystal. It is measured while
encoding, when the vectors are in memory; afterwards there are only codes. The table `meta` keeps
it as a number of nodes and a mean.
"""

from __future__ import annotations

from collections.abc import Mapping

from crystalcli.storage import Store


def add_fidelity(store: Store, added: Mapping[str, tuple[int, float]]) -> None:
    """Add newly encoded nodes to the means, inside a transaction.

    Args:
        store: The crystal, open for writing.
        added: By layer, the number of nodes and the sum of their cosines.
    """
    known = _stored(store)
    for layer, (nodes, total) in added.items():
        old_nodes, mean = known.get(layer, (0, 0.0))
        if nodes:
            count = old_nodes + nodes
            store.set_meta(f"fidelity_{layer}", f"{count} {(old_nodes * mean + total) / count:.6f}")


def fidelity_sums(store: Store) -> dict[str, tuple[int, float]]:
    """Return by layer the number of nodes and the sum of their cosines.

    Another crystal that takes the codes over adds these by `add_fidelity`.
    """
    return {layer: (nodes, nodes * mean) for layer, (nodes, mean) in _stored(store).items()}


def mean_fidelity(store: Store) -> dict[str, float]:
    """Return by layer the mean cosine between the vectors and their decoded codes.

    Layers that were never measured are left out.
    """
    return {layer: mean for layer, (_, mean) in _stored(store).items()}


def _stored(store: Store) -> dict[str, tuple[int, float]]:
    """Read by layer the number of nodes and the mean of their cosines."""
    fidelity = {}
    for key, value in store.meta().items():
        if key.startswith("fidelity_"):
            nodes, _, mean = value.partition(" ")
            try:
                fidelity[key.removeprefix("fidelity_")] = int(nodes), float(mean)
            except ValueError as error:
                raise store.damaged(f"{key} is {value!r}") from error
    return fidelity
