"""Huffman codes give back what was packed, and refuse what holds more than they could pack."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli import huffman


@given(st.binary(max_size=4000))
def test_bytes_come_back(data):
    packed = huffman.pack_bytes(data)
    assert huffman.unpack_bytes(packed) == huffman.unpack_bytes(packed, len(data)) == data
    assert len(data) <= 8 * len(packed)


def test_frequent_bytes_take_few_bits():
    assert len(huffman.pack_bytes(bytes(8000))) < 1100
    assert len(huffman.pack_bytes(bytes(range(100, 116)) * 500)) < 4100


@pytest.mark.parametrize("size", [-1, 0, 9, 11, 1 << 40])
def test_another_size_is_refused(size):
    with pytest.raises(ValueError, match="bytes"):
        huffman.unpack_bytes(huffman.pack_bytes(b"ten bytes!"), size)


def test_more_than_eight_times_as_much_is_refused():
    coder = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = coder.compress(bytes(1 << 20)) + coder.flush()
    for size in (None, 1 << 20):
        with pytest.raises(ValueError, match="bytes"):
            huffman.unpack_bytes(bomb, size)


def test_what_is_cut_off_or_goes_on_is_refused():
    packed = huffman.pack_bytes(bytes(range(256)) * 4)
    for damaged in (packed[:-1], packed + b"x", b"", b"\xff" * 20):
        with pytest.raises(ValueError, match=r"bytes|invalid|code"):
            huffman.unpack_bytes(damaged)
