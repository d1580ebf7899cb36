import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.vectors import PairedCodes, default_codec, paired_codes


@given(st.integers(0, 200), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_codes_come_back_and_score_as_one_byte_at_a_time(count, half, seed):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 256, (count, 2 * half), np.uint8)
    table = random.normal(size=(2 * half, 256)).astype(np.float32)
    paired = PairedCodes.from_codes(codes)
    assert len(paired) == count
    assert paired.nbytes == codes.nbytes
    assert np.array_equal(paired[np.arange(count)], codes)
    for node in range(0, count, 50):
        assert np.array_equal(paired[node], codes[node])
    slowly = sum(table[book][codes[:, book]] for book in range(2 * half))
    assert paired.scores(table) == pytest.approx(slowly, abs=1e-5)


def test_tables_of_several_questions_are_those_of_each():
    queries = np.random.default_rng(2).normal(size=(7, 384)).astype(np.float32)
    codec = default_codec()
    for quantizer in (codec.atoms, codec.clusters, codec.units):
        tables = quantizer.lookup_tables(queries)
        for query, table in zip(queries, tables, strict=True):
            products = quantizer.centroids @ (query @ quantizer.rotation).reshape(len(table), -1, 1)
            assert np.allclose(table, products[:, :, 0], atol=1e-4)
            assert np.allclose(table, quantizer.lookup_table(query), atol=1e-4)


def test_many_more_nodes_than_are_scored_at_a_time():
    random = np.random.default_rng(1)
    codes = random.integers(0, 256, (40_000, 32), np.uint8)
    query = random.normal(size=384).astype(np.float32)
    table = default_codec().atoms.lookup_table(query)
    paired = PairedCodes(len(codes), 32)
    for start in range(0, len(codes), 7777):
        paired.fill(start, codes[start : start + 7777])
    slowly = table[np.arange(32), codes].sum(1)
    assert default_codec().score_atoms(query, paired) == pytest.approx(slowly, abs=1e-4)
    assert np.array_equal(default_codec().score_atoms(query, codes), default_codec().score_atoms(query, paired))


@pytest.mark.parametrize("count", [1024, 1025, 5000])
def test_scores_of_very_many_nodes_are_shared_by_threads_and_the_same(count, monkeypatch):
    random = np.random.default_rng(3)
    table = random.normal(size=(32, 256)).astype(np.float32)
    paired = PairedCodes.from_codes(random.integers(0, 256, (count, 32), np.uint8))
    alone = paired.scores(table)
    shares: list[range] = []
    real = paired_codes.map_in_threads

    def note(function, items, threads):
        shares.append(items)
        return real(function, items, 3)

    monkeypatch.setattr(paired_codes, "_BATCH", 64)
    monkeypatch.setattr(paired_codes, "_FEWEST_FOR_THREADS", 1024)
    monkeypatch.setattr(paired_codes, "map_in_threads", note)
    assert np.array_equal(paired.scores(table), alone)
    assert len(shares[0]) > 1
    monkeypatch.setattr(paired_codes, "_FEWEST_FOR_THREADS", 5001)
    assert np.array_equal(paired.scores(table), alone)
    assert len(shares) == 1
