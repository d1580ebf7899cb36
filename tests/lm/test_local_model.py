import random
import threading
from dataclasses import replace

import pytest
import torch

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm import LanguageModel
from crystalcli.lm.chat.stream import until_stop, without_thinking
from crystalcli.lm.decoder.linear import has_int4_kernel
from crystalcli.lm.decoder.sampler import Sampler

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(language_model_path):
    return LanguageModel.open(language_model_path)


@pytest.fixture(scope="module")
def tiny(tiny_path):
    return LanguageModel.open(tiny_path, precision="fp32")


def test_an_answer(model):
    pieces = list(model.generate(model.chat_prompt(QUESTION), Sampling(max_tokens=40)))
    assert len(pieces) > 3  # as they come, not at once
    assert all(pieces)
    assert "".join(pieces) == "The capital of France is Paris."


def test_what_it_says_of_itself(model, language_model_path, tiny):
    assert model.name == language_model_path.stem
    assert model.context_length == 8192
    assert tiny.context_length == 256


def test_the_first_piece_comes_before_the_rest_is_worked_out(tiny, monkeypatch):
    decoder = tiny.load()
    read, calls = decoder.forward, []
    monkeypatch.setattr(decoder, "forward", lambda *these, **those: calls.append(1) or read(*these, **those))
    pieces = tiny.generate([5, 6, 7], Sampling(max_tokens=20))
    assert calls == []
    next(pieces)
    assert 1 <= len(calls) < 20


def test_greedy_is_the_highest_logit(tiny):
    ids = tiny.chat_prompt(QUESTION)
    expected = []
    while len(expected) < 12:
        best = int(tiny.logits(ids + expected)[-1].argmax())
        if best in tiny._vocabulary.config.eos_ids:
            break
        expected.append(best)
    assert expected
    assert "".join(tiny.generate(ids, Sampling(max_tokens=12))) == tiny._vocabulary.decode(expected)


def test_logits(tiny):
    found = tiny.logits([5, 6, 7])
    assert found.shape == (3, 272)
    assert found.dtype == torch.float32


@pytest.mark.parametrize("first", [1, 2, 64, 65, 199])
def test_how_likely_tokens_are(tiny, first):
    ids = [random.Random(first).randrange(3, 272) for _ in range(200)]
    every = tiny.logits(ids).log_softmax(1)
    expected = [float(every[place - 1, ids[place]]) for place in range(first, 200)]
    assert tiny.log_probabilities(ids, first) == pytest.approx(expected, abs=1e-4)


def test_how_likely_other_tokens_are_in_their_place(tiny):
    ids = [random.Random(2).randrange(3, 272) for _ in range(120)]
    asked = [[random.Random(place).randrange(272) for _ in range(5)] for place in range(30, 120)]
    found = tiny.log_probabilities_of(ids, 30, asked)
    assert (found.shape, str(found.dtype)) == ((90, 5), "float32")
    every = tiny.logits(ids).log_softmax(1)
    assert found == pytest.approx(every[29:119].gather(1, torch.tensor(asked)).numpy(), abs=1e-4)
    whole = tiny.log_probabilities_of(ids, 119, [range(272)])
    assert float(torch.from_numpy(whole).exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([[1]], r"expected candidates of shape \[2, k\], .*got \[1, 1\]"),
        ([1, 2], r"got \[2\]"),
        ([[1], [272]], "from 0 to 271"),
        ([[-1], [1]], "from 0"),
    ],
)
def test_what_cannot_be_asked_for(tiny, asked, said):
    with pytest.raises(UsageError, match=said):
        tiny.log_probabilities_of([5, 6, 7], 1, asked)


def test_how_likely_tokens_are_not(tiny):
    for first in (0, 3):
        with pytest.raises(UsageError, match="from 1 to 2"):
            tiny.log_probabilities([5, 6, 7], first)
    with pytest.raises(CrystalError, match="more than the 256"):
        tiny.log_probabilities([5] * 258, 1)
    assert len(tiny.log_probabilities([5] * 257, 200)) == 57


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
def test_threads_are_tried_while_tokens_are_judged_and_then_as_before(tiny_path, monkeypatch):
    ids = [random.Random(1).randrange(3, 272) for _ in range(200)]
    alone = LanguageModel.open(tiny_path).log_probabilities(ids, 150)
    used = []
    set_threads = torch.set_num_threads
    set_threads(2)
    try:
        model = LanguageModel.open(tiny_path)
        model.load()
        monkeypatch.setattr(torch, "set_num_threads", lambda count: used.append(count) or set_threads(count))
        found = model.log_probabilities(ids, 150)
        assert torch.get_num_threads() == 2
    finally:
        set_threads(1)
    assert used[0] == 1
    assert 2 in used[:-1]
    assert found == pytest.approx(alone, abs=1e-4)


def test_text_as_tokens(tiny):
    ids = tiny.ids("the <|im_end|> thing ✓")
    assert tiny.data(ids).decode() == "the <|im_end|> thing ✓"


@pytest.mark.parametrize("temperature", [0.0, 1.5])
def test_the_same_again(tiny, temperature):
    said = {"".join(tiny.generate([5, 6], Sampling(max_tokens=30, temperature=temperature, seed=3))) for _ in range(3)}
    assert len(said) == 1


def test_seeds_differ(tiny):
    said = {"".join(tiny.generate([5, 6], Sampling(max_tokens=30, temperature=1.5, seed=seed))) for seed in range(4)}
    assert len(said) > 1


def test_max_tokens(tiny, monkeypatch):
    monkeypatch.setattr(tiny._vocabulary, "config", replace(tiny._vocabulary.config, eos_ids=frozenset()))
    drawn = []
    choose = Sampler.choose
    monkeypatch.setattr(Sampler, "choose", lambda self, logits: drawn.append(choose(self, logits)) or drawn[-1])
    list(tiny.generate([5, 6], Sampling(max_tokens=9)))
    assert len(drawn) == 9


def test_stop(tiny, monkeypatch):
    monkeypatch.setattr(tiny._vocabulary, "config", replace(tiny._vocabulary.config, eos_ids=frozenset()))
    whole = "".join(tiny.generate([5, 6, 9], Sampling(max_tokens=30)))
    stop = whole[5:9]
    assert "".join(tiny.generate([5, 6, 9], Sampling(max_tokens=30, stop=[stop]))) == whole[: whole.index(stop)]
    assert "".join(tiny.generate([5, 6, 9], Sampling(max_tokens=30, stop=stop))) == whole[: whole.index(stop)]
    assert "".join(tiny.generate([5, 6, 9], Sampling(max_tokens=30, stop=["", "nowhere in it"]))) == whole


@pytest.mark.parametrize(
    ("pieces", "stop", "expected"),
    [
        (["ab", "cd", "ef"], ["cd"], ["ab"]),
        (["ab", "c", "d", "ef"], ["cde"], ["ab"]),
        (["ab", "c", "x"], ["cde"], ["ab", "cx"]),
        (["aab", "aac"], ["aac"], ["aab"]),
        (["ab", "a"], ["ac"], ["ab", "a"]),
        (["xyz"], ["z", "y"], ["x"]),
        (["xyz"], [], ["xyz"]),
        (["xyz"], ["x"], []),
    ],
)
def test_stop_strings_across_pieces(pieces, stop, expected):
    assert list(until_stop(iter(pieces), stop)) == expected


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["\n", " It", " is"], "It is"),
        (["<think>\n\n", "Hm", "m.</th", "ink>\n\n", "\nIt is"], "It is"),
        (["<th", "ink></think>It is"], "It is"),
        (["<th", "ey>"], "<they>"),
        (["It <think>s</think>"], "It <think>s</think>"),
        (["<think>", "for ever" * 50], ""),
        (["<thi"], "<thi"),
        ([" ", "\n"], ""),
    ],
)
def test_what_comes_before_the_first_word_is_not_said(pieces, expected):
    assert "".join(without_thinking(iter(pieces))) == expected


def test_the_penalty_is_for_what_was_said(tiny, monkeypatch):
    monkeypatch.setattr(tiny._vocabulary, "config", replace(tiny._vocabulary.config, eos_ids=frozenset()))
    chosen: list[int] = []
    choose = Sampler.choose
    monkeypatch.setattr(Sampler, "choose", lambda self, logits: chosen.append(choose(self, logits)) or chosen[-1])
    list(tiny.generate([5, 6], Sampling(max_tokens=40)))
    plain = len(set(chosen))
    chosen.clear()
    list(tiny.generate([5, 6], Sampling(max_tokens=40, repetition_penalty=100.0)))
    assert len(set(chosen)) > plain


class TestSampler:
    def test_nucleus(self):
        logits = torch.log(torch.tensor([0.5, 0.3, 0.15, 0.05]))
        drawn = [Sampler(Sampling(1, 1.0, 0.6, seed, 1.0)).choose(logits) for seed in range(200)]
        assert set(drawn) == {0, 1}
        assert 80 < drawn.count(0) < 170
        assert {Sampler(Sampling(1, 1.0, 0.01, seed, 1.0)).choose(logits) for seed in range(20)} == {0}
        assert {Sampler(Sampling(1, 1.0, 1.0, seed, 1.0)).choose(logits) for seed in range(400)} == {0, 1, 2, 3}

    def test_temperature(self):
        logits = torch.tensor([1.0, 2.0, 3.0])
        assert {Sampler(Sampling(1, 0.01, 1.0, seed, 1.0)).choose(logits) for seed in range(50)} == {2}
        assert {Sampler(Sampling(1, 1e-9, 1.0, seed, 1.0)).choose(logits) for seed in range(5)} == {2}

    def test_penalty(self):
        sampler = Sampler(Sampling(1, 0.0, 1.0, 0, 2.0))
        logits = torch.tensor([4.0, 3.0, -1.0])
        assert [sampler.choose(logits) for _ in range(3)] == [0, 1, 0]
        assert logits.tolist() == [4.0, 3.0, -1.0]


WRONG = {
    "max_tokens": ({"max_tokens": 0}, "max_tokens must be at least 1, got 0"),
    "temperature": ({"temperature": -1.0}, "temperature is from 0"),
    "no number": ({"temperature": float("nan")}, "temperature is from 0"),
    "top_p": ({"top_p": 0.0}, "top_p above 0"),
    "penalty": ({"repetition_penalty": 0.0}, "repetition_penalty from 0.01"),
}


@pytest.mark.parametrize("case", WRONG)
def test_figures_out_of_range(tiny, case):
    changes, reason = WRONG[case]
    with pytest.raises(UsageError, match=reason):
        tiny.generate([5], Sampling(**({"max_tokens": 4} | changes)))


def test_prompts_that_are_none(tiny):
    with pytest.raises(UsageError, match="empty prompt"):
        tiny.generate([], Sampling(max_tokens=4))
    for number in (-1, 272):
        with pytest.raises(UsageError, match="token ids are from 0 to 271"):
            tiny.generate([number], Sampling(max_tokens=4))


def test_a_prompt_too_long(tiny):
    reason = r"the prompt has 250 tokens, but with 20 for the answer tiny can take 236 \(of 256\)"
    with pytest.raises(CrystalError, match=reason):
        tiny.generate([5] * 250, Sampling(max_tokens=20))
    with pytest.raises(CrystalError, match="can take 0"):
        tiny.generate([5], Sampling(max_tokens=1000))
    with pytest.raises(CrystalError, match="257 tokens are more than the 256 tiny can take"):
        tiny.logits([5] * 257)
    assert list(tiny.generate([5] * 236, Sampling(max_tokens=20)))  # just fits


def test_opening(tmp_path, tiny_path, write_gguf, tiny_tensors):
    with pytest.raises(ModelMissingError, match=r"no language model at .*none\.gguf"):
        LanguageModel.open(tmp_path / "none.gguf")
    with pytest.raises(UsageError, match="precision must be one of auto, fp32, bf16, got 'int3'"):
        LanguageModel.open(tiny_path, precision="int3")
    with pytest.raises(UsageError, match="threads must be at least 1, got 0"):
        LanguageModel.open(tiny_path, threads=0)
    with pytest.raises(CrystalError, match=r"llama.context_length cannot be 'None'"):
        LanguageModel.open(write_gguf(tmp_path / "no.gguf", tiny_tensors, llama__context_length=None))
    with pytest.raises(CrystalError, match=r"token_embd.weight is missing"):
        LanguageModel.open(write_gguf(tmp_path / "bare.gguf", {}))
    fewer = {**tiny_tensors, "token_embd.weight": tiny_tensors["token_embd.weight"][:256]}
    with pytest.raises(CrystalError, match="272 tokens, but embeddings for 256"):
        LanguageModel.open(write_gguf(tmp_path / "fewer.gguf", fewer))


def test_weights_are_checked_at_the_first_word(tmp_path, write_gguf, tiny_tensors):
    lacking = {name: tensor for name, tensor in tiny_tensors.items() if name != "blk.1.ffn_up.weight"}
    model = LanguageModel.open(write_gguf(tmp_path / "lacking.gguf", lacking))
    assert model.count("the") > 0
    with pytest.raises(CrystalError, match=r"the tensor blk.1.ffn_up.weight is missing"):
        next(model.generate([5], Sampling(max_tokens=1)))


def test_threads(tiny_path):
    LanguageModel.open(tiny_path, threads=2).load()
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)


def test_several_threads_of_the_caller(tiny_path):
    model = LanguageModel.open(tiny_path, precision="fp32")
    said: list[str] = []
    workers = [
        threading.Thread(target=lambda: said.append("".join(model.generate([5, 6, 7], Sampling(max_tokens=20)))))
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(said) == 4
    assert len(set(said)) == 1


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_a_converted_copy_says_the_same(tmp_path, tiny_path, precision):
    prompt = list(range(3, 60))  # long enough that every form of the weights is needed

    def say() -> str:
        model = LanguageModel.open(tiny_path, precision=precision, cache=tmp_path / "cache")
        return "".join(model.generate(prompt, Sampling(max_tokens=20)))

    first = say()
    (copy,) = (tmp_path / "cache" / "tiny").glob("*.safetensors")
    written = copy.stat().st_mtime_ns
    assert say() == first
    assert copy.stat().st_mtime_ns == written
    copy.write_bytes(copy.read_bytes()[:100])
    assert say() == first
    assert copy.stat().st_size > 100  # made anew
    assert {path.name for path in copy.parent.iterdir()} == {copy.name, copy.stem + ".json"}


def test_a_copy_of_another_file_is_not_used(tmp_path, tiny_tensors, write_gguf):
    halves = {name: array.astype("f2" if array.ndim > 1 else "f4") for name, array in tiny_tensors.items()}
    path = write_gguf(tmp_path / "tiny.gguf", halves)
    prompt = list(range(3, 60))

    def logits_after_an_answer() -> torch.Tensor:
        model = LanguageModel.open(path, precision="fp32", cache=tmp_path / "cache")
        list(model.generate(prompt, Sampling(max_tokens=5)))
        return model.logits(prompt)

    before = logits_after_an_answer()
    write_gguf(path, {**halves, "blk.0.ffn_up.weight": halves["blk.0.ffn_up.weight"] + 0.01})
    after = logits_after_an_answer()
    assert not torch.allclose(before, after)
    assert len(list((tmp_path / "cache" / "tiny").glob("*.safetensors"))) == 1


def test_no_copy_of_what_is_used_as_it_is(tmp_path, tiny_tensors, write_gguf):
    path = write_gguf(tmp_path / "tiny.gguf", tiny_tensors)
    model = LanguageModel.open(path, precision="fp32", cache=tmp_path / "cache")
    assert list(model.generate(list(range(3, 60)), Sampling(max_tokens=5)))
    assert not (tmp_path / "cache").exists()


def test_no_copy_where_none_can_be(tmp_path, tiny_path):
    (tmp_path / "file").write_text("in the way")
    model = LanguageModel.open(tiny_path, cache=tmp_path / "file")
    assert "".join(model.generate(list(range(3, 60)), Sampling(max_tokens=5)))


def test_whatever_is_damaged_ends_in_the_named_error(tmp_path, write_gguf, tiny_tensors):
    whole = write_gguf(tmp_path / "whole.gguf", tiny_tensors).read_bytes()
    path = tmp_path / "damaged.gguf"
    choose = random.Random(5)
    outcomes = []
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(choose.randint(1, 3)):
            place = choose.randrange(11_000)  # header, vocabulary, tensor infos
            if choose.random() < 0.7:
                data[place] = choose.randrange(256)
            else:
                del data[place : place + choose.randint(1, 9)]
        path.write_bytes(data)
        try:
            model = LanguageModel.open(path, precision="fp32")
            ids = model.chat_prompt(QUESTION)
            list(model.generate(ids[:20], Sampling(max_tokens=2)))
            outcomes.append("whole")
        except CrystalError as error:
            assert "\n" not in str(error)
            outcomes.append("named")
    assert 50 < outcomes.count("named") < 400
