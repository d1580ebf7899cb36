from collections import Counter
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import (
    Block,
    PackedPostings,
    bm25,
    build_blocks,
    find_postings,
    lookup_postings,
    merge_blocks,
    postings,
    query_terms,
    terms,
    varint,
    word_spans,
)

bags = st.lists(
    st.dictionaries(st.sampled_from([f"term{i}" for i in range(40)]), st.integers(1, 9), max_size=8), max_size=60
)


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**62))))
def test_varints_come_back(values):
    array = np.array(values, np.int64)
    assert varint.decode(varint.encode(array)).tolist() == values


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**15), st.integers(0, 2**50))))
def test_running_sums_of_varints_are_those_of_the_numbers(values):
    array = np.array(values, np.int64)
    assert np.array_equal(varint.running_sums(varint.encode(array)), np.cumsum(array))


@pytest.mark.parametrize("data", [b"\x80", b"\x05\xff", b"\xff" * 12 + b"\x01"])
def test_cut_off_or_endless_varints_are_refused(data):
    for decode in (varint.decode, varint.running_sums):
        with pytest.raises(ValueError, match=r"cut off|too long"):
            decode(data)


def test_numbers_whose_sum_is_too_large_are_refused():
    largest = varint.encode(np.full(3, 2**62, np.int64))
    with pytest.raises(ValueError, match="too large"):
        varint.running_sums(largest)
    with pytest.raises(DamagedCrystalError, match="do not decode"):
        list(PackedPostings(3, 0, largest + b"\0").pieces())


@given(st.lists(st.integers(0, 2**40), max_size=40), st.data())
def test_some_of_the_varints_come_back(values, data):
    start = data.draw(st.integers(0, len(values)))
    count = data.draw(st.integers(0, len(values) - start))
    encoded = varint.encode(np.array(values, np.int64))
    assert varint.decode_slice(encoded, start, count).tolist() == values[start : start + count]
    with pytest.raises(ValueError, match="missing"):
        varint.decode_slice(encoded, start, len(values) - start + 1)


@given(
    st.lists(st.tuples(st.lists(st.integers(0, 2**40), max_size=9), st.integers(0, 9), st.integers(0, 9)), max_size=6)
)
def test_slices_of_several_parts_are_those_of_each(drawn):
    parts = [varint.encode(np.array(values, np.int64)) for values, _, _ in drawn]
    slices = [(min(start, len(values)), max(0, min(count, len(values) - start))) for values, start, count in drawn]
    found = [numbers.tolist() for numbers in varint.decode_slices(parts, slices)]
    assert found == [
        values[start : start + count] for (values, _, _), (start, count) in zip(drawn, slices, strict=True)
    ]


def test_slices_do_not_reach_into_the_next_part():
    with pytest.raises(ValueError, match="missing"):
        varint.decode_slices([b"\1\2", b"\3\4"], [(1, 2), (0, 1)])
    with pytest.raises(ValueError, match="cut off"):
        varint.decode_slices([b"\1\x82", b"\3\4"], [(0, 1), (0, 1)])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_long_postings_come_in_pieces_that_make_the_whole(first, widest, seed):
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 50_000))
    atoms = first + np.cumsum(random.integers(1, widest + 1, count))
    frequencies = random.integers(1, 5, count).astype(np.uint8)
    found = PackedPostings(count, first, postings._encode_long(atoms, frequencies, first))
    pieces = list(found.pieces())
    assert max(len(piece.atoms) for piece in pieces) <= postings._PIECE
    assert np.array_equal(np.concatenate([piece.atoms for piece in pieces]), atoms)
    assert np.array_equal(np.concatenate([piece.frequencies for piece in pieces]), frequencies)
    for df in (count - 1, count + 1, count + 9):
        with pytest.raises(DamagedCrystalError, match="postings"):
            list(PackedPostings(df, first, found.data).pieces())


def test_postings_of_atoms_that_are_not_there_are_refused():
    found = PackedPostings(2, 0, postings._encode([3, 900], [1, 1], 0))
    with pytest.raises(DamagedCrystalError, match="atoms that are not there"):
        bm25.score({"a": [found]}, np.full(10, 5, np.uint8))


def test_the_mean_length_may_be_known_before():
    lengths = np.array([3, 9, 40, 7], np.uint8)
    found = {"a": [PackedPostings(2, 0, postings._encode([1, 3], [1, 4], 0))]}
    alone = bm25.score(found, lengths)
    assert np.array_equal(bm25.score(found, lengths, average=14.75), alone)
    assert not np.array_equal(bm25.score(found, lengths, average=30.0), alone)


class Segment(NamedTuple):
    """A segment of an index in memory, by its number."""

    id: int
    first_atom: int
    blocks: list[Block]


class Index:
    """Blocks in memory, read as a crystal reads them."""

    def __init__(self, *segments):
        self.segments = [Segment(id, first, blocks) for id, (first, blocks) in enumerate(segments)]

    def lexicons(self):
        return self.segments

    def block(self, lexicon, term):
        candidates = [block.data for block in self.segments[lexicon].blocks if block.first_term <= term]
        return candidates[-1] if candidates else None


def decoded(blocks, term, first):
    """The postings of a term in one segment, or None."""
    packed = lookup_postings(Index((first, blocks)), [term])[term]
    return packed[0].decode() if packed else None


@settings(max_examples=60, deadline=None)
@given(bags, st.integers(0, 10**9))
def test_the_index_gives_back_every_count(counts, first):
    blocks = list(build_blocks(counts, first))
    for term in {term for bag in counts for term in bag}:
        wanted = [(first + i, min(4, bag[term])) for i, bag in enumerate(counts) if term in bag]
        found = decoded(blocks, term, first)
        assert list(zip(found.atoms.tolist(), found.frequencies.tolist(), strict=True)) == wanted
    assert decoded(blocks, "zzz", first) is None


@settings(max_examples=60, deadline=None)
@given(bags, st.data())
def test_merged_segments_equal_one_made_at_once(counts, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(counts)), max_size=4)))
    bounds = [0, *cuts, len(counts)]
    parts = [
        (low, [block.data for block in build_blocks(counts[low:high], low)])
        for low, high in pairwise(bounds)
        if high > low
    ]
    if parts:
        assert list(merge_blocks(parts)) == list(build_blocks(counts, 0))


@settings(max_examples=60, deadline=None)
@given(bags, st.data())
def test_a_lookup_finds_a_term_in_every_segment_that_has_it(counts, data):
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, len(counts) - 1)), max_size=4)) if len(counts) > 1 else [])
    bounds = [0, *cuts, len(counts)]
    index = Index(*((low, list(build_blocks(counts[low:high], low))) for low, high in pairwise(bounds)))
    terms = sorted({term for bag in counts for term in bag} | {"zzz"})
    postings_of = lookup_postings(index, terms)
    assert list(postings_of) == terms
    for term, segments in postings_of.items():
        atoms = [atom for packed in segments for atom in packed.decode().atoms.tolist()]
        assert atoms == [atom for atom, bag in enumerate(counts) if term in bag]


def test_many_terms_make_many_blocks_in_order():
    counts = [Counter({f"w{i % 997:03d}x{i % 13}": 1 + i % 3, "common": 1}) for i in range(5000)]
    blocks = list(build_blocks(counts, 7))
    assert len(blocks) > 3
    assert [b.first_term for b in blocks] == sorted(b.first_term for b in blocks)
    assert len(decoded(blocks, "common", 7).atoms) == 5000


def test_a_damaged_block_says_so():
    block = next(iter(build_blocks([{"alpha": 1, "beta": 2}] * 50, 0))).data
    for at in range(len(block)):
        broken = block[:at] + bytes([block[at] ^ 0xFF]) + block[at + 1 :]
        try:
            find_postings(broken, "alpha", 0)
        except DamagedCrystalError as error:
            assert "lexical index" in str(error)
    with pytest.raises(DamagedCrystalError, match="lexical index"):
        find_postings(block[:-3], "alpha", 0)


def test_terms_are_stemmed_split_and_placed():
    found = list(terms("The parseGaugeRecord runs; snake_case_name, HTTPServer2 42"))
    assert {"pars", "gaug", "record", "run", "snake", "case", "name", "http", "server", "42"} <= {
        term for term, _ in found
    }
    assert ("parsegaugerecord", 4) in found
    assert "the" not in {term for term, _ in found}


def test_query_terms_meet_the_text_s_terms():
    assert set(query_terms("Which whales were hunted?")) == {"whale", "hunt"}
    assert [(start, end, term) for start, end, term in word_spans("The whales")] == [(0, 3, ""), (4, 10, "whale")]


def test_bm25_equals_the_formula_done_slowly():
    counts = [Counter({"a": 2, "b": 1}), Counter({"b": 3}), Counter({"c": 1}), Counter({"a": 1, "c": 4})]
    lengths = np.array([sum(c.values()) for c in counts], np.uint8)
    blocks = list(build_blocks(counts, 0))
    scores = bm25.score(lookup_postings(Index((0, blocks)), ["a", "c"]), lengths)
    for atom, bag in enumerate(counts):
        wanted = 0.0
        for term in ("a", "c"):
            tf, df = bag[term], sum(term in c for c in counts)
            norm = bm25.K1 * (1 - bm25.B + bm25.B * sum(bag.values()) / lengths.mean())
            wanted += bm25.idf(df, 4) * tf * (bm25.K1 + 1) / (tf + norm) if tf else 0.0
        assert scores[atom] == pytest.approx(wanted, rel=1e-5)
