"""Guessed tokens: found where they stand before, and never another text than one token at a time gives."""

import dataclasses

import gguf
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.published import greedy

from crystalcli.datatypes import Sampling
from crystalcli.lm.decoder import int8
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.generation import Generation
from crystalcli.lm.decoder.linear import has_int4_kernel
from crystalcli.lm.decoder.llama import MAX_GUESS, Llama
from crystalcli.lm.decoder.prompt_lookup import GuessPace, PromptLookup
from crystalcli.lm.decoder.sampler import Sampler
from crystalcli.lm.decoder.weight_only import has_weight_only_kernel
from crystalcli.lm.files.gguf import GGUF

pytestmark = pytest.mark.usefixtures("one_thread")


class Never(GuessPace):
    pays = False


class Always(GuessPace):
    pays = True


def plain_guess(ids: list[int], count: int) -> list[int]:
    for size in (3, 2):
        for end in range(len(ids) - 1, size - 1, -1):
            if len(ids) > size and ids[end - size : end] == ids[-size:]:
                return ids[end : end + count]
    return []


@given(
    ids=st.lists(st.integers(0, 3), max_size=40), more=st.lists(st.integers(0, 3), max_size=5), count=st.integers(1, 8)
)
def test_a_guess_is_what_followed_the_longest_end_the_last_time(ids, more, count):
    lookup = PromptLookup(ids)
    for token in more:
        lookup.add(token)
    assert lookup.guess(count) == plain_guess(ids + more, count)


def passes_until_a_rest(pace):
    passes = 0
    while pace.pays:
        pace.add_guess(2.0, 1)
        passes += 1
    return passes


def test_guesses_rest_while_they_cost_more_than_they_give():
    pace = GuessPace()
    for _ in range(20):
        pace.add_guess(2.0, 1)  # nothing to compare with
    assert pace.pays
    pace = GuessPace()
    pace.add_single(1.0)
    for _ in range(20):
        pace.add_guess(2.0, 3)
    assert pace.pays
    rests = []
    for _ in range(3):
        assert 1 < passes_until_a_rest(pace) < 10
        rests.append(0)
        while not pace.pays:
            pace.add_single(1.0)
            rests[-1] += 1
    assert rests == [rests[0], 2 * rests[0], 4 * rests[0]]


def test_guesses_rest_when_told_to():
    pace = GuessPace()
    pace.rest()
    for _ in range(16):
        assert not pace.pays
        pace.add_single(1.0)
    assert pace.pays


@pytest.fixture(scope="module")
def file(tiny_path):
    with GGUF(tiny_path) as opened:
        yield opened


FORMS = {
    "bytes": {"int4": False, "int8": True},
    "packed": {"int4": True},
    "packed and bytes": {"int4": True, "int8": True},
    "one byte a weight": {"int4": False, "weight_only": True},
}


@pytest.fixture(scope="module", params=FORMS)
def decoder(file, request):
    form = FORMS[request.param]
    if form["int4"] and not has_int4_kernel():
        pytest.skip("no four-bit kernel")
    if "weight_only" in form and not has_weight_only_kernel():
        pytest.skip("no kernel for one byte a weight")
    dtype = torch.float32 if "weight_only" in form or not int8.has_fast_int8() else torch.bfloat16
    return Llama(file, DecoderConfig.from_gguf(file), dtype, keep_dense=False, **form)


def read_before(decoder, ids, capacity):
    cache = decoder.cache(capacity)
    decoder.forward(ids, cache)
    return cache


@pytest.mark.parametrize("count", [2, MAX_GUESS + 1])
def test_several_ids_are_read_as_each_alone_to_the_last_bit(decoder, count):
    ids = [number * 7919 % 270 for number in range(20)]
    alone, together = (read_before(decoder, ids, 40) for _ in range(2))
    assert decoder.reads_rows_alike
    expected = torch.cat([decoder.forward([number], alone) for number in ids[:count]])
    assert torch.equal(decoder.forward_guess(ids[:count], together), expected)
    length = 20 + count
    assert together.length == alone.length == length
    assert torch.equal(together.keys[:, :, :length], alone.keys[:, :, :length])
    assert torch.equal(together.values[:, :, :length], alone.values[:, :, :length])


def generated(decoder, ids, sampling, pace):
    count = sampling.max_tokens
    cache = decoder.cache(len(ids) + count)
    sampler = Sampler(sampling)
    first = sampler.choose(decoder.forward(ids, cache)[0])
    tokens = [first, *Generation(decoder, cache, sampler, ids, pace).after(first, count - 1)]
    assert cache.length == len(ids) + count - 1
    return tokens


@pytest.mark.parametrize("temperature", [0.0, 0.2])
def test_the_same_text_with_guesses_and_without(decoder, temperature, monkeypatch):
    text = [number * 7919 % 270 for number in range(12)]
    ids = [*text, *text, *text[:5]]  # what follows is there to be copied
    sampling = Sampling(max_tokens=24, temperature=temperature, repetition_penalty=1.0, seed=3)
    expected = generated(decoder, ids, sampling, Never())
    if not temperature:
        assert expected == greedy(decoder, ids, 24)
    passes = []
    read = decoder.forward_guess
    monkeypatch.setattr(decoder, "forward_guess", lambda *these: passes.append(1) or read(*these))
    assert generated(decoder, ids, sampling, Always()) == expected
    if not temperature:
        assert 0 < len(passes) < 20  # the text goes round, and guesses are right
    penalised = dataclasses.replace(sampling, repetition_penalty=1.3)
    assert generated(decoder, ids, penalised, Always()) == generated(decoder, ids, penalised, Never())


def test_no_guesses_where_rows_together_are_otherwise(tmp_path, write_gguf, tiny_tensors, monkeypatch):
    form = gguf.GGMLQuantizationType.F32
    tensors = {name: (array, form) if array.ndim > 1 else array for name, array in tiny_tensors.items()}
    with GGUF(write_gguf(tmp_path / "model.gguf", tensors)) as file:
        decoder = Llama(file, DecoderConfig.from_gguf(file), torch.float32, int4=False)
        read = Llama.forward_guess
        monkeypatch.setattr(Llama, "forward_guess", lambda *these: read(*these) * (1 + 1e-6))
        assert not decoder.reads_rows_alike
        monkeypatch.setattr(Llama, "forward_guess", lambda *these: pytest.fail("it was not to be read so"))
        ids = [5, 6, 7] * 8
        sampling = Sampling(max_tokens=12)
        assert generated(decoder, ids, sampling, Always()) == greedy(decoder, ids, 12)
