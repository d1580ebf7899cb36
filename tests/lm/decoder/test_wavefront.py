"""A prompt in parts: the same bits for any number of threads, and one failure ends them all."""

from __future__ import annotations

import threading

import pytest
import torch

from crystalcli.lm.decoder.llama import BLOCK_SIZE, _halves
from crystalcli.lm.decoder.wavefront import read_in_parts
from crystalcli.lm.local_model import LanguageModel


@pytest.mark.parametrize("kept", [0, BLOCK_SIZE])
def test_the_result_is_the_same_for_any_number_of_threads(tiny_path, kept):
    decoder = LanguageModel.open(tiny_path).load()
    ids = [(7 * number) % 250 + 5 for number in range(2 * BLOCK_SIZE + 90)]
    results = []
    for threads in (1, 2, 3, 16):
        cache = decoder.cache(len(ids))
        if kept:
            decoder.read_prompt(ids[:kept], cache, 1)
        logits = decoder.read_prompt(ids[kept:], cache, threads)
        assert cache.length == len(ids)
        results.append((logits, cache.keys, cache.values))
    assert results[0][0].shape == (1, decoder.config.vocab_size)
    for result in results[1:]:
        assert all(map(torch.equal, result, results[0]))


def test_it_is_read_as_forward_reads_it(tiny_path):
    decoder = LanguageModel.open(tiny_path, precision="fp32").load()
    ids = [(7 * number) % 250 + 5 for number in range(BLOCK_SIZE + 90)]
    whole, parts = (decoder.cache(len(ids)) for _ in range(2))
    expected, logits = decoder.forward(ids, whole), decoder.read_prompt(ids, parts, 2)
    assert torch.allclose(logits, expected, atol=1e-4)
    assert torch.allclose(parts.keys, whole.keys, atol=1e-4)


def test_the_halves_of_a_block_do_not_depend_on_what_follows():
    for start in (0, BLOCK_SIZE, 70):
        before: list[tuple[int, int]] = []
        for end in range(start + 1, start + 3 * BLOCK_SIZE):
            parts = _halves(start, end)
            assert [place for low, high in parts for place in range(low, high)] == list(range(start, end))
            if end % BLOCK_SIZE == 0:
                assert parts[: len(before)] == before
                before = parts
    assert _halves(0, 20) == [(0, 20)]
    assert _halves(0, BLOCK_SIZE) == [(0, BLOCK_SIZE // 2), (BLOCK_SIZE // 2, BLOCK_SIZE)]


def test_a_failure_in_one_part_ends_the_others():
    reached: list[tuple[int, int]] = []

    def read(part, wait):
        for layer in range(3):
            if (part, layer) == (1, 1):
                raise MemoryError("no room")
            wait(layer)
            reached.append((part, layer))

    before = threading.active_count(), torch.get_num_threads()
    with pytest.raises(MemoryError, match="no room"):
        read_in_parts(range(4), 2, read)
    assert (threading.active_count(), torch.get_num_threads()) == before
    assert (2, 1) not in reached
    assert (1, 0) in reached
