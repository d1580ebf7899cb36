"""Views of layers: nothing is lost between bands, and what is lit is what recall gave."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli import Crystal, LayerScope, NotFoundError
from crystalcli.overview.layers.cell_groups import MOST_CELLS, group_evenly, group_small
from crystalcli.overview.layers.meaning_plane import meaning_plane
from crystalcli.overview.layers.telling_words import telling_words
from crystalcli.vectors.codec import default_codec

QUESTION = "Who built the portable scale that Miss Tranter inherited?"
STORY = "story/01-a-good-balance.md"


def walk(crystal, question="", most=60):
    """Views that can be reached from the first one by way of three cells of each band."""
    ahead, seen = [LayerScope()], set()
    while ahead and len(seen) < most:
        scope = ahead.pop(0)
        if scope in seen:
            continue
        seen.add(scope)
        view = crystal.layers(scope, question)
        yield view
        for band in view.bands:
            brightest = max(band.cells, key=lambda cell: cell.light)
            for cell in (brightest, band.cells[0], band.cells[len(band.cells) // 2]):
                if cell.scope is not None:
                    ahead.append(cell.scope)


def check(view):
    edges = {0, view.tokens}
    for band in view.bands:
        starts = [cell.start for cell in band.cells]
        assert starts[0] == 0
        assert band.cells[-1].end == view.tokens
        assert all(one.end == two.start for one, two in pairwise(band.cells)), band.name
        assert all(cell.start < cell.end for cell in band.cells)
        assert edges <= {*starts, view.tokens}, f"{band.name}: children leave their parents"
        edges = {*starts, view.tokens}
        assert len(band.cells) <= 2 * MOST_CELLS


def test_every_band_holds_all_tokens_and_children_lie_inside_their_parents(crystal):
    views = list(walk(crystal))
    assert len(views) == 60
    for view in views:
        check(view)
    assert views[0].tokens == crystal.stats().tokens  # no text of the samples stands twice
    counts = {band.name: band.nodes for band in views[0].bands}
    layers = {layer.name: layer.nodes for layer in crystal.stats().layers}
    assert {name: counts[name] for name in ("atoms", "clusters", "units")} == {
        name: layers[name] for name in ("atoms", "clusters", "units")
    }
    assert counts["documents"] == crystal.stats().documents


def test_the_way_down_ends_at_one_atom_with_its_text(crystal):
    view = crystal.layers(LayerScope(document=STORY))
    assert [band.name for band in view.bands][-3:] == ["atoms", "clusters", "units"]
    last = crystal.layers(view.bands[-3].cells[0].scope)
    assert last.bands[-3].nodes == 1
    assert all(cell.scope is None for band in last.bands for cell in band.cells)
    assert "".join(unit.text for unit in last.text).strip() in crystal.quote(STORY, 0, 10_000)
    assert last.before is None
    assert last.after is not None
    assert [crumb.label for crumb in last.crumbs][:3] == ["", "story", "01-a-good-balance.md"]
    assert last.crumbs[-1].label.startswith("atom 1 of ")


def test_what_is_lit_is_what_recall_gives(crystal):
    results = crystal.recall(QUESTION)
    view = crystal.layers(LayerScope(), QUESTION)
    assert [lit.passage for lit in view.passages] == list(results)
    assert [lit.number for lit in view.passages] == [1, 2, 3, 4, 5]
    best = view.passages[0]
    down = crystal.layers(best.scope, QUESTION)
    assert best.unit_text in " ".join("".join(unit.text for unit in down.text).split())
    assert any(1 in unit.passages for unit in down.text)
    lit = [unit.light > 0 for unit in down.text]
    assert 0 < sum(lit) <= len(lit) / 2
    assert best.unit_text in max(down.text, key=lambda unit: unit.light).text
    assert [step.layer for step in best.steps] == ["atoms", "clusters", "units"]
    assert all(step.score is not None and step.light > 0.3 for step in best.steps)


def test_the_bands_above_a_passage_are_lit_where_it_stands(crystal):
    for view in walk(crystal, QUESTION):
        check(view)
        for lit in view.shown_passages:
            low, high = lit.tokens
            for band in view.bands:
                over = [cell for cell in band.cells if cell.start < high and cell.end > low]
                assert over, f"passage {lit.number} is in no cell of {band.name}"
                assert any(cell.read for cell in over)
    whole = crystal.layers(LayerScope(), QUESTION)
    atoms = next(band for band in whole.bands if band.name == "atoms")
    assert atoms.read == atoms.nodes == dict(whole.compared)["atoms"]
    for name in ("clusters", "units"):
        band = next(band for band in whole.bands if band.name == name)
        assert band.read == dict(whole.compared)[name] <= band.nodes
        assert max(cell.light for cell in band.cells) == pytest.approx(1)


def test_a_question_elsewhere_leaves_a_document_dark(crystal):
    view = crystal.layers(LayerScope(document="tidewatch/src/tidewatch/cli.py"), QUESTION)
    assert list(view.shown_passages) == []
    assert all(cell.light < 0.8 for band in view.bands for cell in band.cells)


def test_a_span_without_the_middle_of_an_atom_has_the_atom_that_it_is_in(crystal):
    view = crystal.layers(LayerScope(document=STORY, span=(3, 5)))
    assert next(band for band in view.bands if band.name == "atoms").nodes == 1
    beyond = crystal.layers(LayerScope(document=STORY, span=(10**7, 10**7 + 5)))
    assert next(band for band in beyond.bands if band.name == "atoms").nodes == 1


def test_views_of_what_is_not_there_say_so(crystal):
    with pytest.raises(NotFoundError, match="no document nowhere"):
        crystal.layers(LayerScope(document="nowhere"))
    with pytest.raises(NotFoundError, match="no documents in nowhere"):
        crystal.layers(LayerScope("nowhere"))
    with pytest.raises(NotFoundError, match="no documents there"):
        crystal.layers(LayerScope(files=(900, 901)))


def test_an_empty_crystal_has_an_empty_view(tmp_path):
    with Crystal.create(tmp_path / "empty.crystal", encoder=None) as empty:
        view = empty.layers()
        assert (view.tokens, view.bands) == (0, ())


def test_documents_without_tokens_have_empty_views(tmp_path):
    (tmp_path / "unseen.txt").write_text("\u200b\u200b", encoding="utf-8")
    (tmp_path / "blank.txt").write_text("\n\n", encoding="utf-8")
    with Crystal.create(tmp_path / "unseen.crystal", encoder=None) as unseen:
        unseen.ingest([tmp_path / "unseen.txt", tmp_path / "blank.txt"])
        for scope in (LayerScope(), LayerScope(document="unseen.txt"), LayerScope(document="blank.txt")):
            for question in ("", "rope"):
                assert unseen.layers(scope, question).bands == ()
        (tmp_path / "rope.txt").write_text("A rope.\n", encoding="utf-8")
        unseen.ingest([tmp_path / "rope.txt"])
        assert unseen.layers(LayerScope(), "rope").bands[0].nodes == 1


def test_a_crystal_without_layers_is_lit_by_words(tmp_path, shelf_folder):
    with Crystal.create(tmp_path / "words.crystal", encoder=None) as words:
        words.ingest([shelf_folder])
        view = words.layers(LayerScope(), "Who carried the brass key?")
        check(view)
        bands = {band.name: band for band in view.bands}
        assert bands["clusters"].read == bands["units"].read == 0
        assert max(cell.light for cell in bands["atoms"].cells) == 1
        assert [step.score is None for step in view.passages[0].steps] == [False, True, True]


def test_many_small_documents_are_drawn_together_and_can_be_walked_to(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.txt").write_text(f"Note {number} is about rope number {number}.\n", encoding="utf-8")
    with Crystal.create(tmp_path / "notes.crystal", encoder=None) as notes:
        notes.ingest([folder])
        view = notes.layers()
        check(view)
        documents = view.bands[0]
        assert documents.nodes == 300
        assert len(documents.cells) < 120
        group = next(cell for cell in documents.cells if cell.nodes > 1)
        below = notes.layers(group.scope)
        check(below)
        assert below.tokens == group.end - group.start
        assert below.bands[0].nodes == group.nodes
        assert below.crumbs[-1].label.startswith("documents ")


@given(st.lists(st.integers(1, 400), min_size=1, max_size=400), st.integers(1, 60), st.data())
def test_groups_hold_every_node_once_and_stay_inside_the_cells_above(sizes, most, data):
    bounds = np.cumsum([0, *sizes])
    cuts = data.draw(st.sets(st.integers(1, max(1, len(sizes) - 1)), max_size=20))
    edges = bounds[sorted({0, *(cut for cut in cuts if cut < len(sizes)), len(sizes)})]
    firsts = group_evenly(bounds, edges, most)
    assert firsts[0] == 0
    assert firsts[-1] == len(sizes)
    assert (np.diff(firsts) > 0).all()
    if len(sizes) > most:
        assert set(edges.tolist()) <= set(bounds[firsts].tolist())
        assert len(firsts) - 1 <= 2 * most + len(edges)


@given(st.lists(st.integers(0, 50), max_size=200), st.floats(1, 200))
def test_small_neighbours_are_grouped_and_large_ones_stay_alone(sizes, least):
    groups = group_small(sizes, least)
    assert [number for low, high in groups for number in range(low, high)] == list(range(len(sizes)))
    for low, high in groups:
        assert high - low == 1 or max(sizes[low:high]) < least


def test_telling_words_set_texts_apart():
    texts = [
        "The keeper of the lamp trims the wick. The lamp burns oil.",
        "Rain fell on the keeper. The ferry waits for rain to end, and the ferry is late.",
    ]
    lamp, ferry = telling_words(texts, 2)
    assert "lamp" in lamp
    assert "ferry" in ferry
    assert "keeper" not in lamp + ferry
    assert telling_words(["", "12 34"]) == ["", ""]


def test_texts_of_one_subject_have_one_direction(crystal):
    """The story and the code of the samples lie on different sides of the middle."""
    view = crystal.layers()
    assert all(cell.meaning is not None for band in view.bands for cell in band.cells)
    cells = {cell.label: cell.meaning for cell in view.bands[0].cells}
    (story, _), (code, _) = cells["story/"], cells["tidewatch/"]
    assert 0.2 < abs(story - code) < 0.8
    assert crystal.layers() == view
    assert all(cell.meaning is None for band in crystal.layers(LayerScope(), QUESTION).bands for cell in band.cells)


def test_a_place_on_the_plane_is_the_mean_of_its_parts():
    random = np.random.default_rng(7)
    codes = random.integers(0, 256, (50, 32), np.uint8)
    bounds = np.cumsum([0, *random.integers(40, 160, 50)])
    plane = meaning_plane(default_codec(), codes, bounds)
    low, cut, high = 130, 1111, 3210
    whole = plane.place(np.array([low]), np.array([high]))
    parts = plane.place(np.array([low, cut]), np.array([cut, high]))
    np.testing.assert_allclose(whole[:, 0], parts @ [cut - low, high - cut] / (high - low))
    even = meaning_plane(default_codec(), codes, 100 * np.arange(51))
    np.testing.assert_allclose(even.place(np.array([0]), np.array([5000])), 0, atol=1e-5)  # the middle
    assert meaning_plane(default_codec(), codes[:7], bounds[:8]) is None
