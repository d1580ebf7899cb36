"""Encoders of every supported type, with random weights, against the reference implementation."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.small_encoder import make_encoder

from crystalcli.errors import ModelMissingError, UsageError
from crystalcli.vectors import (
    MODEL_TYPES,
    Bert,
    EncoderPrompts,
    FolderTokenizer,
    QuestionEncoder,
    read_encoder_config,
    read_prompts,
    tokenizer_digest,
)

TEXTS = [
    "The keeper of the light counted the boats.",
    "Tides",
    "  Tabs,\n\nnewlines and (punctuation) — “quoted”… Größe, naïve, 中文 🙂🙂 x" + "y" * 40,
    "def parse(record):\n    return record  # " + "and so on " * 8,
]


@pytest.fixture(scope="module", params=MODEL_TYPES)
def folder(request, tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("encoder") / request.param, request.param)


def reference(folder, ids):
    """The states that `transformers` gives to one text's own tokens."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    first, last = FolderTokenizer(folder).special
    with torch.inference_mode():
        return model(torch.tensor([[first, *ids, last]])).last_hidden_state[0]


def test_tokens_are_those_of_the_folder_s_own_tokenizer(folder):
    from tokenizers import Tokenizer

    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    own.no_truncation()
    own.no_padding()
    tokenizer = FolderTokenizer(folder)
    for text, (ids, ends) in zip(TEXTS, tokenizer.tokenize(TEXTS), strict=True):
        encoding = own.encode(text, add_special_tokens=False)
        assert encoding.ids == ids.tolist()
        wanted = [end for _, end in encoding.offsets]
        assert ends.tolist() == np.maximum.accumulate(wanted).tolist()
        assert ends[-1] <= len(text)
    assert tokenizer.special == tuple(own.encode("", add_special_tokens=True).ids)
    assert len(tokenizer.tokenize([TEXTS[3]])[0][0]) > 24  # neither cut off nor filled up, whatever was saved


def test_both_encoders_equal_the_reference(folder):
    tokenizer = FolderTokenizer(folder)
    bert = Bert(folder, special=tokenizer.special, precision=torch.float32, device="cpu")
    question = QuestionEncoder(folder, tokenizer)
    assert (bert.config.positions, bert.config.dimension) == (128, 48)
    for text in TEXTS:
        ids, _ = question.tokens(text)
        wanted = reference(folder, ids.tolist())
        assert torch.allclose(bert.states([ids]), wanted[1:-1], atol=1e-4)
        assert torch.allclose(bert.embed(ids), torch.nn.functional.normalize(wanted.mean(0), dim=0), atol=1e-4)
        encoded = question.encode(ids.tolist())
        assert np.allclose(encoded.vector, torch.nn.functional.normalize(wanted.mean(0), dim=0), atol=1e-4)
        assert np.allclose(encoded.states, torch.nn.functional.normalize(wanted[1:-1], dim=1), atol=1e-4)


def test_the_longest_text_uses_the_last_position(folder):
    tokenizer = FolderTokenizer(folder)
    ids = np.resize(tokenizer.tokenize([TEXTS[0]])[0][0], 126)
    wanted = reference(folder, ids.tolist())[1:-1]
    bert = Bert(folder, special=tokenizer.special, precision=torch.float32, device="cpu")
    assert torch.allclose(bert.states([ids]), wanted, atol=1e-4)
    states = QuestionEncoder(folder, tokenizer).encode(ids.tolist()).states
    assert np.allclose(states, torch.nn.functional.normalize(wanted, dim=1), atol=1e-4)


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh", "relu"])
def test_activation_epsilon_and_heads_come_from_the_folder(tmp_path, activation):
    made = make_encoder(tmp_path / "e", hidden_act=activation, layer_norm_eps=1e-3)
    ids = FolderTokenizer(made).tokenize([TEXTS[0]])[0][0]
    wanted = reference(made, ids.tolist())[1:-1]
    special = FolderTokenizer(made).special
    assert torch.allclose(Bert(made, special=special, precision=torch.float32).states([ids]), wanted, atol=1e-4)
    states = QuestionEncoder(made, FolderTokenizer(made)).encode(ids.tolist()).states
    assert np.allclose(states, torch.nn.functional.normalize(wanted, dim=1), atol=1e-4)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
def test_weights_saved_in_half_precision_are_read(tmp_path, precision):
    from safetensors.torch import load_file, save_file

    made = make_encoder(tmp_path / "e")
    weights = {f"bert.{name}": w.to(precision) for name, w in load_file(made / "model.safetensors").items()}
    ids = FolderTokenizer(made).tokenize([TEXTS[0]])[0][0]
    wanted = QuestionEncoder(made, FolderTokenizer(made)).encode(ids.tolist()).vector
    save_file(weights, made / "model.safetensors")
    assert QuestionEncoder(made, FolderTokenizer(made)).encode(ids.tolist()).vector @ wanted > 0.999
    special = FolderTokenizer(made).special
    assert float(Bert(made, special=special, precision=torch.float32).embed(ids) @ torch.from_numpy(wanted)) > 0.999


def test_a_vocabulary_alone_is_a_tokenizer_too(tmp_path):
    made = make_encoder(tmp_path / "e")
    known = FolderTokenizer(made)
    ids = known.tokenize(TEXTS)
    vocabulary = json.loads((made / "tokenizer.json").read_text())["model"]["vocab"]
    (made / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)) + "\n")
    (made / "tokenizer.json").unlink()
    again = FolderTokenizer(made)
    assert again.special == known.special
    for one, two in zip(ids, again.tokenize(TEXTS), strict=True):
        assert np.array_equal(one[0], two[0])
        assert np.array_equal(one[1], two[1])
    before = tokenizer_digest(made)
    (made / "tokenizer_config.json").write_text('{"do_lower_case": false, "cls_token": {"content": "[CLS]"}}')
    assert tokenizer_digest(made) != before
    cased = FolderTokenizer(made)
    assert cased.special == known.special
    assert cased.tokenize(["Tides"])[0][0].tolist() != known.tokenize(["Tides"])[0][0].tolist()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("small") / "bert", positions=300)


@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 290), min_size=1, max_size=14), seed=st.integers(0, 99), half=st.booleans())
def test_a_chunk_s_states_do_not_depend_on_its_neighbours(small, lengths, seed, half):
    precision = torch.bfloat16 if half else torch.float32
    bert = Bert(small, special=(2, 3), precision=precision, device="cpu")
    random = np.random.default_rng(seed)
    chunks = [random.integers(5, 1000, length).astype(np.int32) for length in lengths]
    together = bert.states(chunks)
    alone = torch.cat([bert.states([ids]) for ids in chunks])
    backwards = bert.states(chunks[::-1]).split([len(ids) for ids in chunks[::-1]])
    assert torch.equal(together, alone)
    assert torch.equal(together, torch.cat(backwards[::-1]))


def config_with(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mpnet"}, "a model of type mpnet; expected one of bert, distilbert, roberta, xlm-roberta"),
        ({"model_type": None}, "of type None"),
        ({"position_embedding_type": "relative_key"}, "its positions are not absolute"),
        ({"hidden_act": "swish"}, "unknown activation 'swish'"),
        ({"num_attention_heads": 7}, "48 dimensions cannot be divided by 7 heads"),
        ({"hidden_size": "many"}, "does not describe an encoder"),
        ({"max_position_embeddings": 8}, "8 positions"),
        ({"is_decoder": True}, "it is a decoder"),
    ],
)
def test_other_models_are_refused_by_name(small, tmp_path, changes, message):
    shutil.copytree(small, tmp_path / "e")
    config_with(tmp_path / "e", **changes)
    with pytest.raises(UsageError, match=message):
        read_encoder_config(tmp_path / "e")


def test_folders_without_whole_weights_say_what_is_there(small, tmp_path):
    made = tmp_path / "e"
    with pytest.raises(ModelMissingError, match="the folder does not exist"):
        read_encoder_config(made)
    shutil.copytree(small, made)
    (made / "model.safetensors").unlink()
    with pytest.raises(ModelMissingError, match=r"model\.safetensors does not exist"):
        read_encoder_config(made)
    (made / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelMissingError, match="a pickle, which is never read"):
        read_encoder_config(made)
    (made / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ModelMissingError, match="several files"):
        read_encoder_config(made)
    (made / "model.safetensors").write_bytes(b"")
    (made / "config.json").write_text("[]")
    with pytest.raises(ModelMissingError, match=r"config\.json .*expected a JSON object"):
        read_encoder_config(made)
    (made / "tokenizer.json").write_text("{")
    with pytest.raises(ModelMissingError, match=r"cannot read the encoder's tokenizer\.json"):
        FolderTokenizer(made)
    (made / "tokenizer.json").unlink()
    with pytest.raises(ModelMissingError, match=r"no tokenizer\.json and no vocab\.txt"):
        FolderTokenizer(made)


def test_weights_of_another_shape_than_config_says_are_refused(small, tmp_path):
    shutil.copytree(small, tmp_path / "e")
    config_with(tmp_path / "e", max_position_embeddings=4000)
    for encoder in (Bert, QuestionEncoder):
        with pytest.raises(ModelMissingError, match="shape does not match"):
            encoder(tmp_path / "e")
    config_with(tmp_path / "e", max_position_embeddings=300, num_hidden_layers=3)
    for encoder in (Bert, QuestionEncoder):
        with pytest.raises(ModelMissingError, match="cannot read the encoder's weights"):
            encoder(tmp_path / "e")


# --- prompts --------------------------------------------------------------------------------------


def test_prompts_are_read_where_sentence_transformers_keeps_them(tmp_path):
    made = make_encoder(tmp_path / "own")
    assert read_prompts(made) == ("", "")
    for prompts, wanted in (
        ({"query": "query: ", "passage": "passage: "}, ("query: ", "passage: ")),
        ({"query": "ask: ", "document": "text: ", "other": 3}, ("ask: ", "text: ")),
        ({"query": "", "document": ""}, ("", "")),
        ([], ("", "")),
    ):
        (made / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}), encoding="utf-8")
        assert read_prompts(made) == wanted
    (made / "config_sentence_transformers.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelMissingError, match="cannot read the encoder's config_sentence_transformers"):
        read_prompts(made)


@pytest.mark.parametrize(
    ("name", "prompted"),
    [
        ("multilingual-e5-small", True),
        ("models--intfloat--e5-base-v2/snapshots/1", True),
        ("multilingual-e5-large-instruct", False),
        ("bge-small", False),
        ("e50-small", False),
    ],
)
def test_the_prompts_of_e5_are_known_by_its_name(tmp_path, name, prompted):
    made = make_encoder(tmp_path / name)
    assert read_prompts(made) == (("query: ", "passage: ") if prompted else ("", ""))


def test_a_prompt_is_read_with_a_question_and_has_no_states(tmp_path):
    made = make_encoder(tmp_path / "own")
    plain, prompted = FolderTokenizer(made), FolderTokenizer(made, EncoderPrompts("the tide: ", "the light: "))
    ids = plain.tokenize([TEXTS[0]])[0][0].tolist()
    prompt = plain.tokenize(["the tide: "])[0][0].tolist()
    assert prompted.query_prompt.tolist() == prompt and not len(plain.query_prompt)
    wanted = QuestionEncoder(made, plain).encode([*prompt, *ids])
    encoder = QuestionEncoder(made, prompted)
    assert np.array_equal(encoder.encode(ids).vector, wanted.vector)
    assert np.array_equal(encoder.encode(ids).states, wanted.states[len(prompt) :])
    assert encoder.max_tokens == QuestionEncoder(made, plain).max_tokens - len(prompt)
