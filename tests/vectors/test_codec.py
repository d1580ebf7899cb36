import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import DamagedCrystalError
from crystalcli.vectors.codec import CODE_BYTES, Codec, codes_from, default_codec, unit_length
from crystalcli.vectors.train import train_quantizer


def pyramid(seed: int, atoms: int = 6):
    """Vectors whose children scatter around their parents, like those of a text."""
    random = np.random.default_rng(seed)
    top = random.normal(size=(atoms, 384)).astype(np.float32)
    cluster_atom = np.repeat(np.arange(atoms), 2)
    clusters = (top[cluster_atom] + random.normal(size=(2 * atoms, 384)) * 0.6).astype(np.float32)
    unit_cluster = np.repeat(np.arange(2 * atoms), 5)
    units = (clusters[unit_cluster] + random.normal(size=(10 * atoms, 384))).astype(np.float32)
    return top, clusters, units, cluster_atom, unit_cluster


def test_layers_take_less_than_a_megabyte_per_million_tokens():
    assert 10_000 * CODE_BYTES["atoms"] + 20_000 * CODE_BYTES["clusters"] + 100_000 * CODE_BYTES["units"] < 1_000_000


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9))
def test_codes_do_not_depend_on_what_is_coded_beside_them(seed, cut):
    codec = default_codec()
    atoms, clusters, units, cluster_atom, unit_cluster = pyramid(seed, 10)
    whole = codec.encode(atoms, clusters, units, cluster_atom, unit_cluster)
    first = codec.encode(
        atoms[:cut], clusters[: 2 * cut], units[: 10 * cut], cluster_atom[: 2 * cut], unit_cluster[: 10 * cut]
    )
    rest = codec.encode(
        atoms[cut:],
        clusters[2 * cut :],
        units[10 * cut :],
        cluster_atom[2 * cut :] - cut,
        unit_cluster[10 * cut :] - 2 * cut,
    )
    for one, two, both in zip(first, rest, whole, strict=True):
        assert np.mean(np.concatenate([one, two]) == both) > 0.999


def test_scores_off_the_table_equal_scores_of_decoded_atoms():
    codec = default_codec()
    atoms, clusters, units, *parents = pyramid(3, 40)
    codes, _, _ = codec.encode(atoms, clusters, units, *parents)
    query = unit_length(np.random.default_rng(4).normal(size=(1, 384)).astype(np.float32))[0]
    assert np.allclose(codec.score_atoms(query, codes), codec.atoms.decode(codes) @ query, atol=1e-4)


def test_a_quantizer_learns_the_data_it_is_given():
    random = np.random.default_rng(0)
    mixing = random.normal(size=(16, 16)).astype(np.float32)
    vectors = (random.normal(size=(4000, 16)) @ mixing).astype(np.float32)
    quantizer = train_quantizer(vectors, 4, rounds=6)
    assert np.allclose(quantizer.rotation @ quantizer.rotation.T, np.eye(16), atol=1e-3)
    error = vectors - quantizer.decode(quantizer.encode(vectors))
    assert (error**2).sum() / (vectors**2).sum() < 0.12
    again = train_quantizer(vectors, 4, rounds=6)
    assert np.array_equal(again.encode(vectors), quantizer.encode(vectors))


def test_codebooks_come_back_from_their_file(tmp_path):
    codec = default_codec()
    codec.save(tmp_path / "books.npz")
    again = Codec.load(tmp_path / "books.npz")
    for one, two in zip(
        (codec.atoms, codec.clusters, codec.units), (again.atoms, again.clusters, again.units), strict=True
    ):
        assert np.array_equal(one.centroids, two.centroids)
        assert np.array_equal(one.rotation, two.rotation)


def test_codes_of_another_size_are_refused():
    with pytest.raises(DamagedCrystalError, match="atoms have not the size"):
        codes_from(b"123", "atoms", 1)
    assert codes_from(bytes(64), "atoms", 2).shape == (2, 32)
