from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.vectors import build_pyramid, node_counts, pyramid_layout
from crystalcli.vectors.pyramid import even_bounds, group_means


@given(st.integers(0, 5000), st.integers(1, 20))
def test_even_groups_cover_everything_and_differ_by_one_at_most(count, groups):
    sizes = np.diff(even_bounds(count, groups))
    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1


@given(st.integers(0, 3000))
def test_no_node_is_empty(tokens):
    for bounds in pyramid_layout(tokens):
        assert (np.diff(bounds) >= 1).all()
    assert pyramid_layout(tokens).units[-1] == tokens


def test_the_ratios_hold_on_average():
    counts = np.arange(160, 255)
    units, clusters, atoms = (int(each.sum()) for each in node_counts(counts))
    assert 9.8 < counts.sum() / units < 10.2
    assert 4.8 < units / clusters < 5.2
    assert 1.9 < clusters / atoms < 2.1
    assert [len(bounds) - 1 for bounds in pyramid_layout(250)] == [25, 5, 3]


@given(st.lists(st.integers(0, 260), min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_every_node_is_the_mean_of_its_tokens(counts):
    torch.manual_seed(sum(counts))
    states = torch.randn(sum(counts), 8)
    layouts = [pyramid_layout(count) for count in counts]
    levels = build_pyramid(states, layouts)
    start = unit = cluster = atom = 0
    for count, (units, clusters, atoms) in zip(counts, layouts, strict=True):
        own = states[start : start + count]
        for i in range(len(atoms) - 1):
            low, high = units[clusters[atoms[i]]], units[clusters[atoms[i + 1]]]
            assert torch.allclose(levels.atoms[atom + i], own[low:high].mean(0), atol=1e-5)
        for i in range(len(clusters) - 1):
            assert torch.allclose(
                levels.clusters[cluster + i], own[units[clusters[i]] : units[clusters[i + 1]]].mean(0), atol=1e-5
            )
        for i in range(len(units) - 1):
            assert torch.allclose(levels.units[unit + i], own[units[i] : units[i + 1]].mean(0), atol=1e-5)
        start, unit, cluster, atom = (
            start + count,
            unit + len(units) - 1,
            cluster + len(clusters) - 1,
            atom + len(atoms) - 1,
        )
    assert (len(levels.units), len(levels.clusters), len(levels.atoms)) == (unit, cluster, atom)


def test_group_means_equal_a_loop():
    values = torch.randn(100, 3)
    bounds = np.array([5, 9, 10, 60, 100])
    slow = torch.stack([values[a:b].mean(0) for a, b in pairwise(bounds)])
    assert torch.allclose(group_means(values, bounds), slow, atol=1e-6)
