"""A decoder in another process: the same ids, a text that is wanted no more, a process that ends."""

from __future__ import annotations

import pytest

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError
from crystalcli.lm.decoder_process import DecoderProcess
from crystalcli.lm.local_model import LanguageModel

LONG = Sampling(max_tokens=40)
PROMPTS = [3, 5, 8, 13] * 9, [21, 5, 8]


@pytest.fixture(scope="module")
def process(tiny_path):
    process = DecoderProcess(tiny_path, None)
    yield process
    process.close()


def test_the_text_is_that_of_a_decoder_here(process, tiny_path):
    here, there = LanguageModel.open(tiny_path), LanguageModel.open(tiny_path, process=process)
    expected = [list(here.generate(prompt, LONG)) for prompt in PROMPTS]
    assert [list(there.generate(prompt, LONG)) for prompt in PROMPTS] == expected
    for prompt in PROMPTS:  # each left in the middle, and the next one begins anew
        ids = there.generate_ids(prompt, Sampling(max_tokens=200))
        assert next(ids) == next(here.generate_ids(prompt, LONG))
        ids.close()
    assert list(there.generate(PROMPTS[0], LONG)) == expected[0]
    assert there._generator._decoder is None  # no weights here


def test_an_error_is_that_of_the_call_and_the_process_goes_on(process, tiny_path, monkeypatch):
    model = LanguageModel.open(tiny_path, process=process)
    with pytest.raises(CrystalError, match=r"a prompt of 3 tokens"):
        list(model.generate_ids([1, 2, 3], Sampling(max_tokens=1 << 40)))
    assert "".join(model.generate([1, 2, 3], LONG))


def test_a_process_that_has_ended_is_one_line(process, tiny_path):
    process._process.kill()
    with pytest.raises(CrystalError, match=r"the process that runs tiny has ended"):
        list(LanguageModel.open(tiny_path, process=process).generate([1, 2, 3], LONG))


def test_a_file_that_cannot_be_used_is_said_with_the_first_word(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"GGUF")
    process = DecoderProcess(tmp_path / "bad.gguf", None)
    with pytest.raises(CrystalError, match=r"bad\.gguf is not a usable GGUF model"):
        list(process.generate([1], LONG, frozenset()))
    process.close()
    assert process._process.returncode is not None
