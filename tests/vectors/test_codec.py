import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import DamagedCrystalError
from crystalcli.vectors import CODE_BYTES, Codec, codes_from_bytes, cosines, default_codec, train_quantizer, unit_length
from crystalcli.vectors import opq as training


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


def test_what_is_decoded_along_with_the_codes_is_what_they_decode_to():
    codec, vectors = default_codec(), pyramid(3)
    codes, decoded = codec.encode_and_decode(*vectors)
    for one, other in zip(codes, codec.encode(*vectors), strict=True):
        assert np.array_equal(one, other)
    for one, other in zip(decoded, codec.decode(*codes, *vectors[3:]), strict=True):
        assert np.array_equal(one, other)


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


@pytest.mark.parametrize("seed", range(60))
def test_a_quantizer_learns_from_what_rounding_left(seed):
    """One vector that the layer before decodes to the last bit but one: its outer product is near float32's smallest."""
    random = np.random.default_rng(seed)
    vector = np.float32(2.0**-30) * np.round(random.normal(size=(1, 48)) * 0.4).astype(np.float32)
    quantizer = train_quantizer(vector, 12, rounds=2)
    assert np.isfinite(quantizer.rotation).all()
    np.testing.assert_allclose(quantizer.decode(quantizer.encode(vector)), vector, atol=2.0**-40)


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
    with pytest.raises(DamagedCrystalError, match="atoms: expected 32 bytes, got 3"):
        codes_from_bytes(b"123", "atoms", 1)
    assert codes_from_bytes(bytes(64), "atoms", 2).shape == (2, 32)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(CODE_BYTES)))
def test_what_a_code_decodes_to_has_that_code(seed, layer):
    quantizer = getattr(default_codec(), layer)
    codes = np.random.default_rng(seed).integers(0, 256, (20, CODE_BYTES[layer]), np.uint8)
    assert np.array_equal(quantizer.encode(quantizer.decode(codes)), codes)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), atoms=st.integers(1, 4))
def test_the_same_pyramid_has_the_same_codes_and_they_decode_near_it(seed, atoms):
    codec = default_codec()
    vectors = pyramid(seed, atoms)
    codes = codec.encode(*vectors)
    for one, two in zip(codes, codec.encode(*vectors), strict=True):
        assert np.array_equal(one, two)
    for real, decoded in zip(vectors, codec.decode(*codes, *vectors[3:]), strict=False):
        assert cosines(real, decoded).mean() > 0.2  # these vectors are noise; those of an encoder are not


@pytest.mark.parametrize("size", [48, 100, 128])
@pytest.mark.parametrize("count", [1, 300])
def test_any_dimension_and_any_number_of_vectors_can_be_learnt_from(size, count):
    random = np.random.default_rng(0)
    vectors = random.normal(size=(count, size)).astype(np.float32)
    quantizers = {layer: train_quantizer(vectors, books, rounds=1) for layer, books in CODE_BYTES.items()}
    codec = Codec.from_blobs(Codec(**quantizers).to_blobs(), size)
    for layer, books in CODE_BYTES.items():
        quantizer = getattr(codec, layer)
        codes = quantizer.encode(vectors)
        assert codes.shape == (count, books)
        decoded = quantizer.decode(codes)
        assert decoded.shape == vectors.shape
        error = ((vectors - decoded) ** 2).sum() / (vectors**2).sum()
        assert error < (1e-3 if count == 1 else 0.99)
        query = vectors[0]
        score = sum(quantizer.lookup_table(query)[np.arange(books), codes[0]])
        assert score == pytest.approx(float(decoded[0] @ query), rel=1e-2)


class _Seen(Exception):
    """What the first quantizer is learnt from."""


@pytest.mark.parametrize("atoms", [5, 40, 60, 110, 200, 400])
def test_few_atoms_are_learnt_with_clusters_and_units_of_the_whole_text(monkeypatch, atoms):
    """Dimensions: which layer a vector is of, and where in the text it stands."""
    layers = []
    for layer, count in enumerate((atoms, 2 * atoms, 10 * atoms)):
        vectors = np.zeros((count, 4), np.float32)
        vectors[:, layer], vectors[:, 3] = 1, np.arange(count) / count
        layers.append(vectors)

    def look(vectors, books, **options):
        raise _Seen(vectors)

    monkeypatch.setattr(training, "MIN_ATOMS", 256)
    monkeypatch.setattr(training, "train_quantizer", look)
    with pytest.raises(_Seen) as seen:
        training.train_codec(*layers, np.arange(2 * atoms) // 2, np.arange(10 * atoms) // 5)
    found = seen.value.args[0]
    assert len(found) == (atoms if atoms >= 256 else min(256, 13 * atoms))
    shares = [found[found[:, layer] > 0] for layer in range(3)]
    assert len(shares[0]) == atoms
    for vectors, layer in zip(shares, layers, strict=True):
        if len(vectors):
            places = vectors[:, 3] / vectors[:, :3].max(1)
            gap = 1 / min(len(vectors), len(layer))
            assert places.min() == 0
            assert np.diff(np.append(places, 1)).max() < 2 * gap
