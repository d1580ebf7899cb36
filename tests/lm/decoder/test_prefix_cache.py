"""A prompt that begins like the last one: less is read, and not a bit of what is said changes."""

import threading

import numpy as np
import pytest
import torch

from crystalcli.datatypes import Sampling
from crystalcli.lm import LanguageModel
from crystalcli.lm.decoder.llama import BLOCK_SIZE
from crystalcli.lm.decoder.prefix_cache import PrefixCache

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def path(tmp_path_factory, write_gguf, tiny_tensors):
    return write_gguf(tmp_path_factory.mktemp("long") / "long.gguf", tiny_tensors, llama__context_length=4096)


def ids(count: int, seed: int = 0) -> list[int]:
    return np.random.default_rng(seed).integers(3, 270, count).tolist()


class Watched:
    """A model, and how many ids it was given to read in each call."""

    def __init__(self, path, monkeypatch, **options):
        self.model = LanguageModel.open(path, **options)
        decoder = self.model.load()
        self.read = []
        _ = decoder.reads_rows_alike  # tried once, by a part of the model
        for name in ("forward", "read_prompt"):
            monkeypatch.setattr(decoder, name, self._watch(getattr(decoder, name)))

    def _watch(self, read):
        return lambda new, *rest, **more: self.read.append(len(new)) or read(new, *rest, **more)

    def say(self, prompt: list[int], count: int = 12) -> str:
        self.read.clear()
        return "".join(self.model.generate(prompt, Sampling(max_tokens=count)))


BEGINNING = ids(3 * BLOCK_SIZE + 40)
PROMPTS = {  # what comes after BEGINNING -> how much of it all is read
    "the same again": (BEGINNING, 40),
    "it goes on": (BEGINNING + ids(50, 1), 90),
    "it goes on for long": (BEGINNING + ids(700, 1), 740),
    "it ends sooner": (BEGINNING[: 2 * BLOCK_SIZE + 9], 9),
    "it ends with a block": (BEGINNING[: 2 * BLOCK_SIZE], BLOCK_SIZE),
    "another end": (BEGINNING[: BLOCK_SIZE + 30] + ids(20, 2), 50),
    "another beginning": ([4, *BEGINNING], 3 * BLOCK_SIZE + 41),
    "short": (BEGINNING[:20], 20),
}


@pytest.mark.parametrize("precision", ["fp32", "auto", "bf16"])
@pytest.mark.parametrize("case", PROMPTS)
def test_the_same_text_from_less(path, monkeypatch, precision, case):
    prompt, expected = PROMPTS[case]
    plain = Watched(path, monkeypatch, precision=precision).say(prompt)
    watched = Watched(path, monkeypatch, precision=precision)
    watched.say(BEGINNING)
    assert watched.read[0] == len(BEGINNING)
    assert watched.say(prompt) == plain
    assert watched.read[0] == expected


def test_to_the_last_bit(path):
    decoder = LanguageModel.open(path).load()
    prompt = BEGINNING + ids(30, 3)
    whole = decoder.forward(prompt, decoder.cache(len(prompt)))
    prefix = PrefixCache()
    first = prefix.take(decoder, BEGINNING, len(BEGINNING))
    decoder.forward(BEGINNING, first)
    prefix.store(BEGINNING, first)
    again = prefix.take(decoder, prompt, len(prompt))  # which needs more room
    assert again is not first
    assert again.length == 3 * BLOCK_SIZE
    assert torch.equal(decoder.forward(prompt[again.length :], again), whole)


def test_the_real_model(language_model_path):
    """Its weights stay packed for few rows and are bfloat16 for many, where the machine has both."""
    prompt = ids(BLOCK_SIZE + 60)
    plain = "".join(LanguageModel.open(language_model_path).generate([*prompt, 9, 8], Sampling(max_tokens=12)))
    model = LanguageModel.open(language_model_path)
    "".join(model.generate(prompt, Sampling(max_tokens=3)))
    assert "".join(model.generate([*prompt, 9, 8], Sampling(max_tokens=12))) == plain


def test_what_is_too_large_is_not_kept(path):
    decoder = LanguageModel.open(path).load()
    for most, expected in ((1 << 30, 2 * BLOCK_SIZE), (1000, 0)):
        prefix = PrefixCache(most)
        cache = prefix.take(decoder, BEGINNING, 2000)
        cache.length = len(BEGINNING)
        prefix.store(BEGINNING, cache)
        assert prefix.take(decoder, BEGINNING[: 3 * BLOCK_SIZE], 2000).length == expected


def test_two_at_a_time_share_nothing(path):
    model = LanguageModel.open(path, precision="fp32")
    expected = {seed: "".join(model.generate(BEGINNING + ids(9, seed), Sampling(max_tokens=15))) for seed in range(4)}
    found: dict[int, str] = {}
    workers = [
        threading.Thread(
            target=lambda seed=seed: found.update(
                {seed: "".join(model.generate(BEGINNING + ids(9, seed), Sampling(max_tokens=15)))}
            )
        )
        for seed in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == expected


def test_an_answer_left_in_the_middle(path, monkeypatch):
    watched = Watched(path, monkeypatch, precision="fp32")
    expected = watched.say(BEGINNING)
    pieces = watched.model.generate(BEGINNING, Sampling(max_tokens=12))
    next(pieces)
    pieces.close()
    assert watched.say(BEGINNING) == expected
    assert watched.read[0] == 40
