"""Small models of the BERT family with random weights, in folders as Hugging Face's libraries lay them out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.repository import SAMPLES

SPECIAL = {
    "bert": ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
    "roberta": ["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
}


def make_encoder(
    folder: Path, kind: str = "bert", *, size: int = 48, positions: int = 128, seed: int = 0, **settings: Any
) -> Path:
    """A model of type `kind`, `size` dimensions and `positions` positions for tokens, with a tokenizer trained on the samples."""
    import torch
    from transformers import AutoConfig, AutoModel

    folder.mkdir(parents=True, exist_ok=True)
    family = "roberta" if "roberta" in kind else "bert"
    vocabulary = _tokenizer(folder, kind)
    shape = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 2 * size, "hidden_size": size}
    if kind == "distilbert":
        shape = {"n_layers": 2, "n_heads": 4, "hidden_dim": 2 * size, "dim": size}
    pad = SPECIAL[family].index("[PAD]" if family == "bert" else "<pad>")
    rows = positions + (pad + 1 if family == "roberta" else 0)
    config = AutoConfig.for_model(
        kind, vocab_size=vocabulary, max_position_embeddings=rows, pad_token_id=pad, **shape, **settings
    )
    torch.manual_seed(seed)
    model = AutoModel.from_config(config)
    with torch.no_grad():  # as they begin, biases are 0 and normalisations 1: nothing would tell them apart
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    return folder


def _tokenizer(folder: Path, kind: str) -> int:
    """Train and save a tokenizer of the model's kind; the size of its vocabulary."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    texts = [path.read_text(encoding="utf-8") for path in sorted((SAMPLES / "story").glob("*.md"))]
    if kind in ("bert", "distilbert"):
        special = SPECIAL["bert"]
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=kind == "bert")
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=1500, special_tokens=special, show_progress=False)
        ends = ("[CLS]", "[SEP]")
    elif kind == "roberta":
        special = SPECIAL["roberta"]
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=1500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
        ends = ("<s>", "</s>")
    else:
        special = SPECIAL["roberta"]
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
        trainer = trainers.UnigramTrainer(
            vocab_size=1500, special_tokens=special, unk_token="<unk>", show_progress=False
        )
        ends = ("<s>", "</s>")
    tokenizer.train_from_iterator(texts, trainer)
    first, last = (tokenizer.token_to_id(name) for name in ends)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{ends[0]} $A {ends[1]}", pair=None, special_tokens=[(ends[0], first), (ends[1], last)]
    )
    tokenizer.enable_truncation(20)  # as published ones are often saved; it has to be switched off
    tokenizer.enable_padding(length=24)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"cls_token": ends[0], "sep_token": ends[1], "do_lower_case": kind == "bert"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return int(tokenizer.get_vocab_size())
