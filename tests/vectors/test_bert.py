"""The encoders against the reference implementation, on the real weights."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.errors import ModelMissingError
from crystalcli.vectors import (
    VOCABULARY,
    Bert,
    QuestionEncoder,
    default_scales,
    default_tokenizer,
    has_native_bfloat16,
)
from crystalcli.vectors import bert as bert_module
from crystalcli.vectors.bert import _packs
from crystalcli.vectors.question_encoder import _times_weight

TOPICS = [
    "tides",
    "the keeper's brass key",
    "def parse(record): return record",
    "Größe und Gewicht",
    "中文 mixed with English",
    "e = mc²",
]
FORMS = [
    "{}",
    "What do we know about {}?",
    "It was said of {} that nobody could tell; and yet, in the end, everybody did.",
    "{} " * 12,
    "A long sentence about {} " + "which goes on and on, with commas, " * 12 + "and ends.",
    "{}\n\n\tTabs, newlines and (punctuation) — “quoted”… 3.14159 / 2 = 1.57080 #{}",
]
TEXTS = [form.replace("{}", f"{topic} {number}") for topic in TOPICS for number, form in enumerate(FORMS)]
TEXTS += [
    f"Sample sentence number {i} about subject {i * 7 % 13} and {'word ' * (i * 3)}" for i in range(100 - len(TEXTS))
]


@pytest.fixture(scope="module")
def reference(encoder_folder, tmp_path_factory):
    """sentence-transformers over the same weights: 100 embeddings, unit length."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertTokenizerFast

    folder = tmp_path_factory.mktemp("reference")
    for name in ("model.safetensors", "config.json"):
        (folder / name).symlink_to(encoder_folder / name)
    BertTokenizerFast(vocab=str(VOCABULARY), do_lower_case=True).save_pretrained(folder)
    module = Transformer(str(folder), max_seq_length=256)
    model = SentenceTransformer(modules=[module, Pooling(384, "mean")], device="cpu")
    return model.encode(TEXTS, normalize_embeddings=True), model


@pytest.fixture(scope="module")
def token_ids():
    return [ids[:254] for ids, _ in default_tokenizer().tokenize(TEXTS)]


def test_tokens_equal_the_reference_s(reference, token_ids):
    tokenizer = reference[1].tokenizer
    for text, ids in zip(TEXTS, token_ids, strict=True):
        assert tokenizer(text, add_special_tokens=False, truncation=True, max_length=254)["input_ids"] == ids.tolist()


def test_the_encoder_equals_sentence_transformers_in_float32(reference, token_ids, encoder_folder):
    bert = Bert(encoder_folder, precision=torch.float32, device="cpu")
    for ids, wanted in zip(token_ids, reference[0], strict=True):
        assert float(bert.embed(ids) @ torch.from_numpy(wanted)) > 0.999


def test_the_encoder_in_the_precision_used_is_near(reference, token_ids, encoder_folder):
    precision = torch.bfloat16 if has_native_bfloat16() else torch.float32
    bert = Bert(encoder_folder, precision=precision, device="cpu")
    for ids, wanted in zip(token_ids, reference[0], strict=True):
        assert float(bert.embed(ids) @ torch.from_numpy(wanted)) > 0.99


def test_the_question_encoder_equals_sentence_transformers(reference, token_ids, encoder_folder):
    encoder = QuestionEncoder(encoder_folder)
    for ids, wanted in zip(token_ids, reference[0], strict=True):
        assert float(encoder.encode(ids.tolist()).vector @ wanted) > 0.9999


@pytest.mark.parametrize("tokens", [1, 3, 17, 60, 254])
def test_a_product_in_pieces_is_the_whole_product(tokens):
    random = np.random.default_rng(tokens)
    for outputs, inputs in ((384, 384), (1536, 384), (384, 1536), (50, 7)):
        x = random.normal(size=(tokens, inputs)).astype(np.float32)
        weight = random.normal(size=(outputs, inputs)).astype(np.float32)
        assert np.allclose(_times_weight(x, weight), x @ weight.T, atol=1e-3)


def test_batches_with_padding_give_the_states_of_each_alone(token_ids, encoder_folder):
    bert = Bert(encoder_folder, precision=torch.float32, device="cpu")
    together = bert.states(token_ids[:40])
    alone = torch.cat([bert.states([ids]) for ids in token_ids[:40]])
    assert torch.allclose(together, alone, atol=1e-4)
    question = QuestionEncoder(encoder_folder).encode(token_ids[3].tolist()).states
    single = torch.nn.functional.normalize(bert.states([token_ids[3]]), dim=1).numpy()
    assert np.allclose(question, single, atol=1e-4)


@given(st.lists(st.integers(3, 256), min_size=1, max_size=60), st.integers(1, 4))
def test_packs_hold_every_chunk_once_and_give_threads_equal_work(lengths, threads):
    order = sorted(range(len(lengths)), key=lambda index: lengths[index])
    packs = _packs(order, lengths, threads)
    assert [index for pack in packs for index in pack] == order
    total = sum(lengths)
    rounds = -(-total // (threads * 512))
    assert len(packs) <= threads * rounds
    assert all(sum(lengths[index] for index in pack) <= total / (threads * rounds) + 256 for pack in packs)


def test_weights_are_loaded_by_one_thread(encoder_folder, monkeypatch):
    threads: list[int] = []
    load = bert_module.load_file

    def noted(path: str) -> dict[str, torch.Tensor]:
        threads.append(torch.get_num_threads())
        return load(path)

    monkeypatch.setattr(bert_module, "load_file", noted)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        Bert(encoder_folder, device="cpu")
        assert threads == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_chunks_that_are_begun_beside_others_have_the_same_states(token_ids, encoder_folder):
    bert = Bert(encoder_folder, scales=default_scales(), threads=2)
    halves = token_ids[::2], token_ids[1::2]
    alone = [bert.states(half) for half in halves]
    taken: list[dict[int, torch.Tensor]] = [{}, {}]
    before, threads = torch.get_num_threads(), threading.active_count()
    waits = [bert.begin_each(half, states.__setitem__) for half, states in zip(halves, taken, strict=True)]
    for wait in waits:
        wait()
    assert torch.get_num_threads() == before
    assert threading.active_count() == threads  # they keep the memory of all shapes that they met
    for half, states, whole in zip(halves, taken, alone, strict=True):
        assert torch.equal(torch.cat([states[index] for index in range(len(half))]), whole)


def test_what_fails_in_a_thread_is_raised_by_the_wait(token_ids, encoder_folder):
    bert = Bert(encoder_folder, scales=default_scales(), threads=2)

    def refuse(index: int, _: torch.Tensor) -> None:
        raise IndexError(f"chunk {index}")

    wait = bert.begin_each(token_ids, refuse)
    with pytest.raises(IndexError, match="chunk"):
        wait()
    assert len(bert.states(token_ids)) == sum(map(len, token_ids))


def test_ids_alone_are_those_that_come_with_their_places():
    texts = ["The Pequod, of Nantucket.", "", "Übung näher 海", "a" * 120]
    tokenizer = default_tokenizer()
    for ids, (same, _) in zip(tokenizer.token_ids(texts), tokenizer.tokenize(texts), strict=True):
        assert ids.dtype == same.dtype
        assert ids.tolist() == same.tolist()


def test_empty_chunks_have_no_states(encoder_folder):
    bert = Bert(encoder_folder, precision=torch.float32, device="cpu")
    empty = np.zeros(0, np.int32)
    assert bert.states([empty, np.array([2054], np.int32), empty]).shape == (1, 384)
    assert bert.states([]).shape == (0, 384)


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0{}      ", b"nonsense" * 100])
def test_unreadable_weights_are_named(tmp_path, encoder_folder, content):
    shutil.copy(encoder_folder / "config.json", tmp_path)
    if content is not None:
        (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelMissingError, match="cannot read the encoder's weights"):
        Bert(tmp_path, device="cpu")
    with pytest.raises(ModelMissingError, match="cannot read the encoder's weights"):
        QuestionEncoder(tmp_path)
