"""Each way to cut text against the `tokenizers` library with the pre-tokenizer that the family publishes."""

import json

import pytest
import tokenizers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.strings import CODE, PIECES, varied
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers

from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.tokenizer.from_gguf import vocabulary_from_gguf

TEXT = (
    CODE
    + (
        " The keeper's lamp burns 1984 litres; they've said it'll be 12345678 by 2030, don't ask. HTMLParser getElementById IT'S\n"
        "\n  naïve Straße   日本語 русский —«quoted»… a/b/c //comment\n\t\tx = 3.14159\r\n\r\nend"
    )
    * 3
)


def split(pattern: str):
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def around_numbers(digits: str) -> str:
    """The pattern of tiktoken's cl100k, as Llama 3 and Qwen 2 publish it with so many digits at a time."""
    return (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
        + digits
        + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )


TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
WAYS = {
    "gpt-2": pre_tokenizers.ByteLevel(add_prefix_space=False),
    "smollm": pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    ),
    "llama-bpe": split(around_numbers(r"\p{N}{1,3}")),
    "qwen2": split(around_numbers(r"\p{N}")),
    "tekken": split(TEKKEN),
}


@pytest.fixture(scope="module", params=WAYS)
def both(request, tmp_path_factory, write_gguf):
    """A vocabulary learnt from a text cut in this way: by us from a GGUF file, and in the library."""
    reference = tokenizers.Tokenizer(models.BPE(ignore_merges=request.param in ("llama-bpe", "tekken")))
    reference.pre_tokenizer = WAYS[request.param]
    if request.param == "qwen2":
        reference.normalizer = normalizers.NFC()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, show_progress=False)
    reference.train_from_iterator([TEXT], trainer)
    ids = reference.get_vocab()
    merges = json.loads(reference.to_str())["model"]["merges"]  # pairs; before tokenizers 0.20 texts
    path = write_gguf(
        tmp_path_factory.mktemp("ways") / "way.gguf",
        {},
        tokenizer__ggml__pre=request.param,
        tokenizer__ggml__tokens=sorted(ids, key=ids.__getitem__),
        tokenizer__ggml__token_type=[1] * len(ids),
        tokenizer__ggml__merges=[merge if isinstance(merge, str) else " ".join(merge) for merge in merges],
    )
    with GGUF(path) as file:
        return vocabulary_from_gguf(file), reference


def test_a_thousand_strings(both):
    vocabulary, reference = both
    for text in [TEXT, *varied(1000)]:
        assert vocabulary.encode(text) == reference.encode(text).ids, text
    assert vocabulary.count(TEXT) < len(TEXT) / 2  # it does merge


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from([*PIECES, *TEXT.split(" "), " "])).map("".join))
@example("12345 IT'S  HTMLParser\r\n\r\n ///\n")
@example("e\u0301")
def test_any_string(both, text):
    vocabulary, reference = both
    assert vocabulary.encode(text) == reference.encode(text).ids
