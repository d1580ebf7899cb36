"""Nodes of a layer with their places, against the walk through every chunk of a document."""

from __future__ import annotations

import numpy as np
import pytest

from crystalcli.index import LAYER_NAMES, layer_nodes


def documents(crystal):
    return [source for source in crystal.shelf.store.sources() if source.chunks]


def walked(crystal, path):
    """The spans of atoms, clusters and units, as `zoom` gives them one by one."""
    spans = {"atoms": [], "clusters": [], "units": []}

    def collect(node):
        spans[f"{node.layer}s"].append((node.start, node.end))
        for child in node.children:
            collect(child)

    for chunk in crystal.zoom(path)[1]:
        for atom in chunk.atoms:
            collect(atom)
    return spans


def test_spans_are_those_of_a_walk_through_the_layers(crystal):
    for source in documents(crystal):
        expected = walked(crystal, source.path)
        for layer in LAYER_NAMES:
            nodes = layer_nodes(crystal.shelf, source, layer)
            assert list(zip(nodes.starts.tolist(), nodes.ends.tolist(), strict=True)) == expected[layer], source.path


def test_every_layer_holds_all_tokens_of_a_document(crystal):
    for source in documents(crystal):
        for layer in LAYER_NAMES:
            nodes = layer_nodes(crystal.shelf, source, layer)
            assert (nodes.tokens[0], nodes.tokens[-1]) == (0, source.tokens)
            assert (np.diff(nodes.tokens) > 0).all()


def test_nodes_begin_where_their_first_child_begins(crystal):
    for source in documents(crystal):
        above = layer_nodes(crystal.shelf, source, "atoms")
        for layer in LAYER_NAMES[1:]:
            below = layer_nodes(crystal.shelf, source, layer)
            assert set(above.tokens.tolist()) <= set(below.tokens.tolist())
            assert set(above.starts.tolist()) <= set(below.starts.tolist())
            above = below


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_a_range_of_tokens_gives_the_nodes_that_begin_in_it(crystal, layer):
    source = max(documents(crystal), key=lambda row: row.tokens)
    everything = layer_nodes(crystal.shelf, source, layer)
    for low, high in [(0, 1), (500, 900), (source.tokens - 40, source.tokens), (700, 700), (source.tokens, 10**9)]:
        inside = (everything.tokens[:-1] >= low) & (everything.tokens[:-1] < high)
        part = layer_nodes(crystal.shelf, source, layer, (low, high))
        assert part.numbers.tolist() == everything.numbers[inside].tolist()
        assert part.starts.tolist() == everything.starts[inside].tolist()
        assert part.tokens[:-1].tolist() == everything.tokens[:-1][inside].tolist()


def test_numbers_are_those_of_the_tree(crystal):
    """The atoms of a document lie in its chunks, clusters and units below them."""
    index = crystal.shelf
    for source in documents(crystal):
        atoms = layer_nodes(index, source, "atoms").numbers
        first, end = index.nesting.clusters_of(atoms)
        clusters = layer_nodes(index, source, "clusters").numbers
        assert clusters.tolist() == [number for pair in zip(first, end, strict=True) for number in range(*pair)]
        first, end = index.nesting.units_of(clusters)
        units = layer_nodes(index, source, "units").numbers
        assert units.tolist() == [number for pair in zip(first, end, strict=True) for number in range(*pair)]
