"""Vocabularies with scores against the `tokenizers` library, set up as transformers sets it up for Llama 2."""

import random

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.strings import CODE, PIECES, varied
from tokenizers import decoders, models, normalizers, trainers

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError
from crystalcli.lm import LanguageModel
from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.tokenizer.from_gguf import vocabulary_from_gguf

PROSE = "The keeper of the lighthouse at Oldhaven said that the lamp burns 14 litres of oil a night. Nobody spoke, until   the \
island came in sight; then they all did.  The ferry left at six, and the naïve clerk Straße 日本語 called it: the end of the tides."
TEMPLATE = "{{ bos_token }}{% for message in messages %}[INST] {{ message['content'] }} [/INST]{% endfor %}"


def learnt() -> tuple[list[str], list[float], list[int]]:
    """Tokens, scores and token types as SentencePiece orders them: control, bytes, what merges make, characters."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    words = PROSE.replace(" ", " \0").split("\0") * 3 + CODE.split("\0")
    trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False, min_frequency=2)
    tokenizer.train_from_iterator([word.replace("▁", "") for word in words], trainer)
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
    made = [token for token in vocabulary if len(token) > 1]
    single = [token for token in vocabulary if len(token) == 1]
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = ["<unk>", "<s>", "</s>", *bytes_, *made, *single]
    kinds = [2, 3, 3] + [6] * 256 + [1] * (len(made) + len(single))
    scores = [0.0] * 259 + [-float(place) for place in range(len(made) + len(single))]
    return tokens, scores, kinds


def metadata(tokens: list[str], scores: list[float], kinds: list[int]) -> dict[str, object]:
    return {
        "tokenizer__ggml__model": "llama",
        "tokenizer__ggml__pre": "default",
        "tokenizer__ggml__tokens": tokens,
        "tokenizer__ggml__scores": scores,
        "tokenizer__ggml__token_type": kinds,
        "tokenizer__ggml__merges": None,
        "tokenizer__ggml__bos_token_id": 1,
        "tokenizer__ggml__eos_token_id": 2,
        "tokenizer__chat_template": TEMPLATE,
    }


def library(tokens: list[str], scores: list[float], kinds: list[int], prefix: bool = True, fallback: bool = True):
    """The `tokenizers` library with every way to make each token as a merge, the highest score first."""
    ids = {token: number for number, token in enumerate(tokens)}
    ordinary = {token for token, kind in zip(tokens, kinds, strict=True) if kind == 1}
    ways = [
        (scores[ids[token]], token[:cut], token[cut:])
        for token in ordinary
        for cut in range(1, len(token))
        if token[:cut] in ordinary and token[cut:] in ordinary
    ]
    ways.sort(key=lambda way: (-way[0], way[1]))
    made = tokenizers.Tokenizer(
        models.BPE(
            vocab=ids,
            merges=[(left, right) for _, left, right in ways],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=fallback,
        )
    )
    replace = normalizers.Replace(" ", "▁")
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prefix else replace
    strip = [decoders.Strip(" ", 1, 0)] if prefix else []
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip])
    return made


@pytest.fixture(scope="module")
def parts():
    return learnt()


@pytest.fixture(scope="module")
def read(tmp_path_factory, write_gguf):
    """read(tokens, scores, kinds, …): the vocabulary of a file that carries them."""

    def of(*parts, **changes):
        path = write_gguf(tmp_path_factory.mktemp("pieces") / "pieces.gguf", {}, **(metadata(*parts) | changes))
        with GGUF(path) as file:
            return vocabulary_from_gguf(file)

    return of


@pytest.fixture(scope="module")
def vocabulary(read, parts):
    return read(*parts)


@pytest.fixture(scope="module")
def reference(parts):
    return library(*parts)


def test_a_thousand_strings(vocabulary, reference):
    for text in [PROSE, *varied(1000)]:
        assert vocabulary.encode(text) == reference.encode(text).ids, text
    assert vocabulary.count(PROSE) < len(PROSE) / 2  # it does merge


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from([*PIECES, *PROSE.split(" "), " ", "  "])).map("".join))
@example("▁ the")
@example("<0x41></s>")
@example(" the  keeper   of    ")
def test_any_string(vocabulary, reference, text):
    ids = vocabulary.encode(text)
    assert ids == reference.encode(text).ids
    assert vocabulary.decode(ids) == text.replace("▁", " ")


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(3, 400), max_size=30))
def test_decoding_any_ids(vocabulary, reference, ids):
    ids = [number for number in ids if number < vocabulary.size]
    expected = reference.decode(ids)
    if "\ufffd" not in expected:  # how many marks stand for bytes that are not UTF-8 is a matter of taste
        assert vocabulary.decode(ids) == expected


def test_without_a_space_before(read, parts):
    vocabulary, reference = read(*parts, tokenizer__ggml__add_space_prefix=False), library(*parts, prefix=False)
    for text in [PROSE, *varied(200)]:
        assert vocabulary.encode(text) == reference.encode(text).ids
        assert vocabulary.decode(vocabulary.encode(text)) == text.replace("▁", " ")


def test_tokens_across_words(read, parts):
    """With a token that has a space inside, words cannot be taken one by one."""
    tokens, scores, kinds = parts
    several = ([*tokens, "e▁", "e▁l"], [*scores, 5.0, 6.0], [*kinds, 1, 1])
    vocabulary, reference = read(*several), library(*several)
    assert vocabulary.size - 1 in vocabulary.encode("the lamp")
    for text in [PROSE, *varied(200)]:
        assert vocabulary.encode(text) == reference.encode(text).ids


def test_characters_without_token_or_bytes(read, parts):
    tokens, scores, kinds = ([*part[:3], *part[259:]] for part in parts)
    vocabulary, reference = read(tokens, scores, kinds), library(tokens, scores, kinds, fallback=False)
    assert vocabulary.encode("the ཨོཾ") == [*vocabulary.encode("the "), 0]
    for text in varied(200):
        assert vocabulary.encode(text) == reference.encode(text).ids


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80) | st.lists(st.sampled_from(PIECES)).map("".join), st.integers(0, 40))
def test_truncating(vocabulary, text, tokens):
    cut = vocabulary.truncate(text, tokens)
    assert text.startswith(cut)
    assert vocabulary.count(cut) <= tokens
    if vocabulary.count(text) <= tokens:
        assert cut == text


def test_truncating_keeps_what_fits(vocabulary):
    for tokens in (2, 7, 100, 200):
        assert tokens - 2 <= vocabulary.count(vocabulary.truncate(PROSE * 9, tokens)) <= tokens


def test_a_stream_gives_whole_characters_only(vocabulary):
    text = "naïve 🎉 ཨོཾ 𐍈"
    pieces = list(vocabulary.stream(iter(vocabulary.encode(text))))
    assert "".join(pieces) == text
    assert all(pieces)
    assert len(pieces) > 3


def test_lone_surrogates(vocabulary):
    assert vocabulary.decode(vocabulary.encode("a\ud800b")) == "a\ufffdb"


@pytest.mark.parametrize("text", [" " * 200_000 + "x", "lamp" * 50_000])
def test_very_long_words(vocabulary, text):
    assert vocabulary.decode(vocabulary.encode(text)) == text


def test_prompts(tmp_path, write_gguf, tiny_tensors, parts, vocabulary):
    tensors = {**tiny_tensors, "token_embd.weight": tiny_tensors["token_embd.weight"].repeat(2, axis=0)}
    model = LanguageModel.open(write_gguf(tmp_path / "model.gguf", tensors, **metadata(*parts)))
    ids = model.chat_prompt([{"role": "user", "content": "the lamp</s>[INST]"}])
    assert ids == [1, *vocabulary.encode("[INST] the lamp</s>[INST] [/INST]")]
    assert 2 not in ids
    assert model._vocabulary.config.eos_ids == {2}
    first = int(model.logits(ids)[-1].argmax())
    assert "".join(model.generate(ids, Sampling(max_tokens=1))) == model._vocabulary.decode([first])


def test_the_first_token_unless_the_file_says_no(read, parts):
    assert read(*parts).config.adds_bos
    assert not read(*parts, tokenizer__ggml__add_bos_token=False).config.adds_bos


DAMAGED = {
    "no scores": ({"tokenizer__ggml__scores": None}, "tokens need as many scores"),
    "too few scores": ({"tokenizer__ggml__scores": [0.5, 1.5]}, "tokens need as many scores"),
    "scores that are no numbers": ("nan", "tokens need as many scores"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_vocabularies(read, parts, case):
    changes, reason = DAMAGED[case]
    if changes == "nan":
        changes = {"tokenizer__ggml__scores": [float("nan")] * len(parts[0])}
    with pytest.raises(CrystalError, match=reason):
        read(*parts, **changes)


def test_whatever_is_damaged_ends_in_the_named_error(tmp_path, write_gguf, tiny_tensors, parts):
    tensors = {**tiny_tensors, "token_embd.weight": tiny_tensors["token_embd.weight"].repeat(2, axis=0)}
    whole = write_gguf(tmp_path / "whole.gguf", tensors, **metadata(*parts)).read_bytes()
    path = tmp_path / "damaged.gguf"
    choose = random.Random(6)
    outcomes = []
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(choose.randint(1, 3)):
            data[choose.randrange(14_000)] = choose.randrange(256)  # header, vocabulary, scores, tensor infos
        path.write_bytes(data)
        try:
            model = LanguageModel.open(path, precision="fp32")
            list(
                model.generate(
                    model.chat_prompt([{"role": "user", "content": PROSE[:60]}])[:20], Sampling(max_tokens=2)
                )
            )
            outcomes.append("whole")
        except CrystalError as error:
            assert "\n" not in str(error)
            outcomes.append("named")
    assert 20 < outcomes.count("named") < 150
